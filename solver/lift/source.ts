/** One source file while it is being lifted: its text, its edits, and what was refused in it. */

import MagicString from 'magic-string';
import type { Range } from './scopes.ts';

export interface Refusal {
  readonly line: number;
  readonly column: number;
  readonly construct: string;
}

export class SourceFile {
  readonly edits: MagicString;
  readonly refusals: Refusal[] = [];
  private readonly lineStarts: number[] = [0];

  readonly path: string;
  readonly text: string;

  constructor(path: string, text: string) {
    this.path = path;
    this.text = text;
    this.edits = new MagicString(text);
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) this.lineStarts.push(at + 1);
  }

  position(offset: number): { line: number; column: number } {
    let line = this.lineStarts.findIndex((start) => start > offset);
    if (line < 0) line = this.lineStarts.length;
    return { line, column: offset - (this.lineStarts[line - 1] ?? 0) + 1 };
  }

  refuse(offset: number, construct: string): void {
    this.refusals.push({ ...this.position(offset), construct });
  }

  slice(range: Range): string {
    return this.text.slice(range.start, range.end);
  }

  /** Puts text around a range, outside of what was put around its parts before. */
  wrap(range: Range, before: string, after: string): void {
    this.edits.prependRight(range.start, before);
    this.edits.appendLeft(range.end, after);
  }

  /** Replaces the text between two offsets, insertions at its borders excluded. */
  replace(start: number, end: number, by: string): void {
    if (start === end) this.edits.prependRight(start, by);
    else this.edits.update(start, end, by);
  }

  remove(start: number, end: number): void {
    if (start < end) this.edits.remove(start, end);
  }
}

/** Everything that was refused, as `path:line:column: construct`. */
export function refusalsOf({ path, refusals }: SourceFile): string[] {
  return refusals.map(({ line, column, construct }) => `${path}:${line}:${column}: ${construct}`);
}
