"""Plays the events of a scenario: system calls on one side, the peer on the other, what left the host in between."""
import contextlib
import ctypes
import errno
import hashlib
import os
import select
import socket
import struct
import time
from dataclasses import dataclass, field

from kernel import libc
from packets import (
    ACK, ECHO_REPLY, ECHO_REQUEST, ETH_ARP, ETH_IP, ETH_MARKER, FIN, ICMP, MD5_KEY, NAMES, OPT_FASTOPEN, OPT_MD5, OPT_MSS, OPT_SACK_PERM, OPT_TIMESTAMP, OPT_WSCALE, PSH, RST, SYN,
    TCP, UDP, Packet, arp_reply, before, ip_bytes, mac_of, option_bytes, parse_ip, transport_bytes,
)  # fmt: skip

ARPHRD_IPGRE = 778
IP_PKTINFO, IP_TRANSPARENT, PACKET_OUTGOING, TP_STATUS_CSUMNOTREADY = 8, 19, 4, 8
IP_UNICAST_IF, IPTOS_RT_MASK = 50, 0x1C
NO_LINK = 0x7FFFFFFF
TCP_FASTOPEN, TCP_FASTOPEN_CONNECT, MSG_FASTOPEN = 23, 30, 0x20000000
TCP_MD5SIG_EXT, TCP_MD5SIG_FLAG_PREFIX = 32, 1
FASTOPEN_QUEUE = 16
STATES = (
    '', 'ESTABLISHED', 'SYN_SENT', 'SYN_RECV', 'FIN_WAIT1', 'FIN_WAIT2', 'TIME_WAIT', 'CLOSE', 'CLOSE_WAIT', 'LAST_ACK',
    'LISTEN', 'CLOSING', 'NEW_SYN_RECV',
)  # fmt: skip
LINGER_ABORT, LINGER_OFF = struct.pack('ii', 1, 0), struct.pack('ii', 0, 0)
PEER_ISN = 1000
# The source port, or echo identifier, that users of raw sockets write into a header of their own.
HANDMADE_PORT = 5000
# A copy of a segment that comes this long after the first one was sent by a timer, not by the event.
TIMER_SECONDS = 0.15
# Timers that are set so far apart fire in their order; of those in one slot of the timer wheel the last comes first, and
# has its packet counted first.
SLOT_SECONDS = 0.1
# What the kernel forgets with an address or a link, masqueraded connections among it, a worker of its own forgets a moment later.
FORGETTING_SECONDS = 0.1
MAX_OPTION_BYTES = 40
# What the peer takes up of a SYN that offers it.
TAKEN_UP = {OPT_WSCALE: b'\7', OPT_SACK_PERM: b''}
DEFAULT_LIMITS = {'wait': 2.0, 'retransmit': 10.0}


class NotExpressible(Exception):
    """A real kernel cannot be asked for this."""


@dataclass
class Flow:
    """What the peer knows of a conversation; named by the key of the packets that the host sends in it."""

    # The event that it began in.
    began: int
    owner: str = ''
    host_next: int = 0
    host_ack: int = 0
    peer_next: int | None = None
    seen: dict = field(default_factory=dict)
    # The furthest packet of the host that came in good order, and the link it left by.
    heard: Packet | None = None
    heard_by: str = ''
    # The peer's last packet, and the link it came by.
    said: Packet | None = None
    said_by: str = ''
    # Rises with every packet heard and said.
    heard_at: int = 0
    said_at: int = 0


class Sock:
    """A socket of the scenario. `sock` is None once it is closed, and where it could not be opened."""

    def __init__(self, kind, protocol, sock, since=0, asked=None):
        self.kind, self.protocol, self.sock, self.since = kind, protocol, sock, since
        # The event that opened it, with its options.
        self.asked = asked or {}
        self.sequence = 0
        self.children = 0
        self.ended = False
        self.last_name, self.last_peer = ('0.0.0.0', 0), ('0.0.0.0', 0)
        self.file_name = {'tcp': 'tcp', 'udp': 'udp', 'ping': 'icmp'}.get(kind, 'raw')
        if sock is None:
            return
        self.inode = os.fstat(sock.fileno()).st_ino
        sock.setblocking(False)
        if kind == 'tcp':
            # Should this process die, its connections end at once instead of keeping the namespace.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ABORT)

    def name(self):
        try:
            return self.sock.getsockname()[:2]
        except OSError:
            return ('0.0.0.0', 0)

    def listens(self):
        return self.sock is not None and self.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN) == 1

    def peer(self):
        try:
            return self.sock.getpeername()[:2]
        except OSError:
            return ('0.0.0.0', 0)


