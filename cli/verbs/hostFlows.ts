/** `reroute-check host flows`: where the flows of one's own host leave, as whom, what is broken, and what repairs it. */

import { type FlowClass, type Flows, flowsOf } from '../../flows/classes.ts';
import { boundText, leftText, ownerOf, setText } from '../../flows/describe.ts';
import type { Fate } from '../../flows/play.ts';
import { isBroken, Remedies, type Remedy } from '../../flows/remedies.ts';
import { type Silent, silentMarks } from '../../flows/silence.ts';
import { type Reason, reasonsOf } from '../../flows/why.ts';
import type { Kernel } from '../../model/types/world.ts';
import { InputError, Wrong } from '../../scenario/error.ts';
import { readHostText } from '../../scenario/host.ts';
import { readText } from '../../scenario/scenario.ts';
import { readEndpoint } from '../../scenario/words.ts';
import { choosePatch, chooseVariant } from '../choose.ts';
import { caveats, tellNotes, withoutPatch } from '../hostNotes.ts';
import { progress } from '../progress.ts';

export interface HostFlowsOptions {
  readonly to?: string;
  readonly variant: readonly string[];
  /** A text of one's own beside them. */
  readonly patch?: string;
  readonly leaveOut?: readonly string[];
  /** Seconds in which the solver is asked. */
  readonly prove?: number;
  readonly json?: boolean;
}

/** Variants that are compared where none is named, and no text of one's own. */
const COMPARED = ['icmp-only', 'tcp-rehash', 'icmp-only-mended', 'tcp-rehash-mended', 'ask-first'];

/** Flows of bound sockets that are played at most: a few seconds. */
const BOUND = 5_000;

/** Everything that is said of a class. */
interface Told {
  readonly flowClass: FlowClass;
  readonly reasons: readonly Reason[];
  readonly remedies: readonly Remedy[];
}

export async function hostFlows(files: readonly string[], options: HostFlowsOptions): Promise<void> {
  const named = files.length === 0 ? ['-'] : files;
  const { net, notes } = readHostText(
    named.map((file) => ({ file: file === '-' ? 'standard input' : file, text: readText(file) })),
    options.leaveOut,
  );
  const names = options.variant.length > 0 || options.patch !== undefined ? options.variant : COMPARED;
  const kernels = [
    ...['stock', ...names.filter((name) => name !== 'stock')].map((name) => chooseVariant(name)),
    ...(options.patch === undefined ? [] : [choosePatch(options.patch)]),
  ];
  const flows = flowsOf(net, {
    kernels,
    bound: BOUND,
    ...(options.to === undefined ? {} : { to: endpoint(options.to) }),
  });
  if (!flows.space.complete)
    throw new InputError(
      named[0] as string,
      '',
      'this host tells more than 20,000 kinds of flows apart; ask for one destination, with --to',
    );
  const [stock] = kernels as [Kernel];
  const remedies = new Remedies(flows);
  const told = flows.classes.map((flowClass): Told => {
    if (!isBroken(flowClass)) return { flowClass, reasons: [], remedies: [] };
    const reasons = reasonsOf(stock, flows.net, flows.space, flowClass.flow, flowClass.fates[0] as Fate);
    return { flowClass, reasons, remedies: remedies.for(flowClass) };
  });
  const silent = silentMarks(flows);
  tellNotes(notes);
  const said = [...withoutPatch(kernels, flows.net), ...caveats(notes), ...(await proofLines(flows, options.prove))];
  process.stdout.write(
    options.json === true
      ? `${JSON.stringify(asData(flows, told, silent, said), null, 2)}\n`
      : `${lines(flows, told, silent, said).join('\n')}\n`,
  );
}

function endpoint(word: string): { readonly addr: number; readonly port: number } {
  try {
    const { addr, port } = readEndpoint(word, 'a destination');
    return { addr, port };
  } catch (error) {
    if (error instanceof Wrong) throw new InputError('--to', word, error.message);
    throw error;
  }
}

/** What the solver says of the classes of free sockets, where it is asked. */
async function proofLines(flows: Flows, seconds: number | undefined): Promise<readonly string[]> {
  if (seconds === undefined) return [];
  const [{ loadZ3 }, { certify }] = await Promise.all([import('../../solver/smt.ts'), import('../../solver/flows.ts')]);
  const show = progress();
  const { complete, uniform, undecided } = certify(await loadZ3(), flows, {
    budget: seconds * 1000,
    onProgress: (done, all) => show.say(`z3: ${done} of ${all}`),
  });
  show.done();
  const none =
    complete === 'exhausted'
      ? 'no flow is in none of the classes'
      : 'undecided whether a flow is in none of the classes';
  const rest = undecided === 0 ? '' : `, undecided for ${undecided}`;
  return [`z3: ${none}; all flows of a range leave as their class says: exhausted for ${uniform} ranges${rest}`];
}

function lines(
  flows: Flows,
  told: readonly Told[],
  silent: readonly Silent[],
  said: readonly string[],
): readonly string[] {
  const broken = told.filter(({ flowClass }) => isBroken(flowClass));
  const whole = told.filter(({ flowClass }) => !isBroken(flowClass));
  const free = (all: readonly Told[]) => all.filter(({ flowClass }) => boundText(flowClass.bound) === '');
  const bound = (all: readonly Told[]) => all.filter(({ flowClass }) => boundText(flowClass.bound) !== '');
  const left = flows.left.map((one) => boundText(one));
  return [
    ...said,
    `${told.length} classes of flows to single addresses beyond this host: ${broken.length} broken`,
    ...shortened([...free(broken), ...bound(broken), ...free(whole)].map((one) => classLines(flows, one))),
    ...(bound(whole).length === 0
      ? []
      : ['', 'sockets that are bound or marked, where they fare otherwise and nothing is broken']),
    ...bound(whole).flatMap(({ flowClass }) => boundLines(flows, flowClass)),
    ...(silent.length === 0 ? [] : ['', 'without effect']),
    ...silent.flatMap(({ command, why }) => [`  ${command}`, `    ${why}`]),
    ...(left.length === 0
      ? []
      : ['', `not asked, because there are so many flows: sockets ${left.join(', ')}; --to asks for less`]),
  ];
}

