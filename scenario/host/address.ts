/** `ip address`. */
import type { HostCommand } from '../../model/types/host.ts';
import { wrong } from '../error.ts';
import { formatAddress, maskOf } from '../format.ts';
import { readAddress, readDevice, readNumber, readPrefix, U8, U32 } from '../words.ts';
import { nameOf, readName, SCOPES } from './names.ts';
import { type Draft, exact, harmless, type Of, type Option, readOptions, short, unknown } from './options.ts';
import type { HostWords } from './reading.ts';

type AddrChange = Of<'addr add'>;

const ADDR: readonly Option<Draft<AddrChange>>[] = [
  exact('peer', readPeer),
  exact('remote', readPeer),
  short('broadcast', readBroadcast),
  exact('brd', readBroadcast),
  exact('scope', (words, draft) => {
    draft.scope = readName(words.value('scope', 'a scope'), SCOPES, 'a scope', U8);
  }),
  exact('dev', (words, draft) => {
    draft.dev = readDevice(words.value('dev', 'a link'));
  }),
  exact('label', (words) => {
    const label = words.value('label', 'a label');
    if (label.length > 15) wrong(`"${label}" is not a label; write LINK:NAME of at most 15 characters`);
  }),
  exact('local', (words, draft) => readLocal(words.value('local', 'an address'), draft)),
  exact('noprefixroute', (_, draft) => {
    draft.noprefixroute = true;
  }),
  exact('metric', (words, draft) => {
    draft.metric = readNumber(words.value('metric', 'a number'), 'a metric', U32);
  }),
  ...harmless<Draft<AddrChange>>('an address stays until it is taken away', 'valid_lft 1', 'preferred_lft 1'),
  ...harmless<Draft<AddrChange>>('it concerns IPv6', 'nodad', 'home', 'mngtmpaddr', 'anycast 1'),
  ...harmless<Draft<AddrChange>>('it joins a group on the link, and sends nothing else', 'autojoin'),
  ...harmless<Draft<AddrChange>>('it says who added the address', 'proto 1'),
];

/** `brd +` and `brd -`, which stand for addresses that follow from the others. */
const BROADCAST_SET = -1;
const BROADCAST_UNSET = -2;

function readBroadcast(words: HostWords, draft: Draft<AddrChange>, word: string): void {
  const value = words.value(word, 'an address, "+" or "-"');
  draft.broadcast =
    value === '+' ? BROADCAST_SET : value === '-' ? BROADCAST_UNSET : readAddress(value, 'a broadcast address');
}

function readPeer(words: HostWords, draft: Draft<AddrChange>, word: string): void {
  const { address, length } = readPrefix(words.value(word, 'an address'), "the peer's address");
  draft.peer = address;
  draft.prefixlen = length;
}

function readLocal(word: string, draft: Draft<AddrChange>): void {
  if (draft.local !== 0) wrong(`"${word}" is a second address; write one address a command`);
  const { address, length, given } = readPrefix(word, 'an address');
  if (address === 0) wrong(`"${word}" is not an address of a link; write one such as 10.0.0.1/24`);
  draft.local = address;
  if (draft.peer === 0) draft.prefixlen = given ? length : -1;
}

export function parseAddrChange(act: AddrChange['kind'], words: HostWords): HostCommand {
  const draft: Draft<AddrChange> = {
    kind: act,
    dev: '',
    local: 0,
    peer: 0,
    prefixlen: -1,
    scope: -1,
    broadcast: 0,
    noprefixroute: false,
    metric: 0,
  };
  readOptions(words, ADDR, draft, (word) => {
    if (/^[0-9]/.test(word)) readLocal(word, draft);
    else unknown(word, words, ADDR);
  });
  if (draft.local === 0) wrong(`"${words.command}" needs an address: ${words.command} 10.0.0.1/24 dev eth0`);
  if (draft.dev === '') wrong(`"${words.command}" needs a link; add dev NAME`);
  if (draft.prefixlen < 0 && act !== 'addr del') draft.prefixlen = 32;
  if (draft.peer === 0) draft.peer = draft.local;
  const network = draft.prefixlen <= 30 && draft.prefixlen >= 0 ? draft.prefixlen : 32;
  const hostBits = ~maskOf(network) >>> 0;
  if (draft.broadcast === BROADCAST_SET) draft.broadcast = network === 32 ? 0 : (draft.peer | hostBits) >>> 0;
  if (draft.broadcast === BROADCAST_UNSET) draft.broadcast = network === 32 ? 0 : (draft.peer & ~hostBits) >>> 0;
  return draft;
}

export function printAddr(command: Of<'addr add'>): string {
  const { local, peer, prefixlen, dev, scope, broadcast, noprefixroute, metric } = command;
  const length = prefixlen < 0 ? '' : `/${prefixlen}`;
  const words = ['ip', command.kind];
  if (peer === local) words.push(`${formatAddress(local)}${length}`);
  else words.push(formatAddress(local), 'peer', `${formatAddress(peer)}${length}`);
  if (broadcast !== 0) words.push('broadcast', formatAddress(broadcast));
  if (scope >= 0) words.push('scope', nameOf(scope, SCOPES));
  if (metric !== 0) words.push('metric', String(metric));
  words.push('dev', dev);
  if (noprefixroute) words.push('noprefixroute');
  return words.join(' ');
}
