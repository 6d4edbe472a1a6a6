/** Sets of flows, flows and routes in words. */
import { formatAddress, formatProtocol } from '../scenario/format.ts';
import { AXES, type Axis, type Cell, type Range } from './axes.ts';
import type { FlowClass, Flows } from './classes.ts';
import type { Left } from './play.ts';
import type { Space } from './regions.ts';
import type { Box, Node } from './sets.ts';

/** Values that are named one by one. */
const MOST_VALUES = 3;

/** Boxes of a class that are told. */
const MOST_BOXES = 4;

/** Ranges in order, those that touch as one. */
function merged(ranges: readonly Range[]): readonly Range[] {
  const sorted = [...ranges].sort((a, b) => a.first - b.first);
  const found: Range[] = [];
  for (const range of sorted) {
    const before = found.at(-1);
    if (before !== undefined && before.last + 1 === range.first)
      found[found.length - 1] = { first: before.first, last: range.last };
    else found.push(range);
  }
  return found;
}

const LAST_ADDRESS = 0xffffffff;

/** How many bits a prefix around an address needs at least to be without another one. */
function bitsWithout(address: number, other: number): number {
  return Math.clz32(address ^ other) + 1;
}

/** The largest prefix around an address that lies within the limits. */
function prefixAround(address: number, low: number, high: number): Range & { readonly plen: number } {
  const plen = Math.max(
    low === 0 ? 0 : bitsWithout(address, low - 1),
    high === LAST_ADDRESS ? 0 : bitsWithout(address, high + 1),
  );
  const size = 2 ** (32 - plen);
  const first = Math.floor(address / size) * size;
  return { plen, first, last: first + size - 1 };
}

/** Addresses as prefixes, the largest that have none of the others. */
export function prefixesOf(ranges: readonly Range[], others: readonly Range[]): readonly string[] {
  const found: string[] = [];
  const apart = merged(others);
  let done = -1;
  let next = 0;
  for (const { first, last } of merged(ranges)) {
    while (next < apart.length && (apart[next] as Range).first < first) next++;
    const low = next === 0 ? 0 : (apart[next - 1] as Range).last + 1;
    const high = next === apart.length ? LAST_ADDRESS : (apart[next] as Range).first - 1;
    for (let from = Math.max(first, done + 1); from <= last; from = done + 1) {
      const prefix = prefixAround(from, low, high);
      found.push(prefix.plen === 32 ? formatAddress(prefix.first) : `${formatAddress(prefix.first)}/${prefix.plen}`);
      done = prefix.last;
    }
  }
  return found;
}

function valuesOf(
  axis: Axis,
  cells: readonly Cell[],
  others: readonly Cell[],
  cgroups: readonly string[],
): readonly string[] {
  const ranges = merged(cells.flatMap((cell) => cell.ranges));
  switch (axis) {
    case 'daddr':
      return prefixesOf(
        ranges,
        others.flatMap((cell) => cell.ranges),
      );
    case 'protocol':
      return cells.map(({ value }) => (value === 1 ? 'ping' : formatProtocol(value)));
    case 'cgroup':
      return cgroups
        .filter((_, n) => ranges.some(({ first, last }) => n >= first && n <= last))
        .map((name) => `/${name}`);
    default:
      return ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`));
  }
}

function list(values: readonly string[]): string {
  const shown = values.slice(0, values.length === MOST_VALUES + 1 ? MOST_VALUES + 1 : MOST_VALUES);
  const more = values.length - shown.length;
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
function axisText(space: Space, whole: readonly number[], axis: Axis, numbers: readonly number[]): string {
  const has = new Set(numbers);
  const cellOf = (n: number) => space.cells[axis][n] as Cell;
  const others = whole.filter((n) => !has.has(n)).map(cellOf);
  if (others.length === 0) return '';
  const { cgroups } = space.questions;
  const cells = numbers.map(cellOf);
  const values = valuesOf(axis, cells, others, cgroups);
  const lacks = valuesOf(axis, others, cells, cgroups);
  return lacks.length < values.length && axis !== 'protocol'
    ? `${ANY[axis]} but ${list(lacks)}`
    : `${BEFORE[axis]}${list(values)}`;
}

/** What has been told of a space: boxes of its classes share most of it. */
interface Words {
  /** The cells of every axis that any of the flows has. */
  readonly whole: Box;
  readonly texts: Map<string, string>;
}

const told = new WeakMap<Space, Words>();

function wordsOf(space: Space): Words {
  const known = told.get(space);
  if (known !== undefined) return known;
  const { boxes } = space.sets.boxes(space.all, 4096);
  const whole = AXES.map((_, at) => [...new Set(boxes.flatMap((box) => box[at] as readonly number[]))]);
  const words = { whole, texts: new Map<string, string>() };
  told.set(space, words);
  return words;
}

/** The text of an axis, made once. */
function textOfAxis(space: Space, axis: Axis, numbers: readonly number[]): string {
  const { whole, texts } = wordsOf(space);
  const key = `${axis} ${numbers.join()}`;
  const cells = whole[AXES.indexOf(axis)] as readonly number[];
  const text =
    texts.get(key) ??
    axisText(
      space,
      cells,
      axis,
      numbers.filter((n) => cells.includes(n)),
    );
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
export function leftText({ dev, gateway, saddr, daddr, mark }: Left): string {
  const way = gateway === 0 ? dev : `${dev} via ${formatAddress(gateway)}`;
  const to = daddr === 0 ? '' : ` to ${formatAddress(daddr)}`;
  return `${way} from ${formatAddress(saddr)}${to}${mark === 0 ? '' : ` with mark ${mark}`}`;
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
