/** `ip link`. */
import type { HostCommand } from '../../model/types/host.ts';
import { wrong } from '../error.ts';
import { formatAddress } from '../format.ts';
import { readAddress, readDevice, readNumber, type Words } from '../words.ts';
import { readTable } from './names.ts';
import { type Draft, exact, fits, type Of, type Option, readOptions, refused, unknown } from './options.ts';

type LinkAdd = Of<'link add'>;
type LinkSet = Of<'link set'>;

/** Kinds of link that differ only in their name for the model. */
const KINDS = [
  'veth',
  'dummy',
  'gre',
  'gretap',
  'ipip',
  'sit',
  'vti',
  'vlan',
  'macvlan',
  'bridge',
  'ifb',
  'tun',
  'vxlan',
  'vrf',
];

/** What a kind's own options take, none of which decides anything modelled. */
const KIND_OPTIONS: Readonly<Record<string, readonly string[]>> = {
  gre: ['local', 'remote', 'ttl', 'tos', 'key', 'ikey', 'okey'],
  gretap: ['local', 'remote', 'ttl', 'tos', 'key', 'ikey', 'okey'],
  ipip: ['local', 'remote', 'ttl', 'tos'],
  sit: ['local', 'remote', 'ttl', 'tos'],
  vti: ['local', 'remote', 'key', 'ikey', 'okey'],
  vlan: ['id'],
  macvlan: ['mode'],
  vxlan: ['id', 'local', 'remote', 'dstport', 'dev'],
  vrf: ['table'],
};

function readMtu(words: Words): number {
  return readNumber(words.value('mtu', 'a size'), 'an MTU', 65536, 1);
}

interface LinkDraft extends Draft<LinkAdd> {
  /** The table of a VRF, -1 when none is given. */
  table: number;
}

const LINK_ADD: readonly Option<LinkDraft>[] = [
  exact('link', (words) => {
    readDevice(words.value('link', 'the link below'));
  }),
  exact('name', (words, draft) => {
    draft.name = readDevice(words.value('name', 'a name'));
  }),
  exact('mtu', (words, draft) => {
    draft.mtu = readMtu(words);
  }),
  exact('type', (words, draft) => readKind(words, draft)),
  exact('up', () => wrong('"up" is not modelled here; write "ip link set NAME up" in a line of its own')),
  ...refused<LinkDraft>('address', 'broadcast', 'txqueuelen', 'numtxqueues', 'numrxqueues', 'index', 'netns', 'master'),
];

/** Everything behind `type`. */
function readKind(words: Words, draft: LinkDraft): void {
  const kind = words.value('type', 'a kind of link');
  if (!KINDS.includes(kind)) wrong(`"${kind}" is not a kind of link the model knows; it knows ${KINDS.join(', ')}`);
  draft.type = kind;
  const own = KIND_OPTIONS[kind] ?? [];
  while (!words.done) {
    const word = words.take();
    if (kind === 'veth' && fits(word, 'peer', true)) {
      const first = words.value('peer', '"name" and the name of the other end');
      draft.peer = readDevice(first === 'name' ? words.value('name', 'a name') : first);
    } else if ((kind === 'ipip' || kind === 'gre') && (word === 'local' || word === 'remote')) {
      draft[word] = readAddress(words.value(word, 'an address'), 'an end of a tunnel');
    } else if (kind === 'vrf' && word === 'table') {
      draft.table = readTable(words.value('table', 'a routing table'));
    } else if (own.includes(word)) {
      words.value(word, 'a value');
    } else {
      wrong(
        `"${word}" is not a word of "${words.command} type ${kind}"; ${
          kind === 'veth'
            ? 'it takes peer name NAME'
            : own.length === 0
              ? 'it takes none'
              : `it takes ${own.join(', ')}`
        }`,
      );
    }
  }
}

function vrfAdd({ name, table, mtu }: LinkDraft): HostCommand {
  if (table < 0) wrong('a VRF needs a table: ip link add NAME type vrf table ID');
  if (mtu !== 0) wrong('"mtu" of a VRF decides nothing; leave it out');
  return { kind: 'vrf add', name, table };
}

export function parseLinkAdd(words: Words): HostCommand {
  const draft: LinkDraft = { kind: 'link add', name: '', type: '', peer: '', mtu: 0, local: 0, remote: 0, table: -1 };
  readOptions(words, LINK_ADD, draft, (word) => {
    if (draft.name !== '') unknown(word, words, LINK_ADD);
    draft.name = readDevice(word);
  });
  if (draft.name === '') wrong('"ip link add" needs a name: ip link add NAME type KIND');
  if (draft.type === '') wrong('"ip link add" needs a kind: ip link add NAME type KIND');
  if (draft.type === 'gre' && draft.local === 0 && draft.remote === 0)
    wrong('a gre link without ends is there already, as gre0; write type gre local ADDRESS');
  if (draft.type === 'vrf') return vrfAdd(draft);
  const { table: _, ...command } = draft;
  return command;
}

function readOnOff(words: Words, option: string): number {
  const word = words.value(option, '"on" or "off"');
  return word === 'on' ? 1 : word === 'off' ? 0 : wrong(`"${word}" is not a value of "${option}"; write on or off`);
}

interface LinkSetDraft extends Draft<LinkSet> {
  /** `master VRF`; '' is `nomaster`. */
  master?: string;
}

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
  exact('master', (words, draft) => {
    draft.master = readDevice(words.value('master', 'a VRF'));
  }),
  exact('nomaster', (_, draft) => {
    draft.master = '';
  }),
  exact('vrf', (words, draft) => {
    draft.master = readDevice(words.value('vrf', 'a VRF'));
  }),
  ...refused<LinkSetDraft>(
    'netns',
    'name',
    'address',
    'multicast',
    'allmulticast',
    'promisc',
    'txqueuelen',
    'group',
    'alias',
  ),
];

export function parseLinkSet(words: Words): HostCommand {
  const draft: LinkSetDraft = { kind: 'link set', name: '', up: -1, arp: -1, mtu: 0 };
  readOptions(words, LINK_SET, draft, (word) => {
    if (draft.name !== '') unknown(word, words, LINK_SET);
    draft.name = readDevice(word);
  });
  if (draft.name === '') wrong('"ip link set" needs a link: ip link set NAME up');
  const { master, ...command } = draft;
  const changes = draft.up >= 0 || draft.arp >= 0 || draft.mtu !== 0;
  if (master !== undefined) {
    if (changes) wrong('"master" is modelled in a line of its own only: ip link set NAME master VRF');
    return { kind: 'link master', name: draft.name, master };
  }
  if (!changes)
    wrong('"ip link set" changes nothing; write up, down, arp on, arp off, mtu SIZE, master VRF or nomaster');
  return command;
}

/** `[dev] NAME`, and nothing behind it. */
export function readOneDevice(words: Words): string {
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

export function printLinkSet({ name, up, arp, mtu }: LinkSet): string {
  const words = ['ip link set', name];
  if (up >= 0) words.push(up === 1 ? 'up' : 'down');
  if (arp >= 0) words.push('arp', arp === 1 ? 'on' : 'off');
  if (mtu > 0) words.push('mtu', String(mtu));
  return words.join(' ');
}

export function printLinkAdd({ name, type, mtu, peer, local, remote }: LinkAdd): string {
  const words = ['ip link add', name];
  if (mtu > 0) words.push('mtu', String(mtu));
  words.push('type', type);
  if (local !== 0) words.push('local', formatAddress(local));
  if (remote !== 0) words.push('remote', formatAddress(remote));
  if (peer !== '') words.push('peer name', peer);
  return words.join(' ');
}
