"""What fixtures and the full-size comparison share: weights, configurations, names, arithmetic."""

import hashlib

import numpy as np
import torch

# Reduced SD-Turbo: same blocks, fewer channels. Channels stay multiples of 32 and heads keep 32.
WIDTHS = [32, 64, 128, 128]
HEADS = [1, 2, 4, 4]
FULL_WIDTHS = [320, 640, 1280, 1280]
FULL_HEADS = [5, 10, 20, 20]
VAE_WIDTHS = [32, 32, 64, 64]
FULL_VAE_WIDTHS = [128, 256, 512, 512]
SEED = 7


def unet_config(widths, heads, layers=2):
    """diffusers' configuration of SD-Turbo's UNet (stabilityai/sd-turbo, unet/config.json)."""
    return dict(
        sample_size=64,
        in_channels=4,
        out_channels=4,
        block_out_channels=widths,
        attention_head_dim=heads,
        layers_per_block=layers,
        cross_attention_dim=1024,
        use_linear_projection=True,
        norm_num_groups=32,
        flip_sin_to_cos=True,
        freq_shift=0,
        down_block_types=["CrossAttnDownBlock2D"] * 3 + ["DownBlock2D"],
        up_block_types=["UpBlock2D"] + ["CrossAttnUpBlock2D"] * 3,
    )


def vae_config(widths, layers=2):
    """diffusers' configuration of Stable Diffusion's autoencoder."""
    return dict(
        in_channels=3,
        out_channels=3,
        block_out_channels=widths,
        layers_per_block=layers,
        latent_channels=4,
        norm_num_groups=32,
        down_block_types=["DownEncoderBlock2D"] * 4,
        up_block_types=["UpDecoderBlock2D"] * 4,
    )


def normal(seed, shape):
    numbers = np.random.RandomState(seed).randn(int(np.prod(shape)))
    return torch.from_numpy(numbers.astype(np.float32).reshape(shape))


def random_weight(name, shape, seed=SEED):
    """`promptus::model::synthetic::RandomWeights`, number for number."""
    of_name = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "little")
    x = np.random.RandomState(seed ^ of_name).randn(int(np.prod(shape))).astype(np.float32)
    if len(shape) == 1:
        scale = "norm" in name and name.endswith("weight")
        centre, spread = np.float32(scale), np.float32(0.1)
    else:
        centre = np.float32(0)
        spread = np.float32(1) / np.sqrt(np.float32(np.prod(shape[1:])))
    return torch.from_numpy((centre + spread * x).reshape(tuple(shape)))


def randomise(module, prefix):
    state = {k: random_weight(prefix + k, v.shape) for k, v in module.state_dict().items()}
    module.load_state_dict(state)
    return module.eval().requires_grad_(False)


class Block(torch.nn.Module):
    def __init__(self, channels):
        super().__init__()
        conv = lambda: torch.nn.Conv2d(channels, channels, 3, padding=1)
        self.convs = torch.nn.ModuleList([conv(), conv(), conv()])

    def forward(self, x):
        y = x
        for i, conv in enumerate(self.convs):
            y = conv(y if i == 0 else y.relu())
        return (y + x).relu()


class Stage(torch.nn.Module):
    def __init__(self, channels, blocks, last):
        super().__init__()
        self.blocks = torch.nn.ModuleList([Block(channels) for _ in range(blocks)])
        if not last:
            self.up = torch.nn.Conv2d(channels, channels, 3, padding=1, bias=False)


class TinyDecoder(torch.nn.Module):
    """TAESD's decoder at another width, under this project's names."""

    def __init__(self, channels=8, blocks=(1, 1, 1, 1)):
        super().__init__()
        self.conv_in = torch.nn.Conv2d(4, channels, 3, padding=1)
        last = len(blocks) - 1
        stages = [Stage(channels, n, i == last) for i, n in enumerate(blocks)]
        self.stages = torch.nn.ModuleList(stages)
        self.conv_out = torch.nn.Conv2d(channels, 3, 3, padding=1)

    def forward(self, latent):
        x = self.conv_in(3 * torch.tanh(latent / 3)).relu()
        for stage in self.stages:
            for block in stage.blocks:
                x = block(x)
            if hasattr(stage, "up"):
                x = stage.up(torch.nn.functional.interpolate(x, scale_factor=2, mode="nearest"))
        return self.conv_out(x)


def alpha_bar():
    """Of Stable Diffusion's schedule at the last of 1000 timesteps, in double precision."""
    beta = np.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=np.float64) ** 2
    return float(np.prod(1 - beta))


def latent_of(unet, z, prompt):
    """One step: the reference feeds c_in·(z/c_in) = z at t = 999 and takes σ·ε off z/c_in."""
    a = alpha_bar()
    eps = unet(z, torch.tensor(999.0), encoder_hidden_states=prompt).sample
    return (z - (1 - a) ** 0.5 * eps) / a**0.5


