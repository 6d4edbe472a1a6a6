/** Macros of a text: what they are defined as, and their uses expanded as C does it. */
import { type Place, Refused } from './messages.ts';
import type { Token } from './tokens.ts';

interface Macro {
  /** undefined for one without parentheses. */
  readonly parameters: readonly string[] | undefined;
  readonly body: readonly Token[];
}

/** The arguments of a use, and the index behind it. */
interface Arguments {
  readonly list: readonly (readonly Token[])[];
  readonly end: number;
}

/** The arguments in parentheses that begin at that index; undefined when there are none, or when they do not end. */
function argumentsAt(tokens: readonly Token[], from: number): Arguments | undefined {
  if (tokens[from]?.text !== '(') return undefined;
  const list: Token[][] = [[]];
  let depth = 0;
  for (let at = from; at < tokens.length; at++) {
    const token = tokens[at] as Token;
    if (token.text === '(') depth++;
    if (token.text === ')') depth--;
    if (depth === 0) return { list, end: at + 1 };
    if (token.text === ',' && depth === 1) list.push([]);
    else if (at > from) list.at(-1)?.push(token);
  }
  return undefined;
}

export class Macros {
  private readonly known = new Map<string, Macro>();

  has(name: string): boolean {
    return this.known.has(name);
  }

  /** `#define`; `line` is what follows that word. */
  define(line: readonly Token[], place: Place): void {
    const [name, open] = line;
    if (name?.kind !== 'name') throw new Refused(place, '#define without a name', '#define NAME TEXT is supported');
    const call = open?.joined && open.text === '(' ? argumentsAt(line, 1) : undefined;
    const parameters = call?.list.filter((one) => one.length > 0).map((one) => this.parameter(one, place));
    const body = line.slice(call?.end ?? 1);
    const odd = body.find(({ text }) => text === '#' || text === '##');
    if (odd !== undefined) {
      throw new Refused(odd.place, `${odd.text} in the macro ${name.text}`, 'plain replacement is supported');
    }
    this.known.set(name.text, { parameters, body });
  }

  private parameter(words: readonly Token[], place: Place): string {
    const [word] = words;
    if (words.length === 1 && word?.kind === 'name') return word.text;
    throw new Refused(word?.place ?? place, `the macro parameter ${word?.text}`, 'names are supported');
  }

  undefine(name: string): void {
    this.known.delete(name);
  }

  /** The tokens with their macros expanded. What a macro becomes stands where the macro was used. */
  expand(tokens: readonly Token[], hidden: ReadonlySet<string> = new Set()): Token[] {
    const result: Token[] = [];
    for (let at = 0; at < tokens.length; ) {
      const token = tokens[at++] as Token;
      const macro = token.kind === 'name' && !hidden.has(token.text) ? this.known.get(token.text) : undefined;
      const used = macro && this.argumentsOf(macro, tokens, at);
      if (macro === undefined || used === undefined) {
        result.push(token);
        continue;
      }
      at = used.end;
      for (const one of this.become(token, macro, used.list, hidden)) result.push({ ...one, place: token.place });
    }
    return result;
  }

  private argumentsOf(macro: Macro, tokens: readonly Token[], at: number): Arguments | undefined {
    return macro.parameters === undefined ? { list: [], end: at } : argumentsAt(tokens, at);
  }

  private become(
    { text: name, place }: Token,
    { parameters = [], body }: Macro,
    list: readonly (readonly Token[])[],
    hidden: ReadonlySet<string>,
  ): Token[] {
    const given = parameters.length === 0 && list.every((one) => one.length === 0) ? [] : list;
    if (given.length !== parameters.length) {
      throw new Refused(place, `${name}() with ${given.length} arguments`, `it has ${parameters.length}`);
    }
    const values = new Map(parameters.map((one, i) => [one, this.expand(given[i] as readonly Token[], hidden)]));
    const replaced = body.flatMap((token) => (token.kind === 'name' ? values.get(token.text) : undefined) ?? [token]);
    return this.expand(replaced, new Set([...hidden, name]));
  }
}
