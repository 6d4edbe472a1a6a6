/*
 * Both of the post's patches with their faults as switches. A fault whose bit is set is left as it was published; without
 * any, this is what one could ask the author for. Conditions with `faults &` are there for the comparison only. A text that
 * includes this says first whether SYNs move: REROUTE_MOVES_SYN.
 *
 * What it needs outside of the hook: who chose a packet's source or link is not known there, IP_PKTINFO leaves the socket
 * as it was, and so does MSG_DONTROUTE. conformance/patched/glue.patch lets ip_cmsg_send() note it in the cookie, for the
 * second udp_sendmsg(), ping_v4_sendmsg() and raw_sendmsg(), ip_setup_cork() in the cork,
 * __ip_make_skb() and raw_send_hdrinc() in the packet (IPSKB_SADDR_GIVEN). Nor is known there what the rules behind the mangle
 * table will say: reroute_ask_later() shows them a copy that nobody sends.
 *
 * Decisions:
 *
 *   - A control socket is known by sk_kern_sock and SOCK_RAW; there is no other mark. A user's TCP socket is told from
 *     a raw one by its type.
 *   - The order of a move: out of the ehash; the address, with inet_bhash2_update_saddr(), while the socket still has
 *     its port; then the port. So inet_put_port() takes the lock of the bhash2 bucket that the socket is in.
 *   - The port stays where the tuple is free at the new address: programs and firewalls count on it, and inet_hash_connect()
 *     only asks for it as long as there is one. Else it is the next one that is free. A bound port stays in any case.
 *   - A port is chosen before anything moves, so that no other CPU sees two sockets on one tuple, and where none is free
 *     the SYN leaves as it would have without the patch. What later rules drop moves no socket: they drop it as it was, or,
 *     where they drop it from its new source alone, the hook does. Another CPU may take the tuple meanwhile: then the socket
 *     goes back; where its old tuple is gone as well, it stays out of the table, and its SYN is dropped with EADDRNOTAVAIL.
 *   - A source that leads its packet by another link, where rules or paths choose by source, is not taken: the packet is
 *     routed as without the patch. Policies are asked before a socket moves, with the port that it will have.
 *   - nf_conntrack_in() is called directly. A module would go through a hook, so that mangle does not need conntrack.
 *   - A source is chosen only for protocols whose checksum is known here, ICMP, UDP, and TCP of TCP's own sockets: that of
 *     another may cover the source, and IPsec's outer packets have an owner that did not address them.
 *   - Left alone, besides bound sockets and connected datagram sockets, which keep the source of connect(): replies, as
 *     connection tracking knows them, and what a UDP socket sends from a port that it was bound to, which may be one; a
 *     message whose user named source or link, or refused gateways; the SYN of a Fast Open connect, whose data waits in no queue yet, deferred or not: the
 *     user of a deferred one may have asked for the name; connections in a VRF, which shows a SYN to the rules twice.
 *   - What is not here: a socket that moves keeps the timestamp offset of its first address; a packet that NFQUEUE gives
 *     back comes without the lock of its socket, and may be dropped by its reader when the socket has moved.
 */
#include "reroute.h"
#include "choice.h"
#include "faults.h"

/* How many ports are tried at most where that of a socket is taken. */
#define REROUTE_TRIES	1000

/* A socket that the kernel made to send resets or ICMP for everybody. */
static bool reroute_is_control(const struct sock *sk)
{
	return sk_fullsock(sk) && sk->sk_kern_sock && sk->sk_type == SOCK_RAW;
}

static bool reroute_is_raw(const struct sock *sk)
{
	return sk_fullsock(sk) && sk->sk_type == SOCK_RAW && !reroute_is_control(sk);
}

/* A signature covers address and port. */
static bool reroute_is_signed(const struct sock *sk)
{
#ifdef CONFIG_TCP_MD5SIG
	return sk_fullsock(sk) && sk_is_tcp(sk) &&
	       rcu_access_pointer(tcp_sk(sk)->md5sig_info);
#else
	return false;
#endif
}

