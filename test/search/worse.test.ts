/** What a variant breaks where stock keeps it is a finding of its own, also of a promise that stock breaks elsewhere. */
import { describe, expect, it } from 'vitest';
import { counterexampleFiles } from '../../cli/files.ts';
import { askFirst } from '../../model/patch/ask-first.ts';
import { icmpOnly } from '../../model/patch/icmp-only.ts';
import { tcpRehashMended } from '../../model/patch/mended.ts';
import { stock } from '../../model/patch/stock.ts';
import { properties } from '../../properties/index.ts';
import type { Property } from '../../properties/property.ts';
import { loadScenario } from '../../scenario/scenario.ts';
import type { Text } from '../../scenario/text.ts';
import { breaks, keeps } from '../../search/replays.ts';
import { doTask, type SmallTask } from '../../search/tasks.ts';
import { isWorse } from '../../search/worse.ts';

const kept = properties.find(({ id }) => id === 'message-device-kept') as Property;
const retransmitted = properties.find(({ id }) => id === 'marked-retransmission-works') as Property;

/** Two links with those addresses. */
const links = (...addresses: readonly string[]): readonly string[] =>
  addresses.flatMap((address, i) => [
    `ip link add eth${i} type veth peer name eth${i}p`,
    `ip link set eth${i} up`,
    `ip addr add ${address}/24 dev eth${i}`,
  ]);

/** Stock looks up the source that the packet has, and a rule leads it to the named link; the patch asks without a source. */
const worse: Text = {
  host: [
    ...links('10.0.0.1', '10.1.0.1'),
    'ip route add default via 10.1.0.254',
    'ip route add default via 10.0.0.254 table 100',
    'ip rule add from 10.0.0.1 table 100',
    'iptables -t mangle -A OUTPUT -j MARK --set-mark 200',
  ],
  events: ['socket c udp', 'send c 1 to 8.8.8.8:53 via eth0'],
};

/** The same without the rule: the mark leads it away from the named link on stock, too. */
const asOnStock: Text = { ...worse, host: worse.host.filter((line) => !line.startsWith('ip rule')) };

/** ask-first sends a SYN that stock refuses; the rule counts it, and marks what stock does not mark, or the other way round. */
const counted: Text = {
  host: [
    ...links('10.0.0.2', '10.1.0.1'),
    'ip route add default via 10.0.0.254',
    'ip route add default via 10.1.0.254 table 100',
    'ip rule add fwmark 100 table 100',
    'iptables -t mangle -A OUTPUT -j TOS --set-tos 0x10',
    'iptables -t mangle -A OUTPUT -m statistic --mode nth --every 80 --packet 0 -j MARK --set-mark 100',
    'ip rule add from 10.0.0.2 unreachable',
  ],
  events: ['socket d tcp', 'socket c raw icmp unicast-if eth1', 'connect d 10.0.0.1:53', 'send c 1 to 8.8.8.8'],
};

/** A first SYN that stock sends from the wrong source is answered; the mended patch drops it, as a rule does at its new port, and sends it again. */
const answered: Text = {
  host: [
    ...links('10.1.0.1', '10.0.0.1'),
    'ip route add default via 10.0.0.254 table 100',
    'ip rule add fwmark 100 table 100',
    'iptables -t mangle -A OUTPUT -j MARK --set-mark 100',
    'sysctl net.ipv4.ip_local_port_range="40000 40001"',
    'iptables -A OUTPUT -p tcp --sport 40001 -j DROP',
  ],
  events: [
    'socket c tcp mark 100',
    'connect c 10.1.0.254:80',
    'socket d tcp',
    'connect d 10.1.0.254:80',
    'retransmit c',
    'answer d',
    'retransmit d',
  ],
};

describe('a run that breaks a promise', () => {
  it('is worse than stock where stock keeps the promise in it', () => {
    expect(isWorse(kept, icmpOnly, worse)).toBe(true);
    expect(isWorse(kept, icmpOnly, asOnStock)).toBe(false);
  });

  it('is not worse where a rule that counts has come to another number before', () => {
    expect(breaks(kept, askFirst, counted) && keeps(kept, stock, counted)).toBe(true);
    expect(isWorse(kept, askFirst, counted)).toBe(false);
  });

  it('is not worse where what the patch is for occurs on stock in other steps alone', () => {
    expect(breaks(retransmitted, tcpRehashMended, answered) && keeps(retransmitted, stock, answered)).toBe(true);
    expect(isWorse(retransmitted, tcpRehashMended, answered)).toBe(false);
  });

  it('is never worse on stock itself', () => {
    expect(isWorse(kept, stock, asOnStock)).toBe(false);
  });
});

describe('a cell with findings of both kinds', () => {
  const plan = { properties: [kept], kernels: [icmpOnly], seed: 1, runs: 1, path: '', failures: 1 };
  const failure = { property: kept.id, variant: icmpOnly.name, scope: kept.scope.name };
  const task = (failures: SmallTask['failures']): SmallTask => ({
    kind: 'small',
    cell: 0,
    failures,
    stored: asOnStock,
    until: Number.POSITIVE_INFINITY,
  });

  it('gets the counterexample that stock keeps, though the other is smaller', () => {
    const small = doTask(plan, task([{ ...failure, worse: true, text: worse, path: '1:2' }]));
    expect(small.path).toBe('1:2');
    expect(isWorse(kept, icmpOnly, small.text)).toBe(true);
  });

  it('keeps what it has where there is none of that kind', () => {
    expect(doTask(plan, task([])).path).toBe('');
  });
});

describe('the stored counterexamples', () => {
  it('say what stock does with the promise: some it keeps, some it breaks, its own say nothing', () => {
    const said = new Set(counterexampleFiles().map((file) => loadScenario(file).stock));
    expect(said).toEqual(new Set(['keeps', 'breaks', undefined]));
  });
});
