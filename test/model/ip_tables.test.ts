import { describe, expect, it } from 'vitest';
import { iptablesCommand } from '../../model/host/iptables.ts';
import { ipChecksumCorrect } from '../../model/kernel/include/net/checksum.ts';
import { ipt_do_table } from '../../model/kernel/net/ipv4/netfilter/ip_tables.ts';
import { ipv4_change_dsfield } from '../../model/kernel/net/netfilter/xt_DSCP.ts';
import { random_mt } from '../../model/kernel/net/netfilter/xt_statistic.ts';
import { stock } from '../../model/patch/stock.ts';
import type { HostCommand } from '../../model/types/host.ts';
import type { SkBuff } from '../../model/types/packet.ts';
import { NO_SOCK, SOCK_CONTROL, SOCK_UDP } from '../../model/types/sock.ts';
import {
  IP_CT_UNTRACKED,
  NF_ACCEPT,
  NF_DROP,
  type NfHookState,
  NO_XT_RULE,
  type XtMatch,
  type XtTarget,
} from '../../model/types/verdict.ts';
import type { World } from '../../model/types/world.ts';
import { host, ip, LINKS, on, packet, says } from './build.ts';
import { ETH0, ETH1, OUT, PRE, uplinks } from './hooks.ts';

type Iptables = Extract<HostCommand, { kind: 'iptables' }>;

function command(table: string, op: Iptables['op'], chain: string, more: Partial<Iptables> = {}): Iptables {
  return { kind: 'iptables', nft: false, table, op, chain, index: 1, policy: NF_ACCEPT, rule: NO_XT_RULE, ...more };
}

function append(table: string, chain: string, matches: readonly XtMatch[], target: XtTarget): Iptables {
  return command(table, 'A', chain, { rule: { id: 0, matches, target, count: 0 } });
}

/** The host after the commands, each of which has to succeed. */
function configured(net: World, ...commands: readonly Iptables[]): World {
  return commands.reduce((before, one) => {
    const { err, message, net: after } = iptablesCommand(before, one);
    if (err !== 0) throw new Error(message);
    return after;
  }, net);
}

/** What the command is refused with, '' when it is not. */
function refusal(net: World, one: Iptables): string {
  return iptablesCommand(net, one).message;
}

const ACCEPT: XtTarget = { kind: 'ACCEPT' };
const DROP: XtTarget = { kind: 'DROP' };
/** A jump to a chain that the table brings with it, which is refused. */
const JUMP: XtTarget = { kind: 'jump', chain: 'INPUT' };
const mark = (value: number, mask = 0xffffffff): XtTarget => ({ kind: 'MARK', value, mask });
const any = { invert: false };
const TCP: XtMatch = { kind: 'proto', protocol: 6, ...any };
const SOCKET: XtMatch = { kind: 'socket', transparent: false, nowildcard: false, ...any };
const TPROXY: XtTarget = { kind: 'TPROXY', laddr: 0, lport: 50080, value: 0, mask: 0 };

/** Mark that a packet has after mangle OUTPUT with one rule that sets it to 1. */
function marked(matches: readonly XtMatch[], skb: SkBuff, net: World = uplinks): boolean {
  const ready = configured(net, append('mangle', 'OUTPUT', matches, mark(1)));
  return ipt_do_table(stock, ready, skb, OUT, ready.mangle).skb.mark === 1;
}

const dns = packet('10.0.0.1:4000 > 8.8.8.8:53 udp 2');
const syn = packet('10.0.0.1:40000 > 8.8.8.8:80 tcp S seq 1000 win 1000');

