/** What a text does with packets, sockets and routes: pointers that go stale, objects that end early, lines that are shown. */
import { describe, expect, it } from 'vitest';
import { stock } from '../../model/patch/stock.ts';
import type { Effect, Kernel } from '../../model/types/world.ts';
import type { Run } from '../../properties/property.ts';
import { MEMORIES } from '../../properties/route.ts';
import { runScopes } from '../../properties/scopes/runs.ts';
import { play, playOn } from '../../scenario/play.ts';
import { compile, eventOfLine } from '../../scenario/text.ts';
import { traceLines } from '../../scenario/trace.ts';
import { drawBooted, eventWords } from '../../search/bulk.ts';
import { drawEvents } from '../../search/generate.ts';
import { MARK, POST } from '../model/build.ts';
import { hook, kernelOf, readText } from './texts.ts';

const HOST = ['ip link set lo up', ...POST, MARK];
const UDP = ['socket c udp', 'send c 4 to 8.8.8.8:53'];
const TCP = ['socket c tcp', 'connect c 8.8.8.8:80'];
const LISTENER = ['socket c tcp', 'bind c 0.0.0.0:80', 'listen c', 'receive eth0 8.8.8.8:5000 > 10.0.0.1:80 tcp S'];

function run(body: string, events: readonly string[], before = ''): Run {
  return play(kernelOf(hook(body, before)), compile({ host: HOST, events }));
}

type OfKind<K extends Effect['kind']> = Extract<Effect, { readonly kind: K }>;

/** What a run shows of one kind. */
function shown<K extends Effect['kind']>({ steps }: Run, kind: K): readonly OfKind<K>[] {
  return steps.flatMap(({ effects }) => effects).filter((effect): effect is OfKind<K> => effect.kind === kind);
}

/** The packets that leave. */
function sent(of: Run): readonly OfKind<'xmit'>['skb'][] {
  return shown(of, 'xmit').map(({ skb }) => skb);
}

describe('a header', () => {
  const MOVE = 'pskb_expand_head(skb, 16, 0, GFP_ATOMIC);';

  it('is written in the packet as long as that stays where it is', () => {
    expect(sent(run('\tiph->ttl = 7;', UDP)).map(({ iph }) => iph.ttl)).toEqual([7]);
  });

  it('is written in the buffer that was left when the packet has moved, and read there', () => {
    const made = run(
      `\t${MOVE}\n\tiph->ttl = 7;\n\tif (iph->ttl == 7 && ip_hdr(skb)->ttl == 64)\n\t\tiph = ip_hdr(skb);\n\tiph->tos = 8;`,
      UDP,
    );
    expect(sent(made).map(({ iph }) => [iph.ttl, iph.tos])).toEqual([[64, 8]]);
  });

  it('was freed with its buffer, unless a clone holds that: every write is shown, with its line', () => {
    const body = `\t${MOVE}\n\tiph->ttl = 7;\n\tiph->ttl = 8;`;
    expect(shown(run(body, UDP), 'use-after-free')).toEqual([
      { kind: 'use-after-free', where: 'ipt_mangle_out', what: 'iph', writes: true, line: 'my.c:10' },
      { kind: 'use-after-free', where: 'ipt_mangle_out', what: 'iph', writes: true, line: 'my.c:11' },
    ]);
    expect(shown(run(body, TCP), 'use-after-free')).toEqual([]);
    expect(shown(run(`\t${MOVE}\n\tif (iph->ttl)\n\t\terr = iph->tos;`, UDP), 'use-after-free')).toEqual([
      { kind: 'use-after-free', where: 'ipt_mangle_out', what: 'iph', writes: false, line: 'my.c:10' },
    ]);
  });

  it('moves in a function that is called, too', () => {
    const before = `static void grow(struct sk_buff *skb)\n{\n\t${MOVE}\n}\n`;
    expect(sent(run('\tgrow(skb);\n\tiph->ttl = 7;', UDP, before)).map(({ iph }) => iph.ttl)).toEqual([64]);
  });

  it('crashes the kernel when it is NULL', () => {
    const made = run('\tif (err == 0)\n\t\tiph = NULL;\n\tiph->ttl = 7;', UDP);
    expect(made.steps.at(-1)?.world.oops).toEqual({ where: 'ipt_mangle_out', why: 'iph is NULL', line: 'my.c:11' });
  });

  it('stays where a place in it was named', () => {
    const made = run(`\t__be16 *id = &iph->id;\n\n\tiph = NULL;\n\t*id = htons(9);`, UDP);
    expect(sent(made).map(({ iph }) => iph.id)).toEqual([9]);
  });
});

