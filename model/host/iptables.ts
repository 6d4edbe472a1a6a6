/** The iptables command: what the program checks itself, and what it asks the kernel to replace. C: libiptc and iptables 1.8.9 (legacy). */
import {
  getTable,
  protoOf,
  setChain,
  setTable,
  translate_table,
  xt_find_chain,
} from '../kernel/net/ipv4/netfilter/ip_tables.ts';
import { ip_set_get_byname } from '../kernel/net/netfilter/ipset/ip_set_core.ts';
import { E2BIG, EEXIST, EINVAL, ELOOP, EMLINK, ENOENT, ENOTEMPTY } from '../types/errno.ts';
import type { HostCommand } from '../types/host.ts';
import { insertBehind } from '../types/lookup.ts';
import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP } from '../types/packet.ts';
import {
  type CtTest,
  NF_ACCEPT,
  NF_DROP,
  type PortRange,
  type XtChain,
  type XtMatch,
  type XtRule,
  type XtTable,
  type XtTarget,
} from '../types/verdict.ts';
import type { World } from '../types/world.ts';

type IptablesCommand = Extract<HostCommand, { kind: 'iptables' }>;

/** The table with every nth counter back at its start. */
function restarted(table: XtTable): XtTable {
  let chains: readonly XtChain[] = [];
  for (const chain of table.chains) {
    let rules: readonly XtRule[] = [];
    for (const rule of chain.rules) rules = [...rules, { ...rule, count: 0 }];
    chains = [...chains, { ...chain, rules }];
  }
  return { ...table, used: true, chains };
}

/** The table after a change: nf_tables keeps what was counted. */
function changed(table: XtTable): XtTable {
  return table.nft ? { ...table, used: true } : restarted(table);
}

/** Whether a rule needs connection tracking. C: the callers of nf_ct_netns_get(); NOTRACK is none. */
function needsConntrack(e: XtRule): boolean {
  const t = e.target.kind;
  let needs =
    t === 'CONNMARK' || t === 'MASQUERADE' || t === 'REDIRECT' || t === 'SNAT' || t === 'DNAT' || t === 'zone';
  for (const m of e.matches) needs = needs || m.kind === 'ctstate' || m.kind === 'conntrack' || m.kind === 'connmark';
  return needs;
}

function tableNeedsConntrack(table: XtTable): boolean {
  let needs = false;
  for (const chain of table.chains) for (const e of chain.rules) needs = needs || needsConntrack(e);
  return needs;
}

/** What a command came to. */
export interface IptablesResult {
  readonly err: number;
  readonly message: string;
  readonly net: World;
}

export function refused(net: World, err: number, message: string): IptablesResult {
  return { err: -err, message, net };
}

/** A refusal of the iptables program itself. */
function usage(net: World, words: string): IptablesResult {
  return refused(net, EINVAL, `iptables v1.8.9 (legacy): ${words}`);
}

const NO_CHAIN_WORDS = 'iptables: No chain/target/match by that name.';
const BAD_RULE_WORDS = 'iptables: Bad rule (does a matching rule exist in that chain?).';
const INVALID_WORDS = "iptables: Invalid argument. Run `dmesg' for more information.";
const NO_DROP_WORDS = 'The "nat" table is not intended for filtering, the use of DROP is therefore inhibited.';

/**
 * Replaces the whole table, as every command does.
 *
 * C: net/ipv4/netfilter/ip_tables.c, do_replace(). The rules' own state begins anew with each replacement.
 * Observed: Linux 6.18, iptables-legacy 1.8.9: any command on a table restarts the nth counters in it; conntrack stays
 * off with NOTRACK or ACCEPT rules alone (2026-11-22).
 */
function commit(net: World, table: XtTable): IptablesResult {
  const err = translate_table(table);
  if (err === -ELOOP) return refused(net, ELOOP, 'iptables: Too many levels of symbolic links.');
  if (err < 0) return refused(net, EINVAL, INVALID_WORDS);
  const after = setTable(net, changed(table));
  const ct_enabled =
    tableNeedsConntrack(after.raw) ||
    tableNeedsConntrack(after.mangle) ||
    tableNeedsConntrack(after.nat) ||
    tableNeedsConntrack(after.filter);
  return { err: 0, message: '', net: { ...after, ct_enabled } };
}

