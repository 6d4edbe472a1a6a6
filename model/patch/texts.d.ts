/** What the C files of this folder compile to (`compiler/`). */
declare module '*.c' {
  type Kernel = import('../types/world.ts').Kernel;
  type World = import('../types/world.ts').World;
  type SkBuff = import('../types/packet.ts').SkBuff;

  type Frame = import('./memory.ts').Frame;
  type FlowI4 = import('../types/route.ts').FlowI4;

  export const ipt_mangle_out: Kernel['ipt_mangle_out'];

  /** The source for a packet, as the verdict of a hook. */
  export const ipt_mangle_source: Kernel['ipt_mangle_source'];

  export const ip_route_reroute: (
    net: World,
    skb: SkBuff,
    frame: Frame,
    fl4: FlowI4,
  ) => {
    readonly returned: number;
    readonly net: World;
    readonly skb: SkBuff;
    readonly frame: Frame;
    readonly fl4: FlowI4;
  };

  /** tcp-rehash.c: whether the SYN of that socket is moved. */
  export const reroute_syn_filter: (
    kernel: Kernel,
    net: World,
    skb: SkBuff,
    sk: number,
  ) => { readonly returned: boolean; readonly net: World };
}
