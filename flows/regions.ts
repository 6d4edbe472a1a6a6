/**
 * All flows of a host in regions: within one, every rule compares alike, so that nothing tells its flows apart.
 *
 * The flows walk through the rules of the host together, in the order in which packets meet them. A rule that fits some of
 * them divides them; those that have met rules which do the same are together again behind them.
 */

import { inet_addr_type } from '../model/kernel/net/ipv4/fib_frontend.ts';
import { RTN_UNICAST } from '../model/types/route.ts';
import type { XtRule } from '../model/types/verdict.ts';
import type { World } from '../model/types/world.ts';
import { type Asked, AXES, type Axis, type Cell, cellsOf } from './axes.ts';
import { type Node, Sets } from './sets.ts';
import { type Comparison, type Questions, questionsOf, ROUTES, type Test, type Walk, WHOLE } from './tests.ts';

/** Flows that fare alike. */
export interface Region {
  readonly set: Node;
  /** What they meet on their way. */
  readonly key: string;
}

export interface Space {
  readonly cells: Readonly<Record<Axis, readonly Cell[]>>;
  readonly questions: Questions;
  readonly sets: Sets;
  /** Every flow that is asked about. */
  readonly all: Node;
  /** The flows that a rule fits, or may fit, once they have come to it, by hook and rule. */
  readonly hits: ReadonlyMap<string, Node>;
  readonly regions: readonly Region[];
  /** Whether all flows are in a region; else there were too many. */
  readonly complete: boolean;
}

/** Protocols that every host is asked about: TCP, UDP, ping. */
const PROTOCOLS = [6, 17, 1];

/** Values that a reader knows. */
const FAMILIAR: Readonly<Record<Axis, readonly number[]>> = {
  daddr: [0x08080808, 0x01010101, 0xc6336405, 0xcb007105],
  protocol: PROTOCOLS,
  sport: [0],
  dport: [443, 80, 53, 22, 5000],
  uid: [1000, 33, 0],
  gid: [1000, 33, 0],
  cgroup: [0],
  classid: [0],
  tos: [0],
};

/** The question which value it is. */
const ITSELF = 'itself';

/** A port that the kernel chooses is none of those that a program chooses. */
const CHOSEN: Asked = { name: 'chosen', bounds: [1], says: (value) => (value === 0 ? 'kernel' : 'program') };

/** Whether an address is that of a single host beyond this one: no group, no broadcast, no address of its own. */
function beyond(net: World): Asked {
  return {
    name: BEYOND,
    bounds: [0x7f000000, 0x80000000, 0xe0000000],
    says: (value) =>
      value < 0xe0000000 && value >>> 24 !== 127 && inet_addr_type(net, value) === RTN_UNICAST ? 'yes' : 'no',
  };
}

const BEYOND = 'beyond';

function cellsOfAxis(net: World, axis: Axis, { asked, protocols }: Questions): readonly Cell[] {
  const questions = asked.get(axis) ?? [];
  if (axis === 'protocol') {
    const all = [...new Set([...PROTOCOLS, ...protocols])];
    return all.map((value) => ({
      ranges: [{ first: value, last: value }],
      value,
      size: 1,
      groups: new Map([[ITSELF, String(value)], ...questions.map((one) => [one.name, one.says(value)] as const)]),
    }));
  }
  const more = axis === 'sport' && questions.length > 0 ? [CHOSEN] : axis === 'daddr' ? [beyond(net)] : [];
  return cellsOf([...questions, ...more], WHOLE[axis], FAMILIAR[axis]);
}

/** Flows on their way: those that have met the same, by what that was. */
type Walking = Map<string, Node>;

interface Walked {
  /** Those that go on behind the chain, and those that the table is done with. */
  readonly on: Walking;
  readonly ended: Walking;
}