/** What the program refuses in a rule before it asks the kernel, '' for nothing. */
function ruleUsage(net: World, table: string, chain: string, e: XtRule): string {
  const { protocol, invert } = protoOf(e);
  let ports = protocol === IPPROTO_TCP || protocol === IPPROTO_UDP;
  let nth = 0;
  for (const m of e.matches) {
    if (m.kind === 'in' && chain === 'OUTPUT') return "Can't use -i with OUTPUT";
    if (m.kind === 'in' && chain === 'POSTROUTING') return "Can't use -i with POSTROUTING";
    if (m.kind === 'out' && chain === 'INPUT') return "Can't use -o with INPUT";
    if (m.kind === 'out' && chain === 'PREROUTING') return "Can't use -o with PREROUTING";
    if (m.kind === 'proto' && m.protocol === 0 && m.invert) return 'rule would never match protocol';
    if (m.kind === 'sport' && !ports) return 'unknown option "--sport"';
    if (m.kind === 'dport' && !ports) return 'unknown option "--dport"';
    if ((m.kind === 'sport' || m.kind === 'dport') && m.first > m.last) return 'invalid portrange (min > max)';
    if (m.kind === 'tcp-flags' && protocol !== IPPROTO_TCP) return 'unknown option "--tcp-flags"';
    if (m.kind === 'icmp-type' && protocol !== IPPROTO_ICMP) return 'unknown option "--icmp-type"';
    if (m.kind === 'multiport' && !ports) {
      return "multiport needs `-p tcp', `-p udp', `-p udplite', `-p sctp' or `-p dccp'";
    }
    if (m.kind === 'multiport' && invert) return 'multiport only works with TCP, UDP, UDPLITE, SCTP and DCCP';
    if (m.kind === 'statistic-nth' && m.every === 0) {
      return 'statistic: bad value for option "--every", or out of range (1-4294967295).';
    }
    if (m.kind === 'statistic-nth' && m.packet >= m.every) return 'the --packet p must be 0 <= p <= n-1';
    if (m.kind === 'set' && ip_set_get_byname(net, m.set).name === '') return `Set ${m.set} doesn't exist.\n`;
    nth += m.kind === 'statistic-nth' ? 1 : 0;
  }
  if (nth > 1) return 'a second statistic match in one rule is not modelled';
  const t = e.target;
  ports = ports || protocol === IPPROTO_ICMP;
  if ((t.kind === 'SNAT' || t.kind === 'DNAT') && t.portFirst !== 0 && !ports) {
    return 'Need TCP, UDP, SCTP or DCCP with port specification';
  }
  if (t.kind === 'DROP' && table === 'nat') return NO_DROP_WORDS;
  return '';
}

/** What is wrong with the rule's target chain: '' when it jumps nowhere or to a user's chain. */
function jumpRefusal(table: XtTable, e: XtRule): string {
  const t = e.target;
  if (t.kind !== 'jump' && t.kind !== 'goto') return '';
  const chain = xt_find_chain(table, t.chain);
  if (chain.name === '') {
    return t.kind === 'jump'
      ? `iptables v1.8.9 (legacy): Couldn't load target \`${t.chain}':No such file or directory`
      : `iptables v1.8.9 (legacy): goto '${t.chain}' is not a chain`;
  }
  return chain.builtin ? INVALID_WORDS : '';
}

/** Whether the name is that of a target extension of iptables, which no chain may have. */
function isTargetName(name: string): boolean {
  for (const target of TARGET_NAMES) if (target === name) return true;
  return false;
}

