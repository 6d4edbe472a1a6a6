/** Programs that some hosts need besides ip and iptables, and whether this machine has them. */
import { spawnSync } from 'node:child_process';
import type { Text } from '../scenario/text.ts';

/** By the word that a command begins with, Debian's package of it. */
const PACKAGES: Readonly<Record<string, string>> = {
  ipset: 'ipset',
  conntrack: 'conntrack',
  'iptables-nft': 'iptables',
};

/** What drawn scenarios may need. */
export const DRAWN_TOOLS: readonly string[] = Object.keys(PACKAGES);

/** What those scenarios need. */
export function toolsOf(texts: readonly Pick<Text, 'host' | 'events'>[]): readonly string[] {
  const lines = texts.flatMap(({ host, events }) => [...host, ...events.map((event) => event.replace(/^host /, ''))]);
  const first = new Set(lines.map((line) => line.trim().split(/\s/, 1)[0]));
  return DRAWN_TOOLS.filter((name) => first.has(name));
}

function isInstalled(name: string): boolean {
  return spawnSync('sh', ['-c', `PATH=$PATH:/usr/sbin:/sbin command -v ${name}`]).status === 0;
}

/** A line for what is missing of them, or none. */
export function missingTools(
  names: readonly string[],
  packages: Readonly<Record<string, string>> = PACKAGES,
): readonly string[] {
  const missing = [...new Set(names.filter((name) => !isInstalled(name)).map((name) => packages[name] as string))];
  return missing.length === 0 ? [] : [`not installed: ${missing.join(', ')} (apt-get install ${missing.join(' ')})`];
}
