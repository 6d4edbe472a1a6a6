import { describe, expect, it } from 'vitest';
import { hostCommand } from '../../model/host/commands.ts';
import { ipChecksumCorrect, transportChecksumCorrect } from '../../model/kernel/include/net/checksum.ts';
import { skb_checksum_help } from '../../model/kernel/net/core/dev.ts';
import { getCt, nf_conntrack_confirm, nf_conntrack_in } from '../../model/kernel/net/netfilter/nf_conntrack_core.ts';
import { NF_NAT_MANIP_SRC } from '../../model/kernel/net/netfilter/nf_nat_core.ts';
import {
  nf_nat_ipv4_manip_pkt,
  nf_nat_ipv4_out,
  nf_nat_ipv4_pre_routing,
} from '../../model/kernel/net/netfilter/nf_nat_proto.ts';
import { stock } from '../../model/patch/stock.ts';
import { EPERM } from '../../model/types/errno.ts';
import { CHECKSUM_PARTIAL, type SkBuff } from '../../model/types/packet.ts';
import { NF_ACCEPT, NF_DROP, NF_DROP_ERR } from '../../model/types/verdict.ts';
import type { World } from '../../model/types/world.ts';
import { ip, on, packet } from './build.ts';
import { ETH0, ETH1, OUT, POST, PRE, uplinks } from './hooks.ts';

const masq = on(uplinks, 'iptables -t nat -A POSTROUTING -o eth1 -j MASQUERADE');
const toEth1 = { dev: ETH1, rt_gw4: ip('10.1.0.2') };

/** A packet through conntrack, POSTROUTING of eth1 and the confirmation. */
function leave(net: World, skb: SkBuff): { verdict: number; skb: SkBuff; net: World } {
  const tracked = nf_conntrack_in(net, { ...skb, dst: { ...skb.dst, ...toEth1 } }, OUT);
  const natted = nf_nat_ipv4_out(stock, tracked.net, tracked.skb, POST);
  const confirmed = nf_conntrack_confirm(natted.net, natted.skb);
  const verdict = natted.verdict === NF_ACCEPT ? confirmed.verdict : natted.verdict;
  return { verdict, skb: confirmed.skb, net: confirmed.net };
}

/** An arriving packet through conntrack and de-NAT. */
function arrive(net: World, skb: SkBuff): { verdict: number; skb: SkBuff; net: World } {
  const tracked = nf_conntrack_in(net, skb, PRE);
  return nf_nat_ipv4_pre_routing(stock, tracked.net, tracked.skb, PRE);
}

function correct(skb: SkBuff): boolean {
  return ipChecksumCorrect(skb.iph) && transportChecksumCorrect(skb);
}

