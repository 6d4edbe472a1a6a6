/**
 * Incremental checksum updates equal recomputation: RFC 1624, equation 3, for the functions of model/kernel/include/net/checksum.ts.
 *
 * Ones' complement arithmetic is arithmetic modulo 65535, which a solver cannot see through in 32-bit words. So the
 * claim is split. Each function has an exact statement in the integers, with the quotient by 65535 or the carry named;
 * the lemmas `…-exact` close these on the functions themselves. The lemmas `…-incremental` then follow from the same
 * statements, with results and quotients free.
 */
import {
  CSUM_MANGLED_0,
  csum_add,
  csum_fold,
  csum_replace2,
  csum_replace4,
  csum_sub,
  inet_proto_csum_replace2,
  setTransportChecksum,
} from '../../model/kernel/include/net/checksum.ts';
import { inet_proto_csum_replace4 } from '../../model/kernel/net/core/utils.ts';
import { ip_send_check } from '../../model/kernel/net/ipv4/ip_output.ts';
import {
  CHECKSUM_NONE,
  CHECKSUM_PARTIAL,
  IPPROTO_TCP,
  IPPROTO_UDP,
  type Iphdr,
  NO_IPH,
  NO_SKB,
  NO_TH,
  type SkBuff,
} from '../../model/types/packet.ts';
import { asDrawn, half, type Lemma, lemma, many, nothingAssumed, number, octet, truth, WORD, word } from './lemma.ts';

/** The two 16-bit words of an address, added. */
function wordsOf(address: number): number {
  return (address >>> 16) + (address & 0xffff);
}

/** How often the sum of two 32-bit numbers goes round 32 bits. */
function carryOf(sum: number): number {
  return sum > WORD ? 1 : 0;
}

/** What folding a 32-bit sum divides away. */
function foldQuotient(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return (sum >>> 16) + (once >>> 16);
}

/** Written so that a solver for words sees a shift and a subtraction. */
function times65535(quotient: number): number {
  return 65536 * quotient - quotient;
}

function within(value: number, lo: number, hi: number): boolean {
  return value >= lo && value <= hi;
}

/** The statement of csum_add(): `result` is the sum less `carry` times 2^32 - 1, and 0 only when both are. */
function addStatement(result: number, a: number, b: number, carry: number): boolean {
  return (
    a + b === result + WORD * carry &&
    within(carry, 0, 1) &&
    within(result, 0, WORD) &&
    (result === 0) === (a === 0 && b === 0)
  );
}

/** The statement of csum_fold(): the complement of the result is the sum modulo 65535, and 0 only for a sum of 0. */
function foldStatement(result: number, sum: number, quotient: number): boolean {
  return (
    sum === 0xffff - result + times65535(quotient) &&
    within(quotient, 0, 65538) &&
    within(result, 0, 0xffff) &&
    (result === 0xffff) === (sum === 0)
  );
}

/** The statement of an update of a complete checksum: the complement moves by `to` less `from`; never the other zero. */
function replaceStatement(result: number, check: number, from: number, to: number, quotient: number): boolean {
  return (
    0xffff - check + 65535 * 65536 + (WORD - from) + to === 0xffff - result + times65535(quotient) &&
    within(result, 0, 0xfffe) &&
    within(quotient, 0, 200_000)
  );
}

/** The statement of an update of a folded pseudo-header sum. */
function partialStatement(result: number, check: number, from: number, to: number, quotient: number): boolean {
  return (
    check + (WORD - from) + to === result + times65535(quotient) &&
    within(result, 0, 0xffff) &&
    within(quotient, 0, 200_000) &&
    (check === 0 || result !== 0)
  );
}

/** The quotient of an update that begins with the 32-bit `sum`. */
function replaceQuotient(sum: number, from: number, to: number): number {
  const less = csum_sub(sum, from);
  const carries = carryOf(sum + (WORD - from)) + carryOf(less + to);
  return 65536 * carries + carries + foldQuotient(csum_add(less, to));
}

/** The statement of UDP's checksum: 0 is sent as 0xffff. */
function udpStatement(check: number, folded: number): boolean {
  return check === (folded === 0 ? CSUM_MANGLED_0 : folded);
}

export const csumAddExact: Lemma = lemma({
  id: 'csum-add-exact',
  claim: 'csum_add() adds modulo 2^32 - 1, and gives 0 only for 0 and 0.',
  asked: ['RFC 1071 section 1'],
  over: 'words',
  scope: 'any two 32-bit sums',
  cells: [{ name: 'all', shape: { a: word, b: word } }],
  assumes: '',
  given: nothingAssumed,
  holds(_, { a, b }) {
    return addStatement(csum_add(a, b), a, b, carryOf(a + b));
  },
  instance: asDrawn,
  expected: 'exhausted',
});

