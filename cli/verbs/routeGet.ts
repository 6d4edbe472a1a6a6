/** `reroute-check route get`: the answers of `ip route get` for a described host. */
import { inet_rtm_getroute } from '../../model/kernel/net/ipv4/route.ts';
import type { RouteQuery } from '../../model/types/route.ts';
import type { World } from '../../model/types/world.ts';
import { InputError, locating, wrong } from '../../scenario/error.ts';
import {
  parseRouteGet,
  parseRouteGetLine,
  printRouteAnswer,
  printRouteAnswerLine,
  routeAnswerJson,
} from '../../scenario/routeGet.ts';
import { loadHost, readText } from '../../scenario/scenario.ts';
import { EXIT } from '../exit.ts';
import { caveats, tellNotes } from '../hostNotes.ts';

export interface RouteGetOptions {
  readonly host: string;
  readonly json?: boolean;
  readonly batch?: string;
  readonly leaveOut?: readonly string[];
}

/** A host that is asked: `left` is what every answer says was left out of it. */
interface Asked {
  readonly net: World;
  readonly left: readonly string[];
}

function answerJson({ net, left }: Asked, query: RouteQuery): string {
  const answer = routeAnswerJson(inet_rtm_getroute(net, query));
  return JSON.stringify(left.length === 0 ? answer : { ...answer, left_out: left });
}

/** One answer in one line; `json` as an object. */
function answerLine(host: Asked, query: RouteQuery, json: boolean): string {
  if (json) return answerJson(host, query);
  const left = host.left.map((what) => `\\    ${what} `).join('');
  return printRouteAnswerLine(inet_rtm_getroute(host.net, query)) + left;
}

/** One answer in the lines of `ip`. */
function answerText({ net, left }: Asked, query: RouteQuery): string {
  return [printRouteAnswer(inet_rtm_getroute(net, query)), ...left.map((what) => `    ${what}`)].join('\n');
}

/** A line for each query of the file; blank lines and comments are no queries. Bad ones are told on stderr as well. */
function batch(host: Asked, file: string, json: boolean): void {
  const answers: string[] = [];
  for (const [i, line] of readText(file).split('\n').entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    try {
      const query = locating(file, i + 1, () => parseRouteGetLine(line));
      answers.push(answerLine(host, query, json));
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      answers.push(json ? JSON.stringify({ error: error.message }) : error.message);
      process.stderr.write(`${error.message}\n`);
      process.exitCode = EXIT.usage;
    }
  }
  process.stdout.write(answers.map((answer) => `${answer}\n`).join(''));
}

/**
 * Prints the answer to one query, or to each of a file's.
 *
 * A refusal is an answer, printed like any other, and the exit code is 0; `ip` exits with 2, which here means bad input.
 */
export function routeGet(args: readonly string[], options: RouteGetOptions): void {
  const json = options.json === true;
  const { net, notes } = loadHost(options.host, options.leaveOut);
  const host = { net, left: caveats(notes) };
  tellNotes(notes);
  if (options.batch !== undefined) {
    if (args.length > 0) wrong(`"${args.join(' ')}" and --batch do not go together; put the query into the file`);
    batch(host, options.batch, json);
    return;
  }
  const query = parseRouteGet(args);
  process.stdout.write(`${json ? answerJson(host, query) : answerText(host, query)}\n`);
}