/* Whether the packet is that of a socket whose source may be chosen. */
static bool reroute_admits(u32 faults, const struct sock *sk,
			   const struct sk_buff *skb,
			   const struct nf_hook_state *state)
{
	u8 protocol = ip_hdr(skb)->protocol;

	/* The outer packet of a tunnel still has the inner one's owner. */
	if (sk != state->sk && !(faults & FAULT_INNER_SENDER))
		return false;
	if (!sk_fullsock(sk) && !(faults & FAULT_SMALL_SOCKETS))
		return false;
	if (reroute_is_signed(sk) && !(faults & FAULT_SIGNED_SEGMENTS))
		return false;
	if (protocol != IPPROTO_ICMP && protocol != IPPROTO_UDP &&
	    (protocol != IPPROTO_TCP || reroute_is_raw(sk)) &&
	    !(faults & (FAULT_RAW_SEGMENTS | FAULT_INNER_SENDER)))
		return false;
	/* A server on any address answers from the one that was asked. */
	if (protocol == IPPROTO_UDP && sk_fullsock(sk) &&
	    (sk->sk_userlocks & SOCK_BINDPORT_LOCK) && !(faults & FAULT_SERVER_PORT))
		return false;
	/* What answers does so from the address that was asked. */
	return (!reroute_is_control(sk) && sk->sk_state != TCP_LISTEN &&
		!reroute_is_reply(skb)) ||
	       (faults & FAULT_CONTROL_SOCKETS);
}

/* Whether the user said which source this packet has to carry, or which link, or refused gateways. */
static bool reroute_saddr_given(u32 faults, const struct sock *sk,
				const struct sk_buff *skb)
{
	if (!(faults & FAULT_BOUND_ADDRESS) && sk_fullsock(sk) &&
	    (sk->sk_userlocks & SOCK_BINDADDR_LOCK))
		return true;
	if (faults & FAULT_PACKET_SOURCE)
		return false;
	if (!sk_fullsock(sk))
		return false;
	/* IP_PKTINFO or MSG_DONTROUTE; IP_UNICAST_IF, which connections do not know. */
	return (IPCB(skb)->flags & IPSKB_SADDR_GIVEN) || sock_flag(sk, SOCK_LOCALROUTE) ||
	       (!sk_is_tcp(sk) && inet_sk(sk)->uc_index);
}

/* A SYN that may take its socket along: one that goes out for the first time. Later, though
 * the first was dropped on its way, connect() may have shown the name of the socket.
 */
static bool reroute_moves(u32 faults, struct net *net, const struct sock *sk,
			  const struct sk_buff *skb, const struct tcphdr *th)
{
	if (!th || !th->syn || th->ack)
		return false;
	/* A VRF shows it to the rules twice. */
	if (!(faults & FAULT_UNASKED_RULES) && l3mdev_master_ifindex(skb_dst(skb)->dev))
		return false;
	if (!(faults & FAULT_MOVES_AGAIN) && sk_fullsock(sk) && sk_is_tcp(sk) &&
	    inet_csk(sk)->icsk_retransmits)
		return false;
	if (faults & FAULT_MOVES_COOKIES)
		return true;
	if (sk_fullsock(sk) && sk_is_tcp(sk) &&
	    (tcp_sk(sk)->fastopen_req || inet_sk(sk)->defer_connect))
		return false;
	return !reroute_has_cookie(net, skb);
}

static void reroute_key(u32 faults, struct net *net, struct sk_buff *skb,
			const struct sock *sk, bool syn, struct flowi4 *fl4)
{
	reroute_flow(net, skb, sk, fl4);
	if (faults & FAULT_NO_L3MDEV)
		fl4->flowi4_l3mdev = 0;
	if (faults & FAULT_BARE_KEY) {
		fl4->flowi4_proto = 0;
		fl4->fl4_sport = 0;
		fl4->fl4_dport = 0;
	}
	if (syn && (faults & FAULT_WILD_KEY))
		reroute_fill_key(net, fl4);
}

/* The datagram's header, if the packet has one in reach. */
static struct udphdr *reroute_udp_hdr(const struct sk_buff *skb)
{
	const struct iphdr *iph = ip_hdr(skb);

	if (iph->protocol != IPPROTO_UDP || (iph->frag_off & htons(IP_OFFSET)) ||
	    skb_headlen(skb) < skb_transport_offset(skb) + sizeof(struct udphdr))
		return NULL;
	return udp_hdr(skb);
}

static void reroute_udp_csum(struct sk_buff *skb, struct udphdr *uh,
			     __be32 from, __be32 to)
{
	if (!uh->check && skb->ip_summed != CHECKSUM_PARTIAL)
		return;
	inet_proto_csum_replace4(&uh->check, skb, from, to, true);
	if (!uh->check)
		uh->check = CSUM_MANGLED_0;
}