describe('ipt_do_table', () => {
  it('accepts by the policy of an empty chain', () => {
    expect(ipt_do_table(stock, uplinks, dns, OUT, uplinks.filter).verdict).toBe(NF_ACCEPT);
  });

  it('drops by the policy where no rule decides', () => {
    const net = configured(
      uplinks,
      command('filter', 'P', 'OUTPUT', { policy: NF_DROP }),
      append('filter', 'OUTPUT', [], { kind: 'none' }),
    );
    expect(ipt_do_table(stock, net, dns, OUT, net.filter).verdict).toBe(NF_DROP);
  });

  it('goes on after MARK and stops at ACCEPT', () => {
    const net = configured(
      uplinks,
      append('mangle', 'OUTPUT', [], mark(1)),
      append('mangle', 'OUTPUT', [], ACCEPT),
      append('mangle', 'OUTPUT', [], mark(2)),
    );
    const { verdict, skb } = ipt_do_table(stock, net, dns, OUT, net.mangle);
    expect([verdict, skb.mark]).toEqual([NF_ACCEPT, 1]);
  });

  it('comes back from a user chain after its last rule and after RETURN', () => {
    const net = configured(
      uplinks,
      command('mangle', 'N', 'A'),
      append('mangle', 'A', [], mark(1)),
      append('mangle', 'A', [{ kind: 'proto', protocol: 17, ...any }], { kind: 'RETURN' }),
      append('mangle', 'A', [], mark(2)),
      append('mangle', 'OUTPUT', [], { kind: 'jump', chain: 'A' }),
      append('mangle', 'OUTPUT', [], mark(0x100, 0x100)),
    );
    expect(ipt_do_table(stock, net, dns, OUT, net.mangle).skb.mark).toBe(0x101);
    expect(ipt_do_table(stock, net, syn, OUT, net.mangle).skb.mark).toBe(0x102);
  });

  it('does not come back to the chain that a goto left', () => {
    const net = configured(
      uplinks,
      command('mangle', 'N', 'A'),
      append('mangle', 'A', [], mark(1)),
      append('mangle', 'OUTPUT', [], { kind: 'goto', chain: 'A' }),
      append('mangle', 'OUTPUT', [], mark(2)),
    );
    expect(ipt_do_table(stock, net, dns, OUT, net.mangle)).toMatchObject({ verdict: NF_ACCEPT, skb: { mark: 1 } });
  });

  it('ends a user chain that was jumped to from a goto chain in the policy', () => {
    const net = configured(
      uplinks,
      command('filter', 'P', 'OUTPUT', { policy: NF_DROP }),
      command('filter', 'N', 'A'),
      append('filter', 'OUTPUT', [], { kind: 'goto', chain: 'A' }),
      append('filter', 'OUTPUT', [], ACCEPT),
    );
    expect(ipt_do_table(stock, net, dns, OUT, net.filter).verdict).toBe(NF_DROP);
  });

  it('computes MARK as the kernel does: bits of the mask cleared, then value exclusive-or', () => {
    const net = configured(
      uplinks,
      append('mangle', 'OUTPUT', [], mark(0x12, 0xff)),
      append('mangle', 'OUTPUT', [], mark(0x80000001, 0)),
    );
    expect(ipt_do_table(stock, net, { ...dns, mark: 0x345 }, OUT, net.mangle).skb.mark).toBe(0x80000313);
  });

  it('matches addresses, protocol and devices, and the opposite with an inversion', () => {
    expect(marked([{ kind: 'dst', addr: ip('8.8.0.0'), mask: ip('255.255.0.0'), ...any }], dns)).toBe(true);
    expect(marked([{ kind: 'dst', addr: ip('8.8.0.0'), mask: ip('255.255.0.0'), invert: true }], dns)).toBe(false);
    expect(marked([{ kind: 'src', addr: ip('10.0.0.1'), mask: 0xffffffff, ...any }], dns)).toBe(true);
    expect(marked([{ kind: 'proto', protocol: 6, invert: true }], dns)).toBe(true);
    expect(marked([{ kind: 'out', dev: 'eth+', ...any }], dns)).toBe(true);
    expect(marked([{ kind: 'out', dev: 'eth1', ...any }], dns)).toBe(false);
    expect(marked([{ kind: 'out', dev: 'eth', ...any }], dns)).toBe(false);
    expect(marked([{ kind: 'out', dev: 'eth01', ...any }], dns)).toBe(false);
    expect(marked([{ kind: 'out', dev: '+', ...any }], dns)).toBe(true);
  });

  it('matches ports, TCP flags, ICMP types, mark, TOS and DSCP', () => {
    const tcpOnly: XtMatch = { kind: 'proto', protocol: 6, ...any };
    const udpOnly: XtMatch = { kind: 'proto', protocol: 17, ...any };
    const icmpOnly: XtMatch = { kind: 'proto', protocol: 1, ...any };
    const flags: XtMatch = { kind: 'tcp-flags', mask: 0x17, comp: 0x02, ...any };
    expect(marked([udpOnly, { kind: 'dport', first: 50, last: 60, ...any }], dns)).toBe(true);
    expect(marked([udpOnly, { kind: 'sport', first: 50, last: 60, ...any }], dns)).toBe(false);
    expect(marked([tcpOnly, flags], syn)).toBe(true);
    expect(marked([tcpOnly, flags], packet('10.0.0.1:1 > 8.8.8.8:80 tcp S. seq 1000 win 1000'))).toBe(false);
    const ports = [
      { first: 22, last: 22 },
      { first: 80, last: 90 },
    ];
    expect(marked([tcpOnly, { kind: 'multiport', which: 'dest', ports, ...any }], syn)).toBe(true);
    expect(marked([tcpOnly, { kind: 'multiport', which: 'source', ports, ...any }], syn)).toBe(false);
    const echo: XtMatch = { kind: 'icmp-type', type: 8, codeFirst: 0, codeLast: 255, ...any };
    expect(marked([icmpOnly, echo], packet('10.0.0.1 > 8.8.8.8 icmp 8/0 id 1 seq 1'))).toBe(true);
    expect(marked([icmpOnly, echo], packet('10.0.0.1 > 8.8.8.8 icmp 0/0 id 1 seq 1'))).toBe(false);
    expect(marked([{ kind: 'mark', mark: 0x80000000, mask: 0xf0000000, ...any }], { ...dns, mark: 0x80000007 })).toBe(
      true,
    );
    const tos = { ...dns, iph: { ...dns.iph, tos: 0xb9 } };
    expect(marked([{ kind: 'tos', value: 0x08, mask: 0x0f, ...any }], tos)).toBe(false);
    expect(marked([{ kind: 'tos', value: 0x09, mask: 0x0f, ...any }], tos)).toBe(true);
    expect(marked([{ kind: 'dscp', dscp: 46, ...any }], tos)).toBe(true);
  });

  it('finds an owner only behind a packet of an open user socket', () => {
    const owner: XtMatch = { kind: 'owner', uidFirst: 1000, uidLast: 1001, ...any };
    const net = {
      ...uplinks,
      socks: [
        { ...NO_SOCK, id: 5, kind: SOCK_UDP, sk_uid: 1000 },
        { ...NO_SOCK, id: 6, kind: SOCK_UDP, sk_uid: 1002 },
        { ...NO_SOCK, id: 7, kind: SOCK_CONTROL, sk_uid: 1000 },
      ],
    };
    expect(marked([owner], { ...dns, sk: 5 }, net)).toBe(true);
    expect(marked([owner], { ...dns, sk: 6 }, net)).toBe(false);
    expect(marked([owner], { ...dns, sk: 7 }, net)).toBe(false);
    expect(marked([{ ...owner, invert: true }], { ...dns, sk: 7 }, net)).toBe(true);
    expect(marked([{ ...owner, invert: true }], dns, net)).toBe(true);
  });

  it('counts with statistic only the packets that come as far, and starts anew with any command on the table', () => {
    // Observed on Linux 6.18 with iptables-legacy 1.8.9, 2026-11-22: packets 1 and 4 match, and 5 after another command.
    const nth = (packet: number): readonly XtMatch[] => [
      { kind: 'proto', protocol: 17, ...any },
      { kind: 'statistic-nth', every: 3, packet, ...any },
    ];
    let net = configured(
      uplinks,
      append('mangle', 'OUTPUT', nth(0), mark(1, 1)),
      append('mangle', 'OUTPUT', nth(2), mark(2, 2)),
    );
    const send = (skb: SkBuff): number => {
      const walk = ipt_do_table(stock, net, skb, OUT, net.mangle);
      net = walk.net;
      return walk.skb.mark;
    };
    expect([send(dns), send(syn), send(dns), send(dns), send(dns)]).toEqual([1, 0, 0, 2, 1]);
    net = configured(net, append('mangle', 'OUTPUT', [{ kind: 'proto', protocol: 6, ...any }], ACCEPT));
    expect([send(dns), send(dns), send(dns), send(dns)]).toEqual([1, 0, 2, 1]);
  });

  it.each([
    ['-s', { kind: 'src', addr: ip('10.9.0.1'), mask: 0xffffffff, ...any }, PRE],
    ['-d', { kind: 'dst', addr: ip('9.9.9.9'), mask: 0xffffffff, ...any }, PRE],
    ['-p', { kind: 'proto', protocol: 6, ...any }, PRE],
    ['-i', { kind: 'in', dev: 'eth0', ...any }, PRE],
    ['-o', { kind: 'out', dev: 'eth1', ...any }, OUT],
  ] as const)('asks %s before any extension, wherever it stands in the rule', (_what, match, state) => {
    // C: net/ipv4/netfilter/ip_tables.c, ipt_do_table(): ip_packet_match() first.
    const chain = state === OUT ? 'OUTPUT' : 'PREROUTING';
    const nth: XtMatch = { kind: 'statistic-nth', every: 2, packet: 0, ...any };
    let net = configured(uplinks, append('mangle', chain, [nth, match], mark(1)));
    const send = (way: string, at: NfHookState): number => {
      const walk = ipt_do_table(stock, net, packet(way), at, net.mangle);
      net = walk.net;
      return walk.skb.mark;
    };
    const other = () => send('10.0.0.1:4000 > 8.8.8.8:53 udp 2', state);
    const fitting = () => send('10.9.0.1:4000 > 9.9.9.9:53 tcp S', { ...state, in: ETH0, out: ETH1 });
    expect([other(), fitting(), other(), fitting(), fitting()]).toEqual([0, 1, 0, 0, 1]);
  });

  it.each([
    ['a', 'a', true],
    ['a/b', 'a', true],
    ['a/b/c', 'a/b', true],
    ['a/c', 'a/b', false],
    ['ab', 'a', false],
    ['a', 'ab', false],
    ['a', 'a/b', false],
    ['b/a', 'a', false],
    ['', 'a', false],
    ['', '/', true],
    ['a', '/', true],
  ])('finds the control group of a socket and those below it: %s under %s', (sk_cgroup, path, hit) => {
    const net = { ...uplinks, socks: [{ ...NO_SOCK, id: 5, kind: SOCK_UDP, sk_cgroup, sk_classid: 7 }] };
    const group = (more: object): XtMatch => ({ kind: 'cgroup', path, classid: 0, ...any, ...more });
    expect(marked([group({})], { ...dns, sk: 5 }, net)).toBe(hit);
    expect(marked([group({ invert: true })], { ...dns, sk: 5 }, net)).toBe(!hit);
    expect(marked([group({})], dns, net)).toBe(false);
    expect(marked([group({ invert: true })], dns, net)).toBe(false);
    expect([7, 8].map((classid) => marked([group({ path: '', classid })], { ...dns, sk: 5 }, net))).toEqual([
      true,
      false,
    ]);
  });

  it.each([
    [0x0000, 0x0010, 0x000f, 0xffef],
    [0xffe0, 0xfff0, 0xffef, 0xffd0],
    [0xffee, 0xfffe, 0xfffd, 0xffde],
    [0xffef, 0x0000, 0xfffe, 0xffdf],
    [0xfff0, 0x0001, 0x0000, 0xffe0],
    [0xfff1, 0x0002, 0x0001, 0xffe1],
  ])('carries in a checksum of %i as the kernel does', (check, ...expected) => {
    // From TOS 16 to 0, 1 and 32, as the C of ipv4_change_dsfield() in include/net/dsfield.h computes it.
    const to = (tos: number): number => ipv4_change_dsfield({ ...dns.iph, check, tos: 0x10 }, 0, tos).check;
    expect([0, 1, 0x20].map(to)).toEqual(expected);
  });

  it('changes TOS and DSCP with a correct header checksum', () => {
    const net = configured(uplinks, append('mangle', 'OUTPUT', [], { kind: 'TOS', value: 0x10, mask: 0xff }));
    const { skb } = ipt_do_table(stock, net, dns, OUT, net.mangle);
    expect(skb.iph.tos).toBe(0x10);
    expect(ipChecksumCorrect(skb.iph)).toBe(true);
    const dscp = configured(uplinks, append('mangle', 'OUTPUT', [], { kind: 'DSCP', dscp: 46 }));
    const ecn = ipt_do_table(stock, dscp, { ...dns, iph: ipv4_change_dsfield(dns.iph, 0, 3) }, OUT, dscp.mangle).skb;
    expect(ecn.iph.tos).toBe(0xbb);
    expect(ipChecksumCorrect(ecn.iph)).toBe(true);
  });

  it('keeps the checksum right for every pair of TOS values, over a range of checksums', () => {
    for (let id = 0; id < 0x10000; id += 257) {
      const iph = { ...dns.iph, id, check: 0 };
      for (const [from, to] of [
        [0, 0x10],
        [0x10, 0],
        [0xff, 1],
        [1, 0xfe],
        [0, 0xff],
      ] as const) {
        const sum = (0x4500 + from + iph.tot_len + id + 0x4011 + 0x0a00 + 1 + 0x0808 + 0x0808) % 0xffff;
        const before = { ...iph, tos: from, check: 0xffff - sum };
        expect(ipChecksumCorrect(before)).toBe(true);
        expect(ipChecksumCorrect(ipv4_change_dsfield(before, 0, to))).toBe(true);
      }
    }
  });

  it('marks a packet untracked unless it has an entry', () => {
    const net = configured(uplinks, append('raw', 'OUTPUT', [], { kind: 'NOTRACK' }));
    expect(ipt_do_table(stock, net, dns, OUT, net.raw).skb.ctinfo).toBe(IP_CT_UNTRACKED);
    expect(ipt_do_table(stock, net, { ...dns, ct: 4 }, OUT, net.raw).skb.ctinfo).toBe(0);
  });
});

