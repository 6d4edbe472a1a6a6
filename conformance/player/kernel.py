"""A host made of network namespaces: the operator's commands on one side, the far ends of its links on the other.

Namespaces are unnamed. Only descriptors of this process and its children hold them, so they vanish with it, and the
links in them too.
"""
import ctypes
import errno
import fcntl
import json
import os
import queue
import re
import shlex
import shutil
import socket
import struct
import subprocess
import threading
import time
from dataclasses import dataclass

CLONE_NEWNET, CLONE_NEWNS, MS_REC, MS_PRIVATE = 0x40000000, 0x20000, 0x4000, 0x40000
SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCGIFINDEX, IFF_UP = 0x8913, 0x8914, 0x8933, 1
SIOCETHTOOL, ETHTOOL_STXCSUM = 0x8946, 0x17
RTM_NEWLINK, RTM_GETLINK, NLM_F_REQUEST_DUMP = 16, 18, 0x301
IFLA_ADDRESS, IFLA_IFNAME, IFLA_LINK, IFLA_LINK_NETNSID = 1, 3, 5, 37
ETH_P_ALL = 3
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
SOL_PACKET, PACKET_AUXDATA, PACKET_QDISC_BYPASS, PACKET_IGNORE_OUTGOING = 263, 8, 20, 23

# Not what is under test: IPv6 chatter, rate limits that depend on the clock, a retransmission schedule newer than
# Linux 6.1, and tail loss probes, which come before the retransmission timer. Ping sockets are for everybody. A file that this kernel lacks is passed over.
SYSCTLS = {
    'ipv6/conf/all/disable_ipv6': '1',
    'ipv6/conf/default/disable_ipv6': '1',
    'ipv4/ping_group_range': '0 2147483647',
    'ipv4/icmp_ratelimit': '0',
    'ipv4/icmp_msgs_per_sec': '1000000',
    'ipv4/icmp_msgs_burst': '1000000',
    'ipv4/tcp_invalid_ratelimit': '0',
    'ipv4/tcp_syn_linear_timeouts': '0',
    'ipv4/tcp_orphan_retries': '2',
    'ipv4/tcp_early_retrans': '0',
} | {
    # A new namespace copies these from the machine; a host of a scenario starts from the kernel's own defaults.
    f'ipv4/conf/{device}/{name}': '0'
    for name in ('forwarding', 'rp_filter', 'src_valid_mark', 'route_localnet', 'accept_local', 'promote_secondaries')
    + ('ignore_routes_with_linkdown', 'arp_filter', 'arp_announce', 'arp_ignore')
    for device in ('all', 'default', 'lo')
}

libc = ctypes.CDLL(None, use_errno=True)


def checked(result):
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def new_namespace():
    """Moves this process into a new network namespace and returns a descriptor of it."""
    checked(libc.unshare(CLONE_NEWNET))
    return os.open('/proc/thread-self/ns/net', os.O_RDONLY | os.O_CLOEXEC)


def enter(namespace):
    checked(libc.setns(namespace, CLONE_NEWNET))


def set_up(control, name):
    """`ip link set NAME up` in the namespace that the socket `control` was opened in."""
    request = struct.pack('16sH22x', name.encode(), 0)
    flags = struct.unpack('16sH22x', fcntl.ioctl(control, SIOCGIFFLAGS, request))[1]
    fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack('16sH22x', name.encode(), flags | IFF_UP))


def index_of(control, name):
    return struct.unpack('16si20x', fcntl.ioctl(control, SIOCGIFINDEX, struct.pack('16s24x', name.encode())))[1]


def checksum_offload_off(control, name):
    """`ethtool -K NAME tx off`: veth otherwise never fills a checksum in."""
    value = ctypes.create_string_buffer(struct.pack('II', ETHTOOL_STXCSUM, 0))
    request = struct.pack('16sP', name.encode(), ctypes.addressof(value)).ljust(40, b'\0')
    try:
        fcntl.ioctl(control, SIOCETHTOOL, request)
    except OSError as error:
        if error.errno != errno.EOPNOTSUPP:
            raise


