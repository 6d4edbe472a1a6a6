/**
 * `npm run conformance:mutants`: puts one wrong line at a time into the model and asks whether a run finds it. Nothing in
 * the sources changes; each mutant is a bundle of its own.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { prerequisites } from './running/player.ts';

/** A wrong line: `text` of the file, which occurs there once, becomes `wrong`. */
interface Mutant {
  readonly part: 'source selection' | 'rule matching' | 'port search' | 'checksum';
  readonly what: string;
  readonly file: string;
  readonly text: string;
  readonly wrong: string;
}

const MUTANTS: readonly Mutant[] = [
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

/** The numbers that the default tests run with at least. */
const SHORT = ['--cases', '200', '--seed', '1'];
const BUNDLE = '.reroute-check/mutant.mjs';

function mutate({ file, text, wrong }: Mutant): Plugin {
  return {
    name: 'mutant',
    setup(build) {
      build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
        if (path !== resolve(file)) return undefined;
        const parts = readFileSync(path, 'utf8').split(text);
        if (parts.length !== 2)
          throw new Error(`${file}: the text of a mutant occurs ${parts.length - 1} times: ${text}`);
        return { contents: parts.join(wrong), loader: 'ts' };
      });
    },
  };
}

/** The first lines of what a run with the mutant says, and whether it found a disagreement. */
async function run(mutant: Mutant, numbers: readonly string[]): Promise<boolean> {
  await build({
    entryPoints: ['conformance/main.ts'],
    outfile: BUNDLE,
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    plugins: [mutate(mutant)],
    logLevel: 'error',
  });
  const { status, stderr } = spawnSync(process.execPath, [BUNDLE, ...numbers, '--quick'], { encoding: 'utf8' });
  if (status !== 0 && status !== 1) throw new Error(`a run ended with ${status}: ${stderr}`);
  return status === 1;
}

const missing = prerequisites();
if (missing.length > 0) {
  process.stderr.write(`conformance: ${missing.join('; ')}\n`);
  process.exit(4);
}
let survived = 0;
for (const mutant of MUTANTS) {
  const began = performance.now();
  const found = (await run(mutant, SHORT)) ? 'short run' : (await run(mutant, [])) ? 'default run' : '';
  if (found === '') survived++;
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  const verdict = found === '' ? 'NOT FOUND' : `found by the ${found}`;
  process.stdout.write(`${mutant.part}: ${mutant.what}: ${verdict} (${seconds} s)\n`);
}
rmSync(BUNDLE, { force: true });
process.stdout.write(`${MUTANTS.length - survived} of ${MUTANTS.length} wrong lines found\n`);
process.exitCode = survived === 0 ? 0 : 1;
