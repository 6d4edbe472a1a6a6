/**
 * Packets as tcpdump would write them, and as the model takes them.
 *
 *     10.0.0.254:5000 > 10.0.0.1:80 tcp S            SYN; further `LEN`, `seq N`, `ack N`, `win N`
 *     10.0.0.254:5000 > 10.0.0.1:80 tcp S 5 tfo      asks for a Fast Open cookie
 *     10.0.0.254:5000 > 10.0.0.1:80 tcp S 5 tfo 10.0.0.254     presents the cookie that this host gives to that address
 *     9.9.9.9:53 > 10.0.0.1:4000 udp 12              12 bytes of payload
 *     10.0.0.254 > 10.0.0.1 icmp echo-request        or TYPE/CODE; further `LEN`, `id N`, `seq N`
 *     10.0.0.254 > 10.0.0.1 47 20                    20 bytes of protocol 47
 *
 * `tos N` may stand at the end of each.
 */
import { setTransportChecksum, transportLen } from '../model/kernel/include/net/checksum.ts';
import { payloadOf } from '../model/kernel/net/core/skbuff.ts';
import { ip_send_check } from '../model/kernel/net/ipv4/ip_output.ts';
import { fastopenOption } from '../model/kernel/net/ipv4/tcp_fastopen.ts';
import { type Arrival, LEN } from '../model/types/event.ts';
import {
  IPPROTO_ICMP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  NO_ICMPH,
  NO_IPH,
  NO_SKB,
  NO_TH,
  NO_UH,
  type SkBuff,
  TCPHDR_SYN,
} from '../model/types/packet.ts';
import { wrong } from './error.ts';
import { formatAddress, formatEndpoint, formatFlags, formatHex, formatProtocol } from './format.ts';
import {
  readAddress,
  readEndpoint,
  readNumber,
  readTcpFlags,
  readTransport,
  U8,
  U16,
  U32,
  type Words,
} from './words.ts';

const TTL = 64;
const WINDOW = 65535;

const ICMP_NAMES: readonly (readonly [name: string, type: number])[] = [
  ['echo-reply', 0],
  ['unreachable', 3],
  ['redirect', 5],
  ['echo-request', 8],
  ['time-exceeded', 11],
];

/** What may follow the protocol, as far as it was written. */
interface Extras {
  len: number;
  seq: number;
  ack: number;
  win: number;
  id: number;
  tos: number;
  /** A Fast Open option: -1 none, 0 a request, else the address whose cookie is presented. */
  tfo: number;
}

function readExtras(words: Words, protocol: number, names: readonly (keyof Extras)[]): Extras {
  const extras: Extras = { len: 0, seq: 0, ack: 0, win: WINDOW, id: 0, tos: 0, tfo: -1 };
  while (!words.done) {
    const word = words.take();
    if (word === 'tfo' && names.some((known) => known === 'tfo')) {
      extras.tfo = words.next.includes('.') ? readAddress(words.take(), 'the address that the cookie was given to') : 0;
      continue;
    }
    const name = names.find((known) => known === word);
    if (name !== undefined && name !== 'len') {
      const max = name === 'tos' ? U8 : protocol === IPPROTO_TCP && name !== 'win' ? U32 : U16;
      extras[name] = readNumber(words.value(word, 'a number'), `the value of "${word}"`, max);
    } else if (/^[0-9]+$/.test(word)) {
      extras.len = readNumber(word, LEN.what, LEN.max);
    } else {
      wrong(
        `"${word}" does not belong here; a packet of ${formatProtocol(protocol)} may have ${names.map((one) => (one === 'len' ? 'LEN' : one)).join(', ')}`,
      );
    }
  }
  return extras;
}

function readIcmpType(word: string): [type: number, code: number] {
  const [name = '', code = '0'] = word.split('/', 2);
  const named = ICMP_NAMES.find(([known]) => known === name)?.[1];
  if (named === undefined && !/^[0-9]/.test(name)) {
    wrong(`"${word}" is not an ICMP type; write TYPE/CODE or one of ${ICMP_NAMES.map(([known]) => known).join(', ')}`);
  }
  return [named ?? readNumber(name, 'an ICMP type', U8), readNumber(code, 'an ICMP code', U8)];
}

/** The packet with lengths and checksums of a correct sender. */
export function complete(skb: SkBuff): SkBuff {
  const iph = ip_send_check({ ...skb.iph, tot_len: skb.iph.ihl * 4 + transportLen(skb) });
  return setTransportChecksum({ ...skb, iph }, iph.saddr, iph.daddr);
}