@dataclass
class Link:
    """A link of the host. `far` is the name of its other end in the far namespace, '' for links that have none."""

    name: str
    mac: bytes
    far: str


def list_links(far_names):
    """The links of the current namespace, asked over netlink; `far_names` names the far ends by their index."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as netlink:
        netlink.send(struct.pack('=IHHII16x', 32, RTM_GETLINK, NLM_F_REQUEST_DUMP, 1, 0))
        links, more = [], True
        while more:
            data = netlink.recv(65536)
            while data:
                length, kind = struct.unpack('=IH', data[:6])
                message, data = data[16:length], data[(length + 3) & ~3 :]
                if kind != RTM_NEWLINK:
                    more = False
                    break
                attributes, values = message[16:], {}
                while len(attributes) >= 4:
                    size, name = struct.unpack('=HH', attributes[:4])
                    values[name & 0x3FFF] = attributes[4:size]
                    attributes = attributes[(size + 3) & ~3 :]
                name = values[IFLA_IFNAME].rstrip(b'\0').decode()
                far = struct.unpack('=i', values[IFLA_LINK])[0] if IFLA_LINK_NETNSID in values else 0
                links.append(Link(name, values.get(IFLA_ADDRESS, b''), far_names.get(far, '')))
    return links


def iptables_program():
    """The iptables of iptable_mangle.c where it is there and works, else whatever `iptables` is."""
    for name in ('iptables-legacy', 'iptables'):
        if shutil.which(name) and not run([name, '-w', '-t', 'mangle', '-S']):
            return name
    return 'iptables'


class IpBatch:
    """One `ip -batch` process of the current namespace, told one command after another.

    Where a command ended is seen on stderr: after each one it is sent a word that it refuses.
    """

    def __init__(self):
        self.process, self.lines = None, 0

    def start(self):
        self.process = subprocess.Popen(
            ['ip', '-force', '-j', '-batch', '-'],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
        )
        self.lines = 0

    def run(self, line):
        """Runs one command; returns what it complained about, '' for nothing."""
        if self.process is None:
            self.start()
        self.process.stdin.write(f'{line}\n@\n'.encode())
        self.lines += 2
        end, text = f'Command failed -:{self.lines}\n'.encode(), b''
        while not text.endswith(end):
            more = os.read(self.process.stderr.fileno(), 65536)
            if not more:  # a word it cannot parse ends the whole batch
                self.stop()
                break
            text += more
        lines = [l for l in text.decode().splitlines() if not l.startswith(('Command failed -:', 'Object "@"'))]
        return '\n'.join(lines).strip()

    def ask(self, questions):
        """Answers many `route get` questions in one run: one object each, {"error": words} for a refusal."""
        answers = []
        while len(answers) < len(questions):
            rest = questions[len(answers) :]
            if self.process is None:
                self.start()
            text = ''.join(f'route get {" ".join(q.split())}\n' for q in rest)
            out, err = self.process.communicate(text.encode())
            good = iter(line for line in out.decode().splitlines() if line.startswith('['))
            refused, words = {}, []
            for line in err.decode().splitlines():
                if failed := re.match(r'Command failed -:(\d+)$', line):
                    refused[int(failed[1]) - self.lines - 1] = '\n'.join(words)
                    words = []
                else:
                    words.append(line)
            self.process = None
            for n in range(len(rest)):
                answer = {'error': refused[n]} if n in refused else next(good, None)
                if answer is None:  # the question that ended the batch
                    answers.append({'error': '\n'.join(words) or 'no answer'})
                    break
                answers.append(answer if isinstance(answer, dict) else json.loads(answer)[0])
        return [{'error': re.sub(r'^RTNETLINK answers: ', '', a['error'])} if 'error' in a else a for a in answers]

    def stop(self):
        if self.process is not None:
            process, self.process = self.process, None
            for pipe in (process.stdin, process.stdout, process.stderr):
                pipe.close()
            process.wait()


class FarSide:
    """The namespace of all far ends, kept for many hosts, with the one packet socket that sees what hosts send."""

    def __init__(self):
        self.namespace = new_namespace()
        write_sysctls(SYSCTLS)
        self.control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.capture = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.capture.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        # The queue of a far end starts only when a kernel worker has noticed its carrier, which can be late.
        self.capture.setsockopt(SOL_PACKET, PACKET_QDISC_BYPASS, 1)
        self.capture.setblocking(False)
        # The lock of iptables-legacy is a file for the whole machine; this one is ours and leaves nothing behind.
        self.lock = os.memfd_create('xtables.lock')
        os.environ['XTABLES_LOCKFILE'] = f'/proc/{os.getpid()}/fd/{self.lock}'
        self.iptables = iptables_program()
        self.restore = shutil.which(f'{self.iptables}-restore')
        self.created = 0
        self.names = {}
        # Closing a packet socket waits some ten milliseconds for the kernel; another thread does that.
        self.closing = queue.SimpleQueue()
        threading.Thread(target=self.close_sockets, daemon=True).start()

    def close_sockets(self):
        while True:
            self.closing.get().close()


def write_sysctls(values):
    for name, value in values.items():
        try:
            with open(f'/proc/sys/net/{name}', 'w') as file:
                file.write(value)
        except FileNotFoundError:
            pass


class Host:
    """A fresh namespace in which operator's commands run. This process is in it until `close`.

    `sysctls` are set before any command, and must exist.
    """

    def __init__(self, far, sysctls=None):
        self.far = far
        self.namespace = new_namespace()
        write_sysctls(SYSCTLS)
        for name, value in (sysctls or {}).items():
            with open(f'/proc/sys/net/{name}', 'w') as file:
                file.write(value)
        self.control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        set_up(self.control, 'lo')
        # Sends markers, and sees what leaves by links without a far end.
        self.local = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        self.local.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.local.setblocking(False)
        self.ip = IpBatch()
        self.links = {}
        self.peers = {}
        self.rules = []
        # Whether a rule depends on how many packets came before.
        self.counts = False
        # Control groups that were not there before.
        self.groups = []
        # Links whose packets this process takes, as the program behind them would.
        self.tuns = {}

    def close(self):
        self.ip.stop()
        for tun in self.tuns.values():
            os.close(tun)
        for group in reversed(self.groups):
            remove_group(group)
        self.far.closing.put(self.local)
        self.local = None
        self.control.close()
        enter(self.far.namespace)
        os.close(self.namespace)

    def setup(self, commands):
        """Runs commands in order; returns the refused ones as {index, command, message}."""
        refused = []
        for index, command in enumerate(commands):
            refused += self.command(index, command)
        return sorted(refused + self.settle(), key=lambda refusal: refusal['index'])

    def settle(self):
        """Commits waiting iptables rules and takes stock of the links."""
        refused = self.flush_rules()
        links = {link.name: link for link in list_links(self.far.names)}
        for name, link in links.items():
            if link.far and (name not in self.links or self.links[name].far != link.far):
                checksum_offload_off(self.control, name)
        self.links = links
        return refused

    def command(self, index, command):
        words = shlex.split(command, comments=True)
        if not words:
            return []
        self.counts = self.counts or 'statistic' in words
        # The kernel wants to see the control group that a rule names.
        for option, path in zip(words, words[1:]):
            if option == '--path' and path.strip('/'):
                self.control_group(path.strip('/'))
        if words[0] == 'ip':
            message = self.ip_command(words)
        elif words[0] == 'link':
            message = self.link_command(words)
        elif words[0] in ('iptables', 'iptables-legacy'):
            return self.iptables_command(index, command, words)
        elif words[0] == 'sysctl':
            message = self.sysctl(words[1:])
        elif words[0] in ('iptables-nft', 'conntrack', 'ipset'):
            return self.flush_rules() + self.plain(index, command, words)
        else:
            message = f'"{words[0]}" is not a command of a host; use ip, iptables or sysctl'
        return [{'index': index, 'command': command, 'message': message}] if message else []

    def plain(self, index, command, words):
        message = run(words)
        # It says so, too, that there was nothing to forget.
        if words[0] == 'conntrack' and 'flow entries have been deleted' in message:
            message = ''
        return [{'index': index, 'command': command, 'message': message}] if message else []

    def link_command(self, words):
        """A link that is simply there: one with a far end, or one that a program makes."""
        options = dict(zip(words[2::2], words[3::2]))
        if options.get('type', 'ether') == 'ether':
            mtu = ['mtu', options['mtu']] if 'mtu' in options else []
            return self.ip_command(['ip', 'link', 'add', words[1], *mtu, 'type', 'veth'])
        mode = 'tap' if options['type'] == 'tap' else 'tun'
        message = self.ip_command(['ip', 'tuntap', 'add', 'dev', words[1], 'mode', mode])
        if not message and 'mtu' in options:
            message = self.ip.run(f'link set {words[1]} mtu {options["mtu"]}')
        return message

    def control_group(self, path, classid=0):
        """Makes a control group where there is none; returns the root of its hierarchy, and the path below."""
        root = hierarchy('cgroup', 'net_cls') if classid else hierarchy('cgroup2')
        made = root
        for part in path.split('/'):
            made = f'{made}/{part}'
            try:
                os.mkdir(made)
                self.groups.append(made)
            except FileExistsError:
                pass
        if classid:
            with open(f'{made}/net_cls.classid', 'w') as file:
                file.write(str(classid))
        return root, path

    def attach(self, name):
        """Opens a link of `ip tuntap`: without a program it has no carrier."""
        tun = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.ioctl(tun, TUNSETIFF, struct.pack('16sH22x', name.encode(), IFF_TUN | IFF_NO_PI))
        self.tuns[name] = tun

    def dump(self, form):
        """What the host's own tools print about it, a list of texts; `form` is text or json."""
        ip = ['ip', '-j', '-d'] if form == 'json' else ['ip']
        commands = [
            [*ip, 'addr'],
            [word for word in ip if word != '-d'] + ['rule'],
            [word for word in ip if word != '-d'] + ['route', 'show', 'table', 'all'],
            ['ipset', 'save'],
            [f'{self.far.iptables}-save'],
            ['iptables-nft-save'],
            ['sysctl', '-a', '-r', r'^net\.ipv4\.'],
        ]
        return [{'command': ' '.join(words[:2] if words[0] == 'sysctl' else words), 'text': output(words)} for words in commands]

    def ip_command(self, words):
        far_end = next((n for n, word in enumerate(words) if word in self.peers and word not in self.links), 0)
        if far_end and len(words) > 2 and 'set'.startswith(words[2]):
            words[far_end] = self.peers[words[far_end]]
            if words[far_end + 1 :] == ['up']:
                set_up(self.far.control, words[far_end])
                return ''
            enter(self.far.namespace)
            message = run(words)
            enter(self.namespace)
            return message
        if words[1:3] == ['tuntap', 'add']:
            message = self.ip.run(shlex.join(words[1:]))
            if not message and 'tun' in words:
                self.attach(words[words.index('dev') + 1])
            return message
        if len(words) < 3 or words[1].startswith('-') or differs_in_batch(words):
            return run(words)
        kind = next((n for n, w in enumerate(words) if w in ('veth', 'dummy') and words[n - 1][:1] == 't'), 0)
        if not kind or not ('link'.startswith(words[1]) and 'add'.startswith(words[2])):
            return self.ip.run(shlex.join(words[1:]))
        # Its other end goes to the far namespace, whatever the operator called it.
        self.far.created += 1
        name = f'p{self.far.created}'
        if (peer := [w for w in words[kind + 1 :] if w not in ('peer', 'name')][:1]) and words[kind] == 'veth':
            self.peers[peer[0]] = name
        to = ['veth', 'peer', 'name', name, 'mtu', '65535', 'netns', f'/proc/{os.getpid()}/fd/{self.far.namespace}']
        message = self.ip.run(shlex.join(words[1:kind] + to))
        if not message:
            set_up(self.far.control, name)
            self.far.names[index_of(self.far.control, name)] = name
        return message

    def iptables_command(self, index, command, words):
        """Appended and inserted rules wait, to be committed together; they do not depend on anything but each other."""
        words = words[1:]
        table = 'filter'
        if len(words) > 1 and words[0] == '-t':
            table, words = words[1], words[2:]
        if self.far.restore and words[:1] and words[0] in ('-A', '-I') and '-t' not in words:
            self.rules.append((index, command, table, words))
            return []
        return self.flush_rules() + self.single_rule(index, command, table, words)

    def single_rule(self, index, command, table, words):
        message = run([self.far.iptables, '-w', '-t', table, *words])
        return [{'index': index, 'command': command, 'message': message}] if message else []

    def flush_rules(self):
        """Commits waiting rules with one restore; where that is refused, one by one, to learn which rule it was."""
        rules, self.rules = self.rules, []
        if len(rules) > 1:
            text, lines, previous = '', [], None
            for rule in rules:
                if rule[2] != previous:
                    text += f'{"COMMIT" if previous else "#"}\n*{rule[2]}\n'
                    previous = rule[2]
                text += ' '.join(quote(word) for word in rule[3]) + '\n'
                lines.append(text.count('\n'))
            text += 'COMMIT\n'
            done = subprocess.run([self.far.restore, '-w', '--noflush'], input=text, capture_output=True, text=True)
            if done.returncode == 0:
                return []
            # Tables before the one that failed are committed.
            failed = re.search(r'line:? (\d+)', done.stderr)
            at = int(failed[1]) if failed else 0
            tables = (n for n, line in enumerate(text.splitlines(), 1) if line.startswith('*') and n < at)
            started = max(tables, default=0)
            rules = [rule for rule, line in zip(rules, lines) if line > started]
        return [refusal for rule in rules for refusal in self.single_rule(*rule)]

    def sysctl(self, words):
        for word in words:
            if word.startswith('-') or '=' not in word:
                continue
            key, _, value = (part.strip() for part in word.partition('='))
            swap = {'.': '/', '/': '.'} if re.search(r'[./]', key)[0] == '.' else {}
            path = '/proc/sys/' + ''.join(swap.get(c, c) for c in key)
            try:
                with open(path, 'w') as file:
                    file.write(value)
            except FileNotFoundError:
                return f'sysctl: cannot stat {path}: No such file or directory'
            except OSError as error:
                return f'sysctl: setting key "{key}": {os.strerror(error.errno)}'
        return ''


