/** The question that the post ends with, answered by the recorded matrix and nothing else. */
import { REFERENCE } from '../../model/patch/releases/index.ts';
import { properties } from '../../properties/index.ts';
import { verdictsOf } from '../../search/verdicts.ts';
import { readCounterexample } from '../files.ts';
import { recordedOn, worseOn } from '../results.ts';
import { table } from './markdown.ts';
import { judgedCells } from './matrix.ts';

/** Where a source can be put right, and who does it there. */
const PLACES = [
  { variant: 'masquerade', place: 'beside the socket, by connection tracking' },
  { variant: 'tcp-rehash', place: 'in the socket, after it was addressed: the post' },
  { variant: 'tcp-rehash-mended', place: 'the same place without its faults' },
  { variant: 'ask-first', place: 'in the socket, where it is addressed' },
] as const;

/** The places that are worth a comparison: the published text breaks what the mended one does, and more. */
const COMPARED = ['masquerade', 'tcp-rehash-mended', 'ask-first'] as const;

function breaks(property: string, variant: string): boolean {
  return recordedOn(REFERENCE)[property]?.[variant] === 'violated';
}

function placesTable(): string {
  const names = PLACES.map(({ variant }) => variant);
  const verdicts = verdictsOf(properties, names, judgedCells());
  const rows = PLACES.map(({ variant, place }, k) => {
    const { purpose, worse, gravest } = verdicts[k] as (typeof verdicts)[number];
    return [place, variant, `${purpose.achieved} of ${purpose.of}`, String(worse), gravest?.gravity ?? ''];
  });
  return table([
    ['the source is put right', 'variant', 'senders served', 'breaks, where stock keeps it', 'gravest'],
    ...rows,
  ]);
}

function sendersTable(): string {
  const rows = properties
    .filter(({ purpose }) => purpose)
    .map(({ id }) => [id, ...COMPARED.map((variant) => (breaks(id, variant) ? '**fails**' : 'served'))]);
  return table([['sender', ...COMPARED], ...rows]);
}

/** What senders ask that no place gives them. */
function unserved(): string {
  const ids = properties.filter(({ id, purpose }) => purpose && COMPARED.every((variant) => breaks(id, variant)));
  return ids.map(({ id, claim }) => `- \`${id}\`: ${claim}`).join('\n');
}

/** The promises outside of the purpose for which that is so, with what happens on the variant. */
function happens(variant: string, isSo: (property: string) => boolean, none: string): string {
  const some = properties.filter(({ id, purpose }) => !purpose && isSo(id));
  const lines = some.map(
    ({ id, gravity }) => `- \`${id}\` (${gravity}): ${readCounterexample(id, variant)?.finding ?? ''}`,
  );
  return lines.length === 0 ? none : lines.join('\n');
}

/** What one breaks and the other keeps. */
function only(breaking: string, keeping: string): string {
  return happens(breaking, (id) => breaks(id, breaking) && !breaks(id, keeping), 'None.');
}

/** What the variant breaks although stock keeps it. */
function worse(variant: string): string {
  const worseHere = worseOn(REFERENCE);
  return happens(variant, (id) => worseHere[id]?.includes(variant) === true, 'Nothing.');
}

/** results/question.md. */
export function questionText(): string {
  return `# Does NAT for a host's own traffic belong into the socket?

The post ends with a view. For traffic that begins or ends on the host, it would be better to translate addresses in the
socket, which is a connection tracker already, than to have a second one beside it; against it stands that this treats a
special case specially. Below is what the matrix says, on Linux ${REFERENCE}, printed by \`npm run documents\` from the recorded
outcomes. A sender is served where no run was found in which it fails; speed was not measured.

${placesTable()}

In the order of the table: a translation that the socket knows nothing of; a socket that is renamed when its packet is on its way;
and a socket that gets the right name to begin with, so that nothing has to be translated. The last one is \`model/patch/ask-first.c\`:
connect() and sendmsg() ask the mangle table what mark the packet will get, and choose the source by that.

## Who is served

${sendersTable()}

Served by none of them:

${unserved()}

## What is broken where stock keeps it

By connection tracking, \`masquerade\`:

${worse('masquerade')}

In the socket, after it was addressed, \`tcp-rehash-mended\`:

${worse('tcp-rehash-mended')}

In the socket, where it is addressed, \`ask-first\`:

${worse('ask-first')}

## What only one of them breaks

\`masquerade\` breaks and \`ask-first\` keeps:

${only('masquerade', 'ask-first')}

\`ask-first\` breaks and \`masquerade\` keeps:

${only('ask-first', 'masquerade')}
`;
}
