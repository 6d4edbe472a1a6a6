/** One command of a host: which programs there are, and the way from their words to what they ask of the kernel. */
import type { HostCommand } from '../../model/types/host.ts';
import { wrong } from '../error.ts';
import { parseConntrack, printConntrack } from './conntrack.ts';
import { parseIp, printIp } from './ip.ts';
import { parseIpset, printIpset } from './ipset.ts';
import { isIptables, parseIptables, printIptables } from './iptables.ts';
import { parseLink } from './link.ts';
import { HostWords, type Reading } from './reading.ts';
import { parseSysctl, printSysctl } from './sysctl.ts';

/** The name of a program without its folder. */
export function programOf(word: string): string {
  return word.replace(/^\/?(usr\/)?(local\/)?s?bin\//, '');
}

/** What the words of a command line ask for; one line can ask for several things, or for nothing that is modelled. */
export function parseWords([first = '', ...words]: readonly string[], reading: Reading): readonly HostCommand[] {
  const program = programOf(first);
  if (isIptables(program)) return parseIptables(program, words, reading);
  switch (program) {
    case 'ip':
      return parseIp(words, reading);
    case 'link':
      return parseLink(new HostWords('link', words, reading));
    case 'sysctl':
      return parseSysctl(words, reading);
    case 'ipset':
      return parseIpset(words, reading);
    case 'conntrack':
      return [parseConntrack(words, reading)];
    case '':
      return wrong('there is no command here; write an ip, iptables or sysctl command');
    default:
      return wrong(`"${program}" is not a command of a host; write an ip, iptables or sysctl command`);
  }
}

/** The command as an operator would type it. `parseWords` reads it back as the same command. */
export function printHostCommand(command: HostCommand): string {
  switch (command.kind) {
    case 'iptables':
      return printIptables(command);
    case 'ipset':
      return printIpset(command);
    case 'conntrack':
      return printConntrack(command);
    case 'sysctl':
      return printSysctl(command);
    default:
      return printIp(command);
  }
}
