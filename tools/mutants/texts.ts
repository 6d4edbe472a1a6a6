/**
 * Hunts changes of a text of the patch, in C: each is compiled by itself and played where its line is reached, by stored
 * counterexamples, and hosts and events that are drawn.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { instantiate } from '../../compiler/load.ts';
import { Refused } from '../../compiler/messages.ts';
import type { SourceText } from '../../compiler/tokens.ts';
import { type Compiled, compileText } from '../../compiler/unit.ts';
import { askFirst } from '../../model/patch/ask-first.ts';
import * as bindings from '../../model/patch/bindings.ts';
import { kernelNamed } from '../../model/patch/index.ts';
import { mended } from '../../model/patch/mended.ts';
import { singleFaults, versionName } from '../../model/patch/single-faults.ts';
import { filtered } from '../../model/patch/syn-filters.ts';
import type { Event } from '../../model/types/event.ts';
import { EVERY_FAULT } from '../../model/types/faults.ts';
import type { Kernel, World } from '../../model/types/world.ts';
import { hooksOf } from '../../own/patch.ts';
import { MEMORIES } from '../../properties/route.ts';
import { runScopes } from '../../properties/scopes/runs.ts';
import { bootHost, playOn } from '../../scenario/play.ts';
import { commandOf, eventOfLine } from '../../scenario/text.ts';
import { drawBooted, eventWords } from '../../search/bulk.ts';
import { drawEvents } from '../../search/generate.ts';
import { type Change, changesOf } from './changes.ts';
import { reasonFor } from './equivalent.ts';
import { type Fate, judge, newFate, type Original, type Tried } from './judge.ts';

/** A stored counterexample: its variant, the commands that make the host, and the events. */
export interface StoredRun {
  readonly variant: string;
  readonly host: readonly string[];
  readonly events: readonly string[];
}

export interface TextHunt {
  /** The folder of the sources. */
  readonly folder: string;
  /** The texts that are changed together: model/patch/NAME.c with what they include. */
  readonly texts: readonly string[];
  /** How many changes are tried, every n-th; 0 for all. */
  readonly sample: number;
  readonly stored: readonly StoredRun[];
  readonly seed: number;
  /** Hosts that are drawn of each scope. */
  readonly hosts: number;
  /** How often hosts are drawn: what is left after one round is hunted with others. */
  readonly rounds: number;
  /** Time for one change in each round. */
  readonly seconds: number;
  readonly progress: (words: string) => void;
}

/**
 * Event sequences on one host: a change is found where hosts differ rather than where more is done on one of them. For one
 * of them memory that nobody initialised holds something.
 */
const EVENTS_PER_HOST = 2;

/** The functions of a text. */
type Hooks = Partial<Kernel>;

/** A scenario on one kernel, and the lines of C that it reaches there. */
interface Played {
  readonly text: string;
  readonly kernel: Kernel;
  readonly booted: World;
  readonly events: readonly Event[];
  readonly kept: Map<number, boolean>;
  readonly places: readonly string[];
  /** Of scenarios that go as rare a way: 0 on the text without faults, which is first; 1 with one of them; 2 for what is much like 0. */
  readonly turn: number;
}

/** The fates of the changes of those texts. */
export function huntTexts(options: TextHunt): readonly Tried[] {
  const { folder, texts, sample, progress } = options;
  const files = new Map<string, SourceText>();
  const originals = new Map(texts.map((text) => [text, compile(folder, text, (source) => keep(files, source))]));
  const all = [...files.values()].flatMap((source) => changesOf(source));
  const step = sample === 0 ? 1 : Math.max(1, Math.floor(all.length / sample));
  const changes = all.filter((_, at) => at % step === 0);
  progress(`${changes.length} changes`);
  let hunted: readonly Hunted[] = changes.map((change) => ({
    change,
    fate: newFate(),
    reason: reasonFor(change, texts),
  }));
  for (let round = 0; round < options.rounds; round++) {
    const drawn = round === 0 ? options : { ...options, seed: options.seed + round * ROUND, stored: [] };
    const pool = drawPool(drawn, originals);
    const left = hunted.filter((one) => round === 0 || isLeft(one));
    const same = new Set<Hunted>();
    for (const [at, one] of left.entries()) {
      if (!huntChange(one, { pool, originals, options })) same.add(one);
      const killed = hunted.filter(({ fate }) => fate.promise !== '').length;
      progress(`round ${round + 1}: ${at + 1} of ${left.length} changes, ${killed} killed`);
    }
    hunted = hunted.filter((one) => !same.has(one));
  }
  return hunted.map(({ change: { text: _, ...change }, fate, reason }) => ({ ...change, ...fate, reason }));
}

