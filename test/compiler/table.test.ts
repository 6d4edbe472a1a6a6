/** The table, and what the compiler makes with it of the texts of model/patch. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BINDINGS } from '../../compiler/bindings.ts';
import { table } from '../../compiler/table/index.ts';
import { compileText, moduleText } from '../../compiler/unit.ts';
import * as bindings from '../../model/patch/bindings.ts';
import * as errno from '../../model/types/errno.ts';
import * as packet from '../../model/types/packet.ts';
import * as route from '../../model/types/route.ts';
import * as sock from '../../model/types/sock.ts';
import * as verdict from '../../model/types/verdict.ts';
import { dialectErrors } from '../../solver/lift.ts';
import { readText, TEXTS } from './texts.ts';

/** Where the model's number is another one than the kernel's, and why. */
const DIFFERENT: Readonly<Record<string, string>> = {
  SOCK_RAW: 'the model tells kinds of sockets apart, C types',
  IP_CT_UNTRACKED: 'the model keeps 7 for packets without an entry; adapters.ts has the number of C',
};

describe('the table', () => {
  it('names what model/patch/bindings.ts has, all of it', () => {
    expect(Object.keys(bindings).sort()).toEqual([...BINDINGS].sort());
  });

  it('has the constants of the model', () => {
    const known = Object.entries({ ...errno, ...packet, ...route, ...sock, ...verdict }).filter(
      ([name, value]) => typeof value === 'number' && Object.hasOwn(table.constants, name),
    );
    expect(known.length).toBeGreaterThan(60);
    for (const [name, value] of known) {
      if (DIFFERENT[name] === undefined) expect([name, table.constants[name]?.value]).toEqual([name, value]);
      else expect([name, table.constants[name]?.value]).not.toEqual([name, value]);
    }
  });

  it('says what is read of the members of what the model has nothing of', () => {
    const silent = Object.entries(table.structures).flatMap(([name, { held, fields }]) =>
      Object.entries(fields)
        .filter(([, { type, read }]) => held === 'nothing' && read === undefined && !/^struct \w+$/.test(type))
        .map(([field]) => `${name}.${field}`),
    );
    expect(silent).toEqual([]);
  });

  it('cites a file of the kernel for every name, or of the patch that makes the test kernel', () => {
    const { functions, structures, constants, walks } = table;
    const rows = [functions, structures, constants, walks].flatMap((rows_) => Object.entries(rows_));
    expect(
      rows
        .filter(([, { file }]) => !/^(?:(?:include|net)\/[\w/.-]+\.[ch]|conformance\/patched\/glue\.patch)$/.test(file))
        .map(([name]) => name),
    ).toEqual([]);
  });
});

describe.each(TEXTS)('%s', (name) => {
  const compiled = compileText(readText(name), { include: readText, isTyped: true });

  it('becomes dialect', () => {
    const path = resolve('model/patch', `${name}.ts`);
    expect(dialectErrors(path, moduleText(compiled, './bindings.ts'))).toEqual([]);
  });

  it('has the types of the model', { timeout: 60_000 }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'typed-'));
    const types = [
      'CookieLength',
      'FlowI4',
      'Frame',
      'HookResult',
      'Kernel',
      'NfHookState',
      'Rtable',
      'SkBuff',
      'World',
      'WriteQueueSeg',
    ];
    try {
      writeFileSync(join(folder, 'text.ts'), moduleText(compiled, resolve('model/patch/bindings.ts'), types));
      const options = {
        extends: resolve('tsconfig.json'),
        compilerOptions: { types: [] },
        include: ['*.ts'],
        exclude: [],
      };
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(options));
      let output = '';
      try {
        execFileSync(resolve('node_modules/.bin/tsc'), ['--noEmit', '-p', folder], { encoding: 'utf8' });
      } catch (error) {
        output = (error as { stdout: string }).stdout;
      }
      expect(output).toBe('');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
