/** What TCP promises about a connection's numbers: where its sequence space begins and goes on, how large its segments are. */

import { signatureCorrect } from '../model/host/peer.ts';
import { after } from '../model/kernel/include/net/tcp.ts';
import { dev_get_by_index } from '../model/kernel/net/core/dev.ts';
import { seq_scale } from '../model/kernel/net/core/secure_seq.ts';
import { tcp_parse_md5sig_option, tcp_parse_options } from '../model/kernel/net/ipv4/tcp_input.ts';
import { endSeq } from '../model/kernel/net/ipv4/tcp_output.ts';
import { getSock } from '../model/types/lookup.ts';
import { IPPROTO_TCP, type SkBuff, TCPHDR_SYN } from '../model/types/packet.ts';
import { NO_SOCK, SOCK_TCP, SOCK_TIMEWAIT, type Sock, TCP_CLOSE, TCP_LISTEN } from '../model/types/sock.ts';
import { everyDeparture } from './every.ts';
import { isSyn, leaves, parted, tupleBeforeNat, worldAfter } from './packets.ts';
import { effectsOf, eventOf, everyStep, type Property, type Run, worldBefore } from './property.ts';
import { fewPorts, signedSessions, unequalLinks } from './scopes/runs.ts';
import { departure } from './sentences.ts';

export const connectionProperties: readonly Property[] = [
  everyDeparture({
    id: 'isn-of-own-tuple',
    concern: 'connection',
    gravity: 'wrong connection',
    claim:
      'The initial sequence number of a connection is the one that the generator gives for its addresses and ports on the wire, before NAT changes them.',
    asked: ['RFC 6528 section 3: ISN = M + F(localip, localport, remoteip, remoteport)', 'RFC 9293 section 3.4.1'],
    onStock: '',
    scope: fewPorts,
    speaksOf: (run, i, { skb }) => numberedAnew(run, i, skb),
    holds(run, i, { skb }) {
      const { src, sport, dst, dport } = tupleBeforeNat(worldAfter(run, i), skb);
      const f = run.kernel.secure_tcp_seq(src, dst, sport, dport);
      return skb.th.seq === (seq_scale(worldBefore(run, i), f) + eventOf(run, i).picks.isn) >>> 0;
    },
    sometimes: (_run, _i, { skb }) => skb.mark !== 0,
    finding: (run, i) => `${departure(run, i)} with the initial sequence number of another four-tuple`,
  }),

  everyDeparture({
    id: 'new-incarnation-beyond-old',
    concern: 'connection',
    gravity: 'wrong connection',
    claim:
      'A SYN on a four-tuple that is still in TIME_WAIT here has a sequence number beyond all that the old connection used.',
    asked: [
      'RFC 9293 section 3.4.3',
      'RFC 1122 section 4.2.2.13 (a connection may be reopened from TIME-WAIT with a larger initial sequence number)',
      'tcp_twsk_unique(): what it sees to',
    ],
    onStock: '',
    scope: fewPorts,
    proof: 'time-wait',
    speaksOf: (run, i, { skb }) => reuses(run, i, skb),
    holds: (run, i, { skb }) => after(skb.th.seq, lastIncarnation(run, i, skb).snd_nxt),
    finding: (run, i) =>
      `${departure(run, i)}, a four-tuple still in TIME_WAIT, with a sequence number that the old connection was already beyond`,
  }),

  everyStep({
    id: 'sequence-numbers-continue',
    concern: 'connection',
    gravity: 'dead connection',
    claim: 'What a connection sends after its SYN continues the sequence numbers of the SYN, without a gap.',
    asked: ['RFC 9293 section 3.4 and section 3.10.1 (SND.NXT is ISS + 1 once the SYN is sent)'],
    onStock: '',
    scope: fewPorts,
    proof: 'time-wait',
    holds(run, i) {
      let ok = true;
      for (const sk of worldAfter(run, i).socks) {
        const numbered = sk.kind === SOCK_TCP && sk.sk_state !== TCP_CLOSE && sk.sk_state !== TCP_LISTEN;
        ok = ok && (!numbered || inOrder(sk));
      }
      return ok;
    },
    sometimes(run, i) {
      let seen = false;
      for (const e of effectsOf(run, i)) seen = seen || (leaves(e) && reuses(run, i, e.skb));
      return seen;
    },
    finding: (run, i) =>
      `${departure(run, i)} with one sequence number, and the socket goes on with another: what it sends next can never be in order`,
  }),

  everyDeparture({
    id: 'mss-fits-link',
    concern: 'connection',
    gravity: 'lost packet',
    claim:
      'The MSS that a SYN, marked as the first of its connection, or a SYN-ACK advertises is no more than the link by which it leaves can take.',
    asked: ['RFC 9293 section 3.7.1 (the effective MTU minus the fixed headers)', 'RFC 6691'],
    onStock:
      'the MSS is that of the route of the first lookup; the second lookup comes when the segment is complete, with and without the patch',
    scope: unequalLinks,
    speaksOf: (run, i, { skb }) => advertises(skb) && !parted(run, i, skb),
    holds: (run, i, { dev, skb }) =>
      tcp_parse_options(skb.th).mss <= dev_get_by_index(worldAfter(run, i), dev).mtu - HEADERS,
    sometimes: (run, i, { dev }) => dev_get_by_index(worldAfter(run, i), dev).mtu < 1500,
    finding: (run, i) => `${departure(run, i)} with an MSS for the link of the first lookup, which is larger`,
  }),

  everyDeparture({
    id: 'signature-fits-header',
    concern: 'connection',
    gravity: 'dead connection',
    claim:
      'A segment that a socket signed with TCP-MD5 carries the signature for the addresses and ports that it travels with.',
    asked: ['RFC 2385 section 2.0', 'tcp(7): TCP_MD5SIG'],
    onStock: '',
    scope: signedSessions,
    speaksOf: (_run, _i, { skb }) => tcp_parse_md5sig_option(skb.th),
    holds: (_run, _i, { skb }) => signatureCorrect(skb),
    finding: (run, i) => `${departure(run, i)} with an MD5 signature for another header`,
  }),
];