export const csumSubExact: Lemma = lemma({
  id: 'csum-sub-exact',
  claim: 'csum_sub() adds the complement modulo 2^32 - 1.',
  asked: ['RFC 1071 section 1', 'RFC 1624 section 4'],
  over: 'words',
  scope: 'any two 32-bit sums',
  cells: [{ name: 'all', shape: { a: word, b: word } }],
  assumes: '',
  given: nothingAssumed,
  holds(_, { a, b }) {
    return addStatement(csum_sub(a, b), a, WORD - b, carryOf(a + (WORD - b)));
  },
  instance: asDrawn,
  expected: 'exhausted',
});

export const csumFoldExact: Lemma = lemma({
  id: 'csum-fold-exact',
  claim: 'csum_fold() gives the complement of the sum modulo 65535, and 0xffff for a sum of 0 alone.',
  asked: ['RFC 1071 section 1'],
  over: 'words',
  scope: 'any 32-bit sum',
  cells: [{ name: 'all', shape: { sum: word } }],
  assumes: '',
  given: nothingAssumed,
  holds(_, { sum }) {
    return foldStatement(csum_fold(sum), sum, foldQuotient(sum));
  },
  instance: asDrawn,
  expected: 'exhausted',
});

const NONE: SkBuff = { ...NO_SKB, ip_summed: CHECKSUM_NONE, iph: { ...NO_IPH, protocol: IPPROTO_TCP } };
const PARTIAL: SkBuff = { ...NONE, ip_summed: CHECKSUM_PARTIAL };

const FIELD_CHANGE = [{ name: 'all', shape: { check: half, from: word, to: word } }];

export const replaceExact: Lemma = lemma({
  id: 'csum-replace-exact',
  claim:
    'Updating a complete checksum moves its complement by the new value less the old modulo 65535, and never gives 0xffff.',
  asked: ['RFC 1624 equation 3'],
  over: 'integers',
  scope: 'csum_replace4() and inet_proto_csum_replace4() on CHECKSUM_NONE: any field, any old and new 32-bit value',
  cells: FIELD_CHANGE,
  assumes: '',
  given: nothingAssumed,
  holds(_, { check, from, to }) {
    const result = csum_replace4(check, from, to);
    return (
      replaceStatement(result, check, from, to, replaceQuotient(~check >>> 0, from, to)) &&
      inet_proto_csum_replace4(check, NONE, from, to, true) === result &&
      inet_proto_csum_replace4(check, NONE, from, to, false) === result
    );
  },
  instance: asDrawn,
  expected: 'exhausted',
});

export const replacePortExact: Lemma = lemma({
  id: 'csum-replace-port-exact',
  claim:
    'The update of a port is that of a 32-bit value; a field that holds a pseudo-header sum alone is left as it is.',
  asked: ['inet_proto_csum_replace2(): ports are no part of the pseudo-header'],
  over: 'integers',
  scope: 'inet_proto_csum_replace2() on CHECKSUM_NONE and CHECKSUM_PARTIAL: any field, any two ports',
  cells: [{ name: 'all', shape: { check: half, from: half, to: half } }],
  assumes: '',
  given: nothingAssumed,
  holds(_, { check, from, to }) {
    const result = inet_proto_csum_replace2(check, NONE, from, to, false);
    return (
      replaceStatement(result, check, from, to, replaceQuotient(~check >>> 0, from, to)) &&
      inet_proto_csum_replace2(check, PARTIAL, from, to, false) === check
    );
  },
  instance: asDrawn,
  expected: 'exhausted',
});

export const partialExact: Lemma = lemma({
  id: 'csum-partial-exact',
  claim: 'Updating a folded pseudo-header sum moves it by the new value less the old modulo 65535; it never becomes 0.',
  asked: ['RFC 1624 equation 3', 'inet_proto_csum_replace4() with CHECKSUM_PARTIAL'],
  over: 'integers',
  scope: 'inet_proto_csum_replace4() on CHECKSUM_PARTIAL: any field, any two addresses',
  cells: FIELD_CHANGE,
  assumes: '',
  given: nothingAssumed,
  holds(_, { check, from, to }) {
    const result = inet_proto_csum_replace4(check, PARTIAL, from, to, true);
    return partialStatement(result, check, from, to, replaceQuotient(check, from, to));
  },
  instance: asDrawn,
  expected: 'exhausted',
});

/** Sum of the words of an IPv4 header with a checksum field of 0. RFC: 791 section 3.1. */
function headerSum(iph: Iphdr): number {
  const first = ((4 << 12) | (iph.ihl << 8) | iph.tos) + iph.tot_len + iph.id + iph.frag_off;
  return first + ((iph.ttl << 8) | iph.protocol) + wordsOf(iph.saddr) + wordsOf(iph.daddr);
}

const IPV4_HEADER = {
  ihl: number(5, 15),
  tos: octet,
  tot_len: half,
  id: half,
  frag_off: half,
  ttl: octet,
  protocol: octet,
  check: half,
  saddr: word,
  daddr: word,
};

