/** The flows of described hosts: who is found, why, and what repairs it. */
import { describe, expect, test } from 'vitest';
import { type FlowClass, type Flows, flowsOf } from '../../flows/classes.ts';
import { leftText, prefixesOf, setText } from '../../flows/describe.ts';
import type { Fate, Left } from '../../flows/play.ts';
import { isBroken, Remedies } from '../../flows/remedies.ts';
import { silentMarks } from '../../flows/silence.ts';
import { reasonsOf } from '../../flows/why.ts';
import { masquerade } from '../../model/patch/masquerade.ts';
import { stock } from '../../model/patch/stock.ts';
import { readHostList } from '../../scenario/host.ts';

const POST = [
  'link eth0',
  'ip link set eth0 up',
  'ip addr add 10.0.0.1/24 dev eth0',
  'link eth1',
  'ip link set eth1 up',
  'ip addr add 10.1.0.1/24 dev eth1',
  'ip route add default via 10.0.0.254',
  'ip route add default via 10.1.0.254 table 100',
  'ip rule add fwmark 100 table 100',
];

function flowsOn(...more: readonly string[]): Flows {
  return flowsOf(readHostList('host', [...POST, ...more]).net, { kernels: [stock], bound: 0 });
}

function brokenOf(flows: Flows): readonly FlowClass[] {
  return flows.classes.filter(isBroken);
}

function textOf({ space }: Flows, { set, fates }: FlowClass): string {
  const { first, end } = fates[0] as Fate;
  return `${setText(space, set).join('; ')}: ${first === undefined ? end : leftText(first)}`;
}

describe('classes', () => {
  test('a wrong source for one port of one user is found among many rules and routes', () => {
    const many = Array.from(
      { length: 300 },
      (_, n) => `ip route add 20.${n >>> 3}.${(n & 7) << 5}.0/24 via 10.0.0.254`,
    );
    const rules = Array.from(
      { length: 100 },
      (_, n) => `iptables -t mangle -A OUTPUT -p udp --dport ${2000 + n} -m owner --uid-owner ${n % 9} -j ACCEPT`,
    );
    const planted = 'iptables -t mangle -A OUTPUT -p tcp --dport 8443 -m owner --uid-owner 1007 -j MARK --set-mark 100';
    const flows = flowsOn(...many, ...rules, planted);
    const broken = brokenOf(flows);
    expect(broken.map((one) => textOf(flows, one))).toEqual([
      'tcp to anywhere but 10.1.0.0/24 of user 1007 to port 8443: eth1 via 10.1.0.254 from 10.0.0.1 with mark 100',
    ]);
    const [one] = broken as [FlowClass];
    expect(reasonsOf(stock, flows.net, flows.space, one.flow, one.fates[0] as Fate).map(({ place }) => place)).toEqual([
      'mangle OUTPUT, rule 101',
      'routing, rule 32765',
    ]);
  });

  test('rules that say the same to others do not divide', () => {
    const flows = flowsOn('iptables -A OUTPUT -p tcp --dport 80 -j ACCEPT', 'iptables -A OUTPUT -p udp -j ACCEPT');
    expect(flows.classes.filter(({ bound }) => bound.dev === '').length).toBe(3);
  });

  test('members of a set, protocols and ports together', () => {
    const flows = flowsOn(
      'ipset create web hash:ip,port',
      'ipset add web 8.8.8.8,tcp:80',
      'ipset add web 9.9.9.9,udp:53',
      'iptables -t mangle -A OUTPUT -m set --match-set web dst,dst -j MARK --set-mark 100',
    );
    const broken = brokenOf(flows).flatMap(({ set }) => setText(flows.space, set));
    expect([...broken].sort()).toEqual(['tcp to 8.8.8.8 to port 80', 'udp to 9.9.9.9 to port 53']);
  });

  test('a translated destination leaves with the source of the first route', () => {
    const flows = flowsOn('iptables -t nat -A OUTPUT -d 10.96.0.10 -p tcp -j DNAT --to-destination 10.1.0.9');
    const broken = brokenOf(flows);
    expect(broken.map((one) => textOf(flows, one))).toEqual(['tcp to 10.96.0.10: eth1 from 10.0.0.1 to 10.1.0.9']);
  });

  test('policies of IPsec divide flows by their destination, and by the mark that rules give', () => {
    const flows = flowsOn(
      'iptables -t mangle -A OUTPUT -p udp --dport 53 -j MARK --set-mark 100',
      'ip xfrm policy add src 0.0.0.0/0 dst 8.8.8.8/32 dir out tmpl proto esp',
      'ip xfrm policy add src 0.0.0.0/0 dst 0.0.0.0/0 dir out mark 100 action block priority 7',
    );
    const texts = flows.classes.map((one) => textOf(flows, one));
    expect(texts.filter((text) => text.endsWith('protected by IPsec')).map((text) => text.split(':')[0])).toEqual([
      'tcp, ping to 8.8.8.8; udp to 8.8.8.8 to any port but 53',
      'udp to 8.8.8.8 to port 53',
    ]);
    const refused = flows.classes.filter(({ fates }) => fates[0]?.first === undefined);
    expect(refused.flatMap(({ set }) => setText(flows.space, set))).toEqual(['udp to anywhere but 8.8.8.8 to port 53']);
  });

  test('the flows to one destination alone', () => {
    const { net } = readHostList('host', [...POST, 'iptables -t mangle -A OUTPUT -p tcp -j MARK --set-mark 100']);
    const to = { addr: 0x08080808, port: 443 };
    const flows = flowsOf(net, { kernels: [stock, masquerade], bound: 0, to });
    expect(flows.classes.map((one) => textOf(flows, one))).toEqual([
      'udp, ping: eth0 via 10.0.0.254 from 10.0.0.1',
      'tcp: eth1 via 10.1.0.254 from 10.0.0.1 with mark 100',
    ]);
    expect(flows.classes.map(({ fates }) => leftText((fates[1] as Fate).first as Left))).toEqual([
      'eth0 via 10.0.0.254 from 10.0.0.1',
      'eth1 via 10.1.0.254 from 10.1.0.1 with mark 100',
    ]);
  });

  test('addresses are the fewest prefixes that have none of the others', () => {
    const pieces = [
      { first: 0x01000000, last: 0x09ffffff, own: false },
      { first: 0x0a000000, last: 0x0a000000, own: true },
      { first: 0x0a000002, last: 0x0a0000fe, own: true },
      { first: 0x0a000100, last: 0xdfffffff, own: false },
    ];
    expect(prefixesOf(pieces, true)).toEqual({ count: 1, texts: ['10.0.0.0/24'] });
    const between = { first: 0x0a000001, last: 0x0a000001, own: false };
    expect(prefixesOf([...pieces.slice(0, 2), between, ...pieces.slice(2)], true).count).toBe(8);
  });
});

