/**
 * The unchanged kernel without marks: policy rules select by destination, protocol, ports or user, which the first lookup
 * knows, too. What a mark does to a packet that no socket with a mark, device or link of its own has sent, they do, in front of
 * each rule that asks for marks: a packet is taken where that rule would take it, or passes it by.
 *
 * Left out: a message that asks for a link gets it, where the second lookup forgets it; what a connection sends when its
 * user has gone, which `-m owner` no longer knows, and before 6.18 resets for its sockets.
 */
import { fib_nl_newrule } from '../kernel/net/core/fib_rules.ts';
import { xt_find_chain } from '../kernel/net/ipv4/netfilter/ip_tables.ts';
import type { EventOf } from '../types/event.ts';
import type { HostCommand } from '../types/host.ts';
import { IPPROTO_TCP } from '../types/packet.ts';
import { type FibRule, FR_ACT_GOTO, NO_RULE, RT_TABLE_LOCAL } from '../types/route.ts';
import { NF_ACCEPT, NO_XT_RULE, type XtChain, type XtMatch, type XtRule, type XtTable } from '../types/verdict.ts';
import { type Kernel, NO_OPERATION, type Operation, type SocketMark, type World } from '../types/world.ts';
import { asksNothing, asksUser, obstacle, seenOtherwise, viewOf } from './alternatives.ts';
import { ALL_FLOWS, bothFlows, type Flows, flowsOf, selecting } from './flows.ts';
import { type Case, type MarkStep, markCases, markProgram } from './markings.ts';
import { stock } from './stock.ts';

const GROUPS: Flows = { ...ALL_FLOWS, dst: 0xe0000000, dst_len: 4 };
const EVERYBODY: Flows = { ...ALL_FLOWS, dst: 0xffffffff, dst_len: 32 };

/**
 * The cases with those in front in which a mark does nothing: to a group and to everybody a packet leaves by the link of
 * its source. TCP sends nothing there.
 */
function withGroups(list: readonly Case[]): readonly Case[] {
  let all = list;
  for (const flows of [EVERYBODY, GROUPS]) {
    let marked = false;
    for (const one of list) {
      const sends = one.mark !== 0 && one.flows.proto !== IPPROTO_TCP && !bothFlows(one.flows, flows).empty;
      marked = marked || sends;
    }
    all = marked ? [{ flows, mark: 0 }, ...all] : all;
  }
  return all;
}

/** What becomes of some flows at a rule: it takes them, they pass it by, or it sees them as it would without a mark. */
interface Branch {
  readonly flows: Flows;
  readonly does: 'take' | 'pass' | 'ask';
  readonly rest: FibRule;
}

/** What stands in front of a rule; `why`: that cannot be said. */
interface Block {
  readonly why: string;
  readonly rule: FibRule;
  readonly branches: readonly Branch[];
}

function branchOf(rule: FibRule, { flows, mark }: Case): Branch {
  const view = viewOf(rule, mark);
  const same = !asksUser(rule) && view.takes === viewOf(rule, 0).takes;
  if (mark === 0 || same) return { flows, does: 'ask', rest: rule };
  return {
    flows: bothFlows(flows, view.takes ? flowsOf(view.rest) : flows),
    does: view.takes ? 'take' : 'pass',
    rest: view.rest,
  };
}

/** The branches that decide: those that only ask the rule stand in front of others that they have flows in common with. */
function needed(branches: readonly Branch[]): readonly Branch[] {
  let kept: readonly Branch[] = [];
  for (let i = 0; i < branches.length; i += 1) {
    const branch = branches[i] as Branch;
    let guards = false;
    for (let k = i + 1; k < branches.length; k += 1) {
      const later = branches[k] as Branch;
      guards = guards || (later.does !== 'ask' && !bothFlows(branch.flows, later.flows).empty);
    }
    const decides = branch.does !== 'ask' || guards;
    kept = decides && !branch.flows.empty ? [...kept, branch] : kept;
  }
  return kept;
}

function blockOf(rule: FibRule, list: readonly Case[]): Block {
  let why = '';
  let branches: readonly Branch[] = [];
  const sensitive = rule.mark_mask !== 0 || asksUser(rule);
  for (const one of list) {
    const { why: unclear } = viewOf(rule, one.mark);
    why = why === '' && sensitive ? unclear : why;
    branches = sensitive ? [...branches, branchOf(rule, one)] : branches;
  }
  return { why, rule, branches: needed(branches) };
}

