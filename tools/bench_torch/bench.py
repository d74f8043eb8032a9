"""Times our operations and PyTorch's on the same shapes, in turns on the same machine.

    python3 tools/bench_torch/bench.py [--threads 2]

Needs torch and cargo. Starts `cargo bench --bench paired` and asks it for one figure at a time,
alternating with PyTorch; every figure is the best of many runs over several rounds.
"""

import argparse
import os
import pathlib
import subprocess
import time

import torch
import torch.nn.functional as F

ROUNDS = 3
# (input channels, output channels, side, kernel, stride): the mini generator at 256×256.
CONVOLUTIONS = [
    (12, 12, 128, 3, 1),
    (24, 12, 128, 3, 1),
    (16, 16, 128, 3, 1),
    (24, 24, 64, 3, 1),
    (32, 24, 64, 3, 1),
    (32, 32, 32, 3, 1),
    (96, 32, 32, 3, 1),
    (64, 64, 16, 3, 1),
    (96, 64, 16, 3, 1),
    (96, 96, 8, 3, 1),
    (192, 96, 8, 3, 1),
    (32, 32, 32, 3, 2),
    (64, 64, 16, 3, 2),
    (16, 192, 32, 1, 1),
    (64, 16, 64, 1, 1),
    (3, 64, 256, 3, 2),
]


class Ours:
    """The Rust side: one request a line, one answer a line."""

    def __init__(self, threads):
        root = pathlib.Path(__file__).resolve().parents[2]
        self.process = subprocess.Popen(
            ["cargo", "bench", "-q", "--bench", "paired"],
            cwd=root,
            env=os.environ | {"RAYON_NUM_THREADS": str(threads)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def seconds(self, *request):
        print(*request, file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())


def best(run, limit=0.06):
    """Best time of one call within about `limit` seconds."""
    shortest, begin = float("inf"), time.perf_counter()
    while time.perf_counter() - begin < limit:
        start = time.perf_counter()
        run()
        shortest = min(shortest, time.perf_counter() - start)
    return shortest


def torch_convolution(inputs, outputs, side, kernel, stride):
    """PyTorch's forward and input-gradient pass for one shape, as two functions."""
    x = torch.randn(1, inputs, side, side)
    weight, bias = torch.randn(outputs, inputs, kernel, kernel), torch.zeros(outputs)

    def forward():
        with torch.no_grad():
            F.conv2d(x, weight, bias, stride, kernel // 2)

    tracked = x.clone().requires_grad_()
    y = F.conv2d(tracked, weight, bias, stride, kernel // 2)
    ones = torch.ones_like(y)
    return forward, lambda: torch.autograd.grad(y, tracked, ones, retain_graph=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--stock", action="store_true", help="time candle's own convolution too")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    ours = Ours(arguments.threads)
    print("shape                     pass   ours ms  torch ms  ours/torch  GFLOP/s" + ("  candle/ours" if arguments.stock else ""))
    for shape in CONVOLUTIONS:
        inputs, outputs, side, kernel, stride = shape
        work = 2 * inputs * outputs * kernel**2 * (side // stride) ** 2
        for name, reference in zip(("fwd", "bwd"), torch_convolution(*shape)):
            mine = theirs = stock = float("inf")
            for _ in range(ROUNDS):
                theirs = min(theirs, best(reference))
                mine = min(mine, ours.seconds("conv", "own", name, *shape))
                if arguments.stock:
                    stock = min(stock, ours.seconds("conv", "stock", name, *shape))
            label = f"{inputs}→{outputs} @{side} k{kernel} s{stride}"
            tail = f"  {stock / mine:11.1f}" if arguments.stock else ""
            print(f"{label:25} {name} {mine * 1e3:10.3f} {theirs * 1e3:9.3f} {mine / theirs:11.2f} {work / mine / 1e9:8.0f}{tail}")


if __name__ == "__main__":
    main()