describe('a route of a lookup', () => {
  const LOOKUP =
    '\tstruct flowi4 key = { .daddr = htonl(0x09090909) };\n\tstruct rtable *rt = ip_route_output_key(state->net, &key);';
  const noRoute = [...HOST, 'ip route add unreachable 9.9.9.9'];

  it('that is an error crashes the kernel where it is given back, NULL does not', () => {
    const given = (how: string) =>
      play(kernelOf(hook(`${LOOKUP}\n${how}`)), compile({ host: noRoute, events: UDP })).steps.at(-1)?.world.oops;
    expect(given('\tip_rt_put(rt);')).toEqual({ where: 'ipt_mangle_out', why: 'rt is an error', line: 'my.c:11' });
    expect(given('\tif (!IS_ERR(rt))\n\t\tip_rt_put(rt);')?.where).toBe('');
    expect(given('\trt = NULL;\n\tip_rt_put(rt);')?.where).toBe('');
  });
});

it('a route is longer where a policy made it: another one ends before what is read', () => {
  const body =
    '\tstruct dst_entry *dst = skb_dst(skb);\n\n\tdst = ((struct xfrm_dst *)dst)->route;\n\tif (dst->error)\n\t\terr = 1;';
  const on = (host: readonly string[]) =>
    play(kernelOf(hook(body)), compile({ host: [...host], events: UDP })).steps.at(-1)?.world.oops;
  expect(on(HOST)?.why).toBe('what struct xfrm_dst has lies beyond the end of the object');
  expect(on([...HOST, 'ip xfrm policy add src 10.0.0.1 dst 0.0.0.0/0 dir out tmpl proto esp'])?.where).toBe('');
});

it('room in front of a packet is made, not taken away', () => {
  const asked = (room: number) => run(`\tpskb_expand_head(skb, ${room}, 0, GFP_ATOMIC);`, UDP).steps.at(-1)?.world.oops;
  expect(asked(0)?.where).toBe('');
  expect(asked(-16)).toEqual({
    where: 'pskb_expand_head',
    why: 'the room that is asked for is negative',
    line: 'my.c:9',
  });
});

describe('a socket', () => {
  it('crashes the kernel when it is NULL', () => {
    const body = '\tif (skb->mark == 100)\n\t\tsk = NULL;\n\tif (sk->sk_state == TCP_LISTEN)\n\t\tret = NF_DROP;';
    expect(run(body, UDP).steps.at(-1)?.world.oops).toEqual({
      where: 'ipt_mangle_out',
      why: 'sk is NULL',
      line: 'my.c:11',
    });
  });

  it('may end before the field that is read: the read is shown, and gives what lies there', () => {
    const body = '\tif (inet_sk(sk)->inet_saddr == htonl(0x01020304))\n\t\tskb->mark = 5;';
    const kernel = kernelOf(hook(body));
    const events = compile({ host: HOST, events: LISTENER }).events.map((event) => ({
      ...event,
      picks: { ...event.picks, stack: 0x01020304 },
    }));
    const made = play(kernel, { host: compile({ host: HOST, events: [] }).host, events });
    expect(shown(made, 'wrong-kind')).toEqual([
      { kind: 'wrong-kind', where: 'ipt_mangle_out', sk: expect.any(Number), sk_kind: 2, line: 'my.c:9' },
    ]);
    expect(sent(made).map(({ mark }) => mark)).toEqual([5]);
    expect(
      shown(run('\tif (sk->sk_bound_dev_if || inet_sk(sk)->inet_num)\n\t\terr = 1;', LISTENER), 'wrong-kind'),
    ).toEqual([]);
  });

  it('is changed with a moment for other CPUs behind every address', () => {
    const made = run('\tinet_sk(sk)->inet_saddr = htonl(0x0a010001);', UDP);
    expect(shown(made, 'micro').map(({ where, line }) => [where, line])).toEqual([['inet_saddr written', 'my.c:9']]);
  });
});

