/** `ip rule`. */
import type { HostCommand } from '../../model/types/host.ts';
import {
  type FibRule,
  FR_ACT_BLACKHOLE,
  FR_ACT_GOTO,
  FR_ACT_NOP,
  FR_ACT_PROHIBIT,
  FR_ACT_TO_TBL,
  FR_ACT_UNREACHABLE,
  FR_ACT_UNSPEC,
  NO_RULE,
  RT_TABLE_MAIN,
  RT_TABLE_UNSPEC,
  RTPROT_UNSPEC,
} from '../../model/types/route.ts';
import { wrong } from '../error.ts';
import { formatHex, formatPrefix, formatProtocol, formatTable } from '../format.ts';
import { readDevice, readNumber, readPrefix, U8, U16, U32 } from '../words.ts';
import { readLinkGroup } from './link.ts';
import { type Names, nameOf, ROUTE_PROTOCOLS, readDsfield, readIpProtocol, readName, readTable } from './names.ts';
import {
  type Draft,
  decisive,
  exact,
  fits,
  harmless,
  type Of,
  type Option,
  readOptions,
  short,
  taken,
} from './options.ts';
import type { HostWords } from './reading.ts';

type RuleChange = Of<'rule add'>;

type RuleDraft = Draft<FibRule>;

const readPref: Option<RuleDraft>['read'] = (words, draft, word) => {
  draft.pref = readNumber(words.value(word, 'a number'), 'a preference', U32);
};
const readRuleTos: Option<RuleDraft>['read'] = (words, draft, word) => {
  draft.tos = readDsfield(words.value(word, 'a dsfield'));
};
const readRuleTable: Option<RuleDraft>['read'] = (words, draft, word) => {
  draft.table = readTable(words.value(word, 'a table'), words.reading);
};
const readIif: Option<RuleDraft>['read'] = (words, draft, word) => {
  draft.iifname = readDevice(words.value(word, 'a link'));
};
const readSuppress: Option<RuleDraft>['read'] = (words, draft, word) => {
  draft.suppress_prefixlen = readNumber(words.value(word, 'a prefix length'), 'a prefix length', 32);
};

const readSuppressGroup: Option<RuleDraft>['read'] = (words, draft, word) => {
  draft.suppress_ifgroup = readLinkGroup(words, word);
};

function readPortRange(words: HostWords, option: string): [first: number, last: number] {
  const word = words.value(option, 'a port or FIRST-LAST');
  const [first = '', last = first, more] = word.split('-');
  if (more !== undefined) wrong(`"${word}" is not a range of ports; write FIRST-LAST`);
  return [readNumber(first, 'a port', U16), readNumber(last, 'a port', U16)];
}

const RULE: readonly Option<RuleDraft>[] = [
  exact('not', (_, draft) => {
    draft.invert = true;
  }),
  exact('from', (words, draft) => {
    const { address, length } = readPrefix(words.value('from', 'a prefix'), 'a prefix');
    draft.src = address;
    draft.src_len = length;
  }),
  exact('to', (words, draft) => {
    const { address, length } = readPrefix(words.value('to', 'a prefix'), 'a prefix');
    draft.dst = address;
    draft.dst_len = length;
  }),
  short('preference', readPref),
  short('order', readPref),
  short('priority', readPref),
  exact('tos', readRuleTos),
  short('dsfield', readRuleTos),
  exact('fwmark', (words, draft) => {
    const [mark = '', mask] = words.value('fwmark', 'MARK or MARK/MASK').split('/', 2);
    draft.mark = readNumber(mark, 'a mark', U32);
    // The kernel compares all bits of a mark other than 0 when no mask is given, and none of 0.
    draft.mark_mask = mask === undefined ? (draft.mark === 0 ? 0 : U32) : readNumber(mask, 'a mask', U32);
  }),
  short('protocol', (words, draft, word) => {
    draft.protocol = readName(words.value(word, 'a protocol'), ROUTE_PROTOCOLS, 'a routing protocol', U8);
  }),
  short('tun_id', (words, draft, word) => {
    draft.tun_id = readNumber(
      words.value(word, 'the key of a tunnel, or write "table" in full'),
      'the key of a tunnel',
      U32,
    );
  }),
  short('table', readRuleTable),
  exact('lookup', readRuleTable),
  exact('suppress_prefixlength', readSuppress),
  exact('sup_pl', readSuppress),
  exact('iif', readIif),
  exact('dev', readIif),
  exact('oif', (words, draft) => {
    draft.oifname = readDevice(words.value('oif', 'a link'));
  }),
  exact('uidrange', (words, draft) => {
    const word = words.value('uidrange', 'FIRST-LAST');
    const [first = '', last, more] = word.split('-');
    if (last === undefined || more !== undefined)
      wrong(`"${word}" is not a range of users; write FIRST-LAST, such as ${first}-${first}`);
    draft.uid_start = readNumber(first, 'a user', U32);
    draft.uid_end = readNumber(last, 'a user', U32);
    if (draft.uid_start > draft.uid_end) wrong(`"${word}" is not a range of users; write the smaller number first`);
  }),
  exact('ipproto', (words, draft) => {
    draft.ip_proto = readIpProtocol(words.value('ipproto', 'a protocol'));
  }),
  exact('sport', (words, draft) => {
    [draft.sport_start, draft.sport_end] = readPortRange(words, 'sport');
  }),
  exact('dport', (words, draft) => {
    [draft.dport_start, draft.dport_end] = readPortRange(words, 'dport');
  }),
  exact('goto', (words, draft) => {
    draft.action = FR_ACT_GOTO;
    draft.target = readNumber(words.value('goto', 'a preference'), 'a preference', U32);
  }),
  short('nop', (_, draft) => {
    draft.action = FR_ACT_NOP;
  }),
  exact('type', (words, draft) => readAction(words.value('type', 'an action'), words, draft)),
  exact('l3mdev', (_, draft) => {
    draft.l3mdev = true;
  }),
  exact('suppress_ifgroup', readSuppressGroup),
  exact('sup_group', readSuppressGroup),
  ...harmless<RuleDraft>('it is counted by, and asked for by no rule of routing', 'realms 1', 'realm 1'),
  ...decisive<RuleDraft>('addresses would stay as they are', 'nat 1', 'map-to 1', 'masquerade'),
];

