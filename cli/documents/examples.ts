/**
 * Commands in documents. A block marked `console` shows commands behind `$ ` with their output, in which a line `…` stands
 * for any lines; `exit=1` behind the mark is their exit code. A block marked `sh` shows commands without output.
 */

/** What a command printed, and its exit code. */
export interface Ran {
  readonly stdout: string;
  readonly status: number;
}

/** Runs the program with these arguments. */
export type Runner = (args: readonly string[]) => Promise<Ran>;

/** A command of the program with the output that a document shows. */
export interface Example {
  readonly args: readonly string[];
  readonly shown: readonly string[];
  readonly exit: number;
}

const CONSOLE = /^```console(?: exit=(\d+))?\n([\s\S]*?)^```$/gm;
const PROGRAM = 'npx reroute-check ';
const ANY = '…';

function argsOf(command: string): readonly string[] {
  if (!command.startsWith(PROGRAM)) throw new Error(`not a command of this program: ${command}`);
  return command.slice(PROGRAM.length).split(/\s+/);
}

function examplesOf(block: string, exit: number): readonly Example[] {
  return block
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const [command = '', ...shown] = part.trimEnd().split('\n');
      return { args: argsOf(command), shown, exit };
    });
}

/** Every command whose output a document shows. */
export function examplesIn(document: string): readonly Example[] {
  return [...document.matchAll(CONSOLE)].flatMap(([, exit = '0', block = '']) => examplesOf(block, Number(exit)));
}

/** The commands of a document that are shown without output, without their comments. */
export function commandsIn(document: string): readonly string[] {
  const blocks = [...document.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, block = '']) =>
    block.trimEnd().split('\n'),
  );
  return blocks.flatMap((line) => line.replace(/\s+#.*/, '').split(' && '));
}

/** Output as it is shown: no line ends in blanks. */
export function linesOf(stdout: string): readonly string[] {
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.trimEnd());
}

/** Whether the lines are those shown, `…` standing for any number of them. */
export function isShown(shown: readonly string[], lines: readonly string[]): boolean {
  const [first, ...rest] = shown;
  if (first === undefined) return lines.length === 0;
  if (first === ANY) return lines.some((_, at) => isShown(rest, lines.slice(at))) || isShown(rest, []);
  return lines[0] === first && isShown(rest, lines.slice(1));
}

/** The document with the output of its commands, where it is not what they print. */
export async function withOutputs(document: string, run: Runner): Promise<string> {
  let text = '';
  let end = 0;
  for (const match of document.matchAll(CONSOLE)) {
    const [whole, exit = '0', block = ''] = match;
    const parts: string[] = [];
    for (const { args, shown } of examplesOf(block, Number(exit))) {
      const lines = linesOf((await run(args)).stdout);
      parts.push([`$ ${PROGRAM}${args.join(' ')}`, ...(isShown(shown, lines) ? shown : lines)].join('\n'));
    }
    const head = whole.slice(0, whole.indexOf('\n') + 1);
    text += `${document.slice(end, match.index)}${head}${parts.join('\n')}\n\`\`\``;
    end = match.index + whole.length;
  }
  return text + document.slice(end);
}
