/*
 * The post's first patch, its ping test: sockets without a source get that of the new route.
 *
 * Kept on purpose, each in its place and order:
 *
 *   - inet_sk() is a cast and its test for NULL never fails: every skb->sk is taken for a full inet socket.
 *   - The key carries no protocol, ports, user or L3 domain; ip_route_reroute() asks XFRM nothing.
 *   - A failed lookup sets the verdict and goes on: the source may still be rewritten (to 0 where the lookup found
 *     none), and ip_route_me_harder() is called, too.
 *   - The header pointer stays as it was when the packet's data moves.
 *
 * Adapted to 6.1, and why:
 *
 *   - skb->sk stays the socket that is changed. ip_route_me_harder() now takes a namespace and a socket; it gets
 *     state->net and state->sk, as in the stock function.
 *   - ipt_do_table(priv, skb, state): the table is the hook's private argument, hook and namespace are in the state.
 *   - The test for a short header at the top can be true on 4.1 only: raw_send_hdrinc() refuses such packets since.
 *   - The early return when the packet has not changed replaces two levels of nesting. The branches are the same.
 */
#include "reroute.h"

static unsigned int
ipt_mangle_out(void *priv, struct sk_buff *skb,
	       const struct nf_hook_state *state)
{
	struct sock *sk = skb->sk;
	struct inet_sock *inet;
	struct iphdr *iph;
	__be32 saddr, daddr;
	unsigned int ret;
	int recheck = 0;
	u_int32_t mark;
	u_int8_t tos;
	int err;

	/* root is playing with raw sockets. */
	if (skb->len < sizeof(struct iphdr) ||
	    ip_hdrlen(skb) < sizeof(struct iphdr))
		return NF_ACCEPT;

	mark = skb->mark;
	iph = ip_hdr(skb);
	saddr = iph->saddr;
	daddr = iph->daddr;
	tos = iph->tos;

	ret = ipt_do_table(priv, skb, state);
	if (ret == NF_DROP || ret == NF_STOLEN)
		return ret;

	iph = ip_hdr(skb);
	if (iph->saddr == saddr && iph->daddr == daddr &&
	    skb->mark == mark && iph->tos == tos)
		return ret;

	if (sk) {
		inet = inet_sk(sk);

		if (inet && !inet->inet_saddr) {
			struct flowi4 fl4 = {};

			fl4.saddr = 0;
			fl4.daddr = iph->daddr;
			fl4.flowi4_tos = RT_TOS(iph->tos);
			fl4.flowi4_oif = sk->sk_bound_dev_if;
			fl4.flowi4_mark = skb->mark;
			fl4.flowi4_flags = inet_sk_flowi_flags(sk);

			err = ip_route_reroute(skb, &fl4);
			if (err < 0)
				ret = NF_DROP_ERR(err);
			else
				recheck = 1;
			if (saddr != fl4.saddr) {
				iph->saddr = fl4.saddr;
				inet->inet_saddr = fl4.saddr;
				ip_send_check(iph);
			}
		}
	}
	if (!recheck) {
		err = ip_route_me_harder(state->net, state->sk, skb, RTN_UNSPEC);
		if (err < 0)
			ret = NF_DROP_ERR(err);
	}

	return ret;
}
