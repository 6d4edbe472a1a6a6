/** The match on the type of an address. */
import type { SkBuff } from '../../../types/packet.ts';
import type { World } from '../../../types/world.ts';
import { dev_get_by_name } from '../core/dev.ts';
import { inet_dev_addr_type } from '../ipv4/fib_frontend.ts';
import type { IfNames } from './x_tables.ts';

/** C: net/netfilter/xt_addrtype.c, addrtype_mt_v1() and match_type(). */
export function addrtype_mt(
  net: World,
  skb: SkBuff,
  names: IfNames,
  info: { readonly which: 'src' | 'dst'; readonly types: number; readonly limit: '' | 'in' | 'out' },
): boolean {
  const name = info.limit === 'in' ? names.indev : info.limit === 'out' ? names.outdev : '';
  const addr = info.which === 'src' ? skb.iph.saddr : skb.iph.daddr;
  return (info.types & (1 << inet_dev_addr_type(net, dev_get_by_name(net, name), addr))) !== 0;
}
