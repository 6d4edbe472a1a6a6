/**
 * The unchanged kernel with programs that set SO_MARK: the first lookup has the mark, and mangle has nothing to change. A
 * program knows the protocol of its socket and its user, and sets the mark that mangle gives to all packets of such sockets.
 *
 * Left out: what a connection sends when its user has gone, which `-m owner` no longer knows; packets to groups, which a
 * mark of mangle does not move; a message that asks for a link gets it, where the second lookup forgets it.
 */
import type { EventOf } from '../types/event.ts';
import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP } from '../types/packet.ts';
import type { XtMatch } from '../types/verdict.ts';
import type { Kernel, SocketMark, World } from '../types/world.ts';
import { obstacle, seenOtherwise } from './alternatives.ts';
import { beyondRules, isKnown, knownFits, type MarkStep, markAfter, markProgram } from './markings.ts';
import { stock } from './stock.ts';

type SocketEvent = EventOf<'socket'>;

/** What a socket's packets are, as far as its program knows when it opens it. */
function protocolOf(event: SocketEvent): number {
  const known = event.type === 'tcp' ? IPPROTO_TCP : event.type === 'udp' ? IPPROTO_UDP : IPPROTO_ICMP;
  return event.type === 'tcp' || event.type === 'udp' || event.type === 'ping' ? known : event.protocol;
}

/** Whether a program knows of every packet if the match fits. */
function programKnows(event: SocketEvent, match: XtMatch): boolean {
  return (match.kind === 'proto' && event.type !== 'hdrincl') || match.kind === 'owner' || isKnown(match);
}

/** Whether such a match fits the packets of the socket. */
function fits(event: SocketEvent, match: XtMatch, mark: number): boolean {
  if (match.kind === 'proto') return (match.protocol === 0 || match.protocol === protocolOf(event)) !== match.invert;
  if (match.kind === 'owner') return (event.uid >= match.uidFirst && event.uid <= match.uidLast) !== match.invert;
  return knownFits(match, mark);
}

/** The mark that mangle gives to all packets of the socket that come to step `at` with `mark`; `why`: not to all the same. */
function markFrom(program: readonly MarkStep[], at: number, event: SocketEvent, mark: number): SocketMark {
  if (at >= program.length) return { why: '', mark };
  const { rule, place, yes, no } = program[at] as MarkStep;
  let why = '';
  let never = false;
  for (const match of rule.matches) {
    const known = programKnows(event, match);
    never = never || (known && !fits(event, match, mark));
    why = why === '' && !known ? `${place} looks at ${unknownTo(match)}` : why;
  }
  const { target } = rule;
  const restores = target.kind === 'CONNMARK' && target.op === 'restore';
  if (never || target.kind === 'DROP') return markFrom(program, no, event, mark);
  const taken = restores
    ? { why: `${place} takes the mark of the connection`, mark }
    : markFrom(program, yes, event, markAfter(rule, mark));
  if (why === '') return taken;
  const passed = markFrom(program, no, event, mark);
  const same = taken.why === '' && passed.why === '' && taken.mark === passed.mark;
  return same ? passed : { why, mark };
}

/** What a match looks at that a program does not know when it opens a socket. */
function unknownTo(match: XtMatch): string {
  switch (match.kind) {
    case 'dst':
    case 'dport':
    case 'multiport':
      return 'the destination, which a program does not know when it opens its socket';
    case 'proto':
      return 'the protocol, which the user of such a socket writes into each header';
    case 'src':
    case 'sport':
      return 'the source, which a program does not know when it opens its socket';
    default:
      return beyondRules(match);
  }
}

/** The mark that mangle would give to all packets of the socket; its own when it has one. */
function socketMark(net: World, event: SocketEvent): SocketMark {
  if (event.mark !== 0) return { why: '', mark: event.mark };
  const program = markProgram(net);
  const given = markFrom(program, 0, event, 0);
  if (given.why !== '' || given.mark === 0) return { why: given.why, mark: 0 };
  const again = markFrom(program, 0, event, given.mark);
  if (again.why !== '') return { why: again.why, mark: 0 };
  if (again.mark !== given.mark)
    return { why: `mangle OUTPUT gives another mark to a packet with mark ${given.mark}`, mark: 0 };
  const common = obstacle(net, program);
  if (common !== '') return { why: common, mark: 0 };
  const rule = seenOtherwise(net, given.mark, true);
  if (rule.pref < 0) return given;
  return {
    why: `rule ${rule.pref} asks for a source or a user, which the two lookups of a packet do not have alike`,
    mark: 0,
  };
}

export const soMark: Kernel = {
  ...stock,
  name: 'so-mark',
  title: 'Linux 6.1 with programs that set SO_MARK as mangle would mark their packets',
  socketMark,
};
