#!/usr/bin/env bash
# All that takes longer than a change may wait for: one step after the other, whatever becomes of the
# one before, then a table. Exit 1 if a step failed.
#
#   tools/long_checks.sh [--log FILE] [STEP…]     all steps if none is named
#
# Steps: wasm (the feature `decode` for wasm32), speed, load, title (those first, they want a quiet
# machine), browsers (players that are not ours), watch (our own: Chromium, Firefox, the faults that a
# viewer meets, ten minutes of looping), conformance (parsers, probes, clients), caches, s3, clouds,
# faults (50 kills of a publisher, full disks, slow clients, broken stores), fuzz (ten minutes a target; FUZZ_SECONDS). Two hours on two idle
# processors; Debian, as root, or with what the steps name installed. Without --log the log is
# target/long_checks.log. The program is built anew, as the container has it, unless $PROMPTUS names
# one, which should have the features gcs and azure.
set -uo pipefail
cd "$(dirname "$0")/.."
log=target/long_checks.log
if [ "${1:-}" = --log ]; then
    log=${2:?"--log wants a file"}
    shift 2
fi
all="wasm speed load title browsers watch conformance caches s3 clouds faults fuzz"
for step in "$@"; do
    [[ " $all " == *" $step "* ]] || { echo "unknown step $step; steps: $all" >&2; exit 2; }
done

if [ -z "${PROMPTUS:-}" ]; then
    cargo build --profile dist --locked --quiet --bin promptus --features gcs,azure || exit 2
    PROMPTUS=$PWD/target/dist/promptus
fi
export PROMPTUS PROMPTUS_PROGRAM=$PROMPTUS

run() {
    case $1 in
    wasm) .ci/wasm.sh check --lib --no-default-features --features decode ;;
    browsers) tools/browsers/run.sh ;;
    watch) tools/browsers/run.sh --watch && tools/browsers/run.sh --watch --browser=firefox && tools/browsers/run.sh --faults --minutes=10 ;;
    conformance) PROMPTUS_LONG=1 tools/conformance/run.sh ;;
    faults) PROMPTUS_LONG=1 PROMPTUS_REQUIRE_TOOLS=1 cargo test --release --locked --test origin --test scale_out -- --nocapture ;;
    fuzz) tools/fuzz.sh "${FUZZ_SECONDS:-600}" ;;
    *) tools/origin/run.sh "$1" ;;
    esac
}

mkdir -p "$(dirname "$log")"
: >"$log"
say() { echo "$*" | tee -a "$log"; }
say "$(date -u '+%F %H:%M UTC'), $(git rev-parse --short HEAD 2>/dev/null || echo 'no commit'), $(nproc) × $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)"

rows=()
failed=0
for step in ${*:-$all}; do
    say
    say "== $step"
    began=$SECONDS
    run "$step" 2>&1 | tee -a "$log"
    code=${PIPESTATUS[0]}
    [ "$code" -eq 0 ] || failed=1
    rows+=("$(printf '| %-11s | %7s | %4s |' "$step" "$((SECONDS - began))" "$code")")
done

say
say "| step        | seconds | exit |"
say "|-------------|---------|------|"
for row in "${rows[@]}"; do say "$row"; done
exit "$failed"
