"""PSNR, LPIPS-squeeze and an estimated rate on clips that training never sees.

Segments of 60 frames, a keyframe every 10 frames (or --keys) and at the last; V from a joint SVD
of the segment, U quantised with one step for all components (--step, in units of P) or with as
many bits for the range of each (--bits), P interpolated linearly between keyframes.

    python tools/train_mini/eval_clips.py --run main --strips /tmp/strips
"""

import argparse
import math
import subprocess
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from losses import Lpips
from model import Mini, as_map, start_noise, tokens
from prompt import RANKS, gram

HERE = Path(__file__).parent
SIZE, FPS, SEGMENT = 256, 30, 60
V_BITS = 10  # assumed for every value of V


def read_clip(path):
    raw = subprocess.run(["ffmpeg", "-v", "error", "-i", str(path), "-f", "rawvideo",
                          "-pix_fmt", "rgb24", "-"], capture_output=True, check=True).stdout
    frames = np.frombuffer(raw, np.uint8).reshape(-1, SIZE, SIZE, 3)
    return torch.from_numpy(frames.copy()).movedim(-1, 1).float() / 255


def laplace_bits(residual):
    """Ideal code length of integers under the discrete Laplace law of their own mean."""
    mean = residual.abs().double().mean().item()
    if mean == 0:
        return 0.0
    q = (math.sqrt(1 + mean * mean) - 1) / mean  # P(k) = (1 - q) / (1 + q) * q^|k|
    return residual.numel() * -math.log2((1 - q) / (1 + q)) - residual.abs().sum().item() * math.log2(q)


def component_bits(now, before):
    """Cheapest of a few predictions for one component map (h, w) of integers."""
    left, up = now.roll(1, 1), now.roll(1, 0)
    left[:, 0], up[0] = up[:, 0], left[0]
    left[0, 0] = up[0, 0] = 0
    choices = [now, now - (left + up) // 2]
    if before is not None:
        change = now - before
        cl, cu = change.roll(1, 1), change.roll(1, 0)
        cl[:, 0], cu[0] = 0, 0
        choices += [change, change - (cl + cu) // 2]
    return 2 + min(laplace_bits(c) for c in choices)


def keyframes(start, end, keys):
    return sorted(set(range(start, end, keys)) | {end - 1})


@torch.no_grad()
def code_segment(p, rank, step, bits):
    """p: (K, T, D) of the keyframes -> quantised prompts and the estimated bits."""
    rows = torch.linalg.eigh(gram(p).sum(0).double())[1].flip(-1)[:, :RANKS].T.float()[:rank]
    u = p @ rows.T
    if bits:
        step = (u.amax((0, 1)) - u.amin((0, 1))) / 2 ** bits
    code = (u / step).round()
    total = V_BITS * rows.numel() + 16 * rank
    side = int(math.sqrt(p.shape[1]))
    maps = code.long().view(len(p), side, side, rank)
    for k in range(len(p)):
        for r in range(rank):
            total += component_bits(maps[k, ..., r], maps[k - 1, ..., r] if k else None)
    return (code * step) @ rows, total


@torch.no_grad()
def evaluate(model, frames, rank, lpips, step=0.12, bits=None, keys=10, every=1, linear=False):
    """Mean PSNR, mean LPIPS, estimated kbit/s and the rendered frames by number."""
    noise = start_noise(SIZE, SIZE)
    total, psnr, distance, shown = 0.0, [], [], {}
    for start in range(0, len(frames), SEGMENT):
        end = min(start + SEGMENT, len(frames))
        at = keyframes(start, end, keys)
        p, cost = code_segment(tokens(model.encoder(frames[at])), rank, step, bits)
        total += cost
        for i in range(start, end, every):
            b = next(k for k, key in enumerate(at) if key >= i)
            a = b if at[b] == i else b - 1
            t = 0.0 if a == b else (i - at[a]) / (at[b] - at[a])
            prompt = as_map(((1 - t) * p[a] + t * p[b])[None], SIZE // 16, SIZE // 16)
            frame = linear_frame(model, prompt) if linear else model.generator(prompt, noise)
            frame = (frame.clamp(0, 1) * 255).round() / 255
            psnr.append(-10 * (frame - frames[i:i + 1]).square().mean().log10().item())
            distance.append(lpips(frame, frames[i:i + 1]).item())
            shown[i] = frame[0]
    rate = total / (len(frames) / FPS) / 1000
    return sum(psnr) / len(psnr), sum(distance) / len(distance), rate, shown


def linear_frame(model, prompt):
    """The linear path alone: lift, then the decoder's 1x1."""
    g = model.generator
    lift = torch.nn.functional.pixel_shuffle(g.lift(prompt), 2)
    return torch.nn.functional.pixel_shuffle(g.decoder.linear(lift), 8)


def strip(pictures, path):
    image = torch.cat([p.movedim(0, -1) for p in pictures], 1)
    Image.fromarray((image * 255).round().byte().numpy()).save(path)


def main():
    arg = argparse.ArgumentParser()
    arg.add_argument("--run", default="main")
    arg.add_argument("--checkpoint", default="last.pt")
    arg.add_argument("--clips", default="../shared/clips")
    arg.add_argument("--lpips", default="../shared/models/lpips/lpips_squeeze_v0.1.safetensors")
    arg.add_argument("--every", type=int, default=1, help="measure every n-th frame")
    arg.add_argument("--ranks", type=int, nargs="+", default=[3, 5, 9, 16])
    arg.add_argument("--step", type=float, default=0.12)
    arg.add_argument("--bits", type=float)
    arg.add_argument("--keys", type=int, default=10, help="frames from keyframe to keyframe")
    arg.add_argument("--linear", action="store_true", help="the linear path alone")
    arg.add_argument("--strips", help="folder for pictures: original, then every rank")
    args = arg.parse_args()
    torch.set_num_threads(1)

    model = Mini()
    model.load_state_dict(torch.load(HERE / "runs" / args.run / args.checkpoint)["average"])
    model = model.to(memory_format=torch.channels_last).eval()
    lpips = Lpips(args.lpips)
    for name in ("sky", "uvg"):
        frames = read_clip(Path(args.clips) / f"{name}_256_lossless.mp4")
        rendered = []
        for rank in args.ranks:
            psnr, distance, rate, shown = evaluate(model, frames, rank, lpips, args.step, args.bits,
                                                   args.keys, args.every, args.linear)
            print(f"{name}  r={rank:2d}  {rate:5.1f} kbit/s (estimate)  {psnr:.2f} dB  "
                  f"LPIPS {distance:.4f}", flush=True)
            rendered.append(shown)
        if args.strips:
            Path(args.strips).mkdir(parents=True, exist_ok=True)
            for i in (0, 5, 75, 95):
                near = min(rendered[0], key=lambda n: abs(n - i))
                strip([frames[near]] + [r[near] for r in rendered],
                      Path(args.strips) / f"{name}_{near:03d}.png")


if __name__ == "__main__":
    main()
