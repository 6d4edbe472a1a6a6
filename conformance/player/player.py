#!/usr/bin/env python3
"""Plays scenarios on the kernel it runs on: one JSON object a line in, one a line out.

A request holds `host`, a list of commands, and either `events`, to be played, or `routes`, the arguments of
`ip route get` questions to be answered, perhaps `sysctls`, to be set first, and `dump` (text or json), to be told what the host's tools print. Every request gets a fresh network namespace;
nothing outside is touched. Needs root, iproute2 and iptables. With --check it only prints, as a JSON list, what is missing.
With --files FILE DIRECTORY the requests are the lines of the file, and each reply is a file named after the request's `id`:
for a kernel that may crash.
"""
import ctypes
import json
import os
import shutil
import signal
import sys
import time
import traceback

sys.dont_write_bytecode = True  # the disk may be read-only

from events import Play  # noqa: E402
from kernel import FarSide, Host, libc  # noqa: E402

PR_SET_PDEATHSIG = 1

# The kernel looks at carriers at most once a second, and drops cached routes when one has come (linkwatch, NETDEV_CHANGE).
# The test kernel waits in no time; on a running one nothing waits for it.
LINKS_SETTLE = 2


def answer(far, request, keep=None):
    host = Host(far, request.get('sysctls'))
    play = None
    try:
        refused = host.setup(request.get('host', []))
        dump = {'dump': host.dump(request['dump'])} if 'dump' in request else {}
        if 'routes' in request:
            return {'refused': refused, 'routes': host.ip.ask(request['routes'])} | dump
        if keep:
            time.sleep(LINKS_SETTLE)
        play = Play(host, request.get('limits'), keep and (lambda seen: keep(seen | {'setup': refused})))
        reply = play.run(request.get('events', [])) | {'setup': refused} | dump
        if keep:
            keep(reply)
        return reply
    finally:
        if play:
            play.close()
        host.close()


def missing():
    """What this machine lacks, a line for each; found by building a small host."""
    tools = [f'{name} is not installed' for name in ('ip', 'iptables') if not shutil.which(name)]
    if os.geteuid() != 0:
        tools.append('not root')
    if tools:
        return tools
    try:
        host = Host(FarSide())
        commands = (
            'ip link add eth0 type veth peer name eth0p',
            'ip rule add fwmark 1 table 100',
            'iptables -t mangle -A OUTPUT -j MARK --set-mark 1',
        )
        refused = host.setup(commands)
        host.close()
    except OSError as error:
        return [f'no network namespaces with packet sockets: {error.strerror}']
    return [f'{r["command"]}: {" ".join(r["message"].split())}' for r in refused]


def main():
    libc.prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL))
    os.environ['LC_ALL'] = 'C'
    # On one processor a packet and the marker behind it stay in order.
    allowed = sorted(os.sched_getaffinity(0))
    number = int(sys.argv[1]) if sys.argv[1:] and sys.argv[1].isdigit() else os.getpid()
    os.sched_setaffinity(0, {allowed[number % len(allowed)]})
    far = FarSide()
    print(json.dumps({'ready': os.getpid(), 'iptables': far.iptables, 'kernel': os.uname().release}), flush=True)
    if '--files' in sys.argv:
        return play_files(far, *sys.argv[-2:])
    for line in sys.stdin:
        request, began = json.loads(line), time.monotonic()
        reply = attempt(far, request) | {'id': request.get('id'), 'seconds': round(time.monotonic() - began, 4)}
        print(json.dumps(reply), flush=True)


def attempt(far, request, keep=None):
    try:
        return answer(far, request, keep)
    except ValueError as error:
        return {'invalid': str(error)}
    except Exception:
        return {'failed': traceback.format_exc()}


def play_files(far, requests, directory):
    """Answers the requests in a file. What was seen is written before each event, and whole before the host is taken down.

    So after a crash the last reply tells what came before it; one with an `outcome` is complete.
    """
    with open(requests) as file:
        lines = file.readlines()
    for line in lines:
        request, began = json.loads(line), time.monotonic()
        path = f'{directory}/{request["id"]}.json'

        def keep(seen):
            with open(path, 'w') as file:
                json.dump(seen | {'seconds': round(time.monotonic() - began, 4)}, file)

        print(f'request {request["id"]}', flush=True)
        reply = attempt(far, request, keep)
        if 'outcome' not in reply:
            keep(reply)


if __name__ == '__main__':
    try:
        print(json.dumps(missing())) if '--check' in sys.argv else main()
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(130)
