/** A host as text: the commands an operator would type, one a line, and the same commands as the model takes them. */
import type { HostCommand } from '../model/types/host.ts';
import { wrong } from './error.ts';
import { parseWords } from './host/command.ts';
import { type HostReading, importHost } from './host/import.ts';
import { ALONE } from './host/reading.ts';
import { splitWords } from './words.ts';

export { printHostCommand } from './host/command.ts';
export type { HostReading } from './host/import.ts';
export type { HostLine, HostNote } from './host/run.ts';

/** Parses one command; a fault is `Wrong`, for the caller to place. */
export function parseHostLine(text: string): HostCommand {
  let why = 'it changes nothing that is modelled';
  const [command, ...more] = parseWords(splitWords(text), {
    ...ALONE,
    leftOut: (left) => {
      why = `"${left.word}" of "${left.command}" is not modelled: ${left.why}`;
    },
  });
  if (command === undefined) wrong(`${why}; leave this line out`);
  if (more.length > 0) wrong('this line asks for several things; write a line for each');
  return command;
}

/** The host of a `.host` file, or of several, one behind the other. */
export function readHostText(
  files: readonly { readonly file: string; readonly text: string }[],
  leaveOut: readonly string[] = [],
): HostReading {
  const lines = files.flatMap(({ file, text }) =>
    text
      .replace(/^\ufeff/, '')
      .split(/\r?\n/)
      .map((line, index) => ({ file, where: index + 1, text: line })),
  );
  return importHost(lines, leaveOut);
}

/** The host of a scenario. */
export function readHostList(file: string, list: readonly string[], leaveOut: readonly string[] = []): HostReading {
  return importHost(
    list.map((text, index) => ({ file, where: `host[${index}]`, text })),
    leaveOut,
  );
}
