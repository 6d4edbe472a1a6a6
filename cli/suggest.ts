/** Names that are nearly right. */
import leven from 'leven';

/** ` (did you mean 'review'?)`, or '' when no name is near. */
export function suggestion(word: string, names: readonly string[]): string {
  const near = names
    .map((name) => ({ name, distance: leven(word, name) }))
    .filter(({ name, distance }) => distance <= Math.max(2, Math.floor(name.length / 4)))
    .sort((a, b) => a.distance - b.distance);
  return near[0] === undefined || near[0].distance >= word.length ? '' : ` (did you mean '${near[0].name}'?)`;
}
