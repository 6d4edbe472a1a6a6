import { bulkSearch } from './search/bulk.ts';
import { variants } from './model/variants/index.ts';
import { properties } from './properties/index.ts';
import { minimise } from './search/minimise.ts';
import { breaks, legalRun } from './search/review.ts';
import { firstBroken } from './search/play.ts';
import { finding } from './search/finding.ts';
import { traceText } from './search/scenario/trace.ts';
let t = performance.now();
const { tallies, runs } = bulkSearch({ properties, kernels: variants, seed: 1, runs: Number(process.argv[2] ?? 2000), budget: 60000, failures: 2, progress() {} });
console.log('runs', runs, 'in', ((performance.now() - t) / 1000).toFixed(1), 's');
const only = process.argv[3];
for (const t of tallies) console.log(t.property.id.padEnd(32), t.kernel.name.padEnd(12), t.failures.length ? 'VIOLATED' : 'ok', t.runs, t.occurred);
for (const t of tallies) if (t.failures.length && (!only || only.split(',').includes(t.kernel.name))) {
  const t0 = performance.now();
  const m = minimise(t.failures[0]!.text, (x) => breaks(t.property, t.kernel, x));
  console.log('\n###', t.property.id, t.kernel.name, (performance.now() - t0).toFixed(0), 'ms');
  const run = legalRun(t.kernel, m); if (!run) { console.log('ILLEGAL', JSON.stringify(m)); continue; }
  console.log(m.host.join('\n')); console.log(m.events.join(' | ')); console.log('=>', finding(t.property, run, firstBroken(t.property, run)));
  console.log(traceText(run).join('\n'));
}
