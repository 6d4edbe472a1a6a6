/** What z3 said of the cells in the scope post-host; written by `npm run prove -- --record`. A cell without an entry was not asked. */
export const solved: Readonly<Record<string, Readonly<Record<string, string>>>> = {};
