#!/usr/bin/python3
"""Runs inside the test kernel: one experiment of NOTES.md on the host that the report describes.

The first line of $REROUTE_IN/experiment is NAME VARIANT [KEY_FILL]. Two links lead to one namespace, which plays both
providers and owns the addresses 8.8.8.8 and 9.9.9.9. Transmit offload is off on every link, and each captured
packet's checksums are recomputed, since virtual links accept wrong ones. Time is the kernel's: nothing waits.
"""

import ctypes
import os
import select
import socket
import struct
import subprocess
import sys
import time

S0, S1 = '10.0.0.1', '10.1.0.1'
MARKED, PLAIN = '8.8.8.8', '9.9.9.9'
CLONE_NEWNET = 0x40000000
MSG_FASTOPEN = 0x20000000
TCP_FASTOPEN = 23

libc = ctypes.CDLL(None, use_errno=True)
began = time.monotonic()


def say(text):
    print(f'{time.monotonic() - began:8.3f}  {text}', flush=True)


def run(*lines):
    for line in lines:
        subprocess.run(line, shell=True, check=True)


def word_sum(data):
    if len(data) % 2:
        data += b'\0'
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def good(flag):
    return 'correct' if flag else 'incorrect'


def describe(packet):
    """One line for an IPv4 packet, in tcpdump's manner, with both checksums recomputed."""
    ihl = (packet[0] & 15) * 4
    length, = struct.unpack('!H', packet[2:4])
    packet = packet[:length]
    protocol = packet[9]
    source, destination = socket.inet_ntoa(packet[12:16]), socket.inet_ntoa(packet[16:20])
    body = packet[ihl:]
    ip = f'ip {good(word_sum(packet[:ihl]) == 0xFFFF)}'
    pseudo = packet[12:20] + struct.pack('!BBH', 0, protocol, len(body))
    if protocol == socket.IPPROTO_TCP:
        sport, dport, seq, ack, offset, bits = struct.unpack('!HHIIBB', body[:14])
        flags = ''.join(c for c, b in zip('FSRP.', (1, 2, 4, 8, 16)) if bits & b)
        options = body[20:(offset >> 4) * 4]
        payload = len(body) - (offset >> 4) * 4
        cookie = ''
        while options:
            if options[0] == 1:
                options = options[1:]
                continue
            if options[0] == 0:
                break
            if options[0] == 34:
                cookie = f' cookie {options[2:options[1]].hex() or "request"}'
            options = options[options[1]:]
        return (f'{source}.{sport} > {destination}.{dport}: [{flags}] seq {seq} ack {ack}{cookie} length {payload}'
                f' ({ip}, tcp {good(word_sum(pseudo + body) == 0xFFFF)})')
    if protocol == socket.IPPROTO_UDP:
        sport, dport, _, check = struct.unpack('!HHHH', body[:8])
        state = 'none' if check == 0 else good(word_sum(pseudo + body) == 0xFFFF)
        return f'{source}.{sport} > {destination}.{dport}: udp length {len(body) - 8} ({ip}, udp {state})'
    if protocol == socket.IPPROTO_ICMP:
        kind = {0: 'echo reply', 8: 'echo request', 3: 'unreachable'}.get(body[0], str(body[0]))
        return f'{source} > {destination}: icmp {kind} ({ip}, icmp {good(word_sum(body) == 0xFFFF)})'
    if protocol == 47 and body[:4] == b'\0\0\x08\0':
        return f'{source} > {destination}: gre ({ip}): {describe(body[4:])}'
    return f'{source} > {destination}: protocol {protocol} ({ip})'