const TARGET_NAMES: readonly string[] = [
  'ACCEPT',
  'DROP',
  'QUEUE',
  'RETURN',
  'AUDIT',
  'CHECKSUM',
  'CLASSIFY',
  'CLUSTERIP',
  'CONNMARK',
  'CONNSECMARK',
  'CT',
  'DNAT',
  'DSCP',
  'ECN',
  'HMARK',
  'IDLETIMER',
  'LED',
  'LOG',
  'MARK',
  'MASQUERADE',
  'NETMAP',
  'NFLOG',
  'NFQUEUE',
  'NOTRACK',
  'RATEEST',
  'REDIRECT',
  'REJECT',
  'SECMARK',
  'SET',
  'SNAT',
  'SYNPROXY',
  'TCPMSS',
  'TCPOPTSTRIP',
  'TEE',
  'TOS',
  'TPROXY',
  'TRACE',
  'TTL',
  'ULOG',
];

/** Whether two port lists are the same. */
function samePorts(a: XtMatch, b: XtMatch): boolean {
  if (a.kind !== 'multiport' || b.kind !== 'multiport') return false;
  if (a.ports.length !== b.ports.length || a.which !== b.which) return false;
  let same = true;
  for (let i = 0; i < a.ports.length; i += 1) {
    const [range, other] = [a.ports[i] as PortRange, b.ports[i] as PortRange];
    same = same && range.first === other.first && range.last === other.last;
  }
  return same;
}

/** Whether every state of one list is in the other. */
function statesWithin(a: readonly string[], b: readonly string[]): boolean {
  let all = true;
  for (const state of a) {
    let found = false;
    for (const other of b) found = found || state === other;
    all = all && found;
  }
  return all;
}

/** Whether every question of one list is in the other. */
function testsWithin(a: readonly CtTest[], b: readonly CtTest[]): boolean {
  let all = true;
  for (const test of a) {
    let found = false;
    for (const { what, first, last, invert } of b) {
      found = found || (test.what === what && test.first === first && test.last === last && test.invert === invert);
    }
    all = all && found;
  }
  return all;
}

/** Whether two lists of words are the same. */
export function sameWords(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  let i = 0;
  for (const word of a) {
    if (word !== b[i]) return false;
    i += 1;
  }
  return true;
}

/** Whether two matches say the same. */
function sameMatch(a: XtMatch, b: XtMatch): boolean {
  if (a.kind !== b.kind || a.invert !== b.invert) return false;
  switch (a.kind) {
    case 'src':
    case 'dst':
      return b.kind === a.kind && a.addr === b.addr && a.mask === b.mask;
    case 'proto':
      return b.kind === a.kind && a.protocol === b.protocol;
    case 'in':
    case 'out':
      return b.kind === a.kind && a.dev === b.dev;
    case 'sport':
    case 'dport':
      return b.kind === a.kind && a.first === b.first && a.last === b.last;
    case 'multiport':
      return samePorts(a, b);
    case 'tcp-flags':
      return b.kind === a.kind && a.mask === b.mask && a.comp === b.comp;
    case 'icmp-type':
      return b.kind === a.kind && a.type === b.type && a.codeFirst === b.codeFirst && a.codeLast === b.codeLast;
    case 'mark':
      return b.kind === a.kind && a.mark === b.mark && a.mask === b.mask;
    case 'ctstate':
      return b.kind === a.kind && statesWithin(a.states, b.states) && statesWithin(b.states, a.states);
    case 'conntrack':
      return (
        b.kind === a.kind &&
        a.statesInvert === b.statesInvert &&
        statesWithin(a.states, b.states) &&
        statesWithin(b.states, a.states) &&
        testsWithin(a.tests, b.tests) &&
        testsWithin(b.tests, a.tests)
      );
    case 'connmark':
      return b.kind === a.kind && a.mark === b.mark && a.mask === b.mask;
    case 'owner':
      return b.kind === a.kind && a.uidFirst === b.uidFirst && a.uidLast === b.uidLast;
    case 'owner-gid':
      return b.kind === a.kind && a.gidFirst === b.gidFirst && a.gidLast === b.gidLast;
    case 'socket-exists':
      return true;
    case 'cgroup':
      return b.kind === a.kind && a.path === b.path && a.classid === b.classid;
    case 'set':
      return b.kind === a.kind && a.set === b.set && sameWords(a.dims, b.dims);
    case 'iprange':
      return b.kind === a.kind && a.which === b.which && a.first === b.first && a.last === b.last;
    case 'length':
      return b.kind === a.kind && a.first === b.first && a.last === b.last;
    case 'policy':
      return b.kind === a.kind && a.out === b.out && a.ipsec === b.ipsec;
    case 'statistic-random':
      return b.kind === a.kind && a.probability === b.probability;
    case 'statistic-nth':
      return b.kind === a.kind && a.every === b.every && a.packet === b.packet;
    case 'tos':
      return b.kind === a.kind && a.value === b.value && a.mask === b.mask;
    case 'dscp':
      return b.kind === a.kind && a.dscp === b.dscp;
    case 'addrtype':
      return b.kind === a.kind && a.which === b.which && a.types === b.types && a.limit === b.limit;
    case 'socket':
      return b.kind === a.kind && a.transparent === b.transparent && a.nowildcard === b.nowildcard;
  }
}

