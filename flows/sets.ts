/**
 * Sets of flows: for every axis, which of its cells.
 *
 * A set is a decision diagram: a node asks for the cell of one axis and has a set of the axes behind it for each. Nodes with
 * the same content are one, so that equal sets are the same node, and a union of many boxes stays small.
 */

/** `axis` is a number; the number of axes for the two ends. */
export interface Node {
  readonly id: number;
  readonly axis: number;
  readonly below: readonly Node[];
}

/** Some cells of each axis: all flows that have one of them on each. */
export type Box = readonly (readonly number[])[];

export class Sets {
  readonly none: Node;
  readonly all: Node;
  private readonly sizes: readonly number[];
  private readonly nodes = new Map<string, Node>();
  private readonly known = new Map<number, Node>();
  private count = 2;

  /** With so many cells on each axis. */
  constructor(sizes: readonly number[]) {
    this.sizes = sizes;
    this.none = { id: 0, axis: sizes.length, below: [] };
    this.all = { id: 1, axis: sizes.length, below: [] };
  }

  private node(axis: number, below: readonly Node[]): Node {
    const [first] = below as [Node];
    if (below.every((one) => one === first)) return first;
    const key = `${axis}:${below.map(({ id }) => id).join()}`;
    const known = this.nodes.get(key) ?? { id: this.count++, axis, below };
    this.nodes.set(key, known);
    return known;
  }

  /** All flows with one of those cells on that axis. */
  on(axis: number, has: (cell: number) => boolean): Node {
    const size = this.sizes[axis] as number;
    return this.node(
      axis,
      Array.from({ length: size }, (_, cell) => (has(cell) ? this.all : this.none)),
    );
  }

  private combine(op: 0 | 1 | 2, a: Node, b: Node): Node {
    const ended = this.ended(op, a, b);
    if (ended !== undefined) return ended;
    const key = (a.id * 0x1000000 + b.id) * 3 + op;
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const axis = Math.min(a.axis, b.axis);
    const size = this.sizes[axis] as number;
    const below: Node[] = [];
    for (let cell = 0; cell < size; cell++) {
      below.push(
        this.combine(op, a.axis === axis ? (a.below[cell] as Node) : a, b.axis === axis ? (b.below[cell] as Node) : b),
      );
    }
    const made = this.node(axis, below);
    this.known.set(key, made);
    return made;
  }

  /** The result where one of the two decides alone. */
  private ended(op: 0 | 1 | 2, a: Node, b: Node): Node | undefined {
    const { none, all } = this;
    if (op === 0) {
      if (a === none || b === none) return none;
      if (a === all || a === b) return b;
      return b === all ? a : undefined;
    }
    if (op === 1) {
      if (a === all || b === all) return all;
      if (a === none || a === b) return b;
      return b === none ? a : undefined;
    }
    if (a === none || b === all || a === b) return none;
    return b === none ? a : undefined;
  }

  and(a: Node, b: Node): Node {
    return this.combine(0, a, b);
  }

  or(a: Node, b: Node): Node {
    return this.combine(1, a, b);
  }

  /** What is in the first and not in the second. */
  without(a: Node, b: Node): Node {
    return a === this.all && b === this.none ? a : this.combine(2, a, b);
  }

  /** Whether that flow, a cell for each axis, is in the set. */
  has(set: Node, cells: readonly number[]): boolean {
    let node = set;
    while (node !== this.all && node !== this.none) node = node.below[cells[node.axis] as number] as Node;
    return node === this.all;
  }

  /** The set as boxes without common flows, no more than `most`, and whether these are all. */
  boxes(set: Node, most: number): { readonly boxes: readonly Box[]; readonly all: boolean } {
    const found: Box[] = [];
    const whole = this.sizes.map((size) => Array.from({ length: size }, (_, cell) => cell));
    const visit = (node: Node, box: readonly (readonly number[])[]): boolean => {
      if (node === this.none) return true;
      if (node === this.all) {
        if (found.length >= most) return false;
        found.push(box);
        return true;
      }
      const groups = new Map<Node, number[]>();
      for (const [cell, below] of node.below.entries()) {
        const group = groups.get(below);
        if (group === undefined) groups.set(below, [cell]);
        else group.push(cell);
      }
      for (const [below, cells] of groups) {
        if (!visit(below, box.with(node.axis, cells))) return false;
      }
      return true;
    };
    const all = visit(set, whole);
    return { boxes: found, all };
  }
}
