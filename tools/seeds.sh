#!/bin/sh
# Records reviews of many seeds one on top of the other, and then checks fresh ones: tools/seeds.sh FROM TO [RUNS [RELEASE...]]
# What a seed finds is stored and proves its cell from then on, so that the record is the same for every seed.
set -eu
from=$1 to=$2 runs=${3:-30000}
[ $# -gt 3 ] && shift 3 || set -- 6.1 4.1 6.18
for release in "$@"; do
  seed=$from
  while [ "$seed" -le "$to" ]; do
    nice npx reroute-check review --record --seed "$seed" --runs "$runs" --release "$release" | tail -1
    seed=$((seed + 1))
  done
  for seed in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    nice npx reroute-check check --seed $((to + seed)) --runs "$runs" --release "$release" || echo "seed $((to + seed)) contradicts the record of $release"
  done
done
