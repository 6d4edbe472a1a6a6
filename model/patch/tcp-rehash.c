/*
 * The post's second patch, its Netcat test: as icmp-only.c, and the first SYN and its socket move to the new source, too.
 *
 * Kept on purpose, besides what icmp-only.c says:
 *
 *   - The jump over the initialiser of the key.
 *   - A failed lookup no longer leads to ip_route_me_harder().
 *   - inet_unhash() and inet_put_port() without a look at the state, the type of the socket or its bind locks.
 *   - inet->cork.fl, sk_dst_cache, sk_v6_rcv_saddr, ISN and the Fast Open cookie keep the first address.
 *   - The checksum of TCP is adjusted on the assumption that it was made for the old address. That of UDP is left.
 *   - A positive errno is returned as the verdict.
 *
 * Adapted to 6.1, and why:
 *
 *   - tcp_death_row belongs to the namespace: sock_net(sk)->ipv4.tcp_death_row.
 *   - 6.1 keeps a second bind table by address. The post could not know inet_bhash2_update_saddr(); inet_rcv_saddr is
 *     written directly, as there. inet_put_port() then takes the lock of the wrong bhash2 bucket, but unlinks the
 *     right entry.
 *   - What the jump leaves in the fields that the six assignments do not reach is what the stack held, and
 *     CONFIG_INIT_STACK_ALL_ZERO does not help: the jump passes its zeroing, too. Taken literally, gcc 12.2 leaves
 *     return addresses and pointers there (conformance/patched/NOTES.md). On 6.1 one of their bytes is flowi4_scope,
 *     which the lookup no longer sets itself; a scope other than 0 excludes every route through a gateway, and most
 *     SYNs are dropped. The post's kernel sets the scope in the lookup; there the SYNs went out. A test also has to
 *     choose its garbage. So the key is filled by hand before the jump, see reroute_fill_key().
 *   - The test that is switched off in the post (`tp->tcp_header_len == skb->len`) is one of those in syn-filters.h.
 */
#include "reroute.h"
#include "syn-filters.h"

static unsigned int
ipt_mangle_out(void *priv, struct sk_buff *skb,
	       const struct nf_hook_state *state)
{
	struct sock *sk = skb->sk;
	struct tcphdr *th = NULL;
	struct inet_sock *inet;
	struct iphdr *iph;
	__be32 saddr, daddr;
	struct flowi4 fl4;
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
		if (inet && iph->protocol == IPPROTO_TCP) {
			th = tcp_hdr(skb);
			if ((tcp_flag_word(th) & TCP_FLAG_SYN) &&
			    !(tcp_flag_word(th) & TCP_FLAG_ACK) &&
			    reroute_syn_filter(state->net, sk, skb)) {
				memset(&fl4, 0, sizeof(fl4));
				reroute_fill_key(state->net, &fl4);
				goto doit;
			}
		}

		if (inet && !inet->inet_saddr) {
			memset(&fl4, 0, sizeof(fl4));
doit:
			fl4.saddr = 0;
			fl4.daddr = iph->daddr;
			fl4.flowi4_tos = RT_TOS(iph->tos);
			fl4.flowi4_oif = sk->sk_bound_dev_if;
			fl4.flowi4_mark = skb->mark;
			fl4.flowi4_flags = inet_sk_flowi_flags(sk);

			err = ip_route_reroute(skb, &fl4);
			if (err < 0)
				ret = NF_DROP_ERR(err);
			if (saddr != fl4.saddr) {
				iph->saddr = fl4.saddr;
				inet->inet_saddr = fl4.saddr;
				ip_send_check(iph);
				if (th) {
					__be16 oldport = th->source;

					inet->inet_rcv_saddr = inet->inet_saddr;
					inet_unhash(sk);
					inet_put_port(sk);
					err = inet_hash_connect(&sock_net(sk)->ipv4.tcp_death_row,
								sk);
					th->source = inet->inet_sport = htons(inet->inet_num);
					if (err) {
						/* A positive errno for a verdict. */
						ret = -err;
						goto out;
					}
					inet_proto_csum_replace2(&th->check, skb, oldport,
								 th->source, false);
					inet_proto_csum_replace4(&th->check, skb, saddr,
								 fl4.saddr, true);
				}
			}
			recheck = 1;
		}
	}
	if (!recheck) {
		err = ip_route_me_harder(state->net, state->sk, skb, RTN_UNSPEC);
		if (err < 0)
			ret = NF_DROP_ERR(err);
	}
out:
	return ret;
}
