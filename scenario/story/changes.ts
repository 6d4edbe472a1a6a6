/** What is different after a statement, in words: a table of fields for sockets, one for packets, one for the tables. */
import { ipChecksumCorrect } from '../../model/kernel/include/net/checksum.ts';
import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, type SkBuff } from '../../model/types/packet.ts';
import type { FibRule, FibTable } from '../../model/types/route.ts';
import { NO_SOCK, SOCK_REQUEST, SOCK_TIMEWAIT, type Sock } from '../../model/types/sock.ts';
import type { NfConn, NfTuple, XtTable } from '../../model/types/verdict.ts';
import type { World } from '../../model/types/world.ts';
import {
  formatAddress,
  formatEndpoint,
  formatFlags,
  formatHex,
  formatPrefix,
  formatProtocol,
  formatTable,
} from '../format.ts';
import { checksumOf, dstText, packetName, socketText, stateName } from '../trace.ts';
import type { Moment } from './watch.ts';

/** A field that has another value. */
export interface FieldChange {
  readonly field: string;
  readonly before: string;
  readonly after: string;
}

/** A thing that is different: a socket, a packet, an entry of a table. */
export interface Change {
  readonly of: 'socket' | 'packet' | 'table' | 'oops';
  /** As people call it: `c`, `packet 3`, `conntrack`. */
  readonly name: string;
  /** What became of it as a whole, '' where only fields changed. */
  readonly what: string;
  readonly fields: readonly FieldChange[];
}

type Fields<T> = Readonly<Record<string, (one: T, net: World) => string>>;

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no';
}

/** Fields of a socket, as C calls them; those that only count bytes or time are left out. */
const SOCKET: Fields<Sock> = {
  state: (sk) => stateName(sk),
  inet_saddr: (sk) => formatAddress(sk.inet_saddr),
  inet_rcv_saddr: (sk) => formatAddress(sk.inet_rcv_saddr),
  inet_daddr: (sk) => formatAddress(sk.inet_daddr),
  inet_num: (sk) => String(sk.inet_num),
  inet_sport: (sk) => String(sk.inet_sport),
  inet_dport: (sk) => String(sk.inet_dport),
  'in ehash': (sk) => yesNo(sk.hashed),
  'bind bucket': (sk) => (sk.icsk_bind_hash === 0 ? 'none' : String(sk.icsk_bind_hash)),
  'cork.fl source': (sk) => formatEndpoint(sk.cork_fl.saddr, sk.cork_fl.fl4_sport),
  sk_dst_cache: (sk, net) => (sk.sk_dst_cache.dev === 0 ? 'none' : dstText(net, sk.sk_dst_cache)),
  write_seq: (sk) => String(sk.write_seq),
  snd_nxt: (sk) => String(sk.snd_nxt),
  rcv_nxt: (sk) => String(sk.rcv_nxt),
  retransmits: (sk) => String(sk.retransmits),
  received: (sk) => String(sk.received),
  sk_err: (sk) => String(sk.sk_err),
  sk_mark: (sk) => String(sk.sk_mark),
  sk_bound_dev_if: (sk) => String(sk.sk_bound_dev_if),
  closed: (sk) => yesNo(sk.orphan),
};

/** What the transport checksum is worth; nothing is said before it was computed. */
function transportChecksum(skb: SkBuff): string {
  const { protocol } = skb.iph;
  const sum = protocol === IPPROTO_TCP ? skb.th.check : protocol === IPPROTO_UDP ? skb.uh.check : skb.icmph.checksum;
  const known = protocol === IPPROTO_TCP || protocol === IPPROTO_UDP || protocol === IPPROTO_ICMP;
  return !known || sum === 0 ? '' : checksumOf(skb);
}

