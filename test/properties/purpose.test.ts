/** The purpose is one that can be missed: the stock kernel misses all of it, and so does a patch that does nothing. */
import { describe, expect, it } from 'vitest';
import { ipt_do_table } from '../../model/kernel/net/ipv4/netfilter/ip_tables.ts';
import { ipt_mangle_out } from '../../model/kernel/net/ipv4/netfilter/iptable_mangle.ts';
import { kernelNamed } from '../../model/patch/index.ts';
import { stock } from '../../model/patch/stock.ts';
import type { Kernel } from '../../model/types/world.ts';
import { properties } from '../../properties/index.ts';
import { firstBroken, occurs, play } from '../../scenario/play.ts';
import { compile } from '../../scenario/text.ts';

const HOST = [
  'ip link add eth0 type veth peer name eth0p',
  'ip link set eth0 up',
  'ip addr add 10.0.0.1/24 dev eth0',
  'ip link add eth1 type veth peer name eth1p',
  'ip link set eth1 up',
  'ip addr add 10.1.0.1/24 dev eth1',
  'ip route add default via 10.0.0.254',
  'ip route add default via 10.1.0.254 table 100',
  'ip rule add fwmark 100 table 100',
  'iptables -t mangle -A OUTPUT -d 8.8.8.8 -j MARK --set-mark 100',
  'sysctl -w net.ipv4.ping_group_range="0 2147483647"',
];

/** Those that do something for a sender, if not for all. */
const OTHERS = [
  'masquerade',
  'icmp-only',
  'tcp-rehash',
  'icmp-only-mended',
  'tcp-rehash-mended',
  'selector-rules',
  'ask-first',
] as const;

/** Every kind of sender at its simplest, and who achieves what it wants. */
const SENDERS: readonly { readonly id: string; readonly events: readonly string[]; readonly by: readonly string[] }[] =
  [
    {
      id: 'marked-echo-works',
      events: ['socket c ping', 'send c 4 to 8.8.8.8', 'answer c'],
      by: OTHERS,
    },
    {
      id: 'marked-datagram-works',
      events: ['socket c udp', 'send c 4 to 8.8.8.8:53', 'answer c'],
      by: ['masquerade', 'icmp-only-mended', 'tcp-rehash-mended', 'selector-rules', 'ask-first'],
    },
    {
      id: 'marked-connected-datagram-works',
      events: ['socket c udp', 'connect c 8.8.8.8:53', 'send c 4', 'answer c'],
      by: ['masquerade', 'selector-rules', 'ask-first'],
    },
    {
      id: 'marked-syn-works',
      events: ['socket c tcp', 'connect c 8.8.8.8:80', 'answer c'],
      by: ['masquerade', 'tcp-rehash', 'tcp-rehash-mended', 'selector-rules', 'ask-first'],
    },
    {
      id: 'marked-connection-works',
      events: ['socket c tcp', 'connect c 8.8.8.8:80', 'answer c', 'send c 4', 'answer c'],
      by: ['masquerade', 'tcp-rehash-mended', 'selector-rules', 'ask-first'],
    },
    {
      id: 'marked-retransmission-works',
      events: ['socket c tcp', 'connect c 8.8.8.8:80', 'retransmit c', 'answer c'],
      by: ['masquerade', 'tcp-rehash-mended', 'selector-rules', 'ask-first'],
    },
    {
      id: 'marked-greeting-works',
      events: ['socket c tcp', 'connect c 8.8.8.8:80', 'answer c', 'say c 9'],
      by: ['masquerade', 'tcp-rehash-mended', 'selector-rules', 'ask-first'],
    },
    {
      id: 'marked-fast-open-works',
      events: ['socket c tcp', 'connect c 8.8.8.8:80 tfo', 'answer c'],
      by: ['masquerade', 'selector-rules', 'ask-first'],
    },
    {
      id: 'marked-signed-session-works',
      events: ['socket c tcp md5', 'connect c 8.8.8.8:80', 'answer c'],
      by: ['selector-rules', 'ask-first'],
    },
    {
      id: 'marked-reply-works',
      events: ['receive eth0 8.8.8.8 > 10.0.0.1 icmp echo-request'],
      by: [],
    },
    {
      id: 'marked-bound-sender-works',
      events: ['socket c udp', 'bind c 10.0.0.1', 'send c 4 to 8.8.8.8:53', 'answer c'],
      by: ['masquerade'],
    },
  ];

