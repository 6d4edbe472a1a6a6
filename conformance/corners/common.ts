/** What the corners have in common: two links, marks that lead to the second, and packets of every kind. */
import { below, type WordSource } from '../../scenario/random.ts';

/** Two uplinks. */
export const UPLINKS = [
  'ip link add eth0 type veth peer name eth0p',
  'ip link set eth0 up',
  'ip addr add 10.0.0.1/24 dev eth0',
  'ip link add eth1 type veth peer name eth1p',
  'ip link set eth1 up',
  'ip addr add 10.1.0.1/24 dev eth1',
  'ip route add default via 10.0.0.254',
] as const;

/** The same, where mark 100 leads to the second. */
export const LINKS = [
  ...UPLINKS,
  'ip rule add fwmark 100 table 100',
  'ip route add default via 10.1.0.254 table 100',
] as const;

/** So many of what is drawn each time. */
export function several<T>(
  words: WordSource,
  least: number,
  most: number,
  draw: (words: WordSource) => T,
): readonly T[] {
  return Array.from({ length: least + below(words, most - least + 1) }, () => draw(words));
}

/** A packet of each kind that rules look at. */
export const TRAFFIC = [
  'socket u udp',
  'send u 4 to 8.8.8.8:53',
  'answer u',
  'socket v udp',
  'connect v 8.8.8.8:53',
  'send v 7',
  'send v 7',
  'socket c tcp',
  'connect c 9.9.9.9:80',
  'answer c',
  'socket p ping',
  'send p 56 to 8.8.8.8',
  'answer p',
  'receive eth0 10.0.0.9:5000 > 10.0.0.1:81 udp 4',
  'receive eth0 10.0.0.9:5000 > 10.0.0.1:81 tcp S',
] as const;
