/** The counterexamples that documents speak of: those of the record, without what a review has found since. */
import { basename, dirname } from 'node:path';
import { variants } from '../../model/patch/index.ts';
import { REFERENCE } from '../../model/patch/releases/index.ts';
import { counterexampleFiles } from '../files.ts';
import { recordedOn } from '../results.ts';

export function recordedFiles(): readonly string[] {
  return counterexampleFiles().filter(isRecorded);
}

/** Whether that cell is on record as violated; what is no column of the matrix is stored on request only. */
function isRecorded(file: string): boolean {
  const property = basename(dirname(file));
  const [variant = '', release = REFERENCE] = basename(file, '.json').split('@');
  const isColumn = variants.some(({ name }) => name === variant);
  return !isColumn || recordedOn(release)[property]?.[variant] === 'violated';
}
