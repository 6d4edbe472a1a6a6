import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { routeGet } from '../../cli/verbs/routeGet.ts';
import { Wrong } from '../../scenario/error.ts';

const folder = mkdtempSync(join(tmpdir(), 'route-get-'));
afterAll(() => rmSync(folder, { recursive: true }));

const host = join(folder, 'a.host');
writeFileSync(
  host,
  `ip link set lo up
ip link add eth0 type veth peer name eth0p
ip link add eth1 type veth peer name eth1p
ip link set eth0 up
ip link set eth1 up
ip addr add 10.0.0.1/24 dev eth0
ip addr add 10.1.0.1/24 dev eth1
ip route add default via 10.0.0.254 dev eth0 src 10.0.0.1
ip route add default via 10.1.0.254 src 10.1.0.1 table 100
ip rule add fwmark 100 table 100
ip route add blackhole 6.6.6.0/24
ip route add prohibit 6.6.7.0/24
ip route add unreachable 6.6.8.0/24
ip route add throw 6.6.9.0/24
ip route add 7.7.8.0/24 tos 0x10 via 10.0.0.253
`,
);

let out = '';
let err = '';
beforeEach(() => {
  out = '';
  err = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += text;
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    err += text;
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

/** What iproute2 6.1.0 printed on that host in a namespace of Linux 6.18 on 2026-11-22. */
const ANSWERS: readonly (readonly [query: string, text: string])[] = [
  ['8.8.8.8', '8.8.8.8 via 10.0.0.254 dev eth0 src 10.0.0.1 uid 0 \n    cache \n'],
  ['8.8.8.8 mark 100', '8.8.8.8 via 10.1.0.254 dev eth1 table 100 src 10.1.0.1 mark 0x64 uid 0 \n    cache \n'],
  ['to 10.0.0.5', '10.0.0.5 dev eth0 src 10.0.0.1 uid 0 \n    cache \n'],
  ['10.0.0.1', 'local 10.0.0.1 dev lo table local src 10.0.0.1 uid 0 \n    cache <local> \n'],
  ['10.0.0.255', 'broadcast 10.0.0.255 dev eth0 table local src 10.0.0.1 uid 0 \n    cache <local,brd> \n'],
  ['224.0.0.1 dev eth0', 'multicast 224.0.0.1 dev eth0 src 10.0.0.1 rt_offload_failed uid 0 \n    cache <local,mc> \n'],
  ['8.8.8.8 from 10.1.0.1 oif eth1', '8.8.8.8 from 10.1.0.1 dev eth1 uid 0 \n    cache \n'],
  [
    '10.0.0.1 iif eth0 from 10.0.0.77 mark 3',
    'local 10.0.0.1 from 10.0.0.77 dev lo table local mark 3 \n    cache <local> iif eth0 \n',
  ],
  ['8.8.8.8 uid 1000 ipproto tcp dport 80', '8.8.8.8 via 10.0.0.254 dev eth0 src 10.0.0.1 uid 1000 \n    cache \n'],
  ['7.7.8.1 tos 0x10', '7.7.8.1 tos 0x10 via 10.0.0.253 dev eth0 src 10.0.0.1 uid 0 \n    cache \n'],
  ['default', 'local 0.0.0.0 dev lo src 127.0.0.1 uid 0 \n    cache <local> \n'],
  ['6.6.6.1', 'RTNETLINK answers: Invalid argument\n'],
  ['6.6.7.1', 'RTNETLINK answers: Permission denied\n'],
  ['6.6.8.1', 'RTNETLINK answers: No route to host\n'],
  ['6.6.9.1', 'RTNETLINK answers: Network is unreachable\n'],
  ['8.8.8.8 oif eth9', 'Cannot find device "eth9"\n'],
];

describe('route get', () => {
  test.each(ANSWERS)('%s is answered as ip does', (query, text) => {
    routeGet(query.split(' '), { host });
    expect(out).toBe(text);
    expect(process.exitCode).toBeUndefined();
  });

  test("prints the keys of ip -j, and a refusal in the kernel's words", () => {
    routeGet(['8.8.8.8', 'mark', '100'], { host, json: true });
    routeGet(['10.0.0.255'], { host, json: true });
    routeGet(['6.6.9.1'], { host, json: true });
    expect(out.trimEnd().split('\n')).toEqual([
      '{"dst":"8.8.8.8","gateway":"10.1.0.254","dev":"eth1","table":"100","prefsrc":"10.1.0.1","flags":[],"mark":100,"uid":0,"cache":[]}',
      '{"type":"broadcast","dst":"10.0.0.255","dev":"eth0","table":"local","prefsrc":"10.0.0.1","flags":[],"uid":0,"cache":["local","brd"]}',
      '{"error":"Network is unreachable"}',
    ]);
  });

  test('a batch has a line for every query, a bad one too, which is told on stderr', () => {
    const batch = join(folder, 'queries');
    writeFileSync(batch, '# queries\n8.8.8.8\nroute get 10.0.0.5\n8.8.8.8 mrak 3\n\n6.6.9.1\n');
    routeGet([], { host, batch });
    const lines = out.trimEnd().split('\n');
    expect(lines[0]).toBe('8.8.8.8 via 10.0.0.254 dev eth0 src 10.0.0.1 uid 0 \\    cache ');
    expect(lines[1]).toBe('10.0.0.5 dev eth0 src 10.0.0.1 uid 0 \\    cache ');
    expect(lines[2]).toMatch(/queries:4: "mrak" is not a word of "ip route get"/);
    expect(lines[3]).toBe('RTNETLINK answers: Network is unreachable');
    expect(lines).toHaveLength(4);
    expect(err).toContain(`${batch}:4: `);
    expect(process.exitCode).toBe(2);
  });

  test('a bad query is refused', () => {
    for (const query of [
      '8.8.8.8 mrak 3',
      '8.8.8.8 1.1.1.1',
      '8.8.8.8/24',
      '8.8.8.8 fibmatch',
      'mark 1',
      '8.8.8.8 mark',
    ]) {
      expect(() => routeGet(query.split(' '), { host })).toThrow(Wrong);
    }
  });
});