/** Targets behind which no rule of the table is met. */
const ENDS: ReadonlySet<string> = new Set([
  'ACCEPT',
  'DROP',
  'REJECT',
  'DNAT',
  'SNAT',
  'MASQUERADE',
  'REDIRECT',
  'TPROXY',
]);

const ALL_BITS = 0xffffffff;

/** What has been met, and then that: where a mark is set as a whole, the one that was set before is forgotten. */
function then(key: string, { deed, whole, rule }: Test, truths: string): string {
  const sets = whole && rule?.target.kind === 'MARK' && rule.target.mask === ALL_BITS;
  const met = key.split('\n');
  if (sets && (met.at(-1) ?? '').startsWith('mark ')) met.pop();
  return [...met, `${sets ? 'mark ' : ''}${deed}${truths}`].join('\n');
}

/** The name of a rule, for a packet in that hook. */
export function hitKey({ table, chain }: Walk, rule: XtRule): string {
  return `${table.name} ${chain} ${rule.id}`;
}

class Walker {
  readonly sets: Sets;
  readonly hits = new Map<string, Node>();
  private readonly cells: Space['cells'];
  private readonly questions: Questions;
  private readonly answers = new Map<string, ReadonlyMap<string, Node>>();

  constructor(cells: Space['cells'], questions: Questions) {
    this.cells = cells;
    this.questions = questions;
    this.sets = new Sets(AXES.map((axis) => cells[axis].length));
  }

  private add(walking: Walking, key: string, set: Node): void {
    if (set !== this.sets.none) walking.set(key, this.sets.or(walking.get(key) ?? this.sets.none, set));
  }

  /** The flows of each answer to a question. */
  answersTo(axis: Axis, name: string): ReadonlyMap<string, Node> {
    const place = `${axis} ${name}`;
    const known = this.answers.get(place);
    if (known !== undefined) return known;
    const says = this.cells[axis].map(({ groups }) => groups.get(name) ?? '');
    const found = new Map(
      [...new Set(says)].map((answer) => [answer, this.sets.on(AXES.indexOf(axis), (cell) => says[cell] === answer)]),
    );
    this.answers.set(place, found);
    return found;
  }

  /** The flows divided by how the rule compares: those that it surely does not fit, and the others by what is not sure. */
  private parts({ comparisons }: Test, set: Node): readonly (readonly [set: Node, truths: string])[] {
    let fits = set;
    for (const { axis, name, wants, sure } of comparisons) {
      if (sure && wants !== '') fits = this.sets.and(fits, this.answersTo(axis, name).get(wants) ?? this.sets.none);
    }
    let parts: readonly (readonly [set: Node, truths: string])[] = [[fits, '']];
    for (const comparison of comparisons) {
      if (comparison.sure && comparison.wants !== '') continue;
      parts = parts.flatMap(([part, truths]) => this.divided(part, truths, comparison));
    }
    return parts.filter(([part]) => part !== this.sets.none);
  }

  private divided(part: Node, truths: string, { axis, name }: Comparison): readonly (readonly [Node, string])[] {
    return [...this.answersTo(axis, name)].map(([answer, of]) => [this.sets.and(part, of), `${truths} ${answer}`]);
  }

  /** Behind routing rules, which divide flows and let all of them go on. */
  routing(walking: Walking, test: Test, number: number): Walking {
    if (test.comparisons.length === 0) return walking;
    const after: Walking = new Map();
    for (const [key, set] of walking) {
      let left = set;
      for (const [part, truths] of this.parts(test, set)) {
        this.add(after, `${key}\nrule ${number}${truths}`, part);
        left = this.sets.without(left, part);
      }
      this.add(after, key, left);
    }
    return after;
  }

