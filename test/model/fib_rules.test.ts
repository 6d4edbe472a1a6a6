// Answers and refusals observed on Linux 6.18, iproute2 6.1.0, in a network namespace, 2026-11-22.
import { describe, expect, test } from 'vitest';
import { hostCommand } from '../../model/host/commands.ts';
import { fib4_rules_early_flow_dissect } from '../../model/kernel/net/ipv4/fib_rules.ts';
import { EINVAL } from '../../model/types/errno.ts';
import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, NO_IPH, NO_SKB, NO_TH, NO_UH } from '../../model/types/packet.ts';
import { NO_FLOW } from '../../model/types/route.ts';
import { parseHostLine } from '../../scenario/host.ts';
import { get, host, LINKS, on, POST, says } from './build.ts';

const UNREACHABLE = 'RTNETLINK answers: Network is unreachable';

/** The post's tables, and a rule with that selector. */
function withRule(selector: string, action = 'table 100') {
  return host(
    ...LINKS,
    'ip route add default via 10.0.0.254',
    'ip route add default via 10.1.0.254 table 100',
    `ip rule add ${selector} ${action}`,
  );
}

const MAIN = '8.8.8.8 via 10.0.0.254 dev eth0 src 10.0.0.1';
const TABLE = '8.8.8.8 via 10.1.0.254 dev eth1 table 100 src 10.1.0.1';

test('a mark sends a packet to its table', () => {
  expect(get(host(...POST), '8.8.8.8')).toBe(MAIN);
  expect(get(host(...POST), '8.8.8.8 mark 100')).toBe(TABLE);
});

test.each([
  ['fwmark 0x10/0xf0', '8.8.8.8 mark 31', '8.8.8.8 mark 33'],
  ['to 8.0.0.0/8', '8.8.8.8', undefined],
  ['tos 0x10', '8.8.8.8 tos 0x10', '8.8.8.8 tos 8'],
  ['uidrange 1000-2000', '8.8.8.8 uid 2000', '8.8.8.8 uid 2001'],
  ['ipproto tcp', '8.8.8.8 ipproto 6', '8.8.8.8'],
  ['sport 1000-2000', '8.8.8.8 sport 2000', '8.8.8.8 sport 2001'],
  ['dport 53', '8.8.8.8 dport 53', '8.8.8.8 dport 54'],
  ['iif lo', '8.8.8.8', undefined],
  ['not fwmark 1', '8.8.8.8 mark 2', '8.8.8.8 mark 1'],
  ['not from 10.0.0.0/24', '8.8.8.8', undefined],
  ['from 0.0.0.0/1', '8.8.8.8', undefined],
])('the selector "%s" is read', (selector, matching, other) => {
  const net = withRule(selector);
  expect(get(net, matching)).toBe(TABLE);
  if (other !== undefined) expect(get(net, other).replace(/ tos \w+/, '')).toBe(MAIN);
});

test('a rule from an address needs the address in the key', () => {
  const net = withRule('from 10.0.0.1');
  expect(get(net, '8.8.8.8')).toBe(MAIN);
  expect(get(net, '8.8.8.8 from 10.0.0.1')).toBe('8.8.8.8 from 10.0.0.1 via 10.1.0.254 dev eth1 table 100');
});

test('a rule for a device that does not exist matches nothing, and its negation everything', () => {
  expect(get(withRule('oif eth9'), '8.8.8.8')).toBe(MAIN);
  expect(get(withRule('not iif eth9'), '8.8.8.8')).toBe(TABLE);
});

test('a rule for a device starts to match when the device comes', () => {
  const net = on(withRule('oif eth7'), 'ip link add eth7 type dummy', 'ip link set eth7 up');
  expect(get(net, '8.8.8.8 oif eth7')).toBe('8.8.8.8 dev eth7 src 10.0.0.1');
  expect(get(on(net, 'ip route add 8.8.8.8 dev eth7 table 100'), '8.8.8.8 oif eth7')).toBe(
    '8.8.8.8 dev eth7 table 100 src 10.0.0.1',
  );
});

test.each([
  ['unreachable', 'Network is unreachable'],
  ['prohibit', 'Permission denied'],
  ['blackhole', 'Invalid argument'],
])('the action %s refuses with its own error', (action, words) => {
  expect(get(withRule('fwmark 5', action), '8.8.8.8 mark 5')).toBe(`RTNETLINK answers: ${words}`);
  expect(get(withRule('fwmark 5', action), '8.8.8.8')).toBe(MAIN);
});