export const ipHeaderExact: Lemma = lemma({
  id: 'ip-header-checksum-exact',
  claim: 'ip_send_check() gives the complement of the sum of the header words modulo 65535; that sum is never 0.',
  asked: ['RFC 791 section 3.1'],
  over: 'integers',
  scope: 'any IPv4 header without options',
  cells: [{ name: 'all', shape: { iph: IPV4_HEADER } }],
  assumes: '',
  given: nothingAssumed,
  holds(_, { iph }) {
    const sum = headerSum(iph);
    return foldStatement(ip_send_check(iph).check, sum, foldQuotient(sum)) && sum > 0;
  },
  instance: asDrawn,
  expected: 'exhausted',
});

function sumOfWords(words: readonly number[]): number {
  let sum = 0;
  for (const one of words) sum = sum + one;
  return sum;
}

/** Sum of the pseudo-header's words. RFC: 9293 section 3.1, RFC 768. */
function pseudoSum(saddr: number, daddr: number, protocol: number, length: number): number {
  return wordsOf(saddr) + wordsOf(daddr) + protocol + length;
}

/** A TCP segment as a sum sees it; `odd`: its last byte of data is padding. */
interface Segment {
  readonly source: number;
  readonly dest: number;
  readonly seq: number;
  readonly ack_seq: number;
  readonly flags: number;
  readonly window: number;
  readonly urg_ptr: number;
  readonly options: readonly number[];
  readonly payload: readonly number[];
  readonly odd: boolean;
}

function segmentCell(options: number, payload: number) {
  const fixed = { source: half, dest: half, seq: word, ack_seq: word, flags: octet, window: half, urg_ptr: half };
  const s = { ...fixed, options: many(options, half), payload: many(payload, half), odd: truth };
  return { name: `${options * 2} bytes of options, ${payload} words of data`, shape: { s, saddr: word, daddr: word } };
}

const SEGMENTS = [segmentCell(0, 0), segmentCell(6, 0), segmentCell(20, 4)];

/** Bytes of TCP header and payload. */
function segmentLength({ options, payload, odd }: Segment): number {
  return 20 + options.length * 2 + payload.length * 2 - (odd && payload.length > 0 ? 1 : 0);
}

/** The sum that a segment's checksum is over: pseudo-header, header with a checksum field of 0, payload. */
function segmentSum(s: Segment, saddr: number, daddr: number): number {
  const offset = ((5 + (s.options.length >> 1)) << 12) | s.flags;
  const header = s.source + s.dest + wordsOf(s.seq) + wordsOf(s.ack_seq) + offset + s.window + s.urg_ptr;
  const pseudo = pseudoSum(saddr, daddr, IPPROTO_TCP, segmentLength(s));
  return pseudo + header + sumOfWords(s.options) + sumOfWords(s.payload);
}

function tcpPacket(s: Segment, ip_summed: number): SkBuff {
  const { source, dest, seq, ack_seq, flags, window, urg_ptr, options } = s;
  const doff = 5 + (options.length >> 1);
  return {
    ...NO_SKB,
    ip_summed,
    iph: { ...NO_IPH, protocol: IPPROTO_TCP },
    th: { ...NO_TH, source, dest, seq, ack_seq, doff, flags, window, urg_ptr, options },
    payload: { len: segmentLength(s) - doff * 4, words: s.payload },
  };
}

export const tcpNoneExact: Lemma = lemma({
  id: 'tcp-checksum-exact',
  claim:
    'A complete TCP checksum is the complement of the sum of pseudo-header, header and data modulo 65535; that sum is never 0.',
  asked: ['RFC 9293 section 3.1'],
  over: 'integers',
  scope:
    'setTransportChecksum() on CHECKSUM_NONE: any addresses and header, 0, 12 or 40 bytes of options, 0 to 8 bytes of data',
  cells: SEGMENTS,
  assumes: '',
  given: nothingAssumed,
  holds(_, { s, saddr, daddr }) {
    const { check } = setTransportChecksum(tcpPacket(s, CHECKSUM_NONE), saddr, daddr).th;
    const sum = segmentSum(s, saddr, daddr);
    return foldStatement(check, sum, foldQuotient(sum)) && sum > 0;
  },
  instance: asDrawn,
  expected: 'exhausted',
});

