/**
 * A host as people have it: commands, and what machines print, made into commands that stand for all of it.
 *
 * A listing says how things are at its place: what the commands before it have left otherwise is changed. Links with their
 * addresses come first, because everything else speaks of them.
 */
import type { HostCommand } from '../../model/types/host.ts';
import type { InIfaddr } from '../../model/types/net.ts';
import type { FibAlias, FibRule } from '../../model/types/route.ts';
import { RT_TABLE_LOCAL, RT_TABLE_MAIN } from '../../model/types/route.ts';
import type { World } from '../../model/types/world.ts';
import { InputError, Wrong, wrong } from '../error.ts';
import { splitWords } from '../words.ts';
import { type Collected, collect, type Heading, type Item, type ListedTable } from './collect.ts';
import { parseWords, printHostCommand, programOf } from './command.ts';
import { isIptables } from './iptables.ts';
import type { ListedLink } from './listing/links.ts';
import type { ListedWords } from './listing/routes.ts';
import { harmlessProgram, insteadOf } from './programs.ts';
import { ALONE, type Reading } from './reading.ts';
import { type HostLine, type HostNote, HostRun } from './run.ts';
import type { ShellCommand, SourceLine } from './shell.ts';
import { readSetting } from './sysctl.ts';

type RouteCommand = Extract<HostCommand, { readonly kind: 'route' }>;

/** A host that was read. */
export interface HostReading {
  readonly lines: readonly HostLine[];
  readonly notes: readonly HostNote[];
  readonly net: World;
}

/** First number of a user whom nothing else numbers. */
const FIRST_USER = 1001;

/** First number of a table that a listing knows by a name alone. */
const FIRST_TABLE = 20001;

class Importer {
  private readonly run = new HostRun();
  private readonly collected: Collected;
  private readonly tables: Map<string, number>;
  private readonly users: Map<string, number>;
  private readonly groups: Map<string, number>;
  private readonly leaveOut: ReadonlySet<string>;
  private readonly forwardedOnly: (table: string, chain: string) => boolean;
  private readonly hasSets = new Set<string>();
  /** The links that a command makes: they are not there before. */
  private readonly made: ReadonlySet<string>;

  constructor(lines: readonly SourceLine[], leaveOut: ReadonlySet<string>) {
    this.collected = collect(lines);
    this.leaveOut = leaveOut;
    this.tables = new Map(this.collected.tables);
    this.users = new Map(this.collected.users);
    this.groups = new Map(this.collected.groups);
    this.made = linksMade(this.collected.items);
    this.forwardedOnly = forwardedChains(this.collected.items);
  }

  read(): HostReading {
    const { items, ipv6 } = this.collected;
    const listed = items.flatMap((item) => (item.kind === 'links' ? item.links : []));
    this.addLinks(listed.filter(({ name }) => !this.made.has(name)));
    this.addMissingLinks(items, listed);
    for (const item of items) if (item.kind === 'set') this.set(item.from);
    const ordered = inOrder(items);
    for (const [at, item] of ordered.entries()) this.item(item, ordered, at + 1);
    this.setLinks(listed.filter(({ name }) => this.made.has(name)));
    if (ipv6[0] !== undefined)
      this.run.note(
        ipv6[0],
        `${ipv6.length} lines are left out that are about IPv6 or ARP: packets of IPv4 do not meet them`,
      );
    return { lines: this.run.lines, notes: this.run.notes, net: this.run.net };
  }

  // what a line may refer to

  private reading(from: SourceLine, listing: boolean, nft = false): Reading {
    return {
      ...ALONE,
      tables: listing ? this.namedTables(from) : this.tables,
      user: (name) => this.number(from, name, this.users, 'user', 'passwd'),
      group: (name) => this.number(from, name, this.groups, 'group', 'group'),
      tableOfVrf: (name) => this.run.net.devs.find((dev) => dev.name === name && dev.kind === 'vrf')?.vrf_tb_id ?? -1,
      forwardedOnly: this.forwardedOnly,
      nft,
      leaveOut: this.leaveOut,
      leftOut: (left) => this.run.leftOut(from, left),
    };
  }

  /** A user or a group whom nothing numbers gets a number of its own. */
  private number(from: SourceLine, name: string, known: Map<string, number>, what: string, file: string): number {
    if (!/^[a-z_]/i.test(name)) return -1;
    const given = known.get(name);
    if (given !== undefined) return given;
    const builtin = { root: 0, nobody: 65534 }[name];
    if (builtin !== undefined) return builtin;
    let number = FIRST_USER;
    while ([...known.values()].includes(number)) number++;
    known.set(name, number);
    this.run.note(
      from,
      `the ${what} "${name}" is taken as number ${number}; a line of /etc/${file} would say which it is`,
    );
    return number;
  }

