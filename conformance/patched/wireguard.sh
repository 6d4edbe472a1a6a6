#!/bin/sh
# A link of WireGuard as wg-quick makes it, on the test kernel: what its own packets and those of marked senders leave as.
# Prints `source > destination:port` of every UDP packet that leaves by eth0, in the order of the senders.
#
# usage: reroute-check kernel run --script conformance/patched/wireguard.sh --out FOLDER
# Needs wg (Debian: wireguard-tools) and python3. The peer does not exist: the tunnel sends its first message again and again.

set -e
PATH=$PATH:/usr/sbin:/sbin
ip link set lo up
ip link add eth0 type veth peer name far
ip link set eth0 up
ip link set far up
ip addr add 192.168.1.2/24 dev eth0
ip route add default via 192.168.1.1
ip neigh add 192.168.1.1 lladdr 02:00:00:00:00:01 dev eth0
ip link add wg0 type wireguard
umask 077
wg genkey > "$REROUTE_OUT/key"
wg set wg0 private-key "$REROUTE_OUT/key" fwmark 51820 \
  peer "$(wg genkey | wg pubkey)" endpoint 203.0.113.5:51820 allowed-ips 0.0.0.0/0
ip addr add 10.66.0.2/32 dev wg0
ip link set mtu 1420 up dev wg0
ip route add default dev wg0 table 51820
ip rule add not fwmark 51820 table 51820
ip rule add table main suppress_prefixlength 0
sysctl -q net.ipv4.conf.all.src_valid_mark=1
iptables-legacy -t mangle -A OUTPUT -p udp --dport 53 -j MARK --set-mark 51820

exec python3 - << 'END'
import socket
import struct

wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x800))
wire.bind(('far', 0))
wire.settimeout(1)


def send(address, port, mark=0):
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, mark)
    sender.sendto(b'abcd', (address, port))
    try:
        while True:
            packet = wire.recv(4096)[14:]
            source, destination = map(socket.inet_ntoa, (packet[12:16], packet[16:20]))
            if packet[9] == socket.IPPROTO_UDP:
                print(f'{source} > {destination}:{struct.unpack("!H", packet[22:24])[0]}', flush=True)
    except TimeoutError:
        pass


# Into the tunnel, which opens itself; by a mark of the program's own; by a rule's.
send('8.8.8.8', 80)
send('8.8.8.8', 80, mark=51820)
send('8.8.8.8', 53)
END
