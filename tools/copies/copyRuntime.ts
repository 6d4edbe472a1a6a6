/** Objects of one constructor per list of fields, which are copied with every field written out. */

type Fields = Record<string, unknown>;

interface RecordClass {
  new (...values: unknown[]): Fields;
  readonly fields: readonly string[];
  /** Copies to records with further fields, by the names of these; those without any under ''. */
  readonly copies: Map<string, Copy>;
}

type Copy = (from: Fields) => Fields;

/** A place in the source that copies a record: the fields it sets, and the constructor it met last with the way to copy it. */
interface Site {
  readonly fields: readonly string[];
  known: unknown;
  copy: Copy | undefined;
}

const classes = new Map<string, RecordClass>();

/** The constructor of records with these fields, named in one string with commas. */
export function record(key: string): RecordClass {
  const known = classes.get(key);
  if (known !== undefined) return known;
  const fields = key.split(',');
  const values = fields.map((_, i) => `v${i}`).join();
  const sets = fields.map((field, i) => `this.${field} = v${i};`).join(' ');
  const made = new Function(`return class R { constructor(${values}) { ${sets} } };`)() as new () => Fields;
  const fresh = Object.assign(made, { fields, copies: new Map() }) as RecordClass;
  classes.set(key, fresh);
  settle(fresh);
  return fresh;
}

/** Lets V8 see early that each field may hold anything and change: it would learn so piece by piece, and compile again each time. */
function settle(made: RecordClass): void {
  const first = new made(...made.fields.map(() => 0));
  for (const field of made.fields) first[field] = '';
}

/** How records of that constructor are copied where fields are set that they may lack. */
function copyOf(own: RecordClass, set: readonly string[]): Copy {
  const further = set.filter((field) => !own.fields.includes(field));
  const known = own.copies.get(further.join());
  if (known !== undefined) return known;
  const made = record([...own.fields, ...further].join());
  const values = own.fields.map((field) => `from.${field}`).join();
  const fresh = new Function('R', `return (from) => new R(${values});`)(made) as Copy;
  own.copies.set(further.join(), fresh);
  return fresh;
}

/** A copy of `from`, whose constructor `site` does not know yet, on which its fields can be set. */
export function copy(from: Fields, site: Site): Fields {
  const own = from.constructor as unknown as RecordClass;
  if (own.copies instanceof Map) {
    site.known = own;
    site.copy = copyOf(own, site.fields);
    return site.copy(from);
  }
  const twin = twinOf(from);
  return copyOf(twin.constructor as unknown as RecordClass, site.fields)(twin);
}

/** Records made of objects that others have made, such as events: these are copied often and never changed. */
const twins = new WeakMap<Fields, Fields>();

function twinOf(from: Fields): Fields {
  const known = twins.get(from);
  if (known !== undefined) return known;
  const fields = Object.keys(from);
  const twin = new (record(fields.join()))(...fields.map((field) => from[field]));
  twins.set(from, twin);
  return twin;
}
