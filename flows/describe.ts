/** Sets of flows, flows and routes in words. */
import { formatAddress, formatProtocol } from '../scenario/format.ts';
import { AXES, type Axis, type Cell, type Range } from './axes.ts';
import type { FlowClass, Flows } from './classes.ts';
import type { Left } from './play.ts';
import type { Space } from './regions.ts';
import type { Node } from './sets.ts';

/** Values that are named one by one. */
const MOST_VALUES = 3;

/** One more, where it is the last. */
const SHOWN_VALUES = MOST_VALUES + 1;

/** Boxes of a class that are told. */
const MOST_BOXES = 4;

/** Values in one piece: of the flows that are told, or of others. */
export interface Piece extends Range {
  readonly own: boolean;
}

const LAST_ADDRESS = 0xffffffff;

/** How many bits a prefix around an address needs at least to be without another one. */
function bitsWithout(address: number, other: number): number {
  return Math.clz32(address ^ other) + 1;
}

/** The length of the largest prefix around an address that lies within the limits. */
function lengthAround(address: number, low: number, high: number): number {
  return Math.max(
    low === 0 ? 0 : bitsWithout(address, low - 1),
    high === LAST_ADDRESS ? 0 : bitsWithout(address, high + 1),
  );
}

/** Values in words, of which only the first are told. */
interface Values {
  readonly count: number;
  readonly texts: readonly string[];
}

/** The addresses of pieces, which are in order, as prefixes: the largest that have none of the others. */
export function prefixesOf(pieces: readonly Piece[], own: boolean): Values {
  const texts: string[] = [];
  let count = 0;
  let done = -1;
  let low = 0;
  let next = 0;
  for (const [at, piece] of pieces.entries()) {
    if (piece.own !== own) {
      low = piece.last + 1;
      continue;
    }
    next = Math.max(next, at);
    while (next < pieces.length && pieces[next]?.own === own) next++;
    const high = (pieces[next]?.first ?? LAST_ADDRESS + 1) - 1;
    for (let from = Math.max(piece.first, done + 1); from <= piece.last; from = done + 1) {
      const plen = lengthAround(from, low, high);
      const size = 2 ** (32 - plen);
      const first = Math.floor(from / size) * size;
      done = first + size - 1;
      if (count < SHOWN_VALUES) texts.push(plen === 32 ? formatAddress(first) : `${formatAddress(first)}/${plen}`);
      count++;
    }
  }
  return { count, texts };
}

function valuesOf(all: readonly string[]): Values {
  return { count: all.length, texts: all.slice(0, SHOWN_VALUES) };
}

function list({ count, texts }: Values): string {
  const shown = count === SHOWN_VALUES ? texts : texts.slice(0, MOST_VALUES);
  const more = count - shown.length;
  return `${shown.join(', ')}${more === 0 ? '' : ` and ${more.toLocaleString('en')} more`}`;
}

const BEFORE: Readonly<Record<Axis, string>> = {
  protocol: '',
  daddr: 'to ',
  uid: 'of user ',
  gid: 'of group ',
  cgroup: 'in control group ',
  classid: 'of class ',
  dport: 'to port ',
  sport: 'from port ',
  tos: 'with TOS ',
};

const ANY: Readonly<Record<Axis, string>> = {
  protocol: 'any protocol',
  daddr: 'to anywhere',
  uid: 'of any user',
  gid: 'of any group',
  cgroup: 'in any control group',
  classid: 'of any class',
  dport: 'to any port',
  sport: 'from any port',
  tos: 'with any TOS',
};

/** What a box has on an axis, in words; '' for all that there is. */
function axisText(space: Space, whole: ReadonlySet<number>, axis: Axis, cells: ReadonlySet<number>): string {
  if (cells.size === whole.size) return '';
  if (axis === 'protocol') {
    const values = [...cells].map((n) => (space.cells[axis][n] as Cell).value);
    return list(valuesOf(values.map((value) => (value === 1 ? 'ping' : formatProtocol(value)))));
  }
  const pieces = piecesOf(space, axis, cells, whole);
  const told = (own: boolean) => valuesOfPieces(space, axis, pieces, own);
  const [values, lacks] = [told(true), told(false)];
  return lacks.count < values.count ? `${ANY[axis]} but ${list(lacks)}` : `${BEFORE[axis]}${list(values)}`;
}

function valuesOfPieces(space: Space, axis: Axis, pieces: readonly Piece[], own: boolean): Values {
  if (axis === 'daddr') return prefixesOf(pieces, own);
  const ranges = pieces.filter((piece) => piece.own === own);
  if (axis !== 'cgroup')
    return valuesOf(ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)));
  const has = (n: number) => ranges.some(({ first, last }) => n >= first && n <= last);
  return valuesOf(space.questions.cgroups.filter((_, n) => has(n)).map((name) => `/${name}`));
}

