/** connect() and sendmsg() that ask for the mark: which source they choose, where they leave it, and that asking leaves no trace. */
import { describe, expect, test } from 'vitest';
import { askFirst } from '../../model/patch/ask-first.ts';
import { stock } from '../../model/patch/stock.ts';
import type { Kernel } from '../../model/types/world.ts';
import { worldAfter } from '../../properties/packets.ts';
import { play } from '../../scenario/play.ts';
import { compile } from '../../scenario/text.ts';
import { traceOf } from '../../scenario/trace.ts';
import { TWO_PROVIDERS } from './build.ts';

const HOST = [...TWO_PROVIDERS, 'ip rule add fwmark 1 table 100'];
const MARK = 'iptables -t mangle -A OUTPUT -j MARK --set-mark 1';
const TAKEN = 'iptables -t mangle -A OUTPUT -s 10.8.0.2 -j MARK --set-mark 0';
const NTH = 'iptables -t mangle -A OUTPUT -m statistic --mode nth --every 2 --packet 0 -j MARK --set-mark 1';

/** Link and source of each packet. */
function ways(kernel: Kernel, host: readonly string[], events: readonly string[]): readonly string[] {
  return traceOf(play(kernel, compile({ host, events }))).packets.map(({ dev, saddr }) => `${dev} from ${saddr}`);
}

/** Ways of a kernel that asks first, on the two links with these further commands. */
function asked(host: readonly string[], events: readonly string[]): readonly string[] {
  return ways(askFirst, [...HOST, ...host], events);
}

/** What stock does there; it must be something else, or the case shows nothing. */
function unasked(host: readonly string[], events: readonly string[]): readonly string[] {
  return ways(stock, [...HOST, ...host], events);
}

const RIGHT = 'eth1 from 10.8.0.2';
const WRONG = 'eth1 from 192.168.1.10';

describe('the source of the link that a mark leads to', () => {
  test.each([
    ['an echo request', ['socket c ping', 'send c 56 to 8.8.8.8']],
    ['a datagram', ['socket c udp', 'send c 1 to 8.8.8.8:53']],
    ['a datagram of a connected socket', ['socket c udp', 'connect c 8.8.8.8:53', 'send c 1']],
    ['an echo request of a raw socket', ['socket c raw icmp', 'send c 56 to 8.8.8.8']],
    ['a SYN', ['socket c tcp', 'connect c 8.8.8.8:80']],
  ])('is that of %s', (_, events) => {
    expect(unasked([MARK], events)).toEqual([WRONG]);
    expect(asked([MARK], events)).toEqual([RIGHT]);
  });

  test('is that of what a rule marks by the other source', () => {
    const host = [MARK.replace('-j', '-s 192.168.1.10 -j')];
    const events = ['socket c udp', 'send c 1 to 8.8.8.8:53', 'socket d tcp', 'connect d 8.8.8.8:80'];
    expect(unasked(host, events)).toEqual([WRONG, WRONG]);
    expect(asked(host, events)).toEqual([RIGHT, RIGHT]);
  });

  test('is that of a whole connection, whose socket says so', () => {
    const events = ['socket c tcp', 'connect c 8.8.8.8:80', 'answer c', 'send c 1'];
    const { packets, sockets } = traceOf(play(askFirst, compile({ host: [...HOST, MARK], events })));
    expect(new Set(packets.map(({ dev, saddr }) => `${dev} from ${saddr}`))).toEqual(new Set([RIGHT]));
    expect(sockets.c?.saddr).toBe('10.8.0.2');
  });
});