/* Whether one in TIME_WAIT gives way to a connecting socket, which stays as it is. */
static bool reroute_gives_way(struct sock *sk, struct sock *tw)
{
	bool bound = sk->sk_userlocks & SOCK_BINDPORT_LOCK;
	struct tcp_sock *tp = tcp_sk(sk);
	int stamp = tp->rx_opt.ts_recent_stamp;
	u32 ts_recent = tp->rx_opt.ts_recent;
	u32 write_seq = tp->write_seq;

	if (!tcp_twsk_unique(sk, tw, bound ? NULL : tw))
		return false;
	sock_put(tw);
	WRITE_ONCE(tp->write_seq, write_seq);
	tp->rx_opt.ts_recent = ts_recent;
	tp->rx_opt.ts_recent_stamp = stamp;
	return true;
}

/* Whether a connecting socket may have that address and port, with answers that come by
 * that device. inet_hash_connect() looks no further than the first that stands on a tuple:
 * one in TIME_WAIT may go, and a connection of that device stand behind it.
 */
static bool reroute_is_unused(u32 faults, struct sock *sk, __be32 saddr,
			      unsigned short port, int dif)
{
	struct inet_hashinfo *hinfo = tcp_or_dccp_get_hashinfo(sk);
	struct inet_sock *inet = inet_sk(sk);
	struct net *net = sock_net(sk);
	int sdif = l3mdev_master_ifindex_by_index(net, dif);
	unsigned int hash = inet_ehashfn(net, saddr, port, inet->inet_daddr,
					 inet->inet_dport);
	struct hlist_nulls_node *node;
	struct sock *other;
	bool unused = true;

	spin_lock_bh(inet_ehash_lockp(hinfo, hash));
	sk_nulls_for_each(other, node, &inet_ehash_bucket(hinfo, hash)->chain) {
		if (other->sk_num != port || other->sk_rcv_saddr != saddr ||
		    other->sk_daddr != inet->inet_daddr ||
		    other->sk_dport != inet->inet_dport ||
		    !inet_sk_bound_dev_eq(net, other->sk_bound_dev_if, dif, sdif))
			continue;
		unused = other->sk_state == TCP_TIME_WAIT && reroute_gives_way(sk, other);
		if (!unused || (faults & FAULT_FOREIGN_TUPLE))
			break;
	}
	spin_unlock_bh(inet_ehash_lockp(hinfo, hash));
	return unused;
}

/* Whether connections have that port, or nobody. */
static bool reroute_is_shared(const struct sock *sk, unsigned short port)
{
	struct inet_hashinfo *hinfo = tcp_or_dccp_get_hashinfo(sk);
	struct inet_bind_hashbucket *head;
	int l3mdev = inet_sk_bound_l3mdev(sk);
	struct net *net = sock_net(sk);
	struct inet_bind_bucket *tb;
	bool shared = true;

	head = &hinfo->bhash[inet_bhashfn(net, port, hinfo->bhash_size)];
	spin_lock_bh(&head->lock);
	inet_bind_bucket_for_each(tb, &head->chain)
		if (inet_bind_bucket_match(tb, net, port, l3mdev)) {
			shared = tb->fastreuse < 0 && tb->fastreuseport < 0;
			break;
		}
	spin_unlock_bh(&head->lock);
	return shared;
}

/* The next port that a connecting socket may have at that address, 0 for none. The hook
 * may not sleep, as inet_hash_connect() does between ports, and tries so many only.
 */
static unsigned short reroute_find_port(u32 faults, struct sock *sk, __be32 saddr,
					int dif)
{
	unsigned short port = inet_sk(sk)->inet_num;
	int low, high, i;

	inet_sk_get_local_port_range(sk, &low, &high);
	for (i = 0; i < REROUTE_TRIES; i++) {
		if (i > high - low)
			break;
		port = port >= low && port < high ? port + 1 : low;
		if (!inet_is_local_reserved_port(sock_net(sk), port) &&
		    reroute_is_shared(sk, port) &&
		    reroute_is_unused(faults, sk, saddr, port, dif))
			return port;
	}
	return 0;
}

