"""Train encoder, generator and prior together on one CPU thread.

    python tools/train_v2/train.py --hours 10

Runs until the hours of all its runs together are used up; stop it at any time (SIGTERM saves) and
start it again with the same command. The learning rate follows the hours used. Without a local
`runs/NAME/last.pt` it goes on from the averaged weights in `checkpoint/`, if they are there.

Loss of a picture: bits a pixel + 2 MSE / (0.1 step^2), times the step, so that coarse and fine
steps weigh alike, less 0.0015 times SSIMULACRA 2, which sees the edges of cells in smooth places that
MSE does not; LPIPS joins after three tenths.
"""

import argparse
import copy
import json
import math
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

import data
import ssimulacra2
from model import D, GREY, Codec
from motion import warp

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "train_mini"))
from losses import Lpips  # noqa: E402

STEPS = (0.04, 0.9)  # quantiser steps of the later picture, log-uniform


def draw_steps(chains):
    """Steps of first, later and middle pictures (3 * chains, 1, 1, 1)."""
    low, high = map(math.log, STEPS)
    later = torch.exp(torch.empty(chains, 1, 1, 1).uniform_(low, high))
    first = (later * torch.empty_like(later).uniform_(0.3, 1.0)).clamp(min=STEPS[0])
    middle = (later * torch.empty_like(later).uniform_(1.0, 1.6)).clamp(max=STEPS[1])
    return torch.cat([first, later, middle])


def predicted(codec, prompts, fields):
    """Components of linear pictures moved along fields."""
    with torch.no_grad():
        return codec.components(warp(codec.generator.base(prompts).clamp(0, 1), fields))


def code_chain(codec, y, step, fields):
    """Decoded prompts and bits of firsts, laters and middles of a batch."""
    first, later, middle = y.chunk(3)
    s_first, s_later, s_middle = step.chunk(3)
    nothing, known = torch.zeros_like(first[:, :1]), torch.ones_like(first[:, :1])
    q0, b0 = codec.prior(first, s_first, torch.zeros_like(first), nothing)
    q1, b1 = codec.prior(later, s_later, predicted(codec, q0, fields[0]), known)
    both = (predicted(codec, q0, fields[1]) + predicted(codec, q1, fields[2])) / 2
    q2, b2 = codec.prior(middle, s_middle, both, known)
    return torch.cat([q0, q1, q2]), torch.cat([b0, b1, b2])


def cut_ranks(prompts):
    """A quarter of the prompts keep their first r components only."""
    rank = torch.exp(torch.empty(len(prompts)).uniform_(math.log(6), math.log(D)))
    rank = torch.where(torch.rand(len(prompts)) < 0.25, rank, torch.tensor(float(D)))
    return prompts * (torch.arange(D).view(1, -1, 1, 1) < rank.view(-1, 1, 1, 1))


def losses(picture, wanted, bits, step):
    """Rate (bits a pixel), MSE and rate-distortion objective of each picture."""
    pixels = wanted.shape[-1] * wanted.shape[-2]
    rate = bits.sum((1, 2, 3)) / pixels
    mse = (picture - wanted).square().mean((1, 2, 3))
    step = step.view(-1)
    return rate, mse, (rate + 2 * mse / (0.1 * step.square())) * step


class Run:
    """Weights, their average, the optimiser and the hours used."""

    def __init__(self, args, cells):
        self.folder = HERE / "runs" / args.run
        self.folder.mkdir(parents=True, exist_ok=True)
        self.codec, self.samples, self.seconds = Codec(), 0, 0.0
        last, kept = self.folder / "last.pt", HERE / "checkpoint"
        state = torch.load(last) if last.exists() else None
        if state:
            self.codec.load_state_dict(state["codec"])
            self.samples, self.seconds = state["samples"], state["seconds"]
        elif (kept / "average.safetensors").exists():
            weights = load_file(kept / "average.safetensors")
            self.codec.load_state_dict({k: v.float() for k, v in weights.items()})
            progress = json.loads((kept / "progress.json").read_text())
            self.samples, self.seconds = progress["samples"], progress["seconds"]
        else:
            self.codec.start(cells())
        self.average = copy.deepcopy(self.codec).requires_grad_(False).eval()
        factor = lambda n: 0.05 if "linear" in n else 1.6 if "prior" in n else 0.7
        groups = [{"params": [p], "factor": factor(n)} for n, p in self.codec.named_parameters()]
        self.optimiser = torch.optim.AdamW(groups, lr=args.rate, betas=(0.9, 0.98), weight_decay=0)
        if state:
            self.average.load_state_dict(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
        self.steps = 0

    def save(self):
        torch.save({"codec": self.codec.state_dict(), "average": self.average.state_dict(),
                    "optimiser": self.optimiser.state_dict(), "samples": self.samples,
                    "seconds": self.seconds}, self.folder / "last.tmp")
        (self.folder / "last.tmp").rename(self.folder / "last.pt")

    def export(self):
        """Averaged weights in f16 and the progress, for the repository."""
        kept = HERE / "checkpoint"
        kept.mkdir(exist_ok=True)
        weights = {k: v.half().contiguous() for k, v in self.average.state_dict().items()}
        save_file(weights, kept / "average.safetensors")
        progress = {"samples": self.samples, "seconds": round(self.seconds)}
        (kept / "progress.json").write_text(json.dumps(progress) + "\n")

    def update(self, loss):
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.codec.parameters(), 1.0)
        self.optimiser.step()
        self.steps += 1
        decay = 0.998 if self.samples > 5000 else min(0.998, self.steps / (self.steps + 20))
        with torch.no_grad():
            for a, p in zip(self.average.parameters(), self.codec.parameters()):
                a.lerp_(p, 1 - decay)
        return float(norm)