/** Whether two targets say the same. */
function sameTarget(a: XtTarget, b: XtTarget): boolean {
  if (a.kind !== b.kind) return false;
  switch (a.kind) {
    case 'jump':
    case 'goto':
      return b.kind === a.kind && a.chain === b.chain;
    case 'MARK':
    case 'TOS':
      return b.kind === a.kind && a.value === b.value && a.mask === b.mask;
    case 'CONNMARK':
      return b.kind === a.kind && a.op === b.op && a.value === b.value && a.mask === b.mask && a.nfmask === b.nfmask;
    case 'DSCP':
      return b.kind === a.kind && a.dscp === b.dscp;
    case 'MASQUERADE':
    case 'REDIRECT':
      return b.kind === a.kind && a.portFirst === b.portFirst && a.portLast === b.portLast && a.random === b.random;
    case 'SNAT':
    case 'DNAT':
      return (
        b.kind === a.kind &&
        a.addr === b.addr &&
        a.portFirst === b.portFirst &&
        a.portLast === b.portLast &&
        a.random === b.random
      );
    case 'zone':
      return b.kind === a.kind && a.zone === b.zone && a.dir === b.dir;
    case 'REJECT':
      return b.kind === a.kind && a.reject === b.reject;
    case 'TPROXY':
      return (
        b.kind === a.kind && a.laddr === b.laddr && a.lport === b.lport && a.value === b.value && a.mask === b.mask
      );
    default:
      return true;
  }
}

/** Whether every match of one rule is in the other. */
function matchesWithin(a: XtRule, b: XtRule): boolean {
  let all = true;
  for (const m of a.matches) {
    let found = false;
    for (const other of b.matches) found = found || sameMatch(m, other);
    all = all && found;
  }
  return all;
}

/** Whether `-D` of one rule deletes the other. Left out: the order of extensions, in which the program also wants to agree. */
function sameRule(a: XtRule, b: XtRule): boolean {
  return (
    a.matches.length === b.matches.length &&
    sameTarget(a.target, b.target) &&
    matchesWithin(a, b) &&
    matchesWithin(b, a)
  );
}

/** The first rule of the chain that says the same, as its number from 1; 0 for none. */
function ruleNumber(chain: XtChain, rule: XtRule): number {
  let found = 0;
  let i = 1;
  for (const e of chain.rules) {
    found = found === 0 && sameRule(e, rule) ? i : found;
    i += 1;
  }
  return found;
}

/** The chain without the rule of that number. */
function withoutRule(chain: XtChain, number: number): XtChain {
  let rules: readonly XtRule[] = [];
  let i = 1;
  for (const e of chain.rules) {
    rules = i === number ? rules : [...rules, e];
    i += 1;
  }
  return { ...chain, rules };
}

