/**
 * Runs one script in the test kernel from the command line.
 *
 *     npx tsx conformance/patched/run.ts --script FILE --out DIRECTORY
 *
 * Exit codes: 0 the script ended with 0, 1 anything else, 2 usage, 4 there is no test kernel.
 */

import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { boot, builtKernel } from './boot.ts';

const usage =
  'usage: run.ts --script FILE --out DIRECTORY [--in DIRECTORY] [--kernel FILE] [--timeout SECONDS] [--console] [KERNEL-ARGUMENT…]';

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: {
      script: { type: 'string' },
      in: { type: 'string' },
      out: { type: 'string' },
      kernel: { type: 'string' },
      timeout: { type: 'string' },
      console: { type: 'boolean' },
    },
    allowPositionals: true,
  });
  if (values.script === undefined || values.out === undefined) {
    console.error(usage);
    return 2;
  }
  const kernel = values.kernel ?? builtKernel();
  if (kernel === undefined || !existsSync(kernel)) {
    console.error('boot: no test kernel for this patch and configuration; conformance/patched/build.sh makes it');
    return 4;
  }
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());

  const report = await boot({
    kernel,
    script: values.script,
    outputDir: values.out,
    ...(values.in === undefined ? {} : { inputDir: values.in }),
    ...(values.timeout === undefined ? {} : { timeoutSeconds: Number(values.timeout) }),
    kernelArguments: positionals,
    signal: interrupted.signal,
  });
  if (values.console) process.stdout.write(report.console);
  else for (const line of report.output) console.log(line);
  for (const warning of report.warnings) console.error(`boot: warning in ${warning.function}: ${warning.reason}`);
  console.error(`boot: ${JSON.stringify(report.outcome)} after ${report.seconds.toFixed(1)} s`);
  return report.outcome.tag === 'exited' && report.outcome.status === 0 ? 0 : 1;
}

process.exitCode = await main();
