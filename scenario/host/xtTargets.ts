/** Targets of iptables: which options each takes, how they are read, and how they are written. */

import { IPPROTO_TCP, IPPROTO_UDP } from '../../model/types/packet.ts';
import { IPT_TCP_RESET, type XtTarget } from '../../model/types/verdict.ts';
import { wrong } from '../error.ts';
import { formatAddress, formatHex } from '../format.ts';
import { readAddress, readNumber, U8, U16, U32 } from '../words.ts';
import { type Given, type Masked, readDscpClass, readMasked, readTos } from './xtValues.ts';

interface TargetModule {
  readonly options: Readonly<Record<string, number>>;
  readonly read: (given: readonly Given[], protocol: number) => XtTarget;
}

/** The only option of a target that may be given once. */
function one(given: readonly Given[], target: string, options: Readonly<Record<string, number>>): Given {
  const [first, second] = given;
  if (first === undefined) {
    wrong(
      `"${target}" says not what to set; it takes one of ${Object.keys(options)
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
    return { kind: 'CONNMARK', op: 'set', ...readBits(operation, U32, 'a mark') };
  }
  const values = masks.map(({ values: [word = ''] }) => readNumber(word, 'a mask', U32));
  const complete = masks.length !== 1 || masks[0]?.option === 'mask';
  if (!complete || new Set(values).size > 1)
    wrong('--nfmask and --ctmask are modelled only when they are equal; write --mask MASK');
  return {
    kind: 'CONNMARK',
    op: operation.option === 'save-mark' ? 'save' : 'restore',
    value: 0,
    mask: values[0] ?? U32,
  };
}

const CONNMARK_OPTIONS = { ...MARK_OPTIONS, 'save-mark': 0, 'restore-mark': 0, mask: 1, nfmask: 1, ctmask: 1 };

function readNat(target: 'SNAT' | 'DNAT', given: readonly Given[], protocol: number): XtTarget {
  const [to, ...more] = given;
  if (to === undefined || more.length > 0)
    wrong(`"${target}" needs one address; write ${target === 'SNAT' ? '--to-source' : '--to-destination'} 10.0.0.1`);
  const [word = ''] = to.values;
  const [address = '', ports] = word.split(':', 2);
  if (address.includes('-')) wrong(`"${address}" is a range, which is not modelled; write one address`);
  const addr = readAddress(address, 'an address');
  if (ports === undefined) return { kind: target, addr, portFirst: 0, portLast: 0 };
  if (![IPPROTO_TCP, IPPROTO_UDP].includes(protocol)) wrong(`"${word}" has a port, which needs -p tcp or -p udp`);
  const [first = '', last = first] = ports.split('-', 2);
  return {
    kind: target,
    addr,
    portFirst: readNumber(first, 'a port', U16, 1),
    portLast: readNumber(last, 'a port', U16, 1),
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
  MASQUERADE: { options: {}, read: () => ({ kind: 'MASQUERADE' }) },
  SNAT: { options: { 'to-source': 1 }, read: (given, protocol) => readNat('SNAT', given, protocol) },
  DNAT: { options: { 'to-destination': 1 }, read: (given, protocol) => readNat('DNAT', given, protocol) },
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
  CT: {
    options: { notrack: 0 },
    read: (given) =>
      given.length === 1 ? { kind: 'NOTRACK' } : wrong('"CT" is modelled with --notrack alone; write -j CT --notrack'),
  },
};

/** Targets of iptables that are not modelled: any other name is a chain of the user's. */
export const OTHER_TARGETS =
  'AUDIT CHECKSUM CLASSIFY CONNSECMARK ECN HL HMARK IDLETIMER LED LOG NETMAP NFLOG NFQUEUE QUEUE RATEEST REDIRECT SECMARK SET SYNPROXY TCPMSS TCPOPTSTRIP TEE TPROXY TRACE TTL ULOG'.split(
    ' ',
  );

export function printTarget(target: XtTarget): string {
  switch (target.kind) {
    case 'none':
      return '';
    case 'ACCEPT':
    case 'DROP':
    case 'RETURN':
    case 'MASQUERADE':
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
      return `-j CONNMARK --${target.op}-mark${target.mask === U32 ? '' : ` --mask ${formatHex(target.mask)}`}`;
    case 'TOS':
      return `-j TOS --set-tos ${target.value}/${formatHex(target.mask)}`;
    case 'DSCP':
      return `-j DSCP --set-dscp ${target.dscp}`;
    case 'SNAT':
    case 'DNAT': {
      const range = target.portFirst === target.portLast ? target.portFirst : `${target.portFirst}-${target.portLast}`;
      const ports = target.portFirst === 0 ? '' : `:${range}`;
      return `-j ${target.kind} --to-${target.kind === 'SNAT' ? 'source' : 'destination'} ${formatAddress(target.addr)}${ports}`;
    }
  }
}