  /** A listing knows its tables: a name that nothing numbers is a table of its own. */
  private namedTables(from: SourceLine): ReadonlyMap<string, number> {
    const { tables, run } = this;
    return new Proxy(tables, {
      get(target, property) {
        if (property !== 'get') return Reflect.get(target, property, target);
        return (name: string): number | undefined => {
          const known = target.get(name);
          if (
            known !== undefined ||
            !/^[a-z][\w.-]*$/i.test(name) ||
            ['local', 'main', 'default', 'unspec'].includes(name)
          )
            return known;
          let number = FIRST_TABLE;
          while ([...target.values()].includes(number)) number++;
          target.set(name, number);
          run.note(
            from,
            `the table "${name}" is called ${number}; a line of /etc/iproute2/rt_tables would say which it is`,
          );
          return number;
        };
      },
    });
  }

  // items

  private item(item: Item, items: readonly Item[], next: number): void {
    switch (item.kind) {
      case 'command':
        this.command(item.command, item.failed, items, next);
        break;
      case 'routes':
        this.at(item.from, () => this.routes(item));
        break;
      case 'rules':
        this.at(item.from, () => this.rules(item));
        break;
      case 'table':
        this.table(item.table);
        break;
      case 'setting':
        this.at(item.from, () => this.setting(item.from, item.key, item.value));
        break;
      case 'links':
      case 'set':
        break;
    }
  }

  /** Gives a fault its place. */
  private at<T>({ file, where }: SourceLine, act: () => T): T {
    try {
      return act();
    } catch (error) {
      if (error instanceof Wrong) throw new InputError(file, where, error.message);
      throw error;
    }
  }

  // commands

  /** Whether the command before succeeded. */
  private succeeded = true;

  private command(command: ShellCommand, failed: boolean, items: readonly Item[], next: number): void {
    const { from, joined } = command;
    if (joined !== ';' && (joined === '&&') !== this.succeeded) return;
    const forgiven = command.mayFail || isForgiven(items, next);
    if (failed) {
      this.run.note(from, 'the machine refused this command, as the next line says; it is left out', false);
      this.succeeded = false;
      return;
    }
    const message = this.at(from, () => this.perform(command));
    this.succeeded = message === '';
    if (message === '') return;
    if (!forgiven) this.run.fail(from, command.words.join(' '), message);
    if (!command.words.some((word) => word === '-C' || word === '--check'))
      this.run.note(from, `"${command.words.join(' ')}" is refused, as the line expects: ${message.trim()}`);
  }

  /** Does what a command asks for; gives the words in which it is refused, '' where it is not. */
  private perform(command: ShellCommand): string {
    const { from, words } = command;
    const program = programOf(words[0] ?? '');
    if (this.leaveOut.has(program)) {
      this.run.leftOut(from, { word: program, command: words.slice(0, 3).join(' '), why: 'as asked', matters: true });
      return '';
    }
    if (command.output !== '' && this.writes(from, words, command.output)) return '';
    if (program === 'false') return 'false';
    if (/^iptables(-legacy|-nft)?-restore$/.test(program)) return this.restore(command, program);
    if (program === 'ip' && this.isIpv6(words)) {
      this.run.note(from, '"ip -6" is left out: packets of IPv4 do not meet it');
      return '';
    }
    const why = harmlessProgram(program);
    if (why !== '') {
      this.run.note(from, `"${program}" is left out: ${why}`);
      return '';
    }
    const instead = insteadOf(program);
    if (instead !== '') wrong(`"${program}" is not read; write ${instead}`);
    const commands = parseWords([program, ...words.slice(1)], this.reading(from, false));
    return this.run.tryCommands(from, from.text, commands);
  }

  private isIpv6(words: readonly string[]): boolean {
    const options = words.slice(1).filter((word) => word.startsWith('-'));
    return options.includes('-6') || /^-f(amily)? inet6$/.test(words.slice(1, 3).join(' '));
  }

  /** `echo 1 > /proc/sys/…` is a setting, `echo "100 vpn" >> …/rt_tables` a name. */
  private writes(from: SourceLine, words: readonly string[], output: string): boolean {
    if (!['echo', 'printf'].includes(words[0] ?? '')) return false;
    const text = words
      .slice(1)
      .filter((word) => !/^-[neE]+$/.test(word))
      .join(' ')
      .replace(/\\n$/, '');
    if (/^\/proc\/sys\//.test(output)) {
      this.setting(from, output.slice('/proc/sys/'.length), text);
      return true;
    }
    const [, number, name] = /^\s*(0x[0-9a-f]+|\d+)\s+([A-Za-z][\w.-]*)\s*$/i.exec(text.replaceAll('\\t', ' ')) ?? [];
    if (/rt_tables/.test(output) && name !== undefined) {
      this.tables.set(name, Number(number));
      return true;
    }
    return false;
  }

