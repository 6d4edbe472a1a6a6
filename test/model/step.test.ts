import { describe, expect, test } from 'vitest';
import { peerAnswer } from '../../model/host/peer.ts';
import { boot, runScenario } from '../../model/host/step.ts';
import { payloadOf } from '../../model/kernel/net/core/skbuff.ts';
import { icmpOnly } from '../../model/patch/icmp-only.ts';
import { masquerade } from '../../model/patch/masquerade.ts';
import { stock } from '../../model/patch/stock.ts';
import { oops, sockByName } from '../../model/types/lookup.ts';
import { TCPHDR_ACK, TCPHDR_FIN, TCPHDR_PSH, TCPHDR_SYN } from '../../model/types/packet.ts';
import { TCP_CLOSE, TCP_ESTABLISHED } from '../../model/types/sock.ts';
import type { Step } from '../../model/types/world.ts';
import { parseEvent } from '../../scenario/events.ts';
import { parseHostLine } from '../../scenario/host.ts';
import { booted, firstSent, host, ip, last, MARK, POST, play, sentIn } from './build.ts';

const UPLINKS = host(...POST);
const CONNECTED = ['socket c tcp', 'connect c 8.8.8.8:80', 'answer c'];

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
    expect(booted(stock, ...twice).effects).toEqual([
      { kind: 'refused', message: expect.stringContaining('File exists') },
    ]);
  });

  test('ends with what the variant’s operator adds', () => {
    const commands = [...POST, MARK].map((line) => parseHostLine(line));
    expect(boot(stock, commands).nat.used).toBe(false);
    expect(boot(masquerade, commands).nat.used).toBe(true);
  });
});

test('an oops ends the run with the step it happened in', () => {
  const crashed = oops(UPLINKS, 'inet_put_port', 'test');
  expect(last(crashed, ['socket s udp']).effects).toEqual([]);
  const run = runScenario(stock, {
    host: POST.map((line) => parseHostLine(line)),
    events: CONNECTED.map(parseEvent),
  });
  expect(run.steps.length).toBe(3);
  expect(run.steps.at(-1)?.world.oops.where).toBe('');
});

test('a refused host command in the middle changes nothing', () => {
  const { effects, world } = last(UPLINKS, ['host ip route add default via 10.0.0.254']);
  expect(effects.map((e) => e.kind)).toEqual(['refused']);
  expect(world.tables).toEqual(UPLINKS.tables);
});

test('nothing arrives on a link that is down', () => {
  const down = ['host ip link set eth0 down', 'receive eth0 9.9.9.9:1 > 10.0.0.1:53 udp 4'];
  expect(last(UPLINKS, down).effects).toEqual([]);
});

test('every packet ends once', () => {
  const host2 = host(...POST, MARK, 'iptables -A INPUT -p udp -j DROP');
  const events = [
    ...CONNECTED,
    'send c 4',
    'answer c',
    'socket u udp',
    'connect u 127.0.0.1:9',
    'send u 1',
    'socket r raw 6',
    'send r 0 to 8.8.8.8:81 flags S',
    'answer r',
    'close c',
    'answer c',
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
    const steps = play(UPLINKS, [...CONNECTED, 'send c 4', 'answer c', 'close c', 'answer c']);
    expect(sockByName((steps[2] as Step).world, 'c').sk_state).toBe(TCP_ESTABLISHED);
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
    expect(play(UPLINKS, [...CONNECTED, 'answer c'])[3]?.effects).toEqual([]);
    const udp = ['socket u udp', 'send u 12 to 8.8.8.8:53', 'answer u', 'answer u'];
    const steps = play(UPLINKS, udp);
    expect(steps[2]?.effects.at(-1)).toMatchObject({ kind: 'deliver', sk: 3, skb: { payload: { len: 12 } } });
    expect(steps[3]?.effects).toEqual([]);
  });

  test('says nothing to a wrong checksum', () => {
    const marking = host(...POST, MARK);
    const events = ['socket u udp', 'send u 12 to 8.8.8.8:53', 'answer u'];
    expect(last(marking, events, icmpOnly).effects).toEqual([]);
  });

  test('answers to the packet’s source, over the link it left by', () => {
    const marking = host(...POST, MARK);
    const steps = play(marking, ['socket u udp', 'send u 12 to 8.8.8.8:53', 'answer u']);
    const [sent] = steps.flatMap((step) => sentIn(step));
    const dev = sent?.dev;
    expect(steps[2]?.effects[0]).toMatchObject({
      kind: 'alloc',
      skb: { iif: dev, iph: { daddr: ip('10.0.0.1'), saddr: ip('8.8.8.8') } },
    });
  });

  test('completes the handshake of a client, for a listener’s SYN-ACK', () => {
    const events = [
      'socket l tcp',
      'bind l 0.0.0.0:80',
      'listen l',
      'receive eth0 9.9.9.9:4000 > 10.0.0.1:80 tcp S seq 1000',
      'answer l',
    ];
    const { world } = last(UPLINKS, events);
    expect(sockByName(world, 'l.1').sk_state).toBe(TCP_ESTABLISHED);
  });

  test('asked for a Fast Open cookie gives one for the address it sees, and takes data only with it', () => {
    const first = ['socket c tcp', sendOpen('c', 5), 'answer c'];
    const learnt = last(UPLINKS, first).world;
    const second = ['socket d tcp', sendOpen('d', 5)];
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
  return `send ${s} ${len} to 8.8.8.8:80 tfo`;
}

test('time passes', () => {
  expect(last(UPLINKS, ['wait 1.5', 'wait 0.5']).world.now).toBe(2000);
});

test('a RST ends a connection attempt', () => {
  const steps = play(UPLINKS, ['socket c tcp', 'connect c 127.0.0.1:5']);
  expect(sockByName((steps[1] as Step).world, 'c').sk_state).toBe(TCP_CLOSE);
});
