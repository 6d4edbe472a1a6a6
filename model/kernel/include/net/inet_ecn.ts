/** Explicit Congestion Notification: two bits of a type of service. C: include/net/inet_ecn.h. */

export const INET_ECN_MASK = 0x03;
const INET_ECN_CE = 0x03;
const INET_ECN_ECT_0 = 0x02;

/** C: include/net/inet_ecn.h, INET_ECN_encapsulate(). */
export function INET_ECN_encapsulate(outer: number, inner: number): number {
  const ecn = inner & INET_ECN_MASK;
  return (outer & ~INET_ECN_MASK) | (ecn === INET_ECN_CE ? INET_ECN_ECT_0 : ecn);
}