describe('MASQUERADE', () => {
  it('takes the device address towards the next hop, keeps the port and corrects both checksums', () => {
    for (const skb of [
      packet('10.0.0.1:4000 > 8.8.8.8:53 udp 2'),
      packet('10.0.0.1:4000 > 8.8.8.8:80 tcp S seq 1000 win 1000'),
      packet('10.0.0.1 > 8.8.8.8 icmp 8/0 id 4000 seq 1'),
    ]) {
      const sent = leave(masq, skb);
      expect(sent.verdict).toBe(NF_ACCEPT);
      expect(sent.skb.iph.saddr).toBe(ip('10.1.0.1'));
      expect(sent.skb).toMatchObject({
        uh: { source: skb.uh.source },
        th: { source: skb.th.source },
        icmph: { id: skb.icmph.id },
      });
      expect(correct(sent.skb)).toBe(true);
    }
  });

  it('translates the answer back to the first source', () => {
    const { net } = leave(masq, packet('10.0.0.1:4000 > 8.8.8.8:53 udp 2'));
    const { skb } = arrive(net, packet('8.8.8.8:53 > 10.1.0.1:4000 udp 2'));
    expect(skb.iph.daddr).toBe(ip('10.0.0.1'));
    expect(correct(skb)).toBe(true);
  });

  it('leaves other devices alone and drops where the device has no address', () => {
    const other = nf_conntrack_in(masq, packet('10.0.0.1:4000 > 8.8.8.8:53 udp 2'), OUT);
    expect(nf_nat_ipv4_out(stock, other.net, other.skb, { ...POST, out: ETH0 }).skb.iph.saddr).toBe(ip('10.0.0.1'));
    const bare = { ...masq, devs: masq.devs.map((dev) => ({ ...dev, ifa_list: [] })) };
    expect(leave(bare, packet('10.0.0.1:4000 > 8.8.8.8:53 udp 2')).verdict).toBe(NF_DROP);
  });

  it('leaves a packet from 0.0.0.0 as it is', () => {
    expect(leave(masq, packet('0.0.0.0:68 > 255.255.255.255:67 udp 2'))).toMatchObject({
      verdict: NF_ACCEPT,
      skb: { iph: { saddr: 0 } },
    });
  });

  it('changes the port of the second flow to one outside address and port', () => {
    const first = leave(masq, packet('10.0.0.1:4000 > 8.8.8.8:53 udp 2'));
    const second = leave(first.net, packet('10.9.0.1:4000 > 8.8.8.8:53 udp 2'));
    // Hand calculation: the search starts at 1024 + 0 mod 64512.
    expect(second.skb.uh.source).toBe(1024);
    expect(correct(second.skb)).toBe(true);
    const low = leave(
      leave(masq, packet('10.0.0.1:600 > 8.8.8.8:53 udp 2')).net,
      packet('10.9.0.1:600 > 8.8.8.8:53 udp 2'),
    );
    expect(low.skb.uh.source).toBe(601);
    expect(
      leave(leave(masq, packet('10.0.0.1:700 > 8.8.8.8:53 udp 2')).net, packet('10.9.0.1:700 > 8.8.8.8:53 udp 2')).skb
        .uh.source,
    ).toBe(600);
  });

  it('lets flows to different peers share a port', () => {
    const first = leave(masq, packet('10.0.0.1:4000 > 8.8.8.8:53 udp 2'));
    expect(leave(first.net, packet('10.9.0.1:4000 > 9.9.9.9:53 udp 2')).skb.uh.source).toBe(4000);
  });

  it('kills a masqueraded flow that leaves by another device', () => {
    const first = leave(masq, packet('10.0.0.1:4000 > 8.8.8.8:53 udp 2'));
    const again = nf_conntrack_in(first.net, packet('10.0.0.1:4000 > 8.8.8.8:53 udp 2'), OUT);
    const { verdict, net } = nf_nat_ipv4_out(stock, again.net, again.skb, { ...POST, out: ETH0 });
    expect(verdict).toBe(NF_DROP);
    expect(getCt(net, 1).dying).toBe(true);
  });

  it('puts the recorded port back where a patch changed the packet after conntrack', () => {
    const tracked = nf_conntrack_in(
      masq,
      {
        ...packet('10.0.0.1:4000 > 8.8.8.8:80 tcp S seq 1000 win 1000'),
        dst: { ...packet('0.0.0.0:1 > 0.0.0.0:1 udp 2').dst, ...toEth1 },
      },
      OUT,
    );
    const moved = {
      ...tracked.skb,
      iph: { ...tracked.skb.iph, saddr: ip('10.1.0.1') },
      th: { ...tracked.skb.th, source: 5555 },
    };
    expect(nf_nat_ipv4_out(stock, tracked.net, moved, POST).skb.th.source).toBe(4000);
  });
});

describe('bindings without a rule', () => {
  it('change the port of a local flow whose tuple a masqueraded one has taken', () => {
    const first = leave(masq, packet('10.0.0.1:4000 > 8.8.8.8:53 udp 2'));
    const tracked = nf_conntrack_in(first.net, packet('10.1.0.1:4000 > 8.8.8.8:53 udp 2'), OUT);
    expect(nf_nat_ipv4_out(stock, tracked.net, tracked.skb, { ...POST, out: ETH0 }).skb.uh.source).toBe(1024);
  });
});

describe('SNAT and DNAT', () => {
  it('keep to the port range', () => {
    const snat = on(uplinks, 'iptables -t nat -A POSTROUTING -p udp -j SNAT --to-source 10.1.0.1:5000-5001');
    const first = leave(snat, packet('10.0.0.1:4000 > 8.8.8.8:53 udp 2'));
    const second = leave(first.net, packet('10.0.0.1:4001 > 8.8.8.8:53 udp 2'));
    expect([first.skb.uh.source, second.skb.uh.source]).toEqual([5000, 5001]);
    expect(correct(second.skb)).toBe(true);
  });

  it('keep a port that lies in the range', () => {
    const snat = on(uplinks, 'iptables -t nat -A POSTROUTING -p udp -j SNAT --to-source 10.1.0.1:3999-4001');
    expect(leave(snat, packet('10.0.0.1:4000 > 8.8.8.8:53 udp 2')).skb.uh.source).toBe(4000);
  });
});

