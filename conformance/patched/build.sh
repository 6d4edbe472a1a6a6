#!/bin/bash
# Builds the test kernel: Debian's linux-source-6.1 as user-mode Linux, with the texts of model/patch, the patches of
# this folder and config.
#
# usage: build.sh [--path] [--patch FILE] [--with FILE]… [--install] [--source TARBALL] [--jobs N] [--keep-tree]
#
#   --path       only print where the kernel is; builds nothing
#   --patch      put this text beside those of model/patch, as the variant own; makes another kernel beside the plain one
#   --with       add these configuration lines too (config.kasan, config.locks, or a file of yours); another kernel
#   --install    as root, install missing Debian packages first
#   --source     another linux-source-6.1.tar.xz; so does REROUTE_KERNEL_SOURCE
#   --keep-tree  leave the source tree beside the kernel
#
# Prints the path of the `linux` binary. The result lies outside the repository, in a directory named after a
# hash of everything that goes into it, so a second run with the same inputs costs nothing. An interrupted
# build leaves nothing behind.
#
# Exit codes: 0 the kernel is there, 1 the build failed, 2 usage, 4 something is missing on this machine
# (with --path: the kernel itself).

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/reroute-check
source=${REROUTE_KERNEL_SOURCE:-/usr/src/linux-source-6.1.tar.xz}
jobs=$(nproc)
configs=("$here/config")
patches=("$here/um.patch" "$here/glue.patch")
texts=("$here"/../../model/patch/*.[ch])
path_only= install= keep_tree= own=

fail() { echo "build: $2" >&2; exit "$1"; }

while [ $# -gt 0 ]; do
  case $1 in
    --path) path_only=1 ;;
    --patch) own=${2:?--patch needs a file}; shift ;;
    --install) install=1 ;;
    --keep-tree) keep_tree=1 ;;
    --with)
      file=${2:?--with needs a file}
      [ -e "$file" ] || [ ! -e "$here/$file" ] || file=$here/$file
      configs+=("$file"); shift ;;
    --source) source=${2:?--source needs a file}; shift ;;
    --jobs) jobs=${2:?--jobs needs a number}; shift ;;
    *) fail 2 "unknown argument $1; see the head of build.sh" ;;
  esac
  shift
done

# One's own text, and the headers beside it.
own_texts=()
if [ -n "$own" ]; then
  [ -r "$own" ] || fail 2 "$own: cannot be read"
  shopt -s nullglob
  own_texts=("$own" "$(dirname "$own")"/*.h)
  shopt -u nullglob
fi

# Debian package -> what it must provide here.
missing=()
need() { command -v "$2" > /dev/null || missing+=("$1"); }
need gcc gcc
need make make
need flex flex
need bison bison
need bc bc
need xz-utils xz
need patch patch
# What the scenarios need inside, from this machine's own file system.
need python3 python3
need iproute2 ip
need iptables iptables-legacy
[ -e "$source" ] || missing+=(linux-source-6.1)

# The kernel depends on the texts and the patches (not on their prose), the configuration, this recipe, the source and the
# compiler.
# The source counts by its size and date: reading 130 MB for every --path would be slow.
name() {
  {
    sed -n '/^# RECIPE/,$p' "$here/build.sh"
    sed -s -n '/^--- a/,$p' "${patches[@]}"
    gcc -fpreprocessed -dD -E -P -x c "${texts[@]}" "${own_texts[@]}"
    cat "${configs[@]}"
    stat --format '%s %Y' "$source"
    gcc -dumpfullversion
  } | sha256sum | cut -c 1-16
}

if [ -n "$path_only" ]; then
  [ -e "$source" ] && command -v gcc > /dev/null || exit 4
  kernel=$cache/kernel-$(name)
  [ -x "$kernel/linux" ] || exit 4
  echo "$kernel/linux"
  exit
fi

if [ ${#missing[@]} -gt 0 ] && [ -n "$install" ]; then
  [ "$(id -u)" = 0 ] || fail 4 'installing packages needs root'
  # A fresh image has no package lists.
  apt-get install -y --no-install-recommends "${missing[@]}" libc6-dev >&2 || {
    apt-get update >&2 && apt-get install -y --no-install-recommends "${missing[@]}" libc6-dev >&2
  } || fail 4 "cannot install ${missing[*]}"
  missing=()
  [ -e "$source" ] || missing+=(linux-source-6.1)
fi
[ ${#missing[@]} -eq 0 ] || fail 4 "missing: ${missing[*]} (apt-get install ${missing[*]}, or build.sh --install)"

kernel=$cache/kernel-$(name)
if [ -x "$kernel/linux" ]; then
  echo "$kernel/linux"
  exit
fi

# RECIPE
mkdir -p "$cache"
work=$(mktemp -d "$cache/building.XXXXXX")
child=
cleanup() {
  if [ -n "$child" ]; then
    kill -- "-$child" 2> /dev/null || true
    wait "$child" 2> /dev/null || true
  fi
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

log=$work/build.log
# Each step runs in its own process group, so that an interrupt ends all of it.
step() {
  local began=$SECONDS
  echo "build: $1" >&2
  shift
  set -m
  "$@" >> "$log" 2>&1 < /dev/null &
  child=$!
  set +m
  if ! wait "$child"; then
    child=
    tail -n 30 "$log" >&2
    cp "$log" "$cache/failed-build.log"
    fail 1 "failed; the whole log is $cache/failed-build.log"
  fi
  child=
  echo "build:   $((SECONDS - began)) s" >&2
}

configure() {
  make -C "$tree" ARCH=um defconfig
  cat "${configs[@]}" >> "$tree/.config"
  make -C "$tree" ARCH=um olddefconfig 2>&1 | { grep -v 'override: reassigning' || true; }
  # A line that did not survive has a dependency that is not met.
  local line lost=0
  while read -r line; do
    case $line in
      CONFIG_*) grep -qxF "$line" "$tree/.config" && continue ;;
      '# CONFIG_'*' is not set') ! grep -q "^$(cut -d ' ' -f 2 <<< "$line")=" "$tree/.config" && continue ;;
      *) continue ;;
    esac
    echo "lost from the configuration: $line"
    lost=1
  done < <(cat "${configs[@]}")
  return "$lost"
}

mkdir "$work/tree"
tree=$work/tree
step "unpacking $source" tar -xJf "$source" -C "$tree" --strip-components=1
for file in "${patches[@]}"; do
  step "applying ${file##*/}" patch -d "$tree" -p1 --fuzz=0 -i "$file"
