import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { HostCommand } from '../../model/types/host.ts';
import { NO_RULE } from '../../model/types/route.ts';
import { type CtTest, NO_XT_RULE, type XtMatch, type XtTarget } from '../../model/types/verdict.ts';
import { InputError, Wrong } from '../../scenario/error.ts';
import { maskOf } from '../../scenario/format.ts';
import { parseHostLine, printHostCommand, readHostText } from '../../scenario/host.ts';

const M = 'iptables -t mangle -A OUTPUT';

/**
 * What is typed, and the plain form of what it asks for. Both were given to iproute2 6.1.0 and iptables 1.8.9 in two
 * namespaces of Linux 6.18 on 2026-11-22, which were the same afterwards.
 */
const MEANINGS: readonly (readonly [typed: string, plain: string])[] = [
  ['ip link add eth0 type veth peer name eth0p', 'ip link add eth0 type veth peer name eth0p'],
  ['ip link add name y mtu 1400 type veth peer z', 'ip link add y mtu 1400 type veth peer name z'],
  ['ip l a gre9 type gre local 1.1.1.1 remote 2.2.2.2', 'ip link add gre9 type gre local 1.1.1.1 remote 2.2.2.2'],
  ['ip link set dev eth0 up mtu 1400', 'ip link set eth0 up mtu 1400'],
  ['ip -4 l se eth0 arp off', 'ip link set eth0 arp off'],
  ['ip link del dev eth0', 'ip link del eth0'],
  ['ip a a 10.0.0.1/24 brd + dev eth0', 'ip addr add 10.0.0.1/24 broadcast 10.0.0.255 dev eth0'],
  ['ip addr add 10.20.1.1/31 dev eth0 brd +', 'ip addr add 10.20.1.1/31 dev eth0'],
  ['ip address add 10.0.0.1 dev eth0', 'ip addr add 10.0.0.1/32 dev eth0'],
  ['ip addr add 10.5/16 dev eth0 label eth0:1', 'ip addr add 10.5.0.0/16 dev eth0'],
  ['ip addr add local 10.7.1.1/255.255.0.0 dev eth0', 'ip addr add 10.7.1.1/16 dev eth0'],
  ['ip addr add 10.0.0.2/24 peer 10.0.0.4 dev eth0', 'ip addr add 10.0.0.2 peer 10.0.0.4/32 dev eth0'],
  ['ip addr add 10.6.1.1/16 dev eth0 scope link', 'ip addr add 10.6.1.1/16 scope link dev eth0'],
  ['ip addr del 10.0.0.1 dev eth0', 'ip addr del 10.0.0.1 dev eth0'],
  ['ip a f eth0', 'ip addr flush dev eth0'],
  ['ip r a 0.0.0.0/0 via 10.0.0.254 src 10.0.0.1', 'ip route add default via 10.0.0.254 src 10.0.0.1'],
  ['ip ro add dev eth0 to 12.0.0.0/8 pro 7', 'ip route add 12.0.0.0/8 dev eth0 proto 7'],
  ['ip route add 14.0.0.0/8 p 5 oif eth0 proto static', 'ip route add 14.0.0.0/8 dev eth0 metric 5 proto static'],
  ['ip route add 11/8 dev eth0 dsf AF11', 'ip route add 11.0.0.0/8 dev eth0 tos 0x28'],
  ['ip route add default dev eth0 tos 10', 'ip route add default dev eth0 tos 0x10'],
  ['ip route add black 6.6.6.0/24 ta 3', 'ip route add blackhole 6.6.6.0/24 table 3'],
  ['ip route add local 17.0.0.0/8 dev lo table local', 'ip route add local 17.0.0.0/8 dev lo'],
  ['ip route add 20.0.0.0/8 via inet 1.1.1.1 dev eth0 onlink', 'ip route add 20.0.0.0/8 via 1.1.1.1 dev eth0 onlink'],
  ['ip route add 26.0.0.0/8 dev eth0 table 0x1000 table 254', 'ip route add 26.0.0.0/8 dev eth0'],
  ['ip route chg 1.0.0.0/8 dev eth0', 'ip route change 1.0.0.0/8 dev eth0'],
  ['ip route d default', 'ip route del default'],
  ['ip route flush cache', 'ip route flush cache'],
  ['ip ro fl ta 4', 'ip route flush table 4'],
  ['ip rule add fwmark 100 table 100', 'ip rule add fwmark 100 table 100'],
  ['ip ru a fwmark 0x1/0xff lookup 6 order 10', 'ip rule add fwmark 1/0xff pref 10 table 6'],
  ['ip rule add fwmark 0 table 5', 'ip rule add table 5'],
  ['ip rule add prio 12 from 1.1.1.1', 'ip rule add from 1.1.1.1 pref 12 table main'],
  ['ip rule add not from 1.2.3.0/24 blackhole', 'ip rule add not from 1.2.3.0/24 blackhole'],
  ['ip rule add from all type prohibit', 'ip rule add prohibit'],
  ['ip rule add to 1.1.1.1/24 unreach', 'ip rule add to 1.1.1.1/24 unreachable'],
  ['ip rule add goto 10 pref 7', 'ip rule add pref 7 goto 10'],
  ['ip rule add nop pref 8', 'ip rule add pref 8 nop'],
  ['ip rule add dev eth0 oif eth1 table 9', 'ip rule add iif eth0 oif eth1 table 9'],
  [
    'ip rule add uidrange 5-6 ipproto tcp dport 80-90 sport 4',
    'ip rule add uidrange 5-6 ipproto tcp sport 4 dport 80-90 table main',
  ],
  ['ip rule add t 4', 'ip rule add tun_id 4 table main'],
  ['ip rule add sup_group 7 lookup main', 'ip rule add suppress_ifgroup 7 table main'],
  ['ip rule add sup_pl 0 table main', 'ip rule add suppress_prefixlength 0 table main'],
  ['ip rule del pref 7', 'ip rule del pref 7'],
  ['ip rule flush', 'ip rule flush'],
  [
    'ip xfrm pol a src 10.0.0.1 dst 8.8.8.8/24 priority 5 dir out tmpl src 10.0.0.1 dst 8.8.8.8 proto esp mode transport',
    'ip xfrm policy add src 10.0.0.1 dst 8.8.8.8/24 dir out priority 5 tmpl proto esp',
  ],
  [
    'ip xfrm policy add src 0/0 dst 10/8 proto udp dport 53 dir out action block',
    'ip xfrm policy add src 0.0.0.0/0 dst 10.0.0.0/8 proto udp dport 53 dir out action block',
  ],
  [
    'ip xfrm policy add dst 8.8.8.8 dir out mark 0x17 mask 3 if_id 0x7 tmpl proto esp',
    'ip xfrm policy add src 0.0.0.0/0 dst 8.8.8.8 dir out mark 3 mask 0x3 if_id 7 tmpl proto esp',
  ],
  ['ip xfrm policy add src 10/8 dir out mark 100', 'ip xfrm policy add src 10.0.0.0/8 dst 0.0.0.0/0 dir out mark 100'],
  ['ip xfrm policy flush', 'ip xfrm policy flush'],
  [
    'ipset create near bitmap:ip range 10.0.0.0/24 netmask 28',
    'ipset create near bitmap:ip range 10.0.0.0-10.0.0.255 netmask 28',
  ],
  ['ipset create ports bitmap:port range 1000-0', 'ipset create ports bitmap:port range 0-1000'],
  [
    'ip ro add default src 10.0.0.1 nexthop via 10.0.0.254 weight 3 nexthop dev eth1 onlink via 10.1.0.254',
    'ip route add default src 10.0.0.1 nexthop via 10.0.0.254 weight 3 nexthop via 10.1.0.254 dev eth1 onlink',
  ],
  [`${M} -d 8.8.8.8/32 -j MARK --set-mark 0x64`, `${M} -d 8.8.8.8 -j MARK --set-mark 100`],
  [`${M} -s 10.1.2.3/255.255.0.0 -j ACCEPT`, `${M} -s 10.1.0.0/16 -j ACCEPT`],
  [`${M} -s 10.1.2.3/255.0.255.0 -j ACCEPT`, `${M} -s 10.0.2.0/255.0.255.0 -j ACCEPT`],
  [`${M} -d 0/0 -j ACCEPT`, `${M} -j ACCEPT`],
  [`${M} -o + -j ACCEPT`, `${M} -j ACCEPT`],
  [`${M} -p TCP --dp 80: --sport :5`, `${M} -p tcp --dport 80:65535 --sport 0:5`],
  [`${M} -p 17 -m udp ! --dport 53`, `${M} -p udp ! --dport 53`],
  [`${M} ! -p icmp`, `${M} ! -p icmp`],
  [`${M} --jump MARK --set-m 1`, `${M} -j MARK --set-mark 1`],
  [`${M} -j MARK --set-mark 1/0xe`, `${M} -j MARK --set-xmark 1/0xf`],
  [`${M} -j MARK --and-mark 0xf`, `${M} -j MARK --set-xmark 0/0xfffffff0`],
  [`${M} -j MARK --or-mark 0xf`, `${M} -j MARK --set-xmark 15/0xf`],
  [`${M} -j MARK --xor-mark 0xf`, `${M} -j MARK --set-xmark 15/0x0`],
  [`${M} -m mark ! --mark 1/3`, `${M} -m mark ! --mark 1/0x3`],
  [`${M} -j TOS --set-tos Minimize-Delay`, `${M} -j TOS --set-tos 16/0x3f`],
  [`${M} -j TOS --and-tos 0xf`, `${M} -j TOS --set-tos 0/0xf0`],
  [`${M} -m tos --tos 0x10`, `${M} -m tos --tos 16`],
  [`${M} -j DSCP --set-dscp-class af11`, `${M} -j DSCP --set-dscp 10`],
  [`${M} -m state --state NEW`, `${M} -m conntrack --ctstate NEW`],
  [`${M} -m owner ! --uid-owner root`, `${M} -m owner ! --uid-owner 0`],
  [`${M} -m statistic --mode nth --every 3 --packet 1`, `${M} -m statistic --mode nth --every 3 --packet 1`],
  [`${M} -p tcp -m multiport --dports 80,443,1000:2000`, `${M} -p tcp -m multiport --dports 80,443,1000:2000`],
  [`${M} -p tcp --tcp-flags FIN,SYN,RST,ACK SYN`, `${M} -p tcp --syn`],
  [`${M} -p tcp --tcp-flags ALL NONE`, `${M} -p tcp --tcp-flags FIN,SYN,RST,PSH,ACK,URG NONE`],
  [`${M} -p icmp --icmp-type host-unreachable`, `${M} -p icmp --icmp-type 3/1`],
  [`${M} -m addrtype ! --dst-type LOCAL`, `${M} -m addrtype ! --dst-type LOCAL`],
  [`${M} -j CONNMARK --restore-mark --mask 0xff`, `${M} -j CONNMARK --restore-mark --mask 0xff`],
  [`${M} -m comment --comment "two words"`, M],
  [`${M} -m socket --nowildcard --transparent`, `${M} -m socket --transparent --nowildcard`],
  [`${M} -m socket`, `${M} -m socket`],
  [
    `${M} -p tcp -j TPROXY --on-port 50080 --on-ip 0.0.0.0 --tproxy-mark 0x1`,
    `${M} -p tcp -j TPROXY --on-port 50080 --tproxy-mark 1/0xffffffff`,
  ],
  [`${M} -g FOO`, `${M} -g FOO`],
  ['iptables -t mangle -I OUTPUT 2 -j DROP', 'iptables -t mangle -I OUTPUT 2 -j DROP'],
  ['iptables -D OUTPUT 1', 'iptables -D OUTPUT 1'],
  ['iptables --policy OUTPUT DROP', 'iptables -P OUTPUT DROP'],
  ['iptables -w 5 -F', 'iptables -F'],
  ['iptables -t raw -A OUTPUT -j NOTRACK', 'iptables -t raw -A OUTPUT -j CT --notrack'],
  ['iptables -t nat -A POSTROUTING -o eth1 -j MASQUERADE', 'iptables -t nat -A POSTROUTING -o eth1 -j MASQUERADE'],
  [
    'iptables -t nat -A POSTROUTING -p tcp -j SNAT --to 1.2.3.4:50-60',
    'iptables -t nat -A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:50-60',
  ],
  ['sysctl -w net.ipv4.ip_local_port_range="40000 40100"', 'sysctl -w net.ipv4.ip_local_port_range="40000 40100"'],
  ['sysctl net/ipv4/conf/eth0.5/rp_filter=1', 'sysctl -w net.ipv4.conf.eth0/5.rp_filter=1'],
  ['sysctl -w net.ipv4.ip_local_reserved_ports=9,5,7-8', 'sysctl -w net.ipv4.ip_local_reserved_ports=5,7-9'],
];

