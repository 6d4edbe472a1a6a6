/** Tables in Markdown, padded so that the source can be read, too. */

/** A table that somebody else printed, padded. */
export function padded(text: string): string {
  const rows = text.split('\n').map((line) => line.replace(/^\| | \|$/g, '').split(' | '));
  return table(rows.filter((row) => !row.every((cell) => /^-+$/.test(cell))));
}

/** The first row is the head. */
export function table([head = [], ...rows]: readonly (readonly string[])[]): string {
  const widths = head.map((word, at) => Math.max(word.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const lines = [head, widths.map((width) => '-'.repeat(width)), ...rows];
  return lines.map((row) => `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`).join('\n');
}
