/** `sysctl -w`: the settings that decide something modelled. C: net/ipv4/sysctl_net_ipv4.c, net/ipv4/devinet.c. */
import { rt_cache_flush } from '../kernel/net/ipv4/route.ts';
import { EINVAL, ENOENT } from '../types/errno.ts';
import { setDev } from '../types/lookup.ts';
import type { NetDevice, Sysctl } from '../types/net.ts';
import type { World } from '../types/world.ts';
import { type CommandResult, refused } from './netlink.ts';

/** ip_unprivileged_port_start: the local port range must not reach below. */
const SYSCTL_IP_PROT_SOCK = 1024;

function done(net: World): CommandResult {
  return { err: 0, message: '', net };
}

function set(net: World, sysctl: Sysctl): CommandResult {
  return done({ ...net, sysctl });
}

/** The same, with every cached route obsolete when that setting was on and is now off. */
function setAndFlush(net: World, sysctl: Sysctl, before: number, after: number): CommandResult {
  const changed = { ...net, sysctl };
  return done(before !== 0 && after === 0 ? rt_cache_flush(changed) : changed);
}

function invalid(net: World, key: string): CommandResult {
  return refused(net, -EINVAL, `sysctl: setting key "${key}": Invalid argument`);
}

/** C: net/ipv4/sysctl_net_ipv4.c, ipv4_local_port_range(). */
function ipv4_local_port_range(net: World, key: string, low: number, high: number): CommandResult {
  if (low < 1 || high < 1 || low > 65535 || high > 65535) return invalid(net, key);
  if (high < low || low < SYSCTL_IP_PROT_SOCK) return invalid(net, key);
  return set(net, { ...net.sysctl, local_port_low: low, local_port_high: high });
}

/** The world in which devices that never had a value of their own follow conf.default. C: net/ipv4/devinet.c, devinet_copy_dflt_conf(). */
function devinet_copy_dflt_conf(net: World, rp_filter: number): World {
  let devs: readonly NetDevice[] = [];
  for (const dev of net.devs) devs = [...devs, dev.rp_filter_set ? dev : { ...dev, rp_filter }];
  return { ...net, devs };
}

function inRange(value: number, low: number, high: number): boolean {
  return value >= low && value <= high;
}