describe('commands', () => {
  test.each(MEANINGS)('%s means %s', (typed, plain) => {
    expect(printHostCommand(parseHostLine(typed))).toBe(plain);
    expect(parseHostLine(plain)).toEqual(parseHostLine(typed));
  });

  test('a mark rule carries mark and mask', () => {
    expect(parseHostLine('ip rule add fwmark 100 table 100')).toMatchObject({
      kind: 'rule add',
      rule: { mark: 100, mark_mask: 0xffffffff, table: 100, pref: -1, protocol: 0 },
    });
  });

  test('a comment ends the line', () => {
    expect(parseHostLine('ip link set lo up # loopback')).toEqual(parseHostLine('ip link set lo up'));
  });
});

/** A line that is refused, and words that its message must have: the fault and what would be right. */
const REFUSALS: readonly (readonly [line: string, ...words: string[]])[] = [
  ['ifconfig eth0 up', '"ifconfig"', 'ip, iptables or sysctl'],
  ['ip rule add fwmrak 100 table 100', '"fwmrak"', 'fwmark'],
  ['ip rule add fwmark 100 table vtab', '"vtab"', 'number'],
  ['ip rule add fwmark', '"fwmark"', 'MARK'],
  ['ip rule add fwmark 0x1ffffffff table 1', '4294967295'],
  ['ip rule add', 'selector'],
  ['ip route add default mtu 1400 dev eth0', '"mtu"', 'not modelled', 'as large as the link allows'],
  ['ip route add 010.0.0.0/8 dev eth0', '010.0.0.0/8'],
  ['ip route add 10.0.0.0/33 dev eth0', '10.0.0.0/33'],
  ['ip route add 10.0.0.0 255.0.0.0 dev eth0', '"255.0.0.0"', 'second'],
  ['ip route show', 'changes nothing'],
  ['ip -6 route add default dev eth0', '"-6"', '-4'],
  ['ip addr add 10.0.0.1/24', 'dev NAME'],
  ['ip addr add 10.0.0.1/24 dev eth0 nowt', '"nowt"', 'broadcast'],
  ['ip link add eth0 type frob', '"frob"', 'veth'],
  ['ip link set eth0', 'up'],
  ['ip link set averyverylongname up', '15'],
  ['ip link add eth0 up type dummy', 'a line for each'],
  ['ip frob', '"frob"', 'link, address, route, rule, tunnel, tuntap or xfrm'],
  [`${M} --dport 80`, '"--dport"', '-p'],
  [`${M} -j TEE --gateway 1.2.3.4`, '"TEE"', 'no copy', '--leave-out TEE'],
  [`${M} -j MARK`, '--set-mark'],
  [`${M} -p tcp -j TPROXY`, '--on-port 8080'],
  [`${M} -m socket --restore-skmark`, 'the mark of its socket'],
  [`${M} -m socket ! --transparent`, '"!"'],
  [`${M} -j MARK --set-mark 1 --or-mark 2`, 'beside'],
  [`${M} -i eth0`, 'OUTPUT', '-o'],
  [`${M} -m time --timestart 8:00 -j DROP`, '"time"', 'what time it is', '--leave-out time'],
  [`${M} -d 1.1.1.1,2.2.2.2`, 'a line for each'],
  [`${M} -s ! 1.1.1.1`, 'before the option'],
  [`${M} ! -j ACCEPT`, '"!"'],
  [`${M} foo`, '"foo"'],
  [`${M} -p tcp --s 1`, '--source', '--sport', 'in full'],
  ['iptables -t broute -F', '"broute"', 'mangle'],
  ['iptables -L', 'changes nothing'],
  ['iptables -t nat -A POSTROUTING -j SNAT --to-source 1.2.3.4:50', '-p tcp'],
  ['sysctl -w net.core.rmem_max=1', '"net.core.rmem_max"', 'leave this line out'],
  ['sysctl -w net.ipv4.conf.eth0.rp_fliter=1', '"net.ipv4.conf.eth0.rp_fliter"', 'rp_filter'],
  ['sysctl -w net.ipv4.ip_dynaddr=1', 'keeps its address', '--leave-out net.ipv4.ip_dynaddr'],
  ['sysctl -w net.ipv4.ip_forward', 'KEY=VALUE'],
  ['sysctl -w net.ipv4.ip_local_port_range=40000', 'two numbers'],
  ['ipset create s bitmap:ip', 'range FIRST-LAST'],
  ['ipset create s bitmap:ip range 10.0.0.0/8', '65536'],
  ['ipset create s bitmap:port range 7', 'a port'],
  ['ipset create s hash:ip range 1.1.1.1-1.1.1.9', 'no range'],
  ['ip route add default via $GW', '"$"', 'shell'],
  ['ip link set lo up; ip link set eth0 up', '";"', 'one command a line'],
  ['iptables -A OUTPUT -m comment --comment "open', 'quote'],
];

