/**
 * The kernel's own self-tests on policy rules and on mangling, restated: the model gives their outcomes, and so does the
 * running kernel where it can be asked.
 *
 * Origin: Debian linux-source-6.1, tools/testing/selftests/net/fib_rule_tests.sh (setup, fib_rule4_test) and
 * tools/testing/selftests/net/fib_tests.sh (route_setup, ipv4_mangle_test). All their IPv4 cases are here; fib_rule6_test
 * and ipv6_mangle_test ask the same of IPv6, which is not modelled.
 */
import { afterAll, describe, expect, test } from 'vitest';
import { kernelSees, modelSees, type Seen } from '../../conformance/modelTrace.ts';
import { modelAnswers, QUESTION } from '../../conformance/routing.ts';
import { openPlayer, prerequisites, type RouteAnswer } from '../../conformance/running/player.ts';
import { stock } from '../../model/patch/stock.ts';

const missing = prerequisites();
if (missing.length > 0) console.log(`skipped: self-tests on the running kernel (${missing.join('; ')})`);
const player = openPlayer();
afterAll(() => player.close());

/** What a side answers to one question, and which of the host's commands it refuses. */
interface Answered {
  readonly refused: readonly number[];
  readonly answer: RouteAnswer | undefined;
}

const routing = {
  async model(host: readonly string[], question: string): Promise<Answered> {
    const { refused, routes } = modelAnswers(stock, { host, events: [QUESTION + question] });
    return { refused: refused.map(({ index }) => index), answer: routes[0] };
  },
  async kernel(host: readonly string[], question: string): Promise<Answered> {
    const { refused, routes } = await player.routes(host, [question]);
    return { refused: refused.map(({ index }) => index), answer: routes[0] };
  },
} as const;

/** fib_rule_tests.sh, setup() and the first lines of fib_rule4_test(). */
const RULE_HOST = [
  'ip link set dev lo up',
  'ip link add dummy0 type dummy',
  'ip link set dev dummy0 up',
  'ip address add 192.51.100.1/24 dev dummy0',
  'ip route add table 100 default via 192.51.100.2 dev dummy0 onlink',
];
const FORWARDING = ['sysctl -w net.ipv4.ip_forward=1', 'sysctl -w net.ipv4.conf.dummy0.rp_filter=0'];

/** fib_rule4_test(): the selector of a rule, the words of the question that must meet it, what the script calls it. */
const REDIRECTS = [
  ['oif dummy0', 'oif dummy0', 'oif redirect to table'],
  ['from 192.51.100.3 iif dummy0', 'from 192.51.100.3 iif dummy0', 'iif redirect to table'],
  ['tos 0x10', 'tos 0x10', 'tos 0x10 redirect to table'],
  ['tos 0x10', 'tos 0x11', 'tos 0x11 redirect to table'],
  ['tos 0x10', 'tos 0x12', 'tos 0x12 redirect to table'],
  ['tos 0x10', 'tos 0x13', 'tos 0x13 redirect to table'],
  ['fwmark 0x64', 'mark 0x64', 'fwmark redirect to table'],
  ['uidrange 100-100', 'uid 100', 'uid redirect to table'],
  ['sport 666 dport 777', 'sport 666 dport 777', 'sport and dport redirect to table'],
  ['ipproto tcp', 'ipproto tcp', 'ipproto tcp match'],
  ['ipproto icmp', 'ipproto icmp', 'ipproto icmp match'],
] as const;

