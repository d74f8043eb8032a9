#!/bin/bash
# The origin behind real caches, on S3, beside nginx and under load. See README.md.
#
#   tools/origin/run.sh [caches|s3|clouds|speed|load|title|all]
#
# Prints tables; ends with 1 if anything missed its bar.
set -u
cd "$(dirname "$0")/../.."
part=${1:-all}
case $part in caches|s3|clouds|speed|load|title|all) ;; *) echo "usage: $0 [caches|s3|clouds|speed|load|title|all]" >&2; exit 2 ;; esac

packages=()
command -v nginx >/dev/null || packages+=(nginx-light)
command -v varnishd >/dev/null || packages+=(varnish)
command -v wrk >/dev/null || packages+=(wrk)
command -v h2load >/dev/null || packages+=(nghttp2-client)
if [ ${#packages[@]} -gt 0 ]; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" \
        >/dev/null || { echo "cannot install ${packages[*]}" >&2; exit 2; }
fi
# As the container has it.
if [ -z "${PROMPTUS:-}" ]; then
    cargo build --profile dist --locked -q --bin promptus --features gcs,azure || exit 2
    export PROMPTUS=$PWD/target/dist/promptus
fi
if [ "$part" = speed ] || [ "$part" = all ]; then
    cargo build --profile dist --locked -q --example floor --no-default-features --features net || exit 2
fi

echo "$(date -u '+%F %H:%M UTC'), $(nproc) × $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), $(nginx -v 2>&1 | sed 's/.*: //')"
failed=0
for each in caches s3 clouds speed load title; do
    if [ "$part" = "$each" ] || [ "$part" = all ]; then
        echo; echo "== $each"
        python3 "tools/origin/$each.py" || failed=1
    fi
done
exit $failed
