/** The command line: verbs and options; what a verb does is loaded when it is called. */
import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { wrong } from '../scenario/error.ts';
import type { Shard } from '../search/shard.ts';
import type { FormName } from './forms/index.ts';
import { suggestion } from './suggest.ts';
import type { Printed } from './verbs/check.ts';

function positive(word: string): number {
  const value = Number(word);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('a number above 0 is expected.');
  return value;
}

function whole(word: string): number {
  if (!/^\d{1,10}$/.test(word)) throw new InvalidArgumentError('a whole number from 0 is expected.');
  return Number(word);
}

function positiveWhole(word: string): number {
  if (!/^[1-9]\d{0,9}$/.test(word)) throw new InvalidArgumentError('a whole number from 1 is expected.');
  return Number(word);
}

function threads(word: string): number {
  if (!/^[1-9]\d?$/.test(word)) throw new InvalidArgumentError('a whole number from 1 to 99 is expected.');
  return Number(word);
}

function shard(word: string): Shard {
  const [, part = '', of = ''] = /^([1-9]\d{0,2})\/([1-9]\d{0,2})$/.exec(word) ?? [];
  if (part === '' || Number(part) > Number(of))
    throw new InvalidArgumentError('I/N is expected, two whole numbers, such as 1/4.');
  return { part: Number(part), of: Number(of) };
}

function day(word: string): string {
  if (Number.isNaN(Date.parse(word)) || !/^\d{4}-\d\d-\d\d$/.test(word))
    throw new InvalidArgumentError('a day is expected, as YYYY-MM-DD.');
  return word;
}

const REPORT_FORMS = [
  'json',
  'markdown',
  'html',
  'mail',
  'junit',
  'sarif',
  'github',
] as const satisfies readonly FormName[];
const CHECK_FORMS = ['text', ...REPORT_FORMS] as const;

function form(word: string): Printed {
  const [, name = word, file] = /^(\w+)=(.+)$/.exec(word) ?? [];
  const known = CHECK_FORMS.find((one) => one === name);
  if (known === undefined) throw new InvalidArgumentError(`the forms are ${CHECK_FORMS.join(', ')}.`);
  return { form: known, file };
}

const seed = (what = 'seed of the search') => new Option('--seed <n>', what).argParser(whole);
const runs = (what = 'scenarios to try on every variant') => new Option('--runs <n>', what).argParser(positiveWhole);
const budget = (what = 'time after which the search stops') =>
  new Option('--budget <seconds>', what).argParser(positive);
const jobs = () => new Option('--jobs <n>', 'threads that search; one a core without it').argParser(threads);
const variant = (what: string) =>
  new Option('--variant <name>', what).argParser((name: string, before?: string) => {
    if (before !== undefined) throw new InvalidArgumentError(`one variant is taken, and there is ${before} already.`);
    return name;
  });
const variants = (what: string) =>
  variant(what).argParser((name: string, names?: readonly string[]) => [...(names ?? []), name]);
const patch = () =>
  new Option(
    '--patch <file>',
    'a patch of your own: a .c file with its ipt_mangle_out() or ipt_mangle_source(), or a diff',
  );
const against = () => new Option('--against <name>', 'a variant to compare it with');
const release = () => new Option('--release <number>', 'the kernel release: 4.1, 6.1 (the reference) or 6.18');
const anyEngine = () => new Option('--engine <engine>', 'which engine searches').choices(['fast-check', 'z3', 'all']);
const engine = () => anyEngine().default('fast-check');
const save = () => new Option('--save', 'write counterexamples/<property>/<variant>.json');
const record = () => new Option('--record', 'keep the result in results/ (in a checkout)');
const json = () => new Option('--json', 'as JSON');
const leaveOut = () =>
  new Option('--leave-out <word>', 'read the host without a word that can matter; every answer says so')
    .argParser((word: string, words: readonly string[]) => [...words, word])
    .default([]);
const output = () => new Option('-o, --output <file>', 'a file instead of standard output');

