/** What the language says, of functions on numbers: control flow, variables, macros. */
import { describe, expect, it } from 'vitest';
import { functionOf } from './texts.ts';

/** A function of one number. */
function f(body: string, before = ''): (x: number) => unknown {
  return functionOf('f', `${before}static int f(int x)\n{\n${body}\n}\n`) as (x: number) => unknown;
}

/** The results for 0, 1, 2 …. */
function results(made: (x: number) => unknown, count: number): unknown[] {
  return Array.from({ length: count }, (_, x) => made(x));
}

describe('goto', () => {
  it('jumps forward, from several places to one', () => {
    const made = f(`
	int y = 1;

	if (x == 1)
		goto out;
	y = 2;
	if (x == 2)
		goto out;
	y = 3;
out:
	return y * 10;`);
    expect(results(made, 4)).toEqual([30, 10, 20, 30]);
  });

  it('jumps into a block, and goes on behind it', () => {
    const made = f(`
	int y = 0;

	if (x == 1)
		goto inside;
	if (x == 2) {
		y += 1;
inside:
		y += 10;
	} else {
		y += 100;
	}
	y += 1000;
	return y;`);
    expect(results(made, 3)).toEqual([1100, 1010, 1011]);
  });

  it('keeps the variables of blocks apart', () => {
    const made = f(`
	int y = 1;

	if (x) {
		int y = 5;

		if (x == 1)
			goto out;
		y++;
		x = y;
	}
	y++;
out:
	return y * 10 + x;`);
    expect(results(made, 3)).toEqual([20, 11, 26]);
  });
});

describe('a loop', () => {
  it('counts up and down, by more than one, and leaves its counter behind the last turn', () => {
    expect(f('int i, y = 0;\nfor (i = 0; i < 4; i++)\ny += x;\nreturn y * 100 + i;')(3)).toBe(1204);
    expect(f('int i, y = 0;\nfor (i = 7; i >= 0; i -= 3)\ny = y * 10 + i;\nreturn y * 10 + i;')(0)).toBe(7408);
    expect(f('u8 i;\nint y = 0;\nfor (i = 250; i; i++)\ny++;\nreturn y;')(0)).toBe(6);
  });

  it('is left by break, and a turn by continue', () => {
    const made = f(`
	int i, y = 0;

	for (i = 0; i < 6; i++) {
		if (i == 1)
			continue;
		if (i == x)
			break;
		if (i == 4) {
			y += 1000;
			continue;
		}
		y += i;
	}
	return y * 10 + i;`);
    expect(results(made, 7)).toEqual([0, 10106, 2, 23, 54, 10055, 10106]);
  });

  it('goes on where a break never happens', () => {
    expect(f('int i, y = 0;\nfor (i = 0; i < 3; i++) {\nif (0)\nbreak;\ny += x;\n}\nreturn y;')(2)).toBe(6);
  });

  it('stands in another, and returns from it', () => {
    const made = f(`
	int i, j;

	for (i = 0; i < 3; i++)
		for (j = 0; j < 3; j++)
			if (i * j == x)
				return i * 10 + j;
	return -1;`);
    expect(results(made, 6)).toEqual([0, 11, 12, -1, 22, -1]);
  });
});

describe('switch', () => {
  it('falls through, ends with break, and has its default anywhere', () => {
    const made = f(`
	int y = 0;

	switch (x) {
	case 0:
		y = 1;
		fallthrough;
	case 1:
		y += 10;
		break;
	default:
		y = 7;
		break;
	case 3:
	case 4: {
		if (x == 4)
			return 99;
		y = 5;
		break;
	}
	}
	return y;`);
    expect(results(made, 6)).toEqual([11, 10, 7, 5, 99, 7]);
  });
});

