/*
 * The smallest design that is right: connect() and sendmsg() ask the mangle table before they choose a source, and choose
 * it by the mark that the packet will get. From there on it is as if the user had given that address, and the mark with
 * SO_MARK, for the message or, by connect(), for the socket: nothing moves, nothing is repaired, and the hook of mangle OUTPUT stays as it is.
 *
 * What it needs outside of this text: conformance/patched/glue.patch calls ipt_mangle_source() in ip_route_connect(),
 * udp_sendmsg(), ping_v4_sendmsg() and raw_sendmsg(), where nobody has given a source, with a packet that nobody sends. It
 * has the header, the first bytes behind it, the owner and the route that the packet would have. reroute_ask() lets the hooks
 * of LOCAL_OUT see it, up to the mangle table; the counter of xt_statistic and the mark of a connection are then as before.
 *
 * Decisions:
 *
 *   - The packet starts with the mark that it would get. Rules that look at source or mark must then lead it there, too; else
 *     it keeps what it has without the patch.
 *   - What connect() cannot know is not known: a port that comes later, the length of data, and what a rule will say of
 *     later packets. A rule that asks for these may mark what was not asked, and that leaves as without the patch.
 *   - Left alone: who gave a source or link; what answers, as connection tracking knows it, and what a UDP socket sends
 *     from a port that it was bound to, which may; raw sockets but for ICMP, whose user makes the checksum; marks of nf_tables.
 */
#include "choice.h"

/* Whether the kernel may choose the source, and no checksum of the user covers it. */
static bool reroute_is_free(const struct sock *sk, const struct sk_buff *skb)
{
	u8 protocol = ip_hdr(skb)->protocol;

	if (sk_is_tcp(sk))
		return true;
	if (inet_sk(sk)->hdrincl || inet_sk(sk)->uc_index)
		return false;
	if (protocol == IPPROTO_UDP)
		return sk->sk_type != SOCK_RAW && !(sk->sk_userlocks & SOCK_BINDPORT_LOCK);
	return protocol == IPPROTO_ICMP;
}

/*
 * The source for a packet that is about to be made, as far as it is known; its mark is what it is to start with. It
 * comes with the source of the first lookup, and keeps that where a mark changes nothing.
 */
static __be32
ipt_mangle_source(void *priv, struct sk_buff *skb,
		  const struct nf_hook_state *state)
{
	struct iphdr *iph = ip_hdr(skb);
	struct net *net = state->net;
	struct flowi4 fl4, again;
	struct rtable *rt, *now;
	struct sock *sk = skb->sk;
	__be32 saddr = iph->saddr;
	u32 mark = skb->mark, given;
	u8 tos = iph->tos;
	bool same;

	if (!reroute_is_free(sk, skb))
		return saddr;
	if (reroute_ask(priv, skb, state) != NF_ACCEPT || reroute_is_reply(skb))
		return saddr;
	iph = ip_hdr(skb);
	given = skb->mark;
	if (given == mark && iph->tos == tos)
		return saddr;

	reroute_flow(net, skb, sk, &fl4);
	if (!reroute_leads_elsewhere(net, &fl4, saddr, mark, tos) ||
	    !reroute_leads_back(net, &fl4))
		return saddr;
	rt = ip_route_output_key(net, &fl4);
	if (IS_ERR(rt))
		return saddr;
	ip_rt_put(rt);
	if (!fl4.saddr || fl4.saddr == saddr)
		return saddr;

	/* Once more, as what will be sent: it must be led there, and from there. */
	iph->saddr = fl4.saddr;
	iph->tos = tos;
	if (reroute_ask(priv, skb, state) != NF_ACCEPT)
		return saddr;
	reroute_flow(net, skb, sk, &again);
	if (!reroute_leads_back(net, &again))
		return saddr;
	now = ip_route_output_key(net, &again);
	if (IS_ERR(now))
		return saddr;
	same = now->dst.dev == rt->dst.dev && again.saddr == fl4.saddr;
	ip_rt_put(now);
	skb->mark = given;
	return same ? fl4.saddr : saddr;
}