/** A flow of that protocol, from the port or with the identifier, towards one server. */
function flow(protocol: string, saddr: string, key = 4000): SkBuff {
  if (protocol === 'icmp') return packet(`${saddr} > 8.8.8.8 icmp 8/0 id ${key} seq 1`);
  if (protocol === 'udp') return packet(`${saddr}:${key} > 8.8.8.8:53 udp 2`);
  if (protocol === 'tcp') return packet(`${saddr}:${key} > 8.8.8.8:80 tcp S seq 1000 win 1000`);
  return packet(`${saddr} > 8.8.8.8 ${protocol} 8`, [0, 0, 0, 0]);
}

const NUMBERS: Readonly<Record<string, number>> = { icmp: 1, tcp: 6, udp: 17, 47: 47, 50: 50 };

/** The host with `-j SNAT --to-source 10.1.0.1:FIRST-LAST` for that protocol; iptables takes identifiers of ICMP for ports. */
function snatting(net: World, protocol: string, portFirst: number, portLast: number): World {
  const matches = [{ kind: 'proto', protocol: NUMBERS[protocol] ?? 0, invert: false }] as const;
  const target = { kind: 'SNAT', addr: ip('10.1.0.1'), portFirst, portLast, random: false } as const;
  const rule = { id: 0, matches, target, count: 0 };
  const command = { kind: 'iptables', nft: false, table: 'nat', op: 'A', chain: 'POSTROUTING', index: 1 } as const;
  const done = hostCommand(net, { ...command, policy: NF_ACCEPT, rule });
  expect(done.message).toBe('');
  return done.net;
}

/** The source port or the identifier. */
function key({ iph, uh, th, icmph }: SkBuff): number {
  return iph.protocol === 1 ? icmph.id : iph.protocol === 6 ? th.source : uh.source;
}

// Expected values: net/netfilter/nf_nat_core.c of Linux 6.1, by hand.
describe('ports and identifiers that NAT chooses', () => {
  it.each(['udp', 'tcp', 'icmp'])(
    'are the own one where the range of %s has it, else the first free one',
    (protocol) => {
      const snat = snatting(uplinks, protocol, 5000, 5002);
      const sent = (net: World, from: number) => leave(net, flow(protocol, '10.0.0.1', from));
      expect([4999, 5000, 5001, 5002, 5003].map((from) => key(sent(snat, from).skb))).toEqual([
        5000, 5000, 5001, 5002, 5000,
      ]);
      const one = sent(snat, 5001).net;
      const other = leave(one, flow(protocol, '10.9.0.1', 5001));
      expect(key(other.skb)).toBe(5000);
      expect(key(leave(other.net, flow(protocol, '10.9.0.2', 5001)).skb)).toBe(5002);
    },
  );

  it.each([
    [8, 0],
    [13, 14],
    [15, 16],
    [17, 18],
  ])(
    'change the identifier of a second ICMP query of type %i, and that of its answer of type %i back',
    (query, reply) => {
      const ask = (saddr: string) => packet(`${saddr} > 8.8.8.8 icmp ${query}/0 id 4000 seq 1`);
      const { skb, net } = leave(leave(masq, ask('10.0.0.1')).net, ask('10.9.0.1'));
      expect(skb).toMatchObject({ iph: { saddr: ip('10.1.0.1') }, icmph: { id: 0, sequence: 1 } });
      expect(correct(skb)).toBe(true);
      const back = arrive(net, packet(`8.8.8.8 > 10.1.0.1 icmp ${reply}/0 id 0 seq 1`)).skb;
      expect(back).toMatchObject({ iph: { daddr: ip('10.9.0.1') }, icmph: { id: 4000, sequence: 1 } });
      expect(correct(back)).toBe(true);
    },
  );

  it('are looked for 128 times, then 64, 32, 16 and 8 times more', () => {
    // The kernel draws each new place; the one of the model is the next port.
    const { net } = leave(masq, flow('udp', '10.0.0.1'));
    const first = getCt(net, 1);
    const taken = (ports: number): World => ({
      ...net,
      next_ct: 1000,
      conntrack: Array.from({ length: ports }, (_, i) => ({
        ...first,
        id: i + 1,
        original: { ...first.original, src: ip('10.7.0.0') + i },
        reply: { ...first.reply, dport: 1024 + i },
      })),
    });
    const sent = (ports: number) => leave(taken(ports), flow('udp', '10.9.0.1', 1024));
    expect(sent(0).skb.uh.source).toBe(1024);
    expect(sent(200)).toMatchObject({ verdict: NF_ACCEPT, skb: { uh: { source: 1224 } } });
    expect(sent(247)).toMatchObject({ verdict: NF_ACCEPT, skb: { uh: { source: 1271 } } });
    expect(sent(248)).toMatchObject({ verdict: NF_DROP });
  });

  it.each([
    ['tcp', NF_DROP],
    ['icmp', NF_DROP],
    ['udp', NF_ACCEPT],
    ['47', NF_DROP],
    ['50', NF_ACCEPT],
  ])('leave no way but that of another flow, which only some protocols share: %s', (protocol, verdict) => {
    const stateful = on(uplinks, 'iptables -A OUTPUT -m conntrack --ctstate NEW -j ACCEPT');
    const tracked = nf_conntrack_in(stateful, flow(protocol, '10.1.0.1', 5000), OUT);
    const { net } = nf_conntrack_confirm(tracked.net, tracked.skb);
    const port = protocol === '47' || protocol === '50' ? 0 : 5000;
    const snat = snatting(net, protocol, port, port);
    const sent = leave(snat, flow(protocol, '10.0.0.1'));
    expect(sent).toMatchObject({ verdict, skb: { ct: verdict === NF_ACCEPT ? 1 : 2 } });
  });
});