export const tcpPartialExact: Lemma = lemma({
  id: 'tcp-partial-checksum-exact',
  claim: 'Under CHECKSUM_PARTIAL the field holds the sum of the pseudo-header modulo 65535, and never 0.',
  asked: ['skb_checksum_help(): what a device finishes', 'RFC 9293 section 3.1'],
  over: 'integers',
  scope:
    'setTransportChecksum() on CHECKSUM_PARTIAL: any addresses, 0, 12 or 40 bytes of options, 0 to 8 bytes of data',
  cells: SEGMENTS,
  assumes: '',
  given: nothingAssumed,
  holds(_, { s, saddr, daddr }) {
    const { check } = setTransportChecksum(tcpPacket(s, CHECKSUM_PARTIAL), saddr, daddr).th;
    const sum = pseudoSum(saddr, daddr, IPPROTO_TCP, segmentLength(s));
    return foldStatement(0xffff - check, sum, foldQuotient(sum)) && sum > 0;
  },
  instance: asDrawn,
  expected: 'exhausted',
});

function datagramCell(words: number) {
  const shape = { source: half, dest: half, payload: many(words, half), saddr: word, daddr: word };
  return { name: `${words} words of data`, shape };
}

export const udpExact: Lemma = lemma({
  id: 'udp-checksum-exact',
  claim: 'A complete UDP checksum is the complement of the sum modulo 65535, with 0xffff in place of 0.',
  asked: ['RFC 768'],
  over: 'integers',
  scope: 'setTransportChecksum() on CHECKSUM_NONE: any addresses and ports, 0 or 8 bytes of data',
  cells: [datagramCell(0), datagramCell(4)],
  assumes: '',
  given: nothingAssumed,
  holds(_, { source, dest, payload, saddr, daddr }) {
    const len = 8 + payload.length * 2;
    const iph = { ...NO_IPH, protocol: IPPROTO_UDP };
    const uh = { source, dest, len, check: 0 };
    const skb: SkBuff = { ...NO_SKB, iph, uh, payload: { len: len - 8, words: payload } };
    const { check } = setTransportChecksum(skb, saddr, daddr).uh;
    const sum = pseudoSum(saddr, daddr, IPPROTO_UDP, len) + source + dest + len + sumOfWords(payload);
    const folded = csum_fold(sum);
    return udpStatement(check, folded) && foldStatement(folded, sum, foldQuotient(sum)) && sum > 0;
  },
  instance: asDrawn,
  expected: 'exhausted',
});

const QUOTIENT = number(0, 200_000);

/**
 * A sum without one address (`rest`) and that address before and after, in halves; the checksums before (`old`),
 * recomputed (`fresh`) and updated, and all quotients.
 */
const UPDATE = {
  rest: number(0, 0xfffe0000),
  fromHigh: half,
  fromLow: half,
  toHigh: half,
  toLow: half,
  old: half,
  oldQuotient: QUOTIENT,
  fresh: half,
  freshQuotient: QUOTIENT,
  updated: half,
  updateQuotient: QUOTIENT,
};

type Update = { readonly [K in keyof typeof UPDATE]: number };

function fromOf({ fromHigh, fromLow }: Update): number {
  return fromHigh * 65536 + fromLow;
}

function toOf({ toHigh, toLow }: Update): number {
  return toHigh * 65536 + toLow;
}

function oldSum({ rest, fromHigh, fromLow }: Update): number {
  return rest + fromHigh + fromLow;
}

function newSum({ rest, toHigh, toLow }: Update): number {
  return rest + toHigh + toLow;
}

/** The update with the results that the functions give, and their quotients. */
function computed(u: Update): Update {
  const old = csum_fold(oldSum(u));
  return updatedFrom(
    {
      ...u,
      old,
      oldQuotient: foldQuotient(oldSum(u)),
      fresh: csum_fold(newSum(u)),
      freshQuotient: foldQuotient(newSum(u)),
    },
    old,
  );
}

/** The update as it is from that field. */
function updatedFrom(u: Update, field: number): Update {
  const [from, to] = [fromOf(u), toOf(u)];
  const updated = csum_replace4(field, from, to);
  return { ...u, updated, updateQuotient: replaceQuotient(WORD - field, from, to) };
}

/** What csum-fold-exact says of the old and the new sum. */
function folded(u: Update): boolean {
  return foldStatement(u.old, oldSum(u), u.oldQuotient) && foldStatement(u.fresh, newSum(u), u.freshQuotient);
}

/** What csum-replace-exact says of the update of that field. */
function replaced(u: Update, field: number): boolean {
  return replaceStatement(u.updated, field, fromOf(u), toOf(u), u.updateQuotient);
}

export const incrementalComplete: Lemma = lemma({
  id: 'complete-checksum-incremental',
  claim:
    'The update of a complete checksum equals its recomputation, for the IPv4 header and for TCP with CHECKSUM_NONE.',
  asked: ['RFC 1624 equation 3'],
  over: 'integers',
  scope: 'any sum above 0 with and without the address, any two addresses',
  cells: [{ name: 'all', shape: UPDATE }],
  assumes: 'csum-fold-exact, csum-replace-exact; sums are above 0: ip-header-checksum-exact, tcp-checksum-exact',
  given(_, u) {
    return folded(u) && replaced(u, u.old) && oldSum(u) > 0 && newSum(u) > 0;
  },
  holds(_, u) {
    return u.updated === u.fresh;
  },
  instance: computed,
  expected: 'exhausted',
});

