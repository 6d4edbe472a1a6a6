/** A scenario as its text, and the way from there to the model: every line is read once and remembered. */
import type { Event } from '../model/types/event.ts';
import type { HostCommand } from '../model/types/host.ts';
import type { Scenario } from '../model/types/world.ts';
import { parseEvent } from './events.ts';
import { parseHostLine } from './host.ts';

/** The host as commands, the events as words: see the scenario format in the README. */
export interface Text {
  readonly host: readonly string[];
  readonly events: readonly string[];
}

const commands = new Map<string, HostCommand>();
const events = new Map<string, Event>();

function remembered<T>(memory: Map<string, T>, line: string, read: (line: string) => T): T {
  const known = memory.get(line);
  if (known !== undefined) return known;
  if (memory.size > 100_000) memory.clear();
  const fresh = read(line);
  memory.set(line, fresh);
  return fresh;
}

/** The command that a line stands for; throws Wrong when it is none. */
export function commandOf(line: string): HostCommand {
  return remembered(commands, line, parseHostLine);
}

/** The event that a line stands for; throws Wrong when it is none. */
export function eventOfLine(line: string): Event {
  return remembered(events, line, parseEvent);
}

/** The scenario that the text describes; throws Wrong when a line is none. */
export function compile(text: Text): Scenario {
  return { host: text.host.map(commandOf), events: text.events.map(eventOfLine) };
}
