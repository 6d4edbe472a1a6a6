/** How fast the built program checks scenarios. Trust the ratios: the machine's load changes the rest. */
import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { bench, describe } from 'vitest';
import {
  bootHost,
  commandOf,
  decode,
  eventOfLine,
  firstBroken,
  playOn,
  properties,
  search,
  variants,
  wordLists,
} from '../../dist/index.js';

const [stock, , , tcpRehash] = variants;
const property = (id: string) => properties.find((one) => one.id === id);
const oneConnectionOneTuple = property('one-connection-one-tuple');
const fourTupleUnique = property('four-tuple-unique');
const transportChecksumRight = property('transport-checksum-correct');

/** Two tables, a mark that leads to the second, connect and the peer's answer: three events. */
const HOST = [
  'ip link add eth0 type veth peer name eth0p',
  'ip link set eth0 up',
  'ip addr add 10.0.0.1/24 dev eth0',
  'ip link add eth1 type veth peer name eth1p',
  'ip link set eth1 up',
  'ip addr add 10.1.0.1/24 dev eth1',
  'ip route add default via 10.0.0.254 src 10.0.0.1',
  'ip route add default via 10.1.0.254 src 10.1.0.1 table 100',
  'ip rule add fwmark 100 table 100',
  'iptables -t mangle -A OUTPUT -d 8.8.8.8 -j MARK --set-mark 100',
].map(commandOf);
const EVENTS = ['socket c tcp', 'connect c 8.8.8.8:80', 'answer c'].map(eventOfLine);
const booted = bootHost(stock, HOST);
const bootedPatched = bootHost(tcpRehash, HOST);

describe('connect, mark, reroute, answer on a host with two tables', () => {
  bench('stock, played', () => {
    playOn(stock, booted, EVENTS);
  });
  bench('stock, played and one property checked', () => {
    firstBroken(oneConnectionOneTuple, playOn(stock, booted, EVENTS));
  });
  bench('stock, played and three properties checked', () => {
    const run = playOn(stock, booted, EVENTS);
    firstBroken(oneConnectionOneTuple, run);
    firstBroken(fourTupleUnique, run);
    firstBroken(transportChecksumRight, run);
  });
  bench('tcp-rehash, played and one property checked', () => {
    firstBroken(oneConnectionOneTuple, playOn(tcpRehash, bootedPatched, EVENTS));
  });
  bench('the host configured', () => {
    bootHost(stock, HOST);
  });
});

describe('under plain fast-check, a batch of 1,000', () => {
  const port = fc.nat({ max: 65535 });
  bench('the same scenario with a drawn port', () => {
    fc.assert(
      fc.property(port, (value) => {
        const events = [EVENTS[0], { ...EVENTS[1], port: value }, EVENTS[2]];
        return firstBroken(oneConnectionOneTuple, playOn(stock, booted, events)) < 0;
      }),
      { numRuns: 1000, seed: 1 },
    );
  });
  bench('whole scenarios drawn as words', () => {
    fc.assert(
      fc.property(wordLists, (lists) => decode(oneConnectionOneTuple.scope, stock, lists).events.length > 0),
      { numRuns: 1000, seed: 1 },
    );
  });
});

/** What is known of a small search before it begins, and how many threads do it. */
const some = properties.filter(({ id }) => ['bound-port-kept', 'transport-checksum-correct'].includes(id));
const few = { properties: some, kernels: [stock, tcpRehash], seed: 1, runs: 6000, failures: 2, budget: Infinity };

function stored({ id }, { name }) {
  const path = `counterexamples/${id}/${name}.json`;
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
}

describe('two properties on two kernels, found and made small', () => {
  const once = { iterations: 3, time: 0, warmupIterations: 1, warmupTime: 0 };
  bench('from nothing, on one thread', () => search({ ...few, progress() {} }), once);
  bench('from what is stored, on one thread', () => search({ ...few, stored, progress() {} }), once);
  bench('from what is stored, on two threads', () => search({ ...few, stored, jobs: 2, progress() {} }), once);
});

/** A record as large as a world, replaced again and again. */
const FIELDS = Array.from({ length: 32 }, (_, i) => `f${i}`);
const spread = new Function('record', 'i', 'return { ...record, f0: i };');
const literal = new Function(
  'record',
  'i',
  `return { f0: i, ${FIELDS.slice(1).map((field) => `${field}: record.${field}`)} };`,
);
const start = Object.fromEntries(FIELDS.map((field, i) => [field, i]));

describe('a chain of 100 copies of a record with 32 fields', () => {
  bench('by spread', () => {
    let record = start;
    for (let i = 0; i < 100; i++) record = spread(record, i);
  });
  bench('by a literal with all fields', () => {
    let record = start;
    for (let i = 0; i < 100; i++) record = literal(record, i);
  });
});
