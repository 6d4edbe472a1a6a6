import { describe, expect, test } from 'vitest';
import { peerAnswer } from '../../model/host/peer.ts';
import { boot, runScenario, step } from '../../model/host/step.ts';
import { payloadOf } from '../../model/kernel/net/core/skbuff.ts';
import { icmpOnly } from '../../model/patch/icmp-only.ts';
import { masquerade } from '../../model/patch/masquerade.ts';
import { stock } from '../../model/patch/stock.ts';
import { oops, sockByName } from '../../model/types/lookup.ts';
import { TCPHDR_ACK, TCPHDR_FIN, TCPHDR_PSH, TCPHDR_SYN } from '../../model/types/packet.ts';
import { TCP_CLOSE, TCP_ESTABLISHED } from '../../model/types/sock.ts';
import { parseHostCommand } from '../../scenario/host.ts';
import { datagram, segment } from './packets.ts';
import {
  bind,
  command,
  connect,
  firstSent,
  host,
  ip,
  last,
  MARK_ALL,
  play,
  receive,
  send,
  sendTo,
  sentIn,
  simple,
  socket,
  TWO_UPLINKS,
  wait,
  worldAt,
} from './play.ts';

const UPLINKS = host(TWO_UPLINKS);
const CONNECTED = [socket('c', 'tcp'), connect('c', '8.8.8.8', 80), simple('answer', 'c')];

test('payload byte i is i modulo 256', () => {
  expect(payloadOf(0)).toEqual({ len: 0, words: [] });
  expect(payloadOf(3)).toEqual({ len: 3, words: [0x0001, 0x0200] });
  for (const len of [255, 256, 257, 511, 512, 1000]) {
    const { words } = payloadOf(len);
    const bytes = words.flatMap((word) => [word >>> 8, word & 0xff]);
    expect(bytes.slice(0, len)).toEqual(Array.from({ length: len }, (_, i) => i & 0xff));
    expect(words.length).toBe((len + 1) >> 1);
  }
});

describe('boot', () => {
  test('shows what the kernel refused, in its words', () => {
    const twice = ['ip link set lo up', 'ip addr add 10.0.0.1/8 dev lo', 'ip addr add 10.0.0.1/8 dev lo'];
    expect(host(twice).effects).toEqual([{ kind: 'refused', message: expect.stringContaining('File exists') }]);
  });

  test('ends with what the variant’s operator adds', () => {
    const commands = [...TWO_UPLINKS, MARK_ALL].map((line) => parseHostCommand(line));
    expect(boot(stock, commands).nat.used).toBe(false);
    expect(boot(masquerade, commands).nat.used).toBe(true);
  });
});

test('an oops ends the run with the step it happened in', () => {
  const crashed = oops(UPLINKS, 'inet_put_port', 'test');
  expect(step(stock, crashed, socket('s', 'udp')).effects).toEqual([]);
  const run = runScenario(stock, { host: TWO_UPLINKS.map((line) => parseHostCommand(line)), events: CONNECTED });
  expect(run.steps.length).toBe(3);
  expect(run.steps.at(-1)?.world.oops.where).toBe('');
});

test('a refused host command in the middle changes nothing', () => {
  const { effects, world } = last(UPLINKS, [command('ip route add default via 10.0.0.254')]);
  expect(effects.map((e) => e.kind)).toEqual(['refused']);
  expect(world.tables).toEqual(UPLINKS.tables);
});

test('nothing arrives on a link that is down', () => {
  const down = [command('ip link set eth0 down'), receive('eth0', datagram('9.9.9.9', 1, '10.0.0.1', 53, 4))];
  expect(last(UPLINKS, down).effects).toEqual([]);
});

test('every packet ends once', () => {
  const host2 = host([...TWO_UPLINKS, MARK_ALL, 'iptables -A INPUT -p udp -j DROP']);
  const events = [
    ...CONNECTED,
    send('c', 4),
    simple('answer', 'c'),
    socket('u', 'udp'),
    connect('u', '127.0.0.1', 9),
    send('u', 1),
    socket('r', 'raw', { protocol: 6 }),
    sendTo('r', 0, '8.8.8.8', 81, { flags: TCPHDR_SYN }),
    simple('answer', 'r'),
    simple('close', 'c'),
    simple('answer', 'c'),
  ];
  for (const { effects } of play(host2, events)) {
    const made = effects.flatMap((e) => (e.kind === 'alloc' ? [e.skb.id] : []));
    const ended = effects.flatMap((e) =>
      e.kind === 'xmit' || e.kind === 'free' || e.kind === 'deliver' ? [e.skb.id] : [],
    );
    expect(ended.sort()).toEqual(made.sort());
  }
});

