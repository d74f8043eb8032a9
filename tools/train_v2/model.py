"""Encoder, generator and coder prior of the second `mini` generator.

A prompt P holds D components of every 16x16 cell of the picture. Its first approximation is linear:
P = K (x - grey) with the rows of K the principal components of cells, so K^T P is the *linear
picture* that the prior warps to predict the next prompt. The encoder adds a correction to P, the
generator a correction to the linear picture. The generator has no memory: a prompt is whole.

Shapes: pictures (B, 3, H, W) in [0, 1], prompts (B, D, H/16, W/16), one quantiser step a picture
(B, 1, 1, 1) in units of P.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

CELL = 16
D = 128
GROUPS = (2, 4, 10, 16, 32, 64)  # components coded together
GREY = 0.45


def conv(i, o, k=3, **kw):
    return nn.Conv2d(i, o, k, padding=k // 2, **kw)


def scaled(module, factor):
    with torch.no_grad():
        module.weight.mul_(factor)
        if module.bias is not None:
            module.bias.zero_()
    return module


class Residual(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.first, self.second = conv(c, c), scaled(conv(c, c), 0.3)

    def forward(self, x):
        return x + self.second(F.silu(self.first(F.silu(x))))


def log_step(step):
    return torch.log(step * 5)


def planes(values, like):
    return values.expand(-1, -1, *like.shape[-2:])


class Encoder(nn.Module):
    """Picture and step to prompt."""

    def __init__(self, width=64):
        super().__init__()
        self.linear = nn.Conv2d(3 * CELL * CELL, D, 1, bias=False)
        self.inp = conv(192 + 1, width)
        self.fine = nn.Sequential(Residual(width), Residual(width))
        self.down = nn.Conv2d(width, 128, 2, 2)
        self.coarse = nn.Sequential(Residual(128), Residual(128))
        self.out = scaled(conv(128, D), 0.02)

    def forward(self, x, step):
        exact = self.linear(F.pixel_unshuffle(x - GREY, CELL))
        f = F.pixel_unshuffle(x - GREY, 8)
        f = self.fine(self.inp(torch.cat([f, planes(log_step(step), f)], 1)))
        return exact + self.out(F.silu(self.coarse(self.down(F.silu(f)))))


class Generator(nn.Module):
    """Prompt to picture. `step` is the quantiser step of the picture."""

    def __init__(self, width=128, blocks=2, half=48, full=24):
        super().__init__()
        self.linear = nn.Conv2d(D, 3 * CELL * CELL, 1, bias=False)
        self.lift = nn.ConvTranspose2d(D, width, 2, 2)
        self.base8 = conv(192 + 1, width, 1)
        self.body = nn.Sequential(*[Residual(width) for _ in range(blocks)])
        self.up4 = conv(width, half * 4, 1)
        self.block4, self.block4b = Residual(half), Residual(half)
        self.up2 = conv(half, full * 4, 1)
        self.base2 = conv(12, full)
        self.block2, self.block2b = Residual(full), Residual(full)
        self.out = scaled(conv(full, 12), 0.02)

    def base(self, p):
        """The linear picture."""
        return F.pixel_shuffle(self.linear(p), CELL) + GREY

    def forward(self, p, step):
        base = self.base(p)
        f = F.pixel_unshuffle(base - GREY, 8)
        f = self.lift(p) + self.base8(torch.cat([f, planes(log_step(step), f)], 1))
        f = self.body(f)
        f = self.block4b(self.block4(F.pixel_shuffle(self.up4(F.silu(f)), 2)))
        f = F.pixel_shuffle(self.up2(F.silu(f)), 2) + self.base2(F.pixel_unshuffle(base - GREY, 2))
        return base + F.pixel_shuffle(self.out(F.silu(self.block2b(self.block2(f)))), 2)


def passes(h, w, group):
    """Masks of the cells decoded together, in order."""
    i, j = torch.arange(h)[:, None], torch.arange(w)[None]
    even = (i % 2 == 0) & (j % 2 == 0)
    if group <= 4:
        a, b = (i % 4 == 0) & (j % 4 == 0), (i % 4 == 2) & (j % 4 == 2)
        masks = [a, b, even & ~a & ~b, (i % 2 == 1) & (j % 2 == 1), (i + j) % 2 == 1]
    else:
        masks = [(i + j) % 2 == 0, (i + j) % 2 == 1]
    return [m.float()[None, None] for m in masks]


def compand(v):
    """Sign and logarithm of the magnitude; a table in the decoder."""
    return torch.sign(v) * torch.log1p(v.abs())


class Mix(nn.Module):
    """Depthwise 3x3, then 1x1: neighbours and channels mixed at little cost."""

    def __init__(self, c):
        super().__init__()
        self.space, self.channel = conv(c, c, 3, groups=c), conv(c, c, 1)

    def forward(self, x):
        return x + F.relu(self.channel(self.space(x)))


class Group(nn.Module):
    """Mean, scale and trust in the prediction for one group of components."""

    def __init__(self, g, hidden):
        super().__init__()
        self.near = conv(2 * g + 1, 2 * g + 1, 5 if g <= 4 else 3, groups=1 if g <= 4 else 2 * g + 1)
        self.own = conv(2 * g + 1, hidden, 1)
        self.hidden = conv(hidden, hidden, 1)
        self.out = scaled(conv(hidden, 2 * g, 1), 0.1)
        self.trust = scaled(conv(hidden, g, 1), 0.1)
        self.plane = scaled(conv(g, g, 5), 0.0) if g <= 4 else None
        self.update = conv(3 * g, hidden, 1)
        self.mix = Mix(hidden)


class Prior(nn.Module):
    """Probabilities of a prompt's quantised values, given a prediction of the prompt.

    The prediction (from another prompt's linear picture, warped) is zero where there is none. Each
    value is coded as the distance to its mean in steps; a distance of zero costs next to nothing
    where the scale is small, and the decoded value then is the mean itself.
    """

    def __init__(self, hidden=64):
        super().__init__()
        self.start = conv(D + 2, hidden, 1)
        self.mix = nn.Sequential(Mix(hidden), Mix(hidden))
        self.groups = nn.ModuleList(Group(g, hidden) for g in GROUPS)
        self.scale = nn.Parameter(torch.zeros(D))        # log of the scale without prediction
        self.scale_moved = nn.Parameter(torch.zeros(D))  # and how much smaller with one

    def forward(self, y, step, prediction, known, soft=None, deadzone=0.5):
        """Decoded prompt and bits a value. `known` (B, 1, h, w) is 1 where there is a prediction.

        Training adds noise for the bits and rounds with a straight-through gradient; with `soft`
        None and gradients off the bits are those of the rounded values.
        """
        h, w = y.shape[-2:]
        predicted = prediction / step
        state = torch.cat([compand(predicted), known, planes(log_step(step), y)], 1)
        state = self.mix(F.relu(self.start(state)))
        decoded, bits, k = [], [], 0
        for g, net in zip(GROUPS, self.groups):
            part = slice(k, k + g)
            want, guess = y[:, part] / step, predicted[:, part]
            trust = torch.sigmoid(2 + 4 * net.trust(state)) * known
            guess = guess * trust
            residual = torch.zeros_like(want)
            cost = torch.zeros_like(want)
            seen = torch.zeros(1, 1, h, w)
            for mask in passes(h, w, g):
                own = torch.cat([compand(residual), torch.log(0.4 + residual.abs()) * seen,
                                 seen.expand(len(y), -1, -1, -1)], 1)
                f = F.relu(net.own(F.relu(net.near(own))) + state)
                mean, scale = net.out(f + F.relu(net.hidden(f))).chunk(2, 1)
                if net.plane is not None:
                    mean = 3 * mean + net.plane(residual)
                scale = scale + self.scale[part].view(1, -1, 1, 1) - torch.log(step)
                scale = scale + known * self.scale_moved[part].view(1, -1, 1, 1)
                z = want - guess - mean
                rounded = torch.sign(z) * torch.floor(z.abs() + deadzone)
                near = z + torch.rand_like(z) - 0.5 if self.training else rounded
                cost = cost + mask * laplace_bits(near, scale)
                residual = residual + mask * ((rounded - z).detach() + z + mean)
                seen = seen + mask
            value = guess + residual
            decoded.append(value)
            bits.append(cost)
            news = torch.cat([compand(value), compand(residual), torch.log(0.4 + residual.abs())], 1)
            state = net.mix(state + net.update(news))
            k += g
        return torch.cat(decoded, 1) * step, torch.cat(bits, 1)


def laplace_bits(z, log_scale):
    """Bits of the unit interval around `z` under a Laplace distribution."""
    b = torch.exp(log_scale.clamp(-4, 7))
    a = z.abs()
    inner = 1 - 0.5 * (torch.exp(-(a + 0.5) / b) + torch.exp(-(0.5 - a).clamp(min=0) / b))
    outer = -(a - 0.5) / b + torch.log(-torch.expm1(-1 / b)) - math.log(2)
    nats = torch.where(a < 0.5, torch.log(inner.clamp(min=1e-9)), outer)
    return (-nats / math.log(2)).clamp(max=40)


class Codec(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.generator, self.prior = Encoder(), Generator(), Prior()

    def components(self, picture):
        """K (x - grey), the prompt of the linear picture."""
        kt = self.generator.linear.weight  # (768, D, 1, 1)
        return F.conv2d(F.pixel_unshuffle(picture - GREY, CELL), kt.transpose(0, 1))

    @torch.no_grad()
    def start(self, cells):
        """Principal components of `cells` (N, 768), grey taken off."""
        import numpy as np
        covariance = (cells.double().T @ cells.double() / len(cells)).numpy()
        values, vectors = np.linalg.eigh(covariance)
        rows = torch.from_numpy(vectors[:, ::-1][:, :D].T.copy()).float()
        energy = torch.from_numpy(values[::-1][:D].copy()).float()
        self.encoder.linear.weight.copy_(rows.view(D, -1, 1, 1))
        self.generator.linear.weight.copy_(rows.T.reshape(-1, D, 1, 1))
        self.prior.scale.copy_(0.5 * torch.log(energy) - 0.35)
        self.prior.scale_moved.fill_(-0.5)


def multiply_adds(module, *inputs):
    """Multiply-adds of the convolutions of one call."""
    total, hooks = 0, []

    def count(m, i, o):
        nonlocal total
        side = o if isinstance(m, nn.Conv2d) else i[0]
        total += side.shape[-1] * side.shape[-2] * m.weight.numel()

    for m in module.modules():
        if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d)):
            hooks.append(m.register_forward_hook(count))
    with torch.no_grad():
        module(*inputs)
    for hook in hooks:
        hook.remove()
    return total
