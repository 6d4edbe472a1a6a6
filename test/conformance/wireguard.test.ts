/** A link of WireGuard, which the running kernel lacks: the test kernel's own driver, beside the model. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { boot } from '../../conformance/patched/boot.ts';
import { testKernel } from '../../conformance/patched/prerequisites.ts';
import { dev_get_by_name } from '../../model/kernel/net/core/dev.ts';
import { dotted, host, play, sentIn } from '../model/build.ts';

const machine = testKernel();
const missing = [
  ...('missing' in machine ? machine.missing : []),
  ...(spawnSync('wg', ['--version']).error ? ['not installed: wireguard-tools (apt-get install wireguard-tools)'] : []),
];
if (missing.length > 0) console.log(`skipped: WireGuard on the test kernel (${missing.join('; ')})`);

const HOST = [
  'ip link add eth0 type veth peer name eth0p',
  'ip link set eth0 up',
  'ip addr add 192.168.1.2/24 dev eth0',
  'ip route add default via 192.168.1.1',
  'ip link add wg0 type wireguard',
  'ip addr add 10.66.0.2/32 dev wg0',
  'ip link set mtu 1420 up dev wg0',
  'ip route add default dev wg0 table 51820',
  'ip rule add not fwmark 51820 table 51820',
  'ip rule add table main suppress_prefixlength 0',
  'sysctl -w net.ipv4.conf.all.src_valid_mark=1',
  'iptables -t mangle -A OUTPUT -p udp --dport 53 -j MARK --set-mark 51820',
];

/** The socket w is the tunnel's own, with its fwmark. */
const EVENTS = [
  'socket u udp',
  'send u 4 to 8.8.8.8:80',
  'socket w udp mark 51820',
  'send w 148 to 203.0.113.5:51820',
  'socket s udp mark 51820',
  'send s 4 to 8.8.8.8:80',
  'socket m udp',
  'send m 4 to 8.8.8.8:53',
];

/** What leaves by the link that carries the tunnel. */
function onModel(): readonly string[] {
  const net = host(...HOST);
  const eth0 = dev_get_by_name(net, 'eth0').ifindex;
  const left = play(net, EVENTS).flatMap(sentIn);
  return left
    .filter(({ dev }) => dev === eth0)
    .map(({ skb: { iph, uh } }) => `${dotted(iph.saddr)} > ${dotted(iph.daddr)}:${uh.dest}`);
}

test.skipIf(missing.length > 0)('what a tunnel sends and what marks send past it leaves as on the model', async () => {
  if ('missing' in machine) throw new Error('skipped');
  const { outcome, output } = await boot({
    kernel: machine.kernel,
    script: join(import.meta.dirname, '../../conformance/patched/wireguard.sh'),
    outputDir: mkdtempSync(join(tmpdir(), 'wireguard-')),
  });
  expect(outcome).toEqual({ tag: 'exited', status: 0 });
  expect(output).toEqual(onModel());
  expect(output).toContain('192.168.1.2 > 203.0.113.5:51820');
});
