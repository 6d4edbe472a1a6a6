/** A promise and a kernel that the package does not have. */
import { always, type Kernel, type Property, variantNamed } from 'reroute-check';

/** What a rule has marked has an address of the link that it leaves by. */
export const sourceIsOfTheLink: Property = always({
  id: 'source-is-of-the-link',
  claim: 'A packet that a rule has marked leaves from an address of the link that it leaves by.',
  holds: ({ steps }, i) =>
    (steps[i]?.effects ?? []).every((effect) => {
      if (effect.kind !== 'xmit' || effect.skb.mark === 0) return true;
      const link = steps[i]?.world.devs.find(({ ifindex }) => ifindex === effect.dev);
      return link?.ifa_list.some(({ ifa_local }) => ifa_local === effect.skb.iph.saddr) ?? false;
    }),
  sometimes: ({ steps }, i) =>
    (steps[i]?.effects ?? []).some((effect) => effect.kind === 'xmit' && effect.skb.mark !== 0),
});

const stock = variantNamed('stock');

/** NF_DROP. */
const DROP = 0;

/** Linux that drops what mangle sends out by a link with another address than one of that link. */
export const strict: Kernel = {
  ...stock,
  name: 'strict',
  title: 'Linux that drops marked packets with the source of another link',
  ipt_mangle_out(kernel, net, skb, state) {
    const done = stock.ipt_mangle_out(kernel, net, skb, state);
    const link = done.net.devs.find(({ ifindex }) => ifindex === done.skb.dst.dev);
    const fits = link?.ifa_list.some(({ ifa_local }) => ifa_local === done.skb.iph.saddr) ?? false;
    return done.skb.mark === 0 || fits ? done : { ...done, verdict: DROP };
  },
};
