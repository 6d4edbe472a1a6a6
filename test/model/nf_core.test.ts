import { describe, expect, it } from 'vitest';
import { ipChecksumCorrect, transportChecksumCorrect } from '../../model/kernel/include/net/checksum.ts';
import { dev_get_by_index } from '../../model/kernel/net/core/dev.ts';
import { HH_DATA_ALIGN, pskb_expand_head } from '../../model/kernel/net/core/skbuff.ts';
import { ip_route_me_harder } from '../../model/kernel/net/ipv4/netfilter.ts';
import { askLocalOut, nf_hook } from '../../model/kernel/net/netfilter/core.ts';
import { masquerade } from '../../model/patch/masquerade.ts';
import { stock } from '../../model/patch/stock.ts';
import { EHOSTUNREACH, EPERM } from '../../model/types/errno.ts';
import type { SkBuff } from '../../model/types/packet.ts';
import { RTN_UNSPEC } from '../../model/types/route.ts';
import { NO_SOCK } from '../../model/types/sock.ts';
import {
  CT_INVALID,
  NF_ACCEPT,
  NF_DROP,
  NF_DROP_ERR,
  NF_INET_LOCAL_OUT,
  NF_QUEUE,
  NF_STOLEN,
} from '../../model/types/verdict.ts';
import type { HookResult, Kernel, World } from '../../model/types/world.ts';
import { printHostCommand } from '../../scenario/host.ts';
import { ip, on, packet } from './build.ts';
import { ETH0, ETH1, IN, OUT, POST, PRE, uplinks } from './hooks.ts';

const dns = {
  ...packet('10.0.0.1:4000 > 8.8.8.8:53 udp 2'),
  headroom: 16,
  dst: { ...packet('1.1.1.1:1 > 1.1.1.1:1 udp 2').dst, dev: ETH0 },
};
const marking = on(uplinks, 'iptables -t mangle -A OUTPUT -p udp -j MARK --set-mark 100');

const MARK_BY = 'iptables -t mangle -A OUTPUT';
const toEth1 = { ...dns, dst: { ...dns.dst, dev: ETH1 } };

function effects(net: World): string[] {
  return net.effects.map(({ kind: effect }) => effect);
}

/** The packet through LOCAL_OUT and POST_ROUTING, as __ip_local_out() and ip_output() send it. */
function send(kernel: Kernel, net: World, skb: SkBuff): { skb: SkBuff; net: World; accepted: boolean } {
  const out = nf_hook(kernel, net, skb, { hook: NF_INET_LOCAL_OUT, in: 0, out: skb.dst.dev, sk: skb.sk });
  return out.accepted ? nf_hook(kernel, out.net, out.skb, { ...POST, out: out.skb.dst.dev }) : out;
}

/** A stock kernel whose mangle OUTPUT says that word. */
function saying(verdict: number): Kernel {
  return {
    ...stock,
    ipt_mangle_out: (_kernel: Kernel, net: World, skb: SkBuff): HookResult => ({ verdict, skb, net }),
  };
}

