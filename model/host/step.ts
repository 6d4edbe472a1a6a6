/** The model's one entry: what an event does to a world, and what it shows. */

import { dev_get_by_index, dev_get_by_name } from '../kernel/net/core/dev.ts';
import { alloc_skb } from '../kernel/net/core/skbuff.ts';
import { sock_common_setsockopt } from '../kernel/net/core/sock.ts';
import {
  inet_bind,
  inet_connect,
  inet_create,
  inet_listen,
  inet_release,
  inet_sendmsg,
} from '../kernel/net/ipv4/af_inet.ts';
import { ip_rcv } from '../kernel/net/ipv4/ip_input.ts';
import type { Sending } from '../kernel/net/ipv4/ip_output.ts';
import { tcp_retransmit_timer, tcpTimers } from '../kernel/net/ipv4/tcp_timer.ts';
import { netif_is_l3_master } from '../kernel/net/l3mdev/l3mdev.ts';
import { beginStep, emit, shown } from '../types/effects.ts';
import { EBADF, EOPNOTSUPP } from '../types/errno.ts';
import type { Event, EventOf } from '../types/event.ts';
import type { HostCommand } from '../types/host.ts';
import { sockByName } from '../types/lookup.ts';
import type { NetDevice } from '../types/net.ts';
import { rtnetlinkMessage } from '../types/netlink.ts';
import { NO_SKB, type SkBuff } from '../types/packet.ts';
import { NO_SOCK, type Sock } from '../types/sock.ts';
import type { Kernel, Scenario, Sent, Step, World } from '../types/world.ts';
import { hostCommand } from './commands.ts';
import { newWorld } from './newWorld.ts';
import { peerAnswer, peerSays, withCookieOf } from './peer.ts';

/** A system call has returned to its user. */
function returned(net: World, call: string, sk: number, err: number): World {
  return emit(net, { kind: 'syscall', call, sk, err: Math.min(err, 0) });
}

/** What a call on a socket came to; without such a socket, -EBADF. */
function syscall(call: string, sk: Sock, { err, net }: Sending): World {
  return returned(net, call, sk.id, sk.id === 0 ? -EBADF : err);
}

function openSocket(kernel: Kernel, net: World, event: EventOf<'socket'>): World {
  const created = inet_create(net, event);
  if (created.err !== 0) return returned(net, 'socket', 0, created.err);
  const { why, mark } = kernel.socketMark(net, event);
  const { err, net: opened } = sock_common_setsockopt(created.net, created.sk, { ...event, mark });
  const done = err === 0 ? returned(opened, 'socket', created.sk, 0) : returned(net, 'socket', 0, err);
  return { ...done, inexpressible: why };
}

/** The socket that events call `name`: the open one, else the last closed one that lives on without its user. */
function lastNamed(net: World, name: string): Sock {
  let found = NO_SOCK;
  for (const sk of net.socks) found = sk.name === name ? sk : found;
  const open = sockByName(net, name);
  return open.id === 0 ? found : open;
}

/** A packet arrives on a link; on one that is down nothing can, and a VRF has no wire. */
function receive(kernel: Kernel, net: World, dev: NetDevice, packet: SkBuff): World {
  if (!dev.up || netif_is_l3_master(dev)) return net;
  const crossed = [...net.crossed, { sk: 0, dev: dev.ifindex, skb: packet, came: true }];
  const arrived = alloc_skb({ ...net, crossed }, { ...packet, iif: dev.ifindex });
  return ip_rcv(kernel, arrived.net, arrived.skb);
}

/** The peer answers the last packet of that socket, if it is one to be answered; it answers it once. */
function answer(kernel: Kernel, net: World, sk: Sock): World {
  let last: Sent = { sk: 0, dev: 0, skb: NO_SKB };
  let others: readonly Sent[] = [];
  for (const sent of net.sent) {
    if (sent.sk === sk.id) last = sent;
    else others = [...others, sent];
  }
  if (last.sk === 0) return net;
  const packet = peerAnswer(kernel, net, last);
  if (packet.iph.protocol === 0) return net;
  return receive(kernel, { ...net, sent: others }, dev_get_by_index(net, last.dev), packet);
}

/** The peer of that socket sends something of its own accord, if it can. */
function say(kernel: Kernel, net: World, sk: Sock, len: number): World {
  const { dev, skb } = peerSays(net, sk, len);
  return skb.iph.protocol === 0 ? net : receive(kernel, net, dev_get_by_index(net, dev), skb);
}

/** The command as this kernel understands it. */
function understood(kernel: Kernel, command: HostCommand): HostCommand {
  return command.kind === 'rule add' || command.kind === 'rule del'
    ? { ...command, rule: kernel.fib_nl2rule(command.rule) }
    : command;
}

/** The kind of link that the command makes, '' for none. */
function kindOf(command: HostCommand): string {
  return command.kind === 'link add' ? command.type : command.kind === 'vrf add' ? 'vrf' : '';
}

