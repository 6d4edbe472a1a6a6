/**
 * Finds lists that a function builds by `list = [...list, item]` and that nobody else can see before they are complete:
 * natively the item is pushed.
 *
 * Such a list is a local variable that begins as `[]`. Inside of the loops that build it nothing but its length is read
 * and nothing keeps it, unless the function ends with that, so that it makes no difference whether it grows or is replaced.
 */
import { evaluatedIn, isFunction, isNamed, type Node } from './ast.ts';

/** `[...list, item]` as the next state of `list`. */
export interface Append {
  readonly list: string;
  readonly node: Node;
  /** The elements behind the list itself. */
  readonly items: readonly Node[];
}

const LOOPS = ['ForOfStatement', 'ForStatement', 'WhileStatement', 'DoWhileStatement'];

/** All such appends of a program. */
export function findAppends(program: Node): readonly Append[] {
  return functionsOf(program).flatMap((body) => declaredLists(body).flatMap((list) => appendsOf(body, list)));
}

/** The blocks of all functions; one that lies in another is a block of its own. */
function functionsOf(node: Node): readonly Node[] {
  const own = isFunction(node) && (node.body as Node).type === 'BlockStatement' ? [node.body as Node] : [];
  return [...own, ...evaluatedIn(node).flatMap(functionsOf)];
}

/** Each part of a function with those around it, functions inside of it left out. */
function partsOf(
  node: Node,
  around: readonly Node[] = [],
): readonly (readonly [node: Node, around: readonly Node[]])[] {
  const inner = [...around, node];
  const children = evaluatedIn(node).filter((child) => !isFunction(child));
  return [[node, around], ...children.flatMap((child) => partsOf(child, inner))];
}

interface List {
  readonly name: string;
  readonly declarator: Node;
  readonly around: readonly Node[];
}

function declaredLists(body: Node): readonly List[] {
  return partsOf(body).flatMap(([node, around]) => {
    const { id, init } = node as unknown as { readonly id: Node; readonly init: Node | null };
    const empty = node.type === 'VariableDeclarator' && id.type === 'Identifier' && init?.type === 'ArrayExpression';
    if (!empty || (init.elements as readonly Node[]).length > 0) return [];
    return [{ name: id.name as string, declarator: node, around }];
  });
}

/** The appends to that list, none when somebody could see the difference. */
function appendsOf(body: Node, { name, declarator, around }: List): readonly Append[] {
  const parts = partsOf(body);
  const names = parts.filter(([node]) => isNamed(node, name));
  const declared = parts.filter(([node]) => node.type === 'VariableDeclarator' && mentions(node.id as Node, name));
  if (declared.length !== 1 || closuresMention(body, name)) return [];
  const assigned = parts.filter(([node]) => node.type === 'AssignmentExpression' && mentions(node.left as Node, name));
  const appends = assigned.flatMap(([node]) => nextStates(node.right as Node, name));
  const simple = assigned.every(
    ([node]) => node.operator === '=' && isNamed(node.left as Node, name) && isState(node.right as Node, name),
  );
  if (!simple || appends.length === 0 || appends.some(({ items }) => items.some((item) => mentions(item, name))))
    return [];
  const regions = assigned.map(
    ([node, outer]) => outer.find((one) => LOOPS.includes(one.type) && !around.includes(one)) ?? node,
  );
  const complete = Math.max(...regions.map(({ end }) => end));
  const inside = new Set(assigned.flatMap(([node]) => [node.left as Node, ...leavesOf(node.right as Node, name)]));
  const harmless = names.every(
    ([node, outer]) =>
      node === declarator.id ||
      inside.has(node) ||
      node.start >= complete ||
      outer.some(({ type }) => type === 'ReturnStatement') ||
      isRead(node, outer.at(-1) as Node, outer.at(-2)),
  );
  return harmless ? appends : [];
}

function mentions(node: Node, name: string): boolean {
  return isNamed(node, name) || evaluatedIn(node).some((child) => mentions(child, name));
}

function closuresMention(node: Node, name: string): boolean {
  return evaluatedIn(node).some((child) => (isFunction(child) ? mentions(child, name) : closuresMention(child, name)));
}

/** Whether an expression is the list as it is, the list with more behind it, or a choice of these. */
function isState(node: Node, name: string): boolean {
  if (node.type === 'ParenthesizedExpression') return isState(node.expression as Node, name);
  if (node.type === 'ConditionalExpression')
    return (
      !mentions(node.test as Node, name) &&
      isState(node.consequent as Node, name) &&
      isState(node.alternate as Node, name)
    );
  return isNamed(node, name) || appended(node, name) !== undefined;
}

function appended(node: Node, name: string): readonly Node[] | undefined {
  if (node.type !== 'ArrayExpression') return undefined;
  const [first, ...items] = node.elements as readonly Node[];
  return first?.type === 'SpreadElement' && isNamed(first.argument as Node, name) ? items : undefined;
}

function nextStates(node: Node, name: string): readonly Append[] {
  const items = appended(node, name);
  if (items !== undefined) return items.length === 0 ? [] : [{ list: name, node, items }];
  if (node.type === 'ParenthesizedExpression') return nextStates(node.expression as Node, name);
  if (node.type !== 'ConditionalExpression') return [];
  return [...nextStates(node.consequent as Node, name), ...nextStates(node.alternate as Node, name)];
}

/** The places of the list's name in its next state. */
function leavesOf(node: Node, name: string): readonly Node[] {
  return isNamed(node, name) ? [node] : evaluatedIn(node).flatMap((child) => leavesOf(child, name));
}

/** Whether the list is only looked at: its length, or all of it copied into another list. */
function isRead(node: Node, parent: Node, outer: Node | undefined): boolean {
  if (parent.type === 'MemberExpression')
    return parent.object === node && !parent.computed && isNamed(parent.property as Node, 'length');
  return parent.type === 'SpreadElement' && outer?.type === 'ArrayExpression';
}
