"""Writes tests/data/sd_reference.safetensors and tests/data/stable_diffusion_names.tsv.

See README.md beside this file. Deterministic on one machine; between machines PyTorch's sums differ
in the last bits, which the tests' tolerances cover.
"""

import argparse
from pathlib import Path

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.loaders.single_file_utils import (
    convert_ldm_unet_checkpoint,
    convert_ldm_vae_checkpoint,
)
from safetensors.torch import save_file

import common as c

ROOT = Path(__file__).resolve().parents[2]
# A latent of 16×24 and the picture it decodes to.
LATENT = (1, 4, 16, 24)
PICTURE = (1, 3, 128, 192)
# Official key frames that are rendered, three frames apart.
CHAIN = [0, 10, 20, 30]
INTERVAL = 3
# Every sixteenth pixel of a rendered frame is stored.
STEP, FIRST = 16, 5


def fit_conv_out(unet, prompts, starts):
    """Least squares for the last layer, so that ε ≈ z as in a trained one-step model: latents then
    have the size that decoders expect."""
    features = []
    hook = unet.conv_act.register_forward_hook(lambda _m, _i, out: features.append(out))
    for z, prompt in zip(starts, prompts):
        unet(z, torch.tensor(999.0), encoder_hidden_states=prompt)
    hook.remove()
    rows = [torch.nn.functional.unfold(f, 3, padding=1)[0].T for f in features]
    rows = torch.cat(rows).double()
    rows = torch.cat([rows, torch.ones(len(rows), 1, dtype=torch.float64)], 1)
    wanted = torch.cat([z[0].flatten(1).T for z in starts]).double()
    ridge = 1e-3 * len(rows) * torch.eye(rows.shape[1], dtype=torch.float64)
    solution = torch.linalg.solve(rows.T @ rows + ridge, rows.T @ wanted)
    weight = solution[:-1].T.reshape(unet.conv_out.weight.shape)
    unet.conv_out.weight.copy_(weight.float())
    unet.conv_out.bias.copy_(solution[-1].float())
    rest = (rows @ solution - wanted).std()
    print(f"last layer fitted: rest {rest:.3f}, latents of about {14.6 * rest:.2f}")


def centre(decoder, latents):
    """Scales the last layer so that pictures lie around 0.5 with a deviation of 0.2."""
    pictures = torch.cat([decoder(z) for z in latents])
    mean, deviation = pictures.mean((0, 2, 3)), pictures.std((0, 2, 3))
    decoder.conv_out.weight.mul_((0.2 / deviation)[:, None, None, None])
    decoder.conv_out.bias.copy_((decoder.conv_out.bias - mean) * 0.2 / deviation + 0.5)


def unet_of(layers):
    config = c.unet_config(c.WIDTHS, c.HEADS, layers)
    return c.randomise(UNet2DConditionModel(**config), "unet.")


def names(path):
    unet = c.pairs(
        c.original_unet(),
        lambda marked: convert_ldm_unet_checkpoint(
            marked, c.unet_config(c.FULL_WIDTHS, c.FULL_HEADS)
        ),
    )
    vae = c.pairs(
        c.original_vae(),
        lambda marked: convert_ldm_vae_checkpoint(marked, c.vae_config(c.FULL_VAE_WIDTHS)),
    )
    with torch.device("meta"):
        whole = UNet2DConditionModel(**c.unet_config(c.FULL_WIDTHS, c.FULL_HEADS))
        autoencoder = AutoencoderKL(**c.vae_config(c.FULL_VAE_WIDTHS))
    assert {name for name, _ in unet} == set(whole.state_dict()), "UNet names"
    assert {name for name, _ in vae} == set(autoencoder.state_dict()), "VAE names"
    assert len(unet) == len(c.original_unet()) and len(vae) == len(c.original_vae())
    shapes = {name: tuple(t.shape) for name, t in whole.state_dict().items()}
    assert all(shapes[name] == c.original_unet()[theirs] for name, theirs in unet)
    lines = [f"{a}\t{b}\n" for a, b in unet + vae]
    path.write_text("".join(lines))
    print(f"{path}: {len(lines)} names")


