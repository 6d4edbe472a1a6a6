/** Makes functions of a compiled text: the one place where code is made from text. */
import type { Compiled } from './unit.ts';

/**
 * The functions that a compiled text exports. They reach what `bindings` has and nothing else: every other name in the
 * code is a variable or a function of the text itself, or, of lifted code, `$`: the runtime.
 */
export function instantiate(
  { code, bindings: names, exports }: Pick<Compiled, 'code' | 'bindings' | 'exports'>,
  bindings: Readonly<Record<string, unknown>>,
  runtime?: unknown,
): Readonly<Record<string, (...args: readonly unknown[]) => unknown>> {
  const missing = names.filter((name) => bindings[name] === undefined);
  if (missing.length > 0) throw new Error(`internal error: the model has no ${missing.join(', ')}`);
  const body = `'use strict';\nconst { ${names.join(', ')} } = $bindings;\n${code.replace(/^export /gm, '')}\nreturn { ${exports.join(', ')} };`;
  return new Function('$bindings', '$', body)(bindings, runtime);
}
