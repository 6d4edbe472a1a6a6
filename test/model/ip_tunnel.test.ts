/** Tunnels and REJECT, seen on whole scenarios: who owns the packets, and what is in them. */
import { describe, expect, it } from 'vitest';
import { stock } from '../../model/patch/stock.ts';
import { getSock } from '../../model/types/lookup.ts';
import type { Kernel } from '../../model/types/world.ts';
import type { Run } from '../../properties/property.ts';
import { ownerWord } from '../../properties/sentences.ts';
import { play } from '../../scenario/play.ts';
import { compile } from '../../scenario/text.ts';
import { traceLines } from '../../scenario/trace.ts';

const HOST = [
  'ip link set lo up',
  'ip link add eth0 type veth peer name eth0p',
  'ip link set eth0 up',
  'ip addr add 10.0.0.1/24 dev eth0',
  'ip route add default via 10.0.0.254',
];
const TUNNEL = [
  ...HOST,
  'ip link add tun0 type ipip local 10.0.0.1 remote 198.51.100.9',
  'ip link set tun0 up',
  'ip addr add 192.168.9.1/24 dev tun0',
  'iptables -t mangle -A OUTPUT -p 4 -j MARK --set-mark 100',
];

function run(host: readonly string[], events: readonly string[], kernel: Kernel = stock): Run {
  return play(kernel, compile({ host, events }));
}

/** Owners of what the hook saw, in order. */
function owners(played: Run): readonly string[] {
  return played.steps.flatMap(({ effects, world }) =>
    effects.flatMap((e) =>
      e.kind === 'mangled' ? [e.skb.encapsulated > 0 ? 'a tunnel' : ownerWord(getSock(world, e.skb.sk).kind)] : [],
    ),
  );
}

describe('a packet through an ipip tunnel', () => {
  // RFC 2003 section 3.1: 20 bytes of outer header, protocol 4, the tunnel's addresses; 8 bytes UDP header and 4 of data.
  it('is 20 bytes longer and carries the tunnel addresses; the hook sees it as the tunnel', () => {
    const played = run(TUNNEL, ['socket c udp', 'send c 4 to 192.168.9.2:53']);
    expect(traceLines(played)).toEqual([
      'events[1] tun0: 192.168.9.1:32771 > 192.168.9.2:53 udp 4',
      'events[1] eth0 via 10.0.0.254: 10.0.0.1 > 198.51.100.9 4 32, mark 100',
    ]);
    expect(owners(played)).toEqual(['a UDP socket', 'a tunnel']);
  });

  it('keeps the mark of the inner packet', () => {
    const played = run(TUNNEL, ['socket c udp mark 7', 'send c 4 to 192.168.9.2:53']);
    expect(played.steps.at(-1)?.effects.find((e) => e.kind === 'reroute')).toMatchObject({ before: { mark: 100 } });
    expect(traceLines(run(TUNNEL.slice(0, -1), ['socket c udp mark 7', 'send c 4 to 192.168.9.2:53']))[1]).toContain(
      'mark 7',
    );
  });

  it('is answered inside the tunnel', () => {
    const played = run(TUNNEL, ['socket c udp', 'send c 4 to 192.168.9.2:53', 'answer c']);
    expect(played.steps.at(-1)?.effects.some((e) => e.kind === 'deliver' && e.sk > 2)).toBe(true);
  });

  it('is dropped when there is no way to the other end, or none allowed', () => {
    for (const route of ['ip route del default', 'ip route add prohibit 198.51.100.9']) {
      const played = run([...TUNNEL, route], ['socket c udp', 'send c 4 to 192.168.9.2:53']);
      expect(traceLines(played)).toEqual([]);
      expect(played.steps.at(-1)?.effects.slice(-2)).toMatchObject([
        { kind: 'free', where: 'ip_tunnel_xmit' },
        { kind: 'syscall', err: 0 },
      ]);
    }
  });

  it('is dropped when the other end lies behind the tunnel itself', () => {
    const played = run(
      [...TUNNEL.slice(0, -1), 'ip route add 198.51.100.0/24 dev tun0'],
      ['socket c udp', 'send c 4 to 192.168.9.2:53'],
    );
    expect(traceLines(played)).toEqual([]);
    expect(played.steps.at(-1)?.effects.at(-2)).toMatchObject({ kind: 'free', where: 'ip_tunnel_xmit' });
  });
});

describe('REJECT', () => {
  it('answers a refused segment with a RST of no socket', () => {
    const host = [
      ...HOST,
      'iptables -A INPUT -p tcp -j REJECT --reject-with tcp-reset',
      'iptables -t mangle -A OUTPUT -j MARK --set-mark 100',
    ];
    const played = run(host, ['receive eth0 8.8.8.8:5000 > 10.0.0.1:80 tcp S']);
    expect(traceLines(played)[0]).toBe('events[0] eth0 via 10.0.0.254: 10.0.0.1:80 > 8.8.8.8:5000 tcp R., mark 100');
    expect(owners(played)).toEqual(['no socket']);
  });

  it('does not answer a RST', () => {
    const host = [...HOST, 'iptables -A INPUT -p tcp -j REJECT --reject-with tcp-reset'];
    expect(traceLines(run(host, ['receive eth0 8.8.8.8:5000 > 10.0.0.1:80 tcp R']))).toEqual([
      'events[0] iptable_filter returns NF_DROP',
    ]);
  });

  it('tells the sender of a datagram through the ICMP control socket', () => {
    const host = [...HOST, 'iptables -A INPUT -p udp -j REJECT', 'iptables -t mangle -A OUTPUT -j MARK --set-mark 100'];
    const played = run(host, ['receive eth0 8.8.8.8:53 > 10.0.0.1:9 udp 4']);
    expect(traceLines(played)[0]).toContain('10.0.0.1 > 8.8.8.8 icmp unreachable/3');
    expect(owners(played)).toEqual(["the kernel's control socket"]);
  });

  it('makes the next send of a connected socket fail when it refuses in OUTPUT', () => {
    const host = [...HOST, 'iptables -A OUTPUT -d 9.9.9.9 -j REJECT'];
    const played = run(host, ['socket c udp', 'connect c 9.9.9.9:53', 'send c 4', 'send c 4']);
    const errors = played.steps.map(({ effects }) => effects.findLast((e) => e.kind === 'syscall'));
    expect(errors.map((e) => e?.kind === 'syscall' && e.err)).toEqual([0, 0, -1, -111]);
  });

  it('with tcp-reset needs -p tcp, and the filter table', () => {
    for (const line of [
      'iptables -A INPUT -j REJECT --reject-with tcp-reset',
      'iptables -t mangle -A INPUT -j REJECT',
    ]) {
      expect(run([...HOST, line], []).boot.effects.some((e) => e.kind === 'refused')).toBe(true);
    }
  });
});
