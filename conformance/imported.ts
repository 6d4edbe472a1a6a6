/**
 * Hosts as their own tools print them: built in a namespace by random commands, dumped as text or JSON, imported, and asked the
 * same as the kernel they came from.
 */
import { release } from 'node:os';
import { onRelease } from '../model/patch/releases/index.ts';
import { stock } from '../model/patch/stock.ts';
import { InputError } from '../scenario/error.ts';
import { readHostText } from '../scenario/host.ts';
import { below, chance, type WordSource } from '../scenario/random.ts';
import type { Text } from '../scenario/text.ts';
import { closest } from './choices.ts';
import { compareAnswers, compareSeen, type Difference } from './compare.ts';
import { kernelSees, modelSees } from './modelTrace.ts';
import { drawQuestion, drawRoutingHost, modelAnswers, QUESTION } from './routing.ts';
import { caseWords, type Kind, LIMITS } from './run.ts';
import type { Dump, DumpForm, Player } from './running/player.ts';
import { releaseOf } from './running/release.ts';
import { drawWire } from './wire.ts';

/** Routing questions about one host. */
const QUESTIONS_PER_HOST = 25;

/** The model of the running kernel. */
const running = onRelease(stock, releaseOf(release()));

/** Prompts that a listing may stand behind, '' for none. */
const PROMPTS = ['', 'root@gw:~# ', '# ', '$ sudo '];

/** The dump as somebody might paste it: in any order, with or without what was typed. */
export function pasted(words: WordSource, dump: Dump): string {
  const left = [...dump];
  const parts: string[] = [];
  const prompt = PROMPTS[below(words, PROMPTS.length)] as string;
  while (left.length > 0) {
    const [part] = left.splice(below(words, left.length), 1) as [Dump[number]];
    parts.push(prompt === '' ? part.text : `${prompt}${part.command}\n${part.text}`);
  }
  return parts.join(chance(words, 1, 2) ? '\n' : '');
}

/** A host that the model and the kernel see differently after it was imported. */
export interface ImportedDisagreement {
  readonly kind: Kind;
  readonly index: number;
  /** What was typed in the namespace, and asked. */
  readonly typed: Text;
  readonly pasted: string;
  readonly imported: readonly string[];
  readonly differences: readonly Difference[];
}

export interface ImportedCampaign {
  readonly hosts: number;
  /** Routing answers and packets that were compared. */
  readonly answers: number;
  readonly packets: number;
  readonly disagreements: readonly ImportedDisagreement[];
  readonly seconds: number;
}

function drawText(words: WordSource, kind: Kind): Text {
  if (kind === 'wire') return drawWire(words);
  const host = drawRoutingHost(words);
  return { host, events: Array.from({ length: QUESTIONS_PER_HOST }, () => QUESTION + drawQuestion(words)) };
}

/** The imported host's commands, or the fault that stopped the import. */
function importing(paste: string): { readonly host: readonly string[]; readonly fault: string } {
  try {
    const { lines } = readHostText([{ file: 'paste', text: paste }]);
    return { host: lines.map(({ text }) => text), fault: '' };
  } catch (error) {
    if (error instanceof InputError) return { host: [], fault: error.message };
    throw error;
  }
}

interface Compared {
  readonly compared: number;
  readonly disagreement: ImportedDisagreement | undefined;
}

/** Asks the kernel, imports what its tools print, and asks the model of that. */
async function compareImported(player: Player, seed: number, kind: Kind, index: number): Promise<Compared> {
  const words = caseWords(seed, kind, index);
  const typed = drawText(words, kind);
  const form: DumpForm = chance(words, 1, 2) ? 'json' : 'text';
  const asked =
    kind === 'routing'
      ? await player.routes(
          typed.host,
          typed.events.map((event) => event.slice(QUESTION.length)),
          form,
        )
      : await player.run(typed, LIMITS, form);
  const paste = pasted(words, asked.dump ?? []);
  const { host, fault } = importing(paste);
  const about = { kind, index, typed, pasted: paste, imported: host };
  const imported = { host, events: typed.events };
  if (fault !== '') {
    const difference: Difference = { at: 0, what: 'host import', model: fault, kernel: 'its tools print it' };
    return { compared: 0, disagreement: { ...about, differences: [difference] } };
  }
  let differences: readonly Difference[];
  let compared = 0;
  if ('routes' in asked) {
    compared = asked.routes.length;
    differences = compareAnswers(imported, (secret) => modelAnswers(running, imported, secret), {
      ...asked,
      refused: [],
    });
  } else {
    const kernel = { ...kernelSees(asked), setup: [] };
    compared = kernel.packets.length;
    differences = closest(
      (secret) => modelSees(running, imported, 0, secret),
      (model) => compareSeen(imported, model, kernel),
    ).differences;
  }
  return { compared, disagreement: differences.length === 0 ? undefined : { ...about, differences } };
}

export interface ImportedOptions {
  readonly seed: number;
  /** Hosts with questions, and as many with a scenario. */
  readonly hosts: number;
  /** Only this one. */
  readonly only?: number;
  readonly progress?: (done: number) => void;
}

/** Hosts with routing questions, and hosts with a scenario on the wire. */
export async function importedCampaign(player: Player, options: ImportedOptions): Promise<ImportedCampaign> {
  const began = performance.now();
  const disagreements: ImportedDisagreement[] = [];
  const counted = { routing: 0, wire: 0 };
  const cases = (['routing', 'wire'] as const).flatMap((kind) =>
    Array.from({ length: options.hosts }, (_, index) => ({ kind, index })),
  );
  const chosen = cases.filter(({ index }) => options.only === undefined || options.only === index);
  let next = 0;
  let done = 0;
  const lane = async (): Promise<void> => {
    while (next < chosen.length) {
      const { kind, index } = chosen[next++] as (typeof cases)[number];
      const first = await compareImported(player, options.seed, kind, index);
      // A port that the kernel chose can coincide with another, and a timer can fire on a busy machine.
      const again = first.disagreement && (await compareImported(player, options.seed, kind, index)).disagreement;
      counted[kind] += first.compared;
      if (again) disagreements.push(again);
      options.progress?.(++done);
    }
  };
  await Promise.all([lane(), lane(), lane()]);
  const seconds = (performance.now() - began) / 1000;
  return { hosts: chosen.length, answers: counted.routing, packets: counted.wire, disagreements, seconds };
}

/** What a disagreement is about: the host as typed, pasted and imported, and what differs. */
export function importedText({
  kind,
  index,
  typed,
  pasted: paste,
  imported,
  differences,
}: ImportedDisagreement): string {
  const at = differences[0]?.at ?? 0;
  return [
    `${kind} host ${index}: ${differences[0]?.what}`,
    `  model:  ${differences[0]?.model}`,
    `  kernel: ${differences[0]?.kernel}`,
    `  asked:  ${typed.events[at] ?? ''}`,
    ...[
      'typed:',
      ...typed.host,
      'printed:',
      ...paste.split('\n').filter((line) => !/^net\.ipv4/.test(line)),
      'imported:',
      ...imported,
    ].map((line) => `    ${line}`),
    ...(kind === 'wire' ? ['  events:', ...typed.events.map((line) => `    ${line}`)] : []),
  ].join('\n');
}
