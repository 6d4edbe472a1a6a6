import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { compareSeen } from '../../conformance/compare.ts';
import { modelSees } from '../../conformance/modelTrace.ts';
import { readConsole } from '../../conformance/patched/boot.ts';
import { comparePatched, seenLines, variantSees } from '../../conformance/patched/compare.ts';
import { expressible, judge, recordHash, recordOf, showsNothing } from '../../conformance/patched/confirmed.ts';
import { consoleParts, type PatchedTrace, playOnPatchedKernel, readReplies } from '../../conformance/patched/play.ts';
import { keyFillOf, leavesTraces, portOf, sysctlsOf } from '../../conformance/patched/ports.ts';
import { testKernel } from '../../conformance/patched/prerequisites.ts';
import { icmpOnly } from '../../model/patch/icmp-only.ts';
import { masquerade } from '../../model/patch/masquerade.ts';
import { icmpOnlyMended } from '../../model/patch/mended.ts';
import { stock } from '../../model/patch/stock.ts';
import { tcpRehash } from '../../model/patch/tcp-rehash.ts';
import { faults } from '../../model/types/faults.ts';
import type { Kernel } from '../../model/types/world.ts';
import { typed } from '../../scenario/play.ts';

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
const SYN = ['socket c tcp', 'connect c 8.8.8.8:80'];

/** The second patch crashes on it. */
const REFUSED = ['receive eth0 8.8.8.8:5000 > 10.0.0.1:80 tcp S'];

const OOPS = { tag: 'oops', function: 'inet_put_port', reason: 'Fatal exception', callers: [] } as const;
const NOTHING: PatchedTrace = {
  packets: [],
  sockets: {},
  outcome: 'ok',
  names: [],
  calls: [],
  setup: [],
  refused: [],
  loopback: [],
  late: [],
  deliveries: [],
  notes: [],
  seconds: 0,
  warnings: [],
};

/** As the kernel of build.sh printed it, shortened. */
const CRASH = [
  'reroute-init: start',
  'request 0',
  '[    2.310000] ------------[ cut here ]------------',
  '[    2.310000] WARNING: CPU: 0 PID: 90 at net/netfilter/core.c:633 nf_hook_slow+0x9d/0xf0',
  'request 1',
  '[    2.900000] Pid: 90, comm: python3 Not tainted 6.1.192',
  '[    2.900000] RIP: 0033:inet_put_port+0x7c/0x190',
  '[    2.900000] Kernel panic - not syncing: Segfault with no mm',
  '[    2.900000] Call Trace:',
  '[    2.900000]  [<60040d3c>] ? printk+0x0/0x94',
  '[    2.900000]  [<603a1c2f>] iptable_mangle_hook+0x2af/0x470',
  '',
].join('\n');

test('a FIN that only later releases hold back is missed on the reference release', () => {
  const events = [...SYN, 'answer c', 'send c 4', 'retransmit c', 'close c'];
  const model = modelSees(stock, { host: POST, events });
  const withoutFin = { ...model, packets: model.packets.filter(({ flags = '' }) => !flags.includes('F')) };
  expect(withoutFin.packets.length).toBe(model.packets.length - 1);
  expect(compareSeen({ host: POST, events }, model, withoutFin)).toEqual([]);
  expect(compareSeen({ host: POST, events }, model, withoutFin, true)).toHaveLength(1);
});

describe('the console', () => {
  test('names the function of a crash, and its callers without the stale ones', () => {
    expect(readConsole(CRASH).oops).toEqual({
      tag: 'oops',
      function: 'inet_put_port',
      reason: 'Segfault with no mm',
      callers: ['iptable_mangle_hook'],
    });
  });

  test('tells which request a warning came in', () => {
    const parts = consoleParts(CRASH);
    expect([...parts.keys()]).toEqual([0, 1]);
    expect(readConsole(parts.get(0) ?? '').warnings).toEqual([
      { function: 'nf_hook_slow', reason: 'net/netfilter/core.c:633' },
    ]);
    expect(readConsole(parts.get(1) ?? '').warnings).toEqual([]);
  });
});

