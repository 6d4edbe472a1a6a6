/**
 * Makes `import * as watched from './x.ts?watched'` load a twin of a file of the model that says what it changes: after
 * every statement it shows the world and the packets that the statement made, and who calls whom (`watchPlugins.ts`
 * loads it, `scenario/story/watch.ts` listens). Nothing else changes: the same statements in the same order.
 */
import MagicString from 'magic-string';
import { childrenOf, isFunction, type Node } from '../copies/ast.ts';

/** Marks the watched twin of a module. */
export const WATCHED = '?watched';

/** Whether a file has a watched twin when another one imports it. The data that both use is the same for both. */
export function isWatched(path: string): boolean {
  return /[\\/]model[\\/](?:kernel|host|patch)[\\/][^?]*$/.test(path);
}

export interface WatchOptions {
  /** The file as its reader knows it: `model/kernel/net/ipv4/route.ts`. */
  readonly path: string;
  /** The module that listens. */
  readonly listener: string;
  /** Whether the twin of that import is to be taken. */
  readonly isTwin: (specifier: string) => boolean;
}

/** Names that a pattern declares or assigns. */
function namesIn(pattern: Node): readonly string[] {
  switch (pattern.type) {
    case 'Identifier':
      return [pattern.name as string];
    case 'ObjectPattern':
      return (pattern.properties as readonly Node[]).flatMap((property) =>
        namesIn((property.value ?? property) as Node),
      );
    default:
      return [];
  }
}

/** What a statement assigns. */
function assigned(statement: Node): readonly string[] {
  if (statement.type === 'VariableDeclaration')
    return (statement.declarations as readonly Node[]).flatMap(({ id }) => namesIn(id as Node));
  if (statement.type !== 'ExpressionStatement') return [];
  let expression = statement.expression as Node;
  while (expression.type === 'ParenthesizedExpression') expression = expression.expression as Node;
  return expression.type === 'AssignmentExpression' ? namesIn(expression.left as Node) : [];
}

/** The line above a statement of compiled C that says where it is from. */
const MARK = /^ *\/\/ (\S.*\.\w+):(\d+)$/gm;

/** Where a statement that is not in a block may stand. */
const BRANCHES = ['consequent', 'alternate', 'body'] as const;

/** What a twin calls, by the names in its code. */
export const LISTENERS = { $at: 'at', $enter: 'enter', $leave: 'leave', $line: 'line' } as const;

/** The watched twin of a text and its tree, but for what makes the listeners known. */
export function watchStatements(
  source: string,
  program: Node,
  { path, isTwin }: Pick<WatchOptions, 'path' | 'isTwin'>,
): MagicString {
  const edits = new MagicString(source);
  const lineStarts = [0, ...[...source.matchAll(/\n/g)].map(({ index }) => index + 1)];
  const marks = [...source.matchAll(MARK)];
  const functions = [...source.matchAll(/^export function (\w+)/gm)].map(([, name]) => name as string);

  /** The place of a statement: of compiled C the line of C that stands above it. */
  const placeOf = ({ start }: Node): string => {
    const mark = marks.findLast(({ index }) => index < start);
    const line = lineStarts.findLastIndex((lineStart) => lineStart <= start) + 1;
    return JSON.stringify(mark === undefined ? { path, line } : { path: mark[1], line: Number(mark[2]) });
  };

  /** Compiled C has parts of a function as functions of their own, `F_LABEL` beside `F`. */
  const ownerOf = (name: string): string =>
    marks.length === 0 ? name : (functions.find((owner) => name.startsWith(`${owner}_`)) ?? name);

  const visitFunction = (node: Node): void => {
    const body = node.body as Node;
    const name = (node.id as Node | null)?.name as string | undefined;
    if (name === undefined || body.type !== 'BlockStatement') {
      visitChildren(node);
      return;
    }
    const parameters = (node.params as readonly Node[]).flatMap(namesIn);
    const first = (body.body as readonly Node[])[0] ?? body;
    edits.appendRight(
      body.start + 1,
      ` const $frame = $enter('${ownerOf(name)}', ${placeOf(first)}, [${parameters.join(', ')}]);`,
    );
    visit(body);
  };

  const visit = (node: Node): void => {
    if (node.type === 'FunctionDeclaration') {
      visitFunction(node);
      return;
    }
    if (isFunction(node)) return;
    if (node.type === 'ReturnStatement') {
      const value = node.argument as Node | null;
      if (value === null) throw new Error(`${placeOf(node)}: a function of the model returns a value`);
      edits.appendLeft(value.start, `$leave($frame, ${placeOf(node)}, (`);
      edits.appendRight(value.end, '))');
      return;
    }
    if (node.type === 'BlockStatement' || node.type === 'SwitchCase') {
      const statements = (node.type === 'BlockStatement' ? node.body : node.consequent) as readonly Node[];
      for (const statement of statements) tell(statement, false);
    }
    for (const branch of BRANCHES) {
      const statement = node[branch] as Node | null | undefined;
      if (statement && /^(?:Expression|Return)Statement$/.test(statement.type)) tell(statement, true);
    }
    visitChildren(node);
  };

  /** Says where the function is before a statement that may call another one, and afterwards what it assigned. */
  const tell = (statement: Node, needsBlock: boolean): void => {
    if (!/^(?:Expression|Return|If)Statement$|^VariableDeclaration$/.test(statement.type)) return;
    const names = assigned(statement);
    const after = names.length === 0 ? '' : ` $at(${placeOf(statement)}, [${[...new Set(names)].join(', ')}]);`;
    edits.appendRight(statement.start, `${needsBlock ? '{ ' : ''}$line($frame, ${placeOf(statement)}); `);
    edits.appendLeft(statement.end, `${after}${needsBlock ? ' }' : ''}`);
  };

  const visitChildren = (node: Node): void => {
    for (const child of childrenOf(node)) visit(child);
  };

  for (const statement of program.body as readonly Node[]) {
    const from = statement.source as Node | null | undefined;
    if (from && isTwin(from.value as string))
      edits.update(from.start, from.end, JSON.stringify(`${from.value as string}${WATCHED}`));
    visit(statement);
  }
  return edits;
}
