import { expect, test } from 'vitest';
import { tcp_fastopen_cookie_gen, tfoCookieOf } from '../../model/kernel/net/ipv4/tcp_fastopen.ts';
import { stock } from '../../model/patch/stock.ts';
import { sockByName } from '../../model/types/lookup.ts';
import { TCPHDR_ACK as ACK, TCPHDR_SYN as SYN } from '../../model/types/packet.ts';
import { TCP_ESTABLISHED, TCP_SYN_RECV, TCP_SYN_SENT } from '../../model/types/sock.ts';
import type { Effect, World } from '../../model/types/world.ts';
import { changed, errnos, HERE, host, letters, ONE_LINK, on, PEER, run, segment, sysctl, wire } from './build.ts';

const OWN = tcp_fastopen_cookie_gen(stock, HERE, PEER);
const told = (effects: readonly Effect[]) =>
  wire(effects).map((skb) => [letters(skb), skb.payload.len, tfoCookieOf(skb.th)]);
/** A client that has got a cookie. */
const known = (): World => run(host(...ONE_LINK), ['socket a tcp', 'send a 4 to 10.0.0.254:80 tfo', 'answer a']).net;

// Observed: Linux 6.18, 2026-11-22: EINPROGRESS and a SYN with 22020101, the ACK of the SYN-ACK with the cookie; then, with
// the cookie, 4 and a SYN with four bytes; a SYN-ACK for the SYN alone brings the data again at once as a P. segment;
// a SYN sent again has neither option nor data.
test('without a cookie the SYN asks for one and takes no data', () => {
  const { net, effects } = run(host(...ONE_LINK), ['socket a tcp', 'send a 4 to 10.0.0.254:80 tfo']);
  expect(told(effects)).toEqual([['S', 0, -1]]);
  expect(errnos(effects)).toEqual([0, -115]);
  expect(sockByName(net, 'a').fastopen).toMatchObject({ syn_fastopen: true, syn_data: false, req: false });
  const answered = run(net, ['answer a']);
  expect(told(answered.effects)).toEqual([['.', 0, 0]]);
  expect(answered.net.metrics).toEqual([{ saddr: HERE, daddr: PEER, mss: 1460, cookie: OWN }]);
});

test('with a cookie the SYN takes the data, and a SYN-ACK for both opens the connection', () => {
  const { net, effects } = run(known(), ['socket b tcp', 'send b 4 to 10.0.0.254:80 tfo']);
  expect(told(effects)).toEqual([['S', 4, OWN]]);
  expect(errnos(effects)).toEqual([0, 0]);
  const b = sockByName(net, 'b');
  expect(b.snd_nxt).toBe((b.snd_una + 5) >>> 0);
  const answered = run(net, ['answer b']);
  expect(told(answered.effects)).toEqual([['.', 0, 0]]);
  expect(sockByName(answered.net, 'b')).toMatchObject({ sk_state: TCP_ESTABLISHED, write_queue: [] });
});

test('a SYN-ACK for the SYN alone brings the data again at once', () => {
  const { net } = run(known(), ['socket b tcp', 'send b 4 to 10.0.0.254:80 tfo']);
  const b = sockByName(net, 'b');
  const { net: after, effects } = run(net, [segment(SYN | ACK, 80, b.inet_num, 500, b.snd_una + 1)]);
  expect(told(effects)).toEqual([['P.', 4, 0]]);
  expect(wire(effects)[0]?.th).toMatchObject({ seq: (b.snd_una + 1) >>> 0, ack_seq: 501 });
  expect(sockByName(after, 'b').sk_state).toBe(TCP_ESTABLISHED);
});

test('a SYN sent again has neither option nor data', () => {
  const { effects } = run(known(), ['socket b tcp', 'send b 4 to 10.0.0.254:80 tfo', 'retransmit b']);
  expect(told(effects)).toEqual([
    ['S', 4, OWN],
    ['S', 0, 0],
  ]);
});

