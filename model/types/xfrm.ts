/** IPsec policies of output. C: include/net/xfrm.h. */

export const XFRM_POLICY_ALLOW = 0;
export const XFRM_POLICY_BLOCK = 1;

/** One policy: what it applies to, and what it does. C: struct xfrm_policy and struct xfrm_selector. */
export interface XfrmPolicy {
  readonly saddr: number;
  readonly prefixlen_s: number;
  readonly daddr: number;
  readonly prefixlen_d: number;
  /** 0: all. */
  readonly proto: number;
  readonly sport: number;
  readonly dport: number;
  /** A packet whose mark has other bits under the mask is not for it. C: struct xfrm_mark. */
  readonly mark: number;
  readonly mark_mask: number;
  /** The interface that its packets are sent through, 0 for none. */
  readonly if_id: number;
  /** Smaller is asked first. */
  readonly priority: number;
  /** XFRM_POLICY_*. */
  readonly action: number;
  /** Whether it has a template: what it allows, leaves protected. */
  readonly tmpl: boolean;
}

export const NO_POLICY: XfrmPolicy = {
  saddr: 0,
  prefixlen_s: 0,
  daddr: 0,
  prefixlen_d: 0,
  proto: 0,
  sport: 0,
  dport: 0,
  mark: 0,
  mark_mask: 0,
  if_id: 0,
  priority: -1,
  action: XFRM_POLICY_ALLOW,
  tmpl: false,
};