/** `-A` and `-I`; `-A` inserts behind the last rule. C: libiptc, iptc_append_entry(), iptc_insert_entry(). */
function insertRule(net: World, table: XtTable, c: IptablesCommand): IptablesResult {
  const words = ruleUsage(net, table.name, c.chain, c.rule);
  if (words !== '') return usage(net, words);
  const jump = jumpRefusal(table, c.rule);
  if (jump !== '' && jump !== INVALID_WORDS) return refused(net, ENOENT, jump);
  const chain = xt_find_chain(table, c.chain);
  if (chain.name === '') return refused(net, ENOENT, NO_CHAIN_WORDS);
  if (jump !== '') return refused(net, EINVAL, jump);
  const end = chain.rules.length + 1;
  const at = c.op === 'A' ? end : c.index;
  if (at < 1) return usage(net, "Invalid rule number `0'");
  if (at > end) return refused(net, E2BIG, 'iptables: Index of insertion too big.');
  const rule = { ...c.rule, id: net.next_rule, count: 0 };
  return commit(
    { ...net, next_rule: net.next_rule + 1 },
    setChain(table, { ...chain, rules: insertBehind(chain.rules, at - 1, rule) }),
  );
}

/** `-D` with a rule. C: libiptc, iptc_delete_entry(). */
function deleteRule(net: World, table: XtTable, c: IptablesCommand): IptablesResult {
  const words = ruleUsage(net, table.name, c.chain, c.rule);
  if (words !== '') return usage(net, words);
  const jump = jumpRefusal(table, c.rule);
  if (jump !== '' && jump !== INVALID_WORDS) return refused(net, ENOENT, jump);
  const chain = xt_find_chain(table, c.chain);
  if (chain.name === '') return refused(net, ENOENT, BAD_RULE_WORDS);
  if (jump !== '') return refused(net, EINVAL, jump);
  const number = ruleNumber(chain, c.rule);
  if (number > 0) return commit(net, setChain(table, withoutRule(chain, number)));
  const t = c.rule.target.kind;
  const standard = t === 'none' || t === 'ACCEPT' || t === 'DROP' || t === 'RETURN';
  return refused(net, ENOENT, standard ? BAD_RULE_WORDS : NO_CHAIN_WORDS);
}

/** `-C`: whether the rule is there; nothing changes. C: libiptc, iptc_check_entry(). */
function checkRule(net: World, table: XtTable, c: IptablesCommand): IptablesResult {
  const { err, message } = deleteRule(net, table, c);
  return { err, message, net };
}

/** `-R`. C: libiptc, iptc_replace_entry(). */
function replaceRule(net: World, table: XtTable, c: IptablesCommand): IptablesResult {
  const words = ruleUsage(net, table.name, c.chain, c.rule);
  if (words !== '') return usage(net, words);
  const jump = jumpRefusal(table, c.rule);
  if (jump !== '' && jump !== INVALID_WORDS) return refused(net, ENOENT, jump);
  const chain = xt_find_chain(table, c.chain);
  if (chain.name === '') return refused(net, ENOENT, NO_CHAIN_WORDS);
  if (c.index > chain.rules.length) return refused(net, E2BIG, 'iptables: Index of replacement too big.');
  if (jump !== '') return refused(net, EINVAL, jump);
  const rule = { ...c.rule, id: net.next_rule, count: 0 };
  const rules = insertBehind(withoutRule(chain, c.index).rules, c.index - 1, rule);
  return commit({ ...net, next_rule: net.next_rule + 1 }, setChain(table, { ...chain, rules }));
}

/** `-D` with a number. C: libiptc, iptc_delete_num_entry(). */
function deleteNumber(net: World, table: XtTable, c: IptablesCommand): IptablesResult {
  if (c.index < 1) return usage(net, "Invalid rule number `0'");
  const chain = xt_find_chain(table, c.chain);
  if (chain.name === '') return refused(net, ENOENT, NO_CHAIN_WORDS);
  if (c.index > chain.rules.length) return refused(net, E2BIG, 'iptables: Index of deletion too big.');
  return commit(net, setChain(table, withoutRule(chain, c.index)));
}

/** `-N`. C: libiptc, iptc_create_chain(). */
function newChain(net: World, table: XtTable, name: string): IptablesResult {
  if (name[0] === '-') return usage(net, "chain name not allowed to start with `-'");
  if (name[0] === '!') return usage(net, "chain name not allowed to start with `!'");
  if (name.length > 28) return usage(net, `chain name \`${name}' too long (must be under 29 chars)`);
  if (isTargetName(name)) return usage(net, 'chain name may not clash with target name');
  if (xt_find_chain(table, name).name !== '') return refused(net, EEXIST, 'iptables: Chain already exists.');
  const chain: XtChain = { name, builtin: false, policy: NF_ACCEPT, rules: [] };
  return commit(net, { ...table, chains: [...table.chains, chain] });
}