export const twoZeros: Lemma = lemma({
  id: 'two-zeros',
  claim:
    'Update and recomputation differ only when all words of the new packet are 0: then the one gives 0x0000, the other 0xffff.',
  asked: ['RFC 1624 section 3', 'RFC 1071 section 1'],
  over: 'integers',
  scope: 'any sum, 0 included, any two addresses',
  cells: [{ name: 'all', shape: UPDATE }],
  assumes: 'csum-fold-exact, csum-replace-exact',
  given(_, u) {
    return folded(u) && replaced(u, u.old);
  },
  holds(_, u) {
    return newSum(u) === 0 ? u.fresh === 0xffff && u.updated === 0 : u.updated === u.fresh;
  },
  instance: computed,
  expected: 'exhausted',
});

function udpMangled(check: number): number {
  return check === 0 ? CSUM_MANGLED_0 : check;
}

export const udpZeroRule: Lemma = lemma({
  id: 'udp-zero-rule',
  claim: 'An updated UDP checksum equals the recomputed one when an update to 0 is replaced by 0xffff, too.',
  asked: ['RFC 768', 'RFC 3022 section 4.1'],
  over: 'integers',
  scope: 'any sum above 0, any two addresses, a field that is not 0',
  cells: [{ name: 'all', shape: { u: UPDATE, field: half } }],
  assumes: 'csum-fold-exact, csum-replace-exact, udp-checksum-exact',
  given(_, { u, field }) {
    return folded(u) && udpStatement(field, u.old) && replaced(u, field) && oldSum(u) > 0 && newSum(u) > 0;
  },
  holds(_, { u }) {
    return udpStatement(udpMangled(u.updated), u.fresh);
  },
  instance({ u }) {
    const field = udpMangled(computed(u).old);
    return { u: updatedFrom(computed(u), field), field };
  },
  expected: 'exhausted',
});

export const incrementalPartial: Lemma = lemma({
  id: 'partial-checksum-incremental',
  claim: 'The update of a folded pseudo-header sum equals its recomputation, for TCP with CHECKSUM_PARTIAL.',
  asked: ['RFC 1624 equation 3', 'skb_checksum_help()'],
  over: 'integers',
  scope: 'any pseudo-header, any two addresses',
  cells: [{ name: 'all', shape: UPDATE }],
  assumes: 'csum-fold-exact, csum-partial-exact; sums are above 0: tcp-partial-checksum-exact',
  given(_, u) {
    return (
      foldStatement(0xffff - u.old, oldSum(u), u.oldQuotient) &&
      foldStatement(0xffff - u.fresh, newSum(u), u.freshQuotient) &&
      partialStatement(u.updated, u.old, fromOf(u), toOf(u), u.updateQuotient) &&
      oldSum(u) > 0 &&
      newSum(u) > 0
    );
  },
  holds(_, u) {
    return u.updated === u.fresh;
  },
  instance(u) {
    const c = computed(u);
    const old = 0xffff - c.old;
    const updated = inet_proto_csum_replace4(old, PARTIAL, fromOf(u), toOf(u), true);
    const updateQuotient = replaceQuotient(old, fromOf(u), toOf(u));
    return { ...c, old, fresh: 0xffff - c.fresh, updated, updateQuotient };
  },
  expected: 'exhausted',
});

export const updateTwice: Lemma = lemma({
  id: 'update-of-updated-sum',
  claim:
    "An update applied to a sum that already holds the new address is right exactly when both addresses have the same ones' complement sum.",
  asked: ['the post, version 2: where the socket has its new address before the checksum is computed'],
  over: 'integers',
  scope: 'any sum above 0, any two addresses other than 0.0.0.0',
  cells: [{ name: 'all', shape: { u: UPDATE, from: half, fromQuotient: QUOTIENT, to: half, toQuotient: QUOTIENT } }],
  assumes: 'csum-fold-exact, csum-replace-exact',
  given(_, { u, from, fromQuotient, to, toQuotient }) {
    return (
      foldStatement(u.fresh, newSum(u), u.freshQuotient) &&
      replaced(u, u.fresh) &&
      newSum(u) > 0 &&
      fromOf(u) > 0 &&
      toOf(u) > 0 &&
      foldStatement(from, u.fromHigh + u.fromLow, fromQuotient) &&
      foldStatement(to, u.toHigh + u.toLow, toQuotient)
    );
  },
  holds(_, { u, from, to }) {
    return (u.updated === u.fresh) === (from === to);
  },
  instance({ u }) {
    const [from, to] = [u.fromHigh + u.fromLow, u.toHigh + u.toLow];
    return {
      u: updatedFrom(computed(u), computed(u).fresh),
      from: csum_fold(from),
      fromQuotient: foldQuotient(from),
      to: csum_fold(to),
      toQuotient: foldQuotient(to),
    };
  },
  expected: 'exhausted',
});

