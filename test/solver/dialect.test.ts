import { parseSync } from 'oxc-parser';
import { describe, expect, test } from 'vitest';
import { DialectError, dialectErrors, lift } from '../../solver/lift.ts';

/** A function with these statements, from line 2 on; `xs`, `o` and `f` are its parameters, `x` is a variable. */
const inFunction = (statements: string) => `export function g(xs: any, o: any, f: any) {\nlet x = 1;\n${statements}\n}`;

describe('refused in a function', () => {
  test.each([
    ['return xs.map((y) => y);', '3:11: method call .map()'],
    ['return xs.some(f);', '3:11: method call .some()'],
    ['return xs.includes(1);', '3:11: method call .includes()'],
    ['return f((y: number) => y);', '3:10: arrow function inside a function'],
    ['const h = (y: number) => y;', '3:11: arrow function inside a function'],
    ['function h() {}', '3:1: function inside a function'],
    ['return { h() { return { k() { return 1; } }; } };', '3:26: function inside a function that is inside a function'],
    ['return { h: () => ({ k: () => 1 }) };', '3:25: function inside a function that is inside a function'],
    ['return { h() { x = 2; return x; } };', '3:16: assignment to x, which belongs to the function outside'],
    [
      'return { h: (f = 1) => f, k() { ({ o } = f); return o; } };',
      '3:36: assignment to o, which belongs to the function outside',
    ],
    ['return [() => 1];', '3:9: arrow function inside a function'],
    ['return new Map();', '3:8: `new`'],
    ['return Map;', '3:8: global Map'],
    ['class C {}', '3:1: `class`'],
    ['throw x;', '3:1: `throw`'],
    ['try { x = 2; } catch {}', '3:1: `try`'],
    ['return null;', '3:8: `null`'],
    ['return undefined;', '3:8: `undefined`'],
    ['return x == 1;', '3:8: operator =='],
    ['return x != 1;', '3:8: operator !='],
    ['return x ** 2;', '3:8: operator **'],
    ['return x / 2;', '3:8: operator /'],
    ['return x in o;', '3:8: operator in'],
    ['return o instanceof f;', '3:8: operator instanceof'],
    ['return typeof x;', '3:8: operator typeof'],
    ['return void x;', '3:8: operator void'],
    ['return +x;', '3:8: operator +'],
    ['delete o.a;', '3:1: statement without an effect'],
    ['while (x) x = 0;', '3:1: `while`'],
    ['do x = 0; while (x);', '3:1: `while`'],
    ...[
      'for (;;) x = 2;',
      'for (const i = 0; i < 3; i += 1) x = i;',
      'for (let i = 0, j = 1; i < 3; i += 1) x = i;',
      'for (let i = 0; i <= 3; i += 1) x = i;',
      'for (let i = 0; x < 3; i += 1) x = i;',
      'for (let i = 0; i < 3; x += 1) f(i);',
      'for (let i = 0; i < 3; i++) x = i;',
      'for (let i = 0; i < 3; i += x) f(i);',
      'for (let i = 0; i < 3; i += 0) x = i;',
      'for (let i = 3; i < 3; i -= 1) x = i;',
    ].map((loop) => [loop, '3:1: `for` that is not `for (let i = …; i < …; i += 1)`']),
    ['for (let i = 0; i < 3; i += 1) i = 2;', '3:32: assignment to i, which counts a loop'],
    ['for (let i = 0; i < 3; i += 1) x += i; return i;', '3:47: global i'],
    ['for (const k in o) x = 2;', '3:1: `for…in`'],
    ['for (x of xs) x = 2;', '3:6: loop over an existing variable'],
    ['for (const y of xs) break;', '3:21: `break`'],
    ['for (const y of xs) continue;', '3:21: `continue`'],
    ['o.a = 1;', '3:1: assignment to a member'],
    ['xs[0] = 1;', '3:1: assignment to a member'],
    ['o.a += 1;', '3:1: assignment to a member'],
    ['({ a: o.b } = o);', '3:7: assignment to a member'],
    ['x /= 2;', '3:1: operator /='],
    ['x **= 2;', '3:1: operator **='],
    ['x ||= 2;', '3:1: operator ||='],
    ['x ??= 2;', '3:1: operator ??='],
    ['x++;', '3:1: operator ++'],
    ['return x++;', '3:8: operator ++'],
    ['return f((x = 2));', '3:11: assignment inside an expression'],
    ['const y = 1; y = 2;', '3:14: assignment to y, which is not a local variable'],
    ['g = 1;', '3:1: assignment to g, which is not a local variable'],
    ['z = 1;', '3:1: assignment to the global z'],
    ['return /a/;', '3:8: regular expression'],
    ['return 1n;', '3:8: bigint'],
    ['return 0.5;', '3:8: number that is not a safe integer'],
    ['return o?.a;', '3:8: optional chaining'],
    ['return o?.();', '3:8: optional chaining'],
    ['return o ?? 1;', '3:8: operator ??'],
    ['return this.a;', '3:8: `this`'],
    ['return arguments;', '3:8: global arguments'],
    ['return o[x](1);', '3:8: call of MemberExpression'],
    ['return f(1)(2);', '3:8: call of CallExpression'],
    ['return f`a`;', '3:8: tagged template'],
    ['return Math.floor(x);', '3:8: Math.floor'],
    ['return Math.PI;', '3:8: Math.PI outside a call'],
    ['return Object.keys(o);', '3:15: method call .keys()'],
    ['return JSON.stringify(o);', '3:8: global JSON'],
    ['return parseInt(o);', '3:8: global parseInt'],
    ['return import("./a.ts");', '3:8: dynamic import'],
    ['return (x, 2);', '3:9: SequenceExpression'],
    ['return <any>x;', '3:8: type assertion in angle brackets'],
    ['return { [x]() { x = 2; return x; } };', '3:18: assignment to x, which belongs to the function outside'],
    ['return { get a() { return 1; } };', '3:10: getter or setter'],
    ['return { __proto__: o };', '3:10: property __proto__'],
    ['const { [x]: y } = o;', '3:10: computed property name'],
    ['return [1, , 2];', '3:8: array with a hole'],
    ['switch (x) { case 1: return 2; }', '3:19: `case` that is not a string'],
    ['switch (o.a) { case "a": break; }', '3:26: `break`'],
    ['var y = 1;', '3:1: `var`'],
    ['x;', '3:1: statement without an effect'],
    ['debugger;', '3:1: DebuggerStatement'],
    ['a: x = 2;', '3:1: LabeledStatement'],
    ['const $joined = 1;', '3:7: name that begins with $'],
  ])('%s', (statements, error) => {
    expect(dialectErrors('m.ts', inFunction(statements))).toContain(`m.ts:${error}`);
  });
});

