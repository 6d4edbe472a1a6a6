/** What z3 says of the classes of a host's flows. */
import { expect, test } from 'vitest';
import { type FlowClass, type Flows, flowsOf } from '../../flows/classes.ts';
import type { Fate, Left } from '../../flows/play.ts';
import { stock } from '../../model/patch/stock.ts';
import { readHostList } from '../../scenario/host.ts';
import { certify } from '../../solver/flows.ts';
import { loadZ3 } from '../../solver/smt.ts';
import { InternalError } from '../../solver/terms/term.ts';

const z3 = await loadZ3();

const host = [
  'link eth0',
  'ip link set eth0 up',
  'ip addr add 10.0.0.1/24 dev eth0',
  'link eth1',
  'ip link set eth1 up',
  'ip addr add 10.1.0.1/24 dev eth1',
  'ip route add default via 10.0.0.254',
  'ip route add default via 10.1.0.254 table 100',
  'ip rule add fwmark 100 table 100',
  'iptables -t mangle -A OUTPUT -p udp --dport 53 -m owner --uid-owner 1000-1999 -j MARK --set-mark 100',
  'iptables -t mangle -A OUTPUT -d 8.8.0.0/16 -j MARK --set-mark 100',
];

function asked(): Flows {
  return flowsOf(readHostList('host', host).net, {
    kernels: [stock],
    bound: 0,
    to: { addr: 0x08080808, port: 0 },
  });
}

test('all flows of a class leave alike, and none is missing', () => {
  const flows = asked();
  const { complete, uniform, undecided } = certify(z3, flows, { budget: 60_000 });
  expect([complete, undecided]).toEqual(['exhausted', 0]);
  expect(uniform).toBeGreaterThanOrEqual(flows.classes.length);
}, 90_000);

test('a class that is said to leave otherwise than some of its flows is refused', () => {
  const flows = asked();
  const classes = flows.classes.map((one): FlowClass => {
    const [fate] = one.fates as [Fate];
    return { ...one, fates: [{ ...fate, first: { ...(fate.first as Left), saddr: 0x0a090909 } }] };
  });
  expect(() => certify(z3, { ...flows, classes }, { budget: 60_000 })).toThrow(InternalError);
}, 90_000);

test('a class that is missing is missed', () => {
  const flows = asked();
  expect(() => certify(z3, { ...flows, classes: flows.classes.slice(1) }, { budget: 60_000 })).toThrow(/in no class/);
}, 90_000);
