#!/usr/bin/env bash
# Reads a served title with parsers, probes and clients that are not ours; prints tool, version, what it saw
# and a verdict. Exit 1 if one of them finds a defect.
#
#   tools/conformance/run.sh [--root TITLES] [--schema DIR]
#
# The program is built anew unless $PROMPTUS_PROGRAM names one. Installs what is absent: Debian packages, and
# npm's and PyPI's under $PROMPTUS_CONFORMANCE (a folder under the temporary one). dash-mpd-cli is used if it
# is on PATH; PROMPTUS_LONG=1 builds it with cargo, which takes many minutes and protobuf-compiler.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
program=${PROMPTUS_PROGRAM:-$here/../../target/release/promptus}
place=${PROMPTUS_CONFORMANCE:-${TMPDIR:-/tmp}/promptus-conformance}

need=()
command -v ffprobe >/dev/null || need+=(ffmpeg)
command -v mediainfo >/dev/null || need+=(mediainfo)
command -v xmllint >/dev/null || need+=(libxml2-utils)
command -v npm >/dev/null || need+=(nodejs npm)
python3 -c 'import ensurepip' 2>/dev/null || need+=(python3-venv)
if [ "${#need[@]}" -gt 0 ]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${need[@]}" >/dev/null
fi

mkdir -p "$place"
if ! cat "$here/package.json" "$here/requirements.txt" | cmp -s - "$place/installed"; then
    cp "$here/package.json" "$place/package.json"
    npm install --prefix "$place" --silent --no-audit --no-fund --ignore-scripts
    [ -x "$place/venv/bin/python" ] || python3 -m venv "$place/venv"
    "$place/venv/bin/pip" install -q -r "$here/requirements.txt"
    cat "$here/package.json" "$here/requirements.txt" >"$place/installed"
fi
export PATH="$PATH:$place/cargo/bin"
if [ "${PROMPTUS_LONG:-}" = 1 ] && ! command -v dash-mpd-cli >/dev/null; then
    command -v protoc >/dev/null || apt-get install -y -qq --no-install-recommends protobuf-compiler >/dev/null
    # Its HTTP client has HTTP/3 behind this flag.
    RUSTFLAGS="--cfg reqwest_unstable" cargo install dash-mpd-cli --version 0.2.35 --locked --quiet \
        --root "$place/cargo" || echo "dash-mpd-cli cannot be built here and will be skipped" >&2
fi

if [ -z "${PROMPTUS_PROGRAM:-}" ]; then
    (cd "$here/../.." && cargo build --release --quiet --bin promptus)
fi
exec "$place/venv/bin/python" "$here/check.py" --libraries "$place" --program "$program" "$@"
