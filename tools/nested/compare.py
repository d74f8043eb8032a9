#!/usr/bin/env python3
"""One nested fit beside a fit of every rung alone, and beside the highest rung alone cut short.

    cargo build --release
    python3 tools/nested/compare.py CLIP [--ranks 3,5,9,16] [-- more options of promptus encode]

CLIP is anything that `promptus encode` reads. A separate fit is measured at two quantiser steps and read
off between them at the nested rung's bytes, so that both are compared at equal bytes. Time is wall time of
the command without its measurements (`--no-measure`), so run nothing beside it.
"""
import argparse
import json
import math
import pathlib
import subprocess
import tempfile

BINARY = pathlib.Path(__file__).parents[2] / "target/release/promptus"


def encode(clip, folder, *options):
    """The JSON report of one `promptus encode`."""
    command = [BINARY, "encode", "-y", clip, "--out", folder / "title", "--json", *options]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return json.loads(done.stdout.splitlines()[-1])


def at(bytes_wanted, points, metric):
    """The metric read off a straight line over the logarithm of bytes through two points."""
    (x0, y0), (x1, y1) = [(math.log(p["bytes"]), p[metric]) for p in points]
    return y0 if x0 == x1 else y0 + (y1 - y0) * (math.log(bytes_wanted) - x0) / (x1 - x0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip")
    parser.add_argument("--ranks", default="3,5,9,16")
    parser.add_argument("--steps", nargs=2, default=["0.4", "0.5"], help="quantiser steps of separate fits")
    parser.add_argument("more", nargs="*", help="options of promptus encode")
    args = parser.parse_args()
    ranks = args.ranks.split(",")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        run = lambda *options: encode(args.clip, folder, *args.more, *options)
        nested = run("--ranks", args.ranks)["rungs"]
        plain = run("--ranks", args.ranks, "--plain")["rungs"]
        print("| rung | kbit/s | LPIPS nested | alone, equal bytes | plain, cut short | PSNR nested | alone | plain |")
        print("|---|---|---|---|---|---|---|---|")
        for rank, rung, cut in zip(ranks, nested, plain):
            alone = [run("--ranks", rank, "--step", step)["rungs"][0] for step in args.steps]
            figures = [rung["lpips_squeeze"], at(rung["bytes"], alone, "lpips_squeeze"), cut["lpips_squeeze"]]
            levels = [rung["psnr"], at(rung["bytes"], alone, "psnr"), cut["psnr"]]
            row = [f"r={rank}", f"{rung['kbps']:.1f}"]
            row += [f"{x:.3f}" for x in figures] + [f"{x:.2f}" for x in levels]
            print("|", " | ".join(row), "|", flush=True)
        times = [run("--no-measure", "--ranks", r)["seconds"] for r in (args.ranks, ranks[-1])]
        print(f"nested {times[0]:.1f} s, highest rung alone {times[1]:.1f} s: {times[0] / times[1]:.2f}")


if __name__ == "__main__":
    main()
