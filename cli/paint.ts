/** Colours of what is printed, for people at a terminal alone: what a pipe, a file or the log of a CI gets is plain. */
import pc from 'picocolors';

const { env, argv, stdout } = process;
const refused = Boolean(env.NO_COLOR) || argv.includes('--no-color');
const forced = Boolean(env.FORCE_COLOR) && env.FORCE_COLOR !== '0';

/** picocolors by itself would colour in every CI, too. */
export const paint = pc.createColors(!refused && (forced || (stdout.isTTY === true && env.TERM !== 'dumb')));
