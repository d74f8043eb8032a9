#!/usr/bin/env bash
# Builds the module of the web player: static/player/promptus.wasm.br (brotli) and promptus.wasm.json,
# which says what it was built from. Further arguments go to cargo.
#
# Takes Debian's rustc-web with std from source, or a wasm32 target that is already installed; fetches no
# toolchain from elsewhere (.ci/wasm.sh).
set -euo pipefail
cd "$(dirname "$0")/../.."
.ci/wasm.sh rustc --lib --crate-type cdylib --no-default-features --features web --profile web "$@"
built=target/wasm32-unknown-unknown/web/promptus
mkdir -p static/player
node tools/web/pack.mjs "$built.wasm" "$built.d" static/player/promptus.wasm
