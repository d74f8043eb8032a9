"""x265-slow intra pictures of the clips that `evaluate.py` measures: the peer of its gates.

    python tools/train_v2/intra_codecs.py OUT.json

Each picture alone at qp 28 to 44, 4:2:0, bytes of the packet less the information SEI; PSNR over
RGB, LPIPS-squeeze, and SSIMULACRA 2 if target/release/examples/ssimulacra2 is built.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import data
from evaluate import CLIPS, Lpips, read, scores


def encode(folder, qp):
    """The picture p.png of `folder` as x265-slow codes it, and the bytes of its slice."""
    out = folder / f"{qp}.hevc"
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", folder / "p.png", "-vf",
                    "scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd", "-pix_fmt", "yuv420p", "-c:v",
                    "libx265", "-preset", "slow", "-x265-params",
                    f"qp={qp}:keyint=1:info=0:log-level=none:ipratio=1", "-frames:v", "1", out], check=True)
    shown = folder / f"{qp}.png"
    subprocess.run(["ffmpeg", "-v", "error", "-y", "-i", out, "-vf", "scale=in_color_matrix=bt709:in_range=tv",
                    "-pix_fmt", "rgb24", shown], check=True)
    return shown, out.stat().st_size


def main():
    lpips = Lpips("../shared/models/lpips/lpips_squeeze_v0.1.safetensors")
    torch.set_num_threads(1)
    table = {}
    for path in CLIPS:
        rows = {qp: [] for qp in (28, 32, 36, 40, 44)}
        for frame in read(path)[::20][:12]:
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                Image.fromarray(frame).save(folder / "p.png")
                x = data.tensor(frame)[None]
                for qp, list_ in rows.items():
                    shown, size = encode(folder, qp)
                    picture = np.asarray(Image.open(shown).convert("RGB"))
                    y = data.tensor(picture)[None]
                    score = scores([(frame, picture)])[0]
                    list_.append((size, float(-10 * (x - y).square().mean().log10()), float(lpips(x, y)), score))
        table[Path(path).stem] = [dict(zip(("bytes", "psnr", "lpips", "ssimulacra2"), np.mean(r, 0))) for r in rows.values()]
        print(Path(path).stem, *[" ".join(f"{v:.3f}" for v in r.values()) for r in table[Path(path).stem]], sep="\n  ", flush=True)
    Path(sys.argv[1]).write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
