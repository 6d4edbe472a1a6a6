// Refusals observed with ipset 7.17 on Linux 6.18, 2026-11-30.
import { describe, expect, test } from 'vitest';
import { host, on, says } from './build.ts';

const V = 'ipset v7.17: ';
const OUTSIDE = `${V}Element is out of the range of the set`;
const ADDED = `${V}Element cannot be added to the set: it's already added`;
const NOT_ADDED = `${V}Element cannot be deleted from the set: it's not added`;
const EXISTS = `${V}Set cannot be created: set with the same name already exists`;

test.each([
  [
    'bitmap:ip range 10.0.0.4-10.0.0.7',
    ['10.0.0.4', '10.0.0.7', '10.0.0.6/31', '10.0.0.4/30'],
    ['10.0.0.3', '10.0.0.8', '10.0.0.0/29'],
  ],
  ['bitmap:port range 5-7', ['5', '7'], ['4', '8']],
])('a set of type %s has places from its first to its last', (type, inside, outside) => {
  const net = host(`ipset create a ${type}`);
  for (const element of inside) {
    expect(says(net, `ipset add a ${element}`), element).toBe('');
    expect(says(net, `ipset del a ${element}`), element).toBe(NOT_ADDED);
  }
  for (const element of outside) {
    expect(says(net, `ipset add a ${element}`), element).toBe(OUTSIDE);
    expect(says(net, `ipset del a ${element}`), element).toBe(OUTSIDE);
  }
});

test('an element is there until its time is up', () => {
  const net = host('ipset create a hash:ip timeout 10', 'ipset add a 10.0.0.1', 'ipset add a 10.0.0.2 timeout 0');
  const after = (ms: number) => ({ ...net, now: net.now + ms });
  expect(says(after(9999), 'ipset add a 10.0.0.1')).toBe(ADDED);
  expect(says(after(9999), 'ipset del a 10.0.0.1')).toBe('');
  expect(says(after(10_001), 'ipset add a 10.0.0.1')).toBe('');
  expect(says(after(10_001), 'ipset del a 10.0.0.1')).toBe(NOT_ADDED);
  expect(says(after(10_001), 'ipset add a 10.0.0.2')).toBe(ADDED);
  expect(says(on(after(10_001), 'ipset add a 10.0.0.1 timeout 20'), 'ipset add a 10.0.0.1')).toBe(ADDED);
});

// C: net/netfilter/ipset/ip_set_list_set.c, set_cleanup_entries().
test('a set is free again once its time in a list is up and the list changes', () => {
  const net = host(
    ...['a', 'b'].map((name) => `ipset create ${name} hash:ip`),
    'ipset create l list:set timeout 10',
    'ipset add l a',
  );
  const busy = `${V}Set cannot be destroyed: it is in use by a kernel component`;
  const destroyed = (ms: number) => says(on({ ...net, now: net.now + ms }, 'ipset add l b'), 'ipset destroy a');
  expect([destroyed(9999), destroyed(10_001)]).toEqual([busy, '']);
});

describe('-exist takes a set that is there already only if it was made the same way', () => {
  test.each([
    ['hash:ip', ['hash:net', 'hash:ip netmask 24', 'hash:ip timeout 5']],
    ['hash:ip timeout 5', ['hash:ip', 'hash:ip timeout 6']],
    ['bitmap:ip range 10.0.0.0/24', ['bitmap:ip range 10.0.0.0/25', 'bitmap:ip range 10.0.0.128/25']],
    ['bitmap:port range 5-7', ['bitmap:port range 5-8', 'bitmap:port range 4-7', 'bitmap:port range 5-7 timeout 1']],
    ['list:set', ['hash:ip', 'list:set timeout 5']],
  ])('%s', (made, others) => {
    const net = host(`ipset create a ${made}`);
    expect(says(net, `ipset create a ${made}`)).toBe(EXISTS);
    expect(says(net, `ipset create a ${made} -exist`)).toBe('');
    for (const other of others) expect(says(net, `ipset create a ${other} -exist`), other).toBe(EXISTS);
  });

  // C: net/netfilter/ipset/ip_set_hash_gen.h, mtype_same_set(): hash:ip keeps a netmask, of 32 or 128 bits where none is named.
  test('the family of IPv6 is no difference but in the netmask', () => {
    const net = host('ipset create a hash:net', 'ipset create b hash:ip netmask 24', 'ipset create c hash:ip');
    expect(says(net, 'ipset create a hash:net family inet6 -exist')).toBe('');
    expect(says(net, 'ipset create b hash:ip family inet6 netmask 24 -exist')).toBe('');
    expect(says(net, 'ipset create c hash:ip family inet6 -exist')).toBe(EXISTS);
  });
});