// C: net/netfilter/nf_nat_proto.c, nf_nat_ipv4_out().
describe('IPsec policies', () => {
  const SNAT = 'iptables -t nat -A POSTROUTING -p udp -j SNAT --to-source';
  const TMPL = 'tmpl proto esp mode tunnel';

  it.each([
    ['of the new source', `${SNAT} 10.1.0.1`, `src 10.1.0.1/32 dst 0.0.0.0/0 dir out ${TMPL}`, true],
    ['of the old source', `${SNAT} 10.1.0.1`, `src 10.0.0.1/32 dst 0.0.0.0/0 dir out ${TMPL}`, false],
    ['of the new port alone', `${SNAT} 10.0.0.1:5000`, `proto udp sport 5000 dir out ${TMPL}`, true],
    ['of the kept port', `${SNAT} 10.1.0.1`, `proto udp sport 4000 dir out ${TMPL}`, true],
    ['of everything, where nothing changes', `${SNAT} 10.0.0.1`, `dir out ${TMPL}`, false],
  ])('are asked again for a packet with another source or port: %s', (_what, rule, policy, xfrm) => {
    const net = on(uplinks, rule, `ip xfrm policy add ${policy}`);
    const sent = leave(net, flow('udp', '10.0.0.1'));
    expect(sent).toMatchObject({ verdict: NF_ACCEPT, skb: { dst: { xfrm } } });
  });

  it.each([
    ['udp', true],
    ['icmp', false],
  ])('are asked again for another port, not for another identifier: %s', (protocol, xfrm) => {
    const snat = on(uplinks, 'iptables -t nat -A POSTROUTING -j SNAT --to-source 10.1.0.1');
    const { net } = leave(snat, flow(protocol, '10.0.0.1'));
    const second = leave(on(net, `ip xfrm policy add dir out ${TMPL}`), flow(protocol, '10.1.0.1'));
    expect(key(second.skb)).not.toBe(4000);
    expect(second).toMatchObject({ verdict: NF_ACCEPT, skb: { dst: { xfrm } } });
  });

  it('may refuse it', () => {
    const net = on(
      uplinks,
      `${SNAT} 10.1.0.1`,
      'ip xfrm policy add src 10.1.0.1/32 dst 0.0.0.0/0 dir out action block',
    );
    expect(leave(net, flow('udp', '10.0.0.1')).verdict).toBe(NF_DROP_ERR(-EPERM));
    expect(leave(net, flow('tcp', '10.0.0.1')).verdict).toBe(NF_ACCEPT);
  });
});

