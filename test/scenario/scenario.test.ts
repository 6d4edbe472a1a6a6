import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { NO_PICKS } from '../../model/types/event.ts';
import { InputError } from '../../scenario/error.ts';
import { checkScenario, loadHost, loadScenario, printPicks, scenarioJsonSchema } from '../../scenario/scenario.ts';

const folder = mkdtempSync(join(tmpdir(), 'scenario-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** The message behind the path of the file. */
function fault(path: string, load: (path: string) => unknown = loadScenario): string {
  try {
    load(path);
  } catch (error) {
    expect(error).toBeInstanceOf(InputError);
    const { message } = error as Error;
    expect(message).not.toContain('\n');
    expect(message.startsWith(`${path}:`)).toBe(true);
    return message.slice(path.length + 1);
  }
  return 'none';
}

const LINK = ['ip link add eth0 type veth peer name eth0p', 'ip link set eth0 up', 'ip addr add 10.0.0.1/24 dev eth0'];

describe('a scenario', () => {
  test('is read with its choices', () => {
    const loaded = checkScenario('a.json', {
      host: ['# one link', ...LINK],
      events: ['socket c tcp', 'connect c 10.0.0.2:80'],
      picks: [{ event: 1, isn: 5 }],
    });
    expect(loaded.scenario.host).toHaveLength(3);
    expect(loaded.scenario.events[0]?.picks).toEqual(NO_PICKS);
    expect(loaded.scenario.events[1]?.picks).toEqual({ ...NO_PICKS, isn: 5 });
    expect(printPicks(loaded.scenario.events)).toEqual([{ event: 1, isn: 5 }]);
    expect(printPicks([])).toBeUndefined();
  });

  const json = (value: unknown) => JSON.stringify(value);
  test.each([
    ['missing member', json({ events: [] }), 'host'],
    ['no array', json({ host: 'x', events: [] }), 'host'],
    ['no object', '[]', 'object'],
    ['unknown member', json({ host: [], events: [], foo: 1 }), '"foo"'],
    ['unknown member of picks', json({ host: [], events: [], picks: [{ event: 0, foo: 1 }] }), '"foo"'],
    ['number out of range', json({ host: [], events: ['wait 1'], picks: [{ event: 0, isn: -1 }] }), 'picks[0].isn'],
    ['choice for no event', json({ host: [], events: ['wait 1'], picks: [{ event: 3 }] }), 'picks[0].event'],
    [
      'two choices for an event',
      json({ host: [], events: ['wait 1'], picks: [{ event: 0 }, { event: 0 }] }),
      'picks[1]',
    ],
    ['line break', json({ host: ['ip link set lo up\nx'], events: [] }), 'host[0]'],
    ['unknown event', json({ host: [], events: ['wait 1', 'sned c'] }), 'events[1]: "sned"'],
    ['unknown command', json({ host: ['ip lnk'], events: [] }), 'host[0]: "lnk"'],
    ['impossible event', json({ host: [], events: ['socket c tcp', 'send c 4'] }), 'events[1]: send is not possible'],
    [
      'unknown link',
      json({ host: LINK, events: ['receive eth9 1.1.1.1 > 2.2.2.2 47 1'] }),
      'events[0]: the host has no link',
    ],
    ['duplicate address', json({ host: [...LINK, LINK[2]], events: [] }), 'host[3]: RTNETLINK answers: File exists'],
    [
      'unreachable gateway',
      json({ host: [...LINK, 'ip route add default via 1.1.1.1'], events: [] }),
      'host[3]: Error: Nexthop has invalid gateway',
    ],
    ['missing link', json({ host: ['ip link set eth9 up'], events: [] }), 'host[0]: Cannot find device "eth9"'],
    ['truncated JSON', '{"host": [],\n "events": ["wait 1"', '2: this is not JSON: it ends too early'],
    ['broken JSON', '{"host": [],\n "events": [}', '2: this is not JSON: "}"'],
    ['empty file', '', 'empty'],
    ['binary file', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0xff, 0xfe]), 'not a text file'],
    ['file with NUL', Buffer.from([0x7b, 0, 0x7d]), 'not a text file'],
  ])('%s is refused in one line', (name, content, words) => {
    expect(fault(file(`${name.replaceAll(' ', '-')}.json`, content))).toContain(words);
  });

  test('a missing file and a folder are refused in one line', () => {
    expect(fault(join(folder, 'none.json'))).toContain('no such file');
    expect(fault(folder)).toContain('folder');
  });
});

describe('a host', () => {
  test('is read from a .host file and from a scenario', () => {
    expect(loadHost(file('a.host', LINK.join('\n'))).net.devs.map(({ name }) => name)).toEqual(['lo', 'eth0']);
    const path = file('a.json', JSON.stringify({ host: LINK, events: [] }));
    expect(loadHost(path).net.devs.map(({ name }) => name)).toEqual(['lo', 'eth0']);
  });

  test('is refused with file and line', () => {
    expect(fault(file('b.host', `${LINK.join('\n')}\n\n${LINK[2]}\n`), loadHost)).toMatch(
      /^5: RTNETLINK answers: File exists/,
    );
    expect(fault(file('c.host', '# nothing\n'), loadHost)).toContain('no command');
  });
});

test('the JSON Schema requires host and events and allows no other member', () => {
  expect(scenarioJsonSchema()).toMatchObject({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    required: ['host', 'events'],
    additionalProperties: false,
  });
});
