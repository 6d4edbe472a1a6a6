import { describe, expect, it } from 'vitest';
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
import { CHECKSUM_PARTIAL, type SkBuff } from '../../model/types/packet.ts';
import { NF_ACCEPT, NF_DROP } from '../../model/types/verdict.ts';
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
  return { verdict: natted.verdict, skb: confirmed.skb, net: confirmed.net };
}

/** An arriving packet through conntrack and de-NAT. */
function arrive(net: World, skb: SkBuff): { skb: SkBuff; net: World } {
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
});
