/**
 * The alternatives without a patch: which commands and marks they are, and where they say that they cannot do what the marks
 * do. Every way that is expected here was observed: Linux 6.18.44, `npx tsx conformance/marked.ts`, and `replay --on kernel` of
 * these hosts, 2026-11-28.
 */
import { describe, expect, test } from 'vitest';
import { masquerade } from '../../model/patch/masquerade.ts';
import { selectorRules } from '../../model/patch/selector-rules.ts';
import { soMark } from '../../model/patch/so-mark.ts';
import { stock } from '../../model/patch/stock.ts';
import type { Kernel } from '../../model/types/world.ts';
import { play, typed } from '../../scenario/play.ts';
import { compile } from '../../scenario/text.ts';
import { traceOf } from '../../scenario/trace.ts';
import { TWO_PROVIDERS } from './build.ts';

const HOST = [...TWO_PROVIDERS, 'ip rule add fwmark 1 table 100'];

/** A rule of mangle OUTPUT. */
function out(rest: string): string {
  return `iptables -t mangle -A OUTPUT ${rest}`;
}

const MARK = '-j MARK --set-mark 1';

/** The policy rules that the variant adds, without those for groups and everybody. */
function rules(host: readonly string[]): readonly string[] {
  return commands(host).filter((line) => line.startsWith('ip rule') && !/ to (224|255)\./.test(line));
}

function commands(host: readonly string[], kernel: Kernel = selectorRules): readonly string[] {
  return typed(kernel, { host, events: [] }).commands;
}

function why(host: readonly string[], events: readonly string[] = [], kernel: Kernel = selectorRules): string {
  return typed(kernel, { host, events }).why;
}

/** Link and source of each packet. */
function ways(kernel: Kernel, host: readonly string[], events: readonly string[]): readonly string[] {
  return traceOf(play(kernel, compile({ host, events }))).packets.map(({ dev, saddr }) => `${dev} from ${saddr}`);
}

const UDP = ['socket b udp uid 1001', 'send b 9 to 192.168.1.77:53', 'send b 9 to 198.51.100.5:53'];

