#!/usr/bin/env bash
# Builds `promptus` with the `cuda` feature on a machine that needs neither a GPU nor an installed
# CUDA toolkit: the compiler comes as Python wheels. README.md, beside this file, says how and why.
#
#     tools/cuda/build.sh [BUILD_DIR]          (default: target/cuda)
#
# CUDA_COMPUTE_CAP   the GPU's compute capability without the dot, default 90 (H100, H200; 89: RTX 4090)
# CUDAFORGE_THREADS  nvcc processes side by side, default 2
set -euo pipefail

tree=$(cd "$(dirname "$0")/../.." && pwd)
build=${1:-$tree/target/cuda}
mkdir -p "$build"
build=$(cd "$build" && pwd)

say() { echo "tools/cuda/build.sh: $*" >&2; }
die() { say "$*"; exit 1; }

# 1. The toolkit, from PyPI (255 MB).
toolkit=$build/toolkit/nvidia/cu13
if [ ! -x "$toolkit/bin/nvcc" ]; then
    say "fetching the CUDA toolkit's wheels"
    python3 -m pip download --quiet --no-deps --only-binary=:all: --dest "$build/wheels" \
        nvidia-cuda-nvcc==13.0.88 nvidia-nvvm==13.0.88 nvidia-cuda-crt==13.0.88 \
        nvidia-cuda-runtime==13.0.96 nvidia-cuda-cccl==13.0.85 nvidia-curand==10.4.0.35 \
        nvidia-cuda-nvrtc==13.0.88
    mkdir -p "$build/toolkit"
    for wheel in "$build"/wheels/nvidia_*.whl; do
        python3 -m zipfile -e "$wheel" "$build/toolkit"
    done
    chmod -R u+x "$toolkit/bin" "$toolkit/nvvm/bin"
    ln -sfn lib "$toolkit/lib64"
    ln -sf libcudart.so.13 "$toolkit/lib/libcudart.so"
    ln -sf libcurand.so.10 "$toolkit/lib/libcurand.so"
    ln -sf libnvrtc.so.13 "$toolkit/lib/libnvrtc.so"
fi
export CUDA_HOME=$toolkit PATH=$toolkit/bin:$PATH
export CUDA_COMPUTE_CAP=${CUDA_COMPUTE_CAP:-90} CUDARC_CUDA_VERSION=13000
export CUDAFORGE_THREADS=${CUDAFORGE_THREADS:-2}

# 2. Two crates changed so that the program looks for NVIDIA's libraries when it first needs them,
#    instead of not starting where there are none. `replace FILE OLD NEW` insists on finding OLD.
replace() {
    grep -qF -- "$2" "$1" || die "$1 has no line with $2: another version of candle?"
    python3 -c 'import sys; f, a, b = sys.argv[1:]; s = open(f).read(); open(f, "w").write(s.replace(a, b))' "$@"
}
cargo fetch --quiet --locked --manifest-path "$tree/Cargo.toml"
manifest_of() {
    cargo metadata --locked --offline --format-version 1 --features cuda --manifest-path "$tree/Cargo.toml" |
        python3 -c 'import json, sys; print(next(p["manifest_path"] for p in json.load(sys.stdin)["packages"] if p["name"] == sys.argv[1]))' "$1"
}
for crate in candle-core candle-kernels; do
    from=$(dirname "$(manifest_of $crate)")
    if [ "$(cat "$build/patched/$crate.from" 2>/dev/null)" != "$from" ]; then
        rm -rf "${build:?}/patched/$crate"
        mkdir -p "$build/patched"
        cp -r "$from" "$build/patched/$crate"
        case $crate in
            candle-core) replace "$build/patched/$crate/Cargo.toml" '"dynamic-linking"' '"dynamic-loading"' ;;
            candle-kernels) replace "$build/patched/$crate/build.rs" 'println!("cargo:rustc-link-lib=dylib=cudart");' \
                'println!("cargo:rustc-link-search=native={}/lib", env::var("CUDA_HOME").unwrap());
    println!("cargo:rustc-link-lib=static=cudart_static");
    println!("cargo:rustc-link-lib=dl");
    println!("cargo:rustc-link-lib=rt");' ;;
        esac
        echo "$from" >"$build/patched/$crate.from"
    fi
done

# 3. The build, in a copy of the tree: the patch would otherwise be written to Cargo.lock.
rm -rf "$build/source"
mkdir -p "$build/source"
(cd "$tree" && git ls-files -z | tar --create --null --files-from=- --ignore-failed-read) |
    tar --extract --directory "$build/source"
cd "$build/source"
export CARGO_TARGET_DIR=$build/target
cargo build --release --features cuda \
    --config "patch.crates-io.candle-core.path='$build/patched/candle-core'" \
    --config "patch.crates-io.candle-kernels.path='$build/patched/candle-kernels'"
say "built $CARGO_TARGET_DIR/release/promptus"
