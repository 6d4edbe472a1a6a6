/** A patch of one's own, tried with the built program. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const built = resolve('dist/reroute-check.js');
const folder = mkdtempSync(join(tmpdir(), 'reroute-check-own-'));

function run(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [built, ...args], { encoding: 'utf8', cwd: folder });
  return { status, stdout, stderr };
}

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return name;
}

const NOTHING = file(
  'nothing.c',
  `static unsigned int
ipt_mangle_out(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	u32 mark = skb->mark;
	__be32 saddr = ip_hdr(skb)->saddr, daddr = ip_hdr(skb)->daddr;
	u8 tos = ip_hdr(skb)->tos;
	unsigned int ret = ipt_do_table(priv, skb, state);
	int err;

	if (ret == NF_DROP || ret == NF_STOLEN)
		return ret;
	if (ip_hdr(skb)->saddr != saddr || ip_hdr(skb)->daddr != daddr ||
	    skb->mark != mark || ip_hdr(skb)->tos != tos) {
		err = ip_route_me_harder(state->net, state->sk, skb, RTN_UNSPEC);
		if (err < 0)
			ret = NF_DROP_ERR(err);
	}
	return ret;
}
`,
);

const KEEPS_PORT = resolve('examples/keep-port.c');

describe('a text of one’s own', () => {
  it('is traced', () => {
    const { status, stdout } = run('trace', resolve('experiments/1-ping-version-1.json'), '--patch', KEEPS_PORT);
    expect(stdout).toContain('on keep-port.c: the text of keep-port.c');
    expect(stdout).toContain('10.1.0.1 > 8.8.8.8 icmp echo-request');
    expect(stdout).toMatch(
      /ipt_mangle_out\(\), \S*model\/patch\/tcp-rehash\.c:93\n +packet 1: source 10\.0\.0\.1 -> 10\.1\.0\.1/,
    );
    expect(status).toBe(0);
  });

  it('is searched on threads as on one', () => {
    const search = ['search', 'kernel-survives', '--patch', KEEPS_PORT, '--runs', '600', '--budget', '60'];
    const [alone, threads] = ['1', '2'].map((jobs) => run(...search, '--jobs', jobs));
    expect(alone?.stdout).toContain('kernel-survives on keep-port.c: violated');
    expect(alone?.stdout).toContain(`again: reroute-check search kernel-survives --patch ${KEEPS_PORT}`);
    expect(threads).toEqual(alone);
    expect(alone?.status).toBe(1);
  });

  it('is replayed', () => {
    const stored = resolve('counterexamples/bound-port-kept/tcp-rehash.json');
    expect(run('replay', stored).status).toBe(1);
    const { status, stdout } = run('replay', stored, '--patch', KEEPS_PORT);
    expect(stdout).toContain('on keep-port.c keeps bound-port-kept');
    expect(status).toBe(0);
  });

  it('that does nothing is as stock, in a review that writes nothing', () => {
    const { status, stdout } = run('review', '--patch', NOTHING, '--runs', '200', '--jobs', '1');
    expect(stdout).toMatch(
      /nothing\.c beside stock\n *breaks what stock keeps: nothing\n *keeps what stock breaks: nothing/,
    );
    expect(status).toBe(0);
    expect(existsSync(join(folder, 'counterexamples'))).toBe(false);
  });

  it('is compared with a variant', () => {
    const { stdout } = run('review', '--patch', KEEPS_PORT, '--against', 'tcp-rehash', '--runs', '100', '--jobs', '1');
    const [, beside = ''] = stdout.split('keep-port.c beside tcp-rehash\n');
    expect(beside).toMatch(/^ *breaks what tcp-rehash keeps: nothing\n *keeps what tcp-rehash breaks: bound-port-kept/);
  });
});

describe('a diff', () => {
  const KEEPS = file(
    'keeps.diff',
    `--- a/model/patch/tcp-rehash.c
+++ b/model/patch/tcp-rehash.c
@@ -97,8 +97,12 @@
 \t\t\t\t\tinet->inet_rcv_saddr = inet->inet_saddr;
 \t\t\t\t\tinet_unhash(sk);
-\t\t\t\t\tinet_put_port(sk);
 \t\t\t\t\terr = inet_hash_connect(&sock_net(sk)->ipv4.tcp_death_row,
 \t\t\t\t\t\t\t\tsk);
+\t\t\t\t\tif (err) {
+\t\t\t\t\t\tinet_put_port(sk);
+\t\t\t\t\t\terr = inet_hash_connect(&sock_net(sk)->ipv4.tcp_death_row,
+\t\t\t\t\t\t\t\t\tsk);
+\t\t\t\t\t}
 \t\t\t\t\tth->source = inet->inet_sport = htons(inet->inet_num);
 \t\t\t\t\tif (err) {
 \t\t\t\t\t\t/* A positive errno for a verdict. */
