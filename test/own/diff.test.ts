/** Diffs: what they make of a text, and what is refused in them. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { applied, before, isDiff, linesOf, readDiff } from '../../own/diff.ts';
import { KERNEL_FILE } from '../../own/kernelTree.ts';
import { readOwnPatch } from '../../own/patch.ts';

const folder = mkdtempSync(join(tmpdir(), 'reroute-check-diff-'));
const PUBLISHED = 'model/patch';

function file(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

/** A hook that does what stock does, in a file like the kernel's. */
const LINUX = `#include <linux/module.h>
#define MANGLE_VALID_HOOKS (1 << NF_INET_LOCAL_OUT)
static const struct xt_table packet_mangler = {
	.valid_hooks	= MANGLE_VALID_HOOKS,
};

static unsigned int
ipt_mangle_out(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	u32 mark = skb->mark;
	unsigned int ret;
	int err;

	ret = ipt_do_table(priv, skb, state);
	if (ret != NF_DROP && ret != NF_STOLEN) {
		if (skb->mark != mark) {
			err = ip_route_me_harder(state->net, state->sk, skb, RTN_UNSPEC);
			if (err < 0)
				ret = NF_DROP_ERR(err);
		}
	}

	return ret;
}

static unsigned int
iptable_mangle_hook(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	if (state->hook == NF_INET_LOCAL_OUT)
		return ipt_mangle_out(priv, skb, state);
	return ipt_do_table(priv, skb, state);
}
module_init(iptable_mangle_init);
`;

/** A diff of one hunk with all lines of both texts as they are, for the tests: no context is left out. */
function wholeDiff(path: string, old: string, now: string): string {
  const [from, to] = [old.trimEnd().split('\n'), now.trimEnd().split('\n')];
  let same = 0;
  while (same < from.length && from[same] === to[same]) same++;
  let end = 0;
  while (end < from.length - same && end < to.length - same && from.at(-1 - end) === to.at(-1 - end)) end++;
  const [a, b] = [Math.max(0, same - 3), Math.max(0, end - 3)];
  const lines = [
    ...from.slice(a, same).map((line) => ` ${line}`),
    ...from.slice(same, from.length - end).map((line) => `-${line}`),
    ...to.slice(same, to.length - end).map((line) => `+${line}`),
    ...from.slice(from.length - end, from.length - b).map((line) => ` ${line}`),
  ];
  const head = `@@ -${a + 1},${from.length - b - a} +${a + 1},${to.length - b - a} @@`;
  return `--- a/${path}\n+++ b/${path}\n${[head, ...lines].join('\n')}\n`;
}

function refusal(text: string): string {
  try {
    readOwnPatch(file('my.diff', text), PUBLISHED);
  } catch (error) {
    return (error as Error).message.replaceAll(`${folder}/`, '');
  }
  return '';
}

afterEach(() => vi.unstubAllEnvs());

function withTree(text = LINUX): void {
  file(`linux/${KERNEL_FILE}`, text);
  file('linux/Kbuild', '');
  vi.stubEnv('REROUTE_KERNEL_SOURCE', join(folder, 'linux'));
}

describe('a diff', () => {
  const OLD = 'a\nb\nc\nd\ne\nf\ng\nh';
  const DIFF = '--- a/x.c\n+++ b/x.c\n@@ -2,3 +2,4 @@\n b\n-c\n+C\n+CC\n d\n@@ -7,2 +8,1 @@ a\n-g\n h\n-- \n2.39.2\n';
  const textOf = (lines: readonly { readonly text: string }[]) => lines.map(({ text }) => text).join('\n');

  it('is told from C', () => {
    expect([isDiff(DIFF), isDiff(LINUX)]).toEqual([true, false]);
  });

  it('is applied where it says, or nearby, and knows who wrote each line', () => {
    const [one] = readDiff('my.diff', DIFF) as [ReturnType<typeof readDiff>[0]];
    const lines = applied('my.diff', one, linesOf('x.c', OLD));
    expect(textOf(lines)).toBe('a\nb\nC\nCC\nd\ne\nf\nh');
    expect([lines[2], lines[5]]).toEqual([
      { text: 'C', file: 'my.diff', line: 6 },
      { text: 'e', file: 'x.c', line: 5 },
    ]);
    expect(textOf(applied('my.diff', one, linesOf('x.c', `1\n2\n${OLD}`)))).toBe('1\n2\na\nb\nC\nCC\nd\ne\nf\nh');
  });

  it('is taken back where it is applied already', () => {
    const [one] = readDiff('my.diff', DIFF) as [ReturnType<typeof readDiff>[0]];
    expect(textOf(before('my.diff', one, linesOf('x.c', 'a\nb\nC\nCC\nd\ne\nf\nh')))).toBe(OLD);
  });

  it('with the line ends of a mail is the same', () => {
    expect(readDiff('my.diff', DIFF.replaceAll('\n', '\r\n'))).toEqual(readDiff('my.diff', DIFF));
  });
});

