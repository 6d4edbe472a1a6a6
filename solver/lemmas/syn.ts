/** The SYN filter: which way to recognise a SYN without data does. */
import { newWorld } from '../../model/host/newWorld.ts';
import { tcp_connect } from '../../model/kernel/net/ipv4/tcp_output.ts';
import { NO_DEV } from '../../model/types/net.ts';
import { IPPROTO_TCP, NO_SKB, type SkBuff } from '../../model/types/packet.ts';
import { NO_DST } from '../../model/types/route.ts';
import { NO_FASTOPEN, NO_SOCK, SOCK_TCP, type Sock, TCP_SYN_SENT } from '../../model/types/sock.ts';
import type { Kernel, World } from '../../model/types/world.ts';
import { asDrawn, type Lemma, lemma, nothingAssumed, number, truth } from './lemma.ts';

const SADDR = 0x0a000001;
const DADDR = 0x0a000002;
const ETH0 = 2;

/** What decides the layout of a SYN that tcp_connect() sends. */
interface Connect {
  readonly timestamps: boolean;
  readonly sack: boolean;
  readonly scaling: boolean;
  readonly mtu: number;
}

/** `size`: bytes given to a Fast Open connect, -1 for a plain one; `cookie`: the one that is known, 0 for none. */
function hostOf(c: Connect, size: number, cookie: number): World {
  const net = newWorld();
  const eth0 = { ...NO_DEV, ifindex: ETH0, name: 'eth0', kind: 'veth', up: true, mtu: c.mtu, hard_header_len: 14 };
  const sysctl = {
    ...net.sysctl,
    tcp_timestamps: c.timestamps ? 1 : 0,
    tcp_sack: c.sack ? 1 : 0,
    tcp_window_scaling: c.scaling ? 1 : 0,
  };
  const sk: Sock = {
    ...NO_SOCK,
    id: 3,
    name: 's',
    kind: SOCK_TCP,
    sk_protocol: IPPROTO_TCP,
    sk_state: TCP_SYN_SENT,
    inet_saddr: SADDR,
    inet_rcv_saddr: SADDR,
    inet_daddr: DADDR,
    inet_num: 40000,
    inet_sport: 40000,
    inet_dport: 80,
    hashed: true,
    sk_dst_cache: { ...NO_DST, dev: ETH0, rt_genid: net.rt_genid },
    cork_fl: { ...NO_SOCK.cork_fl, saddr: SADDR, daddr: DADDR },
    fastopen: size < 0 ? NO_FASTOPEN : { ...NO_FASTOPEN, req: true, req_size: size },
  };
  const metrics = cookie === 0 ? [] : [{ saddr: SADDR, daddr: DADDR, mss: 0, cookie }];
  return { ...net, devs: [...net.devs, eth0], socks: [...net.socks, sk], sysctl, metrics };
}

interface Syn {
  readonly skb: SkBuff;
  readonly tcp_header_len: number;
}

/** The SYN that leaves, and its socket's tcp_header_len. */
function synOf(kernel: Kernel, c: Connect, size: number, cookie: number): Syn {
  const { net } = tcp_connect(kernel, hostOf(c, size, cookie), 3);
  let skb = NO_SKB;
  for (const e of net.effects) if (e.kind === 'xmit') skb = e.skb;
  let tcp_header_len = 0;
  for (const sk of net.socks) tcp_header_len = sk.id === 3 ? sk.tcp_header_len : tcp_header_len;
  return { skb, tcp_header_len };
}

/** The disabled condition refuses, and the data offset tells the SYNs without data; skb->len is the IP packet's length. */
function synTold({ skb, tcp_header_len }: Syn): boolean {
  const { tot_len, ihl } = skb.iph;
  return (
    skb.th.doff > 0 && tcp_header_len !== tot_len && (tot_len === ihl * 4 + skb.th.doff * 4) === (skb.payload.len === 0)
  );
}

export const synFilter: Lemma = lemma({
  id: 'syn-filter-accepts-none',
  claim:
    "Of the SYNs that tcp_connect() sends, the post's disabled condition tcp_header_len == skb->len accepts none; skb->len == ip_hdrlen + tcp_hdrlen accepts exactly those without data.",
  asked: ['the post: the condition that was to keep SYNs with data out', 'RFC 7413'],
  over: 'words',
  scope:
    'timestamps, SACK and window scaling on or off, any MTU from 576; plain, or Fast Open without a cookie, with one and 0, 1 or 200 bytes',
  cells: [{ name: 'all', shape: { c: { timestamps: truth, sack: truth, scaling: truth, mtu: number(576, 9000) } } }],
  assumes: '',
  given: nothingAssumed,
  holds(kernel, { c }) {
    return (
      synTold(synOf(kernel, c, -1, 0)) &&
      synTold(synOf(kernel, c, 200, 0)) &&
      synTold(synOf(kernel, c, 0, 0x12345678)) &&
      synTold(synOf(kernel, c, 1, 0x12345678)) &&
      synTold(synOf(kernel, c, 200, 0x12345678))
    );
  },
  instance: asDrawn,
  expected: 'exhausted',
});

