/**
 * A review as SARIF 2.1.0: a rule for every property, a result for every violated cell, at the line of the patch that
 * acted last, with the events of the counterexample as a code flow. What is expected is a note, what fails an error.
 */
import { createHash } from 'node:crypto';
import type { Location, Log, Result } from 'sarif';
import { properties } from '../../properties/index.ts';
import type { Cell, Counterexample } from '../../search/outcome.ts';
import type { Judged } from '../judge.ts';
import { type Place, placesOf } from './places.ts';

const SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';

/** Characters of a text that GitHub shows. */
const MOST_TEXT = 1024;

export function sarif({ review, failure }: Judged): string {
  const rules = review.properties.map(({ id, concern, claim }) => ({
    id,
    name: id,
    shortDescription: { text: shortened(claim) },
    fullDescription: { text: shortened(`${claim} Asked for by: ${askedOf(id)}.`) },
    help: { text: `${claim}\n\nAsked for by: ${askedOf(id)}.` },
    properties: { tags: [concern] },
  }));
  const results = review.cells.flatMap((cell): Result[] => {
    const message = failure(cell);
    const { counterexample } = cell;
    if (counterexample === null) return message === undefined ? [] : [withoutExample(cell, message)];
    const ruleIndex = review.properties.findIndex(({ id }) => id === cell.property);
    return [resultOf(counterexample, ruleIndex, message)];
  });
  const { version } = review;
  const log: Log = {
    $schema: SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'reroute-check', semanticVersion: version, version, rules } },
        automationDetails: { id: `reroute-check/${review.release}/` },
        invocations: [
          { executionSuccessful: !review.interrupted, commandLine: review.command, properties: { seed: review.seed } },
        ],
        columnKind: 'utf16CodeUnits',
        results,
      },
    ],
  };
  return `${JSON.stringify(log, null, 2)}\n`;
}

function resultOf(counterexample: Counterexample, ruleIndex: number, message: string | undefined): Result {
  const { property, variant, release, host, finding, found } = counterexample;
  const { broken, steps } = placesOf(counterexample);
  const text = `On ${variant}${release === undefined ? '' : `, Linux ${release}`}: ${finding}`;
  const why = message === undefined || message === finding ? '' : ` (${message})`;
  return {
    ruleId: property,
    ruleIndex,
    level: message === undefined ? 'note' : 'error',
    message: { text: `${text}${why}\n\nHost:\n${host.join('\n')}\n\nAgain: ${found.command}` },
    locations: [locationOf(broken)],
    codeFlows: [{ threadFlows: [{ locations: steps.map((step) => ({ location: locationOf(step) })) }] }],
    partialFingerprints: fingerprintOf(counterexample),
  };
}

/** A cell whose stored counterexample proves nothing any more. */
function withoutExample({ property, variant }: Cell, message: string): Result {
  return {
    ruleId: property,
    level: 'error',
    message: { text: `On ${variant}: ${message}` },
    locations: [locationOf({ file: message.split(' ')[0] ?? '', line: 1, text: message })],
    partialFingerprints: fingerprintOf({ property, variant }),
  };
}

function locationOf({ file, line, text }: Place): Location {
  return {
    physicalLocation: { artifactLocation: { uri: file, uriBaseId: '%SRCROOT%' }, region: { startLine: line } },
    message: { text },
  };
}

/** The same for a cell whatever its counterexample is, so that an alert stays itself when a smaller one is found. */
function fingerprintOf(cell: { readonly property: string; readonly variant: string; readonly release?: string }) {
  const words = [cell.property, cell.variant, cell.release ?? ''].join(' ');
  return { 'rerouteCheckCell/v1': createHash('sha256').update(words).digest('hex') };
}

function askedOf(id: string): string {
  return properties.find((property) => property.id === id)?.asked.join('; ') ?? '';
}

function shortened(text: string): string {
  return text.length <= MOST_TEXT ? text : `${text.slice(0, MOST_TEXT - 1)}…`;
}
