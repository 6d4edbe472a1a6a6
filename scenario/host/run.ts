/** A host while it is read: every command is tried on the model at once, in the words of the kernel where it is refused. */
import { hostCommand } from '../../model/host/commands.ts';
import { newWorld } from '../../model/host/newWorld.ts';
import type { HostCommand } from '../../model/types/host.ts';
import type { World } from '../../model/types/world.ts';
import { InputError } from '../error.ts';
import { splitWords } from '../words.ts';
import { parseWords, printHostCommand } from './command.ts';
import { ALONE, type LeftOut, type Reading } from './reading.ts';
import type { SourceLine } from './shell.ts';

/** One command of a host, with the place it was read from. */
export interface HostLine {
  readonly file: string;
  /** A line number from 1 in a `.host` file, `host[2]` in a scenario. */
  readonly where: number | string;
  /** By itself the same command: nothing else of the file has to be known. */
  readonly text: string;
  readonly command: HostCommand;
}

/** What is to be told of a line. */
export interface HostNote {
  readonly file: string;
  readonly where: number | string;
  readonly text: string;
  /** It can change what becomes of a packet. */
  readonly matters: boolean;
}

/** What would be right instead of a command that was refused so. */
const REMEDIES: readonly (readonly [words: RegExp, remedy: string])[] = [
  [/File exists|already assigned|already exists|already added/, 'leave out one of the two commands that ask for it'],
  [
    /Cannot find device|No such device|Device does not exist/,
    'create the link before, with "ip link add" or "link NAME", or write its right name',
  ],
  [
    /invalid gateway|Nexthop|Network is unreachable/,
    'give a link an address in the network of the gateway and set it up before, or write onlink',
  ],
  [/not up|Network is down/, 'set the link up before, with "ip link set LINK up"'],
  [/prefsrc/, 'give a link that address before, with "ip addr add"'],
  [/Invalid prefix/, 'clear the bits behind the prefix length'],
  [/Set \S+ doesn't exist/, 'create the set before, with "ipset create", or paste what "ipset save" prints'],
  [
    /No such process|not found|Cannot assign|No such file|FIB table does not exist|not added|name does not exist/,
    'delete only what is there',
  ],
  [/chain|target|match/i, 'create the chain before, with -N, or write its right name'],
];

export function remedyFor(message: string): string {
  return (
    REMEDIES.find(([words]) => words.test(message))?.[1] ?? 'leave the command out, or write one that the kernel takes'
  );
}

/** The command as it stands by itself: as it was written, where that says all. */
function textOf(written: string, command: HostCommand, count: number): string {
  const plain = printHostCommand(command);
  if (count > 1 || /[$`;&|<>]/.test(written)) return plain;
  try {
    const [alone, ...more] = parseWords(splitWords(written), ALONE);
    const same = more.length === 0 && JSON.stringify(alone) === JSON.stringify(command);
    return same ? written.trim() : plain;
  } catch {
    return plain;
  }
}

function lineOf({ file, where }: SourceLine, written: string, command: HostCommand, count: number): HostLine {
  return {
    file,
    where,
    command,
    get text() {
      return textOf(written, command, count);
    },
  };
}

export class HostRun {
  net: World = newWorld();
  readonly lines: HostLine[] = [];
  readonly notes: HostNote[] = [];

  note({ file, where }: SourceLine, text: string, matters = false): void {
    this.notes.push({ file, where, text, matters });
  }

  leftOut(from: SourceLine, { word, command, why, matters }: LeftOut): void {
    this.note(from, `"${word}" of "${command}" is left out: ${why}`, matters);
  }

  /** The answer of the model to a command that is not kept: '' when it took it. */
  refusal(command: HostCommand): string {
    const answer = hostCommand(this.net, command);
    return answer.err === 0 ? '' : answer.message;
  }

  /** Runs and keeps commands; gives the words of a refusal, with which nothing is kept. */
  tryCommands(from: SourceLine, written: string, commands: readonly HostCommand[]): string {
    let net = this.net;
    const kept: HostLine[] = [];
    for (const command of commands) {
      const answer = hostCommand(net, command);
      if (answer.err !== 0) return answer.message;
      const changes = command.kind !== 'iptables' || command.op !== 'C';
      if (changes) kept.push(lineOf(from, written, command, commands.length));
      net = answer.net;
    }
    this.net = net;
    this.lines.push(...kept);
    return '';
  }

  /** The same; a refusal is a fault of the file. */
  commands(from: SourceLine, written: string, commands: readonly HostCommand[]): void {
    const message = this.tryCommands(from, written, commands);
    if (message !== '') this.fail(from, written, message);
  }

  fail(from: SourceLine, written: string, message: string): never {
    const answer = `${message.trim()} (the answer to "${written.trim()}")`;
    throw new InputError(from.file, from.where, `${answer}; ${remedyFor(message)}`);
  }

  /** Runs a command that stands for a part of a listing. */
  typed(from: SourceLine, text: string, reading: Reading): void {
    this.commands(from, text, parseWords(splitWords(text), reading));
  }
}
