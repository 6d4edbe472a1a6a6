/** Statements of the dialect. An `if` on a term runs both ways and joins what the two ways assigned. */
import type {
  AssignmentExpression,
  BindingIdentifier,
  Directive,
  Expression,
  ExpressionStatement,
  ForOfStatement,
  ForStatement,
  IfStatement,
  ReturnStatement,
  Statement,
  SwitchStatement,
  VariableDeclaration,
} from 'oxc-parser';
import { eraseIdentifierType } from './erase.ts';
import { compoundOperator, liftExpression } from './expressions.ts';
import { isFunctionValue, liftFunctionValue } from './functions.ts';
import { type Lifting, withoutParentheses } from './lifting.ts';
import { liftBinding, liftTarget } from './patterns.ts';

/** Lifts the statements of a block in a scope of their own. */
export function liftBlock(lifting: Lifting, statements: readonly (Directive | Statement)[]): void {
  lifting.scopes.enter();
  for (const statement of statements) liftStatement(lifting, statement);
  lifting.scopes.leave();
}

function liftStatement(lifting: Lifting, node: Directive | Statement): void {
  switch (node.type) {
    case 'BlockStatement':
      liftBlock(lifting, node.body);
      return;
    case 'VariableDeclaration':
      liftVariables(lifting, node);
      return;
    case 'ExpressionStatement':
      liftExpressionStatement(lifting, node);
      return;
    case 'IfStatement':
      liftIf(lifting, node);
      return;
    case 'ForOfStatement':
      liftForOf(lifting, node);
      return;
    case 'SwitchStatement':
      liftSwitch(lifting, node);
      return;
    case 'ReturnStatement':
      liftReturn(lifting, node);
      return;
    case 'EmptyStatement':
      return;
    case 'TSTypeAliasDeclaration':
    case 'TSInterfaceDeclaration':
      lifting.source.remove(node.start, node.end);
      return;
    case 'FunctionDeclaration':
      lifting.refuse(node, 'function inside a function');
      return;
    case 'ClassDeclaration':
      lifting.refuse(node, '`class`');
      return;
    case 'WhileStatement':
    case 'DoWhileStatement':
      lifting.refuse(node, '`while`');
      return;
    case 'ForStatement':
      liftCountedLoop(lifting, node);
      return;
    case 'ForInStatement':
      lifting.refuse(node, '`for…in`');
      return;
    case 'ThrowStatement':
      lifting.refuse(node, '`throw`');
      return;
    case 'TryStatement':
      lifting.refuse(node, '`try`');
      return;
    case 'BreakStatement':
      lifting.refuse(node, '`break`');
      return;
    case 'ContinueStatement':
      lifting.refuse(node, '`continue`');
      return;
    default:
      lifting.refuse(node, node.type);
      return;
  }
}

/** Lifts `const` and `let`, at the top level (`const` only) and in functions. */
export function liftVariables(lifting: Lifting, node: VariableDeclaration): void {
  const isTopLevel = lifting.functionDepth === 0;
  if (node.declare) {
    lifting.refuse(node, '`declare`');
    return;
  }
  if (node.kind !== 'const' && node.kind !== 'let') {
    lifting.refuse(node, `\`${node.kind}\``);
    return;
  }
  if (isTopLevel && node.kind === 'let') {
    lifting.refuse(node, '`let` at the top level');
    return;
  }
  for (const { id, init } of node.declarations) {
    if (init && isTopLevel && isFunctionValue(init)) liftFunctionValue(lifting, init);
    else if (init) liftExpression(lifting, init);
    liftBinding(lifting, id, isTopLevel ? 'module' : node.kind);
  }
}

function liftExpressionStatement(lifting: Lifting, node: ExpressionStatement | Directive): void {
  const expression = withoutParentheses(node.expression);
  if (expression.type === 'AssignmentExpression') {
    liftAssignment(lifting, expression);
    return;
  }
  if (expression.type === 'CallExpression') {
    liftExpression(lifting, node.expression);
    return;
  }
  if (expression.type === 'UpdateExpression') {
    lifting.refuse(expression, `operator ${expression.operator}`);
    return;
  }
  lifting.refuse(node, 'statement without an effect');
}

function liftAssignment(lifting: Lifting, node: AssignmentExpression): void {
  if (node.left.type === 'MemberExpression') {
    lifting.refuse(node, 'assignment to a member');
    return;
  }
  liftExpression(lifting, node.right);
  liftTarget(lifting, node.left);
  if (node.operator === '=') return;
  const operator = compoundOperator(node.operator);
  if (!operator || node.left.type !== 'Identifier') {
    lifting.refuse(node, `operator ${node.operator}`);
    return;
  }
  lifting.source.replace(node.left.end, node.right.start, ` = $.${operator}(${node.left.name}, `);
  lifting.source.edits.appendLeft(node.right.end, ')');
}