done
reroute=$tree/net/ipv4/netfilter/reroute
cp "${texts[@]}" "$reroute/"
if [ -n "$own" ]; then
  mkdir "$reroute/own"
  cp "${texts[@]}" "$reroute/own/"
  cp "${own_texts[@]}" "$reroute/own/"
fi

# A unit for a text: its name, and where it lies.
unit() {
  local flags="-DREROUTE_TEXT='\"$2\"'" name=${1//[^a-z0-9]/_} out=ipt_mangle_out source=NULL
  # A text has the hook, itself or by what it includes, unless it has the other function alone.
  if grep -q '^ipt_mangle_source(' "$reroute/$2"; then
    source=source_$name
    flags+=" -DREROUTE_SOURCE=$source"
    declarations+="reroute_source_fn $source;"$'\n'
  fi
  if [ $source = NULL ] || grep -q '^ipt_mangle_out(' "$reroute/$2"; then
    out=reroute_$name
    flags+=" -DREROUTE_HOOK=$out"
    declarations+="nf_hookfn $out;"$'\n'
  fi
  cp "$reroute/unit.c" "$reroute/unit-$1.c"
  echo "obj-y += unit-$1.o" >> "$reroute/Makefile"
  echo "CFLAGS_unit-$1.o := $flags" >> "$reroute/Makefile"
  entries+="{ \"$1\", $out, $source },"$'\n'
}
declarations='' entries=''
for text in "${texts[@]}"; do
  file=${text##*/}
  [ "${file%.c}" = "$file" ] || unit "${file%.c}" "$file"
done
[ -z "$own" ] || unit own "own/${own##*/}"
{
  echo 'typedef __be32 reroute_source_fn(void *, struct sk_buff *, const struct nf_hook_state *);'
  echo "$declarations"
  echo 'static const struct { const char *name; nf_hookfn *out; reroute_source_fn *source; } reroute_units[] = {'
  echo '{ "stock", ipt_mangle_out, NULL },'
  echo "$entries};"
} > "$reroute/units.h"
echo 'obj-y += reroute/' >> "$tree/net/ipv4/netfilter/Makefile"
step 'configuring' configure
step "compiling with $jobs jobs (minutes)" nice -n 10 make -C "$tree" ARCH=um -j"$jobs" linux

mkdir "$work/kernel"
mv "$tree/linux" "$tree/System.map" "$log" "$work/kernel/"
cp "$tree/.config" "$work/kernel/config"
[ -z "$keep_tree" ] || mv "$tree" "$work/kernel/tree"
# Another build may have been faster; its result is the same.
mv -T "$work/kernel" "$kernel" 2> /dev/null || [ -x "$kernel/linux" ] || fail 1 "cannot write $kernel"
echo "build: $SECONDS s in all" >&2
echo "$kernel/linux"