describe('refusals', () => {
  test.each(REFUSALS.filter(([, word]) => word !== 'ok'))('%s is refused', (line, ...words) => {
    expect(() => parseHostLine(line)).toThrow(Wrong);
    for (const word of words) expect(() => parseHostLine(line)).toThrow(word);
  });

  test('a file is refused with its name and line', () => {
    const text = '# a host\nip link set lo up\n\nip lnk set lo up\n';
    expect(() => readHostText([{ file: 'a.host', text }])).toThrow(InputError);
    expect(() => readHostText([{ file: 'a.host', text }])).toThrow(/^a\.host:4: "lnk"/);
  });

  test('comments and blank lines are no commands', () => {
    expect(
      readHostText([{ file: 'a.host', text: '# a\n\n  \nip link set lo up\n' }]).lines.map(({ where }) => where),
    ).toEqual([4]);
  });

  test('any text is a command or refused with one line', () => {
    const word = fc.oneof(
      fc.constantFrom('ip', 'iptables', 'sysctl', 'link', 'addr', 'route', 'rule', 'add', 'del', 'set', 'flush', '-A'),
      fc.constantFrom(
        'OUTPUT',
        '-j',
        'MARK',
        '--set-mark',
        '-p',
        'tcp',
        '!',
        'dev',
        'eth0',
        'via',
        '10.0.0.1',
        'table',
      ),
      fc.constantFrom(
        'type',
        'veth',
        'peer',
        'name',
        'fwmark',
        '-m',
        'statistic',
        '--mode',
        '-w',
        '=',
        'default',
        '-D',
      ),
      fc.string({ maxLength: 6 }),
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 9 }), (words) => {
        try {
          parseHostLine(words.join(' '));
        } catch (error) {
          if (!(error instanceof Wrong)) throw error;
          expect(error.message).not.toBe('');
        }
      }),
      { seed: 1, numRuns: 3000 },
    );
  });
});

