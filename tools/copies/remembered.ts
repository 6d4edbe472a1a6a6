/**
 * Lets questions about a step remember their last answer.
 *
 * Several properties ask the same of the same packet: whose it is, who chose its source, where the rules lead it. A function
 * of `properties/` that takes a run, a step and at most one thing more is such a question; natively it answers from
 * memory when it is asked about the same again. Properties are asked step by step (`scenario/ask.ts`), so one answer is
 * enough. What is one line about a step is found sooner than remembered.
 */
import type MagicString from 'magic-string';
import type { Node } from './ast.ts';

/** Files whose functions are such questions. */
const QUESTIONS = /[\\/]properties[\\/][^\\/]*\.ts$/;

/** Renames each question of a file and puts one that remembers in its place. */
export function remember(path: string, source: string, program: Node, edits: MagicString): void {
  if (!QUESTIONS.test(path)) return;
  for (const statement of program.body as readonly Node[]) {
    const isExported = statement.type === 'ExportNamedDeclaration';
    const declared = (isExported ? statement.declaration : statement) as Node | null;
    if (declared?.type !== 'FunctionDeclaration' || !isQuestion(declared, source)) continue;
    const { name, end } = declared.id as Node & { readonly name: string };
    const count = (declared.params as readonly Node[]).length;
    if (isExported) edits.remove(statement.start, declared.start);
    edits.appendLeft(end, '$asked');
    edits.append(remembering(name, count, isExported));
  }
}

function isQuestion({ params, body }: Node, source: string): boolean {
  const [run, i, ...more] = (params as readonly Node[]).map(({ start, end }) => source.slice(start, end));
  const isOneLine = ((body as Node).body as readonly Node[]).length === 1;
  return run === 'run: Run' && i === 'i: number' && (more.length === 1 || (more.length === 0 && !isOneLine));
}

function remembering(name: string, count: number, isExported: boolean): string {
  const given = ['run', 'i', 'more'].slice(0, count);
  const last = given.map((one) => `${name}$${one}`);
  const isSame = given.map((one, k) => `${one} === ${last[k]}`).join(' && ');
  return `
let ${last.join(', ')}, ${name}$answer;
${isExported ? 'export ' : ''}function ${name}(${given}) {
  if (${isSame}) return ${name}$answer;
  ${name}$answer = ${name}$asked(${given});
  ${given.map((one, k) => `${last[k]} = ${one};`).join(' ')}
  return ${name}$answer;
}
`;
}
