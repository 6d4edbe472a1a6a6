/** Targets of iptables: which options each takes, how they are read, and how they are written. */

import { IPPROTO_TCP, IPPROTO_UDP } from '../../model/types/packet.ts';
import { IPT_TCP_RESET, type XtTarget } from '../../model/types/verdict.ts';
import { wrong } from '../error.ts';
import { formatAddress, formatHex } from '../format.ts';
import { readAddress, readNumber, U8, U16, U32 } from '../words.ts';
import { type Given, type Masked, readDscpClass, readMasked, readRange, readTos } from './xtValues.ts';

/** Reading over an option: `asked` where that can matter. */
export interface Leave {
  readonly harmless: (word: string, why: string) => void;
  readonly asked: (word: string, consequence: string) => void;
}

/** A target that is modelled: its options with the number of values they take, and what they become. */
interface TargetModule {
  readonly options: Readonly<Record<string, number>>;
  readonly read: (given: readonly Given[], protocol: number, leave: Leave) => XtTarget;
}

/** A target that is not modelled: why it cannot matter, or what is different without it. */
interface UnmodelledTarget {
  readonly options: Readonly<Record<string, number>>;
  readonly harmless?: string;
  readonly consequence?: string;
}

/** The only option of a target that may be given once. */
function one(given: readonly Given[], target: string, options: Readonly<Record<string, number>>): Given {
  const [first, second] = given;
  if (first === undefined) {
    wrong(
      `"${target}" needs an option that says what to set, one of ${Object.keys(options)
        .map((name) => `--${name}`)
        .join(', ')}`,
    );
  }
  if (second !== undefined) wrong(`"--${second.option}" cannot stand beside "--${first.option}"; write one of them`);
  return first;
}

/** The five ways to change bits, as (old & ~mask) ^ value. */
function readBits({ option, values: [word = ''] }: Given, max: number, what: string): Masked {
  if (option.startsWith('and-')) return { value: 0, mask: (~readNumber(word, what, max) & max) >>> 0 };
  if (option.startsWith('or-')) return { value: readNumber(word, what, max), mask: readNumber(word, what, max) };
  if (option.startsWith('xor-')) return { value: readNumber(word, what, max), mask: 0 };
  const masked = readMasked(word, what, max);
  return option === 'set-mark' ? { value: masked.value, mask: (masked.value | masked.mask) >>> 0 } : masked;
}

const MARK_OPTIONS = { 'set-xmark': 1, 'set-mark': 1, 'and-mark': 1, 'or-mark': 1, 'xor-mark': 1 };
const TOS_OPTIONS = { 'set-tos': 1, 'and-tos': 1, 'or-tos': 1, 'xor-tos': 1 };
const DSCP_OPTIONS = { 'set-dscp': 1, 'set-dscp-class': 1 };

const CONNMARK_OPTIONS = { ...MARK_OPTIONS, 'save-mark': 0, 'restore-mark': 0, mask: 1, nfmask: 1, ctmask: 1 };

function readConnmark(given: readonly Given[]): XtTarget {
  const masks = given.filter(({ option }) => option.endsWith('mask'));
  const operation = one(
    given.filter((one) => !masks.includes(one)),
    'CONNMARK',
    CONNMARK_OPTIONS,
  );
  if (operation.option in MARK_OPTIONS) {
    if (masks[0] !== undefined)
      wrong(`"--${masks[0].option}" belongs to --save-mark and --restore-mark; write --${operation.option} VALUE/MASK`);
    return { kind: 'CONNMARK', op: 'set', ...readBits(operation, U32, 'a mark'), nfmask: U32 };
  }
  const maskOfOption = (name: string): number => {
    const word = masks.find(({ option }) => option === name || option === 'mask')?.values[0];
    return word === undefined ? U32 : readNumber(word, 'a mask', U32);
  };
  const op = operation.option === 'save-mark' ? 'save' : 'restore';
  return { kind: 'CONNMARK', op, value: 0, mask: maskOfOption('ctmask'), nfmask: maskOfOption('nfmask') };
}

/** `80`, or `80-90`; 0 where there is none. */
function readNatPorts(word: string | undefined, protocol: number): { portFirst: number; portLast: number } {
  if (word === undefined) return { portFirst: 0, portLast: 0 };
  if (![IPPROTO_TCP, IPPROTO_UDP].includes(protocol)) wrong(`"${word}" is a port, which needs -p tcp or -p udp`);
  const { first, last } = readRange(word, (part) => readNumber(part, 'a port', U16, 1));
  return { portFirst: first, portLast: last };
}

/** The options of all four: a port anywhere in its range. */
const RANDOM_OPTIONS = { random: 0, 'random-fully': 0, persistent: 0 };

