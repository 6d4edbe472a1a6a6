/** The built program, called as a user calls it. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it, vi } from 'vitest';
import { program } from '../../cli/program.ts';
import { prerequisites } from '../../conformance/running/player.ts';
import { kernels } from '../../model/patch/index.ts';
import { properties } from '../../properties/index.ts';

const built = resolve('dist/reroute-check.js');
const folder = mkdtempSync(join(tmpdir(), 'reroute-check-'));
const post = readFileSync('conformance/cases/post.host', 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));

/** As a CI calls it: nothing is coloured for a pipe. */
function run(...args: readonly string[]) {
  const env = { ...process.env, CI: '1', FORCE_COLOR: '' };
  const { status, stdout, stderr } = spawnSync(process.execPath, [built, ...args], {
    encoding: 'utf8',
    cwd: folder,
    env,
  });
  return { status, stdout, stderr };
}

function file(name: string, content: string | object): string {
  writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content, null, 2));
  return name;
}

describe("the post's own configuration", () => {
  const events = [
    'socket p ping',
    'send p 4 to 8.8.8.8',
    'socket u udp',
    'send u 4 to 8.8.8.8:53',
    'socket c tcp',
    'connect c 8.8.8.8:80',
  ];

  function sent(variant: string) {
    const name = file('post.json', { host: post, events });
    const trace = JSON.parse(run('trace', name, '--variant', variant, '--json').stdout);
    return trace.packets.map(({ protocol, dev, gateway, saddr, checksum, mark }: Record<string, unknown>) => ({
      protocol,
      dev,
      gateway,
      saddr,
      checksum,
      mark,
    }));
  }

  const by = (saddr: string, protocol: string, checksum = 'correct') => ({
    protocol,
    dev: 'eth1',
    gateway: '10.1.0.254',
    saddr,
    checksum,
    mark: 100,
  });

  it('under stock sends marked packets by the second link from the first address', () => {
    expect(sent('stock')).toEqual(['icmp', 'udp', 'tcp'].map((protocol) => by('10.0.0.1', protocol)));
  });

  it('under masquerade sends them from the second address', () => {
    expect(sent('masquerade')).toEqual(['icmp', 'udp', 'tcp'].map((protocol) => by('10.1.0.1', protocol)));
  });

  it('under icmp-only sends a correct ping from the second address, a datagram with a wrong checksum, and the SYN from the first', () => {
    expect(sent('icmp-only')).toEqual([
      by('10.1.0.1', 'icmp'),
      by('10.1.0.1', 'udp', 'incorrect'),
      by('10.0.0.1', 'tcp'),
    ]);
  });

  it('under tcp-rehash sends the SYN from the second address with a correct checksum', () => {
    expect(sent('tcp-rehash').at(-1)).toEqual(by('10.1.0.1', 'tcp'));
  });

  it('under tcp-rehash retransmits the SYN from another port with a wrong checksum, and sends the ACK from the first address', () => {
    const retransmitted = file('retransmit.json', {
      host: post,
      events: ['socket c tcp', 'connect c 8.8.8.8:80', 'retransmit c'],
    });
    const again = JSON.parse(run('trace', retransmitted, '--variant', 'tcp-rehash', '--json').stdout);
    expect(again.packets[1].sport).not.toBe(again.packets[0].sport);
    expect(again.packets[1].checksum).toBe('incorrect');
    const answered = file('answer.json', { host: post, events: ['socket c tcp', 'connect c 8.8.8.8:80', 'answer c'] });
    const acked = JSON.parse(run('trace', answered, '--variant', 'tcp-rehash', '--json').stdout);
    expect(acked.packets[1]).toMatchObject({ flags: '.', saddr: '10.0.0.1', checksum: 'incorrect' });
    expect(acked.sockets.c).toMatchObject({ state: 'ESTABLISHED', saddr: '10.1.0.1' });
  });
});

