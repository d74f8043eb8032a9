"""The `mini` network: a prompt encoder and a one-step generator.

Parameter names are the file format: the Rust crate loads them as they stand here.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

D = 32  # prompt columns
C = 16  # latent channels
WIDTHS = (32, 64, 96)
DECODER_STAGES = (32, 24, 12)
NOISE_SEED = 88
PREVIOUS_SHARE, NOISE_SHARE = 0.05, 0.95


def conv(cin, cout, k=3, stride=1):
    return nn.Conv2d(cin, cout, k, stride, k // 2)


def nearest(x):
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


def start_noise(height, width):
    """The fixed noise of a picture size; the same numbers for every frame."""
    shape = (1, C, height // 8, width // 8)
    return torch.from_numpy(np.random.RandomState(NOISE_SEED).randn(*shape).astype(np.float32))


def to_grid(p, height, width):
    """Bring a map from the prompt grid to another level of the UNet."""
    if p.shape[-1] < width:
        return nearest(p)
    if p.shape[-1] > width:
        return F.avg_pool2d(p, 2)
    return p


class Resnet(nn.Module):
    """Residual block whose hidden layer is scaled and shifted by the prompt."""

    def __init__(self, cin, cout):
        super().__init__()
        self.conv1 = conv(cin, cout)
        self.conv2 = conv(cout, cout)
        self.modulation = conv(D, 2 * cout, 1)
        self.conv_shortcut = conv(cin, cout, 1) if cin != cout else None
        with torch.no_grad():
            self.conv2.weight.mul_(0.3)
            self.conv2.bias.mul_(0.3)
        nn.init.zeros_(self.modulation.weight)
        nn.init.zeros_(self.modulation.bias)

    def forward(self, x, p):
        hidden = self.conv1(F.silu(x))
        scale, shift = to_grid(self.modulation(p), *hidden.shape[-2:]).chunk(2, 1)
        hidden = self.conv2(F.silu(hidden * (1 + scale) + shift))
        return hidden + (x if self.conv_shortcut is None else self.conv_shortcut(x))


class Resampler(nn.Module):
    def __init__(self, channels, stride):
        super().__init__()
        self.conv = conv(channels, channels, stride=stride)


class Level(nn.Module):
    """One level of the UNet: its residual blocks and, but for the last, a change of grid."""

    def __init__(self, resnets, down=None, up=None):
        super().__init__()
        self.resnets = nn.ModuleList(Resnet(i, o) for i, o in resnets)
        if down:
            self.downsamplers = nn.ModuleList([Resampler(down, 2)])
        if up:
            self.upsamplers = nn.ModuleList([Resampler(up, 1)])


class UNet(nn.Module):
    """The diffusers skeleton at small width, without norms, attention and time."""

    def __init__(self):
        super().__init__()
        a, b, c = WIDTHS
        self.conv_in = conv(2 * C, a)
        self.down_blocks = nn.ModuleList(
            [Level([(a, a)], down=a), Level([(a, b)], down=b), Level([(b, c)])]
        )
        self.mid_block = Level([(c, c), (c, c)])
        self.up_blocks = nn.ModuleList(
            [
                Level([(c + c, c), (c + b, c)], up=c),
                Level([(c + b, b), (b + a, b)], up=b),
                Level([(b + a, a), (a + a, a)]),
            ]
        )
        self.conv_out = conv(a, C)
        with torch.no_grad():
            self.conv_out.weight.mul_(0.02)
            self.conv_out.bias.mul_(0.02)

    def forward(self, x, p):
        x = self.conv_in(x)
        skips = [x]
        for level in self.down_blocks:
            for resnet in level.resnets:
                x = resnet(x, p)
                skips.append(x)
            if hasattr(level, "downsamplers"):
                x = level.downsamplers[0].conv(x)
                skips.append(x)
        for resnet in self.mid_block.resnets:
            x = resnet(x, p)
        for level in self.up_blocks:
            for resnet in level.resnets:
                x = resnet(torch.cat([x, skips.pop()], 1), p)
            if hasattr(level, "upsamplers"):
                x = level.upsamplers[0].conv(nearest(x))
        return self.conv_out(F.silu(x))


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.convs = nn.ModuleList([conv(channels, channels), conv(channels, channels)])

    def forward(self, x):
        return F.relu(self.convs[1](F.relu(self.convs[0](x))) + x)


class Stage(nn.Module):
    def __init__(self, channels, up_to=None):
        super().__init__()
        self.blocks = nn.ModuleList([Block(channels)])
        if up_to:
            self.up = conv(channels, up_to)


class Decoder(nn.Module):
    """Latent to picture: a linear 8x8 path plus a convolutional correction."""

    def __init__(self):
        super().__init__()
        a, b, c = DECODER_STAGES
        self.conv_in = conv(C, a)
        self.stages = nn.ModuleList([Stage(a, b), Stage(b, c), Stage(c)])
        self.conv_out = conv(c, 3 * 2 * 2)
        self.linear = conv(C, 3 * 8 * 8, 1)
        with torch.no_grad():
            self.conv_out.weight.mul_(0.02)
            self.conv_out.bias.mul_(0.02)

    def forward(self, latent):
        x = F.relu(self.conv_in(latent))
        for stage in self.stages:
            for block in stage.blocks:
                x = block(x)
            if hasattr(stage, "up"):
                x = stage.up(nearest(x))
        detail = F.pixel_shuffle(self.conv_out(x), 2)
        with torch.autocast("cpu", enabled=False):
            return F.pixel_shuffle(self.linear(latent.float()), 8) + detail.float()


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.lift = conv(D, 4 * C)
        self.unet = UNet()
        self.decoder = Decoder()

    def latent(self, p, noise, previous=None):
        """p: (B, D, h, w); noise: start_noise of the size; previous: a latent or None for zeros."""
        with torch.autocast("cpu", enabled=False):
            lift = F.pixel_shuffle(self.lift(p), 2)
        z = (NOISE_SHARE * noise).expand_as(lift)
        if previous is not None:
            z = z + PREVIOUS_SHARE * previous
        return lift + self.unet(torch.cat([z, lift], 1), p).float()

    def forward(self, p, noise, previous=None):
        """The picture before the final clamp to [0, 1]."""
        return self.decoder(self.latent(p, noise, previous))


class Encoder(nn.Module):
    """Picture to prompt: a linear patch projection plus a convolutional correction."""

    def __init__(self):
        super().__init__()
        self.linear = conv(3 * 16 * 16, D, 1)
        self.conv_in = conv(48, 32)
        self.down = nn.ModuleList([conv(32, 64, stride=2), conv(64, 96, stride=2)])
        self.blocks = nn.ModuleList([Block(64), Block(96), Block(96)])
        self.conv_out = conv(96, D)
        nn.init.zeros_(self.conv_out.weight)
        nn.init.zeros_(self.conv_out.bias)

    def forward(self, image):
        """The prompt as a map (B, D, h, w); its token form is tokens(map)."""
        with torch.autocast("cpu", enabled=False):
            linear = self.linear(F.pixel_unshuffle(image, 16))
        x = F.relu(self.conv_in(F.pixel_unshuffle(image, 4)))
        x = self.blocks[0](F.relu(self.down[0](x)))
        x = self.blocks[2](self.blocks[1](F.relu(self.down[1](x))))
        return linear + self.conv_out(x).float()


class Mini(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.generator = Generator()


def tokens(p_map):
    """(B, D, h, w) -> (B, T, D), row-major."""
    return p_map.flatten(2).transpose(1, 2)


def as_map(p_tokens, h, w):
    """(B, T, D) -> (B, D, h, w)."""
    return p_tokens.transpose(1, 2).reshape(p_tokens.shape[0], D, h, w)
