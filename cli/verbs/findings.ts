/** `reroute-check findings`: a section for every fault of the patch, or a message about some. */
import { chooseFaults } from '../choose.ts';
import { findingsText, someFindings } from '../documents/findings.ts';
import { findingsAsMail } from '../documents/mail.ts';
import { writeWhole } from '../files.ts';

export interface FindingsOptions {
  readonly format: 'markdown' | 'mail';
  readonly output?: string;
}

export function findings(ids: readonly string[], { format, output }: FindingsOptions): void {
  const faults = chooseFaults(ids);
  const markdown = () => (ids.length === 0 ? findingsText() : someFindings(faults));
  const text = format === 'mail' ? findingsAsMail(faults) : markdown();
  if (output === undefined) process.stdout.write(text);
  else writeWhole(output, text);
}
