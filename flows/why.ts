/** Why a flow goes as it goes: the rules without which it would go otherwise, found by taking one away at a time. */
import type { HostCommand } from '../model/types/host.ts';
import { NF_ACCEPT } from '../model/types/verdict.ts';
import type { Kernel, World } from '../model/types/world.ts';
import { printHostCommand } from '../scenario/host.ts';
import { AXES, type Cell } from './axes.ts';
import { type Flow, hostOn, type Way, wayOf } from './play.ts';
import { hitKey, type Space } from './regions.ts';
import { type PlacedRule, rulesOf, type Walk } from './tests.ts';

/** A rule that decides about a flow. */
export interface Reason {
  /** The command that it stands for. */
  readonly command: string;
  /** Where it stands: `mangle OUTPUT, rule 3`. */
  readonly place: string;
  readonly kind: 'routing' | 'netfilter';
}

/** The cells of a flow. */
export function cellsOfFlow(space: Space, { values }: Flow): readonly number[] {
  return AXES.map((axis) => {
    const at = space.cells[axis].findIndex(({ ranges }: Cell) =>
      ranges.some(({ first, last }) => values[axis] >= first && values[axis] <= last),
    );
    return Math.max(0, at);
  });
}

/** The rule as the command that adds it. */
export function ruleCommand({ table }: Walk, { chain, rule }: PlacedRule): string {
  const command: HostCommand = {
    kind: 'iptables',
    nft: table.nft,
    table: table.name,
    op: 'A',
    chain,
    index: 0,
    policy: NF_ACCEPT,
    rule,
  };
  return printHostCommand(command);
}

/** The host without that rule of iptables. */
export function withoutRule(net: World, { table }: Walk, id: number): World {
  const name = table.name as 'raw' | 'mangle' | 'nat' | 'filter';
  const chains = net[name].chains.map((chain) => ({ ...chain, rules: chain.rules.filter((rule) => rule.id !== id) }));
  return { ...net, [name]: { ...net[name], chains } };
}

/** What a rule has to change to be a reason. */
function way({ first, end }: Way): string {
  return JSON.stringify([first, end]);
}

/** The rules that a flow meets, those of netfilter first, and that decide where it goes and as whom. */
export function reasonsOf(kernel: Kernel, net: World, space: Space, flow: Flow, fate: Way): readonly Reason[] {
  const cells = cellsOfFlow(space, flow);
  const differs = (changed: World) => way(wayOf(kernel, hostOn(kernel, changed), flow)) !== way(fate);
  const found: Reason[] = [];
  for (const walk of space.questions.walks) {
    for (const placed of rulesOf(walk)) {
      const met = space.hits.get(hitKey(walk, placed.rule));
      if (met === undefined || !space.sets.has(met, cells)) continue;
      if (differs(withoutRule(net, walk, placed.rule.id))) {
        const place = `${walk.table.name} ${placed.chain}, rule ${placed.number}`;
        found.push({ command: ruleCommand(walk, placed), place, kind: 'netfilter' });
      }
    }
  }
  for (const rule of net.rules) {
    const custom = rule.pref !== 0 && rule.pref !== 32766 && rule.pref !== 32767;
    if (!custom || !differs({ ...net, rules: net.rules.filter((one) => one !== rule) })) continue;
    const command = printHostCommand({ kind: 'rule add', rule });
    found.push({ command, place: `routing, rule ${rule.pref}`, kind: 'routing' });
  }
  return found;
}