/* Puts a connecting socket into the bind buckets of a port, which it shares with other connections at most. */
static int reroute_bind(struct sock *sk, unsigned short port)
{
	struct inet_hashinfo *hinfo = tcp_or_dccp_get_hashinfo(sk);
	struct inet_bind_hashbucket *head, *head2;
	int l3mdev = inet_sk_bound_l3mdev(sk);
	struct net *net = sock_net(sk);
	struct inet_bind2_bucket *tb2;
	struct inet_bind_bucket *tb;
	int err = -ENOMEM;

	head = &hinfo->bhash[inet_bhashfn(net, port, hinfo->bhash_size)];
	head2 = inet_bhashfn_portaddr(hinfo, sk, net, port);
	spin_lock_bh(&head->lock);
	inet_bind_bucket_for_each(tb, &head->chain)
		if (inet_bind_bucket_match(tb, net, port, l3mdev))
			break;
	if (!tb) {
		tb = inet_bind_bucket_create(hinfo->bind_bucket_cachep, net,
					     head, port, l3mdev);
		if (!tb)
			goto unlock;
		tb->fastreuse = -1;
		tb->fastreuseport = -1;
	} else if (tb->fastreuse >= 0 || tb->fastreuseport >= 0) {
		err = -EADDRINUSE;
		goto unlock;
	}
	spin_lock(&head2->lock);
	tb2 = inet_bind2_bucket_find(head2, net, port, l3mdev, sk);
	if (!tb2)
		tb2 = inet_bind2_bucket_create(hinfo->bind2_bucket_cachep, net,
					       head2, port, l3mdev, sk);
	if (tb2) {
		inet_bind_hash(sk, tb, tb2, port);
		err = 0;
	}
	spin_unlock(&head2->lock);
	if (err)
		inet_bind_bucket_destroy(hinfo->bind_bucket_cachep, tb);
unlock:
	spin_unlock_bh(&head->lock);
	return err;
}

/* The device that answers come by: no socket that is bound to it may have the tuple. */
static int reroute_answers_by(u32 faults, const struct sock *sk, const struct sk_buff *skb)
{
	struct net_device *dev = skb_dst(skb)->dev;

	if ((faults & FAULT_FOREIGN_TUPLE) || l3mdev_master_ifindex(dev))
		return sk->sk_bound_dev_if;
	return dev->ifindex;
}

/* The port for a connecting socket at that address: its own if that is free there, which
 * a bound one keeps in any case. 0 leaves the choice to inet_hash_connect().
 */
static int reroute_choose_port(u32 faults, struct sock *sk, __be32 saddr, int dif)
{
	bool keeps_port = !(faults & FAULT_BOUND_PORT) &&
			  (sk->sk_userlocks & SOCK_BINDPORT_LOCK);
	unsigned short port = inet_sk(sk)->inet_num;

	if (!keeps_port && (faults & (FAULT_BOUND_PORT | FAULT_NEW_PORT)))
		return 0;
	if (reroute_is_unused(faults, sk, saddr, port, dif))
		return port;
	if (!keeps_port)
		port = reroute_find_port(faults, sk, saddr, dif);
	if ((keeps_port || !port) && !(faults & FAULT_FAILED_PORT))
		return -EADDRNOTAVAIL;
	return port;
}

/* Moves a connecting socket to that address and port; if it fails, says whether the socket
 * is where it was.
 */
static int reroute_move_sock(u32 faults, struct sock *sk, __be32 saddr,
			     unsigned short port, int dif, bool *back)
{
	struct inet_timewait_death_row *death_row = &sock_net(sk)->ipv4.tcp_death_row;
	struct inet_sock *inet = inet_sk(sk);
	unsigned short old_port = inet->inet_num;
	__be32 old_saddr = inet->inet_saddr;
	int bound = sk->sk_bound_dev_if, err = 0;

	*back = false;
	if (faults & FAULT_HASHED_MOVE) {
		inet->inet_saddr = saddr;
		inet->inet_rcv_saddr = saddr;
		inet_unhash(sk);
	} else {
		inet_unhash(sk);
		/* Its place in the bind table by address goes with it. */
		err = inet_bhash2_update_saddr(sk, &saddr, AF_INET);
	}
	if (!err && port != old_port) {
		inet_put_port(sk);
		if (port)
			err = reroute_bind(sk, port);
	}
	if (!err) {
		sk->sk_bound_dev_if = dif;
		err = inet_hash_connect(death_row, sk);
		sk->sk_bound_dev_if = bound;
	}
	if (!err || (faults & FAULT_FAILED_PORT)) {
		inet->inet_sport = htons(inet->inet_num);
		return err;
	}
	/* Somebody was faster. Back to the old tuple, unless that is taken, too. */
	if (port != old_port && inet->inet_num)
		inet_put_port(sk);
	inet_bhash2_update_saddr(sk, &old_saddr, AF_INET);
	if (port != old_port && reroute_bind(sk, old_port))
		return err;
	*back = !inet_hash_connect(death_row, sk);
	return err;
}