describe('is left as it is', () => {
  const SEND = ['socket c udp', 'send c 1 to 8.8.8.8:53'];

  test.each([
    ['without a mark', [], SEND, 'eth0 from 192.168.1.10'],
    ['where the user bound an address', [MARK], ['socket c udp', 'bind c 192.168.1.10:0', SEND[1] as string], WRONG],
    ['where a server answers from its port', [MARK], ['socket c udp', 'bind c 0.0.0.0:53', SEND[1] as string], WRONG],
    [
      'where a server connects to its caller',
      [MARK],
      [
        'socket c udp',
        'bind c 0.0.0.0:53',
        'receive eth0 8.8.8.8:53 > 192.168.1.10:53 udp 4',
        'connect c 8.8.8.8:53',
        'send c 1',
      ],
      WRONG,
    ],
    ['where the user refuses gateways', [MARK], ['socket c tcp dontroute', 'connect c 192.168.1.7:80'], WRONG],
    ['where one message refuses gateways', [MARK], ['socket c udp', 'send c 1 to 192.168.1.7:53 dontroute'], WRONG],
    ['where the user builds the header', [MARK], ['socket c hdrincl', 'send c 1 to 8.8.8.8'], WRONG],
    ['where the user makes the checksum', [MARK], ['socket c raw udp', SEND[1] as string], WRONG],
    ['where a rule takes the mark from the new source', [MARK, TAKEN], SEND, WRONG],
    ['where the mark leads nowhere', ['ip route replace unreachable default table 100', MARK], SEND, undefined],
    ['where a rule by source leads back', ['ip rule add from 10.8.0.2 pref 10 table main', MARK], SEND, WRONG],
  ])('%s', (_, host, events, way) => {
    expect(asked(host, events)).toEqual(way === undefined ? [] : [way]);
    expect(asked(host, events)).toEqual(unasked(host, events));
  });
});

describe('rules that look at the link', () => {
  const BY_LINK = 'iptables -t mangle -A OUTPUT -o eth1 -j MARK --set-mark 7';

  test.each([
    ['a SYN', ['socket c tcp', 'connect c 8.8.8.8:80']],
    ['a datagram', ['socket c udp', 'send c 1 to 8.8.8.8:53']],
    ['a datagram of a connected socket', ['socket c udp', 'connect c 8.8.8.8:53', 'send c 1']],
    ['an echo request', ['socket c ping', 'send c 56 to 8.8.8.8']],
  ])('see the link of before, so that they do not lead %s away again', (_, events) => {
    expect(unasked([MARK, BY_LINK], events)).toEqual([WRONG]);
    expect(asked([MARK, BY_LINK], events)).toEqual([RIGHT]);
  });

  test('drop on the new link what they let pass on the old one: it comes from there', () => {
    const host = [MARK, 'iptables -t mangle -A OUTPUT -o eth1 -j DROP'];
    expect(asked(host, ['socket c tcp', 'connect c 8.8.8.8:80'])).toEqual([RIGHT]);
  });

  test('lead away what comes from the new source with the mark or without it: it keeps what it has', () => {
    const host = [MARK.replace('-j', '-s 192.168.1.10 -j'), BY_LINK];
    expect(asked(host, ['socket c tcp', 'connect c 8.8.8.8:80'])).toEqual([WRONG]);
  });
});

describe('rules that drop', () => {
  const CONNECT = ['socket c tcp', 'connect c 8.8.8.8:80'];
  const ONCE = 'iptables -A OUTPUT -m statistic --mode nth --every 2 --packet 0 -j DROP';

  /** The address of the socket, after these events. */
  function name(kernel: Kernel, host: readonly string[], events: readonly string[]): string | undefined {
    return traceOf(play(kernel, compile({ host: [...HOST, ...host], events }))).sockets.c?.saddr;
  }

  test.each([ONCE, ONCE.replace('-A', '-t mangle -A')])(
    'drop a SYN once (%s): it is sent again from the right source',
    (once) => {
      const again = [...CONNECT, 'retransmit c'];
      expect(unasked([MARK, once], again)).toEqual([WRONG]);
      expect(asked([MARK, once], again)).toEqual([RIGHT]);
      expect(name(askFirst, [MARK, once], CONNECT)).toBe('10.8.0.2');
    },
  );

  test.each(['', '-t mangle '])('forbid the new source (%s), so that nothing leaves from the wrong one', (table) => {
    const host = [MARK, `iptables ${table}-A OUTPUT -s 10.8.0.2 -j DROP`];
    expect(unasked(host, CONNECT)).toEqual([WRONG]);
    expect(asked(host, CONNECT)).toEqual([]);
    expect(name(askFirst, host, CONNECT)).toBe('10.8.0.2');
  });

  test('see the device that the packet will leave by', () => {
    const host = [MARK, 'iptables -A OUTPUT -o eth0 -j DROP'];
    expect(unasked(host, CONNECT)).toEqual([]);
    expect(asked(host, CONNECT)).toEqual([RIGHT]);
  });
});