class Lab:
    def __init__(self, variant, fill):
        run(
            'ip netns add isp',
            'ip link add eth0 type veth peer name eth0p netns isp',
            'ip link add eth1 type veth peer name eth1p netns isp',
            'ip addr add 10.0.0.1/24 dev eth0; ip addr add 10.1.0.1/24 dev eth1',
            'ip -n isp addr add 10.0.0.254/24 dev eth0p; ip -n isp addr add 10.1.0.254/24 dev eth1p',
            f'ip -n isp addr add {MARKED}/32 dev lo; ip -n isp addr add {PLAIN}/32 dev lo',
            'for l in eth0 eth1; do ethtool -K $l tx off >/dev/null; ip link set $l up; done',
            'for l in eth0p eth1p; do ip netns exec isp ethtool -K $l tx off >/dev/null; ip -n isp link set $l up; done',
            'ip -n isp link set lo up',
            'ip route add default via 10.0.0.254 src 10.0.0.1',
            'ip route add default via 10.1.0.254 src 10.1.0.1 table 100',
            'ip rule add fwmark 100 table 100',
            f'iptables -t mangle -A OUTPUT -d {MARKED} -j MARK --set-mark 100',
            f'sysctl -qw net.ipv4.reroute_variant={variant} net.ipv4.reroute_key_fill={fill}',
            'sysctl -qw net.ipv4.ping_group_range="0 2147483647" net.ipv4.tcp_fastopen=3',
            'ip netns exec isp sysctl -qw net.ipv4.tcp_fastopen=3 net.ipv4.icmp_ratelimit=0',
        )
        self.home = os.open('/proc/self/ns/net', os.O_RDONLY)
        self.isp = os.open('/run/netns/isp', os.O_RDONLY)
        # Both links resolve their gateway first.
        for gateway in ('10.0.0.254', '10.1.0.254'):
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'', (gateway, 9))
        time.sleep(0.5)
        self.capture = self.there(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(3))
        self.capture.setblocking(False)

    def there(self, *kind):
        """A socket of the providers' namespace; it stays there."""
        assert libc.setns(self.isp, CLONE_NEWNET) == 0
        made = socket.socket(*kind)
        assert libc.setns(self.home, CLONE_NEWNET) == 0
        return made

    def wait(self, seconds):
        """Lets time pass and prints the packets as they come."""
        end = time.monotonic() + seconds
        while True:
            while True:
                try:
                    data, (device, protocol, direction, _, _) = self.capture.recvfrom(65535)
                except BlockingIOError:
                    break
                if protocol != 0x0800 or device == 'lo':
                    continue
                way = 'in ' if direction == 4 else 'out'
                say(f'{device[:-1]} {way} {describe(data)}')
            left = end - time.monotonic()
            if left <= 0:
                return
            select.select([self.capture], [], [], left)

    def drop(self):
        run('ip netns exec isp iptables -t raw -A PREROUTING -p tcp -j DROP')

    def undrop(self):
        run('ip netns exec isp iptables -t raw -F')


def name_of(s):
    host, port, *_ = s.getsockname()
    return f'getsockname {host}:{port}'


def table(text=''):
    """What the established hash of TCP lists."""
    with open('/proc/net/tcp', encoding='ascii') as lines:
        for line in list(lines)[1:]:
            _, local, remote, state, *_ = line.split()
            ends = []
            for end in (local, remote):
                address, port = end.split(':')
                ends.append(f'{socket.inet_ntoa(bytes.fromhex(address)[::-1])}:{int(port, 16)}')
            say(f'/proc/net/tcp{text} {ends[0]} {ends[1]} state {int(state, 16)}')


def attempt(what, call):
    try:
        result = call()
        say(f'{what}: {"ok" if result is None else result}')
        return result
    except OSError as error:
        say(f'{what}: {type(error).__name__} {error}')
        return None


def ping(lab):
    for kind in ('ping', 'raw'):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind == 'ping' else socket.SOCK_RAW, socket.IPPROTO_ICMP)
        s.settimeout(2)
        request = struct.pack('!BBHHH', 8, 0, 0, 77, 1) + b'abcd'
        request = request[:2] + struct.pack('!H', 0xFFFF - word_sum(request)) + request[4:]
        for where in (MARKED, MARKED, PLAIN):
            say(f'-- {kind} socket, echo request to {where}')
            attempt('sendto', lambda: s.sendto(request, (where, 0)))
            lab.wait(0.5)
            attempt('recvfrom', lambda: s.recvfrom(2048)[1][0])
            say(name_of(s))


def udp_unconnected(lab):
    echo(lab, connected=False)


def udp_connected(lab):
    echo(lab, connected=True)