describe('a diff of Linux', () => {
  const CHANGED = LINUX.replace('if (skb->mark != mark) {', 'if (skb->mark != mark && skb->sk) {');

  it('is the text that it makes of a tree', () => {
    withTree();
    const { files, name } = readOwnPatch(file('my.diff', wholeDiff(KERNEL_FILE, LINUX, CHANGED)), PUBLISHED);
    expect(name).toBe('my.diff');
    expect(files.map((one) => one.name)).toEqual(['iptable_mangle.c']);
    expect(files[0]?.text).toContain('if (skb->mark != mark && skb->sk) {');
    expect(files[0]?.text).not.toContain('iptable_mangle_hook');
  });

  it('needs no tree where it shows the whole function', () => {
    vi.stubEnv('REROUTE_KERNEL_SOURCE', join(folder, 'nowhere'));
    const [head = '', ...rest] = CHANGED.trimEnd().split('\n');
    const whole = [head, ...rest].map((line) =>
      line === '\t\tif (skb->mark != mark && skb->sk) {' ? `-\t\tif (skb->mark != mark) {\n+${line}` : ` ${line}`,
    );
    const text = `--- a/${KERNEL_FILE}\n+++ b/${KERNEL_FILE}\n@@ -1,${whole.length} +1,${whole.length} @@\n${whole.join('\n')}\n`;
    expect(readOwnPatch(file('whole.diff', text), PUBLISHED).exports).toContain('ipt_mangle_out');
    expect(refusal(wholeDiff(KERNEL_FILE, LINUX, CHANGED))).toMatch(
      /^my\.diff:\d+: the diff shows a part of ipt_mangle_out\(\), and no Linux 6\.1 is at hand; make it with 'git diff -W'/,
    );
  });

  it.each([
    [LINUX.replace('if (state->hook', 'if (skb->sk && state->hook'), 'my.diff:7: iptable_mangle_hook changes'],
    [LINUX.replace('1 << NF_INET_LOCAL_OUT', '1 << NF_INET_FORWARD'), 'my.diff:6: #define MANGLE_VALID_HOOKS changes'],
    [LINUX.replace('skb->mark != mark', 'skb->mork != mark'), 'my.diff:8: struct sk_buff has no mork in the model'],
  ])('is refused at its line where it leaves what is modelled', (now, message) => {
    withTree();
    expect(refusal(wholeDiff(KERNEL_FILE, LINUX, now))).toContain(message);
  });

  it('is refused where it does not apply', () => {
    withTree(LINUX.replace('int err;', 'int err = 0;'));
    expect(refusal(wholeDiff(KERNEL_FILE, LINUX, LINUX.replace('int err;\n', 'int err;\n\tint more;\n')))).toBe(
      `my.diff:6: the hunk does not apply: here stands 'int err;', and ${KERNEL_FILE}:12 has 'int err = 0;'`,
    );
  });
});

describe('a diff of a published text', () => {
  it('may add a text, with what is published in it', () => {
    const text =
      '--- /dev/null\n+++ b/model/patch/mine.c\n@@ -0,0 +1,2 @@\n+#define REROUTE_MOVES_SYN\t0\n+#include "mended.h"\n';
    expect(readOwnPatch(file('adds.diff', text), PUBLISHED).files.map(({ name }) => name)).toEqual(['mine.c']);
  });

  it('of a header is that of the only text that includes it', () => {
    const header =
      '--- a/model/patch/syn-filters.h\n+++ b/model/patch/syn-filters.h\n@@ -24,3 +24,4 @@\n /* Whether that SYN is moved. */\n static bool reroute_syn_filter(struct net *net, const struct sock *sk,\n+\t\t\t       /* here */\n \t\t\t       const struct sk_buff *skb)\n';
    expect(readOwnPatch(file('header.diff', header), PUBLISHED).files.map(({ name }) => name)).toEqual([
      'tcp-rehash.c',
      'syn-filters.h',
    ]);
  });

  it.each([
    [
      '--- a/net/ipv4/route.c\n+++ b/net/ipv4/route.c\n@@ -1 +1 @@\n-a\n+b\n',
      'my.diff:1: net/ipv4/route.c is not modelled as a text; a diff may change',
    ],
    ['--- a/Makefile\n+++ b/Makefile\n@@ -1 +1 @@\n-a\n+b\n', 'my.diff:1: Makefile is no file of C'],
    [
      '--- a/model/patch/reroute.h\n+++ b/model/patch/reroute.h\n@@ -64 +64,2 @@\n #endif\n+/* */\n',
      'my.diff:1: reroute.h is part of ',
    ],
    [
      '--- a/model/patch/tcp-rehash.c\n+++ b/model/patch/tcp-rehash.c\n@@ -1,2 +1,2 @@\n-a\n',
      'my.diff:5: the hunk is shorter than its head says',
    ],
    [
      '--- a/model/patch/tcp-rehash.c\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-a\n-b\n',
      'my.diff:2: model/patch/tcp-rehash.c is deleted',
    ],
  ])('is refused in a line', (text, message) => {
    expect(refusal(text)).toContain(message);
  });
});