describe('an expression', () => {
  it('assigns, counts and chooses on the way', () => {
    expect(f('int y;\nif ((y = x * 2) > 4)\nreturn y;\nreturn -y;')(3)).toBe(6);
    expect(f('int y = x++ * 10;\nreturn y + x;')(2)).toBe(23);
    expect(f('int y = --x * 10;\nreturn y + x;')(2)).toBe(11);
    expect(f('int y, z;\ny = z = x + 1;\nreturn y * 10 + z;')(2)).toBe(33);
    expect(f('int y = 5;\ny -= x, y <<= 2;\nreturn y;')(2)).toBe(12);
    expect(f('return x ?: 7;')(0)).toBe(7);
    expect(f('return (x > 1 && ++x > 3) ? x : -x;')(2)).toBe(-3);
    expect(f('return (x > 1 && ++x > 3) ? x : -x;')(1)).toBe(-1);
    expect(f('return (x > 1 || ++x > 1) ? x : -x;')(1)).toBe(2);
  });

  it('keeps what it read before something changed it', () => {
    expect(
      f('int y = x + set(&x);\nreturn y * 10 + x;', 'static int set(int *p)\n{\n\t*p = 3;\n\treturn 1;\n}\n')(2),
    ).toBe(33);
  });
});

describe('a function', () => {
  it('writes through a pointer', () => {
    const add = 'static void add(int *to, int by)\n{\n\t*to += by;\n}\n';
    expect(f('int y = 1;\nadd(&y, x);\nadd(&y, y);\nreturn y;', add)(2)).toBe(6);
  });

  it('leaves what a pointer leads to as it was where it does not write', () => {
    const set = 'static void set(int *to, int by)\n{\n\tif (by > 5)\n\t\t*to = by;\n}\n';
    expect(f('int y = 7;\nset(&y, x);\nreturn y;', set)(2)).toBe(7);
    expect(f('int y = 7;\nset(&y, x);\nreturn y;', set)(9)).toBe(9);
  });

  it('has variables that hold what the stack held', () => {
    const net = { picks: { stack: 0xffff8005 } };
    const text = 'static s16 f(struct net *net, bool set)\n{\n\ts16 y;\n\n\tif (set)\n\t\ty = 1;\n\treturn y;\n}\n';
    const made = functionOf('f', text);
    expect([made(net, true), made(net, false)]).toEqual([1, -32763]);
  });
});

describe('the preprocessor', () => {
  it('replaces text by text', () => {
    expect(f('return TWICE(x + 1);', '#define TWICE(a) a * 2\n')(3)).toBe(5);
    expect(
      f('return MOST(x, \\\n 4);', '#define LEAST 3\n#define MOST(a, b) \\\n\t((a) > (b) ? (a) : (b) + LEAST)\n')(1),
    ).toBe(7);
    expect(f('SET(y, x + 1);\nreturn y;', '#define SET(to, value) int to; do { to = (value); } while (0)\n')(1)).toBe(
      2,
    );
  });

  it('knows the configuration of the test kernel, its version, and what the text defines', () => {
    const text = `
#ifdef CONFIG_XFRM
#define A 1
#else
#define A 2
#endif
#if defined(A) && !IS_ENABLED(CONFIG_SMP) && LINUX_VERSION_CODE >= KERNEL_VERSION(6, 1, 0)
#define B (A * 10)
#elif 1
#define B 3
#endif
#undef A
#ifndef A
`;
    expect(
      f('return B;\n#endif\n', text.replace('#ifndef A\n', '').concat('#ifndef A\n').replace('(A * 10)', '10'))(1),
    ).toBe(10);
  });

  it('counts enumerators', () => {
    expect(f('return TWO * 10 + EIGHT;', 'enum { ONE = 1, TWO, SEVEN = BIT(3) - 1, EIGHT };\n')(0)).toBe(28);
  });
});

describe('a number of the network', () => {
  it('is turned around where nobody says ntohs()', () => {
    const made = functionOf('f', 'static u16 f(__be16 port)\n{\n\treturn port;\n}\n');
    const right = functionOf('f', 'static u16 f(__be16 port)\n{\n\treturn ntohs(port);\n}\n');
    expect([made(80), right(80)]).toEqual([0x5000, 80]);
  });
});
