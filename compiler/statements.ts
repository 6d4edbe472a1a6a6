/** Statements. */
import type { CaseGroup, Declarator, Expression, Statement } from './ast.ts';
import { condition, integer, outcome } from './conditions.ts';
import { emptyCode, wildCode } from './contents.ts';
import type { Context } from './context.ts';
import { codeOf, convertTo, textType } from './conversions.ts';
import { effect, recordValue } from './expressions.ts';
import type { Continuation, Flow } from './flow.ts';
import { binary, truthCode } from './integers.ts';
import { countedLoop, type Loop, walk } from './loops.ts';
import { type Place, Refused } from './messages.ts';
import { remember } from './places.ts';
import { heldOf, isImplicit } from './pointers.ts';
import { Scope, type Variable } from './scope.ts';
import { type Type, typeText } from './types.ts';
import type { Value } from './values.ts';
import { Writer } from './writer.ts';

/** What happens at the end of a list of statements that is reached: nothing, so that the next line of the text follows, or this. */
export type Tail = (() => void) | undefined;

/** Statements that become lines of their own. */
const WRITTEN: ReadonlySet<Statement['kind']> = new Set([
  'declaration',
  'expression',
  'if',
  'return',
  'switch',
  'for',
  'walk',
]);

export class Statements {
  readonly ctx: Context;
  readonly flow: Flow;
  /** The labels that something jumps to. */
  private readonly targets: ReadonlySet<string>;
  private readonly labels = new Map<string, Continuation>();
  private readonly returns: Type;
  /** The innermost loop. */
  loop: Loop | undefined;

  constructor(ctx: Context, flow: Flow, returns: Type, body: readonly Statement[]) {
    this.ctx = ctx;
    this.flow = flow;
    this.returns = returns;
    this.targets = new Set(gotosIn(body));
  }

  /** Compiles a list; says whether its end is reached. */
  list(statements: readonly Statement[], tail: Tail): boolean {
    for (const [i, statement] of statements.entries()) {
      const rest = statements.slice(i + 1);
      if (statement.kind === 'label' && this.targets.has(statement.name)) {
        this.label(statement.name, [statement.body, ...rest], tail, statement.place);
        return false;
      }
      if (this.hasTarget(statement)) {
        if (rest.length === 0) return this.statement(statement, tail);
        this.joined(statement, rest, tail);
        return false;
      }
      if (!this.statement(statement, undefined)) {
        const after = rest.find((one) => this.hasTarget(one) || one.kind === 'label');
        return after === undefined ? false : this.list(rest.slice(rest.indexOf(after)), tail);
      }
      if (this.loop !== undefined && rest.length > 0 && leavesTurn(statement)) {
        this.loop.guarded(this.ctx, () => this.list(rest, undefined));
        tail?.();
        return true;
      }
    }
    tail?.();
    return tail === undefined;
  }

  /** A block in a scope of its own. */
  block(statements: readonly Statement[], tail: Tail): boolean {
    const { ctx } = this;
    ctx.scope = new Scope(ctx.scope);
    const falls = this.list(statements, tail);
    ctx.scope = ctx.scope.outer as Scope;
    return falls;
  }

  private hasTarget(statement: Statement): boolean {
    return labelsIn(statement).some((name) => this.targets.has(name));
  }

  // labels

  private labelOf(name: string): Continuation {
    const known = this.labels.get(name) ?? this.flow.create(name);
    this.labels.set(name, known);
    return known;
  }

  /** What follows a label that something jumps to. */
  private label(name: string, rest: readonly Statement[], tail: Tail, place: Place): void {
    const to = this.labelOf(name);
    if (to.visible !== undefined) throw new Refused(place, `the label ${name} stands twice`);
    if (this.loop !== undefined) {
      throw new Refused(place, `the label ${name} inside a loop`, 'labels outside of loops are supported');
    }
    this.flow.place(to);
    this.flow.jump(to);
    this.flow.write(to, () => this.list(rest, tail));
  }

  /** A statement with such a label inside: what follows it is reached in several ways. */
  private joined(statement: Statement, rest: readonly Statement[], tail: Tail): void {
    const join = this.flow.create('rest');
    this.flow.place(join);
    if (this.statement(statement, () => this.flow.jump(join))) this.flow.jump(join);
    this.flow.write(join, () => this.list(rest, tail));
  }

  private goto(name: string, place: Place): void {
    const to = this.labelOf(name);
    if (to.visible !== undefined) {
      throw new Refused(place, `a jump backward, to ${name}`, 'jumps forward and loops with a bound are supported');
    }
    this.flow.jump(to);
  }

  /** A label that something jumps to and that is not there. */
  get missingLabel(): string | undefined {
    return [...this.labels].find(([, { visible }]) => visible === undefined)?.[0];
  }

  // statements