def echo(lab, connected):
    peer = lab.there(socket.AF_INET, socket.SOCK_DGRAM)
    peer.bind(('0.0.0.0', 53))
    peer.settimeout(1)
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(1)
    if connected:
        attempt('connect', lambda: s.connect((MARKED, 53)))
        say(name_of(s))
    for where in (MARKED, MARKED, PLAIN):
        if connected and where != MARKED:
            break
        say(f'-- send to {where}')
        attempt('send', lambda: s.send(b'abcd') if connected else s.sendto(b'abcd', (where, 53)))
        lab.wait(0.2)
        say(name_of(s))
        attempt('peer receives', lambda: peer.recvfrom(2048)[1])


def syn_silent(lab):
    """Nobody answers the SYN: what do its copies look like?"""
    lab.drop()
    s = socket.socket()
    s.setblocking(False)
    say(f'connect_ex: {s.connect_ex((MARKED, 80))}')
    say(name_of(s))
    lab.wait(0.1)
    table()
    for _ in range(8):
        lab.wait(20)
        say(name_of(s))
    table()
    say(f'SO_ERROR {s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)}')


def syn_lost(lab):
    """The first SYN is lost, the second arrives."""
    listener = listen(lab)
    lab.drop()
    s = socket.socket()
    s.setblocking(False)
    say(f'connect_ex: {s.connect_ex((MARKED, 80))}')
    lab.wait(0.5)
    lab.undrop()
    lab.wait(100)
    say(f'SO_ERROR {s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)}')
    attempt('send', lambda: s.send(b'abcd'))
    lab.wait(5)
    say(name_of(s))
    del listener


def listen(lab):
    listener = lab.there()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN, 5)
    listener.bind(('0.0.0.0', 80))
    listener.listen(5)
    listener.settimeout(1)
    return listener


def converse(lab, prepare=lambda s: None, then=lambda: None, seconds=60, s=None):
    """Connects to a listening peer, sends four bytes each way, closes."""
    listener = listen(lab)
    s = s or socket.socket()
    prepare(s)
    s.settimeout(10)
    where = ('::ffff:' + MARKED, 80) if s.family == socket.AF_INET6 else (MARKED, 80)
    attempt('connect', lambda: s.connect(where))
    say(name_of(s))
    lab.wait(0.2)
    table()
    then()
    attempt('send', lambda: s.send(b'abcd'))
    lab.wait(seconds)
    child = attempt('accept', lambda: listener.accept())
    if child:
        child[0].settimeout(1)
        attempt('peer recv', lambda: child[0].recv(100))
        attempt('peer send', lambda: child[0].send(b'wxyz'))
        lab.wait(1)
        attempt('recv', lambda: s.recv(100))
    say(name_of(s))
    attempt('close', s.close)
    lab.wait(1)


def tcp_full(lab):
    converse(lab)


def tcp_full_flush(lab):
    """A route is added after the handshake, which empties every route cache."""
    converse(lab, then=lambda: (say('-- ip route add 192.0.2.0/24 dev eth0'), run('ip route add 192.0.2.0/24 dev eth0')), seconds=5)


def tcp_full_offload(lab):
    """With transmit offload on, as most test networks have it."""
    run('ethtool -K eth0 tx on >/dev/null', 'ethtool -K eth1 tx on >/dev/null')
    converse(lab)


def tcp_idle(lab):
    """Nobody sends anything for two minutes after connect()."""
    converse(lab, then=lambda: lab.wait(120), seconds=20)


def tcp_masquerade(lab):
    """The rule that the patch is meant to replace is still there."""
    run('iptables -t nat -A POSTROUTING -o eth1 -j MASQUERADE')
    converse(lab, seconds=10)
    with open('/proc/net/nf_conntrack', encoding='ascii') as entries:
        for entry in entries:
            if 'tcp' in entry:
                say(f'conntrack {" ".join(entry.split()[4:])}')


def tcp_stateful(lab):
    """A stateful firewall without NAT."""
    run('iptables -A INPUT -i eth1 -m conntrack --ctstate INVALID -j DROP')
    run('iptables -A INPUT -i eth1 -m conntrack ! --ctstate ESTABLISHED,RELATED -j DROP')
    run('iptables -I INPUT -i eth1 -m conntrack --ctstate INVALID')
    converse(lab, seconds=10)
    subprocess.run('iptables -nvxL INPUT', shell=True, check=False)


