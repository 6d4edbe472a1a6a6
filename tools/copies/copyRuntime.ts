/** Objects of one constructor per list of fields, which copies itself with every field written out. */

type Fields = Record<string, unknown>;

interface RecordClass {
  new (...values: unknown[]): Copied;
  readonly fields: ReadonlySet<string>;
}

interface Copied extends Fields {
  $again(): Copied;
}

/** A place in the source that copies a record: the fields it sets, and the constructor it met last. */
interface Site {
  readonly fields: readonly string[];
  known: unknown;
}

const classes = new Map<string, RecordClass>();

/** The constructor of records with these fields, named in one string with commas. */
export function record(key: string): RecordClass {
  let known = classes.get(key);
  if (known === undefined) {
    const fields = key.split(',');
    const values = fields.map((_, i) => `v${i}`).join();
    const sets = fields.map((field, i) => `this.${field} = v${i};`).join(' ');
    const own = fields.map((field) => `this.${field}`).join();
    const made = new Function(
      `return class R { constructor(${values}) { ${sets} } $again() { return new R(${own}); } };`,
    )() as RecordClass;
    known = Object.assign(made, { fields: new Set(fields) });
    classes.set(key, known);
  }
  return known;
}

/** A copy of `from`, whose constructor `site` does not know yet, on which its fields can be set; without one of them a plain copy. */
export function copy(from: Fields, site: Site): Fields {
  const own = from.constructor as unknown as RecordClass;
  if (own.fields instanceof Set) {
    if (!site.fields.every((field) => own.fields.has(field))) return { ...from };
    site.known = own;
    return (from as Copied).$again();
  }
  const twin = twinOf(from);
  const { fields } = twin.constructor as unknown as RecordClass;
  return site.fields.every((field) => fields.has(field)) ? twin.$again() : { ...from };
}

/** Records made of objects that others have made, such as events: these are copied often and never changed. */
const twins = new WeakMap<Fields, Copied>();

function twinOf(from: Fields): Copied {
  const known = twins.get(from);
  if (known !== undefined) return known;
  const fields = Object.keys(from);
  const twin = new (record(fields.join()))(...fields.map((field) => from[field]));
  twins.set(from, twin);
  return twin;
}