type Iptables = Extract<HostCommand, { readonly kind: 'iptables' }>;

// every command that can be typed is printed so that it is read back as the same

const address = fc.integer({ min: 1, max: 0xffffffff });
const word32 = fc.integer({ min: 0, max: 0xffffffff });
const device = fc.constantFrom('eth0', 'eth1', 'eth0.100', 'lo', 'ppp0');
const plen = fc.integer({ min: 0, max: 32 });
const table = fc.oneof(fc.constantFrom(100, 253, 254, 255, 0), word32);
const port = fc.integer({ min: 0, max: 65535 });
const flag = fc.boolean();
const range = (arbitrary: fc.Arbitrary<number>) =>
  fc.tuple(arbitrary, arbitrary).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);

const link: fc.Arbitrary<HostCommand> = fc.oneof(
  fc.record({
    kind: fc.constant('link add' as const),
    name: device,
    type: fc.constantFrom('dummy', 'ifb'),
    peer: fc.constant(''),
    mtu: fc.constantFrom(0, 1400),
    local: fc.constant(0),
    remote: fc.constant(0),
  }),
  fc.record({
    kind: fc.constant('link add' as const),
    name: device,
    type: fc.constant('ipip'),
    peer: fc.constant(''),
    mtu: fc.constantFrom(0, 1400),
    local: fc.constantFrom(0, 0x0a000001),
    remote: fc.constantFrom(0, 0xc6336409),
  }),
  fc.record({
    kind: fc.constant('link add' as const),
    name: device,
    type: fc.constant('veth'),
    peer: fc.constantFrom('', 'p0'),
    mtu: fc.constantFrom(0, 1400),
    local: fc.constant(0),
    remote: fc.constant(0),
  }),
  fc.record({ kind: fc.constant('vrf add' as const), name: device, table }),
  fc.record({ kind: fc.constant('link master' as const), name: device, master: fc.oneof(fc.constant(''), device) }),
  fc.record({ kind: fc.constant('link del' as const), name: device }),
  fc
    .record({
      kind: fc.constant('link set' as const),
      name: device,
      up: fc.constantFrom(-1, 0, 1),
      arp: fc.constantFrom(-1, 0, 1),
      mtu: fc.constantFrom(0, 1400),
      group: fc.constantFrom(-1, 0, 7),
    })
    .filter(({ up, arp, mtu, group }) => up >= 0 || arp >= 0 || mtu > 0 || group >= 0),
);

