/** Requests of a listener that Fast Open has accepted. */
import { dropSock, getSock, setSock } from '../../../types/lookup.ts';
import type { World } from '../../../types/world.ts';

/** The request of a Fast Open child is no longer needed. C: net/core/request_sock.c, reqsk_fastopen_remove(). */
export function reqsk_fastopen_remove(net: World, sk: number): World {
  const tp = getSock(net, sk);
  if (tp.fastopen.rsk === 0) return net;
  const cleared = setSock(net, { ...tp, fastopen: { ...tp.fastopen, rsk: 0 } });
  return dropSock(cleared, tp.fastopen.rsk);
}