// Observed with iptables-legacy 1.8.9 on Linux 6.18, 2026-11-22.
describe('iptablesCommand refuses in the words of iptables', () => {
  const V = 'iptables v1.8.9 (legacy): ';
  const NO_NAME = 'iptables: No chain/target/match by that name.';
  const INVALID = "iptables: Invalid argument. Run `dmesg' for more information.";
  const BAD_RULE = 'iptables: Bad rule (does a matching rule exist in that chain?).';
  const a = configured(uplinks, command('filter', 'N', 'A'));
  const [PREROUTING, INPUT, FORWARD, OUTPUT, POSTROUTING] = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'];
  const HOOKS = [PREROUTING, INPUT, FORWARD, OUTPUT, POSTROUTING];

  it.each([
    ['-A to a missing chain', append('mangle', 'FOO', [], mark(1)), NO_NAME],
    [
      '-j to a missing chain',
      append('filter', 'OUTPUT', [], { kind: 'jump', chain: 'FOO' }),
      `${V}Couldn't load target \`FOO':No such file or directory`,
    ],
    [
      '-g to a missing chain',
      append('filter', 'OUTPUT', [], { kind: 'goto', chain: 'FOO' }),
      `${V}goto 'FOO' is not a chain`,
    ],
    ['-j to a built-in chain', append('filter', 'OUTPUT', [], { kind: 'jump', chain: 'INPUT' }), INVALID],
    ['-I beyond the end', command('filter', 'I', 'OUTPUT', { index: 2 }), 'iptables: Index of insertion too big.'],
    ['-I before the start', command('filter', 'I', 'OUTPUT', { index: 0 }), `${V}Invalid rule number \`0'`],
    ['-D of a missing number', command('filter', 'D#', 'OUTPUT', { index: 1 }), 'iptables: Index of deletion too big.'],
    ['-D of a missing standard rule', { ...append('filter', 'OUTPUT', [], ACCEPT), op: 'D' }, BAD_RULE],
    ['-D of a missing MARK rule', { ...append('filter', 'OUTPUT', [], mark(1)), op: 'D' }, NO_NAME],
    ['-D of a jump to a built-in chain', { ...append('filter', 'OUTPUT', [], JUMP), op: 'D' }, INVALID],
    ['-C of a jump to a built-in chain', { ...append('filter', 'OUTPUT', [], JUMP), op: 'C' }, INVALID],
    ['-D of that in a missing chain', { ...append('filter', 'FOO', [], JUMP), op: 'D' }, BAD_RULE],
    ['-A of that to a missing chain', append('filter', 'FOO', [], JUMP), NO_NAME],
    [
      '-R of that beyond the end',
      { ...append('filter', 'OUTPUT', [], JUMP), op: 'R' },
      'iptables: Index of replacement too big.',
    ],
    ['-R in a missing chain', { ...append('filter', 'FOO', [], JUMP), op: 'R' }, NO_NAME],
    ...(['A', 'I', 'D', 'C', 'R'] as const).map(
      (op) =>
        [
          `-${op} of a jump from a missing chain to another`,
          { ...append('filter', 'FOO', [], { kind: 'jump', chain: 'BAR' }), op },
          `${V}Couldn't load target \`BAR':No such file or directory`,
        ] as const,
    ),
    ['-D in a missing chain', { ...append('filter', 'FOO', [], mark(1)), op: 'D' }, BAD_RULE],
    ['-N of a chain that exists', command('filter', 'N', 'A'), 'iptables: Chain already exists.'],
    [
      '-N of a target that is not modelled',
      command('filter', 'N', 'TTL'),
      `${V}chain name may not clash with target name`,
    ],
    ['-N of a target', command('filter', 'N', 'MARK'), `${V}chain name may not clash with target name`],
    [
      '-N of a long name',
      command('filter', 'N', 'a2345678901234567890123456789'),
      `${V}chain name \`a2345678901234567890123456789' too long (must be under 29 chars)`,
    ],
    ['-P of a user chain', command('filter', 'P', 'A'), 'iptables: Bad built-in chain name.'],
    [
      '-P DROP in nat',
      command('nat', 'P', 'OUTPUT', { policy: NF_DROP }),
      `${V}The "nat" table is not intended for filtering, the use of DROP is therefore inhibited.`,
    ],
    [
      '-j DROP in nat',
      append('nat', 'OUTPUT', [], DROP),
      `${V}The "nat" table is not intended for filtering, the use of DROP is therefore inhibited.`,
    ],
    ['-X of a missing chain', command('filter', 'X', 'FOO'), NO_NAME],
    ['-X of a built-in chain', command('filter', 'X', 'OUTPUT'), INVALID],
    ['-F of a missing chain', command('filter', 'F', 'FOO'), NO_NAME],
    ['TOS outside mangle', append('filter', 'OUTPUT', [], { kind: 'TOS', value: 16, mask: 255 }), INVALID],
    ['DSCP outside mangle', append('filter', 'OUTPUT', [], { kind: 'DSCP', dscp: 10 }), INVALID],
    ['TPROXY without a protocol', append('mangle', 'PREROUTING', [], TPROXY), INVALID],
    ['TPROXY for other protocols', append('mangle', 'PREROUTING', [{ ...TCP, invert: true }], TPROXY), INVALID],
    ['TPROXY outside PREROUTING', append('mangle', 'OUTPUT', [TCP], TPROXY), INVALID],
    ['TPROXY outside mangle', append('nat', 'PREROUTING', [TCP], TPROXY), INVALID],
    ['-m socket in POSTROUTING', append('mangle', 'POSTROUTING', [SOCKET], ACCEPT), INVALID],
    ['NOTRACK outside raw', append('nat', 'OUTPUT', [], { kind: 'NOTRACK' }), INVALID],
    [
      'MASQUERADE outside nat',
      append('filter', 'OUTPUT', [], { kind: 'MASQUERADE', portFirst: 0, portLast: 0, random: false }),
      INVALID,
    ],
    [
      'MASQUERADE outside POSTROUTING',
      append('nat', 'INPUT', [], { kind: 'MASQUERADE', portFirst: 0, portLast: 0, random: false }),
      INVALID,
    ],
    [
      'SNAT in OUTPUT',
      append('nat', 'OUTPUT', [], { kind: 'SNAT', addr: 1, portFirst: 0, portLast: 0, random: false }),
      INVALID,
    ],
    [
      'DNAT in POSTROUTING',
      append('nat', 'POSTROUTING', [], { kind: 'DNAT', addr: 1, portFirst: 0, portLast: 0, random: false }),
      INVALID,
    ],
    [
      'a port for DNAT without a protocol',
      append('nat', 'OUTPUT', [], { kind: 'DNAT', addr: 1, portFirst: 80, portLast: 80, random: false }),
      `${V}Need TCP, UDP, SCTP or DCCP with port specification`,
    ],
    ['a chain that the table lacks', append('filter', 'POSTROUTING', [], ACCEPT), NO_NAME],
    [
      'owner in INPUT',
      append('filter', 'INPUT', [{ kind: 'owner', uidFirst: 0, uidLast: 0, ...any }], ACCEPT),
      INVALID,
    ],
    [
      'owner with a reversed range',
      append('filter', 'OUTPUT', [{ kind: 'owner', uidFirst: 5, uidLast: 3, ...any }], ACCEPT),
      INVALID,
    ],
    [
      '-i in OUTPUT',
      append('filter', 'OUTPUT', [{ kind: 'in', dev: 'lo', ...any }], ACCEPT),
      `${V}Can't use -i with OUTPUT`,
    ],
    [
      '-o in INPUT',
      append('filter', 'INPUT', [{ kind: 'out', dev: 'lo', ...any }], ACCEPT),
      `${V}Can't use -o with INPUT`,
    ],
    [
      '--dport without a protocol',
      append('filter', 'OUTPUT', [{ kind: 'dport', first: 80, last: 80, ...any }], ACCEPT),
      `${V}unknown option "--dport"`,
    ],
    [
      '--dport with ! -p tcp',
      append(
        'filter',
        'OUTPUT',
        [
          { kind: 'proto', protocol: 6, invert: true },
          { kind: 'dport', first: 80, last: 80, ...any },
        ],
        ACCEPT,
      ),
      INVALID,
    ],
    [
      '--packet beyond --every',
      append('filter', 'OUTPUT', [{ kind: 'statistic-nth', every: 2, packet: 2, ...any }], ACCEPT),
      `${V}the --packet p must be 0 <= p <= n-1`,
    ],
  ] as const)('%s', (_what, refused, words) => {
    expect(refusal(a, refused)).toBe(words);
  });

  it.each([
    ['owner', { kind: 'owner', uidFirst: 0, uidLast: 0 }, [OUTPUT, POSTROUTING]],
    ['a group', { kind: 'owner-gid', gidFirst: 0, gidLast: 0 }, [OUTPUT, POSTROUTING]],
    ['--socket-exists', { kind: 'socket-exists' }, [OUTPUT, POSTROUTING]],
    ['cgroup', { kind: 'cgroup', path: 'a', classid: 0 }, [INPUT, OUTPUT, POSTROUTING]],
    ['addrtype', { kind: 'addrtype', which: 'src', types: 4, limit: '' }, HOOKS],
    ['--limit-iface-in', { kind: 'addrtype', which: 'src', types: 4, limit: 'in' }, [PREROUTING, INPUT, FORWARD]],
    ['--limit-iface-out', { kind: 'addrtype', which: 'src', types: 4, limit: 'out' }, [FORWARD, OUTPUT, POSTROUTING]],
    ['socket', { kind: 'socket', transparent: false, nowildcard: false }, [PREROUTING, INPUT]],
    ['--dir in', { kind: 'policy', out: false, ipsec: true }, [PREROUTING, INPUT, FORWARD]],
    ['--dir out', { kind: 'policy', out: true, ipsec: true }, [FORWARD, OUTPUT, POSTROUTING]],
    ['mark', { kind: 'mark', mark: 1, mask: 1 }, HOOKS],
  ] as const)('%s where no packet has what it asks for', (_what, match, hooks) => {
    // C: `hooks` of the matches in net/netfilter/xt_*.c, addrtype_mt_checkentry_v1(), policy_mt_check().
    const inChain = (chain: string): string =>
      refusal(uplinks, append('mangle', chain, [{ ...match, ...any }], ACCEPT));
    expect(HOOKS.map(inChain)).toEqual(HOOKS.map((hook) => (hooks.some((one) => one === hook) ? '' : INVALID)));
  });

  it.each([
    ['owner in order', { kind: 'owner', uidFirst: 5, uidLast: 5 }, ''],
    ['owner reversed', { kind: 'owner', uidFirst: 5, uidLast: 4 }, INVALID],
    ['groups in order', { kind: 'owner-gid', gidFirst: 5, gidLast: 5 }, ''],
    ['groups reversed', { kind: 'owner-gid', gidFirst: 5, gidLast: 4 }, INVALID],
  ] as const)('ranges: %s', (_what, match, words) => {
    expect(refusal(uplinks, append('mangle', 'OUTPUT', [{ ...match, ...any }], ACCEPT))).toBe(words);
  });

  it.each([
    ['--sport', 6, { kind: 'sport', first: 80, last: 80 }],
    ['--dport', 17, { kind: 'dport', first: 80, last: 80 }],
    ['--tcp-flags', 6, { kind: 'tcp-flags', mask: 2, comp: 2 }],
    ['--icmp-type', 1, { kind: 'icmp-type', type: 8, codeFirst: 0, codeLast: 255 }],
  ] as const)('%s for all protocols but that one', (_what, protocol, match) => {
    const ruled = (invert: boolean): string =>
      refusal(
        uplinks,
        append(
          'mangle',
          'OUTPUT',
          [
            { kind: 'proto', protocol, invert },
            { ...match, ...any },
          ],
          ACCEPT,
        ),
      );
    expect([ruled(false), ruled(true)]).toEqual(['', INVALID]);
  });

  it('accepts MARK and CONNMARK in every table', () => {
    for (const table of ['raw', 'mangle', 'nat', 'filter']) {
      expect(refusal(uplinks, append(table, 'OUTPUT', [], mark(1)))).toBe('');
      expect(
        refusal(
          uplinks,
          append(table, 'OUTPUT', [], { kind: 'CONNMARK', op: 'save', value: 0, mask: 0xffffffff, nfmask: 0xffffffff }),
        ),
      ).toBe('');
    }
  });

  it('finds a loop only once a built-in chain leads into it', () => {
    const circle = configured(
      uplinks,
      command('filter', 'N', 'A'),
      command('filter', 'N', 'B'),
      append('filter', 'A', [], { kind: 'jump', chain: 'B' }),
      append('filter', 'B', [], { kind: 'jump', chain: 'A' }),
    );
    expect(refusal(circle, append('filter', 'OUTPUT', [], { kind: 'jump', chain: 'A' }))).toBe(
      'iptables: Too many levels of symbolic links.',
    );
  });

  it('allows owner in a user chain until INPUT leads there', () => {
    const owned = configured(a, append('filter', 'A', [{ kind: 'owner', uidFirst: 0, uidLast: 0, ...any }], ACCEPT));
    expect(refusal(owned, append('filter', 'INPUT', [], { kind: 'jump', chain: 'A' }))).toBe(INVALID);
    expect(refusal(owned, append('filter', 'OUTPUT', [], { kind: 'jump', chain: 'A' }))).toBe('');
  });

  it('keeps a chain that is used or not empty', () => {
    const used = configured(a, append('filter', 'OUTPUT', [], { kind: 'jump', chain: 'A' }));
    expect(refusal(used, command('filter', 'X', 'A'))).toBe('iptables: Too many links.');
    const full = configured(a, append('filter', 'A', [], { kind: 'RETURN' }));
    expect(refusal(full, command('filter', 'X', ''))).toBe('iptables: Directory not empty.');
    const gone = configured(full, command('filter', 'F', 'A'), command('filter', 'X', ''));
    expect(gone.filter.chains.map((chain) => chain.name)).toEqual(['INPUT', 'FORWARD', 'OUTPUT']);
  });

  it('inserts in front of the given number and deletes the first equal rule', () => {
    const net = configured(
      uplinks,
      append('mangle', 'OUTPUT', [], mark(1)),
      append('mangle', 'OUTPUT', [], mark(2)),
      { ...append('mangle', 'OUTPUT', [], mark(3)), op: 'I', index: 2 },
      { ...append('mangle', 'OUTPUT', [], mark(1)), op: 'D' },
    );
    const marks = net.mangle.chains[3]?.rules.map(({ target }) => (target.kind === 'MARK' ? target.value : 0));
    expect(marks).toEqual([3, 2]);
  });

  it('turns connection tracking on with NAT, ctstate and CONNMARK, not with NOTRACK, and off with the last of them', () => {
    expect(configured(uplinks, append('raw', 'OUTPUT', [], { kind: 'NOTRACK' })).ct_enabled).toBe(false);
    expect(configured(uplinks, append('nat', 'OUTPUT', [], ACCEPT)).ct_enabled).toBe(false);
    const on = configured(
      uplinks,
      append('nat', 'POSTROUTING', [], { kind: 'MASQUERADE', portFirst: 0, portLast: 0, random: false }),
    );
    expect(on.ct_enabled).toBe(true);
    expect(configured(on, command('nat', 'F', '')).ct_enabled).toBe(false);
  });
});

