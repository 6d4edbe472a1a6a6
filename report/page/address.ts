/** The page's address: what is shown stands behind its `#`, so that an address can be sent to somebody else. */

import type { PageScenario } from '../pageData.ts';

/** What the player shows. */
export interface Shown {
  /** The stored scenario, '' for one of the reader's own. */
  readonly file: string;
  readonly host: readonly string[];
  readonly events: readonly string[];
  /** The kernel's free choices, by event: those of the stored scenario that it was made from. */
  readonly picks: PageScenario['picks'];
  /** Kernels, the first of which is stepped through. */
  readonly variants: readonly string[];
  readonly release: string;
  /** Number of the step. */
  readonly at: number;
}

function linesOf(text: string | null): string[] {
  return text === null || text === '' ? [] : text.split('\n');
}

/** The free choices in an address; none where somebody wrote something else. */
function picksOf(text: string | null): Shown['picks'] {
  try {
    const read: unknown = JSON.parse(text ?? '[]');
    return Array.isArray(read) ? read.filter((one) => typeof one?.event === 'number') : [];
  } catch {
    return [];
  }
}

/** The address of what is shown; a stored scenario that was not edited is named by its file alone. */
export function addressOf({ file, host, events, picks, variants, release, at }: Shown): string {
  const words = new URLSearchParams();
  if (file !== '') words.set('file', file);
  words.set('on', variants.join(','));
  if (release !== '') words.set('release', release);
  if (file === '') {
    words.set('host', host.join('\n'));
    words.set('events', events.join('\n'));
    if (picks.length > 0) words.set('picks', JSON.stringify(picks));
  }
  if (at > 0) words.set('at', String(at));
  return `#${words}`;
}

/** The reverse; undefined for the address of the matrix. A stored scenario has its lines elsewhere. */
export function readAddress(hash: string): Shown | undefined {
  const words = new URLSearchParams(hash.replace(/^#/, ''));
  const variants = (words.get('on') ?? '').split(',').filter((name) => name !== '');
  if (variants.length === 0) return undefined;
  const at = Number(words.get('at') ?? '0');
  return {
    file: words.get('file') ?? '',
    host: linesOf(words.get('host')),
    events: linesOf(words.get('events')),
    picks: picksOf(words.get('picks')),
    variants,
    release: words.get('release') ?? '',
    at: Number.isInteger(at) && at >= 0 ? at : 0,
  };
}