  private statement(of: Statement, tail: Tail): boolean {
    const { ctx } = this;
    ctx.statement = of.place;
    if (WRITTEN.has(of.kind)) ctx.note();
    switch (of.kind) {
      case 'empty':
        return this.end(tail);
      case 'declaration':
        for (const one of of.declarators) this.declare(one);
        return this.end(tail);
      case 'expression':
        effect(ctx, of.of);
        return this.end(tail);
      case 'block':
        return this.block(of.body, tail);
      case 'label':
        return this.statement(of.body, tail);
      case 'if':
        return this.choice(of, tail);
      case 'return':
        this.return(of.value, of.place);
        return false;
      case 'goto':
        this.goto(of.label, of.place);
        return false;
      case 'switch':
        return this.switch(of.of, of.groups, tail, of.place);
      case 'for':
        countedLoop(this, of);
        return this.end(tail);
      case 'walk':
        walk(this, of);
        return this.end(tail);
      case 'do':
        return this.once(of, tail);
      case 'while':
        throw new Refused(
          of.place,
          'a loop without a bound that is known',
          'for (i = 0; i < CONSTANT; i++) and walks over lists are supported',
        );
      case 'break':
      case 'continue':
        if (this.loop === undefined) throw new Refused(of.place, `${of.kind} outside of a loop`);
        return this.loop.leave(ctx, of.kind, of.place);
    }
  }

  private end(tail: Tail): boolean {
    tail?.();
    return tail === undefined;
  }

  private declare({ type: typeName, name, value, place }: Declarator): void {
    const { ctx } = this;
    const type = textType(typeName);
    if (type.kind === 'void') throw new Refused(place, `${name} is void`);
    if (value !== undefined && 'fields' in value && value.kind === 'fields') {
      const made = recordValue(ctx, type, value.fields, place);
      this.define(ctx.declare(name, type, 'value', place), made);
      return;
    }
    if (value === undefined) {
      this.declareUnset(name, type, place);
      return;
    }
    ctx.keepsPointers = isTargetPointer(type);
    const given = convertTo(ctx, ctx.value(value as Expression), type, place, name);
    ctx.keepsPointers = false;
    if (given.target !== undefined && isTargetPointer(type)) {
      ctx.declare(name, type, 'alias', place, { location: given.target });
    } else if (isImplicit(type)) {
      ctx.facts.learn('is', ctx.declare(name, type, 'implicit', place).id);
    } else this.define(ctx.declare(name, type, 'value', place), given);
  }

  /** A variable that nobody has set yet. */
  private declareUnset(name: string, type: Type, place: Place): void {
    const { ctx } = this;
    if (isTargetPointer(type)) {
      throw new Refused(place, `${name} leads nowhere yet`, `${typeText(type)} is set where it is declared`);
    }
    const variable = ctx.declare(name, type, isImplicit(type) ? 'implicit' : 'value', place);
    if (variable.role === 'implicit') return;
    ctx.writer.later(() => `let ${variable.code} = ${variable.isReadUnset ? wildCode(type) : emptyCode(type)};`);
  }

  private define(variable: Variable, value: Value): void {
    this.ctx.add(`let ${variable.code} = ${codeOf(value)};`);
    remember(this.ctx, variable, value);
  }

  private choice({ test, yes, no }: Statement & { kind: 'if' }, tail: Tail): boolean {
    const { ctx } = this;
    const asked = condition(ctx, test);
    const hasTargets = this.hasTarget(yes) || (no !== undefined && this.hasTarget(no));
    const known = outcome(asked);
    if (known !== undefined && !hasTargets) {
      const taken = known ? yes : no;
      return taken === undefined ? this.end(tail) : this.arm(taken, tail);
    }
    const { writer: outer, facts: before } = ctx;
    ctx.facts = before.copy();
    ctx.facts.learnAll(asked.yes);
    ctx.writer = new Writer();
    const firstFalls = this.arm(yes, tail);
    const [first, firstFacts] = [ctx.writer, ctx.facts];
    ctx.facts = before.copy();
    ctx.facts.learnAll(asked.no);
    ctx.writer = new Writer();
    const secondFalls = no === undefined ? this.end(tail) : this.arm(no, tail);
    const [second, secondFacts] = [ctx.writer, ctx.facts];
    ctx.writer = outer;
    outer.block(`if (${truthCode(asked.value)})`, first);
    if (second.length > 0) outer.block('else', second);
    ctx.facts = firstFalls && secondFalls ? firstFacts.meet(secondFacts) : firstFalls ? firstFacts : secondFacts;
    return firstFalls || secondFalls;
  }

  /** One arm of an `if`: a scope of its own. */
  private arm(of: Statement, tail: Tail): boolean {
    return this.block(of.kind === 'block' ? of.body : [of], tail);
  }

  private return(value: Expression | undefined, place: Place): void {
    const { ctx, returns } = this;
    if (returns.kind === 'void') {
      if (value !== undefined) throw new Refused(place, 'return with a value in a function that is void');
      this.flow.return('');
      return;
    }
    if (value === undefined)
      throw new Refused(place, 'return without a value', `the function returns ${typeText(returns)}`);
    const given = convertTo(ctx, ctx.value(value), returns, place, `the result of ${ctx.name}()`);
    if (given.target !== undefined)
      throw new Refused(place, 'a pointer to a place is returned', 'pointers to packets, headers and sockets are');
    this.flow.return(codeOf(given));
  }