def index_of_link(name):
    """The index of a link; for a name that no link has, one that no link has."""
    try:
        return socket.if_nametoindex(name)
    except OSError:
        return NO_LINK


def md5_key(_):
    """struct tcp_md5sig with a key for every peer."""
    anybody = struct.pack('=H6x', socket.AF_INET).ljust(128, b'\0')
    return anybody + struct.pack('=BBHi80s', TCP_MD5SIG_FLAG_PREFIX, 0, len(MD5_KEY), 0, MD5_KEY)


# The options of a new socket by the field of the event: level, option, and how the value is passed.
SOCKET_OPTIONS = {
    'mark': (socket.SOL_SOCKET, socket.SO_MARK, lambda mark: struct.pack('I', mark)),
    'dev': (socket.SOL_SOCKET, socket.SO_BINDTODEVICE, lambda dev: dev.encode() + b'\0'),
    'dontroute': (socket.SOL_SOCKET, socket.SO_DONTROUTE, int),
    'broadcast': (socket.SOL_SOCKET, socket.SO_BROADCAST, int),
    'unicastIf': (socket.IPPROTO_IP, IP_UNICAST_IF, lambda dev: struct.pack('!I', index_of_link(dev))),
    'tos': (socket.IPPROTO_IP, socket.IP_TOS, int),
    'transparent': (socket.IPPROTO_IP, IP_TRANSPARENT, int),
    'md5': (socket.IPPROTO_TCP, TCP_MD5SIG_EXT, md5_key),
}


def options_of(event):
    """What sets the options of a socket event on a socket, a function each."""
    for field, (level, option, value) in SOCKET_OPTIONS.items():
        if field in event:
            yield lambda sock: sock.setsockopt(level, option, value(event[field]))


@contextlib.contextmanager
def as_user(event):
    """Sockets opened inside belong to the user and the group of the event."""
    libc.setfsgid(event.get('gid', 0))
    libc.setfsuid(event.get('uid', 0))
    try:
        yield
    finally:
        libc.setfsuid(0)
        libc.setfsgid(0)


@contextlib.contextmanager
def in_group(host, cgroup):
    """Sockets opened inside are of that control group."""
    if not cgroup:
        yield
        return
    root, path = host.control_group(cgroup)
    move_to(f'{root}/{path}')
    try:
        yield
    finally:
        move_to(root)


def move_to(group):
    with open(f'{group}/cgroup.procs', 'w') as file:
        file.write(str(os.getpid()))


def cookie_for(saddr, daddr):
    """The peer's Fast Open cookie: like a real server's it depends on the address pair."""
    return hashlib.md5(f'{saddr} {daddr}'.encode()).digest()[:8]