describe('refused at the top level', () => {
  test.each([
    ["import fs from 'node:fs';", '1:8: default import'],
    ["import { a } from 'zod';", '1:19: import of the package zod'],
    ["import { a } from './a.js';", '1:19: import of ./a.js, which is no .ts and no .c file'],
    ["import './a.ts';", '1:1: import for its effects'],
    ['export default 1;', '1:1: default export'],
    ['const a = 1; export { a as default };', '1:14: default export'],
    ['let a = 1;', '1:1: `let` at the top level'],
    ['if (1) {}', '1:1: IfStatement at the top level'],
    ['enum E { A }', '1:1: `enum`'],
    ['class C {}', '1:1: `class`'],
    ['export async function f() {}', '1:8: `async`'],
    ['export function* f() {}', '1:8: generator'],
    ['export const f = async () => 1;', '1:18: `async`'],
    ['const a = f(() => 1); function f(g: any) { return g; }', '1:13: callback'],
    ['const a = [1].map((x) => x);', '1:15: method call .map()'],
    ['export declare const a: number;', '1:8: `declare`'],
    ['export function f(a: number): number;', '1:8: function without a body'],
    [
      'export function bug(a: number, b: number): never { throw a; }',
      '1:8: bug() with other parameters than one reason',
    ],
    ['export function other(why: string): never { throw new Error(why); }', '1:45: `throw`'],
  ])('%s', (source, error) => {
    expect(dialectErrors('m.ts', source)).toContain(`m.ts:${error}`);
  });

  test('text that does not parse', () => {
    expect(dialectErrors('m.ts', 'export const = 1;')[0]).toMatch(/^m\.ts:1:\d+: /);
  });

  test('lift() throws with all the errors', () => {
    expect(() => lift('m.ts', inFunction('x++; return null;'), { runtime: 'R' })).toThrow(DialectError);
    expect(() => lift('m.ts', inFunction('x++; return null;'), { runtime: 'R' })).toThrow(/3:1: .*\n.*3:13: `null`/);
  });
});

