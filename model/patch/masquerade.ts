/** The unchanged kernel with what the post's author wants to be rid of: MASQUERADE on the other provider's link. */
import { leadsTo } from '../kernel/net/ipv4/fib_semantics.ts';
import type { HostCommand } from '../types/host.ts';
import { LOOPBACK_IFINDEX } from '../types/net.ts';
import { type FibAlias, type FibRule, type FibTable, FR_ACT_TO_TBL, RTN_UNICAST } from '../types/route.ts';
import { NF_ACCEPT } from '../types/verdict.ts';
import type { Kernel, Operation, World } from '../types/world.ts';
import { asksNothing, leadsToTable, tableOf, viewOf } from './alternatives.ts';
import { stock } from './stock.ts';

/** Whether the table has a route for everything that leaves. */
function hasDefault({ aliases }: FibTable): boolean {
  let has = false;
  for (const fa of aliases) has = has || (fa.plen === 0 && fa.fa_tos === 0 && !fa.dead && fa.fa_type === RTN_UNICAST);
  return has;
}

/** Whether packets leave by that device on the route. */
function leavesBy(fa: FibAlias, ifindex: number): boolean {
  return fa.fa_type === RTN_UNICAST && leadsTo(fa, ifindex);
}

/** Whether a packet with that mark may come to rule `i`: no rule before it leads all of them to a default route. */
function comesTo(net: World, i: number, mark: number): boolean {
  let comes = true;
  for (let k = 0; k < i; k += 1) {
    const rule = net.rules[k] as FibRule;
    const { takes, rest } = viewOf(rule, mark);
    const all = takes && asksNothing(rest) && leadsToTable(rule);
    comes = comes && !(all && hasDefault(tableOf(net, rule.table)));
  }
  return comes && viewOf(net.rules[i] as FibRule, mark).takes;
}

/** Whether all packets without a mark come to rule `i`, and look into its table. */
function isForAll(net: World, i: number): boolean {
  const rule = net.rules[i] as FibRule;
  return comesTo(net, i, 0) && leadsToTable(rule) && asksNothing(viewOf(rule, 0).rest);
}

/** Whether the default route of packets without a mark leaves by that device. */
function isFirst(net: World, ifindex: number): boolean {
  let first = false;
  for (let i = 0; i < net.rules.length; i += 1) {
    const rule = net.rules[i] as FibRule;
    const reached = isForAll(net, i);
    for (const fa of tableOf(net, rule.table).aliases) {
      first = first || (reached && fa.plen === 0 && leavesBy(fa, ifindex));
    }
  }
  return first;
}

/** Whether every packet without a mark may take a route of that table. */
function openToAll(net: World, table: number): boolean {
  let open = false;
  for (let i = 0; i < net.rules.length; i += 1) {
    open = open || ((net.rules[i] as FibRule).table === table && isForAll(net, i));
  }
  return open;
}

/** Whether a mark or TOS that a rule asks for leads to a route by that device, in a table that is not open to all other packets. */
function markLeadsTo(net: World, ifindex: number): boolean {
  let leads = false;
  for (const { mark, mark_mask, tos } of net.rules) {
    for (let i = 0; i < net.rules.length; i += 1) {
      const rule = net.rules[i] as FibRule;
      const toTable = rule.action === FR_ACT_TO_TBL && !openToAll(net, rule.table);
      const own = (mark_mask !== 0 || tos !== 0) && toTable && comesTo(net, i, mark);
      for (const fa of tableOf(net, rule.table).aliases) leads = leads || (own && leavesBy(fa, ifindex));
    }
  }
  return leads;
}

/** `iptables -t nat -A POSTROUTING -o DEV -j MASQUERADE`. */
export function masqueradeOn(net: World, dev: string): HostCommand {
  return {
    kind: 'iptables',
    nft: net.nat.nft,
    table: 'nat',
    op: 'A',
    chain: 'POSTROUTING',
    index: 0,
    policy: NF_ACCEPT,
    rule: {
      id: 0,
      matches: [{ kind: 'out', dev, invert: false }],
      target: { kind: 'MASQUERADE', portFirst: 0, portLast: 0, random: false },
      count: 0,
    },
  };
}

/** That rule for every link that a mark leads to, but not for the one that packets without a mark leave by. */
function operator(net: World): Operation {
  let commands: readonly HostCommand[] = [];
  for (const dev of net.devs) {
    const command = masqueradeOn(net, dev.name);
    const wanted = dev.ifindex !== LOOPBACK_IFINDEX && markLeadsTo(net, dev.ifindex) && !isFirst(net, dev.ifindex);
    commands = wanted ? [...commands, command] : commands;
  }
  return { why: '', commands };
}

export const masquerade: Kernel = {
  ...stock,
  name: 'masquerade',
  title: 'Linux with MASQUERADE on the links that marks lead to',
  operator,
};
