/** results/names.md: what a C text may use of the kernel, printed from the compiler's table. */
import { table } from '../../compiler/table/index.ts';
import { table as printed } from './markdown.ts';

const code = (text: string) => `\`${text.replaceAll('|', '\\|')}\``;

/** Rows in the order of their files, each file named once. */
function byFile<R extends { readonly file: string }>(
  rows: Readonly<Record<string, R>>,
  print: (name: string, row: R) => readonly string[],
): string[][] {
  const files = [...new Set(Object.values(rows).map(({ file }) => file))].sort();
  return files.flatMap((file) =>
    Object.entries(rows)
      .filter(([, row]) => row.file === file)
      .map(([name, row], at) => [at === 0 ? code(file) : '', ...print(name, row)]),
  );
}

/** The parameters as C has them: the table's marks are for the compiler. */
function call(name: string, params: readonly string[]): string {
  return code(`${name}(${params.map((one) => one.replace(/^-/, '').replace(/[?&@]$/, '')).join(', ')})`);
}

function functionRows(): string[][] {
  return byFile(table.functions, (name, { params, returns, what, ignored }) => [
    call(name, params),
    code(returns),
    ignored === undefined ? what : `nothing: ${ignored}`,
  ]);
}

function memberRows(): string[][] {
  return Object.entries(table.structures).flatMap(([name, { what, fields }]) => {
    const members = Object.entries(fields);
    const head = [code(`struct ${name}`), '', '', what];
    const rows = members.map(([member, { type, write, ignored, note }]) => [
      '',
      code(member),
      code(type),
      [ignored === undefined ? (write === undefined ? 'read' : 'read and written') : `written: ${ignored}`, note]
        .filter((word) => word !== undefined)
        .join('; '),
    ]);
    return [head, ...rows];
  });
}

function constantRows(): string[][] {
  const files = [...new Set(Object.values(table.constants).map(({ file }) => file))].sort();
  return files.map((file) => [
    code(file),
    Object.entries(table.constants)
      .filter(([, row]) => row.file === file)
      .map(([name]) => code(name))
      .join(', '),
  ]);
}

/** The whole document. */
export function namesText(): string {
  const config = [...table.config].map(([name, set]) => `${code(`CONFIG_${name}`)}${set ? '' : ' (off)'}`).join(', ');
  return `# What a C text may use of the kernel

Printed by \`npm run documents\` from \`compiler/table/\`. A name that is not here is refused, with its place. \`#include <…>\` is taken as read.

## Functions and macros

${printed([['file', 'name', 'gives', 'does in the model'], ...functionRows()])}

## Walks over lists

${printed([['file', 'name', 'walks over'], ...byFile(table.walks, (name, { what }) => [code(name), what])])}

## Members of structures

${printed([['structure', 'member', 'type', 'in the model'], ...memberRows()])}

## Constants

${printed([['file', 'names'], ...constantRows()])}

## Configuration

${config}

## Words without a meaning here

${[...table.idleWords].map(code).join(', ')}
`;
}
