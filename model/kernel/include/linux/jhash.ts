/** Bob Jenkins' hash as the kernel uses it for four-tuples. C: include/linux/jhash.h. Words are unsigned 32-bit numbers. */

export const JHASH_INITVAL = 0xdeadbeef;

/** C: include/linux/bitops.h, rol32(). */
export function rol32(word: number, shift: number): number {
  return ((word << shift) | (word >>> (32 - shift))) >>> 0;
}

/**
 * Hash of three words.
 *
 * C: include/linux/jhash.h, jhash_3words() through __jhash_nwords() and __jhash_final().
 */
export function jhash_3words(first: number, second: number, third: number, initval: number): number {
  const seed = (initval + JHASH_INITVAL + 12) >>> 0;
  let a = (first + seed) >>> 0;
  let b = (second + seed) >>> 0;
  let c = (third + seed) >>> 0;
  c = ((c ^ b) - rol32(b, 14)) >>> 0;
  a = ((a ^ c) - rol32(c, 11)) >>> 0;
  b = ((b ^ a) - rol32(a, 25)) >>> 0;
  c = ((c ^ b) - rol32(b, 16)) >>> 0;
  a = ((a ^ c) - rol32(c, 4)) >>> 0;
  b = ((b ^ a) - rol32(a, 14)) >>> 0;
  c = ((c ^ b) - rol32(b, 24)) >>> 0;
  return c;
}