function isRandom(given: readonly Given[]): boolean {
  return given.some(({ option }) => option.startsWith('random'));
}

function readNat(kind: 'SNAT' | 'DNAT', given: readonly Given[], protocol: number): XtTarget {
  const [to, ...more] = given.filter(({ option }) => option.startsWith('to-'));
  if (to === undefined || more.length > 0)
    wrong(`"${kind}" needs one address; write ${kind === 'SNAT' ? '--to-source' : '--to-destination'} 10.0.0.1`);
  const [word = ''] = to.values;
  const [address = '', ports] = word.split(':', 2);
  if (address.includes('-'))
    wrong(`"${address}" is a range, of which the kernel takes one by a secret hash; write one address`);
  const addr = address === '' ? 0 : readAddress(address, 'an address');
  if (addr === 0 && ports === undefined) wrong(`"${word}" names neither an address nor a port; write 10.0.0.1, or :80`);
  return { kind, addr, ...readNatPorts(ports, protocol), random: isRandom(given) };
}

function readPortNat(kind: 'MASQUERADE' | 'REDIRECT', given: readonly Given[], protocol: number): XtTarget {
  const ports = given.find(({ option }) => option === 'to-ports');
  return { kind, ...readNatPorts(ports?.values[0], protocol), random: isRandom(given) };
}

const CT_OPTIONS = {
  ...{ notrack: 0, zone: 1, 'zone-orig': 1, 'zone-reply': 1, ctevents: 1, expevents: 1, helper: 1, timeout: 1 },
};

function readCt(given: readonly Given[], _: number, leave: Leave): XtTarget {
  for (const { option } of given) {
    if (option === 'helper') leave.asked('helper', 'what a helper expects is NEW and not RELATED');
    if (option === 'timeout') leave.asked('timeout', 'the connection is remembered for the usual time');
    if (option.endsWith('events')) leave.harmless(option, 'it decides what is told to programs that listen');
  }
  if (given.some(({ option }) => option === 'notrack')) return { kind: 'NOTRACK' };
  const zone = given.find(({ option }) => option.startsWith('zone'));
  if (zone === undefined) return { kind: 'none' };
  const [word = ''] = zone.values;
  if (word === 'mark') wrong('"--zone mark" is not modelled: the zone would be the mark; write a number');
  const dir = zone.option === 'zone-orig' ? 'orig' : zone.option === 'zone-reply' ? 'reply' : 'both';
  return { kind: 'zone', zone: readNumber(word, 'a zone', U16), dir };
}

function readTproxy(given: readonly Given[]): XtTarget {
  const word = (option: string): string | undefined => given.find((one) => one.option === option)?.values[0];
  const port = word('on-port') ?? wrong('"TPROXY" needs the port of the proxy; write --on-port 8080');
  const mark = readMasked(word('tproxy-mark') ?? '0/0', 'a mark', U32);
  return {
    kind: 'TPROXY',
    laddr: readAddress(word('on-ip') ?? '0.0.0.0', 'an address'),
    lport: readNumber(port, 'a port', U16),
    ...mark,
  };
}

/** Words of --reject-with, their short forms and the code of each. */
const REJECTS: readonly (readonly [name: string, short: string, code: number])[] = [
  ['icmp-port-unreachable', 'port-unreach', 3],
  ['icmp-net-unreachable', 'net-unreach', 0],
  ['icmp-host-unreachable', 'host-unreach', 1],
  ['icmp-proto-unreachable', 'proto-unreach', 2],
  ['icmp-net-prohibited', 'net-prohib', 9],
  ['icmp-host-prohibited', 'host-prohib', 10],
  ['icmp-admin-prohibited', 'admin-prohib', 13],
  ['tcp-reset', 'tcp-rst', IPT_TCP_RESET],
];

