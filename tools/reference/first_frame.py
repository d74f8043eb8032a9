"""`promptus import --first-frame` at full size: diffusers' autoencoder against the command.

Writes a checkpoint that holds the autoencoder of Stable Diffusion at its full size with random
numbers (335 MB), official prompts of our own making, and a picture; imports them, exports them
again, and compares the start latent. Needs a built `promptus` (`cargo build --release`).
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import torch
from diffusers import AutoencoderKL
from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint
from PIL import Image
from safetensors.torch import save_file

import common as c

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT / "../shared/promptus-official/sky/rank8_interval10"


def main():
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    shapes = c.original_vae()
    tensors = {name: c.random_weight(name, shape) for name, shape in shapes.items()}
    # What a checkpoint is recognised by.
    unet = "model.diffusion_model.input_blocks"
    tensors[f"{unet}.0.0.weight"] = torch.zeros(320, 4, 3, 3)
    tensors[f"{unet}.1.1.transformer_blocks.0.attn2.to_k.weight"] = torch.zeros(320, 1024)
    config = c.vae_config(c.FULL_VAE_WIDTHS)
    with torch.device("meta"):
        vae = AutoencoderKL(**config)
    vae.load_state_dict(convert_ldm_vae_checkpoint(dict(tensors), config), assign=True)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "models/sd-turbo").mkdir(parents=True)
        save_file(tensors, folder / "models/sd-turbo/sd_turbo.safetensors")
        shutil.copytree(SHARED, folder / "in", ignore=shutil.ignore_patterns("init.pth"))
        numbers = (0.5 + 0.2 * c.normal(50, (128, 192, 3))).clamp(0, 1)
        pixels = (255 * numbers).round().to(torch.uint8)
        Image.fromarray(pixels.numpy()).save(folder / "first.png")
        picture = pixels.permute(2, 0, 1)[None].float() / 255
        expected = vae.eval().encode(2 * picture - 1).latent_dist.mean * 0.18215

        environment = os.environ | {"PROMPTUS_MODELS": str(folder / "models")}
        run = lambda *words: subprocess.run(
            [ROOT / "target/release/promptus", *words], env=environment, check=True
        )
        first = ["--first-frame", folder / "first.png"]
        run("import", folder / "in", "--out", folder / "title", *first)
        run("export", folder / "title", "--out", folder / "back")
        latent = torch.load(folder / "back/init.pth", map_location="cpu", weights_only=True)
        off = (latent.reshape(expected.shape) - expected).abs().max() / expected.abs().max()
        print(f"start latent: {off:.2e} of the largest value")
        assert off < 1e-3


if __name__ == "__main__":
    main()
