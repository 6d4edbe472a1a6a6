/** The file in which a machine leaves what it played of a check, for `check --merge`. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { InputError, wrong } from '../scenario/error.ts';
import type { PlayedPiece, Shard } from '../search/shard.ts';
import { writeWhole } from './files.ts';

const FORM = 'reroute-check shard 1';

const form = z.object({
  form: z.literal(FORM),
  version: z.string(),
  release: z.string(),
  seed: z.number(),
  runs: z.number(),
  properties: z.array(z.string()),
  variants: z.array(z.string()),
  part: z.int().min(1),
  of: z.int().min(1),
  pieces: z.array(
    z.object({
      piece: z.looseObject({ scope: z.string(), host: z.number() }),
      result: z.looseObject({ runs: z.number(), seen: z.array(z.looseObject({ cell: z.number() })) }),
    }),
  ),
});

/** What all parts of a check have in common. */
export interface Whole {
  readonly version: string;
  readonly release: string;
  readonly seed: number;
  readonly runs: number;
  readonly properties: readonly string[];
  readonly variants: readonly string[];
}

/** Where a part is written unless the user says where. */
export function shardPath({ part, of }: Shard): string {
  return join('.reroute-check', `shard-${part}-of-${of}.json`);
}

export function writeShard(path: string, whole: Whole, shard: Shard, pieces: readonly PlayedPiece[]): void {
  writeWhole(path, `${JSON.stringify({ form: FORM, ...whole, ...shard, pieces })}\n`);
}

/** The pieces of all parts, which must be there once each and belong together. */
export function readShards(files: readonly string[]): { readonly whole: Whole; readonly played: PlayedPiece[] } {
  const all = files.map((file) => ({ file, shard: readShard(file) }));
  const [first] = all;
  if (first === undefined) wrong('--merge: name the file of every shard');
  const { version, release, seed, runs, properties, variants, of } = first.shard;
  const whole = { version, release, seed, runs, properties, variants };
  const common = JSON.stringify({ ...whole, of });
  const seen = new Map<number, string>();
  for (const { file, shard } of all) {
    const { part, pieces: _, form: __, ...rest } = shard;
    const own = JSON.stringify({ ...whole, ...rest });
    if (own !== common) throw new InputError(file, '', `this is a part of another check than ${first.file}`);
    const twin = seen.get(part);
    if (twin !== undefined) throw new InputError(file, '', `this is part ${part} of ${of}, as ${twin} is`);
    seen.set(part, file);
  }
  const missing = Array.from({ length: of }, (_, i) => i + 1).filter((part) => !seen.has(part));
  if (missing.length > 0) wrong(`--merge: of ${of} shards ${missing.join(', ')} are missing`);
  return { whole, played: all.flatMap(({ shard }) => shard.pieces as unknown as PlayedPiece[]) };
}

function readShard(file: string): z.infer<typeof form> {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) throw new InputError(file, '', `this is no shard: it is damaged; ${AGAIN}`);
    throw error;
  }
  const read = form.safeParse(value);
  if (!read.success)
    throw new InputError(file, read.error.issues[0]?.path.join('.') ?? '', `this is no shard; ${AGAIN}`);
  return read.data;
}

const AGAIN = "'reroute-check check --shard I/N' writes one";
