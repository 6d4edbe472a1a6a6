/**
 * Which SYNs each condition of model/patch/syn-filters.ts moves, counted over every SYN that tcp_connect() sends.
 *
 * The SYNs and their sockets are those that the mangle hook sees when scenarios are played. MD5 and cookies of other
 * lengths than eight bytes, which the model has not, are then given their place in the header.
 */
import { fastopenOption, tfoCookieOf } from '../model/kernel/net/ipv4/tcp_fastopen.ts';
import { stock } from '../model/patch/stock.ts';
import { accepts, synFilters } from '../model/patch/syn-filters.ts';
import { IPPROTO_TCP, type SkBuff, TCPHDR_ACK, TCPHDR_SYN } from '../model/types/packet.ts';
import type { Sock } from '../model/types/sock.ts';
import type { Kernel, World } from '../model/types/world.ts';
import { bootHost, playOn } from '../scenario/play.ts';
import { compile } from '../scenario/text.ts';

/** The kinds of SYN that the table tells apart. */
export const SYN_KINDS = [
  'plain',
  'asks for a cookie',
  'cookie, no data',
  'cookie and data',
  'data, no option',
  'falls back',
  'sent again',
] as const;
export type SynKind = (typeof SYN_KINDS)[number];

/** A SYN in the hook. */
export interface SynShape {
  readonly kind: SynKind;
  readonly net: World;
  readonly sk: Sock;
  readonly skb: SkBuff;
}

/** A SYN as the hook saw it, and in which event. */
interface Seen {
  readonly event: number;
  readonly net: World;
  readonly skb: SkBuff;
}

const HOST = [
  'ip link add eth0 type veth peer name eth0p',
  'ip link set eth0 up',
  'ip addr add 10.0.0.1/24 dev eth0',
  'ip route add default via 10.0.0.254',
  'iptables -t mangle -A OUTPUT -p tcp -j MARK --set-mark 1',
];
const PEER = '8.8.8.8:80';
const LEARN = ['socket a tcp', `send a 4 to ${PEER} tfo`, 'answer a'];

/** The next SYN is dropped by the filter, the one behind it is not. */
const DROP_NEXT = ['host iptables -A OUTPUT -p tcp --syn -m statistic --mode nth --every 2 --packet 0 -j DROP'];
const NO_COOKIES = ['host sysctl -w net.ipv4.tcp_fastopen=5'];

/** One connection attempt each: how it comes about, and the event that sends its first SYN. */
const ATTEMPTS: readonly (readonly [before: readonly string[], ...events: string[]])[] = [
  [[], `connect c ${PEER}`],
  [[], `send c 4 to ${PEER} tfo`],
  [[], `connect c ${PEER} tfo`],
  [LEARN, `send c 0 to ${PEER} tfo`],
  [LEARN, `send c 1 to ${PEER} tfo`],
  [LEARN, `send c 8 to ${PEER} tfo`],
  [LEARN, `send c 2000 to ${PEER} tfo`],
  [LEARN, `connect c ${PEER} tfo`, 'send c 4'],
  [NO_COOKIES, `send c 8 to ${PEER} tfo`],
  [[...LEARN, ...DROP_NEXT], `send c 8 to ${PEER} tfo`],
  [[...NO_COOKIES, ...DROP_NEXT], `send c 8 to ${PEER} tfo`],
];

/** Lengths of a cookie. RFC: 7413 section 4.1.1. */
const COOKIE_LENGTHS = [4, 6, 8, 10, 12, 14, 16];

/** What tcp_fastopen_cookie_gen() makes. */
export const USUAL_COOKIE = 8;

interface Options {
  readonly timestamps: boolean;
  readonly sack: boolean;
  readonly scaling: boolean;
}

const OPTION_SETS: readonly Options[] = [false, true].flatMap((timestamps) =>
  [false, true].flatMap((sack) => [false, true].map((scaling) => ({ timestamps, sack, scaling }))),
);

function isSyn(skb: SkBuff): boolean {
  return skb.iph.protocol === IPPROTO_TCP && (skb.th.flags & (TCPHDR_SYN | TCPHDR_ACK)) === TCPHDR_SYN;
}

/** The SYNs of the last socket that a scenario opens, as the hook sees them. */
function probe(host: readonly string[], events: readonly string[]): readonly Seen[] {
  const seen: Seen[] = [];
  let event = 0;
  const kernel: Kernel = {
    ...stock,
    ipt_mangle_out(self, net, skb, state) {
      if (isSyn(skb)) seen.push({ event, net, skb });
      return stock.ipt_mangle_out(self, net, skb, state);
    },
  };
  const scenario = compile({ host, events });
  let world = bootHost(kernel, scenario.host);
  for (const one of scenario.events) {
    world = playOn(kernel, world, [one]).steps[0]?.world ?? world;
    event++;
  }
  const last = seen.at(-1)?.skb.sk;
  return seen.filter(({ skb }) => skb.sk === last);
}

