/**
 * Kernels that differ in nothing but their hook of mangle OUTPUT, in how they choose a source, and in what their operator
 * adds to a host. What the first of them played is what another plays on the same host, up to the step in which it comes to
 * something else: each is given the packets that the first one routed a second time, and the lookups that the first one made
 * for a source.
 */
import { beginStep, mayDependOnStack, shown } from '../model/types/effects.ts';
import type { Event, Picks } from '../model/types/event.ts';
import { OWN } from '../model/types/faults.ts';
import type { SkBuff } from '../model/types/packet.ts';
import type { FlowI4 } from '../model/types/route.ts';
import type { Sock } from '../model/types/sock.ts';
import type { NfHookState } from '../model/types/verdict.ts';
import type { ChosenSource, Effect, HookResult, Kernel, World } from '../model/types/world.ts';
import { type Run, worldBefore } from '../properties/property.ts';
import { playOn } from './play.ts';

/** What kernels that carry another patch have in common with each other. */
const OF_THE_PATCH: readonly string[] = [
  'name',
  'title',
  'patch',
  'ipt_mangle_out',
  'ipt_mangle_source',
  'chooseSource',
  'operator',
] satisfies (keyof Kernel)[];

/** One's own patch may do anything before a packet is routed a second time. */
function areTwins(a: Kernel, b: Kernel): boolean {
  if (a !== b && (a.patch.text === OWN || b.patch.text === OWN)) return false;
  return Object.keys(a).every((key) => OF_THE_PATCH.includes(key) || a[key as keyof Kernel] === b[key as keyof Kernel]);
}

/** For each kernel the first one that is its twin: itself, where it has none before it. */
export function firstTwins(kernels: readonly Kernel[]): readonly number[] {
  return kernels.map((kernel) => kernels.findIndex((other) => areTwins(kernel, other)));
}

/** Whether a kernel has that host, too, as another one has it: their operators are the same, or none of them adds anything. */
export function bootsSame(kernel: Kernel, other: Kernel, booted: World): boolean {
  return kernel.operator === other.operator || (addsNothing(kernel, booted) && addsNothing(other, booted));
}

function addsNothing(kernel: Kernel, booted: World): boolean {
  const { why, commands } = kernel.operator(booted);
  return why === '' && commands.length === 0;
}

/** Whether a packet of the run was routed a second time. */
export function rerouted({ steps }: Run): boolean {
  return steps.some(({ effects }) => effects.some(isReroute));
}

function isReroute({ kind }: Effect): boolean {
  return kind === 'reroute';
}

/** A call of the hook that routed a packet a second time, and what came of it. */
interface Reroute {
  readonly net: World;
  readonly skb: SkBuff;
  readonly state: NfHookState;
  readonly result: HookResult;
  /** What the call itself showed. */
  readonly effects: readonly Effect[];
}

/** A lookup that looked for a source. */
interface Choice {
  readonly net: World;
  readonly sk: Sock;
  readonly flp4: FlowI4;
  readonly transport: SkBuff;
  readonly result: ChosenSource;
}

/** What a step did that a twin may do otherwise. */
interface Calls {
  readonly reroutes: readonly Reroute[];
  readonly choices: readonly Choice[];
}

/** A kernel of which the second lookups are noted, and those that choose a source. */
export class Noted {
  readonly kernel: Kernel;
  readonly original: Kernel;
  private reroutes: Reroute[] = [];
  private choices: Choice[] = [];

  constructor(kernel: Kernel) {
    this.original = kernel;
    this.kernel = {
      ...kernel,
      ipt_mangle_out: (as, net, skb, state) => this.note(kernel, as, net, skb, state),
      chooseSource: (as, net, sk, flp4, transport) => {
        const result = kernel.chooseSource(as, net, sk, flp4, transport);
        if (flp4.saddr === 0) this.choices.push({ net, sk, flp4, transport, result });
        return result;
      },
    };
  }

  private note(kernel: Kernel, as: Kernel, net: World, skb: SkBuff, state: NfHookState): HookResult {
    const before = net.effects.length;
    const result = kernel.ipt_mangle_out(as, net, skb, state);
    if (result.net.effects.length > before) {
      const effects = result.net.effects.slice(before);
      if (effects.some(isReroute)) this.reroutes.push({ net, skb, state, result, effects });
    }
    return result;
  }

  /** What was done since this was last called. */
  take(): Calls {
    const { reroutes, choices } = this;
    if (reroutes.length === 0 && choices.length === 0) return NOTHING;
    this.reroutes = [];
    this.choices = [];
    return { reroutes, choices };
  }
}