/** The first preference of a block: behind the rule before it, as near to its own rule as there is room. */
function startOf(blocks: readonly Block[], i: number): number {
  const { rule, branches } = blocks[i] as Block;
  if (branches.length === 0) return rule.pref;
  const before = i === 0 ? 0 : (blocks[i - 1] as Block).rule.pref;
  const first = Math.min(before + 1, rule.pref - 1);
  return Math.max(first, rule.pref - branches.length);
}

/** Whether a jump leads to that preference. */
function jumpedTo(net: World, pref: number): boolean {
  let jumps = false;
  for (const rule of net.rules) jumps = jumps || (rule.action === FR_ACT_GOTO && rule.target === pref);
  return jumps;
}

/** A branch as a rule. */
function ruleOf({ flows, does, rest }: Branch, rule: FibRule, pref: number, behind: number): FibRule {
  if (does === 'take') return selecting({ ...rest, pref, iifname: 'lo' }, flows);
  const target = does === 'pass' ? behind : rule.pref;
  return selecting({ ...NO_RULE, pref, iifname: 'lo', action: FR_ACT_GOTO, target }, flows);
}

/** The rules of block `i`, and why they cannot stand there. */
function rulesOf(net: World, blocks: readonly Block[], i: number): { why: string; rules: readonly FibRule[] } {
  const { rule, branches } = blocks[i] as Block;
  const before = i === 0 ? -1 : (blocks[i - 1] as Block).rule.pref;
  const start = startOf(blocks, i);
  const behind = i + 1 < blocks.length ? startOf(blocks, i + 1) : rule.pref;
  let passes = false;
  for (const branch of branches) passes = passes || branch.does === 'pass';
  const room = before < rule.pref && start >= before && (!passes || behind > rule.pref);
  if (!room) return { why: `no preference is free beside ${rule.pref}`, rules: [] };
  if (jumpedTo(net, rule.pref)) return { why: `a rule jumps to ${rule.pref}`, rules: [] };
  let rules: readonly FibRule[] = [];
  for (let n = 0; n < branches.length; n += 1) {
    const pref = Math.max(start, rule.pref - branches.length + n);
    rules = [...rules, ruleOf(branches[n] as Branch, rule, pref, behind)];
  }
  return { why: '', rules };
}

/** Whether something besides the policy rules asks for the marks of mangle OUTPUT: then they stay. */
function marksRead(net: World, program: readonly MarkStep[]): boolean {
  let read = false;
  for (const table of [net.nat, net.filter, net.mangle]) {
    for (const chain of table.chains) {
      for (const rule of chain.rules) {
        const saves = rule.target.kind === 'CONNMARK' && rule.target.op === 'save';
        const walked = table.name === 'mangle' && inProgram(program, rule);
        const acts = rule.target.kind === 'DROP' || rule.target.kind === 'CONNMARK';
        read = read || saves || (asksMark(rule.matches) && (!walked || acts));
      }
    }
  }
  return read;
}

function asksMark(matches: readonly XtMatch[]): boolean {
  let asks = false;
  for (const match of matches) asks = asks || match.kind === 'mark';
  return asks;
}

function inProgram(program: readonly MarkStep[], rule: XtRule): boolean {
  let there = false;
  for (const step of program) there = there || step.rule.id === rule.id;
  return there;
}

/** Whether packets that arrive, or leave by POSTROUTING, pass a chain of the program, too. */
function chainsShared(table: XtTable, program: readonly MarkStep[]): boolean {
  let shared = false;
  for (const chain of table.chains) {
    shared = shared || (chain.builtin && chain.name !== 'OUTPUT' && leadsInto(table, chain, program));
  }
  return shared;
}

function leadsInto(table: XtTable, chain: XtChain, program: readonly MarkStep[]): boolean {
  let leads = false;
  for (const rule of chain.rules) {
    const { target } = rule;
    const into = target.kind === 'jump' || target.kind === 'goto';
    leads =
      leads || inProgram(program, rule) || (into && leadsInto(table, xt_find_chain(table, target.chain), program));
  }
  return leads;
}

/** `iptables -t mangle -D CHAIN N` for every rule of the program that marks, the last of a chain first. */
function withoutMarks(net: World, program: readonly MarkStep[]): readonly HostCommand[] {
  let commands: readonly HostCommand[] = [];
  for (const { name: chain, rules } of net.mangle.chains) {
    let ofChain: readonly HostCommand[] = [];
    let index = 0;
    for (const rule of rules) {
      index = index + 1;
      const marks = rule.target.kind === 'MARK' && inProgram(program, rule);
      const command: HostCommand = {
        kind: 'iptables',
        nft: net.mangle.nft,
        table: 'mangle',
        op: 'D#',
        chain,
        index,
        policy: NF_ACCEPT,
        rule: NO_XT_RULE,
      };
      ofChain = marks ? [command, ...ofChain] : ofChain;
    }
    commands = [...commands, ...ofChain];
  }
  return commands;
}

