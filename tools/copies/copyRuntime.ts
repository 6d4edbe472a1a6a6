/** Objects of one constructor per list of fields, which are copied with every field written out. */

type Fields = Record<string, unknown>;

interface RecordClass {
  new (): Fields;
  readonly fields: readonly string[];
  /** Makes a record of its values. */
  readonly make: (...values: unknown[]) => Fields;
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

/** What makes records with these fields, named in one string with commas, of their values. */
export function record(key: string): RecordClass['make'] {
  return classOf(key).make;
}

/**
 * The constructor of records with these fields. It sets none, so that it becomes part of whatever makes or copies a record,
 * which then writes a new object once, field by field; what stands behind its end tells V8 how many there will be.
 */
function classOf(key: string): RecordClass {
  const known = classes.get(key);
  if (known !== undefined) return known;
  const fields = key.split(',');
  const made = new Function(
    `return function R() { return; ${fields.map((field) => `this.${field} = 0;`).join(' ')} };`,
  )();
  const values = fields.map((_, i) => `v${i}`);
  const make = writer(made, values.join(), fields, values);
  const fresh = Object.assign(made, { fields, make, copies: new Map() }) as RecordClass;
  classes.set(key, fresh);
  settle(fresh);
  return fresh;
}

/** A function that makes a record of that constructor: it is given these parameters, and sets each field to what stands beside it. */
function writer(made: RecordClass, parameters: string, fields: readonly string[], values: readonly string[]) {
  const sets = fields.map((field, i) => `made.${field} = ${values[i]};`).join(' ');
  return new Function('R', `return (${parameters}) => { const made = new R(); ${sets} return made; };`)(made);
}

/** Lets V8 see early that each field may hold anything and change: it would learn so piece by piece, and compile again each time. */
function settle({ fields, make }: RecordClass): void {
  const first = make(...fields.map(() => 0));
  for (const field of fields) first[field] = '';
}

/** How records of that constructor are copied where fields are set that they may lack. */
function copyOf(own: RecordClass, set: readonly string[]): Copy {
  const further = set.filter((field) => !own.fields.includes(field));
  const known = own.copies.get(further.join());
  if (known !== undefined) return known;
  const made = classOf([...own.fields, ...further].join());
  const fresh: Copy = writer(
    made,
    'from',
    own.fields,
    own.fields.map((field) => `from.${field}`),
  );
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
  const twin = record(fields.join())(...fields.map((field) => from[field]));
  twins.set(from, twin);
  return twin;
}
