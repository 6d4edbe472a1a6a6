/** The names a lifted file knows: what is bound where, and which variables are assigned in which range of the source. */

export type BindingKind = 'import' | 'native' | 'type' | 'module' | 'const' | 'let' | 'counter' | 'parameter';

export interface Binding {
  readonly name: string;
  readonly kind: BindingKind;
  /** Offset of the declaration. */
  readonly start: number;
  /** How many functions enclose it. */
  readonly depth: number;
}

interface Assignment {
  readonly binding: Binding;
  readonly at: number;
}

export interface Range {
  readonly start: number;
  readonly end: number;
}

const within = (offset: number, range: Range): boolean => offset >= range.start && offset < range.end;

export class Scopes {
  private readonly stack: Map<string, Binding>[] = [new Map()];
  private readonly assignments: Assignment[] = [];

  enter(): void {
    this.stack.push(new Map());
  }

  leave(): void {
    this.stack.pop();
  }

  declare(binding: Binding): void {
    this.stack.at(-1)?.set(binding.name, binding);
  }

  resolve(name: string): Binding | undefined {
    for (let depth = this.stack.length - 1; depth >= 0; depth--) {
      const found = this.stack[depth]?.get(name);
      if (found) return found;
    }
    return undefined;
  }

  assigned(binding: Binding, at: number): void {
    this.assignments.push({ binding, at });
  }

  /** Names of the variables declared outside the range and assigned inside it. */
  assignedFromOutside(range: Range): string[] {
    const names = new Set<string>();
    for (const { binding, at } of this.assignments) {
      if (within(at, range) && !within(binding.start, range)) names.add(binding.name);
    }
    return [...names];
  }
}
