/** The order in which things happen. */
import type { Context } from './context.ts';
import { isImplicit } from './pointers.ts';
import { isLasting, type Value } from './values.ts';

/** Evaluates in order: what came first keeps its value when something later does something. */
export function inOrder(ctx: Context, parts: readonly (() => Value)[]): Value[] {
  const values: Value[] = [];
  for (const part of parts) {
    const before = ctx.writer.length;
    const value = part();
    if (ctx.writer.length > before) keep(ctx, values, before);
    values.push(value);
  }
  return values;
}

/** Puts values whose code could mean something else by now into constants, before the line with that index. */
function keep(ctx: Context, values: Value[], at: number): void {
  let line = at;
  for (const [i, value] of values.entries()) {
    if (value.code === '' || isLasting(value.code) || isImplicit(value.type)) continue;
    const held = ctx.temporary();
    ctx.writer.insert(line++, `const ${held} = ${value.code};`);
    values[i] = { ...value, code: held };
  }
}