/** `-P`. C: libiptc, iptc_set_policy(). */
function setPolicy(net: World, table: XtTable, c: IptablesCommand): IptablesResult {
  if (table.name === 'nat' && c.policy === NF_DROP) return usage(net, NO_DROP_WORDS);
  const chain = xt_find_chain(table, c.chain);
  if (!chain.builtin) return refused(net, ENOENT, 'iptables: Bad built-in chain name.');
  return commit(net, setChain(table, { ...chain, policy: c.policy }));
}

/** `-F` of one chain or of all. C: libiptc, iptc_flush_entries(). */
function flush(net: World, table: XtTable, name: string): IptablesResult {
  if (name !== '' && xt_find_chain(table, name).name === '') return refused(net, ENOENT, NO_CHAIN_WORDS);
  let chains: readonly XtChain[] = [];
  for (const chain of table.chains) {
    chains = [...chains, name === '' || chain.name === name ? { ...chain, rules: [] } : chain];
  }
  return commit(net, { ...table, chains });
}

/** Whether a rule of the table leads to the chain. */
function referenced(table: XtTable, name: string): boolean {
  let found = false;
  for (const chain of table.chains) {
    for (const { target: t } of chain.rules) {
      found = found || ((t.kind === 'jump' || t.kind === 'goto') && t.chain === name);
    }
  }
  return found;
}

/** The table without the chain. */
function withoutChain(table: XtTable, name: string): XtTable {
  let chains: readonly XtChain[] = [];
  for (const chain of table.chains) chains = chain.name === name ? chains : [...chains, chain];
  return { ...table, chains };
}

/** `-X` of one chain, or of all that users made. C: libiptc, iptc_delete_chain(). */
function deleteChains(net: World, table: XtTable, name: string): IptablesResult {
  if (name !== '') {
    const chain = xt_find_chain(table, name);
    if (chain.name === '') return refused(net, ENOENT, NO_CHAIN_WORDS);
    if (chain.builtin) return refused(net, EINVAL, INVALID_WORDS);
  }
  let left = table;
  for (const chain of table.chains) {
    if (!chain.builtin && (name === '' || chain.name === name)) {
      if (referenced(left, chain.name)) return refused(net, EMLINK, 'iptables: Too many links.');
      if (chain.rules.length > 0) return refused(net, ENOTEMPTY, 'iptables: Directory not empty.');
      left = withoutChain(left, chain.name);
    }
  }
  return commit(net, left);
}

/**
 * Changes the tables as the iptables command does, or says why not, in its words and the kernel's.
 *
 * Observed: iptables-legacy 1.8.9 on Linux 6.18, every refusal (2026-11-22).
 * Left out: the exit status, which tells usage errors (2) from refusals (1).
 */
export function iptablesCommand(net: World, command: IptablesCommand): IptablesResult {
  const table = getTable(net, command.table);
  if (table.name !== command.table) {
    return usage(
      net,
      `can't initialize iptables table \`${command.table}': Table does not exist (do you need to insmod?)`,
    );
  }
  if (table.used && table.nft !== command.nft) {
    return usage(net, `the other back end has table ${table.name}, and rules of both in one table are not modelled`);
  }
  return changeTable(net, { ...table, nft: command.nft }, command);
}

function changeTable(net: World, table: XtTable, command: IptablesCommand): IptablesResult {
  switch (command.op) {
    case 'A':
    case 'I':
      return insertRule(net, table, command);
    case 'C':
      return checkRule(net, table, command);
    case 'R':
      return replaceRule(net, table, command);
    case 'D':
      return deleteRule(net, table, command);
    case 'D#':
      return deleteNumber(net, table, command);
    case 'N':
      return newChain(net, table, command.chain);
    case 'P':
      return setPolicy(net, table, command);
    case 'F':
      return flush(net, table, command.chain);
    case 'X':
      return deleteChains(net, table, command.chain);
  }
}