describe('bad input ends with one line, exit code 2 and nothing written', () => {
  const scenario = (host: readonly string[], events: readonly string[]) => ({ host, events });
  const cases: readonly (readonly [title: string, name: string, content: string | object | undefined, line: RegExp])[] =
    [
      ['an unknown command', 'a.host', 'ip lnk add eth0 type veth\n', /^a\.host:1: /],
      [
        'an unknown word',
        'b.host',
        'ip link add eth0 type veth\nip addr add 10.0.0.1/24 dev eth0 frobnicate\n',
        /^b\.host:2: .*frobnicate/,
      ],
      [
        'a duplicate address',
        'c.host',
        'ip link add eth0 type veth\nip addr add 10.0.0.1/24 dev eth0\nip addr add 10.0.0.1/24 dev eth0\n',
        /^c\.host:3: .*File exists/,
      ],
      [
        'an unreachable gateway',
        'd.host',
        'ip route add default via 10.0.0.254\n',
        /^d\.host:1: .*(unreachable|invalid gateway)/i,
      ],
      ['a missing file', 'missing.host', undefined, /^missing\.host: /],
      ['a binary file', 'e.host', '\u0000\u0001\u0002ELF\u0000', /^e\.host: /],
      ['truncated JSON', 'f.json', '{"host": [\n"ip link add eth0 type veth"', /^f\.json:2: /],
      [
        'an unknown event',
        'g.json',
        scenario([], ['socket c tcp', 'frobnicate c']),
        /^g\.json: events\[1\]: .*frobnicate/,
      ],
      [
        'an event impossible in its state',
        'h.json',
        scenario([], ['socket c tcp', 'answer c']),
        /^h\.json: events\[1\]: /,
      ],
      ['a member given twice', 'j.json', '{ "host": [],\n"events": [],\n"host": [] }', /^j\.json:3: .*"host"/],
      ['an unknown member', 'i.json', { host: [], events: [], extra: 1 }, /^i\.json.*extra/],
    ];

  it.each(cases)('%s', (_, name, content, line) => {
    if (content !== undefined) file(name, content);
    const before = readdirSync(folder);
    const args = name.endsWith('.host') ? ['route', 'get', '--host', name, '8.8.8.8'] : ['trace', name];
    const { status, stdout, stderr } = run(...args);
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(line);
    expect(readdirSync(folder)).toEqual(before);
  });

  it.each([
    ['an unknown verb', ['frobnicate']],
    ['an unknown option', ['review', '--frobnicate']],
    ['an unknown property', ['search', 'no-such-property']],
    ['an unknown variant', ['search', '--variant', 'no-such-variant']],
    ['a number that is none', ['review', '--seed', 'x']],
    ['a part of a scenario', ['search', '--runs', '2.5']],
    ['a path that is none', ['search', 'bound-port-kept', '--path', 'x:y']],
    ['a path with more events than a host has', ['search', 'bound-port-kept', '--path', '1:99']],
    ['a shard of none', ['check', '--shard', '5/4']],
    ['two forms for one output', ['check', '--format', 'sarif', '--format', 'junit']],
    ['a report into a folder', ['report', '--format', 'json', '-o', '.']],
  ])('%s', (_, args) => {
    const { status, stdout } = run(...args);
    expect(status).toBe(2);
    expect(stdout).toBe('');
  });
});