/* Socket and SYN begin with the number of their new four-tuple: what a TIME_WAIT
 * socket left to its successor, else the generator's, as in tcp_v4_connect().
 */
static void reroute_renumber(u32 faults, struct sock *sk, struct sk_buff *skb,
			     struct tcphdr *th, u32 old_write_seq)
{
	struct inet_sock *inet = inet_sk(sk);
	struct tcp_sock *tp = tcp_sk(sk);
	bool left = tp->write_seq != old_write_seq;
	u32 seq = ntohl(th->seq), isn = seq, by;
	struct sk_buff *seg;

	if (!(faults & FAULT_STALE_ISN))
		isn = left ? tp->write_seq :
		      secure_tcp_seq(inet->inet_saddr, inet->inet_daddr,
				     inet->inet_sport, inet->inet_dport);
	by = isn - seq;
	if (!left || !(faults & FAULT_JUMPING_NUMBERS))
		WRITE_ONCE(tp->write_seq, old_write_seq + by);
	tp->snd_una += by;
	tp->snd_sml += by;
	tp->snd_up += by;
	tp->pushed_seq += by;
	WRITE_ONCE(tp->snd_nxt, tp->snd_nxt + by);
	skb_rbtree_walk(seg, &sk->tcp_rtx_queue) {
		TCP_SKB_CB(seg)->seq += by;
		TCP_SKB_CB(seg)->end_seq += by;
	}
	skb_queue_walk(&sk->sk_write_queue, seg) {
		TCP_SKB_CB(seg)->seq += by;
		TCP_SKB_CB(seg)->end_seq += by;
	}
	th->seq = htonl(isn);
	inet_proto_csum_replace4(&th->check, skb, htonl(seq), th->seq, false);
}

/* Later segments are built from the kept flow and route; the peer's are to fit that route's
 * link, as tcp_advertise_mss() sees to where a SYN is sent again.
 */
static void reroute_keep_route(struct sock *sk, struct sk_buff *skb)
{
	u16 advmss = dst_metric_advmss(skb_dst(skb));
	struct inet_sock *inet = inet_sk(sk);
	struct flowi4 *fl4 = &inet->cork.fl.u.ip4;

	fl4->saddr = inet->inet_saddr;
	fl4->fl4_sport = inet->inet_sport;
	sk_dst_set(sk, dst_clone(skb_dst(skb)));
	if (sk_is_tcp(sk) && advmss < tcp_sk(sk)->advmss) {
		tcp_sk(sk)->advmss = advmss;
		reroute_lower_mss(skb, advmss);
	}
}

/* The mark of the packet's connection. */
static u32 reroute_connmark(const struct sk_buff *skb)
{
	enum ip_conntrack_info ctinfo;
	struct nf_conn *ct = nf_ct_get(skb, &ctinfo);

	return ct ? READ_ONCE(ct->mark) : 0;
}

/* Connection tracking has seen the packet before it got its source; its connection had
 * that mark then.
 */
static unsigned int reroute_track(struct sk_buff *skb, const struct nf_hook_state *state,
				  u32 old_mark)
{
	enum ip_conntrack_info ctinfo;
	struct nf_conn *ct;
	bool written;
	u32 mark;

	ct = nf_ct_get(skb, &ctinfo);
	if (!ct)
		return NF_ACCEPT;
	mark = READ_ONCE(ct->mark);
	written = mark != old_mark || (mark && !nf_ct_is_confirmed(ct));
	nf_reset_ct(skb);
	if (nf_conntrack_in(skb, state) != NF_ACCEPT)
		return NF_DROP;
	/* CONNMARK wrote to the entry that is left; what it did not write changes no older connection. */
	ct = nf_ct_get(skb, &ctinfo);
	if (ct && (written || !nf_ct_is_confirmed(ct)))
		WRITE_ONCE(ct->mark, mark);
	return NF_ACCEPT;
}