def network(out):
    """(i) Noise prediction and (iii) gradients with respect to U and V."""
    unet = unet_of(2)
    prompt = 0.5 * c.normal(11, (2, 77, 1024))
    z = c.normal(10, LATENT).expand(2, -1, -1, -1).contiguous()
    out["unet.out"] = unet(z, torch.tensor(999.0), encoder_hidden_states=prompt).sample

    u, v = 0.7 * c.normal(12, (77, 8)), c.normal(13, (8, 1024))
    compose = lambda u, v: (u @ v / 8**0.5)[None]
    start = z[:1]
    fit_conv_out(unet, [compose(u, v), prompt[:1]], [start, c.normal(20, LATENT)])
    decoder = c.randomise(c.TinyDecoder(), "decoder.")
    centre(decoder, [c.latent_of(unet, start, compose(u, v))])
    keep(out, "grad", unet, decoder)
    u, v = u.requires_grad_(), v.requires_grad_()
    with torch.enable_grad():
        prompt = compose(u, v)
        latent = c.latent_of(unet, start, prompt)
        picture = decoder(latent)
        target = 0.5 + 0.2 * c.normal(14, PICTURE)
        loss = 0.8 * (picture - target).square().mean() + 0.1 * prompt.abs().mean()
        loss.backward()
    out["grad.latent"] = latent.detach()
    out["grad.picture"] = picture.detach()[:, :, 3::8, 3::8].contiguous()
    out["grad.loss"] = loss.detach().reshape(1)
    out["grad.u"], out["grad.v"] = u.grad, v.grad
    print(f"loss {loss:.5f}, |gU| {u.grad.norm():.3e}, |gV| {v.grad.norm():.3e}")



def keep(out, group, unet, decoder):
    for prefix, layer in (("unet", unet.conv_out), ("decoder", decoder.conv_out)):
        out[f"weights.{group}.{prefix}.conv_out.weight"] = layer.weight.clone()
        out[f"weights.{group}.{prefix}.conv_out.bias"] = layer.bias.clone()


def autoencoder(out):
    """The full-size autoencoder at reduced width."""
    vae = c.randomise(AutoencoderKL(**c.vae_config(c.VAE_WIDTHS, 1)), "")
    picture = 0.5 + 0.2 * c.normal(30, (1, 3, 48, 64))
    latent = vae.encode(2 * picture - 1).latent_dist.mean * 0.18215
    out["vae.latent"] = latent
    out["vae.picture"] = vae.decode(latent / 0.18215).sample / 2 + 0.5


def chain(out, shared):
    """(iv) Ten frames of the official sky prompts: the reference's recurrence, restated."""
    folder = shared / "promptus-official/sky/rank8_interval10"
    load = lambda name: torch.load(folder / name, map_location="cpu", weights_only=True)
    factors = []
    for number in CHAIN:
        p = load(f"frame_{number:05}.prompt")
        u = p["U_scale"] * (p["U"].float() - p["U_zero_point"])
        v = p["V_scale"] * (p["V"].float() - p["V_zero_point"])
        factors.append((u, v))
    noise = c.normal(88, (1, 4, 64, 64))
    init = load("init.pth").float().reshape(1, 4, 64, 64)
    compose = lambda u, v: (u @ v / 8**0.5)[None]
    after = lambda latent: 0.05 * latent + 0.95 * noise

    unet = unet_of(1)
    starts = [after(init), after(c.normal(40, init.shape))]
    fit_conv_out(unet, [compose(*factors[0]), compose(*factors[1])], starts)
    decoder = c.randomise(c.TinyDecoder(), "decoder.")
    centre(decoder, [c.latent_of(unet, starts[0], compose(*factors[0]))])
    keep(out, "chain", unet, decoder)

    frames, z = [], after(init)
    latent = c.latent_of(unet, z, compose(*factors[0]))
    frames.append(decoder(latent))
    for (u0, v0), (u1, v1) in zip(factors, factors[1:]):
        z = after(latent)
        for step in range(1, INTERVAL + 1):
            t = step / INTERVAL
            prompt = compose((1 - t) * u0 + t * u1, (1 - t) * v0 + t * v1)
            latent = c.latent_of(unet, z, prompt)
            frames.append(decoder(latent))
    frames = torch.cat(frames)
    inside = ((frames > 0) & (frames < 1)).float().mean()
    print(f"{len(frames)} frames, {inside:.3f} of values in 0..1, last latent {latent.std():.2f}")
    out["chain.frames"] = frames[:, :, FIRST::STEP, FIRST::STEP].contiguous()
    out["chain.last_latent"] = latent[:, :, 1::4, 1::4].contiguous()


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--shared", type=Path, default=ROOT / "../shared")
    shared = arguments.parse_args().shared
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.set_grad_enabled(False)
    data = ROOT / "tests/data"
    names(data / "stable_diffusion_names.tsv")
    out = {}
    network(out)
    autoencoder(out)
    chain(out, shared)
    out = {name: tensor.contiguous() for name, tensor in out.items()}
    save_file(out, data / "sd_reference.safetensors")
    print(f"sd_reference.safetensors: {(data / 'sd_reference.safetensors').stat().st_size} bytes")


if __name__ == "__main__":
    main()
