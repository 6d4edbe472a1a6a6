/** The JSON format of scenarios and counterexamples, and reading host and scenario files. */
import { readFileSync } from 'node:fs';
import { parse as locate, type ValueNode } from '@humanwhocodes/momoa';
import { z } from 'zod';
import { EVENTS, type Event, NO_PICKS, type Picks } from '../model/types/event.ts';
import type { Scenario } from '../model/types/world.ts';
import { InputError, locating } from './error.ts';
import { parseEvent } from './events.ts';
import { type HostNote, type HostReading, readHostList, readHostText } from './host.ts';
import { impossibleEvent } from './life.ts';

const word32 = z.int().min(0).max(0xffffffff);

/** One line of text. */
const line = z.string().regex(/^[^\n\r]*$/, 'write it on one line');

/** What the kernel chooses freely in a step. */
const CHOICES = {
  port_offset: word32.optional().describe("Added to the start of the kernel's port search."),
  isn: word32.optional().describe('Added to the initial sequence number.'),
  stack: word32.optional().describe('What memory holds that nobody initialised.'),
  random: word32.optional().describe('How random matches fall: bit i is 1 where the i-th packet that asks is not hit.'),
} satisfies Readonly<Record<keyof Picks, z.ZodType>>;

/** The format, as README describes it. A member it does not name is refused. */
export const scenarioSchema = z.strictObject({
  $schema: z.string().optional().describe('Where the JSON Schema of this format is.'),
  finding: z.string().optional().describe('One sentence for a network engineer: what goes wrong.'),
  property: z
    .string()
    .optional()
    .describe('The id of the property that is violated; absent in a hand-written scenario.'),
  variant: z.string().optional().describe('The kernel it was found on.'),
  release: z.string().optional().describe('The kernel release it was found on; absent for the reference, 6.1.'),
  stock: z
    .enum(['keeps', 'breaks'])
    .optional()
    .describe(
      'What the stock kernel of the same release does with the property in it; absent where it was found on stock.',
    ),
  host: z
    .array(line)
    .describe('The host: commands of ip, iptables and sysctl, one each, as an operator would type them.'),
  events: z.array(line).describe(`What happens, one event each: ${Object.keys(EVENTS).join(', ')}.`),
  picks: z
    .array(
      z.strictObject({
        event: z.int().min(0).describe('Index into events.'),
        ...CHOICES,
      }),
    )
    .optional()
    .describe('What the kernel chooses freely, where it is not 0.'),
  trace: z.array(line).optional().describe('What must be seen again on replay.'),
  found: z
    .looseObject({ by: z.string().describe('The engine that found it.') })
    .optional()
    .describe('How it was found, with the command that finds it again.'),
});

export type ScenarioFile = z.infer<typeof scenarioSchema>;

/** The JSON Schema of the format, as it stands in `schema/scenario.schema.json`. */
export function scenarioJsonSchema(): object {
  const { $schema, ...rest } = z.toJSONSchema(scenarioSchema, { target: 'draft-2020-12' });
  return {
    $schema,
    title: 'reroute-check scenario',
    description: 'A host, what happens to it, and, for a counterexample, the promise that is broken.',
    ...rest,
  };
}

/** A scenario file that was read and checked, with what it stands for. */
export interface LoadedScenario extends ScenarioFile {
  readonly file: string;
  /** What is to be told of the host's lines. */
  readonly notes: readonly HostNote[];
  readonly scenario: Scenario;
}

// files

const SYSTEM_WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file; write the path of one',
  ENOTDIR: 'there is no such file; a part of its path is not a folder',
  EISDIR: 'this is a folder; write the path of a file in it',
  EACCES: 'the file may not be read; change its permissions',
  EPERM: 'the file may not be read; change its permissions',
  ENAMETOOLONG: 'the path is too long; write a shorter one',
};

/** The text of a file, or (`-`) of standard input; what is no text is refused in one line. */
export function readText(file: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file === '-' ? 0 : file);
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw new InputError(file, '', SYSTEM_WORDS[code] ?? message);
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new InputError(file, '', 'this is not a text file; write UTF-8 text');
  }
  if (text.includes('\0')) throw new InputError(file, '', 'this is not a text file; write UTF-8 text');
  return text;
}

/** The value of a JSON text; a fault names its line. */
function parseJson(file: string, text: string): unknown {
  if (text.trim() === '') throw new InputError(file, '', 'the file is empty; write an object with "host" and "events"');
  try {
    const value: unknown = JSON.parse(text);
    refuseTwins(file, locate(text, { mode: 'json' }).body);
    return value;
  } catch (error) {
    if (error instanceof InputError) throw error;
    const offset = faultOffset(text, (error as Error).message);
    const before = text.slice(0, offset).trimEnd();
    const word = /^\s*(\w+|.)/.exec(text.slice(offset))?.[1];
    const fault = word === undefined ? 'it ends too early' : `"${word}" is not expected there`;
    const line = (word === undefined ? before : text.slice(0, offset)).split('\n').length;
    throw new InputError(file, line, `this is not JSON: ${fault}; write an object with "host" and "events"`);
  }
}

/** Refuses an object that has a member twice: JSON.parse would take the last one without a word. */
function refuseTwins(file: string, node: ValueNode): void {
  if (node.type === 'Array') for (const { value } of node.elements) refuseTwins(file, value);
  if (node.type !== 'Object') return;
  const seen = new Set<string>();
  for (const { name, value } of node.members) {
    const word = name.type === 'String' ? name.value : name.name;
    if (seen.has(word))
      throw new InputError(file, name.loc.start.line, `the member "${word}" stands there twice; leave one of them out`);
    seen.add(word);
    refuseTwins(file, value);
  }
}

