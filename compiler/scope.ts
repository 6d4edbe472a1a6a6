/** The variables of a function. Each has a name of its own in the dialect, so that blocks need no scopes there. */
import type { Place } from './messages.ts';
import type { Type } from './types.ts';
import type { Location, Value } from './values.ts';

/**
 * - `value`: holds its value
 * - `target`: a pointer; holds what it leads to, which comes back to the caller
 * - `alias`: a pointer to a place that is known
 * - `segment`: the element of a walk over a queue; holds the segment
 * - `implicit`: a pointer to the packet, the host or the hook's state, which every function knows
 * - `constant`: has a value that is known
 */
export type Role = 'value' | 'target' | 'alias' | 'segment' | 'implicit' | 'constant';

export interface Variable {
  /** Unique in its function. */
  readonly id: number;
  readonly name: string;
  /** Its name in the dialect. */
  readonly code: string;
  readonly type: Type;
  readonly role: Role;
  readonly place: Place;
  /** Alias: the place. */
  readonly location?: Location;
  /** Constant: the value. */
  readonly value?: Value;
  /** Whether its value is used where it may not be set. */
  isReadUnset: boolean;
}

export class Scope {
  private readonly names = new Map<string, Variable>();
  readonly outer: Scope | undefined;

  constructor(outer?: Scope) {
    this.outer = outer;
  }

  declare(variable: Variable): void {
    this.names.set(variable.name, variable);
  }

  isHere(name: string): boolean {
    return this.names.has(name);
  }

  find(name: string): Variable | undefined {
    return this.names.get(name) ?? this.outer?.find(name);
  }

  /** All variables that are visible. */
  *visible(): Generator<Variable> {
    yield* this.names.values();
    if (this.outer !== undefined) yield* this.outer.visible();
  }
}
