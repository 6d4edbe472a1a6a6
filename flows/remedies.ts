/**
 * What repairs a class without a patch: commands of the operator or of a program, each tried on the model before it is told.
 *
 * A remedy counts where the flow leaves by the same link and gateway as before and breaks none of the promises that it broke,
 * and where every other class goes the same way as before. What others then break is told.
 */

import { hostCommand } from '../model/host/commands.ts';
import { inet_make_mask } from '../model/kernel/include/linux/in.ts';
import { masqueradeOn } from '../model/patch/masquerade.ts';
import { selectorRules } from '../model/patch/selector-rules.ts';
import type { HostCommand } from '../model/types/host.ts';
import type { InIfaddr } from '../model/types/net.ts';
import { FR_ACT_TO_TBL, NO_RULE, RT_SCOPE_LINK, RTN_UNICAST, RTPROT_BOOT } from '../model/types/route.ts';
import type { Kernel, World } from '../model/types/world.ts';
import { formatAddress } from '../scenario/format.ts';
import { printHostCommand } from '../scenario/host.ts';
import { type FlowClass, type Flows, FREE, withBound } from './classes.ts';
import { type Fate, Fates, type Flow, hostOn } from './play.ts';

export interface Remedy {
  readonly name: 'MASQUERADE' | 'selector rules' | 'SO_MARK' | 'a source rule';
  readonly commands: readonly string[];
  /** What the program has to do, '' for nothing. */
  readonly program: string;
  /** The flow as the program then sends it. */
  readonly flow: Flow;
  /** What then leaves. */
  readonly fate: Fate;
  /** Classes that then break more than before, and what. */
  readonly costs: readonly Cost[];
}

export interface Cost {
  readonly flowClass: FlowClass;
  readonly broken: readonly string[];
}

/** The class breaks a promise. */
export function isBroken({ fates }: FlowClass): boolean {
  const [fate] = fates;
  return fate !== undefined && (fate.broken.length > 0 || fate.crashed);
}

/** Runs the commands; undefined where one is refused. */
function after(net: World, commands: readonly HostCommand[]): World | undefined {
  let changed = net;
  for (const command of commands) {
    const answer = hostCommand(changed, command);
    if (answer.err !== 0) return undefined;
    changed = answer.net;
  }
  return changed;
}

function repairs(before: Fate, now: Fate): boolean {
  const [a, b] = [before.first, now.first];
  if (a === undefined || b === undefined) return false;
  const same = a.dev === b.dev && a.gateway === b.gateway && a.daddr === b.daddr && a.isProtected === b.isProtected;
  return same && !now.crashed && before.end === now.end && before.broken.every((id) => !now.broken.includes(id));
}

/** Whether a class goes the same way as before. */
function sameWay({ first: a, end }: Fate, now: Fate): boolean {
  const b = now.first;
  const same = a?.dev === b?.dev && a?.gateway === b?.gateway && a?.isProtected === b?.isProtected;
  return same && end === now.end && !now.crashed;
}

interface Tried {
  readonly name: Remedy['name'];
  readonly commands: readonly HostCommand[];
  readonly program: string;
  readonly flow: Flow;
}

/** The route to the network of an address, in that table. */
function linkRoute({ ifa_address, ifa_prefixlen, ifa_local }: InIfaddr, dev: string, table: number): HostCommand {
  return {
    kind: 'route',
    op: 'append',
    table,
    type: RTN_UNICAST,
    dst: (ifa_address & inet_make_mask(ifa_prefixlen)) >>> 0,
    plen: ifa_prefixlen,
    tos: 0,
    gw: 0,
    dev,
    prefsrc: ifa_local,
    scope: RT_SCOPE_LINK,
    metric: 0,
    onlink: false,
    protocol: RTPROT_BOOT,
    nexthops: [],
  };
}

