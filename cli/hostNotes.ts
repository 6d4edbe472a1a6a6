/** What is told of a host beside the answer: what was left out of it, and whether that can matter. */
import { stock } from '../model/patch/stock.ts';
import type { Kernel, World } from '../model/types/world.ts';
import type { HostNote } from '../scenario/host.ts';

/** Lines of one kind that are told one by one; of more, only their number. */
const MOST = 3;

/** A line for each note; many of one kind are one. */
export function noteLines(notes: readonly HostNote[]): readonly string[] {
  const kinds = new Map<string, HostNote[]>();
  for (const note of notes) {
    const kind = note.text.replace(/"[^"]*"|\d+/g, '…');
    kinds.set(kind, [...(kinds.get(kind) ?? []), note]);
  }
  return [...kinds.values()].flatMap((alike) => {
    const shown = alike.length > MOST + 1 ? alike.slice(0, MOST) : alike;
    const more = alike.length - shown.length;
    return [...shown.map(noteLine), ...(more > 0 ? [`… and ${more} more like this`] : [])];
  });
}

function noteLine({ file, where, text, matters }: HostNote): string {
  const place = typeof where === 'number' ? `${file}:${where}` : `${file}: ${where}`;
  return `${place}: ${matters ? 'this can matter: ' : ''}${text}`;
}

/** Tells the notes on standard error. */
export function tellNotes(notes: readonly HostNote[]): void {
  process.stderr.write(
    noteLines(notes)
      .map((line) => `${line}\n`)
      .join(''),
  );
}

/** What every answer about that host says: what is different because the user left a word out. */
export function caveats(notes: readonly HostNote[]): readonly string[] {
  return [...new Set(notes.filter(({ matters }) => matters).map(({ text }) => text))];
}

/** That a patch of the mangle hook does nothing on that host, as a line or none. */
export function withoutPatch(kernels: readonly Kernel[], { mangle }: World): readonly string[] {
  const isPatched = kernels.some(
    ({ ipt_mangle_out, chooseSource }) =>
      ipt_mangle_out !== stock.ipt_mangle_out || chooseSource !== stock.chooseSource,
  );
  return isPatched && mangle.nft && mangle.used
    ? ['the mangle table is one of nf_tables: neither version of the patch acts on this host']
    : [];
}
