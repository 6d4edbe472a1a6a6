/**
 * Jumps. The dialect has none: what follows a label becomes a function of its own, which gets the variables that it needs,
 * and a jump returns what that function returns.
 */
import { wildCode } from './contents.ts';
import { type Context, GIVEN } from './context.ts';
import type { Facts } from './facts.ts';
import type { Variable } from './scope.ts';
import { Writer } from './writer.ts';

/** What follows a label, or a place where ways come together. */
export interface Continuation {
  /** Its name in the dialect. */
  readonly code: string;
  readonly writer: Writer;
  /** The variables that are known there; undefined until the text has come to it. */
  visible: readonly Variable[] | undefined;
  /** Where it goes on from itself. */
  readonly next: Set<Continuation>;
  /** What is known on every way that leads there; undefined while there is none. */
  facts: Facts | undefined;
}

/** Whether a text names a variable, and not a field of that name. */
export function isNamed(text: string, code: string): boolean {
  return new RegExp(`(?<!\\w|(?<!\\.\\.)\\.)${code}(?!\\w|:)`).test(text);
}

/** Whether a text gives a variable another value. */
export function assigns(text: string, code: string): boolean {
  return new RegExp(`(?<![\\w.])${code} = `).test(text);
}

interface Needs {
  readonly taken: readonly string[];
  readonly given: readonly string[];
  readonly targets: readonly Variable[];
}

/** The continuations of a function, and what each needs. */
export class Flow {
  /** What some way through the function does not write. */
  readonly leftAlone = new Set<Variable>();
  readonly all: Continuation[] = [];
  private readonly ctx: Context;
  /** The continuation that is being written; undefined at the function's beginning. */
  private current: Continuation | undefined;
  private readonly main: Writer;
  /** Whether the function is the hook, which gives back what a hook of the model does. */
  private readonly hook: boolean;
  private known: Needs | undefined;

  constructor(ctx: Context, hook: boolean) {
    this.ctx = ctx;
    this.main = ctx.writer;
    this.hook = hook;
  }

  create(name: string): Continuation {
    const continuation: Continuation = {
      code: this.ctx.unit.functionName(`${this.ctx.name}_${name}`),
      writer: new Writer(),
      visible: undefined,
      next: new Set(),
      facts: undefined,
    };
    this.all.push(continuation);
    return continuation;
  }

  /** The text has come to a continuation: it knows the variables that are visible now. */
  place(continuation: Continuation): void {
    continuation.visible = [...this.ctx.scope.visible()].filter(({ role }) => role !== 'implicit' && role !== 'alias');
  }

  /** Goes to a continuation from here. A variable that is not visible here holds nothing yet. */
  jump(to: Continuation): void {
    const { ctx } = this;
    to.facts = to.facts?.meet(ctx.facts) ?? ctx.facts.copy();
    this.current?.next.add(to);
    const here = new Set(ctx.scope.visible());
    ctx.writer.later(
      () => {
        const given = this.parametersOf(to).map((one) => (here.has(one) ? one.code : wildCode(one.type)));
        return `return ${to.code}(${[...this.taken, ...given].join(', ')});`;
      },
      () => '',
    );
  }

  /** Writes the lines of a continuation. */
  write(continuation: Continuation, compile: () => void): void {
    const { ctx } = this;
    const { writer, facts } = ctx;
    const outer = this.current;
    ctx.writer = continuation.writer;
    ctx.facts = continuation.facts ?? facts.copy();
    this.current = continuation;
    compile();
    this.current = outer;
    ctx.writer = writer;
    ctx.facts = facts;
  }

  /** The variables that a continuation is given. */
  parametersOf(continuation: Continuation): readonly Variable[] {
    const reached = this.reachedFrom(continuation);
    const text = reached.map(({ writer }) => writer.names()).join('\n');
    const returns = this.writtenTargets;
    return (continuation.visible ?? []).filter(
      (variable) => isNamed(text, variable.code) || returns.some(({ code }) => code === variable.code),
    );
  }

  private reachedFrom(start: Continuation): readonly Continuation[] {
    const reached = new Set([start]);
    for (const one of reached) for (const next of one.next) reached.add(next);
    return [...reached];
  }

  /** Ends the function with that value, '' for none. What a pointer leads to may be as the caller left it. */
  return(code: string): void {
    const { facts, variables } = this.ctx;
    for (const variable of variables)
      if (variable.role === 'target' && !facts.has('is', variable.id)) this.leftAlone.add(variable);
    this.ctx.writer.later(
      () => `return ${this.returned(code)};`,
      () => code,
    );
  }

  /** What the function gives back: its value, and what it has changed. */
  private returned(code: string): string {
    const { hook } = this;
    if (hook) return `{ verdict: ${code}, skb, net }`;
    const back = [...this.given, ...this.writtenTargets.map((one) => one.code)];
    if (back.length === 0) return code === '' ? '0' : code;
    return `{ ${[...(code === '' ? [] : [`returned: ${code}`]), ...back].join(', ')} }`;
  }

  /** What the whole function uses and changes; to be asked when all of it was written. */
  private get needs(): Needs {
    this.known ??= this.allNeeds();
    return this.known;
  }

  private allNeeds(): Needs {
    const text = [this.main, ...this.all.map(({ writer }) => writer)].map((writer) => writer.names()).join('\n');
    const always = this.hook ? ['net', 'skb'] : [];
    return {
      taken: GIVEN.filter((name) => always.includes(name) || isNamed(text, name)),
      given: ['net', 'skb', 'frame'].filter((name) => assigns(text, name)),
      targets: this.ctx.variables.filter(({ role, code }) => role === 'target' && assigns(text, code)),
    };
  }

  /** Which of `kernel`, `net`, `skb`, `frame` and `state` the function uses. */
  get taken(): readonly string[] {
    return this.needs.taken;
  }

  /** Which of `net`, `skb` and `frame` it changes. */
  get given(): readonly string[] {
    return this.needs.given;
  }

  /** Parameters that lead to something that the function changes. */
  get writtenTargets(): readonly Variable[] {
    return this.needs.targets;
  }
}
