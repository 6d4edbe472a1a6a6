/** What verbs need of the machine: the running kernel, or the test kernel. */
import { testKernel } from '../conformance/patched/prerequisites.ts';
import { prerequisites } from '../conformance/running/player.ts';
import { DRAWN_TOOLS } from '../conformance/tools.ts';
import { choosePatchFile } from './choose.ts';
import { MissingError } from './fail.ts';

/** Stops when the running kernel cannot be asked about scenarios that need those programs, all that may be drawn without. */
export function needRunningKernel(tools: readonly string[] = DRAWN_TOOLS): void {
  const missing = prerequisites(tools);
  if (missing.length > 0) throw new MissingError(`the running kernel cannot be asked: ${missing.join('; ')}`);
}

/** The test kernel, with a text of one's own where one is named, or one that watches memory, locks and sleep; stops when there is none, or when it cannot be asked about scenarios that need those programs. */
export function needTestKernel(tools: readonly string[], patch?: string, watching = false): string {
  const text = patch === undefined ? undefined : { file: choosePatchFile(patch), named: patch };
  const machine = testKernel({ patch: text, watching, tools });
  if ('missing' in machine) throw new MissingError(`the test kernel cannot be asked: ${machine.missing.join('; ')}`);
  return machine.kernel;
}
