/** What the kernel answers to a netlink request. */
import {
  EACCES,
  EADDRNOTAVAIL,
  EEXIST,
  EHOSTUNREACH,
  EINVAL,
  ENETDOWN,
  ENETUNREACH,
  ENODEV,
  ENOENT,
  EOPNOTSUPP,
  EPERM,
  ESRCH,
  EXDEV,
} from './errno.ts';
import type { World } from './world.ts';

/** Result of a netlink request; `extack` is the kernel's own explanation, '' without one. */
export interface NetlinkResult {
  readonly err: number;
  readonly extack: string;
  readonly net: World;
}

/** The C library's words for a negative errno. */
export function strerror(err: number): string {
  if (err === -EPERM) return 'Operation not permitted';
  if (err === -ENOENT) return 'No such file or directory';
  if (err === -ESRCH) return 'No such process';
  if (err === -EACCES) return 'Permission denied';
  if (err === -EEXIST) return 'File exists';
  if (err === -EXDEV) return 'Invalid cross-device link';
  if (err === -ENODEV) return 'No such device';
  if (err === -EINVAL) return 'Invalid argument';
  if (err === -EOPNOTSUPP) return 'Operation not supported';
  if (err === -EADDRNOTAVAIL) return 'Cannot assign requested address';
  if (err === -ENETDOWN) return 'Network is down';
  if (err === -ENETUNREACH) return 'Network is unreachable';
  if (err === -EHOSTUNREACH) return 'No route to host';
  return 'Unknown error';
}

/** The line that iproute2 prints for a netlink error. */
export function rtnetlinkMessage(err: number, extack: string): string {
  if (err === 0) return '';
  return extack === '' ? `RTNETLINK answers: ${strerror(err)}` : `Error: ${extack}.`;
}
