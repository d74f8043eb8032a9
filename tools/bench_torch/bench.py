"""Times our operations and PyTorch's on the same shapes, in turns on the same machine.

    python3 tools/bench_torch/bench.py [--threads 2] [--whole]

With --whole, takes `promptus bench` of target/release (or $PROMPTUS) for ours. Needs torch and cargo. Starts `cargo bench --bench paired` and asks it for one figure at a time,
alternating with PyTorch; every figure is the best of many runs over several rounds.
"""

import argparse
import json
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



class Mini(torch.nn.Module):
    """The mini generator, layer for layer, with random weights: only its time is of interest."""

    def __init__(self):
        super().__init__()
        self.layers = torch.nn.ModuleDict()
        self.prompt = None

    def conv(self, name, x, outputs, kernel=3, stride=1):
        if name not in self.layers:
            self.layers[name] = torch.nn.Conv2d(x.shape[1], outputs, kernel, stride, kernel // 2).requires_grad_(False)
        return self.layers[name](x)

    def resnet(self, name, x, outputs):
        grid = self.conv(name + "m", self.prompt, 2 * outputs, 1)
        while grid.shape[2] < x.shape[2]:
            grid = F.interpolate(grid, scale_factor=2)
        while grid.shape[2] > x.shape[2]:
            grid = F.avg_pool2d(grid, 2)
        scale, shift = grid.chunk(2, 1)
        hidden = self.conv(name + "1", F.silu(x), outputs) * (1 + scale) + shift
        shortcut = x if x.shape[1] == outputs else self.conv(name + "s", x, outputs, 1)
        return self.conv(name + "2", F.silu(hidden), outputs) + shortcut

    def unet(self, x):
        widths = [32, 64, 96]
        x = self.conv("in", x, 32)
        skips = [x]
        for i, width in enumerate(widths):
            x = self.resnet(f"d{i}", x, width)
            skips.append(x)
            if i < 2:
                x = self.conv(f"down{i}", x, width, 3, 2)
                skips.append(x)
        x = self.resnet("m1", self.resnet("m0", x, 96), 96)
        for i, width in enumerate(reversed(widths)):
            for j in range(2):
                x = self.resnet(f"u{i}{j}", torch.cat([x, skips.pop()], 1), width)
            if i < 2:
                x = self.conv(f"up{i}", F.interpolate(x, scale_factor=2), width)
        return self.conv("out", F.silu(x), 16)

    def decode(self, latent):
        x = F.relu(self.conv("dec", latent, 32))
        for i, width in enumerate([32, 24, 12]):
            if i:
                x = self.conv(f"decup{i}", F.interpolate(x, scale_factor=2), width)
            x = F.relu(self.conv(f"b{i}1", F.relu(self.conv(f"b{i}0", x, width)), width) + x)
        linear = F.pixel_shuffle(self.conv("linear", latent, 192, 1), 8)
        return linear + F.pixel_shuffle(self.conv("decout", x, 12), 2)

    def forward(self, prompt, noise):
        self.prompt = prompt
        lift = F.pixel_shuffle(self.conv("lift", prompt, 64), 2)
        return self.decode(lift + self.unet(torch.cat([noise, lift], 1)))


class Squeeze(torch.nn.Module):
    """LPIPS with SqueezeNet 1.1, with random weights."""

    FIRES = [(64, 16, 64), (128, 16, 64), (128, 32, 128), (256, 32, 128), (256, 48, 192), (384, 48, 192), (384, 64, 256), (512, 64, 256)]

    def __init__(self):
        super().__init__()
        conv = torch.nn.Conv2d
        self.stem = conv(3, 64, 3, 2)
        parts = [(conv(i, s, 1), conv(s, e, 1), conv(s, e, 3, padding=1)) for i, s, e in self.FIRES]
        self.fires = torch.nn.ModuleList(torch.nn.ModuleList(part) for part in parts)
        self.heads = [torch.rand(1, c, 1, 1) for c in (64, 128, 256, 384, 384, 512, 512)]
        self.requires_grad_(False)

    def taps(self, x):
        x = F.relu(self.stem(2 * x - 1))
        taps = [x]
        for index, (squeeze, small, large) in enumerate(self.fires):
            if index in (0, 2, 4):
                x = F.max_pool2d(x, 3, 2, ceil_mode=True)
            x = F.relu(squeeze(x))
            x = torch.cat([F.relu(small(x)), F.relu(large(x))], 1)
            if index not in (0, 2):
                taps.append(x)
        return [tap / (tap.square().sum(1, keepdim=True).sqrt() + 1e-10) for tap in taps]

    def forward(self, x, target):
        pairs = zip(self.taps(x), target, self.heads)
        return sum(((a - b).square() * head).sum(1).mean() for a, b, head in pairs)


def torch_mini(batch, side):
    """Forward pass, and forward and backward pass, of the mini generator."""
    model = Mini()
    prompt = torch.randn(batch, 32, side // 16, side // 16) * 0.1
    noise = torch.randn(batch, 16, side // 8, side // 8)
    original = torch.rand(batch, 3, side, side)
    tracked = prompt.clone().requires_grad_()

    def forward():
        with torch.no_grad():
            model(prompt, noise)

    def step():
        tracked.grad = None
        F.mse_loss(model(tracked, noise), original).backward()

    forward()
    return forward, step


def torch_lpips(side):
    """Forward pass, and forward and backward pass, of LPIPS against a prepared target."""
    model = Squeeze()
    picture = torch.rand(1, 3, side, side)
    with torch.no_grad():
        target = model.taps(torch.rand(1, 3, side, side))
    tracked = picture.clone().requires_grad_()

    def forward():
        with torch.no_grad():
            model(picture, target)

    def step():
        tracked.grad = None
        model(tracked, target).backward()

    return forward, step


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
    # With one thread, processor time: other load on the machine does not change it.
    clock = time.thread_time if torch.get_num_threads() == 1 else time.perf_counter
    shortest, begin, runs = float("inf"), time.perf_counter(), 0
    while runs < 3 or time.perf_counter() - begin < limit:
        start = clock()
        run()
        shortest = min(shortest, clock() - start)
        runs += 1
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


def promptus(*arguments):
    """One report of `promptus bench`."""
    root = pathlib.Path(__file__).resolve().parents[2]
    program = os.environ.get("PROMPTUS", root / "target/release/promptus")
    output = subprocess.run([program, "bench", *arguments, "--json"], capture_output=True, text=True, check=True)
    return json.loads(output.stdout.splitlines()[-1])


def both_clocks(run, limit=1.0):
    """Best wall and best processor time of one call."""
    wall, processor, begin = float("inf"), float("inf"), time.perf_counter()
    while time.perf_counter() - begin < limit:
        start = time.perf_counter(), time.process_time()
        run()
        wall = min(wall, time.perf_counter() - start[0])
        processor = min(processor, time.process_time() - start[1])
    return wall, processor


def whole(threads):
    """`promptus bench render` and `fit` beside PyTorch, a run of each in turns."""
    side, batch = 256, 8
    single, many = torch_mini(1, side), torch_mini(batch, side)
    least = {}

    def note(name, wall, processor):
        old = least.get(name, (float("inf"), float("inf")))
        least[name] = min(old[0], wall), min(old[1], processor)

    threads = str(threads)
    for _ in range(ROUNDS):
        report = promptus("render", "--threads", threads)
        note("render: ours, frames side by side", report["ms_per_frame"], report["processor_ms_per_frame"])
        note("render: ours, all threads on a frame", report["peers"][0]["ms"], float("nan"))
        for name, functions, frames in (("one frame", single, 1), (f"batch of {batch}", many, batch)):
            for what, run in zip(("render", "fit"), functions):
                note(f"{what}: PyTorch, {name}", *(1e3 * t / frames for t in both_clocks(run)))
        report = promptus("fit", "--threads", threads)
        note("fit: ours, all threads on a step", report["step_ms"], report["processor_ms"])
        note("fit: ours, steps side by side", report["side_by_side_ms"], float("nan"))
    print(f"mini at {side}×{side}, {threads} threads, ms a frame      wall  processor")
    for name in sorted(least, reverse=True):
        print(f"{name:42} {least[name][0]:9.2f} {least[name][1]:9.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--stock", action="store_true", help="time candle's own convolution too")
    parser.add_argument("--whole", action="store_true", help="only `promptus bench` beside PyTorch, whole frames and steps")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    if arguments.whole:
        return whole(arguments.threads)
    ours = Ours(arguments.threads)
    stock = "  candle/ours" if arguments.stock else ""
    print("what                      pass   ours ms  torch ms  ours/torch  GFLOP/s" + stock)
    for shape in CONVOLUTIONS:
        inputs, outputs, side, kernel, stride = shape
        work = 2 * inputs * outputs * kernel**2 * (side // stride) ** 2
        label = f"{inputs}→{outputs} @{side} k{kernel} s{stride}"
        for name, reference in zip(("fwd", "bwd"), torch_convolution(*shape)):
            compare(ours, label, ("conv", name, *shape), reference, work, arguments.stock)
    for batch, side in ((1, 256), (4, 256), (1, 512)):
        for name, reference in zip(("fwd", "step"), torch_mini(batch, side)):
            compare(ours, f"mini {batch}×{side}×{side}", ("mini", name, batch, side), reference)
    for side in (160, 256):
        for name, reference in zip(("fwd", "step"), torch_lpips(side)):
            compare(ours, f"lpips {side}×{side}", ("lpips", name, side), reference)


def compare(ours, label, request, reference, work=None, stock=False):
    """Times `request` and `reference` in turns and prints a line."""
    what, name, *numbers = request
    mine = theirs = candle = float("inf")
    for _ in range(ROUNDS):
        theirs = min(theirs, best(reference))
        mine = min(mine, ours.seconds(what, "own", name, *numbers))
        if stock:
            candle = min(candle, ours.seconds(what, "stock", name, *numbers))
    rate = f"{work / mine / 1e9:8.0f}" if work else 8 * " "
    tail = f"  {candle / mine:11.1f}" if stock else ""
    print(f"{label:25} {name:4} {mine * 1e3:9.3f} {theirs * 1e3:9.3f} {mine / theirs:11.2f} {rate}{tail}", flush=True)


if __name__ == "__main__":
    main()
