/** The JSON Schema in the package is the one that the program validates with. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { scenarioJsonSchema } from '../scenario/scenario.ts';

it('schema/scenario.schema.json is what the schema library makes of the scenario format', () => {
  expect(JSON.parse(readFileSync('schema/scenario.schema.json', 'utf8'))).toEqual(
    JSON.parse(JSON.stringify(scenarioJsonSchema())),
  );
});
