/** What the rewriting steps need to know of a syntax tree. */

export interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';
}

export function childrenOf(node: Node): readonly Node[] {
  return Object.values(node).flatMap((value) =>
    Array.isArray(value) ? value.filter(isNode) : isNode(value) ? [value] : [],
  );
}

/** The children that are evaluated: names of fields and types are not. */
export function evaluatedIn(node: Node): readonly Node[] {
  if (node.type === 'MemberExpression' && !node.computed) return [node.object as Node];
  if (node.type === 'Property' && !node.computed) return [node.value as Node];
  if (/^TS(As|Satisfies|NonNull)Expression$/.test(node.type)) return [node.expression as Node];
  return node.type.startsWith('TS') ? [] : childrenOf(node);
}

export function isFunction({ type }: Node): boolean {
  return type === 'FunctionDeclaration' || type === 'FunctionExpression' || type === 'ArrowFunctionExpression';
}

/** Whether that is a field with a plain name and a value. */
export function isPlain(field: Node): boolean {
  return (
    field.type === 'Property' &&
    field.kind === 'init' &&
    !field.computed &&
    !field.method &&
    (field.key as Node).type === 'Identifier'
  );
}

export function isNamed(node: Node | undefined | null, name: string): boolean {
  return node?.type === 'Identifier' && node.name === name;
}