/** A change that is hunted, and why it is no other patch where that is known, else ''. */
interface Hunted {
  readonly change: Change;
  readonly fate: Fate;
  readonly reason: string;
}

function isLeft({ fate, reason }: Hunted): boolean {
  return fate.promise === '' && !fate.invalid && reason === '';
}

/** How far apart the seeds of two rounds are. */
const ROUND = 1000;

interface Hunting {
  readonly pool: ReadonlyMap<string, readonly Played[]>;
  readonly originals: ReadonlyMap<string, Compiled>;
  readonly options: TextHunt;
}

/** Whether it is a change at all: what compiles to the same code is none. */
function huntChange({ change, fate }: Hunted, { pool, originals, options: { folder, seconds } }: Hunting): boolean {
  const { file, text } = change;
  const changed = (source: SourceText) => (source.file === file ? { ...source, text } : source);
  const played = pool.get(placeIn(pool, change)) ?? [];
  let isSame = true;
  for (const [name, { code }] of originals) {
    if (fate.promise !== '' || fate.invalid) break;
    const compiled = tried(() => compile(folder, name, changed));
    if (compiled?.code === code) continue;
    isSame = false;
    const ofText = played.filter((one) => one.text === name);
    if (compiled === undefined) fate.invalid = true;
    else huntOne(fate, kernelPart(compiled), ofText, seconds);
  }
  return !isSame;
}

function keep(files: Map<string, SourceText>, source: SourceText): SourceText {
  files.set(source.file, source);
  return source;
}

function huntOne(fate: Fate, hooks: Hooks, played: readonly Played[], seconds: number): void {
  const until = Date.now() + seconds * 1000;
  for (const { kernel, booted, events, kept } of played) {
    const original: Original = { run: playOn(kernel, booted, events), kept };
    judge(fate, original, () => playOn({ ...kernel, ...hooks }, booted, events));
    if (fate.promise !== '' || fate.invalid || Date.now() > until) return;
  }
}

/** Compiles a text, each of whose files that function may change. */
function compile(folder: string, name: string, read: (source: SourceText) => SourceText): Compiled {
  const include = (wanted: string): SourceText | undefined => {
    const file = `model/patch/${wanted}`;
    const path = join(folder, file);
    return existsSync(path) ? read({ file, text: readFileSync(path, 'utf8') }) : undefined;
  };
  return compileText(include(`${name}.c`) as SourceText, { include });
}

/** The compiled text; undefined where the compiler refuses it. */
function tried(compiled: () => Compiled): Compiled | undefined {
  try {
    return compiled();
  } catch (error) {
    if (error instanceof Refused) return undefined;
    throw error;
  }
}

function kernelPart(compiled: Compiled, runtime?: unknown): Hooks {
  return hooksOf(instantiate(compiled, bindings, runtime), askFirst);
}

/** Where a statement of C stands, before the lines that it became. */
const NOTE = /^ *\/\/ (.*:\d+)$/gm;

/** The functions of a text that tell which lines they reach. */
function watched(compiled: Compiled, reach: (place: string) => void): Hooks {
  const code = compiled.code.replaceAll(NOTE, (_, place: string) => `$(${JSON.stringify(place)});`);
  return kernelPart({ ...compiled, code }, reach);
}

