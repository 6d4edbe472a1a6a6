/** Integers as C has them: random expressions, calculated by compiled texts and by gcc. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { instantiate } from '../../compiler/load.ts';
import { Refused } from '../../compiler/messages.ts';
import { compileText } from '../../compiler/unit.ts';
import * as bindings from '../../model/patch/bindings.ts';
import { chance, oneOf, type WordSource, wordsOfSeed } from '../../scenario/random.ts';

const EXPRESSIONS = 400;
const INPUTS = 12;

/** The parameters of every function, by type. */
const PARAMETERS = [
  ['u8', 'a', 8, false],
  ['s8', 'b', 8, true],
  ['u16', 'c', 16, false],
  ['s16', 'd', 16, true],
  ['u32', 'e', 32, false],
  ['s32', 'f', 32, true],
  ['bool', 'g', 1, false],
  ['__be16', 'h', 16, false],
  ['__be32', 'i', 32, false],
] as const;

const TYPES = ['u8', 's8', 'u16', 's16', 'u32', 's32', 'bool', '__be16', '__be32'];

/** What C on this machine has to say first. */
const PRELUDE = `
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>
#include <arpa/inet.h>
typedef uint8_t u8; typedef int8_t s8; typedef uint16_t u16; typedef int16_t s16; typedef uint32_t u32; typedef int32_t s32;
typedef uint16_t __be16; typedef uint32_t __be32;
`;

const NUMBERS = [
  '0',
  '1',
  '2',
  '7',
  '255',
  '256',
  '32767',
  '65535',
  '0x7fffffff',
  '0x80000000',
  '0xffffffff',
  '10u',
  "'x'",
];

/** A random expression without undefined behaviour. */
function draw(words: WordSource, depth: number): string {
  if (depth === 0 || chance(words, 1, 6)) {
    return chance(words, 2, 3) ? oneOf(words, PARAMETERS)[1] : oneOf(words, NUMBERS);
  }
  const next = () => draw(words, depth - 1);
  const choices: (() => string)[] = [
    () => `${oneOf(words, ['-', '~', '!', '+'])}${operand(next())}`,
    () => `(${oneOf(words, TYPES)})${operand(next())}`,
    () => `${operand(next())} ${oneOf(words, ['+', '-', '*', '&', '|', '^'])} ${operand(next())}`,
    () => `${operand(next())} ${oneOf(words, ['<', '<=', '>', '>=', '==', '!='])} ${operand(next())}`,
    () => `${operand(next())} ${oneOf(words, ['&&', '||'])} ${operand(next())}`,
    () => `${operand(next())} ${oneOf(words, ['<<', '>>'])} ${oneOf(words, ['0', '1', '3', '8', '16', '31'])}`,
    () => `${operand(next())} % ${oneOf(words, ['1', '2', '7', '100', '4096u'])}`,
    () => `(u32)${operand(next())} / ${oneOf(words, ['1', '2', '64', '4096'])}`,
    () => `${operand(next())} ? ${operand(next())} : ${operand(next())}`,
    () => `${oneOf(words, ['htons', 'ntohs'])}(${next()})`,
    () => `${oneOf(words, ['htonl', 'ntohl'])}(${next()})`,
    // Without parentheses: what binds how.
    () =>
      `${draw(words, 0)} ${oneOf(words, ['+', '-', '&', '|', '^', '<', '==', '<<'])} ${draw(words, 0)} ${oneOf(words, ['*', '+', '&', '==', '||'])} ${oneOf(words, ['1', '3', '5'])}`,
  ];
  return oneOf(words, choices)();
}