  /** iptables-restore with its here-document; wg-quick shows no more than that it ran. */
  private restore(command: ShellCommand, program: string): string {
    const { from, input, words } = command;
    if (input === undefined) {
      this.wgQuick(from);
      return '';
    }
    const keeps = words.includes('-n') || words.includes('--noflush');
    for (const item of collect(input).items) {
      if (item.kind === 'table') this.table({ ...item.table, nft: program === 'iptables-nft-restore', whole: !keeps });
    }
    return '';
  }

  /** The rules that wg-quick restores for a tunnel that takes the default route, which its log does not show. */
  private wgQuick(from: SourceLine): void {
    const { net } = this.run;
    const dev = net.devs.findLast(({ kind, ifa_list }) => kind === 'wireguard' && ifa_list.length > 0);
    const rule = net.rules.find((one) => one.invert && one.mark !== 0 && one.mark === one.table);
    if (dev === undefined || rule === undefined)
      wrong(
        'iptables-restore reads rules that are not here; paste what "iptables-save" prints, or the rules in a here-document',
      );
    for (const { ifa_local } of dev.ifa_list) {
      const address = [24, 16, 8, 0].map((shift) => (ifa_local >>> shift) & 0xff).join('.');
      this.typed(
        from,
        `iptables -t raw -I PREROUTING ! -i ${dev.name} -d ${address} -m addrtype ! --src-type LOCAL -j DROP`,
      );
    }
    this.typed(from, `iptables -t mangle -I POSTROUTING -m mark --mark ${rule.mark} -p udp -j CONNMARK --save-mark`);
    this.typed(from, 'iptables -t mangle -I PREROUTING -p udp -j CONNMARK --restore-mark');
    this.run.note(
      from,
      `iptables-restore does not show its rules; they are taken as those of wg-quick for ${dev.name}`,
    );
  }

  private typed(from: SourceLine, text: string, listing = false): void {
    this.run.typed(from, text, this.reading(from, listing));
  }

  // settings

  private setting(from: SourceLine, key: string, value: string): void {
    const dev = /^net[./]ipv4[./]conf[./](.+)[./][^./]+$/.exec(key)?.[1] ?? '';
    const commands = readSetting(key, value, this.reading(from, true));
    const isDev = dev !== '' && dev !== 'all' && dev !== 'default';
    if (
      commands.length > 0 &&
      isDev &&
      !this.run.net.devs.some(({ name }) => name === dev.replaceAll('/', '.') || name === dev)
    ) {
      this.run.note(from, `"${key}" is left out: there is no link "${dev}" here`);
      return;
    }
    for (const command of commands) {
      const before = JSON.stringify([this.run.net.sysctl, this.run.net.devs]);
      const { net } = this.run;
      this.run.commands(from, printHostCommand(command), [command]);
      // A setting that changes nothing need not be typed.
      if (JSON.stringify([this.run.net.sysctl, this.run.net.devs]) !== before) continue;
      this.run.net = net;
      this.run.lines.pop();
    }
  }

  // sets

  private set(from: SourceLine): void {
    this.at(from, () => {
      const words = splitWords(from.text);
      const commands = parseWords(['ipset', ...words], this.reading(from, true));
      this.run.commands(from, `ipset ${words.join(' ')}`, commands);
    });
    this.hasSets.add(from.text);
  }

  // links

  private addLinks(links: readonly ListedLink[]): void {
    for (const link of links) this.at(link.from, () => this.addLink(link));
    this.setLinks(links);
  }

  /** Makes a link that was listed. */
  private addLink(link: ListedLink): void {
    const { name } = link;
    if (name === 'lo' || this.run.net.devs.some((dev) => dev.name === name)) return;
    if (isFallback(link)) {
      this.run.note(link.from, `"${name}" is left out: it is down, and there for tunnels that nobody asked for`);
      return;
    }
    this.typed(link.from, creation(link));
  }

  /** Brings links into the state that was listed. */
  private setLinks(links: readonly ListedLink[]): void {
    for (const link of links) this.at(link.from, () => this.setLink(link));
    for (const link of links) this.at(link.from, () => this.setAddresses(link));
  }

  private setLink(link: ListedLink): void {
    const { name, from, flags } = link;
    const dev = this.run.net.devs.find((one) => one.name === name);
    if (dev === undefined || !link.hasFlags) return;
    const words: string[] = [];
    if (link.mtu > 0 && link.mtu !== dev.mtu && dev.kind !== 'vrf') words.push('mtu', String(link.mtu));
    const group = link.group === '' || link.group === 'default' ? '0' : link.group;
    if (group !== String(dev.group)) words.push('group', group);
    const noarp = flags.includes('NOARP');
    if (noarp !== dev.noarp && name !== 'lo') words.push('arp', noarp ? 'off' : 'on');
    if (words.length > 0) this.typed(from, `ip link set ${name} ${words.join(' ')}`);
    if (link.master !== '') this.enslave(link);
    const up = flags.includes('UP');
    if (up !== this.run.net.devs.find((one) => one.name === name)?.up)
      this.typed(from, `ip link set ${name} ${up ? 'up' : 'down'}`);
    if (flags.includes('NO-CARRIER') && up)
      this.run.note(from, `"${name}" has no carrier: what is routed there is lost, and shown as leaving`, true);
  }

