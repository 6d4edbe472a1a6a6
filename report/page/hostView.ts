/** The host drawn: its links with their addresses and neighbours, the packet on its way, and its tables below. */
import { LOOPBACK_IFINDEX, type NetDevice } from '../../model/types/net.ts';
import type { SkBuff } from '../../model/types/packet.ts';
import type { World } from '../../model/types/world.ts';
import { formatAddress } from '../../scenario/format.ts';
import { TABLES } from '../../scenario/story/changes.ts';
import { packetName, socketLine, socketText } from '../../scenario/trace.ts';
import { h, svg } from './dom.ts';

const ROW = 56;
const WIDTH = 560;

/** Gateways that routes name on a link. */
function gatewaysOf(net: World, { ifindex }: NetDevice): readonly string[] {
  const all = net.tables
    .flatMap(({ aliases }) => aliases)
    .filter(({ nh_dev, nh_gw }) => nh_dev === ifindex && nh_gw !== 0);
  return [...new Set(all.map(({ nh_gw }) => formatAddress(nh_gw)))];
}

function addressesOf({ ifa_list }: NetDevice): readonly string[] {
  return ifa_list.map(({ ifa_local, ifa_prefixlen }) => `${formatAddress(ifa_local)}/${ifa_prefixlen}`);
}

/** What goes by that link, in lines: the packet, and where its source is no address of the link. */
function packetNotes(dev: NetDevice, packet: SkBuff | undefined): readonly string[] {
  if (packet === undefined || packet.dst.dev !== dev.ifindex) return [];
  const source = formatAddress(packet.iph.saddr);
  const fits = dev.ifa_list.some(({ ifa_local }) => ifa_local === packet.iph.saddr);
  const name = `▶ ${packetName(packet)}${packet.mark === 0 ? '' : `, mark ${packet.mark}`}`;
  return [name, ...(fits ? [] : [`${source} is no address of ${dev.name}`])];
}

function drawing(net: World, packet: SkBuff | undefined): SVGElement {
  const devs = net.devs.filter(({ ifindex }) => ifindex !== LOOPBACK_IFINDEX);
  const height = Math.max(1, devs.length) * ROW + 16;
  const rows = devs.flatMap((dev, i) => {
    const y = i * ROW + 36;
    const notes = packetNotes(dev, packet);
    const text = (x: number, dy: number, words: string, kind = '') => svg('text', { x, y: y + dy, class: kind }, words);
    return [
      svg('line', {
        x1: 120,
        y1: y,
        x2: 430,
        y2: y,
        class: notes.length === 0 ? (dev.up ? 'link' : 'link down') : 'link taken',
      }),
      text(128, -6, `${dev.name}${dev.up ? '' : ' (down)'} ${addressesOf(dev).join(' ')}`),
      ...notes.map((words, line) => text(128, 16 + 13 * line, words, 'packet')),
      svg('circle', { cx: 436, cy: y, r: 5, class: 'peer' }),
      text(446, 4, gatewaysOf(net, dev).join(' ')),
    ];
  });
  return svg(
    'svg',
    { viewBox: `0 0 ${WIDTH} ${height}`, role: 'img', 'aria-label': 'The host and its links' },
    svg('rect', { x: 4, y: 4, width: 116, height: height - 8, rx: 4, class: 'host' }),
    svg('text', { x: 62, y: height / 2 + 4, class: 'middle' }, 'host'),
    ...rows,
  );
}

/** The host's tables as lists; sockets first. */
export function hostView(net: World, before: World, packet: SkBuff | undefined, rules: readonly string[]): HTMLElement {
  const sockets = net.socks.filter(({ name }) => name !== '').map((sk) => socketLine(socketText(net, sk.id), sk));
  const old = new Set(
    before.socks.filter(({ name }) => name !== '').map((sk) => socketLine(socketText(before, sk.id), sk)),
  );
  const list = (name: string, lines: readonly string[], known: ReadonlySet<string>) =>
    lines.length === 0
      ? undefined
      : h(
          'section',
          {},
          h('h4', {}, name),
          h(
            'ul',
            {},
            ...lines.map((line) =>
              h('li', known.has(line) ? {} : { class: 'new' }, known.has(line) ? line : `${line} ◂`),
            ),
          ),
        );
  const tables = ['rules', 'routes', 'bind table', 'conntrack', 'Fast Open cookies'].map((name) => {
    const table = TABLES[name];
    if (table === undefined) return undefined;
    return list(
      name,
      table.lines(net).filter((line) => !line.endsWith('table local')),
      new Set(table.lines(before)),
    );
  });
  return h(
    'div',
    { class: 'host' },
    h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Links' }, drawing(net, packet)),
    h('div', { class: 'tables' }, list('sockets', sockets, old), ...tables, list('iptables', rules, new Set(rules))),
  );
}
