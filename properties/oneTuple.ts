/** Sockets on one four-tuple, which the kernel allows where they are bound to different devices, and by a flaw where they are not. */
import { getSock } from '../model/types/lookup.ts';
import { SOCK_TIMEWAIT, type Sock } from '../model/types/sock.ts';
import { hasTuple } from './packets.ts';
import { effectsOf, type Run, worldBefore } from './property.ts';

/** Whether two sockets have the same addresses and ports. */
export function onOneTuple(a: Sock, b: Sock): boolean {
  return (
    a.inet_rcv_saddr === b.inet_rcv_saddr &&
    a.inet_num === b.inet_num &&
    a.inet_daddr === b.inet_daddr &&
    a.inet_dport === b.inet_dport
  );
}

/** Whether two sockets differ only in the device that they are bound to: one of them then receives for both. */
export function otherDevice(a: Sock, b: Sock): boolean {
  return a.sk_bound_dev_if !== b.sk_bound_dev_if && onOneTuple(a, b);
}

/**
 * Whether one in TIME_WAIT has stood on that socket's tuple beside another socket, of another device, until step `i`. The kernel then
 * gives the tuple to a third: __inet_check_established() asks the first one alone (conformance/cases/tuple-behind-time-wait.json).
 */
export function wasHidden(run: Run, i: number, sk: Sock): boolean {
  let hidden = false;
  for (let k = 0; k < i + 1; k += 1) {
    let count = 0;
    let waits = false;
    for (const one of worldBefore(run, k).socks) {
      const there = hasTuple(one) && onOneTuple(one, sk);
      count = there ? count + 1 : count;
      waits = waits || (there && one.kind === SOCK_TIMEWAIT);
    }
    hidden = hidden || (waits && count > 1);
  }
  return hidden;
}

/** Whether another socket of that list, of another device, has the tuple of this one: their peer cannot tell them apart. */
export function hasTwin(socks: readonly Sock[], sk: Sock): boolean {
  let has = false;
  for (const one of socks) has = has || (hasTuple(one) && otherDevice(one, sk));
  return has;
}

/** Whether what came in step `i` got to another socket than this one, which receives for both. */
export function reachesTwin(run: Run, i: number, sk: Sock): boolean {
  let reached = false;
  for (const e of effectsOf(run, i)) {
    if (e.kind === 'deliver' && e.sk !== 0 && e.sk !== sk.id && sk.inet_daddr !== 0) {
      const other = getSock(worldBefore(run, i), e.sk);
      reached = reached || otherDevice(other, sk) || (onOneTuple(other, sk) && wasHidden(run, i, sk));
    }
  }
  return reached;
}
