/** Rewrites a file so that every condition in it tells what it came to. */
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { Plugin } from 'esbuild';
import MagicString from 'magic-string';
import { type Program, parseSync, Visitor } from 'oxc-parser';

/** The functions that the patch replaces, what they share, and the second lookup of the stock kernel. */
const INSTRUMENTED = [
  'model/patch/icmp-only.ts',
  'model/patch/tcp-rehash.ts',
  'model/patch/mended.ts',
  'model/patch/reroute.ts',
  'model/kernel/net/ipv4/netfilter.ts',
  'model/kernel/net/ipv4/netfilter/iptable_mangle.ts',
];

/** The source with each condition of if, ?:, && and || wrapped; `folder` has all sources. */
export function instrument(path: string, source: string, folder: string): string {
  const edits = new MagicString(source);
  const file = relative(folder, path);
  const runtime = join(folder, 'tools/coverage/branches.ts');
  let heads = '';
  let count = 0;
  const wrap = ({ start, end }: { start: number; end: number }) => {
    const line = source.slice(0, start).split('\n').length;
    const text = source.slice(start, end).replaceAll(/\s+/g, ' ');
    heads += `const $site${count} = $site(${JSON.stringify(file)}, ${line}, ${JSON.stringify(text)});\n`;
    edits.appendLeft(start, `$cover($site${count}, (`).appendRight(end, '))');
    count++;
  };
  const program: Program = parseSync(path, source).program;
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
      build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        if (!all.has(path)) return undefined;
        left.delete(path);
        return { contents: instrument(path, readFileSync(path, 'utf8'), folder), loader: 'ts' };
      });
      build.onEnd(() => ({ errors: [...left].map((file) => ({ text: `${file} is not part of what is measured` })) }));
    },
  };
}
