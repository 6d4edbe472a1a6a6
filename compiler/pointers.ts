/** Pointers: what they are in the dialect, whether they are NULL, and what happens before one is followed. */
import { type Context, quoted, structureRow } from './context.ts';
import { negation, truth, truthOf } from './integers.ts';
import { type Place, Refused } from './messages.ts';
import type { Held, Part } from './table/index.ts';
import { structureOf, type Type, typeText } from './types.ts';
import { isLasting, operand, type PointerFacts, typedValue, type Value } from './values.ts';

/** How a pointer is kept; '' for a pointer to an integer, or to nothing. */
export function heldOf(type: Type): Held | '' {
  const name = structureOf(type);
  return name === '' ? '' : structureRow(name).held;
}

/** Whether every function knows what such a pointer leads to, because there is one. */
export function isImplicit(type: Type): boolean {
  return ['packet', 'host', 'state'].includes(heldOf(type));
}

/** Whether a pointer is a number in the dialect. */
function isNumber(held: Held | ''): boolean {
  return ['header', 'socket', 'device', 'bucket', 'entry', 'nothing', ''].includes(held);
}

/** NULL of a type. */
export function nullOf(type: Type): Value {
  const code = heldOf(type) === 'route' ? 'NO_DST' : '0';
  return { ...typedValue(type, code), isNull: true };
}

/** Whether a pointer is set, as a truth value. */
export function isSet(ctx: Context, value: Value): Value {
  if (value.isNull) return truth(false);
  const held = heldOf(value.type);
  const always = value.target !== undefined || ['packet', 'host', 'state', 'record', 'segment'].includes(held);
  if (always || known(ctx, value).isSet) return truth(true);
  if (held === 'route') return truthOf(`${operand(value.code)}.dev !== 0 || ${operand(value.code)}.err !== 0`);
  return truthOf(`${operand(value.code)} !== 0`);
}

/** Whether two pointers are the same. */
export function samePointer(ctx: Context, a: Value, b: Value, place: Place): Value {
  if (a.isNull || b.isNull) return negation(isSet(ctx, a.isNull ? b : a));
  const held = heldOf(a.type);
  if (structureOf(a.type) !== structureOf(b.type) && !(held === 'socket' && heldOf(b.type) === 'socket')) {
    throw new Refused(place, `${typeText(a.type)} compared with ${typeText(b.type)}`);
  }
  if (held === 'route') return truthOf(`sameRoute(${a.code}, ${b.code})`);
  if (isNumber(held) && a.target === undefined) return truthOf(`${operand(a.code)} === ${operand(b.code)}`);
  return truth(true);
}

/** What is known now of a pointer that a variable holds. */
export function factsOf({ facts }: Context, variable: number, name: string): PointerFacts {
  return {
    isSet: facts.has('not-null', variable),
    isFresh: facts.has('fresh', variable),
    reached: ['inet', 'tcp', 'followed'].filter((part) => facts.has(part, variable)),
    variable,
    name,
  };
}

/** What is known now of a pointer. */
function known(ctx: Context, { pointer }: Value): PointerFacts {
  return pointer.variable < 0 ? pointer : factsOf(ctx, pointer.variable, pointer.name);
}

/** Whether the packet has not moved since that pointer to a header was taken. */
export function isFresh(ctx: Context, value: Value): boolean {
  return known(ctx, value).isFresh;
}

/** The pointer in a constant of its own, so that its variable may get another value. */
export function heldPointer(ctx: Context, value: Value): Value {
  if (value.code === '' || isLasting(value.code) || value.pointer.variable < 0) return value;
  const variable = ctx.newFacts(value.pointer.variable);
  return { ...value, code: ctx.held(value.code), pointer: { ...value.pointer, variable } };
}

/** Remembers what was found out about a pointer, if a variable holds it. */
function learn(ctx: Context, { variable }: PointerFacts, fact: string): void {
  if (variable >= 0) ctx.facts.learn(fact, variable);
}

/** Code for the header that a pointer leads to, once it is clear what following it does. */
export function followHeader(ctx: Context, value: Value, writes: boolean): string {
  const { header } = structureRow(structureOf(value.type));
  const pointer = known(ctx, value);
  if (pointer.isFresh) return `skb.${header}`;
  // Every write to a buffer that is gone is shown, and the first time that it is followed at all.
  if (writes || !pointer.reached.includes('followed')) {
    const given = [value.code, quoted(String(header)), String(writes), ctx.where, ctx.line];
    ctx.add(`net = follow(net, frame, ${given.join(', ')});`);
  }
  learn(ctx, pointer, 'not-null');
  learn(ctx, pointer, 'followed');
  return `headersAt(skb, frame, ${value.code}).${header}`;
}

/** Makes sure that a pointer that is a number or a route is not NULL. */
export function requireSet(ctx: Context, value: Value, place: Place): void {
  const pointer = known(ctx, value);
  const held = heldOf(value.type);
  if (value.isNull) throw new Refused(place, 'NULL is followed');
  if (pointer.isSet || held === 'nothing' || held === '') return;
  const check = held === 'route' ? 'presentRoute' : 'present';
  ctx.add(`net = ${check}(net, ${value.code}, ${quoted(pointer.name)}, ${ctx.where}, ${ctx.line});`);
  learn(ctx, pointer, 'not-null');
}

/** Makes sure that a route which is given back is no error; NULL is welcome. */
export function requireNoError(ctx: Context, value: Value): void {
  const pointer = known(ctx, value);
  if (value.isNull || pointer.isSet || heldOf(value.type) !== 'route') return;
  ctx.add(`net = releasedRoute(net, ${value.code}, ${quoted(pointer.name)}, ${ctx.where}, ${ctx.line});`);
}

/** Makes sure that a socket has that part, or shows that it has not. */
export function reach(ctx: Context, value: Value, part: Part, place: Place): void {
  requireSet(ctx, value, place);
  const { reached } = known(ctx, value);
  if (part === 'common' || reached.includes(part) || (part === 'inet' && reached.includes('tcp'))) return;
  ctx.add(`net = ${part === 'tcp' ? 'reachTcp' : 'reachInet'}(net, ${value.code}, ${ctx.where}, ${ctx.line});`);
  learn(ctx, value.pointer, part);
}

/** Code for the record of the socket, as code sees it that reads that part. */
export function socketCode(value: Value, part: Part): string {
  const read = part === 'tcp' ? 'tcpOf' : part === 'inet' ? 'inetOf' : 'getSock';
  return `${read}(net, ${value.code})`;
}
