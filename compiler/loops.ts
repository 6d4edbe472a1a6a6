/** Loops: counted ones, and walks over the lists of the kernel. */
import type { Expression, Statement } from './ast.ts';
import { type Context, structureRow } from './context.ts';
import { valueIf } from './expressions.ts';
import { assigns } from './flow.ts';
import { convert } from './integers.ts';
import { type Place, Refused } from './messages.ts';
import { nullOf, reach } from './pointers.ts';
import { Scope, type Variable } from './scope.ts';
import type { Statements } from './statements.ts';
import { table, type WalkRow } from './table/index.ts';
import { type IntegerType, structureOf, typeText } from './types.ts';
import { constantValue, type Value } from './values.ts';
import { Writer } from './writer.ts';

/** Turns of a counted loop at most. */
const MOST_TURNS = 1024;

const BOUNDED = 'for (i = 0; i < CONSTANT; i++) and walks over lists are supported';

/** A loop while its body is compiled: `break` and `continue` become flags that the rest of the body asks. */
export class Loop {
  private stopped = '';
  private skipped = '';

  /** `break` or `continue`: what follows in this turn does not happen. */
  leave(ctx: Context, word: 'break' | 'continue', _place: Place): false {
    if (word === 'break') this.stopped ||= ctx.temporary();
    else this.skipped ||= ctx.temporary();
    ctx.add(`${word === 'break' ? this.stopped : this.skipped} = true;`);
    return false;
  }

  /** Statements that happen only if the turn was not left. */
  guarded(ctx: Context, compile: () => void): void {
    const { writer: outer } = ctx;
    const before = ctx.facts.copy();
    ctx.writer = new Writer();
    compile();
    const inner = ctx.writer;
    ctx.writer = outer;
    ctx.facts = before.meet(ctx.facts);
    const flags = [this.stopped, this.skipped].filter((flag) => flag !== '').map((flag) => `!${flag}`);
    if (flags.length === 0) outer.lines.push(...inner.lines);
    else if (inner.length > 0) outer.block(`if (${flags.join(' && ')})`, inner);
  }

  /** Code for whether the loop goes on; '' when it always does. */
  get goesOn(): string {
    return this.stopped === '' ? '' : `!${this.stopped}`;
  }

  /** The lines before the loop, and at the start of each turn. */
  declarations(): { readonly before: readonly string[]; readonly turn: readonly string[] } {
    return {
      before: this.stopped === '' ? [] : [`let ${this.stopped} = false;`],
      turn: this.skipped === '' ? [] : [`let ${this.skipped} = false;`],
    };
  }
}

/** Compiles the body of a loop. What is known of pointers before it holds neither in its later turns nor behind it. */
function bodyOf(statements: Statements, body: Statement): { readonly writer: Writer; readonly loop: Loop } {
  const { ctx } = statements;
  const { writer: outer, facts } = ctx;
  const { loop: outerLoop } = statements;
  const loop = new Loop();
  statements.loop = loop;
  ctx.writer = new Writer();
  ctx.facts = facts.onlySet();
  statements.block(body.kind === 'block' ? body.body : [body], undefined);
  const { writer } = ctx;
  statements.loop = outerLoop;
  ctx.writer = outer;
  ctx.facts = facts.onlySet();
  return { writer, loop };
}

/** Writes a loop around its body; a turn that `guardCode` is false of does nothing, '' for none. */
function write(
  ctx: Context,
  head: string,
  first: readonly string[],
  body: Writer,
  loop: Loop,
  next = { code: '', guard: '' },
): void {
  const { before, turn } = loop.declarations();
  for (const line of before) ctx.add(line);
  const whole = new Writer();
  for (const line of turn) whole.add(line);
  for (const line of first) whole.add(line);
  whole.lines.push(...body.lines);
  const conditions = [next.guard, loop.goesOn].filter((condition) => condition !== '');
  if (conditions.length === 0) {
    ctx.writer.block(head, whole);
    return;
  }
  const guard = new Writer();
  if (next.code !== '') guard.add(next.code);
  guard.block(`if (${conditions.join(' && ')})`, whole);
  ctx.writer.block(head, guard);
}

// counted loops

/** `for (i = A; i < B; i += C)` with constants. */
export function countedLoop(statements: Statements, of: Statement & { kind: 'for' }): void {
  const { ctx } = statements;
  ctx.scope = new Scope(ctx.scope);
  const { variable, start } = counterOf(statements, of);
  if (writes(of.body, variable.name)) {
    throw new Refused(of.place, `${variable.name} gets another value inside the loop that it counts`, BOUNDED);
  }
  const values = turnsOf(ctx, of, variable, start);
  const [first, second] = values;
  const { writer, loop } = bodyOf(statements, of.body);
  const step = (second ?? 0) - (first ?? 0);
  const turn = ctx.temporary();
  const value =
    step === 1 && first === 0
      ? turn
      : `${first} ${step < 0 ? '-' : '+'} ${turn}${Math.abs(step) === 1 ? '' : ` * ${Math.abs(step)}`}`;
  const count = values.length - 1;
  write(ctx, `for (let ${turn} = 0; ${turn} < ${count}; ${turn} += 1)`, [`${variable.code} = ${value};`], writer, loop);
  const last = `${variable.code} = ${values.at(-1)};`;
  ctx.add(loop.goesOn === '' ? last : `if (${loop.goesOn}) ${last}`);
  ctx.scope = ctx.scope.outer as Scope;
}

