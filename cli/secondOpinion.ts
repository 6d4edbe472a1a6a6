/** What a z3 that is installed beside says of questions that were answered with unsat here. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { promisify } from 'node:util';
import { wrong } from '../scenario/error.ts';

const run = promisify(execFile);

/** Milliseconds for a question. */
const PATIENCE = 60_000;

/** Files at a time. */
const AT_ONCE = 2;

/** Answers may be as long as that; a question takes one word. */
const ANSWERS = 64 * 2 ** 20;

/** What it said. */
export interface Opinion {
  /** Its version; '' where none is installed. */
  readonly by: string;
  readonly asked: number;
  readonly agreed: number;
}

export class SecondOpinion {
  /** Where the questions are. */
  readonly folder: string;
  private readonly by: string;

  private constructor(folder: string, by: string) {
    this.folder = folder;
    this.by = by;
  }

  /** Makes the folder, and refuses one in which something else would be mixed with the questions. */
  static async in(folder: string): Promise<SecondOpinion> {
    if (existsSync(folder) && readdirSync(folder).some((name) => !name.endsWith('.smt2')))
      wrong(`--second-opinion ${folder}: has other files than questions`);
    mkdirSync(folder, { recursive: true });
    const version = await run('z3', ['--version']).catch(() => ({ stdout: '' }));
    return new SecondOpinion(folder, version.stdout.trim());
  }

  /** Asks every question of these files, some files at a time; throws where one has an answer. */
  async ask(files: readonly string[], progress: (done: number) => void = () => {}): Promise<Opinion> {
    const { by } = this;
    const sum = { by, asked: 0, agreed: 0 };
    if (by === '') return sum;
    const waiting = files.entries();
    const serve = async (): Promise<void> => {
      for (const [n, file] of waiting) {
        progress(n);
        const answers = await this.answers(file);
        sum.asked += answers.length;
        sum.agreed += answers.filter((answer) => answer === 'unsat').length;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, serve));
    return sum;
  }

  private async answers(file: string): Promise<readonly string[]> {
    // It exits with 1 where it gave a question up.
    const { stdout } = await run('z3', [`-t:${PATIENCE}`, file], { maxBuffer: ANSWERS }).catch(
      (error: { readonly stdout?: string }) => ({ stdout: error.stdout ?? '' }),
    );
    const answers = stdout.trim().split('\n');
    const other = answers.find((line) => line !== 'unsat' && line !== 'unknown' && line !== 'timeout');
    if (other !== undefined) throw new Error(`second opinion: ${this.by} says ${other || 'nothing'} to ${file}`);
    return answers;
  }
}