test('a cookie is kept for the address that the socket has when the SYN-ACK comes', () => {
  const start = run(host(...ONE_LINK), ['socket a tcp', 'send a 4 to 10.0.0.254:80 tfo']).net;
  const moved = changed(start, sockByName(start, 'a').id, { inet_saddr: HERE + 1 });
  expect(run(moved, ['answer a']).net.metrics).toMatchObject([{ saddr: HERE + 1, daddr: PEER }]);
});

test('when sending the data fails, the plain SYN is sent in the same call and the data waits', () => {
  const { net, effects } = run(on(known(), 'iptables -P OUTPUT DROP'), [
    'socket b tcp',
    'send b 4 to 10.0.0.254:80 tfo',
  ]);
  const made = effects.flatMap((e) => (e.kind === 'alloc' ? [e.skb] : []));
  expect(made.map((skb) => [letters(skb).slice(0, 1), skb.payload.len, tfoCookieOf(skb.th)])).toEqual([
    ['S', 4, OWN],
    ['S', 0, -1],
  ]);
  const b = sockByName(net, 'b');
  expect(b.write_queue.map((seg) => [seg.len, seg.sent])).toEqual([
    [0, true],
    [4, false],
  ]);
  expect(b.snd_nxt).toBe((b.snd_una + 1) >>> 0);
});

test('the SYN takes no more data than fits into the MSS that the peer announced, less 40 bytes for options', () => {
  const lengths = (net: World, len: number) =>
    told(run(net, ['socket b tcp', `send b ${len} to 10.0.0.254:80 tfo`]).effects).map(([, taken]) => taken);
  expect(lengths(known(), 2000)).toEqual([1420]);
  const small = known().metrics.map((tm) => ({ ...tm, mss: 536 }));
  expect(lengths({ ...known(), metrics: small }, 2000)).toEqual([496]);
  const jumbo = { ...known(), devs: known().devs.map((dev) => ({ ...dev, mtu: 9000 })) };
  expect(lengths(jumbo, 5000)).toEqual([1420]);
  expect(lengths({ ...jumbo, metrics: jumbo.metrics.map((tm) => ({ ...tm, mss: 0 })) }, 5000)).toEqual([3456]);
});

test('a cookie is lost when the socket has no route any more', () => {
  const asked = run(host(...ONE_LINK), ['socket a tcp', 'send a 4 to 10.0.0.254:80 tfo']).net;
  const tables = asked.tables.map((table) => (table.tb_id === 254 ? { ...table, aliases: [] } : table));
  const lost = { ...asked, rt_genid: asked.rt_genid + 1, tables };
  expect(run(lost, ['answer a']).net.metrics).toEqual([]);
});

test('connect() with TCP_FASTOPEN_CONNECT waits for the data when it has a cookie', () => {
  const { net, effects } = run(known(), ['socket b tcp', 'connect b 10.0.0.254:80 tfo']);
  expect([wire(effects), errnos(effects)]).toEqual([[], [0, 0]]);
  expect(sockByName(net, 'b')).toMatchObject({ sk_state: TCP_SYN_SENT, hashed: true, inet_saddr: HERE });
  expect(told(run(net, ['send b 4']).effects)).toEqual([['S', 4, OWN]]);
});

test('connect() with TCP_FASTOPEN_CONNECT asks for a cookie when it has none', () => {
  const { effects } = run(host(...ONE_LINK), ['socket b tcp', 'connect b 10.0.0.254:80 tfo']);
  expect(told(effects)).toEqual([['S', 0, -1]]);
});

const server = (): World =>
  run(sysctl(host(...ONE_LINK), { tcp_fastopen: 0x403 }), ['socket l tcp', 'bind l 10.0.0.1:8080', 'listen l']).net;
const GIVEN = tcp_fastopen_cookie_gen(stock, PEER, HERE);
const halves = [GIVEN >>> 16, GIVEN & 0xffff];
const cookie = [0x220a, ...halves, ...halves, 0x0101];

