/** What differs between the releases, seen on whole scenarios. */
import { describe, expect, it } from 'vitest';
import { releaseOf } from '../../../conformance/running/release.ts';
import { icmpOnly } from '../../../model/patch/icmp-only.ts';
import { icmpOnlyMended, tcpRehashMended } from '../../../model/patch/mended.ts';
import { onRelease, releases } from '../../../model/patch/releases/index.ts';
import { stock } from '../../../model/patch/stock.ts';
import { tcpRehash } from '../../../model/patch/tcp-rehash.ts';
import type { Kernel } from '../../../model/types/world.ts';
import { properties } from '../../../properties/index.ts';
import { ownerOf } from '../../../properties/packets.ts';
import type { Run } from '../../../properties/property.ts';
import { firstBroken, play } from '../../../scenario/play.ts';
import { compile } from '../../../scenario/text.ts';
import { traceLines } from '../../../scenario/trace.ts';
import { kernelOf, readText } from '../../compiler/texts.ts';

const HOST = [
  'ip link add eth0 type veth peer name eth0p',
  'ip link set eth0 up',
  'ip addr add 10.0.0.1/24 dev eth0',
  'ip link add eth1 type veth peer name eth1p',
  'ip link set eth1 up',
  'ip addr add 10.1.0.1/24 dev eth1',
  'ip route add default via 10.0.0.254 src 10.0.0.1',
  'ip route add default via 10.1.0.254 src 10.1.0.1 table 100',
  'ip rule add fwmark 100 table 100',
  'iptables -t mangle -A OUTPUT -p tcp -j MARK --set-mark 100',
];

function on(kernel: Kernel, number: string, events: readonly string[], host = HOST): Run {
  const release = releases.find((one) => one.release === number);
  if (release === undefined) throw new Error(number);
  return play(onRelease(kernel, release), compile({ host, events }));
}

/** Owner kinds of what the mangle hook saw, by name. */
function owners(run: Run): readonly string[] {
  return run.steps.flatMap(({ effects }, i) =>
    effects.flatMap((e) =>
      e.kind === 'mangled' ? [ownerOf(run, i, e.skb).name || String(ownerOf(run, i, e.skb).kind)] : [],
    ),
  );
}

const LISTEN = ['socket l tcp', 'bind l 0.0.0.0:80', 'listen l'];
const SYN = 'receive eth0 8.8.8.8:5000 > 10.0.0.1:80 tcp S';

describe('a SYN-ACK', () => {
  it('belongs to the listener in 4.1, to the request since', () => {
    expect(owners(on(stock, '4.1', [...LISTEN, SYN]))).toEqual(['l']);
    expect(owners(on(stock, '6.1', [...LISTEN, SYN]))).toEqual(['2']);
  });

  it('moves its listener to another port under version 2 on 4.1, where 6.1 crashes', () => {
    const run = on(tcpRehash, '4.1', [...LISTEN, SYN]);
    const l = run.steps.at(-1)?.world.socks.find(({ name }) => name === 'l');
    expect(l?.inet_num).not.toBe(80);
    expect(run.steps.at(-1)?.world.oops.where).toBe('');
    expect(traceLines(run).at(-1)).toMatch(/10\.1\.0\.1:3\d+ > 8\.8\.8\.8:5000 tcp S\./);
    expect(on(tcpRehash, '6.1', [...LISTEN, SYN]).steps.at(-1)?.world.oops.where).toBe('inet_put_port');
  });

  it('leaves from the second address under version 1 on 4.1, and so will what the listener sends next', () => {
    const run = on(icmpOnly, '4.1', [...LISTEN, SYN]);
    expect(traceLines(run).at(-1)).toContain('10.1.0.1:80 > 8.8.8.8:5000');
    expect(run.steps.at(-1)?.world.socks.find(({ name }) => name === 'l')).toMatchObject({ inet_saddr: 0x0a010001 });
  });
});

describe('a reset', () => {
  const STRAY = 'receive eth0 8.8.8.8:5000 > 10.0.0.1:80 tcp .';

  it('belongs to the control socket up to 6.1, to the listener that sends it in 6.18', () => {
    expect(owners(on(stock, '4.1', [...LISTEN, STRAY]))).toEqual(['7']);
    expect(owners(on(stock, '6.1', [...LISTEN, STRAY]))).toEqual(['7']);
    expect(owners(on(stock, '6.18', [...LISTEN, STRAY]))).toEqual(['l']);
  });

  // As Linux 6.18.44 and the user-mode 6.1.192 do (replay --on kernel, --on patched-kernel, 2026-11-22).
  it('of a listener matches --uid-owner in 6.18 alone, a SYN-ACK on every release', () => {
    const host = [...HOST.slice(0, 9), 'iptables -t mangle -A OUTPUT -m owner --uid-owner 0 -j MARK --set-mark 100'];
    const devices = (number: string) =>
      traceLines(on(stock, number, [...LISTEN, STRAY, SYN, STRAY.replace(':80 ', ':81 ')], host))
        .filter((line) => line.includes(' tcp '))
        .map((line) => line.split(' ')[1]);
    expect(devices('4.1')).toEqual(['eth0', 'eth1', 'eth0']);
    expect(devices('6.1')).toEqual(['eth0', 'eth1', 'eth0']);
    expect(devices('6.18')).toEqual(['eth1', 'eth1', 'eth0']);
  });

  it('of an unknown connection belongs to the control socket on every release', () => {
    for (const { release } of releases) expect(owners(on(stock, release, [STRAY]))).toEqual(['7']);
  });

  it('moves the listener under version 2 on 6.18', () => {
    const run = on(tcpRehash, '6.18', [...LISTEN, STRAY]);
    expect(run.steps.at(-1)?.world.socks.find(({ name }) => name === 'l')?.inet_num).not.toBe(80);
  });
});

