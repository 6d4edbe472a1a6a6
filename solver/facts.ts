/** What the path condition says about single terms, so that implied branches need no solver. */
import type { Interval } from './terms/range.ts';
import { type Bool, type BoolTerm, type Num, NumTerm } from './terms/term.ts';

/** How many parts of a condition are looked at before it counts as unknown. */
const MOST_PARTS = 64;

export class Facts {
  private readonly truths = new Map<BoolTerm, boolean>();
  private readonly ranges = new Map<NumTerm, Interval>();
  private readonly undo: (() => void)[] = [];

  /** A mark to which forget() returns. */
  mark(): number {
    return this.undo.length;
  }

  /** Forgets what was assumed since the mark. */
  forget(mark: number): void {
    while (this.undo.length > mark) this.undo.pop()?.();
  }

  assume(condition: Bool, value: boolean): void {
    if (typeof condition === 'boolean' || this.truths.get(condition) === value) return;
    this.setTruth(condition, value);
    const [a, b] = condition.args;
    if (condition.op === 'not') this.assume(a as Bool, !value);
    else if (condition.op === (value ? 'and' : 'or')) {
      this.assume(a as Bool, value);
      this.assume(b as Bool, value);
    } else if (condition.op === 'eq') this.assumeEqual(a as Num, b as Num, value);
    else if (condition.op === 'lt') {
      if (value) this.assumeLess(a as Num, b as Num, 1);
      else this.assumeLess(b as Num, a as Num, 0);
    }
  }

  /** Whether the facts decide a condition, and how. */
  known(condition: Bool): boolean | undefined {
    return this.decide(condition, { left: MOST_PARTS });
  }

  private decide(condition: Bool, budget: { left: number }): boolean | undefined {
    if (typeof condition === 'boolean') return condition;
    const truth = this.truths.get(condition);
    if (truth !== undefined) return truth;
    if (budget.left-- <= 0) return undefined;
    const part = (index: number): boolean | undefined => this.decide(condition.args[index] as Bool, budget);
    switch (condition.op) {
      case 'not': {
        const inner = part(0);
        return inner === undefined ? undefined : !inner;
      }
      case 'and':
      case 'or': {
        const decisive = condition.op === 'or';
        const left = part(0);
        if (left === decisive) return decisive;
        const right = part(1);
        if (right === decisive) return decisive;
        return left === undefined || right === undefined ? undefined : !decisive;
      }
      case 'iff': {
        const [left, right] = [part(0), part(1)];
        return left === undefined || right === undefined ? undefined : left === right;
      }
      case 'ite': {
        const test = part(0);
        if (test !== undefined) return part(test ? 1 : 2);
        const yes = part(1);
        return yes !== undefined && yes === part(2) ? yes : undefined;
      }
      default:
        return this.compare(condition);
    }
  }

  private compare(condition: BoolTerm): boolean | undefined {
    const [a, b] = [this.range(condition.args[0] as Num), this.range(condition.args[1] as Num)];
    if (condition.op === 'lt') {
      if (a.hi < b.lo) return true;
      return a.lo >= b.hi ? false : undefined;
    }
    if (a.hi < b.lo || b.hi < a.lo) return false;
    return a.lo === a.hi && b.lo === b.hi ? true : undefined;
  }

  private range(a: Num): Interval {
    if (typeof a === 'number') return { lo: a, hi: a };
    return this.ranges.get(a) ?? a;
  }

  private assumeEqual(a: Num, b: Num, value: boolean): void {
    const [x, y] = [this.range(a), this.range(b)];
    if (value) {
      this.setRange(a, Math.max(x.lo, y.lo), Math.min(x.hi, y.hi));
      this.setRange(b, Math.max(x.lo, y.lo), Math.min(x.hi, y.hi));
    } else if (y.lo === y.hi) this.setRange(a, x.lo === y.lo ? x.lo + 1 : x.lo, x.hi === y.lo ? x.hi - 1 : x.hi);
    else if (x.lo === x.hi) this.setRange(b, y.lo === x.lo ? y.lo + 1 : y.lo, y.hi === x.lo ? y.hi - 1 : y.hi);
  }

  /** a + gap <= b */
  private assumeLess(a: Num, b: Num, gap: number): void {
    const [x, y] = [this.range(a), this.range(b)];
    this.setRange(a, x.lo, Math.min(x.hi, y.hi - gap));
    this.setRange(b, Math.max(y.lo, x.lo + gap), y.hi);
  }

  private setTruth(condition: BoolTerm, value: boolean): void {
    const before = this.truths.get(condition);
    this.truths.set(condition, value);
    this.undo.push(() => {
      if (before === undefined) this.truths.delete(condition);
      else this.truths.set(condition, before);
    });
  }

  /** An empty range means that the path cannot be taken; it stays as it was then. */
  private setRange(a: Num, lo: number, hi: number): void {
    if (!(a instanceof NumTerm) || lo > hi) return;
    const before = this.ranges.get(a);
    this.ranges.set(a, { lo, hi });
    this.undo.push(() => {
      if (before === undefined) this.ranges.delete(a);
      else this.ranges.set(a, before);
    });
  }
}
