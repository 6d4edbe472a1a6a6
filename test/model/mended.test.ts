/** The mended patch: with every fault left in it is the published one, without any it leaves alone what it should. */
import { describe, expect, it } from 'vitest';
import { icmpOnly } from '../../model/patch/icmp-only.ts';
import { kernelNamed } from '../../model/patch/index.ts';
import { icmpOnlyMended, mended, tcpRehashMended } from '../../model/patch/mended.ts';
import { stock } from '../../model/patch/stock.ts';
import { tcpRehash } from '../../model/patch/tcp-rehash.ts';
import { EVERY_FAULT, NO_FAULTS } from '../../model/types/faults.ts';
import { TCP_TIME_WAIT } from '../../model/types/sock.ts';
import type { Kernel, World } from '../../model/types/world.ts';
import { twoUplinks, unnumberedLinks, vrfHosts } from '../../properties/scopes/runs.ts';
import { bootHost, play, playOn } from '../../scenario/play.ts';
import { commandOf, compile, eventOfLine } from '../../scenario/text.ts';
import { traceLines } from '../../scenario/trace.ts';
import { eventWords, hostWords } from '../../search/bulk.ts';
import { drawEvents, drawHost } from '../../search/generate.ts';
import { acceptedCommands } from '../../search/replays.ts';
import { dotted, LINKS, POST } from './build.ts';

const HOSTS = 300;

/** Where and why a world ended; the line of the text is another one. */
function crash(world: World | undefined): unknown {
  return { where: world?.oops.where, why: world?.oops.why };
}

describe.each([
  ['icmp-only', icmpOnly, mended('icmp-only', icmpOnly.title, false, EVERY_FAULT)],
  ['tcp-rehash', tcpRehash, mended('tcp-rehash', tcpRehash.title, true, EVERY_FAULT)],
])('%s', (_, published, switched) => {
  it.each([twoUplinks, vrfHosts, unnumberedLinks])(`does the same on ${HOSTS} hosts of $name`, (scope) => {
    let rerouted = 0;
    for (let h = 0; h < HOSTS; h++) {
      const host = acceptedCommands(published, drawHost(scope, hostWords(7, h)));
      const commands = host.map(commandOf);
      const events = drawEvents(scope, host, eventWords(7, h, 0)).map(eventOfLine);
      const [a, b] = [published, switched].map((kernel) => playOn(kernel, bootHost(kernel, commands), events));
      expect(traceLines(b as never)).toEqual(traceLines(a as never));
      expect(b?.steps.at(-1)?.world.socks).toEqual(a?.steps.at(-1)?.world.socks);
      expect(crash(b?.steps.at(-1)?.world)).toEqual(crash(a?.steps.at(-1)?.world));
      rerouted += a?.steps.some(({ effects }) => effects.some(({ kind }) => kind === 'reroute')) ? 1 : 0;
    }
    expect(rerouted).toBeGreaterThan(HOSTS / 10);
  });
});

