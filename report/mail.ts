/** Findings as a reviewer sends them to a mailing list: plain text of at most 80 columns, the patch's lines quoted. */
import { WIDTH, wrap } from '../scenario/story/tell.ts';

/** Lines of the patch that ran. */
export interface Quote {
  readonly path: string;
  readonly lines: readonly { readonly number: number; readonly text: string }[];
}

/** What is said of a fault. */
export interface FaultMail {
  readonly id: string;
  readonly finding: string;
  readonly cause: string;
  readonly repair: string;
  readonly property: string;
  readonly claim: string;
  readonly asked: readonly string[];
  /** `both versions`, or one. */
  readonly versions: string;
  readonly releases: readonly string[];
  readonly confirmation: string;
  readonly also: readonly string[];
  readonly quotes: readonly Quote[];
  readonly host: readonly string[];
  readonly events: readonly string[];
  readonly trace: readonly string[];
  /** The commands that play it again. */
  readonly commands: readonly string[];
}

/** A paragraph, filled. */
function filled(text: string, indent = ''): string[] {
  const lines: string[] = [];
  let line = indent;
  for (const word of text.split(/\s+/)) {
    if (line.trim() !== '' && line.length + 1 + word.length > WIDTH - 4) {
      lines.push(line);
      line = indent;
    }
    line += line.trim() === '' ? word : ` ${word}`;
  }
  return [...lines, line];
}

/** A command, continued as a shell continues it. */
export function commandLines(command: string, indent: string): string[] {
  const lines = wrap(command, indent, WIDTH - 2);
  return lines.map((line, i) => (i < lines.length - 1 ? `${line} \\` : line));
}

/** The text with its tabs as blanks, up to every column that `tab` divides. */
function expanded(text: string, tab: number): string {
  let line = '';
  for (const letter of text) line += letter === '\t' ? ' '.repeat(tab - (line.length % tab)) : letter;
  return line;
}

function quoteWith({ path, lines }: Quote, tab: number): string[] {
  const texts = lines.map(({ number, text }) => ({ number, text: expanded(text, tab) }));
  const indents = texts
    .filter(({ text }) => text.trim() !== '')
    .map(({ text }) => text.length - text.trimStart().length);
  const shared = Math.min(...indents);
  const quote = texts.flatMap(({ number, text }, i) => [
    ...(i > 0 && texts[i - 1]?.number !== number - 1 ? ['> [...]'] : []),
    `> ${text.slice(shared)}`.trimEnd(),
  ]);
  return [`> ${path}:${lines[0]?.number ?? ''}`, ...quote];
}

/** The quoted lines without the indentation that they share; `[...]` where lines are left out. */
export function quoted(quote: Quote): string[] {
  const wide = quoteWith(quote, 8);
  return wide.every((line) => line.length <= WIDTH) ? wide : quoteWith(quote, 4);
}

/** One finding: what goes wrong, the lines that do it, and how to see it. */
export function faultMail(fault: FaultMail): string[] {
  const { host, events, trace } = fault;
  return [
    ...filled(fault.finding),
    '',
    ...fault.quotes.flatMap((quote) => [...quoted(quote), '']),
    ...filled(fault.cause),
    '',
    'On this host, with these calls:',
    '',
    ...host.flatMap((line) => commandLines(line, '    ')),
    '',
    ...events.flatMap((line) => wrap(line, '    ')),
    '',
    'this is what happens:',
    '',
    ...trace.flatMap((line) => wrap(line, '    ')),
    '',
    ...filled(`It breaks ${fault.property}: ${fault.claim} (${fault.asked.join('; ')})`),
    ...(fault.also.length === 0 ? [] : filled(`The same calls also break ${fault.also.join(', ')}.`)),
    '',
    ...filled(`In ${fault.versions}, on Linux ${fault.releases.join(', ')}; seen ${fault.confirmation}.`),
    ...filled(`Mended by: ${fault.repair}.`),
    '',
    'Again:',
    '',
    ...fault.commands.flatMap((command) => commandLines(command, '    ')),
  ];
}

/** Findings as one message. */
export function findingsMail(faults: readonly FaultMail[]): string {
  const [first] = faults;
  const subject = faults.length === 1 ? `${first?.id}` : `${faults.length} independent faults`;
  const sections = faults.flatMap((fault, i) => [
    ...(faults.length === 1 ? [] : ['', `${i + 1}. ${fault.id}`, '-'.repeat(`${i + 1}. ${fault.id}`.length), '']),
    ...faultMail(fault),
  ]);
  return `Subject: Re: [PATCH] source after reroute: ${subject}\n\n${sections.join('\n').trim()}\n`;
}
