/** A text of one's own that chooses the source, and leaves the hook as it is. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { askFirst } from '../../model/patch/ask-first.ts';
import { stock } from '../../model/patch/stock.ts';
import type { Kernel } from '../../model/types/world.ts';
import { kernelOfOwn, ownPatchOf, readOwnPatch } from '../../own/patch.ts';
import { play } from '../../scenario/play.ts';
import { compile } from '../../scenario/text.ts';
import { traceLines } from '../../scenario/trace.ts';
import { twinOfOwn } from '../../solver/ownTwin.ts';
import { POST } from '../model/build.ts';

const file = join(mkdtempSync(join(tmpdir(), 'reroute-check-')), 'my.c');
writeFileSync(file, '#include "ask-first.c"\n');
const patch = readOwnPatch(file, 'model/patch');

function lines(kernel: Kernel): readonly string[] {
  const host = [...POST, 'iptables -t mangle -A OUTPUT -j MARK --set-mark 100'];
  return traceLines(play(kernel, compile({ host, events: ['socket c tcp', 'connect c 8.8.8.8:80', 'answer c'] })));
}

describe('a text with ipt_mangle_source() alone', () => {
  it('does what the variant of that text does, beside the hook of the kernel', () => {
    const own = kernelOfOwn(patch);
    expect(own.ipt_mangle_out).toBe(stock.ipt_mangle_out);
    expect(ownPatchOf(own)).toBe(patch);
    expect(lines(own)).toEqual(lines(askFirst));
    expect(lines(own)).not.toEqual(lines(stock));
  });

  it('has a twin for the solver', () => {
    const { ipt_mangle_source, chooseSource } = twinOfOwn(patch, '6.1');
    expect(typeof ipt_mangle_source).toBe('function');
    expect(typeof chooseSource).toBe('function');
  });
});