export const TARGETS: Readonly<Record<string, TargetModule>> = {
  ACCEPT: { options: {}, read: () => ({ kind: 'ACCEPT' }) },
  DROP: { options: {}, read: () => ({ kind: 'DROP' }) },
  RETURN: { options: {}, read: () => ({ kind: 'RETURN' }) },
  MARK: {
    options: MARK_OPTIONS,
    read: (given) => ({ kind: 'MARK', ...readBits(one(given, 'MARK', MARK_OPTIONS), U32, 'a mark') }),
  },
  CONNMARK: { options: CONNMARK_OPTIONS, read: readConnmark },
  TOS: {
    options: TOS_OPTIONS,
    read: (given) => {
      const only = one(given, 'TOS', TOS_OPTIONS);
      return {
        kind: 'TOS',
        ...(only.option === 'set-tos' ? readTos(only.values[0] ?? '') : readBits(only, U8, 'a TOS value')),
      };
    },
  },
  DSCP: {
    options: DSCP_OPTIONS,
    read: (given) => {
      const {
        option,
        values: [word = ''],
      } = one(given, 'DSCP', DSCP_OPTIONS);
      return { kind: 'DSCP', dscp: option === 'set-dscp' ? readNumber(word, 'a DSCP', 63) : readDscpClass(word) };
    },
  },
  MASQUERADE: {
    options: { 'to-ports': 1, ...RANDOM_OPTIONS },
    read: (given, protocol) => readPortNat('MASQUERADE', given, protocol),
  },
  REDIRECT: {
    options: { 'to-ports': 1, ...RANDOM_OPTIONS },
    read: (given, protocol) => readPortNat('REDIRECT', given, protocol),
  },
  SNAT: {
    options: { 'to-source': 1, ...RANDOM_OPTIONS },
    read: (given, protocol) => readNat('SNAT', given, protocol),
  },
  DNAT: {
    options: { 'to-destination': 1, ...RANDOM_OPTIONS },
    read: (given, protocol) => readNat('DNAT', given, protocol),
  },
  NOTRACK: { options: {}, read: () => ({ kind: 'NOTRACK' }) },
  REJECT: {
    options: { 'reject-with': 1 },
    read: ([given]) => {
      const [word = 'icmp-port-unreachable'] = given?.values ?? [];
      const known = REJECTS.find(([name, short]) => name === word || short === word);
      if (known === undefined)
        wrong(`"${word}" cannot be rejected with; write ${REJECTS.map(([name]) => name).join(', ')}`);
      return { kind: 'REJECT', reject: known[2] };
    },
  },
  CT: { options: CT_OPTIONS, read: readCt },
  TPROXY: { options: { 'on-port': 1, 'on-ip': 1, 'tproxy-mark': 1 }, read: readTproxy },
};

const LOOKS = 'it changes no packet';
const NOT_WHERE = 'it changes something else than where a packet goes and as whom';

/** Targets of iptables that are not modelled: any other name is a chain of the user's. */
export const UNMODELLED_TARGETS: Readonly<Record<string, UnmodelledTarget>> = {
  LOG: {
    options: {
      ...{ 'log-level': 1, 'log-prefix': 1, 'log-tcp-sequence': 0, 'log-tcp-options': 0, 'log-ip-options': 0 },
      ...{ 'log-uid': 0, 'log-macdecode': 0 },
    },
    harmless: LOOKS,
  },
  NFLOG: {
    options: { 'nflog-group': 1, 'nflog-prefix': 1, 'nflog-range': 1, 'nflog-size': 1, 'nflog-threshold': 1 },
    harmless: LOOKS,
  },
  ULOG: { options: { 'ulog-nlgroup': 1, 'ulog-prefix': 1, 'ulog-cprange': 1, 'ulog-qthreshold': 1 }, harmless: LOOKS },
  AUDIT: { options: { type: 1 }, harmless: LOOKS },
  TRACE: { options: {}, harmless: LOOKS },
  LED: { options: { 'led-trigger-id': 1, 'led-delay': 1, 'led-always-blink': 0 }, harmless: LOOKS },
  IDLETIMER: { options: { timeout: 1, label: 1, alarm: 0 }, harmless: LOOKS },
  RATEEST: { options: { 'rateest-name': 1, 'rateest-interval': 1, 'rateest-ewmalog': 1 }, harmless: LOOKS },
  TCPMSS: { options: { 'set-mss': 1, 'clamp-mss-to-pmtu': 0 }, harmless: `${NOT_WHERE}: the MSS of a SYN` },
  CLASSIFY: { options: { 'set-class': 1 }, harmless: `${NOT_WHERE}: its class of queueing` },
  CHECKSUM: { options: { 'checksum-fill': 0 }, harmless: `${NOT_WHERE}: who computes its checksum` },
  TTL: { options: { 'ttl-set': 1, 'ttl-inc': 1, 'ttl-dec': 1 }, harmless: `${NOT_WHERE}: how far it goes` },
  SECMARK: { options: { selctx: 1 }, harmless: `${NOT_WHERE}: its security mark` },
  CONNSECMARK: { options: { save: 0, restore: 0 }, harmless: `${NOT_WHERE}: its security mark` },
  ECN: {
    options: { 'ecn-tcp-remove': 0, 'ecn-tcp-cwr': 1, 'ecn-tcp-ece': 1, 'ecn-ip-ect': 1 },
    harmless: `${NOT_WHERE}: bits of ECN`,
  },
  TCPOPTSTRIP: { options: { 'strip-options': 1 }, consequence: 'its segments keep their TCP options' },
  TEE: { options: { gateway: 1, oif: 1 }, consequence: 'no copy of its packets is sent to another host' },
  NFQUEUE: {
    options: { 'queue-num': 1, 'queue-balance': 1, 'queue-bypass': 0, 'queue-cpu-fanout': 0 },
    consequence: 'no program decides about its packets',
  },
  QUEUE: { options: {}, consequence: 'no program decides about its packets' },
  SET: {
    options: {
      'add-set': 2,
      'del-set': 2,
      'map-set': 2,
      exist: 0,
      timeout: 1,
      'map-mark': 0,
      'map-prio': 0,
      'map-queue': 0,
    },
    consequence: 'its packets change no set',
  },
  HMARK: {
    options: {
      ...{ 'hmark-tuple': 1, 'hmark-mod': 1, 'hmark-offset': 1, 'hmark-src-prefix': 1, 'hmark-dst-prefix': 1 },
      ...{ 'hmark-sport-mask': 1, 'hmark-dport-mask': 1, 'hmark-spi-mask': 1, 'hmark-proto-mask': 1, 'hmark-rnd': 1 },
      ...{ 'hmark-sport': 1, 'hmark-dport': 1, 'hmark-spi': 1 },
    },
    consequence: 'its packets get no mark from a hash',
  },
  NETMAP: { options: { to: 1 }, consequence: 'its packets keep their network' },
  SYNPROXY: {
    options: { 'sack-perm': 0, timestamp: 0, wscale: 1, mss: 1, ecn: 0 },
    consequence: 'connections reach their socket without a proxy',
  },
  CLUSTERIP: {
    options: { new: 0, hashmode: 1, clustermac: 1, 'total-nodes': 1, 'local-node': 1, 'hash-init': 1 },
    consequence: 'its packets reach this host, whichever node they are for',
  },
};

