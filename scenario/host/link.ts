/** `ip link`, `ip tuntap` and `ip tunnel`, and `link NAME` for a link that is simply there. */
import type { HostCommand } from '../../model/types/host.ts';
import { wrong } from '../error.ts';
import { formatAddress, formatTable } from '../format.ts';
import { readAddress, readDevice, readNumber, U32 } from '../words.ts';
import { type Names, nameOf, readName, readTable } from './names.ts';
import {
  type Draft,
  decisive,
  exact,
  fits,
  harmless,
  type Of,
  type Option,
  readOptions,
  short,
  unknown,
} from './options.ts';
import { type HostWords, leaveOut } from './reading.ts';

type LinkAdd = Of<'link add'>;
type LinkSet = Of<'link set'>;

/** Kinds without words of their own. */
const PLAIN = ['dummy', 'ifb', 'tun'];

/** Kinds with the words of `ip tunnel`. */
const TUNNELS = ['ipip', 'gre', 'sit', 'vti'];

/** Kinds whose words say how they carry packets over another link, which is shown for tunnels of kind ipip only. */
const CARRIERS = ['gretap', 'vxlan', 'geneve', 'wireguard'];

/** Kinds of link that `ip link add` makes; VRFs stand apart. */
const KINDS = [
  'veth',
  ...PLAIN,
  ...TUNNELS,
  ...CARRIERS,
  ...['bridge', 'bond', 'team', 'vlan', 'macvlan', 'macvtap', 'ipvlan'],
];

/** Kinds that a program makes: `link NAME type KIND`. A link of the machine's own has none. */
const OTHER_KINDS = ['ppp', 'tap'];

/** A link of the machine: it has an Ethernet header and resolves neighbours. */
const ETHER = 'ether';

/** /etc/iproute2/group. */
const GROUPS: Names = [['default', 0]];

function readMtu(words: HostWords): number {
  return readNumber(words.value('mtu', 'a size'), 'an MTU', 65536, 1);
}

export function readLinkGroup(words: HostWords, option: string): number {
  return readName(words.value(option, 'a group of links'), GROUPS, 'a group of links', U32);
}

interface LinkDraft extends Draft<LinkAdd> {
  /** The table of a VRF, -1 when none is given. */
  table: number;
  up: boolean;
  master: string;
}

const NEW_LINK: LinkDraft = {
  kind: 'link add',
  name: '',
  type: '',
  peer: '',
  mtu: 0,
  local: 0,
  remote: 0,
  table: -1,
  up: false,
  master: '',
};

/** What a link looks like to others on its wire, and how it queues. */
const APPEARANCE = [
  'address 1',
  'broadcast 1',
  'txqueuelen 1',
  'txqlen 1',
  'qlen 1',
  'numtxqueues 1',
  'numrxqueues 1',
  'gso_max_size 1',
  'gso_max_segs 1',
  'gro_max_size 1',
  'alias 1',
  'addrgenmode 1',
] as const;
const NOT_ROUTING = 'it decides how the link looks and queues, not what goes out by it';

const LINK_ADD: readonly Option<LinkDraft>[] = [
  exact('link', (words) => {
    readDevice(words.value('link', 'the link below'));
  }),
  exact('name', (words, draft) => {
    draft.name = readDevice(words.value('name', 'a name'));
  }),
  exact('dev', (words, draft) => {
    draft.name = readDevice(words.value('dev', 'a name'));
  }),
  exact('mtu', (words, draft) => {
    draft.mtu = readMtu(words);
  }),
  exact('type', (words, draft) => readKind(words, draft)),
  exact('up', (_, draft) => {
    draft.up = true;
  }),
  exact('master', (words, draft) => {
    draft.master = readDevice(words.value('master', 'a VRF or a bridge'));
  }),
  ...harmless<LinkDraft>(NOT_ROUTING, ...APPEARANCE, 'index 1', 'parentdev 1'),
  ...decisive<LinkDraft>('the link would be in this namespace', 'netns 1', 'link-netns 1', 'link-netnsid 1'),
];

/** Everything behind `type`. */
function readKind(words: HostWords, draft: LinkDraft): void {
  const kind = words.value('type', 'a kind of link');
  draft.type = kind;
  if (kind === 'vrf') {
    readVrf(words, draft);
    return;
  }
  if (!KINDS.includes(kind))
    wrong(`"${kind}" is not a kind of link that is modelled; write one of ${[...KINDS, 'vrf'].join(', ')}`);
  if (TUNNELS.includes(kind)) {
    readOptions(words, TUNNEL, draft, (word) => unknown(word, words, TUNNEL));
  } else if (kind === 'veth' && !words.done) {
    const word = words.take();
    if (!fits(word, 'peer', true))
      wrong(`"${word}" is not a word of "${words.command} type veth"; it takes peer name NAME`);
    const first = words.value('peer', '"name" and the name of the other end');
    draft.peer = readDevice(first === 'name' ? words.value('name', 'a name') : first);
    if (!words.done) leaveOwnWords(words, kind);
  } else if (!words.done && PLAIN.includes(kind)) {
    wrong(`"${words.next}" is not a word of "${words.command} type ${kind}"; it takes none`);
  } else if (!words.done) {
    leaveOwnWords(words, kind);
  }
}

