/** What the parts of the lifter share while they walk one file. */
import type { Expression } from 'oxc-parser';
import { type Binding, Scopes } from './scopes.ts';
import type { SourceFile } from './source.ts';

export class Lifting {
  readonly scopes = new Scopes();
  /** 0 at the top level of the module. */
  functionDepth = 0;
  /** How many lifted `if` statements enclose the place, inside the function: a `return` there leaves a closure first. */
  joinDepth = 0;
  /** Inside the arguments of bug(), where a template may show a term. */
  inBug = false;

  readonly source: SourceFile;
  /** Whether imports from this specifier stay as they are; such imports serve the top level only. */
  readonly isNative: (specifier: string) => boolean;

  constructor(source: SourceFile, isNative: (specifier: string) => boolean) {
    this.source = source;
    this.isNative = isNative;
  }

  /** Makes a name known in the innermost scope. */
  declare(binding: Omit<Binding, 'depth'>): void {
    if (binding.name.startsWith('$')) this.refuse(binding, 'name that begins with $');
    this.scopes.declare({ ...binding, depth: this.functionDepth });
  }

  refuse(node: { readonly start: number }, construct: string): void {
    this.source.refuse(node.start, construct);
  }

  /** The place as a string literal, for messages of the runtime. */
  site(node: { readonly start: number }): string {
    const { line, column } = this.source.position(node.start);
    return JSON.stringify(`${this.source.path}:${line}:${column}`);
  }
}

/** The expression inside parentheses. */
export function withoutParentheses(expression: Expression): Expression {
  return expression.type === 'ParenthesizedExpression' ? withoutParentheses(expression.expression) : expression;
}
