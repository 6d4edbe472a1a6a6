/** The tree of a text: what the parser reads and the rest of the compiler understands. */
import type { Place } from './messages.ts';

/** A type as it is written: its base, and how many `*` follow. */
export interface TypeName {
  readonly place: Place;
  /** `u32`, `unsigned int`, `struct sock`, `enum ip_conntrack_info`. */
  readonly base: string;
  readonly pointers: number;
}

export type BinaryOperator =
  | '+'
  | '-'
  | '*'
  | '/'
  | '%'
  | '&'
  | '|'
  | '^'
  | '<<'
  | '>>'
  | '<'
  | '<='
  | '>'
  | '>='
  | '=='
  | '!=';

export type Expression = { readonly place: Place } & (
  | { readonly kind: 'number'; readonly text: string }
  | { readonly kind: 'character'; readonly value: number }
  | { readonly kind: 'string' }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'unary'; readonly operator: '!' | '~' | '-' | '+'; readonly of: Expression }
  | {
      readonly kind: 'binary';
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly kind: 'logical'; readonly operator: '&&' | '||'; readonly left: Expression; readonly right: Expression }
  | {
      readonly kind: 'conditional';
      readonly test: Expression;
      /** undefined for `test ?: no`. */
      readonly yes: Expression | undefined;
      readonly no: Expression;
    }
  | {
      readonly kind: 'assignment';
      /** undefined for plain `=`. */
      readonly operator: BinaryOperator | undefined;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly kind: 'step'; readonly by: 1 | -1; readonly isPrefix: boolean; readonly of: Expression }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expression[] }
  | { readonly kind: 'member'; readonly of: Expression; readonly name: string; readonly isArrow: boolean }
  | { readonly kind: 'index'; readonly of: Expression; readonly index: Expression }
  | { readonly kind: 'dereference'; readonly of: Expression }
  | { readonly kind: 'address'; readonly of: Expression }
  | { readonly kind: 'cast'; readonly type: TypeName; readonly of: Expression }
  | { readonly kind: 'sizeof'; readonly of: TypeName | Expression }
  | { readonly kind: 'comma'; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'compound'; readonly type: TypeName; readonly fields: readonly FieldValue[] }
);

/** `.name = value` of an initialiser; `name` may have dots. */
export interface FieldValue {
  readonly place: Place;
  readonly name: string;
  readonly value: Expression;
}

export interface Declarator {
  readonly place: Place;
  readonly type: TypeName;
  readonly name: string;
  readonly value: Expression | { readonly kind: 'fields'; readonly fields: readonly FieldValue[] } | undefined;
}

/** One group of labels of a `switch`, and what follows it up to the next. */
export interface CaseGroup {
  readonly place: Place;
  readonly values: readonly Expression[];
  readonly isDefault: boolean;
  readonly body: readonly Statement[];
}

export type Statement = { readonly place: Place } & (
  | { readonly kind: 'declaration'; readonly declarators: readonly Declarator[] }
  | { readonly kind: 'expression'; readonly of: Expression }
  | { readonly kind: 'block'; readonly body: readonly Statement[] }
  | {
      readonly kind: 'if';
      readonly test: Expression;
      readonly yes: Statement;
      readonly no: Statement | undefined;
    }
  | { readonly kind: 'return'; readonly value: Expression | undefined }
  | { readonly kind: 'goto'; readonly label: string }
  | { readonly kind: 'label'; readonly name: string; readonly body: Statement }
  | { readonly kind: 'switch'; readonly of: Expression; readonly groups: readonly CaseGroup[] }
  | {
      readonly kind: 'for';
      readonly first: Statement | undefined;
      readonly test: Expression | undefined;
      readonly step: Expression | undefined;
      readonly body: Statement;
    }
  | { readonly kind: 'walk'; readonly name: string; readonly args: readonly Expression[]; readonly body: Statement }
  | { readonly kind: 'while'; readonly test: Expression; readonly body: Statement }
  | { readonly kind: 'do'; readonly body: Statement; readonly test: Expression }
  | { readonly kind: 'break' }
  | { readonly kind: 'continue' }
  | { readonly kind: 'empty' }
);

export interface Parameter {
  readonly place: Place;
  readonly type: TypeName;
  /** '' in a declaration. */
  readonly name: string;
}

export interface FunctionDefinition {
  readonly place: Place;
  readonly name: string;
  readonly returns: TypeName;
  readonly parameters: readonly Parameter[];
  readonly body: readonly Statement[];
  /** The place of its last brace. */
  readonly end: Place;
}

export interface Enumerator {
  readonly place: Place;
  readonly name: string;
  readonly value: Expression | undefined;
}
