/**
 * Wrong lines for the model, and whether a run of comparisons finds them. Nothing in the sources changes; each mutant is a
 * bundle of its own.
 */
import { readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { esbuildPluginC } from '../compiler/plugins.ts';
import type { CampaignOptions } from './run.ts';
import type { Player } from './running/player.ts';

/** A wrong line: `text` of the file, which occurs there once, becomes `wrong`. */
export interface Mutant {
  readonly part: 'source selection' | 'rule matching' | 'port search' | 'checksum';
  readonly what: string;
  readonly file: string;
  readonly text: string;
  readonly wrong: string;
}

export const MUTANTS: readonly Mutant[] = [
  {
    part: 'source selection',
    what: 'the gateway does not choose among the addresses',
    file: 'model/kernel/net/ipv4/fib_semantics.ts',
    text: 'inet_select_addr(net, fa.nh_dev, fa.nh_gw, fa.fib_scope)',
    wrong: 'inet_select_addr(net, fa.nh_dev, 0, fa.fib_scope)',
  },
  {
    part: 'source selection',
    what: "the route's src is ignored",
    file: 'model/kernel/net/ipv4/fib_semantics.ts',
    text: 'return fa.fib_prefsrc !== 0 ? fa.fib_prefsrc : inet',
    wrong: 'return inet',
  },
  {
    part: 'source selection',
    what: "no other device's address is taken",
    file: 'model/kernel/net/ipv4/devinet.ts',
    text: 'return addr !== 0 ? addr : anyDeviceAddr(net, l3mdev_master_ifindex_rcu(in_dev), scope);',
    wrong: 'return addr;',
  },
  {
    part: 'source selection',
    what: 'an address of narrower scope is chosen',
    file: 'model/kernel/net/ipv4/devinet.ts',
    text: 'Math.min(ifa.ifa_scope, localnet_scope) <= scope;\n    inSubnet',
    wrong: 'true;\n    inSubnet',
  },
  {
    part: 'source selection',
    what: 'the last address in the subnet is taken, not the first',
    file: 'model/kernel/net/ipv4/devinet.ts',
    text: 'inSubnet = inSubnet === 0 && fits',
    wrong: 'inSubnet = fits',
  },
  {
    part: 'rule matching',
    what: 'sources are compared without the mask',
    file: 'model/kernel/net/ipv4/fib_rules.ts',
    text: '((fl4.saddr ^ rule.src) & inet_make_mask(rule.src_len)) === 0',
    wrong: '(rule.src_len === 0 || fl4.saddr === rule.src)',
  },
  {
    part: 'rule matching',
    what: 'a key without a source fits every `from`',
    file: 'model/kernel/net/ipv4/fib_rules.ts',
    text: '((fl4.saddr ^ rule.src) & inet_make_mask(rule.src_len)) === 0',
    wrong: '(fl4.saddr === 0 || ((fl4.saddr ^ rule.src) & inet_make_mask(rule.src_len)) === 0)',
  },
  {
    part: 'rule matching',
    what: 'a range of ports ends one port early',
    file: 'model/kernel/net/ipv4/fib_rules.ts',
    text: 'fl4.fl4_dport <= rule.dport_end',
    wrong: 'fl4.fl4_dport < rule.dport_end',
  },
  {
    part: 'rule matching',
    what: 'the protocol is not looked at',
    file: 'model/kernel/net/ipv4/fib_rules.ts',
    text: '(rule.ip_proto === 0 || rule.ip_proto === fl4.flowi4_proto) &&',
    wrong: '',
  },
  {
    part: 'rule matching',
    what: '`not` turns only the mark round',
    file: 'model/kernel/net/core/fib_rules.ts',
    text: 'return rule.invert ? !matches : matches;',
    wrong: 'return rule.invert ? ((rule.mark ^ fl4.flowi4_mark) & rule.mark_mask) !== 0 : matches;',
  },
  {
    part: 'rule matching',
    what: "the mark's mask is ignored",
    file: 'model/kernel/net/core/fib_rules.ts',
    text: '((rule.mark ^ fl4.flowi4_mark) & rule.mark_mask) === 0',
    wrong: '(rule.mark_mask === 0 || rule.mark === fl4.flowi4_mark)',
  },
  {
    part: 'port search',
    what: 'connect() takes a port that bind() reserved',
    file: 'model/kernel/net/ipv4/inet_hashtables.ts',
    text: 'if (tb.fastreuse >= 0 || tb.fastreuseport >= 0) return',
    wrong: 'if (tb.port < 0) return',
  },
  {
    part: 'port search',
    what: 'connect() never shares a port',
    file: 'model/kernel/net/ipv4/inet_hashtables.ts',
    text: 'if (tb.fastreuse >= 0 || tb.fastreuseport >= 0) return',
    wrong: 'if (tb.port >= 0) return',
  },
  {
    part: 'port search',
    what: 'the range of connect() goes on for one port',
    file: 'model/kernel/net/ipv4/inet_hashtables.ts',
    text: 'const remaining = high - low > 1 ? (high - low) & ~1 : high - low;\n  const offset = (((net.table_perturb',
    wrong: 'const remaining = high - low + 1;\n  const offset = (((net.table_perturb',
  },
  {
    part: 'port search',
    what: 'bind() overlooks the owners of a port',
    file: 'model/kernel/net/ipv4/inet_connection_sock.ts',
    text: 'if (snum !== 0 && inet_csk_bind_conflict(created, inet, tb)) {',
    wrong: 'if (snum < 0) {',
  },
  {
    part: 'port search',
    what: 'bind() leaves the port to be shared',
    file: 'model/kernel/net/ipv4/inet_connection_sock.ts',
    text: 'return { ...tb, fastreuse: 0, fastreuseport: 0 };',
    wrong: 'return { ...tb, fastreuse: -1, fastreuseport: -1 };',
  },
  {
    part: 'checksum',
    what: "TCP's pseudo-header has the destination twice",
    file: 'model/kernel/include/net/checksum.ts',
    text: '~csum_tcpudp_magic(saddr, daddr, transportLen(skb), IPPROTO_TCP, 0)',
    wrong: '~csum_tcpudp_magic(daddr, daddr, transportLen(skb), IPPROTO_TCP, 0)',
  },
  {
    part: 'checksum',
    what: 'an unfinished checksum is updated as if it were finished',
    file: 'model/kernel/net/core/utils.ts',
    text: 'if (skb.ip_summed !== CHECKSUM_PARTIAL) return csum_replace4(sum, from, to);',
    wrong: 'return csum_replace4(sum, from, to);',
  },
  {
    part: 'checksum',
    what: 'the incremental update adds the old value',
    file: 'model/kernel/net/core/utils.ts',
    text: 'return ~csum_fold(csum_add(csum_sub(csum_unfold(sum), from), to)) & 0xffff;',
    wrong: 'return ~csum_fold(csum_add(csum_add(csum_unfold(sum), from), to)) & 0xffff;',
  },
  {
    part: 'checksum',
    what: 'a changed TOS loses the carry of the header checksum',
    file: 'model/kernel/net/netfilter/xt_DSCP.ts',
    text: 'check: (minus + (minus >>> 16)) & 0xffff, tos: dsfield',
    wrong: 'check: minus & 0xffff, tos: dsfield',
  },
  {
    part: 'checksum',
    what: 'a finished checksum is updated with the wrong sign',
    file: 'model/kernel/include/net/checksum.ts',
    text: 'const tmp = csum_sub(~csum_unfold(sum) >>> 0, from);',
    wrong: 'const tmp = csum_add(~csum_unfold(sum) >>> 0, from);',
  },
  {
    part: 'checksum',
    what: "UDP's payload is not summed",
    file: 'model/kernel/include/net/checksum.ts',
    text: 'const full = csum_fold(udpFullSum(skb, saddr, daddr));',
    wrong: 'const full = csum_fold(udpFullSum({ ...skb, payload: { ...skb.payload, words: [] } }, saddr, daddr));',
  },
  {
    part: 'checksum',
    what: 'the IP header is summed without its TOS',
    file: 'model/kernel/include/net/checksum.ts',
    text: '| (iph.ihl << 8) | iph.tos) +',
    wrong: '| (iph.ihl << 8)) +',
  },
];

/** The text of the mutant's file with the wrong line in it. */
export function mutated(source: string, { file, text, wrong }: Mutant): string {
  const parts = source.split(text);
  if (parts.length !== 2) throw new Error(`${file}: the text of a mutant occurs ${parts.length - 1} times: ${text}`);
  return parts.join(wrong);
}

/** The sources with one wrong line. */
function mutate(mutant: Mutant, folder: string): Plugin {
  return {
    name: 'mutant',
    setup(build) {
      build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        if (path !== resolve(folder, mutant.file)) return undefined;
        return { contents: mutated(readFileSync(path, 'utf8'), mutant), loader: 'ts' };
      });
    },
  };
}

/** A run that ends with its first disagreement and makes nothing small. */
export type ShortRun = Pick<CampaignOptions, 'kind' | 'seed' | 'cases'>;

/** The first of the runs that finds a disagreement with the wrong line in place; undefined when none does. `folder` has the sources. */
export async function firstToFind<R extends ShortRun>(
  mutant: Mutant,
  runs: readonly R[],
  player: Player,
  folder: string,
): Promise<R | undefined> {
  // A name of its own, or Node would give the module of the mutant before.
  const bundle = join(folder, '.reroute-check', `mutant-${MUTANTS.indexOf(mutant)}.mjs`);
  await build({
    absWorkingDir: folder,
    entryPoints: ['conformance/run.ts'],
    outfile: bundle,
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    plugins: [mutate(mutant, folder), esbuildPluginC()],
    logLevel: 'error',
  });
  try {
    const { campaign } = (await import(pathToFileURL(bundle).href)) as typeof import('./run.ts');
    for (const run of runs) {
      const { disagreements } = await campaign(player, { ...run, enough: 1, shrinking: 0, progress() {} });
      if (disagreements.length > 0) return run;
    }
    return undefined;
  } finally {
    rmSync(bundle, { force: true });
  }
}