describe('policy rules in place of marks', () => {
  test('select what the mark selects, in front of the rule that asks for it', () => {
    const host = [...HOST, out(`-d 8.8.8.8 -p tcp --dport 80 ${MARK}`)];
    expect(commands(host)).toEqual([
      'iptables -t mangle -D OUTPUT 1',
      'ip rule add to 8.8.8.8 iif lo ipproto tcp dport 80 pref 32764 table 100',
    ]);
    const events = ['socket c tcp', 'connect c 8.8.8.8:80', 'socket d tcp', 'connect d 8.8.8.8:81'];
    expect(ways(stock, host, events)).toEqual(['eth1 from 192.168.1.10', 'eth0 from 192.168.1.10']);
    expect(ways(selectorRules, host, events)).toEqual(['eth1 from 10.8.0.2', 'eth0 from 192.168.1.10']);
  });

  test('pass a rule by that is for all but the mark', () => {
    const host = [
      ...TWO_PROVIDERS,
      'ip rule add not fwmark 51820 table 100',
      'ip rule add table main suppress_prefixlength 0',
      out('-m owner --uid-owner 1001 -j MARK --set-mark 51820'),
    ];
    expect(rules(host)).toEqual(['ip rule add iif lo uidrange 1001-1001 pref 32764 goto 32766']);
    expect(ways(stock, host, UDP)).toEqual(['eth0 from 192.168.1.10', 'eth0 from 10.8.0.2']);
    expect(ways(selectorRules, host, UDP)).toEqual(['eth0 from 192.168.1.10', 'eth0 from 192.168.1.10']);
    const other = UDP.map((line) => line.replace(' uid 1001', ''));
    expect(ways(selectorRules, host, other)).toEqual(ways(stock, host, other));
  });

  test('let pass what RETURN or ACCEPT lets pass before the mark', () => {
    const lan = [...HOST, out('-d 192.168.0.0/16 -j RETURN'), out(`-m owner --uid-owner 1001 ${MARK}`)];
    expect(rules(lan)).toEqual([
      'ip rule add to 192.168.0.0/16 iif lo pref 32763 goto 32765',
      'ip rule add iif lo uidrange 1001-1001 pref 32764 table 100',
    ]);
    expect(ways(selectorRules, lan, UDP)).toEqual(['eth0 from 192.168.1.10', 'eth1 from 10.8.0.2']);
    const udp = [...HOST, out('-m owner --uid-owner 1001 -p udp -j ACCEPT'), out(`-m owner --uid-owner 1001 ${MARK}`)];
    const events = [...UDP, 'socket c tcp uid 1001', 'connect c 198.51.100.5:80'];
    expect(ways(selectorRules, udp, events)).toEqual([
      'eth0 from 192.168.1.10',
      'eth0 from 192.168.1.10',
      'eth1 from 10.8.0.2',
    ]);
  });

  test('follow the last mark', () => {
    const host = [
      ...HOST,
      'ip route add prohibit default table 200',
      'ip rule add fwmark 2 table 200',
      out(`-p udp ${MARK}`),
      out('-d 8.8.8.8 -j MARK --set-mark 2'),
    ];
    expect(rules(host)).toEqual([
      'ip rule add to 8.8.8.8 iif lo pref 32763 table 200',
      'ip rule add to 8.8.8.8 iif lo pref 32764 goto 32765',
      'ip rule add iif lo ipproto udp pref 32764 table 100',
    ]);
  });

  test('stand where the rule for the mark stands, behind what comes before it', () => {
    const host = [
      ...TWO_PROVIDERS,
      'ip rule add pref 100 to 10.0.0.0/8 lookup main',
      'ip rule add pref 200 fwmark 1 table 100',
      out(`-p udp ${MARK}`),
    ];
    expect(rules(host)).toEqual(['ip rule add iif lo ipproto udp pref 199 table 100']);
    expect(
      ways(selectorRules, host, ['socket b udp', 'send b 9 to 10.20.0.1:53', 'send b 9 to 198.51.100.5:54']),
    ).toEqual(['eth0 from 192.168.1.10', 'eth1 from 10.8.0.2']);
  });

  test('keep what the rule for the mark asks besides', () => {
    const host = [
      ...TWO_PROVIDERS,
      'ip rule add fwmark 1 to 8.0.0.0/8 ipproto udp table 100',
      out(`-m owner --uid-owner 1001 ${MARK}`),
    ];
    expect(rules(host)).toEqual([
      'ip rule add to 8.0.0.0/8 iif lo uidrange 1001-1001 ipproto udp pref 32764 table 100',
    ]);
  });

  test.each([
    [
      'chains of users',
      [
        'iptables -t mangle -N VPN',
        'iptables -t mangle -A VPN -p tcp -j RETURN',
        `iptables -t mangle -A VPN ${MARK}`,
        out('-d 8.8.8.8 -j VPN'),
      ],
      [
        'ip rule add to 8.8.8.8 iif lo ipproto tcp pref 32763 goto 32765',
        'ip rule add to 8.8.8.8 iif lo pref 32764 table 100',
      ],
    ],
    [
      'lists of ports',
      [out(`-p tcp -m multiport --dports 80,443 ${MARK}`)],
      [
        'ip rule add iif lo ipproto tcp dport 80 pref 32763 table 100',
        'ip rule add iif lo ipproto tcp dport 443 pref 32764 table 100',
      ],
    ],
    [
      'ports from one on',
      [out(`-p udp --dport 1024:65535 ${MARK}`)],
      [
        'ip rule add iif lo ipproto udp dport 1-1023 pref 32763 goto 32765',
        'ip rule add iif lo ipproto udp pref 32764 table 100',
      ],
    ],
    [
      'what is not',
      [out(`! -d 192.168.0.0/16 -p tcp ${MARK}`)],
      [
        'ip rule add to 192.168.0.0/16 iif lo ipproto tcp pref 32763 goto 32765',
        'ip rule add iif lo ipproto tcp pref 32764 table 100',
      ],
    ],
    [
      'marks that are known',
      [out('-p tcp -j MARK --set-mark 7'), out(`-m mark --mark 7 ${MARK}`)],
      ['ip rule add iif lo ipproto tcp pref 32764 table 100'],
    ],
    [
      'no link by which a packet came',
      [
        out(`-p tcp ${MARK}`),
        'iptables -t mangle -N IN',
        `iptables -t mangle -A IN -i eth0 -j MARK --set-mark 2`,
        out('-j IN'),
      ],
      ['ip rule add iif lo ipproto tcp pref 32764 table 100'],
    ],
    [
      'what goes to this host',
      [out('-o lo -j RETURN'), out('-m addrtype --dst-type LOCAL -j RETURN'), out(`-p tcp ${MARK}`)],
      ['ip rule add iif lo ipproto tcp pref 32764 table 100'],
    ],
  ])('understand %s', (_, mangle, expected) => {
    expect(rules([...HOST, ...mangle])).toEqual(expected);
  });

  test('leave groups where they are', () => {
    const host = [...HOST, out(MARK)];
    expect(commands(host)).toEqual([
      'iptables -t mangle -D OUTPUT 1',
      'ip rule add to 224.0.0.0/4 iif lo pref 32762 goto 32765',
      'ip rule add to 255.255.255.255 iif lo pref 32763 goto 32765',
      'ip rule add iif lo pref 32764 table 100',
    ]);
    const events = ['socket b udp', 'send b 9 to 239.1.2.3:53', 'send b 9 to 8.8.8.8:53'];
    expect(ways(stock, host, events)).toEqual(['eth0 from 192.168.1.10', 'eth1 from 192.168.1.10']);
    expect(ways(selectorRules, host, events)).toEqual(['eth0 from 192.168.1.10', 'eth1 from 10.8.0.2']);
  });

  test('a rule by user does not see a marked packet: the second lookup is for user 0', () => {
    const host = [
      ...HOST,
      'ip route add default via 10.8.0.9 table 200',
      'ip rule add pref 100 uidrange 1001-1001 table 200',
      out(`-p udp ${MARK}`),
    ];
    expect(rules(host)).toEqual([
      'ip rule add iif lo ipproto udp pref 99 goto 32762',
      'ip rule add iif lo ipproto udp pref 32764 table 100',
    ]);
  });

  test('the marks stay where something else asks for them', () => {
    const host = [...HOST, out(`-p tcp ${MARK}`), 'iptables -t nat -A POSTROUTING -m mark --mark 1 -j MASQUERADE'];
    expect(commands(host)).toEqual(['ip rule add iif lo ipproto tcp pref 32764 table 100']);
  });

  test('are none where marks lead nowhere', () => {
    expect(typed(selectorRules, { host: [...TWO_PROVIDERS, out(MARK)], events: [] })).toMatchObject({
      why: '',
      commands: [],
    });
  });

  test.each([
    ['-s', [out(`-s 192.168.1.10 -p udp ${MARK}`)], /rule 1 of OUTPUT looks at the source/],
    ['--syn', [out(`-p tcp --syn ${MARK}`)], /looks at flags/],
    ['-o', [out(`-o eth0 ${MARK}`)], /looks at the link/],
    ['a state of connections', [out(`-m conntrack --ctstate NEW ${MARK}`)], /looks at what is known of a connection/],
    ['RETURN by a state before it', [out('-m conntrack --ctstate NEW -j RETURN'), out(MARK)], /rule 1 of OUTPUT/],
    ['a number of packets', [out(`-m statistic --mode nth --every 2 --packet 0 ${MARK}`)], /how many packets/],
    ['CONNMARK', [out('-j CONNMARK --restore-mark'), out(MARK)], /takes the mark of the connection/],
    ['user 0', [out(`-m owner --uid-owner 0 ${MARK}`)], /user 0/],
    ['the source port of TCP', [out(`-p tcp --sport 4000 ${MARK}`)], /the source port/],
    ['a type of service', [out(`-m tos --tos 0x10 ${MARK}`)], /type of service/],
    ['a changed type of service', [out('-p udp -j TOS --set-tos 0x10'), out(MARK)], /changes the type of service/],
    ['a filter by the first link', [out(MARK), 'iptables -A OUTPUT -o eth0 -j DROP'], /filter OUTPUT looks at/],
    [
      'changed destinations',
      [out(MARK), 'iptables -t nat -A OUTPUT -p udp -j DNAT --to-destination 9.9.9.9'],
      /nat OUTPUT/,
    ],
    ['a rule by source', ['ip rule add from 192.168.1.10 table 200', out(MARK)], /rule 32764 asks for a source/],
    [
      'no place',
      [
        'ip rule add pref 300 to 10.0.0.0/8 table main',
        'ip rule add pref 300 fwmark 2 table 100',
        out('-j MARK --set-mark 2'),
      ],
      /no preference is free beside 300/,
    ],
    ['no route without a mark', ['ip route del default', out(MARK)], /refused before it is marked/],
  ])('say that they cannot where a mark depends on %s', (_, more, reason) => {
    expect(why([...HOST, ...more])).toMatch(reason);
    expect(commands([...HOST, ...more])).toEqual([]);
  });

  test.each([
    ['a mark of its own', [], 'socket c udp mark 7'],
    ['a header of its own', ['--dport 53'], 'socket c raw udp'],
    ['a header of its own', [], 'socket c hdrincl'],
  ])('say so of a socket with %s', (_, ports, socket) => {
    expect(why([...HOST, out(`-p udp ${ports.join(' ')} ${MARK}`)], [socket])).not.toBe('');
  });

  test('a rule by source that leads where the mark leads is no obstacle', () => {
    const host = [...HOST, 'ip rule add from 10.8.0.2 table 100', out(`-p udp ${MARK}`)];
    expect(rules(host)).toEqual(['ip rule add iif lo ipproto udp pref 32764 table 100']);
  });
});

