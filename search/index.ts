/** The package's programming interface: hosts and events as text in, runs and broken properties out. */
export { variants } from '../model/patch/index.ts';
export { properties } from '../properties/index.ts';
export { bootHost, firstBroken, occurs, play, playOn, refusal } from '../scenario/play.ts';
export { checkScenario, loadScenario, scenarioJsonSchema } from '../scenario/scenario.ts';
export { commandOf, compile, eventOfLine } from '../scenario/text.ts';
export { traceLines, traceOf } from '../scenario/trace.ts';
export { decode, wordLists } from './fastCheck.ts';
export { search } from './review.ts';
