/** A host as text: the commands an operator would type, one a line, and the same commands as the model takes them. */
import type { HostCommand } from '../model/types/host.ts';
import { locating, wrong } from './error.ts';
import { parseIp, printIp } from './host/ip.ts';
import { parseIptables, printIptables } from './host/iptables.ts';
import { parseSysctl, printSysctl } from './host/sysctl.ts';
import { splitWords } from './words.ts';

/** One command of a host, with the place it was read from. */
export interface HostLine {
  /** A line number from 1 in a `.host` file, `host[2]` in a scenario. */
  readonly where: number | string;
  readonly text: string;
  readonly command: HostCommand;
}

/** Parses one command; a fault is `Wrong`, for the caller to place. */
export function parseHostLine(text: string): HostCommand {
  const [program = '', ...words] = splitWords(text);
  switch (program.replace(/^\/?(usr\/)?s?bin\//, '')) {
    case 'ip':
      return parseIp(words);
    case 'iptables':
      return parseIptables(words);
    case 'sysctl':
      return parseSysctl(words);
    case '':
      return wrong('there is no command here; write an ip, iptables or sysctl command');
    default:
      return wrong(`"${program}" is not a command of a host; write an ip, iptables or sysctl command`);
  }
}

/** The same, under the name that the tests of the model use. */
export const parseHostCommand = parseHostLine;

/** The command as an operator would type it. `parseHostLine` reads it back as the same command. */
export function printHostCommand(command: HostCommand): string {
  switch (command.kind) {
    case 'iptables':
      return printIptables(command);
    case 'sysctl':
      return printSysctl(command);
    default:
      return printIp(command);
  }
}

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
