/** What a row of the table says of a name of the kernel. All code in it is dialect, with the names of model/patch/bindings.ts. */

/**
 * How a pointer to a structure is kept.
 *
 * - `packet`, `host`, `state`: there is one, which every function knows: skb, net, state
 * - `header`: the number of the buffer it was taken in, see model/patch/memory.ts
 * - `socket`, `device`, `bucket`, `entry`: the id, ifindex, port or number of what it leads to, 0 for NULL
 * - `route`: the route itself, NO_DST for NULL
 * - `record`: the structure itself, which belongs to the function that declared it
 * - `segment`: the element of a list that is being walked
 * - `nothing`: not at all, the model has no such thing
 */
export type Held =
  | 'packet'
  | 'host'
  | 'state'
  | 'header'
  | 'socket'
  | 'device'
  | 'bucket'
  | 'entry'
  | 'route'
  | 'record'
  | 'segment'
  | 'nothing';

/** Which sockets have a field: all, all but small ones, TCP's own. */
export type Part = 'common' | 'inet' | 'tcp';

/** A member of a structure. */
export interface FieldRow {
  /** As C has it. */
  readonly type: string;
  /** The value; `$` is the structure's record. By default the field of the same name. */
  readonly read?: string;
  /** The fields that change when `$v` is written, of the record `$`. Without it the member cannot be written. */
  readonly write?: string;
  /** Sockets: who has it. `common` by default. */
  readonly part?: Part;
  /** Another CPU may look at it at any time: a write is a moment of its own. */
  readonly isSeen?: boolean;
  /** Why the model can do without it: what is written is forgotten, and it cannot be read. */
  readonly ignored?: string;
  /** The least and greatest value, where they are less than the type's. */
  readonly range?: readonly [number, number];
  /** Pointers: never NULL. */
  readonly isSet?: true;
  /** For readers of the table. */
  readonly note?: string;
}

export interface StructureRow {
  /** Where C declares it. */
  readonly file: string;
  readonly what: string;
  readonly held: Held;
  /** Headers: the field of the packet that holds the record. */
  readonly header?: 'iph' | 'th' | 'uh' | 'icmph';
  /** sizeof. */
  readonly size?: number;
  /** Records: one whose bytes are all 0, and one that nobody has initialised. */
  readonly zero?: string;
  readonly wild?: string;
  /** Routes: makes sure that one was made as this structure, which others are cast to. */
  readonly made?: string;
  /** Its TypeScript type, where a variable can hold one. */
  readonly type?: string;
  /** The structure that it begins with, and the member that names it: `inet->sk.sk_state`. */
  readonly begins?: { readonly with: string; readonly member: string };
  readonly fields: Readonly<Record<string, FieldRow>>;
}

/**
 * A function or function-like macro.
 *
 * In `does` and `value`, `$1` is the first argument: a number, a truth value, or the record of a header or structure.
 * `$1 = …;` in `does` writes it back. `net`, `skb` and `frame` are the host, the packet and what the hook keeps; `$where`
 * and `$line` tell where the text stands; a name that begins with `$` otherwise is a constant of this call.
 */
export interface FunctionRow {
  readonly file: string;
  readonly what: string;
  readonly returns: string;
  /**
   * As C has them. `?` behind a pointer: NULL is welcome. `-` in front: the model has no use for it. `&` behind a pointer:
   * what it leads to is written. `@` behind a pointer to a packet: a segment of a queue that is being walked.
   */
  readonly params: readonly string[];
  readonly does?: readonly string[];
  readonly value?: string;
  /** It may show something, or crash. */
  readonly shows?: boolean;
  /** Other CPUs see what it has done: a moment of its own behind it. */
  readonly isSeen?: boolean;
  /** The packet may have another buffer behind it. */
  readonly moves?: boolean;
  /** Sockets: the part that is read of the first one among the arguments. */
  readonly reach?: Part;
  /** When it is false, the pointer that it was asked about can be followed. */
  readonly saysUnset?: true;
  /** The pointer that it gives is never NULL. */
  readonly isSet?: true;
  /** The least and greatest value, where they are less than the type's. */
  readonly range?: readonly [number, number];
  /** Why the model can do without it: it is accepted and does nothing. */
  readonly ignored?: string;
}

export interface ConstantRow {
  readonly value: number;
  readonly type?: string;
  readonly file: string;
}

/** A macro that walks a list of the kernel. */
export interface WalkRow {
  readonly file: string;
  readonly what: string;
  /** Which argument is the element, from 0; of two, the other is the list. */
  readonly element: 0 | 1;
  /** The member that is the list; `bhash` and `ehash` have one chain each, whatever the argument says. */
  readonly list: 'sk_write_queue' | 'tcp_rtx_queue' | 'bhash' | 'ehash';
}
