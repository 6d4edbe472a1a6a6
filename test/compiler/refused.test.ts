/** What is no part of the subset is refused in one line: where it stands, what it is, and what is supported nearby. */
import { describe, expect, it } from 'vitest';
import { hook, refusalOf } from './texts.ts';

/** A statement in the hook, and what is said of it behind its place. */
const CONSTRUCTS: readonly (readonly [statement: string, message: string])[] = [
  [
    'while (err < 3)\n\t\terr++;',
    '10:2: a loop without a bound that is known; for (i = 0; i < CONSTANT; i++) and walks over lists are supported',
  ],
  [
    'again: err++;\n\tgoto again;',
    '11:2: a jump backward, to again; jumps forward and loops with a bound are supported',
  ],
  ['int list[4];', '10:10: an array; integers, structures and pointers are supported'],
  ['int (*call)(int);', '10:6: a pointer to a function; functions are called by their names'],
  ['sk->sk_prot->unhash(sk);', '10:15: a call through a pointer; functions are called by their names'],
  ['sk = sk + 1;', '10:10: struct sock * + int; pointers are compared with == and !=, and followed'],
  ['kmalloc(4, GFP_ATOMIC);', '10:2: kmalloc() is not in the table of kernel functions'],
  ['inet_unhas(sk);', '10:2: inet_unhas() is not in the table of kernel functions; did you mean inet_unhash?'],
  [
    'err = sk->sk_rcvbuf;',
    '10:12: struct sock has no sk_rcvbuf in the model; it has sk_family, sk_state, sk_bound_dev_if, sk_daddr, sk_rcv_saddr, sk_num, sk_dport, sk_v6_rcv_saddr, sk_mark, sk_protocol, sk_uid, sk_userlocks and 5 others',
  ],
  ['err = inet_sk(sk)->inet_sadr;', '10:21: struct inet_sock has no inet_sadr in the model; did you mean inet_saddr?'],
  ['struct tcphdr *th = ip_hdr(skb);', '10:17: struct iphdr * for th, which is struct tcphdr *'],
  ['struct page *page = NULL;', '10:2: struct page, which the model does not have'],
  ['static int count;', '10:2: a static variable; what lasts from packet to packet belongs to sockets and tables'],
  ['err = ({ int x = 1; x; });', '10:8: statements inside an expression; a function of the text does the same'],
  ['double d = 1;', '10:2: double; integers, structures of the kernel and pointers to them are supported'],
  ['err = 1.5;', '10:8: the number 1.5; integers are supported'],
  ['asm volatile("nop");', '10:2: assembly'],
  ['goto out;\n', 'ipt_mangle_out(), which has no such label'],
  [
    'struct sock *other;\n\tif (other)\n\t\treturn ret;',
    '11:6: other is used where it may not be set; an integer would hold what the stack held',
  ],
  [
    'u64 wide = 1;\n\twide = wide * wide;',
    '11:14: arithmetic on unsigned long that may need more than 53 bits; types of up to 32 bits are supported, and sizes beside them',
  ],
  [
    'err = skb->len / sk->sk_mark;',
    '10:17: a division by what is no positive constant; multiplication, shifts and masks are supported',
  ],
  [
    'err = 1 << skb->mark;',
    '10:10: a shift by what may be less than 0 or more than 31; shifts by constants are supported',
  ],
  ['skb->len = 4;', '10:7: len of struct sk_buff is written; the model can only read it'],
  ['err = (int)sk;', '10:8: a cast of struct sock * to int; casts of integers, and between sockets, are supported'],
  ['switch (err) {\n\tcase 1 ... 3: break;\n\t}', '11:9: a range of cases; each case has one value'],
  [
    'for (;;)\n\t\tbreak;',
    '10:2: a loop that does not begin with i = CONSTANT; for (i = 0; i < CONSTANT; i++) and walks over lists are supported',
  ],
  [
    'sk_nulls_for_each(sk, &inet_ehash_bucket(NULL, 0)->chain)\n\t\treturn ret;',
    '10:2: sk_nulls_for_each() with 2 arguments; it has 3',
  ],
  [
    'struct hlist_nulls_node *node;\n\tsk_nulls_for_each(iph, node, &inet_ehash_bucket(NULL, 0)->chain)\n\t\treturn ret;',
    '11:2: struct iphdr * walks over connections; struct sock * does',
  ],
  ['err = tcp_sk(sk)->snd_up;', '10:20: snd_up is read; urgent data is not modelled'],
  ['if (err)\n\t\treturn', '12:2: return where a value is expected'],
  ['err = err +;', '10:13: ; where a value is expected'],
  ['errr = 1;', '10:2: errr is no variable of the text; did you mean err?'],
  [
    'err = ENOENTT;',
    '10:8: ENOENTT is not among the constants of the kernel that the model knows; did you mean ENOENT?',
  ],
];

describe('a construct outside of the subset', () => {
  it.each(CONSTRUCTS)('%s', (statement, message) => {
    const refusal = refusalOf(hook(`\t${statement}`).replace(/^/, '\n'));
    expect(refusal).toMatch(/^my\.c:\d+:\d+: .*$/);
    expect(refusal.endsWith(message) || refusal === `my.c:${message}`, refusal).toBe(true);
  });

  it('is one of more than twenty', () => {
    expect(CONSTRUCTS.length).toBeGreaterThan(20);
  });
});

describe('a text', () => {
  it('needs a hook', () => {
    expect(refusalOf('static int ipt_mangle_ou(void)\n{\n\treturn 0;\n}\n')).toBe(
      'my.c:1:1: no function ipt_mangle_out(); did you mean ipt_mangle_ou?',
    );
  });

  it('has functions that end with a value, and do not call themselves', () => {
    expect(refusalOf(hook('\terr = f(err);', 'static int f(int x)\n{\n\tif (x)\n\t\treturn 1;\n}\n'))).toBe(
      'my.c:5:1: f() may end without a value; every way through it returns one',
    );
    expect(refusalOf(hook('\terr = f(err);', 'static int f(int x)\n{\n\treturn f(x);\n}\n'))).toBe(
      'my.c:3:9: f() calls itself; loops with a bound are supported',
    );
  });

  it('includes what is there, and closes its conditions', () => {
    expect(refusalOf('#include "no.h"\n')).toMatch(/^my\.c:1:1: "no\.h" is not there/);
    expect(refusalOf('#if 1\n')).toBe('my.c:1:1: #if without #endif');
    expect(refusalOf('#ifdef CONFIG_XFRN\n#endif\n')).toBe(
      'my.c:1:8: it is not known whether the kernel has CONFIG_XFRN; did you mean CONFIG_XFRM?',
    );
    expect(refusalOf('#define F(x) #x\n')).toBe('my.c:1:14: # in the macro F; plain replacement is supported');
  });

  it('is passed over where nothing of the hook needs it', () => {
    const rest =
      'static struct nf_hook_ops *mangle_ops __read_mostly;\nMODULE_LICENSE("GPL");\nstatic int __init other(void)\n{\n\treturn kmalloc(sizeof(struct page));\n}\n';
    expect(refusalOf(hook('', rest))).toBe('');
    expect(refusalOf(hook('\tmangle_ops = NULL;', rest))).toMatch(/mangle_ops is no variable of the text/);
  });
});