describe('a peer', () => {
  test('completes a handshake, acknowledges data, and closes with us', () => {
    const steps = play(UPLINKS, [
      ...CONNECTED,
      send('c', 4),
      simple('answer', 'c'),
      simple('close', 'c'),
      simple('answer', 'c'),
    ]);
    expect(sockByName(worldAt(steps, 2), 'c').sk_state).toBe(TCP_ESTABLISHED);
    expect(steps.map((s) => sentIn(s)[0]?.skb.th.flags)).toEqual([
      undefined,
      TCPHDR_SYN,
      TCPHDR_ACK,
      TCPHDR_PSH | TCPHDR_ACK,
      undefined,
      TCPHDR_FIN | TCPHDR_ACK,
      TCPHDR_ACK,
    ]);
  });

  test('answers a packet once, and no bare ACK', () => {
    expect(play(UPLINKS, [...CONNECTED, simple('answer', 'c')])[3]?.effects).toEqual([]);
    const udp = [socket('u', 'udp'), sendTo('u', 12, '8.8.8.8', 53), simple('answer', 'u'), simple('answer', 'u')];
    const steps = play(UPLINKS, udp);
    expect(steps[2]?.effects.at(-1)).toMatchObject({ kind: 'deliver', sk: 3, skb: { payload: { len: 12 } } });
    expect(steps[3]?.effects).toEqual([]);
  });

  test('says nothing to a wrong checksum', () => {
    const marking = host([...TWO_UPLINKS, MARK_ALL], icmpOnly);
    const events = [socket('u', 'udp'), sendTo('u', 12, '8.8.8.8', 53), simple('answer', 'u')];
    expect(last(marking, events, icmpOnly).effects).toEqual([]);
  });

  test('answers to the packet’s source, over the link it left by', () => {
    const marking = host([...TWO_UPLINKS, MARK_ALL]);
    const steps = play(marking, [socket('u', 'udp'), sendTo('u', 12, '8.8.8.8', 53), simple('answer', 'u')]);
    const [sent] = steps.flatMap((step) => sentIn(step));
    const dev = sent?.dev;
    expect(steps[2]?.effects[0]).toMatchObject({
      kind: 'alloc',
      skb: { iif: dev, iph: { daddr: ip('10.0.0.1'), saddr: ip('8.8.8.8') } },
    });
  });

  test('completes the handshake of a client, for a listener’s SYN-ACK', () => {
    const events = [
      socket('l', 'tcp'),
      bind('l', '0.0.0.0', 80),
      simple('listen', 'l'),
      receive('eth0', segment('9.9.9.9', 4000, '10.0.0.1', 80, TCPHDR_SYN)),
      simple('answer', 'l'),
    ];
    const { world } = last(UPLINKS, events);
    expect(sockByName(world, 'l.1').sk_state).toBe(TCP_ESTABLISHED);
  });

  test('asked for a Fast Open cookie gives one for the address it sees, and takes data only with it', () => {
    const first = [socket('c', 'tcp'), sendOpen('c', 5), simple('answer', 'c')];
    const learnt = last(UPLINKS, first).world;
    const second = [socket('d', 'tcp'), sendOpen('d', 5)];
    const syn = firstSent(last(learnt, second));
    expect(syn.skb.payload.len).toBe(5);
    const sent = { sk: syn.skb.sk, dev: syn.dev, skb: syn.skb };
    expect(peerAnswer(stock, learnt, sent).th.ack_seq).toBe((syn.skb.th.seq + 6) >>> 0);
    const stale = { ...learnt, metrics: learnt.metrics.map((m) => ({ ...m, cookie: m.cookie ^ 1 })) };
    const wrong = firstSent(last(stale, second));
    const refused = peerAnswer(stock, stale, { ...sent, skb: wrong.skb });
    expect(refused.th.ack_seq).toBe((wrong.skb.th.seq + 1) >>> 0);
    expect(refused.th.options.length).toBeGreaterThan(peerAnswer(stock, learnt, sent).th.options.length);
  });
});

function sendOpen(s: string, len: number) {
  return sendTo(s, len, '8.8.8.8', 80, { tfo: true });
}

test('time passes', () => {
  expect(last(UPLINKS, [wait(1500), wait(500)]).world.now).toBe(2000);
});

test('a RST ends a connection attempt', () => {
  const steps = play(UPLINKS, [socket('c', 'tcp'), connect('c', '127.0.0.1', 5)]);
  expect(sockByName(worldAt(steps, 1), 'c').sk_state).toBe(TCP_CLOSE);
});
