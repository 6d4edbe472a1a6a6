/** What a peer sends of its own accord. The kernel's side of it is in conformance/cases/, from a real kernel. */
import { describe, expect, test } from 'vitest';
import { stock } from '../../model/patch/stock.ts';
import { tcpRehash } from '../../model/patch/tcp-rehash.ts';
import { sockByName } from '../../model/types/lookup.ts';
import type { SkBuff } from '../../model/types/packet.ts';
import type { Kernel } from '../../model/types/world.ts';
import { play } from '../../scenario/play.ts';
import { printEndpoints, printProtocol } from '../../scenario/tcpdump.ts';
import { compile } from '../../scenario/text.ts';

/** Two uplinks; what goes to 8.8.8.8 is marked and leaves by the second. */
const HOST = [
  'ip link add eth0 type veth peer name eth0p',
  'ip link set eth0 up',
  'ip addr add 10.0.0.1/24 dev eth0',
  'ip link add eth1 type veth peer name eth1p',
  'ip link set eth1 up',
  'ip addr add 10.1.0.1/24 dev eth1',
  'ip route add default via 10.0.0.254 src 10.0.0.1',
  'ip route add default via 10.1.0.254 src 10.1.0.1 table 100',
  'ip rule add fwmark 100 table 100',
  'iptables -t mangle -A OUTPUT -d 8.8.8.8 -j MARK --set-mark 100',
];
const CONNECTED = ['socket c tcp', 'connect c 8.8.8.8:80', 'answer c'];
const ACCEPTED = [
  'socket l tcp',
  'bind l 10.0.0.1:80',
  'listen l',
  'receive eth0 9.9.9.9:5000 > 10.0.0.1:80 tcp S seq 500',
  'answer l',
];

/** The link and the packet that the last event brought, '' for none. */
function brought(events: readonly string[], more: readonly string[] = [], kernel: Kernel = stock): string {
  const { steps } = play(kernel, compile({ host: [...HOST, ...more], events }));
  const [before, after] = [steps.at(-2)?.world, steps.at(-1)?.world];
  const came = after?.crossed.slice(before?.crossed.length).filter((one) => one.came) ?? [];
  const link = (dev: number) => after?.devs.find(({ ifindex }) => ifindex === dev)?.name;
  return came.map(({ dev, skb }) => `${link(dev)} ${text(skb)}`).join(', ');
}

/** A packet; a port that the kernel chose is written PORT. */
function text(skb: SkBuff): string {
  return `${printEndpoints(skb)} ${printProtocol(skb)}`.replace(/:(3[2-9]|[456]\d)\d{3}/g, ':PORT');
}

function received(events: readonly string[], name: string, more: readonly string[] = []): number {
  const { steps } = play(stock, compile({ host: [...HOST, ...more], events }));
  const last = steps.at(-1);
  return last === undefined ? -1 : sockByName(last.world, name).received;
}

/** Sequence and acknowledgement numbers of what came from the peer. */
function numbers(events: readonly string[]): readonly (readonly [number, number])[] {
  const { steps } = play(stock, compile({ host: HOST, events }));
  const { crossed } = steps.at(-1)?.world ?? { crossed: [] };
  const first = crossed.find((one) => !one.came)?.skb.th.seq ?? 0;
  return crossed.filter((one) => one.came).map(({ skb }) => [skb.th.seq, skb.th.ack_seq - first]);
}

