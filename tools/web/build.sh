#!/usr/bin/env bash
# Builds the module of the web player: promptus.wasm.br (brotli) and promptus.wasm.json, which says what it
# was built from.
#
#   tools/web/build.sh [--to FOLDER] [CARGO OPTION…]     [default: static/player, which is committed]
#
# Takes Debian's rustc-web with std from source, or a wasm32 target that is already installed; fetches no
# toolchain from elsewhere (.ci/wasm.sh).
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=static/player
if [ "${1:-}" = --to ]; then
    folder=${2:?"--to wants a folder"}
    shift 2
fi
.ci/wasm.sh rustc --lib --crate-type cdylib --no-default-features --features web --profile web "$@"
built=target/wasm32-unknown-unknown/web/promptus
mkdir -p "$folder"
node tools/web/pack.mjs "$built.wasm" "$built.d" "$folder/promptus.wasm"
