import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ipChecksumCorrect, transportChecksumCorrect } from '../../model/kernel/include/net/checksum.ts';
import { EVENTS, type EventName, type EventRow } from '../../model/types/event.ts';
import { Wrong } from '../../scenario/error.ts';
import { drawnOptions, eventJson, eventTable, parseEvent, printEvent, usageOf, wordOf } from '../../scenario/events.ts';

/** What is written, and the plain form that it is printed in. */
const MEANINGS: readonly (readonly [written: string, plain: string])[] = [
  ['socket c tcp', 'socket c tcp'],
  ['socket r raw tcp mark 0x64 uid 1000 dev eth1', 'socket r raw tcp mark 100 dev eth1 uid 1000'],
  ['socket r raw 47', 'socket r raw 47'],
  ['socket h hdrincl', 'socket h hdrincl'],
  ['bind c 10.0.0.1', 'bind c 10.0.0.1'],
  ['bind  c  10.0.0.1:80', 'bind c 10.0.0.1:80'],
  ['listen l', 'listen l'],
  ['listen l tfo', 'listen l tfo'],
  ['connect c 8.8.8.8:80 tfo', 'connect c 8.8.8.8:80 tfo'],
  ['connect p 8.8.8.8', 'connect p 8.8.8.8'],
  ['send c 4', 'send c 4'],
  ['socket u udp unicast-if eth1 broadcast dontroute', 'socket u udp dontroute broadcast unicast-if eth1'],
  ['socket l tcp transparent mark 1', 'socket l tcp mark 1 transparent'],
  ['send u 12 dontroute via eth1 to 8.8.8.8:53', 'send u 12 to 8.8.8.8:53 via eth1 dontroute'],
  ['send u 12 from 10.0.0.1 to 8.8.8.8:53', 'send u 12 to 8.8.8.8:53 from 10.0.0.1'],
  ['send r 0 to 8.8.8.8 flags S', 'send r 0 to 8.8.8.8 flags S'],
  ['send c 4 to 8.8.8.8:80 tfo', 'send c 4 to 8.8.8.8:80 tfo'],
  ['answer l.1', 'answer l.1'],
  ['retransmit c', 'retransmit c'],
  ['close c', 'close c'],
  ['wait 61', 'wait 61'],
  ['wait 0.5', 'wait 0.5'],
  ['host ip ro d default', 'host ip route del default'],
  ['receive eth0 10.0.0.254:5000 > 10.0.0.1:80 tcp S', 'receive eth0 10.0.0.254:5000 > 10.0.0.1:80 tcp S'],
  [
    'receive eth0 1.1.1.1:1 > 2.2.2.2:2 tcp P. ack 7 4 seq 5',
    'receive eth0 1.1.1.1:1 > 2.2.2.2:2 tcp P. 4 seq 5 ack 7',
  ],
  ['receive eth0 1.1.1.1:1 > 2.2.2.2:2 tcp S tfo 5', 'receive eth0 1.1.1.1:1 > 2.2.2.2:2 tcp S 5 tfo'],
  ['receive eth0 1.1.1.1:1 > 2.2.2.2:2 tcp S 5 tfo 1.1.1.1', 'receive eth0 1.1.1.1:1 > 2.2.2.2:2 tcp S 5 tfo 1.1.1.1'],
  ['receive eth0 9.9.9.9:53 > 10.0.0.1:4000 udp 12', 'receive eth0 9.9.9.9:53 > 10.0.0.1:4000 udp 12'],
  ['receive eth0 9.9.9.9:53 > 10.0.0.1:4000 udp', 'receive eth0 9.9.9.9:53 > 10.0.0.1:4000 udp 0'],
  ['receive eth0 10.0.0.254 > 10.0.0.1 icmp echo-request', 'receive eth0 10.0.0.254 > 10.0.0.1 icmp echo-request'],
  ['receive eth0 1.1.1.1 > 2.2.2.2 icmp 3/1 8 id 3', 'receive eth0 1.1.1.1 > 2.2.2.2 icmp unreachable/1 8 id 3'],
  ['receive lo 1.1.1.1 > 2.2.2.2 47 20 tos 16', 'receive lo 1.1.1.1 > 2.2.2.2 47 20 tos 0x10'],
];