const addr: fc.Arbitrary<HostCommand> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('addr add' as const, 'addr replace' as const, 'addr del' as const),
    dev: device,
    local: address,
    peer: address,
    prefixlen: plen,
    scope: fc.constantFrom(-1, 0, 200, 253, 254),
    broadcast: fc.oneof(fc.constant(0), address),
    noprefixroute: flag,
    metric: fc.constantFrom(0, 100),
  }),
  fc
    .record({
      kind: fc.constantFrom('addr add' as const, 'addr replace' as const, 'addr del' as const),
      dev: device,
      local: address,
      prefixlen: plen,
      scope: fc.constant(-1),
      broadcast: fc.constant(0),
      noprefixroute: fc.constant(false),
      metric: fc.constant(0),
    })
    .map((command) => ({ ...command, peer: command.local })),
  fc.record({ kind: fc.constant('addr flush' as const), dev: device }),
);

const route: fc.Arbitrary<HostCommand> = fc.record({
  kind: fc.constant('route' as const),
  op: fc.constantFrom(
    'add' as const,
    'append' as const,
    'prepend' as const,
    'replace' as const,
    'change' as const,
    'del' as const,
  ),
  table,
  type: fc.integer({ min: 1, max: 9 }),
  dst: word32,
  plen,
  tos: fc.integer({ min: 0, max: 255 }),
  gw: fc.oneof(fc.constant(0), address),
  dev: fc.oneof(fc.constant(''), device),
  prefsrc: fc.oneof(fc.constant(0), address),
  scope: fc.constantFrom(-1, 0, 5, 253, 254),
  metric: word32,
  onlink: flag,
  protocol: fc.integer({ min: 0, max: 255 }),
  nexthops: fc.constant([]),
});

