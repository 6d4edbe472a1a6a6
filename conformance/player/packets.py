"""Packets as bytes: takes captured ones apart, verifies checksums arithmetically, builds those that the peer sends."""
import hashlib
import socket
import struct
from dataclasses import dataclass, field

ICMP, TCP, UDP = 1, 6, 17
NAMES = {ICMP: 'icmp', TCP: 'tcp', UDP: 'udp'}
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
# tcpdump's letters, lowest bit first.
LETTERS = 'FSRP.UEW'
ECHO_REPLY, ECHO_REQUEST = 0, 8
ETH_IP, ETH_ARP, ETH_MARKER = 0x0800, 0x0806, 0x88B5
OPT_MSS, OPT_WSCALE, OPT_SACK_PERM, OPT_TIMESTAMP, OPT_MD5, OPT_FASTOPEN = 2, 3, 4, 8, 19, 34
OPT_EXPERIMENT, FASTOPEN_MAGIC = 254, b'\xf9\x89'
# The key of every socket that signs.
MD5_KEY = b'reroute-check'


def checksum(data):
    """RFC 1071: the Internet checksum; 0 over data that contains a correct one."""
    if len(data) % 2:
        data += b'\0'
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def before(seq1, seq2):
    """Whether one sequence number comes before another."""
    return (seq1 - seq2) & 0xFFFFFFFF > 0x7FFFFFFF


def pseudo(saddr, daddr, protocol, length):
    return socket.inet_aton(saddr) + socket.inet_aton(daddr) + struct.pack('!BBH', 0, protocol, length)


def flag_letters(flags):
    return ''.join(letter for bit, letter in enumerate(LETTERS) if flags & 1 << bit) or 'none'


def mac_of(address):
    """The hardware address that the player answers with for an IPv4 address: the next hop is read back from it."""
    return b'\x02\x00' + socket.inet_aton(address)


@dataclass
class Packet:
    """An IPv4 packet; tcp, udp and icmp fields are 0 where they do not apply."""

    saddr: str
    daddr: str
    protocol: int
    tos: int = 0
    sport: int = 0
    dport: int = 0
    seq: int = 0
    ack: int = 0
    flags: int = 0
    window: int = 65535
    icmp_type: int = 0
    icmp_code: int = 0
    payload: bytes = b''
    options: dict = field(default_factory=dict)
    # What a receiver with the key says about the MD5 signature, '' without one.
    signature: str = ''
    fragment: bool = False
    ip_checksum: str = 'correct'
    checksum: str = 'correct'

    def key(self):
        """Names the flow from the sender's view; an ICMP echo is named by its identifier."""
        return (self.protocol, self.saddr, self.sport, self.daddr, self.dport)

    def space(self):
        """Sequence numbers that a TCP segment takes."""
        return len(self.payload) + bool(self.flags & SYN) + bool(self.flags & FIN)

    def end(self):
        """The sequence number behind a TCP segment."""
        return (self.seq + self.space()) & 0xFFFFFFFF

    def correct(self):
        return self.ip_checksum == 'correct' and 'incorrect' not in (self.checksum, self.signature)

    def to_json(self):
        out = {'saddr': self.saddr, 'daddr': self.daddr, 'protocol': NAMES.get(self.protocol, self.protocol)}
        if self.protocol in (TCP, UDP):
            out |= {'sport': self.sport, 'dport': self.dport}
        if self.protocol == TCP:
            out |= {'flags': flag_letters(self.flags), 'seq': self.seq, 'ack': self.ack}
        if self.protocol == ICMP:
            out |= {'icmp_type': self.icmp_type, 'icmp_code': self.icmp_code, 'icmp_id': self.sport}
        out |= {'payload': len(self.payload), 'tos': self.tos}
        out |= {'ip_checksum': self.ip_checksum, 'checksum': self.checksum}
        if self.signature:
            out |= {'signature': self.signature}
        if self.fragment:
            out |= {'fragment': True}
        if OPT_FASTOPEN in self.options:
            cookie = self.options[OPT_FASTOPEN]
            out |= {'cookie': cookie.hex()} if cookie else {'cookie_request': True}
        return out


def signature_of(saddr, daddr, segment):
    """RFC 2385: over the pseudo-header, the header without options and checksum, the payload and the key."""
    header = segment[:16] + bytes(2) + segment[18:20]
    payload = segment[(segment[12] >> 4) * 4 :]
    signed = pseudo(saddr, daddr, TCP, len(segment)) + header + payload + MD5_KEY
    return hashlib.md5(signed).digest()


def parse_options(data):
    options = {}
    while data and data[0] != 0:
        if data[0] == 1:
            data = data[1:]
            continue
        if len(data) < 2 or data[1] < 2:
            break
        kind, value = data[0], data[2 : data[1]]
        # Fast Open's option before it had a number: the kernel tries it where the standard one got no cookie.
        if kind == OPT_EXPERIMENT and value[:2] == FASTOPEN_MAGIC:
            kind, value = OPT_FASTOPEN, value[2:]
        options[kind] = value
        data = data[data[1] :]
    return options


