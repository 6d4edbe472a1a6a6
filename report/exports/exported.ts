/** A scenario on a kernel, as every export takes it. */
import type { LoadedScenario } from '../../scenario/scenario.ts';
import type { Story } from '../../scenario/story/story.ts';
import type { Trace } from '../../scenario/trace.ts';

export interface Exported {
  readonly scenario: LoadedScenario;
  readonly variant: string;
  readonly release: string;
  readonly story: Story;
  /** What left the host, up to a crash. */
  readonly trace: Trace;
  /** Host and events as somebody types them who does by hand what the variant's operator and programs do. */
  readonly host: readonly string[];
  readonly events: readonly string[];
}

/** What the exported scenario shows, in one sentence. */
export function sentenceOf({ scenario, variant }: Exported): string {
  return scenario.finding ?? `What happens on ${variant}.`;
}
