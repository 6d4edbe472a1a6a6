/** What `ip addr` and `ip link` print, as text or JSON. Observed: iproute2 6.1.0, 2026-11-28. */
import { wrong } from '../../error.ts';
import type { SourceLine } from '../shell.ts';
import { type Json, numberIn, recordsIn, textIn } from './json.ts';

export interface ListedAddress {
  readonly from: SourceLine;
  /** The words behind `ip addr add`, the link excepted. */
  readonly words: string;
}

/** A link as it was listed; -1, '' and false stand for what the listing does not say. */
export interface ListedLink {
  readonly from: SourceLine;
  readonly name: string;
  /** `-o` lists addresses without a line for their link. */
  readonly hasFlags: boolean;
  readonly flags: readonly string[];
  readonly mtu: number;
  readonly group: string;
  readonly master: string;
  /** Behind `link/`: ether, none, ppp, ipip. */
  readonly linkType: string;
  /** The kind that `-d` shows. */
  readonly kind: string;
  /** `tun` or `tap`. */
  readonly mode: string;
  /** The table of a VRF. */
  readonly table: string;
  readonly local: string;
  readonly remote: string;
  /** Undefined where the listing is one of links alone. */
  readonly addresses: readonly ListedAddress[] | undefined;
}

type Draft = { -readonly [K in keyof ListedLink]: ListedLink[K] };

function newLink(from: SourceLine, name: string): Draft {
  const unsaid = { group: '', master: '', linkType: '', kind: '', mode: '', table: '', local: '', remote: '' };
  return { from, name: name.replace(/@.*$/, ''), hasFlags: false, flags: [], mtu: -1, ...unsaid, addresses: undefined };
}

const HEADER = /^\s*\d+:\s+(\S+?):\s+<([A-Z0-9_,-]*)>\s*(.*)$/;
const ONE_LINE = /^\s*\d+:\s+(\S+)\s+inet6?\s+\S+\/\d+/;
const INET = /^\s+(?:inet\s+(\S.*)|inet6\s.*|valid_lft\s.*|altname\s.*|link\/(\S+)\s*(.*))$/;
const DETAIL =
  /^\s+(veth|bridge|bond|team|tun|vrf|vlan|macvlan|macvtap|ipvlan|dummy|ifb|vxlan|geneve|wireguard|ipip|gre|gretap|sit|vti|ppp)(\s.*)?$/;
const MORE =
  /^\s+(\w+_slave|RX:|TX:|RX errors|TX errors|\d[\d\s]*$|promiscuity|openvswitch|amt|bareudp|nlmon|xfrm|ip6tnl)/;

/** Whether the line is one of such a listing; `inside` says that a link was listed before it. */
export function isLinkLine(text: string, inside: boolean): boolean {
  return (
    HEADER.test(text) || ONE_LINE.test(text) || (inside && (INET.test(text) || DETAIL.test(text) || MORE.test(text)))
  );
}

function valueBehind(words: readonly string[], name: string): string {
  const at = words.indexOf(name);
  return at < 0 ? '' : (words[at + 1] ?? '');
}

/** Flags of an address with which `ip addr add` has nothing to do. */
const ADDRESS_FLAGS =
  /^(secondary|dynamic|permanent|tentative|deprecated|dadfailed|temporary|stable-privacy|optimistic|home|nodad|mngtmpaddr)$/;

/** `10.0.0.1/24 brd 10.0.0.255 scope global secondary eth0` as the words of `ip addr add`. */
function addressWords(text: string): string {
  const words = text.replace(/\\.*$/, '').trim().split(/\s+/);
  const kept: string[] = [words[0] ?? ''];
  for (let at = 1; at < words.length; at++) {
    const word = words[at] as string;
    if (['peer', 'brd', 'scope', 'metric', 'any'].includes(word)) {
      const value = words[++at] ?? '';
      if (word !== 'any' && !(word === 'scope' && value === 'global')) kept.push(word, value);
    } else if (word === 'noprefixroute' || word === 'autojoin') {
      kept.push(word);
    } else if (word === 'proto' || word === 'valid_lft' || word === 'preferred_lft') {
      at++;
    } else if (!ADDRESS_FLAGS.test(word) && at !== words.length - 1) {
      // The last word is the label.
      wrong(`"${word}" is not known in a listing of addresses; paste what "ip addr" prints`);
    }
  }
  return kept.join(' ');
}

/** Takes the lines of a listing, in order. */
export class LinkListing {
  private readonly links = new Map<string, Draft>();
  private last: Draft | undefined;

