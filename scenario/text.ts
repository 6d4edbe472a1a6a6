/** A scenario as its text, and the way from there to the model: every line is read once and remembered. */
import type { Event } from '../model/types/event.ts';
import type { HostCommand } from '../model/types/host.ts';
import type { Scenario } from '../model/types/world.ts';
import { Wrong } from './error.ts';
import { parseEvent } from './events.ts';
import { parseHostLine } from './host.ts';

/** The host as commands, the events as words: see the scenario format in the README. */
export interface Text {
  readonly host: readonly string[];
  readonly events: readonly string[];
}

/** Lines that are remembered of each kind. */
const MOST = 20_000;

/** What lines were read as, or what was wrong with them. */
class Reader<T> {
  private readonly known = new Map<string, T | Wrong>();
  private readonly parse: (line: string) => T;

  constructor(parse: (line: string) => T) {
    this.parse = parse;
  }

  read(line: string): T | Wrong {
    const known = this.known.get(line);
    if (known !== undefined) return known;
    if (this.known.size >= MOST) this.known.clear();
    const fresh = this.fresh(line);
    this.known.set(line, fresh);
    return fresh;
  }

  private fresh(line: string): T | Wrong {
    try {
      return this.parse(line);
    } catch (error) {
      if (error instanceof Wrong) return error;
      throw error;
    }
  }
}

const commands = new Reader(parseHostLine);
const events = new Reader(parseEvent);

function orThrow<T>(read: T | Wrong): T {
  if (read instanceof Wrong) throw read;
  return read;
}

function orNothing<T>(read: T | Wrong): T | undefined {
  return read instanceof Wrong ? undefined : read;
}

/** The command that a line stands for; throws Wrong when it is none. */
export function commandOf(line: string): HostCommand {
  return orThrow(commands.read(line));
}

/** The event that a line stands for; throws Wrong when it is none. */
export function eventOfLine(line: string): Event {
  return orThrow(events.read(line));
}

/** The same; undefined when the line is none. */
export function commandIn(line: string): HostCommand | undefined {
  return orNothing(commands.read(line));
}

export function eventIn(line: string): Event | undefined {
  return orNothing(events.read(line));
}

/** The scenario that the text describes; throws Wrong when a line is none. */
export function compile(text: Text): Scenario {
  return { host: text.host.map(commandOf), events: text.events.map(eventOfLine) };
}