describe('on a connection', () => {
  test('the peer speaks first, by the link of its SYN-ACK', () => {
    expect(brought([...CONNECTED, 'say c 20'])).toBe('eth1 8.8.8.8:80 > 10.0.0.1:PORT tcp P. 20');
    expect(received([...CONNECTED, 'say c 20', 'say c 5'], 'c')).toBe(25);
  });

  test('its numbers go on behind all that it has sent and acknowledge all that it has heard', () => {
    const events = [...CONNECTED, 'say c 20', 'say c 5', 'send c 7', 'answer c', 'say c 1'];
    expect(numbers(events)).toEqual([
      [1000000, 1],
      [1000001, 1],
      [1000021, 1],
      [1000026, 8],
      [1000026, 8],
    ]);
  });

  test.each([
    ['the same port', '8.8.8.8:80'],
    ['another port', '8.8.8.8:81'],
    ['another peer', '9.9.9.9:80'],
  ])('a second connection to %s has numbers of its own', (_, to) => {
    const second = ['socket d tcp', `connect d ${to}`, 'answer d', 'say d 20'];
    expect(numbers([...CONNECTED, ...second, 'say c 5']).at(-1)).toEqual([1000001, 1]);
  });

  test('its numbers go on when what it said was dropped', () => {
    const events = [...CONNECTED, 'host iptables -P INPUT DROP', 'say c 20', 'say c 5'];
    expect(numbers(events).at(-1)).toEqual([1000021, 1]);
    expect(received(events, 'c')).toBe(0);
  });

  test('a client speaks to the connection that a listener accepted', () => {
    expect(brought([...ACCEPTED, 'say l.1 4'])).toBe('eth0 9.9.9.9:5000 > 10.0.0.1:80 tcp P. 4');
    expect(received([...ACCEPTED, 'say l.1 4', 'send l.1 3', 'answer l.1', 'say l.1 6'], 'l.1')).toBe(10);
  });

  test('it speaks to the translated address', () => {
    const masquerade = 'iptables -t nat -A POSTROUTING -o eth1 -j MASQUERADE';
    expect(brought([...CONNECTED, 'say c 3'], [masquerade])).toMatch(/^eth1 8\.8\.8\.8:80 > 10\.1\.0\.1:/);
    expect(received([...CONNECTED, 'say c 3'], 'c', [masquerade])).toBe(3);
  });

  test.each([
    ['has got no SYN-ACK back', ['socket c tcp', 'connect c 8.8.8.8:80', 'say c 4']],
    ['has nothing to say', [...CONNECTED, 'say c 0']],
    ['has closed', [...CONNECTED, 'close c', 'answer c', 'say c 4']],
    ['was reset', [...ACCEPTED, 'receive eth0 9.9.9.9:5000 > 10.0.0.1:80 tcp R seq 501', 'say l.1 4']],
    ['was never accepted', [...ACCEPTED.slice(0, -1), 'say l.1 4']],
  ])('a peer that %s sends nothing', (_, events) => {
    expect(brought(events)).toBe('');
  });

  test('what it sends when the user has closed is answered with a reset', () => {
    const { steps } = play(stock, compile({ host: HOST, events: [...CONNECTED, 'close c', 'say c 4'] }));
    expect(steps.at(-1)?.effects.flatMap((e) => (e.kind === 'xmit' ? text(e.skb) : []))).toEqual([
      '10.0.0.1:PORT > 8.8.8.8:80 tcp R',
    ]);
  });

  test('it speaks to the address that it was opened from, though the host has moved the connection since', () => {
    const events = [
      'socket c tcp',
      'connect c 9.9.9.9:80',
      'answer c',
      'host iptables -t mangle -A OUTPUT -d 9.9.9.9 -j MARK --set-mark 100',
      'send c 4',
      'say c 5',
    ];
    expect(brought(events, [], tcpRehash)).toBe('eth0 9.9.9.9:80 > 10.0.0.1:PORT tcp P. 5');
  });
});

describe('to a UDP socket', () => {
  const SENT = ['socket u udp', 'send u 4 to 8.8.8.8:53'];

  test('the peer sends to the address and port that were sent from, by the link that the datagram left by', () => {
    expect(brought([...SENT, 'say u 9'])).toBe('eth1 8.8.8.8:53 > 10.0.0.1:PORT udp 9');
    expect(received([...SENT, 'say u 9', 'answer u', 'say u 2'], 'u')).toBe(15);
  });

  test('the peer of the last datagram sends', () => {
    expect(brought([...SENT, 'send u 4 to 9.9.9.9:5300', 'say u 9'])).toBe('eth0 9.9.9.9:5300 > 10.0.0.1:PORT udp 9');
  });

  test('nobody sends to a socket that has sent nothing, or of which nothing got through', () => {
    expect(brought(['socket u udp', 'bind u 10.0.0.1:4000', 'say u 1'])).toBe('');
    expect(brought([...SENT, 'say u 1'], ['iptables -A OUTPUT -p udp -j DROP'])).toBe('');
  });
});
