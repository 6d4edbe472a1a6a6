/** What a host does not do although it looks as if it did: marks that change nothing, and rules that nothing comes to. */
import type { FibRule } from '../model/types/route.ts';
import type { XtRule } from '../model/types/verdict.ts';
import { printHostCommand } from '../scenario/host.ts';
import { type Flows, FREE, flowOf } from './classes.ts';
import { type Flow, hostOn, type Way, wayOf } from './play.ts';
import { hitKey } from './regions.ts';
import { type PlacedRule, rulesOf, type Test, type Walk } from './tests.ts';
import { ruleCommand, withoutRule } from './why.ts';

export interface Silent {
  /** The command that does not do what it seems to. */
  readonly command: string;
  readonly why: string;
}

function way({ first, end }: Way): string {
  return JSON.stringify([first?.dev, first?.gateway, first?.daddr, end]);
}

/** Routing rules that ask for a mark which the target gives. */
function askedBy(rules: readonly FibRule[], { target }: XtRule): readonly FibRule[] {
  if (target.kind !== 'MARK') return [];
  return rules.filter(({ mark, mark_mask, invert }) => {
    const asked = mark_mask & target.mask;
    return !invert && asked !== 0 && ((target.value ^ mark) & asked) === 0 && (mark & mark_mask) !== 0;
  });
}

/** The hooks behind which a packet of this host is routed again when its mark has changed. */
function reroutes({ table, chain }: Walk): boolean {
  return table.name === 'mangle' && chain === 'OUTPUT';
}

/** The first rule before this one, in its chain, that takes all that would come to it. */
function inTheWay(walk: Walk, { chain, number }: PlacedRule): string {
  const before = rulesOf(walk).filter((one) => one.chain === chain && one.number < number);
  const ends = before.filter(({ rule }) => ['ACCEPT', 'DROP', 'RETURN', 'REJECT', 'goto'].includes(rule.target.kind));
  const last = ends.at(-1);
  return last === undefined ? '' : `rule ${last.number} stands before it: ${ruleCommand(walk, last)}`;
}

/** Whether any flow that is asked about could fit, were it not for other rules. */
function canFit({ space }: Flows, test: Test): boolean {
  return test.comparisons.every(
    ({ axis, name, wants }) => wants === '' || space.cells[axis].some(({ groups }) => groups.get(name) === wants),
  );
}

class Listener {
  readonly found: Silent[] = [];
  private readonly flows: Flows;

  constructor(flows: Flows) {
    this.flows = flows;
  }

  private goes(net: Flows['net'], flow: Flow): Way {
    const [kernel] = this.flows.kernels as [Flows['kernels'][number]];
    return wayOf(kernel, hostOn(kernel, net), flow);
  }

  mark(walk: Walk, placed: PlacedRule): void {
    const { space, net } = this.flows;
    const asking = askedBy(net.rules, placed.rule);
    if (asking.length === 0) return;
    const met = space.hits.get(hitKey(walk, placed.rule)) ?? space.sets.none;
    const command = ruleCommand(walk, placed);
    const [box] = space.sets.boxes(met, 1).boxes;
    if (box === undefined) {
      const why = inTheWay(walk, placed);
      if (walk.chain === 'OUTPUT' && canFit(this.flows, space.questions.testOf(walk, placed.rule)) && why !== '')
        this.found.push({ command, why: `no packet of this host comes to it; ${why}` });
      return;
    }
    const flow = flowOf(space, box, FREE);
    const now = this.goes(net, flow);
    if (now.first === undefined || way(now) !== way(this.goes(withoutRule(net, walk, placed.rule.id), flow))) return;
    const [rule] = asking as [FibRule];
    if (!reroutes(walk)) {
      const elsewhere = { ...flow, mark: markOf(placed.rule) };
      if (way(this.goes(net, elsewhere)) === way(now)) return;
      const place = `${walk.table.name} ${walk.chain}`;
      this.found.push({
        command,
        why: `behind ${place} no packet is routed again, so that ${printHostCommand({ kind: 'rule add', rule })} never sees this mark; mangle OUTPUT is the place for it`,
      });
      return;
    }
    this.shadowed(flow, now, rule, command);
  }

  /** A mark that a routing rule asks for, but another rule decides before it. */
  private shadowed(flow: Flow, now: Way, rule: FibRule, command: string): void {
    const { net } = this.flows;
    const others = net.rules.filter((one) => one !== rule);
    const moved = this.goes({ ...net, rules: [...others.slice(0, 1), rule, ...others.slice(1)] }, flow);
    if (way(moved) === way(now)) return;
    const decides = net.rules.find(
      (one) =>
        one !== rule && way(this.goes({ ...net, rules: net.rules.filter((r) => r !== one) }, flow)) === way(moved),
    );
    const asks = printHostCommand({ kind: 'rule add', rule });
    const before =
      decides === undefined
        ? 'other rules decide before it'
        : `rule ${decides.pref} stands before it: ${printHostCommand({ kind: 'rule add', rule: decides })}`;
    this.found.push({ command, why: `the mark is set and changes nothing: ${asks} is not reached, ${before}` });
  }
}

function markOf({ target }: XtRule): number {
  return target.kind === 'MARK' ? target.value : 0;
}

/** Marks of the host that change nothing. */
export function silentMarks(flows: Flows): readonly Silent[] {
  const listener = new Listener(flows);
  for (const walk of flows.space.questions.walks) {
    if (walk.chain !== 'OUTPUT' && walk.chain !== 'POSTROUTING') continue;
    for (const placed of rulesOf(walk)) listener.mark(walk, placed);
  }
  return listener.found;
}