/** What of the host stands in the way of rules in place of marks, '' for nothing. */
function inTheWay(net: World, program: readonly MarkStep[], list: readonly Case[]): string {
  const common = obstacle(net, program);
  if (common !== '') return common;
  const first = net.rules.length === 0 ? NO_RULE : (net.rules[0] as FibRule);
  if (!asksNothing(first) || first.table !== RT_TABLE_LOCAL) return 'the table local is not looked up first';
  for (const { target } of xt_find_chain(net.nat, 'OUTPUT').rules) {
    const { kind } = target;
    if (kind === 'DNAT' || kind === 'REDIRECT' || kind === 'jump' || kind === 'goto') {
      return 'nat OUTPUT changes destinations, which is looked up again without the user';
    }
  }
  for (const { place, rule } of program) {
    const { kind } = rule.target;
    if (kind === 'TOS' || kind === 'DSCP')
      return `${place} changes the type of service, which is looked up again without the user`;
  }
  return sourceAsked(net, list);
}

/** The rule that asks for a source and may decide about a marked packet, in words, '' for none. */
function sourceAsked(net: World, list: readonly Case[]): string {
  for (const { mark } of list) {
    const rule = mark === 0 ? NO_RULE : seenOtherwise(net, mark, false);
    if (rule.pref >= 0) return `rule ${rule.pref} asks for a source, which the first lookup does not have`;
  }
  return '';
}

/** Whether a rule of the program sets a mark. */
function sets(program: readonly MarkStep[]): boolean {
  let marks = false;
  for (const { rule } of program) marks = marks || rule.target.kind === 'MARK' || rule.target.kind === 'CONNMARK';
  return marks;
}

/** The rules in place of the marks, and the deletion of those that nobody else asks for. */
function operator(net: World): Operation {
  const program = markProgram(net);
  if (!sets(program)) return NO_OPERATION;
  const { why, list: cases } = markCases(program);
  if (why !== '') return { why, commands: [] };
  const list = withGroups(cases);
  let blocks: readonly Block[] = [];
  let branches = 0;
  for (const rule of net.rules) {
    const block = blockOf(rule, list);
    blocks = [...blocks, block];
    branches = branches + block.branches.length + (block.why === '' ? 0 : 1);
  }
  const obstructed = branches === 0 ? sourceAsked(net, list) : inTheWay(net, program, list);
  if (branches === 0 || obstructed !== '') return { why: obstructed, commands: [] };
  let commands = marksRead(net, program) || chainsShared(net.mangle, program) ? [] : withoutMarks(net, program);
  let ruled = net;
  for (let i = 0; i < blocks.length; i += 1) {
    const unclear = (blocks[i] as Block).why;
    if (unclear !== '') return { why: unclear, commands: [] };
    const added = (blocks[i] as Block).branches.length === 0 ? { why: '', rules: [] } : rulesOf(net, blocks, i);
    if (added.why !== '') return { why: added.why, commands: [] };
    for (const rule of added.rules) {
      const { err, net: after } = fib_nl_newrule(ruled, rule);
      if (err !== 0) return { why: `no preference is free beside ${rule.pref}`, commands: [] };
      ruled = after;
      commands = [...commands, { kind: 'rule add', rule }];
    }
  }
  return { why: '', commands };
}

/**
 * The mark that the program asks for. `why`: rules in place of marks do not know the packets of that socket before its
 * first lookup, or its mark comes before them.
 */
function socketMark(net: World, event: EventOf<'socket'>): SocketMark {
  let protocols = false;
  let ports = false;
  let any = false;
  for (const rule of net.rules) {
    const own = rule.iifname === 'lo';
    any = any || own;
    protocols = protocols || (own && rule.ip_proto !== 0);
    const asksPorts = rule.sport_end !== 0 || rule.dport_end !== 0;
    ports = ports || (own && asksPorts && rule.ip_proto === event.protocol);
  }
  const headers = (event.type === 'hdrincl' && protocols) || (event.type === 'raw' && ports);
  const why = headers
    ? 'policy rules do not see the header that the user of a raw socket builds'
    : any && event.mark !== 0
      ? 'a socket has a mark of its own, which mangle may change'
      : '';
  return { why, mark: event.mark };
}

export const selectorRules: Kernel = {
  ...stock,
  name: 'selector-rules',
  title: 'Linux 6.1 with policy rules by destination, protocol, ports and user in place of marks',
  operator,
  socketMark,
};