  private enslave({ from, name, master }: ListedLink): void {
    const upper = this.run.net.devs.find((dev) => dev.name === master);
    if (upper?.kind === 'vrf') this.typed(from, `ip link set ${name} master ${master}`);
    else this.run.note(from, `"${name}" is a port of "${master}": what goes out by "${master}" is shown there`);
  }

  private setAddresses({ name, from, addresses }: ListedLink): void {
    const dev = this.run.net.devs.find((one) => one.name === name);
    if (addresses === undefined || dev === undefined) return;
    const reading = this.reading(from, true);
    const wanted = addresses.map((address) => ({
      ...address,
      command: this.at(
        address.from,
        () => parseWords(['ip', 'addr', 'add', ...splitWords(address.words), 'dev', name], reading)[0],
      ),
    }));
    const fits = (ifa: InIfaddr, { command }: (typeof wanted)[number]) =>
      command?.kind === 'addr add' &&
      command.local === ifa.ifa_local &&
      command.peer === ifa.ifa_address &&
      command.prefixlen === ifa.ifa_prefixlen;
    for (const ifa of dev.ifa_list) {
      const { ifa_local, ifa_address, ifa_prefixlen } = ifa;
      if (wanted.some((one) => fits(ifa, one))) continue;
      const gone: HostCommand = {
        ...NO_ADDRESS,
        dev: name,
        local: ifa_local,
        peer: ifa_address,
        prefixlen: ifa_prefixlen,
      };
      this.run.commands(from, printHostCommand(gone), [gone]);
    }
    for (const address of wanted) {
      const { command } = address;
      const there = this.run.net.devs.find((one) => one.name === name)?.ifa_list ?? [];
      if (command?.kind !== 'addr add' || there.some((ifa) => fits(ifa, address))) continue;
      this.run.commands(address.from, printHostCommand(command), [command]);
    }
  }

  /** Links that routes name and nothing lists: they are there, with the address that the kernel's own routes name. */
  private addMissingLinks(items: readonly Item[], listed: readonly ListedLink[]): void {
    if (listed.length > 0) return;
    for (const item of items) {
      if (item.kind !== 'routes') continue;
      for (const route of item.routes) this.at(route.from, () => this.addMissingLink(route));
    }
  }

  private addMissingLink({ from, words }: ListedWords): void {
    for (const [at, word] of words.entries()) {
      const name = words[at + 1] ?? '';
      if (word !== 'dev' || name === 'lo' || this.made.has(name) || this.run.net.devs.some((dev) => dev.name === name))
        continue;
      const link: ListedLink = { ...NO_LINK, from, name, linkType: guessedType(name) };
      this.typed(from, creation(link));
      this.typed(from, `ip link set ${name} up`);
      this.run.note(
        from,
        `the link "${name}" is taken to be there and up, as this route names it; "ip addr" would say more`,
      );
    }
    const behind = (word: string) => words[words.indexOf(word) + 1] ?? '';
    if (
      behind('proto') !== 'kernel' ||
      behind('scope') !== 'link' ||
      !words.includes('src') ||
      words[0] === 'broadcast'
    )
      return;
    const [prefix = ''] = words;
    const length = prefix.split('/')[1] ?? '32';
    const address = length === '32' ? `${behind('src')} peer ${prefix}` : `${behind('src')}/${length}`;
    const dev = behind('dev');
    if (this.made.has(dev)) return;
    this.typed(from, `ip addr add ${address} ${length === '32' ? '' : 'brd + '}dev ${dev}`);
    this.run.note(from, `the address ${behind('src')} of "${dev}" is taken from this route; "ip addr" would say more`);
  }

  // rules