/** Where JSON goes wrong: JSON.parse says so for most faults, a parser that keeps positions for the others. */
function faultOffset(text: string, message: string): number {
  const position = /at position (\d+)/.exec(message)?.[1];
  if (position !== undefined) return Number(position);
  try {
    if (!message.startsWith('Unexpected end')) locate(text, { mode: 'json' });
  } catch (error) {
    return (error as { offset?: number }).offset ?? text.length;
  }
  return text.length;
}

/** `events[3]`, `picks[0].isn`. */
function pathOf(path: readonly PropertyKey[]): string {
  return path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i > 0 ? '.' : ''}${String(part)}`))
    .join('');
}

/** What is wrong with a member, and what would be right. */
function issueText(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') {
    const names = issue.keys.map((key) => `"${key}"`).join(', ');
    const place =
      issue.path.length === 0
        ? Object.keys(scenarioSchema.shape).join(', ')
        : ['event', ...Object.keys(CHOICES)].join(', ');
    return `there is no member ${names} in this format; the members are ${place}`;
  }
  if (issue.code === 'invalid_type' && issue.input === undefined && issue.path.length === 1) {
    return `this member is missing; write an array of strings`;
  }
  return issue.message.replace(/^Invalid input: /, '');
}

function checkShape(file: string, value: unknown): ScenarioFile {
  const result = scenarioSchema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  const issue = result.error.issues[0] as z.core.$ZodIssue;
  throw new InputError(file, pathOf(issue.path), issueText(issue));
}

/** The choices of the kernel for each event. */
function readPicks(file: string, data: ScenarioFile): Map<number, Picks> {
  const picks = new Map<number, Picks>();
  for (const [i, { event, ...choices }] of (data.picks ?? []).entries()) {
    if (event >= data.events.length) {
      throw new InputError(
        file,
        `picks[${i}].event`,
        `there is no event ${event}; write an index from 0 to ${data.events.length - 1}`,
      );
    }
    if (picks.has(event))
      throw new InputError(file, `picks[${i}].event`, `event ${event} has choices already; write them into one entry`);
    picks.set(event, { ...NO_PICKS, ...choices } as Picks);
  }
  return picks;
}

/** The members `picks` of a scenario whose events carry choices; undefined when all are 0. */
export function printPicks(events: readonly Event[]): ScenarioFile['picks'] {
  const picks = events.flatMap(({ picks: chosen }, event) => {
    const choices = Object.entries(chosen).filter(([, value]) => value !== 0);
    return choices.length === 0 ? [] : [{ event, ...Object.fromEntries(choices) }];
  });
  return picks.length === 0 ? undefined : picks;
}

/** Links that the host's commands speak of, with the other ends of veth pairs. */
function linkNames(scenario: Scenario): Set<string> {
  const names = new Set(['lo']);
  const commands = [
    ...scenario.host,
    ...scenario.events.flatMap((event) => (event.kind === 'host' ? [event.command] : [])),
  ];
  for (const command of commands)
    if (command.kind === 'link add' || command.kind === 'vrf add') names.add(command.name);
  return names;
}

/** Refuses what can be seen to be impossible without running anything. */
function checkEvents(file: string, scenario: Scenario): void {
  const links = linkNames(scenario);
  for (const [i, event] of scenario.events.entries()) {
    if (event.kind === 'receive' && !links.has(event.dev)) {
      throw new InputError(
        file,
        `events[${i}]`,
        `the host has no link "${event.dev}"; its links are ${[...links].join(', ')}`,
      );
    }
  }
  const impossible = impossibleEvent(scenario.events);
  if (impossible !== undefined) throw new InputError(file, `events[${impossible.index}]`, impossible.message);
}

/** Checks a scenario that was read from `file` or made there, and gives what it stands for. */
export function checkScenario(file: string, value: unknown, leaveOut: readonly string[] = []): LoadedScenario {
  const data = checkShape(file, value);
  const { lines, notes } = readHostList(file, data.host, leaveOut);
  const picks = readPicks(file, data);
  const events = data.events.map((text, i): Event => {
    const event = locating(file, `events[${i}]`, () => parseEvent(text));
    return { ...event, picks: picks.get(i) ?? NO_PICKS };
  });
  const scenario = { host: lines.map(({ command }) => command), events };
  checkEvents(file, scenario);
  return { ...data, host: lines.map(({ text }) => text), file, notes, scenario };
}

/** Reads and checks a scenario or counterexample. */
export function loadScenario(file: string, leaveOut: readonly string[] = []): LoadedScenario {
  return checkScenario(file, parseJson(file, readText(file)), leaveOut);
}

/** Reads and checks a host: a `.host` file, or the host of a scenario (`.json`). */
export function loadHost(file: string, leaveOut: readonly string[] = []): HostReading {
  const text = readText(file);
  if (file.endsWith('.json')) return readHostList(file, checkShape(file, parseJson(file, text)).host, leaveOut);
  const read = readHostText([{ file, text }], leaveOut);
  if (read.lines.length === 0)
    throw new InputError(file, '', 'the file has no command; write one a line, such as "ip link add eth0 type dummy"');
  return read;
}