/** Whether that packet of step `i` is the SYN that a user's socket opens a connection with, sent for the first time. */
function opens(run: Run, i: number, skb: SkBuff): boolean {
  const { kind: event } = eventOf(run, i);
  const syn = isSyn(skb);
  return syn && (event === 'connect' || event === 'send') && getSock(worldAfter(run, i), skb.sk).kind === SOCK_TCP;
}

/**
 * The TIME_WAIT socket that held the packet's four-tuple when step `i` began, NO_SOCK for none. One that is bound to a
 * device holds it for that device alone.
 */
function lastIncarnation(run: Run, i: number, skb: SkBuff): Sock {
  const { sk_bound_dev_if: dif } = getSock(worldAfter(run, i), skb.sk);
  let found = NO_SOCK;
  for (const tw of worldBefore(run, i).socks) {
    const there = tw.sk_bound_dev_if === 0 || tw.sk_bound_dev_if === dif;
    found = there && waitsWithTuple(run, i, tw, skb) ? tw : found;
  }
  return found;
}

/** Whether that is a TIME_WAIT socket with the packet's four-tuple. */
function waitsWithTuple(run: Run, i: number, tw: Sock, skb: SkBuff): boolean {
  const { src, sport, dst, dport } = tupleBeforeNat(worldAfter(run, i), skb);
  const same = tw.inet_rcv_saddr === src && tw.inet_daddr === dst && tw.inet_num === sport && tw.inet_dport === dport;
  return tw.kind === SOCK_TIMEWAIT && tw.hashed && same;
}

/** Whether that packet of step `i` is a SYN on the four-tuple of a TIME_WAIT socket. */
function reuses(run: Run, i: number, skb: SkBuff): boolean {
  return opens(run, i, skb) && lastIncarnation(run, i, skb).id !== 0;
}

/**
 * Whether the socket's queue is one piece of sequence space: each segment begins where the one before it ends, what was
 * sent ends at SND.NXT, and what the user gives next follows the last.
 */
function inOrder(tp: Sock): boolean {
  let ok = true;
  let end = tp.snd_nxt;
  let sentEnd = tp.snd_nxt;
  let first = true;
  for (const seg of tp.write_queue) {
    ok = ok && (seg.seq === end || (first && seg.sent));
    end = endSeq(seg);
    sentEnd = seg.sent ? end : sentEnd;
    first = false;
  }
  return ok && sentEnd === tp.snd_nxt && (first || end === tp.write_seq);
}

/**
 * Whether the packet is the first SYN of a connection whose number the generator chose: nothing else was left to begin from,
 * not by a TIME_WAIT socket of some link either. A socket that has no address, in a VRF that has none, has no tuple yet.
 */
function numberedAnew(run: Run, i: number, skb: SkBuff): boolean {
  let left = getSock(worldBefore(run, i), skb.sk).write_seq !== 0;
  for (const tw of worldBefore(run, i).socks) left = left || waitsWithTuple(run, i, tw, skb);
  return opens(run, i, skb) && !left && getSock(worldAfter(run, i), skb.sk).inet_rcv_saddr !== 0;
}

/** Length of the IP and the TCP header without options, which the MSS does not count. */
const HEADERS = 40;

/** Whether that packet is a SYN or a SYN-ACK. */
function advertises(skb: SkBuff): boolean {
  return skb.iph.protocol === IPPROTO_TCP && (skb.th.flags & TCPHDR_SYN) !== 0 && !skb.hdrincl;
}