export const incremental16: Lemma = lemma({
  id: 'word-checksum-incremental',
  claim:
    'The update of one 16-bit word equals recomputation unless all words are 0: the same claim once more, in words.',
  asked: ['RFC 1624 equation 3'],
  over: 'words',
  scope: 'csum_replace2(): any 16-bit rest of the sum, any old and new word',
  cells: [{ name: 'all', shape: { rest: half, from: half, to: half } }],
  assumes: '',
  given: nothingAssumed,
  holds(_, { rest, from, to }) {
    const updated = csum_replace2(csum_fold(rest + from), from, to);
    return rest + to === 0 ? updated === 0 : updated === csum_fold(rest + to);
  },
  instance: asDrawn,
  expected: 'exhausted',
});

export const update16Twice: Lemma = lemma({
  id: 'word-update-of-updated-sum',
  claim:
    'The update of a word in a sum that holds the new word already is right exactly when both are equal modulo 65535.',
  asked: ['RFC 1624 equation 3'],
  over: 'words',
  scope: 'csum_replace2(): any 16-bit rest above 0, any two words',
  cells: [{ name: 'all', shape: { rest: number(1, 0xffff), from: half, to: half } }],
  assumes: '',
  given: nothingAssumed,
  holds(_, { rest, from, to }) {
    const fresh = csum_fold(rest + to);
    const same = from === to || (from === 0 && to === 0xffff) || (from === 0xffff && to === 0);
    return (csum_replace2(fresh, from, to) === fresh) === same;
  },
  instance: asDrawn,
  expected: 'exhausted',
});

export const checksumLemmas: readonly Lemma[] = [
  csumAddExact,
  csumSubExact,
  csumFoldExact,
  replaceExact,
  replacePortExact,
  partialExact,
  ipHeaderExact,
  tcpNoneExact,
  tcpPartialExact,
  udpExact,
  incrementalComplete,
  twoZeros,
  udpZeroRule,
  incrementalPartial,
  updateTwice,
  incremental16,
  update16Twice,
];

/** Folding once only. */
export const foldedOnce: Lemma = lemma({
  id: 'csum-fold-exact/folded-once',
  claim: 'One addition of the two halves folds a sum.',
  asked: ['twin of csum-fold-exact'],
  over: 'words',
  scope: 'any 32-bit sum',
  cells: [{ name: 'all', shape: { sum: word } }],
  assumes: '',
  given: nothingAssumed,
  holds(_, { sum }) {
    return foldStatement(~((sum & 0xffff) + (sum >>> 16)) & 0xffff, sum, foldQuotient(sum));
  },
  instance: asDrawn,
  expected: 'violated',
});

/** An addition that forgets its carry. */
export const addedWithoutCarry: Lemma = lemma({
  id: 'csum-add-exact/without-carry',
  claim: 'Addition modulo 2^32 adds sums.',
  asked: ['twin of csum-add-exact'],
  over: 'words',
  scope: 'any two 32-bit sums',
  cells: [{ name: 'all', shape: { a: word, b: word } }],
  assumes: '',
  given: nothingAssumed,
  holds(_, { a, b }) {
    return addStatement((a + b) >>> 0, a, b, carryOf(a + b));
  },
  instance: asDrawn,
  expected: 'violated',
});

/** RFC 1141: without the complement of the old value's other zero. */
export const replacedByRfc1141: Lemma = lemma({
  id: 'word-checksum-incremental/rfc-1141',
  claim: 'The update of RFC 1141 equals recomputation.',
  asked: ['twin of word-checksum-incremental', 'RFC 1624 section 3: it gives 0xffff where 0x0000 is right'],
  over: 'words',
  scope: 'any 16-bit rest above 0, any old and new word',
  cells: [{ name: 'all', shape: { rest: number(1, 0xffff), from: half, to: half } }],
  assumes: '',
  given: nothingAssumed,
  holds(_, { rest, from, to }) {
    const sum = csum_fold(rest + from) + from + (~to & 0xffff);
    const once = (sum & 0xffff) + (sum >>> 16);
    return (once & 0xffff) + (once >>> 16) === csum_fold(rest + to);
  },
  instance: asDrawn,
  expected: 'violated',
});

/** A UDP checksum that is left at 0. */
export const udpNotMangled: Lemma = lemma({
  id: 'udp-zero-rule/not-mangled',
  claim: 'An updated UDP checksum equals the recomputed one as it is.',
  asked: ['twin of udp-zero-rule'],
  over: 'integers',
  scope: 'as of udp-zero-rule',
  cells: [{ name: 'all', shape: { u: UPDATE } }],
  assumes: 'as of udp-zero-rule',
  given(_, { u }) {
    return folded(u) && replaced(u, u.old) && oldSum(u) > 0 && newSum(u) > 0 && u.old > 0;
  },
  holds(_, { u }) {
    return udpStatement(u.updated, u.fresh);
  },
  instance({ u }) {
    return { u: computed(u) };
  },
  expected: 'violated',
});

