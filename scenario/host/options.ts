/** The words of a command of iproute2: a table of options, each with its own reading. */
import type { HostCommand } from '../../model/types/host.ts';
import { wrong } from '../error.ts';
import type { Words } from '../words.ts';

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
  readonly read: (words: Words, draft: T, word: string) => void;
  /** Known to iproute2, and not modelled. */
  readonly refused?: true;
}

export function exact<T>(name: string, read: Option<T>['read']): Option<T> {
  return { name, short: false, read };
}

export function short<T>(name: string, read: Option<T>['read']): Option<T> {
  return { name, short: true, read };
}

/** Words that iproute2 knows and the model does not. */
export function refused<T>(...names: string[]): Option<T>[] {
  return names.map((name) => ({
    name,
    short: false,
    read: (words) => wrong(`"${name}" of "${words.command}" is not modelled; leave it out`),
    refused: true,
  }));
}

/** The words that a table takes, for messages. */
export function taken<T>(table: readonly Option<T>[]): string {
  return table
    .filter((option) => option.refused !== true)
    .map(({ name }) => name)
    .join(', ');
}

export function fits(word: string, name: string, mayBeShort: boolean): boolean {
  return word === name || (mayBeShort && word !== '' && name.startsWith(word));
}

/** Reads all words: those of the table in its order, and what is none of them through `other`. */
export function readOptions<T>(
  words: Words,
  table: readonly Option<T>[],
  draft: T,
  other: (word: string, words: Words, draft: T) => void,
): void {
  while (!words.done) {
    const word = words.take();
    const option = table.find(({ name, short }) => fits(word, name, short));
    if (option === undefined) other(word, words, draft);
    else option.read(words, draft, word);
  }
}

export function unknown<T>(word: string, words: Words, table: readonly Option<T>[]): never {
  return wrong(`"${word}" is not a word of "${words.command}"; it takes ${taken(table)}`);
}
