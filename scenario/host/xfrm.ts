/** `ip xfrm policy`. */
import type { HostCommand } from '../../model/types/host.ts';
import { NO_POLICY, XFRM_POLICY_ALLOW, XFRM_POLICY_BLOCK, type XfrmPolicy } from '../../model/types/xfrm.ts';
import { wrong } from '../error.ts';
import { formatHex, formatPrefix, formatProtocol } from '../format.ts';
import { readNumber, readPrefix, U16, U32 } from '../words.ts';
import { type Names, readIpProtocol, readName } from './names.ts';
import { type Draft, decisive, exact, fits, harmless, type Option, readOptions, unknown } from './options.ts';
import { HostWords, type Reading } from './reading.ts';

const XFRM_ACTIONS: Names = [
  ['allow', XFRM_POLICY_ALLOW],
  ['block', XFRM_POLICY_BLOCK],
];

interface PolicyDraft extends Draft<XfrmPolicy> {
  dir: string;
}

const readPolicyPort = (words: HostWords, option: string): number =>
  readNumber(words.value(option, 'a port'), 'a port', U16);

const POLICY: readonly Option<PolicyDraft>[] = [
  exact('src', (words, draft) => {
    const { address, length } = readPrefix(words.value('src', 'a prefix'), 'a prefix');
    draft.saddr = address;
    draft.prefixlen_s = length;
  }),
  exact('dst', (words, draft) => {
    const { address, length } = readPrefix(words.value('dst', 'a prefix'), 'a prefix');
    draft.daddr = address;
    draft.prefixlen_d = length;
  }),
  exact('proto', (words, draft) => {
    draft.proto = readIpProtocol(words.value('proto', 'a protocol'));
  }),
  exact('sport', (words, draft) => {
    draft.sport = readPolicyPort(words, 'sport');
  }),
  exact('dport', (words, draft) => {
    draft.dport = readPolicyPort(words, 'dport');
  }),
  exact('dir', (words, draft) => {
    draft.dir = words.value('dir', 'out');
    if (draft.dir !== 'out') wrong(`policies of direction "${draft.dir}" are not modelled; write dir out`);
  }),
  exact('action', (words, draft) => {
    draft.action = readName(words.value('action', 'allow or block'), XFRM_ACTIONS, 'an action', 1);
  }),
  exact('priority', (words, draft) => {
    draft.priority = readNumber(words.value('priority', 'a number'), 'a priority', U32);
  }),
  exact('mark', (words, draft) => {
    const mark = readNumber(words.value('mark', 'a number'), 'a mark', U32);
    draft.mark_mask = U32;
    if (words.next === 'mask') {
      words.take();
      draft.mark_mask = readNumber(words.value('mask', 'a number'), 'a mask', U32);
    }
    draft.mark = (mark & draft.mark_mask) >>> 0;
  }),
  exact('if_id', (words, draft) => {
    draft.if_id = readNumber(words.value('if_id', 'a number'), 'an interface', U32);
  }),
  exact('tmpl', (words, draft) => {
    draft.tmpl = true;
    if (words.done) wrong('"tmpl" ends the command, and a word such as "proto esp" must follow it');
    while (!words.done) {
      const option = words.take();
      if (!['src', 'dst', 'proto', 'mode', 'reqid', 'spi'].includes(option))
        wrong(`"${option}" is not a word of a template that is modelled; it takes src, dst, proto, mode, reqid, spi`);
      words.value(option, 'a value');
    }
  }),
  ...harmless<PolicyDraft>('it names the policy, and does not select', 'index 1', 'flag 1', 'ctx 1'),
  ...decisive<PolicyDraft>('the policy would be for packets of every link', 'dev 1'),
  ...decisive<PolicyDraft>('the policy would stay for ever', 'limit 2'),
  ...decisive<PolicyDraft>('the policy would be the only one that applies', 'ptype 1'),
];

function parsePolicyAdd(words: HostWords): HostCommand {
  const draft: PolicyDraft = { ...NO_POLICY, priority: 0, dir: '' };
  readOptions(words, POLICY, draft, (word) => unknown(word, words, POLICY));
  const { dir, ...policy } = draft;
  if (dir === '') wrong(`"${words.command}" needs a direction; write dir out`);
  if ((policy.sport !== 0 || policy.dport !== 0) && ![0, 6, 17, 33, 132].includes(policy.proto))
    wrong(`ports of "${words.command}" need a protocol that has them; write proto tcp or udp`);
  return { kind: 'xfrm policy add', policy };
}

/** `ip xfrm policy …`; associations are not modelled. */
export function parseXfrm(object: string, words: readonly string[], reading: Reading): HostCommand {
  const [verb = '', ...rest] = words;
  if (!fits(object, 'policy', true)) wrong(`"ip xfrm ${object}" is not modelled; associations are taken to exist`);
  if (fits(verb, 'add', true)) return parsePolicyAdd(new HostWords('ip xfrm policy add', rest, reading));
  if (fits(verb, 'flush', true) && rest.length === 0) return { kind: 'xfrm policy flush' };
  return wrong(`"ip xfrm policy ${verb}" is not modelled; it takes add, flush`);
}

export function printPolicy(policy: XfrmPolicy): string {
  const words = ['ip xfrm policy add'];
  words.push(
    'src',
    formatPrefix(policy.saddr, policy.prefixlen_s),
    'dst',
    formatPrefix(policy.daddr, policy.prefixlen_d),
  );
  if (policy.proto !== 0) words.push('proto', formatProtocol(policy.proto));
  if (policy.sport !== 0) words.push('sport', String(policy.sport));
  if (policy.dport !== 0) words.push('dport', String(policy.dport));
  words.push('dir out');
  if (policy.mark_mask !== 0) words.push('mark', String(policy.mark));
  if (policy.mark_mask !== 0 && policy.mark_mask !== U32) words.push('mask', formatHex(policy.mark_mask));
  if (policy.if_id !== 0) words.push('if_id', String(policy.if_id));
  if (policy.action === XFRM_POLICY_BLOCK) words.push('action block');
  if (policy.priority !== 0) words.push('priority', String(policy.priority));
  if (policy.tmpl) words.push('tmpl proto esp');
  return words.join(' ');
}
