/** Transparent proxies. What a kernel did with whole scenarios is in conformance/cases/; here is which socket a packet is for. */
import { describe, expect, test } from 'vitest';
import { inet_twsk_alloc } from '../../model/kernel/net/ipv4/inet_timewait_sock.ts';
import { nf_tproxy_laddr4 } from '../../model/kernel/net/ipv4/netfilter/nf_tproxy_ipv4.ts';
import { sockByName } from '../../model/types/lookup.ts';
import { type Happening, host, ip, LINKS, last, sentIn } from './build.ts';
import { ETH1, uplinks } from './hooks.ts';

test('a proxy without an address is looked for at the first of the link, on a link without one at the packet’s own', () => {
  expect(nf_tproxy_laddr4(uplinks, ETH1, 0, ip('8.8.8.8'))).toBe(ip('172.16.0.9'));
  expect(nf_tproxy_laddr4(uplinks, ETH1, ip('10.0.0.1'), ip('8.8.8.8'))).toBe(ip('10.0.0.1'));
  expect(nf_tproxy_laddr4(host('ip link add eth0 type dummy'), 2, 0, ip('8.8.8.8'))).toBe(ip('8.8.8.8'));
});

const HERE = [
  'ip route add default via 10.0.0.254',
  'ip rule add fwmark 1 table 7',
  'ip route add local default dev lo table 7',
];
const PROXY = 'iptables -t mangle -A PREROUTING -p udp -j TPROXY --on-port 5353 --tproxy-mark 1';

/** Names of the sockets that get a datagram to 8.8.8.8:53. */
function receivers(rules: readonly string[], events: readonly Happening[]): readonly string[] {
  const net = host(...LINKS, ...HERE, ...rules);
  const { world, effects } = last(net, [...events, 'receive eth0 10.0.0.9:5000 > 8.8.8.8:53 udp 4']);
  return effects.flatMap((e) => (e.kind === 'deliver' ? [world.socks.find(({ id }) => id === e.sk)?.name ?? ''] : []));
}

describe('a datagram that TPROXY meets', () => {
  const open = (name: string, at: string) => [`socket ${name} udp transparent`, `bind ${name} ${at}`];

  test('is for the socket at the link’s address and the proxy’s port, else for one at every address', () => {
    expect(receivers([PROXY], [...open('any', '0.0.0.0:5353')])).toEqual(['any']);
    expect(receivers([PROXY], [...open('other', '10.1.0.1:5353')])).toEqual([]);
    expect(receivers([PROXY], [...open('here', '10.0.0.1:5353')])).toEqual(['here']);
  });

  test('is dropped where the mark does not lead it here', () => {
    expect(receivers([PROXY.replace(' --tproxy-mark 1', '')], open('any', '0.0.0.0:5353'))).toEqual([]);
  });

  test('is for a connected socket, but for none that is connected elsewhere', () => {
    const connected = [...open('c', '8.8.8.8:53'), 'connect c 10.0.0.9:5000'];
    expect(receivers([PROXY], [...open('any', '0.0.0.0:5353'), ...connected])).toEqual(['c']);
    const elsewhere = [...open('c', '0.0.0.0:5353'), 'connect c 10.0.0.9:5000'];
    expect(receivers([PROXY], elsewhere)).toEqual([]);
  });

  test('stays with its socket when INPUT translates its source', () => {
    const snat = 'iptables -t nat -A INPUT -j SNAT --to-source 10.0.0.77';
    expect(receivers([PROXY, snat], open('any', '0.0.0.0:5353'))).toEqual(['any']);
  });
});

test('a TIME_WAIT and a request are transparent where their socket is', () => {
  const net = last(host(...LINKS, ...HERE), ['socket l tcp transparent', 'bind l 8.8.8.8:80', 'listen l']).world;
  expect(inet_twsk_alloc(net, sockByName(net, 'l'), 6).tw.transparent).toBe(true);
  const mark = 'host iptables -t mangle -A PREROUTING -m socket --transparent -j MARK --set-mark 1';
  const answered = last(net, [mark, 'receive eth0 10.0.0.9:5000 > 8.8.8.8:80 tcp S']);
  expect(sentIn(answered).map(({ skb }): number => skb.iph.saddr)).toEqual([ip('8.8.8.8')]);
  expect(answered.world.socks.at(-1)?.transparent).toBe(true);
});

test('the answer to a translated packet is looked up by what that was before', () => {
  const net = host(
    ...LINKS,
    'iptables -t nat -A POSTROUTING -j SNAT --to-source 10.0.0.77',
    'ip addr add 10.0.0.77/24 dev eth0',
    'iptables -t mangle -A PREROUTING -m socket -j DROP',
  );
  const events = ['socket u udp', 'bind u 10.0.0.1:4000', 'send u 4 to 10.0.0.9:53'];
  expect(last(net, [...events, 'answer u']).effects.map(({ kind }) => kind)).not.toContain('deliver');
});