describe('a kernel that watches itself', () => {
  test.each([
    ['BUG: KASAN: use-after-free in reroute_icmp_only+0x1e0/0x2b0', 'reroute_icmp_only', 'KASAN: use-after-free'],
    ['WARNING: possible circular locking dependency detected', '?', 'possible circular locking dependency detected'],
    ['WARNING: inconsistent lock state', '?', 'inconsistent lock state'],
    ['WARNING: suspicious RCU usage', '?', 'suspicious RCU usage'],
    ['[ BUG: Invalid wait context ]', '?', 'Invalid wait context'],
    [
      'BUG: sleeping function called from invalid context at mm/slab.h:494',
      '?',
      'sleeping function called from invalid context at mm/slab.h:494',
    ],
  ])('is heard: %s', (message, where, reason) => {
    const { warnings } = readConsole(`reroute-init: start\n[    2.310000] ${message}\n`);
    expect(warnings).toEqual([{ function: where, reason }]);
  });
});

describe('a boot that crashed', () => {
  const whole = { outcome: 'ok', names: [{}] } as const;

  test('costs the request without a whole reply, and leaves the later ones for the next boot', () => {
    const replies = new Map<number, Partial<PatchedTrace>>([
      [4, whole],
      [5, { names: [{}, {}] }],
    ]);
    const answered = readReplies([4, 5, 6], replies, { outcome: OOPS, console: '' });
    expect(answered.map(({ id, trace }) => [id, trace.outcome, trace.names.length])).toEqual([
      [4, 'ok', 1],
      [5, OOPS, 2],
    ]);
  });

  test('after a whole reply and before the next event belongs to taking the host down', () => {
    const answered = readReplies([4, 5], new Map([[4, whole]]), { outcome: OOPS, console: '' });
    expect(answered.map(({ trace }) => [trace.outcome, trace.afterwards])).toEqual([['ok', OOPS]]);
  });

  test('before anything was played belongs to the first request', () => {
    const answered = readReplies([4, 5], new Map(), { outcome: OOPS, console: '' });
    expect(answered.map(({ id, trace }) => [id, trace.outcome])).toEqual([[4, OOPS]]);
  });

  test('that never ran a script is an error, with the end of the console', () => {
    const report = { outcome: { tag: 'not-booted', reason: 'no script' }, console: 'a\nVFS: no root\n' } as const;
    expect(() => readReplies([4], new Map(), report)).toThrow('no root');
  });

  test('whose player failed is an error', () => {
    const report = { outcome: { tag: 'exited', status: 0 }, console: '' } as const;
    expect(() => readReplies([4], new Map([[4, { failed: 'Traceback' }]]), report)).toThrow('Traceback');
  });
});