// Observed with iptables-legacy 1.8.9 on Linux 6.18, 2026-11-30: each rule alone in its chain, and -C of it and of the others.
describe('a rule is the same only if', () => {
  const NO_NAME = 'iptables: No chain/target/match by that name.';
  const BAD_RULE = 'iptables: Bad rule (does a matching rule exist in that chain?).';
  const empty = host(
    ...LINKS,
    'ipset create a hash:ip',
    'ipset create b hash:ip',
    'iptables -t mangle -N X',
    'iptables -t mangle -N Y',
  );

  it.each([
    ['-s 10.0.0.1', ['-s 10.0.0.2', '-s 10.0.0.0/24', '! -s 10.0.0.1', '-d 10.0.0.1', '']],
    ['-d 10.0.0.0/24', ['-d 10.0.0.0/25', '-d 10.0.1.0/24']],
    ['-p tcp', ['-p udp', '! -p tcp']],
    ['-o eth0', ['-o eth1', '-o eth+', '! -o eth0']],
    ['-p udp --sport 5:7', ['-p udp --sport 5:8', '-p udp --sport 4:7', '-p udp --dport 5:7']],
    ['-p tcp --tcp-flags SYN,ACK SYN', ['-p tcp --tcp-flags SYN,ACK ACK', '-p tcp --tcp-flags SYN,FIN SYN']],
    ['-p icmp --icmp-type 3/1', ['-p icmp --icmp-type 3/2', '-p icmp --icmp-type 3', '-p icmp --icmp-type 11/1']],
    [
      '-p tcp -m multiport --dports 22,80:90',
      [
        '-p tcp -m multiport --dports 23,80:90',
        '-p tcp -m multiport --dports 22,80:91',
        '-p tcp -m multiport --dports 22,79:90',
        '-p tcp -m multiport --dports 22',
        '-p tcp -m multiport --dports 80:90,22',
        '-p tcp -m multiport --sports 22,80:90',
        '-p tcp -m multiport --ports 22,80:90',
      ],
    ],
    ['-m mark --mark 1/0xf', ['-m mark --mark 2/0xf', '-m mark --mark 1/0xff', '-m mark ! --mark 1/0xf']],
    ['-m connmark --mark 1/0xf', ['-m connmark --mark 2/0xf', '-m connmark --mark 1/0xff', '-m mark --mark 1/0xf']],
    ['-m state --state NEW,ESTABLISHED', ['-m state --state NEW', '-m state --state NEW,ESTABLISHED,RELATED']],
    [
      '-m conntrack --ctstate NEW --ctorigdst 10.0.0.1',
      [
        '-m conntrack ! --ctstate NEW --ctorigdst 10.0.0.1',
        '-m conntrack --ctstate ESTABLISHED --ctorigdst 10.0.0.1',
        '-m conntrack --ctstate NEW,ESTABLISHED --ctorigdst 10.0.0.1',
        '-m conntrack --ctstate NEW --ctorigdst 10.0.0.2',
        '-m conntrack --ctstate NEW ! --ctorigdst 10.0.0.1',
        '-m conntrack --ctstate NEW --ctorigsrc 10.0.0.1',
        '-m conntrack --ctstate NEW --ctorigdst 10.0.0.1 --ctproto 6',
        '-m conntrack --ctstate NEW',
        '-m conntrack --ctorigdst 10.0.0.1',
      ],
    ],
    ['-m owner --uid-owner 5-7', ['-m owner --uid-owner 5-8', '-m owner --uid-owner 4-7', '-m owner --gid-owner 5-7']],
    ['-m owner --gid-owner 5-7', ['-m owner --gid-owner 5-8', '-m owner --gid-owner 4-7']],
    ['-m owner --socket-exists', ['-m owner ! --socket-exists']],
    ['-m cgroup --cgroup 5', ['-m cgroup --cgroup 6', '-m cgroup ! --cgroup 5']],
    [
      '-m set --match-set a src',
      ['-m set --match-set b src', '-m set --match-set a dst', '-m set ! --match-set a src'],
    ],
    [
      '-m iprange --src-range 10.0.0.5-10.0.0.7',
      [
        '-m iprange --src-range 10.0.0.5-10.0.0.8',
        '-m iprange --src-range 10.0.0.4-10.0.0.7',
        '-m iprange --dst-range 10.0.0.5-10.0.0.7',
      ],
    ],
    ['-m length --length 5:7', ['-m length --length 5:8', '-m length --length 4:7']],
    ['-m policy --dir out --pol ipsec', ['-m policy --dir out --pol none']],
    ['-m statistic --mode random --probability 0.5', ['-m statistic --mode random --probability 0.25']],
    [
      '-m statistic --mode nth --every 3 --packet 1',
      ['-m statistic --mode nth --every 4 --packet 1', '-m statistic --mode nth --every 3 --packet 2'],
    ],
    ['-m tos --tos 0x10/0x3f', ['-m tos --tos 0x08/0x3f', '-m tos --tos 0x10/0xff']],
    ['-m dscp --dscp 10', ['-m dscp --dscp 11']],
    [
      '-m addrtype --dst-type LOCAL',
      ['-m addrtype --dst-type UNICAST', '-m addrtype --src-type LOCAL', '-m addrtype --dst-type LOCAL,UNICAST'],
    ],
  ])('it asks the same: %s', (words, others) => {
    const net = on(empty, `iptables -t mangle -A OUTPUT ${words} -j ACCEPT`);
    expect(says(net, `iptables -t mangle -C OUTPUT ${words} -j ACCEPT`)).toBe('');
    for (const other of others)
      expect(says(net, `iptables -t mangle -C OUTPUT ${other} -j ACCEPT`), other).toBe(BAD_RULE);
  });

  it.each([
    ['mangle -A OUTPUT', '-j MARK --set-xmark 1/0xf', ['-j MARK --set-xmark 2/0xf', '-j MARK --set-xmark 1/0xff']],
    ['mangle -A OUTPUT', '-j TOS --set-tos 1/0xf', ['-j TOS --set-tos 2/0xf', '-j TOS --set-tos 1/0xff']],
    ['mangle -A OUTPUT', '-j DSCP --set-dscp 10', ['-j DSCP --set-dscp 11']],
    ['mangle -A OUTPUT', '-j X', ['-j Y', '-g X']],
    ['mangle -A OUTPUT', '-g X', ['-g Y', '-j X']],
    [
      'mangle -A OUTPUT',
      '-j CONNMARK --save-mark --nfmask 3 --ctmask 5',
      [
        '-j CONNMARK --save-mark --nfmask 3 --ctmask 4',
        '-j CONNMARK --save-mark --nfmask 2 --ctmask 5',
        '-j CONNMARK --restore-mark --nfmask 3 --ctmask 5',
        '-j CONNMARK --set-xmark 1/5',
      ],
    ],
    ['mangle -A OUTPUT', '-j CONNMARK --set-xmark 1/5', ['-j CONNMARK --set-xmark 4/5']],
    [
      'nat -A POSTROUTING',
      '-p tcp -j MASQUERADE --to-ports 5-7',
      ['-p tcp -j MASQUERADE --to-ports 5-8', '-p tcp -j MASQUERADE --to-ports 4-7', '-p tcp -j MASQUERADE'],
    ],
    [
      'nat -A OUTPUT',
      '-p tcp -j REDIRECT --to-ports 5-7',
      [
        '-p tcp -j REDIRECT --to-ports 5-8',
        '-p tcp -j REDIRECT --to-ports 4-7',
        '-p tcp -j REDIRECT --to-ports 5-7 --random',
      ],
    ],
    [
      'nat -A POSTROUTING',
      '-p tcp -j SNAT --to-source 10.0.0.1:5-7',
      [
        '-p tcp -j SNAT --to-source 10.0.0.2:5-7',
        '-p tcp -j SNAT --to-source 10.0.0.1:4-7',
        '-p tcp -j SNAT --to-source 10.0.0.1:5-8',
        '-p tcp -j SNAT --to-source 10.0.0.1:5-7 --random',
      ],
    ],
    ['raw -A OUTPUT', '-j CT --zone 5', ['-j CT --zone 6', '-j CT --zone-orig 5']],
    [
      'filter -A OUTPUT',
      '-j REJECT --reject-with icmp-host-unreachable',
      ['-j REJECT --reject-with icmp-net-unreachable'],
    ],
    [
      'mangle -A PREROUTING',
      '-p tcp -j TPROXY --on-port 5 --on-ip 10.0.0.1 --tproxy-mark 1/3',
      [
        '-p tcp -j TPROXY --on-port 6 --on-ip 10.0.0.1 --tproxy-mark 1/3',
        '-p tcp -j TPROXY --on-port 5 --on-ip 10.0.0.2 --tproxy-mark 1/3',
        '-p tcp -j TPROXY --on-port 5 --on-ip 10.0.0.1 --tproxy-mark 2/3',
        '-p tcp -j TPROXY --on-port 5 --on-ip 10.0.0.1 --tproxy-mark 1/7',
      ],
    ],
    [
      'mangle -A PREROUTING',
      '-p tcp -m socket --transparent --nowildcard -j RETURN',
      ['-p tcp -m socket --transparent -j RETURN', '-p tcp -m socket --nowildcard -j RETURN'],
    ],
  ])('it does the same: %s %s', (where, words, others) => {
    const net = on(empty, `iptables -t ${where} ${words}`);
    const check = (rule: string) => says(net, `iptables -t ${where.replace('-A', '-C')} ${rule}`);
    expect(check(words)).toBe('');
    for (const other of others) expect(check(other), other).toBe(other.endsWith('RETURN') ? BAD_RULE : NO_NAME);
  });
});

it('matches at random as the dice fall, of which even a certain match throws none', () => {
  const falls = (probability: number) => {
    let net: World = { ...uplinks, picks: { ...uplinks.picks, random: 0b0110 } };
    return Array.from({ length: 4 }, () => {
      const { hit, net: after } = random_mt(net, { probability, invert: false });
      net = after;
      return hit;
    });
  };
  expect(falls(0x40000000)).toEqual([true, false, false, true]);
  expect(falls(0x80000000)).toEqual([true, true, true, true]);
  expect(falls(0)).toEqual([false, false, false, false]);
});