it('4.1 passes over the ports of a rule', () => {
  const host = [...HOST.slice(0, 8), 'ip rule add dport 80 table 100'];
  const ping = ['socket c udp', 'send c 1 to 8.8.8.8:53'];
  expect(traceLines(on(stock, '4.1', ping, host))[0]).toContain('eth1');
  expect(traceLines(on(stock, '6.1', ping, host))[0]).toContain('eth0');
});

it('the fifth copy of a SYN is looked up anew in 4.1, the seventh in 6.1', () => {
  const events = ['socket c tcp', 'connect c 8.8.8.8:80', ...Array.from({ length: 6 }, () => 'retransmit c')];
  const wrong = (number: string) => traceLines(on(tcpRehash, number, events)).map((line) => line.includes('incorrect'));
  expect(wrong('4.1')).toEqual([false, true, true, true, false, false, false]);
  expect(wrong('6.1')).toEqual([false, true, true, true, true, true, false]);
});

it('4.1 finds the next port in order, 6.1 the next of the same parity', () => {
  const host = [...HOST.slice(0, 9), 'sysctl -w net.ipv4.ip_local_port_range="40000 40010"'];
  const ports = (number: string) =>
    on(stock, number, ['socket c tcp', 'connect c 8.8.8.8:80', 'socket d tcp', 'connect d 8.8.8.8:80'], host)
      .steps.at(-1)
      ?.world.socks.flatMap(({ name, inet_num }) => (name === '' ? [] : [inet_num]));
  expect(ports('4.1')).toEqual([40000, 40001]);
  expect(ports('6.1')).toEqual([40000, 40002]);
});

it('the release of a running kernel is the newest modelled one that is not newer', () => {
  const names = ['3.10.0', '4.3.1', '5.15.0-91-generic', '6.1.192', '6.12.0', '6.18.44-fc-v657', '7.0.1'];
  expect(names.map((name) => releaseOf(name).release)).toEqual(['4.1', '4.1', '4.1', '6.1', '6.1', '6.18', '6.18']);
});

it('data after close of a signed connection is refused with a signature on 6.18, without one before', () => {
  const events = ['socket c tcp md5', 'connect c 10.0.0.254:53', 'answer c', 'close c', 'say c 9'];
  const reset = (number: string) => traceLines(on(stock, number, events, HOST.slice(0, 3))).at(-1);
  for (const number of ['4.1', '6.1']) expect(reset(number)).toMatch(/tcp R$/);
  expect(reset('6.18')).toMatch(/tcp R, signed$/);
});

describe('a header of the user’s own that is too short', () => {
  const SHORT = ['socket h hdrincl', 'send h 4 to 8.8.8.8:80 flags S short'];
  const RULES = [...HOST, 'iptables -A OUTPUT -j DROP', 'iptables -t raw -A OUTPUT -j MARK --set-mark 7'];
  const left = (run: Run) =>
    run.steps.flatMap(({ effects }) => effects.flatMap((e) => (e.kind === 'xmit' ? [e.skb] : [])));

  it('is refused by 6.1 and later ones', () => {
    for (const number of ['6.1', '6.18'])
      expect(traceLines(on(stock, number, SHORT))).toEqual(['events[1] send of h fails: Invalid argument (EINVAL)']);
  });

  it('leaves 4.1 as it was written, past all rules of OUTPUT, also where a text replaces the hook', () => {
    for (const kernel of [stock, icmpOnly, tcpRehash, icmpOnlyMended, tcpRehashMended]) {
      const run = on(kernel, '4.1', SHORT, RULES);
      const [skb] = left(run);
      expect(skb).toMatchObject({ mark: 0, iph: { ihl: 4, saddr: 0, check: 0 } });
      expect(owners(run)).toEqual(['h']);
      expect(properties.filter((property) => firstBroken(property, run) >= 0).map(({ id }) => id)).toEqual([]);
    }
  });

  it('is mangled and routed again by a text without the guard', () => {
    const text = readText('icmp-only.c').text.replace(/if \(skb->len < sizeof[\s\S]*?return NF_ACCEPT;/, '');
    const [skb] = left(on(kernelOf(text), '4.1', SHORT, RULES));
    expect(skb).toMatchObject({ mark: 100, iph: { ihl: 4 } });
  });
});