export function printTarget(target: XtTarget): string {
  switch (target.kind) {
    case 'none':
      return '';
    case 'ACCEPT':
    case 'DROP':
    case 'RETURN':
      return `-j ${target.kind}`;
    case 'NOTRACK':
      return '-j CT --notrack';
    case 'REJECT':
      return `-j REJECT --reject-with ${REJECTS.find(([, , code]) => code === target.reject)?.[0]}`;
    case 'jump':
      return `-j ${target.chain}`;
    case 'goto':
      return `-g ${target.chain}`;
    case 'MARK':
      return target.mask === U32
        ? `-j MARK --set-mark ${target.value}`
        : `-j MARK --set-xmark ${target.value}/${formatHex(target.mask)}`;
    case 'CONNMARK':
      if (target.op === 'set') return `-j CONNMARK --set-xmark ${target.value}/${formatHex(target.mask)}`;
      return `-j CONNMARK --${target.op}-mark${printMasks(target.nfmask, target.mask)}`;
    case 'TOS':
      return `-j TOS --set-tos ${target.value}/${formatHex(target.mask)}`;
    case 'DSCP':
      return `-j DSCP --set-dscp ${target.dscp}`;
    case 'MASQUERADE':
    case 'REDIRECT':
      return `-j ${target.kind}${target.portFirst === 0 ? '' : ` --to-ports ${printNatPorts(target)}`}${printRandom(target)}`;
    case 'SNAT':
    case 'DNAT': {
      const address = target.addr === 0 ? '' : formatAddress(target.addr);
      const ports = target.portFirst === 0 ? '' : `:${printNatPorts(target)}`;
      return `-j ${target.kind} --to-${target.kind === 'SNAT' ? 'source' : 'destination'} ${address}${ports}${printRandom(target)}`;
    }
    case 'TPROXY': {
      const address = target.laddr === 0 ? '' : ` --on-ip ${formatAddress(target.laddr)}`;
      const changed = target.value !== 0 || target.mask !== 0;
      const mark = changed ? ` --tproxy-mark ${target.value}/${formatHex(target.mask)}` : '';
      return `-j TPROXY --on-port ${target.lport}${address}${mark}`;
    }
    case 'zone':
      return `-j CT --zone${target.dir === 'both' ? '' : `-${target.dir}`} ${target.zone}`;
  }
}

function printMasks(nfmask: number, ctmask: number): string {
  if (nfmask === ctmask) return nfmask === U32 ? '' : ` --mask ${formatHex(nfmask)}`;
  return ` --nfmask ${formatHex(nfmask)} --ctmask ${formatHex(ctmask)}`;
}

interface PortNat {
  readonly portFirst: number;
  readonly portLast: number;
  readonly random: boolean;
}

function printNatPorts({ portFirst, portLast }: PortNat): string {
  return portFirst === portLast ? String(portFirst) : `${portFirst}-${portLast}`;
}

function printRandom({ random }: PortNat): string {
  return random ? ' --random' : '';
}