// Observed: Linux 6.18, tcp_fastopen 1027, 2026-11-22: a request brings the cookie; data with it is acknowledged in the
// SYN-ACK without option; data with another one is not, and the SYN-ACK carries the right one.
test('a listener gives a cookie, takes data with it, and refuses data with another', () => {
  const asked = run(server(), [segment(SYN, 3001, 8080, 100, 0, 0, { options: [0x2202, 0x0101] })]);
  expect(told(asked.effects)).toEqual([['S.', 0, GIVEN]]);
  const wrong = run(server(), [segment(SYN, 3003, 8080, 100, 0, 5, { options: [0x220a, 1, 1, 1, 1, 0x0101] })]);
  expect(told(wrong.effects)).toEqual([['S.', 0, GIVEN]]);
  expect(wire(wrong.effects)[0]?.th.ack_seq).toBe(101);

  const right = run(server(), [segment(SYN, 3002, 8080, 100, 0, 5, { options: cookie })]);
  expect(told(right.effects)).toEqual([['S.', 0, 0]]);
  expect(wire(right.effects)[0]?.th.ack_seq).toBe(106);
  const child = sockByName(right.net, 'l.1');
  expect(child).toMatchObject({ sk_state: TCP_SYN_RECV, received: 5, rcv_nxt: 106, hashed: true });
  expect(wire(right.effects)[0]?.sk).toBe(child.id);

  const open = run(right.net, [segment(ACK, 3002, 8080, 106, child.snd_nxt)]).net;
  expect(sockByName(open, 'l.1')).toMatchObject({ sk_state: TCP_ESTABLISHED, icsk_timeout: 0 });
  expect(open.socks.length).toBe(4);
  expect(told(run(open, ['send l.1 3']).effects)).toEqual([['P.', 3, 0]]);
});

test('the SYN-ACK of a Fast Open child is sent again by the child, on behalf of its request', () => {
  const right = run(server(), [segment(SYN, 3002, 8080, 100, 0, 5, { options: cookie })]).net;
  const { net, effects } = run(right, ['retransmit l.1']);
  expect(told(effects)).toEqual([['S.', 0, 0]]);
  expect([net.now, wire(effects)[0]?.sk]).toEqual([1000, sockByName(right, 'l.1').fastopen.rsk]);
});

test('TCP_FASTOPEN opens one listener, tcp_fastopen 0x400 all of them', () => {
  const request = segment(SYN, 3001, 8080, 100, 0, 0, { options: [0x2202, 0x0101] });
  const cookieOn = (tcp_fastopen: number, tfo: boolean) =>
    told(
      run(sysctl(host(...ONE_LINK), { tcp_fastopen }), [
        'socket l tcp',
        'bind l 10.0.0.1:8080',
        `listen l${tfo ? ' tfo' : ''}`,
        request,
      ]).effects,
    )[0]?.[2];
  expect([cookieOn(1, true), cookieOn(3, false), cookieOn(3, true), cookieOn(0x402, false)]).toEqual([
    0,
    0,
    GIVEN,
    GIVEN,
  ]);
});

test('a SYN may present the cookie that the host gave to its source, or to another address', () => {
  const from = (addr: number) => run(server(), [segment(SYN, 3002, 8080, 100, 0, 5, { cookieFor: addr })]);
  expect(sockByName(from(PEER).net, 'l.1')).toMatchObject({ received: 5 });
  expect(told(from(PEER + 1).effects)).toEqual([['S.', 0, GIVEN]]);
});

test('where no cookie is required, a SYN with data opens the connection at once', () => {
  const open = run(sysctl(host(...ONE_LINK), { tcp_fastopen: 0x603 }), [
    'socket l tcp',
    'bind l 10.0.0.1:8080',
    'listen l',
  ]);
  const { net } = run(open.net, [segment(SYN, 3002, 8080, 100, 0, 5)]);
  expect(sockByName(net, 'l.1')).toMatchObject({ sk_state: TCP_SYN_RECV, received: 5 });
});