def original_unet(widths=FULL_WIDTHS, layers=2, levels_with_attention=3, context=1024):
    """Names and shapes of the original UNet, built up as its own code builds it."""
    first, time = widths[0], 4 * widths[0]
    tensors = {}

    def put(name, *shape, bias=True):
        tensors[f"model.diffusion_model.{name}.weight"] = shape
        if bias:
            tensors[f"model.diffusion_model.{name}.bias"] = (shape[0],)

    def resnet(at, inputs, outputs):
        put(f"{at}.in_layers.0", inputs)
        put(f"{at}.in_layers.2", outputs, inputs, 3, 3)
        put(f"{at}.emb_layers.1", outputs, time)
        put(f"{at}.out_layers.0", outputs)
        put(f"{at}.out_layers.3", outputs, outputs, 3, 3)
        if inputs != outputs:
            put(f"{at}.skip_connection", outputs, inputs, 1, 1)

    def transformer(at, c):
        put(f"{at}.norm", c)
        put(f"{at}.proj_in", c, c)
        block = f"{at}.transformer_blocks.0"
        for attn, source in (("attn1", c), ("attn2", context)):
            put(f"{block}.{attn}.to_q", c, c, bias=False)
            put(f"{block}.{attn}.to_k", c, source, bias=False)
            put(f"{block}.{attn}.to_v", c, source, bias=False)
            put(f"{block}.{attn}.to_out.0", c, c)
        put(f"{block}.ff.net.0.proj", 8 * c, c)
        put(f"{block}.ff.net.2", c, 4 * c)
        for n in (1, 2, 3):
            put(f"{block}.norm{n}", c)
        put(f"{at}.proj_out", c, c)

    put("time_embed.0", time, first)
    put("time_embed.2", time, time)
    put("input_blocks.0.0", first, 4, 3, 3)
    number, channels, skips = 1, first, [first]
    for level, width in enumerate(widths):
        for _ in range(layers):
            resnet(f"input_blocks.{number}.0", channels, width)
            if level < levels_with_attention:
                transformer(f"input_blocks.{number}.1", width)
            channels, number = width, number + 1
            skips.append(channels)
        if level + 1 < len(widths):
            put(f"input_blocks.{number}.0.op", channels, channels, 3, 3)
            number += 1
            skips.append(channels)
    resnet("middle_block.0", channels, channels)
    transformer("middle_block.1", channels)
    resnet("middle_block.2", channels, channels)
    number = 0
    for level, width in reversed(list(enumerate(widths))):
        for j in range(layers + 1):
            resnet(f"output_blocks.{number}.0", channels + skips.pop(), width)
            channels = width
            attended = level < levels_with_attention
            if attended:
                transformer(f"output_blocks.{number}.1", channels)
            if level > 0 and j == layers:
                put(f"output_blocks.{number}.{1 + attended}.conv", channels, channels, 3, 3)
            number += 1
    put("out.0", first)
    put("out.2", 4, first, 3, 3)
    return tensors


def original_vae(widths=FULL_VAE_WIDTHS, layers=2, latent=4):
    """Names and shapes of the original autoencoder, built up as its own code builds it."""
    tensors = {}

    def put(name, *shape):
        tensors[f"first_stage_model.{name}.weight"] = shape
        tensors[f"first_stage_model.{name}.bias"] = (shape[0],)

    def resnet(at, inputs, outputs):
        put(f"{at}.norm1", inputs)
        put(f"{at}.conv1", outputs, inputs, 3, 3)
        put(f"{at}.norm2", outputs)
        put(f"{at}.conv2", outputs, outputs, 3, 3)
        if inputs != outputs:
            put(f"{at}.nin_shortcut", outputs, inputs, 1, 1)

    def middle(half, c):
        resnet(f"{half}.mid.block_1", c, c)
        put(f"{half}.mid.attn_1.norm", c)
        for layer in ("q", "k", "v", "proj_out"):
            put(f"{half}.mid.attn_1.{layer}", c, c, 1, 1)
        resnet(f"{half}.mid.block_2", c, c)

    last = len(widths) - 1
    put("encoder.conv_in", widths[0], 3, 3, 3)
    channels = widths[0]
    for level, width in enumerate(widths):
        for j in range(layers):
            resnet(f"encoder.down.{level}.block.{j}", channels, width)
            channels = width
        if level < last:
            put(f"encoder.down.{level}.downsample.conv", width, width, 3, 3)
    middle("encoder", channels)
    put("encoder.norm_out", channels)
    put("encoder.conv_out", 2 * latent, channels, 3, 3)
    put("quant_conv", 2 * latent, 2 * latent, 1, 1)
    put("post_quant_conv", latent, latent, 1, 1)
    put("decoder.conv_in", channels, latent, 3, 3)
    middle("decoder", channels)
    for level, width in reversed(list(enumerate(widths))):
        for j in range(layers + 1):
            resnet(f"decoder.up.{level}.block.{j}", channels, width)
            channels = width
        if level > 0:
            put(f"decoder.up.{level}.upsample.conv", width, width, 3, 3)
    put("decoder.norm_out", channels)
    put("decoder.conv_out", 3, channels, 3, 3)
    return tensors


def pairs(original, convert):
    """(diffusers' name, original name) of every tensor, as diffusers' converter pairs them.

    The converter only moves tensors; each carries its index, so where one went can be read off."""
    order = list(original)
    marked = {
        name: torch.full((1,) * len(original[name]), float(i), dtype=torch.float64)
        for i, name in enumerate(order)
    }
    converted = convert(marked)
    return sorted((theirs, order[int(t.reshape(-1)[0])]) for theirs, t in converted.items())