def main():
    arg = argparse.ArgumentParser()
    arg.add_argument("--hours", type=float, default=12, help="CPU hours of all runs together")
    arg.add_argument("--photos", default="../shared/photos")
    arg.add_argument("--clips", default="../shared/train-clips")
    arg.add_argument("--cache", default=str(HERE / "runs" / "cache.pickle"))
    arg.add_argument("--lpips", default="../shared/models/lpips/lpips_squeeze_v0.1.safetensors")
    arg.add_argument("--lpips-weight", type=float, default=0.3)
    arg.add_argument("--lpips-from", type=float, default=0.3, help="part of the hours")
    arg.add_argument("--score-weight", type=float, default=0.0015, help="of SSIMULACRA 2")
    arg.add_argument("--run", default="main")
    arg.add_argument("--chains", type=int, default=4)
    arg.add_argument("--rate", type=float, default=8e-4)
    arg.add_argument("--threads", type=int, default=1)
    arg.add_argument("--export", action="store_true", help="write checkpoint/ and end")
    args = arg.parse_args()
    torch.set_num_threads(args.threads)

    pictures = data.load(args.photos, args.clips, args.cache)

    def cells():
        sampler = data.Sampler(pictures, 1)
        crops = torch.cat([sampler.batch(1)[0][:1] for _ in range(500)])
        return torch.nn.functional.pixel_unshuffle(crops - GREY, 16).permute(0, 2, 3, 1).flatten(0, 2)

    run = Run(args, cells)
    if args.export:
        run.export()
        return
    lpips = Lpips(args.lpips)
    torch.manual_seed(run.samples)
    sampler = data.Sampler(pictures, run.samples + 7)
    stop = []
    signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
    signal.signal(signal.SIGINT, lambda *_: stop.append(1))
    log = open(run.folder / "log.txt", "a", buffering=1)
    sums, count, clock, saved = np.zeros(8), 0, time.process_time(), run.seconds
    while run.seconds < args.hours * 3600 and not stop:
        part = run.seconds / (args.hours * 3600)
        rate = args.rate * min(1, (run.steps + 1) / 200) * 0.5 * (1 + math.cos(math.pi * part))
        for group in run.optimiser.param_groups:
            group["lr"] = rate * group["factor"]
        x, fields = sampler.batch(args.chains)
        step = draw_steps(args.chains)
        y = run.codec.encoder(x, step)
        q, bits = code_chain(run.codec, y, step, fields)
        out = run.codec.generator(cut_ranks(q), step)
        bpp, mse, objective = losses(out, x, bits, step)
        loss = objective.mean()
        weight = args.lpips_weight * min(1, max(0, (part - args.lpips_from) / 0.1))
        if run.steps % 2 == 0:  # every other time, for speed
            score = ssimulacra2.score(out.clamp(0, 1), x).mean()
            loss = loss + 2 * args.score_weight * (100 - score)
        elif weight > 0:
            perceptual = lpips(out, x) / (0.1 * step.view(-1).square()) * step.view(-1)
            loss = loss + 2 * weight * perceptual.mean()
        norm = run.update(loss)
        run.samples += len(x)
        now = time.process_time()
        run.seconds, clock = run.seconds + now - clock, now
        psnr = -10 * mse.detach().log10()
        sums += [v.mean().item() for v in (*bpp.detach().chunk(3), *psnr.chunk(3))] + [loss.item(), norm]
        count += 1
        if count == 100:
            v = sums / count
            log.write(f"{run.seconds / 60:7.1f} min  samples {run.samples}  bits/pixel {v[0]:.3f} {v[1]:.3f} {v[2]:.3f}"
                      f"  dB {v[3]:.2f} {v[4]:.2f} {v[5]:.2f}  loss {v[6]:.4f}  norm {v[7]:.2f}  rate {rate:.1e}"
                      f"  S2 {score.item():.1f}\n")
            sums, count = np.zeros(8), 0
        if run.seconds - saved > 180:
            run.save()
            saved = run.seconds
    run.save()
    log.write(f"{run.seconds / 60:7.1f} min  samples {run.samples}  saved\n")


if __name__ == "__main__":
    os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", "4294967296")
    main()