def tcp_by_protocol(lab):
    """A rule that looks at the protocol: does the second lookup know it?"""
    run('ip rule add pref 50 ipproto 17 table 200', 'ip route add default via 10.0.0.254 src 10.0.0.1 table 200')
    tcp_refused(lab)


def tcp_bound_port(lab):
    converse(lab, lambda s: s.bind(('0.0.0.0', 5000)), seconds=5)


def tcp_bound_address(lab):
    converse(lab, lambda s: s.bind((S0, 5000)), seconds=5)


def tcp_mapped(lab):
    """An IPv6 socket to a mapped IPv4 address."""
    converse(lab, s=socket.socket(socket.AF_INET6), seconds=5)


def tcp_plain(lab):
    """Control: an unmarked destination."""
    global MARKED
    MARKED = PLAIN
    converse(lab, seconds=2)


def tcp_refused(lab):
    """Nobody listens: the peer answers the SYN with a RST."""
    s = socket.socket()
    s.settimeout(10)
    attempt('connect', lambda: s.connect((MARKED, 81)))
    lab.wait(1)


def fastopen(lab):
    listener = listen(lab)
    for round_ in (1, 2, 3):
        say(f'-- connection {round_}')
        s = socket.socket()
        s.settimeout(10)
        attempt('sendto MSG_FASTOPEN', lambda: s.sendto(b'abcd', MSG_FASTOPEN, (MARKED, 80)))
        lab.wait(2)
        say(name_of(s))
        child = attempt('accept', lambda: listener.accept())
        if child:
            child[0].settimeout(1)
            attempt('peer recv', lambda: child[0].recv(100))
            child[0].close()
        s.close()
        lab.wait(2)
        subprocess.run('ip tcp_metrics show', shell=True, check=False)


def syn_segment(source):
    segment = struct.pack('!HHIIBBHHH', 40000, 80, 1000, 0, 0x50, 2, 1000, 0, 0)
    pseudo = socket.inet_aton(source) + socket.inet_aton(MARKED) + struct.pack('!BBH', 0, 6, 20)
    return segment[:16] + struct.pack('!H', 0xFFFF - word_sum(pseudo + segment)) + segment[18:]


def raw_hdrincl_syn(lab):
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    header = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 40, 1, 0, 64, 6, 0, socket.inet_aton(S0), socket.inet_aton(MARKED))
    attempt('sendto', lambda: s.sendto(header + syn_segment(S0), (MARKED, 0)))
    lab.wait(1)


def raw_tcp_syn(lab):
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
    attempt('sendto', lambda: s.sendto(syn_segment(S0), (MARKED, 0)))
    lab.wait(1)


def raw_two_sockets(lab):
    """The sender is not the last in its bucket of the raw table."""
    older = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
    s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
    attempt('sendto', lambda: s.sendto(syn_segment(S0), (MARKED, 0)))
    lab.wait(1)
    del older


def udp_headroom(lab):
    """The second link needs more room before the packet than the first left."""
    run(
        'ip link add gre1 type gre local 10.1.0.1',
        'ip addr add 10.9.0.1/24 dev gre1; ip link set gre1 up',
        'ip neigh add 10.9.0.2 lladdr 10.1.0.254 dev gre1',
        'ip route replace default via 10.9.0.2 dev gre1 src 10.9.0.1 table 100',
    )
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for _ in range(2):
        attempt('sendto', lambda: s.sendto(b'abcd', (MARKED, 53)))
        lab.wait(0.2)
        say(name_of(s))


def inject(lab, device, source, destination, protocol, body):
    """A packet that arrives on a link, made by a provider."""
    s = lab.there(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
    header = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(body), 1, 0, 64, protocol, 0,
                         socket.inet_aton(source), socket.inet_aton(destination))
    header = header[:10] + struct.pack('!H', 0xFFFF - word_sum(header)) + header[12:]
    mac = open(f'/sys/class/net/{device}/address', encoding='ascii').read().strip()
    s.sendto(header + body, (f'{device}p', 0x0800, 0, 0, bytes.fromhex(mac.replace(':', ''))))