const rule: fc.Arbitrary<HostCommand> = fc
  .record({
    mark: word32,
    mark_mask: word32,
    src: word32,
    src_len: plen,
    dst: word32,
    dst_len: plen,
    tos: fc.integer({ min: 0, max: 255 }),
    invert: flag,
    iifname: fc.oneof(fc.constant(''), device),
    oifname: fc.oneof(fc.constant(''), device),
    uids: fc.option(range(word32), { nil: [1, 0] as const }),
    ip_proto: fc.integer({ min: 0, max: 255 }),
    sports: range(port),
    dports: range(port),
    pref: fc.oneof(fc.constant(-1), word32),
    protocol: fc.integer({ min: 0, max: 255 }),
    suppress_prefixlen: fc.integer({ min: -1, max: 32 }),
    suppress_ifgroup: fc.constantFrom(-1, 0, 7),
    tun_id: fc.constantFrom(0, 0, 9),
    table,
    action: fc.constantFrom(1, 2, 3, 6, 7, 8),
    target: word32,
    l3mdev: flag,
    adds: flag,
  })
  .map(({ uids, sports, dports, adds, ...given }) => ({
    kind: adds ? ('rule add' as const) : ('rule del' as const),
    rule: {
      ...NO_RULE,
      ...given,
      l3mdev: given.l3mdev && !given.invert && given.table === 0,
      target: given.action === 2 ? given.target : 0,
      uid_start: uids[0],
      uid_end: uids[1],
      sport_start: sports[0],
      sport_end: sports[1],
      dport_start: dports[0],
      dport_end: dports[1],
    },
  }));

const ports = range(port).map(([first, last]) => ({ first, last }));
const invert = flag;
const headers: fc.Arbitrary<XtMatch[]> = fc
  .tuple(
    fc.option(
      device.chain((dev) => invert.map((not): XtMatch => ({ kind: 'out', dev, invert: not }))),
      { nil: undefined },
    ),
    ...(['src', 'dst'] as const).map((match) =>
      fc.option(
        fc.tuple(word32, fc.integer({ min: 1, max: 32 }), invert).map(
          ([a, length, not]): XtMatch => ({
            kind: match,
            addr: (a & maskOf(length)) >>> 0,
            mask: maskOf(length),
            invert: not,
          }),
        ),
        { nil: undefined },
      ),
    ),
  )
  .map((matches) => matches.filter((match) => match !== undefined));
const tcpMatches: fc.Arbitrary<XtMatch[]> = fc
  .tuple(ports, fc.integer({ min: 0, max: 63 }), fc.integer({ min: 0, max: 63 }), invert)
  .map(([range, mask, comp, not]) => [
    { kind: 'proto', protocol: 6, invert: false },
    { kind: 'dport', ...range, invert: not },
    { kind: 'tcp-flags', mask, comp, invert: not },
    { kind: 'multiport', which: 'source', ports: [range], invert: not },
  ]);