/** Says that there is no such verb, and which is nearest, where the first word is none. */
export function refuseUnknownVerb(all: Command, [first = '']: readonly string[]): void {
  const names = all.commands.map((command) => command.name());
  if (first === '' || first.startsWith('-') || names.includes(first) || first === 'help') return;
  wrong(`there is no verb '${first}'${suggestion(first, names)}; --help lists them`);
}

/** Loads a verb that searches; a solver starts first. */
async function searching<T>(options: { readonly engine?: string }, load: () => Promise<T>): Promise<T> {
  if (options.engine !== 'fast-check') (await import('../solver/startThread.ts')).startEarly();
  return load();
}

/** The program, ready to parse its arguments. */
export function program(): Command {
  const all = new Command('reroute-check')
    .description(
      'Searches a kernel patch that re-selects the source address in the mangle OUTPUT reroute for broken promises.',
    )
    .version(packageJson.version)
    .option('--no-color', 'plain text (NO_COLOR does the same)')
    .showHelpAfterError('(--help lists the verbs and options)')
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'reroute-check: ')) })
    .exitOverride()
    .enablePositionalOptions();
  addSearches(all);
  addQuestions(all);
  addReports(all);
  addRealKernels(all);
  return all;
}

/** What looks for broken promises. */
function addSearches(all: Command): void {
  all
    .command('review', { isDefault: true })
    .description('search every property on every variant, print the matrix, write counterexamples/')
    .addOption(seed())
    .addOption(runs())
    .addOption(budget())
    .addOption(jobs())
    .addOption(engine())
    .addOption(release())
    .addOption(patch())
    .addOption(against())
    .option('--save', 'replace stored counterexamples by better ones')
    .addOption(record())
    .action(async (options) => (await searching(options, () => import('./verbs/review.ts'))).review(options));

  all
    .command('search')
    .argument('[property...]', 'ids of properties; all when none is named')
    .description('search some properties and make what is found small')
    .addOption(variants('a variant instead of those of the matrix; more than one can be named'))
    .addOption(patch())
    .addOption(against())
    .addOption(release())
    .addOption(engine())
    .addOption(runs())
    .addOption(seed())
    .addOption(budget())
    .addOption(jobs())
    .option('--scope <name>', "the scope to draw from instead of the properties' own")
    .option('--path <host:events>', 'only the run of that path, as a finding names it')
    .addOption(save())
    .addOption(json())
    .option('--observations <file>', 'instead: write what is drawn as JSON lines, for Tyche')
    .action(async (ids, options) =>
      options.observations === undefined
        ? (await searching(options, () => import('./verbs/search.ts'))).searchVerb(ids, options)
        : (await import('./verbs/observe.ts')).observe(ids, options),
    );

  all
    .command('faults')
    .argument('[fault...]', 'ids of faults; all when none is named')
    .description(
      'search what each fault of the patch breaks by itself, with all others mended; with --patch, which of them a text has',
    )
    .addOption(patch())
    .addOption(runs())
    .addOption(seed())
    .addOption(save())
    .action(async (ids, options) => (await import('./verbs/faults.ts')).faultsVerb(ids, options));

  all
    .command('check')
    .description('for CI: replay what is stored, then search for what contradicts the recorded results')
    .addOption(variants('a variant instead of those of the matrix; more than one can be named'))
    .addOption(engine())
    .addOption(seed("seed of the search; without it the commit's (CI_COMMIT_SHA, GITHUB_SHA)"))
    .addOption(runs())
    .addOption(budget())
    .addOption(jobs())
    .addOption(release())
    .addOption(
      new Option('--shard <i/n>', 'play one part of the search and write what was seen to a file')
        .argParser(shard)
        .conflicts(['engine', 'budget', 'merge', 'baseline', 'record']),
    )
    .addOption(
      new Option('--merge <file...>', 'put the parts together and check them as a whole').conflicts([
        'engine',
        'seed',
        'runs',
        'budget',
        'release',
        'variant',
      ]),
    )
    .option('--baseline <file>', 'compare with the violations that this file lists instead of the recorded results')
    .option('--record', 'write what is found to the file of --baseline; what stands there keeps its reason and day')
    .option('--reason <text>', 'why new entries of the baseline are expected')
    .addOption(new Option('--expires <date>', 'until when, as YYYY-MM-DD; 90 days from now without it').argParser(day))
    .addOption(
      new Option('--format <form[=file]>', `${CHECK_FORMS.join(', ')}, each to a file if one is named`).argParser(
        (word: string, all?: readonly Printed[]) => [...(all ?? []), form(word)],
      ),
    )
    .addOption(output())
    .addOption(json())
    .action(async (options) => (await searching(options, () => import('./verbs/check.ts'))).check(options));

  all
    .command('syn-filters')
    .description('search what becomes of the Fast Open promises with each condition on the SYNs that move')
    .addOption(seed())
    .addOption(runs())
    .addOption(record())
    .action(async (options) => (await import('./verbs/synFilters.ts')).synFiltersVerb(options));

  all
    .command('prove')
    .description("the solver's record: lemmas and their broken twins, a planted fault, every cell of the matrix")
    .addOption(
      new Option('--part <part>', 'one part instead of all').choices(['lemmas', 'cells', 'structures', 'planted']),
    )
    .option('--only <word,word>', 'lemmas and properties with one of those words in their id')
    .addOption(new Option('--features <n>', 'structures: features of a host at most').argParser(whole).default(1))
    .addOption(new Option('--events <n>', 'structures: events at most').argParser(positiveWhole).default(2))
    .option('--scope <name>', 'structures: the scope of runs that they are made from', 'two-uplinks')
    .addOption(variants('structures: this variant alone; may be given several times'))
    .addOption(budget('time for a lemma or a cell').default(300))
    .option('--second-opinion <folder>', 'write every closed question as SMT-LIB and ask an installed z3, too')
    .addOption(record())
    .action(async (options) => (await import('./verbs/prove.ts')).proveVerb(options));
}