/** What may repair the class; `selector` are the policy rules in place of the marks of the host. */
function candidates(
  { net }: Flows,
  selector: ReturnType<Kernel['operator']>,
  { bound, flow, fates }: FlowClass,
): readonly Tried[] {
  const first = fates[0]?.first;
  if (first === undefined) return [];
  const tried: Tried[] = [{ name: 'MASQUERADE', commands: [masqueradeOn(net, first.dev)], program: '', flow }];
  const { why, commands } = selector;
  if (why === '' && commands.length > 0) tried.push({ name: 'selector rules', commands, program: '', flow });
  const isFree = bound.mark === 0 && bound.saddr === 0 && bound.dev === '';
  if (isFree && first.mark !== 0)
    tried.push({
      name: 'SO_MARK',
      commands: [],
      program: `sets SO_MARK ${first.mark} on its socket`,
      flow: withBound(flow, { ...FREE, mark: first.mark }),
    });
  const own = net.devs.find(({ name }) => name === first.dev)?.ifa_list.find(({ ifa_secondary }) => !ifa_secondary);
  const table = fates[0]?.table ?? 0;
  if (isFree && own !== undefined && table !== 0) {
    const rule = { ...NO_RULE, action: FR_ACT_TO_TBL, table, src: own.ifa_local, src_len: 32 };
    const plain: HostCommand[] = [{ kind: 'rule add', rule }];
    const program = `binds its socket to ${formatAddress(own.ifa_local)}`;
    const bindsTo = withBound(flow, { ...FREE, saddr: own.ifa_local });
    // The network of the link has to be in the table, too: what is sent there would go by the gateway.
    for (const commands of [plain, [linkRoute(own, first.dev, table), ...plain]])
      tried.push({ name: 'a source rule', commands, program, flow: bindsTo });
  }
  return tried;
}

/** What commands make of a host. Classes share remedies: each is run once, and every class is played once behind it. */
class Changed {
  private readonly asked: Fates;
  private readonly booted: World;
  private readonly fates = new Map<FlowClass, Fate>();

  constructor(kernel: Kernel, net: World) {
    this.asked = new Fates([kernel]);
    this.booted = hostOn(kernel, net);
  }

  fate(flow: Flow): Fate {
    return this.asked.of([this.booted], flow)[0] as Fate;
  }

  fateOfClass(one: FlowClass): Fate {
    const fate = this.fates.get(one) ?? this.fate(one.flow);
    this.fates.set(one, fate);
    return fate;
  }
}

/** Tries what may repair the classes of a host. */
export class Remedies {
  private readonly flows: Flows;
  private readonly selector: ReturnType<Kernel['operator']>;
  /** By the commands; undefined where one is refused. */
  private readonly known = new Map<string, Changed | undefined>();

  constructor(flows: Flows) {
    this.flows = flows;
    this.selector = selectorRules.operator(flows.net);
  }

  /** Those that repair a class and leave the others as they are. */
  for(broken: FlowClass): readonly Remedy[] {
    const [before] = broken.fates;
    if (before === undefined) return [];
    const found: Remedy[] = [];
    for (const tried of candidates(this.flows, this.selector, broken)) {
      if (!found.some(({ name }) => name === tried.name)) found.push(...this.withEffect(broken, before, tried));
    }
    return found;
  }

  private changed(commands: readonly HostCommand[]): Changed | undefined {
    const text = commands.map(printHostCommand).join('\n');
    if (!this.known.has(text)) {
      const net = after(this.flows.net, commands);
      this.known.set(text, net === undefined ? undefined : new Changed(this.flows.kernels[0] as Kernel, net));
    }
    return this.known.get(text);
  }

  /** The remedy that is tried, if it is one. */
  private withEffect(broken: FlowClass, before: Fate, { name, commands, program, flow }: Tried): readonly Remedy[] {
    const changed = this.changed(commands);
    if (changed === undefined) return [];
    const fate = changed.fate(flow);
    if (!repairs(before, fate)) return [];
    // Who binds to the address of a source rule wants its link.
    const others =
      commands.length === 0
        ? []
        : this.flows.classes.filter((one) => one !== broken && (flow.saddr === 0 || one.bound.saddr !== flow.saddr));
    const costs: Cost[] = [];
    for (const flowClass of others) {
      const [was] = flowClass.fates as [Fate];
      const is = changed.fateOfClass(flowClass);
      if (!sameWay(was, is)) return [];
      const more = is.broken.filter((id) => !was.broken.includes(id));
      if (more.length > 0) costs.push({ flowClass, broken: more });
    }
    return [{ name, commands: commands.map(printHostCommand), program, flow, fate, costs }];
  }
}