def parse_ip(data, offloaded=False):
    """Takes an IPv4 packet apart. `offloaded`: the device completes the transport checksum, which holds the sum of the pseudo-header."""
    ihl = (data[0] & 15) * 4
    _, tos, total, _, fragment, _, protocol, _, saddr, daddr = struct.unpack('!BBHHHBBH4s4s', data[:20])
    p = Packet(socket.inet_ntoa(saddr), socket.inet_ntoa(daddr), protocol, tos)
    p.ip_checksum = 'correct' if checksum(data[:ihl]) == 0 else 'incorrect'
    body = data[ihl:total]
    p.payload = body
    p.fragment = bool(fragment & 0x3FFF)
    if p.fragment or protocol not in NAMES or len(body) < 8 or (protocol == TCP and len(body) < 20):
        p.checksum = 'none'
        return p
    over = body if protocol == ICMP else pseudo(p.saddr, p.daddr, protocol, len(body)) + body
    p.checksum = 'correct' if checksum(over) == 0 else 'incorrect'
    if protocol == ICMP:
        p.icmp_type, p.icmp_code, _, p.sport, p.seq = struct.unpack('!BBHHH', body[:8])
        p.payload = body[8:]
    elif protocol == UDP:
        p.sport, p.dport, _, check = struct.unpack('!HHHH', body[:8])
        p.payload = body[8:]
        if check == 0:
            p.checksum = 'none'
    else:
        p.sport, p.dport, p.seq, p.ack, offset, p.flags = struct.unpack('!HHIIBB', body[:14])
        header = max(20, (offset >> 4) * 4)
        p.options = parse_options(body[20:header])
        if OPT_MD5 in p.options:
            right = signature_of(p.saddr, p.daddr, body) == p.options[OPT_MD5]
            p.signature = 'correct' if right else 'incorrect'
        p.payload = body[header:]
    if offloaded and protocol in (TCP, UDP):
        sum_of_pseudo = ~checksum(pseudo(p.saddr, p.daddr, protocol, len(body))) & 0xFFFF
        field = int.from_bytes(body[16:18] if protocol == TCP else body[6:8], 'big')
        p.checksum = 'correct' if field == sum_of_pseudo else 'incorrect'
    return p


def option_bytes(options):
    """The options in the order of their kinds, each padded to a word; SACK and timestamps share three."""
    out = b''
    for kind, value in sorted(options.items()):
        out += struct.pack('BB', kind, len(value) + 2) + value
        if kind != OPT_SACK_PERM or OPT_TIMESTAMP not in options:
            out += b'\1' * (-len(out) % 4)
    return out


def transport_bytes(p):
    """The transport header with a correct checksum, and the payload."""
    if p.protocol == ICMP:
        head, at = struct.pack('!BBHHH', p.icmp_type, p.icmp_code, 0, p.sport, p.seq), 2
    elif p.protocol == UDP:
        head, at = struct.pack('!HHHH', p.sport, p.dport, 8 + len(p.payload), 0), 6
    elif p.protocol == TCP:
        options = option_bytes(p.options)
        offset = (20 + len(options)) << 2
        head = struct.pack('!HHIIBBHHH', p.sport, p.dport, p.seq, p.ack, offset, p.flags, p.window, 0, 0)
        if OPT_MD5 in p.options:
            signed = signature_of(p.saddr, p.daddr, head + options + p.payload)
            options = options.replace(bytes(16), signed, 1)
        head += options
        at = 16
    else:
        return p.payload
    body = head + p.payload
    over = body if p.protocol == ICMP else pseudo(p.saddr, p.daddr, p.protocol, len(body)) + body
    check = checksum(over) or (0xFFFF if p.protocol == UDP else 0)
    return body[:at] + struct.pack('!H', check) + body[at + 2 :]


def ip_bytes(p):
    """The whole packet, both checksums correct."""
    body = transport_bytes(p)
    saddr, daddr = socket.inet_aton(p.saddr), socket.inet_aton(p.daddr)
    head = struct.pack('!BBHHHBBH4s4s', 0x45, p.tos, 20 + len(body), 0, 0x4000, 64, p.protocol, 0, saddr, daddr)
    return head[:10] + struct.pack('!H', checksum(head)) + head[12:] + body


def arp_reply(request):
    """Answers an ARP request for any address with the hardware address that spells it; None for anything else."""
    if len(request) < 42 or struct.unpack('!H', request[20:22])[0] != 1:
        return None
    sender, target = request[22:32], request[38:42]
    mac = b'\x02\x00' + target
    return sender[:6] + mac + struct.pack('!HHHBBH', ETH_ARP, 1, ETH_IP, 6, 4, 2) + mac + target + sender
