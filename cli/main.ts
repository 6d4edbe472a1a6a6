#!/usr/bin/env node
/** The command line: verbs and options; what each verb does is loaded when it is called. */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { EXIT } from './exit.ts';
import { endWithReader } from './pipe.ts';

function positive(word: string): number {
  const value = Number(word);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('a number above 0 is expected.');
  return value;
}

function whole(word: string): number {
  if (!/^\d{1,10}$/.test(word)) throw new InvalidArgumentError('a whole number from 0 is expected.');
  return Number(word);
}

const program = new Command('reroute-check')
  .description(
    'Searches a kernel patch that re-selects the source address in the mangle OUTPUT reroute for broken promises.',
  )
  .version(packageJson.version)
  .option('--no-color', 'plain text (NO_COLOR does the same)')
  .showHelpAfterError('(--help shows what is possible)')
  .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'reroute-check: ')) })
  .exitOverride()
  .enablePositionalOptions();

const seed = () => new Option('--seed <n>', 'seed of the search').argParser(whole);
const runs = () => new Option('--runs <n>', 'scenarios to try on every variant').argParser(positive);
const budget = () => new Option('--budget <seconds>', 'time after which the search stops').argParser(positive);
const release = () => new Option('--release <number>', 'the kernel release: 4.1, 6.1 (the reference) or 6.18');
const engine = () =>
  new Option('--engine <engine>', 'which engine searches').choices(['fast-check', 'z3', 'all']).default('fast-check');

/** Loads a verb that searches; a solver starts first. */
async function searching<T>(options: { readonly engine?: string }, load: () => Promise<T>): Promise<T> {
  if (options.engine !== 'fast-check') (await import('../solver/startThread.ts')).startEarly();
  return load();
}

program
  .command('review', { isDefault: true })
  .description('search every property on every variant, print the matrix, write counterexamples/')
  .addOption(seed())
  .addOption(runs())
  .addOption(budget())
  .addOption(engine())
  .addOption(release())
  .action(async (options) => (await searching(options, () => import('./review.ts'))).review(options));

program
  .command('search')
  .argument('[property...]', 'ids of properties; all when none is named')
  .description('search some properties and make what is found small')
  .option('--variant <name>', 'one variant instead of all')
  .addOption(release())
  .addOption(engine())
  .addOption(runs())
  .addOption(seed())
  .addOption(budget())
  .option('--path <host:events>', 'only the run of that path, as a finding names it')
  .option('--save', 'write counterexamples/<property>/<variant>.json')
  .action(async (ids, options) => (await searching(options, () => import('./search.ts'))).searchVerb(ids, options));

program
  .command('faults')
  .argument('[fault...]', 'ids of faults; all when none is named')
  .description('search what each fault of the patch breaks by itself, with all others mended')
  .addOption(runs())
  .addOption(seed())
  .option('--save', 'write a counterexample for each into counterexamples/')
  .action(async (ids, options) => (await import('./faults.ts')).faultsVerb(ids, options));

program
  .command('replay')
  .argument('<file...>', 'counterexamples or scenarios')
  .description('run stored counterexamples again and say whether each still violates its property')
  .option('--variant <name>', 'another variant than the stored one')
  .addOption(release())
  .addOption(
    new Option('--on <what>', 'run it on a real kernel, beside the model').choices(['kernel', 'patched-kernel']),
  )
  .action(async (files, options) => {
    if (options.on === 'kernel') return (await import('./replayOn.ts')).replayOnKernel(files, options);
    if (options.on === 'patched-kernel') return (await import('./replayOnPatched.ts')).replayOnPatched(files, options);
    return (await import('./replay.ts')).replay(files, options);
  });

program
  .command('trace')
  .argument('<file>', 'a scenario or counterexample')
  .description('run one scenario and print what happened, step by step')
  .option('--variant <name>', 'the kernel to run it on')
  .addOption(release())
  .option('--json', 'one object')
  .action(async (file, options) => (await import('./trace.ts')).trace(file, options));

const leaveOut = () =>
  new Option('--leave-out <word>', 'read the host without a word that can matter; every answer says so')
    .argParser((word: string, words: readonly string[]) => [...words, word])
    .default([]);

const route = program.command('route').description('routing questions to a described host');
route
  .command('get')
  .description('the answer of `ip route get ARGS…` on that host')
  .requiredOption('--host <file>', 'commands that configure the host')
  .addOption(leaveOut())
  .option('--json', 'an object with the keys of `ip -j route get`')
  .option('--batch <file>', 'one query a line, one answer a line')
  .argument('[args...]', 'as for `ip route get`')
  .passThroughOptions()
  .action(async (args, options) => (await import('./routeGet.ts')).routeGet(args, options));

const host = program.command('host').description("one's own host");
host
  .command('import')
  .argument('[file...]', 'what machines print, mixed with commands; standard input when none is named')
  .description('the commands that a description of a host stands for')
  .addOption(leaveOut())
  .option('--json', 'an object with the commands and what is to be told of them')
  .action(async (files, options) => (await import('./hostImport.ts')).hostImport(files, options));

program
  .command('list')
  .argument('[what]', 'properties, variants, releases, faults, counterexamples or syn-filters')
  .description('what there is, each with its one sentence')
  .option('--json', 'an array of objects')
  .action(async (what, options) => (await import('./list.ts')).list(what, options));

program
  .command('report')
  .description('the last review, or a new one, in another form')
  .addOption(new Option('--format <format>', 'form of the report').choices(['json', 'markdown']).makeOptionMandatory())
  .option('-o, --output <file>', 'a file instead of standard output')
  .option('--new', 'review anew even when there is a last one')
  .addOption(engine())
  .action(async (options) => (await import('./report.ts')).report(options));

program
  .command('findings')
  .description('a section for every fault of the patch, from the stored counterexamples')
  .option('-o, --output <file>', 'a file instead of standard output')
  .action(async (options) => (await import('./findings.ts')).findings(options));

program
  .command('check')
  .description('for CI: compare a review with the recorded expectations')
  .addOption(engine())
  .addOption(seed())
  .addOption(runs())
  .addOption(budget())
  .addOption(release())
  .action(async (options) => (await searching(options, () => import('./check.ts'))).check(options));

endWithReader();
try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
  } else {
    const { fail } = await import('./fail.ts');
    process.exitCode = fail(error);
  }
}
