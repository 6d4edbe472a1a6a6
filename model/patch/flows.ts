/** Sets of flows as a policy rule can select them: by destination, protocol, ports and user. */
import { type FibRule, NO_RULE } from '../types/route.ts';

/** All packets that have a value in every range; `proto` 0 is any. `empty`: none has. */
export interface Flows {
  readonly dst: number;
  readonly dst_len: number;
  readonly proto: number;
  readonly sportFirst: number;
  readonly sportLast: number;
  readonly dportFirst: number;
  readonly dportLast: number;
  readonly uidFirst: number;
  readonly uidLast: number;
  readonly empty: boolean;
}

const LAST_PORT = 0xffff;
const LAST_UID = 0xffffffff;

export const ALL_FLOWS: Flows = {
  dst: 0,
  dst_len: 0,
  proto: 0,
  sportFirst: 0,
  sportLast: LAST_PORT,
  dportFirst: 0,
  dportLast: LAST_PORT,
  uidFirst: 0,
  uidLast: LAST_UID,
  empty: false,
};

/** The address up to that length. */
function network(addr: number, length: number): number {
  return length === 0 ? 0 : (addr & (0xffffffff << (32 - length))) >>> 0;
}

/** What is in both. */
export function bothFlows(a: Flows, b: Flows): Flows {
  const wide = Math.min(a.dst_len, b.dst_len);
  const sportFirst = Math.max(a.sportFirst, b.sportFirst);
  const sportLast = Math.min(a.sportLast, b.sportLast);
  const dportFirst = Math.max(a.dportFirst, b.dportFirst);
  const dportLast = Math.min(a.dportLast, b.dportLast);
  const uidFirst = Math.max(a.uidFirst, b.uidFirst);
  const uidLast = Math.min(a.uidLast, b.uidLast);
  const apart =
    network(a.dst, wide) !== network(b.dst, wide) ||
    (a.proto !== 0 && b.proto !== 0 && a.proto !== b.proto) ||
    sportFirst > sportLast ||
    dportFirst > dportLast ||
    uidFirst > uidLast;
  return {
    dst: a.dst_len > b.dst_len ? a.dst : b.dst,
    dst_len: Math.max(a.dst_len, b.dst_len),
    proto: a.proto === 0 ? b.proto : a.proto,
    sportFirst,
    sportLast,
    dportFirst,
    dportLast,
    uidFirst,
    uidLast,
    empty: a.empty || b.empty || apart,
  };
}

export function sameFlows(a: Flows, b: Flows): boolean {
  return (
    a.dst === b.dst &&
    a.dst_len === b.dst_len &&
    a.proto === b.proto &&
    a.sportFirst === b.sportFirst &&
    a.sportLast === b.sportLast &&
    a.dportFirst === b.dportFirst &&
    a.dportLast === b.dportLast &&
    a.uidFirst === b.uidFirst &&
    a.uidLast === b.uidLast
  );
}

/** Whether everything of `a` is in `b`. */
export function withinFlows(a: Flows, b: Flows): boolean {
  const both = bothFlows(a, b);
  return !both.empty && sameFlows(both, a);
}

/** The flows that a rule's own selectors of that kind leave. */
export function flowsOf(rule: FibRule): Flows {
  const sport = rule.sport_start !== 0 || rule.sport_end !== 0;
  const dport = rule.dport_start !== 0 || rule.dport_end !== 0;
  const uid = rule.uid_start <= rule.uid_end;
  return {
    dst: network(rule.dst, rule.dst_len),
    dst_len: rule.dst_len,
    proto: rule.ip_proto,
    sportFirst: sport ? rule.sport_start : 0,
    sportLast: sport ? rule.sport_end : LAST_PORT,
    dportFirst: dport ? rule.dport_start : 0,
    dportLast: dport ? rule.dport_end : LAST_PORT,
    uidFirst: uid ? rule.uid_start : 0,
    uidLast: uid ? rule.uid_end : LAST_UID,
    empty: false,
  };
}

/** The rule with those flows for its selectors of that kind. */
export function selecting(rule: FibRule, flows: Flows): FibRule {
  const sport = flows.sportFirst !== 0 || flows.sportLast !== LAST_PORT;
  const dport = flows.dportFirst !== 0 || flows.dportLast !== LAST_PORT;
  const uid = flows.uidFirst !== 0 || flows.uidLast !== LAST_UID;
  return {
    ...rule,
    dst: flows.dst,
    dst_len: flows.dst_len,
    ip_proto: flows.proto,
    sport_start: sport ? flows.sportFirst : NO_RULE.sport_start,
    sport_end: sport ? flows.sportLast : NO_RULE.sport_end,
    dport_start: dport ? flows.dportFirst : NO_RULE.dport_start,
    dport_end: dport ? flows.dportLast : NO_RULE.dport_end,
    uid_start: uid ? flows.uidFirst : NO_RULE.uid_start,
    uid_end: uid ? flows.uidLast : NO_RULE.uid_end,
  };
}

/** Why the kernel takes no rule with those flows, '' when it does: a range of ports neither begins with 0 nor ends with 65535. */
export function unselectable(flows: Flows): string {
  const sport = flows.sportFirst !== 0 || flows.sportLast !== LAST_PORT;
  const dport = flows.dportFirst !== 0 || flows.dportLast !== LAST_PORT;
  const bad =
    (sport && (flows.sportFirst === 0 || flows.sportLast === LAST_PORT)) ||
    (dport && (flows.dportFirst === 0 || flows.dportLast === LAST_PORT));
  return bad ? 'a policy rule takes no range of ports from 0 or up to 65535' : '';
}
