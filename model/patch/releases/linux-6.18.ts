/**
 * Linux 6.18. The `C:` lines of this file refer to 6.18.
 *
 * Left out, because no outcome hangs on it: a verdict is masked before it is compared, and an illegal one is leaked as in
 * 6.1; a source in 0.0.0.0/8 is no longer refused by itself; TOS fields became DSCP fields; SOCK_CONNECT_BIND.
 */

import type { SkBuff } from '../../types/packet.ts';
import { IPV4_TCP_SK, NO_SOCK, SOCK_TIMEWAIT, type Sock } from '../../types/sock.ts';
import type { Release, World } from '../../types/world.ts';
import { linux61 } from './linux-6.1.ts';

/** As in 6.1; a time-wait socket stands for none. C: net/ipv4/netfilter.c, ip_route_me_harder(); include/net/sock.h, sk_to_full_sk(). */
function ip_route_me_harder(
  net: World,
  owner: Sock,
  skb: SkBuff,
  addr_type: number,
): { err: number; skb: SkBuff; net: World } {
  return linux61.ip_route_me_harder(net, owner.kind === SOCK_TIMEWAIT ? NO_SOCK : owner, skb, addr_type);
}

/**
 * The socket that the answer is for, of whatever kind: a connection, a listener, a TIME_WAIT. Only where there is none it
 * stays the control socket.
 *
 * C: net/ipv4/ip_output.c, ip_send_unicast_reply(); include/net/sock.h, skb_set_owner_edemux(). Not yet so in 6.12.
 * Observed: Linux 6.18.44: `-m owner --uid-owner 0` matches the RST that a listener sends, and not one for a port without
 * socket; the user-mode 6.1.192 matches neither (`replay --on kernel`, `--on patched-kernel`, 2026-11-22).
 */
function replyOwner(orig_sk: Sock): number {
  return orig_sk.id === NO_SOCK.id ? IPV4_TCP_SK : orig_sk.id;
}

export const linux618: Release = {
  ...linux61,
  release: '6.18',
  about:
    'a reset or ACK belongs to the socket it speaks for, listeners and TIME_WAITs included; of several paths the one that has the source',
  ip_route_me_harder,
  replyOwner,
  multipath_by_saddr: true,
  // C: net/ipv4/tcp.c, tcp_md5_destruct_sock(). Observed: Linux 6.18.44, 2026-11-28.
  md5UntilDestruct: true,
};
