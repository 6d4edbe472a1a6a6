/**
 * A shell script for somebody who has root, iproute2, iptables and Python: it builds the host in network namespaces of its own,
 * sends the traffic, and says whether what leaves is what the model says.
 */

import { eventJson } from '../../scenario/events.ts';
import { wrap } from '../../scenario/story/tell.ts';
import type { TracePacket } from '../../scenario/trace.ts';
import { type Exported, sentenceOf } from './exported.ts';

/** What a wire shows of a packet. */
function seenOn({
  event,
  dev,
  saddr,
  daddr,
  protocol,
  sport,
  dport,
  flags,
  payload,
  ip_checksum,
  checksum,
}: TracePacket) {
  return { event, dev, saddr, daddr, protocol, sport, dport, flags, payload, ip_checksum, checksum };
}

/** Reads the player's reply and compares it with what is expected. Ports that the kernel chooses stand for each other. */
const COMPARE = String.raw`import json, os, subprocess, sys

SCENARIO = json.load(open('scenario.json'))
FIELDS = ('dev', 'saddr', 'daddr', 'protocol', 'flags', 'payload', 'ip_checksum', 'checksum')


def text(packet):
    end = lambda address, port: address if port is None else f'{address}:{port}'
    words = [f"{packet['dev']}: {end(packet['saddr'], packet.get('sport'))} > {end(packet['daddr'], packet.get('dport'))}"]
    words += [str(packet['protocol'])] + ([packet['flags'] or 'none'] if packet.get('flags') is not None else [])
    words += [str(packet['payload'])]
    wrong = [name for name, field in (('IP', 'ip_checksum'), ('transport', 'checksum')) if packet[field] == 'incorrect']
    return ' '.join(words) + ''.join(f', {name} checksum incorrect' for name in wrong)


def same(expected, seen, ports):
    if any((expected[field] or None) != (seen.get(field) or None) for field in FIELDS):
        return False
    for field in ('sport', 'dport'):
        mine, theirs = expected[field], seen.get(field)
        if (mine is None) != (theirs is None) or ports.setdefault(mine, theirs) != theirs:
            return False
    return True


request = SCENARIO['request']
sysctls = {name: value for name, value in SCENARIO['sysctls'].items() if os.path.exists('/proc/sys/net/' + name)}
player = subprocess.run([sys.executable, 'player.py'], input=json.dumps(request | {'sysctls': sysctls}) + '\n',
                        capture_output=True, text=True)
replies = [json.loads(line) for line in player.stdout.splitlines()]
reply = replies[-1] if replies else {'failed': player.stderr}
if 'packets' not in reply:
    print(reply.get('invalid') or reply.get('failed') or player.stderr)
    sys.exit(4)
for refused in reply['setup']:
    print(f"refused: {refused['command']}: {refused['message']}")
if len(reply['setup']) != SCENARIO['refused']:
    more = len(reply['setup']) > SCENARIO['refused']
    why = '{command}: {message}'.format(**reply['setup'][0]) if more else 'it takes what ought to be refused'
    print(f'this machine cannot build the host: {why}')
    sys.exit(4)

ports, all_same = {}, True
for index, event in enumerate(SCENARIO['events']):
    print(f'events[{index}] {event}')
    expected = [packet for packet in SCENARIO['expected'] if packet['event'] == index]
    seen = [packet for packet in reply['packets'] if packet['event'] == index]
    for n in range(max(len(expected), len(seen))):
        mine, theirs = (expected + [None] * len(seen))[n], (seen + [None] * len(expected))[n]
        agree = mine is not None and theirs is not None and same(mine, theirs, ports)
        all_same = all_same and agree
        print(f"    {'as expected' if agree else 'DIFFERENT'}  {text(theirs) if theirs else 'nothing leaves'}")
        if not agree:
            print(f"    expected     {text(mine) if mine else 'nothing'}")
print(f"{'seen' if all_same else 'not seen'} on Linux {os.uname().release}: {SCENARIO['finding']}")
sys.exit(0 if all_same else 1)
`;

/** A file that the script writes. */
function hereDocument(name: string, text: string): string {
  return `cat > "$folder/${name}" <<'END_OF_FILE'\n${text.trimEnd()}\nEND_OF_FILE\n`;
}

/** `player` has the files of conformance/player by name; `sysctls` choose the variant on the test kernel of this project. */
export function netns(
  exported: Exported,
  player: Readonly<Record<string, string>>,
  sysctls: Readonly<Record<string, string>>,
): string {
  const { variant, host, events, story, trace } = exported;
  const finding = sentenceOf(exported);
  const request = { host, events: events.map(eventJson), limits: { wait: 600, retransmit: 60 } };
  const refused = story.run.boot.effects.filter(({ kind }) => kind === 'refused').length;
  const data = { finding, sysctls, request, events, refused, expected: trace.packets.map(seenOn) };
  const crash = trace.outcome !== 'ok' && 'oops' in trace.outcome ? trace.outcome : undefined;
  const comment = (line: string) => `# ${line}`;
  const guard =
    crash === undefined
      ? ''
      : `
# It crashes the kernel that it runs on: ${crash.oops}.
if [ "$CRASH" != yes ]; then
  echo "this crashes a kernel with the fault, in ${crash.oops}: run it in a virtual machine, with CRASH=yes" >&2
  exit 4
fi
`;
  return `#!/bin/sh
${wrap(finding, '').map(comment).join('\n')}
#
# On the kernel variant ${variant}. The host:
#
${host.map((line) => `#   ${line}`).join('\n')}
#
# and what happens to it (the peer at the far ends of the links answers as a correct one does):
#
${events.map((line) => `#   ${line}`).join('\n')}
#
# It needs root, iproute2, iptables and Python 3, works in network namespaces of its own, and leaves nothing behind.
# Exit code: 0 seen, 1 not seen on this kernel, 4 something is missing.
set -eu
CRASH=\${CRASH:-no}
for tool in ip iptables python3; do
  command -v "$tool" >/dev/null || { echo "$tool is not installed" >&2; exit 4; }
done
[ "$(id -u)" = 0 ] || { echo "not root" >&2; exit 4; }
${guard}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

${hereDocument('scenario.json', JSON.stringify(data, null, 1))}
${hereDocument('compare.py', COMPARE)}
# The rest plays scenarios: it builds the namespaces, makes the calls and captures what leaves.
${Object.entries(player)
  .map(([name, text]) => hereDocument(name, text))
  .join('\n')}
cd "$folder"
set +e
python3 compare.py
`;
}
