/**
 * Behaviour of kernels that is deliberately not compared: the one list.
 *
 * Everything else that a generated case shows is compared; a difference that is not in this list is a fault of the model.
 */
import type { RouteAnswer } from './running/player.ts';

export interface Excluded {
  readonly what: string;
  readonly reason: string;
  /** `newer`: the running kernel is newer than the reference release, and the model follows the latter. */
  readonly kind: 'newer' | 'not modelled' | 'not drawn' | 'tool';
  readonly source: string;
  /** What makes answers of both alike: applied to the model's and to the kernel's. */
  readonly answer?: (question: string, answer: RouteAnswer) => RouteAnswer;
}

export const EXCLUDED: readonly Excluded[] = [
  {
    what: 'The errno for a packet that input routing refuses: EXDEV of the reverse path filter is EINVAL',
    reason: 'Later releases return a drop reason from input routing, and `ip route get … iif` turns every reason into EINVAL.',
    kind: 'newer',
    source: 'net/ipv4/route.c, ip_route_input_slow() and inet_rtm_getroute(): Linux 6.14 and later',
    answer: (question, answer) =>
      / iif /.test(question) && answer.error === 'Invalid cross-device link' ? { error: 'Invalid argument' } : answer,
  },
  {
    what: 'The flags `offload`, `rt_offload_failed` and their like in an answer',
    reason: 'iproute2 takes RTCF bits of a route for RTM_F bits of the same number: nothing that the kernel decided.',
    kind: 'tool',
    source: 'iproute2 ip/iproute.c, print_rt_flags()',
    answer: (_, { flags, ...answer }) => answer,
  },
];
