/** Puts the mutants of Stryker's instrumenter into files, so that one build can switch between them. */
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Instrumenter } from '@stryker-mutator/instrumenter';
import type { Plugin } from 'esbuild';
import { flat } from './changes.ts';
import type { Replacement } from './mutantPlugin.ts';

/** A change of one place. */
export interface Mutant {
  readonly id: string;
  readonly file: string;
  readonly line: number;
  /** What kind of change it is, in Stryker's words. */
  readonly kind: string;
  readonly from: string;
  readonly to: string;
  readonly replacement: Replacement;
}

/** Mutators whose changes are no other kernel: texts of messages, lists and records that TypeScript would refuse. */
const LEFT_OUT = [
  'StringLiteral',
  'ObjectLiteral',
  'ArrayDeclaration',
  'ArrowFunction',
  'Regex',
  'MethodExpression',
  'OptionalChaining',
];

/** Nothing is said while it works. */
const silent = {
  isTraceEnabled: () => false,
  isDebugEnabled: () => false,
  isInfoEnabled: () => false,
  isWarnEnabled: () => false,
  isErrorEnabled: () => false,
  isFatalEnabled: () => false,
  trace() {},
  debug() {},
  info() {},
  warn() {},
  error() {},
  fatal() {},
};

/** A text without comments on one line of at most 120 characters. */
function short(text: string): string {
  const line = flat(text.replaceAll(/\/\/ .*$/gm, ''));
  return line.length > 120 ? `${line.slice(0, 117)}...` : line;
}

/** How many characters of a source stand before a place. */
function offsetOf(source: string, { line, column }: Place): number {
  const lines = source.split('\n').slice(0, line);
  return lines.reduce((sum, one) => sum + one.length + 1, column);
}

interface Place {
  readonly line: number;
  readonly column: number;
}

/** The mutants of those files, and what puts them into a build; `folder` has the sources. */
export async function mutantsOf(
  folder: string,
  files: readonly string[],
): Promise<{ mutants: readonly Mutant[]; plugin: Plugin }> {
  const sources = files.map((file) => ({ file, text: readFileSync(join(folder, file), 'utf8') }));
  const result = await new Instrumenter(silent).instrument(
    sources.map(({ file, text }) => ({ name: join(folder, file), mutate: true, content: text })),
    { plugins: null, excludedMutations: LEFT_OUT, ignorers: [], noHeader: false },
  );
  const texts = new Map(sources.map(({ file, text }) => [join(folder, file), text]));
  const made = result.mutants.filter(({ mutatorName }) => !LEFT_OUT.includes(mutatorName));
  const mutants = made.map(({ id, fileName, mutatorName, replacement, location }): Mutant => {
    const source = texts.get(fileName) as string;
    const [start, end] = [offsetOf(source, location.start), offsetOf(source, location.end)];
    const original = source.slice(start, end);
    const [file, line] = [relative(folder, fileName), location.start.line + 1];
    return {
      ...{ id, file, line, kind: mutatorName, from: short(original), to: short(replacement) },
      replacement: { file, start, end, original, text: replacement },
    };
  });
  const contents = new Map(result.files.map(({ name, content }) => [name, content]));
  const plugin: Plugin = {
    name: 'mutants',
    setup(build) {
      build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const text = contents.get(path);
        return text === undefined ? undefined : { contents: text, loader: 'ts' };
      });
    },
  };
  return { mutants, plugin };
}
