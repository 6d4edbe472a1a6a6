/** One function of the text. */
import type { FunctionDefinition } from './ast.ts';
import { Context, type KnownFunction, type Unit } from './context.ts';
import { textType } from './conversions.ts';
import { expression } from './expressions.ts';
import { Flow } from './flow.ts';
import { Refused } from './messages.ts';
import { heldOf, isImplicit } from './pointers.ts';
import type { Variable } from './scope.ts';
import { Statements } from './statements.ts';
import { table } from './table/index.ts';
import type { Type } from './types.ts';

/** The types of what every function knows. */
const GIVEN_TYPES: Readonly<Record<string, string>> = {
  kernel: 'Kernel',
  net: 'World',
  skb: 'SkBuff',
  frame: 'Frame',
  state: 'NfHookState',
};

/** Compiles a function. The hook takes and gives what a hook of the model does. */
export function compileFunction(unit: Unit, of: FunctionDefinition, code: string, isHook: boolean): KnownFunction {
  const ctx = new Context(unit, of.name, of.place, expression);
  const returns = textType(of.returns);
  const parameters = of.parameters.map(({ name, type, place }) => {
    const declared = textType(type);
    const variable = ctx.declare(name, declared, roleOf(declared), place);
    if (variable.role !== 'target') ctx.facts.learn('is', variable.id);
    return variable;
  });
  const flow = new Flow(ctx, isHook);
  const statements = new Statements(ctx, flow, returns, of.body);
  const falls = statements.list(of.body, returns.kind === 'void' ? () => flow.return('') : undefined);
  const missing = statements.missingLabel;
  if (missing !== undefined) throw new Refused(of.place, `goto ${missing} in ${of.name}(), which has no such label`);
  if (falls) throw new Refused(of.end, `${of.name}() may end without a value`, 'every way through it returns one');
  const takes = flow.taken;
  const gives = flow.given;
  const written = flow.writtenTargets;
  for (const variable of written) variable.isReadUnset ||= flow.leftAlone.has(variable);
  return {
    name: of.name,
    code,
    returns,
    parameters: parameters.map((variable) => ({ variable, isWritten: written.includes(variable) })),
    takes,
    gives,
    moves: ctx.moves,
    text: isHook ? hookText(ctx, flow, code) : functionText(ctx, flow, code, parameters),
  };
}

function roleOf(type: Type): Variable['role'] {
  if (isImplicit(type)) return 'implicit';
  const isTarget = heldOf(type) === 'record' || (type.kind === 'pointer' && type.to.kind === 'integer');
  return isTarget ? 'target' : 'value';
}

/** A variable as a parameter in the dialect. */
function parameterText(ctx: Context, { code, type }: Variable): string {
  return `${code}${ctx.unit.annotation(dialectType(type))}`;
}

/** The TypeScript type of what a variable of that type holds. */
function dialectType(type: Type): string {
  if (type.kind === 'integer') return type.isTruth ? 'boolean' : 'number';
  if (type.kind === 'structure') return table.structures[type.name]?.type ?? 'number';
  if (type.kind === 'void') return 'number';
  const held = heldOf(type);
  if (held === 'route') return 'Rtable';
  if (held === 'record' || held === '') return dialectType(type.to);
  return 'number';
}

function givenText(ctx: Context, names: readonly string[]): string[] {
  return names.map((name) => `${name}${ctx.unit.annotation(GIVEN_TYPES[name] as string)}`);
}

function functionText(ctx: Context, flow: Flow, code: string, parameters: readonly Variable[]): string {
  const own = parameters.filter(({ role }) => role === 'value' || role === 'target');
  const list = [...givenText(ctx, flow.taken), ...own.map((one) => parameterText(ctx, one))];
  return `export function ${code}(${list.join(', ')}) {\n${ctx.writer.render()}}\n${continuationsText(ctx, flow)}`;
}

function hookText(ctx: Context, flow: Flow, code: string): string {
  const list = givenText(ctx, ['kernel', 'net', 'skb', 'state']);
  const frame = flow.taken.includes('frame')
    ? `  let frame${ctx.unit.annotation('Frame')} = newFrame(net, skb);\n`
    : '';
  return `export function ${code}(${list.join(', ')})${ctx.unit.annotation('HookResult')} {\n${frame}${ctx.writer.render()}}\n${continuationsText(ctx, flow)}`;
}

function continuationsText(ctx: Context, flow: Flow): string {
  return flow.all
    .map((one) => {
      const list = [...givenText(ctx, flow.taken), ...flow.parametersOf(one).map((v) => parameterText(ctx, v))];
      return `\nfunction ${one.code}(${list.join(', ')}) {\n${one.writer.render()}}\n`;
    })
    .join('');
}