/** What answers a question about one scenario or host. */
function addQuestions(all: Command): void {
  all
    .command('replay')
    .argument('<file...>', 'counterexamples or scenarios')
    .description('run stored counterexamples again and say whether each still violates its property')
    .addOption(variant('another variant than the stored one'))
    .addOption(patch())
    .addOption(release())
    .addOption(
      new Option('--on <what>', 'run it on a real kernel, beside the model').choices(['kernel', 'patched-kernel']),
    )
    .addOption(json().conflicts('on'))
    .action(async (files, options) => {
      if (options.on === 'kernel') return (await import('./verbs/replayOnKernel.ts')).replayOnKernel(files, options);
      if (options.on === 'patched-kernel')
        return (await import('./verbs/replayOnPatchedKernel.ts')).replayOnPatched(files, options);
      return (await import('./verbs/replay.ts')).replay(files, options);
    });

  all
    .command('trace')
    .argument('<file>', 'a scenario or counterexample')
    .description('run one scenario and print what happened, step by step')
    .addOption(
      variant('the kernel to run it on; several are shown side by side').argParser(
        (name: string, names: readonly string[] = []) => [...names, name],
      ),
    )
    .addOption(patch())
    .addOption(release())
    .option('--host <file>', 'play it on this host, commands or what a machine prints, in place of its own')
    .addOption(json())
    .action(async (file, options) => (await import('./verbs/trace.ts')).trace(file, options));

  all
    .command('export')
    .argument('<file>', 'a scenario or counterexample')
    .description('write it for somebody who does not have this program')
    .addOption(
      new Option(
        '--as <form>',
        'netns: a script for any machine with root, iproute2, iptables and Python; packetdrill; vitest: a test; itf: a trace for the viewers of Apalache; mermaid: a diagram; mail',
      )
        .choices(['netns', 'packetdrill', 'vitest', 'itf', 'mermaid', 'mail'])
        .makeOptionMandatory(),
    )
    .addOption(variant('another variant than the stored one'))
    .addOption(release())
    .addOption(output())
    .action(async (file, options) => (await import('./verbs/export.ts')).exportVerb(file, options));

  all
    .command('route')
    .description('routing questions to a described host')
    .command('get')
    .description('the answer of `ip route get ARGS…` on that host')
    .requiredOption('--host <file>', 'commands that configure the host')
    .addOption(leaveOut())
    .option('--json', 'an object with the keys of `ip -j route get`')
    .option('--batch <file>', 'one query a line, one answer a line')
    .argument('[args...]', 'as for `ip route get`')
    .passThroughOptions()
    .action(async (args, options) => (await import('./verbs/routeGet.ts')).routeGet(args, options));

  const host = all.command('host').description("one's own host");
  host
    .command('flows')
    .argument('[file...]', 'what machines print, mixed with commands; standard input when none is named')
    .description('where the flows of a host leave, as whom, what is broken, why, and what repairs it')
    .option('--to <addr[:port]>', 'flows to there alone')
    .addOption(
      new Option('--variant <name>', 'a variant to compare with stock; the patch and its mended versions without it')
        .argParser((word: string, words: readonly string[]) => [...words, word])
        .default([]),
    )
    .addOption(patch())
    .addOption(
      new Option('--prove <seconds>', 'ask the solver whether a class is one, and whether none is missing').argParser(
        positive,
      ),
    )
    .addOption(leaveOut())
    .addOption(json())
    .action(async (files, options) => (await import('./verbs/hostFlows.ts')).hostFlows(files, options));
  host
    .command('import')
    .argument('[file...]', 'what machines print, mixed with commands; standard input when none is named')
    .description('the commands that a description of a host stands for')
    .addOption(leaveOut())
    .option('--json', 'an object with the commands and what is to be told of them')
    .action(async (files, options) => (await import('./verbs/hostImport.ts')).hostImport(files, options));
}