/** The patched functions called, and nothing else done than without them. */
const idle: Kernel = { ...(kernelNamed('tcp-rehash-mended') as Kernel), name: 'idle', ipt_mangle_out };

/** A hook that marks, and looks up nothing. */
const deaf: Kernel = {
  ...stock,
  name: 'deaf',
  ipt_mangle_out: (kernel, net, skb, state) => ipt_do_table(kernel, net, skb, state, net.mangle),
};

const purposes = properties.filter(({ purpose }) => purpose);

it('a purpose is stated for every kind of sender', () => {
  expect(SENDERS.map(({ id }) => id).sort()).toEqual(purposes.map(({ id }) => id).sort());
});

describe.each(SENDERS)('$id', ({ id, events, by }) => {
  const purpose = purposes.find((one) => one.id === id) as (typeof purposes)[number];
  const runOn = (kernel: Kernel) => play(kernel, compile({ host: HOST, events }));

  it.each([stock, idle])('is missed by $name', (kernel) => {
    const run = runOn(kernel);
    expect(occurs(purpose, run)).toBe(true);
    expect(firstBroken(purpose, run)).toBeGreaterThanOrEqual(0);
  });

  it('is not kept by a hook that sends nothing by another link: its case does not occur', () => {
    expect(occurs(purpose, runOn(deaf))).toBe(false);
  });

  it('is achieved by those who do something for that sender, and by no other', () => {
    const achieved = OTHERS.filter((name) => {
      const run = runOn(kernelNamed(name) as Kernel);
      return occurs(purpose, run) && firstBroken(purpose, run) < 0;
    });
    expect(achieved).toEqual(by);
  });
});

it('so-mark achieves it where its program knows the mark', () => {
  const host = HOST.map((line) => line.replace('-d 8.8.8.8', '-p udp'));
  const events = ['socket c udp', 'send c 4 to 8.8.8.8:53', 'answer c'];
  const purpose = purposes.find(({ id }) => id === 'marked-datagram-works') as (typeof purposes)[number];
  const run = play(kernelNamed('so-mark') as Kernel, compile({ host, events }));
  expect(occurs(purpose, run)).toBe(true);
  expect(firstBroken(purpose, run)).toBe(-1);
});

describe('a sender that the rules of mangle OUTPUT lead away again from the right source', () => {
  const purpose = purposes.find(({ id }) => id === 'marked-syn-works') as (typeof purposes)[number];
  const events = ['socket c tcp', 'connect c 8.8.8.8:80', 'answer c'];
  const spokenOf = (rules: readonly string[]) => {
    const host = [...HOST, ...rules.map((rule) => `iptables -t mangle -A OUTPUT ${rule}`)];
    return firstBroken(purpose, play(stock, compile({ host, events }))) >= 0;
  };
  const BY_LINK = '-o eth1 -j MARK --set-mark 7';

  it.each([
    ['without its mark they lead it there', [BY_LINK]],
    ['with its mark they lead it there', ['-s 10.1.0.1 -m mark --mark 0 -j ACCEPT']],
  ])('is promised something where %s', (_, rules) => expect(spokenOf(rules)).toBe(true));

  it.each([
    ['they drop it', ['-s 10.1.0.1 -j DROP']],
    ['they mark it otherwise', ['-s 10.1.0.1 -j MARK --set-mark 7']],
  ])('is promised nothing where %s', (_, rules) => expect(spokenOf(rules)).toBe(false));
});