  private rules({ from, whole: asked, rules }: Extract<Item, { readonly kind: 'rules' }>): void {
    const listed = rules.map((one) => ({ ...one, command: this.ruleOf(one) }));
    // Of two that do the same the second decides nothing.
    const wanted = listed.filter(
      ({ command }, at) => listed.findIndex((one) => sameRule(one.command.rule, command.rule)) === at,
    );
    const showsLocal = wanted.some(({ command: { rule } }) => rule.table === RT_TABLE_LOCAL && rule.action === 1);
    const whole = asked || showsLocal;
    if (!showsLocal) {
      const taken = whole ? 'without it no packet finds the addresses of the host' : 'it is taken as a part';
      this.run.note(from, `this listing of rules does not show the one that looks up "local"; ${taken}`, whole);
    }
    const isWanted = (rule: FibRule) => wanted.some(({ command }) => sameRule(rule, command.rule));
    const isThere = (rule: FibRule) => this.run.net.rules.some((one) => sameRule(one, rule));
    for (const { from: place, command } of wanted) {
      if (!isThere(command.rule)) this.run.commands(place, printHostCommand(command), [command]);
    }
    if (!whole) return;
    for (const rule of this.run.net.rules) {
      if (isWanted(rule)) continue;
      const command: HostCommand = { kind: 'rule del', rule };
      this.run.commands(from, printHostCommand(command), [command]);
    }
    const order = this.run.net.rules.map(({ pref }) => pref);
    const inOrder = wanted.every(
      ({ command }, at) =>
        this.run.net.rules[at] !== undefined && sameRule(this.run.net.rules[at] as FibRule, command.rule),
    );
    if (!inOrder || order.length !== wanted.length) this.replaceRules(from, wanted);
  }

  /** Where the order of rules of one preference is another one: all anew. */
  private replaceRules(
    from: SourceLine,
    wanted: readonly { readonly from: SourceLine; readonly command: RuleAdd }[],
  ): void {
    const doubled = new Set(
      wanted.map(({ command }) => command.rule.pref).filter((pref, at, all) => all.indexOf(pref) !== at),
    );
    for (const rule of this.run.net.rules) {
      if (!doubled.has(rule.pref)) continue;
      const command: HostCommand = { kind: 'rule del', rule };
      this.run.commands(from, printHostCommand(command), [command]);
    }
    for (const { from: place, command } of wanted) {
      if (doubled.has(command.rule.pref)) this.run.commands(place, printHostCommand(command), [command]);
    }
  }

  private ruleOf({ from, words }: ListedWords): RuleAdd {
    return this.at(from, () => {
      const [command] = parseWords(['ip', 'rule', 'add', ...words], this.reading(from, true));
      if (command?.kind !== 'rule add') wrong('this is not a rule; paste what "ip rule" prints');
      return command as RuleAdd;
    });
  }

  // routes

  private routes({ from, heading, routes }: Extract<Item, { readonly kind: 'routes' }>): void {
    const wanted = routes.map((one) => ({ ...one, command: this.routeOf(one, heading) }));
    const shown = new Set(heading.part ? [] : wanted.map(({ command }) => command.table));
    // Nothing but "table all" names "local" in its lines: a table that it does not show is empty.
    const showsAll = !heading.part && routes.some(({ words }) => words[words.indexOf('table') + 1] === 'local');
    if (showsAll) for (const { tb_id } of this.run.net.tables) shown.add(tb_id);
    for (const table of shown) {
      this.tableOfRoutes(
        from,
        table,
        wanted.filter(({ command }) => command.table === table),
      );
    }
    this.addRoutes(wanted);
  }

  private routeOf({ from, words }: ListedWords, heading: Heading): RouteCommand {
    return this.at(from, () => {
      const table = words.includes('table') ? [] : ['table', tableUnder(heading, words)];
      const dev = words.includes('dev') || heading.dev === '' ? [] : ['dev', heading.dev];
      const asked = ['ip', 'route', 'append', ...words, ...dev, ...table];
      const [command] = parseWords(asked, this.reading(from, true));
      if (command?.kind !== 'route') wrong('this is not a route; paste what "ip route" prints');
      return command as RouteCommand;
    });
  }

  /** Takes away what the table has and the listing has not, and what it has in another order. */
  private tableOfRoutes(from: SourceLine, table: number, wanted: readonly WantedRoute[]): void {
    const there = this.run.net.tables.find(({ tb_id }) => tb_id === table)?.aliases ?? [];
    const groups = new Map<string, FibAlias[]>();
    for (const fa of there) groups.set(keyOf(fa), [...(groups.get(keyOf(fa)) ?? []), fa]);
    for (const [key, aliases] of groups) {
      const ours = wanted.filter(({ command }) => keyOfCommand(command) === key);
      const fits =
        aliases.length <= ours.length && aliases.every((fa, at) => this.isRoute(fa, (ours[at] as WantedRoute).command));
      if (fits) continue;
      for (const fa of aliases) {
        const command = this.deletion(table, fa);
        this.run.commands(from, printHostCommand(command), [command]);
      }
    }
  }

