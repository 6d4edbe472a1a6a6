/**
 * Rewrites a file of the dialect so that its operators and branches also accept solver terms.
 *
 * The rewriting is closed: a construct without a rule is refused with its place, so nothing escapes unnoticed.
 */
import { parseSync } from 'oxc-parser';
import { Lifting } from './lift/lifting.ts';
import { liftProgram } from './lift/modules.ts';
import { refusalsOf, SourceFile } from './lift/source.ts';

export interface LiftOptions {
  /** How the lifted file imports the runtime. */
  readonly runtime: string;
  /** Whether imports from this specifier stay as they are; a function body must not use them. None by default. */
  readonly isNative?: (specifier: string) => boolean;
}

export interface Lifted {
  readonly code: string;
  readonly map: string;
}

/** A file uses something outside the dialect; one line for each place. */
export class DialectError extends Error {
  readonly errors: readonly string[];

  constructor(errors: readonly string[]) {
    super(`outside the dialect:\n${errors.join('\n')}`);
    this.errors = errors;
    this.name = 'DialectError';
  }
}

/** Everything in a file that is outside the dialect, as `path:line:column: construct`. */
export function dialectErrors(path: string, text: string, isNative?: LiftOptions['isNative']): string[] {
  return refusalsOf(rewrite(path, text, isNative));
}

/** The lifted twin of a file. Throws a DialectError when something in it is outside the dialect. */
export function lift(path: string, text: string, options: LiftOptions): Lifted {
  const source = rewrite(path, text, options.isNative);
  const errors = refusalsOf(source);
  if (errors.length > 0) throw new DialectError(errors);
  source.edits.prepend(`import * as $ from ${JSON.stringify(options.runtime)};`);
  const map = source.edits.generateMap({ source: path, includeContent: true, hires: 'boundary' });
  return { code: source.edits.toString(), map: map.toString() };
}

function rewrite(path: string, text: string, isNative: LiftOptions['isNative']): SourceFile {
  const { program, errors } = parseSync(path, text, { lang: 'ts', preserveParens: true });
  const source = new SourceFile(path, text);
  for (const error of errors) source.refuse(error.labels[0]?.start ?? 0, error.message);
  if (errors.length === 0) liftProgram(new Lifting(source, isNative ?? (() => false)), program);
  return source;
}