/** Old and new value exchanged. */
export const replacedBackwards: Lemma = lemma({
  id: 'csum-replace-exact/backwards',
  claim: 'Exchanging the old and the new value makes no difference.',
  asked: ['twin of csum-replace-exact'],
  over: 'words',
  scope: 'any field, any old and new 32-bit value',
  cells: FIELD_CHANGE,
  assumes: '',
  given: nothingAssumed,
  holds(_, { check, from, to }) {
    return csum_replace4(check, to, from) === csum_replace4(check, from, to);
  },
  instance: asDrawn,
  expected: 'violated',
});

/** An addition in place of a subtraction. */
export const subtractedAsAdded: Lemma = lemma({
  id: 'csum-sub-exact/not-complemented',
  claim: 'csum_add() adds the complement.',
  asked: ['twin of csum-sub-exact'],
  over: 'words',
  scope: 'any two 32-bit sums',
  cells: [{ name: 'all', shape: { a: word, b: word } }],
  assumes: '',
  given: nothingAssumed,
  holds(_, { a, b }) {
    return addStatement(csum_add(a, b), a, WORD - b, carryOf(a + (WORD - b)));
  },
  instance: asDrawn,
  expected: 'violated',
});

/** A port taken for a part of the pseudo-header. */
export const portInPseudoHeader: Lemma = lemma({
  id: 'csum-replace-port-exact/in-pseudo-header',
  claim: 'A field that holds a pseudo-header sum is left as it is if the value is said to be part of it.',
  asked: ['twin of csum-replace-port-exact'],
  over: 'integers',
  scope: 'any field, any two ports',
  cells: [{ name: 'all', shape: { check: half, from: half, to: half } }],
  assumes: '',
  given: nothingAssumed,
  holds(_, { check, from, to }) {
    return inet_proto_csum_replace2(check, PARTIAL, from, to, true) === check;
  },
  instance: asDrawn,
  expected: 'violated',
});

/** CHECKSUM_PARTIAL overlooked. */
export const partialAsComplete: Lemma = lemma({
  id: 'csum-partial-exact/as-complete',
  claim: 'Updating a folded pseudo-header sum as a complete checksum moves it rightly.',
  asked: ['twin of csum-partial-exact'],
  over: 'integers',
  scope: 'any field, any two addresses',
  cells: FIELD_CHANGE,
  assumes: '',
  given: nothingAssumed,
  holds(_, { check, from, to }) {
    const result = inet_proto_csum_replace4(check, NONE, from, to, true);
    return partialStatement(result, check, from, to, replaceQuotient(check, from, to));
  },
  instance: asDrawn,
  expected: 'violated',
});

/** A field left out of the sum. */
export const ttlLeftOut: Lemma = lemma({
  id: 'ip-header-checksum-exact/without-ttl',
  claim: 'The header checksum is that of the header without its TTL.',
  asked: ['twin of ip-header-checksum-exact'],
  over: 'integers',
  scope: 'any IPv4 header without options',
  cells: [{ name: 'all', shape: { iph: IPV4_HEADER } }],
  assumes: '',
  given: nothingAssumed,
  holds(_, { iph }) {
    const sum = headerSum(iph) - iph.ttl * 256;
    return foldStatement(ip_send_check(iph).check, sum, foldQuotient(sum));
  },
  instance: asDrawn,
  expected: 'violated',
});

/** The addresses left out of the sum. */
export const pseudoLeftOut: Lemma = lemma({
  id: 'tcp-checksum-exact/without-pseudo-header',
  claim: 'A complete TCP checksum is that of header and data.',
  asked: ['twin of tcp-checksum-exact'],
  over: 'integers',
  scope: 'no options, no data',
  cells: [segmentCell(0, 0)],
  assumes: '',
  given: nothingAssumed,
  holds(_, { s, saddr, daddr }) {
    const { check } = setTransportChecksum(tcpPacket(s, CHECKSUM_NONE), saddr, daddr).th;
    const sum = segmentSum(s, saddr, daddr) - pseudoSum(saddr, daddr, IPPROTO_TCP, segmentLength(s));
    return foldStatement(check, sum, foldQuotient(sum));
  },
  instance: asDrawn,
  expected: 'violated',
});