/** Reads over what a link of that kind is told about itself. */
function leaveOwnWords(words: HostWords, kind: string): void {
  const said: string[] = [];
  while (!words.done) said.push(words.take());
  const why = CARRIERS.includes(kind)
    ? 'a packet is shown as it enters this link, not as it is carried on'
    : `how a link of kind ${kind} works inside is not looked into`;
  leaveOut(words.reading, said.join(' '), `${words.command} type ${kind}`, why);
}

function readVrf(words: HostWords, draft: LinkDraft): void {
  while (!words.done) {
    const word = words.take();
    if (word !== 'table') wrong(`"${word}" is not a word of "${words.command} type vrf"; it takes table`);
    draft.table = readTable(words.value('table', 'a routing table'), words.reading);
  }
}

/** The link, and what else the line asks of it. */
export function parseLinkAdd(words: HostWords): HostCommand[] {
  const draft: LinkDraft = { ...NEW_LINK };
  readOptions(words, LINK_ADD, draft, (word) => {
    if (draft.name !== '') unknown(word, words, LINK_ADD);
    draft.name = readDevice(word);
  });
  if (draft.name === '') wrong('"ip link add" needs a name: ip link add NAME type KIND');
  if (draft.type === '') wrong('"ip link add" needs a kind: ip link add NAME type KIND');
  return withRest(words, draft);
}

function withRest(words: HostWords, draft: LinkDraft): HostCommand[] {
  const { table, up, master, ...command } = draft;
  const { name } = command;
  if (command.type === 'gre' && command.local === 0 && command.remote === 0)
    wrong('a gre link without ends is there already, as gre0; write type gre local ADDRESS');
  if (command.type === 'vrf' && table < 0) wrong('a VRF needs a table: ip link add NAME type vrf table ID');
  if (command.type === 'vrf' && command.mtu !== 0)
    leaveOut(words.reading, 'mtu', 'ip link add type vrf', 'no packet leaves by a VRF itself');
  const added: HostCommand = command.type === 'vrf' ? { kind: 'vrf add', name, table } : command;
  return [
    added,
    ...(master === '' ? [] : [{ kind: 'link master', name, master } as const]),
    ...(up ? [{ ...NO_CHANGE, name, up: 1 }] : []),
  ];
}

/** `link NAME [type KIND] [mtu SIZE]`. */
export function parseLink(words: HostWords): HostCommand[] {
  const name = readDevice(words.value('link', 'the name of a link'));
  const draft: LinkDraft = { ...NEW_LINK, name, type: ETHER };
  while (!words.done) {
    const word = words.take();
    if (word === 'mtu') {
      draft.mtu = readMtu(words);
    } else if (word === 'type') {
      const kind = words.value('type', 'a kind of link');
      const known = [ETHER, ...OTHER_KINDS, ...KINDS.filter((one) => !TUNNELS.includes(one))];
      if (!known.includes(kind))
        wrong(`"${kind}" is not a kind of link that is simply there; write one of ${known.join(', ')}`);
      draft.type = kind;
    } else {
      wrong(`"${word}" is not a word of "link"; write link NAME, with type KIND or mtu SIZE after it`);
    }
  }
  return withRest(words, draft);
}

// ip tuntap, ip tunnel

interface TunDraft extends Draft<LinkAdd> {
  mode: string;
}

const TUNTAP: readonly Option<TunDraft>[] = [
  exact('mode', (words, draft) => {
    draft.mode = words.value('mode', 'tun or tap');
    if (draft.mode !== 'tun' && draft.mode !== 'tap') wrong(`"${draft.mode}" is not a mode; write tun or tap`);
  }),
  exact('name', (words, draft) => {
    draft.name = readDevice(words.value('name', 'a name'));
  }),
  exact('dev', (words, draft) => {
    draft.name = readDevice(words.value('dev', 'a name'));
  }),
  ...harmless<TunDraft>('it decides who may open the device', 'user 1', 'group 1'),
  ...harmless<TunDraft>('it decides how a program reads the device', 'one_queue', 'pi', 'vnet_hdr', 'multi_queue'),
];