describe('a connected datagram socket', () => {
  const TO = 'iptables -t mangle -A OUTPUT -d 8.8.8.8 -j MARK --set-mark 1';
  const CONNECTED = ['socket c udp', 'connect c 8.8.8.8:53'];

  test('sends with the mark of its source, and without it from another', () => {
    const other = 'send c 1 to 8.8.4.4:53';
    expect(asked([TO], [...CONNECTED, 'send c 1', other])).toEqual([RIGHT, RIGHT]);
    expect(asked([TO], [...CONNECTED, `${other} from 192.168.1.10`])).toEqual(['eth0 from 192.168.1.10']);
  });

  test('sends without that mark what refuses gateways', () => {
    const host = [TO, 'iptables -t mangle -A OUTPUT -j TOS --set-tos 0x10'];
    const near = 'send c 1 to 192.168.1.7:53';
    expect(asked(host, [...CONNECTED, near])).toEqual([RIGHT]);
    expect(asked(host, [...CONNECTED, `${near} dontroute`])).toEqual(['eth0 from 10.8.0.2']);
  });

  test('is led by a TOS, which rules give it again', () => {
    const host = ['ip rule add tos 0x10 table 100', 'iptables -t mangle -A OUTPUT -j TOS --set-tos 0x10'];
    expect(unasked(host, [...CONNECTED, 'send c 1'])).toEqual([WRONG]);
    expect(asked(host, [...CONNECTED, 'send c 1'])).toEqual([RIGHT]);
    expect(asked(host, ['socket c udp', 'send c 1 to 8.8.8.8:53'])).toEqual([RIGHT]);
  });
});

describe('paths between which the ports decide', () => {
  const PATHS = [
    'ip route replace default table 100 nexthop via 192.168.1.1 nexthop via 10.8.0.1',
    'sysctl net.ipv4.fib_multipath_hash_policy=1',
    MARK,
  ];
  test('are known for a datagram', () => {
    const ports = Array.from({ length: 16 }, (_, at) => `send c 1 to 8.8.8.8:${at + 1}`);
    const ways = asked(PATHS, ['socket c udp', ...ports]);
    expect(ways).toContain(RIGHT);
    expect(ways).not.toContain('eth0 from 10.8.0.2');
    expect(unasked(PATHS, ['socket c udp', ...ports])).toContain(WRONG);
  });

  test('are not for connect(), which then asks nobody', () => {
    const ports = Array.from({ length: 16 }, (_, at) => [
      `socket s${at} tcp`,
      `connect s${at} 8.8.8.8:${at + 1}`,
    ]).flat();
    expect(asked(PATHS, ports)).toEqual(unasked(PATHS, ports));
  });
});

describe('asking', () => {
  test('does not move what a rule counts', () => {
    const events = ['socket c udp', ...Array.from({ length: 4 }, () => 'send c 1 to 8.8.8.8:53')];
    expect(asked([NTH], events)).toEqual([RIGHT, 'eth0 from 192.168.1.10', RIGHT, 'eth0 from 192.168.1.10']);
    expect(unasked([NTH], events)).toEqual([WRONG, 'eth0 from 192.168.1.10', WRONG, 'eth0 from 192.168.1.10']);
  });

  test('keeps a connection on its link, whatever a rule counts', () => {
    const events = ['socket c tcp', 'connect c 8.8.8.8:80', 'retransmit c', 'answer c', 'send c 1'];
    expect(new Set(asked([NTH], events))).toEqual(new Set([RIGHT]));
    expect(new Set(unasked([NTH], events)).size).toBe(2);
  });

  test('leaves no connection behind', () => {
    const track = 'iptables -A OUTPUT -m conntrack --ctstate INVALID -j DROP';
    const events = ['socket c udp', 'connect c 8.8.8.8:53'];
    const run = play(askFirst, compile({ host: [...HOST, MARK, track], events }));
    expect(worldAfter(run, 1).conntrack).toEqual([]);
  });
});
