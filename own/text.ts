/** The text that a file of one's own stands for: C as it is, or what a diff makes of a text that is here. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { listed, type Place, Refused } from '../compiler/messages.ts';
import { type TopLevel, topLevelOf } from '../compiler/parser.ts';
import type { Include } from '../compiler/preprocess.ts';
import { includeFrom } from '../compiler/readModule.ts';
import { type SourceText, tokensOf } from '../compiler/tokens.ts';
import { type Compiled, compileText, HOOK } from '../compiler/unit.ts';
import { InputError } from '../scenario/error.ts';
import { applied, before, type FileDiff, isDiff, linesOf, readDiff, shown, type WrittenLine } from './diff.ts';
import { KERNEL_FILE, kernelFile } from './kernelTree.ts';

/** A file of C. */
export interface TextFile {
  readonly name: string;
  readonly text: string;
}

export interface OwnText {
  readonly compiled: Compiled;
  /** Of a diff the files that it changes or adds, the one with the hook first; of a C file none: it is there. */
  readonly files: readonly TextFile[];
}

/** Reads and compiles a file. What a text includes is looked for beside it, then in that folder, which has the published texts. */
export function readOwnText(file: string, folder: string): OwnText {
  const text = readFileSync(file, 'utf8');
  return isDiff(text)
    ? new PatchedText(file, text, folder).read()
    : { compiled: compileText({ file, text }, { include: includeFrom(file, folder) }), files: [] };
}

/** A file that the diff changes, before and after. */
interface Patched {
  readonly diff: FileDiff;
  readonly name: string;
  readonly before: readonly WrittenLine[];
  readonly after: readonly WrittenLine[];
}

const SUPPORTED = `a diff may change ${KERNEL_FILE} and the texts of model/patch, and add files of C`;

function isOfKernel({ path }: FileDiff): boolean {
  return path === KERNEL_FILE || path.endsWith(`/${KERNEL_FILE}`);
}

function textOf(lines: readonly WrittenLine[]): string {
  return lines.map(({ text }) => text).join('\n');
}

function sourceOf(name: string, lines: readonly WrittenLine[]): SourceText {
  return { file: name, text: textOf(lines), written: (line) => lines[line - 1] as WrittenLine };
}

class PatchedText {
  private readonly file: string;
  private readonly folder: string;
  private readonly text: string;
  private readonly patched: readonly Patched[];
  /** No tree of the kernel is there: the diff itself has to show the whole function. */
  private isPartial = false;

  constructor(file: string, text: string, folder: string) {
    this.file = file;
    this.folder = folder;
    this.text = text;
    this.patched = readDiff(file, text).map((diff) => {
      const old = before(file, diff, this.baseOf(diff));
      return { diff, name: basename(diff.path), before: old, after: applied(file, diff, old) };
    });
  }

  read(): OwnText {
    const main = this.main();
    const compiled = this.compile(main);
    if (isOfKernel(main.diff)) this.refuseUnmodelled(main, compiled);
    const others = this.patched.filter((one) => one !== main);
    const files = others.map(({ name, after }) => ({ name, text: textOf(after) }));
    return { compiled, files: [{ name: main.name, text: hookText(main) }, ...files] };
  }

  private baseOf(diff: FileDiff): readonly WrittenLine[] {
    const { path, isNew, line } = diff;
    if (!/\.[ch]$/.test(path)) throw new InputError(this.file, line, `${path} is no file of C; ${SUPPORTED}`);
    if (isNew) return [];
    if (isOfKernel(diff)) {
      const text = kernelFile(this.file);
      this.isPartial = text === undefined;
      return text === undefined ? shown(this.file, diff) : linesOf(KERNEL_FILE, text);
    }
    const published = join(this.folder, basename(path));
    if (/^(?:.*model\/patch\/)?[^/]+$/.test(path) && existsSync(published))
      return linesOf(`model/patch/${basename(path)}`, readFileSync(published, 'utf8'));
    throw new InputError(this.file, line, `${path} is not modelled as a text; ${SUPPORTED}`);
  }