/** `ip tuntap add`. */
export function parseTuntapAdd(words: HostWords): HostCommand[] {
  const draft: TunDraft = { ...NEW_LINK, mode: '' };
  readOptions(words, TUNTAP, draft, (word) => {
    if (draft.name !== '') unknown(word, words, TUNTAP);
    draft.name = readDevice(word);
  });
  if (draft.mode === '') wrong('"ip tuntap add" needs a mode: ip tuntap add dev NAME mode tun');
  if (draft.name === '') wrong('"ip tuntap add" needs a name: ip tuntap add dev NAME mode tun');
  return withRest(words, { ...NEW_LINK, name: draft.name, type: draft.mode });
}

/** `ip tuntap del`: the same words, the mode is not looked at. */
export function parseTuntapDel(words: HostWords): HostCommand {
  const draft: TunDraft = { ...NEW_LINK, mode: '' };
  readOptions(words, TUNTAP, draft, (word) => {
    if (draft.name !== '') unknown(word, words, TUNTAP);
    draft.name = readDevice(word);
  });
  if (draft.name === '') wrong('"ip tuntap del" needs a name: ip tuntap del dev NAME mode tun');
  return { kind: 'link del', name: draft.name };
}

/** Modes of `ip tunnel` with the kinds of link that they make. */
const TUNNEL_MODES: readonly (readonly [mode: string, kind: string])[] = [
  ['ipip', 'ipip'],
  ['ip/ip', 'ipip'],
  ['gre', 'gre'],
  ['gre/ip', 'gre'],
  ['sit', 'sit'],
  ['ipv6/ip', 'sit'],
  ['vti', 'vti'],
];

const TUNNEL: readonly Option<LinkDraft>[] = [
  exact('mode', (words, draft) => {
    const mode = words.value('mode', 'a mode');
    const known = TUNNEL_MODES.find(([name]) => name === mode);
    draft.type =
      known?.[1] ??
      wrong(`"${mode}" is not a mode that is modelled; write ${TUNNEL_MODES.map(([name]) => name).join(', ')}`);
  }),
  exact('remote', (words, draft) => {
    draft.remote = readAddress(words.value('remote', 'an address').replace(/^any$/, '0.0.0.0'), 'an end of a tunnel');
  }),
  exact('local', (words, draft) => {
    draft.local = readAddress(words.value('local', 'an address').replace(/^any$/, '0.0.0.0'), 'an end of a tunnel');
  }),
  exact('name', (words, draft) => {
    draft.name = readDevice(words.value('name', 'a name'));
  }),
  ...harmless<LinkDraft>(
    'it is in the header that the tunnel adds, which has its addresses alone here',
    'key 1',
    'ikey 1',
    'okey 1',
    'seq',
    'iseq',
    'oseq',
    'csum',
    'icsum',
    'ocsum',
  ),
  ...harmless<LinkDraft>('it decides how far a packet goes', 'ttl 1', 'hoplimit 1', 'pmtudisc', 'nopmtudisc'),
  ...decisive<LinkDraft>('the outer packet would have the type of service of the inner one', 'tos 1', 'dsfield 1'),
  ...decisive<LinkDraft>('the outer packet could leave by any link', 'dev 1'),
];

/** `ip tunnel add`. */
export function parseTunnelAdd(words: HostWords): HostCommand[] {
  const draft: LinkDraft = { ...NEW_LINK };
  readOptions(words, TUNNEL, draft, (word) => {
    if (draft.name !== '') unknown(word, words, TUNNEL);
    draft.name = readDevice(word);
  });
  if (draft.type === '') wrong('"ip tunnel add" needs a mode: ip tunnel add NAME mode ipip remote ADDRESS');
  if (draft.name === '') wrong('"ip tunnel add" needs a name: ip tunnel add NAME mode ipip remote ADDRESS');
  return withRest(words, draft);
}

// ip link set

function readOnOff(words: HostWords, option: string): number {
  const word = words.value(option, '"on" or "off"');
  return word === 'on' ? 1 : word === 'off' ? 0 : wrong(`"${word}" is not a value of "${option}"; write on or off`);
}

interface LinkSetDraft extends Draft<LinkSet> {
  /** `master VRF`; '' is `nomaster`. */
  master?: string;
  /** The link goes to another namespace. */
  gone?: boolean;
}

const NO_CHANGE: LinkSet = { kind: 'link set', name: '', up: -1, arp: -1, mtu: 0, group: -1 };