describe('nf_hook', () => {
  it('calls nothing on a uplinks without tables', () => {
    expect(nf_hook(stock, uplinks, dns, OUT)).toEqual({ err: 0, net: uplinks, skb: dns, accepted: true });
  });

  it('frees a dropped packet, and the sender hears EPERM', () => {
    const net = on(uplinks, 'iptables -A OUTPUT -p udp -j DROP');
    const dropped = nf_hook(stock, net, dns, OUT);
    expect(dropped).toMatchObject({ err: -EPERM, accepted: false });
    expect(dropped.net.effects).toMatchObject([
      { kind: 'verdict', where: 'iptable_filter', verdict: NF_DROP },
      { kind: 'free', where: 'iptable_filter', err: -EPERM },
    ]);
  });

  it('hands the errno of a drop to the sender', () => {
    expect(nf_hook(saying(NF_DROP_ERR(-EHOSTUNREACH)), marking, dns, OUT)).toMatchObject({
      err: -EHOSTUNREACH,
      accepted: false,
    });
  });

  it('leaks a packet with a verdict that does not exist, and reports success', () => {
    const leaked = nf_hook(saying(99), marking, dns, OUT);
    expect(leaked).toMatchObject({ err: 0, accepted: false });
    expect(effects(leaked.net)).toEqual(['mangled', 'verdict', 'leak']);
  });

  it('frees a packet for a queue that nobody reads, unless the queue may be bypassed', () => {
    const queued = nf_hook(saying(NF_QUEUE), marking, dns, OUT);
    expect(queued).toMatchObject({ err: 0, accepted: false });
    expect(effects(queued.net)).toContain('free');
    expect(nf_hook(saying(NF_QUEUE | 0x8000), marking, dns, OUT).accepted).toBe(true);
  });

  it('leaves a stolen packet to nobody', () => {
    const stolen = nf_hook(saying(NF_STOLEN), marking, dns, OUT);
    expect(stolen).toMatchObject({ err: 0, accepted: false });
    expect(effects(stolen.net)).toContain('leak');
  });

  it('forgets the connection of a packet that is dropped before the confirmation', () => {
    const net = on(uplinks, 'iptables -A OUTPUT -m conntrack --ctstate NEW -j DROP');
    expect(nf_hook(stock, net, dns, OUT).net.conntrack).toEqual([]);
  });

  it('asks raw before connection tracking, so that NOTRACK shows as UNTRACKED in filter', () => {
    const net = on(
      uplinks,
      'iptables -t raw -A OUTPUT -j NOTRACK',
      'iptables -A OUTPUT -m conntrack --ctstate UNTRACKED -j DROP',
    );
    expect(nf_hook(stock, net, dns, OUT).accepted).toBe(false);
  });
});

describe('mangle OUTPUT', () => {
  it('sends a marked packet to the other link with its first source', () => {
    const { skb, net, accepted } = send(stock, marking, dns);
    expect(accepted).toBe(true);
    expect(skb).toMatchObject({
      mark: 100,
      iph: { saddr: ip('10.0.0.1') },
      dst: { dev: ETH1, rt_gw4: ip('10.1.0.2') },
    });
    expect(effects(net)).toEqual(['reroute', 'mangled', 'verdict']);
  });

  it('does not route an unchanged packet again', () => {
    const { net, skb } = send(stock, marking, { ...dns, mark: 100 });
    expect(effects(net)).not.toContain('reroute');
    expect(skb.dst.dev).toBe(ETH0);
  });

  it('does not route again for a mark that another table sets', () => {
    for (const table of ['raw', 'filter', 'nat']) {
      const { net } = send(stock, on(uplinks, `iptables -t ${table} -A OUTPUT -j MARK --set-mark 100`), dns);
      expect(effects(net)).not.toContain('reroute');
    }
  });

  it('does not route a marked packet again that a later rule drops', () => {
    const net = on(marking, 'iptables -t mangle -A OUTPUT -j DROP');
    const dropped = nf_hook(stock, net, dns, OUT);
    expect(effects(dropped.net)).not.toContain('reroute');
  });

  it('drops with the error of the second lookup', () => {
    const net = on(marking, 'ip rule add fwmark 100 unreachable pref 10');
    const failed = nf_hook(stock, net, dns, OUT);
    expect(failed).toMatchObject({ err: -101, accepted: false });
    expect(effects(failed.net)).toEqual(['reroute', 'mangled', 'verdict', 'free']);
  });

  it('lets later chains see the device of the first lookup', () => {
    const net = on(marking, 'iptables -A OUTPUT -o eth0 -j DROP');
    expect(nf_hook(stock, net, dns, OUT).accepted).toBe(false);
  });
});

