/** The unchanged kernel without marks: policy rules select by destination, protocol, ports or user, which the first lookup knows, too. */
import type { HostCommand } from '../types/host.ts';
import type { Kernel, World } from '../types/world.ts';
import { asPolicyRule, markings, withoutMarking } from './alternatives.ts';
import { stock } from './stock.ts';

/** `ip rule add to … ipproto … dport … table T` in place of every mark that such a rule can replace. */
function operator(net: World): readonly HostCommand[] {
  let commands: readonly HostCommand[] = [];
  for (const marking of markings(net)) {
    const rule = asPolicyRule(marking);
    commands = rule.pref === -2 ? commands : [...commands, withoutMarking(net, marking), { kind: 'rule add', rule }];
  }
  return commands;
}

export const selectorRules: Kernel = {
  ...stock,
  name: 'selector-rules',
  title: 'Linux 6.1 with policy rules by destination, protocol, ports and user in place of marks',
  operator,
};