describe('programs that set SO_MARK', () => {
  const marksOf = (host: readonly string[], events: readonly string[]) => typed(soMark, { host, events }).events;

  test('set the mark that all packets of the socket get', () => {
    const host = [...HOST, out('-m owner --uid-owner 1001 -p udp -j ACCEPT'), out(`-m owner --uid-owner 1001 ${MARK}`)];
    expect(marksOf(host, ['socket b udp uid 1001', 'socket c tcp uid 1001', 'socket d tcp'])).toEqual([
      'socket b udp uid 1001',
      'socket c tcp uid 1001 mark 1',
      'socket d tcp',
    ]);
    expect(ways(soMark, host, ['socket c tcp uid 1001', 'connect c 8.8.8.8:80'])).toEqual(['eth1 from 10.8.0.2']);
  });

  test.each([
    ['the destination', [out('-d 192.168.0.0/16 -j RETURN'), out(MARK)], 'socket c udp', /looks at the destination/],
    ['the source', [out(`-s 192.168.1.10 ${MARK}`)], 'socket c udp', /looks at the source/],
    ['the header of each message', [out(`-p tcp ${MARK}`)], 'socket c hdrincl', /looks at the protocol/],
    [
      'the mark itself',
      [out(`-m mark ! --mark 0 -j MARK --set-mark 5`), out(`-m mark --mark 0 ${MARK}`)],
      'socket c udp',
      /gives another mark/,
    ],
    [
      'a rule by user',
      ['ip rule add uidrange 0-1000 table 200', out(MARK)],
      'socket c udp',
      /asks for a source or a user/,
    ],
  ])('say that they cannot where a mark depends on %s', (_, more, socket, reason) => {
    expect(why([...HOST, ...more], [socket], soMark)).toMatch(reason);
  });

  test('a condition that decides nothing is no obstacle', () => {
    const host = [...HOST, out('-d 192.168.0.0/16 -p tcp -j RETURN'), out(`-p udp ${MARK}`)];
    expect(why(host, ['socket c udp'], soMark)).toBe('');
  });
});