/** A layout by its lengths. C: net/ipv4/tcp_output.c, tcp_syn_options(). */
interface Layout {
  readonly md5: boolean;
  readonly timestamps: boolean;
  readonly sack: boolean;
  readonly scaling: boolean;
  /** Length of the Fast Open option: below 2 none, 2 a request, 4 to 18 a cookie. */
  readonly cookie: number;
  /** In words of 32 bits. */
  readonly ipOptions: number;
  readonly payload: number;
}

const LAYOUT = {
  md5: truth,
  timestamps: truth,
  sack: truth,
  scaling: truth,
  cookie: number(0, 18),
  ipOptions: number(0, 10),
  payload: number(0, 65535 - 120),
};

/** tp->tcp_header_len. C: tcp_connect_init(): MD5 and timestamps are both counted, whichever goes into the SYN. */
function headerLen({ md5, timestamps }: Layout): number {
  return 20 + (timestamps ? 12 : 0) + (md5 ? 20 : 0);
}

/** tcp_hdrlen(): MD5 takes the place of timestamps, SACK stands alone only without them, a cookie goes where it fits. */
function tcpHdrlen({ md5, timestamps, sack, scaling, cookie }: Layout): number {
  const stamps = timestamps && !md5;
  const used = 4 + (md5 ? 20 : 0) + (stamps ? 12 : 0) + (scaling ? 4 : 0) + (sack && !stamps ? 4 : 0);
  const need = cookie < 2 ? 0 : (cookie + 3) & ~3;
  return 20 + used + (need <= 40 - used ? need : 0);
}

export const synLayouts: Lemma = lemma({
  id: 'syn-layouts',
  claim:
    'On no SYN layout is tcp_header_len equal to skb->len; ip_hdrlen + tcp_hdrlen is equal to it exactly on SYNs without data.',
  asked: ['tcp_connect_init(), tcp_syn_options()', 'RFC 2385, RFC 7323, RFC 7413'],
  over: 'words',
  scope:
    'every layout by its lengths: MD5, timestamps, SACK, window scaling, Fast Open requests and cookies of any length, IP options, any amount of data',
  cells: [{ name: 'all', shape: { l: LAYOUT } }],
  assumes: '',
  given: nothingAssumed,
  holds(_, { l }) {
    const ip = 20 + l.ipOptions * 4;
    const length = ip + tcpHdrlen(l) + l.payload;
    return headerLen(l) !== length && (length === ip + tcpHdrlen(l)) === (l.payload === 0);
  },
  instance: asDrawn,
  expected: 'exhausted',
});

export const synLemmas: readonly Lemma[] = [synFilter, synLayouts];

/** The post's condition behind the network header. */
export const synWithoutIpHeader: Lemma = lemma({
  id: 'syn-layouts/without-ip-header',
  claim: 'tcp_header_len equals skb->len less the IP header exactly on SYNs without data.',
  asked: ['twin of syn-layouts'],
  over: 'words',
  scope: 'as of syn-layouts',
  cells: [{ name: 'all', shape: { l: LAYOUT } }],
  assumes: '',
  given: nothingAssumed,
  holds(_, { l }) {
    return (headerLen(l) === tcpHdrlen(l) + l.payload) === (l.payload === 0);
  },
  instance: asDrawn,
  expected: 'violated',
});

/** The same condition on what tcp_connect() sends. */
export const synConnectWithoutIpHeader: Lemma = lemma({
  id: 'syn-filter-accepts-none/without-ip-header',
  claim: 'tcp_header_len equals skb->len less the IP header on SYNs without data.',
  asked: ['twin of syn-filter-accepts-none'],
  over: 'words',
  scope: 'plain connects, as of syn-filter-accepts-none',
  cells: [{ name: 'all', shape: { c: { timestamps: truth, sack: truth, scaling: truth, mtu: number(576, 9000) } } }],
  assumes: '',
  given: nothingAssumed,
  holds(kernel, { c }) {
    const { skb, tcp_header_len } = synOf(kernel, c, -1, 0);
    return tcp_header_len === skb.iph.tot_len - skb.iph.ihl * 4;
  },
  instance: asDrawn,
  expected: 'violated',
});

export const synTwins: readonly Lemma[] = [synWithoutIpHeader, synConnectWithoutIpHeader];
