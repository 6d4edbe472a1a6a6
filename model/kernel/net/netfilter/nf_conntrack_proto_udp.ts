/** Connection tracking of UDP. */
import type { SkBuff } from '../../../types/packet.ts';
import { NF_ACCEPT, type NfConn, type NfHookState } from '../../../types/verdict.ts';
import type { World } from '../../../types/world.ts';
import { UDP_CT_REPLIED, UDP_CT_UNREPLIED, UDP_STREAM_TS } from './nf_conntrack_core.ts';
import type { Tracked } from './nf_conntrack_proto_tcp.ts';
import { nf_checksum } from './utils.ts';

/** C: net/netfilter/nf_conntrack_proto_udp.c, nf_conntrack_udp_packet(). Left out: a length field larger than the packet. */
export function nf_conntrack_udp_packet(net: World, ct: NfConn, skb: SkBuff, state: NfHookState): Tracked {
  if (skb.uh.check !== 0 && nf_checksum(skb, state)) return { ret: -NF_ACCEPT, ct };
  const stream_ts = ct.confirmed ? ct.stream_ts : net.now + UDP_STREAM_TS;
  const stream = ct.seenReply && net.now > stream_ts;
  const timeout = net.now + (stream ? UDP_CT_REPLIED : UDP_CT_UNREPLIED);
  return { ret: NF_ACCEPT, ct: { ...ct, stream_ts, timeout, assured: ct.assured || stream } };
}
