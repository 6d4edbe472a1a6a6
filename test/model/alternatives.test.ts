/** The alternatives without a patch, on the host of the original post. */
import { expect, test } from 'vitest';
import { dev_get_by_index } from '../../model/kernel/net/core/dev.ts';
import { selectorRules } from '../../model/patch/selector-rules.ts';
import { soMark } from '../../model/patch/so-mark.ts';
import { stock } from '../../model/patch/stock.ts';
import type { Kernel } from '../../model/types/world.ts';
import { booted, dotted, firstSent, last, MARK, POST } from './build.ts';

const MARK_TCP = 'iptables -t mangle -A OUTPUT -p tcp -j MARK --set-mark 100';

/** Source and device of the SYN to 8.8.8.8:80, with the rules that mark. */
function syn(kernel: Kernel, ...marks: readonly string[]): string {
  const net = booted(kernel, ...POST, ...marks);
  const sent = firstSent(last(net, ['socket c tcp', 'connect c 8.8.8.8:80'], kernel));
  return `${dev_get_by_index(net, sent.dev).name} from ${dotted(sent.skb.iph.saddr)}`;
}

test('a policy rule by destination, and a mark of the socket, give the SYN the source of the second link', () => {
  expect(syn(stock, MARK)).toBe('eth1 from 10.0.0.1');
  expect(syn(selectorRules, MARK)).toBe('eth1 from 10.1.0.1');
  expect(syn(soMark, MARK_TCP)).toBe('eth1 from 10.1.0.1');
});

test('a program that opens a socket does not know its destination, and a policy rule no flags: such marks stay', () => {
  expect(syn(soMark, MARK)).toBe('eth1 from 10.0.0.1');
  expect(syn(selectorRules, 'iptables -t mangle -A OUTPUT -p tcp --syn -j MARK --set-mark 100')).toBe(
    'eth1 from 10.0.0.1',
  );
});