describe('remedies', () => {
  test('each that is told was tried, and leaves from an address of its link', () => {
    const flows = flowsOn('iptables -t mangle -A OUTPUT -d 8.8.8.8 -j MARK --set-mark 100');
    const [one] = brokenOf(flows) as [FlowClass];
    const remedies = new Remedies(flows).for(one);
    expect(remedies.map(({ name }) => name)).toEqual(['MASQUERADE', 'selector rules', 'SO_MARK', 'a source rule']);
    for (const { fate } of remedies) expect(fate.first?.saddr).toBe(0x0a010001);
  });

  test('selector rules are not told where they would do something else', () => {
    const flows = flowsOn('iptables -t mangle -A OUTPUT -m length --length 60 -j MARK --set-mark 100');
    for (const one of brokenOf(flows)) {
      expect(new Remedies(flows).for(one).map(({ name }) => name)).not.toContain('selector rules');
    }
    expect(brokenOf(flows).length).toBeGreaterThan(0);
  });
});

describe('marks without effect', () => {
  const why = (...more: readonly string[]) => silentMarks(flowsOn(...more)).map((one) => one.why);

  test('none where the mark leads elsewhere', () => {
    expect(why('iptables -t mangle -A OUTPUT -d 8.8.8.8 -j MARK --set-mark 100')).toEqual([]);
  });

  test('a routing rule stands before the one that asks for it', () => {
    expect(
      why('ip rule add pref 10 table main', 'iptables -t mangle -A OUTPUT -d 8.8.8.8 -j MARK --set-mark 100'),
    ).toEqual([
      'the mark is set and changes nothing: ip rule add fwmark 100 pref 32765 table 100 is not reached, rule 10 stands before it: ip rule add pref 10 table main',
    ]);
  });

  test('a chain behind which nothing is routed again', () => {
    const [one] = why('iptables -t mangle -A POSTROUTING -d 8.8.8.8 -j MARK --set-mark 100');
    expect(one).toMatch(/^behind mangle POSTROUTING no packet is routed again/);
  });

  test('a rule that nothing comes to', () => {
    expect(
      why('iptables -t mangle -A OUTPUT -j RETURN', 'iptables -t mangle -A OUTPUT -d 8.8.8.8 -j MARK --set-mark 100'),
    ).toEqual(['no packet of this host comes to it; rule 1 stands before it: iptables -t mangle -A OUTPUT -j RETURN']);
  });
});