  get inside(): boolean {
    return this.last !== undefined;
  }

  /** Something else follows: what is indented then, belongs to no link. */
  leave(): void {
    this.last = undefined;
  }

  get listed(): readonly ListedLink[] {
    return [...this.links.values()];
  }

  private link(from: SourceLine, name: string): Draft {
    const plain = name.replace(/@.*$/, '');
    const known = this.links.get(plain) ?? newLink(from, name);
    this.links.set(plain, known);
    this.last = known;
    return known;
  }

  take(line: SourceLine): void {
    const { text } = line;
    const [, name, flags = '', rest = ''] = HEADER.exec(text) ?? [];
    if (name !== undefined) {
      const words = rest.split(/\s+/);
      const link = this.link(line, name);
      link.hasFlags = true;
      link.flags = flags.split(',');
      link.mtu = Number(valueBehind(words, 'mtu') || -1);
      link.master = valueBehind(words, 'master');
      link.group = valueBehind(words, 'group');
      return;
    }
    const alone = /^\s*\d+:\s+(\S+)\s+(inet6?)\s+(.*)$/.exec(text);
    if (alone !== null) {
      const [, dev = '', family, address = ''] = alone;
      const link = this.link(line, dev);
      link.addresses ??= [];
      if (family === 'inet') link.addresses = [...link.addresses, { from: line, words: addressWords(address) }];
      return;
    }
    this.detail(line);
  }

  private detail(line: SourceLine): void {
    const link = this.last;
    if (link === undefined) return;
    const [, inet, linkType, ends = ''] = INET.exec(line.text) ?? [];
    const [, kind, about = ''] = DETAIL.exec(line.text) ?? [];
    if (linkType !== undefined) {
      link.linkType = linkType;
      const words = ends.split(/\s+/);
      if (/^(ipip|gre|sit|tunnel)$/.test(linkType)) {
        link.local = words[0] ?? '';
        link.remote = valueBehind(words, 'peer');
      }
    } else if (inet !== undefined) {
      link.addresses = [...(link.addresses ?? []), { from: line, words: addressWords(inet) }];
    } else if (kind !== undefined) {
      const words = about.trim().split(/\s+/);
      link.kind = kind;
      link.mode = valueBehind(words, 'type');
      link.table = valueBehind(words, 'table');
      link.local = valueBehind(words, 'local') || link.local;
      link.remote = valueBehind(words, 'remote') || link.remote;
    }
    if (/^\s+(inet6|valid_lft)/.test(line.text)) link.addresses ??= [];
  }

  /** The same from JSON. */
  takeJson(from: SourceLine, item: Json): void {
    const link = this.link(from, textIn(item, 'ifname'));
    link.hasFlags = link.hasFlags || Array.isArray(item.flags);
    if (Array.isArray(item.flags)) link.flags = item.flags.map(String);
    link.mtu = numberIn(item, 'mtu', link.mtu);
    link.group = textIn(item, 'group') || link.group;
    link.master = textIn(item, 'master') || link.master;
    link.linkType = textIn(item, 'link_type') || link.linkType;
    const [info = {}] = recordsIn(item, 'linkinfo');
    const [data = {}] = recordsIn(info, 'info_data');
    link.kind = textIn(info, 'info_kind') || link.kind;
    link.mode = textIn(data, 'type') || link.mode;
    link.table = textIn(data, 'table') || link.table;
    link.local = textIn(data, 'local') || link.local;
    link.remote = textIn(data, 'remote') || link.remote;
    if (!('addr_info' in item)) return;
    const inet = recordsIn(item, 'addr_info').filter((one) => textIn(one, 'family') === 'inet');
    link.addresses = inet.map((one) => ({ from, words: addressWordsOf(one) }));
  }
}

function addressWordsOf(item: Json): string {
  const prefix = `/${numberIn(item, 'prefixlen', 32)}`;
  const peer = textIn(item, 'address');
  const words = [peer === '' ? textIn(item, 'local') + prefix : `${textIn(item, 'local')} peer ${peer}${prefix}`];
  const broadcast = textIn(item, 'broadcast');
  const scope = textIn(item, 'scope');
  const metric = numberIn(item, 'metric', 0);
  if (metric !== 0) words.push(`metric ${metric}`);
  if (broadcast !== '') words.push(`brd ${broadcast}`);
  if (scope !== '' && scope !== 'global') words.push(`scope ${scope}`);
  if (item.noprefixroute === true) words.push('noprefixroute');
  return words.join(' ');
}