/** What prints what is known. */
function addReports(all: Command): void {
  all
    .command('list')
    .argument('[what]', 'properties, variants, releases, faults, counterexamples or syn-filters')
    .description('what there is, each with its one sentence')
    .addOption(json())
    .action(async (what, options) => (await import('./verbs/list.ts')).list(what, options));

  all
    .command('report')
    .description('the last review, or a new one, in another form')
    .addOption(new Option('--format <format>', 'form of the report').choices(REPORT_FORMS).makeOptionMandatory())
    .addOption(output())
    .option('--new', 'review anew even when there is a last one; so does an engine that the last one did not ask')
    .addOption(anyEngine())
    .action(async (options) => (await import('./verbs/report.ts')).report(options));

  all
    .command('findings')
    .argument('[fault...]', 'ids of faults; all when none is named')
    .description('what each fault of the patch breaks, from the stored counterexamples')
    .addOption(new Option('--format <format>', 'form of the text').choices(['markdown', 'mail']).default('markdown'))
    .addOption(output())
    .action(async (ids, options) => (await import('./verbs/findings.ts')).findings(ids, options));

  all
    .command('documents')
    .description('print the recorded results into README.md, FINDINGS.md and the other documents (in a checkout)')
    .action(async () => (await import('./verbs/documents.ts')).documentsVerb());

  all
    .command('coverage')
    .description('measure what the search exercises; a gap without a reason is an error (in a checkout)')
    .addOption(runs('scenarios of every scope').default(2500))
    .addOption(seed().default(1))
    .addOption(record())
    .action(async (options) => (await import('./verbs/coverage.ts')).coverage(options));
  all
    .command('mutants')
    .description(
      "change the patch's texts, or the model, systematically, and see what the promises notice (in a checkout)",
    )
    .addArgument(
      new Argument('[name...]', 'texts that are changed (mended: both, which share one), or the model').choices([
        'icmp-only',
        'tcp-rehash',
        'ask-first',
        'mended',
        'model',
      ]),
    )
    .addOption(budget('seconds for one change of a text in each round, and for all of the model').default(10))
    .addOption(new Option('--rounds <n>', 'times that hosts are drawn, for texts').argParser(positiveWhole).default(6))
    .addOption(new Option('--hosts <n>', 'hosts drawn of each scope, for texts').argParser(whole).default(64))
    .addOption(new Option('--sample <n>', 'changes to try; 0 for all').argParser(whole).default(0))
    .option('--tests', 'let the tests meet what is left of the model')
    .addOption(seed().default(1))
    .addOption(record())
    .action(async (names, options) => (await import('./verbs/hunt.ts')).hunt(names, options));
}

