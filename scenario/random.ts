/** Raw words: what every generated scenario is decoded from. A word list that fails shrinks, and shrinks to zeros. */

/** A source of unsigned 32-bit words. */
export interface WordSource {
  next(): number;
}

/** Endless words of a seed. G. Marsaglia, Xorshift RNGs, 2003. */
export function wordsOfSeed(seed: number): WordSource {
  let state = (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ 0x6d2b79f5) >>> 0 || 1;
  return {
    next() {
      state ^= state << 13;
      state >>>= 0;
      state ^= state >>> 17;
      state ^= state << 5;
      state >>>= 0;
      return state;
    },
  };
}

/** The words of a list, then zeros. */
export function wordsOfList(list: readonly number[]): WordSource {
  let i = 0;
  return { next: () => list[i++] ?? 0 };
}

/** A source that keeps what it gave, so that a failing run can be told again as a list. */
export function recorded(words: WordSource): WordSource & { readonly list: number[] } {
  const list: number[] = [];
  return {
    list,
    next() {
      const word = words.next();
      list.push(word);
      return word;
    },
  };
}

/** A number from 0 to n - 1; the zero word gives 0. */
export function below(words: WordSource, n: number): number {
  return words.next() % n;
}

/** One of the values; the zero word gives the first. */
export function oneOf<T>(words: WordSource, values: readonly T[]): T {
  return values[below(words, values.length)] as T;
}

/** The first of the values in half of all cases, else any; the zero word gives the first. */
export function mostly<T>(words: WordSource, values: readonly T[]): T {
  return chance(words, 1, 2) ? oneOf(words, values) : (values[0] as T);
}

/** True in `part` of `whole` cases; the zero word gives false. */
export function chance(words: WordSource, part: number, whole: number): boolean {
  return below(words, whole) >= whole - part;
}