`,
  );

  it('of a published text is that text with its changes', () => {
    const { status, stdout } = run(
      'replay',
      resolve('counterexamples/bound-port-kept/tcp-rehash.json'),
      '--patch',
      KEEPS,
    );
    expect(stdout).toContain('on keeps.diff keeps bound-port-kept');
    expect(status).toBe(0);
  });

  it('is traced by its own lines', () => {
    const { stdout } = run('trace', resolve('counterexamples/bound-port-kept/tcp-rehash.json'), '--patch', KEEPS);
    expect(stdout).toContain('ipt_mangle_out(), keeps.diff:4\n        c: inet_rcv_saddr 10.0.0.1 -> 10.1.0.1\n');
  });

  it('is asked which of the faults it has', () => {
    const { status, stdout } = run('faults', 'stale-cork', 'bound-port', '--patch', KEEPS, '--runs', '20');
    expect(stdout).toMatch(/^keeps\.diff breaks what 1 of 2 faults break\nstale-cork: breaks \S+\n/);
    expect(stdout).toMatch(/\n {2}in .*counterexamples\/\S+-only-stale-cork\.json\n/);
    expect(stdout).toMatch(/\nbound-port: not seen in .* it\n$/);
    expect(status).toBe(0);
    expect(run('faults', '--patch', KEEPS, '--save').status).toBe(2);
  });

  it('is asked about one’s own host', () => {
    const host = file('my.host', readFileSync(resolve('conformance/cases/post.host'), 'utf8'));
    const { status, stdout } = run('host', 'flows', host, '--to', '8.8.8.8', '--patch', KEEPS);
    expect(stdout).toContain('  on keeps.diff: ');
    expect(stdout).not.toContain('tcp-rehash');
    expect(status).toBe(0);
  });
});

describe('what is wrong with a text', () => {
  it.each([
    ['int f(void)\n{\n\treturn 0;\n}\n', 'wrong.c:1: no function ipt_mangle_out()'],
    [readFileSync(join(folder, NOTHING), 'utf8').replace('int err;', 'int err[2];'), 'wrong.c:8: an array;'],
    ['#include "nowhere.h"\n', 'wrong.c:1: "nowhere.h" is not there'],
  ])('is one line, and nothing is done', (text, message) => {
    const { status, stdout, stderr } = run('review', '--patch', file('wrong.c', text));
    expect(stderr.split('\n')).toHaveLength(2);
    expect(stderr).toContain(message);
    expect([status, stdout]).toEqual([2, '']);
  });

  it('is a file that is not there, and two kernels for one', () => {
    expect(run('trace', resolve('experiments/1-ping-version-1.json'), '--patch', 'no.c').status).toBe(2);
    const twice = run('search', '--patch', NOTHING, '--variant', 'stock');
    expect([twice.status, twice.stderr]).toEqual([
      2,
      'reroute-check: --variant and --patch name two kernels; --against compares them\n',
    ]);
    expect(run('search', '--against', 'stock').status).toBe(2);
  });
});
