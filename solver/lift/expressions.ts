/** Expressions of the dialect: every operator becomes a call into the runtime, everything unknown is refused. */
import type {
  Argument,
  BinaryExpression,
  CallExpression,
  ConditionalExpression,
  Expression,
  IdentifierReference,
  LogicalExpression,
  MemberExpression,
  ObjectExpression,
  PropertyKey,
  TemplateLiteral,
  UnaryExpression,
} from 'oxc-parser';
import { eraseAfter, eraseNode } from './erase.ts';
import { isFunctionValue, liftFunctionValue, liftMethod } from './functions.ts';
import type { Lifting } from './lifting.ts';
import { checkKey } from './patterns.ts';

const BINARY: Readonly<Record<string, string>> = {
  '+': 'add',
  '-': 'sub',
  '*': 'mul',
  '%': 'mod',
  '&': 'bitAnd',
  '|': 'bitOr',
  '^': 'bitXor',
  '<<': 'shiftLeft',
  '>>': 'shiftRight',
  '>>>': 'shiftRightUnsigned',
  '<': 'lt',
  '<=': 'le',
  '>': 'gt',
  '>=': 'ge',
  '===': 'same',
  '!==': 'different',
};

const UNARY: Readonly<Record<string, string>> = { '!': 'not', '~': 'bitNot', '-': 'negate' };

const MATH: Readonly<Record<string, string>> = { min: 'min', max: 'max', imul: 'imul' };

/** Methods of arrays, functions and strings: a record of functions must not use their names. */
const LIBRARY_METHODS: ReadonlySet<string> = new Set([
  ...Object.getOwnPropertyNames(Array.prototype),
  ...['call', 'apply', 'bind', 'toString', 'valueOf', 'hasOwnProperty', 'charCodeAt', 'codePointAt', 'padStart'],
  ...['padEnd', 'split', 'replace', 'replaceAll', 'startsWith', 'endsWith', 'trim', 'toLowerCase', 'toUpperCase'],
]);

/** The runtime function of an assignment operator such as `+=`; undefined for those outside the dialect. */
export function compoundOperator(operator: string): string | undefined {
  return BINARY[operator.slice(0, -1)];
}

/** Lifts an expression in place. */
export function liftExpression(lifting: Lifting, node: Expression): void {
  switch (node.type) {
    case 'Literal':
      checkLiteral(lifting, node);
      return;
    case 'Identifier':
      checkReference(lifting, node);
      return;
    case 'ParenthesizedExpression':
      liftExpression(lifting, node.expression);
      return;
    case 'TSAsExpression':
    case 'TSSatisfiesExpression':
    case 'TSNonNullExpression':
      liftExpression(lifting, node.expression);
      eraseAfter(lifting.source, node.expression, node);
      return;
    case 'BinaryExpression':
      liftBinary(lifting, node as BinaryExpression);
      return;
    case 'UnaryExpression':
      liftUnary(lifting, node);
      return;
    case 'LogicalExpression':
      liftLogical(lifting, node);
      return;
    case 'ConditionalExpression':
      liftConditional(lifting, node);
      return;
    case 'MemberExpression':
      liftMember(lifting, node);
      return;
    case 'CallExpression':
      liftCall(lifting, node);
      return;
    case 'ArrayExpression':
      for (const element of node.elements) {
        if (element) liftArgument(lifting, element);
        else lifting.refuse(node, 'array with a hole');
      }
      return;
    case 'ObjectExpression':
      liftObject(lifting, node);
      return;
    case 'TemplateLiteral':
      liftTemplate(lifting, node);
      return;
    case 'ArrowFunctionExpression':
      lifting.refuse(node, lifting.functionDepth > 0 ? 'arrow function inside a function' : 'callback');
      return;
    case 'FunctionExpression':
      lifting.refuse(node, 'function expression');
      return;
    case 'AssignmentExpression':
      lifting.refuse(node, 'assignment inside an expression');
      return;
    case 'UpdateExpression':
      lifting.refuse(node, `operator ${node.operator}`);
      return;
    case 'ChainExpression':
      lifting.refuse(node, 'optional chaining');
      return;
    case 'NewExpression':
      lifting.refuse(node, '`new`');
      return;
    case 'ThisExpression':
      lifting.refuse(node, '`this`');
      return;
    case 'AwaitExpression':
      lifting.refuse(node, '`await`');
      return;
    case 'YieldExpression':
      lifting.refuse(node, '`yield`');
      return;
    case 'ImportExpression':
      lifting.refuse(node, 'dynamic import');
      return;
    case 'TaggedTemplateExpression':
      lifting.refuse(node, 'tagged template');
      return;
    case 'TSTypeAssertion':
      lifting.refuse(node, 'type assertion in angle brackets');
      return;
    case 'ClassExpression':
      lifting.refuse(node, '`class`');
      return;
    default:
      lifting.refuse(node, node.type);
      return;
  }
}