  /** `do … while (0)`. */
  private once({ body, test, place }: Statement & { kind: 'do' }, tail: Tail): boolean {
    const asked = integer(this.ctx, test);
    if (asked.constant !== 0 || leavesTurn(body)) {
      throw new Refused(place, 'a loop without a bound that is known', 'do … while (0) without break is supported');
    }
    return this.statement(body, tail);
  }

  // switch

  private switch(of: Expression, groups: readonly CaseGroup[], tail: Tail, place: Place): boolean {
    const { ctx } = this;
    if (groups.some(({ body }) => body.some((one) => this.hasTarget(one)))) {
      throw new Refused(
        place,
        'a label inside a switch that something jumps to',
        'labels outside of a switch are supported',
      );
    }
    const asked = integer(ctx, of);
    const value = asked.constant === undefined ? { ...asked, code: ctx.held(codeOf(asked)) } : asked;
    const bodies = groups.map((_, i) => bodyFrom(groups, i, place));
    const otherwise = groups.findIndex(({ isDefault }) => isDefault);
    const { writer: outer, facts: before } = ctx;
    const ends: { falls: boolean; facts: Context['facts'] }[] = [];
    const branch = (body: readonly Statement[]): Context['writer'] => {
      ctx.facts = before.copy();
      ctx.writer = new Writer();
      const falls = this.block(body, tail);
      ends.push({ falls, facts: ctx.facts });
      return ctx.writer;
    };
    let head = 'if';
    for (const [i, group] of groups.entries()) {
      if (group.isDefault) continue;
      const tests = group.values.map((one) => caseTest(ctx, value, one));
      const written = branch(bodies[i] as readonly Statement[]);
      outer.block(`${head} (${tests.join(' || ')})`, written);
      head = 'else if';
    }
    const last = branch(otherwise < 0 ? [] : (bodies[otherwise] as readonly Statement[]));
    if (head === 'if') outer.lines.push(...last.lines);
    else if (last.length > 0) outer.block('else', last);
    ctx.writer = outer;
    const falling = ends.filter(({ falls }) => falls);
    const [first, ...more] = falling;
    ctx.facts = more.reduce((facts, one) => facts.meet(one.facts), first?.facts ?? before);
    return falling.length > 0;
  }
}

/** Whether a value is that of a case, as code. */
function caseTest(ctx: Context, value: Value, of: Expression): string {
  const known = integer(ctx, of);
  if (known.constant === undefined) throw new Refused(of.place, 'a case that is no constant');
  return truthCode(binary('==', value, known, of.place));
}

/** The statements of a case up to its end: through the next ones where it falls into them. */
function bodyFrom(groups: readonly CaseGroup[], from: number, place: Place): readonly Statement[] {
  const body: Statement[] = [];
  for (const group of groups.slice(from)) {
    for (const [i, one] of group.body.entries()) {
      if (one.kind === 'break') return body;
      const last = i === group.body.length - 1;
      if (one.kind === 'block' && last && one.body.at(-1)?.kind === 'break') {
        return [...body, { ...one, body: one.body.slice(0, -1) }];
      }
      if (leavesTurn(one, true))
        throw new Refused(place, 'a break in the middle of a case', 'a case ends with break, return or goto');
      body.push(one);
      if (one.kind === 'return' || one.kind === 'goto') return body;
    }
  }
  return body;
}

// what a tree holds

function partsOf(of: Statement): readonly Statement[] {
  switch (of.kind) {
    case 'block':
      return of.body;
    case 'label':
    case 'for':
    case 'walk':
    case 'while':
    case 'do':
      return [of.body];
    case 'if':
      return of.no === undefined ? [of.yes] : [of.yes, of.no];
    case 'switch':
      return of.groups.flatMap(({ body }) => body);
    default:
      return [];
  }
}

/** The labels that stand in a statement. */
export function labelsIn(of: Statement): readonly string[] {
  return [...(of.kind === 'label' ? [of.name] : []), ...partsOf(of).flatMap(labelsIn)];
}

function gotosIn(statements: readonly Statement[]): readonly string[] {
  return statements.flatMap((one) => [...(one.kind === 'goto' ? [one.label] : []), ...gotosIn(partsOf(one))]);
}

/** Whether a statement may end the turn of the loop around it, or, in a switch, that. */
export function leavesTurn(of: Statement, inSwitch = false): boolean {
  if (of.kind === 'break') return true;
  if (of.kind === 'continue') return !inSwitch;
  if (of.kind === 'for' || of.kind === 'walk' || of.kind === 'while' || of.kind === 'do') return false;
  if (of.kind === 'switch') return partsOf(of).some((one) => continues(one));
  return partsOf(of).some((one) => leavesTurn(one, inSwitch));
}

function continues(of: Statement): boolean {
  if (of.kind === 'continue') return true;
  if (of.kind === 'for' || of.kind === 'walk' || of.kind === 'while' || of.kind === 'do') return false;
  return partsOf(of).some(continues);
}

/** Pointers that lead to a place of the text, which the variable stands for. */
function isTargetPointer(type: Type): boolean {
  const held = heldOf(type);
  return held === 'record' || (type.kind === 'pointer' && type.to.kind === 'integer');
}