const LINK_SET: readonly Option<LinkSetDraft>[] = [
  exact('up', (_, draft) => {
    draft.up = 1;
  }),
  exact('down', (_, draft) => {
    draft.up = 0;
  }),
  exact('arp', (words, draft) => {
    draft.arp = readOnOff(words, 'arp');
  }),
  exact('mtu', (words, draft) => {
    draft.mtu = readMtu(words);
  }),
  exact('dev', (words, draft) => {
    draft.name = readDevice(words.value('dev', 'a link'));
  }),
  exact('group', (words, draft) => {
    draft.group = readLinkGroup(words, 'group');
  }),
  exact('master', (words, draft) => {
    draft.master = readDevice(words.value('master', 'a VRF'));
  }),
  exact('nomaster', (_, draft) => {
    draft.master = '';
  }),
  exact('vrf', (words, draft) => {
    draft.master = readDevice(words.value('vrf', 'a VRF'));
  }),
  exact('netns', (words, draft) => {
    words.value('netns', 'a namespace');
    draft.gone = true;
  }),
  exact('type', (words) => {
    const kind = words.value('type', 'a kind of link');
    if (!words.done) leaveOwnWords(words, kind);
  }),
  short('txqueuelen', (words, _, word) => {
    words.value(word, 'a number');
    leaveOut(words.reading, word, words.command, NOT_ROUTING);
  }),
  ...harmless<LinkSetDraft>(NOT_ROUTING, ...APPEARANCE, 'promisc 1', 'allmulticast 1', 'multicast 1', 'carrier 1'),
  ...harmless<LinkSetDraft>(NOT_ROUTING, 'trailers 1', 'dynamic 1', 'protodown 1', 'mode 1', 'state 1'),
  ...decisive<LinkSetDraft>('the link would keep its old name', 'name 1'),
];

/** What the line asks of the link, in the order in which the kernel does it: the master comes before the flags. */
export function parseLinkSet(words: HostWords): HostCommand[] {
  const draft: LinkSetDraft = { ...NO_CHANGE };
  readOptions(words, LINK_SET, draft, (word) => {
    if (draft.name !== '') unknown(word, words, LINK_SET);
    draft.name = readDevice(word);
  });
  const { master, gone, ...command } = draft;
  const { name } = command;
  if (name === '') wrong('"ip link set" needs a link: ip link set NAME up');
  if (gone) return [{ kind: 'link del', name }];
  const ofLink = { ...command, up: -1, arp: -1 };
  const flags = { ...command, mtu: 0, group: -1 };
  if (master === undefined) return changes(command) ? [command] : nothing(words);
  return [
    ...(changes(ofLink) ? [ofLink] : []),
    { kind: 'link master', name, master },
    ...(changes(flags) ? [flags] : []),
  ];
}

function changes({ up, arp, mtu, group }: LinkSet): boolean {
  return up >= 0 || arp >= 0 || mtu !== 0 || group >= 0;
}

/** A line whose words were all left out changes nothing; one without words is wrong. */
function nothing(words: HostWords): HostCommand[] {
  if (words.count > 2) return [];
  return wrong(
    '"ip link set" changes nothing; write up, down, arp on, arp off, mtu SIZE, group N, master VRF or nomaster',
  );
}

/** `[dev] NAME`, and nothing behind it. */
export function readOneDevice(words: HostWords): string {
  const first = words.value(words.command, 'the name of a link');
  const name = readDevice(first === 'dev' ? words.value('dev', 'the name of a link') : first);
  if (!words.done && words.next !== 'type')
    wrong(`"${words.next}" is not a word of "${words.command}"; it takes the name of a link`);
  if (words.next === 'type') {
    words.take();
    words.value('type', 'a kind of link');
  }
  return name;
}

// printing

export function printLinkSet({ name, up, arp, mtu, group }: LinkSet): string {
  const words = ['ip link set', name];
  if (up >= 0) words.push(up === 1 ? 'up' : 'down');
  if (arp >= 0) words.push('arp', arp === 1 ? 'on' : 'off');
  if (mtu > 0) words.push('mtu', String(mtu));
  if (group >= 0) words.push('group', nameOf(group, GROUPS));
  return words.join(' ');
}

export function printLinkAdd({ name, type, mtu, peer, local, remote }: LinkAdd): string {
  const size = mtu > 0 ? ` mtu ${mtu}` : '';
  if (type === ETHER) return `link ${name}${size}`;
  if ((type === 'tun' || type === 'tap') && mtu === 0) return `ip tuntap add dev ${name} mode ${type}`;
  if (OTHER_KINDS.includes(type) || type === 'tun') return `link ${name} type ${type}${size}`;
  const words = [`ip link add ${name}${size} type`, type];
  if (local !== 0) words.push('local', formatAddress(local));
  if (remote !== 0) words.push('remote', formatAddress(remote));
  if (peer !== '') words.push('peer name', peer);
  return words.join(' ');
}

export function printVrfAdd({ name, table }: Of<'vrf add'>): string {
  return `ip link add ${name} type vrf table ${formatTable(table)}`;
}
