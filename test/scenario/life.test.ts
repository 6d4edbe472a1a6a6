import fc from 'fast-check';
import { SyncStateMachine, t } from 'typescript-fsm';
import { describe, expect, test } from 'vitest';
import { boot, step } from '../../model/host/step.ts';
import { stock } from '../../model/patch/stock.ts';
import { sockByName } from '../../model/types/lookup.ts';
import { parseEvent } from '../../scenario/events.ts';
import { parseHostLine } from '../../scenario/host.ts';
import {
  impossibleEvent,
  indexLife,
  LIFE,
  type LifeEvent,
  type LifeState,
  next,
  nextState,
  OPENED,
  possibleEvents,
  stateOf,
} from '../../scenario/life.ts';

const EVENTS = [...new Set(LIFE.map(({ event }) => event))];

describe('the table', () => {
  test('has one row for a state and an event', () => {
    expect(() => indexLife(LIFE)).not.toThrow();
    expect(() => indexLife([...LIFE, ...LIFE.slice(0, 1)])).toThrow('two rows');
  });

  test('leads from "none" to every state, and from every state back', () => {
    const reach = (from: LifeState) => {
      const seen = new Set([from]);
      for (const state of seen) for (const row of LIFE) if (row.fromState === state) seen.add(row.toState);
      return seen;
    };
    const states = new Set(LIFE.flatMap(({ fromState, toState }) => [fromState, toState]));
    expect(reach('none')).toEqual(states);
    for (const state of states) expect(reach(state).has('none')).toBe(true);
  });

  test('moves as a machine of typescript-fsm does', () => {
    const rows = LIFE.map(({ fromState, event, toState }) => t(fromState, event, toState, () => {}));
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...EVENTS), { maxLength: 12 }), (events) => {
        const machine = new SyncStateMachine<LifeState, LifeEvent>('none', [...rows], { error: () => {} });
        let state: LifeState = 'none';
        for (const event of events) {
          expect(machine.can(event)).toBe(next(state, event) !== undefined);
          if (machine.can(event)) machine.syncDispatch(event);
          state = next(state, event) ?? state;
          expect(machine.getState()).toBe(state);
        }
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  test('names what is possible', () => {
    expect(possibleEvents('tcp LISTEN')).toEqual(['listen', 'answer', 'retransmit', 'close']);
    expect(possibleEvents('udp CLOSE')).toEqual(['bind', 'connect', 'send', 'close']);
    expect(OPENED('raw tcp')).toBe('raw CLOSE');
    expect(nextState(OPENED('tcp'), 'connect')).toBe('tcp SYN_SENT');
    expect(() => nextState('tcp LISTEN', 'connect')).toThrow('tcp LISTEN');
  });
});

/** Scenarios, the index of the impossible event (-1: none), and words of the message. */
const CASES: readonly (readonly [events: string, index: number, ...words: string[]])[] = [
  ['socket c tcp; connect c 8.8.8.8:80; answer c; send c 4; close c', -1],
  ['socket c tcp; connect c 8.8.8.8:80; close c; socket c udp; send c 1 to 1.1.1.1:1', -1],
  ['socket c tcp; connect c 8.8.8.8:80; answer c; close c; answer c; retransmit c', -1],
  [
    'socket l tcp; bind l 10.0.0.1:80; listen l; receive eth0 1.1.1.1:1 > 10.0.0.1:80 tcp S; answer l; send l.1 4; close l.1',
    -1,
  ],
  ['socket u udp; send u 1 to 1.1.1.1:1; answer u; connect u 1.1.1.1:1; send u 1; connect u 2.2.2.2:2', -1],
  ['socket r raw tcp; send r 0 to 1.1.1.1 flags S; bind r 10.0.0.1', -1],
  ['socket c tcp; send c 4 to 1.1.1.1:1 tfo; answer c; send c 4', -1],
  ['socket c tcp; bind c 10.9.9.9:80; bind c 10.0.0.1:80', -1],
  ['wait 1; host ip link set lo up', -1],
  ['socket c tcp; connect c 8.8.8.8:80; answer c; say c 4; close c; say c 4', -1],
  ['socket u udp; bind u 10.0.0.1:4000; say u 4; send u 1 to 1.1.1.1:1; say u 4', -1],
  ['socket c tcp; say c 4', 1, 'say is not possible'],
  ['socket l tcp; bind l 10.0.0.1:80; listen l; say l 4', 3, 'LISTEN'],
  ['socket p ping; send p 1 to 1.1.1.1; say p 4', 2, 'a ping socket'],
  ['send c 4', 0, '"c"', 'socket c tcp'],
  ['socket c tcp; send c 4', 1, 'CLOSE', 'connect'],
  ['socket c tcp; listen c; connect c 8.8.8.8:80', 2, 'LISTEN'],
  ['socket u udp; listen u', 1, 'UDP'],
  ['socket u udp; send u 1 to 1.1.1.1:1; retransmit u', 2, 'UDP'],
  ['socket u udp; send u 1', 1, 'destination'],
  ['socket u udp; send u 1 to 1.1.1.1', 1, 'ADDR:PORT'],
  ['socket c tcp; connect c 1.1.1.1', 1, 'port'],
  ['socket c tcp; connect c 1.1.1.1:1; send c 1 to 1.1.1.1:1', 2, 'to'],
  ['socket u udp; send u 1 to 1.1.1.1:1 flags S', 1, 'flags'],
  ['socket u udp; connect u 1.1.1.1:1 tfo', 1, 'tfo'],
  ['socket c tcp; connect c 1.1.1.1:1; send c 1 from 1.1.1.1', 2, 'takes no "from"', 'leave it out'],
  ['socket c tcp; connect c 1.1.1.1:1; send c 1 to 1.1.1.1:1', 2, 'takes no "to"', 'or add tfo'],
  ['socket r raw 47; connect r 1.1.1.1; send r 1 flags S', -1],
  ['socket u udp md5', 0, 'a UDP socket and takes no "md5" (only TCP signs'],
  ['socket c tcp; socket c tcp', 1, 'already open'],
  ['socket c tcp; close c; connect c 1.1.1.1:1', 2, 'closed'],
  ['socket c tcp; close c; answer c', 2, 'closed'],
  ['socket c tcp; send c.1 4', 1, '"c.1"'],
  ['socket c tcp; answer c', 1, 'answer'],
];

test.each(CASES.map(([text, index, ...words]) => ({ text, index, words })))(
  '$text: impossible at $index',
  ({ text, index, words }) => {
    const found = impossibleEvent(text.split('; ').map(parseEvent));
    expect(found?.index ?? -1).toBe(index);
    for (const word of words) expect(found?.message).toContain(word);
  },
);

test.each([
  ['c', 'socket c tcp; bind c 10.0.0.1; connect c 8.8.8.8:80; answer c; say c 5; send c 4; answer c; retransmit c'],
  ['l', 'socket l tcp; bind l 10.0.0.1:80; listen l; listen l'],
  ['u', 'socket u udp; send u 1 to 8.8.8.8:1; answer u; say u 3; connect u 8.8.8.8:1; send u 1; connect u 8.8.8.8:2'],
  ['p', 'socket p ping; send p 8 to 8.8.8.8; answer p; connect p 8.8.8.8; send p 8'],
  ['r', 'socket r raw tcp; send r 0 to 8.8.8.8; bind r 10.0.0.1; bind r 10.0.0.1; connect r 8.8.8.8; send r 0'],
  ['h', 'socket h hdrincl; send h 0 to 8.8.8.8; connect h 8.8.8.8; send h 0'],
])('the socket %s of the model is where the table says', (name, text) => {
  const host = [
    'ip link add eth0 type veth',
    'ip link set eth0 up',
    'ip addr add 10.0.0.1/24 dev eth0',
    'ip route add default via 10.0.0.254',
  ];
  let world = boot(stock, host.map(parseHostLine));
  let state: LifeState = 'none';
  for (const event of text.split('; ').map(parseEvent)) {
    state = event.kind === 'socket' ? OPENED(event.type) : nextState(state, event.kind as LifeEvent);
    world = step(stock, world, event).world;
    expect(stateOf(sockByName(world, name))).toBe(state);
  }
});