function checkLiteral(lifting: Lifting, node: Expression & { type: 'Literal' }): void {
  if ('regex' in node) lifting.refuse(node, 'regular expression');
  else if ('bigint' in node) lifting.refuse(node, 'bigint');
  else if (node.value === null) lifting.refuse(node, '`null`');
  else if (typeof node.value === 'number' && !Number.isSafeInteger(node.value)) {
    lifting.refuse(node, 'number that is not a safe integer');
  }
}

function checkReference(lifting: Lifting, node: IdentifierReference): void {
  const binding = lifting.scopes.resolve(node.name);
  if (!binding) lifting.refuse(node, node.name === 'undefined' ? '`undefined`' : `global ${node.name}`);
  else if (binding.kind === 'native' && lifting.functionDepth > 0) {
    lifting.refuse(node, `${node.name}, imported from outside the dialect, inside a function`);
  }
}

function liftBinary(lifting: Lifting, node: BinaryExpression): void {
  const name = BINARY[node.operator];
  if (!name) {
    lifting.refuse(node, `operator ${node.operator}`);
    return;
  }
  liftExpression(lifting, node.left);
  liftExpression(lifting, node.right);
  lifting.source.replace(node.left.end, node.right.start, ', ');
  lifting.source.wrap(node, `$.${name}(`, ')');
}

function liftUnary(lifting: Lifting, node: UnaryExpression): void {
  const name = UNARY[node.operator];
  if (!name) {
    lifting.refuse(node, `operator ${node.operator}`);
    return;
  }
  liftExpression(lifting, node.argument);
  const isNegativeNumber = node.operator === '-' && node.argument.type === 'Literal' && node.argument.value !== 0;
  if (isNegativeNumber) return;
  lifting.source.replace(node.start, node.argument.start, `$.${name}(`);
  lifting.source.edits.appendLeft(node.end, ')');
}

function liftLogical(lifting: Lifting, node: LogicalExpression): void {
  if (node.operator === '??') {
    lifting.refuse(node, 'operator ??');
    return;
  }
  liftExpression(lifting, node.left);
  liftExpression(lifting, node.right);
  lifting.source.replace(node.left.end, node.right.start, ', () => (');
  lifting.source.wrap(node, node.operator === '&&' ? '$.and(' : '$.or(', '))');
}

function liftConditional(lifting: Lifting, node: ConditionalExpression): void {
  liftExpression(lifting, node.test);
  liftExpression(lifting, node.consequent);
  liftExpression(lifting, node.alternate);
  lifting.source.replace(node.test.end, node.consequent.start, ', () => (');
  lifting.source.replace(node.consequent.end, node.alternate.start, '), () => (');
  lifting.source.wrap(node, '$.choose(', '))');
}

