/** Puts the mutants of Stryker's instrumenter into files, so that one build can switch between them. */
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { Instrumenter } from '@stryker-mutator/instrumenter';
import type { Plugin } from 'esbuild';
import { flat } from './changes.ts';

/** A change of one place. */
export interface Mutant {
  readonly id: string;
  readonly file: string;
  readonly line: number;
  /** What kind of change it is, in Stryker's words. */
  readonly kind: string;
  readonly from: string;
  readonly to: string;
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

/** The text between two places of a source. */
function between(source: string, { start, end }: { start: Place; end: Place }): string {
  const lines = source.split('\n');
  const offset = ({ line, column }: Place) => lines.slice(0, line).reduce((sum, one) => sum + one.length + 1, column);
  return source.slice(offset(start), offset(end));
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
    const from = between(texts.get(fileName) as string, location);
    const line = location.start.line + 1;
    return { id, file: relative(folder, fileName), line, kind: mutatorName, from: short(from), to: short(replacement) };
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
