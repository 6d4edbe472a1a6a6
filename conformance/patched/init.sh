#!/bin/sh
# PID 1 of the test kernel: prepares a machine, runs the script it was booted for, powers off.
#
# boot.ts passes `reroute_boot` on the kernel command line; the kernel hands it on as an environment
# variable. That host directory holds `script`, and the links `in` and `out` to the caller's directories.
#
# The script finds its input under $REROUTE_IN (read-only) and leaves its results under $REROUTE_OUT,
# which is the host's directory. A result is safe from a later crash once its file is closed or synced.

export PATH=/run/reroute/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/tmp LC_ALL=C.UTF-8

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mountpoint -q /dev || mount -t devtmpfs devtmpfs /dev
mount -t tmpfs tmpfs /run
mkdir -p /run/netns /run/reroute/bin /run/reroute/boot /run/reroute/in /run/reroute/out
mount -t hostfs -o "$reroute_boot" hostfs /run/reroute/boot
mount -t hostfs -o "ro,$reroute_boot/in" hostfs /run/reroute/in
mount -t hostfs -o "$reroute_boot/out" hostfs /run/reroute/out
mount -t tmpfs tmpfs /tmp

# The patch is in the legacy mangle table; Debian's plain names mean nf_tables, which never calls it.
for tool in iptables iptables-save iptables-restore; do
  legacy=$(command -v "iptables-legacy${tool#iptables}") && ln -s "$legacy" "/run/reroute/bin/$tool"
done

ip link set lo up
# Whether an ICMP error is sent must not depend on how many were sent before.
sysctl -qw net.ipv4.icmp_ratelimit=0 kernel.panic_on_oops=1

export REROUTE_IN=/run/reroute/in REROUTE_OUT=/run/reroute/out
unset reroute_boot
cd /tmp || exit

echo 'reroute-init: start'
/run/reroute/boot/script
status=$?
echo "reroute-init: exit $status"
echo "$status" > /run/reroute/boot/status
sync
echo o > /proc/sysrq-trigger
sleep 60
