import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { counterexampleFiles } from '../../cli/files.ts';
import { type ExportOptions, exportVerb } from '../../cli/verbs/export.ts';
import { prerequisites } from '../../conformance/running/player.ts';
import { loadScenario } from '../../scenario/scenario.ts';

const folder = mkdtempSync(join(tmpdir(), 'export-'));
afterAll(() => rmSync(folder, { recursive: true }));

const FILE = 'counterexamples/transport-checksum-correct/tcp-rehash.json';
const CRASH = 'counterexamples/kernel-survives/tcp-rehash.json';

function exported(file: string, as: ExportOptions['as'], variant?: string): string {
  const output = join(folder, 'exported');
  exportVerb(file, variant === undefined ? { as, output } : { as, output, variant });
  return readFileSync(output, 'utf8');
}

/** Whether a value is one of ADR 015: true or false, text, a number as text, a list, a record, or a map of pairs. */
function isItf(value: unknown): boolean {
  if (typeof value === 'boolean' || typeof value === 'string') return true;
  if (Array.isArray(value)) return value.every(isItf);
  if (typeof value !== 'object' || value === null) return false;
  const [[name = '', inner] = [], ...more] = Object.entries(value);
  if (!name.startsWith('#')) return Object.entries(value).every(([key, one]) => !key.startsWith('#') && isItf(one));
  if (more.length > 0) return false;
  if (name === '#bigint') return typeof inner === 'string' && /^-?\d+$/.test(inner);
  const pairs = (all: readonly unknown[]) =>
    all.every((pair) => Array.isArray(pair) && pair.length === 2 && isItf(pair));
  return name === '#map' && Array.isArray(inner) && pairs(inner);
}

describe('itf', () => {
  test.each([FILE, CRASH])('%s has the values of Apalache’s ADR 015 alone', (file) => {
    const { states } = JSON.parse(exported(file, 'itf')) as { readonly states: readonly Record<string, unknown>[] };
    for (const { '#meta': _, ...values } of states) {
      for (const [name, value] of Object.entries(values)) expect([name, isItf(value)]).toEqual([name, true]);
    }
    expect(isItf({ n: 1 })).toBe(false);
  });

  test('has a state for every step, each with every variable', () => {
    const trail = JSON.parse(exported(FILE, 'itf'));
    expect(trail['#meta'].format).toBe('ITF');
    expect(trail.states.length).toBeGreaterThan(30);
    for (const [index, state] of trail.states.entries()) {
      expect(Object.keys(state)).toEqual(['#meta', ...trail.vars]);
      expect(state['#meta']).toEqual({ index });
    }
    const [, socket] = trail.states.at(-1).sockets['#map'][0];
    expect(socket).toMatchObject({ state: 'ESTABLISHED', saddr: '10.0.0.1', sport: { '#bigint': '32770' } });
  });
});

describe('mermaid', () => {
  test('has its participants, an arrow for every step between them, and no sign that it takes for its own', () => {
    const [head, , ...lines] = exported(FILE, 'mermaid').trimEnd().split('\n');
    expect(head).toBe('sequenceDiagram');
    const participants = lines.flatMap((line) => /^ {2}participant (\w+) as /.exec(line)?.slice(1) ?? []);
    expect(participants).toContain('hash_tables');
    const steps = lines.slice(participants.length);
    const arrow = new RegExp(`^ {2}(?:(?:${participants.join('|')})->>|Note over )(?:${participants.join('|')}): [^;]`);
    expect(steps.filter((line) => !arrow.test(line))).toEqual([]);
    expect(steps.filter((line) => /;/.test(line.replace(/#\d+;/g, '')))).toEqual([]);
  });

  test('a crash is a note, the last thing before the promises that it breaks', () => {
    const lines = exported(CRASH, 'mermaid').trimEnd().split('\n');
    const at = lines.findIndex((line) => line.includes('oops in inet_put_port'));
    expect(lines[at]).toMatch(/^ {2}Note over hash_tables: /);
    expect(lines.slice(at + 1).every((line) => line.includes('violates'))).toBe(true);
  });
});

describe('packetdrill', () => {
  test('a script for one TCP connection', () => {
    const lines = exported(FILE, 'packetdrill').split('\n');
    expect(lines).toContain('+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)');
    expect(lines).toContain('+.01 < S. 0:0(0) ack 1 win 65535 <mss 1460>');
  });

  test('or the reason why there is none', () => {
    expect(() => exported(CRASH, 'packetdrill')).toThrow('packetdrill plays one TCP connection');
    expect(() => exported('experiments/1-ping-version-1.json', 'packetdrill')).toThrow('other sockets');
  });
});

describe('netns', () => {
  test('is one script of a shell that can be read: finding, host and events stand at its head', () => {
    const text = exported(FILE, 'netns');
    const { host, events } = loadScenario(FILE);
    for (const line of [...host, ...events]) expect(text).toContain(`\n#   ${line}\n`);
    const checked = spawnSync('sh', ['-n'], { input: text, encoding: 'utf8' });
    expect([checked.status, checked.stderr]).toEqual([0, '']);
  });

  test('one that crashes the kernel does not run unasked', () => {
    const { status, stderr } = spawnSync('sh', [], { input: exported(CRASH, 'netns'), encoding: 'utf8' });
    expect(status).toBe(4);
    expect(stderr).toMatch(/CRASH=yes|not root|not installed/);
  });

  const missing = prerequisites();
  const said = missing.length === 0 ? '' : ` (skipped: ${missing.join(', ')})`;
  const stock = counterexampleFiles().filter((file) => /\/stock\.json$/.test(file));
  test.skipIf(missing.length > 0).for(stock)(
    `%s is seen on the running kernel${said}`,
    { timeout: 60_000 },
    (file, { skip }) => {
      const { status, stdout } = spawnSync('sh', [], { input: exported(file, 'netns'), encoding: 'utf8' });
      skip(stdout.includes('this machine cannot build the host'), stdout.trim());
      expect(stdout).toContain(`${loadScenario(file).finding}`);
      expect(status).toBe(0);
    },
  );

  test.skipIf(missing.length > 0)(`what the running kernel does not do is not seen${said}`, { timeout: 60_000 }, () => {
    const { status, stdout } = spawnSync('sh', [], { input: exported(FILE, 'netns'), encoding: 'utf8' });
    expect(stdout).toContain('DIFFERENT');
    expect(status).toBe(1);
  });
});

describe('vitest', () => {
  test('names the promise, the kernel and the packets', () => {
    const text = exported(FILE, 'vitest');
    expect(text).toContain("expect(brokenBy(run)).toContain('transport-checksum-correct');");
    expect(text).toContain("variantNamed('tcp-rehash', '6.1')");
  });
});

describe('mail', () => {
  test('has at most 80 columns and the whole story', () => {
    const text = exported(FILE, 'mail');
    expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
    expect(text).toContain('ipt_mangle_out(), model/patch/tcp-rehash.c:');
  });
});