  /** Whether the route is the one that was listed. */
  private isRoute(fa: FibAlias, command: RouteCommand): boolean {
    const { devs } = this.run.net;
    const nameOf = (ifindex: number) => devs.find((dev) => dev.ifindex === ifindex)?.name ?? '';
    const nexthops = fa.fib_nhs.map(
      ({ nh_gw, nh_dev, fib_nh_weight }) => `${nh_gw} ${nameOf(nh_dev)} ${fib_nh_weight}`,
    );
    const listed = command.nexthops.map(({ gw, dev, weight }) => `${gw} ${dev} ${weight}`);
    const same =
      fa.fa_type === command.type && fa.fib_protocol === command.protocol && fa.fib_prefsrc === command.prefsrc;
    const one = nexthops.length > 0 || (nameOf(fa.nh_dev) === command.dev && fa.nh_gw === command.gw);
    return same && one && nexthops.join() === listed.join();
  }

  private deletion(table: number, fa: FibAlias): RouteCommand {
    const dev = this.run.net.devs.find(({ ifindex }) => ifindex === fa.nh_dev)?.name ?? '';
    const plain = fa.fib_nhs.length === 0;
    return {
      kind: 'route',
      op: 'del',
      table,
      type: fa.fa_type,
      dst: fa.dst,
      plen: fa.plen,
      tos: fa.fa_tos,
      gw: plain ? fa.nh_gw : 0,
      dev: plain ? dev : '',
      prefsrc: fa.fib_prefsrc,
      scope: fa.fib_scope,
      metric: fa.fib_priority,
      onlink: false,
      protocol: fa.fib_protocol,
      nexthops: [],
    };
  }

  /**
   * Adds what is listed and not there yet. A route whose gateway is not reachable yet waits for the others; one that never
   * becomes reachable was added when the host was another: it had rules, or a way.
   */
  private addRoutes(all: readonly WantedRoute[]): void {
    let waiting = this.addWaiting(this.missing(all));
    if (waiting.length > 0 && !this.run.net.fib_has_custom_rules) {
      const { from } = waiting[0] as WantedRoute;
      // From the first rule on, "local" and "main" are tables of their own.
      for (const op of ['add', 'del']) this.typed(from, `ip rule ${op} pref 32765 lookup main`);
      waiting = this.addWaiting(waiting);
    }
    for (const { from, command } of waiting) this.addUnreachable(from, command);
  }

  /** Adds what can be added, and returns what cannot. */
  private addWaiting(all: readonly WantedRoute[]): readonly WantedRoute[] {
    let waiting = all;
    let progress = true;
    while (waiting.length > 0 && progress) {
      const refused = waiting.filter(
        ({ from, command }) => this.run.tryCommands(from, printHostCommand(command), [command]) !== '',
      );
      progress = refused.length < waiting.length;
      waiting = refused;
    }
    return waiting;
  }

  /** Of each listed route, whether it is there: of those alike, as many as the table has. */
  private missing(all: readonly WantedRoute[]): readonly WantedRoute[] {
    const there = new Map<string, number>();
    const place = (table: number, key: string) => `${table} ${key}`;
    for (const { tb_id, aliases } of this.run.net.tables) {
      for (const fa of aliases) {
        const key = place(tb_id, keyOf(fa));
        there.set(key, (there.get(key) ?? 0) + 1);
      }
    }
    return all.filter(({ command }) => {
      const key = place(command.table, keyOfCommand(command));
      const left = there.get(key) ?? 0;
      there.set(key, left - 1);
      return left <= 0;
    });
  }

  private addUnreachable(from: SourceLine, command: RouteCommand): void {
    const written = printHostCommand(command);
    const gateways = command.nexthops.length > 0 ? command.nexthops : [command];
    const way = gateways
      .filter(({ gw, dev }) => gw !== 0 && dev !== '')
      .map(({ gw, dev }) => `${[24, 16, 8, 0].map((shift) => (gw >>> shift) & 0xff).join('.')}/32 dev ${dev}`);
    const table = command.table === RT_TABLE_MAIN ? '' : ` table ${command.table}`;
    const before = { net: this.run.net, count: this.run.lines.length };
    const added = way.filter((words) => {
      const commands = parseWords(splitWords(`ip route add ${words}${table}`), ALONE);
      return this.run.tryCommands(from, `ip route add ${words}${table}`, commands) === '';
    });
    const message = this.run.tryCommands(from, written, [command]);
    if (message !== '') {
      this.run.net = before.net;
      this.run.lines.length = before.count;
      this.run.fail(from, written, this.run.refusal(command));
    }
    for (const words of added) this.typed(from, `ip route del ${words}${table}`);
  }

  // tables of iptables

