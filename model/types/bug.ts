/** Stops for a state that the model itself rules out. The one place in the model that throws; the lifter leaves this file as it is. */
export function bug(why: string): never {
  throw new Error(`model bug: ${why}`);
}
