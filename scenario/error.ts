/** What is wrong with something a user wrote: one line that names the place, the fault and what would be right. */

/** A fault whose place the caller knows. */
export class Wrong extends Error {
  override name = 'Wrong';
}

/** A fault in a file: `FILE:LINE: message`, `FILE: events[3]: message`, or `FILE: message` for the file as a whole. */
export class InputError extends Error {
  override name = 'InputError';
  readonly file: string;
  /** A line number from 1, a path such as `events[3]`, or '' for the file as a whole. */
  readonly where: number | string;
  readonly detail: string;

  constructor(file: string, where: number | string, detail: string) {
    super(
      typeof where === 'number'
        ? `${file}:${where}: ${detail}`
        : `${file}: ${where === '' ? '' : `${where}: `}${detail}`,
    );
    this.file = file;
    this.where = where;
    this.detail = detail;
  }
}

/** Stops with a fault; somebody further up adds the place. */
export function wrong(message: string): never {
  throw new Wrong(message);
}

/** Runs `read`; a fault in it gets its place. */
export function locating<T>(file: string, where: number | string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof Wrong) throw new InputError(file, where, error.message);
    throw error;
  }
}