describe('ip_route_me_harder', () => {
  const marked = { ...dns, mark: 100 };

  it('keeps to the device that the socket is bound to', () => {
    const bound = { ...NO_SOCK, id: 9, sk_bound_dev_if: ETH0 };
    expect(ip_route_me_harder(uplinks, bound, marked, RTN_UNSPEC).skb.dst.dev).toBe(ETH0);
  });

  it('looks up a foreign source as it is, and a broadcast source as none', () => {
    const from = (text: string): SkBuff => ({ ...marked, iph: { ...marked.iph, saddr: ip(text) } });
    expect(ip_route_me_harder(uplinks, NO_SOCK, from('192.0.2.1'), RTN_UNSPEC)).toMatchObject({
      err: 0,
      skb: { iph: { saddr: ip('192.0.2.1') } },
    });
    expect(ip_route_me_harder(uplinks, NO_SOCK, from('255.255.255.255'), RTN_UNSPEC)).toMatchObject({
      err: 0,
      skb: { dst: { dev: ETH1 } },
    });
  });

  it.each([
    ['10.0.0.9', ETH1],
    ['10.0.0.1', ETH1],
    ['10.0.0.255', ETH0],
    ['224.0.0.5', ETH0],
    ['255.255.255.255', ETH0],
  ])('shows rules a source of a host or of this one, and no other: %s', (from, dev) => {
    const net = on(uplinks, `ip rule add from ${from} table 100 pref 10`);
    const skb = { ...dns, iph: { ...dns.iph, saddr: ip(from) } };
    expect(ip_route_me_harder(net, NO_SOCK, skb, RTN_UNSPEC).skb.dst.dev).toBe(dev);
  });

  it('sees ports only where a rule asks for them', () => {
    const net = on(uplinks, 'ip rule add dport 53 table 100 pref 10');
    expect(ip_route_me_harder(net, NO_SOCK, dns, RTN_UNSPEC).skb.dst.dev).toBe(ETH1);
    expect(ip_route_me_harder(uplinks, NO_SOCK, dns, RTN_UNSPEC).skb.dst.dev).toBe(ETH0);
  });

  it('makes room for a longer link-level header, in steps of 16 bytes, and thereby a copy', () => {
    const devs = uplinks.devs.map((dev) => (dev.ifindex === ETH1 ? { ...dev, hard_header_len: 22 } : dev));
    const { skb } = ip_route_me_harder({ ...uplinks, devs }, NO_SOCK, { ...marked, cloned: true }, RTN_UNSPEC);
    expect(skb).toMatchObject({ headroom: 32, cloned: false });
    expect([HH_DATA_ALIGN(1), HH_DATA_ALIGN(16), HH_DATA_ALIGN(17)]).toEqual([16, 16, 32]);
    expect(pskb_expand_head(marked, 16).headroom).toBe(32);
  });
});

// Not in the kernel: reroute_ask() of conformance/patched/glue.patch.
describe('askLocalOut', () => {
  const RAW = 'iptables -t raw -A OUTPUT -p udp -j DROP';
  const NFT = 'iptables-nft -t mangle -A OUTPUT -p udp -j MARK --set-mark 100';

  it.each([
    ['tells the mark', marking, dns, NF_ACCEPT, 100],
    ['asks nothing behind a hook that drops', on(marking, RAW), dns, NF_DROP, 0],
    ['does not ask nf_tables', on(uplinks, NFT), dns, NF_ACCEPT, 0],
    ['looks at the link of the route', on(uplinks, `${MARK_BY} -o eth1 -j MARK --set-mark 5`), toEth1, NF_ACCEPT, 5],
    [
      'looks at no connection of before',
      on(uplinks, `${MARK_BY} -m conntrack --ctstate NEW -j MARK --set-mark 6`),
      { ...dns, ctinfo: CT_INVALID },
      NF_ACCEPT,
      6,
    ],
  ])('%s, and leaves nothing behind', (_what, net, skb, verdict, mark) => {
    const asked = askLocalOut(stock, net, skb, OUT);
    expect(asked).toMatchObject({ verdict, skb: { mark } });
    expect(asked.net).toEqual(net);
  });
});