/** A range of a cell, with the number of the cell. */
interface CellRange extends Range {
  readonly cell: number;
}

/** What has been told of a space: boxes of its classes share most of it. */
interface Words {
  /** The cells of every axis that any of the flows has. */
  readonly whole: Readonly<Record<Axis, ReadonlySet<number>>>;
  readonly texts: Map<string, string>;
  /** All ranges of every axis, in order. */
  readonly ranges: Readonly<Record<Axis, readonly CellRange[]>>;
}

const told = new WeakMap<Space, Words>();

function wordsOf(space: Space): Words {
  const known = told.get(space);
  if (known !== undefined) return known;
  const { boxes } = space.sets.boxes(space.all, 4096);
  const whole = Object.fromEntries(
    AXES.map((axis, at) => [axis, new Set(boxes.flatMap((box) => box[at] as readonly number[]))]),
  ) as unknown as Words['whole'];
  const ranges = Object.fromEntries(
    AXES.map((axis) => [
      axis,
      space.cells[axis]
        .flatMap((one, cell) => one.ranges.map((range): CellRange => ({ ...range, cell })))
        .sort((a, b) => a.first - b.first),
    ]),
  ) as unknown as Words['ranges'];
  const words = { whole, texts: new Map<string, string>(), ranges };
  told.set(space, words);
  return words;
}

/** The values of those cells and of the others, in order; what touches is one piece. */
function piecesOf(space: Space, axis: Axis, cells: ReadonlySet<number>, whole: ReadonlySet<number>): readonly Piece[] {
  const found: { first: number; last: number; own: boolean }[] = [];
  let open: (typeof found)[number] | undefined;
  const kinds = space.cells[axis].map((_, cell) => (whole.has(cell) ? (cells.has(cell) ? 'own' : 'other') : 'none'));
  for (const { first, last, cell } of wordsOf(space).ranges[axis]) {
    if (kinds[cell] === 'none') continue;
    const own = kinds[cell] === 'own';
    if (open !== undefined && open.own === own && open.last + 1 === first) {
      open.last = last;
      continue;
    }
    open = { first, last, own };
    found.push(open);
  }
  return found;
}

/** The text of an axis, made once. */
function textOfAxis(space: Space, axis: Axis, numbers: readonly number[]): string {
  const { whole, texts } = wordsOf(space);
  const key = `${axis} ${numbers.join()}`;
  const known = texts.get(key);
  if (known !== undefined) return known;
  const all = whole[axis];
  const text = axisText(space, all, axis, new Set(numbers.filter((n) => all.has(n))));
  texts.set(key, text);
  return text;
}

/** A set of flows as lines. */
export function setText(space: Space, set: Node): readonly string[] {
  const { boxes, all } = space.sets.boxes(set, MOST_BOXES + 1);
  const shown = all ? boxes : boxes.slice(0, MOST_BOXES);
  const lines = shown.map((box) => {
    const texts = AXES.map((axis, at) => textOfAxis(space, axis, box[at] as readonly number[])).filter(
      (text) => text !== '',
    );
    return texts.length === 0 ? 'all' : texts.join(' ');
  });
  return all ? lines : [...lines, 'and others'];
}

/** `eth1 via 10.1.0.254 from 10.0.0.1 with mark 100`. */
export function leftText({ dev, gateway, saddr, daddr, mark, isProtected }: Left): string {
  const way = gateway === 0 ? dev : `${dev} via ${formatAddress(gateway)}`;
  const to = daddr === 0 ? '' : ` to ${formatAddress(daddr)}`;
  return `${way} from ${formatAddress(saddr)}${to}${mark === 0 ? '' : ` with mark ${mark}`}${isProtected ? ', protected by IPsec' : ''}`;
}

/** What a socket is bound to, '' for nothing. */
export function boundText({ mark, saddr, dev, port }: FlowClass['bound']): string {
  if (port !== 0) return 'bound to a local port';
  if (saddr !== 0) return `bound to ${formatAddress(saddr)}`;
  if (dev !== '') return `bound to link ${dev}`;
  return mark === 0 ? '' : `with SO_MARK ${mark}`;
}

/** Whose address that is, '' for nobody's. */
export function ownerOf({ net }: Flows, address: number): string {
  return net.devs.find(({ ifa_list }) => ifa_list.some(({ ifa_local }) => ifa_local === address))?.name ?? '';
}
