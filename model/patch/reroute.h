/*
 * What the texts share. They are C for Linux 6.1 (Debian's linux-source-6.1, 6.1.192): the test kernel includes them in
 * net/ipv4/netfilter/iptable_mangle.c (conformance/patched/glue.patch), and the model compiles them.
 */
#ifndef REROUTE_H
#define REROUTE_H

/*
 * ip_route_me_harder() with the caller's key: no test of the source's address
 * type, no second XFRM lookup.
 */
static inline int ip_route_reroute(struct sk_buff *skb, struct flowi4 *fl4)
{
	struct net *net = dev_net(skb_dst(skb)->dev);
	unsigned int hh_len;
	struct rtable *rt;

	rt = ip_route_output_key(net, fl4);
	if (IS_ERR(rt))
		return PTR_ERR(rt);

	skb_dst_drop(skb);
	skb_dst_set(skb, &rt->dst);
	if (skb_dst(skb)->error)
		return skb_dst(skb)->error;

	/* May move the packet; the callers keep their old header pointers. */
	hh_len = skb_dst(skb)->dev->hard_header_len;
	if (skb_headroom(skb) < hh_len &&
	    pskb_expand_head(skb, HH_DATA_ALIGN(hh_len - skb_headroom(skb)),
			     0, GFP_ATOMIC))
		return -ENOMEM;

	return 0;
}

/*
 * What the stack held where the key has no initialiser: net.ipv4.reroute_key_fill.
 * The low byte is the scope, the next the protocol, the upper half user, L3 domain
 * and both ports. Fill 0 is the lucky stack, on which what the post tested works.
 */
static inline void reroute_fill_key(struct net *net, struct flowi4 *fl4)
{
	unsigned int fill = READ_ONCE(net->ipv4.sysctl_reroute_key_fill);

	fl4->flowi4_scope = fill & 0xff;
	fl4->flowi4_proto = (fill >> 8) & 0xff;
	fl4->flowi4_uid = KUIDT_INIT(fill >> 16);
	fl4->flowi4_l3mdev = fill >> 16;
	fl4->fl4_sport = htons(fill >> 16);
	fl4->fl4_dport = htons(fill >> 16);
}

/* Whether a SYN asks for a Fast Open cookie or has one: those belong to an address. */
static inline bool reroute_has_cookie(struct net *net, const struct sk_buff *skb)
{
	struct tcp_fastopen_cookie foc = { .len = -1 };
	struct tcp_options_received opt = {};

	tcp_parse_options(net, skb, &opt, 0, &foc);
	return foc.len >= 0;
}

#endif