/** The complement where the sum belongs. */
export const partialComplemented: Lemma = lemma({
  id: 'tcp-partial-checksum-exact/complemented',
  claim: 'Under CHECKSUM_PARTIAL the field holds the complement of the sum of the pseudo-header.',
  asked: ['twin of tcp-partial-checksum-exact'],
  over: 'integers',
  scope: 'no options, no data',
  cells: [segmentCell(0, 0)],
  assumes: '',
  given: nothingAssumed,
  holds(_, { s, saddr, daddr }) {
    const { check } = setTransportChecksum(tcpPacket(s, CHECKSUM_PARTIAL), saddr, daddr).th;
    const sum = pseudoSum(saddr, daddr, IPPROTO_TCP, segmentLength(s));
    return foldStatement(check, sum, foldQuotient(sum));
  },
  instance: asDrawn,
  expected: 'violated',
});

/** The zero rule left out. */
export const udpZeroSent: Lemma = lemma({
  id: 'udp-checksum-exact/zero-sent',
  claim: 'A complete UDP checksum is the complement of the sum, 0 included.',
  asked: ['twin of udp-checksum-exact'],
  over: 'integers',
  scope: 'no data',
  cells: [datagramCell(0)],
  assumes: '',
  given: nothingAssumed,
  holds(_, { source, dest, saddr, daddr }) {
    const iph = { ...NO_IPH, protocol: IPPROTO_UDP };
    const skb: SkBuff = { ...NO_SKB, iph, uh: { source, dest, len: 8, check: 0 } };
    const { check } = setTransportChecksum(skb, saddr, daddr).uh;
    return check === csum_fold(pseudoSum(saddr, daddr, IPPROTO_UDP, 8) + source + dest + 8);
  },
  instance: asDrawn,
  expected: 'violated',
});

/** Without the assumption that sums are above 0. */
export const zeroSum: Lemma = lemma({
  id: 'complete-checksum-incremental/zero-sum',
  claim: 'The update of a complete checksum equals its recomputation, whatever the sum.',
  asked: ['twin of complete-checksum-incremental'],
  over: 'integers',
  scope: 'any sum, 0 included, any two addresses',
  cells: [{ name: 'all', shape: UPDATE }],
  assumes: 'csum-fold-exact, csum-replace-exact',
  given(_, u) {
    return folded(u) && replaced(u, u.old);
  },
  holds(_, u) {
    return u.updated === u.fresh;
  },
  instance: computed,
  expected: 'violated',
});

/** One zero for both. */
export const oneZero: Lemma = lemma({
  id: 'two-zeros/one-zero',
  claim: 'An update to a sum of 0 gives 0xffff, as recomputation does.',
  asked: ['twin of two-zeros'],
  over: 'integers',
  scope: 'any sum, 0 included, any two addresses',
  cells: [{ name: 'all', shape: UPDATE }],
  assumes: 'csum-fold-exact, csum-replace-exact',
  given(_, u) {
    return folded(u) && replaced(u, u.old);
  },
  holds(_, u) {
    return newSum(u) > 0 || u.updated === 0xffff;
  },
  instance: computed,
  expected: 'violated',
});

/** Addresses with the same sum overlooked. */
export const neverTwice: Lemma = lemma({
  id: 'update-of-updated-sum/never-right',
  claim: 'An update applied to a sum that already holds the new address is never right.',
  asked: ['twin of update-of-updated-sum'],
  over: 'integers',
  scope: 'any sum above 0, any two addresses',
  cells: [{ name: 'all', shape: UPDATE }],
  assumes: 'csum-fold-exact, csum-replace-exact',
  given(_, u) {
    return foldStatement(u.fresh, newSum(u), u.freshQuotient) && replaced(u, u.fresh) && newSum(u) > 0;
  },
  holds(_, u) {
    return u.updated !== u.fresh;
  },
  instance(u) {
    return updatedFrom(computed(u), computed(u).fresh);
  },
  expected: 'violated',
});

/** The two zeros of ones' complement overlooked. */
export const equalWordsOnly: Lemma = lemma({
  id: 'word-update-of-updated-sum/equal-words-only',
  claim: 'The update of a word in a sum that holds the new word already is right only when both words are equal.',
  asked: ['twin of word-update-of-updated-sum'],
  over: 'words',
  scope: 'any 16-bit rest above 0, any two words',
  cells: [{ name: 'all', shape: { rest: number(1, 0xffff), from: half, to: half } }],
  assumes: '',
  given: nothingAssumed,
  holds(_, { rest, from, to }) {
    const fresh = csum_fold(rest + to);
    return (csum_replace2(fresh, from, to) === fresh) === (from === to);
  },
  instance: asDrawn,
  expected: 'violated',
});

export const checksumTwins: readonly Lemma[] = [
  foldedOnce,
  addedWithoutCarry,
  replacedByRfc1141,
  udpNotMangled,
  replacedBackwards,
  subtractedAsAdded,
  portInPseudoHeader,
  partialAsComplete,
  ttlLeftOut,
  pseudoLeftOut,
  partialComplemented,
  udpZeroSent,
  zeroSum,
  oneZero,
  neverTwice,
  equalWordsOnly,
];
