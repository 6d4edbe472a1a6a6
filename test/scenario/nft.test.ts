/** What `nft list ruleset` prints (nftables 1.0.6), read as the commands that do the same. */
import { describe, expect, test } from 'vitest';
import { readHostText } from '../../scenario/host.ts';

function commandsOf(...lines: readonly string[]): readonly string[] {
  return readHostText([{ file: 'my.host', text: lines.join('\n') }]).lines.map(({ text }) => text);
}

/** The rules of a chain of type route. */
function routed(...rules: readonly string[]): readonly string[] {
  const type = 'type route hook output priority mangle; policy accept;';
  return commandsOf('table ip m {', '\tchain out {', `\t\t${type}`, ...rules.map((one) => `\t\t${one}`), '\t}', '}');
}

describe('chains', () => {
  test('one of type route is mangle OUTPUT, one of type filter routes nothing again', () => {
    expect(routed('udp dport 53 counter packets 1 bytes 60 meta mark set 0x00000064')).toEqual([
      'iptables-nft -t mangle -A OUTPUT -p udp --dport 53 -j MARK --set-mark 100',
    ]);
    const chain = ['chain o {', 'type filter hook output priority filter - 5; policy drop;', 'meta mark set 0x7', '}'];
    expect(commandsOf('table inet f {', ...chain, '}')).toEqual([
      'iptables-nft -t filter -P OUTPUT DROP',
      'iptables-nft -A OUTPUT -j MARK --set-mark 7',
    ]);
  });

  test('what forwarded packets and those of IPv6 meet is no matter', () => {
    const chain = (hook: string) => ['chain c {', `type filter hook ${hook} priority filter; policy drop;`, '}'];
    expect(commandsOf('table inet f {', ...chain('forward'), '}', 'table ip6 g {', ...chain('output'), '}')).toEqual(
      [],
    );
    expect(routed('ip6 daddr ::1 drop', 'meta nfproto ipv6 drop')).toEqual([]);
  });

  test('behind the command that lists them', () => {
    const listed = [
      'table ip m {',
      'chain o {',
      'type route hook output priority mangle;',
      'udp dport 1 drop',
      '}',
      '}',
    ];
    expect(commandsOf('root@gw:~# nft -a list ruleset', ...listed)).toEqual([
      'iptables-nft -t mangle -A OUTPUT -p udp --dport 1 -j DROP',
    ]);
    expect(() => commandsOf('nft flush ruleset')).toThrow(
      /^my.host:1: "nft" is not read; write what "nft list ruleset"/,
    );
  });

  test('chains that are called come along, with sets', () => {
    const set = ['set web {', 'type ipv4_addr', 'flags interval', 'elements = { 9.9.9.0/24,', '8.8.8.8 }', '}'];
    const out = ['chain out {', 'type route hook output priority -150; policy accept;', 'ip daddr @web jump more', '}'];
    const more = ['chain more {', 'meta l4proto { tcp, udp } th dport 443 meta mark set 0x1', '}'];
    expect(commandsOf('table ip m {', ...set, ...out, ...more, 'chain unused {', 'drop', '}', '}')).toEqual([
      'ipset create web hash:net',
      'ipset add web 9.9.9.0/24',
      'ipset add web 8.8.8.8',
      'iptables-nft -t mangle -N more',
      'iptables-nft -t mangle -A OUTPUT -m set --match-set web dst -j more',
      'iptables-nft -t mangle -A more -p tcp --dport 443 -j MARK --set-mark 1',
      'iptables-nft -t mangle -A more -p udp --dport 443 -j MARK --set-mark 1',
    ]);
  });

  test('a rule that does several things has a chain of its own, so that it is compared once', () => {
    expect(routed('meta mark 0x1 meta mark set 0x2 accept', 'udp dport 1 ct mark set meta mark return')).toEqual([
      'iptables-nft -t mangle -N out-1',
      'iptables-nft -t mangle -N out-2',
      'iptables-nft -t mangle -A out-1 -j MARK --set-mark 2',
      'iptables-nft -t mangle -A out-1 -j ACCEPT',
      'iptables-nft -t mangle -A OUTPUT -m mark --mark 1 -j out-1',
      'iptables-nft -t mangle -A out-2 -j CONNMARK --save-mark',
      'iptables-nft -t mangle -A OUTPUT -p udp --dport 1 -g out-2',
    ]);
  });
});

describe('words', () => {
  test.each([
    ['ip daddr != 10.0.0.0/8 accept', '! -d 10.0.0.0/8 -j ACCEPT'],
    ['ip daddr 10.0.0.1-10.0.0.9 accept', '-m iprange --dst-range 10.0.0.1-10.0.0.9 -j ACCEPT'],
    ['tcp dport != 1-5 accept', '-p tcp ! --dport 1:5 -j ACCEPT'],
    ['udp sport { 53, 67 } accept', '-p udp -m multiport --sports 53,67 -j ACCEPT'],
    ['meta skuid 1000 accept', '-m owner --uid-owner 1000 -j ACCEPT'],
    ['meta skuid != 1000 accept', '-m owner --socket-exists -m owner ! --uid-owner 1000 -j ACCEPT'],
    ['meta skgid 33 accept', '-m owner --gid-owner 33 -j ACCEPT'],
    ['socket cgroupv2 level 1 "vpn" accept', '-m cgroup --path vpn -j ACCEPT'],
    ['meta mark & 0x000000ff != 0x00000001 accept', '-m mark ! --mark 1/0xff -j ACCEPT'],
    ['oifname != "eth*" accept', '! -o eth+ -j ACCEPT'],
    ['ct state established,related accept', '-m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT'],
    ['meta mark set meta mark & 0xffffff00 | 0x00000064', '-j MARK --set-xmark 100/0xff'],
    ['meta mark set ct mark', '-j CONNMARK --restore-mark'],
  ])('%s', (rule, words) => {
    expect(routed(rule)).toEqual([`iptables-nft -t mangle -A OUTPUT ${words}`]);
  });

  test.each([
    ['numgen random mod 2 0 accept', /^my.host:4: "numgen" of a rule of nf_tables is not modelled/],
    ['meta mark set 0x1 tcp dport 1 accept', /^my.host:4: "tcp" stands behind what the rule does/],
    ['ip ttl 1 accept', /^my.host:4: "ip ttl" is not modelled/],
    ['tcp dport', /^my.host:4: the rule ends where a port should follow/],
  ])('%s is refused', (rule, message) => {
    expect(() => routed(rule)).toThrow(message);
  });

  test('two chains at one place are refused', () => {
    const chain = (name: string) => [`chain ${name} {`, 'type route hook output priority mangle; policy accept;', '}'];
    expect(() => commandsOf('table ip m {', ...chain('a'), ...chain('b'), '}')).toThrow(/two chains of nf_tables/);
  });
});
