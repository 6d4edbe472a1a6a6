import { expect, test } from 'vitest';
import { isWatched } from '../../tools/watch/statements.ts';
import { watch } from '../../tools/watch/watch.ts';

const OPTIONS = { path: 'model/kernel/a.ts', listener: './listener.ts', isTwin: isWatched };

/** The twin's text without the line that imports the listener. */
function twin(source: string): string {
  return watch(source, OPTIONS).code.split('\n').slice(1).join('\n');
}

/** How a twin writes a place. */
function place(line: number, path = OPTIONS.path): string {
  return JSON.stringify({ path, line });
}

test('a function tells of its parameters, its assignments and what it returns', () => {
  expect(twin('function f(net: World): World {\n  const x = g(net);\n  return x;\n}')).toBe(
    `function f(net: World): World { const $frame = $enter('f', ${place(2)}, [net]);
  $line($frame, ${place(2)}); const x = g(net); $at(${place(2)}, [x]);
  $line($frame, ${place(3)}); return $leave($frame, ${place(3)}, (x));
}`,
  );
});

test('a statement that is a branch gets a block', () => {
  expect(
    twin('function f(a: World): World {\n  if (a) a = g(a);\n  else ({ skb: b, net: a } = h(a));\n  return a;\n}'),
  ).toContain(
    `if (a) { $line($frame, ${place(2)}); a = g(a); $at(${place(2)}, [a]); }
  else { $line($frame, ${place(3)}); ({ skb: b, net: a } = h(a)); $at(${place(3)}, [b, a]); }`,
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
  const text = `export function f(net) {
  // model/patch/a.c:7
  return f_out(net);
}

function f_out(net) {
  // model/patch/a.h:9
  net = g(net);
  return net;
}`;
  expect(twin(text)).toContain(`$enter('f', ${place(7, 'model/patch/a.c')}, [net]);`);
  expect(twin(text)).toContain(`$enter('f', ${place(9, 'model/patch/a.h')}, [net]);`);
  expect(twin(text)).toContain(`net = g(net); $at(${place(9, 'model/patch/a.h')}, [net]);`);
});
