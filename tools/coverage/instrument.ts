/** Rewrites a file so that every condition in it tells what it came to. */
import { join, relative } from 'node:path';
import type { Plugin } from 'esbuild';
import MagicString from 'magic-string';
import { type Program, parseSync, Visitor } from 'oxc-parser';
import { COMPILED, readModule } from '../../compiler/readModule.ts';

/** The functions that the patch replaces, what they share, and the second lookup of the stock kernel. */
const INSTRUMENTED = [
  'model/patch/icmp-only.c',
  'model/patch/tcp-rehash.c',
  'model/patch/icmp-only-mended.c',
  'model/patch/tcp-rehash-mended.c',
  'model/kernel/net/ipv4/netfilter.ts',
  'model/kernel/net/ipv4/netfilter/iptable_mangle.ts',
];

/** Where a statement of C stands, before the lines that it became. */
const NOTE = /^ *\/\/ (.*):(\d+)$/gm;

/** The place of an offset: of C the statement's. */
export function placeOf(file: string, before: string): readonly [file: string, line: number] {
  const note = COMPILED.test(file) ? [...before.matchAll(NOTE)].at(-1) : undefined;
  return note === undefined ? [file, before.split('\n').length] : [note[1] as string, Number(note[2])];
}

/** The source with each condition of if, ?:, && and || wrapped; `folder` has all sources. */
export function instrument(path: string, source: string, folder: string): string {
  const edits = new MagicString(source);
  const name = relative(folder, path);
  const runtime = join(folder, 'tools/coverage/branches.ts');
  let heads = '';
  let count = 0;
  const wrap = ({ start, end }: { start: number; end: number }) => {
    const [file, line] = placeOf(name, source.slice(0, start));
    const text = source.slice(start, end).replaceAll(/\s+/g, ' ');
    heads += `const $site${count} = $site(${JSON.stringify(file)}, ${line}, ${JSON.stringify(text)});\n`;
    edits.appendLeft(start, `$cover($site${count}, (`).appendRight(end, '))');
    count++;
  };
  const program: Program = parseSync(path.replace(COMPILED, '.js'), source).program;
  new Visitor({
    IfStatement: ({ test }) => wrap(test),
    ConditionalExpression: ({ test }) => wrap(test),
    LogicalExpression: ({ left }) => wrap(left),
  }).visit(program);
  return `import { site as $site, cover as $cover } from ${JSON.stringify(runtime)};\n${heads}${edits.toString()}`;
}

export function esbuildPluginInstrument(folder: string): Plugin {
  return {
    name: 'instrument',
    setup(build) {
      const left = new Set(INSTRUMENTED.map((file) => join(folder, file)));
      const all = new Set(left);
      build.onLoad({ filter: /\.(?:ts|c)$/ }, ({ path }) => {
        if (!all.has(path)) return undefined;
        left.delete(path);
        return { contents: instrument(path, readModule(path).text, folder), loader: 'ts' };
      });
      build.onEnd(() => ({ errors: [...left].map((file) => ({ text: `${file} is not part of what is measured` })) }));
    },
  };
}