describe('without faults', () => {
  const MARKED = [...POST, 'iptables -t mangle -A OUTPUT -j MARK --set-mark 100'];

  /** What leaves, by link, source and destination. */
  function sent(host: readonly string[], events: readonly string[], kernel = tcpRehashMended): readonly string[] {
    const { steps } = play(kernel, compile({ host, events }));
    return steps.flatMap(({ world, effects }) =>
      effects.flatMap((effect) => {
        if (effect.kind !== 'xmit') return [];
        const dev = world.devs.find(({ ifindex }) => ifindex === effect.dev)?.name;
        return [`${dev} ${dotted(effect.skb.iph.saddr)} > ${dotted(effect.skb.iph.daddr)}`];
      }),
    );
  }

  /** The marks of the connections that are tracked in the end, by their first source. */
  function connmarks(host: readonly string[], events: readonly string[]): readonly string[] {
    const { steps } = play(tcpRehashMended, compile({ host: [...POST, ...host], events }));
    const { conntrack = [] } = steps.at(-1)?.world ?? {};
    return conntrack.map(({ original, mark }) => `${dotted(original.src)} ${mark}`);
  }

  const nth = (every: number, packet: number): string =>
    `iptables -t mangle -A OUTPUT -m statistic --mode nth --every ${every} --packet ${packet}`;

  it('a connection keeps its mark where no rule saves another', () => {
    const host = [`${nth(2, 0)} -j CONNMARK --set-mark 5`, 'iptables -t mangle -A OUTPUT -j MARK --set-mark 100'];
    expect(connmarks(host, ['socket c udp', 'send c 1 to 8.8.8.8:53', 'send c 1 to 8.8.8.8:53'])).toEqual([
      '10.1.0.1 5',
    ]);
  });

  it('a mark that is saved goes to the connection that the packet is of in the end, an open one, too', () => {
    const host = [
      'ip rule add fwmark 0x64/0xff table 100',
      `${nth(3, 0)} -j MARK --set-mark 0x164`,
      `${nth(3, 2)} -j MARK --set-mark 100`,
      'iptables -t mangle -A OUTPUT -j CONNMARK --save-mark',
    ];
    const SEND = 'send c 1 to 8.8.8.8:53';
    const marks = connmarks(host, ['socket c udp', SEND, 'answer c', SEND, 'answer c', SEND]);
    expect(marks).toContain('10.1.0.1 100');
  });

  it('a connection that was there before keeps its mark where no rule writes one', () => {
    const host = [
      'ip rule add fwmark 0x64/0xff table 100',
      'iptables -t mangle -A PREROUTING -j CONNMARK --set-mark 0x164',
      'iptables -t mangle -A OUTPUT -j CONNMARK --restore-mark',
    ];
    const before = ['socket c udp', 'send c 1 to 10.0.0.254:80', 'answer c', 'send c 1 to 10.0.0.254:80 from 10.1.0.1'];
    const after = [...before, 'send c 1 to 10.0.0.254:80'];
    expect(sent([...POST, ...host], after).at(-1)).toBe('eth1 10.1.0.1 > 10.0.0.254');
    expect(connmarks(host, after)).toEqual(connmarks(host, before));
    const unwritten = [...before.filter((line) => !line.includes('from')), 'send c 1 to 10.0.0.254:80'];
    expect(connmarks(host, unwritten)).toEqual(['10.0.0.1 356', '10.1.0.1 356']);
  });

  it.each(['5', '0'])('a mark of %s that a rule writes goes to a connection that was there before', (written) => {
    const host = [
      'iptables -t mangle -A OUTPUT -j CONNMARK --set-mark 9',
      `${nth(3, 2)} -j CONNMARK --set-mark ${written}`,
      `${nth(3, 2)} -j MARK --set-mark 100`,
    ];
    const to = (from: string): string => `send c 1 to 8.8.8.8:53${from}`;
    const before = ['socket c udp', to(' from 10.0.0.1'), to(' from 10.1.0.1')];
    expect(connmarks(host, before)).toEqual(['10.0.0.1 9', '10.1.0.1 9']);
    expect(connmarks(host, [...before, to('')])).toEqual([`10.0.0.1 ${written}`, `10.1.0.1 ${written}`]);
  });

  it.each(['udp', 'ping', 'raw icmp', 'raw 136'])('who refuses gateways is left alone: %s', (kind) => {
    const host = [
      ...LINKS,
      'ip addr add 10.1.0.9/24 dev eth0',
      'ip route add default via 10.1.0.254 table 100',
      'ip rule add fwmark 100 table 100',
      'iptables -t mangle -A OUTPUT -j MARK --set-mark 100',
    ];
    const to = kind === 'udp' ? '10.0.0.2:53' : '10.0.0.2';
    for (const events of [
      [`socket c ${kind} dontroute`, `send c 8 to ${to}`],
      [`socket c ${kind}`, `send c 8 to ${to} dontroute`],
    ])
      expect(sent(host, events)).toEqual(sent(host, events, stock));
    expect(sent(host, [`socket c ${kind}`, `send c 8 to ${to}`])).toEqual([
      kind === 'raw 136' ? 'eth1 10.0.0.1 > 10.0.0.2' : 'eth1 10.1.0.1 > 10.0.0.2',
    ]);
  });

  it('a connection of a user who refuses gateways is left alone', () => {
    const host = [...MARKED, 'ip route add 8.8.8.8/32 dev eth0'];
    expect(sent(host, ['socket c tcp dontroute', 'connect c 8.8.8.8:53'])).toEqual(['eth1 10.0.0.1 > 8.8.8.8']);
    expect(sent(host, ['socket c tcp', 'connect c 8.8.8.8:53'])).toEqual(['eth1 10.1.0.1 > 8.8.8.8']);
  });

  it('the source stays where a mark leads by the same gateway, whatever source is preferred there', () => {
    const host = [
      ...LINKS,
      'ip addr add 10.0.0.2/24 dev eth0',
      'ip route add default via 10.0.0.254',
      'ip route add default via 10.0.0.254 src 10.0.0.2 table 100',
      'ip rule add fwmark 100 table 100',
      'iptables -t mangle -A OUTPUT -j MARK --set-mark 100',
    ];
    const events = ['socket c tcp', 'connect c 8.8.8.8:53'];
    expect(sent(host, events)).toEqual(sent(host, events, stock));
    expect(sent(host, events, mended('', '', true, { ...NO_FAULTS, 'needless-choice': true }))).not.toEqual(
      sent(host, events, stock),
    );
  });

  it('the source stays where a rule leads the new one to where the packet was', () => {
    const back = [...LINKS, 'ip addr add 10.0.0.3/32 dev eth0', 'ip route add default via 10.0.0.254 src 10.0.0.1'];
    const rules = [
      'ip rule add fwmark 100 table 100',
      'ip route add default via 10.0.0.253 src 10.0.0.3 table 100',
      'ip rule add from 10.0.0.3 table main',
      'iptables -t mangle -A OUTPUT -j MARK --set-mark 100',
    ];
    for (const events of [
      ['socket c udp', 'send c 4 to 8.8.8.8:53'],
      ['socket c tcp', 'connect c 8.8.8.8:53'],
    ]) {
      expect(sent([...back, ...rules], events)).toEqual(['eth0 10.0.0.1 > 8.8.8.8']);
      expect(sent([...back, ...rules.filter((rule) => !rule.includes('from'))], events)).toEqual([
        'eth0 10.0.0.3 > 8.8.8.8',
      ]);
    }
  });

  it('the source stays where the new link has none', () => {
    const host = [
      ...LINKS.filter((line) => !line.includes('addr')),
      'ip addr add 10.0.0.1/24 scope link dev eth0',
      'ip addr add 10.1.0.1/24 scope link dev eth1',
      'ip route add default via 10.1.0.254 table 100',
      'ip rule add fwmark 100 table 100',
      'iptables -t mangle -A OUTPUT -j MARK --set-mark 100',
    ];
    expect(sent(host, ['socket c udp', 'send c 4 to 10.0.0.9:53'])).toEqual(['eth1 10.0.0.1 > 10.0.0.9']);
  });

  it('a reply that connection tracking knows carries the address that was asked, also of a server that is bound to none', () => {
    const host = [...MARKED, 'iptables -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT'];
    const events = ['socket s udp', 'bind s 0.0.0.0:53', 'receive eth0 8.8.8.8:5000 > 10.0.0.1:53 udp 4'];
    expect(sent(host, [...events, 'send s 4 to 8.8.8.8:5000'])).toEqual(['eth1 10.0.0.1 > 8.8.8.8']);
    expect(sent(host, ['socket s udp', 'send s 4 to 8.8.8.8:5000'])).toEqual(['eth1 10.1.0.1 > 8.8.8.8']);
  });

  it('a protocol whose checksum it does not know keeps its source', () => {
    expect(sent(MARKED, ['socket c raw 136', 'send c 8 to 8.8.8.8'])).toEqual(['eth1 10.0.0.1 > 8.8.8.8']);
  });

  it('a Fast Open connect stays where it is, deferred or not', () => {
    const host = [...MARKED, 'sysctl net.ipv4.tcp_fastopen=5'];
    expect(sent(host, ['socket c tcp', 'send c 4 to 8.8.8.8:80 tfo'])).toEqual(['eth1 10.0.0.1 > 8.8.8.8']);
    expect(sent(host, ['socket c tcp', 'connect c 8.8.8.8:80 tfo', 'send c 4'])).toEqual(['eth1 10.0.0.1 > 8.8.8.8']);
  });

  it('where no port is free at the new address, socket and SYN stay as they were', () => {
    const host = [...MARKED, 'sysctl net.ipv4.ip_local_port_range="40000 40000"'];
    const events = ['socket d tcp dev eth1', 'connect d 8.8.8.8:80', 'socket c tcp', 'connect c 8.8.8.8:80'];
    expect(sent(host, events)).toEqual(['eth1 10.1.0.1 > 8.8.8.8', 'eth1 10.0.0.1 > 8.8.8.8']);
  });

  describe('a connection of the new link, behind one in TIME_WAIT on the same tuple', () => {
    const TO = '10.0.0.254:80';
    const BEHIND = ['socket d tcp dev eth1', `connect d ${TO}`, 'socket w tcp mark 100', `connect w ${TO}`];
    const WAITS = ['answer w', 'close w', 'answer w'];
    const NEXT = ['socket c tcp', `connect c ${TO}`];
    const lastSyn = (ports: string, events: readonly string[], sysctls: readonly string[] = []): string => {
      const host = [...MARKED, `sysctl net.ipv4.ip_local_port_range="${ports}"`, ...sysctls];
      const { steps } = play(tcpRehashMended, compile({ host, events }));
      const packets = steps.flatMap(({ effects }) => effects.flatMap((e) => (e.kind === 'xmit' ? [e.skb] : [])));
      const last = packets.at(-1);
      const waiting = steps.at(-1)?.world.socks.filter(({ sk_state }) => sk_state === TCP_TIME_WAIT).length;
      return `${dotted(last?.iph.saddr ?? 0)}:${last?.th.source}, ${waiting} in TIME_WAIT`;
    };

    it('keeps its tuple, and the one in TIME_WAIT stays', () => {
      expect(lastSyn('40000 40000', [...BEHIND, ...WAITS, ...NEXT])).toBe('10.0.0.1:40000, 1 in TIME_WAIT');
    });

    it('has the next one take the next port', () => {
      const two = [...BEHIND, ...WAITS, ...NEXT];
      expect(lastSyn('40000 40001', two)).toMatch(/^10\.1\.0\.1:4000[01], 1 in TIME_WAIT$/);
    });

    it('has it take no port that is reserved, or bound', () => {
      const reserved = ['sysctl net.ipv4.ip_local_reserved_ports=40001'];
      const taken = [...BEHIND, ...WAITS, ...NEXT];
      expect(lastSyn('40000 40001', taken, reserved)).toBe('10.0.0.1:40000, 1 in TIME_WAIT');
      const bound = ['socket b tcp', 'bind b 0.0.0.0:40001', ...taken];
      expect(lastSyn('40000 40001', bound)).toBe('10.0.0.1:40000, 1 in TIME_WAIT');
    });

    it('is not there: the one in TIME_WAIT gives way, as for connect()', () => {
      const alone = [...BEHIND.slice(2), ...WAITS, 'wait 2', ...NEXT];
      const once = ['sysctl net.ipv4.tcp_tw_reuse=1'];
      expect(lastSyn('40000 40000', alone, once)).toBe('10.1.0.1:40000, 0 in TIME_WAIT');
      expect(lastSyn('40000 40000', alone)).toBe('10.0.0.1:40000, 1 in TIME_WAIT');
    });
  });

  it('a SYN that is sent once more does not move, though the first was dropped: its name may be known', () => {
    const drop = 'iptables -t mangle -A OUTPUT -m statistic --mode nth --every 80 --packet 0 -j DROP';
    const again = ['socket c tcp', 'connect c 8.8.8.8:53', 'retransmit c'];
    expect(sent([...MARKED, drop], again)).toEqual(['eth1 10.0.0.1 > 8.8.8.8']);
  });

  describe('a SYN that later rules drop moves no socket', () => {
    const NAME = ['socket c tcp', 'connect c 8.8.8.8:53'];

    /** Source and port of the socket, and what left. */
    function leftBy(host: readonly string[], events: readonly string[], kernel: Kernel): unknown {
      const socks = play(kernel, compile({ host, events })).steps.at(-1)?.world.socks ?? [];
      return {
        names: socks.map(({ inet_saddr, inet_sport }) => [inet_saddr, inet_sport]),
        sent: sent(host, events, kernel),
      };
    }

    it.each([
      ['in the filter table', ['iptables -A OUTPUT -j DROP']],
      ['with an answer', ['iptables -A OUTPUT -j REJECT']],
      ['by their port', ['iptables -A OUTPUT -p tcp --sport 1024: -j DROP']],
      ['behind the route', ['iptables -t mangle -A POSTROUTING -o eth1 -j DROP']],
      ['once', ['iptables -A OUTPUT -m statistic --mode nth --every 2 --packet 0 -j DROP']],
    ])('%s', (_, rules) => {
      const events = [...NAME, 'retransmit c'];
      const host = [...MARKED, ...rules];
      expect(leftBy(host, events, tcpRehashMended)).toEqual(leftBy(host, events, stock));
      expect(leftBy(host, events, kernelNamed('tcp-rehash-only-unasked-rules') as Kernel)).not.toEqual(
        leftBy(host, events, stock),
      );
    });

    it.each([
      ['from its old address alone', ['iptables -A OUTPUT -s 10.0.0.1 -j DROP']],
      ['by a mark that its entry does not have', ['iptables -A OUTPUT -m connmark ! --mark 0 -j DROP']],
    ])('unless it passes: %s', (_, rules) => {
      expect(sent([...MARKED, ...rules], NAME)).toEqual(['eth1 10.1.0.1 > 8.8.8.8']);
    });

    it('by the mark that its entry will have', () => {
      const rules = [
        'iptables -t mangle -A OUTPUT -j CONNMARK --save-mark',
        'iptables -A OUTPUT -m connmark --mark 100 -j DROP',
      ];
      const host = [...MARKED, ...rules];
      expect(leftBy(host, NAME, tcpRehashMended)).toEqual(leftBy(host, NAME, stock));
    });

    it('and is dropped by the hook where they drop it from its new address alone', () => {
      const host = [...MARKED, 'iptables -A OUTPUT -s 10.1.0.1 -j DROP'];
      const { names } = leftBy(host, NAME, stock) as { names: unknown };
      expect(sent(host, NAME, stock)).toEqual(['eth1 10.0.0.1 > 8.8.8.8']);
      expect(leftBy(host, NAME, tcpRehashMended)).toEqual({ names, sent: [] });
    });

    it('and is routed as it was in a VRF, which shows it to the rules twice', () => {
      const vrf = ['ip link add vrf0 type vrf table 7', 'ip link set vrf0 up', 'ip link set eth1 master vrf0'];
      const host = [
        ...LINKS,
        ...vrf,
        'ip route add default via 10.1.0.254 table 7',
        'ip route add default via 10.0.0.254 table 100',
      ];
      const rules = ['ip rule add fwmark 100 table 100', 'iptables -t mangle -A OUTPUT -o eth1 -j MARK --set-mark 100'];
      const events = ['socket c tcp dev vrf0', 'connect c 8.8.8.8:53', 'retransmit c'];
      expect(leftBy([...host, ...rules], events, tcpRehashMended)).toEqual(leftBy([...host, ...rules], events, stock));
    });
  });

  it('a source from which rules answer with an error is none', () => {
    const host = [...MARKED, 'ip rule add from 10.1.0.1 unreachable'];
    for (const events of [
      ['socket c tcp', 'connect c 8.8.8.8:53'],
      ['socket c udp', 'send c 4 to 8.8.8.8:53'],
    ]) {
      expect(sent(host, events)).toEqual(sent(host, events, stock));
      expect(sent(host, events, kernelNamed('ask-first') as Kernel)).toEqual(sent(host, events, stock));
    }
  });

  it('later segments of a connection are led as its SYN, by rules that know a user, too', () => {
    const host = [
      ...LINKS,
      'ip route add default via 10.1.0.254 table 100',
      'iptables -t mangle -A OUTPUT -j MARK --set-mark 100',
      'ip rule add table 100',
      'ip rule add uidrange 53-53 fwmark 100',
    ];
    const [syn, ack] = sent(host, ['socket c tcp uid 53', 'connect c 10.0.0.254:80', 'answer c']);
    expect(ack).toBe(syn);
  });

  it('an entry of connection tracking keeps the mark that CONNMARK gave it', () => {
    const { steps } = play(
      icmpOnlyMended,
      compile({
        host: [...MARKED, 'iptables -t mangle -A OUTPUT -j CONNMARK --save-mark'],
        events: ['socket c udp', 'send c 4 to 8.8.8.8:53'],
      }),
    );
    const entries = steps.at(-1)?.world.conntrack ?? [];
    expect(entries.map(({ original, mark }) => [dotted(original.src), mark])).toEqual([['10.1.0.1', 100]]);
  });
});
