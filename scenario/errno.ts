/**
 * What the C library calls the errors of the model, and what it says about them.
 *
 * Node's own tables (os.constants, util) have the numbers of the machine that the program runs on, and libuv's words.
 */
import * as errno from '../model/types/errno.ts';

const WORDS: Readonly<Record<keyof typeof errno, string>> = {
  EPERM: 'Operation not permitted',
  ENOENT: 'No such file or directory',
  ESRCH: 'No such process',
  E2BIG: 'Argument list too long',
  EBADF: 'Bad file descriptor',
  EAGAIN: 'Resource temporarily unavailable',
  ENOMEM: 'Cannot allocate memory',
  EACCES: 'Permission denied',
  EBUSY: 'Device or resource busy',
  EEXIST: 'File exists',
  EXDEV: 'Invalid cross-device link',
  ENODEV: 'No such device',
  EINVAL: 'Invalid argument',
  EMLINK: 'Too many links',
  EPIPE: 'Broken pipe',
  EDOM: 'Numerical argument out of domain',
  ENOTEMPTY: 'Directory not empty',
  ELOOP: 'Too many levels of symbolic links',
  ENONET: 'Machine is not on the network',
  EPROTO: 'Protocol error',
  EDESTADDRREQ: 'Destination address required',
  EMSGSIZE: 'Message too long',
  ENOPROTOOPT: 'Protocol not available',
  EPROTONOSUPPORT: 'Protocol not supported',
  EOPNOTSUPP: 'Operation not supported',
  EAFNOSUPPORT: 'Address family not supported by protocol',
  EADDRINUSE: 'Address already in use',
  EADDRNOTAVAIL: 'Cannot assign requested address',
  ENETDOWN: 'Network is down',
  ENETUNREACH: 'Network is unreachable',
  ECONNABORTED: 'Software caused connection abort',
  ECONNRESET: 'Connection reset by peer',
  ENOBUFS: 'No buffer space available',
  EISCONN: 'Transport endpoint is already connected',
  ENOTCONN: 'Transport endpoint is not connected',
  ETIMEDOUT: 'Connection timed out',
  ECONNREFUSED: 'Connection refused',
  EHOSTDOWN: 'Host is down',
  EHOSTUNREACH: 'No route to host',
  EALREADY: 'Operation already in progress',
  EINPROGRESS: 'Operation now in progress',
};

const NAMES = new Map(Object.entries(errno).map(([name, number]) => [number, name as keyof typeof errno]));

/** `Network is unreachable` for -ENETUNREACH. */
export function formatError(err: number): string {
  const name = NAMES.get(-err);
  return name === undefined ? `Unknown error ${-err}` : WORDS[name];
}

/** `ENETUNREACH` for -ENETUNREACH. */
export function errorName(err: number): string {
  return NAMES.get(-err) ?? String(err);
}