interface Counter {
  readonly variable: Variable;
  readonly start: number;
}

/** The variable that counts, and where it begins. */
function counterOf(statements: Statements, { first, place }: Statement & { kind: 'for' }): Counter {
  const { ctx } = statements;
  if (first === undefined) throw new Refused(place, 'a loop that does not begin with i = CONSTANT', BOUNDED);
  statements.list([first], undefined);
  const name =
    first.kind === 'declaration' && first.declarators.length === 1
      ? first.declarators[0]?.name
      : first.kind === 'expression' && first.of.kind === 'assignment' && first.of.left.kind === 'name'
        ? first.of.left.name
        : undefined;
  const variable = name === undefined ? undefined : ctx.scope.find(name);
  const given =
    first.kind === 'declaration'
      ? first.declarators[0]?.value
      : first.kind === 'expression' && first.of.kind === 'assignment'
        ? first.of.right
        : undefined;
  if (variable?.type.kind !== 'integer' || given === undefined || given.kind === 'fields') {
    throw new Refused(place, 'a loop that does not begin with i = CONSTANT', BOUNDED);
  }
  const start = ctx.value(given).constant;
  if (start === undefined) throw new Refused(place, 'a loop that does not begin with i = CONSTANT', BOUNDED);
  return { variable, start };
}

/** The values that the counter takes, the last of them behind the loop. */
function turnsOf(
  ctx: Context,
  { test, step, place }: Statement & { kind: 'for' },
  variable: Variable,
  start: number,
): readonly number[] {
  const values = [start];
  if (test === undefined || step === undefined)
    throw new Refused(place, 'a loop without a bound that is known', BOUNDED);
  const type = variable.type as IntegerType;
  const valueWith = (of: Expression, counter: number): Value =>
    valueIf(ctx, of, variable, constantValue(type, counter));
  for (let counter = start; ; ) {
    const goesOn = valueWith(test, counter).constant;
    if (goesOn === undefined) throw new Refused(test.place, 'a loop without a bound that is known', BOUNDED);
    if (goesOn === 0) return values;
    if (values.length > MOST_TURNS) throw new Refused(place, `a loop of more than ${MOST_TURNS} turns`, BOUNDED);
    const next = convert(valueWith(stepped(step, variable, place), counter), type, place).constant;
    if (next === undefined) throw new Refused(step.place, 'a loop whose step is not known', BOUNDED);
    values.push(next);
    counter = next;
  }
}

/** The step of a loop as the counter's next value. */
function stepped(step: Expression, variable: Variable, place: Place): Expression {
  const isCounter = (of: Expression): boolean => of.kind === 'name' && of.name === variable.name;
  if (step.kind === 'step' && isCounter(step.of)) {
    const right: Expression = { kind: 'number', place, text: '1' };
    return { kind: 'binary', place, operator: step.by === 1 ? '+' : '-', left: step.of, right };
  }
  if (step.kind === 'assignment' && isCounter(step.left)) {
    const { operator, left, right } = step;
    return operator === undefined ? right : { kind: 'binary', place, operator, left, right };
  }
  throw new Refused(step.place, 'a loop whose step is no ++, -- or +=', BOUNDED);
}

/** Whether a tree gives a variable another value, or hands its address out. */
function writes(tree: unknown, name: string): boolean {
  if (Array.isArray(tree)) return tree.some((one) => writes(one, name));
  if (typeof tree !== 'object' || tree === null) return false;
  const node = tree as { kind?: string; left?: Expression; of?: Expression };
  const isIt = (of: Expression | undefined): boolean => of?.kind === 'name' && of.name === name;
  if (node.kind === 'assignment' && isIt(node.left)) return true;
  if ((node.kind === 'step' || node.kind === 'address') && isIt(node.of)) return true;
  return Object.values(tree).some((one) => writes(one, name));
}

// walks

/** A walk over the queue of a socket, the bind buckets, or the connections. */
export function walk(statements: Statements, of: Statement & { kind: 'walk' }): void {
  const { ctx } = statements;
  const row = table.walks[of.name] as WalkRow;
  const count = row.list === 'ehash' ? 3 : 2;
  if (of.args.length !== count)
    throw new Refused(of.place, `${of.name}() with ${of.args.length} arguments`, `it has ${count}`);
  const element = of.args[row.element] as Expression;
  const list = of.args[1 - row.element] as Expression;
  const variable = element.kind === 'name' ? ctx.scope.find(element.name) : undefined;
  if (variable === undefined) throw new Refused(element.place, 'the element of a walk is no variable');
  if (row.list === 'bhash') walkBuckets(statements, of, variable);
  else if (row.list === 'ehash') walkConnections(statements, of, variable);
  else walkQueue(statements, of, variable, queueOf(ctx, list, row.list), row.list === 'tcp_rtx_queue');
}

