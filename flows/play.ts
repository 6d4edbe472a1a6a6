/** One flow of a class, played on the model: what leaves, by which link, as whom, and which promises it breaks. */
import { finishBoot } from '../model/host/step.ts';
import type { Event } from '../model/types/event.ts';
import { LOOPBACK_IFINDEX } from '../model/types/net.ts';
import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP } from '../model/types/packet.ts';
import type { Effect, Kernel, World } from '../model/types/world.ts';
import { properties } from '../properties/index.ts';
import { routeSource } from '../properties/packets.ts';
import type { Property, Run } from '../properties/property.ts';
import { questionsOf, together } from '../scenario/ask.ts';
import { Beside, type Played } from '../scenario/beside.ts';
import { formatError } from '../scenario/errno.ts';
import { formatAddress, formatProtocol } from '../scenario/format.ts';
import { playOn } from '../scenario/play.ts';
import { eventOfLine } from '../scenario/text.ts';
import type { Axis } from './axes.ts';

/** A flow: a value on every axis, and what its socket is bound to. */
export interface Flow {
  readonly values: Readonly<Record<Axis, number>>;
  /** The name of its control group. */
  readonly cgroup: string;
  readonly mark: number;
  /** 0 for none. */
  readonly saddr: number;
  /** '' for none. */
  readonly dev: string;
}

/** Words in place of some values: a solver takes all of a range. */
export type Words = Partial<Readonly<Record<Axis, string>>>;

function socketWords({ values, cgroup, mark, dev }: Flow, words: Words, type: string): string {
  const { uid, gid, classid, tos } = values;
  const options = [
    mark === 0 ? '' : ` mark ${mark}`,
    dev === '' ? '' : ` dev ${dev}`,
    uid === 0 && words.uid === undefined ? '' : ` uid ${words.uid ?? uid}`,
    gid === 0 ? '' : ` gid ${gid}`,
    cgroup === '' ? '' : ` cgroup /${cgroup}`,
    classid === 0 ? '' : ` classid ${classid}`,
    tos === 0 ? '' : ` tos ${tos}`,
  ];
  return `socket c ${type}${options.join('')}`;
}

/** What a program does that has such a flow, in the words of a scenario. */
export function eventsOf(net: World, flow: Flow, words: Words = {}): readonly string[] {
  const { protocol, sport } = flow.values;
  const to = words.daddr ?? formatAddress(flow.values.daddr);
  const dport = words.dport ?? flow.values.dport;
  const socket = (type: string) => socketWords(flow, words, type);
  const address = flow.saddr === 0 ? '0.0.0.0' : formatAddress(flow.saddr);
  const hasPorts = protocol === IPPROTO_TCP || protocol === IPPROTO_UDP;
  const bound = flow.saddr !== 0 || (sport !== 0 && hasPorts);
  const bind = bound ? [`bind c ${address}${hasPorts && sport !== 0 ? `:${sport}` : ''}`] : [];
  if (protocol === IPPROTO_TCP)
    return [socket('tcp'), ...bind, `connect c ${to}:${dport}`, 'answer c', 'send c 100', 'answer c', 'send c 100'];
  if (protocol === IPPROTO_UDP) {
    const send = `send c 100 to ${to}:${dport}`;
    return [socket('udp'), ...bind, send, 'answer c', send];
  }
  if (protocol === IPPROTO_ICMP) {
    const type = net.sysctl.ping_group_range_open ? 'ping' : 'raw icmp';
    return [socket(type), ...bind, `send c 56 to ${to}`, 'answer c', `send c 56 to ${to}`];
  }
  return [socket(`raw ${formatProtocol(protocol)}`), ...bind, `send c 100 to ${to}`];
}

/** A packet as the link sees it. */
export interface Left {
  readonly dev: string;
  /** 0: the destination itself is the neighbour. */
  readonly gateway: number;
  readonly saddr: number;
  /** 0 where it is the one that the program named. */
  readonly daddr: number;
  readonly mark: number;
  /** By IPsec. */
  readonly isProtected: boolean;
}

/** Where a flow goes. */
export interface Way {
  /** Its first packet, undefined where none left. */
  readonly first: Left | undefined;
  /** What a program was told, or where a packet was dropped; '' for nothing. */
  readonly end: string;
}

/** What became of a flow. */
export interface Fate extends Way {
  /** Packets that left otherwise than the first. */
  readonly others: readonly Left[];
  /** The table that its route is in, 0 where none left. */
  readonly table: number;
  readonly broken: readonly string[];
  /** What breaks each of the promises, in a sentence. */
  readonly sentences: readonly string[];
  readonly crashed: boolean;
}

function leftOf(net: World, asked: number, effect: Extract<Effect, { readonly kind: 'xmit' }>): Left {
  const { dev, gateway, skb } = effect;
  const name = net.devs.find(({ ifindex }) => ifindex === dev)?.name ?? `if${dev}`;
  const { saddr, daddr } = skb.iph;
  return { dev: name, gateway, saddr, daddr: daddr === asked ? 0 : daddr, mark: skb.mark, isProtected: skb.dst.xfrm };
}

function eventsIn(booted: World, flow: Flow): readonly Event[] {
  return eventsOf(booted, flow).map(eventOfLine);
}