/** Bytes of options in front of a Fast Open option. C: net/ipv4/tcp_output.c, tcp_syn_options(). */
function usedBytes({ timestamps, sack, scaling }: Options, md5: boolean): number {
  const stamps = timestamps && !md5;
  return 4 + (md5 ? 20 : 0) + (stamps ? 12 : 0) + (scaling ? 4 : 0) + (sack && !stamps ? 4 : 0);
}

/** The words of a Fast Open option with a cookie of that length, filled up to 32 bits. */
function cookieWords(length: number): readonly number[] {
  const words = [0x2200 | (length + 2), ...Array.from({ length: length / 2 }, () => 0x1111)];
  return words.length % 2 === 0 ? words : [...words, 0x0101];
}

/** The SYN as it is with MD5, or with a cookie of that length, and whether it carries a Fast Open option. */
function laidOut(
  { skb }: Seen,
  options: Options,
  md5: boolean,
  length: number,
): { readonly skb: SkBuff; readonly option: boolean } {
  const foc = tfoCookieOf(skb.th);
  const wanted = foc === 0 ? [] : foc < 0 ? fastopenOption(-1) : cookieWords(length);
  const used = usedBytes(options, md5);
  const option = wanted.length > 0 && used + wanted.length * 2 <= 40;
  const front = Array.from({ length: used / 2 }, () => 0x0101);
  const words = option ? [...front, ...wanted] : front;
  const th = { ...skb.th, options: words, doff: 5 + words.length / 2 };
  return { skb: { ...skb, th, iph: { ...skb.iph, tot_len: 20 + th.doff * 4 + skb.payload.len } }, option };
}

function kindOf(skb: SkBuff, position: number, again: boolean): SynKind {
  if (again) return 'sent again';
  if (position > 0) return 'falls back';
  const foc = tfoCookieOf(skb.th);
  if (skb.payload.len > 0) return foc === 0 ? 'data, no option' : 'cookie and data';
  return foc === 0 ? 'plain' : foc < 0 ? 'asks for a cookie' : 'cookie, no data';
}

/** Every shape of SYN; only what the model itself sends with `modelled`. */
export function synShapes(modelled = false): readonly SynShape[] {
  const shapes: SynShape[] = [];
  for (const options of OPTION_SETS) {
    const bit = (on: boolean) => (on ? 1 : 0);
    const host = [
      ...HOST,
      `sysctl -w net.ipv4.tcp_timestamps=${bit(options.timestamps)}`,
      `sysctl -w net.ipv4.tcp_sack=${bit(options.sack)}`,
      `sysctl -w net.ipv4.tcp_window_scaling=${bit(options.scaling)}`,
    ];
    for (const [before, ...attempt] of ATTEMPTS) {
      const seen = probe(host, [...before, 'socket c tcp', ...attempt, 'retransmit c']);
      const first = before.length + 1 + attempt.length;
      const lengths = seen.some(({ skb }) => tfoCookieOf(skb.th) > 0) ? COOKIE_LENGTHS : [USUAL_COOKIE];
      for (const md5 of modelled ? [false] : [false, true]) {
        for (const length of modelled ? [USUAL_COOKIE] : lengths) {
          let syn_fastopen = false;
          for (const [position, one] of seen.entries()) {
            const { skb, option } = modelled
              ? { skb: one.skb, option: tfoCookieOf(one.skb.th) !== 0 }
              : laidOut(one, options, md5, length);
            syn_fastopen ||= option;
            const sk = one.net.socks.find(({ id }) => id === skb.sk) as Sock;
            shapes.push({
              kind: kindOf(skb, position, one.event >= first),
              net: one.net,
              sk: {
                ...sk,
                tcp_header_len: sk.tcp_header_len + (md5 ? 20 : 0),
                fastopen: { ...sk.fastopen, syn_fastopen },
              },
              skb,
            });
          }
        }
      }
    }
  }
  return distinct(shapes);
}

/** The shapes that differ in what a condition can look at. */
function distinct(shapes: readonly SynShape[]): readonly SynShape[] {
  const keyed = shapes.map((shape) => {
    const { kind, sk, skb } = shape;
    const { req, syn_fastopen, syn_data } = sk.fastopen;
    const option = tfoCookieOf(skb.th) !== 0;
    const key = [kind, sk.tcp_header_len, skb.th.doff, skb.payload.len, option, req, syn_fastopen, syn_data].join();
    return [key, shape] as const;
  });
  return [...new Map(keyed).values()];
}

/** How many of the SYNs of each kind a condition moves. */
export interface FilterRow {
  readonly name: string;
  readonly condition: string;
  readonly moved: Readonly<Record<SynKind, readonly [moved: number, all: number]>>;
}

/** The table: a row per condition. */
export function filterRows(): readonly FilterRow[] {
  const shapes = synShapes();
  return synFilters.map((filter) => {
    const count = (kind: SynKind) => {
      const all = shapes.filter((shape) => shape.kind === kind);
      return [all.filter(({ net, sk, skb }) => accepts(filter, net, sk, skb)).length, all.length] as const;
    };
    const moved = Object.fromEntries(SYN_KINDS.map((kind) => [kind, count(kind)])) as FilterRow['moved'];
    const { name, condition } = filter;
    return { name, condition, moved };
  });
}
