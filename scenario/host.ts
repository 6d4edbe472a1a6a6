/** A host as text: the commands an operator would type, one a line, and the same commands as the model takes them. */
import type { HostCommand } from '../model/types/host.ts';
import { locating, wrong } from './error.ts';
import { parseWords } from './host/command.ts';
import { ALONE } from './host/reading.ts';
import { splitWords } from './words.ts';

export { printHostCommand } from './host/command.ts';

/** One command of a host, with the place it was read from. */
export interface HostLine {
  /** A line number from 1 in a `.host` file, `host[2]` in a scenario. */
  readonly where: number | string;
  readonly text: string;
  readonly command: HostCommand;
}

/** Parses one command; a fault is `Wrong`, for the caller to place. */
export function parseHostLine(text: string): HostCommand {
  const [command, ...more] = parseWords(splitWords(text), ALONE);
  if (command === undefined) wrong('this changes nothing that is modelled; leave it out');
  if (more.length > 0) wrong('this line asks for several things; write a line for each');
  return command;
}

/** The same, under the name that the tests of the model use. */
export const parseHostCommand = parseHostLine;

function isBlank(text: string): boolean {
  return /^\s*(#|$)/.test(text);
}

/** The commands of a list, each with its place; blank entries and comments stand for nothing. */
export function parseHostLines(
  file: string,
  lines: readonly string[],
  where: (index: number) => number | string,
): HostLine[] {
  return lines.flatMap((text, index) =>
    isBlank(text)
      ? []
      : [{ where: where(index), text: text.trim(), command: locating(file, where(index), () => parseHostLine(text)) }],
  );
}

/** The commands of a `.host` file. */
export function parseHostText(file: string, text: string): HostLine[] {
  return parseHostLines(file, text.split('\n'), (index) => index + 1);
}
