"""Train the mini encoder and generator from photographs on one CPU thread.

    python tools/train_mini/train.py --minutes 90
    python tools/train_mini/train.py --minutes 90 --resume

The learning rate follows elapsed time, so a run always ends annealed.
"""

import argparse
import copy
import math
import time
from pathlib import Path

import torch

import data
from linear_start import initialise
from losses import Lpips, objective
from model import Mini, as_map, start_noise, tokens
from prompt import RANKS, basis, gram, random_steps, truncate

HERE = Path(__file__).parent
# How often each rank 1..16 is trained; the rungs of a stream lie at the heavy ones.
RANK_WEIGHTS = torch.tensor([1, 1, 4, 3, 4, 3, 1, 1, 4, 3, 1, 1, 1, 1, 1, 4.0])


def half_precision():
    """bfloat16 convolutions; the linear path and all prompt algebra stay in f32."""
    return torch.autocast("cpu", dtype=torch.bfloat16)


def forward(model, noise, inputs, triples):
    """Encode, cut to a random rank and quantise, average the ends of the triples, render."""
    with half_precision():
        p_map = model.encoder(inputs)
    h, w = p_map.shape[-2:]
    p = tokens(p_map)
    count = len(inputs) - triples
    with torch.no_grad():
        g = gram(p)
        if triples:  # the two ends of a triple share one basis, as keyframes of a segment do
            shared = g[count - triples:count] + g[count:]
            g = torch.cat([g[:count - triples], shared])
        rows = basis(g)
    rank = 1 + torch.multinomial(RANK_WEIGHTS, count, replacement=True)
    step = random_steps(count)
    if triples:
        tail = slice(count - triples, count)
        rows, rank, step = (torch.cat([v, v[tail]]) for v in (rows, rank, step))
    p = truncate(p, rows, rank, step)
    if triples:
        p = torch.cat([p[:count - triples], (p[count - triples:count] + p[count:]) / 2])
    with half_precision():
        return model.generator(as_map(p, h, w), noise)


@torch.no_grad()
def validate(model, noise, pictures, lpips):
    """PSNR and LPIPS of the held-out photographs at four ranks."""
    out = []
    p = tokens(model.encoder(pictures))
    rows = basis(gram(p))
    for rank in (3, 5, 9, 16):
        cut = truncate(p, rows, torch.full((len(p),), rank), torch.full((len(p), 1, RANKS), 0.1))
        frame = model.generator(as_map(cut, 16, 16), noise).clamp(0, 1)
        psnr = -10 * (frame - pictures).square().mean((1, 2, 3)).log10()
        out.append(f"r{rank} {psnr.mean():.2f} dB {lpips(frame, pictures).mean():.4f}")
    return ", ".join(out)


def main():
    arg = argparse.ArgumentParser()
    arg.add_argument("--minutes", type=float, default=90)
    arg.add_argument("--resume", action="store_true")
    arg.add_argument("--photos", default="../shared/photos")
    arg.add_argument("--clips", default="../shared/train-clips")
    arg.add_argument("--lpips", default="../shared/models/lpips/lpips_squeeze_v0.1.safetensors")
    arg.add_argument("--run", default="main", help="name of the folder under runs/")
    arg.add_argument("--batch", type=int, default=8)
    arg.add_argument("--rate", type=float, default=1e-3)
    arg.add_argument("--lpips-weight", type=float, default=0.3)
    arg.add_argument("--seed", type=int, default=1)
    arg.add_argument("--threads", type=int, default=1)
    args = arg.parse_args()

    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    run = HERE / "runs" / args.run
    run.mkdir(parents=True, exist_ok=True)
    pictures = data.load(args.photos, args.clips, HERE / "runs" / "cache.pt")
    lpips = Lpips(args.lpips)
    noise = start_noise(data.SIZE, data.SIZE)
    held_out = data.validation_pictures(pictures)

    model = Mini()
    step, elapsed = 0, 0.0
    state = torch.load(run / "last.pt") if args.resume else None
    if state:
        step, elapsed = state["step"], state["elapsed"]
        model.load_state_dict(state["model"])
    else:
        warm = data.Sampler(pictures, args.seed + 1000)
        initialise(model, torch.stack([warm.picture() for _ in range(600)]))
        torch.save({"average": model.state_dict()}, run / "start.pt")
    model = model.to(memory_format=torch.channels_last)
    average = copy.deepcopy(model).requires_grad_(False)

    gentle = [p for n, p in model.named_parameters() if ".linear." in n or ".lift." in n]
    others = [p for n, p in model.named_parameters() if not (".linear." in n or ".lift." in n)]
    optimiser = torch.optim.AdamW(
        [{"params": gentle, "factor": 0.1}, {"params": others, "factor": 1.0}],
        lr=args.rate, betas=(0.9, 0.98), weight_decay=0.0)
    if state:
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
    sampler = data.Sampler(pictures, args.seed + step)

    def save():
        torch.save({"step": step, "elapsed": elapsed, "model": model.state_dict(),
                    "average": average.state_dict(), "optimiser": optimiser.state_dict()},
                   run / "last.tmp")
        (run / "last.tmp").rename(run / "last.pt")

    log = open(run / "log.txt", "a", buffering=1)
    begin = time.time() - elapsed
    total = args.minutes * 60
    sums, since, seen = torch.zeros(3), 0, time.time()
    next_save = elapsed
    while elapsed < total:
        elapsed = time.time() - begin
        part = min(1.0, elapsed / total)
        rate = args.rate * min(1, (step + 1) / 200) * 0.5 * (1 + math.cos(math.pi * part))
        for group in optimiser.param_groups:
            group["lr"] = rate * group["factor"]
        ramp = min(1.0, max(0.0, (part - 0.03) / 0.3))
        weight = 0.0 if part < 0.03 else 0.15 + (args.lpips_weight - 0.15) * ramp

        triples = int(torch.distributions.Binomial(args.batch, 0.25).sample())
        inputs, targets = sampler.batch(args.batch - triples, triples)
        frame = forward(model, noise, inputs, triples)
        with half_precision():
            loss, mse, perceptual = objective(frame, targets, lpips, weight)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 0.5)
        optimiser.step()
        step += 1
        decay = min(0.998, step / (step + 20))
        with torch.no_grad():
            for a, m in zip(average.parameters(), model.parameters()):
                a.lerp_(m, 1 - decay)

        sums += torch.stack([loss.detach(), mse, perceptual])
        since += 1
        if since == 100:
            speed = since * args.batch / (time.time() - seen)
            mean = (sums / since).tolist()
            log.write(f"{elapsed / 60:6.1f} min  step {step}  samples {step * args.batch}  {speed:.1f}/s  "
                      f"loss {mean[0]:.4f}  mse {mean[1]:.5f}  lpips {mean[2]:.4f}  rate {rate:.1e}\n")
            sums, since, seen = torch.zeros(3), 0, time.time()
        if elapsed >= next_save or elapsed >= total:
            save()
            log.write(f"{elapsed / 60:6.1f} min  step {step}  held out: "
                      f"{validate(average, noise, held_out, lpips)}\n")
            next_save = elapsed + 240
            seen = time.time() if since == 0 else seen
    save()


if __name__ == "__main__":
    main()
