import { describe, expect, test } from 'vitest';
import { findingsAsMail, reviewAsMail } from '../../cli/documents/mail.ts';
import { faults } from '../../model/types/faults.ts';
import { commandLines, quoted } from '../../report/mail.ts';

const longerThan80 = (text: string) => text.split('\n').filter((line) => line.length > 80);

describe('findings as mail', () => {
  const mail = findingsAsMail(faults);

  test('have at most 80 columns, and a section for every fault', () => {
    expect(longerThan80(mail)).toEqual([]);
    for (const [i, { id }] of faults.entries()) expect(mail).toContain(`\n${i + 1}. ${id}\n`);
  });

  test('quote the statements of the published patch, and have the counterexample inline', () => {
    const one = findingsAsMail(faults.filter(({ id }) => id === 'udp-checksum'));
    expect(one).toMatch(/^Subject: Re: \[PATCH\] [^\n]*udp-checksum\n\n/);
    expect(one).toMatch(/^> model\/patch\/tcp-rehash\.c:\d+$/m);
    expect(one).toContain(
      '>         iph->saddr = fl4.saddr;\n>         inet->inet_saddr = fl4.saddr;\n>         ip_send_check(iph);\n',
    );
    expect(one).toContain('\n    iptables -t mangle -A OUTPUT -j MARK --set-mark 100\n');
    expect(one).toContain('transport checksum incorrect');
    expect(one).toContain(
      '\n    cd counterexamples/transport-checksum-correct\n    reroute-check trace tcp-rehash-only-',
    );
  });
});

test('lines that are left out of a quote are marked, and what they share of the indentation goes', () => {
  const lines = [
    { number: 3, text: '\t\ta();' },
    { number: 4, text: '\t\t\tb();' },
    { number: 9, text: '\t\tc();' },
  ];
  expect(quoted({ path: 'x.c', lines })).toEqual(['> x.c:3', '> a();', '>         b();', '> [...]', '> c();']);
});

test('a long command goes on as a shell reads it', () => {
  const lines = commandLines(`ip rule add ${'fwmark 100 '.repeat(8)}table 100`, '  ');
  expect(lines.length).toBe(2);
  expect(lines[0]).toMatch(/ \\$/);
  expect(longerThan80(lines.join('\n'))).toEqual([]);
});

test('a review as mail counts what each kernel breaks and has a sentence for each', () => {
  const text = reviewAsMail({
    version: '0',
    date: '2026-11-28',
    release: '6.1',
    seed: 1,
    runs: 1,
    interrupted: false,
    reached: '',
    command: 'reroute-check review --seed 1',
    properties: [{ id: 'p', concern: 'address', gravity: 'wrong address', purpose: false, claim: 'c' }],
    variants: [{ name: 'stock', title: 'Linux' }],
    verdicts: [],
    cells: [
      {
        property: 'p',
        variant: 'stock',
        outcome: 'violated',
        worse: false,
        engine: 'fast-check',
        scope: 's',
        runs: 1,
        occurred: 1,
        reason: '',
        counterexample: {
          finding: 'It goes wrong.',
          property: 'p',
          variant: 'stock',
          host: [],
          events: [],
          trace: [],
          found: { by: 'fast-check', seed: 1, command: '' },
        },
      },
    ],
  });
  expect(text).toContain('    stock    1 of 1\n');
  expect(text).toContain('  * p: It goes wrong.\n');
});