/* IPsec for the new route, by the final addresses and ports, as after NAT. */
static int reroute_ask_policies(struct net *net, struct sk_buff *skb)
{
#ifdef CONFIG_XFRM
	struct dst_entry *dst;
	unsigned int hh_len;
	struct flowi fl;
	int err;

	err = xfrm_decode_session(skb, &fl, AF_INET);
	if (err < 0)
		return err;
	dst = xfrm_lookup(net, dst_clone(skb_dst(skb)), &fl, skb->sk, 0);
	if (IS_ERR(dst))
		return PTR_ERR(dst);
	skb_dst_drop(skb);
	skb_dst_set(skb, dst);

	hh_len = dst->dev->hard_header_len;
	if (skb_headroom(skb) < hh_len &&
	    pskb_expand_head(skb, HH_DATA_ALIGN(hh_len - skb_headroom(skb)),
			     0, GFP_ATOMIC))
		return -ENOMEM;
#endif
	return 0;
}

/* Moves a SYN, which has its new source already, and its socket. Policies and the rules
 * behind the mangle table are asked first, with the port that it will have. If it fails,
 * says whether the SYN may leave as it came: its socket is where it was.
 */
static int reroute_move_syn(u32 faults, struct sk_buff *skb,
			    const struct nf_hook_state *state, bool asks_policies,
			    bool *back)
{
	int dif = reroute_answers_by(faults, skb->sk, skb), port, err;
	__be32 saddr = ip_hdr(skb)->saddr;

	*back = true;
	port = reroute_choose_port(faults, skb->sk, saddr, dif);
	if (port < 0)
		return port;
	tcp_hdr(skb)->source = htons(port);
	if (asks_policies) {
		err = reroute_ask_policies(state->net, skb);
		if (err < 0) {
			*back = false;
			return err;
		}
	}
	if (!(faults & FAULT_UNASKED_RULES) &&
	    reroute_ask_later(skb, state, state->out) != NF_ACCEPT)
		return -EPERM;
	return reroute_move_sock(faults, skb->sk, saddr, port, dif, back);
}

/* Whether there is no route for it. */
static bool reroute_leads_nowhere(struct net *net, const struct flowi4 *fl4)
{
	struct flowi4 key = *fl4;
	struct rtable *rt = ip_route_output_key(net, &key);

	if (IS_ERR(rt))
		return true;
	ip_rt_put(rt);
	return false;
}

