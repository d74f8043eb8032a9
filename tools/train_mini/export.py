"""Write the averaged weights as f16 files and the forward fixture the Rust tests compare with.

    python tools/train_mini/export.py --run main
"""

import argparse
from pathlib import Path

import torch
from safetensors.torch import save_file

from model import Mini, as_map, start_noise, tokens
from prompt import basis, gram, truncate

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
META = {"profile": "mini", "version": "1"}


def test_picture(height=64, width=96):
    """A smooth synthetic picture with an edge, well inside [0, 1]."""
    y = torch.linspace(0, 1, height).view(-1, 1)
    x = torch.linspace(0, 1, width).view(1, -1)
    disc = ((x - 0.4) ** 2 + (y - 0.5) ** 2 < 0.06).float()
    return torch.stack([0.35 + 0.2 * x + 0 * y + 0.1 * disc,
                        0.40 + 0.2 * y * x + 0.08 * torch.sin(14 * x),
                        0.55 - 0.2 * y + 0 * x - 0.1 * disc])[None]


def replace(tensors, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    save_file({k: v.contiguous() for k, v in tensors.items()}, str(temporary), metadata=META)
    temporary.chmod(0o644)
    temporary.rename(path)


@torch.no_grad()
def main():
    arg = argparse.ArgumentParser()
    arg.add_argument("--run", default="main")
    arg.add_argument("--out", type=Path, default=ROOT, help="folder in place of the repository")
    args = arg.parse_args()
    torch.set_num_threads(1)

    model = Mini()
    model.load_state_dict(torch.load(HERE / "runs" / args.run / "last.pt")["average"])
    half = {k: v.half().contiguous() for k, v in model.state_dict().items()}
    model.load_state_dict({k: v.float() for k, v in half.items()})

    image = test_picture()
    height, width = image.shape[-2:]
    noise = start_noise(height, width)
    encoded = tokens(model.encoder(image))
    p = truncate(encoded, basis(gram(encoded)), torch.tensor([5]))
    latent = model.generator.latent(as_map(p, height // 16, width // 16), noise)
    frame = model.generator.decoder(latent)
    assert 0 < frame.min() and frame.max() < 1, "the fixture must not depend on the final clamp"

    generator = {k.removeprefix("generator."): v for k, v in half.items() if k.startswith("generator.")}
    encoder = {k: v for k, v in half.items() if k.startswith("encoder.")}
    fixture = {"p": p, "noise": noise, "latent": latent, "frame": frame,
               "image": image, "p_encoded": encoded}
    replace(generator, args.out / "static" / "mini" / "generator.safetensors")
    replace(encoder, args.out / "static" / "mini" / "encoder.safetensors")
    replace(fixture, args.out / "tests" / "data" / "mini_forward.safetensors")
    for name, part in (("generator", generator), ("encoder", encoder)):
        print(name, sum(v.numel() for v in part.values()), "values,",
              max(v.abs().max().item() for v in part.values()), "largest")


if __name__ == "__main__":
    main()
