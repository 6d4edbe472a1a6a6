import { expect, test } from 'vitest';
import { tfoCookieOf, withTfoCookie } from '../../model/kernel/net/ipv4/tcp_fastopen.ts';
import { sockByName } from '../../model/types/lookup.ts';
import {
  TCPHDR_ACK as ACK,
  CHECKSUM_PARTIAL,
  TCPHDR_FIN as FIN,
  TCPHDR_PSH as PSH,
  TCPHDR_SYN as SYN,
} from '../../model/types/packet.ts';
import { TCP_SYN_RECV, TCP_SYN_SENT } from '../../model/types/sock.ts';
import type { World } from '../../model/types/world.ts';
import { changed, errnos, HERE, host, letters, ONE_LINK, on, PEER, run, segment, sysctl, wire } from './build.ts';

/** Options of the SYN with the timestamp's value cut out. */
function synOptions(values: Parameters<typeof sysctl>[1]): { options: string; header: number; length: number } {
  const { net, effects } = run(sysctl(host(...ONE_LINK), values), ['socket c tcp', 'connect c 10.0.0.254:80']);
  const [syn] = wire(effects);
  if (syn === undefined) throw new Error('no SYN');
  const options = hex(syn.th.options);
  return { options, header: sockByName(net, 'c').tcp_header_len, length: syn.iph.tot_len };
}

// Observed: Linux 6.18, `tcpdump -x` on a veth pair, 2026-11-22: the same options in the same order for each setting
// (020405b4 0402080a… 00000000 0103030?; the last digit, the window scale, depends on tcp_rmem, 7 in 6.1).
const hex = (words: readonly number[]): string => words.map((word) => word.toString(16).padStart(4, '0')).join('');

test('a SYN carries MSS, SACK permitted, timestamp and window scale', () => {
  const { options, header, length } = synOptions({});
  expect(options).toBe(`020405b40402080a${hex([0, 1000])}0000000001030307`);
  expect({ header, length }).toEqual({ header: 32, length: 60 });
});

test('without timestamps SACK permitted has an option of its own and the header of later segments is 20 bytes', () => {
  expect(synOptions({ tcp_timestamps: 0 })).toEqual({ options: '020405b40101040201030307', header: 20, length: 52 });
});

test('without timestamps and SACK there are MSS and window scale', () => {
  expect(synOptions({ tcp_timestamps: 0, tcp_sack: 0 }).options).toBe('020405b401030307');
});

test('MSS is always there', () => {
  const plain = synOptions({ tcp_timestamps: 0, tcp_sack: 0, tcp_window_scaling: 0 });
  expect(plain).toEqual({ options: '020405b4', header: 20, length: 44 });
});

// Observed: Linux 6.18, 2026-11-22: 22020101 for a request, 220a… 0101 for a cookie of eight bytes.
test('a Fast Open option is filled with two NOPs', () => {
  expect(hex(withTfoCookie([], -1))).toBe('22020101');
  expect(hex(withTfoCookie([], 0x11223344))).toBe('220a11223344112233440101');
});

test('the first SYN leaves with the addresses of the socket and a correct checksum, window 64240', () => {
  const { net, effects } = run(host(...ONE_LINK), ['socket c tcp', 'connect c 10.0.0.254:80']);
  const c = sockByName(net, 'c');
  const sent = wire(effects);
  expect(sent.map(letters)).toEqual(['S']);
  expect(sent[0]?.iph).toMatchObject({ saddr: HERE, daddr: PEER, protocol: 6 });
  expect(sent[0]?.th).toMatchObject({ source: c.inet_sport, dest: 80, seq: c.snd_una, ack_seq: 0, window: 64240 });
  expect(c).toMatchObject({
    sk_state: TCP_SYN_SENT,
    inet_saddr: HERE,
    inet_rcv_saddr: HERE,
    inet_daddr: PEER,
    hashed: true,
    icsk_timeout: 1000,
    snd_nxt: (c.snd_una + 1) >>> 0,
  });
  expect(c.cork_fl).toMatchObject({ saddr: HERE, daddr: PEER, fl4_sport: c.inet_sport, fl4_dport: 80 });
  expect(errnos(effects)).toEqual([0, -115]);
});

test('TCP hands its segments to IP with the checksum left to the device, over the pseudo-header only', () => {
  const { effects } = run(host(...ONE_LINK), ['socket c tcp', 'connect c 10.0.0.254:80']);
  const made = effects.flatMap((e) => (e.kind === 'alloc' ? [e.skb] : []));
  expect(made[0]).toMatchObject({ ip_summed: CHECKSUM_PARTIAL, cloned: true, headroom: 260 });
});

test('a SYN that a hook drops is no error of connect(), and its timer is armed', () => {
  const { net, effects } = run(on(host(...ONE_LINK), 'iptables -P OUTPUT DROP'), [
    'socket c tcp',
    'connect c 10.0.0.254:80',
  ]);
  expect(wire(effects)).toEqual([]);
  expect(errnos(effects)).toEqual([0, -115]);
  const c = sockByName(net, 'c');
  expect(c.snd_nxt).toBe((c.snd_una + 1) >>> 0);
  expect(c.icsk_timeout).toBe(1000);
});

// Observed: Linux 6.18, 2026-11-22: the second small segment left when the first was acknowledged, not before.
test('a small segment waits until the one before it is acknowledged; a FIN does not wait', () => {
  const opened = run(host(...ONE_LINK), ['socket c tcp', 'connect c 10.0.0.254:80', 'answer c']).net;
  const first = run(opened, ['send c 4', 'send c 4', 'send c 3']);
  expect(wire(first.effects).map((skb) => [letters(skb), skb.payload.len])).toEqual([['P.', 4]]);
  const acked = run(first.net, ['answer c']);
  expect(wire(acked.effects).map((skb) => [letters(skb), skb.payload.len])).toEqual([['P.', 7]]);
  const closed = run(first.net, ['close c']);
  expect(wire(closed.effects).map((skb) => [letters(skb), skb.payload.len])).toEqual([['FP.', 7]]);
});

