/** The packet's bytes with their names, and its checksums worked out. */
import { CHECKSUM_PARTIAL, type SkBuff } from '../../model/types/packet.ts';
import { packetName } from '../../scenario/trace.ts';
import { type Field, fieldsOf, ipWorking, transportWorking, type Working } from '../bytes.ts';
import { h } from './dom.ts';

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

function fieldList(fields: readonly Field[], before: readonly Field[]): HTMLElement {
  return h(
    'div',
    { class: 'bytes' },
    ...fields.map(({ name, bytes }) => {
      const old = before.find((one) => one.name === name);
      const isNew = old !== undefined && old.bytes.join() !== bytes.join();
      return h(
        'span',
        { title: name, class: isNew ? 'new' : '' },
        h(
          'code',
          {},
          bytes
            .slice(0, 16)
            .map((byte) => hex(byte, 2))
            .join(' '),
          bytes.length > 16 ? ' …' : '',
        ),
        h('small', {}, `${name}${isNew ? ' ◂' : ''}`),
      );
    }),
  );
}

function workingView(
  name: string,
  { summands, total, folded, isCorrect, held, right }: Working,
  isPartial: boolean,
): HTMLElement {
  const verdict = isPartial
    ? 'not finished: the device adds the rest (CHECKSUM_PARTIAL)'
    : isCorrect
      ? 'correct'
      : `incorrect: the field holds ${hex(held, 4)}, ${hex(right, 4)} would be right`;
  return h(
    'details',
    isCorrect || isPartial ? {} : { open: true },
    h('summary', {}, `${name}: ${verdict}`),
    h(
      'table',
      { class: 'sum' },
      ...summands.map((one) => h('tr', {}, h('th', { scope: 'row' }, one.name), h('td', {}, hex(one.sum, 4)))),
      h('tr', {}, h('th', { scope: 'row' }, 'sum of all words'), h('td', {}, hex(total, 4))),
      h('tr', {}, h('th', { scope: 'row' }, 'folded to 16 bits; ffff is correct'), h('td', {}, hex(folded, 4))),
    ),
  );
}

export function packetView(packet: SkBuff | undefined, before: SkBuff | undefined): HTMLElement {
  if (packet === undefined) return h('p', {}, 'No packet yet.');
  const fields = fieldsOf(packet);
  const same = before?.id === packet.id ? fieldsOf(before) : fields;
  const transport = transportWorking(packet);
  return h(
    'div',
    {},
    h('p', {}, h('code', {}, packetName(packet)), packet.mark === 0 ? '' : `, mark ${packet.mark}`),
    fieldList(fields.ip, same.ip),
    fieldList(fields.transport, same.transport),
    workingView('IP header checksum', ipWorking(packet), packet.iph.check === 0),
    transport && workingView('transport checksum', transport, packet.ip_summed === CHECKSUM_PARTIAL),
  );
}
