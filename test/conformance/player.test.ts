import { spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { type KernelPacket, type KernelTrace, openPlayer, prerequisites } from '../../conformance/running/player.ts';
import { eventJson } from '../../scenario/events.ts';

const missing = prerequisites();
if (missing.length > 0) console.log(`skipped: real-kernel tests (${missing.join('; ')})`);

/** The post's own configuration. */
const POST = [
  'ip link add eth0 type veth peer name eth0p',
  'ip link set eth0 up',
  'ip addr add 10.0.0.1/24 dev eth0',
  'ip link add eth1 type veth peer name eth1p',
  'ip link set eth1 up',
  'ip addr add 10.1.0.1/24 dev eth1',
  'ip route add default via 10.0.0.254 dev eth0 src 10.0.0.1',
  'ip route add default via 10.1.0.254 src 10.1.0.1 table 100',
  'ip rule add fwmark 100 table 100',
  'iptables -t mangle -A OUTPUT -d 8.8.8.8 -j MARK --set-mark 100',
];
const MASQUERADE = 'iptables -t nat -A POSTROUTING -o eth1 -j MASQUERADE';

/** The events of the post: ping, a datagram, a SYN. */
const THREE = [
  'socket p ping',
  'send p 56 to 8.8.8.8',
  'socket u udp',
  'send u 12 to 8.8.8.8:53',
  'socket c tcp',
  'connect c 8.8.8.8:80',
];

/** `EVENT DEV SADDR > DADDR PROTOCOL [FLAGS] PAYLOAD`, with what is wrong with the checksums. */
function line(p: KernelPacket): string {
  const words = [p.event, p.dev, p.saddr, '>', p.daddr, p.protocol, p.flags, p.payload];
  if (p.ip_checksum !== 'correct' || p.checksum === 'incorrect') words.push('bad checksum');
  return words.filter((word) => word !== undefined).join(' ');
}

const lines = (trace: KernelTrace): string[] => trace.packets.map(line);
const errnos = (trace: KernelTrace): string[] =>
  trace.calls.filter((c) => c.errno).map((c) => `${c.event} ${c.call} ${c.errno}`);

describe.skipIf(missing.length > 0)('the running kernel', () => {
  const player = openPlayer();
  afterAll(() => player.close());
  const play = (events: string[], ...more: string[]) => player.run({ host: [...POST, ...more], events });

  test('sends marked packets by the second link with the first source', async () => {
    const trace = await play(THREE);
    expect(trace.setup).toEqual([]);
    expect(lines(trace)).toEqual([
      '1 eth1 10.0.0.1 > 8.8.8.8 icmp 56',
      '3 eth1 10.0.0.1 > 8.8.8.8 udp 12',
      '5 eth1 10.0.0.1 > 8.8.8.8 tcp S 0',
    ]);
    expect(trace.packets.map((p) => p.gateway)).toEqual(['10.1.0.254', '10.1.0.254', '10.1.0.254']);
    expect(trace.packets.map((p) => p.checksum)).toEqual(['correct', 'correct', 'correct']);
    expect(trace.sockets.c).toMatchObject({ state: 'SYN_SENT', saddr: '10.0.0.1', hashed: true });
  });

  test('masquerades them to the second source, and the sockets keep the first', async () => {
    const trace = await play([...THREE, 'answer c'], MASQUERADE);
    expect(lines(trace)).toEqual([
      '1 eth1 10.1.0.1 > 8.8.8.8 icmp 56',
      '3 eth1 10.1.0.1 > 8.8.8.8 udp 12',
      '5 eth1 10.1.0.1 > 8.8.8.8 tcp S 0',
      '6 eth1 10.1.0.1 > 8.8.8.8 tcp . 0',
    ]);
    expect(trace.names.at(-1)?.c).toMatch(/^10\.0\.0\.1:/);
  });

  test('retransmits a SYN with the same tuple and sequence number', async () => {
    const { packets } = await play(['socket c tcp', 'connect c 8.8.8.8:80', 'retransmit c']);
    expect(packets).toHaveLength(2);
    expect({ ...packets[1], event: 1 }).toEqual(packets[0]);
  });

  test('carries a TCP conversation from handshake to TIME_WAIT', async () => {
    const trace = await play([
      'socket c tcp',
      'connect c 8.8.8.8:80',
      'answer c',
      'send c 4',
      'answer c',
      'close c',
      'answer c',
    ]);
    expect(lines(trace)).toEqual([
      '1 eth1 10.0.0.1 > 8.8.8.8 tcp S 0',
      '2 eth1 10.0.0.1 > 8.8.8.8 tcp . 0',
      '3 eth1 10.0.0.1 > 8.8.8.8 tcp P. 4',
      '5 eth1 10.0.0.1 > 8.8.8.8 tcp F. 0',
      '6 eth1 10.0.0.1 > 8.8.8.8 tcp . 0',
    ]);
    expect(trace.sockets.c).toMatchObject({ closed: true, state: 'TIME_WAIT', hashed: true });
  });

  test('takes the source of a datagram from PKTINFO, and refuses a foreign one', async () => {
    const trace = await play([
      'socket u udp',
      'send u 5 to 9.9.9.9:53 from 10.1.0.1',
      'send u 5 to 9.9.9.9:53 from 1.2.3.4',
    ]);
    expect(lines(trace)).toEqual(['1 eth0 10.1.0.1 > 9.9.9.9 udp 5']);
    expect(errnos(trace)).toEqual(['2 send ENETUNREACH']);
  });

  test('keeps the source of a header that the user wrote, and fills in a missing one', async () => {
    const trace = await play([
      'socket h hdrincl',
      'send h 4 to 8.8.8.8:80 from 10.1.0.1 flags S',
      'send h 0 to 8.8.8.8:80 flags S',
    ]);
    expect(lines(trace)).toEqual(['1 eth1 10.1.0.1 > 8.8.8.8 tcp S 4', '2 eth1 10.0.0.1 > 8.8.8.8 tcp S 0']);
  });

  test('sends from the bound address and port, and gives the port to no other socket', async () => {
    const trace = await play([
      'socket u udp',
      'bind u 10.1.0.1:4000',
      'send u 5 to 9.9.9.9:53',
      'socket v udp',
      'bind v 10.1.0.1:4000',
      'bind v 10.9.0.1:4001',
    ]);
    expect(lines(trace)).toEqual(['2 eth0 10.1.0.1 > 9.9.9.9 udp 5']);
    expect(trace.packets[0]?.sport).toBe(4000);
    expect(errnos(trace)).toEqual(['4 bind EADDRINUSE', '5 bind EADDRNOTAVAIL']);
  });

  test('answers a datagram to a closed port with an ICMP error, and a SYN with RST', async () => {
    const trace = await play([
      'receive eth0 10.0.0.9:53 > 10.0.0.1:4000 udp 12',
      'receive eth0 10.0.0.9:5000 > 10.0.0.1:81 tcp S',
      'receive eth1 10.1.0.254 > 10.1.0.1 icmp echo-request 8',
    ]);
    expect(lines(trace)).toEqual([
      '0 eth0 10.0.0.1 > 10.0.0.9 icmp 40',
      '1 eth0 10.0.0.1 > 10.0.0.9 tcp R. 0',
      '2 eth1 10.1.0.1 > 10.1.0.254 icmp 8',
    ]);
    expect(trace.packets[0]).toMatchObject({ icmp_type: 3, icmp_code: 3 });
  });

  test('accepts a connection, named after its listener', async () => {
    const trace = await play([
      'socket l tcp',
      'bind l 10.0.0.1:80',
      'listen l',
      'receive eth0 10.0.0.9:5000 > 10.0.0.1:80 tcp S',
      'answer l',
      'receive eth0 10.0.0.9:5000 > 10.0.0.1:80 tcp P. 10',
      'send l.1 5',
      'answer l.1',
      'close l.1',
      'answer l.1',
    ]);
    expect(trace.packets.map((p) => `${p.socket} ${line(p)}`)).toEqual([
      'l 3 eth0 10.0.0.1 > 10.0.0.9 tcp S. 0',
      'l.1 5 eth0 10.0.0.1 > 10.0.0.9 tcp . 0',
      'l.1 6 eth0 10.0.0.1 > 10.0.0.9 tcp P. 5',
      'l.1 8 eth0 10.0.0.1 > 10.0.0.9 tcp F. 0',
      'l.1 9 eth0 10.0.0.1 > 10.0.0.9 tcp . 0',
    ]);
    expect(trace.sockets.l?.state).toBe('LISTEN');
    expect(trace.sockets['l.1']?.state).toBe('TIME_WAIT');
  });

  test('uses a Fast Open cookie once the peer gave one', async () => {
    const first = ['socket c tcp', 'connect c 8.8.8.8:80 tfo', 'answer c', 'close c', 'answer c'];
    const { packets } = await play([...first, 'socket d tcp', 'connect d 8.8.8.8:80 tfo', 'send d 5']);
    const syns = packets.filter((p) => p.flags === 'S');
    expect(syns.map((p) => [p.event, p.payload])).toEqual([
      [1, 0],
      [7, 5],
    ]);
    expect(syns[0]?.cookie_request).toBe(true);
    expect(syns[1]?.cookie).toMatch(/^[0-9a-f]{16}$/);
  });

  test('reports commands that it refuses, in its own words, and goes on', async () => {
    const host = [
      'ip bogus',
      'ip route add 9.9.9.0/24 nonsense',
      'iptables -A NOCHAIN -j ACCEPT',
      'sysctl -w net.ipv4.bogus=1',
    ];
    const events = ['socket u udp', 'send u 1 to 9.9.9.9:9', 'host ip route del default', 'send u 1 to 9.9.9.9:9'];
    const trace = await play([...events, 'host ip route del default'], ...host);
    expect(trace.setup.map((r) => r.index - POST.length)).toEqual([0, 1, 2, 3]);
    expect(trace.packets).toHaveLength(1);
    expect(errnos(trace)).toEqual(['3 send ENETUNREACH']);
    expect(trace.refused).toEqual([
      { event: 4, command: 'ip route del default', message: 'RTNETLINK answers: No such process' },
    ]);
  });

  test('gives the same rules whether they are committed together or one by one', async () => {
    const rules = [
      'iptables -t mangle -A OUTPUT -p udp -j MARK --set-mark 100',
      'iptables -A OUTPUT -d 9.9.9.8 -j DROP',
    ];
    const broken = 'iptables -t mangle -A OUTPUT -j NOTARGET';
    const events = ['socket u udp', 'send u 1 to 9.9.9.9:9', 'send u 1 to 9.9.9.8:9'];
    const together = await play(events, ...rules);
    const apart = await play(events, ...rules, broken);
    expect(lines(together)).toEqual(['1 eth1 10.0.0.1 > 9.9.9.9 udp 1']);
    expect(lines(apart)).toEqual(lines(together));
    expect(errnos(together)).toEqual(['2 send EPERM']);
    expect(apart.setup.map((r) => r.command)).toEqual([broken]);
  });

  test('answers many routing questions at once, each in its place', async () => {
    const queries = [
      '8.8.8.8',
      '8.8.8.8 mark 100',
      '8.8.8.8 from 1.2.3.4',
      '8.8.8.8 nonsense 1',
      '10.0.0.1',
      '8.8.8.8 oif eth1',
    ];
    const { routes } = await player.routes(POST, [...queries, ...queries]);
    const words = routes.map((r) => r.error ?? [r.dev, r.gateway, r.prefsrc].filter(Boolean).join(' '));
    const six = [
      'eth0 10.0.0.254 10.0.0.1',
      'eth1 10.1.0.254 10.1.0.1',
      'Network is unreachable',
      'Error: inet prefix is expected rather than "nonsense".',
      'lo 10.0.0.1',
      'eth1 10.1.0.1',
    ];
    expect(words).toEqual([...six, ...six]);
  });

  test('refuses what is not an event, and stops before what would take too long', async () => {
    await expect(play(['socket u udp', 'sned u 1'])).rejects.toThrow('"sned" is not an event');
    const trace = await play(['wait 1000', 'socket u udp']);
    expect(trace.notes[0]?.not_expressible).toMatch(/^waiting 1000 s/);
  });

  test.each(['SIGKILL', 'SIGINT'] as const)(
    'ended by %s it leaves no process and no namespace behind',
    async (signal) => {
      const child = spawn('python3', ['conformance/player/player.py'], { stdio: ['pipe', 'pipe', 'inherit'] });
      const ended = new Promise((resolve) => child.once('close', resolve));
      await new Promise((resolve) => child.stdout.once('data', resolve));
      child.stdin.write(`${JSON.stringify({ host: POST, events: [...THREE, 'wait 2'].map(eventJson) })}\n`);
      await expect.poll(() => childrenOf(child.pid), { timeout: 3000 }).not.toEqual([]);
      const helpers = childrenOf(child.pid);
      const namespace = namespaceOf(child.pid);
      expect(namespace).not.toBe(namespaceOf('self'));
      // While it is open no other namespace gets its number.
      const held = openSync(`/proc/${child.pid}/ns/net`, 'r');
      child.kill(signal);
      await ended;
      await expect.poll(() => processes().filter((pid) => helpers.includes(pid)), { timeout: 3000 }).toEqual([]);
      expect(processes().filter((pid) => namespaceOf(pid) === namespace)).toEqual([]);
      closeSync(held);
    },
  );
});

const processes = (): string[] => readdirSync('/proc').filter((name) => /^\d+$/.test(name));

function namespaceOf(pid: string | number | undefined): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return '';
  }
}

function childrenOf(parent: number | undefined): string[] {
  return processes().filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[1] === String(parent);
    } catch {
      return false;
    }
  });
}