describe('a port', () => {
  test('is chosen in the namespace of the scenario', () => {
    expect(sysctlsOf({ host: [], events: [], variant: tcpRehash, keyFill: 17 })).toEqual({
      'ipv4/reroute_variant': 'tcp-rehash',
      'ipv4/reroute_faults': '0',
      'ipv4/reroute_key_fill': '17',
    });
    expect(sysctlsOf({ host: [], events: [], variant: masquerade })['ipv4/reroute_variant']).toBe('stock');
  });

  test('of masquerade is stock with the rule that its operator adds', () => {
    const added = (variant: Kernel) => typed(variant, { host: POST, events: [] }).commands;
    expect(added(masquerade)).toEqual(['iptables -t nat -A POSTROUTING -o eth1 -j MASQUERADE']);
    expect(added(tcpRehash)).toEqual([]);
    expect(added(portOf('selector-rules') as Kernel)).toEqual([
      'iptables -t mangle -D OUTPUT 1',
      'ip rule add to 8.8.8.8 iif lo pref 32764 table 100',
    ]);
  });

  test('of the mended patch has a bit for every fault that is left', () => {
    expect(sysctlsOf({ host: [], events: [], variant: icmpOnlyMended })).toMatchObject({
      'ipv4/reroute_variant': 'icmp-only-mended',
      'ipv4/reroute_faults': '0',
    });
    const small = portOf('tcp-rehash-only-small-sockets') as Kernel;
    expect(sysctlsOf({ host: [], events: [], variant: small })).toMatchObject({
      'ipv4/reroute_variant': 'tcp-rehash-mended',
      'ipv4/reroute_faults': '2',
    });
  });

  test('names the faults as the text does, bit by bit', () => {
    const header = readFileSync('model/patch/faults.h', 'utf8');
    const bits = [...header.matchAll(/^\tFAULT_(\w+)\t+= BIT\((\d+)\),$/gm)].map(([, name, bit]) => [
      name,
      Number(bit),
    ]);
    const named = faults.map(({ id, bit }) => [id.replaceAll('-', '_').toUpperCase(), bit] as const);
    expect(bits).toEqual(named.toSorted(([, a], [, b]) => a - b));
    expect(bits.map(([, bit]) => bit)).toEqual(faults.map((_, bit) => bit));
    const glue = readFileSync('conformance/patched/glue.patch', 'utf8');
    expect(glue).toContain(`0x${(2 ** faults.length - 1).toString(16)} for all`);
  });

  test('fills the key with one word, and can do nothing else', () => {
    expect(keyFillOf(undefined)).toEqual({ fill: 0 });
    expect(keyFillOf([{ event: 1, stack: 0x0a010001 }])).toEqual({ fill: 0x0a010001 });
    expect(
      keyFillOf([
        { event: 2, stack: 6 },
        { event: 3, stack: 17 },
      ]),
    ).toHaveProperty('reason');
  });

  test('is missing for other variants', () => {
    expect(expressible({ variant: 'no-such', host: [], events: [] })).toHaveProperty('reason');
  });

  test('leaves an address in a control socket where the first patch answers a marked segment', () => {
    expect(leavesTraces({ host: POST, events: REFUSED, variant: icmpOnly })).toBe(true);
    expect(leavesTraces({ host: POST, events: REFUSED, variant: stock })).toBe(false);
    expect(leavesTraces({ host: POST, events: SYN, variant: tcpRehash })).toBe(false);
  });
});

describe('beside the model', () => {
  const crash = { host: POST, events: REFUSED, variant: tcpRehash };

  test('a crash in the same event and function agrees', () => {
    expect(comparePatched(crash, variantSees(crash), { ...NOTHING, outcome: OOPS })).toEqual([]);
  });

  test('a crash behind a socket that could not be opened agrees, too', () => {
    const later = { ...crash, events: ['socket c udp dev eth9', ...REFUSED] };
    const unbound = { event: 0, socket: 'c', call: 'setsockopt', errno: 'ENODEV' };
    const trace: PatchedTrace = {
      ...NOTHING,
      calls: [unbound],
      refused: [{ event: 0, command: '', message: '' }],
      names: [{}],
      outcome: OOPS,
    };
    expect(comparePatched(later, variantSees(later), trace)).toEqual([]);
  });

  test('a crash in another function, and none, differ', () => {
    const other = { ...OOPS, function: 'inet_unhash' };
    for (const outcome of ['ok', other] as const) {
      const trace = { ...NOTHING, names: outcome === 'ok' ? [{}] : [], outcome };
      expect(comparePatched(crash, variantSees(crash), trace)).toMatchObject([
        { at: 0, what: 'outcome', model: 'oops in inet_put_port' },
      ]);
    }
  });

  test('a crash that the model does not have differs', () => {
    const scenario = { ...crash, variant: stock };
    expect(comparePatched(scenario, variantSees(scenario), { ...NOTHING, outcome: OOPS })).toMatchObject([
      { model: 'no crash', kernel: 'oops in inet_put_port' },
    ]);
  });

  test('a crash is told with its reason', () => {
    expect(seenLines({ ...NOTHING, outcome: OOPS })).toEqual(['events[0] oops in inet_put_port: Fatal exception']);
  });

  test('an event that cannot be asked for makes the whole not expressible', () => {
    const scenario = { host: POST, events: SYN.slice(0, 1), variant: tcpRehash };
    const trace = { ...NOTHING, notes: [{ event: 0, not_expressible: 'no such link' }] };
    expect(judge(scenario, trace, 'kernel-survives')).toMatchObject({
      outcome: 'not expressible',
      reason: 'events[0]: no such link',
    });
  });

  test('what the stock kernel does as well, without breaking the promise, says nothing', () => {
    const scenario = { host: POST, events: SYN, variant: icmpOnly };
    expect(showsNothing(scenario, 'kernel-survives')).toBe(true);
    expect(showsNothing(scenario, 'source-fits-route')).toBe(false);
    expect(showsNothing({ ...scenario, variant: tcpRehash }, 'kernel-survives')).toBe(false);
  });
});