const ACTIONS: Names = [
  ['blackhole', FR_ACT_BLACKHOLE],
  ['unreachable', FR_ACT_UNREACHABLE],
  ['prohibit', FR_ACT_PROHIBIT],
  ['unicast', FR_ACT_TO_TBL],
];

function readAction(word: string, words: HostWords, draft: RuleDraft): void {
  const action = ACTIONS.find(([name]) => fits(word, name, true));
  if (action === undefined) {
    wrong(
      `"${word}" is not a word of "${words.command}"; it takes ${taken(RULE)}, ${ACTIONS.map(([name]) => name).join(', ')}`,
    );
  }
  draft.action = action[1];
}

export function parseRuleChange(act: 'rule add' | 'rule del', words: HostWords): HostCommand {
  if (words.done) wrong(`"${words.command}" needs a selector or an action: ${words.command} fwmark 100 table 100`);
  const rule: RuleDraft = { ...NO_RULE, table: -1 };
  readOptions(words, RULE, rule, readAction);
  const looksUp = act === 'rule add' && rule.action === FR_ACT_UNSPEC;
  if (looksUp) rule.action = FR_ACT_TO_TBL;
  // A rule with another action is given no table.
  if (rule.table < 0) rule.table = looksUp && !rule.l3mdev ? RT_TABLE_MAIN : RT_TABLE_UNSPEC;
  if (rule.l3mdev && rule.table > 0) wrong('table can not be specified for l3mdev rules');
  if (rule.l3mdev && rule.invert) wrong('"not" with "l3mdev" is not modelled; leave it out');
  return { kind: act, rule };
}

function printMark(mark: number, mask: number): string {
  return mask === (mark === 0 ? 0 : U32) ? String(mark) : `${mark}/${formatHex(mask)}`;
}

function printRange(first: number, last: number): string {
  return first === last ? String(first) : `${first}-${last}`;
}

export function printRule(command: RuleChange): string {
  const { rule } = command;
  const adds = command.kind === 'rule add';
  const words: string[] = ['ip', command.kind];
  if (rule.invert) words.push('not');
  if (rule.src_len !== 0 || rule.src !== 0) words.push('from', formatPrefix(rule.src, rule.src_len));
  if (rule.dst_len !== 0 || rule.dst !== 0) words.push('to', formatPrefix(rule.dst, rule.dst_len));
  if (rule.mark !== 0 || rule.mark_mask !== 0) words.push('fwmark', printMark(rule.mark, rule.mark_mask));
  if (rule.tos !== 0) words.push('tos', formatHex(rule.tos));
  if (rule.iifname !== '') words.push('iif', rule.iifname);
  if (rule.oifname !== '') words.push('oif', rule.oifname);
  if (rule.uid_start <= rule.uid_end) words.push('uidrange', `${rule.uid_start}-${rule.uid_end}`);
  if (rule.ip_proto !== 0) words.push('ipproto', formatProtocol(rule.ip_proto));
  if (rule.sport_start !== 0 || rule.sport_end !== 0) words.push('sport', printRange(rule.sport_start, rule.sport_end));
  if (rule.dport_start !== 0 || rule.dport_end !== 0) words.push('dport', printRange(rule.dport_start, rule.dport_end));
  if (rule.pref >= 0) words.push('pref', String(rule.pref));
  if (rule.protocol !== RTPROT_UNSPEC) words.push('proto', nameOf(rule.protocol, ROUTE_PROTOCOLS));
  if (rule.tun_id !== 0) words.push('tun_id', String(rule.tun_id));
  if (rule.suppress_ifgroup >= 0) words.push('suppress_ifgroup', String(rule.suppress_ifgroup));
  if (rule.suppress_prefixlen >= 0) words.push('suppress_prefixlength', String(rule.suppress_prefixlen));
  const looksUp = rule.action === FR_ACT_TO_TBL || rule.action === FR_ACT_UNSPEC;
  const usualTable = adds && looksUp && !rule.l3mdev ? RT_TABLE_MAIN : RT_TABLE_UNSPEC;
  if (rule.l3mdev) words.push('l3mdev');
  if (rule.table !== usualTable || (adds && looksUp && !rule.l3mdev)) words.push('table', formatTable(rule.table));
  if (rule.action === FR_ACT_GOTO) words.push('goto', String(rule.target));
  else if (rule.action === FR_ACT_NOP) words.push('nop');
  else if (!looksUp || (!adds && rule.action === FR_ACT_TO_TBL)) words.push(nameOf(rule.action, ACTIONS));
  if (words.length === 2) words.push('from', 'all');
  return words.join(' ');
}
