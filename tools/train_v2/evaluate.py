"""Quality and ideal code length of pictures that training never sees: the gates of a run.

    python tools/train_v2/evaluate.py [--weights checkpoint/average.safetensors] [--chain 6]

Without --chain every --every-th frame is coded alone. With --chain N every Nth frame is predicted
from the one before along a field of optical flow (16-pixel cells, quarter-pel, 200 bytes counted a
field). Bytes are the ideal code length of the prior: no range coder, no container. No fit: prompts
are the encoder network's. PSNR over RGB; LPIPS-squeeze; SSIMULACRA 2 if
target/release/examples/ssimulacra2 is built. With --against the table that `intra_codecs.py` wrote,
each line also has its bytes as a multiple of the peer's at equal PSNR and at equal SSIMULACRA 2, and
the gate is their mean over the clips in GATE at 1 to 2.5 kB a picture.
"""

import argparse
import json
import math
import subprocess
import tempfile
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file

import data
from model import CELL, Codec
from train import Lpips, predicted

HERE = Path(__file__).parent
SCORER = Path("target/release/examples/ssimulacra2")
FIELD_BYTES = 200
CLIPS = ["../shared/clips/sky_256_lossless.mp4", "../shared/clips/uvg_256_lossless.mp4",
         "../shared/train-clips/tos_battle_a.mp4", "../shared/train-clips/intel_asl_sister.mp4",
         "../shared/train-clips/intel_bottle.mp4", "../shared/train-clips/intel_onebyone.mp4"]
GATE = ["sky_256_lossless", "uvg_256_lossless", "tos_battle_a", "intel_asl_sister"]


def read(path, size=256):
    """Frames of a clip as uint8 (N, size, size, 3): scaled by its short side, centre cut out."""
    frames = data.clip_frames(path, size)
    left = (frames.shape[2] - size) // 2
    return frames[:, :, left:left + size]


def scores(pairs):
    """SSIMULACRA 2 of pairs (original, shown) of uint8 pictures; not a number unless the scorer is built."""
    if not SCORER.exists():
        return [float("nan")] * len(pairs)
    with tempfile.TemporaryDirectory() as name:
        files = []
        for n, picture in enumerate(p for pair in pairs for p in pair):
            files.append(f"{name}/{n}.png")
            Image.fromarray(picture).save(files[-1], compress_level=1)
        text = subprocess.run([str(SCORER), *files], check=True, capture_output=True, text=True).stdout
    return [float(line) for line in text.split()]


def field(now, before):
    flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    moved = flow.calc(data.grey(now), data.grey(before), None)
    h, w = moved.shape[0] // CELL, moved.shape[1] // CELL
    cells = moved.reshape(h, CELL, w, CELL, 2).mean((1, 3))
    return (torch.from_numpy(cells).permute(2, 0, 1)[None] * 4).round() / 4


def code(codec, picture, step, prediction, known, deadzone):
    y = codec.encoder(picture, step)
    q, bits = codec.prior(y, step, prediction, known, deadzone=deadzone)
    return q, float(bits.sum()) / 8


@torch.no_grad()
def measure(codec, lpips, frames, step, chain, deadzone, strip):
    """Means over frames: bytes, PSNR, LPIPS, SSIMULACRA 2, PSNR of the linear picture."""
    rows, pairs, before = [], [], None
    step = torch.full((1, 1, 1, 1), step)
    for n, frame in enumerate(frames):
        x = data.tensor(frame)[None]
        nothing = torch.zeros(1, codec.generator.lift.in_channels, *[s // CELL for s in x.shape[-2:]])
        if chain and n:
            prediction, known = predicted(codec, before, field(frame, frames[n - 1])), torch.ones_like(nothing[:, :1])
        else:
            prediction, known = nothing, torch.zeros_like(nothing[:, :1])
        before, size = code(codec, x, step, prediction, known, deadzone)
        out = codec.generator(before, step).clamp(0, 1)
        out = (out * 255).round() / 255
        psnr = lambda a: float(-10 * (a - x).square().mean().log10())
        shown = (out[0].movedim(0, -1) * 255).round().byte().numpy()
        if not chain or n:
            rows.append((size, psnr(out), float(lpips(out, x)), psnr(codec.generator.base(before).clamp(0, 1))))
            pairs.append((frame, shown))
        if strip is not None and n == 1:
            strip.append(shown)
    return *np.mean(rows, 0)[:3], np.mean(scores(pairs)), np.mean(rows, 0)[3]


def multiple(size, value, peer, metric):
    """`size` as a multiple of the peer's bytes at equal `metric`; not a number outside of its range."""
    points = sorted((row[metric], math.log(row["bytes"])) for row in peer)
    at, log_bytes = zip(*points)
    return size / math.exp(np.interp(value, at, log_bytes)) if at[0] <= value <= at[-1] else float("nan")


def main():
    arg = argparse.ArgumentParser()
    arg.add_argument("--weights", default=str(HERE / "runs" / "main" / "last.pt"))
    arg.add_argument("--clips", nargs="*", default=CLIPS)
    arg.add_argument("--steps", default="0.1,0.2,0.32,0.45,0.8")
    arg.add_argument("--every", type=int, default=20)
    arg.add_argument("--chain", type=int, default=0)
    arg.add_argument("--deadzone", type=float, default=0.4, help="rounding offset; 0.5 rounds to nearest")
    arg.add_argument("--lpips", default="../shared/models/lpips/lpips_squeeze_v0.1.safetensors")
    arg.add_argument("--against", help="the table of intra_codecs.py")
    arg.add_argument("--strips", help="folder for pictures: original, then one a step")
    args = arg.parse_args()
    torch.set_num_threads(1)
    codec = Codec().eval()
    if args.weights.endswith(".pt"):
        codec.load_state_dict(torch.load(args.weights)["average"])
    else:
        codec.load_state_dict({k: v.float() for k, v in load_file(args.weights).items()})
    lpips = Lpips(args.lpips)
    peers = json.loads(Path(args.against).read_text()) if args.against else {}
    gate = []
    for path in args.clips:
        frames = read(path)[::args.chain or args.every][:12]
        strip = [frames[1]] if args.strips else None
        for step in map(float, args.steps.split(",")):
            size, psnr, distance, score, linear = measure(codec, lpips, frames, step, args.chain, args.deadzone, strip)
            extra = f" + {FIELD_BYTES} field" if args.chain else ""
            line = (f"{Path(path).stem:24} step {step:.2f}: {size:6.0f} B{extra}  {psnr:5.2f} dB  LPIPS {distance:.3f}"
                    f"  S2 {score:5.1f}  linear {linear:5.2f} dB")
            if peer := peers.get(Path(path).stem):
                by = multiple(size, psnr, peer, "psnr"), multiple(size, score, peer, "ssimulacra2")
                line += f"  bytes {by[0]:.2f} (PSNR), {by[1]:.2f} (S2) of x265's"
                if Path(path).stem in GATE and 1000 <= size <= 2500:
                    gate.append(by)
            print(line, flush=True)
        if strip:
            Path(args.strips).mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.concatenate(strip, 1)).save(Path(args.strips) / f"{Path(path).stem}.png")
    if gate:
        print("gate: bytes %.2f (PSNR), %.2f (S2) of x265's" % tuple(np.nanmean(gate, 0)))


if __name__ == "__main__":
    main()
