/** `reroute-check host import`: what machines print, as the commands that it stands for. */
import { InputError } from '../../scenario/error.ts';
import { readHostText } from '../../scenario/host.ts';
import { readText } from '../../scenario/scenario.ts';
import { tellNotes } from '../hostNotes.ts';

export interface HostImportOptions {
  readonly leaveOut?: readonly string[];
  readonly json?: boolean;
}

/** Prints the commands on standard output; what was left out, and whether that can matter, on standard error. */
export function hostImport(files: readonly string[], options: HostImportOptions): void {
  const named = files.length === 0 ? ['-'] : files;
  const read = readHostText(
    named.map((file) => ({ file: file === '-' ? 'standard input' : file, text: readText(file) })),
    options.leaveOut,
  );
  if (read.lines.length === 0 && read.notes.length === 0)
    throw new InputError(
      named[0] as string,
      '',
      'this says nothing about a host; paste what "ip addr" and "ip rule" print',
    );
  tellNotes(read.notes);
  const host = read.lines.map(({ text }) => text);
  const text = options.json === true ? JSON.stringify({ host, notes: read.notes }, null, 2) : host.join('\n');
  process.stdout.write(text === '' ? '' : `${text}\n`);
}
