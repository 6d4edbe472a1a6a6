/** `reroute-check findings`: a section for every fault of the patch. */
import { findingsText } from '../documents/findings.ts';
import { writeWhole } from '../files.ts';

export function findings(options: { readonly output?: string }): void {
  const text = findingsText();
  if (options.output === undefined) process.stdout.write(text);
  else writeWhole(options.output, text);
}