function walkBuckets(statements: Statements, of: Statement & { kind: 'walk' }, variable: Variable): void {
  const { ctx } = statements;
  if (structureOf(variable.type) !== 'inet_bind_bucket') {
    throw new Refused(of.place, `${typeText(variable.type)} walks over bind buckets`, 'struct inet_bind_bucket * does');
  }
  ctx.facts.forget(variable.id);
  ctx.facts.learn('is', variable.id);
  const outer = ctx.facts.copy();
  ctx.facts.learn('not-null', variable.id);
  const { writer, loop } = bodyOf(statements, of.body);
  const at = ctx.temporary();
  write(ctx, `for (const ${at} of net.bhash)`, [`${variable.code} = ${at}.port;`], writer, loop);
  const last = `${variable.code} = ${nullOf(variable.type).code};`;
  ctx.add(loop.goesOn === '' ? last : `if (${loop.goesOn}) ${last}`);
  ctx.facts = outer.onlySet();
}

function walkConnections(statements: Statements, of: Statement & { kind: 'walk' }, variable: Variable): void {
  const { ctx } = statements;
  if (structureOf(variable.type) !== 'sock') {
    throw new Refused(of.place, `${typeText(variable.type)} walks over connections`, 'struct sock * does');
  }
  ctx.facts.forget(variable.id);
  const outer = ctx.facts.copy();
  ctx.facts.learn('is', variable.id);
  ctx.facts.learn('not-null', variable.id);
  const { writer, loop } = bodyOf(statements, of.body);
  const at = ctx.temporary();
  // A turn for each socket, of which some are not there.
  ctx.add(`let ${at} = CHAIN_HEAD;`);
  const next = { code: `${at} = nextInEhash(net, ${at});`, guard: `${at} !== 0` };
  write(ctx, `for (const ${ctx.temporary()} of net.socks)`, [`${variable.code} = ${at};`], writer, loop, next);
  ctx.facts = outer.onlySet();
}

/** The socket whose queue `&sk->sk_write_queue` is. */
function queueOf(ctx: Context, of: Expression, member: string): Value {
  const inner = of.kind === 'address' ? of.of : undefined;
  if (inner?.kind !== 'member' || inner.name !== member) {
    throw new Refused(of.place, 'a walk over another list', `&sk->${member} is supported`);
  }
  let base = inner.of;
  while (base.kind === 'member' && !inner.isArrow) base = base.of;
  const socket = ctx.value(base);
  if (structureOf(socket.type) === '' || structureRow(structureOf(socket.type)).held !== 'socket') {
    throw new Refused(of.place, `a queue of ${typeText(socket.type)}`, 'queues of sockets are walked');
  }
  reach(ctx, socket, 'inet', of.place);
  return socket;
}

function walkQueue(
  statements: Statements,
  of: Statement & { kind: 'walk' },
  variable: Variable,
  socket: Value,
  sent: boolean,
): void {
  const { ctx } = statements;
  if (structureOf(variable.type) !== 'sk_buff') {
    throw new Refused(of.place, `${typeText(variable.type)} walks over a queue`, 'struct sk_buff * does');
  }
  const held = ctx.held(socket.code);
  ctx.scope = new Scope(ctx.scope);
  const segment = ctx.declare(variable.name, variable.type, 'segment', of.place);
  ctx.facts.learn('is', segment.id);
  const { writer, loop } = bodyOf(statements, of.body);
  ctx.scope = ctx.scope.outer as Scope;
  const changes = assigns(writer.names(), segment.code);
  if (changes && /\breturn\b/.test(writer.render())) {
    throw new Refused(of.place, 'a jump out of a walk that changes its segments', 'break and continue are supported');
  }
  const at = ctx.temporary();
  const queue = ctx.temporary();
  if (changes) ctx.add(`let ${queue}${ctx.unit.annotation('readonly WriteQueueSeg[]')} = [];`);
  const turn = new Writer();
  turn.add(`let ${segment.code} = ${at};`);
  const guard = loop.goesOn === '' ? '' : ` && ${loop.goesOn}`;
  const inner = new Writer();
  for (const line of loop.declarations().turn) inner.add(line);
  inner.lines.push(...writer.lines);
  turn.block(`if (${sent ? '' : '!'}${segment.code}.sent${guard})`, inner);
  if (changes) turn.add(`${queue} = [...${queue}, ${segment.code}];`);
  for (const line of loop.declarations().before) ctx.add(line);
  ctx.writer.block(`for (const ${at} of getSock(net, ${held}).write_queue)`, turn);
  if (changes) ctx.add(`net = setSock(net, { ...getSock(net, ${held}), write_queue: ${queue} });`);
}
