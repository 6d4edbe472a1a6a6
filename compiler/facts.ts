/** What is known at a point of a function: which variables are set, which pointers are not NULL, fresh, or of a kind. */

/**
 * `is`: set at all. Of pointers: `not-null`; `fresh`, the packet has not moved since; `followed`, since it moved; `inet` and
 * `tcp`, parts of a socket that were reached.
 */
export type Fact = `${string}:${number}`;

/** Numbers of the things that pointers lead to. */
let things = 0;

export class Facts {
  private known: Set<Fact>;
  /** Which pointers lead to the same thing: by variable, the number of the thing. */
  private readonly thing: Map<number, number>;

  constructor(known: Iterable<Fact> = [], thing: Iterable<readonly [number, number]> = []) {
    this.known = new Set(known);
    this.thing = new Map(thing);
  }

  has(fact: string, variable: number): boolean {
    return this.known.has(`${fact}:${variable}`);
  }

  /** What holds of a pointer holds of all that lead to the same thing. */
  learn(fact: string, variable: number): void {
    this.known.add(`${fact}:${variable}`);
    const thing = this.thing.get(variable);
    if (thing === undefined || fact === 'is') return;
    for (const [other, its] of this.thing) if (its === thing) this.known.add(`${fact}:${other}`);
  }

  learnAll(facts: Iterable<Fact>): void {
    for (const fact of facts) {
      const at = fact.lastIndexOf(':');
      this.learn(fact.slice(0, at), Number(fact.slice(at + 1)));
    }
  }

  /** A variable leads from here on where another does. */
  follow(variable: number, other: number): void {
    const thing = this.thing.get(other) ?? ++things;
    this.thing.set(other, thing);
    this.thing.set(variable, thing);
    for (const fact of [...this.known]) {
      const at = fact.lastIndexOf(':');
      if (fact.slice(at + 1) === String(other) && !fact.startsWith('is:')) this.learn(fact.slice(0, at), variable);
    }
  }

  /** The variable gets another value. */
  forget(variable: number): void {
    const end = `:${variable}`;
    this.known = new Set([...this.known].filter((fact) => !fact.endsWith(end)));
    this.thing.delete(variable);
  }

  /** The packet may have moved. */
  forgetFresh(): void {
    this.known = new Set([...this.known].filter((fact) => !/^(?:fresh|followed):/.test(fact)));
  }

  /** What is known of a loop's every turn: only which variables are set. */
  onlySet(): Facts {
    return new Facts([...this.known].filter((fact) => fact.startsWith('is:')));
  }

  copy(): Facts {
    return new Facts(this.known, this.thing);
  }

  /** What both know. */
  meet(other: Facts): Facts {
    return new Facts(
      [...this.known].filter((fact) => other.known.has(fact)),
      [...this.thing].filter(([variable, thing]) => other.thing.get(variable) === thing),
    );
  }

  [Symbol.iterator](): Iterator<Fact> {
    return this.known.values();
  }
}
