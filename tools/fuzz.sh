#!/usr/bin/env bash
# Runs every fuzz target in a process of its own, with bounded memory and a fresh seed.
#
#   tools/fuzz.sh [SECONDS [TARGET…]]     600 seconds each if nothing else is said
#
# The targets are the tests of tests/fuzz.rs; names or parts of names choose.
# As many run at once as there are processors ($JOBS). A line a target: seed, inputs, the slowest one.
# PROMPTUS_FUZZ_SEED=N repeats a run. Exit 1 if one of them panicked, hung, or wanted more than 1 GiB.
set -euo pipefail
cd "$(dirname "$0")/.."
export PROMPTUS_FUZZ_SECONDS=${1:-600}
export PROMPTUS_FUZZ_SEED=${PROMPTUS_FUZZ_SEED:-$((RANDOM << 15 | RANDOM))}
# Otherwise every thread reserves addresses for a heap of its own.
export MALLOC_ARENA_MAX=2
shift || true

program() { cargo test --release --locked "$@" --no-run 2>&1 | sed -n 's/^ *Executable .*(\(.*\))$/\1/p' | tail -n 1; }

targets() {
    local program
    program=$(program --test fuzz)
    [ -x "$program" ] || { echo "cannot build the targets: cargo test --release --no-run" >&2; exit 2; }
    "$program" --list 2>/dev/null | sed -n "s|^\(.*\): test$|$program \1|p"
}

trial() {
    local log status=0
    log=$(mktemp)
    (ulimit -v 1048576 && exec timeout $((PROMPTUS_FUZZ_SECONDS + 60)) "$1" --exact "$2" --nocapture) >"$log" 2>&1 || status=$?
    if [ "$status" -eq 0 ]; then
        printf '%-32s %s\n' "$2" "$(sed -n 's/^.*: \(seed .* inputs .*\)$/\1/p' "$log" | tail -n 1)"
    else
        printf '%-32s FAILED (exit %s)\n' "$2" "$status"
        tail -n 20 "$log"
    fi
    rm -f "$log"
    return "$((status != 0))"
}
export -f trial

wanted=$(IFS='|'; echo "${*:-.}")
targets | grep -E "$wanted" | xargs -P "${JOBS:-$(nproc)}" -L 1 bash -c 'trial "$0" "$1"' || exit 1
