/** The recorded outcome of every property on every variant; nothing else states results. */
export const expected: Readonly<Record<string, Readonly<Record<string, string>>>> = {};