  /** The file with the hook: the only one that is no header, or the only one that includes a changed header. */
  private main(): Patched {
    const [first, second] = this.patched.filter(({ name }) => name.endsWith('.c'));
    if (second !== undefined)
      throw new InputError(this.file, second.diff.line, `a second text, after ${first?.diff.path}; one is reviewed`);
    if (first !== undefined) return first;
    const [header] = this.patched as [Patched];
    const users = readdirSync(this.folder).filter((name) => name.endsWith('.c') && this.includes(name, header.name));
    const [user] = users;
    if (user === undefined || users.length > 1)
      throw new InputError(
        this.file,
        header.diff.line,
        `${header.name} is part of ${users.length === 0 ? 'no text' : listed(users)}; the diff has to change or add the text that is meant, too`,
      );
    const lines = linesOf(`model/patch/${user}`, readFileSync(join(this.folder, user), 'utf8'));
    return { diff: { ...header.diff, path: user }, name: user, before: lines, after: lines };
  }

  /** Whether that published text includes the header, by way of others, too. */
  private includes(name: string, header: string): boolean {
    const named = [...readFileSync(join(this.folder, name), 'utf8').matchAll(/^#include "(.+)"/gm)].map(
      ([, one]) => one,
    );
    return named.some((one) => one === header || this.includes(one as string, header));
  }

  private compile({ name, after }: Patched): Compiled {
    const published = includeFrom(this.file, this.folder);
    const include: Include = (wanted, from) => {
      const changed = this.patched.find((one) => one.name === basename(wanted));
      return changed === undefined ? published(wanted, from) : sourceOf(changed.name, changed.after);
    };
    try {
      const compiled = compileText(sourceOf(name, after), { include });
      if (this.isPartial) for (const { place, end } of compiled.functions) this.needWhole(place, end);
      return compiled;
    } catch (error) {
      if (error instanceof Refused && this.isPartial && error.place.file !== this.file)
        throw this.partly(error.place.line);
      throw error;
    }
  }

  /** Without a tree, a function is known where one hunk shows all of it. */
  private needWhole(from: Place, to: Place): void {
    const between = this.text.split('\n').slice(from.line - 1, to.line);
    if (from.file !== this.file || to.file !== this.file || between.some((line) => line.startsWith('@@ ')))
      throw this.partly(from.file === this.file ? from.line : 1);
  }

  private partly(line: number): InputError {
    return new InputError(
      this.file,
      line,
      `the diff shows a part of ${HOOK}(), and no Linux 6.1 is at hand; make it with 'git diff -W', or name a tree: REROUTE_KERNEL_SOURCE=FOLDER`,
    );
  }

  /** Of the kernel's file the hook is modelled, and what it calls; the diff leaves everything else as it is. */
  private refuseUnmodelled({ name, before, after }: Patched, { functions }: Compiled): void {
    const modelled = new Set(functions.map((one) => one.name));
    const items = (lines: readonly WrittenLine[]) => topLevelOf(tokensOf(sourceOf(name, lines)));
    const now = new Map(items(after).map((item) => [item.name, item]));
    for (const item of items(before)) {
      const left = now.get(item.name);
      if (modelled.has(item.name) || left?.text === item.text) continue;
      throw new InputError(
        this.file,
        this.firstChange(left ?? item),
        `${item.name} changes, and of ${KERNEL_FILE} only ${HOOK}() and what it calls are modelled`,
      );
    }
  }

  /** The first line of the diff that changes something there. */
  private firstChange({ place, end }: TopLevel): number {
    const isIn = (line: number) => line >= place.line && line <= end.line;
    const lines = this.patched.flatMap(({ diff }) => diff.hunks.flatMap((hunk) => hunk.lines));
    const changed = lines.find(({ sign, line }) => sign !== ' ' && place.file === this.file && isIn(line));
    return (changed ?? lines.find(({ sign }) => sign !== ' '))?.line ?? 1;
  }
}

/** The text with the hook, as the test kernel has it beside its own iptable_mangle.c: of that file without what registers it. */
function hookText({ diff, name, after }: Patched): string {
  if (!isOfKernel(diff)) return textOf(after);
  const source: SourceText = { file: name, text: textOf(after) };
  const rest = topLevelOf(tokensOf(source)).find((item) => item.name === 'iptable_mangle_hook');
  return textOf(after.slice(0, rest === undefined ? after.length : rest.place.line - 1));
}
