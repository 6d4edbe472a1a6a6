/** The lines of a function in the dialect while it is being written. */

interface Line {
  /** The line, or the code in it that names what it uses, where the line itself is known later. */
  readonly text: () => string;
  readonly finish: () => string;
}

export class Writer {
  readonly lines: Line[] = [];

  get length(): number {
    return this.lines.length;
  }

  add(text: string): void {
    this.later(() => text);
  }

  /** A line that is known once the whole function is; `text` has the names that it uses, where that is less than all. */
  later(finish: () => string, text: () => string = finish): void {
    this.lines.push({ text, finish });
  }

  /** Puts a line before the one with that index. */
  insert(at: number, text: string): void {
    this.lines.splice(at, 0, { text: () => text, finish: () => text });
  }

  /** A block with the lines of another writer, `head` before its brace. */
  block(head: string, inner: Writer): void {
    if (head.startsWith('else')) {
      this.lines.pop();
      this.add(`} ${head} {`);
    } else this.add(`${head} {`);
    this.lines.push(...inner.lines);
    this.add('}');
  }

  /** Everything that the lines name. */
  names(): string {
    return this.lines.map(({ text }) => text()).join('\n');
  }

  /** The text of all lines. */
  render(): string {
    let depth = 1;
    return this.lines
      .map(({ finish }) => {
        const line = finish();
        if (line.startsWith('}')) depth--;
        const indented = `${'  '.repeat(depth)}${line}\n`;
        if (line.endsWith('{')) depth++;
        return indented;
      })
      .join('');
  }
}