static unsigned int
ipt_mangle_out(void *priv, struct sk_buff *skb,
	       const struct nf_hook_state *state)
{
	u32 faults = READ_ONCE(state->net->ipv4.sysctl_reroute_faults);
	struct sock *sk = skb->sk;
	struct dst_entry *old = NULL;
	struct inet_sock *inet;
	struct tcphdr *th;
	struct udphdr *uh;
	struct iphdr *iph;
	__be32 saddr, daddr;
	struct flowi4 fl4;
	unsigned int ret;
	int recheck = 0;
	u_int32_t mark, connmark;
	u_int8_t tos;
	bool syn, nowhere, asks_policies, back, moved = false, refused = false;
	int err, lookup;

	/* root is playing with raw sockets. */
	if (skb->len < sizeof(struct iphdr) ||
	    ip_hdrlen(skb) < sizeof(struct iphdr))
		return NF_ACCEPT;

	mark = skb->mark;
	iph = ip_hdr(skb);
	saddr = iph->saddr;
	daddr = iph->daddr;
	tos = iph->tos;
	connmark = reroute_connmark(skb);

	ret = ipt_do_table(priv, skb, state);
	if (ret == NF_DROP || ret == NF_STOLEN)
		return ret;

	iph = ip_hdr(skb);
	if (iph->saddr == saddr && iph->daddr == daddr &&
	    skb->mark == mark && iph->tos == tos)
		return ret;

	if (!sk || !reroute_admits(faults, sk, skb, state))
		goto harder;

	inet = inet_sk(sk);
	th = NULL;
	if (REROUTE_MOVES_SYN && iph->protocol == IPPROTO_TCP &&
	    (!reroute_is_raw(sk) || (faults & FAULT_RAW_SEGMENTS)))
		th = tcp_hdr(skb);
	uh = reroute_udp_hdr(skb);
	syn = reroute_moves(faults, state->net, sk, skb, th);
	/* A connection may have no source, and is what its segments are made from. */
	if (!syn && (inet->inet_saddr || (!(faults & FAULT_UDP_CHECKSUM) && sk_is_tcp(sk))))
		goto harder;
	if (reroute_saddr_given(faults, sk, skb))
		goto harder;

	reroute_key(faults, state->net, skb, sk, syn, &fl4);
	nowhere = (faults & FAULT_FAILED_LOOKUP) && reroute_leads_nowhere(state->net, &fl4);
	if (!(faults & FAULT_NEEDLESS_CHOICE) && !nowhere &&
	    !reroute_leads_elsewhere(state->net, &fl4, saddr, saddr, mark, tos))
		goto harder;
	if (!(faults & FAULT_ONE_LOOKUP) && !reroute_take_source(state->net, &fl4))
		goto harder;
	/* Rules by source may lead it from there to where it was. */
	if (!(faults & FAULT_NEEDLESS_CHOICE) && !nowhere &&
	    !reroute_leads_elsewhere(state->net, &fl4, fl4.saddr, saddr, mark, tos))
		goto harder;
	old = dst_clone(skb_dst(skb));
	lookup = ip_route_reroute(skb, &fl4);
	if (lookup < 0) {
		ret = NF_DROP_ERR(lookup);
		if (!(faults & FAULT_FAILED_LOOKUP))
			goto out;
	}
	if (!(faults & FAULT_STALE_POINTERS)) {
		/* The packet may have moved. */
		iph = ip_hdr(skb);
		th = th ? tcp_hdr(skb) : NULL;
		uh = uh ? udp_hdr(skb) : NULL;
	}
	asks_policies = lookup >= 0 && !(faults & FAULT_UNASKED_POLICIES);
	if (saddr != fl4.saddr &&
	    (fl4.saddr || lookup < 0 || (faults & FAULT_NEEDLESS_CHOICE))) {
		iph->saddr = fl4.saddr;
		if (!th && (faults & FAULT_PINNED_SOCKET))
			inet->inet_saddr = fl4.saddr;
		ip_send_check(iph);
		if (!th && uh && !(faults & FAULT_UDP_CHECKSUM))
			reroute_udp_csum(skb, uh, saddr, fl4.saddr);
		if (th) {
			u32 write_seq = sk_is_tcp(sk) ? tcp_sk(sk)->write_seq : 0;
			__be16 oldport = th->source;

			err = reroute_move_syn(faults, skb, state, asks_policies, &back);
			iph = ip_hdr(skb);
			th = tcp_hdr(skb);
			th->source = htons(inet->inet_num);
			if (err && ((faults & FAULT_ERRNO_VERDICT) || !back)) {
				ret = faults & FAULT_ERRNO_VERDICT ? -err : NF_DROP_ERR(err);
				goto out;
			}
			if (err) {
				iph->saddr = saddr;
				ip_send_check(iph);
				skb_dst_drop(skb);
				skb_dst_set(skb, dst_clone(old));
				refused = err == -EPERM;
				goto harder;
			}
			inet_proto_csum_replace2(&th->check, skb, oldport,
						 th->source, false);
			inet_proto_csum_replace4(&th->check, skb, saddr,
						 fl4.saddr, true);
			if (syn && sk_is_tcp(sk))
				reroute_renumber(faults, sk, skb, th, write_seq);
			moved = true;
		}
		if (!(faults & FAULT_TRACKED_TUPLE) &&
		    reroute_track(skb, state, connmark) != NF_ACCEPT) {
			ret = NF_DROP;
			goto out;
		}
	}
	if (asks_policies && !moved) {
		err = reroute_ask_policies(state->net, skb);
		if (err < 0)
			ret = NF_DROP_ERR(err);
	}
	if (moved && !(faults & FAULT_STALE_CORK))
		reroute_keep_route(sk, skb);
	recheck = REROUTE_MOVES_SYN || lookup >= 0;

harder:
	if (!recheck) {
		err = ip_route_me_harder(state->net, state->sk, skb, RTN_UNSPEC);
		if (err < 0)
			ret = NF_DROP_ERR(err);
		else if (refused && reroute_ask_later(skb, state, state->out) == NF_ACCEPT)
			ret = NF_DROP_ERR(-EPERM);
	}
out:
	dst_release(old);
	return ret;
}
