/** What z3 said of each cell in the scope of its property (properties/shapes.ts); written by `npm run prove -- --record`. A cell without an entry was not asked. */
export const solved: Readonly<Record<string, Readonly<Record<string, string>>>> = {};
