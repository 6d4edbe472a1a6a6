/** A test for vitest that plays the scenario with the installed package. */
import { type Exported, sentenceOf } from './exported.ts';

function quote(text: string): string {
  return `'${text.replace(/\\/g, '\\\\').replace(/'/g, "\\'")}'`;
}

function list(name: string, lines: readonly string[]): string {
  return `const ${name} = [\n${lines.map((line) => `  ${quote(line)},\n`).join('')}];\n`;
}

export function vitest(exported: Exported): string {
  const { scenario, variant, release, trace } = exported;
  const { property, host, events, picks } = scenario;
  const picked = picks === undefined ? '' : `, picks: ${JSON.stringify(picks)}`;
  const broken = property ?? trace.violations[0]?.property;
  const asks =
    broken === undefined
      ? '  expect(brokenBy(run)).toEqual([]);\n'
      : `  expect(brokenBy(run)).toContain(${quote(broken)});\n`;
  const oops = trace.outcome !== 'ok' && 'oops' in trace.outcome ? trace.outcome.oops : '';
  const packets = trace.packets.map(({ event, dev, saddr, daddr, checksum }) => ({
    event,
    dev,
    saddr,
    daddr,
    checksum,
  }));
  const shows =
    oops === ''
      ? `  expect(trace(run).packets).toMatchObject(${JSON.stringify(packets, null, 2).replace(/\n/g, '\n  ')});\n`
      : `  expect(trace(run).outcome).toMatchObject({ oops: ${quote(oops)} });\n`;
  return `// ${sentenceOf(exported)}
import { brokenBy, play, scenario, trace, variantNamed } from 'reroute-check';
import { expect, test } from 'vitest';

${list('host', host)}${list('events', events)}
test(${quote(`${broken ?? 'every promise'} on ${variant}, Linux ${release}`)}, () => {
  const run = play(variantNamed(${quote(variant)}, ${quote(release)}), scenario({ host, events${picked} }));
${asks}${shows}});
`;
}
