import { describe, expect, test } from 'vitest';
import { ipChecksumCorrect, transportChecksumCorrect } from '../../model/kernel/include/net/checksum.ts';
import { sockByName } from '../../model/types/lookup.ts';
import { CHECKSUM_NONE, IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, TCPHDR_SYN } from '../../model/types/packet.ts';
import { parseEvent } from '../../scenario/events.ts';
import {
  arrives,
  changed,
  errnos,
  firstSent,
  type Happening,
  host,
  ip,
  last,
  POST,
  packet,
  run,
  wire,
} from './build.ts';

const UPLINKS = host(...POST);
const sent = (events: readonly Happening[]) => firstSent(last(UPLINKS, events)).skb;

describe('the user of a raw socket builds the transport header', () => {
  test('TCP with the given flags, from port 5000 to that of the destination, checksum right', () => {
    const skb = sent([`socket r raw ${IPPROTO_TCP}`, 'send r 3 to 8.8.8.8:80 flags S']);
    expect(skb).toMatchObject({ ip_summed: CHECKSUM_NONE, th: { source: 5000, dest: 80, flags: TCPHDR_SYN } });
    expect(skb.payload.len).toBe(3);
    expect(transportChecksumCorrect(skb)).toBe(true);
  });

  test('the ports of a connected socket', () => {
    const events = [`socket r raw ${IPPROTO_UDP}`, 'connect r 8.8.8.8:53', 'send r 2'];
    expect(sent(events).uh).toMatchObject({ source: 5000, dest: 53, len: 10 });
  });

  test('other protocols as bytes', () => {
    expect(sent(['socket r raw 47', 'send r 3 to 8.8.8.8'])).toMatchObject({
      iph: { protocol: 47, tot_len: 23 },
      payload: { len: 3, words: [0x0001, 0x0200] },
    });
  });
});

describe('with a header of one’s own', () => {
  test('a source of 0 is filled in, another one kept', () => {
    expect(sent(['socket h hdrincl', 'send h 3 to 8.8.8.8:53']).iph.saddr).toBe(ip('10.0.0.1'));
    const kept = sent(['socket h hdrincl', 'send h 3 to 8.8.8.8:53 from 9.9.9.9']);
    expect(kept.iph.saddr).toBe(ip('9.9.9.9'));
    expect(kept.hdrincl && ipChecksumCorrect(kept.iph) && transportChecksumCorrect(kept)).toBe(true);
  });

  test('it is TCP with flags, UDP with a port, else an echo request', () => {
    const protocol = (to: string) => sent(['socket h hdrincl', `send h 3 to ${to}`]).iph.protocol;
    expect([protocol('8.8.8.8 flags S'), protocol('8.8.8.8:53'), protocol('8.8.8.8')]).toEqual([
      IPPROTO_TCP,
      IPPROTO_UDP,
      IPPROTO_ICMP,
    ]);
  });
});

test('raw sockets get copies of what arrives for their protocol, address and device', () => {
  const skb = packet('9.9.9.9:1 > 10.0.0.1:53 udp 4');
  const sockets = [
    'socket u udp',
    'bind u 0.0.0.0:53',
    `socket all raw ${IPPROTO_UDP}`,
    `socket bound raw ${IPPROTO_UDP}`,
    'bind bound 10.1.0.1',
    `socket dev raw ${IPPROTO_UDP} dev eth1`,
    `socket tcp raw ${IPPROTO_TCP}`,
  ];
  const { effects } = last(UPLINKS, [...sockets, arrives('eth0', skb)]);
  expect(effects.flatMap((e) => (e.kind === 'deliver' ? [e.sk] : []))).toEqual([4, 3]);
  const ids = effects.flatMap((e) => (e.kind === 'deliver' ? [e.skb.id] : []));
  expect(new Set(ids).size).toBe(2);
});

// Observed: Linux 6.18.44, 2026-11-30, the same sizes on a veth and on lo. 28 bytes are IP and UDP header.
test.each([
  ['raw 17', 65507, '8.8.8.8', 0],
  ['raw 17', 65508, '8.8.8.8', -90],
  ['raw 17', 65527, '8.8.8.8', -90],
  ['raw 17', 65528, '8.8.8.8', -90],
  ['hdrincl', 1472, '8.8.8.8', 0],
  ['hdrincl', 1473, '8.8.8.8', -90],
  ['hdrincl', 65507, '10.0.0.1', 0],
  ['hdrincl', 65508, '10.0.0.1', -90],
])('%s: of %i bytes to %s the call says %i', (type, len, to, err) => {
  const sending = { ...parseEvent(`send r 1 to ${to}:53`), len } as Happening;
  expect(errnos(run(UPLINKS, [`socket r ${type}`, sending]).effects).at(-1)).toBe(err);
});

// Observed: Linux 6.18.44, 2026-11-30. net/ipv4/raw.c, raw_probe_proto_opt(): type and code of ICMP stand where a rule
// looks for ports; no other protocol's ports are read.
test.each([
  ['raw 1', '8.8.8.8', '10.1.0.1'],
  ['raw 6', '8.8.8.8:80', '10.0.0.1'],
  ['raw 17', '8.8.8.8:2048', '10.0.0.1'],
  ['raw 47', '8.8.8.8', '10.0.0.1'],
  ['hdrincl', '8.8.8.8', '10.0.0.1'],
])('a rule for port 2048 and an echo request of %s to %s', (type, to, saddr) => {
  const ruled = host(...POST, 'ip rule add dport 2048 table 100');
  expect(firstSent(last(ruled, [`socket r ${type}`, `send r 4 to ${to}`])).skb.iph.saddr).toBe(ip(saddr));
});

// net/ipv4/raw.c: raw_send_hdrinc() calls sock_alloc_send_skb(), which looks for an error; ip_append_data() without a
// transport header of its own does not.
test('an error that waits is told to the sender of whole packets only', () => {
  const told = (type: string) => {
    const { net } = run(UPLINKS, [`socket r ${type}`, 'connect r 8.8.8.8:53']);
    const { effects } = run(changed(net, sockByName(net, 'r').id, { sk_err: 111 }), ['send r 1', 'send r 1']);
    return [errnos(effects), wire(effects).length];
  };
  expect(told('hdrincl')).toEqual([[-111, 0], 1]);
  expect(told('raw 17')).toEqual([[0, 0], 2]);
});
