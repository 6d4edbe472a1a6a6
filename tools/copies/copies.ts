/**
 * Makes `{ ...record, field: value }` and `list = [...list, item]` fast in the native model.
 *
 * V8 gives every copy of a copy a new hidden class, so that a chain of worlds, each spread from the last, copies field
 * by field through the runtime: some 40 times slower than a literal (`npm run bench` shows it). This step rewrites
 * records, when the model is loaded, into objects of one constructor per list of fields, and copies into calls of it
 * (`copyRuntime.ts`), pushes to lists that nobody else sees (`appends.ts`), lets the effects of a step grow in one
 * list (`effectLog.ts`), and questions of properties remember their answer (`remembered.ts`). Nothing else changes: the
 * same fields, evaluated in the same order.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Plugin as EsbuildPlugin } from 'esbuild';
import MagicString from 'magic-string';
import { parseSync } from 'oxc-parser';
import type { Plugin as VitePlugin } from 'vite';
import { findAppends } from './appends.ts';
import { childrenOf, isPlain, type Node } from './ast.ts';
import { remember } from './remembered.ts';

const RUNTIME = fileURLToPath(new URL('./copyRuntime.ts', import.meta.url));

/** Files that are rewritten: the model and the properties. */
const REWRITTEN = /[\\/](?:model|properties)[\\/][^?]*\.(?:ts|c)$/;

/** What stands in for a file of the model. */
const EFFECTS = /[\\/]model[\\/]types[\\/]effects\.ts$/;
const EFFECT_LOG = fileURLToPath(new URL('./effectLog.ts', import.meta.url));

/** The native form of a file; undefined when it stays as it is. */
function nativeOf(path: string, source: string): { code: string; map: string } | undefined {
  return EFFECTS.test(path) ? rewriteCopies(EFFECT_LOG, readFileSync(EFFECT_LOG, 'utf8')) : rewriteCopies(path, source);
}

function nameOf(field: Node): string {
  return (field.key as Node).name as string;
}

/** Rewrites the records of a file; undefined when it has none. */
export function rewriteCopies(path: string, source: string): { code: string; map: string } | undefined {
  const edits = new MagicString(source);
  let sites = '';
  let count = 0;

  /** `body` is the block of the innermost function, where a copy is held while its fields are set. */
  const visit = (node: Node, body: Node | undefined): void => {
    const inner =
      node.type === 'FunctionDeclaration' || node.type === 'FunctionExpression' ? (node.body as Node) : body;
    if (node.type === 'ObjectExpression') {
      const [first, ...rest] = node.properties as readonly Node[];
      if (body !== undefined && first?.type === 'SpreadElement' && rest.every(isPlain))
        rewriteCopy(node, body, first, rest);
      else if (first !== undefined && isPlain(first) && rest.every(isPlain)) rewriteRecord(node, [first, ...rest]);
    }
    for (const child of childrenOf(node)) visit(child, inner);
  };

  const rewriteCopy = (node: Node, body: Node, spread: Node, fields: readonly Node[]): void => {
    const record = spread.argument as Node;
    const held = `$copy${count}`;
    sites += `const $site${count} = { fields: [${fields.map((field) => `'${nameOf(field)}'`)}], known: undefined, copy: undefined };\n`;
    edits.appendRight(body.start + 1, ` let ${held};`);
    const site = `$site${count}`;
    edits.update(node.start, record.start, `(${held} = (`);
    edits.appendLeft(
      record.end,
      `), ${held} = ${held}.constructor === ${site}.known ? ${site}.copy(${held}) : $copy(${held}, ${site})`,
    );
    for (const field of fields) setValue(field, `${held}.${nameOf(field)} = `);
    edits.update((fields.at(-1) ?? spread).end, node.end, `, ${held})`);
    count++;
  };

  const rewriteRecord = (node: Node, fields: readonly Node[]): void => {
    sites += `const $Record${count} = $record('${fields.map(nameOf)}');\n`;
    edits.update(node.start, (fields[0] as Node).start, `($Record${count}(`);
    for (const field of fields) setValue(field, '');
    edits.update((fields.at(-1) as Node).end, node.end, '))');
    count++;
  };

  /** Puts `before` in the place of a field's name. */
  const setValue = (field: Node, before: string): void => {
    const value = field.value as Node;
    if (field.shorthand) edits.appendRight(field.start, before);
    else edits.update(field.start, value.start, before || ' ');
  };

  const program = parseSync(path, source, { preserveParens: true }).program as unknown as Node;
  visit(program, undefined);
  const appends = findAppends(program);
  for (const { list, node, items } of appends) {
    edits.update(node.start, (items[0] as Node).start, `(${list}.push(`);
    edits.update((items.at(-1) as Node).end, node.end, `), ${list})`);
  }
  remember(path, source, program, edits);
  if (!edits.hasChanged()) return undefined;
  edits.prepend(`import { copy as $copy, record as $record } from ${JSON.stringify(RUNTIME)};\n${sites}`);
  return {
    code: edits.toString(),
    map: edits.generateMap({ source: path, hires: true, includeContent: true }).toString(),
  };
}

export function vitePluginCopies(): VitePlugin {
  return {
    name: 'copies',
    enforce: 'pre',
    transform(source, id) {
      return REWRITTEN.test(id) ? nativeOf(id, source) : undefined;
    },
  };
}

export function esbuildPluginCopies(): EsbuildPlugin {
  return {
    name: 'copies',
    setup(build) {
      build.onLoad({ filter: REWRITTEN, namespace: 'file' }, ({ path }) => {
        const source = readFileSync(path, 'utf8');
        const rewritten = nativeOf(path, source);
        if (rewritten === undefined) return { contents: source, loader: 'ts' };
        const map = Buffer.from(rewritten.map).toString('base64');
        return {
          contents: `${rewritten.code}\n//# sourceMappingURL=data:application/json;base64,${map}`,
          loader: 'ts',
        };
      });
    },
  };
}
