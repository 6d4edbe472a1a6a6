/** Compiles texts for the tests of the compiler. */
import { existsSync, readFileSync } from 'node:fs';
import { instantiate } from '../../compiler/load.ts';
import { Refused } from '../../compiler/messages.ts';
import type { SourceText } from '../../compiler/tokens.ts';
import { type Compiled, compileText } from '../../compiler/unit.ts';
import * as bindings from '../../model/patch/bindings.ts';
import { stock } from '../../model/patch/stock.ts';
import type { Kernel } from '../../model/types/world.ts';

export const TEXTS = ['icmp-only.c', 'tcp-rehash.c', 'icmp-only-mended.c', 'tcp-rehash-mended.c'] as const;

/** A text of model/patch. */
export function readText(name: string): SourceText {
  const file = `model/patch/${name}`;
  return { file, text: readFileSync(file, 'utf8') };
}

/** The same, undefined where there is none. */
function included(name: string): SourceText | undefined {
  return existsSync(`model/patch/${name}`) ? readText(name) : undefined;
}

/** Compiles a text with a hook; it may include those of model/patch. */
export function compileHook(text: string, file = 'my.c'): Compiled {
  return compileText({ file, text }, { include: included });
}

/** The stock kernel with the hook of that text. */
export function kernelOf(text: string, file = 'my.c'): Kernel {
  const { ipt_mangle_out } = instantiate(compileHook(text, file), bindings);
  return { ...stock, name: 'mine', ipt_mangle_out: ipt_mangle_out as Kernel['ipt_mangle_out'] };
}

/** One function of a text without a hook. */
export function functionOf(name: string, text: string): (...args: readonly unknown[]) => unknown {
  const compiled = compileText({ file: 'my.c', text }, { also: [name], hasHook: false, include: included });
  return instantiate(compiled, bindings)[name] as (...args: readonly unknown[]) => unknown;
}

/** The line with which a text is refused, '' when it is not. */
export function refusalOf(text: string): string {
  try {
    compileHook(text);
    return '';
  } catch (error) {
    if (error instanceof Refused) return error.message;
    throw error;
  }
}

/** A hook whose body is that, after the rules have run. */
export function hook(body: string, before = ''): string {
  return `${before}static unsigned int
ipt_mangle_out(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	unsigned int ret = ipt_do_table(priv, skb, state);
	struct sock *sk = skb->sk;
	struct iphdr *iph = ip_hdr(skb);
	int err = 0;

${body}
	return ret;
}
`;
}
