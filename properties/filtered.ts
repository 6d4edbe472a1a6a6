/**
 * What the Fast Open promises come to under version 2 with each condition of model/patch/syn-filters.ts: for a violated
 * cell the path, with seed 1, of a run in fast-open-hosts that breaks it; '' for one that 18,000 runs did not break.
 */

/** The promises, in the order of the columns. */
export const PROMISES: readonly string[] = [
  'cookie-from-its-address',
  'cookie-used-again',
  'syn-data-delivered-once',
  'fast-open-fallback-answerable',
];

/** Paths by condition; `always` is version 2 as published. */
export const FILTERED: Readonly<Record<string, readonly string[]>> = {
  always: ['90:15', '68:0', '189:6', '440:0'],
  'header-len': ['', '', '', ''],
  'header-len-behind-ip': ['', '', '', ''],
  'no-payload': ['472:6', '68:0', '323:2', '820:9'],
  'no-fragments': ['90:15', '68:0', '189:6', '440:0'],
  'no-option': ['', '', '189:6', '440:0'],
  'no-option-no-payload': ['', '', '323:2', '820:9'],
  'no-request': ['', '', '323:2', ''],
  'not-fast-open': ['', '', '189:6', '440:0'],
  'no-syn-data': ['90:15', '68:0', '189:6', '440:0'],
};