  chain(start: Walking, walk: Walk, name: string): Walked {
    const ended: Walking = new Map();
    const returned: Walking = new Map();
    let walking = start;
    for (const rule of walk.table.chains.find((one) => one.name === name)?.rules ?? []) {
      const next: Walking = new Map();
      const hit: Walking = new Map();
      const test = this.questions.testOf(walk, rule);
      for (const [key, set] of walking) {
        let left = set;
        for (const [part, truths] of this.parts(test, set)) {
          this.add(hit, then(key, test, truths), part);
          this.add(this.hits, hitKey(walk, rule), part);
          left = this.sets.without(left, part);
        }
        this.add(next, key, left);
      }
      this.follow(hit, walk, rule, test.whole, { next, ended, returned });
      walking = next;
    }
    for (const [key, set] of returned) this.add(walking, key, set);
    return { on: walking, ended };
  }

  /** Where the target leads those that the rule fits, or may fit. */
  private follow(
    hit: Walking,
    walk: Walk,
    { target }: XtRule,
    sure: boolean,
    to: { readonly next: Walking; readonly ended: Walking; readonly returned: Walking },
  ): void {
    const put = (from: Walking, into: Walking) => {
      for (const [key, set] of from) this.add(into, key, set);
    };
    if (target.kind === 'jump' || target.kind === 'goto') {
      const walked = this.chain(hit, walk, target.chain);
      put(walked.ended, sure ? to.ended : to.next);
      put(walked.on, sure && target.kind === 'goto' ? to.returned : to.next);
    } else if (sure && target.kind === 'RETURN') put(hit, to.returned);
    else if (sure && ENDS.has(target.kind)) put(hit, to.ended);
    else put(hit, to.next);
  }
}

/** The questions by which flows are divided before they meet a rule. */
function basic({ asked }: Questions): readonly (readonly [axis: Axis, name: string])[] {
  const chosen: readonly (readonly [Axis, string])[] =
    (asked.get('sport') ?? []).length > 0 ? [['sport', CHOSEN.name]] : [];
  return [['protocol', ITSELF], ['daddr', ROUTES], ...chosen];
}

/** The flows of the host, to those destinations, in regions; no more than `most` of them. */
export function spaceOf(net: World, most: number, to?: { readonly addr: number; readonly port: number }): Space {
  const questions = questionsOf(net);
  const cells = Object.fromEntries(
    AXES.map((axis) => [axis, cellsOfAxis(net, axis, questions)]),
  ) as unknown as Space['cells'];
  const walker = new Walker(cells, questions);
  const { sets } = walker;
  const has = (axis: Axis, value: number) =>
    sets.on(AXES.indexOf(axis), (cell) => {
      const { ranges } = cells[axis][cell] as Cell;
      return value === 0 || ranges.some(({ first, last }) => value >= first && value <= last);
    });
  const single = walker.answersTo('daddr', BEYOND).get('yes') ?? sets.none;
  const all = sets.and(single, sets.and(has('daddr', to?.addr ?? 0), has('dport', to?.port ?? 0)));
  let walking: Walking = new Map([['', all]]);
  for (const [n, test] of questions.rules.entries()) walking = walker.routing(walking, test, n);
  for (const walk of questions.walks) {
    const started = new Map([...walking].map(([key, set]) => [`${key}\n${walk.table.name} ${walk.chain}`, set]));
    const { on, ended } = walker.chain(started, walk, walk.chain);
    for (const [key, set] of ended) on.set(key, sets.or(on.get(key) ?? sets.none, set));
    walking = on;
    if (walking.size > most) return { cells, questions, sets, all, hits: walker.hits, regions: [], complete: false };
  }
  for (const [axis, name] of basic(questions)) {
    const after: Walking = new Map();
    for (const [key, set] of walking) {
      for (const [answer, of] of walker.answersTo(axis, name)) {
        const part = sets.and(set, of);
        if (part !== sets.none) after.set(`${key}\n${axis} ${answer}`, part);
      }
    }
    walking = after;
  }
  const regions = [...walking].map(([key, set]) => ({ key, set }));
  return {
    cells,
    questions,
    sets,
    all,
    hits: walker.hits,
    regions: regions.slice(0, most),
    complete: regions.length <= most,
  };
}
