/**
 * Hosts as their own tools print them: built in a namespace by random commands, dumped as text or JSON, imported, and asked the
 * same as the kernel they came from.
 */
import { release } from 'node:os';
import { inet_make_mask } from '../model/kernel/include/linux/in.ts';
import { onRelease } from '../model/patch/releases/index.ts';
import { stock } from '../model/patch/stock.ts';
import { RTN_LOCAL } from '../model/types/route.ts';
import type { World } from '../model/types/world.ts';
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

/** Whether a listing of rules could be a part: as text it does not show the rule that looks up "local". */
function looksLikeAPart(dump: Dump): boolean {
  return dump.some(({ command, text }) => command === 'ip rule' && !text.includes('lookup local'));
}

/** The dump as somebody might paste it: in any order, with or without what was typed. */
export function pasted(words: WordSource, dump: Dump): string {
  const left = [...dump];
  const parts: string[] = [];
  const drawn = PROMPTS[below(words, PROMPTS.length)] as string;
  const prompt = drawn === '' && looksLikeAPart(dump) ? '# ' : drawn;
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
  /** With questions, and as many with a scenario. */
  readonly hosts: number;
  /** Routing answers and packets that were compared. */
  readonly answers: number;
  readonly packets: number;
  readonly disagreements: readonly ImportedDisagreement[];
  /** Hosts that differed once and agreed the second time. */
  readonly unsteady: number;
  /** Hosts that were not compared: their tools do not say everything. */
  readonly hidden: number;
  readonly seconds: number;
}

function drawText(words: WordSource, kind: Kind): Text {
  if (kind === 'wire') return drawWire(words);
  const host = drawRoutingHost(words);
  return { host, events: Array.from({ length: QUESTIONS_PER_HOST }, () => QUESTION + drawQuestion(words)) };
}

/**
 * Whether the host can be otherwise than its tools say. A gateway that was an address of the host when its route was added is
 * not used, and one that became that later is. A host that once had rules of its own goes on looking them up, and says so.
 */
function isHidden({ tables, fib_has_custom_rules }: World, typed: readonly string[]): boolean {
  if (!fib_has_custom_rules && typed.some((line) => line.startsWith('ip rule'))) return true;
  const aliases = tables.flatMap((table) => table.aliases);
  const local = aliases.filter(({ fa_type }) => fa_type === RTN_LOCAL);
  const gateways = aliases.flatMap(({ nh_gw, fib_nhs }) => [nh_gw, ...fib_nhs.map((nh) => nh.nh_gw)]);
  return gateways.some((gateway) => local.some(({ dst, plen }) => ((gateway ^ dst) & inet_make_mask(plen)) === 0));
}

interface Importing {
  readonly host: readonly string[];
  /** What stopped the import, '' for nothing. */
  readonly fault: string;
  readonly hidden: boolean;
}

function importing(paste: string, typed: readonly string[]): Importing {
  try {
    const { lines, net } = readHostText([{ file: 'paste', text: paste }]);
    return { host: lines.map(({ text }) => text), fault: '', hidden: isHidden(net, typed) };
  } catch (error) {
    if (error instanceof InputError) return { host: [], fault: error.message, hidden: false };
    throw error;
  }
}

interface Compared {
  /** Answers or packets. */
  readonly compared: number;
  readonly hidden: boolean;
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
  const { host, fault, hidden } = importing(paste, typed.host);
  if (hidden) return { compared: 0, hidden, disagreement: undefined };
  const about = { kind, index, typed, pasted: paste, imported: host };
  const imported = { host, events: typed.events };
  if (fault !== '') {
    const difference: Difference = { at: 0, what: 'host import', model: fault, kernel: 'its tools print it' };
    return { compared: 0, hidden, disagreement: { ...about, differences: [difference] } };
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
      host,
      (secret) => modelSees(running, imported, 0, secret),
      (model) => compareSeen(imported, model, kernel),
    ).differences;
  }
  return { compared, hidden, disagreement: differences.length === 0 ? undefined : { ...about, differences } };
}

export interface ImportedOptions {
  readonly seed: number;
  /** Hosts with questions, and as many with a scenario. */
  readonly hosts: number;
  readonly progress?: (done: number) => void;
}

/** Hosts with routing questions, and hosts with a scenario on the wire. */
export async function importedCampaign(player: Player, options: ImportedOptions): Promise<ImportedCampaign> {
  const { seed, hosts, progress } = options;
  const began = performance.now();
  const disagreements: ImportedDisagreement[] = [];
  const counted = { routing: 0, wire: 0 };
  let unsteady = 0;
  let hidden = 0;
  let done = 0;
  const compare = async (kind: 'routing' | 'wire', index: number): Promise<boolean> => {
    const first = await compareImported(player, seed, kind, index);
    // A port that the kernel chose can coincide with another, and a timer can fire on a busy machine.
    const again = first.disagreement && (await compareImported(player, seed, kind, index)).disagreement;
    counted[kind] += first.compared;
    if (again) disagreements.push(again);
    else if (first.disagreement) unsteady++;
    if (first.hidden) hidden++;
    return !first.hidden;
  };
  for (const kind of ['routing', 'wire'] as const) {
    let next = 0;
    let open = hosts;
    const lane = async (): Promise<void> => {
      while (open > 0) {
        open--;
        if (await compare(kind, next++)) progress?.(++done);
        else open++;
      }
    };
    await Promise.all([lane(), lane(), lane()]);
  }
  const seconds = (performance.now() - began) / 1000;
  return { hosts, answers: counted.routing, packets: counted.wire, disagreements, unsteady, hidden, seconds };
}

/** `5,000 routing answers and 200 wire scenarios of imported hosts: no disagreement (…)`. */
export function importedCampaignText(campaign: ImportedCampaign): string {
  const { hosts, answers, packets, disagreements, unsteady, hidden, seconds } = campaign;
  const verdict = disagreements.length === 0 ? 'no disagreement' : `${disagreements.length} disagreements`;
  const again = unsteady === 0 ? '' : `, ${unsteady} that agreed when asked again`;
  const apart = hidden === 0 ? '' : `, ${hidden} hosts left out that their tools do not show`;
  const counts = `${hosts} hosts for each, ${packets.toLocaleString('en')} packets${apart}, ${seconds.toFixed(1)} s`;
  return `${answers.toLocaleString('en')} routing answers and ${hosts} wire scenarios of imported hosts: ${verdict}${again} (${counts})`;
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