/** The last place before the change that is the beginning of a statement. */
function placeIn(pool: ReadonlyMap<string, unknown>, { file, line }: { file: string; line: number }): string {
  for (let at = line; at > 0; at--) if (pool.has(`${file}:${at}`)) return `${file}:${at}`;
  return '';
}

/** The scenarios that reach each place: those first that reach a place which few do. */
function drawPool(
  { stored, seed, hosts, progress }: TextHunt,
  originals: ReadonlyMap<string, Compiled>,
): ReadonlyMap<string, readonly Played[]> {
  const pool = new Map<string, Played[]>();
  for (const [text, compiled] of originals) {
    const reached = new Set<string>();
    const asItIs = kernelPart(compiled);
    const telling = watched(compiled, (place) => reached.add(place));
    // Places that no scenario reaches are places, too.
    for (const [, place] of compiled.code.matchAll(NOTE)) pool.set(place as string, pool.get(place as string) ?? []);
    const put = (kernel: Kernel, booted: World, events: readonly Event[]) => {
      reached.clear();
      playOn({ ...kernel, ...telling }, booted, events);
      const turn = kernel === plain[0] ? 0 : single.includes(kernel) ? 1 : 2;
      const played: Played = { text, kernel, booted, events, kept: new Map(), places: [...reached], turn };
      for (const place of reached) pool.get(place)?.push(played);
    };
    // Compiled as the changed texts are, so that their runs can be compared.
    const compiledHere = (kernel: Kernel): Kernel => ({ ...kernel, ...asItIs });
    const plain = kernelsOf(text).map(compiledHere);
    const single = [...singleFaults, ...filtered].filter(({ patch }) => patch.text === text).map(compiledHere);
    for (const { variant, host, events } of stored) {
      const own = single.filter(({ name }) => name === variant);
      for (const kernel of [...own, ...plain])
        put(kernel, bootHost(kernel, host.map(commandOf)), events.map(eventOfLine));
    }
    for (let h = 0; h < hosts; h++) {
      for (const [s, scope] of runScopes.entries()) {
        // Each scope has another of the single faults, so that all of them come to it.
        const one = single[(h * runScopes.length + s) % single.length];
        for (const kernel of one === undefined ? plain : [...plain, one]) {
          const { host } = drawBooted(scope, seed, h, [kernel]);
          const booted = bootHost(kernel, host.map(commandOf));
          for (let e = 0; e < EVENTS_PER_HOST; e++) {
            const stack = e === 0 ? 0 : (MEMORIES[(h + 1) % MEMORIES.length] as number);
            const events = drawEvents(scope, host, eventWords(seed, h, e)).map(eventOfLine);
            put(
              kernel,
              booted,
              events.map((event) => ({ ...event, picks: { ...event.picks, stack } })),
            );
          }
        }
      }
      progress(`${text}: ${h + 1} of ${hosts} hosts of each scope drawn`);
    }
  }
  for (const all of pool.values()) rarestFirst(all, pool);
  return pool;
}

/** A change is seen where a scenario goes a way that few go. */
function rarestFirst(all: Played[], pool: ReadonlyMap<string, readonly Played[]>): void {
  const rank = new Map(all.map((one) => [one, Math.min(...one.places.map((place) => pool.get(place)?.length ?? 0))]));
  all.sort((a, b) => (rank.get(a) as number) - (rank.get(b) as number) || a.turn - b.turn);
}

/** The kernels that a text makes: of today and of the post's era; of a mended one also with all of its switches on. */
function kernelsOf(text: string): readonly Kernel[] {
  const named = [kernelNamed(text) as Kernel, kernelNamed(text, '4.1') as Kernel];
  if (!text.endsWith('-mended')) return named;
  const movesSyn = text === 'tcp-rehash-mended';
  return [...named, mended(`${versionName(movesSyn)}-every-fault`, '', movesSyn, EVERY_FAULT)];
}
