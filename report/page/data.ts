/** What stands in the page beside its program. */
import type { PageData } from '../pageData.ts';

function read(id: string): unknown {
  return JSON.parse(document.getElementById(id)?.textContent ?? '{}');
}

export const data = read('data') as PageData;

/** The patch's files by path. */
export const texts = read('texts') as Readonly<Record<string, string>>;