describe('events', () => {
  test.each(MEANINGS)('%s is %s', (written, plain) => {
    expect(printEvent(parseEvent(written))).toBe(plain);
    expect(parseEvent(plain)).toEqual(parseEvent(written));
  });

  test('a SYN arrives with the fields that its notation says', () => {
    expect(parseEvent('receive eth0 10.0.0.254:5000 > 10.0.0.1:80 tcp S seq 7')).toMatchObject({
      kind: 'receive',
      dev: 'eth0',
      packet: {
        skb: {
          iph: { saddr: 0x0a0000fe, daddr: 0x0a000001, protocol: 6, ttl: 64, tot_len: 40 },
          th: { source: 5000, dest: 80, seq: 7, flags: 2, doff: 5 },
        },
      },
    });
  });

  test('a packet that arrives has correct checksums, and is printed so that it is read back as the same', () => {
    const word32 = fc.integer({ min: 0, max: 0xffffffff });
    const port = fc.integer({ min: 0, max: 65535 });
    const len = fc.integer({ min: 0, max: 40 });
    const address = fc
      .tuple(...[0, 1, 2, 3].map(() => fc.integer({ min: 0, max: 255 })))
      .map((bytes) => bytes.join('.'));
    const end = fc.tuple(address, port).map(([a, p]) => `${a}:${p}`);
    const packet = fc.oneof(
      fc
        .tuple(end, end, fc.constantFrom('S', 'S.', '.', 'P.', 'F.', 'R', 'none'), len, word32, word32)
        .map(([a, b, flags, n, seq, ack]) => `${a} > ${b} tcp ${flags} ${n} seq ${seq} ack ${ack}`),
      fc.tuple(end, end, len).map(([a, b, n]) => `${a} > ${b} udp ${n}`),
      fc
        .tuple(address, address, fc.integer({ min: 0, max: 255 }), port, len)
        .map(([a, b, type, id, n]) => `${a} > ${b} icmp ${type} ${n} id ${id} seq 1`),
      fc.tuple(address, address, len).map(([a, b, n]) => `${a} > ${b} 132 ${n}`),
    );
    fc.assert(
      fc.property(packet, (text) => {
        const event = parseEvent(`receive eth0 ${text}`);
        if (event.kind !== 'receive') throw new Error('not a receive');
        expect(ipChecksumCorrect(event.packet.skb.iph)).toBe(true);
        expect(transportChecksumCorrect(event.packet.skb)).toBe(true);
        expect(parseEvent(printEvent(event))).toEqual(event);
      }),
      { seed: 1, numRuns: 1000 },
    );
  });
});

/** Words of every kind, as they are printed. */
const SAMPLES: Readonly<Record<string, string>> = {
  newSocket: 'c',
  socket: 'l.1',
  type: 'tcp',
  protocol: '47',
  endpoint: '8.8.8.8:53',
  address: '10.0.0.1',
  link: 'eth1',
  number: '5',
  tcpFlags: 'S.',
  set: '',
  packet: '9.9.9.9:53 > 10.0.0.1:4000 udp 12',
  command: 'ip link set lo up',
  seconds: '0.5',
};

describe.each(Object.entries<EventRow>(EVENTS))('the row of %s', (name, { words, options }) => {
  const plain = [name, ...Object.values(words).flatMap((one) => (one.only === undefined ? SAMPLES[one.is] : []))].join(
    ' ',
  );

  test('is read, printed and given to the player', () => {
    expect(printEvent(parseEvent(plain))).toBe(plain);
    expect(eventJson(plain)).toMatchObject({ kind: name, text: plain });
    expect(eventTable()).toContain(`| \`${usageOf(name as EventName).replaceAll('|', '\\|')}\` |`);
  });

  test.each(Object.entries(options))('has the option %s', (field, { is }) => {
    const text = `${plain} ${wordOf(field)} ${SAMPLES[is]}`.trim();
    expect(printEvent(parseEvent(text))).toBe(text);
    expect(Object.keys(eventJson(text))).toContain(field);
    expect(Object.keys(eventJson(plain))).not.toContain(field);
    expect(() => parseEvent(`${text} ${wordOf(field)} ${SAMPLES[is]}`)).toThrow('twice');
    if (is !== 'set')
      expect(() => parseEvent(`${plain} ${wordOf(field)}`)).toThrow(`nothing follows "${wordOf(field)}"`);
  });

  test('is drawn with options that it takes', () => {
    for (const option of drawnOptions(name as EventName))
      expect(printEvent(parseEvent(`${plain} ${option}`))).toContain(option);
  });
});

const REFUSALS: readonly (readonly [line: string, ...words: string[]])[] = [
  ['sned c 4', '"sned"', 'send'],
  ['', 'events are'],
  ['socket c', 'tcp'],
  ['socket c sctp', '"sctp"', 'raw PROTO'],
  ['socket c.1 tcp', '"c.1"'],
  ['socket c raw frob', '"frob"'],
  ['socket c tcp mark', 'mark'],
  ['socket c tcp colour 3', '"colour"', '[mark M] [dev DEV]'],
  ['socket c tcp mark 1 mark 2', 'twice'],
  ['connect c 8.8.8.8:99999', '65535'],
  ['connect c dns.google:80', '"dns.google"'],
  ['send c', 'bytes'],
  ['send c 99999999', 'bytes'],
  ['send c 4 flags Q', '"Q"'],
  ['listen c now', '"now"'],
  ['wait soon', '"soon"'],
  ['wait -1', '"-1"'],
  ['receive eth0 1.1.1.1 2.2.2.2 udp 1', '">"'],
  ['receive eth0 1.1.1.1 > 2.2.2.2:3 udp 1', 'ADDR:PORT'],
  ['receive eth0 1.1.1.1:5 > 2.2.2.2:3 icmp echo-request', 'no ports'],
  ['receive eth0 1.1.1.1:5 > 2.2.2.2:3 tcp', 'flags'],
  ['receive eth0 1.1.1.1:5 > 2.2.2.2:3 udp 1 seq 4', '"seq"'],
  ['receive eth0 1.1.1.1 > 2.2.2.2 icmp frob', '"frob"', 'echo-request'],
  ['host ip lnk set lo up', '"lnk"'],
  ['toString c', '"toString"'],
];

test.each(REFUSALS)('the event "%s" is refused', (line, ...words) => {
  expect(() => parseEvent(line)).toThrow(Wrong);
  for (const word of words) expect(() => parseEvent(line)).toThrow(word);
});
