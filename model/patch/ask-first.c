/*
 * The smallest design that is right: connect() and sendmsg() ask the mangle table before they choose a source, and choose
 * it by the mark that the packet will get. From there on it is as if the user had given that address, and the mark with
 * SO_MARK, for the message, for the connection or, with connect(), for whatever a datagram socket sends from there: nothing
 * moves, nothing is repaired, and the hook of mangle OUTPUT stays as it is.
 *
 * What it needs outside of this text: conformance/patched/glue.patch calls ipt_mangle_source() in ip_route_connect(),
 * udp_sendmsg(), ping_v4_sendmsg() and raw_sendmsg(), where nobody has given a source, with a packet that nobody sends. It
 * has the header, the first bytes behind it, the owner and the route that the packet would have. reroute_ask() lets the hooks
 * of LOCAL_OUT see it, up to the mangle table; the counter of xt_statistic and the mark of a connection are then as before.
 *
 * Decisions:
 *
 *   - The packet is shown once more, with the source and the mark that it would get, and on its route. What rules then say
 *     must lead it by that route. If it does not, the source alone is tried, with the mark that it has without the patch: a
 *     rule that looks at the link sees the first one then. If that leads elsewhere, too, the packet keeps what it has without
 *     the patch.
 *   - What rules drop is dropped from the right source, too, and sent from there when they let it pass.
 *   - What connect() cannot know is not known: a port that comes later, the length of data, and what a rule will say of
 *     later packets. A rule that asks for these may mark what was not asked, and that leaves as without the patch.
 *   - Left alone: who gave a source or link, or refuses gateways; what answers, as connection tracking knows it, and what a UDP
 *     socket sends from a port that it was bound to, which may, also to the peer that it connects to then; raw sockets but for
 *     ICMP, whose user makes the checksum; marks of nf_tables.
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

/* The packet as it will be sent: from that source, with that mark, on the route that connect() or sendmsg() will find. */
static int reroute_begin(struct sk_buff *skb, const struct flowi4 *fl4, u32 mark, u8 tos)
{
	struct iphdr *iph = ip_hdr(skb);
	struct flowi4 first = *fl4;

	iph->saddr = fl4->saddr;
	iph->tos = tos;
	skb->mark = mark;
	first.flowi4_mark = mark;
	first.flowi4_tos = RT_TOS(tos);
	return ip_route_reroute(skb, &first);
}

/* Whether it leaves by the route of its source after what rules have said of it: ip_route_me_harder() looks up what
 * they change, with a key of its own.
 */
static bool reroute_arrives(struct net *net, struct sk_buff *skb, const struct sock *sk,
			    const struct flowi4 *fl4, u32 mark, u8 tos)
{
	struct flowi4 now;

	if (skb->mark == mark && ip_hdr(skb)->tos == tos)
		return !reroute_leads_elsewhere(net, fl4, fl4->saddr, fl4->saddr, mark, tos);
	reroute_flow(net, skb, sk, &now);
	return reroute_take_source(net, &now) && now.saddr == fl4->saddr;
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
	u8 tos = iph->tos;

	if (!reroute_is_free(sk, skb))
		return saddr;
	/* Rules that drop it may let it pass from the other source, or the next one. */
	reroute_ask(priv, skb, state);
	if (reroute_is_reply(skb))
		return saddr;
	given = skb->mark;
	if (given == mark && ip_hdr(skb)->tos == tos)
		return saddr;

	reroute_first_flow(net, skb, sk, &fl4);
	/* connect() has no port yet. */
	if (sk_is_tcp(sk) && !fl4.fl4_sport && reroute_ports_decide(net, &fl4))
		return saddr;
	if (!reroute_leads_elsewhere(net, &fl4, saddr, saddr, mark, tos))
		return saddr;
	if (!reroute_take_source(net, &fl4) || !fl4.saddr || fl4.saddr == saddr)
		return saddr;
	if (!reroute_leads_elsewhere(net, &fl4, fl4.saddr, saddr, mark, tos))
		return saddr;

	/* Once more, as what will be sent: what rules say of it must lead there, too. */
	if (reroute_begin(skb, &fl4, given, tos) < 0)
		return saddr;
	if (reroute_ask(priv, skb, state) != NF_ACCEPT ||
	    !reroute_arrives(net, skb, sk, &fl4, given, tos)) {
		/* Else from there without the mark: a rule that looks at the link gives it as before. */
		given = mark;
		if (reroute_begin(skb, &fl4, given, tos) < 0)
			return saddr;
		reroute_ask(priv, skb, state);
		if (!reroute_arrives(net, skb, sk, &fl4, given, tos))
			return saddr;
	}
	skb->mark = given;
	return fl4.saddr;
}
