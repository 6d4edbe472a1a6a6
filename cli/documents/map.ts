/** The map of the files: a line for each folder, and for each file the first sentence of its first comment. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { FURTHER, ROOMS } from '../../tools/rooms.ts';
import { HOME } from '../place.ts';
import { table } from './markdown.ts';

/** What the first comment of a source begins with, '' when there is none. */
export function firstSentence(source: string): string {
  const text = source.replace(/^#!.*\n/, '');
  const comment =
    /^\s*\/\*\*?([\s\S]*?)\*\//.exec(text)?.[1] ??
    /^"""([\s\S]*?)"""/.exec(text)?.[1] ??
    /^((?:#.*\n)+)/.exec(text)?.[1] ??
    '';
  const words = comment
    .replace(/^[ \t]*[*#] ?/gm, '')
    .replace(/\n\s*\n[\s\S]*/, '')
    .replace(/\s+/g, ' ')
    .trim();
  return /^.*?\.(?= [A-Z]|$)/.exec(words)?.[0] ?? words;
}

/** The sources below a folder, by name. */
export function sourcesIn(folder: string): readonly string[] {
  return readdirSync(join(HOME, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|py|sh|c|h)$/.test(name))
    .map((name) => join(folder, name))
    .sort();
}

/** A row for every folder. */
export function folderTable(): string {
  const rows = [...ROOMS, ...FURTHER].map(({ folder, holds }) => [`\`${folder}/\``, holds]);
  return table([['folder', 'holds'], ...rows]);
}

/** The rooms that a room may import and that no room between the two may. */
function nextBelow(imports: readonly string[]): readonly string[] {
  const between = ROOMS.filter(({ folder }) => imports.includes(folder)).flatMap((room) => room.imports);
  return imports.filter((folder) => !between.includes(folder));
}

/** A picture of the rooms, with an arrow for what is imported directly. */
function graph(): string {
  const id = (folder: string) => folder.replace('/', '_');
  const rooms = ROOMS.map(({ folder }) => `  ${id(folder)}["${folder}"]`);
  const arrows = ROOMS.flatMap(({ folder, imports }) =>
    nextBelow(imports).map((below) => `  ${id(folder)} --> ${id(below)}`),
  );
  return ['```mermaid', 'graph TD', ...rooms, ...arrows, '```'].join('\n');
}

/** results/files.md. */
export function mapText(): string {
  const rooms = ROOMS.map(({ folder, holds, imports }) => {
    const lines = sourcesIn(folder).map((file) => {
      const about = firstSentence(readFileSync(join(HOME, file), 'utf8'));
      return `- [${relative(folder, file)}](../${file}): ${about}`;
    });
    const below = imports.length === 0 ? 'nothing' : imports.join(', ');
    return `## ${folder}\n\nHolds ${holds}. May import: ${below}.\n\n${lines.join('\n')}\n`;
  });
  return `# The files

Printed by \`npm run documents\` from \`tools/rooms.ts\` and the first comment of each file.

${graph()}

${rooms.join('\n')}`;
}
