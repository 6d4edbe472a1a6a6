/** Apalache's trace format (ITF): one state a step, for its viewers. */
import { formatAddress } from '../../scenario/format.ts';
import { namedSockets, packetName, stateName } from '../../scenario/trace.ts';
import { type ShownStep, stepsOf } from '../steps.ts';
import { type Exported, sentenceOf } from './exported.ts';

const VARS = ['event', 'function', 'says', 'packet', 'sockets'] as const;

function number(value: number): object {
  return { '#bigint': String(value) };
}

function packetOf({ packet }: ShownStep): object {
  if (packet === undefined) return { id: number(0), text: '', mark: number(0), saddr: '', daddr: '' };
  const { id, mark, iph } = packet;
  return {
    id: number(id),
    text: packetName(packet),
    mark: number(mark),
    saddr: formatAddress(iph.saddr),
    daddr: formatAddress(iph.daddr),
  };
}

function stateOf(step: ShownStep, index: number): object {
  const sockets = [...namedSockets(step.world)].map(([name, sk]) => [
    name,
    {
      state: stateName(sk),
      saddr: formatAddress(sk.inet_saddr),
      rcv_saddr: formatAddress(sk.inet_rcv_saddr),
      sport: number(sk.inet_sport),
      daddr: formatAddress(sk.inet_daddr),
      dport: number(sk.inet_dport),
      hashed: sk.hashed,
    },
  ]);
  return {
    '#meta': { index },
    event: number(step.event),
    function: step.place?.fn ?? '',
    says: step.text,
    packet: packetOf(step),
    sockets: { '#map': sockets },
  };
}

export function itf(exported: Exported): string {
  const { story, trace, variant } = exported;
  const trail = {
    '#meta': { format: 'ITF', source: 'reroute-check', description: sentenceOf(exported), variant },
    params: [],
    vars: VARS,
    states: stepsOf(story, trace.violations).map(stateOf),
  };
  return `${JSON.stringify(trail, null, 1)}\n`;
}