function liftIf(lifting: Lifting, node: IfStatement): void {
  const { source } = lifting;
  liftExpression(lifting, node.test);
  lifting.joinDepth++;
  liftArm(lifting, node.consequent);
  if (node.alternate) liftArm(lifting, node.alternate);
  lifting.joinDepth--;
  const state = `[${lifting.scopes.assignedFromOutside(node).join(', ')}]`;
  const restore = state === '[]' ? '' : `${state} = $state; `;
  source.replace(node.start, node.test.start, `{ const $joined = $.join(${lifting.site(node)}, `);
  source.replace(node.test.end, node.consequent.start, `, ${state}, ($test, $state) => { ${restore}if ($test) `);
  const leave = lifting.joinDepth > 0 ? 'return $joined' : 'return $joined.value';
  const resume = state === '[]' ? '' : ` ${state} = $joined;`;
  source.edits.appendLeft(node.end, ` return ${state}; }); if ($.isReturn($joined)) ${leave};${resume} }`);
}

/** Lifts one arm of an `if`, as a block, whatever it was. */
function liftArm(lifting: Lifting, node: Statement): void {
  liftBlock(lifting, [node]);
  lifting.source.wrap(node, '{ ', ' }');
}

function liftForOf(lifting: Lifting, node: ForOfStatement): void {
  if (node.await) {
    lifting.refuse(node, '`for await`');
    return;
  }
  liftExpression(lifting, node.right);
  lifting.source.wrap(node.right, '$.each(', ')');
  lifting.scopes.enter();
  if (node.left.type !== 'VariableDeclaration') lifting.refuse(node.left, 'loop over an existing variable');
  else liftVariables(lifting, node.left);
  liftBlock(lifting, [node.body]);
  lifting.scopes.leave();
}

/** What a counted loop consists of; its step is a literal and stays as it is. */
interface Counting {
  readonly counter: BindingIdentifier;
  readonly start: Expression;
  readonly bound: Expression;
}

/** The parts of `for (let i = start; i < bound; i += step)`; undefined for any other loop. */
function countingOf({ init, test, update }: ForStatement): Counting | undefined {
  if (init?.type !== 'VariableDeclaration' || init.kind !== 'let' || init.declarations.length !== 1) return undefined;
  const [counter] = init.declarations;
  if (counter?.id.type !== 'Identifier' || !counter.init) return undefined;
  const { name } = counter.id;
  const isCounter = (node: { readonly type: string; readonly name?: unknown }): boolean =>
    node.type === 'Identifier' && node.name === name;
  if (test?.type !== 'BinaryExpression' || test.operator !== '<' || !isCounter(test.left)) return undefined;
  if (update?.type !== 'AssignmentExpression' || update.operator !== '+=' || !isCounter(update.left)) return undefined;
  const step = update.right.type === 'Literal' ? update.right.value : undefined;
  if (typeof step !== 'number' || !Number.isSafeInteger(step) || step < 1) return undefined;
  return { counter: counter.id, start: counter.init, bound: test.right };
}

/** Lifts a loop whose counter is a plain number: the runtime refuses a term for its start or its bound. */
function liftCountedLoop(lifting: Lifting, node: ForStatement): void {
  const counting = countingOf(node);
  if (!counting) {
    lifting.refuse(node, '`for` that is not `for (let i = …; i < …; i += 1)`');
    return;
  }
  const { counter, start, bound } = counting;
  const count = `$.count(${lifting.site(node)}, `;
  liftExpression(lifting, start);
  lifting.source.wrap(start, count, ')');
  lifting.scopes.enter();
  eraseIdentifierType(lifting.source, counter);
  lifting.declare({ name: counter.name, kind: 'counter', start: counter.start });
  liftExpression(lifting, bound);
  lifting.source.wrap(bound, count, ')');
  liftBlock(lifting, [node.body]);
  lifting.scopes.leave();
}

function liftSwitch(lifting: Lifting, node: SwitchStatement): void {
  liftExpression(lifting, node.discriminant);
  lifting.source.wrap(node.discriminant, '$.tag(', ')');
  lifting.scopes.enter();
  for (const { test, consequent } of node.cases) {
    if (test && (test.type !== 'Literal' || typeof test.value !== 'string')) {
      lifting.refuse(test, '`case` that is not a string');
    }
    for (const statement of consequent) liftStatement(lifting, statement);
  }
  lifting.scopes.leave();
}

function liftReturn(lifting: Lifting, node: ReturnStatement): void {
  if (node.argument) liftExpression(lifting, node.argument);
  if (lifting.joinDepth === 0) return;
  if (node.argument) lifting.source.wrap(node.argument, '$.leave(', ')');
  else lifting.source.edits.appendLeft(node.start + 'return'.length, ' $.leave()');
}