/** What compares the model with kernels. */
function addRealKernels(all: Command): void {
  const conformance = all
    .command('conformance')
    .description('compare generated scenarios and routing answers on the model and the running kernel (as root)')
    .addOption(
      new Option('--cases <n>', 'scenarios, and twenty times as many routing answers').argParser(whole).default(1000),
    )
    .addOption(seed('seed of the scenarios; random when none is given'))
    .option('--save', 'keep disagreements in conformance/cases/ (in a checkout)')
    .addOption(record())
    .action(async (options) => (await import('./verbs/conformance.ts')).conformance(options));
  conformance
    .command('mutants')
    .description('put one wrong line at a time into the model and ask whether a run finds it (in a checkout)')
    .addOption(seed('seed of the longer run; random when none is given'))
    .addOption(record())
    .action(async (options) => (await import('./verbs/mutants.ts')).mutants(options));

  conformance
    .command('marked')
    .description('ask whether selector-rules and so-mark do what marks do, on random marked hosts (as root)')
    .addOption(new Option('--hosts <n>', 'marked hosts').argParser(whole).default(300))
    .addOption(seed('seed of the hosts; random when none is given'))
    .addOption(record())
    .action(async (options) => (await import('./verbs/marked.ts')).marked(options));

  conformance
    .command('imported')
    .description('build random hosts, import what their tools print, and ask both the same (as root)')
    .addOption(
      new Option('--hosts <n>', 'hosts with 25 routing questions, and as many with a scenario')
        .argParser(positiveWhole)
        .default(200),
    )
    .addOption(seed('seed of the hosts; random when none is given'))
    .addOption(record())
    .action(async (options) => (await import('./verbs/imported.ts')).imported(options));

  conformance
    .command('repaired')
    .description('apply the remedies of `host flows` on random hosts, and look at what leaves (as root)')
    .addOption(new Option('--hosts <n>', 'hosts with a wrong source and a remedy').argParser(positiveWhole).default(50))
    .addOption(seed('seed of the hosts; random when none is given'))
    .addOption(record())
    .action(async (options) => (await import('./verbs/repaired.ts')).repaired(options));

  const kernel = all.command('kernel').description('the test kernel: a user-mode Linux 6.1 with a port of the patch');
  kernel
    .command('build')
    .description('build it where it is not built, and print where it is')
    .argument('[word...]', 'arguments of conformance/patched/build.sh')
    .allowUnknownOption()
    .passThroughOptions()
    .action(async (words) => (await import('./verbs/kernel/build.ts')).build(words));
  kernel
    .command('confirm')
    .description('play the stored counterexamples on it and compare with the model')
    .argument('[file...]', 'counterexamples; all when none is named')
    .option('--new', 'only those of which no record speaks')
    .option('--no-build', 'do not build the kernel')
    .option('--install', 'install missing Debian packages first, as root')
    .addOption(record())
    .action(async (files, options) => (await import('./verbs/kernel/confirm.ts')).confirm(files, options));
  kernel
    .command('random')
    .description('play random scenarios on it and on the model')
    .addOption(new Option('--cases <n>', 'scenarios for each variant').argParser(whole).default(500))
    .addOption(seed('seed of the scenarios; random when none is given'))
    .addOption(variant('one variant instead of those of the matrix'))
    .addOption(patch())
    .option('--watching', 'on the kernel that watches memory, locks and sleep (build.sh --with …)')
    .addOption(record())
    .action(async (options) => (await import('./verbs/kernel/random.ts')).random(options));
  kernel
    .command('run')
    .description('run one script in it, as root, without a network')
    .requiredOption('--script <file>', 'an executable file')
    .requiredOption('--out <folder>', 'seen inside as $REROUTE_OUT')
    .option('--in <folder>', 'seen inside as $REROUTE_IN, read-only')
    .option('--kernel <file>', 'another kernel than the built one')
    .addOption(new Option('--timeout <seconds>', 'time after which it is ended').argParser(positive))
    .option('--console', 'print the whole console instead of what the script printed')
    .argument('[word...]', 'more words for the kernel command line')
    .action(async (words, options) => (await import('./verbs/kernel/run.ts')).run(words, options));
}