describe('a route', () => {
  const LOOKUP = `
	struct flowi4 fl4 = { .daddr = iph->daddr, .flowi4_mark = skb->mark };
	struct rtable *rt = ip_route_output_key(state->net, &fl4);
`;

  it('is shown with its line when the packet gets it', () => {
    const made = run(
      `${LOOKUP}
	if (IS_ERR(rt))
		return NF_DROP_ERR(PTR_ERR(rt));
	skb_dst_drop(skb);
	skb_dst_set(skb, &rt->dst);`,
      UDP,
    );
    const [reroute] = shown(made, 'reroute');
    expect(reroute).toMatchObject({ err: 0, line: 'my.c:16' });
    expect([reroute?.before.dst.dev, reroute?.after.dst.dev]).toEqual([3, 5]);
  });

  it('is shown when it fails, unless the text goes on to another one', () => {
    const away = 'fl4.daddr = 0; fl4.flowi4_oif = 77;';
    const failing = LOOKUP.replace('struct rtable *rt =', `struct rtable *rt;\n\n\t${away}\n\trt =`);
    const made = run(`${failing}\n\tif (IS_ERR(rt))\n\t\treturn NF_DROP_ERR(PTR_ERR(rt));`, UDP);
    expect(shown(made, 'reroute').map(({ err, line }) => [err, line])).toEqual([[-19, 'my.c:14']]);
    const again = run(
      `${failing}
	if (IS_ERR(rt)) {
		fl4 = (struct flowi4){ .daddr = iph->daddr };
		rt = ip_route_output_key(state->net, &fl4);
	}
	if (!IS_ERR(rt))
		skb_dst_set(skb, &rt->dst);`,
      UDP,
    );
    expect(shown(again, 'reroute').map(({ err, line }) => [err, line])).toEqual([[0, 'my.c:21']]);
  });

  it('crashes the kernel when it is an error that nobody looked at', () => {
    const body = `${LOOKUP.replace('.daddr = iph->daddr', '.flowi4_oif = 77')}\n\tskb_dst_set(skb, &rt->dst);`;
    expect(run(body, UDP).steps.at(-1)?.world.oops).toEqual({
      where: 'ipt_mangle_out',
      why: 'rt is an error',
      line: 'my.c:13',
    });
  });
});

describe('whole runs', () => {
  /** Plays drawn scenarios of all scopes on two kernels, with different things on the stack. */
  function compare(a: Kernel, b: Kernel, hosts: number): number {
    let rerouted = 0;
    for (const scope of runScopes) {
      for (let h = 0; h < hosts; h++) {
        const { host, booted } = drawBooted(scope, 5, h, [a]);
        const events = drawEvents(scope, host, eventWords(5, h, 0)).map((line, i) => {
          const event = eventOfLine(line);
          return { ...event, picks: { ...event.picks, stack: MEMORIES[(h + i) % MEMORIES.length] as number } };
        });
        const [one, other] = [a, b].map((kernel) => playOn(kernel, booted[0] as Run['boot'], events)) as [Run, Run];
        const strip = ({ steps }: Run): unknown =>
          JSON.parse(JSON.stringify(steps, (key, value) => (key === 'line' ? undefined : value)));
        expect(strip(other)).toEqual(strip(one));
        expect(traceLines(other)).toEqual(traceLines(one));
        rerouted += shown(one, 'reroute').length > 0 ? 1 : 0;
      }
    }
    return rerouted;
  }

  it('of a patch that does nothing are those of the stock kernel', { timeout: 120_000 }, () => {
    const nothing = hook(`
	if (ret == NF_DROP || ret == NF_STOLEN)
		return ret;
	if (iph->saddr != before.saddr || iph->daddr != before.daddr || skb->mark != mark || iph->tos != before.flowi4_tos) {
		err = ip_route_me_harder(state->net, state->sk, skb, RTN_UNSPEC);
		if (err < 0)
			ret = NF_DROP_ERR(err);
	}`)
      .replace(
        'ret = ipt_do_table(priv, skb, state);',
        'ret;\n\tu32 mark = skb->mark;\n\tstruct flowi4 before = { .saddr = ip_hdr(skb)->saddr, .daddr = ip_hdr(skb)->daddr, .flowi4_tos = ip_hdr(skb)->tos };',
      )
      .replace('\tint err = 0;\n', '\tint err = 0;\n\n\tret = ipt_do_table(priv, skb, state);\n\tiph = ip_hdr(skb);\n');
    expect(compare(stock, kernelOf(nothing), 10)).toBeGreaterThan(40);
  });

  it('of version 2 are the same when its jump is taken as it was written', { timeout: 120_000 }, () => {
    const { file, text } = readText('tcp-rehash.c');
    const literal = text
      .replace('\tstruct flowi4 fl4;\n', '')
      .replace('\t\t\t\tmemset(&fl4, 0, sizeof(fl4));\n\t\t\t\treroute_fill_key(state->net, &fl4);\n', '')
      .replace('\t\t\tmemset(&fl4, 0, sizeof(fl4));\ndoit:', '\t\t\tstruct flowi4 fl4 = {};\ndoit:');
    expect(literal.length).toBeLessThan(text.length - 50);
    expect(compare(kernelOf(text, file), kernelOf(literal, file), 10)).toBeGreaterThan(40);
  });
});