test('a refusal is swallowed when the device is given', () => {
  expect(get(withRule('fwmark 5', 'prohibit'), '8.8.8.8 mark 5 oif eth1')).toBe('8.8.8.8 dev eth1 src 10.1.0.1');
});

test('goto jumps over rules, nop does nothing, and a goto without a target is passed over', () => {
  const net = withRule('fwmark 5 pref 10', 'goto 30');
  expect(get(on(net, 'ip rule add pref 20 prohibit'), '8.8.8.8 mark 5')).toBe('RTNETLINK answers: Permission denied');
  const jumps = on(net, 'ip rule add pref 20 prohibit', 'ip rule add pref 30 nop');
  expect(get(jumps, '8.8.8.8 mark 5')).toBe(MAIN);
  expect(get(jumps, '8.8.8.8')).toBe('RTNETLINK answers: Permission denied');
});

test('suppress_prefixlength 0 vetoes a default route and nothing longer', () => {
  const net = withRule('pref 10', 'table main suppress_prefixlength 0');
  const both = on(net, 'ip rule add pref 20 table 100');
  expect(get(both, '8.8.8.8')).toBe(TABLE);
  expect(get(both, '10.0.0.9')).toBe('10.0.0.9 dev eth0 src 10.0.0.1');
});

test('a missing table and a throw route send the lookup to the next rule', () => {
  expect(get(withRule('pref 10', 'table 55'), '8.8.8.8')).toBe(MAIN);
  expect(get(on(withRule('pref 10'), 'ip route add throw 8.8.8.8 table 100'), '8.8.8.8')).toBe(MAIN);
});

test('a rule without a preference goes one before the second rule', () => {
  const net = host('ip rule add fwmark 1 table 100', 'ip rule add fwmark 2 table 200');
  expect(net.rules.map((rule) => rule.pref)).toEqual([0, 32764, 32765, 32766, 32767]);
  expect(host('ip rule flush', 'ip rule add fwmark 1').rules.map((rule) => rule.pref)).toEqual([0, 0]);
});

test('the same rule twice is refused, whatever its negation says', () => {
  const net = host('ip rule add from 10.0.0.1 table 100 pref 5');
  expect(says(net, 'ip rule add from 10.0.0.1 table 100 pref 5')).toBe('RTNETLINK answers: File exists');
  expect(says(net, 'ip rule add not from 10.0.0.1 table 100 pref 5')).toBe('RTNETLINK answers: File exists');
  expect(says(net, 'ip rule add table 100 pref 5')).toBe('RTNETLINK answers: File exists');
  expect(says(net, 'ip rule add from 10.0.0.2 table 100 pref 5')).toBe('');
  expect(says(net, 'ip rule add from 10.0.0.1 table 100')).toBe('');
});

test('malformed rules are refused in the kernel’s words', () => {
  expect(says(host(), 'ip rule add pref 10 goto 5')).toBe('Error: Backward goto not supported.');
  expect(says(host(), 'ip rule add sport 65535')).toBe('Error: Invalid sport range.');
  expect(says(host(), 'ip rule add tos 0x20')).toBe('Error: Invalid tos.');
  expect(says(host(), 'ip rule add tos 3')).toBe('Error: Invalid dsfield (tos): ECN bits must be 0.');
  expect(says(host(), 'ip rule del pref 99')).toBe('RTNETLINK answers: No such file or directory');
});

test.each([
  'ip rule add pref 10 goto 5',
  'ip rule add sport 65535',
  'ip rule add tos 0x20',
  'ip rule del pref 10 goto 5',
])('%s is an invalid argument', (line) => {
  expect(hostCommand(host(), parseHostLine(line)).err).toBe(-EINVAL);
});