  private table({ from, name, nft, lines, whole }: ListedTable): void {
    const program = nft ? 'iptables-nft' : 'iptables';
    const words = (text: string) => [program, '-t', name, ...splitWords(text.replace(/^\[\d+:\d+\]\s+/, ''))];
    const readAll = lines.map((line) => ({ line, text: line.text.trim() }));
    const chains = readAll.flatMap(({ line, text }) => {
      const [, chain = '', policy = ''] = /^(?::|-P\s+|-N\s+)(\S+)(?:\s+(\S+))?/.exec(text) ?? [];
      return chain === '' ? [] : [{ line, chain, policy: text.startsWith('-N') ? '-' : policy }];
    });
    this.at(from, () => {
      const before = this.run.net[name as 'filter'];
      if (before === undefined || before.chains === undefined)
        wrong(`"${name}" is not a table that is modelled; leave it out, from "*${name}" to COMMIT`);
      if (whole && before.used) this.flushTable(from, program, name, new Set(chains.map(({ chain }) => chain)));
    });
    for (const { line, chain, policy } of chains) {
      this.at(line, () => {
        const known = this.run.net[name as 'filter'].chains.find((one) => one.name === chain);
        if (known === undefined) this.typed(line, `${program} -t ${name} -N ${chain}`);
        else if (policy === 'DROP' || (policy === 'ACCEPT' && known.policy !== 1))
          this.typed(line, `${program} -t ${name} -P ${chain} ${policy}`);
      });
    }
    for (const { line, text } of readAll) {
      if (!/^(\[\d+:\d+\]\s+)?-[AIDR]\s/.test(text)) continue;
      this.at(line, () => {
        const commands = parseWords(words(text), this.reading(line, true, nft));
        this.run.commands(line, commands.map(printHostCommand).join('; '), commands);
      });
    }
  }

  /** As iptables-restore does: chains that it names are emptied, others go. */
  private flushTable(from: SourceLine, program: string, name: string, keeps: ReadonlySet<string>): void {
    this.typed(from, `${program} -t ${name} -F`);
    for (const chain of this.run.net[name as 'filter'].chains) {
      if (!chain.builtin && !keeps.has(chain.name)) this.typed(from, `${program} -t ${name} -X ${chain.name}`);
    }
  }
}

type RuleAdd = Extract<HostCommand, { readonly kind: 'rule add' | 'rule del' }>;

interface WantedRoute {
  readonly from: SourceLine;
  readonly command: RouteCommand;
}

/** The table of a listed route that does not name it. */
function tableUnder({ shows, table }: Heading, words: readonly string[]): string {
  if (table !== '' && table !== 'all') return table;
  const isOfLocal = /^(local|broadcast) .* proto kernel /.test(`${words.join(' ')} `);
  return isOfLocal && shows === '' ? 'local' : 'main';
}

const NO_ADDRESS = { kind: 'addr del', scope: -1, broadcast: 0, noprefixroute: false, metric: 0 } as const;

const NO_LINK: Omit<ListedLink, 'from' | 'name'> = {
  hasFlags: false,
  flags: [],
  mtu: -1,
  group: '',
  master: '',
  linkType: '',
  kind: '',
  mode: '',
  table: '',
  local: '',
  remote: '',
  addresses: undefined,
};

/** Prefix, type of service and metric: routes with the same are tried in their order. */
function keyOf({ dst, plen, fa_tos, fib_priority }: FibAlias): string {
  return `${dst}/${plen} ${fa_tos} ${fib_priority}`;
}

function keyOfCommand({ dst, plen, tos, metric }: RouteCommand): string {
  return `${dst}/${plen} ${tos} ${metric}`;
}

/** Whether two rules do the same; who added them is not always listed. */
function sameRule(a: FibRule, b: FibRule): boolean {
  return JSON.stringify({ ...a, protocol: 0 }) === JSON.stringify({ ...b, protocol: 0 });
}

/** Links that are there for tunnels without an own one. */
function isFallback({ name, flags, addresses }: ListedLink): boolean {
  const known = ['tunl0', 'gre0', 'gretap0', 'erspan0', 'ip_vti0', 'sit0', 'ip6tnl0', 'ip6_vti0', 'ip6gre0'].includes(
    name,
  );
  return known && !flags.includes('UP') && (addresses ?? []).length === 0;
}

/** What a link is, as far as its name says. */
function guessedType(name: string): string {
  if (/^ppp\d/.test(name)) return 'ppp';
  return /^(tun|wg|tailscale|utun|nordlynx)/.test(name) ? 'none' : 'ether';
}