const REPAIRED = '  repaired by';

/** Lines of classes, one behind the other; what repairs a class as the one before it is not told again. */
function shortened(all: readonly (readonly string[])[]): readonly string[] {
  const from = (told: readonly string[]) => {
    const at = told.findIndex((line) => line.startsWith(REPAIRED));
    return at < 0 ? told.length : at;
  };
  return all.flatMap((told, n) => {
    const remedies = told.slice(from(told));
    const before = all[n - 1] ?? [];
    const same = remedies.length > 0 && remedies.join('\n') === before.slice(from(before)).join('\n');
    return ['', ...told.slice(0, from(told)), ...(same ? ['  repaired as the class before'] : remedies)];
  });
}

function fateText({ first, end }: Fate): string {
  if (first === undefined) return end === '' ? 'nothing leaves' : end;
  return end === '' ? leftText(first) : `${leftText(first)}, then ${end}`;
}

function classLines(flows: Flows, { flowClass, reasons, remedies }: Told): readonly string[] {
  const { bound, set, fates } = flowClass;
  const [fate] = fates as [Fate];
  const who = boundText(bound);
  return [
    `${isBroken(flowClass) ? 'broken: ' : ''}${fateText(fate)}`,
    ...setText(flows.space, set).map(
      (line, at) => `  ${at === 0 ? 'flows' : '     '} ${line}${who === '' ? '' : `, ${who}`}`,
    ),
    ...providerLines(flows, fate),
    ...fate.broken.map((id, at) => `  breaks ${id}: ${fate.sentences[at]}`),
    ...reasons.map(({ command, place }) => `  because of ${command} (${place})`),
    ...variantLines(flows, fates),
    ...(isBroken(flowClass) && remedies.length === 0 ? ['  no remedy of those that were tried repairs it'] : []),
    ...remedies.flatMap((one) => remedyLines(flows, one)),
  ];
}

/** Whose address the provider of a link sees, where it is none of that link. */
function providerLines(flows: Flows, { first }: Fate): readonly string[] {
  if (first === undefined) return [];
  const owner = ownerOf(flows, first.saddr);
  if (owner === first.dev || owner === '') return [];
  return [`  the provider of ${first.dev} sees an address of ${owner}`];
}

function remedyLines({ space }: Flows, { name, commands, program, fate, costs }: Remedy): readonly string[] {
  const then = fate.first === undefined ? '' : `: ${leftText(fate.first)}`;
  return [
    `${REPAIRED} ${name}${then}`,
    ...commands.map((command) => `    ${command}`),
    ...(program === '' ? [] : [`    the program ${program}`]),
    ...costs.map(({ flowClass: { bound, set }, broken }) => {
      const who = [...setText(space, set).slice(0, 1), boundText(bound)].filter((text) => text !== '').join(', ');
      return `    but then ${broken.join(', ')} breaks: ${who}`;
    }),
  ];
}

/** The variants on which the class fares otherwise. */
function variantLines({ kernels }: Flows, fates: readonly Fate[]): readonly string[] {
  const [stock] = fates as [Fate];
  const key = (fate: Fate) => JSON.stringify([fate.first, fate.others, fate.end, fate.broken, fate.crashed]);
  const groups = new Map<string, number[]>();
  for (const [n, fate] of fates.entries()) groups.set(key(fate), [...(groups.get(key(fate)) ?? []), n]);
  return [...groups.values()]
    .filter(([n]) => key(fates[n as number] as Fate) !== key(stock))
    .map((numbers) => {
      const fate = fates[numbers[0] as number] as Fate;
      const names = numbers.map((n) => kernels[n]?.name).join(', ');
      const state = fate.crashed
        ? ', and the kernel crashes'
        : fate.broken.length > 0
          ? `, breaks ${fate.broken.join(', ')}`
          : '';
      return `  on ${names}: ${fateText(fate)}${state}`;
    });
}

function boundLines(flows: Flows, { bound, set, fates }: FlowClass): readonly string[] {
  const text = setText(flows.space, set);
  return [`  ${boundText(bound)}: ${fateText(fates[0] as Fate)}: ${text.join('; ')}`];
}

function asData(flows: Flows, told: readonly Told[], silent: readonly Silent[], said: readonly string[]): unknown {
  const fateData = ({ first, end, broken, sentences, crashed }: Fate) => ({
    leaves: first === undefined ? null : leftText(first),
    dev: first?.dev ?? null,
    end,
    broken: broken.map((id, at) => ({ property: id, finding: sentences[at] })),
    crashed,
  });
  return {
    notes: said,
    classes: told.map(({ flowClass, reasons, remedies }) => ({
      flows: setText(flows.space, flowClass.set),
      socket: boundText(flowClass.bound),
      on: Object.fromEntries(flows.kernels.map(({ name }, n) => [name, fateData(flowClass.fates[n] as Fate)])),
      because: reasons.map(({ command, place }) => ({ command, place })),
      remedies: remedies.map(({ name, commands, program }) => ({ name, commands, program })),
    })),
    silent,
    notAsked: flows.left.map(boundText),
  };
}
