import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest';
import { trace } from '../../cli/verbs/trace.ts';

const folder = mkdtempSync(join(tmpdir(), 'trace-'));
afterAll(() => rmSync(folder, { recursive: true }));

const file = join(folder, 'a.json');
writeFileSync(
  file,
  JSON.stringify({
    variant: 'masquerade',
    host: ['ip link add eth0 type veth', 'ip link set eth0 up', 'ip addr add 10.0.0.1/24 dev eth0'],
    events: ['socket u udp', 'send u 12 to 10.0.0.9:53'],
  }),
);

let out = '';
beforeEach(() => {
  out = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out += text;
    return true;
  });
});
afterEach(() => vi.restoreAllMocks());

test('one object is printed, for the variant that the file names', () => {
  trace(file, { json: true });
  expect(JSON.parse(out)).toMatchObject({
    variant: 'masquerade',
    packets: [
      { event: 1, dev: 'eth0', gateway: null, saddr: '10.0.0.1', daddr: '10.0.0.9', protocol: 'udp', dport: 53 },
    ],
    sockets: { u: { state: 'CLOSE', rcv_saddr: '0.0.0.0' } },
    outcome: 'ok',
    violations: [],
  });
});

test('another variant may be asked for, and an unknown one is refused by name', () => {
  trace(file, { variant: ['stock'] });
  expect(out).toMatch(/^on stock: /);
  expect(out).toContain('events[1] send u 12 to 10.0.0.9:53');
  expect(() => trace(file, { variant: ['frob'] })).toThrow('frob');
});

test('several kernels are compared, as JSON in a list', () => {
  trace(file, { variant: ['stock', 'masquerade'] });
  expect(out).toMatch(/^on stock: .*\non masquerade: .*\nDIFFERENCES\n/s);
  out = '';
  trace(file, { variant: ['stock', 'masquerade'], json: true });
  expect(JSON.parse(out).map(({ variant }: { variant: string }) => variant)).toEqual(['stock', 'masquerade']);
});

test('a crash stands below the line of the patch that called the kernel', () => {
  trace('counterexamples/kernel-survives/tcp-rehash.json', {});
  const lines = out.split('\n');
  const crash = lines.findIndex((line) => line.includes('oops in inet_put_port'));
  const above = lines.slice(0, crash).findLast((line) => line.includes('model/patch/'));
  expect(above).toBe('    ipt_mangle_out(), model/patch/tcp-rehash.c:101');
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
});
