/** The netfilter tests' host, with two uplinks and second addresses on one of them, and the hooks that a packet passes. */
import { dev_get_by_name } from '../../model/kernel/net/core/dev.ts';
import {
  NF_INET_LOCAL_IN,
  NF_INET_LOCAL_OUT,
  NF_INET_POST_ROUTING,
  NF_INET_PRE_ROUTING,
  type NfHookState,
} from '../../model/types/verdict.ts';
import { host } from './build.ts';

/** Mark 100 leads to eth1 through table 100. */
export const uplinks = host(
  'ip link add eth0 type dummy',
  'ip link add eth1 type dummy',
  'ip link set eth0 up',
  'ip link set eth1 up',
  'ip addr add 10.0.0.1/24 dev eth0',
  'ip addr add 172.16.0.9/24 dev eth1',
  'ip addr add 10.1.0.1/30 dev eth1',
  'ip route add default via 10.0.0.254',
  'ip route add default via 10.1.0.2 table 100',
  'ip rule add fwmark 100 table 100',
);

export const ETH0 = dev_get_by_name(uplinks, 'eth0').ifindex;
export const ETH1 = dev_get_by_name(uplinks, 'eth1').ifindex;

export const OUT: NfHookState = { hook: NF_INET_LOCAL_OUT, in: 0, out: ETH0, sk: 0 };
export const POST: NfHookState = { hook: NF_INET_POST_ROUTING, in: 0, out: ETH1, sk: 0 };
export const PRE: NfHookState = { hook: NF_INET_PRE_ROUTING, in: ETH1, out: 0, sk: 0 };
export const IN: NfHookState = { hook: NF_INET_LOCAL_IN, in: ETH1, out: 0, sk: 0 };
