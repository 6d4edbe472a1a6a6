/** Zones of connection tracking: entries of different zones do not know each other. C: include/net/netfilter/nf_conntrack_zones.h. */
import { type CtZone, IP_CT_DIR_ORIGINAL } from '../../../../types/verdict.ts';

/** The zone in that direction, 0 where it is not for it. C: include/net/netfilter/nf_conntrack_zones.h, nf_ct_zone_id(). */
export function nf_ct_zone_id(zone: CtZone, dir: number): number {
  return (dir === IP_CT_DIR_ORIGINAL ? zone.orig : zone.reply) ? zone.id : 0;
}

/** C: include/net/netfilter/nf_conntrack_zones.h, nf_ct_zone_equal(). */
export function nf_ct_zone_equal(a: CtZone, b: CtZone, dir: number): boolean {
  return nf_ct_zone_id(a, dir) === nf_ct_zone_id(b, dir);
}