// Observed on Linux 6.18, 2026-11-30.
describe('a rule is another one, and not the one to be deleted, with another', () => {
  test.each([
    ['table', 'table 7', ['table 8']],
    ['action', 'prohibit', ['unreachable', 'blackhole', 'table 7']],
    ['source', 'from 10.0.0.1', ['from 10.0.0.2', 'from 10.0.0.0/24']],
    ['destination', 'to 10.0.0.1', ['to 10.0.0.2', 'to 10.0.0.0/24']],
    ['TOS', 'tos 0x10', ['tos 0x08']],
    ['input link', 'iif eth0', ['iif eth1']],
    ['output link', 'oif eth0', ['oif eth1']],
    ['mark', 'fwmark 1', ['fwmark 2', 'fwmark 1/0xff']],
    ['user', 'uidrange 1000-2000', ['uidrange 1000-2001', 'uidrange 999-2000']],
    ['protocol', 'ipproto tcp', ['ipproto udp']],
    ['origin', 'proto static', ['proto boot']],
    ['source port', 'sport 5-6', ['sport 5-7', 'sport 4-6']],
    ['destination port', 'dport 5-6', ['dport 5-7', 'dport 4-6']],
    ['tunnel', 'tun_id 5', ['tun_id 6']],
    ['suppressed group', 'suppress_ifgroup 3', ['suppress_ifgroup 4']],
    ['suppressed length', 'suppress_prefixlength 0', ['suppress_prefixlength 1']],
  ])('%s', (_, words, others) => {
    const net = host(`ip rule add ${words} pref 10`);
    expect(says(net, `ip rule add ${words} pref 10`)).toBe('RTNETLINK answers: File exists');
    expect(says(net, `ip rule del ${words}`)).toBe('');
    expect(says(net, `ip rule del ${words} pref 11`)).toBe('RTNETLINK answers: No such file or directory');
    for (const other of others) {
      expect(says(net, `ip rule add ${other} pref 10`), other).toBe('');
      expect(says(net, `ip rule del ${other}`), other).toBe('RTNETLINK answers: No such file or directory');
    }
  });

  test('but not the one that says nothing of it, or less', () => {
    const net = host(
      'ip rule add from 10.0.0.1 fwmark 1 uidrange 1-2 sport 5-6 dport 7 tos 0x10 iif eth0 pref 10 table 7',
    );
    for (const less of ['pref 10', 'from 10.0.0.1', 'fwmark 1/0', 'sport 5-6', 'table 7', 'tos 0x10 uidrange 1-2'])
      expect(says(net, `ip rule del ${less}`), less).toBe('');
  });
});

// Observed on Linux 6.18, 2026-11-30.
test('a rule with table 0 leads to the lowest table that there is not', () => {
  const first = host('ip rule add pref 10 table 0');
  expect(first.rules.map(({ table }) => table)).toEqual([255, 1, 254, 253]);
  const later = on(first, 'ip route add prohibit default table 2', 'ip rule add pref 11 table 0');
  expect(later.rules.map(({ table }) => table)).toEqual([255, 1, 3, 254, 253]);
  expect(on(later, 'ip rule add pref 12 table 0').rules.map(({ table }) => table)).toEqual([255, 1, 3, 4, 254, 253]);
});

test('flushing the rules leaves only preference 0', () => {
  const net = on(host(...POST), 'ip rule flush');
  expect(net.rules.map((rule) => rule.pref)).toEqual([0]);
  expect(get(net, '8.8.8.8')).toBe(UNREACHABLE);
  expect(get(net, '10.0.0.1')).toBe('local 10.0.0.1 dev lo table local src 10.0.0.1');
});

test('protocol and ports are read from a packet only if a rule asks for them', () => {
  const skb = { ...NO_SKB, iph: { ...NO_IPH, protocol: IPPROTO_UDP }, uh: { ...NO_UH, source: 1000, dest: 53 } };
  expect(fib4_rules_early_flow_dissect(host(...POST), skb, NO_FLOW)).toEqual(NO_FLOW);
  expect(fib4_rules_early_flow_dissect(host('ip rule add iif lo dport 53'), skb, NO_FLOW)).toEqual(NO_FLOW);
});

// C: net/core/flow_dissector.c, proto_ports_offset(): ICMP has no ports.
test.each([
  ['TCP', IPPROTO_TCP, 4000, 80],
  ['UDP', IPPROTO_UDP, 1000, 53],
  ['ICMP', IPPROTO_ICMP, 0, 0],
])('of %s the key has its ports', (_, protocol, fl4_sport, fl4_dport) => {
  const skb = {
    ...NO_SKB,
    iph: { ...NO_IPH, protocol },
    th: { ...NO_TH, source: 4000, dest: 80 },
    uh: { ...NO_UH, source: 1000, dest: 53 },
  };
  expect(fib4_rules_early_flow_dissect(host('ip rule add dport 53'), skb, NO_FLOW)).toEqual({
    ...NO_FLOW,
    flowi4_proto: protocol,
    fl4_sport,
    fl4_dport,
  });
});