/** The first sentence about the end of a flow: an error that its program got, else where a packet was dropped. */
function endOf(run: Run): string {
  if (run.steps.at(-1)?.world.inexpressible) return run.steps.at(-1)?.world.inexpressible ?? '';
  for (const { effects } of run.steps) {
    for (const effect of effects) {
      if (effect.kind === 'free' && effect.where !== '' && /OUTPUT|POSTROUTING|INPUT/.test(effect.where))
        return `dropped in ${effect.where}`;
      if (effect.kind === 'syscall' && effect.err < 0 && effect.err !== -115)
        return `${effect.call}: ${formatError(effect.err)}`;
    }
  }
  return '';
}

function tableOf(run: Run): number {
  for (const { effects } of run.steps) {
    for (const effect of effects) if (effect.kind === 'xmit') return effect.skb.dst.table;
  }
  return 0;
}

/** The promise about sources. */
const SOURCE = 'source-fits-route';

/** What an operator wants who translates addresses: the wire has others than the socket. */
const MEANT: ReadonlySet<string> = new Set(['header-matches-socket', 'isn-of-own-tuple']);

/**
 * The packet that was sent elsewhere than its program asked, and whose source is not the one of its route. The promise about
 * sources speaks of packets that go where their socket sends them.
 */
function wrongAfterTranslation(
  run: Run,
  { saddr, values }: Flow,
): Extract<Effect, { readonly kind: 'xmit' }> | undefined {
  if (saddr !== 0) return undefined;
  for (const { world, effects } of run.steps) {
    for (const effect of effects) {
      if (effect.kind !== 'xmit' || effect.dev === LOOPBACK_IFINDEX) continue;
      const { iph } = effect.skb;
      const wrong = iph.daddr !== values.daddr && iph.saddr !== routeSource(world, effect.skb);
      return wrong ? effect : undefined;
    }
  }
  return undefined;
}

const ASKED = properties.filter(({ gravity }) => gravity !== 'books');

const never = () => false;

/** Whether the case of a promise occurs is not asked. */
const QUESTIONS = together(
  questionsOf(ASKED).map((one) => ({ ...one, sometimes: never, each: { ...one.each, sometimes: never } })),
);

/** The promises that a run breaks, each with the first step that does. */
function brokenIn({ run, answers }: Played): readonly { readonly property: Property; readonly at: number }[] {
  answers.ask(QUESTIONS);
  return ASKED.flatMap((property, n) => {
    const at = answers.firstBroken(n);
    return at < run.steps.length ? [{ property, at }] : [];
  });
}

/** All packets that leave. */
function packetsOf(run: Run, { values }: Flow): readonly Left[] {
  return run.steps.flatMap(({ world, effects }) =>
    effects.flatMap((effect) =>
      effect.kind === 'xmit' && effect.dev !== LOOPBACK_IFINDEX ? [leftOf(world, values.daddr, effect)] : [],
    ),
  );
}

/** Where a flow goes on a host that is configured and booted for that kernel. */
export function wayOf(kernel: Kernel, booted: World, flow: Flow): Way {
  const run = playOn(kernel, booted, eventsIn(booted, flow));
  return { first: packetsOf(run, flow)[0], end: endOf(run) };
}

/** Finds out where flows go on the same host with different kernels, and which promises they break. */
export class Fates {
  private readonly beside: Beside;

  constructor(kernels: readonly Kernel[]) {
    this.beside = new Beside(kernels, ASKED.length);
  }

  /** What becomes of the flow on each kernel's host, in the order of the kernels. */
  of(booted: readonly World[], flow: Flow): readonly Fate[] {
    const [host] = booted as readonly [World];
    return this.beside.play(booted, eventsIn(host, flow)).map((played) => fateIn(played, flow));
  }
}

function fateIn(played: Played, flow: Flow): Fate {
  const { run } = played;
  const all = packetsOf(run, flow);
  const broken: Property[] = [];
  const sentences: string[] = [];
  const translated = run.steps.at(-1)?.world.conntrack.some(({ srcNat, dstNat }) => srcNat || dstNat) === true;
  for (const { property, at } of brokenIn(played)) {
    if (translated && MEANT.has(property.id)) continue;
    broken.push(property);
    sentences.push(property.finding(run, at));
  }
  const elsewhere = wrongAfterTranslation(run, flow);
  if (elsewhere !== undefined && !broken.some(({ id }) => id === SOURCE)) {
    const { iph } = elsewhere.skb;
    broken.push(properties.find(({ id }) => id === SOURCE) as Property);
    sentences.push(
      `what is translated to ${formatAddress(iph.daddr)} leaves from ${formatAddress(iph.saddr)}, which is not the source of the route it leaves by`,
    );
  }
  const [first] = all;
  const texts = new Set<string>();
  return {
    first,
    others: all.filter((one) => {
      const text = JSON.stringify(one);
      const fresh = !texts.has(text);
      texts.add(text);
      return fresh && text !== JSON.stringify(first);
    }),
    end: endOf(run),
    table: tableOf(run),
    broken: broken.map(({ id }) => id),
    sentences,
    crashed: run.steps.at(-1)?.world.oops.where !== '',
  };
}

/** The host as a kernel has it, with what the variant's operator does. */
export function hostOn(kernel: Kernel, net: World): World {
  const multipath = { ...net.multipath, by_saddr: kernel.multipath_by_saddr };
  return finishBoot(kernel, { ...net, multipath });
}
