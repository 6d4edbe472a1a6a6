/** The shapes of a scope as text: with numbers in their places, and whether a scenario is one of them. */
import { formatAddress } from '../model/types/net.ts';
import type { Place, ProofShape, ShapeScope } from '../properties/scopes/proofs.ts';
import { fill, partsOf } from '../properties/scopes/template.ts';
import { chance, oneOf, type WordSource } from '../scenario/random.ts';
import type { Text } from '../scenario/text.ts';
import { InternalError } from './terms/term.ts';

/** A number for every place. */
export type Numbers = Readonly<Record<string, number>>;

/** The places that stand in the lines of a shape. */
export function placesOf({ places }: Pick<ShapeScope, 'places'>, shape: ProofShape): readonly Place[] {
  const names = new Set(
    [...shape.host, ...shape.events].flatMap((line) => partsOf(line).filter((_, at) => at % 2 === 1)),
  );
  return places.filter(({ name }) => names.has(name));
}

function written({ is }: Place, value: number): string {
  return is === 'number' ? String(value) : formatAddress(value);
}

/** The mask of a rule that says none. */
const ALL_BITS = '/4294967295';

/** The scenario as people write it. */
export function textOf(scope: Pick<ShapeScope, 'places'>, shape: ProofShape, numbers: Numbers): Text {
  const places = placesOf(scope, shape);
  const values = Object.fromEntries(places.map((place) => [place.name, written(place, numbers[place.name] ?? NaN)]));
  return {
    host: shape.host.map((line) => fill(line, values).replace(ALL_BITS, '')),
    events: shape.events.map((line) => fill(line, values)),
  };
}

/** What a reader expects in the places of a shape. */
export function familiarNumbers(places: readonly Place[]): Numbers {
  return Object.fromEntries(places.map(({ name, familiar, lo }) => [name, familiar[0] ?? lo]));
}

/** Numbers for the places of a shape, half of them familiar: then marks meet rules. */
export function drawNumbers(places: readonly Place[], words: WordSource): Numbers {
  const draw = ({ lo, hi, familiar }: Place): number =>
    chance(words, 1, 2) ? oneOf(words, familiar) : lo + (words.next() % (hi - lo + 1));
  return Object.fromEntries(places.map((place) => [place.name, draw(place)]));
}

/** Whether a text is the shape with some numbers of its ranges in its places. */
export function isInside(scope: ShapeScope, shape: ProofShape, text: Text): boolean {
  if (text.host.length !== shape.host.length || text.events.length !== shape.events.length) return false;
  const numbers = new Map<string, number>();
  return [...shape.host, ...shape.events].every((pattern, at) =>
    fits(scope, pattern, [...text.host, ...text.events][at] as string, numbers),
  );
}

function fits(scope: ShapeScope, pattern: string, line: string, numbers: Map<string, number>): boolean {
  const parts = partsOf(pattern);
  const source = parts
    .map((part, at) => (at % 2 === 0 ? part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&') : '([\\d.]+)'))
    .join('');
  const whole = pattern.includes('/{mask}') ? line.replace(/ fwmark (\d+) /, ` fwmark $1${ALL_BITS} `) : line;
  const found = whole.match(new RegExp(`^${source}$`));
  if (!found) return false;
  return found.slice(1).every((word, at) => {
    const name = parts[2 * at + 1] as string;
    const place = scope.places.find((one) => one.name === name) as Place;
    const value = word.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
    const known = numbers.get(name) ?? value;
    numbers.set(name, value);
    return known === value && value >= place.lo && value <= place.hi && written(place, value) === word;
  });
}

/** Two answers about the same scenarios, of which only one can be right. */
export function contradiction(
  property: string,
  variant: string,
  shape: ProofShape,
  { host, events }: Text,
): InternalError {
  const lines = [...host, ...events].map((line) => `  ${line}`).join('\n');
  return new InternalError(
    `${property} on ${variant}: z3 calls shape ${shape.name} exhausted: no numbers break it\nyet this scenario of it does:\n${lines}`,
  );
}