test('a record speaks of the very scenario alone', () => {
  const stored = { property: 'kernel-survives', variant: 'tcp-rehash', host: POST, events: REFUSED, trace: [] };
  const record = {
    outcome: 'confirmed',
    hash: recordHash(stored),
    kernel: '',
    date: '2026-11-22',
    seen: [],
    reason: '',
  } as const;
  const records = { 'kernel-survives/tcp-rehash': record };
  expect(recordOf(records, stored)).toBe(record);
  expect(recordOf(records, { ...stored, events: SYN })).toBeUndefined();
  expect(recordOf(records, { ...stored, variant: 'icmp-only' })).toBeUndefined();
});

const machine = testKernel();
if ('missing' in machine) console.log(`skipped: tests on the patched kernel (${machine.missing.join('; ')})`);

/** The processes that have a word with that folder's name in their command line, among them watch.sh and the kernel's own. */
function processesOf(folder: string): readonly string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder);
    } catch {
      return false;
    }
  });
}

describe.skipIf('missing' in machine)('the patched kernel', () => {
  const kernel = 'kernel' in machine ? machine.kernel : '';

  test('plays on after a crash, each scenario with its own variant', { timeout: 180_000 }, async () => {
    const scenarios = [
      { host: POST, events: SYN, variant: stock },
      { host: POST, events: REFUSED, variant: tcpRehash },
      { host: POST, events: SYN, variant: tcpRehash },
      { host: POST, events: SYN, variant: masquerade },
    ];
    const traces = await playOnPatchedKernel(scenarios, { kernel, workers: 1 });
    expect(traces.map(({ outcome }) => (outcome === 'ok' ? 'ok' : outcome.tag))).toEqual(['ok', 'oops', 'ok', 'ok']);
    expect(traces.map(({ packets, names }) => [packets[0]?.saddr, names[1]?.c?.split(':')[0]])).toEqual([
      ['10.0.0.1', '10.0.0.1'],
      [undefined, undefined],
      ['10.1.0.1', '10.1.0.1'],
      ['10.1.0.1', '10.0.0.1'],
    ]);
    for (const [n, trace] of traces.entries()) {
      const scenario = scenarios[n] as (typeof scenarios)[number];
      expect(comparePatched(scenario, variantSees(scenario), trace)).toEqual([]);
    }
  });

  test.for(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)(
    'ends with its program, and no file stays, on %s',
    { timeout: 120_000 },
    async (signal) => {
      const folder = mkdtempSync(join(tmpdir(), 'reroute-test-'));
      try {
        const endless = join(folder, 'endless');
        writeFileSync(endless, '#!/bin/sh\necho running\nwhile :; do :; done\n');
        const temporary = join(folder, 'temporary');
        mkdirSync(temporary);
        const words = ['--script', endless, '--out', join(folder, 'out'), '--kernel', kernel];
        const program = spawn(process.execPath, ['dist/reroute-check.js', 'kernel', 'run', ...words], {
          env: { ...process.env, TMPDIR: temporary },
          stdio: 'ignore',
        });
        const ended = new Promise((done) => program.on('exit', done));
        await vi.waitUntil(() => processesOf(temporary).length >= 3, { timeout: 60_000, interval: 100 });
        program.kill(signal);
        await ended;
        await vi.waitUntil(() => processesOf(temporary).length === 0, { timeout: 20_000, interval: 50 });
        const left = () => readdirSync(temporary).filter((name) => name.startsWith('reroute-'));
        await vi.waitUntil(() => left().length === 0, { timeout: 20_000, interval: 50 });
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  );
});
