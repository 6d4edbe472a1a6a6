/** Reading and replacing parts of the world: the model's list_for_each, dev_get_by_index and sock lookups by id. */
import type { NetDevice } from './net.ts';
import { NO_SOCK, type Sock } from './sock.ts';
import { NO_OOPS, type World } from './world.ts';

/** The list with an item behind its first `count`, or at its end. */
export function insertBehind<T>(list: readonly T[], count: number, item: T): readonly T[] {
  let all: readonly T[] = [];
  for (let i = 0; i < list.length; i += 1) all = i === count ? [...all, item, list[i] as T] : [...all, list[i] as T];
  return count < list.length ? all : [...all, item];
}

/** The world with the device of that index replaced. */
export function setDev(net: World, changed: NetDevice): World {
  let devs: readonly NetDevice[] = [];
  for (const dev of net.devs) devs = [...devs, dev.ifindex === changed.ifindex ? changed : dev];
  return { ...net, devs };
}

/** The socket with that id, NO_SOCK when there is none. */
export function getSock(net: World, id: number): Sock {
  for (const sk of net.socks) if (sk.id === id) return sk;
  return NO_SOCK;
}

/** The socket that events call `name`, NO_SOCK when it was never opened or is closed. */
export function sockByName(net: World, name: string): Sock {
  for (const sk of net.socks) if (sk.name === name && !sk.orphan) return sk;
  return NO_SOCK;
}

/** The world with the socket of that id replaced. */
export function setSock(net: World, changed: Sock): World {
  let socks: readonly Sock[] = [];
  for (const sk of net.socks) socks = [...socks, sk.id === changed.id ? changed : sk];
  return { ...net, socks };
}

/** The world without the socket of that id. */
export function dropSock(net: World, id: number): World {
  let socks: readonly Sock[] = [];
  for (const sk of net.socks) socks = sk.id === id ? socks : [...socks, sk];
  return { ...net, socks };
}

/** The kernel crashes in `where`; the first crash is the one that counts. */
export function oops(net: World, where: string, why: string): World {
  return net.oops.where === NO_OOPS.where ? { ...net, oops: { where, why, line: '' } } : net;
}
