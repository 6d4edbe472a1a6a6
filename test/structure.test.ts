/** The floor plan that CONTRIBUTING.md describes: every room, which may import which, and which C file a twin follows. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stock } from '../model/patch/stock.ts';
import { FURTHER, ROOMS as PLAN } from '../tools/rooms.ts';

/** The rooms that each room may import; what a room may import, those above it may, too. */
const ROOMS: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  PLAN.map(({ folder, imports }) => [folder, imports]),
);

/** Folders that the plan need not name. */
const UNNAMED = ['examples', 'node_modules', 'dist', 'coverage'];

/** Rooms that import no package: people and the solver read them. */
const PLAIN = ['model/types', 'model/kernel', 'model/host', 'model/patch', 'properties'];

function roomOf(path: string): string {
  const names = Object.keys(ROOMS).filter((room) => path.startsWith(`${room}/`));
  return names.sort((a, b) => b.length - a.length)[0] ?? '';
}

function sources(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));
}

const files = [...new Set(Object.keys(ROOMS).flatMap(sources))];

function importsOf(file: string): readonly string[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/(?:^|\n)\s*(?:import|export)\b[^;]*?\bfrom\s+'([^']+)'|\bimport\('([^']+)'\)/g)].map(
    (m) => (m[1] ?? m[2]) as string,
  );
}

/** The names that a file imports, as they are called where they come from. */
function importedNames(file: string): readonly string[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/(?:^|\n)import\s*\{([^}]*)\}/g)].flatMap(([, names = '']) =>
    names.split(',').map((name) =>
      name
        .trim()
        .replace(/^type /, '')
        .replace(/ as .*/, ''),
    ),
  );
}

/** The files of this repository that a file imports. */
function targetsOf(file: string): readonly string[] {
  return importsOf(file)
    .filter((name) => name.startsWith('.'))
    .map((name) => normalize(join(dirname(file), name.replace(/\?.*$/, ''))));
}

describe('the floor plan', () => {
  it('names every folder', () => {
    const top = readdirSync('.', { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
      .map(({ name }) => name);
    const further = FURTHER.map(({ folder }) => folder);
    const known = new Set([...Object.keys(ROOMS).map((room) => room.replace(/\/.*/, '')), ...further, ...UNNAMED]);
    expect(top.filter((name) => !known.has(name))).toEqual([]);
    const inModel = readdirSync('model').map((name) => `model/${name}`);
    expect(inModel.filter((name) => ROOMS[name] === undefined)).toEqual([]);
  });

  it('lets a room import only what stands below it', () => {
    const wrong = files.flatMap((file) =>
      targetsOf(file)
        .filter((target) => roomOf(target) !== '' && roomOf(target) !== roomOf(file))
        .filter((target) => !(ROOMS[roomOf(file)] as readonly string[]).includes(roomOf(target)))
        .map((target) => `${file} imports ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it('has nothing below the command line that builds it or starts it; tools/build.ts builds the whole program', () => {
    const below = files.filter((file) => roomOf(file) !== 'cli' && file !== join('tools', 'build.ts'));
    expect(below.filter((file) => /['"`/]cli\//.test(readFileSync(file, 'utf8')))).toEqual([]);
  });

  it('has no circle between rooms', () => {
    const below = (room: string, seen: readonly string[]): boolean =>
      (ROOMS[room] as readonly string[]).some((next) => seen.includes(next) || below(next, [...seen, next]));
    expect(Object.keys(ROOMS).filter((room) => below(room, [room]))).toEqual([]);
  });

  it('keeps packages out of the rooms that the solver reads', () => {
    const wrong = files
      .filter((file) => PLAIN.includes(roomOf(file)))
      .flatMap((file) =>
        importsOf(file)
          .filter((name) => !name.startsWith('.'))
          .map((name) => `${file} imports ${name}`),
      );
    expect(wrong).toEqual([]);
  });
});

describe('a property', () => {
  it('calls through the kernel what kernels replace', () => {
    const replaced = Object.entries(stock).flatMap(([name, value]) => (typeof value === 'function' ? [name] : []));
    expect(replaced).toContain('inet_lookup');
    const wrong = sources('properties').flatMap((file) =>
      importedNames(file)
        .filter((name) => replaced.includes(name))
        .map((name) => `${file} imports ${name}: kernel.${name}() is the one of the run`),
    );
    expect(wrong).toEqual([]);
  });
});

describe('a twin', () => {
  /** Each documented declaration of a file, with the C files that the `C:` line of its comment cites. */
  function citations(file: string): readonly { readonly name: string; readonly cited: readonly string[] }[] {
    const text = readFileSync(file, 'utf8');
    const declarations = /\/\*\*((?:(?!\*\/)[\s\S])*?)\*\/\s*(?:export )?(?:function|const|interface|type) (\w+)/g;
    return [...text.matchAll(declarations)].flatMap(([, comment = '', name = '']) => {
      const [, line] =
        comment.replace(/\n \*/g, ' ').match(/(?<!RF)\bC: ([\s\S]*?)(?:(?:Patch|Observed|Left out|RFC):|$)/) ?? [];
      if (line === undefined) return [];
      return [
        { name, cited: [...line.matchAll(/\b(?:include|net|lib|drivers|kernel)\/[\w/.-]+\.[ch]\b/g)].map(String) },
      ];
    });
  }

  it('cites the C file that its path names, or a header, which counts for the file that includes it', () => {
    const wrong = sources('model/kernel').flatMap((file) => {
      const own = file.slice('model/kernel/'.length).replace(/\.ts$/, '');
      return citations(file)
        .filter(({ cited }) => !cited.some((path) => path.replace(/\.[ch]$/, '') === own))
        .filter(({ cited }) => cited.length === 0 || !cited.every((path) => path.endsWith('.h')))
        .map(({ name, cited }) => `${file}: ${name} cites ${cited.join(', ') || 'no file'}`);
    });
    expect(wrong).toEqual([]);
  });

  it('is cited in more than five hundred places', () => {
    expect(sources('model/kernel').flatMap(citations).length).toBeGreaterThan(500);
  });
});