function liftMember(lifting: Lifting, node: MemberExpression): void {
  if (node.optional) {
    lifting.refuse(node, 'optional chaining');
    return;
  }
  if (node.property.type === 'PrivateIdentifier') {
    lifting.refuse(node, 'private member');
    return;
  }
  if (!node.computed) {
    if (isMath(lifting, node.object)) {
      lifting.refuse(node, `Math.${node.property.name} outside a call`);
      return;
    }
    liftExpression(lifting, node.object);
    return;
  }
  liftExpression(lifting, node.object);
  liftExpression(lifting, node.property);
  lifting.source.replace(node.object.end, node.property.start, ', ');
  lifting.source.replace(node.property.end, node.end, ')');
  lifting.source.edits.prependRight(node.start, '$.index(');
}

function isMath(lifting: Lifting, node: Expression): boolean {
  return node.type === 'Identifier' && node.name === 'Math' && !lifting.scopes.resolve('Math');
}

function liftCall(lifting: Lifting, node: CallExpression): void {
  const { callee } = node;
  if (node.optional) {
    lifting.refuse(node, 'optional chaining');
    return;
  }
  eraseNode(lifting.source, node.typeArguments);
  if (callee.type === 'Identifier') checkReference(lifting, callee);
  else if (callee.type === 'MemberExpression' && !callee.computed) {
    if (!liftCalledMember(lifting, callee)) return;
  } else {
    lifting.refuse(node, `call of ${callee.type}`);
    return;
  }
  const outer = lifting.inBug;
  lifting.inBug = callee.type === 'Identifier' && callee.name === 'bug';
  for (const argument of node.arguments) liftArgument(lifting, argument);
  lifting.inBug = outer;
}

/** Lifts `record.f` of a call `record.f(…)`; says whether the call was accepted. */
function liftCalledMember(lifting: Lifting, callee: MemberExpression): boolean {
  if (callee.property.type !== 'Identifier' || callee.optional) {
    lifting.refuse(callee, 'call of this member');
    return false;
  }
  const name = callee.property.name;
  if (isMath(lifting, callee.object)) {
    if (MATH[name]) lifting.source.replace(callee.start, callee.end, `$.${MATH[name]}`);
    else lifting.refuse(callee, `Math.${name}`);
    return MATH[name] !== undefined;
  }
  if (LIBRARY_METHODS.has(name)) {
    lifting.refuse(callee.property, `method call .${name}()`);
    return false;
  }
  liftExpression(lifting, callee.object);
  lifting.source.replace(callee.object.end, callee.end, `, '${name}')`);
  lifting.source.edits.prependRight(callee.start, '$.member(');
  return true;
}

function liftArgument(lifting: Lifting, node: Argument): void {
  if (node.type !== 'SpreadElement') {
    liftExpression(lifting, node);
    return;
  }
  liftExpression(lifting, node.argument);
  lifting.source.wrap(node.argument, '$.each(', ')');
}

function liftObject(lifting: Lifting, node: ObjectExpression): void {
  for (const property of node.properties) {
    if (property.type === 'SpreadElement') {
      liftExpression(lifting, property.argument);
      lifting.source.wrap(property.argument, '$.record(', ')');
      continue;
    }
    if (property.computed) liftComputedKey(lifting, property.key);
    else checkKey(lifting, property.key);
    if (property.kind !== 'init') lifting.refuse(property, 'getter or setter');
    else if (property.method) liftMethod(lifting, property);
    else if (isFunctionValue(property.value)) liftFunctionValue(lifting, property.value);
    else liftExpression(lifting, property.value);
  }
}

/** Lifts the key of `{ [key]: value }`. */
function liftComputedKey(lifting: Lifting, key: PropertyKey): void {
  if (key.type === 'PrivateIdentifier') {
    lifting.refuse(key, 'private member');
    return;
  }
  liftExpression(lifting, key as Expression);
  lifting.source.wrap(key, '$.key(', ')');
}

function liftTemplate(lifting: Lifting, node: TemplateLiteral): void {
  for (const part of node.expressions) {
    liftExpression(lifting, part);
    lifting.source.wrap(part, lifting.inBug ? '$.show(' : '$.text(', ')');
  }
}
