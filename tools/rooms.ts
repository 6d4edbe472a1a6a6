/** The floor plan: every room with what it holds, from the ground up, and which rooms it may import. */

export interface Room {
  readonly folder: string;
  readonly holds: string;
  /** Rooms below it. */
  readonly imports: readonly string[];
}

const MODEL = ['model/types', 'model/kernel', 'model/host', 'model/patch'];

export const ROOMS: readonly Room[] = [
  {
    folder: 'compiler',
    holds: 'from the C of a patch to the dialect, and the table that binds the names of the kernel',
    imports: [],
  },
  { folder: 'model/types', holds: 'the data: packets, sockets, routes, rules, events, the world', imports: [] },
  {
    folder: 'model/kernel',
    holds: "twins of the kernel's functions, each file under the path of the C file that it follows",
    imports: ['model/types'],
  },
  {
    folder: 'model/host',
    holds: "ours: the operator's commands, the peer, a fresh host, and the step from one event to the next",
    imports: ['model/types', 'model/kernel'],
  },
  {
    folder: 'model/patch',
    holds:
      'the versions under review and the mended ones, as C, the faults, alternatives without a patch, and other releases',
    imports: ['model/types', 'model/kernel'],
  },
  {
    folder: 'properties',
    holds: 'the promises, each a claim about every step of every run, and the scopes that they are asked in',
    imports: ['model/types', 'model/kernel', 'model/host'],
  },
  {
    folder: 'scenario',
    holds: 'the one grammar: text to commands, events and packets, and from runs back to traces',
    imports: ['model/types', 'model/kernel', 'model/host', 'properties'],
  },
  {
    folder: 'flows',
    holds: 'the flows of one host in classes: where they go, why, and what repairs them',
    imports: [...MODEL, 'properties', 'scenario'],
  },
  {
    folder: 'own',
    holds: "a patch of one's own: a C text that becomes a kernel while the program runs",
    imports: ['compiler', 'model/types', 'model/patch', 'scenario'],
  },
  {
    folder: 'solver',
    holds: 'the second engine: the model lifted on terms of z3, exploration, lemmas',
    imports: ['compiler', ...MODEL, 'properties', 'scenario', 'flows', 'own'],
  },
  {
    folder: 'search',
    holds: 'the first engine: draws scenarios, plays them in bulk, makes what fails small',
    imports: ['compiler', ...MODEL, 'properties', 'scenario', 'own', 'solver'],
  },
  {
    folder: 'conformance',
    holds: 'the model against the running kernel and against a test kernel with the patch',
    imports: ['compiler', ...MODEL, 'properties', 'scenario', 'flows', 'own', 'search'],
  },
  {
    folder: 'report',
    holds: 'the review as people read it: the page in which the model runs, and text for mail',
    imports: [...MODEL, 'properties', 'scenario', 'search'],
  },
  {
    folder: 'tools',
    holds: 'what rewrites, measures or builds the source',
    imports: [
      'compiler',
      'model/types',
      'model/patch',
      'properties',
      'scenario',
      'own',
      'search',
      'solver',
      'conformance',
      'report',
    ],
  },
  {
    folder: 'cli',
    holds: 'the command line: a file for each verb, the recorded results, the generated documents',
    imports: [
      'compiler',
      'model/types',
      'model/kernel',
      'model/patch',
      'properties',
      'scenario',
      'flows',
      'own',
      'search',
      'solver',
      'conformance',
      'report',
      'tools',
    ],
  },
];

/** Folders without sources of the program. */
export const FURTHER: readonly Omit<Room, 'imports'>[] = [
  { folder: 'counterexamples', holds: 'one file for each violated cell, and for each fault by itself' },
  { folder: 'examples', holds: "a patch of one's own, as README tries it, and a workflow that checks every push" },
  { folder: 'experiments', holds: "the post's four experiments as scenarios" },
  { folder: 'results', holds: 'what the verbs recorded, and documents made from it' },
  { folder: 'schema', holds: 'the JSON Schemas of scenarios and of reviews' },
  { folder: 'test', holds: 'mirrors the rest' },
];
