/** The built program, called as a user calls it. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { beforeAll, describe, expect, it } from 'vitest';
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

beforeAll(() => {
  execFileSync('npm', ['run', 'build'], { stdio: 'ignore' });
}, 60_000);

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
  ])('%s', (_, args) => {
    const { status, stdout } = run(...args);
    expect(status).toBe(2);
    expect(stdout).toBe('');
  });
});

describe('verbs', () => {
  it('search finds, prints the command that repeats it, and exits 1', () => {
    const first = run('search', 'bound-port-kept', '--variant', 'tcp-rehash', '--runs', '4000');
    expect(first.status).toBe(1);
    const again = /again: reroute-check (.*)/.exec(first.stdout)?.[1] ?? '';
    expect(again).toMatch(/--seed 1 --path \d+:\d+/);
    const second = run(...again.split(' '));
    expect(second.status).toBe(1);
    expect(second.stdout).toContain('bound-port-kept on tcp-rehash: violated');
  });

  it('search exits 0 when nothing is violated, and 3 when the budget ends first', () => {
    expect(run('search', 'ip-checksum-correct', '--variant', 'stock', '--runs', '500').status).toBe(0);
    expect(
      run('search', 'ip-checksum-correct', '--variant', 'stock', '--runs', '100000000', '--budget', '0.2').status,
    ).toBe(3);
  });

  it('search --save writes a file that replay finds violated', () => {
    mkdirSync(join(folder, 'counterexamples'), { recursive: true });
    run('search', 'explicit-source-kept', '--variant', 'icmp-only', '--runs', '4000', '--save');
    const saved = join('counterexamples', 'explicit-source-kept', 'icmp-only.json');
    const replayed = run('replay', saved);
    expect(replayed.stdout).toContain('violates explicit-source-kept');
    expect(replayed.status).toBe(1);
    expect(run('replay', saved, '--variant', 'stock').status).toBe(0);
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
