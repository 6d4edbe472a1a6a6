/** Programs that scenarios need are found in their commands, and named where the machine has none. */
import { expect, it } from 'vitest';
import { missingTools, toolsOf } from '../../conformance/tools.ts';

it('a scenario needs what its host or an operator in it calls', () => {
  expect(toolsOf([{ host: ['ip link add eth0 type veth peer name eth0p'], events: ['socket c tcp'] }])).toEqual([]);
  expect(toolsOf([{ host: ['ipset create far hash:ip'], events: ['host conntrack -F'] }])).toEqual([
    'ipset',
    'conntrack',
  ]);
});

it('what is missing is named once, by its package', () => {
  expect(missingTools(['sh'], { sh: 'dash' })).toEqual([]);
  expect(
    missingTools(['no-such-1', 'no-such-2', 'sh'], { 'no-such-1': 'one', 'no-such-2': 'one', sh: 'dash' }),
  ).toEqual(['not installed: one (apt-get install one)']);
});