describe('a run that a variant cannot express', () => {
  const host = [...HOST, out(`-s 192.168.1.10 ${MARK}`)];

  test('ends before its first event, and says why', () => {
    const run = play(selectorRules, compile({ host, events: UDP }));
    expect(run.steps).toEqual([]);
    expect(traceOf(run).outcome).toEqual({ inexpressible: expect.stringMatching(/looks at the source/) });
  });

  test('ends with the socket whose mark nobody knows', () => {
    const run = play(soMark, compile({ host, events: UDP }));
    expect(run.steps).toHaveLength(1);
    expect(traceOf(run).packets).toEqual([]);
  });
});

describe('MASQUERADE', () => {
  const added = (...more: readonly string[]) =>
    commands([...TWO_PROVIDERS, ...more], masquerade).map((line) => line.match(/-o (\S+)/)?.[1]);

  test('is for the link that the mark leads to', () => {
    expect(added('ip rule add fwmark 1 table 100')).toEqual(['eth1']);
  });

  test('is not for the first link, whose routes the table of the mark has, too', () => {
    expect(added('ip rule add fwmark 1 table 100', 'ip route add 192.168.1.0/24 dev eth0 table 100')).toEqual(['eth1']);
  });

  test('is for the link around a tunnel that all others take', () => {
    expect(added('ip rule add not fwmark 51820 table 100', 'ip rule add table main suppress_prefixlength 0')).toEqual([
      'eth0',
    ]);
  });

  test('is for none without a mark, nor for one that leads where all others go', () => {
    expect(added('ip rule add uidrange 1001-1001 table 100')).toEqual([]);
    expect(added('ip rule add fwmark 1 table main')).toEqual([]);
  });
});