/** Reads `SRC > DST PROTOCOL …`, to the end of the words. */
export function readArrival(words: Words): Arrival {
  const example = '10.0.0.254:5000 > 10.0.0.1:80 tcp S';
  const from = words.value(words.last, `a packet such as ${example}`);
  const source = readEndpoint(from, 'a source address');
  const arrow = words.value(from, '">"');
  if (arrow !== '>') wrong(`"${arrow}" stands in place of ">"; write a packet such as ${example}`);
  const to = words.value('>', 'a destination');
  const target = readEndpoint(to, 'a destination address');
  const word = words.value(to, 'a protocol');
  const protocol = readTransport(word);
  const hasPorts = protocol === IPPROTO_TCP || protocol === IPPROTO_UDP;
  if (hasPorts !== from.includes(':') || hasPorts !== to.includes(':')) {
    wrong(
      hasPorts
        ? `a ${word} packet has ports; write ADDR:PORT on both sides`
        : `a packet of protocol ${word} has no ports; write ADDR on both sides`,
    );
  }
  const base = { ...NO_IPH, ttl: TTL, protocol, saddr: source.addr, daddr: target.addr };
  if (protocol === IPPROTO_TCP) {
    const flags = readTcpFlags(words.value('tcp', 'flags such as S'));
    const { len, seq, ack, win, tos, tfo } = readExtras(words, protocol, ['len', 'seq', 'ack', 'win', 'tos', 'tfo']);
    if (tfo >= 0 && (flags & TCPHDR_SYN) === 0) wrong('only a SYN has a Fast Open option; leave "tfo" out');
    const options = tfo === 0 ? fastopenOption(-1) : [];
    const doff = 5 + options.length / 2;
    const ports = { source: source.port, dest: target.port };
    const th = { ...NO_TH, ...ports, seq, ack_seq: ack, flags, window: win, doff, options };
    const skb = complete({ ...NO_SKB, iph: { ...base, tos }, th, payload: payloadOf(len) });
    return { skb, cookieFor: Math.max(tfo, 0) };
  }
  if (protocol === IPPROTO_UDP) {
    const { len, tos } = readExtras(words, protocol, ['len', 'tos']);
    const uh = { ...NO_UH, source: source.port, dest: target.port, len: 8 + len };
    return { skb: complete({ ...NO_SKB, iph: { ...base, tos }, uh, payload: payloadOf(len) }), cookieFor: 0 };
  }
  if (protocol === IPPROTO_ICMP) {
    const [type, code] = readIcmpType(words.value('icmp', 'a type such as echo-request'));
    const { len, seq, id, tos } = readExtras(words, protocol, ['len', 'id', 'seq', 'tos']);
    const icmph = { ...NO_ICMPH, type, code, id, sequence: seq };
    return { skb: complete({ ...NO_SKB, iph: { ...base, tos }, icmph, payload: payloadOf(len) }), cookieFor: 0 };
  }
  const { len, tos } = readExtras(words, protocol, ['len', 'tos']);
  return { skb: complete({ ...NO_SKB, iph: { ...base, tos }, payload: payloadOf(len) }), cookieFor: 0 };
}

/** `tcp S.`, `udp 12`, `icmp echo-request`: what follows the addresses, without numbers that only the sender knows. */
export function printProtocol(skb: SkBuff): string {
  const { len } = skb.payload;
  const length = len > 0 ? ` ${len}` : '';
  if (skb.iph.protocol === IPPROTO_TCP) return `tcp ${formatFlags(skb.th.flags)}${length}`;
  if (skb.iph.protocol === IPPROTO_ICMP) return `icmp ${printIcmpType(skb.icmph.type, skb.icmph.code)}${length}`;
  return `${formatProtocol(skb.iph.protocol)} ${len}`;
}

function printIcmpType(type: number, code: number): string {
  const name = ICMP_NAMES.find(([, number]) => number === type)?.[0] ?? String(type);
  return code === 0 ? name : `${name}/${code}`;
}

/** `10.0.0.254:5000 > 10.0.0.1:80`. */
export function printEndpoints({ iph, th, uh }: SkBuff): string {
  if (iph.protocol === IPPROTO_TCP)
    return `${formatEndpoint(iph.saddr, th.source)} > ${formatEndpoint(iph.daddr, th.dest)}`;
  if (iph.protocol === IPPROTO_UDP)
    return `${formatEndpoint(iph.saddr, uh.source)} > ${formatEndpoint(iph.daddr, uh.dest)}`;
  return `${formatAddress(iph.saddr)} > ${formatAddress(iph.daddr)}`;
}

/** The packet in the words that `readArrival` reads back. */
export function printArrival({ skb, cookieFor }: Arrival): string {
  const words = [printEndpoints(skb), printProtocol(skb)];
  if (skb.iph.protocol === IPPROTO_TCP) {
    if (skb.th.seq !== 0) words.push(`seq ${skb.th.seq}`);
    if (skb.th.ack_seq !== 0) words.push(`ack ${skb.th.ack_seq}`);
    if (skb.th.window !== WINDOW) words.push(`win ${skb.th.window}`);
  }
  if (skb.iph.protocol === IPPROTO_ICMP) {
    if (skb.icmph.id !== 0) words.push(`id ${skb.icmph.id}`);
    if (skb.icmph.sequence !== 0) words.push(`seq ${skb.icmph.sequence}`);
  }
  if (skb.iph.tos !== 0) words.push(`tos ${formatHex(skb.iph.tos)}`);
  if (skb.th.options.length > 0) words.push('tfo');
  if (cookieFor !== 0) words.push(`tfo ${formatAddress(cookieFor)}`);
  return words.join(' ');
}

/** The packet as the player of a real kernel takes it: what was written of it, without lengths and checksums. */
export function arrivalJson({ skb, cookieFor }: Arrival): object {
  const { iph, th, uh, icmph, payload } = skb;
  const addresses = { saddr: formatAddress(iph.saddr), daddr: formatAddress(iph.daddr), protocol: iph.protocol };
  const common = { ...addresses, tos: iph.tos, len: payload.len };
  if (iph.protocol === IPPROTO_TCP) {
    const { source, dest, flags, seq, ack_seq, window, options } = th;
    const numbers = { sport: source, dport: dest, flags, seq, ack: ack_seq, win: window };
    const hasOption = options.length > 0 || cookieFor !== 0;
    const option = { cookie: cookieFor === 0 ? '' : formatAddress(cookieFor) };
    return { ...common, ...numbers, ...(hasOption ? option : {}) };
  }
  if (iph.protocol === IPPROTO_UDP) return { ...common, sport: uh.source, dport: uh.dest };
  if (iph.protocol !== IPPROTO_ICMP) return common;
  return { ...common, icmp_type: icmph.type, icmp_code: icmph.code, id: icmph.id, seq: icmph.sequence };
}