function operand(text: string): string {
  return /^[\w']+$/.test(text) ? text : `(${text})`;
}

interface Case {
  readonly returns: string;
  readonly text: string;
}

const list = PARAMETERS.map(([type, name]) => `${type} ${name}`).join(', ');

function definition({ returns, text }: Case, index: number): string {
  return `static ${returns} f${index}(${list})\n{\n\treturn ${text};\n}\n`;
}

/** Numbers that a type can hold, its ends among them. */
function drawNumber(words: WordSource, bits: number, isSigned: boolean): number {
  const size = 2 ** bits;
  const number = chance(words, 1, 3) ? oneOf(words, [0, 1, size - 1, size / 2, size / 2 - 1]) : words.next() % size;
  return isSigned && number >= size / 2 ? number - size : number;
}

function swapped(number: number, type: string): number {
  if (type === '__be16') return bindings.swab16(number);
  return type === '__be32' ? bindings.swab32(number) : number;
}

function hasGcc(): boolean {
  try {
    execFileSync('gcc', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** What gcc's program prints: for each case and each input one number. */
function askGcc(cases: readonly Case[], inputs: readonly (readonly number[])[]): readonly string[] {
  const folder = mkdtempSync(join(tmpdir(), 'integers-'));
  try {
    const calls = cases.flatMap((_, index) =>
      inputs.map((input) => `printf("%lld\\n", (long long)f${index}(${input.map(literal).join(', ')}));`),
    );
    const text = `${PRELUDE}${cases.map(definition).join('')}int main(void)\n{\n${calls.join('\n')}\nreturn 0;\n}\n`;
    writeFileSync(join(folder, 'a.c'), text);
    execFileSync('gcc', ['-w', '-O0', '-fwrapv', '-o', join(folder, 'a'), join(folder, 'a.c')]);
    return execFileSync(join(folder, 'a'), { encoding: 'utf8', maxBuffer: 2 ** 26 })
      .trim()
      .split('\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function literal(number: number): string {
  return number < 0 ? `(${number}ll)` : `${number}ull`;
}

/** What the compiled text says. */
function ask(cases: readonly Case[], inputs: readonly (readonly number[])[]): readonly string[] {
  const also = cases.map((_, index) => `f${index}`);
  const compiled = compileText({ file: 'a.c', text: cases.map(definition).join('') }, { also, hasHook: false });
  const functions = instantiate(compiled, bindings);
  return cases.flatMap(({ returns }, index) =>
    inputs.map((input) => {
      const given = input.map((number, at) => {
        const [type] = PARAMETERS[at] as (typeof PARAMETERS)[number];
        return type === 'bool' ? number !== 0 : swapped(number, type);
      });
      const result = functions[`f${index}`]?.(...given);
      expect(typeof result, `f${index}`).toBe(returns === 'bool' ? 'boolean' : 'number');
      return Object.is(result, -0) ? '-0' : String(swapped(Number(result), returns));
    }),
  );
}

/** Whether the compiler takes it; what it refuses is 64 bits wide. */
function isTaken(one: Case): boolean {
  try {
    compileText({ file: 'a.c', text: definition(one, 0) }, { also: ['f0'], hasHook: false });
    return true;
  } catch (error) {
    if (error instanceof Refused) return false;
    throw error;
  }
}

describe('integers', () => {
  it.skipIf(!hasGcc())('are what gcc makes of them (skipped where gcc is missing)', { timeout: 120_000 }, () => {
    const words = wordsOfSeed(6);
    const drawn = Array.from({ length: EXPRESSIONS }, () => ({ returns: oneOf(words, TYPES), text: draw(words, 3) }));
    const cases = drawn.filter(isTaken);
    expect(cases.length).toBeGreaterThan(EXPRESSIONS * 0.9);
    const inputs = Array.from({ length: INPUTS }, () =>
      PARAMETERS.map(([, , bits, isSigned]) => drawNumber(words, bits, isSigned)),
    );
    const [theirs, ours] = [askGcc(cases, inputs), ask(cases, inputs)];
    const wrong = theirs.flatMap((number, at) => {
      const one = cases[Math.floor(at / INPUTS)] as Case;
      const input = inputs[at % INPUTS] as readonly number[];
      return number === ours[at]
        ? []
        : [`(${one.returns}) ${one.text} on ${input.join(' ')}: ${ours[at]}, gcc ${number}`];
    });
    expect(wrong.slice(0, 10)).toEqual([]);
    expect(theirs.length).toBe(cases.length * INPUTS);
  });
});