/** Settings that are not a device's. */
function globalSysctl(net: World, key: string, values: readonly number[]): CommandResult {
  const first = values.length > 0 ? (values[0] as number) : 0;
  const second = values.length > 1 ? (values[1] as number) : 0;
  const { sysctl } = net;
  const isByte = inRange(first, 0, 255);
  switch (key) {
    case 'net.ipv4.ip_local_port_range':
      return ipv4_local_port_range(net, key, first, values.length > 1 ? second : sysctl.local_port_high);
    case 'net.ipv4.ip_local_reserved_ports':
      return set(net, { ...sysctl, local_reserved_ports: values });
    case 'net.ipv4.ping_group_range':
      return set(net, { ...sysctl, ping_group_range_open: first <= second });
    case 'net.ipv4.tcp_tw_reuse':
      return inRange(first, 0, 2) ? set(net, { ...sysctl, tcp_tw_reuse: first }) : invalid(net, key);
    case 'net.ipv4.tcp_timestamps':
      return isByte ? set(net, { ...sysctl, tcp_timestamps: first }) : invalid(net, key);
    case 'net.ipv4.tcp_sack':
      return isByte ? set(net, { ...sysctl, tcp_sack: first }) : invalid(net, key);
    case 'net.ipv4.tcp_window_scaling':
      return isByte ? set(net, { ...sysctl, tcp_window_scaling: first }) : invalid(net, key);
    case 'net.ipv4.tcp_fastopen':
      return set(net, { ...sysctl, tcp_fastopen: first });
    case 'net.ipv4.tcp_syn_retries':
      return inRange(first, 1, 127) ? set(net, { ...sysctl, tcp_syn_retries: first }) : invalid(net, key);
    case 'net.ipv4.tcp_retries1':
      return isByte ? set(net, { ...sysctl, tcp_retries1: first }) : invalid(net, key);
    case 'net.ipv4.tcp_fwmark_accept':
      return isByte ? set(net, { ...sysctl, tcp_fwmark_accept: first }) : invalid(net, key);
    case 'net.ipv4.fwmark_reflect':
      return isByte ? set(net, { ...sysctl, fwmark_reflect: first }) : invalid(net, key);
    case 'net.ipv4.fib_multipath_hash_policy':
      return inRange(first, 0, 3) ? set(net, { ...sysctl, fib_multipath_hash_policy: first }) : invalid(net, key);
    case 'net.ipv4.ip_nonlocal_bind':
      return isByte ? set(net, { ...sysctl, ip_nonlocal_bind: first }) : invalid(net, key);
    case 'net.ipv4.ip_forward':
    case 'net.ipv4.conf.all.forwarding':
      return first === sysctl.ip_forward
        ? done(net)
        : done(rt_cache_flush({ ...net, sysctl: { ...sysctl, ip_forward: first } }));
    case 'net.ipv4.icmp_echo_ignore_all':
      return isByte ? set(net, { ...sysctl, icmp_echo_ignore_all: first }) : invalid(net, key);
    case 'net.ipv4.icmp_errors_use_inbound_ifaddr':
      return isByte ? set(net, { ...sysctl, icmp_errors_use_inbound_ifaddr: first }) : invalid(net, key);
    case 'net.ipv4.route.flush':
      return done(rt_cache_flush(net));
    case 'net.ipv4.conf.all.rp_filter':
      return set(net, { ...sysctl, rp_filter_all: first });
    case 'net.ipv4.conf.default.rp_filter':
      return set(devinet_copy_dflt_conf(net, first), { ...sysctl, rp_filter_default: first });
    case 'net.ipv4.conf.all.accept_local':
      return setAndFlush(net, { ...sysctl, accept_local_all: first }, sysctl.accept_local_all, first);
    case 'net.ipv4.conf.all.src_valid_mark':
      return set(net, { ...sysctl, src_valid_mark_all: first });
    case 'net.ipv4.conf.all.route_localnet':
      return setAndFlush(net, { ...sysctl, route_localnet_all: first }, sysctl.route_localnet_all, first);
    case 'net.ipv4.conf.all.promote_secondaries':
      return set(net, { ...sysctl, promote_secondaries_all: first });
    default:
      return refused(net, -ENOENT, `"${key}" is not a setting of this host that is modelled`);
  }
}

/**
 * Changes a setting: of a device, of all, or of the host.
 *
 * Left out: conf.default of all but rp_filter; forwarding of a single device.
 */
export function sysctlCommand(net: World, key: string, values: readonly number[]): CommandResult {
  const value = values.length > 0 ? (values[0] as number) : 0;
  for (const dev of net.devs) {
    if (key === `net.ipv4.conf.${dev.name}.rp_filter`) {
      return done(setDev(net, { ...dev, rp_filter: value, rp_filter_set: true }));
    }
    if (key === `net.ipv4.conf.${dev.name}.src_valid_mark`) return done(setDev(net, { ...dev, src_valid_mark: value }));
    if (key === `net.ipv4.conf.${dev.name}.promote_secondaries`) {
      return done(setDev(net, { ...dev, promote_secondaries: value }));
    }
    if (key === `net.ipv4.conf.${dev.name}.accept_local`) {
      const after = setDev(net, { ...dev, accept_local: value });
      return setAndFlush(after, net.sysctl, dev.accept_local, value);
    }
    if (key === `net.ipv4.conf.${dev.name}.route_localnet`) {
      const after = setDev(net, { ...dev, route_localnet: value });
      return setAndFlush(after, net.sysctl, dev.route_localnet, value);
    }
  }
  return globalSysctl(net, key, values);
}