def segment(source, destination, sport, dport, bits):
    body = struct.pack('!HHIIBBHHH', sport, dport, 1000, 0, 0x50, bits, 1000, 0, 0)
    pseudo = socket.inet_aton(source) + socket.inet_aton(destination) + struct.pack('!BBH', 0, 6, 20)
    return body[:16] + struct.pack('!H', 0xFFFF - word_sum(pseudo + body)) + body[18:]


def rst(lab):
    """A SYN to a closed port: the TCP control socket answers with a RST."""
    lab.drop()
    for n, source in enumerate((PLAIN, MARKED, MARKED, PLAIN)):
        say(f'-- SYN from {source} to a closed port')
        inject(lab, 'eth0', source, S0, 6, segment(source, S0, 7000 + n, 81, 2))
        lab.wait(0.5)


def reject(lab):
    """A rejected segment: ipt_REJECT makes the RST, without a socket."""
    lab.drop()
    run('iptables -A INPUT -p tcp --dport 82 -j REJECT --reject-with tcp-reset')
    for n in range(2):
        say('-- SYN to a rejected port')
        inject(lab, 'eth0', MARKED, S0, 6, segment(MARKED, S0, 7000 + n, 82, 2))
        lab.wait(0.5)


def echo_reply(lab):
    """Somebody pings the host: the ICMP control socket answers."""
    for n, source in enumerate((PLAIN, MARKED, MARKED, PLAIN)):
        say(f'-- echo request from {source}')
        body = struct.pack('!BBHHH', 8, 0, 0, 1, n)
        inject(lab, 'eth0', source, S0, 1, body[:2] + struct.pack('!H', 0xFFFF - word_sum(body)) + body[4:])
        lab.wait(0.5)


def port_unreachable(lab):
    """A datagram to a closed port: icmp_send() answers."""
    for n in range(2):
        say('-- datagram to a closed port')
        body = struct.pack('!HHHH', 7000 + n, 9, 8, 0)
        inject(lab, 'eth0', MARKED, S0, 17, body)
        lab.wait(0.5)


def server(lab):
    """The host is the server: its SYN-ACK belongs to a request socket."""
    listener = socket.socket()
    listener.bind(('0.0.0.0', 80))
    listener.listen(5)
    listener.settimeout(1)
    for n in range(3):
        client = lab.there()
        client.bind((MARKED, 6000 + n))
        client.settimeout(5)
        attempt('peer connects', lambda: client.connect((S0, 80)))
        lab.wait(0.5)
        child = attempt('accept', lambda: listener.accept()[1])
        del child


def ports_exhausted(lab):
    """One local port; a first connection already has it with the second address."""
    listener = listen(lab)
    run('sysctl -qw net.ipv4.ip_local_port_range="40000 40000"')
    first = socket.socket()
    first.settimeout(10)
    attempt('first connect', lambda: first.connect((MARKED, 80)))
    say(name_of(first))
    lab.wait(0.2)
    table()
    second = socket.socket()
    second.setblocking(False)
    say(f'second connect_ex: {second.connect_ex((MARKED, 80))}')
    say(name_of(second))
    lab.wait(0.2)
    table()
    lab.wait(200)
    say(name_of(second))
    say(f'SO_ERROR {second.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)}')
    attempt('close second', second.close)
    table()
    del listener


def no_route(lab):
    """The second table refuses: what becomes of the packet and the socket?"""
    run('ip route replace unreachable default table 100')
    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    attempt('udp sendto', lambda: u.sendto(b'abcd', (MARKED, 53)))
    say(name_of(u))
    s = socket.socket()
    s.setblocking(False)
    say(f'connect_ex: {s.connect_ex((MARKED, 80))}')
    say(name_of(s))
    table()
    lab.wait(10)
    say(name_of(s))


def main():
    with open(f'{os.environ["REROUTE_IN"]}/experiment', encoding='ascii') as words:
        name, variant, *fill = words.readline().split()
    lab = Lab(variant, int(fill[0], 0) if fill else 0)
    say(f'== {name}, variant {variant}' + (f', key filled with {fill[0]}' if fill else ''))
    globals()[name](lab)
    lab.wait(0.1)


if __name__ == '__main__':
    sys.exit(main())