/** No call. */
export const NOTHING: Calls = { reroutes: [], choices: [] };

/** A run with what each of its steps did, on that kernel. */
export interface NotedRun {
  readonly run: Run;
  readonly calls: readonly Calls[];
  readonly original: Kernel;
}

/** Plays events on the first of some twins. */
export function playNoted(noted: Noted, booted: World, events: readonly Event[]): NotedRun {
  const { kernel, original } = noted;
  const calls: Calls[] = [];
  noted.take();
  const run = playOn(kernel, booted, events, () => calls.push(noted.take()));
  return { run, calls, original };
}

/** The first step in which that twin does something of its own; as many as there are where it never does. */
export function firstOwnStep({ run, calls, original }: NotedRun, kernel: Kernel): number {
  const { steps, events } = run;
  const own = calls.findIndex(({ reroutes, choices }, i) => {
    const { picks } = events[i] as Event;
    return (
      (kernel.chooseSource !== original.chooseSource && choices.some((one) => !choosesTheSame(kernel, one, picks))) ||
      reroutes.some((call) => !comesToTheSame(kernel, call, picks))
    );
  });
  return own < 0 ? steps.length : own;
}

function choosesTheSame(kernel: Kernel, { net, sk, flp4, transport, result }: Choice, picks: Picks): boolean {
  const before = beginStep(net, picks);
  const own = kernel.chooseSource(kernel, before, sk, flp4, transport);
  const same = own.saddr === result.saddr && own.mark === result.mark && isSameWorld(own.net, result.net);
  const dependsOnStack = own.net !== before && mayDependOnStack(own.net);
  return shown(own.net).length === 0 && same && !dependsOnStack;
}

function comesToTheSame(kernel: Kernel, { net, skb, state, result, effects }: Reroute, picks: Picks): boolean {
  const own = kernel.ipt_mangle_out(kernel, beginStep(net, picks), skb, state);
  const ownEffects = shown(own.net);
  return (
    own.verdict === result.verdict &&
    mayDependOnStack(own.net) === mayDependOnStack(result.net) &&
    isSame(own.skb, result.skb) &&
    isSameWorld(own.net, result.net) &&
    areSameEffects(ownEffects, effects)
  );
}

/** Whether two records say the same, but for some fields. */
type Comparison = (a: object, b: object) => boolean;

/** Compares worlds, but for what they have only while their step lasts. */
const isSameWorld = comparing(['picks', 'effects'] satisfies (keyof World)[]);

/** Compares effects, but for the line of a patch that shows them, which is said to people only. */
const isSameEffect = comparing(['line']);

const isSameRecord = comparing([]);

function areSameEffects(a: readonly Effect[], b: readonly Effect[]): boolean {
  return a.length === b.length && a.every((effect, i) => isSameEffect(effect, b[i] as Effect));
}

function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, i) => isSame(item, b[i]));
  return isSameRecord(a, b);
}

/** A comparison that leaves out these fields. For records of one constructor it is written out: fields are found slowly by their names. */
function comparing(but: readonly string[]): Comparison {
  const known = new WeakMap<object, Comparison>();
  return (a, b) => {
    const made = a.constructor;
    if (made !== b.constructor || made === Object) return hasSameFields(a, b, but);
    const before = known.get(made);
    if (before !== undefined) return before(a, b);
    const fields = Object.keys(a).filter((field) => !but.includes(field));
    const all = fields.map((field) => `(a.${field} === b.${field} || isSame(a.${field}, b.${field}))`);
    const fresh = new Function('isSame', `return (a, b) => ${['true', ...all].join(' && ')};`)(isSame) as Comparison;
    known.set(made, fresh);
    return fresh(a, b);
  };
}

function hasSameFields(a: object, b: object, but: readonly string[]): boolean {
  const fields = Object.keys(a);
  const rest = fields.filter((field) => !but.includes(field));
  return (
    fields.length === Object.keys(b).length &&
    rest.every((field) => field in b && isSame(a[field as never], b[field as never]))
  );
}

/** Plays events where a twin has played them, from that step on. */
export function playFrom(twin: Run, own: number, kernel: Kernel, booted: World, events: readonly Event[]): Run {
  if (own === twin.steps.length) return { kernel, events, boot: twin.boot, steps: twin.steps };
  if (own === 0) return playOn(kernel, booted, events);
  const rest = playOn(kernel, worldBefore(twin, own), events.slice(own));
  return { kernel, events, boot: booted, steps: [...twin.steps.slice(0, own), ...rest.steps] };
}