test('imports from outside the dialect serve the top level only', () => {
  const isNative = (specifier: string) => specifier.endsWith('scope.ts');
  const head = "import { port } from './scope.ts';\n";
  expect(dialectErrors('m.ts', `${head}export const s = { port: port(1) };`, isNative)).toEqual([]);
  expect(dialectErrors('m.ts', `${head}export const f = () => port(1);`, isNative)).toEqual([
    'm.ts:2:24: port, imported from outside the dialect, inside a function',
  ]);
});

describe('accepted', () => {
  test.each([
    ['enum-like tables', 'export const NF_DROP = 0;\nexport const ALL = [NF_DROP, -1, 1 << 3] as const;'],
    [
      'types of every sort',
      'interface A { a?: number }\ntype B = A | 1;\nexport type { B };\nimport type { C } from "./c.ts";',
    ],
    [
      'records of functions',
      'const f = (a: number): number => a;\nexport const k = { ...{ a: 1 }, f, g: (k: any) => k.f(k, 1) };',
    ],
    [
      'properties',
      'import { always } from "./p.ts";\nexport const p = always({ id: "a", holds(kernel, { a, b: [c] }) { return a === c; } });',
    ],
    [
      'functions below their use',
      'export function a(): number { return b() + C; }\nfunction b() { return 1; }\nconst C = 1;',
    ],
    [
      'functions that make records of functions',
      'export const p = made({ a: 1, f: (x: number) => x });\nfunction made({ a, f, ...rest }: any) { return { ...rest, g(x: number) { if (x) return f(a); return x; }, h: () => a }; }',
    ],
    ['re-exports', 'export { a, type T } from "./a.ts";\nexport * from "./b.ts";'],
    ['bug()', 'export function bug(why: string): never {\n  throw new Error(why);\n}'],
    ['assignment by destructuring', inFunction('let { err } = o; ({ err, x } = f(o)); [x] = xs; return { err, x };')],
    ['counted loops', inFunction('for (let i = x; i < xs.length; i += 2) if (xs[i] > i) return i; return x;')],
    ['computed names of fields', inFunction('return { ...o, [xs[0]]: x, ["b"]: 1 };')],
    ['computed members', inFunction('return xs[x]!.a + o["b"];')],
    ['Math', inFunction('return Math.min(x, 2) + Math.max(...xs) + Math.imul(x, 3) + xs.length;')],
  ])('%s', (_, source) => {
    expect(dialectErrors('m.ts', source)).toEqual([]);
  });
});

test('no types are left', () => {
  const source =
    'export function f<T>(a: T, b: number = 2, { c }: { c: T } = { c: a }): T { const d: T = a!; return d; }';
  const { code } = lift('m.ts', source, { runtime: 'R' });
  expect(parseSync('m.js', code, { lang: 'js' }).errors).toEqual([]);
});

test('positions survive: the source map leads back to line and column', () => {
  const { map } = lift('m.ts', inFunction('return x + 2;'), { runtime: 'R' });
  expect(JSON.parse(map)).toMatchObject({ sources: ['m.ts'], version: 3 });
});
