/** A review as JUnit XML: a suite for every variant, a case for every property. */
import junit from 'junit-report-builder';
import type { Cell } from '../../search/outcome.ts';
import type { Judged } from '../judge.ts';

export function junitXml({ review, failure }: Judged): string {
  const report = junit.newBuilder();
  for (const { name, title } of review.variants) {
    const suite = report.testSuite().name(name).property('title', title).property('release', review.release);
    for (const cell of review.cells.filter(({ variant }) => variant === name)) {
      const test = suite.testCase().className(name).name(cell.property);
      const message = failure(cell);
      if (message !== undefined) test.failure(bodyOf(cell, message), cell.outcome).stacktrace(stepsOf(cell));
      else if (cell.outcome === 'undecided') test.skipped();
      else if (cell.counterexample !== null) test.standardOutput(`expected: ${cell.counterexample.finding}`);
    }
  }
  return `${withoutCount(report.build())}\n`;
}

/** Without a count of skipped tests at the root, which Jenkins' schema does not have there. */
function withoutCount(xml: string): string {
  return xml.replace(/(<testsuites [^>]*?) skipped="\d+"/, '$1');
}

function bodyOf({ counterexample }: Cell, message: string): string {
  return counterexample === null || counterexample.finding === message
    ? message
    : `${message}: ${counterexample.finding}`;
}

function stepsOf({ counterexample }: Cell): string {
  if (counterexample === null) return '';
  const { host, events, trace, found } = counterexample;
  return [...host, ...events, '', ...trace, '', `again: ${found.command}`].join('\n');
}
