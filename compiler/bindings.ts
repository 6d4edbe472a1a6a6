/** The names of the model that compiled code may use: model/patch/bindings.ts has them all, and a test says so. */
import { GIVEN } from './context.ts';
import { table } from './table/index.ts';

/** A name in code that is no member, no key, no hole and no string. */
const WORD = /(?<![\w$']|(?<!\.\.)\.)[A-Za-z_]\w*(?!\w|:|')/g;

/** A line that says where a statement stands in the text. */
const NOTE = /^ *\/\/.*$/gm;

/** Words of the language, and of the table. */
const FREE: ReadonlySet<string> = new Set(['const', 'true', 'false', 'Math', 'BIT', 'any', ...GIVEN]);

/** What the compiler writes by itself. */
const OWN: readonly string[] = [
  ...[
    'newFrame',
    'follow',
    'present',
    'presentRoute',
    'protectedRoute',
    'releasedRoute',
    'reachInet',
    'reachTcp',
    'headersAt',
    'writeIph',
    'writeTh',
    'writeUh',
  ],
  ...['writeIcmph', 'inetOf', 'tcpOf', 'getSock', 'setSock', 'setBucket', 'dev_get_by_index', 'inet_bind_bucket_find'],
  ...['getCt', 'setCt', 'micro', 'atLine', 'sameRoute', 'swab16', 'swab32', 'CHAIN_HEAD', 'nextInEhash', 'NO_DST'],
];

function namesIn(code: string): string[] {
  return [...code.replace(NOTE, '').matchAll(WORD)].map(([word]) => word).filter((word) => !FREE.has(word));
}

/** All of them. */
export const BINDINGS: ReadonlySet<string> = new Set([...OWN, ...tableCode().flatMap(namesIn)]);

/** All code that stands in the table. */
function tableCode(): string[] {
  const structures = Object.values(table.structures).flatMap(({ zero, wild, fields }) => [
    zero,
    wild,
    ...Object.values(fields).flatMap(({ read, write }) => [read, write]),
  ]);
  const functions = Object.values(table.functions).flatMap(({ does = [], value }) => [...does, value]);
  return [...structures, ...functions].filter((code) => code !== undefined);
}

/** Those that a piece of code uses. */
export function bindingsIn(code: string): readonly string[] {
  const words = new Set(namesIn(code));
  return [...BINDINGS].filter((name) => words.has(name)).sort();
}