/** A client that has got a Fast Open cookie. */
const known = (): World => run(host(...ONE_LINK), ['socket a tcp', 'send a 4 to 10.0.0.254:80 tfo', 'answer a']).net;

// net/ipv4/tcp_output.c, tcp_syn_options(): of 40 bytes a signature takes 20, MSS, window scale and SACK 4 each where
// there is no timestamp, which takes 12 and SACK with it; the cookie needs 12.
test.each([
  ['', {}, true],
  ['', { tcp_timestamps: 0 }, true],
  ['md5', {}, false],
  ['md5', { tcp_sack: 0 }, true],
  ['md5', { tcp_window_scaling: 0 }, true],
  ['md5', { tcp_timestamps: 0 }, false],
  ['md5', { tcp_timestamps: 0, tcp_sack: 0 }, true],
])('the cookie has its place in a SYN: %s %j %s', (signed, values, fits) => {
  const { effects } = run(sysctl(known(), values), [`socket b tcp ${signed}`, 'send b 4 to 10.0.0.254:80 tfo']);
  expect(wire(effects).map((skb) => tfoCookieOf(skb.th) !== 0)).toEqual([fits]);
  expect(wire(effects)[0]?.th.doff).toBeLessThanOrEqual(15);
});

// net/ipv4/tcp_output.c, tcp_synack_options(): 32 bytes are taken where a signature is, and the cookie needs 12.
test.each([
  ['', true],
  [' md5', false],
])('the cookie has its place in a SYN-ACK, of this host and of another:%s %s', (signed, fits) => {
  const here = sysctl(host(...ONE_LINK), { tcp_fastopen: 0x403 });
  const listening = run(here, [`socket l tcp${signed}`, 'bind l 10.0.0.1:80', 'listen l']).net;
  const client = (to: string) => [`socket c tcp${signed}`, `send c 4 to ${to}:80 tfo`];
  const delivered = [
    ...run(listening, client('10.0.0.1')).effects,
    ...run(here, [...client('10.0.0.254'), 'answer c']).effects,
  ].flatMap((effect) => (effect.kind === 'deliver' ? [effect.skb] : []));
  const answers = delivered.filter(({ th }) => th.flags === (SYN | ACK));
  expect(answers.map(({ th }) => tfoCookieOf(th) !== 0)).toEqual([fits, fits]);
  expect(answers.map(({ th }) => th.doff <= 15)).toEqual([true, true]);
});

// net/ipv4/tcp_output.c, __tcp_retransmit_skb(): tcp_trim_head() up to snd_una.
test('of data that is acknowledged in part the rest is sent again', () => {
  const { net } = run(host(...ONE_LINK), ['socket c tcp', 'connect c 10.0.0.254:80', 'answer c', 'send c 10']);
  const c = sockByName(net, 'c');
  const again = (acked: number) =>
    wire(run(net, [segment(ACK, 80, c.inet_num, c.rcv_nxt, c.snd_una + acked), 'retransmit c']).effects).map(
      ({ th, payload }) => [(th.seq - c.snd_una) >>> 0, payload.len, payload.words[0]],
    );
  expect([again(0), again(1), again(4), again(10)]).toEqual([[[0, 10, 1]], [[1, 9, 1]], [[4, 6, 1]], []]);
});

// net/ipv4/tcp_output.c, __tcp_retransmit_skb(): a SYN in front of snd_una loses its flag and its number.
test('a SYN that counts as acknowledged is sent again without SYN', () => {
  const { net } = run(host(...ONE_LINK), ['socket c tcp', 'connect c 10.0.0.254:80']);
  const c = sockByName(net, 'c');
  const again = (acked: number) =>
    wire(run(changed(net, c.id, { snd_una: (c.snd_una + acked) >>> 0 }), ['retransmit c']).effects).map(({ th }) => [
      th.flags,
      (th.seq - c.snd_una) >>> 0,
    ]);
  expect([again(0), again(1), again(2)]).toEqual([[[SYN, 0]], [[0, 1]], []]);
});

// net/ipv4/tcp_output.c, tcp_send_syn_data(): the segment for the data of the SYN is queued though it is empty.
test('a FIN stands behind the SYN and its empty data until both are acknowledged', () => {
  const { net } = run(known(), ['socket b tcp', 'send b 0 to 10.0.0.254:80 tfo']);
  const crossed = segment(SYN, 80, sockByName(net, 'b').inet_num, 900, 0);
  const { write_queue } = run(net, [crossed, 'close b']).net.socks.at(-1) ?? { write_queue: [] };
  expect(write_queue.map((seg) => [seg.flags, seg.len, seg.sent])).toEqual([
    [SYN | ACK, 0, true],
    [PSH | ACK, 0, true],
    [FIN | ACK, 0, true],
  ]);
});

// net/ipv4/tcp_output.c, tcp_send_synack(): "wrong queue state".
test('a SYN for a connect() that has not sent its own is taken, but not answered', () => {
  const { net } = run(known(), ['socket b tcp', 'connect b 10.0.0.254:80 tfo']);
  const crossed = run(net, [segment(SYN, 80, sockByName(net, 'b').inet_num, 900, 0)]);
  expect([wire(crossed.effects), sockByName(crossed.net, 'b').sk_state]).toEqual([[], TCP_SYN_RECV]);
});
