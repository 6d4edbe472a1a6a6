/** How wide a text may be, and making it so. */

/** Columns of standard output: those of the terminal, else what COLUMNS says, else no end. */
export function widthOfOutput(): number {
  if (process.stdout.isTTY) return process.stdout.columns;
  return Number(process.env.COLUMNS) || Number.POSITIVE_INFINITY;
}

/** A plain text in lines of that width, those after the first behind an indent. */
export function wrapped(text: string, width: number, indent = ''): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line.trim() !== '' && longer.length > width) {
      lines.push(line);
      line = `${indent}${word}`;
    } else line = longer;
  }
  return [...lines, line].join('\n');
}
