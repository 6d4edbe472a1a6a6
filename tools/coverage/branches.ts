/** Which branches of the instrumented functions a run takes. */

/** A condition in the source. */
export interface Site {
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

export const sites: Site[] = [];

/** Two places a site: the condition was false, it was true. */
let taken: Uint8Array = new Uint8Array(0);

/** Announces a condition; gives its number. What a text includes is there once, whichever text it is part of. */
export function site(file: string, line: number, text: string): number {
  const known = sites.findIndex((one) => one.file === file && one.line === line && one.text === text);
  if (known >= 0) return known;
  taken = new Uint8Array(taken.length + 2);
  return sites.push({ file, line, text }) - 1;
}

/** Notes what the condition came to. */
export function cover<T>(number: number, value: T): T {
  taken[2 * number + (value ? 1 : 0)] = 1;
  return value;
}

/** The branches taken since the last call, as 2 × site + outcome. */
export function takenSince(): readonly number[] {
  const list: number[] = [];
  taken.forEach((hit, n) => {
    if (hit === 1) list.push(n);
  });
  taken.fill(0);
  return list;
}

/** `netfilter.ts:45 rt.err < 0: true`. */
export function branchText(branch: number): string {
  const { file, line, text } = sites[branch >> 1] as Site;
  return `${file}:${line} \`${text}\` ${(branch & 1) === 1 ? 'true' : 'false'}`;
}
