/** The alternatives without a patch against marks on the running kernel; `conformance marked` asks more hosts. */
import { afterAll, describe, expect, test } from 'vitest';
import { markedCase, translations, unlike } from '../../conformance/marked.ts';
import { modelSees } from '../../conformance/modelTrace.ts';
import { openPlayer, prerequisites } from '../../conformance/running/player.ts';
import { selectorRules } from '../../model/patch/selector-rules.ts';
import { stock } from '../../model/patch/stock.ts';
import { play, typed } from '../../scenario/play.ts';
import { compile } from '../../scenario/text.ts';

const missing = prerequisites();
if (missing.length > 0) console.log(`skipped: marked hosts on the running kernel (${missing.join('; ')})`);
const player = openPlayer();
afterAll(() => player.close());

test.skipIf(missing.length > 0)(
  'selector-rules and so-mark do what marks do on 40 hosts',
  async () => {
    const all = await translations(player, 1, 40);
    for (const { kernel, compared, moved, unfaithful } of all) {
      expect(unfaithful, kernel).toEqual([]);
      expect([compared > 10, moved > 0], kernel).toEqual([true, true]);
    }
  },
  120_000,
);

describe('the comparison', () => {
  const text = markedCase(1, 0);
  const seen = modelSees(stock, text);

  test('takes another source of the link for the same way, and no other', () => {
    const [first, ...others] = seen.packets;
    if (first === undefined) throw new Error('no packet');
    const moved = (saddr: string) => ({ ...seen, packets: [{ ...first, saddr }, ...others] });
    const own = { eth0: '10.0.0.1', eth1: '10.1.0.1', eth2: '10.2.0.1' }[first.dev] as string;
    expect(unlike(text.host, seen, moved(own))).toEqual([]);
    expect(unlike(text.host, seen, moved('192.0.2.1'))).toHaveLength(1);
  });

  test('sees a packet that is missing, and one that leaves by another link', () => {
    const [first, ...others] = seen.packets;
    if (first === undefined) throw new Error('no packet');
    expect(unlike(text.host, seen, { ...seen, packets: others }).length).toBeGreaterThan(0);
    expect(unlike(text.host, seen, { ...seen, packets: [{ ...first, dev: 'eth9' }, ...others] })).toHaveLength(1);
  });
});

test('the model plays a translated host as the variant', () => {
  for (let index = 0; index < 40; index++) {
    const text = markedCase(2, index);
    const { why, host, events } = typed(selectorRules, text);
    if (why !== '') expect(play(selectorRules, compile(text)).steps.length).toBeLessThan(text.events.length);
    else expect(modelSees(selectorRules, text).packets).toEqual(modelSees(stock, { host, events }).packets);
  }
});