describe('connection tracking at the hooks', () => {
  it('keeps the entry of a packet that comes back in on lo', () => {
    const net = on(uplinks, 'iptables -A INPUT -m conntrack --ctstate NEW -j ACCEPT');
    const sent = send(stock, net, {
      ...packet('127.0.0.1:4000 > 127.0.0.1:53 udp 2'),
      dst: { ...dns.dst, dev: 1, rt_local: true },
    });
    expect(sent.net.conntrack).toHaveLength(1);
    const back = nf_hook(stock, sent.net, sent.skb, { ...PRE, in: 1 });
    const arrived = nf_hook(stock, back.net, back.skb, { ...IN, in: 1 });
    expect(arrived.accepted).toBe(true);
    expect(arrived.net.conntrack).toHaveLength(1);
  });

  it('drops at a stateful INPUT what answers to an address that conntrack did not see', () => {
    const stateful = on(
      uplinks,
      'iptables -P INPUT DROP',
      'iptables -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT',
    );
    const { net } = send(stock, stateful, dns);
    const answer = (to: string): boolean => {
      const pre = nf_hook(stock, net, packet(`8.8.8.8:53 > ${to}:4000 udp 2`), PRE);
      return nf_hook(stock, pre.net, pre.skb, IN).accepted;
    };
    expect([answer('10.0.0.1'), answer('10.1.0.1')]).toEqual([true, false]);
  });

  it('routes a packet with a new destination again and translates the answer back', () => {
    const net = on(uplinks, 'iptables -t nat -A OUTPUT -p udp -j DNAT --to-destination 10.1.0.2:5353');
    const sent = send(stock, net, dns);
    expect(sent.skb).toMatchObject({ iph: { daddr: ip('10.1.0.2') }, uh: { dest: 5353 }, dst: { dev: ETH1 } });
    expect(ipChecksumCorrect(sent.skb.iph) && transportChecksumCorrect(sent.skb)).toBe(true);
    const pre = nf_hook(stock, sent.net, packet('10.1.0.2:5353 > 10.0.0.1:4000 udp 2'), PRE);
    expect(pre.skb.iph.daddr).toBe(ip('10.0.0.1'));
    const arrived = nf_hook(stock, pre.net, pre.skb, IN);
    expect(arrived.skb).toMatchObject({ iph: { saddr: ip('8.8.8.8') }, uh: { source: 53 } });
    expect(transportChecksumCorrect(arrived.skb)).toBe(true);
  });

  it('saves and restores marks through the connection', () => {
    const net = on(
      marking,
      'iptables -t mangle -A OUTPUT -j CONNMARK --save-mark',
      'iptables -t mangle -A PREROUTING -j CONNMARK --restore-mark',
    );
    const sent = send(stock, net, dns);
    expect(nf_hook(stock, sent.net, packet('8.8.8.8:53 > 10.0.0.1:4000 udp 2'), PRE).skb.mark).toBe(100);
  });
});

describe('the variant masquerade', () => {
  it('adds one rule for every device that only a table of its own leads to', () => {
    expect(masquerade.operator(uplinks).commands).toMatchObject([
      {
        table: 'nat',
        chain: 'POSTROUTING',
        rule: {
          matches: [{ kind: 'out', dev: 'eth1' }],
          target: { kind: 'MASQUERADE', portFirst: 0, portLast: 0, random: false },
        },
      },
    ]);
    expect(stock.operator(uplinks)).toEqual({ why: '', commands: [] });
  });

  it("makes ping, UDP and SYN of the post's uplinks leave with the second provider's address", () => {
    const marked = on(uplinks, 'iptables -t mangle -A OUTPUT -j MARK --set-mark 100');
    const net = on(marked, ...masquerade.operator(marked).commands.map(printHostCommand));
    for (const skb of [
      dns,
      packet('10.0.0.1:40000 > 8.8.8.8:80 tcp S seq 1000 win 1000'),
      packet('10.0.0.1 > 8.8.8.8 icmp 8/0 id 5 seq 1'),
    ]) {
      const sent = send(masquerade, net, { ...skb, headroom: 16, dst: dns.dst });
      expect(sent.skb.iph.saddr).toBe(ip('10.1.0.1'));
      expect(dev_get_by_index(net, sent.skb.dst.dev).name).toBe('eth1');
      expect(ipChecksumCorrect(sent.skb.iph) && transportChecksumCorrect(sent.skb)).toBe(true);
    }
  });
});
