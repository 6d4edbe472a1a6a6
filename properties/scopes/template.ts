/** Lines with places in them: `{a0}` stands for a value of that name. Scopes of runs and of proofs are written so. */

/** The values of places, by name. */
export type PlaceValues = Readonly<Record<string, string>>;

/** A line taken apart: text, the name of a place, text, and so on; text comes first and last. */
export function partsOf(line: string): readonly string[] {
  return line.split(/\{(\w+)\}/);
}

/** Whether a line has no place left. */
export function isFilled(line: string): boolean {
  return partsOf(line).length === 1;
}

/** The line with values in its places; a place without a value stays. */
export function fill(line: string, values: PlaceValues): string {
  if (!line.includes('{')) return line;
  return partsOf(line)
    .map((part, at) => (at % 2 === 0 ? part : (values[part] ?? `{${part}}`)))
    .join('');
}
