/*
 * Conditions by which version 2 could choose the SYNs that it moves: the post's own, which it has switched off, and
 * those that come to mind for what it was to do. net.ipv4.reroute_syn_filter says which of them is on.
 */
#ifndef REROUTE_SYN_FILTERS_H
#define REROUTE_SYN_FILTERS_H

#include "reroute.h"

enum {
	SYN_FILTER_NONE,
	SYN_FILTER_HEADER_LEN,
	SYN_FILTER_HEADER_LEN_BEHIND_IP,
	SYN_FILTER_NO_PAYLOAD,
	SYN_FILTER_NO_FRAGMENTS,
	SYN_FILTER_NO_OPTION,
	SYN_FILTER_NO_OPTION_NO_PAYLOAD,
	SYN_FILTER_NO_REQUEST,
	SYN_FILTER_NOT_FAST_OPEN,
	SYN_FILTER_NO_SYN_DATA,
};

/* Whether that SYN is moved. */
static bool reroute_syn_filter(struct net *net, const struct sock *sk,
			       const struct sk_buff *skb)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	switch (READ_ONCE(net->ipv4.sysctl_reroute_syn_filter)) {
	case SYN_FILTER_HEADER_LEN:
		return tp->tcp_header_len == skb->len;
	case SYN_FILTER_HEADER_LEN_BEHIND_IP:
		return tp->tcp_header_len + ip_hdrlen(skb) == skb->len;
	case SYN_FILTER_NO_PAYLOAD:
		return skb->len == ip_hdrlen(skb) + tcp_hdrlen(skb);
	case SYN_FILTER_NO_FRAGMENTS:
		return skb->data_len == 0;
	case SYN_FILTER_NO_OPTION:
		return !reroute_has_cookie(net, skb);
	case SYN_FILTER_NO_OPTION_NO_PAYLOAD:
		return !reroute_has_cookie(net, skb) &&
		       skb->len == ip_hdrlen(skb) + tcp_hdrlen(skb);
	case SYN_FILTER_NO_REQUEST:
		return !tp->fastopen_req;
	case SYN_FILTER_NOT_FAST_OPEN:
		return !tp->syn_fastopen;
	case SYN_FILTER_NO_SYN_DATA:
		return !tp->syn_data;
	default:
		return true;
	}
}

#endif
