import { expect, test } from 'vitest';
import { isWatched, watch } from '../../tools/watch/watch.ts';

const OPTIONS = { path: 'model/kernel/a.ts', listener: './listener.ts', isTwin: isWatched };

/** The twin's text without the line that imports the listener. */
function twin(source: string): string {
  return watch(source, OPTIONS).code.split('\n').slice(1).join('\n');
}

test('a function tells of its parameters, its assignments and what it returns', () => {
  expect(twin('function f(net: World): World {\n  const x = g(net);\n  return x;\n}')).toBe(
    'function f(net: World): World { const $frame = $enter(\'f\', {"path":"model/kernel/a.ts","line":2}, [net]);\n' +
      '  const x = g(net); $at({"path":"model/kernel/a.ts","line":2}, [x]);\n' +
      '  return $leave($frame, {"path":"model/kernel/a.ts","line":3}, (x));\n}',
  );
});

test('a statement that is a branch gets a block', () => {
  expect(
    twin('function f(a: World): World {\n  if (a) a = g(a);\n  else ({ skb: b, net: a } = h(a));\n  return a;\n}'),
  ).toContain(
    'if (a) { a = g(a); $at({"path":"model/kernel/a.ts","line":2}, [a]); }\n  else { ({ skb: b, net: a } = h(a)); $at({"path":"model/kernel/a.ts","line":3}, [b, a]); }',
  );
});

test('a twin imports twins of the model, and data as it is', () => {
  expect(isWatched('/x/model/kernel/net/ipv4/route.ts')).toBe(true);
  expect(isWatched('/x/model/types/lookup.ts')).toBe(false);
  expect(twin("import { a } from '/x/model/patch/a.ts';\nimport { b } from '/x/model/types/b.ts';")).toBe(
    'import { a } from "/x/model/patch/a.ts?watched";\nimport { b } from \'/x/model/types/b.ts\';',
  );
});

test('a statement of compiled C has the line of C, and a part of a function its name', () => {
  const text =
    'export function f(net) {\n  // model/patch/a.c:7\n  return f_out(net);\n}\n\nfunction f_out(net) {\n  // model/patch/a.h:9\n  net = g(net);\n}';
  expect(twin(text)).toContain('$enter(\'f\', {"path":"model/patch/a.c","line":7}, [net]);');
  expect(twin(text)).toContain('$enter(\'f\', {"path":"model/patch/a.h","line":9}, [net]);');
  expect(twin(text)).toContain('net = g(net); $at({"path":"model/patch/a.h","line":9}, [net]);');
});
