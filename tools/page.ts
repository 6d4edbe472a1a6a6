/** Builds the page of the report: one file with its style, its program and the watched model; the data comes later. */
import { readdirSync, readFileSync } from 'node:fs';
import { build } from 'esbuild';
import { esbuildPluginC } from '../compiler/plugins.ts';
import { scriptJson } from '../report/pageData.ts';
import { esbuildPluginWatch } from './watch/watchPlugins.ts';

const FOLDER = 'report/page';
const PATCH = 'model/patch';

async function minified(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [`${FOLDER}/${entry}`],
    bundle: true,
    write: false,
    minify: true,
    format: 'iife',
    platform: 'browser',
    target: 'es2022',
    charset: 'utf8',
    plugins: [esbuildPluginWatch(), esbuildPluginC()],
    logLevel: 'warning',
    logOverride: { 'import-is-undefined': 'error' },
  });
  return outputFiles[0]?.text ?? '';
}

/** The patch's own files by path, for the page to show the line that runs. */
function texts(): Readonly<Record<string, string>> {
  const files = readdirSync(PATCH).filter((name) => /\.[ch]$/.test(name));
  return Object.fromEntries(files.map((name) => [`${PATCH}/${name}`, readFileSync(`${PATCH}/${name}`, 'utf8')]));
}

/** The page without its data. */
export async function buildPage(): Promise<string> {
  const program = (await minified('main.ts')).replace(/<\/(script)/gi, '<\\/$1').replace(/<!--/g, '<\\!--');
  const style = await minified('page.css');
  return readFileSync(`${FOLDER}/page.html`, 'utf8')
    .replace('/*STYLE*/', () => style)
    .replace('"TEXTS"', () => scriptJson(texts()))
    .replace('/*PROGRAM*/', () => program);
}