describe('checksums under NAT', () => {
  const target = { src: ip('10.1.0.1'), dst: ip('8.8.8.8'), sport: 4000, dport: 53, protonum: 17 };

  it('leave UDP without one alone', () => {
    const skb = packet('10.0.0.1:4000 > 8.8.8.8:53 udp 2');
    expect(nf_nat_ipv4_manip_pkt({ ...skb, uh: { ...skb.uh, check: 0 } }, target, NF_NAT_MANIP_SRC).uh.check).toBe(0);
  });

  it('write 0xffff where UDP would come to zero', () => {
    // The payload word is chosen so that the sum for 10.1.0.1 is 0xffff.
    const plain = packet('10.1.0.1:4000 > 8.8.8.8:53 udp 2', [0]);
    const zero = packet('10.0.0.1:4000 > 8.8.8.8:53 udp 2', [plain.uh.check]);
    const sent = nf_nat_ipv4_manip_pkt(zero, target, NF_NAT_MANIP_SRC);
    expect(sent.uh.check).toBe(0xffff);
    expect(correct(sent)).toBe(true);
  });

  it('correct the pseudo-header of CHECKSUM_PARTIAL, whose port is summed later', () => {
    const skb = packet('10.0.0.1:4000 > 8.8.8.8:53 tcp S seq 1000 win 1000');
    const sum = 0x0a00 + 1 + 0x0808 + 0x0808 + 6 + 20;
    const partial = { ...skb, ip_summed: CHECKSUM_PARTIAL, th: { ...skb.th, check: sum } };
    const sent = nf_nat_ipv4_manip_pkt(partial, { ...target, sport: 5000, protonum: 6 }, NF_NAT_MANIP_SRC);
    expect(sent.th.check).toBe(sum + 1);
    expect(correct(skb_checksum_help(sent))).toBe(true);
  });
});

describe('ICMP errors', () => {
  it('are translated back together with the packet that they quote', () => {
    const { net, skb: wire } = leave(masq, packet('10.0.0.1:4000 > 8.8.8.8:53 udp 2'));
    const words = [0x4500, 30, 0, 0, 0x4011, wire.iph.check, 0x0a01, 1, 0x0808, 0x0808, 4000, 53, 10, wire.uh.check];
    const { skb } = arrive(net, packet('10.1.0.2 > 10.1.0.1 icmp unreachable/1 28 seq 1', words));
    const before = packet('10.0.0.1:4000 > 8.8.8.8:53 udp 2');
    expect(skb.iph.daddr).toBe(ip('10.0.0.1'));
    expect(skb.payload.words).toEqual([
      0x4500,
      30,
      0,
      0,
      0x4011,
      before.iph.check,
      0x0a00,
      1,
      0x0808,
      0x0808,
      4000,
      53,
      10,
      before.uh.check,
    ]);
    expect(correct(skb)).toBe(true);
  });

  it.each([47, 50])('leave what they quote of protocol %i as it is, but for its addresses', (protocol) => {
    const sent = leave(masq, packet(`10.0.0.1 > 8.8.8.8 ${protocol} 8`, [0, 0x0800, 0x1234, 0x5678]));
    const quote = (check: number, hi: number) => [
      ...[0x4500, 28, 0, 0, 0x4000 | protocol, check, hi, 1, 0x0808, 0x0808],
      ...[0, 0x0800, 0x1234, 0x5678],
    ];
    const words = quote(sent.skb.iph.check, 0x0a01);
    const { skb } = arrive(sent.net, packet('10.1.0.2 > 10.1.0.1 icmp unreachable/1 28 seq 1', words));
    expect(skb.payload.words).toEqual(quote(packet(`10.0.0.1 > 8.8.8.8 ${protocol} 8`).iph.check, 0x0a00));
    expect(correct(skb)).toBe(true);
  });

  it.each([
    ['both ends of a flow without NAT are bound', true, true, false, false, NF_ACCEPT],
    ['the source is not bound', false, true, false, false, NF_DROP],
    ['the destination is not bound', true, false, false, false, NF_DROP],
    ['the source is another one', true, true, true, false, NF_DROP],
    ['the destination is another one', true, true, false, true, NF_DROP],
  ])('that redirect go on where %s', (_what, srcNatDone, dstNatDone, srcNat, dstNat, verdict) => {
    const { net, skb: wire } = leave(
      on(
        uplinks,
        'iptables -t nat -A POSTROUTING -j MARK --set-mark 1',
        'iptables -A INPUT -m conntrack --ctstate NEW',
      ),
      flow('udp', '10.0.0.1'),
    );
    const changed = net.conntrack.map((ct) => ({ ...ct, srcNatDone, dstNatDone, srcNat, dstNat }));
    const words = [0x4500, 30, 0, 0, 0x4011, wire.iph.check, 0x0a00, 1, 0x0808, 0x0808, 4000, 53, 10, wire.uh.check];
    const of = (type: string) =>
      arrive({ ...net, conntrack: changed }, packet(`10.0.0.254 > 10.0.0.1 icmp ${type} 28 seq 1`, words));
    expect(of('5/1').verdict).toBe(verdict);
    expect(of('3/1').verdict).toBe(NF_ACCEPT);
  });
});
