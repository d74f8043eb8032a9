"""One frame at SD-Turbo's full size: diffusers against promptus, on random weights.

Writes `sd_turbo.safetensors` (original names, about 3.5 GB) and `expected.safetensors` into a
temporary folder and runs the test that compares. See README.md beside this file.
"""

import argparse
import os
import subprocess
import tempfile
import time
from pathlib import Path

import torch
from diffusers import UNet2DConditionModel
from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint
from safetensors.torch import load_file, save_file

import common as c

ROOT = Path(__file__).resolve().parents[2]


def write_checkpoint(path, dtype):
    """Random numbers of a sensible size under the original names."""
    generator = torch.Generator().manual_seed(5)
    tensors = {}
    for name, shape in c.original_unet().items():
        numbers = torch.randn(shape, generator=generator)
        if len(shape) > 1:
            numbers *= float(torch.tensor(shape[1:]).prod()) ** -0.5
        else:
            # Scales of norms lie around 1; they are the one-dimensional weights.
            numbers = 0.1 * numbers + float(name.endswith("weight"))
        tensors[name] = numbers.to(dtype)
    save_file(tensors, path)


def diffusers_frame(path, z, prompt):
    config = c.unet_config(c.FULL_WIDTHS, c.FULL_HEADS)
    with torch.device("meta"):
        unet = UNet2DConditionModel(**config)
    state = convert_ldm_unet_checkpoint(load_file(path), config)
    state = {name: tensor.float() for name, tensor in state.items()}
    unet.load_state_dict(state, assign=True)
    unet.eval()
    begun = time.perf_counter()
    out = unet(z, torch.tensor(999.0), encoder_hidden_states=prompt).sample
    print(f"diffusers: one frame in {time.perf_counter() - begun:.1f} s, std {out.std():.3f}")
    return out


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--dtype", default="float32", choices=["float32", "float16", "bfloat16"])
    arguments.add_argument("--threads", type=int, default=1)
    arguments.add_argument("--folder", help="keep the files here instead of a temporary folder")
    arguments = arguments.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.set_grad_enabled(False)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(arguments.folder or temporary)
        folder.mkdir(exist_ok=True)
        checkpoint = folder / "sd_turbo.safetensors"
        write_checkpoint(checkpoint, getattr(torch, arguments.dtype))
        z, prompt = c.normal(88, (1, 4, 64, 64)), 0.5 * c.normal(11, (1, 77, 1024))
        out = diffusers_frame(checkpoint, z, prompt)
        save_file({"out": out.contiguous()}, folder / "expected.safetensors")
        del out
        environment = os.environ | {"PROMPTUS_LONG": "1", "PROMPTUS_FULL_SIZE": str(folder)}
        command = "cargo test --release --test sd_turbo -- --nocapture full_size"
        subprocess.run(command.split(), cwd=ROOT, env=environment, check=True)


if __name__ == "__main__":
    main()
