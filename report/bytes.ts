/** A packet as the bytes of the wire, and its transport checksum worked out. */
import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, type SkBuff } from '../model/types/packet.ts';

/** Bytes that belong together, with their name. */
export interface Field {
  readonly name: string;
  readonly bytes: readonly number[];
}

function bytesOf(value: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => (value >>> (8 * (count - 1 - i))) & 0xff);
}

function field(name: string, value: number, count: number): Field {
  return { name, bytes: bytesOf(value, count) };
}

function ipFields({ iph }: SkBuff): Field[] {
  return [
    field('version, header length', 0x40 | iph.ihl, 1),
    field('TOS', iph.tos, 1),
    field('total length', iph.tot_len, 2),
    field('identification', iph.id, 2),
    field('flags, fragment offset', iph.frag_off, 2),
    field('TTL', iph.ttl, 1),
    field('protocol', iph.protocol, 1),
    field('header checksum', iph.check, 2),
    field('source', iph.saddr, 4),
    field('destination', iph.daddr, 4),
  ];
}

/** The transport header; none where the model keeps the packet's bytes as they are. */
function transportFields({ iph, th, uh, icmph }: SkBuff): Field[] {
  switch (iph.protocol) {
    case IPPROTO_TCP:
      return [
        field('source port', th.source, 2),
        field('destination port', th.dest, 2),
        field('sequence number', th.seq, 4),
        field('acknowledgment', th.ack_seq, 4),
        field('header length', th.doff << 4, 1),
        field('flags', th.flags, 1),
        field('window', th.window, 2),
        field('checksum', th.check, 2),
        field('urgent pointer', th.urg_ptr, 2),
        ...(th.options.length === 0
          ? []
          : [{ name: 'options', bytes: th.options.flatMap((word) => bytesOf(word, 2)) }]),
      ];
    case IPPROTO_UDP:
      return [
        field('source port', uh.source, 2),
        field('destination port', uh.dest, 2),
        field('length', uh.len, 2),
        field('checksum', uh.check, 2),
      ];
    case IPPROTO_ICMP:
      return [
        field('type', icmph.type, 1),
        field('code', icmph.code, 1),
        field('checksum', icmph.checksum, 2),
        field('identifier', icmph.id, 2),
        field('sequence', icmph.sequence, 2),
      ];
    default:
      return [];
  }
}

function payloadOf({ payload }: SkBuff): Field[] {
  const bytes = payload.words.flatMap((word) => bytesOf(word, 2)).slice(0, payload.len);
  return bytes.length === 0 ? [] : [{ name: 'payload', bytes }];
}

/** All fields of a packet, from the IP header to the payload. */
export function fieldsOf(skb: SkBuff): { readonly ip: readonly Field[]; readonly transport: readonly Field[] } {
  return { ip: ipFields(skb), transport: [...transportFields(skb), ...payloadOf(skb)] };
}

/** One summand of a checksum. */
export interface Summand {
  readonly name: string;
  /** Sum of its 16-bit words. */
  readonly sum: number;
}

/** How a receiver checks: the sum of all words, folded to 16 bits, is 0xffff. */
export interface Working {
  readonly summands: readonly Summand[];
  readonly total: number;
  readonly folded: number;
  readonly isCorrect: boolean;
  /** What the checksum field holds, and what would be right. */
  readonly held: number;
  readonly right: number;
}

function wordsOf(bytes: readonly number[]): number[] {
  return Array.from(
    { length: Math.ceil(bytes.length / 2) },
    (_, i) => ((bytes[2 * i] ?? 0) << 8) | (bytes[2 * i + 1] ?? 0),
  );
}

function sum(words: readonly number[]): number {
  return words.reduce((total, word) => total + word, 0);
}

function fold(total: number): number {
  return total > 0xffff ? fold((total & 0xffff) + Math.floor(total / 0x10000)) : total;
}

function working(fields: readonly Field[], checksum: string): Working {
  // Fields begin at even offsets but for single bytes, of which two make a word.
  const summands: Summand[] = [];
  let open: Field | undefined;
  for (const one of fields) {
    if (open !== undefined) {
      const joined = { name: `${open.name}, ${one.name}`, bytes: [...open.bytes, ...one.bytes] };
      summands.push({ name: joined.name, sum: sum(wordsOf(joined.bytes)) });
      open = undefined;
    } else if (one.bytes.length === 1) open = one;
    else summands.push({ name: one.name, sum: sum(wordsOf(one.bytes)) });
  }
  const total = summands.reduce((all, one) => all + one.sum, 0);
  const held = sum(wordsOf(fields.find(({ name }) => name === checksum)?.bytes ?? []));
  const folded = fold(total);
  return { summands, total, folded, isCorrect: folded === 0xffff, held, right: 0xffff & ~fold(total - held) };
}

/** The IP header's checksum, as a receiver checks it. */
export function ipWorking(skb: SkBuff): Working {
  return working(ipFields(skb), 'header checksum');
}

/** The transport checksum with its pseudo-header; undefined for protocols without one. */
export function transportWorking(skb: SkBuff): Working | undefined {
  const transport = fieldsOf(skb).transport;
  const { protocol, saddr, daddr } = skb.iph;
  if (protocol === IPPROTO_ICMP) return working(transport, 'checksum');
  if (protocol !== IPPROTO_TCP && protocol !== IPPROTO_UDP) return undefined;
  const length = transport.reduce((all, { bytes }) => all + bytes.length, 0);
  const pseudo = [
    field('pseudo-header: source', saddr, 4),
    field('pseudo-header: destination', daddr, 4),
    field('pseudo-header: protocol', protocol, 2),
    field('pseudo-header: length', length, 2),
  ];
  return working([...pseudo, ...transport], 'checksum');
}