const PACKET: Fields<SkBuff> = {
  source: ({ iph }) => formatAddress(iph.saddr),
  destination: ({ iph }) => formatAddress(iph.daddr),
  'source port': ({ iph, th, uh }) => String(iph.protocol === IPPROTO_TCP ? th.source : uh.source),
  'destination port': ({ iph, th, uh }) => String(iph.protocol === IPPROTO_TCP ? th.dest : uh.dest),
  flags: ({ iph, th }) => (iph.protocol === IPPROTO_TCP ? formatFlags(th.flags) : ''),
  'sequence number': ({ iph, th }) => (iph.protocol === IPPROTO_TCP ? String(th.seq) : ''),
  mark: ({ mark }) => String(mark),
  tos: ({ iph }) => formatHex(iph.tos),
  route: ({ dst }, net) => (dst.dev === 0 ? 'none' : dstText(net, dst)),
  IPsec: ({ dst }) => yesNo(dst.xfrm),
  'conntrack entry': ({ ct }) => (ct === 0 ? 'none' : String(ct)),
  'IP checksum': ({ iph }) => (iph.check === 0 ? '' : ipChecksumCorrect(iph) ? 'correct' : 'incorrect'),
  'transport checksum': transportChecksum,
};

/** Fields whose values before their first are no news. */
const SILENT_AT_FIRST = new Set(['IP checksum', 'transport checksum', 'flags', 'sequence number']);

function changed<T>(fields: Fields<T>, before: T, was: World, after: T, is: World): FieldChange[] {
  return Object.entries(fields).flatMap(([field, text]) => {
    const change = { field, before: text(before, was), after: text(after, is) };
    if (change.before === change.after || change.after === '') return [];
    return change.before === '' && SILENT_AT_FIRST.has(field) && change.after !== 'incorrect' ? [] : [change];
  });
}

function socketChanges(before: World, after: World): Change[] {
  if (before.socks === after.socks) return [];
  const was = new Map(before.socks.map((sk) => [sk.id, sk]));
  const is = new Map(after.socks.map((sk) => [sk.id, sk]));
  const gone = before.socks
    .filter(({ id }) => !is.has(id))
    .map((sk): Change => ({ of: 'socket', name: kindedName(before, sk), what: 'is gone', fields: [] }));
  const rest = after.socks.flatMap((sk): Change[] => {
    const old = was.get(sk.id);
    if (old === sk) return [];
    const fields = changed(SOCKET, old ?? NO_SOCK, before, sk, after);
    if (old !== undefined && fields.length === 0) return [];
    return [{ of: 'socket', name: kindedName(after, sk), what: old === undefined ? 'is new' : '', fields }];
  });
  return [...gone, ...rest];
}

function kindedName(net: World, sk: Sock): string {
  const name = socketText(net, sk.id);
  if (sk.kind === SOCK_REQUEST) return `request of ${socketText(net, sk.parent)}`;
  return sk.kind === SOCK_TIMEWAIT ? `${name} in TIME_WAIT` : name;
}

/** Lines of a list that came and went. */
function listChanges(name: string, before: readonly string[], after: readonly string[]): Change[] {
  const gone = before.filter((line) => !after.includes(line));
  const fresh = after.filter((line) => !before.includes(line));
  return [...gone.map((line) => `- ${line}`), ...fresh.map((line) => `+ ${line}`)].map((what) => ({
    of: 'table',
    name,
    what,
    fields: [],
  }));
}

function tupleText({ src, sport, dst, dport, protonum }: NfTuple): string {
  return `${formatProtocol(protonum)} ${formatEndpoint(src, sport)} > ${formatEndpoint(dst, dport)}`;
}

function connectionText({ original, reply, confirmed, mark }: NfConn): string {
  const words = [tupleText(original), `reply ${tupleText(reply).replace(/^\S+ /, '')}`];
  if (mark !== 0) words.push(`mark ${mark}`);
  if (!confirmed) words.push('unconfirmed');
  return words.join(', ');
}

function ruleText({ pref, src, src_len, mark, mark_mask, table, oifname, iifname }: FibRule): string {
  const words = [`${pref}:`, src_len === 0 ? 'from all' : `from ${formatPrefix(src, src_len)}`];
  if (mark !== 0 || mark_mask !== 0) words.push(`fwmark ${mark}`);
  if (iifname !== '') words.push(`iif ${iifname}`);
  if (oifname !== '') words.push(`oif ${oifname}`);
  return [...words, `table ${formatTable(table)}`].join(' ');
}

