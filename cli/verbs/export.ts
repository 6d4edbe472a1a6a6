/** `reroute-check export`: a scenario for somebody who does not have this program. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { portOf, sysctlsOf } from '../../conformance/patched/ports.ts';
import { REFERENCE } from '../../model/patch/releases/index.ts';
import type { Exported } from '../../report/exports/exported.ts';
import { itf } from '../../report/exports/itf.ts';
import { mermaid } from '../../report/exports/mermaid.ts';
import { netns } from '../../report/exports/netns.ts';
import { packetdrill } from '../../report/exports/packetdrill.ts';
import { vitest } from '../../report/exports/vitest.ts';
import { typed } from '../../scenario/play.ts';
import { loadScenario } from '../../scenario/scenario.ts';
import { storyOf, untilCrash } from '../../scenario/story/story.ts';
import { traceOf } from '../../scenario/trace.ts';
import { chooseVariant } from '../choose.ts';
import { scenarioMail } from '../documents/mail.ts';
import { writeWhole } from '../files.ts';
import { HOME } from '../place.ts';
import { violationsOf } from '../violations.ts';
import { watchedKernel } from '../watched.ts';

export interface ExportOptions {
  readonly as: 'netns' | 'packetdrill' | 'vitest' | 'itf' | 'mermaid' | 'mail';
  readonly variant?: string;
  readonly release?: string;
  readonly output?: string;
}

const PLAYER = join(HOME, 'conformance', 'player');

function playerFiles(): Readonly<Record<string, string>> {
  const names = readdirSync(PLAYER).filter((name) => name.endsWith('.py'));
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(PLAYER, name), 'utf8')]));
}

/** What chooses the variant on the test kernel; nothing for one that has no port. */
function sysctls({ variant, host, events }: Exported): Readonly<Record<string, string>> {
  const port = portOf(variant);
  return port === undefined ? {} : sysctlsOf({ variant: port, host, events });
}

function exportedFrom(file: string, options: ExportOptions): Exported {
  const scenario = loadScenario(file);
  const variant = options.variant ?? scenario.variant ?? 'stock';
  const release = options.release ?? scenario.release ?? REFERENCE;
  const kernel = chooseVariant(variant, release);
  const story = storyOf(watchedKernel(kernel), scenario.scenario);
  const trace = traceOf(untilCrash(story), violationsOf(story.run));
  const { host, events } = typed(kernel, scenario);
  return { scenario, variant, release, story, trace, host, events };
}

export function exportVerb(file: string, options: ExportOptions): void {
  const exported = exportedFrom(file, options);
  const forms: Record<ExportOptions['as'], () => string> = {
    netns: () => netns(exported, playerFiles(), sysctls(exported)),
    packetdrill: () => packetdrill(exported),
    vitest: () => vitest(exported),
    itf: () => itf(exported),
    mermaid: () => mermaid(exported),
    mail: () => scenarioMail(exported),
  };
  const text = forms[options.as]();
  if (options.output === undefined) process.stdout.write(text);
  else writeWhole(options.output, text);
}
