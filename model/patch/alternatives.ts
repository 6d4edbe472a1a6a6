/** What the alternatives without a patch share: which marks of mangle OUTPUT they can do without. */
import type { HostCommand } from '../types/host.ts';
import { type FibRule, FR_ACT_TO_TBL, NO_RULE } from '../types/route.ts';
import { NF_ACCEPT, NO_XT_RULE, type XtMatch, type XtRule } from '../types/verdict.ts';
import type { World } from '../types/world.ts';

/** A rule of mangle OUTPUT that sets a mark, its number from 1, and the policy rule that the mark is for; index 0 for none. */
export interface Marking {
  readonly index: number;
  readonly rule: XtRule;
  readonly mark: number;
  readonly policy: FibRule;
}

/** The policy rule that selects by that mark, NO_RULE when none does. */
function policyOf(net: World, mark: number): FibRule {
  let found = NO_RULE;
  for (const rule of net.rules) {
    const selects = rule.mark_mask !== 0 && ((rule.mark ^ mark) & rule.mark_mask) === 0;
    found = found.pref < 0 && selects && rule.action === FR_ACT_TO_TBL ? rule : found;
  }
  return found;
}

/** All rules of mangle OUTPUT that set a mark which a policy rule selects by, the last first: deleting them keeps the numbers of the others. */
export function markings(net: World): readonly Marking[] {
  let list: readonly Marking[] = [];
  for (const chain of net.mangle.chains) {
    let index = 0;
    for (const rule of chain.rules) {
      index = index + 1;
      if (chain.name === 'OUTPUT' && rule.target.kind === 'MARK') {
        const mark = rule.target.value;
        const policy = policyOf(net, mark);
        list = policy.pref < 0 ? list : [{ index, rule, mark, policy }, ...list];
      }
    }
  }
  return list;
}

/** `iptables -t mangle -D OUTPUT N`. */
export function withoutMarking(net: World, { index }: Marking): HostCommand {
  const { nft } = net.mangle;
  const rule = NO_XT_RULE;
  return { kind: 'iptables', nft, table: 'mangle', op: 'D#', chain: 'OUTPUT', index, policy: NF_ACCEPT, rule };
}

/** The policy rule with that match as a selector; pref -2 when it has none for it. */
function selecting(rule: FibRule, match: XtMatch): FibRule {
  const none = { ...rule, pref: -2 };
  switch (match.kind) {
    case 'src':
      return match.invert ? none : { ...rule, src: match.addr, src_len: prefixLength(match.mask) };
    case 'dst':
      return match.invert ? none : { ...rule, dst: match.addr, dst_len: prefixLength(match.mask) };
    case 'proto':
      return match.invert ? none : { ...rule, ip_proto: match.protocol };
    case 'sport':
      return match.invert ? none : { ...rule, sport_start: match.first, sport_end: match.last };
    case 'dport':
      return match.invert ? none : { ...rule, dport_start: match.first, dport_end: match.last };
    case 'owner':
      return match.invert ? none : { ...rule, uid_start: match.uidFirst, uid_end: match.uidLast };
    default:
      return none;
  }
}

function prefixLength(mask: number): number {
  let length = 0;
  let rest = mask;
  for (const bits of [16, 8, 4, 2, 1]) {
    const full = rest >>> (32 - bits) === 0xffffffff >>> (32 - bits);
    length = full ? length + bits : length;
    rest = full ? (rest << bits) >>> 0 : rest;
  }
  return rest === 0x80000000 ? length + 1 : length;
}

/** The policy rule that selects what the marking does, without a mark; pref -2 when no rule can. */
export function asPolicyRule({ rule, policy }: Marking): FibRule {
  let selector: FibRule = { ...NO_RULE, action: policy.action, table: policy.table };
  for (const match of rule.matches) selector = selector.pref === -2 ? selector : selecting(selector, match);
  return selector;
}
