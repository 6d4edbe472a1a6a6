/** The unchanged kernel with what the post's author wants to be rid of: MASQUERADE on the other provider's link. */
import { leadsTo } from '../kernel/net/ipv4/fib_semantics.ts';
import type { HostCommand } from '../types/host.ts';
import { LOOPBACK_IFINDEX } from '../types/net.ts';
import { RT_TABLE_DEFAULT, RT_TABLE_LOCAL, RT_TABLE_MAIN } from '../types/route.ts';
import { NF_ACCEPT } from '../types/verdict.ts';
import type { Kernel, World } from '../types/world.ts';
import { stock } from './stock.ts';

/** Whether a route in a table of the operator's own leaves by that device. */
function policyRouted(net: World, ifindex: number): boolean {
  let found = false;
  for (const { tb_id, aliases } of net.tables) {
    const own = tb_id !== RT_TABLE_LOCAL && tb_id !== RT_TABLE_MAIN && tb_id !== RT_TABLE_DEFAULT;
    for (const fa of aliases) found = found || (own && leadsTo(fa, ifindex));
  }
  return found;
}

/** `iptables -t nat -A POSTROUTING -o DEV -j MASQUERADE` for every device that a route of a table of the operator's own leaves by. */
function operator(net: World): readonly HostCommand[] {
  let commands: readonly HostCommand[] = [];
  for (const dev of net.devs) {
    const command: HostCommand = {
      kind: 'iptables',
      nft: net.nat.nft,
      table: 'nat',
      op: 'A',
      chain: 'POSTROUTING',
      index: 0,
      policy: NF_ACCEPT,
      rule: {
        id: 0,
        matches: [{ kind: 'out', dev: dev.name, invert: false }],
        target: { kind: 'MASQUERADE', portFirst: 0, portLast: 0, random: false },
        count: 0,
      },
    };
    const wanted = dev.ifindex !== LOOPBACK_IFINDEX && policyRouted(net, dev.ifindex);
    commands = wanted ? [...commands, command] : commands;
  }
  return commands;
}

export const masquerade: Kernel = {
  ...stock,
  name: 'masquerade',
  title: 'Linux with MASQUERADE on the links that policy routing leads to',
  operator,
};
