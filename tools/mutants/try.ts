import { runMutants } from './run.ts';

const [variant = 'tcp-rehash-mended', seconds = '60'] = process.argv.slice(2);
const t0 = Date.now();
const all = await runMutants({
  folder: process.cwd(),
  what: variant,
  sample: Number(process.argv[4] ?? 0),
  seed: 1,
  seconds: Number(seconds),
  progress: (w) => process.stderr.write(`${w} ${((Date.now() - t0) / 1000).toFixed(0)}s\n`),
});
for (const m of all)
  if (!m.promise && !m.invalid)
    console.log(`${m.file}:${m.line} ${m.kind} [${m.from}] -> [${m.to}] reached ${m.reached} different ${m.different}`);
console.log(all.length, 'invalid', all.filter((m) => m.invalid).length, 'killed', all.filter((m) => m.promise).length);