def differs_in_batch(words):
    """Whether `ip -batch` does something else than `ip`.

    It asks for no strict dumps, so it flushes a table that does not exist without a word; and behind a scope given as a
    number it takes the last name of a scope for that number.
    """
    return 'flush'.startswith(words[2]) or any(a == 'scope' and b.isdigit() for a, b in zip(words, words[1:]))


def quote(word):
    return '"' + word.replace('\\', '\\\\').replace('"', '\\"') + '"' if re.search(r'[\s"\'\\]', word) else word


def hierarchy(kind, controller=''):
    """Where a hierarchy of control groups is mounted; one that is not is mounted for this process and its children alone."""
    with open('/proc/mounts') as file:
        mounts = [line.split() for line in file]
    for _, place, type_, options, *_ in mounts:
        if type_ == kind and (not controller or controller in options.split(',')):
            return place
    place = {'cgroup2': '/mnt', 'cgroup': '/media'}[kind]
    checked(libc.unshare(CLONE_NEWNS))
    checked(libc.mount(b'none', b'/', None, MS_REC | MS_PRIVATE, None))
    checked(libc.mount(b'none', place.encode(), kind.encode(), 0, controller.encode() or None))
    return place


def remove_group(group):
    """Another player may be in it for the moment in which it opens a socket, or have removed it."""
    for _ in range(100):
        try:
            os.rmdir(group)
            return
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno != errno.EBUSY:
                raise
        time.sleep(0.02)


def output(words):
    """What a program prints, '' where it is not installed or fails."""
    if not shutil.which(words[0]):
        return ''
    done = subprocess.run(words, capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else ''


def run(words):
    """Runs one program; returns what it complained about, '' when it succeeded."""
    done = subprocess.run(words, capture_output=True, text=True)
    return '' if done.returncode == 0 else (done.stderr.strip() or f'{words[0]} ended with {done.returncode}')
