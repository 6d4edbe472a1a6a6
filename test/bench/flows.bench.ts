/** How fast the built program says where the flows of a large host go, from the start of its process. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bench, describe } from 'vitest';

const LINKS = [0, 1, 2];

const host = [
  ...LINKS.flatMap((n) => [
    `link eth${n}`,
    `ip link set eth${n} up`,
    `ip addr add 10.${n}.0.1/24 dev eth${n}`,
    `ip route add default via 10.${n}.0.254${n === 0 ? '' : ` table ${n}00`}`,
  ]),
  'ip rule add fwmark 100 table 100',
  'ip rule add fwmark 200 table 200',
  'ip route add default via 10.2.0.253 table 300',
  'ip rule add fwmark 300 table 300',
  ...Array.from(
    { length: 5000 },
    (_, n) => `ip route add ${20 + (n % 200)}.${n >>> 5}.${16 * (n % 16)}.0/${20 + (n % 5)} via 10.${n % 3}.0.254`,
  ),
  ...Array.from({ length: 200 }, (_, n) => {
    const mark = `-j MARK --set-mark ${n % 2 === 0 ? 100 : 200}`;
    const rules = [
      `-t mangle -A OUTPUT -p udp --dport ${2000 + n} -m owner --uid-owner ${1000 + (n % 20)} ${mark}`,
      `-t mangle -A OUTPUT -d ${20 + n}.${n}.0.0/16 ${mark}`,
      `-t mangle -A OUTPUT -p tcp --dport ${1000 + n} ${mark}`,
      `-A OUTPUT -d ${20 + n}.${n + 1}.0.0/16 -p tcp -j DROP`,
      `-A OUTPUT -p udp --dport ${3000 + n} -j ACCEPT`,
    ];
    return `iptables ${rules[n % 5]}`;
  }),
  'iptables -t mangle -A OUTPUT -p tcp --dport 8443 -m owner --uid-owner 1007 -j MARK --set-mark 300',
];

const file = join(mkdtempSync(join(tmpdir(), 'reroute-check-')), 'large.host');
writeFileSync(file, `${host.join('\n')}\n`);

describe('3 uplinks, 200 rules, 5,000 routes, a wrong source for one port of one user (to reach: 5 s)', () => {
  bench(
    'host flows',
    () => {
      const { status, stdout, stderr } = spawnSync(process.execPath, ['start.js', 'host', 'flows', file], {
        encoding: 'utf8',
      });
      if (status !== 0 || !/flows tcp .* of user 1007 to port 8443/.test(stdout))
        throw new Error(stderr || stdout.slice(0, 500));
    },
    { iterations: 3, time: 0, warmupIterations: 0, warmupTime: 0 },
  );
});
