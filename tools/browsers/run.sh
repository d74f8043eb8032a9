#!/usr/bin/env bash
# Plays a title with hls.js, dash.js and Shaka Player in headless Chromium and prints a table of what the
# origin's access log says of it. Exit 1 if a player did not fetch the whole title, or did not switch.
#
#   tools/browsers/run.sh [--smoke] [--only=PLAYER/KIND/FORM] [ROOT]
#   tools/browsers/run.sh --watch [--shots=FOLDER] [--module=FILE.wasm.br] [--browser=firefox] [ROOT]   our own player
#   tools/browsers/run.sh --faults [--only=NAME,…] [--minutes=2]   and what a viewer of it may meet
#   tools/browsers/run.sh --install     only installs what is absent
#
# The program is built anew unless $PROMPTUS_PROGRAM names one. Installs what is absent: the browser and Node.js
# as Debian packages, the players with npm into $PROMPTUS_BROWSERS (a folder under the temporary one).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
program=${PROMPTUS_PROGRAM:-$here/../../target/release/promptus}
libraries=${PROMPTUS_BROWSERS:-${TMPDIR:-/tmp}/promptus-browsers-npm}

browser=chromium
for word in "$@"; do
    [ "$word" != --browser=firefox ] || browser=firefox-esr
done
need=()
command -v "$browser" >/dev/null || need+=("$browser")
command -v npm >/dev/null || need+=(nodejs npm)
if [ "${#need[@]}" -gt 0 ]; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${need[@]}" >/dev/null
fi

mkdir -p "$libraries"
if ! cmp -s "$here/package.json" "$libraries/installed.json"; then
    cp "$here/package.json" "$libraries/package.json"
    npm install --prefix "$libraries" --silent --no-audit --no-fund --ignore-scripts
    cp "$here/package.json" "$libraries/installed.json"
fi

[ "${1:-}" = --install ] && exit 0

if [ -z "${PROMPTUS_PROGRAM:-}" ]; then
    (cd "$here/../.." && cargo build --release --quiet --bin promptus)
fi
driver=main.mjs
case "${1:-}" in
--watch | --faults)
    driver=${1#--}.mjs
    shift
    ;;
esac
exec node "$here/driver/$driver" "$program" "$(command -v "$browser")" "$libraries/node_modules" "$@"
