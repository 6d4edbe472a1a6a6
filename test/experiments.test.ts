/** The post's four experiments: each shows its stored trace, and what the post says about it is true or not as its finding tells. */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { icmpOnly } from '../model/patch/icmp-only.ts';
import { variants } from '../model/patch/index.ts';
import { stock } from '../model/patch/stock.ts';
import { tcpRehash } from '../model/patch/tcp-rehash.ts';
import { TCPHDR_ACK, TCPHDR_SYN } from '../model/types/packet.ts';
import type { Kernel } from '../model/types/world.ts';
import type { Run } from '../properties/property.ts';
import { play } from '../scenario/play.ts';
import { loadScenario } from '../scenario/scenario.ts';
import { traceLines, traceOf } from '../scenario/trace.ts';

const FOLDER = 'experiments';

function playFile(name: string, kernel: Kernel): Run {
  return play(kernel, loadScenario(`${FOLDER}/${name}.json`).scenario);
}

/** What left the host, as `LINK SOURCE FLAGS checksum`. */
function wire(run: Run): readonly string[] {
  return traceOf(run).packets.map((p) => `${p.dev} ${p.saddr} ${p.flags ?? p.protocol} ${p.checksum}`);
}

/** Whether something reached the socket in that step. */
function delivered(run: Run, step: number): boolean {
  return (run.steps[step]?.effects ?? []).some(
    (effect) => effect.kind === 'deliver' && run.boot.socks.every(({ id }) => id !== effect.sk),
  );
}

describe.each(readdirSync(FOLDER))('%s', (file) => {
  it('shows its trace', () => {
    const stored = loadScenario(`${FOLDER}/${file}`);
    const kernel = variants.find(({ name }) => name === stored.variant);
    if (kernel === undefined) throw new Error('names no variant');
    expect(traceLines(play(kernel, stored.scenario))).toEqual(stored.trace);
  });
});

describe('ping', () => {
  it('leaves the second link with the first address on the stock kernel', () => {
    expect(wire(playFile('1-ping-version-1', stock))).toEqual(['eth1 10.0.0.1 icmp correct']);
  });

  it('works under version 1', () => {
    const run = playFile('1-ping-version-1', icmpOnly);
    expect(wire(run)).toEqual(['eth1 10.1.0.1 icmp correct']);
    expect(delivered(run, 2)).toBe(true);
  });
});

describe('TCP', () => {
  it('does not change under version 1', () => {
    for (const name of ['2-tcp-version-1', '3-netcat-version-2']) {
      expect(traceLines(playFile(name, icmpOnly))).toEqual(traceLines(playFile(name, stock)));
    }
  });

  it('has a good SYN under version 2, then a bad source and checksum until the cached route goes', () => {
    const bad = 'eth1 10.0.0.1 P. incorrect';
    expect(wire(playFile('3-netcat-version-2', tcpRehash))).toEqual([
      'eth1 10.1.0.1 S correct',
      'eth1 10.0.0.1 . incorrect',
      ...[bad, bad, bad, bad, bad, bad],
      'eth1 10.1.0.1 P. correct',
      'eth1 10.1.0.1 P. correct',
    ]);
  });

  it('heals as late as observed: the good copy leaves 64 timeouts after the first, but for one', () => {
    const run = playFile('3-netcat-version-2', tcpRehash);
    const rto = 210;
    expect((run.steps[10]?.world.now ?? 0) - (run.steps[4]?.world.now ?? 0)).toBe(63 * rto);
  });
});

describe("the post's Fast Open filter", () => {
  /** Each SYN with the header length that its socket assumes. */
  const syns = [tcpRehash, stock].flatMap((kernel) => {
    const run = playFile('4-fast-open-filter', kernel);
    return run.steps.flatMap(({ world, effects }, step) =>
      effects.flatMap((effect) => {
        if (effect.kind !== 'xmit' || (effect.skb.th.flags & (TCPHDR_SYN | TCPHDR_ACK)) !== TCPHDR_SYN) return [];
        const { skb } = effect;
        const owner = world.socks.find(({ id }) => id === skb.sk);
        return [{ step, skb, tcp_header_len: owner?.tcp_header_len ?? 0 }];
      }),
    );
  });

  it('meets a SYN that asks for a cookie, a plain one and one with data', () => {
    expect(syns.map(({ step, skb }) => [step, skb.payload.len])).toEqual([
      ...[
        [1, 0],
        [5, 0],
        [7, 4],
      ],
      ...[
        [1, 0],
        [5, 0],
        [7, 4],
      ],
    ]);
  });

  it('as written is true for none of them, so that it would have left all SYNs alone', () => {
    for (const { skb, tcp_header_len } of syns) {
      expect(tcp_header_len).toBe(32);
      expect(skb.iph.tot_len).toBeGreaterThanOrEqual(56);
    }
  });

  it('with the lengths of both headers selects those without data', () => {
    for (const { skb } of syns) {
      expect(skb.iph.tot_len === skb.iph.ihl * 4 + skb.th.doff * 4).toBe(skb.payload.len === 0);
    }
  });
});