class Play:
    """One run of a scenario on a host."""

    def __init__(self, host, limits, keep=None):
        self.host = host
        self.keep = keep or (lambda seen: None)
        self.limits = DEFAULT_LIMITS | (limits or {})
        self.sockets = {}
        self.flows = {}
        self.last = {}
        self.issued = {}
        self.packets, self.loopback, self.late = [], [], []
        self.calls, self.names, self.refused, self.notes, self.deliveries = [], [], [], [], []
        self.markers, self.crossed = 0, 0
        self.classid, self.class_root = 0, ''
        self.index, self.verb, self.subject = 0, '', ''

    def run(self, events):
        """Plays all events, as scenario/events.ts gives them; stops at the first that cannot be expressed.

        An event has its `kind`, its fields as far as they were written, and its `text`.
        """
        for self.index, event in enumerate(events):
            self.keep(self.seen())
            self.verb, self.subject = event['kind'], event.get('s', '')
            waited_for = self.host.counts and any(later['kind'] == 'retransmit' for later in events[self.index :])
            if waited_for and self.verb in ('connect', 'send') and self.timers_of_others():
                time.sleep(SLOT_SECONDS)
            try:
                getattr(self, f'do_{self.verb}')(event)
            except NotExpressible as error:
                self.notes.append({'event': self.index, 'not_expressible': str(error)})
                break
            except ValueError as error:
                raise ValueError(f'events[{self.index}]: {event["text"]}: {error}') from error
            self.settle()
            self.names.append(self.local_names())
        return self.result()

    # System calls

    def call(self, name, action):
        """Runs a system call; records its errno, '' for none. A connect under way counts as done."""
        code = ''
        try:
            if name != 'socket' and self.sockets[self.subject].sock is None:
                raise OSError(errno.EBADF, '')
            action()
        except OSError as error:
            if error.errno != errno.EINPROGRESS:
                code = errno.errorcode.get(error.errno, str(error.errno))
        self.calls.append({'event': self.index, 'socket': self.subject, 'call': name, 'errno': code})
        return not code

    def open_sock(self, name):
        """The socket of that name; one whose opening failed, or that was never accepted, answers every call with EBADF."""
        if '.' in name and name.split('.')[0] in self.sockets:
            self.sockets.setdefault(name, Sock('tcp', TCP, None))
        sock = self.sockets.get(name)
        if sock is None:
            raise ValueError(f'there is no socket "{name}"')
        return sock

    def do_socket(self, event):
        name, kind = event['s'], event['type']
        protocol = {'tcp': TCP, 'udp': UDP, 'ping': ICMP, 'raw': event.get('protocol'), 'hdrincl': socket.IPPROTO_RAW}[kind]
        style = {'tcp': socket.SOCK_STREAM, 'udp': socket.SOCK_DGRAM, 'ping': socket.SOCK_DGRAM}.get(kind, socket.SOCK_RAW)
        if unknown := event.keys() - SOCKET_OPTIONS.keys() - {'kind', 'text', 's', 'type', 'protocol', 'uid', 'gid', 'cgroup', 'classid'}:
            raise NotExpressible(f'the player does not know {", ".join(unknown)}')
        made = []
        self.last.pop(name, None)

        self.join_class(event.get('classid', 0))

        def make():
            with in_group(self.host, event.get('cgroup', '').strip('/')), as_user(event):
                made.append(socket.socket(socket.AF_INET, style, protocol))

        opened = self.call('socket', make)
        self.sockets[name] = Sock(kind, 0 if kind == 'hdrincl' else protocol, made[0] if opened else None, self.index, event)
        for set_option in options_of(event) if opened else ():
            self.call('setsockopt', lambda: set_option(made[0]))

    def join_class(self, classid):
        """Moves this process into a class of net_cls. All its sockets go with it, so that all are of one class."""
        if classid == self.classid:
            return
        if self.sockets:
            raise NotExpressible('the sockets of a process are of one class of net_cls')
        root, path = self.host.control_group(f'reroute-check-{classid:x}', classid)
        move_to(f'{root}/{path}')
        self.classid, self.class_root = classid, root

    def do_bind(self, event):
        sock = self.open_sock(event['s'])
        self.call('bind', lambda: sock.sock.bind(tuple(event['to'])))

    def do_listen(self, event):
        sock = self.open_sock(event['s'])

        def listen():
            if 'tfo' in event:
                sock.sock.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN, FASTOPEN_QUEUE)
            sock.sock.listen(16)

        self.call('listen', listen)

    def do_connect(self, event):
        sock = self.open_sock(event['s'])

        def connect():
            if 'tfo' in event:
                sock.sock.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1)
            sock.sock.connect(tuple(event['to']))

        self.call('connect', connect)

    def do_close(self, event):
        sock = self.open_sock(event['s'])

        def close():
            sock.last_name = sock.name()
            sock.last_peer = sock.peer()
            if sock.kind == 'tcp':
                sock.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_OFF)
            sock.sock.close()
            sock.sock = None

        self.call('close', close)

    def do_send(self, event):
        sock = self.open_sock(event['s'])
        address, port = event.get('to', (None, 0))
        source = event.get('from')
        payload = counting(event['len'])
        if sock.kind == 'ping':
            sock.sequence += 1
            echo = Packet('0.0.0.0', '0.0.0.0', ICMP, seq=sock.sequence, payload=payload)
            echo.icmp_type = ECHO_REQUEST
            payload = transport_bytes(echo)
        if sock.kind in ('raw', 'hdrincl') and sock.sock:
            payload = self.handmade(sock, payload, address, port, source, event)
        if sock.kind in ('raw', 'hdrincl', 'ping'):
            port = 0
        to = (address, port) if address else None
        flags = (MSG_FASTOPEN if 'tfo' in event else 0) | (socket.MSG_DONTROUTE if 'dontroute' in event else 0)

        def send():
            control, given = [], source if source and sock.kind != 'hdrincl' else None
            if given or 'via' in event:
                device = index_of_link(event['via']) if 'via' in event else 0
                info = struct.pack('=i', device) + socket.inet_aton(given or '0.0.0.0') + bytes(4)
                control = [(socket.IPPROTO_IP, IP_PKTINFO, info)]
            sock.sock.sendmsg([payload], control, flags, *([to] if to else []))

        self.call('send', send)

    def handmade(self, sock, payload, address, port, source, event):
        """What a user of a raw socket writes: the transport header, and for hdrincl the IP header in front."""
        flags, via = event.get('flags'), event.get('via', '')
        protocol = sock.protocol or (TCP if flags is not None else UDP if port else ICMP)
        address, port = (address, port) if address else sock.peer()
        p = Packet(source or self.likely_source(sock, address, via), address, protocol, dport=port, payload=payload)
        p.sport = HANDMADE_PORT
        if protocol == TCP:
            p.seq, p.flags = 1, flags or 0
        if protocol == ICMP:
            sock.sequence += 1
            p.dport, p.icmp_type, p.seq = 0, ECHO_REQUEST, sock.sequence
        if sock.kind == 'raw':
            return transport_bytes(p)
        data = ip_bytes(p)
        if 'short' in event:
            data = b'\x44' + data[1:10] + bytes(2) + data[12:]
        return data[:12] + socket.inet_aton(source or '0.0.0.0') + data[16:]

    def likely_source(self, sock, address, via=''):
        """The source that a user of raw sockets computes a checksum for: the bound one, else what a like socket gets."""
        if sock.name()[0] != '0.0.0.0' and not via:
            return sock.name()[0]
        with as_user(sock.asked):
            probe = socket.socket(socket.AF_INET, socket.SOCK_RAW, sock.protocol or socket.IPPROTO_RAW)
        with probe:
            try:
                # The link of the message counts instead of that of IP_UNICAST_IF, and a socket cannot have two.
                asked = {name: value for name, value in sock.asked.items() if not (via and name == 'unicastIf')}
                for set_option in options_of(asked | ({'dev': via} if via else {})):
                    set_option(probe)
                probe.connect((address, 0))
                return probe.getsockname()[0]
            except OSError:
                return self.routed_source(sock, address)

    def routed_source(self, sock, address):
        """The source that one lookup gives: connect() makes a second one with it, which may be refused."""
        words = [address]
        for field, word in (('mark', 'mark'), ('uid', 'uid'), ('dev', 'oif')):
            words += [word, str(sock.asked[field])] if field in sock.asked else []
        words += ['tos', str(sock.asked.get('tos', 0) & IPTOS_RT_MASK)]
        if sock.protocol in NAMES:
            words += ['ipproto', NAMES[sock.protocol]]
        return self.host.ip.ask([' '.join(words)])[0].get('prefsrc', '0.0.0.0')

    # The world outside

    def do_answer(self, event):
        """Answers the last packet of a socket, once, as a correct peer would; not at all when a checksum is wrong."""
        name = event['s']
        dev, p = self.last.get(name, ('', None))
        sock = self.sockets.get(name)
        gone = sock is not None and sock.sock is None and not self.lives_on(sock)
        if p is None or gone:
            self.note('nothing to answer')
            return
        del self.last[name]
        reply = self.answer_to(p)
        if reply is None:
            self.note('the peer does not answer')
        else:
            self.inject(dev, reply)

    def lives_on(self, sock):
        """Whether the kernel still has a socket that its user closed."""
        return (*sock.last_name, *sock.last_peer) in proc_sockets(sock.file_name)[1]

    def answer_to(self, p):
        if not p.correct():
            return None
        reply = Packet(p.daddr, p.saddr, p.protocol, sport=p.dport, dport=p.sport)
        if p.protocol == UDP:
            reply.payload = p.payload
            return reply
        if p.protocol == ICMP and p.icmp_type == ECHO_REQUEST:
            reply.icmp_type, reply.sport, reply.dport = ECHO_REPLY, p.sport, 0
            reply.seq, reply.payload = p.seq, p.payload
            return reply
        if p.protocol != TCP or p.flags & RST or not p.space():
            return None
        reply.seq, reply.ack, reply.flags = p.ack, p.end(), ACK
        reply.options = options_after(p)
        if p.flags & SYN and not p.flags & ACK:
            reply.seq, reply.flags = PEER_ISN, SYN | ACK
            reply.options[OPT_MSS] = struct.pack('!H', 1460)
            reply.options |= {kind: value for kind, value in TAKEN_UP.items() if kind in p.options}
            if OPT_FASTOPEN in p.options:
                cookie = cookie_for(p.saddr, p.daddr)
                if p.options[OPT_FASTOPEN] != cookie:
                    reply.ack = (p.seq + 1) & 0xFFFFFFFF
                    offered = reply.options | {OPT_FASTOPEN: cookie}
                    reply.options = offered if len(option_bytes(offered)) <= MAX_OPTION_BYTES else reply.options
            elif p.payload:
                reply.ack = (p.seq + 1) & 0xFFFFFFFF
        elif p.flags & FIN:
            reply.flags |= FIN
        return reply

    def do_say(self, event):
        """The peer of a socket sends of its own accord: behind all it has sent on a connection, or a datagram."""
        name, sock = event['s'], self.open_sock(event['s'])
        flows = [flow for flow in self.flows.values() if flow.owner == name and flow.began >= sock.since and flow.heard]
        if sock.kind == 'tcp':
            flows = [flow for flow in flows if flow.said]
        flow = max(flows, key=lambda flow: flow.said_at if sock.kind == 'tcp' else flow.heard_at, default=None)
        if flow is None or (sock.sock is None and not self.lives_on(sock)):
            self.note('the peer has nobody to send to')
            return
        heard = flow.heard
        p = Packet(heard.daddr, heard.saddr, heard.protocol, sport=heard.dport, dport=heard.sport, payload=counting(event['len']))
        if p.protocol == TCP:
            if heard.flags & (ACK | RST) != ACK or flow.said.flags & (FIN | RST) or not p.payload:
                self.note('the connection is not open')
                return
            p.seq, p.ack, p.flags, p.options = flow.peer_next, heard.end(), PSH | ACK, options_after(heard)
        self.inject(flow.said_by or flow.heard_by, p)

    def do_receive(self, event):
        """Injects a packet; in a conversation under way it gets the numbers that come next."""
        told = event['packet']
        p = Packet(told['saddr'], told['daddr'], told['protocol'], told['tos'], payload=counting(told['len']))
        p.sport, p.dport, p.flags = told.get('sport', 0), told.get('dport', 0), told.get('flags', 0)
        if p.protocol == ICMP:
            p.icmp_type, p.icmp_code, p.sport, p.seq = told['icmp_type'], told['icmp_code'], 1, 1
        flow = self.flows.get((p.protocol, p.daddr, p.dport, p.saddr, p.sport))
        if p.protocol == TCP:
            p.seq, p.window = PEER_ISN, told['win']
            if flow:
                p.seq = flow.host_ack or flow.peer_next or PEER_ISN
            if p.flags & ACK:
                if not (flow and flow.host_next) and (p.daddr, p.dport, p.saddr, p.sport) in connections():
                    raise NotExpressible('the peer has seen no sequence number that it could acknowledge')
                p.ack = flow.host_next if flow and flow.host_next else 1
            if 'cookie' in told:
                p.options[OPT_FASTOPEN] = self.cookie_of(told['cookie'], p.daddr)
        self.inject(event['dev'], p)

    def cookie_of(self, client, daddr):
        """The Fast Open cookie that the host gave to an address, none for '', which asks for one.

        It depends on a secret, so one must have been asked for.
        """
        cookie = self.issued.get((client, daddr)) if client else b''
        if cookie is None:
            raise NotExpressible(f'{daddr} has given no Fast Open cookie to {client} that could be presented')
        return cookie

    def inject(self, dev, p):
        link = self.host.links.get(dev)
        if dev in self.host.tuns:
            self.note_arrival(dev, p)
            os.write(self.host.tuns[dev], ip_bytes(p))
            return
        if link is None or not link.far:
            raise NotExpressible(f'no packet can arrive on {dev}')
        self.note_arrival(dev, p)
        frame = link.mac + mac_of(p.saddr) + struct.pack('!H', ETH_IP) + ip_bytes(p)
        self.far_send(link.far, frame)

    def note_arrival(self, dev, p):
        """Notes what the peer sends, and the number that comes next."""
        flow = self.flows.setdefault((p.protocol, p.daddr, p.dport, p.saddr, p.sport), Flow(self.index))
        self.crossed += 1
        flow.said, flow.said_by, flow.said_at = p, dev, self.crossed
        if p.protocol == TCP:
            flow.peer_next = p.end()

    def far_send(self, name, frame):
        try:
            self.host.far.capture.sendto(frame, (name, 0))
        except OSError as error:
            if error.errno not in (errno.ENETDOWN, errno.ENXIO, errno.ENODEV, errno.ENOBUFS):
                raise

    def do_retransmit(self, event):
        """Waits until the kernel's own timer sends something of this socket again."""
        name = event['s']
        sock = self.open_sock(name)
        if not self.outstanding(sock):
            self.note('nothing is outstanding')
            return
        before, end = len(self.packets), time.monotonic() + self.limits['retransmit']
        fired, others = self.timeouts(sock), self.timers_of_others()
        while time.monotonic() < end:
            dropped = self.timeouts(sock) != fired
            self.collect()
            if dropped or any(p['socket'] == name for p in self.packets[before:]):
                if self.host.counts and self.timers_of_others() != others:
                    del self.packets[before:]
                    raise NotExpressible('the timer of another socket fired first, and a rule counts packets')
                return
            select.select([self.host.far.capture], [], [], max(0, min(0.1, end - time.monotonic())))
        raise NotExpressible(f'its timer did not fire within {self.limits["retransmit"]} s')

    def rows(self, sock):
        """What the kernel lists of a TCP socket: its own row, or those of a listener's requests."""
        if sock.kind != 'tcp':
            return []
        by_inode, by_name = proc_sockets('tcp')
        row = by_inode.get(sock.inode) if sock.sock else by_name.get((*sock.last_name, *sock.last_peer))
        if row and row['state'] == 'LISTEN':
            return [r for (_, port, _, _), r in by_name.items() if port == sock.name()[1] and r['state'] == 'SYN_RECV']
        return [row] if row else self.unlisted(sock)

    def unlisted(self, sock):
        """What an open socket that is in no table says of itself."""
        if not sock.sock:
            return []
        info = sock.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 28)
        unacked = struct.unpack('=I', info[24:28])[0]
        return [{'state': STATES[info[0]], 'queued': unacked, 'timeouts': [info[2], info[3]]}]

    def outstanding(self, sock):
        """Whether a timer may be running: for a request, for what was not acknowledged, for what could not be sent."""
        return any(row['state'] == 'SYN_RECV' or row['queued'] > 0 for row in self.rows(sock))

    def timeouts(self, sock):
        """How often its timers have fired: nothing else shows it where what they sent was dropped."""
        return [row['timeouts'] for row in self.rows(sock)]

    def timers_of_others(self):
        """How often the timers of every other TCP socket have fired, where one is running."""
        others = {name: sock for name, sock in self.sockets.items() if name != self.subject and sock.kind == 'tcp'}
        return {name: self.timeouts(sock) for name, sock in others.items() if self.outstanding(sock)}

    def do_host(self, event):
        command = event['text'].partition('host')[2].strip()
        for refused in self.host.command(self.index, command) + self.host.settle():
            self.refused.append({'event': self.index, 'command': refused['command'], 'message': refused['message']})
        words = command.split()
        if words[:1] == ['ip'] and {'del', 'delete', 'flush', 'down'} & set(words):
            time.sleep(FORGETTING_SECONDS)

    def do_wait(self, event):
        seconds = event['ms'] / 1000
        if seconds > self.limits['wait']:
            raise NotExpressible(f'waiting {seconds:g} s; the limit is {self.limits["wait"]} s')
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            select.select([self.host.far.capture], [], [], left)
            self.collect()

    def note(self, text):
        self.notes.append({'event': self.index, 'note': text})

    # What left the host

    def settle(self):
        """Lets the host finish: until a round brings neither a packet nor anything for a socket."""
        self.serve()
        while self.collect() or self.serve():
            pass

    def serve(self):
        """Does what programs do after each event: accepts, reads all that came, sends an acknowledgement held back."""
        busy = False
        for name, sock in list(self.sockets.items()):
            if sock.sock is None:
                continue
            if sock.kind == 'tcp':
                if sock.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == STATES.index('LISTEN'):
                    busy |= self.accept(name, sock)
                    continue
            while self.read(name, sock):
                busy = True
            if sock.kind == 'tcp':
                sock.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return busy

    def read(self, name, sock):
        """Reads what came next for a socket, an error or the end of a connection included; tells whether there was anything."""
        try:
            data, address = sock.sock.recvfrom(65536)
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.ENOTCONN):
                return False
            code = errno.errorcode.get(error.errno, str(error.errno))
            self.calls.append({'event': self.index, 'socket': name, 'call': 'recv', 'errno': code})
            return True
        if sock.kind != 'tcp':
            source = '%s:%d' % address if sock.kind == 'udp' else address[0]
            if sock.kind == 'raw':
                data = parse_ip(data).payload
            elif sock.kind == 'ping':
                data = data[8:]  # behind the ICMP header
            self.deliveries.append({'event': self.index, 'socket': name, 'from': source, 'length': len(data)})
        elif data:
            self.deliveries.append({'event': self.index, 'socket': name, 'from': '', 'length': len(data)})
        elif sock.ended:
            return False
        else:
            sock.ended = True
        return True

    def accept(self, name, listener):
        busy = False
        while True:
            try:
                sock, peer = listener.sock.accept()
            except OSError:
                return busy
            listener.children += 1
            child = f'{name}.{listener.children}'
            self.sockets[child] = Sock('tcp', TCP, sock, since=listener.since)
            key = (TCP, *sock.getsockname()[:2], *peer[:2])
            self.flows.setdefault(key, Flow(self.index)).owner = child
            if name in self.last and self.last[name][1].key() == key:
                self.last[child] = self.last.pop(name)
            busy = True

    def collect(self):
        """Takes in everything that the host has sent by now; tells whether there was anything.

        A marker sent behind it by every link comes last: all of a link's packets pass one queue.
        """
        far, busy = self.host.far, False
        links = {link.far: link for link in self.host.links.values() if link.far}
        self.markers += 1
        awaited = set()
        for link in links.values():
            try:
                self.host.local.sendto(struct.pack('!I', self.markers), (link.name, ETH_MARKER, 0, 0, b'\xff' * 6))
                awaited.add(link.far)
            except OSError:
                pass  # the link is down
        end = time.monotonic() + 0.05
        while True:
            try:
                frame, address = far.capture.recvfrom(65536)
            except BlockingIOError:
                left = end - time.monotonic()
                if not awaited or left <= 0:
                    break
                select.select([far.capture], [], [], left)
                continue
            name = address[0]
            if name not in links:
                continue
            kind = struct.unpack('!H', frame[12:14])[0]
            if kind == ETH_MARKER and frame[14:18] == struct.pack('!I', self.markers):
                awaited.discard(name)
            elif kind == ETH_ARP and (reply := arp_reply(frame)):
                self.far_send(name, reply)
                busy = True
            elif kind == ETH_IP:
                self.sent(links[name].name, frame)
                busy = True
        return self.collect_tuns() or self.collect_local() or busy

    def collect_tuns(self):
        """Packets that a program would read from its link."""
        busy = False
        for name, tun in self.host.tuns.items():
            with contextlib.suppress(BlockingIOError, OSError):
                while packet := os.read(tun, 65536):
                    if packet[0] >> 4 == 4:
                        self.sent(name, bytes(14) + packet)
                        busy = True
        return busy

    def collect_local(self):
        """Packets that left by a link without a far end: loopback and tunnels."""
        busy = False
        while True:
            try:
                data, control, _, address = self.host.local.recvmsg(65536, 64)
            except BlockingIOError:
                return busy
            link = self.host.links.get(address[0])
            if address[1] != ETH_IP or address[2] != PACKET_OUTGOING or link is None or link.far or address[0] in self.host.tuns:
                continue
            offloaded = any(struct.unpack('I', value[:4])[0] & TP_STATUS_CSUMNOTREADY for _, _, value in control)
            if address[3] == ARPHRD_IPGRE:
                # A gre link stands for a wire: where it leads nobody listens.
                self.sent(address[0], bytes(14) + data, offloaded)
            else:
                self.loopback.append({'event': self.index, 'dev': address[0]} | parse_ip(data, offloaded).to_json())
            busy = True

    def sent(self, dev, frame, offloaded=False):
        """Notes one packet of the host: whose it is, where it goes, whether a timer sent it behind the event's back."""
        p = parse_ip(frame[14:], offloaded)
        flow = self.flow_of(p)
        now = time.monotonic()
        if p.protocol == TCP:
            flow.host_next = p.end()
            if p.flags & ACK:
                flow.host_ack = p.ack
            if p.flags & SYN and p.flags & ACK and p.options.get(OPT_FASTOPEN):
                self.issued[p.daddr, p.saddr] = p.options[OPT_FASTOPEN]
        further = p.protocol != TCP or p.flags & (SYN | ACK) == SYN or not flow.heard or not before(p.end(), flow.heard.end())
        if p.correct() and further:
            self.crossed += 1
            flow.heard, flow.heard_by, flow.heard_at = p, dev, self.crossed
        hop = socket.inet_ntoa(frame[2:6]) if frame[:2] == b'\x02\x00' else p.daddr if frame[0] & 1 else ''
        out = {'event': self.index, 'socket': flow.owner, 'dev': dev, 'nexthop': hop}
        if hop not in ('', p.daddr):
            out['gateway'] = hop
        out |= p.to_json()
        again = (p.seq, p.flags, len(p.payload))
        first = flow.seen.setdefault(again, now)
        owner = self.sockets.get(flow.owner)
        # No timer sends what the user of a raw socket has made.
        asked = (self.verb == 'retransmit' and flow.owner == self.subject) or (owner is not None and owner.kind != 'tcp')
        if p.protocol == TCP and p.space() and now - first > TIMER_SECONDS and not asked:
            self.late.append(out)
            return
        # A reset without ACK is the kernel's answer to a wrong number, not a packet of the socket.
        if flow.owner and not (p.protocol == TCP and p.flags & (RST | ACK) == RST):
            self.last[flow.owner] = (dev, p)
        self.packets.append(out)

    def flow_of(self, p):
        """The flow of a packet; another socket that gets the same ports begins it anew."""
        flow = self.flows.setdefault(p.key(), Flow(self.index))
        own = self.sockets.get(self.subject)
        # A raw socket has one port only: what else is sent meanwhile is a timer's.
        fits = own and own.protocol in (p.protocol, 0) and (p.protocol != TCP or own.kind == 'tcp' or p.sport == HANDMADE_PORT)
        if flow.owner and flow.owner != self.subject and fits and self.verb in ('connect', 'send'):
            flow = self.flows[p.key()] = Flow(self.index)
        flow.owner = flow.owner or self.owner_of(p)
        return flow

    def owner_of(self, p):
        """The socket that a packet of a new flow belongs to: the event's own, else the one at its local port."""
        own = self.sockets.get(self.subject)
        if own and own.protocol in (p.protocol, 0) and self.verb in ('connect', 'send', 'close', 'retransmit'):
            return self.subject
        if p.protocol == TCP and not p.flags & SYN:
            return ''  # a reset of the kernel's own
        for name, sock in self.sockets.items():
            if sock.sock and sock.kind in ('tcp', 'udp') and sock.protocol == p.protocol and sock.name()[1] == p.sport:
                return name
        # A proxy answers from the port that its client asked for, which may be nobody's.
        proxies = [name for name, sock in self.sockets.items() if sock.asked.get('transparent') and sock.listens()]
        return proxies[0] if len(proxies) == 1 and p.protocol == TCP and p.flags & ACK else ''

    # Sockets

    def local_names(self):
        """getsockname() of every open socket."""
        return {name: '%s:%d' % sock.name() for name, sock in self.sockets.items() if sock.sock}

    def seen(self):
        """What was seen so far, but for the sockets."""
        return {
            'packets': self.packets,
            'names': self.names,
            'calls': self.calls,
            'deliveries': self.deliveries,
            'refused': self.refused,
            'loopback': self.loopback,
            'late': self.late,
            'notes': self.notes,
        }

    def result(self):
        sockets = {}
        listed = {kind: proc_sockets(kind) for kind in {sock.file_name for sock in self.sockets.values()}}
        for name, sock in self.sockets.items():
            entry = {'closed': sock.sock is None}
            by_inode, by_name = listed[sock.file_name]
            row = by_inode.get(sock.inode) if sock.sock else by_name.get((*sock.last_name, *sock.last_peer))
            if row and not sock.sock and row['state'] == 'SYN_RECV':
                row = None  # a request, which has taken the tuple of a closed one
            saddr, sport = sock.name() if sock.sock else sock.last_name
            entry |= {'state': row['state'] if row else 'CLOSE', 'saddr': saddr, 'sport': sport, 'hashed': bool(row)}
            if row:
                entry |= {'rcv_saddr': row['rcv_saddr'], 'daddr': row['daddr'], 'dport': row['dport']}
            elif sock.sock and sock.kind == 'tcp':
                info = sock.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
                entry['state'] = STATES[info[0]]
            sockets[name] = entry
        return {'sockets': sockets, 'outcome': 'ok'} | self.seen()

    def close(self):
        for sock in self.sockets.values():
            if sock.sock:
                sock.sock.close()
        if self.class_root:
            move_to(self.class_root)


