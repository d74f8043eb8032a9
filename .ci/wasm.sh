#!/usr/bin/env bash
# `cargo "$@"` for wasm32-unknown-unknown, where rustup has no such target: Debian's rustc-web and the
# sources of its standard library are unpacked (not installed) below target/wasm-rust, and cargo
# builds std along. A machine whose toolchain has the target uses that.
#
#   .ci/wasm.sh check --lib --no-default-features --features decode
set -euo pipefail
cd "$(dirname "$0")/.."
target=wasm32-unknown-unknown
export RUSTFLAGS="${RUSTFLAGS:-} --cfg getrandom_backend=\"wasm_js\" -C target-feature=+simd128"

if [ -d "$(rustc --print sysroot)/lib/rustlib/$target" ]; then
    exec cargo "$@" --target "$target"
fi

root=$PWD/target/wasm-rust
if [ ! -x "$root/usr/bin/rustc" ]; then
    echo "unpacking Debian's rustc-web into $root" >&2
    rm -rf "$root" && mkdir -p "$root"
    apt-get update -qq
    (
        cd "$root"
        # The version of rustc-web decides those of its libraries.
        std=$(apt-cache depends libstd-rust-web-dev | sed -n 's/.*Depends: \(libstd-rust-web-[0-9.]*\)$/\1/p')
        llvm=$(apt-cache depends "$std" | sed -n 's/.*Depends: libllvm\([0-9]*\)$/\1/p')
        apt-get download -qq rustc-web "$std" libstd-rust-web-dev rust-web-src "libllvm$llvm" "lld-$llvm"
        for package in *.deb; do dpkg -x "$package" . && rm "$package"; done
        library=$(echo usr/src/rustc-*/library)
        mkdir -p usr/lib/rustlib/src/rust
        ln -sfn "$root/$library" usr/lib/rustlib/src/rust/library
        echo "$llvm" >llvm
    ) >&2
fi
llvm=$(cat "$root/llvm")
# A panic's file and line are a fiftieth of the module.
RUSTFLAGS+=" -Z location-detail=none"
export LD_LIBRARY_PATH=$root/usr/lib/x86_64-linux-gnu RUSTC_BOOTSTRAP=1 RUSTC=$root/usr/bin/rustc
export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=$root/usr/bin/wasm-ld-$llvm
exec cargo "$@" --target "$target" -Z build-std=std,panic_abort
