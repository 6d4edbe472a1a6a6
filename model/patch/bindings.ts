/** Everything of the model that compiled texts can reach: what the compiler's table names (`compiler/table`). */

export {
  inet_make_mask,
  ipv4_is_lbcast,
  ipv4_is_local_multicast,
  ipv4_is_loopback,
  ipv4_is_multicast,
  ipv4_is_zeronet,
} from '../kernel/include/linux/in.ts';
export {
  csum_replace2,
  csum_replace4,
  csum_tcpudp_magic,
  inet_proto_csum_replace2,
} from '../kernel/include/net/checksum.ts';
export { inet_sk_flowi_flags } from '../kernel/include/net/inet_sock.ts';
export { after, before } from '../kernel/include/net/tcp.ts';
export { dev_get_by_index } from '../kernel/net/core/dev.ts';
export { tcp_v4_init_seq } from '../kernel/net/core/secure_seq.ts';
export { HH_DATA_ALIGN, LL_RESERVED_SPACE, pskb_expand_head, skbLen } from '../kernel/net/core/skbuff.ts';
export { sk_dst_reset, sk_setup_caps, sk_to_full_sk } from '../kernel/net/core/sock.ts';
export { inet_proto_csum_replace4 } from '../kernel/net/core/utils.ts';
export { inet_select_addr } from '../kernel/net/ipv4/devinet.ts';
export { inet_addr_type, inet_addr_type_dev_table } from '../kernel/net/ipv4/fib_frontend.ts';
export { fib_rules_require_fldissect, fib4_rules_early_flow_dissect } from '../kernel/net/ipv4/fib_rules.ts';
export { inet_is_local_reserved_port, inet_sk_get_local_port_range } from '../kernel/net/ipv4/inet_connection_sock.ts';
export {
  CHAIN_HEAD,
  inet_bhash2_update_saddr,
  inet_bind_bucket_create,
  inet_bind_bucket_destroy,
  inet_bind_bucket_find,
  inet_bind_hash,
  inet_hash_connect,
  inet_put_port,
  inet_sk_bound_dev_eq,
  inet_unhash,
  nextInEhash,
  setBucket,
} from '../kernel/net/ipv4/inet_hashtables.ts';
export { ip_send_check } from '../kernel/net/ipv4/ip_output.ts';
export { ipt_do_table } from '../kernel/net/ipv4/netfilter/ip_tables.ts';
export { ip_route_output_key, portsDecide, tcp_dst_advmss } from '../kernel/net/ipv4/route.ts';
export { tcp_twsk_unique } from '../kernel/net/ipv4/tcp_ipv4.ts';
export { l3mdev_master_ifindex_by_index, netif_is_l3_master } from '../kernel/net/l3mdev/l3mdev.ts';
export { askLater, askLocalOut } from '../kernel/net/netfilter/core.ts';
export { getCt, nf_conntrack_in, nf_conntrack_put, setCt } from '../kernel/net/netfilter/nf_conntrack_core.ts';
export { decode_session4, xfrm_lookup } from '../kernel/net/xfrm/xfrm_policy.ts';
export { getSock, setSock } from '../types/lookup.ts';
export type { SkBuff } from '../types/packet.ts';
export type { FlowI4, Rtable } from '../types/route.ts';
export { NO_DST, NO_FLOW } from '../types/route.ts';
export type { WriteQueueSeg } from '../types/sock.ts';
export { SOCK_CONTROL, SOCK_TCP } from '../types/sock.ts';
export type { NfHookState } from '../types/verdict.ts';
export type { HookResult, Kernel, World } from '../types/world.ts';
export type { CookieLength } from './adapters.ts';
export { cookieLength, ctinfoOf, fullSock, hasFlag, NO_COOKIE, skType, withMss } from './adapters.ts';
export type { Frame } from './memory.ts';
export {
  atLine,
  failedLookup,
  follow,
  headersAt,
  inetOf,
  micro,
  moved,
  movedIf,
  newFrame,
  present,
  presentRoute,
  protectedRoute,
  reachInet,
  reachTcp,
  releasedRoute,
  rerouted,
  roomAsked,
  sameRoute,
  swab16,
  swab32,
  tcpOf,
  wildFlow,
  withoutRoute,
  writeIcmph,
  writeIph,
  writeTh,
  writeUh,
} from './memory.ts';
