/** What verbs need of the machine: the running kernel, or the test kernel. */
import { testKernel } from '../conformance/patched/prerequisites.ts';
import { prerequisites } from '../conformance/running/player.ts';
import { choosePatchFile } from './choose.ts';
import { MissingError } from './fail.ts';

/** Stops when the running kernel cannot be asked. */
export function needRunningKernel(): void {
  const missing = prerequisites();
  if (missing.length > 0) throw new MissingError(`the running kernel cannot be asked: ${missing.join('; ')}`);
}

/** The test kernel, with a text of one's own where one is named, or one that watches memory, locks and sleep; stops when there is none, or when it cannot be asked. */
export function needTestKernel(patch?: string, watching = false): string {
  const text = patch === undefined ? undefined : { file: choosePatchFile(patch), named: patch };
  const machine = testKernel({ patch: text, watching });
  if ('missing' in machine) throw new MissingError(`the test kernel cannot be asked: ${machine.missing.join('; ')}`);
  return machine.kernel;
}
