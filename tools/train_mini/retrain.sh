#!/usr/bin/env bash
# The generator from scratch: environment, training, export, measurement on clips kept out of it.
#
#   tools/train_mini/retrain.sh [MINUTES] [FOLDER]
#
# MINUTES of training (186 as shipped; learning rates follow the clock). Weights and the fixture of
# the tests go under FOLDER, by default the repository itself, where they replace what ships; titles
# fitted before then belong to other weights: encode them anew. A run that was cut off goes on
# where its last checkpoint stands, if RESUME=1.
set -euo pipefail
cd "$(dirname "$0")/../.."
minutes=${1:-186}
folder=${2:-.}
venv=${VENV:-target/train-venv}
run=retrain
if [ ! -x "$venv/bin/python" ]; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet -r tools/train_mini/requirements.txt
fi
# Large tensors stay in the heap instead of being mapped anew at every step.
export MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=17179869184
resume=()
[ "${RESUME:-0}" = 1 ] && resume=(--resume)
"$venv/bin/python" tools/train_mini/train.py --run "$run" --minutes "$minutes" "${resume[@]}"
"$venv/bin/python" tools/train_mini/export.py --run "$run" --out "$folder"
"$venv/bin/python" tools/train_mini/eval_clips.py --run "$run" --keys 10 --step 0.12