/** The command that makes a link like the listed one. */
function creation(link: ListedLink): string {
  const { name, kind, linkType, mode, table, local, remote } = link;
  const ends = `${/^\d/.test(local) && local !== '0.0.0.0' ? ` local ${local}` : ''}${/^\d/.test(remote) ? ` remote ${remote}` : ''}`;
  const plain = ['veth', '', 'openvswitch', 'netkit'];
  if (kind === 'vrf' || (kind === '' && isMaybeVrf(link))) {
    if (table === '')
      wrong(`"${name}" may be a VRF, whose table this listing does not show; paste what "ip -d link" prints`);
    return `ip link add ${name} type vrf table ${table}`;
  }
  if (kind === 'tun' || (kind === '' && linkType === 'none' && !/^(wg|nordlynx)/.test(name)))
    return `ip tuntap add dev ${name} mode ${mode === 'tap' ? 'tap' : 'tun'}`;
  if (kind === 'wireguard' || (kind === '' && linkType === 'none')) return `ip link add ${name} type wireguard`;
  if (kind === 'ppp' || linkType === 'ppp') return `link ${name} type ppp`;
  if ((kind === 'ipip' || linkType === 'ipip') && remote !== '') return `ip link add ${name} type ipip${ends}`;
  if ((kind === 'gre' || linkType === 'gre') && ends !== '') return `ip link add ${name} type gre${ends}`;
  if (plain.includes(kind) || linkType === 'loopback')
    return /^(ipip|gre|sit|tunnel)/.test(linkType) ? `link ${name} type tun` : `link ${name}`;
  return `link ${name} type ${kind}`;
}

function isMaybeVrf({ flags }: ListedLink): boolean {
  return flags.includes('MASTER') && flags.includes('NOARP');
}

/** Rules behind the routes that are listed with them: while routes are added, rules could hide the way to their gateways. */
function inOrder(items: readonly Item[]): readonly Item[] {
  const sorted: Item[] = [];
  let rules: Item[] = [];
  for (const item of items) {
    if (item.kind === 'command') {
      sorted.push(...rules, item);
      rules = [];
    } else (item.kind === 'rules' ? rules : sorted).push(item);
  }
  return [...sorted, ...rules];
}

/** Whether something else follows that runs if the command fails. */
function isForgiven(items: readonly Item[], next: number): boolean {
  for (let at = next; at < items.length; at++) {
    const item = items[at] as Item;
    if (item.kind !== 'command' || item.command.joined === ';') return false;
    if (item.command.joined === '||') return true;
  }
  return false;
}

/** Links that the file's own commands make. */
function linksMade(items: readonly Item[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const item of items) {
    if (item.kind !== 'command') continue;
    const [program = '', object = '', verb = '', ...rest] = item.command.words.filter(
      (word) => !/^-(4|d|o|j|s)$/.test(word),
    );
    if (program === 'link') names.add(object);
    const makes =
      program === 'ip' &&
      'add'.startsWith(verb) &&
      verb !== '' &&
      ['link', 'tuntap', 'tunnel'].some((one) => object.length > 0 && one.startsWith(object));
    if (!makes) continue;
    const at = rest.findIndex((word) => word === 'name' || word === 'dev');
    const first = rest.find(
      (word, i) => !['link', 'mode', 'type'].includes(word) && !['link', 'mode', 'type'].includes(rest[i - 1] ?? ''),
    );
    const name =
      object.startsWith('l') && at >= 0 && rest[at] === 'dev' && rest[0] === 'link'
        ? rest[at + 1]
        : at >= 0
          ? rest[at + 1]
          : first;
    if (name !== undefined) names.add(name);
  }
  return names;
}

/** Which chains lead from FORWARD alone, as all lines of the file say. */
function forwardedChains(items: readonly Item[]): (table: string, chain: string) => boolean {
  const jumps = new Map<string, Set<string>>();
  const add = (table: string, words: readonly string[]) => {
    const at = words.findIndex((word) => /^-([AIR]|-append|-insert|-replace)$/.test(word));
    const to = words.findIndex((word) => ['-j', '-g', '--jump', '--goto'].includes(word));
    if (at < 0 || to < 0) return;
    const from = `${table} ${words[at + 1] ?? ''}`;
    const into = `${table} ${words[to + 1] ?? ''}`;
    jumps.set(into, (jumps.get(into) ?? new Set()).add(from));
  };
  for (const item of items) {
    if (item.kind === 'table') for (const { text } of item.table.lines) add(item.table.name, text.trim().split(/\s+/));
    if (item.kind === 'command' && isIptables(programOf(item.command.words[0] ?? ''))) {
      const { words } = item.command;
      const t = words.indexOf('-t');
      add(t < 0 ? 'filter' : (words[t + 1] ?? ''), words);
    }
  }
  const only = (table: string, chain: string, seen: readonly string[]): boolean => {
    if (chain === 'FORWARD') return true;
    const callers = jumps.get(`${table} ${chain}`);
    if (callers === undefined || seen.includes(chain)) return false;
    return [...callers].every((caller) => only(table, caller.split(' ')[1] ?? '', [...seen, chain]));
  };
  return (table, chain) => only(table, chain, []);
}

/** Reads a host; `leaveOut` are words that are left out although they can matter. */
export function importHost(lines: readonly SourceLine[], leaveOut: readonly string[]): HostReading {
  return new Importer(lines, new Set(leaveOut)).read();
}