function routesOf(tables: readonly FibTable[], net: World): string[] {
  const name = (ifindex: number) => net.devs.find((dev) => dev.ifindex === ifindex)?.name ?? `if${ifindex}`;
  return tables.flatMap(({ tb_id, aliases }) =>
    aliases.map(({ dst, plen, nh_gw, nh_dev }) =>
      [
        plen === 0 ? 'default' : formatPrefix(dst, plen),
        ...(nh_gw === 0 ? [] : [`via ${formatAddress(nh_gw)}`]),
        ...(nh_dev === 0 ? [] : [`dev ${name(nh_dev)}`]),
        `table ${formatTable(tb_id)}`,
      ].join(' '),
    ),
  );
}

function rulesOf({ name, chains }: XtTable): string[] {
  return chains.flatMap((chain) => chain.rules.map(({ id }) => `${name} ${chain.name}: rule ${id}`));
}

/** The tables of a host, each with its entries as lines. */
export const TABLES: Readonly<
  Record<string, { readonly of: (net: World) => unknown; readonly lines: (net: World) => string[] }>
> = {
  'bind table': {
    of: ({ bhash }) => bhash,
    lines: (net) =>
      net.bhash
        .filter(({ owners }) => owners.length > 0)
        .map(({ port, owners }) => `port ${port}: ${owners.map((id) => socketText(net, id)).join(', ')}`),
  },
  conntrack: { of: ({ conntrack }) => conntrack, lines: ({ conntrack }) => conntrack.map(connectionText) },
  'Fast Open cookies': {
    of: ({ metrics }) => metrics,
    lines: ({ metrics }) =>
      metrics
        .filter(({ cookie }) => cookie !== 0)
        .map(({ saddr, daddr }) => `of ${formatAddress(daddr)} for ${formatAddress(saddr)}`),
  },
  links: {
    of: ({ devs }) => devs,
    lines: ({ devs }) =>
      devs.map(({ name, up, ifa_list }) =>
        [name, up ? 'up' : 'down', ...ifa_list.map((ifa) => formatPrefix(ifa.ifa_local, ifa.ifa_prefixlen))].join(' '),
      ),
  },
  rules: { of: ({ rules }) => rules, lines: ({ rules }) => rules.map(ruleText) },
  routes: { of: ({ tables }) => tables, lines: (net) => routesOf(net.tables, net) },
  iptables: {
    of: ({ mangle, nat, filter, raw }) => [mangle, nat, filter, raw],
    lines: ({ mangle, nat, filter, raw }) => [raw, mangle, nat, filter].flatMap(rulesOf),
  },
};

function tableChanges(before: World, after: World): Change[] {
  return Object.entries(TABLES).flatMap(([name, { of, lines }]) =>
    of(before) === of(after) ? [] : listChanges(name, lines(before), lines(after)),
  );
}

/** A packet is one once it has addresses. */
function packetChange(net: World, before: SkBuff | undefined, after: SkBuff): Change[] {
  const name = `packet ${after.id}`;
  if (after.iph.daddr === 0) return [];
  if (before === undefined || before.iph.daddr === 0) {
    const route = after.dst.dev === 0 ? '' : `, route ${dstText(net, after.dst)}`;
    return [{ of: 'packet', name, what: `${packetName(after)}${route}`, fields: [] }];
  }
  const fields = changed(PACKET, before, net, after, net);
  return fields.length === 0 ? [] : [{ of: 'packet', name, what: '', fields }];
}

/** Everything that is different after that statement and that people want to know. */
export function changesOf({ before, after, packet }: Moment): readonly Change[] {
  const { where, why } = after.oops;
  return [
    ...(packet === undefined ? [] : packetChange(after, packet.before, packet.after)),
    ...(before === after ? [] : [...socketChanges(before, after), ...tableChanges(before, after)]),
    ...(before.oops.where === where ? [] : [{ of: 'oops' as const, name: `oops in ${where}`, what: why, fields: [] }]),
  ];
}