describe.each(['model', 'kernel'] as const)('fib_rule_tests.sh, fib_rule4_test, on the %s', (side) => {
  const can = test.skipIf(side === 'kernel' && missing.length > 0);

  can.each(REDIRECTS)('rule4 check and del by pref: %s, %s: %s', async (match, question, _) => {
    const host = [...RULE_HOST, ...(match.includes('iif') ? FORWARDING : []), `ip rule add ${match} table 100`];
    const redirected = await routing[side](host, `192.51.100.2 ${question}`);
    expect(redirected).toMatchObject({ refused: [], answer: { table: '100' } });
    // The script reads the preference from `ip rule show`: the first rule without one gets 32765.
    const after = await routing[side]([...host, 'ip rule del pref 32765'], `192.51.100.2 ${question}`);
    expect(after.refused).toEqual([]);
    expect(after.answer?.table).toBeUndefined();
  });

  can.each([1, 2, 3])('rule4 check: dsfield %i has ECN bits and is refused', async (tos) => {
    const host = [...RULE_HOST, `ip rule add dsfield ${tos} table 100`];
    expect((await routing[side](host, '192.51.100.2')).refused).toEqual([RULE_HOST.length]);
  });
});

/** fib_tests.sh, setup() and route_setup(): the IPv4 part of the first namespace; the other one is the player. */
const MANGLE_HOST = [
  'ip link set dev lo up',
  'sysctl -w net.ipv4.ip_forward=1',
  'ip link add dummy0 type dummy',
  'ip link set dev dummy0 up',
  'ip address add 198.51.100.1/24 dev dummy0',
  'ip link add veth1 type veth peer name veth2',
  'ip link add veth3 type veth peer name veth4',
  'ip link set veth1 up',
  'ip link set veth3 up',
  'ip addr add 172.16.101.1/24 dev veth1',
  'ip addr add 172.16.103.1/24 dev veth3',
  'ip rule add pref 100 ipproto udp sport 12345 dport 54321 table 123',
  'ip route add table 123 172.16.101.0/24 dev veth1',
  'ip route add unreachable 172.16.101.2/32',
];
const connection = (s: string, sourceport: number): string[] => [
  `socket ${s} udp`,
  `bind ${s} 0.0.0.0:${sourceport}`,
  `connect ${s} 172.16.101.2:54321`,
  `send ${s} 2`,
  `close ${s}`,
];
const MANGLE_EVENTS = [
  ...connection('a', 12345),
  ...connection('b', 11111),
  'host iptables -t mangle -A OUTPUT -j MARK --set-mark 1',
  ...connection('c', 12345),
  'host iptables -t mangle -D OUTPUT -j MARK --set-mark 1',
  ...connection('d', 12345),
];

describe.each(['model', 'kernel'] as const)('fib_tests.sh, ipv4_mangle_test, on the %s', (side) => {
  const can = test.skipIf(side === 'kernel' && missing.length > 0);
  let seen: Seen | undefined;
  const play = async (): Promise<Seen> => {
    const scenario = { host: MANGLE_HOST, events: MANGLE_EVENTS };
    seen ??= side === 'model' ? modelSees(stock, scenario) : kernelSees(await player.run(scenario));
    return seen;
  };
  const connects = (all: Seen, socket: string) =>
    all.calls.find((c) => c.socket === socket && c.call === 'connect')?.errno;

  can.each([
    ['a', '', 'Connection with correct parameters'],
    ['b', 'EHOSTUNREACH', 'Connection with incorrect parameters'],
    ['c', '', 'Connection with correct parameters - mangling'],
    ['d', '', 'Connection with correct parameters - no mangling'],
  ])('socket %s: connect gives "%s": %s', async (socket, errno, _) => {
    expect(connects(await play(), socket)).toBe(errno);
  });

  can('Connection check - server side: three datagrams arrive there', async () => {
    const { packets, setup, refused } = await play();
    expect([setup, refused]).toEqual([[], []]);
    const arrived = packets.filter((p) => p.dev === 'veth1' && p.daddr === '172.16.101.2' && p.checksum === 'correct');
    expect(arrived.map(({ sport, dport, payload }) => [sport, dport, payload])).toEqual([
      [12345, 54321, 2],
      [12345, 54321, 2],
      [12345, 54321, 2],
    ]);
  });
});