def counting(length):
    """What programs and peers send: byte i is i modulo 256."""
    return bytes(i % 256 for i in range(length))


def options_after(heard):
    """The options of a segment that a peer sends behind that of the host: a timestamp and a signature where it has them."""
    options = {OPT_MD5: bytes(16)} if OPT_MD5 in heard.options else {}
    if OPT_TIMESTAMP in heard.options:
        now = int(time.monotonic() * 1000) & 0xFFFFFFFF
        options[OPT_TIMESTAMP] = struct.pack('!I', now) + heard.options[OPT_TIMESTAMP][:4]
    return options


def proc_sockets(kind):
    """The hashed sockets of the current namespace: by inode, and by tuple for those that no file holds."""
    by_inode, by_name = {}, {}
    with open(f'/proc/thread-self/net/{kind}') as file:
        for line in list(file)[1:]:
            words = line.split()
            (saddr, sport), (daddr, dport) = (proc_endpoint(word) for word in words[1:3])
            row = {'state': STATES[int(words[3], 16)], 'rcv_saddr': saddr, 'daddr': daddr, 'dport': dport}
            row['tuple'] = (saddr, sport, daddr, dport)
            row['queued'] = int(words[4].partition(':')[0], 16)
            row['timeouts'] = words[6:9:2]  # of the retransmission timer and of the probe timer
            inode = int(words[9]) if len(words) > 9 else 0
            if inode:
                by_inode[inode] = row
            else:
                by_name[saddr, sport, daddr, dport] = row
    return by_inode, by_name


def connections():
    """The tuples of all TCP sockets but listeners, and of requests."""
    by_inode, by_name = proc_sockets('tcp')
    return set(by_name) | {row['tuple'] for row in by_inode.values()}


def proc_endpoint(text):
    address, _, port = text.partition(':')
    return socket.inet_ntoa(struct.pack('=I', int(address, 16))), int(port, 16)

