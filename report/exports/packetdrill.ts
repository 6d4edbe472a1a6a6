/**
 * A packetdrill script, where packetdrill can say it.
 *
 * packetdrill has one link, one pair of addresses and one connection; it fails where a packet has another address or a
 * wrong checksum. So the script asks for what ought to be: the first lookup leads to a link that goes nowhere, and the mark to
 * packetdrill's link, by another table and with packetdrill's address.
 */
import { wrong } from '../../scenario/error.ts';
import { type Exported, sentenceOf } from './exported.ts';

/** Why packetdrill cannot say it; '' where it can. */
export function packetdrillReason({ events, trace }: Exported): string {
  const sockets = events.filter((line) => line.startsWith('socket '));
  const [socket = ''] = sockets;
  if (sockets.length !== 1 || !/^socket \S+ tcp(?: mark \d+)?$/.test(socket))
    return 'packetdrill plays one TCP connection, and this scenario has other sockets or options';
  const strange = events.find((line) => !/^(?:socket \S+ tcp|connect \S+ \S+$|answer|send \S+ \d+$|close)/.test(line));
  if (strange !== undefined) return `packetdrill has no call for "${strange}" on one connection`;
  if (trace.outcome !== 'ok') return 'the kernel crashes, and packetdrill with it';
  if (trace.packets.length === 0) return 'no packet leaves the host';
  return '';
}

const FLAGS: Readonly<Record<string, string>> = { S: 'S', '.': '.', 'P.': 'P.', 'F.': 'F.', R: 'R', 'R.': 'R.' };

export function packetdrill(exported: Exported): string {
  const reason = packetdrillReason(exported);
  if (reason !== '') wrong(reason);
  const { events, trace } = exported;
  const lines = [`// ${sentenceOf(exported)}`, '// It passes where the connection works, and fails where it does not.'];
  const setup = [
    'ip link add pd0 type dummy',
    'ip link set pd0 up',
    'ip addr add 10.0.0.1/24 dev pd0',
    'ip route add 192.0.2.1/32 dev pd0 src 10.0.0.1',
    'ip route add default dev tun0 src 192.168.0.1 table 100',
    'ip rule add fwmark 100 table 100',
    'iptables -t mangle -A OUTPUT -d 192.0.2.1 -j MARK --set-mark 100',
  ];
  lines.push(`\`${setup.join('\n ')}\``, '');
  let sent = 1;
  for (const [event, line] of events.entries()) {
    const [verb, , length = '0'] = line.split(' ');
    const packets = trace.packets.filter((packet) => packet.event === event);
    if (verb === 'socket')
      lines.push('0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3', '+0 fcntl(3, F_SETFL, O_RDWR|O_NONBLOCK) = 0');
    if (verb === 'connect')
      lines.push('+0 connect(3, ..., ...) = -1 EINPROGRESS (Operation now in progress)', '+0 > S 0:0(0) <...>');
    if (verb === 'send') {
      lines.push(`+0 write(3, ..., ${length}) = ${length}`);
      if (packets.length > 0) lines.push(`+0 > P. ${sent}:${sent + Number(length)}(${length}) ack 1`);
      sent += Number(length);
    }
    if (verb === 'close') lines.push('+0 close(3) = 0', `+0 > F. ${sent}:${sent}(0) ack 1`);
    if (verb === 'answer') {
      const isFirst = !lines.some((one) => one.startsWith('+.01 <'));
      lines.push(isFirst ? '+.01 < S. 0:0(0) ack 1 win 65535 <mss 1460>' : `+.01 < . 1:1(0) ack ${sent} win 65535`);
      if (isFirst) lines.push('+0 > . 1:1(0) ack 1');
    }
    for (const { flags } of packets)
      if (FLAGS[flags ?? ''] === undefined) wrong(`packetdrill cannot be asked for a segment with the flags ${flags}`);
  }
  return `${lines.join('\n')}\n`;
}
