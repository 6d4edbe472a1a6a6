/** The package's programming interface: hosts and events as text in, runs and broken properties out. */
export { variants } from '../model/variants/index.ts';
export { properties } from '../properties/index.ts';
export { decode, wordLists } from './fastCheck.ts';
export { bootHost, firstBroken, occurs, play, playOn, refusal } from './play.ts';
export { search } from './review.ts';
export { checkScenario, loadScenario, scenarioJsonSchema } from './scenario/scenario.ts';
export { traceLines, traceOf, traceText } from './scenario/trace.ts';
export { commandOf, compile, eventOfLine } from './text.ts';
