/** What is refused in a C text: one line with the place, what was met, and what is supported nearby. */

/** A place in a file that somebody wrote; lines and columns count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** `FILE:LINE:COLUMN`. */
export function placeText({ file, line, column }: Place): string {
  return `${file}:${line}:${column}`;
}

/** A text holds something outside of the subset. The message is one line. */
export class Refused extends Error {
  override name = 'Refused';
  readonly place: Place;
  /** The message without the place. */
  readonly detail: string;

  /** `supported` says what would be accepted there, '' where nothing is near. */
  constructor(place: Place, met: string, supported = '') {
    const detail = `${met}${supported === '' ? '' : `; ${supported}`}`;
    super(`${placeText(place)}: ${detail}`);
    this.place = place;
    this.detail = detail;
  }
}

/** Names that a message lists at most. */
const LISTED = 12;

/** `a, b or c`. */
export function listed(names: readonly string[], last = 'and'): string {
  const shown = names.length > LISTED ? [...names.slice(0, LISTED), `${names.length - LISTED} others`] : [...names];
  const end = shown.pop();
  return shown.length === 0 ? (end ?? 'nothing') : `${shown.join(', ')} ${last} ${end}`;
}

/** The name that was probably meant, as `did you mean X?`; '' when none is near. */
export function meant(name: string, known: Iterable<string>): string {
  let best = '';
  let least = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const other of known) {
    const away = distance(name, other, least);
    if (away < least) {
      best = other;
      least = away;
    }
  }
  return best === '' ? '' : `did you mean ${best}?`;
}

/** How many letters have to be changed, added or left out to make one word of the other; `most` at most. */
function distance(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) >= most) return most;
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return Math.min(row[b.length] as number, most);
}
