#!/bin/bash
# Runs the test kernel for boot.ts, which holds the other end of stdin.
#
# usage: watch.sh FOLDER KERNEL [ARGUMENT…]
#
# A line on stdin ends the kernel. The end of stdin means that boot.ts is gone, whatever ended it: then the kernel ends
# and FOLDER goes. The kernel's user processes are in its process group and end with it.

folder=$1
shift
exec 3<&0

set -m
"$@" < /dev/null 3<&- &
kernel=$!
{
  read -r _ <&3 || : > "$folder/abandoned"
  kill -KILL -- "-$kernel"
} > /dev/null 2>&1 &
reader=$!
set +m

# Nothing of the shell's own, how its jobs ended, among the kernel's lines.
exec 2> /dev/null
wait "$kernel"
# A user process of a crashed kernel may outlive it and hold the pipes open.
kill -KILL -- "-$kernel"
kill -KILL -- "-$reader"
wait
[ ! -e "$folder/abandoned" ] || rm -rf "$folder"
