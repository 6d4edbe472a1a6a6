/** Reading the JSON of iproute2, of which every member may be missing. */

export type Json = Readonly<Record<string, unknown>>;

export function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A member as text, '' where it is missing. */
export function textIn(item: Json, name: string): string {
  const value = item[name];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

export function numberIn(item: Json, name: string, missing: number): number {
  const value = item[name];
  return typeof value === 'number' ? value : missing;
}

/** The records of a member: of a list all, of a record itself. */
export function recordsIn(item: Json, name: string): readonly Json[] {
  const value = item[name];
  if (Array.isArray(value)) return value.filter(isRecord);
  return isRecord(value) ? [value] : [];
}
