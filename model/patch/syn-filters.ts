/**
 * Conditions by which version 2 could choose the SYNs that it moves: the post's own, which it has switched off, and those
 * that come to mind for what it was to do.
 */
import { skbLen } from '../kernel/net/core/skbuff.ts';
import { tfoCookieOf } from '../kernel/net/ipv4/tcp_fastopen.ts';
import type { SkBuff } from '../types/packet.ts';
import type { Sock } from '../types/sock.ts';
import type { Kernel, World } from '../types/world.ts';
import { tcpRehash } from './tcp-rehash.ts';

/** A condition on a SYN of socket `sk` in the hook: whether the SYN is moved. */
export interface SynFilter {
  /** kebab-case; the variant with it is `tcp-rehash-` and this. */
  readonly name: string;
  /** As C would say it. */
  readonly condition: string;
  readonly accepts: (net: World, sk: Sock, skb: SkBuff) => boolean;
}

/** Length of the IP header. C: include/net/ip.h, ip_hdrlen(). */
function ip_hdrlen(skb: SkBuff): number {
  return skb.iph.ihl * 4;
}

/** Length of the TCP header. C: include/linux/tcp.h, tcp_hdrlen(). */
function tcp_hdrlen(skb: SkBuff): number {
  return skb.th.doff * 4;
}

function headerLen(_net: World, sk: Sock, skb: SkBuff): boolean {
  return sk.tcp_header_len === skbLen(skb);
}

function headerLenBehindIp(_net: World, sk: Sock, skb: SkBuff): boolean {
  return sk.tcp_header_len + ip_hdrlen(skb) === skbLen(skb);
}

function noPayload(_net: World, _sk: Sock, skb: SkBuff): boolean {
  return skbLen(skb) === ip_hdrlen(skb) + tcp_hdrlen(skb);
}

/** C: net/ipv4/tcp_output.c, tcp_send_syn_data(): skb_put(), so that the data is no fragment. */
function noFragments(_net: World, _sk: Sock, _skb: SkBuff): boolean {
  return true;
}

function noOption(_net: World, _sk: Sock, skb: SkBuff): boolean {
  return tfoCookieOf(skb.th) === 0;
}

function noOptionNoPayload(net: World, sk: Sock, skb: SkBuff): boolean {
  return noOption(net, sk, skb) && noPayload(net, sk, skb);
}

function noRequest(_net: World, sk: Sock, _skb: SkBuff): boolean {
  return !sk.fastopen.req;
}

function notFastOpen(_net: World, sk: Sock, _skb: SkBuff): boolean {
  return !sk.fastopen.syn_fastopen;
}

/** C: net/ipv4/tcp_output.c, tcp_send_syn_data(): set only once the SYN has been sent. */
function noSynData(_net: World, sk: Sock, _skb: SkBuff): boolean {
  return !sk.fastopen.syn_data;
}

/** The conditions; the first is the post's. Left out: that some read a raw socket beyond its end. */
export const synFilters: readonly SynFilter[] = [
  { name: 'header-len', condition: 'tp->tcp_header_len == skb->len', accepts: headerLen },
  {
    name: 'header-len-behind-ip',
    condition: 'tp->tcp_header_len + ip_hdrlen(skb) == skb->len',
    accepts: headerLenBehindIp,
  },
  { name: 'no-payload', condition: 'skb->len == ip_hdrlen(skb) + tcp_hdrlen(skb)', accepts: noPayload },
  { name: 'no-fragments', condition: 'skb->data_len == 0', accepts: noFragments },
  { name: 'no-option', condition: 'no Fast Open option in the header', accepts: noOption },
  { name: 'no-option-no-payload', condition: 'no Fast Open option and no payload', accepts: noOptionNoPayload },
  { name: 'no-request', condition: '!tp->fastopen_req', accepts: noRequest },
  { name: 'not-fast-open', condition: '!tp->syn_fastopen', accepts: notFastOpen },
  { name: 'no-syn-data', condition: '!tp->syn_data', accepts: noSynData },
];

/** Version 2 with that condition switched on. */
function withFilter({ name, condition, accepts }: SynFilter): Kernel {
  return {
    ...tcpRehash,
    name: variantOf(name),
    title: conditionTitle(condition),
    syn_filter: accepts,
  };
}

function variantOf(name: string): string {
  return `tcp-rehash-${name}`;
}

function conditionTitle(condition: string): string {
  return `the post's second patch, moving a SYN only if ${condition}`;
}

function allFiltered(): readonly Kernel[] {
  let all: readonly Kernel[] = [];
  for (const filter of synFilters) all = [...all, withFilter(filter)];
  return all;
}

/** Version 2 with each of the conditions. */
export const filtered: readonly Kernel[] = allFiltered();
