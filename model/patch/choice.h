/*
 * Which packets may get another source, and which: what the mended texts and ask-first.c have in common. The key of a lookup
 * for a marked packet; whether the mark leads it elsewhere; the source of that route, if it leads by the same link.
 */
#ifndef REROUTE_CHOICE_H
#define REROUTE_CHOICE_H

/* Whether it answers a packet that came in first. */
static bool reroute_is_reply(const struct sk_buff *skb)
{
	enum ip_conntrack_info ctinfo;

	return nf_ct_get(skb, &ctinfo) && ctinfo >= IP_CT_IS_REPLY;
}

/* The packet as ip_route_me_harder() looks it up, which knows no user, but without a source. */
static void reroute_flow(struct net *net, struct sk_buff *skb, const struct sock *sk,
			 struct flowi4 *fl4)
{
	const struct iphdr *iph = ip_hdr(skb);
	struct flow_keys flkeys;

	memset(fl4, 0, sizeof(*fl4));
	fl4->daddr = iph->daddr;
	fl4->flowi4_tos = RT_TOS(iph->tos);
	fl4->flowi4_oif = sk->sk_bound_dev_if;
	fl4->flowi4_mark = skb->mark;
	fl4->flowi4_flags = inet_sk_flowi_flags(sk);
	fl4->flowi4_l3mdev = l3mdev_master_ifindex(skb_dst(skb)->dev);
	fib4_rules_early_flow_dissect(net, skb, fl4, &flkeys);
}

/* Whether the change of mark and TOS leads the packet elsewhere, from that source; nowhere is not elsewhere. */
static bool reroute_leads_elsewhere(struct net *net, const struct flowi4 *fl4, __be32 saddr,
				    __be32 old_saddr, u32 old_mark, u8 old_tos)
{
	struct flowi4 now = *fl4, before = *fl4;
	struct rtable *rt, *old;

	now.saddr = saddr;
	before.saddr = old_saddr;
	before.flowi4_mark = old_mark;
	before.flowi4_tos = RT_TOS(old_tos);
	old = ip_route_output_key(net, &before);
	if (IS_ERR(old))
		return true;
	ip_rt_put(old);
	rt = ip_route_output_key(net, &now);
	if (IS_ERR(rt))
		return false;
	ip_rt_put(rt);
	return rt->dst.dev != old->dst.dev || rt->rt_gw4 != old->rt_gw4;
}

/* Takes the source that the route for the packet prefers. Rules and paths may choose by
 * source: not one that leads by another link, or nowhere.
 */
static bool reroute_take_source(struct net *net, struct flowi4 *fl4)
{
	struct flowi4 chosen = *fl4;
	struct rtable *rt, *now;
	bool same;

	rt = ip_route_output_key(net, &chosen);
	if (IS_ERR(rt))
		return true;
	fl4->saddr = chosen.saddr;
	chosen = *fl4;
	now = ip_route_output_key(net, &chosen);
	if (IS_ERR(now)) {
		ip_rt_put(rt);
		return false;
	}
	same = now->dst.dev == rt->dst.dev;
	ip_rt_put(now);
	ip_rt_put(rt);
	return same;
}

#endif
