/**
 * Functions of the dialect: the body becomes an argument of `$.call`, which may run it once for every path through it.
 *
 * A function makes another one only as the field of a record, and only while modules load (`$.made` sees to that): what
 * it makes may use its parameters and variables, and assigns none of them.
 */
import type {
  ArrowFunctionExpression,
  Expression,
  FunctionBody,
  Function as FunctionNode,
  ObjectProperty,
} from 'oxc-parser';
import { eraseNode } from './erase.ts';
import { liftExpression } from './expressions.ts';
import type { Lifting } from './lifting.ts';
import { liftBinding } from './patterns.ts';
import { liftBlock } from './statements.ts';

export function isFunctionValue(node: Expression): node is ArrowFunctionExpression | FunctionNode {
  return node.type === 'ArrowFunctionExpression' || node.type === 'FunctionExpression';
}

/** Lifts `function f(…) {…}` at the top level. */
export function liftFunctionDeclaration(lifting: Lifting, node: FunctionNode): void {
  if (!node.body || node.declare) {
    lifting.refuse(node, 'function without a body');
    return;
  }
  if (!node.id) {
    lifting.refuse(node, 'function without a name');
    return;
  }
  if (node.id.name === 'bug' && isBug(node.body)) {
    liftBug(lifting, node, node.body);
    return;
  }
  liftParts(lifting, node);
  lifting.source.edits.appendLeft(node.id.end, `(...$args) { return $.call(${lifting.site(node)}, function `);
  lifting.source.edits.appendLeft(node.end, ', $args); }');
}

/** Lifts the method of a record: `holds(…) {…}`. */
export function liftMethod(lifting: Lifting, property: ObjectProperty): void {
  const value = property.value;
  if (value.type !== 'FunctionExpression') {
    lifting.refuse(property, 'method');
    return;
  }
  if (value.async || value.generator) {
    lifting.refuse(property, value.async ? '`async`' : 'generator');
    return;
  }
  const isInside = lifting.functionDepth > 0;
  const site = lifting.site(property);
  liftParts(lifting, value);
  if (isInside) lifting.source.wrap(value, `: $.made(${site}, (...$args) => $.call(${site}, function `, ', $args))');
  else lifting.source.wrap(value, `(...$args) { return $.call(${site}, function `, ', $args); }');
}

/** Lifts an arrow function or function expression that is the value of a constant or of a record's field. */
export function liftFunctionValue(lifting: Lifting, node: ArrowFunctionExpression | FunctionNode): void {
  if (node.type === 'FunctionExpression' && node.id) {
    lifting.refuse(node, 'named function expression');
    return;
  }
  const isInside = lifting.functionDepth > 0;
  const site = lifting.site(node);
  liftParts(lifting, node);
  if (isInside) lifting.source.wrap(node, `$.made(${site}, (...$args) => $.call(${site}, `, ', $args))');
  else lifting.source.wrap(node, `(...$args) => $.call(${site}, `, ', $args)');
}

function liftParts(lifting: Lifting, node: ArrowFunctionExpression | FunctionNode): void {
  if (lifting.functionDepth > 1) {
    lifting.refuse(node, 'function inside a function that is inside a function');
    return;
  }
  if (node.async) {
    lifting.refuse(node, '`async`');
    return;
  }
  if (node.generator) {
    lifting.refuse(node, 'generator');
    return;
  }
  const outer = lifting.joinDepth;
  lifting.joinDepth = 0;
  lifting.functionDepth++;
  lifting.scopes.enter();
  eraseNode(lifting.source, node.typeParameters);
  eraseNode(lifting.source, node.returnType);
  for (const parameter of node.params) liftBinding(lifting, parameter, 'parameter');
  if (node.body?.type === 'BlockStatement') liftBlock(lifting, (node.body as FunctionBody).body);
  else if (node.body) liftExpression(lifting, node.body as Expression);
  lifting.scopes.leave();
  lifting.functionDepth--;
  lifting.joinDepth = outer;
}

/** `function bug(why) { throw new Error(…); }`, the one function that throws. */
function isBug(body: FunctionBody): boolean {
  const [only] = body.body;
  return body.body.length === 1 && only?.type === 'ThrowStatement';
}

function liftBug(lifting: Lifting, node: FunctionNode, body: FunctionBody): void {
  const [parameter] = node.params;
  if (node.params.length !== 1 || parameter?.type !== 'Identifier') {
    lifting.refuse(node, 'bug() with other parameters than one reason');
    return;
  }
  eraseNode(lifting.source, node.returnType);
  lifting.source.remove(parameter.start + parameter.name.length, parameter.end);
  lifting.source.replace(body.start, body.end, `{ $.bug(${parameter.name}); }`);
}
