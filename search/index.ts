/**
 * The package as a library: hosts and events as text in, runs, traces and broken promises out.
 *
 * `play(variantNamed('tcp-rehash'), scenario({ host, events }))` is a run; `trace` and `brokenBy` say what it shows.
 * `scenarios` draws what fast-check shrinks, `searchFor` searches with either engine, `always` states a promise of one's own.
 */
export { alternatives, kernels, variants } from '../model/patch/index.ts';
export type { Event } from '../model/types/event.ts';
export type { SkBuff } from '../model/types/packet.ts';
export type { Sock } from '../model/types/sock.ts';
export type { Effect, Kernel, Scenario, Step, World } from '../model/types/world.ts';
export { properties } from '../properties/index.ts';
export type { Property, Run } from '../properties/property.ts';
export * as scopes from '../properties/scopes/runs.ts';
export { firstBroken, occurs, play, refusal } from '../scenario/play.ts';
export { checkScenario, loadScenario, scenarioJsonSchema } from '../scenario/scenario.ts';
export type { Text } from '../scenario/text.ts';
export { type Trace, type TracePacket, type TraceSocket, traceLines } from '../scenario/trace.ts';
export {
  always,
  brokenBy,
  minimised,
  type Promised,
  type ScenarioText,
  type SearchFor,
  scenario,
  scenarios,
  searchFor,
  trace,
  variantNamed,
} from './library.ts';
export type { Cell, Counterexample, Outcome } from './outcome.ts';
export { type SearchOptions, search } from './review.ts';
