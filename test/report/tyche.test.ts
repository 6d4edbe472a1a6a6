import { expect, test } from 'vitest';
import { tcpRehash } from '../../model/patch/tcp-rehash.ts';
import { properties } from '../../properties/index.ts';
import type { Property } from '../../properties/property.ts';
import { observations } from '../../report/tyche.ts';

test('every drawn scenario is a line with its status, its text and its features; the same for the same seed', () => {
  const property = properties.find(({ id }) => id === 'source-fits-route') as Property;
  const lines = observations(property, tcpRehash, 150, 3).map((line) => JSON.parse(line));
  expect(lines).toHaveLength(150);
  for (const line of lines) {
    expect(line).toMatchObject({ type: 'test_case', property: 'source-fits-route on tcp-rehash' });
    expect(['passed', 'failed', 'gave_up']).toContain(line.status);
    expect(line.representation).toBe([...line.arguments.host, ...line.arguments.events].join('\n'));
    expect(line.features.events).toBe(line.arguments.events.length);
  }
  expect(new Set(lines.map(({ status }) => status)).size).toBeGreaterThan(1);
  expect(lines.some(({ features }) => features['case occurs'] === 'yes')).toBe(true);
  const again = observations(property, tcpRehash, 150, 3).map((line) => JSON.parse(line).representation);
  expect(again).toEqual(lines.map(({ representation }) => representation));
});
