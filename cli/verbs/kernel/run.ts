/** `reroute-check kernel run`: one script in the test kernel. */
import { existsSync } from 'node:fs';
import { boot, builtKernel } from '../../../conformance/patched/boot.ts';
import { patchedFolder } from '../../../conformance/patched/play.ts';
import { EXIT } from '../../exit.ts';
import { MissingError } from '../../fail.ts';

export interface RunOptions {
  readonly script: string;
  readonly out: string;
  readonly in?: string;
  readonly kernel?: string;
  readonly timeout?: number;
  readonly console?: boolean;
}

/** Prints what the script printed; exit code 1 when it, or the kernel, ended otherwise than with 0. */
export async function run(words: readonly string[], options: RunOptions): Promise<void> {
  const kernel = options.kernel ?? builtKernel(patchedFolder());
  if (kernel === undefined || !existsSync(kernel))
    throw new MissingError("the test kernel is not built: 'reroute-check kernel build' builds it");
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
  const report = await boot({
    kernel,
    script: options.script,
    outputDir: options.out,
    directory: patchedFolder(),
    ...(options.in === undefined ? {} : { inputDir: options.in }),
    ...(options.timeout === undefined ? {} : { timeoutSeconds: options.timeout }),
    kernelArguments: words,
    signal: interrupted.signal,
  });
  process.stdout.write(options.console ? report.console : report.output.map((line) => `${line}\n`).join(''));
  for (const warning of report.warnings)
    process.stderr.write(`boot: warning in ${warning.function}: ${warning.reason}\n`);
  process.stderr.write(`boot: ${JSON.stringify(report.outcome)} after ${report.seconds.toFixed(1)} s\n`);
  if (report.outcome.tag !== 'exited' || report.outcome.status !== 0) process.exitCode = EXIT.violated;
}