describe('a name that is nearly right is suggested', () => {
  it.each([
    ['a verb', ['serch'], "no verb 'serch' (did you mean 'search'?)"],
    ['a property', ['search', 'bound-port-kep'], "did you mean 'bound-port-kept'?"],
    ['a variant', ['search', '--variant', 'tcp-rehsh'], "did you mean 'tcp-rehash'?"],
    ['a second variant', ['replay', '--variant', 'stock', '--variant', 'stock', 'x.json'], 'there is stock already'],
  ])('%s', (_, args, message) => {
    const { status, stdout, stderr } = run(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(message);
  });
});

describe('a review', () => {
  /** Starts a verb in a folder of its own. */
  function started(verb: string, ...args: readonly string[]) {
    const cwd = mkdtempSync(join(tmpdir(), 'reroute-check-'));
    const child = spawn(process.execPath, [built, verb, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd,
      env: { ...process.env, COLUMNS: '80', NO_COLOR: '1' },
    });
    const said = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said.stderr += text;
    });
    return { child, cwd, said, ended: once(child, 'close') };
  }

  it('prints on Ctrl-C what is known and how far it came, and exits 130', async () => {
    const { child, cwd, said, ended } = started('review', '--runs', '1000000');
    setTimeout(() => child.kill('SIGINT'), 5000);
    expect(await ended).toEqual([130, null]);
    expect(said.stdout).toMatch(/\ninterrupted at .*: \d+ of \d+ cells are decided\n/);
    const matrix = said.stdout.split('\n\n').find((part) => /source-fits-route +x/.test(part)) ?? '';
    expect(matrix).not.toBe('');
    for (const line of matrix.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
    const { interrupted, cells } = JSON.parse(readFileSync(join(cwd, '.reroute-check', 'review.json'), 'utf8'));
    expect(interrupted).toBe(true);
    const open = cells.filter(({ outcome }: { outcome: string }) => outcome !== 'violated');
    expect(open.length).toBeGreaterThan(0);
    for (const { reason } of open) expect(reason).toMatch(/^it was interrupted after /);
  });

  it('prints on Ctrl-C what faults break, small or not, and exits 130', async () => {
    const { child, said, ended } = started('faults', 'stale-cork', '--runs', '1000000');
    setTimeout(() => child.kill('SIGINT'), 5000);
    expect(await ended).toEqual([130, null]);
    expect(said.stdout).toMatch(/^stale-cork in tcp-rehash: /);
    expect(said.stdout).toContain('interrupted');
  });

  it('prints on Ctrl-C how many cells were proved, records nothing, and exits 130', async () => {
    const { child, said, ended } = started('prove', '--part', 'cells', '--only', 'marked', '--budget', '300');
    await vi.waitFor(() => expect(said.stdout).toContain('scope '), { timeout: 20_000 });
    child.kill('SIGINT');
    expect(await ended).toEqual([130, null]);
    expect(said.stdout).toMatch(/\ninterrupted: \d+ of \d+ cells were answered\n$/);
  });

  it('prints on Ctrl-C how many lemmas were proved, and exits 130', async () => {
    const { child, said, ended } = started('prove', '--part', 'lemmas', '--budget', '300');
    await vi.waitFor(() => expect(said.stdout).toContain('scope: '), { timeout: 60_000 });
    child.kill('SIGINT');
    expect(await ended).toEqual([130, null]);
    expect(said.stdout).toMatch(/\ninterrupted: [1-9]\d* of \d+ lemmas were answered\n$/);
  });

  it('says first what it cannot write, and prints what it found', async () => {
    const { cwd, said, ended } = started('review', '--runs', '16', '--jobs', '1');
    writeFileSync(join(cwd, 'counterexamples'), 'a file in the place of the folder');
    expect(await ended).toEqual([0, null]);
    expect(said.stderr).toMatch(/^reroute-check: counterexamples: .* is not a folder; what is found is printed/);
    expect(said.stdout).toMatch(/source-fits-route +x/);
    expect(readdirSync(cwd)).toEqual(['counterexamples']);
  });

  it('that is damaged is refused in one line by a report', () => {
    mkdirSync(join(folder, '.reroute-check'), { recursive: true });
    writeFileSync(join(folder, '.reroute-check', 'review.json'), '{ "version": 1');
    const { status, stderr } = run('report', '--format', 'json');
    expect(status).toBe(2);
    expect(stderr).toMatch(/^\.reroute-check\/review\.json: this is no review: it is damaged; .*report --new'\n$/);
  });
});

describe('check', () => {
  const few = ['check', '--variant', 'icmp-only', '--runs', '16', '--jobs', '1'];

  it('contradicts a baseline that lists nothing, and none that it has recorded', () => {
    file('none.json', { form: 'reroute-check baseline 1', release: '6.1', violated: [] });
    const first = run(...few, '--baseline', 'none.json', '--format', 'json');
    expect(first.status).toBe(1);
    const { form, differences, seed } = JSON.parse(first.stdout);
    expect(form).toBe('reroute-check check 1');
    expect(seed.value).toBeGreaterThanOrEqual(0);
    expect(differences.length).toBeGreaterThan(10);
    const recorded = run(
      ...few,
      '--baseline',
      'known.json',
      '--record',
      '--reason',
      'known',
      '--expires',
      '2999-12-31',
    );
    expect(recorded).toMatchObject({ status: 0, stdout: expect.stringContaining('recorded: known.json\n') });
    const again = run(...few, '--baseline', 'known.json', '--format', 'junit=check.xml');
    expect(again.status).toBe(0);
    expect(again.stdout).toMatch(/^seed .*\nnothing contradicts the record; /);
    expect(readFileSync(join(folder, 'check.xml'), 'utf8')).toContain('<testsuite name="icmp-only"');
    const known = readFileSync(join(folder, 'known.json'), 'utf8');
    file('expired.json', known.replace('2999-12-31', '2026-01-01'));
    const expired = run(...few, '--baseline', 'expired.json');
    expect(expired.status).toBe(1);
    expect(expired.stdout).toMatch(/\n\S+ on icmp-only: expected until 2026-01-01: known\n/);
  });

  it('in two parts says what it says as a whole', () => {
    const whole = run(...few, '--seed', '7').stdout.split('\n');
    for (const part of ['1/2', '2/2']) expect(run(...few, '--seed', '7', '--shard', part).status).toBe(0);
    const files = [1, 2].map((part) => join('.reroute-check', `shard-${part}-of-2.json`));
    expect(
      run('check', '--merge', ...files)
        .stdout.split('\n')
        .slice(1),
    ).toEqual(whole.slice(1));
    const missing = run('check', '--merge', files[0] as string);
    expect([missing.status, missing.stderr]).toEqual([2, 'reroute-check: --merge: of 2 shards 2 are missing\n']);
  });
});

describe('verbs', () => {
  it('search finds, prints the command that repeats it, and exits 1', () => {
    const first = run('search', 'bound-port-kept', '--variant', 'tcp-rehash', '--runs', '1000');
    expect(first.status).toBe(1);
    const again = /again: reroute-check (.*)/.exec(first.stdout)?.[1] ?? '';
    expect(again).toMatch(/--seed 1 --path \d+:\d+/);
    const second = run(...again.split(' '));
    expect(second.status).toBe(1);
    expect(second.stdout).toContain('bound-port-kept on tcp-rehash: violated');
  });

  it('search --json takes several variants', () => {
    const args = ['--variant', 'stock', '--variant', 'tcp-rehash', '--runs', '500', '--json'];
    const cells = JSON.parse(run('search', 'bound-port-kept', ...args).stdout);
    expect(cells.map(({ variant, outcome }: Record<string, string>) => [variant, outcome])).toEqual([
      ['stock', 'sampled'],
      ['tcp-rehash', 'violated'],
    ]);
  });

  it('search exits 0 when nothing is violated, and 3 when the budget ends first', () => {
    expect(run('search', 'ip-checksum-correct', '--variant', 'stock', '--runs', '500').status).toBe(0);
    expect(
      run('search', 'ip-checksum-correct', '--variant', 'stock', '--runs', '100000000', '--budget', '0.2').status,
    ).toBe(3);
  });

  it('search --save writes a file that replay finds violated', () => {
    mkdirSync(join(folder, 'counterexamples'), { recursive: true });
    run('search', 'explicit-source-kept', '--variant', 'icmp-only', '--runs', '1000', '--save');
    const saved = join('counterexamples', 'explicit-source-kept', 'icmp-only.json');
    const replayed = run('replay', saved);
    expect(replayed.stdout).toContain('violates explicit-source-kept');
    expect(replayed.status).toBe(1);
    expect(run('replay', saved, '--variant', 'stock').status).toBe(0);
    expect(JSON.parse(run('replay', saved, '--json').stdout)).toEqual([
      {
        file: saved,
        variant: 'icmp-only',
        release: '6.1',
        property: 'explicit-source-kept',
        violations: [{ property: 'explicit-source-kept', event: expect.any(Number) }],
        asStored: true,
      },
    ]);
  });

  it('list names properties and variants, as text and as JSON', () => {
    const variants: readonly { readonly name: string; readonly group: string }[] = JSON.parse(
      run('list', 'variants', '--json').stdout,
    );
    expect(variants.map(({ name }) => name)).toEqual(kernels.map(({ name }) => name));
    expect(new Set(variants.map(({ group }) => group)).size).toBeGreaterThan(3);
    expect(run('list', 'variants').stdout).toMatch(/^variants: matrix\nstock\n {4}.*\n/);
    expect(run('list', 'syn-filters').stdout).toContain('| `tp->tcp_header_len == skb->len` ');
    const listed = JSON.parse(run('list', 'properties', '--json').stdout);
    expect(listed.map(({ name }: { readonly name: string }) => name)).toEqual(properties.map(({ id }) => id));
    expect(listed[0].claim).toBe(properties[0]?.claim);
  });

  it('--help and --version answer on standard output', () => {
    expect(run('--help').status).toBe(0);
    expect(run('--version').stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(run('conformance', 'mutants', '--help').stdout).toContain('Usage: reroute-check conformance mutants ');
    const named = (command: Command): readonly (readonly [words: string, described: string])[] =>
      command.commands.flatMap((one) => [
        [one.name(), one.description()] as const,
        ...named(one).map(([words, described]) => [`${one.name()} ${words}`, described] as const),
      ]);
    const verbs = named(program());
    expect(verbs.filter(([, described]) => described === '')).toEqual([]);
    const expected = [
      'review',
      'prove',
      'coverage',
      'conformance mutants',
      'kernel build',
      'kernel random',
      'route get',
    ];
    expect(verbs.map(([words]) => words)).toEqual(expect.arrayContaining(expected));
  });

  it('in an installed package, verbs that need the sources say so in one line and exit 4', () => {
    const installed = mkdtempSync(join(tmpdir(), 'reroute-check-'));
    cpSync('dist', join(installed, 'dist'), { recursive: true });
    symlinkSync(resolve('node_modules'), join(installed, 'node_modules'));
    writeFileSync(join(installed, 'package.json'), '{ "type": "module" }');
    for (const words of [['coverage'], ['conformance', 'mutants'], ['conformance', '--save']]) {
      const args = [join(installed, 'dist', 'reroute-check.js'), ...words];
      const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', cwd: installed });
      expect({ status, stdout }).toEqual({ status: 4, stdout: '' });
      expect(stderr).toMatch(/^reroute-check: .* needs the sources: .*\n$/);
    }
    expect(run('list', 'properties').status).toBe(0);
  });

  it('ends without a word when the reader of its output has gone', async () => {
    const child = spawn(process.execPath, [built, 'list', '--json'], {
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: folder,
    });
    child.stdout.destroy();
    let complaint = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint += text;
    });
    const [status] = await once(child, 'close');
    expect({ status, complaint }).toEqual({ status: 141, complaint: '' });
  });

  it('replay --on kernel without the tools says in one line what is missing, and exits 4', () => {
    const name = file('plain.json', { host: post, events: ['socket u udp', 'send u 4 to 8.8.8.8:53'] });
    const args = [built, 'replay', '--on', 'kernel', name];
    const env = { PATH: '' };
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', cwd: folder, env });
    expect([status, stdout, stderr.trimEnd().split('\n').length]).toEqual([4, '', 1]);
    expect(stderr).toMatch(/^reroute-check: the running kernel cannot be asked: /);
  });

  it.skipIf(prerequisites().length > 0)('replay --on kernel prints both traces side by side', () => {
    const name = file('both.json', { host: post, events: ['socket u udp', 'send u 4 to 8.8.8.8:53'] });
    for (const [variant, saddr] of [
      ['stock', '10.0.0.1'],
      ['masquerade', '10.1.0.1'],
    ] as const) {
      const { status, stdout } = run('replay', '--on', 'kernel', '--variant', variant, name);
      const packet = `eth1 ${saddr}:\\d+ > 8\\.8\\.8\\.8:53 udp 4`;
      expect(stdout).toMatch(new RegExp(`${packet} +${packet}\n`));
      expect(stdout).toContain('The model and the kernel agree.');
      expect(status).toBe(0);
    }
  });
});
