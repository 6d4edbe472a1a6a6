import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SecondOpinion } from '../../cli/secondOpinion.ts';
import { variants } from '../../model/patch/index.ts';
import { properties } from '../../properties/index.ts';
import { postHost } from '../../properties/scopes/proofs.ts';
import { loadZ3 } from '../../solver/smt.ts';
import { liftedKernel, solveTogether } from '../../solver/solveShape.ts';

const folder = () => mkdtempSync(join(tmpdir(), 'second-opinion-'));

describe('questions of a shape', () => {
  test('are those that z3 closed, and its own reading of their text is the same', async () => {
    const z3 = await loadZ3();
    const property = properties.find(({ id }) => id === 'source-is-an-address');
    const shape = postHost.shapes.find(({ name }) => name === 'rule-by-port');
    const kernel = variants.find(({ name }) => name === 'icmp-only-mended');
    if (!property || !shape || !kernel) throw new Error('gone');
    const rest = { places: postHost.places, seed: 1, budget: 60_000, showing: true };
    const question = { ...rest, shape, properties: [property], kernel, twin: liftedKernel(kernel) };
    const { answers, questions } = solveTogether(z3, question);
    expect(answers.map(({ outcome }) => outcome)).toEqual(['closed']);
    expect(questions.length).toBeGreaterThan(0);
    for (const text of questions) {
      const context = z3.api.mk_context_rc(z3.api.mk_config());
      expect((await z3.api.eval_smtlib2_string(context, text)).trim()).toBe('unsat');
      z3.api.del_context(context);
    }
  });
});

const isInstalled = !spawnSync('z3', ['--version']).error;

describe.skipIf(!isInstalled)('the z3 that is installed', () => {
  const unsat = '(declare-const a Bool)(assert (and a (not a)))(check-sat)\n';

  test('is asked about each question of a file', async () => {
    const second = await SecondOpinion.in(folder());
    const file = join(second.folder, 'two.smt2');
    writeFileSync(file, [unsat, unsat].join('(reset)\n'));
    expect(await second.ask([file])).toMatchObject({ asked: 2, agreed: 2 });
  });

  test.each([
    ['sat', '(declare-const a Bool)(assert a)(check-sat)\n'],
    ['(error', '(assert nothing)(check-sat)\n'],
  ])('and %s from it ends everything', async (said, text) => {
    const second = await SecondOpinion.in(folder());
    const file = join(second.folder, 'one.smt2');
    writeFileSync(file, [unsat, text].join('(reset)\n'));
    await expect(second.ask([file])).rejects.toThrow(said);
  });
});

test('a folder with other files is refused', async () => {
  const other = folder();
  writeFileSync(join(other, 'letter.txt'), '');
  await expect(SecondOpinion.in(other)).rejects.toThrow('has other files than questions');
});