/** The host after one command of its operator; one that the kernel refuses is shown. */
export function operate(kernel: Kernel, net: World, command: HostCommand): World {
  if (!kernel.rtnl_link_ops_get(kindOf(command))) {
    return emit(net, { kind: 'refused', message: rtnetlinkMessage(-EOPNOTSUPP, '') });
  }
  const { err, message, net: after } = hostCommand(net, understood(kernel, command));
  return err === 0 ? after : emit(after, { kind: 'refused', message });
}

function perform(kernel: Kernel, net: World, event: Event): World {
  switch (event.kind) {
    case 'socket':
      return openSocket(kernel, net, event);
    case 'bind': {
      const sk = sockByName(net, event.s);
      return syscall('bind', sk, sk.id === 0 ? { err: 0, net } : inet_bind(net, sk.id, event.to.addr, event.to.port));
    }
    case 'listen': {
      const sk = sockByName(net, event.s);
      return syscall('listen', sk, sk.id === 0 ? { err: 0, net } : inet_listen(net, sk.id, event.tfo));
    }
    case 'connect': {
      const sk = sockByName(net, event.s);
      const { to, tfo } = event;
      return syscall(
        'connect',
        sk,
        sk.id === 0 ? { err: 0, net } : inet_connect(kernel, net, sk.id, to.addr, to.port, tfo),
      );
    }
    case 'close': {
      const sk = sockByName(net, event.s);
      return syscall('close', sk, { err: 0, net: sk.id === 0 ? net : inet_release(kernel, net, sk.id) });
    }
    case 'send': {
      const sk = sockByName(net, event.s);
      return syscall('send', sk, sk.id === 0 ? { err: 0, net } : inet_sendmsg(kernel, net, sk.id, event));
    }
    case 'answer':
      return answer(kernel, net, lastNamed(net, event.s));
    case 'say':
      return say(kernel, net, lastNamed(net, event.s), event.len);
    case 'receive': {
      const { skb: plain, cookieFor } = event.packet;
      const skb = cookieFor === 0 ? plain : withCookieOf(kernel, plain, cookieFor);
      return receive(kernel, net, dev_get_by_name(net, event.dev), skb);
    }
    case 'retransmit':
      return tcp_retransmit_timer(kernel, net, lastNamed(net, event.s).id);
    case 'host':
      return operate(kernel, net, event.command);
    case 'wait':
      return tcpTimers(kernel, { ...net, now: net.now + event.ms });
  }
}

/** Receives what the host has sent to itself, until nothing is left. C: net/core/dev.c, process_backlog(). */
function process_backlog(kernel: Kernel, before: World): World {
  if (before.backlog.length === 0) return before;
  let net: World = { ...before, backlog: [] };
  for (const skb of before.backlog) net = ip_rcv(kernel, net, skb);
  return process_backlog(kernel, net);
}

/** Whether nothing more happens: the kernel has crashed, or the variant cannot do what it stands for. */
export function ended(world: World): boolean {
  return world.oops.where !== '' || world.inexpressible !== '';
}

/**
 * One event, with everything that follows from it at once: packets on lo are received before the step ends. After an
 * oops, or where the variant cannot do what it stands for, nothing happens any more.
 */
export function step(kernel: Kernel, world: World, event: Event): Step {
  if (ended(world)) return { world: { ...world, effects: [] }, effects: [] };
  const net = process_backlog(kernel, perform(kernel, beginStep(world, event.picks), event));
  return { world: net, effects: shown(net) };
}

/** A new host of that kernel. */
export function newHost(kernel: Kernel): World {
  const fresh = newWorld();
  return { ...fresh, multipath: { ...fresh.multipath, by_saddr: kernel.multipath_by_saddr } };
}

/** The host after the commands that the variant's operator adds to its own. */
export function finishBoot(kernel: Kernel, configured: World): World {
  const { why, commands } = kernel.operator(configured);
  let net = configured;
  for (const command of commands) net = operate(kernel, net, command);
  return { ...net, inexpressible: why };
}

/** A new host after its commands, and those that the variant's operator adds; its effects are the refusals. */
export function boot(kernel: Kernel, host: readonly HostCommand[]): World {
  let net = newHost(kernel);
  for (const command of host) net = operate(kernel, net, command);
  return finishBoot(kernel, net);
}

/** What a scenario was: the booted host, and the step of each event up to the end. */
export interface ScenarioRun {
  readonly boot: World;
  readonly steps: readonly Step[];
}

/** Plays a scenario. */
export function runScenario(kernel: Kernel, scenario: Scenario): ScenarioRun {
  const booted = boot(kernel, scenario.host);
  let world = booted;
  let steps: readonly Step[] = [];
  for (const event of scenario.events) {
    if (!ended(world)) {
      const next = step(kernel, world, event);
      steps = [...steps, next];
      world = next.world;
    }
  }
  return { boot: booted, steps };
}
