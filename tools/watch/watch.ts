/** Watched twins of files, parsed with oxc. */
import { parseSync } from 'oxc-parser';
import type { Node } from '../copies/ast.ts';
import { LISTENERS, type WatchOptions, watchStatements } from './statements.ts';

/** The watched twin of a text. */
export function watch(source: string, options: WatchOptions): { code: string; map: string } {
  const program = parseSync(options.path, source, { preserveParens: true }).program as unknown as Node;
  const edits = watchStatements(source, program, options);
  const names = Object.entries(LISTENERS).map(([name, told]) => `${told} as ${name}`);
  edits.prepend(`import { ${names.join(', ')} } from ${JSON.stringify(options.listener)};\n`);
  return {
    code: edits.toString(),
    map: edits.generateMap({ source: options.path, hires: true, includeContent: true }).toString(),
  };
}
