/** What a line of a host may refer to beyond itself, and what becomes of words that are left out. */
import { wrong } from '../error.ts';
import { Words } from '../words.ts';

/** A word that is read over, and what that changes. */
export interface LeftOut {
  readonly word: string;
  /** The command that it stands in: `ip route add`. */
  readonly command: string;
  /** Why it cannot matter, or, when it can, what is different without it. */
  readonly why: string;
  /** It can change what becomes of a packet: it is left out because the user asked for that. */
  readonly matters: boolean;
}

export interface Reading {
  /** Numbers of tables by their names, beside the usual ones. */
  readonly tables: ReadonlyMap<string, number>;
  /** The number of a user or a group, -1 when nothing says it. */
  readonly user: (name: string) => number;
  readonly group: (name: string) => number;
  /** The table of a VRF, -1 when there is no such VRF. */
  readonly tableOfVrf: (name: string) => number;
  /** Whether packets get to that chain only if they are forwarded. */
  readonly forwardedOnly: (table: string, chain: string) => boolean;
  /** Whether `iptables` speaks to nf_tables. */
  readonly nft: boolean;
  /** Words that the user wants left out although they can matter. */
  readonly leaveOut: ReadonlySet<string>;
  readonly leftOut: (left: LeftOut) => void;
}

/** A line by itself. */
export const ALONE: Reading = {
  tables: new Map(),
  user: () => -1,
  group: () => -1,
  tableOfVrf: () => -1,
  forwardedOnly: (_, chain) => chain === 'FORWARD',
  nft: false,
  leaveOut: new Set(),
  leftOut: () => {},
};

/** The words of one command of a host. */
export class HostWords extends Words {
  readonly reading: Reading;

  constructor(command: string, words: readonly string[], reading: Reading) {
    super(command, words);
    this.reading = reading;
  }
}

/** Reads over a word that decides nothing modelled. */
export function leaveOut(reading: Reading, word: string, command: string, why: string): void {
  reading.leftOut({ word, command, why, matters: false });
}

/** Reads over a word that can matter, if the user asked for that; else refuses it and says what is different without it. */
export function leaveOutAsked(reading: Reading, word: string, command: string, consequence: string): void {
  if (!reading.leaveOut.has(word)) {
    wrong(
      `"${word}" of "${command}" is not modelled, and without it ${consequence}; --leave-out ${word} reads the host without it, and every answer says so`,
    );
  }
  reading.leftOut({ word, command, why: `without it ${consequence}`, matters: true });
}
