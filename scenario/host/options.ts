/** The words of a command of iproute2: a table of options, each with its own reading. */
import type { HostCommand } from '../../model/types/host.ts';
import { wrong } from '../error.ts';
import { type HostWords, leaveOut, leaveOutAsked } from './reading.ts';

export type Draft<T> = { -readonly [K in keyof T]: T[K] };

/** The command of that name. */
export type Of<Name extends HostCommand['kind'], Command = HostCommand> = Command extends { readonly kind: infer Names }
  ? Name extends Names
    ? Command
    : never
  : never;

/** A word that the command takes: its name, whether it may be shortened, and what it does to the draft. */
export interface Option<T> {
  readonly name: string;
  readonly short: boolean;
  readonly read: (words: HostWords, draft: T, word: string) => void;
  /** Known to iproute2, and not modelled. */
  readonly leftOut?: true;
}

export function exact<T>(name: string, read: Option<T>['read']): Option<T> {
  return { name, short: false, read };
}

export function short<T>(name: string, read: Option<T>['read']): Option<T> {
  return { name, short: true, read };
}

/** A word that is not modelled, with the values behind it. */
interface Unmodelled {
  readonly name: string;
  readonly values: number;
}

/** `mtu 1` takes one value, `nodad` none. */
function unmodelled(text: string): Unmodelled {
  const [name = '', values = '0'] = text.split(' ');
  return { name, values: Number(values) };
}

function skip<T>({ name, values }: Unmodelled, leave: (words: HostWords, word: string) => void): Option<T> {
  return {
    name,
    short: false,
    leftOut: true,
    read: (words, _, word) => {
      for (let n = 0; n < values; n++) words.value(word, 'a value');
      leave(words, word);
    },
  };
}

/** Words that decide nothing modelled: each with the number of its values. `why` says what they decide. */
export function harmless<T>(why: string, ...words: string[]): Option<T>[] {
  return words.map((text) => skip(unmodelled(text), (all, word) => leaveOut(all.reading, word, all.command, why)));
}

/** Words that can matter and are not modelled; `consequence` says what is different without them. */
export function decisive<T>(consequence: string, ...words: string[]): Option<T>[] {
  return words.map((text) =>
    skip(unmodelled(text), (all, word) => leaveOutAsked(all.reading, word, all.command, consequence)),
  );
}

/** The words that a table takes, for messages. */
export function taken<T>(table: readonly Option<T>[]): string {
  return table
    .filter((option) => option.leftOut !== true)
    .map(({ name }) => name)
    .join(', ');
}

export function fits(word: string, name: string, mayBeShort: boolean): boolean {
  return word === name || (mayBeShort && word !== '' && name.startsWith(word));
}

/** Reads all words: those of the table in its order, and what is none of them through `other`. */
export function readOptions<T>(
  words: HostWords,
  table: readonly Option<T>[],
  draft: T,
  other: (word: string, words: HostWords, draft: T) => void,
): void {
  while (!words.done) {
    const word = words.take();
    const option = table.find(({ name, short }) => fits(word, name, short));
    if (option === undefined) other(word, words, draft);
    else option.read(words, draft, word);
  }
}

export function unknown<T>(word: string, words: HostWords, table: readonly Option<T>[]): never {
  return wrong(`"${word}" is not a word of "${words.command}"; it takes ${taken(table)}`);
}
