/** Rewrites a file so that every condition in it tells what it came to. */
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { cwd } from 'node:process';
import { fileURLToPath } from 'node:url';
import type { Plugin } from 'esbuild';
import MagicString from 'magic-string';
import { type Program, parseSync, Visitor } from 'oxc-parser';

const RUNTIME = fileURLToPath(new URL('./branches.ts', import.meta.url));

/** The functions that the patch replaces, what they share, and the second lookup of the stock kernel. */
const INSTRUMENTED =
  /[\\/]model[\\/](?:patch[\\/](?:icmp-only|tcp-rehash|mended|reroute)|kernel[\\/]net[\\/]ipv4[\\/]netfilter)\.ts$/;

/** The source with each condition of if, ?:, && and || wrapped. */
export function instrument(path: string, source: string): string {
  const edits = new MagicString(source);
  const file = relative(cwd(), path);
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
  return `import { site as $site, cover as $cover } from ${JSON.stringify(RUNTIME)};\n${heads}${edits.toString()}`;
}

export function esbuildPluginInstrument(): Plugin {
  return {
    name: 'instrument',
    setup(build) {
      build.onLoad({ filter: INSTRUMENTED }, ({ path }) => ({
        contents: instrument(path, readFileSync(path, 'utf8')),
        loader: 'ts',
      }));
    },
  };
}
