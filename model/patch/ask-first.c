/*
 * The smallest design that is right: connect() and sendmsg() ask the mangle table before they choose a source, and choose
 * it by the mark that the packet will get. From there on it is as if the user had given that address, and the mark with
 * SO_MARK, for the message, for the connection or, with connect(), for whatever a datagram socket sends from there: nothing
 * moves, nothing is repaired, and the hook of mangle OUTPUT stays as it is.
 *
 * What it needs outside of this text: conformance/patched/glue.patch calls ipt_mangle_source() in ip_route_connect(),
 * udp_sendmsg(), ping_v4_sendmsg() and raw_sendmsg(), where nobody has given a source, with a packet that nobody sends. It
 * has the header, the first bytes behind it, the owner and the route that the packet would have. reroute_ask() lets the hooks
 * of LOCAL_OUT see it, up to the mangle table, reroute_ask_later() those behind it; the counter of xt_statistic and the mark
 * of a connection are then as before.
 *
 * Decisions:
 *
 *   - The packet is shown once more, with the source and the mark that it would get, and on its route. What rules then say
 *     must lead it by that route; else it keeps what it has without the patch, and so does what later rules drop anyway.
 *   - What connect() cannot know is not known: a port that comes later, the length of data, and what a rule will say of
 *     later packets. A rule that asks for these may mark what was not asked, and that leaves as without the patch.
 *   - Left alone: who gave a source or link; what answers, as connection tracking knows it, and what a UDP socket sends
 *     from a port that it was bound to, which may; raw sockets but for ICMP, whose user makes the checksum; marks of nf_tables.
 */
#include "reroute.h"
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

/* The key of the lookup that chooses the source: connect() and sendmsg() put the user into it, and protocol and ports,
 * whether rules ask for them or not.
 */
static void reroute_first_flow(struct net *net, struct sk_buff *skb, const struct sock *sk,
			       struct flowi4 *fl4)
{
	reroute_flow(net, skb, sk, fl4);
	fl4->flowi4_uid = sk->sk_uid;
	fl4->flowi4_proto = ip_hdr(skb)->protocol;
	switch (fl4->flowi4_proto) {
	case IPPROTO_TCP:
		fl4->fl4_sport = tcp_hdr(skb)->source;
		fl4->fl4_dport = tcp_hdr(skb)->dest;
		break;
	case IPPROTO_UDP:
		fl4->fl4_sport = udp_hdr(skb)->source;
		fl4->fl4_dport = udp_hdr(skb)->dest;
		break;
	case IPPROTO_ICMP:
		/* Type and code lie where a port would. */
		fl4->fl4_dport = htons(icmp_hdr(skb)->type << 8 | icmp_hdr(skb)->code);
		break;
	}
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
	struct flowi4 fl4;
	struct sock *sk = skb->sk;
	__be32 saddr = iph->saddr;
	u32 mark = skb->mark, given;
	u8 tos = iph->tos, given_tos;

	if (!reroute_is_free(sk, skb))
		return saddr;
	if (reroute_ask(priv, skb, state) != NF_ACCEPT || reroute_is_reply(skb))
		return saddr;
	iph = ip_hdr(skb);
	given = skb->mark;
	given_tos = iph->tos;
	if (given == mark && given_tos == tos)
		return saddr;

	reroute_first_flow(net, skb, sk, &fl4);
	/* connect() has no port yet. */
	if (sk_is_tcp(sk) && !fl4.fl4_sport && reroute_ports_decide(net, &fl4))
		return saddr;
	if (!reroute_leads_elsewhere(net, &fl4, saddr, saddr, mark, tos))
		return saddr;
	if (!reroute_take_source(net, &fl4))
		return saddr;
	if (!reroute_leads_elsewhere(net, &fl4, fl4.saddr, saddr, mark, tos))
		return saddr;
	if (ip_route_reroute(skb, &fl4) < 0 || !fl4.saddr || fl4.saddr == saddr)
		return saddr;

	/* Once more, as what will be sent: what rules say of it must lead there, too. */
	iph = ip_hdr(skb);
	iph->saddr = fl4.saddr;
	iph->tos = tos;
	if (reroute_ask(priv, skb, state) != NF_ACCEPT)
		return saddr;
	iph = ip_hdr(skb);
	fl4.flowi4_oif = sk->sk_bound_dev_if;
	if (reroute_leads_elsewhere(net, &fl4, fl4.saddr, fl4.saddr, skb->mark, iph->tos))
		return saddr;
	if (reroute_ask_later(skb, state, skb_dst(skb)->dev) != NF_ACCEPT) {
		/* What is dropped from both sources gets none. */
		iph->saddr = saddr;
		if (reroute_ask_later(skb, state, state->out) != NF_ACCEPT)
			return saddr;
	}
	skb->mark = given;
	return fl4.saddr;
}