const otherMatch: fc.Arbitrary<XtMatch> = fc.oneof(
  fc.record({ kind: fc.constant('mark' as const), mark: word32, mask: word32, invert }),
  fc.record({
    kind: fc.constant('ctstate' as const),
    states: fc.constantFrom(['NEW'], ['ESTABLISHED', 'RELATED'], ['INVALID', 'UNTRACKED']),
    invert,
  }),
  range(fc.integer({ min: 0, max: 0xfffffffe })).chain(([uidFirst, uidLast]) =>
    fc.record({
      kind: fc.constant('owner' as const),
      uidFirst: fc.constant(uidFirst),
      uidLast: fc.constant(uidLast),
      invert,
    }),
  ),
  fc.integer({ min: 1, max: 9 }).chain((every) =>
    fc.record({
      kind: fc.constant('statistic-nth' as const),
      every: fc.constant(every),
      packet: fc.integer({ min: 0, max: every - 1 }),
      invert,
    }),
  ),
  fc.record({
    kind: fc.constant('tos' as const),
    value: fc.integer({ min: 0, max: 255 }),
    mask: fc.integer({ min: 0, max: 255 }),
    invert,
  }),
  fc.record({ kind: fc.constant('dscp' as const), dscp: fc.integer({ min: 0, max: 63 }), invert }),
  fc.record({
    kind: fc.constant('addrtype' as const),
    which: fc.constantFrom('src' as const, 'dst' as const),
    types: fc.integer({ min: 1, max: 511 }),
    limit: fc.constantFrom('' as const, 'in' as const, 'out' as const),
    invert,
  }),
  fc.record({
    kind: fc.constant('conntrack' as const),
    states: fc.constantFrom([], ['NEW'], ['SNAT', 'DNAT']),
    statesInvert: fc.constant(false),
    tests: fc.subarray<CtTest>(
      [
        { what: 'dir', first: 1, last: 1, invert: false },
        { what: 'proto', first: 17, last: 17, invert: true },
        { what: 'origdst', first: 0x0a000000, last: 0xff000000, invert: true },
        { what: 'replsrcport', first: 5, last: 9, invert: false },
        { what: 'status', first: 12, last: 12, invert: false },
      ],
      { minLength: 1 },
    ),
    invert: fc.constant(false),
  }),
  fc.record({ kind: fc.constant('connmark' as const), mark: word32, mask: word32, invert }),
  range(fc.integer({ min: 0, max: 0xfffffffe })).chain(([gidFirst, gidLast]) =>
    fc.record({
      kind: fc.constant('owner-gid' as const),
      gidFirst: fc.constant(gidFirst),
      gidLast: fc.constant(gidLast),
      invert,
    }),
  ),
  fc.record({ kind: fc.constant('socket-exists' as const), invert }),
  fc.constantFrom<XtMatch>(
    { kind: 'cgroup', path: 'vpn.slice/a', classid: 0, invert: false },
    { kind: 'cgroup', path: '/', classid: 0, invert: true },
    { kind: 'cgroup', path: '', classid: 0x100001, invert: false },
    { kind: 'set', set: 'vpn', dims: ['src', 'dst'], invert: true },
    { kind: 'policy', out: true, ipsec: true, invert: false },
    { kind: 'socket', transparent: false, nowildcard: false, invert: false },
    { kind: 'socket', transparent: true, nowildcard: true, invert: false },
    { kind: 'policy', out: false, ipsec: false, invert: false },
  ),
  range(word32).chain(([first, last]) =>
    fc.record({
      kind: fc.constant('iprange' as const),
      which: fc.constantFrom('src' as const, 'dst' as const),
      first: fc.constant(first),
      last: fc.constant(last),
      invert,
    }),
  ),
  ports.chain((length) =>
    fc.record({ kind: fc.constant('length' as const), invert }).map((m) => ({ ...m, ...length })),
  ),
  fc.record({
    kind: fc.constant('statistic-random' as const),
    probability: fc.integer({ min: 0, max: 0x80000000 }),
    invert,
  }),
);
const target: fc.Arbitrary<XtTarget> = fc.oneof(
  fc.constantFrom<XtTarget>(
    { kind: 'none' },
    { kind: 'ACCEPT' },
    { kind: 'DROP' },
    { kind: 'RETURN' },
    { kind: 'MASQUERADE', portFirst: 0, portLast: 0, random: true },
    { kind: 'NOTRACK' },
    { kind: 'zone', zone: 40524, dir: 'both' },
    { kind: 'zone', zone: 1, dir: 'reply' },
    { kind: 'TPROXY', laddr: 0, lport: 50080, value: 0, mask: 0 },
    { kind: 'TPROXY', laddr: 0x7f000001, lport: 0, value: 0x11, mask: 1 },
  ),
  fc.record({ kind: fc.constantFrom('jump' as const, 'goto' as const), chain: fc.constantFrom('FOO', 'uplinks') }),
  fc.record({ kind: fc.constant('MARK' as const), value: word32, mask: word32 }),
  fc.record({
    kind: fc.constant('CONNMARK' as const),
    op: fc.constant('set' as const),
    value: word32,
    mask: word32,
    nfmask: fc.constant(0xffffffff),
  }),
  fc.record({
    kind: fc.constant('CONNMARK' as const),
    op: fc.constantFrom('save' as const, 'restore' as const),
    value: fc.constant(0),
    mask: word32,
    nfmask: word32,
  }),
  fc.record({
    kind: fc.constant('TOS' as const),
    value: fc.integer({ min: 0, max: 255 }),
    mask: fc.integer({ min: 0, max: 255 }),
  }),
  fc.record({ kind: fc.constant('DSCP' as const), dscp: fc.integer({ min: 0, max: 63 }) }),
  fc.record({
    kind: fc.constantFrom('SNAT' as const, 'DNAT' as const),
    addr: address,
    portFirst: fc.constant(0),
    portLast: fc.constant(0),
    random: flag,
  }),
);
const bare = (more: Pick<Iptables, 'table' | 'op' | 'chain' | 'index' | 'policy'>): HostCommand => ({
  kind: 'iptables',
  nft: false,
  rule: NO_XT_RULE,
  ...more,
});
const iptables: fc.Arbitrary<HostCommand> = fc.oneof(
  fc
    .record({
      table: fc.constantFrom('mangle', 'nat', 'raw', 'filter'),
      nft: flag,
      op: fc.constantFrom('A' as const, 'I' as const, 'D' as const, 'C' as const, 'R' as const),
      headers,
      special: fc.option(tcpMatches, { nil: [] as XtMatch[] }),
      others: fc.array(otherMatch, { maxLength: 3 }),
      target,
      index: fc.integer({ min: 1, max: 5 }),
    })
    .map(({ headers: first, special, others, target: to, index, ...command }) => ({
      kind: 'iptables' as const,
      ...command,
      chain: 'OUTPUT',
      index: command.op === 'I' || command.op === 'R' ? index : 0,
      policy: 1,
      rule: { ...NO_XT_RULE, matches: [...first, ...special, ...others], target: to },
    })),
  fc.constantFrom<HostCommand>(
    bare({ table: 'mangle', op: 'P', chain: 'OUTPUT', index: 0, policy: 0 }),
    bare({ table: 'filter', op: 'D#', chain: 'OUTPUT', index: 3, policy: 1 }),
    bare({ table: 'raw', op: 'N', chain: 'FOO', index: 0, policy: 1 }),
    bare({ table: 'nat', op: 'X', chain: '', index: 0, policy: 1 }),
  ),
);
const sysctl: fc.Arbitrary<HostCommand> = fc.oneof(
  fc.record({
    kind: fc.constant('sysctl' as const),
    key: fc.constantFrom('net.ipv4.ip_forward', 'net.ipv4.conf.eth0.rp_filter', 'net.ipv4.conf.eth0/100.rp_filter'),
    values: fc.tuple(fc.integer({ min: -1, max: 9 })),
  }),
  fc.record({
    kind: fc.constant('sysctl' as const),
    key: fc.constant('net.ipv4.ip_local_reserved_ports'),
    values: fc.uniqueArray(port).map((list) => list.sort((a, b) => a - b)),
  }),
);

const ipset: fc.Arbitrary<HostCommand> = fc
  .constantFrom(
    'ipset create vpn hash:net',
    'ipset create vpn hash:ip,port family inet6 timeout 60',
    'ipset create near bitmap:ip range 10.0.0.0/24 netmask 28',
    'ipset create ports bitmap:port range 1000-0',
    'ipset add vpn 10.0.0.0/8 nomatch',
    'ipset -exist add vpn 1.2.3.4,udp:53 timeout 0',
    'ipset add vpn 1.2.3.4,icmp:8/0,5.6.7.8',
    'ipset add vpn 10.0.0.0/8,eth0',
    'ipset add ports 80',
    'ipset add all vpn',
    'ipset swap a b',
    'ipset destroy',
    'conntrack -F',
    'conntrack -D --dst 1.2.3.4 --protonum udp --orig-port-dst 53 --mark 1/0xff --zone 7 --src-nat',
  )
  .map(parseHostLine);

test('every command is printed so that it is read back as the same', () => {
  fc.assert(
    fc.property(fc.oneof(link, addr, route, rule, iptables, sysctl, ipset), (command) => {
      expect(parseHostLine(printHostCommand(command))).toEqual(command);
    }),
    { seed: 1, numRuns: 3000 },
  );
});
