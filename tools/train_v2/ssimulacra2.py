"""SSIMULACRA 2 with gradients, for the loss.

Of the metric's 108 weights the 25 above 0.01 are here, and its blur is a plain Gaussian; on clips it
is within half a point of the program's own (`ssimulacra2.rs`), which alone is reported. Constants:
the metric's 2.1 (libjxl, BSD licence).
"""

import functools

import torch
import torch.nn.functional as F

SSIM, ARTIFACT, LOST = range(3)
# Channel, scale, norm (0: mean, 1: fourth power mean), error map, weight.
WEIGHTS = [
    (0, 1, 1, SSIM, 1.1042), (0, 2, 1, SSIM, 1.8422), (0, 2, 1, ARTIFACT, 11.4412), (0, 3, 1, SSIM, 1.8788),
    (0, 3, 1, ARTIFACT, 10.9491), (0, 4, 0, ARTIFACT, 0.9678), (0, 4, 1, ARTIFACT, 0.9982),
    (1, 0, 1, SSIM, 7.4669), (1, 0, 1, LOST, 17.4458), (1, 1, 1, SSIM, 6.6837), (1, 1, 1, LOST, 1.0279),
    (1, 2, 0, SSIM, 225.2052), (1, 2, 1, SSIM, 19.2132), (1, 3, 0, SSIM, 176.3932), (1, 3, 1, SSIM, 24.4330),
    (1, 3, 1, ARTIFACT, 0.2852), (1, 4, 1, SSIM, 34.7791), (1, 4, 1, ARTIFACT, 44.8356),
    (2, 3, 1, SSIM, 8.8270), (2, 3, 1, ARTIFACT, 23.1924), (2, 4, 0, SSIM, 95.1080), (2, 4, 0, ARTIFACT, 0.9864),
    (2, 4, 0, LOST, 0.9834), (2, 4, 1, ARTIFACT, 171.2667), (2, 4, 1, LOST, 0.9808),
]
SCALES = 5
ABSORBANCE = torch.tensor([[0.30, 0.622, 0.078], [0.23, 0.692, 0.078], [0.24342269, 0.20476745, 0.55180986]])
BIAS = 0.0037930734


def linear_light(x):
    """sRGB in [0, 1] to linear light."""
    return torch.where(x <= 0.04045, x / 12.92, ((x.clamp(min=0.04) + 0.055) / 1.055) ** 2.4)


def xyb(x):
    """Linear RGB to the metric's X, Y and B - Y, each about 0 to 1."""
    mixed = torch.einsum("ij,bjhw->bihw", ABSORBANCE, x).clamp(min=0) + BIAS
    l, m, s = (mixed ** (1 / 3) - BIAS ** (1 / 3)).unbind(1)
    y = (l + m) / 2
    return torch.stack([7 * (l - m) + 0.42, y + 0.01, s - y + 0.55], 1)


@functools.cache
def gaussian(size, sigma=1.5):
    """The matrix of a blur along one axis; zero outside of the picture."""
    at = torch.arange(size, dtype=torch.float32)
    kernel = torch.exp(-((at[:, None] - at[None]) ** 2) / (2 * sigma**2))
    kernel[(at[:, None] - at[None]).abs() > 5] = 0
    return kernel / torch.exp(-(torch.arange(-5, 6.0) ** 2) / (2 * sigma**2)).sum()


def blur(x):
    return gaussian(x.shape[-2]) @ x @ gaussian(x.shape[-1])


def error_maps(a, b):
    """Maps of `b` against the original `a`: structure, edges that are new, edges that are lost."""
    mu_a, mu_b, aa, bb, ab = blur(torch.cat([a, b, a * a, b * b, a * b], 1)).chunk(5, 1)
    structure = (2 * (ab - mu_a * mu_b) + 0.0009) / ((aa - mu_a**2) + (bb - mu_b**2) + 0.0009)
    ssim = (1 - (1 - (mu_a - mu_b) ** 2) * structure).clamp(min=0)
    edges = (1 + (b - mu_b).abs()) / (1 + (a - mu_a).abs()) - 1
    return ssim, edges.clamp(min=0), (-edges).clamp(min=0)


def score(shown, original):
    """Scores (B,) of pictures (B, 3, H, W) in [0, 1]; 100 is no difference."""
    a, b, total = linear_light(original), linear_light(shown), 0
    for scale in range(SCALES):
        if scale:
            a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
        maps = error_maps(xyb(a), xyb(b))
        for channel, at, norm, which, weight in WEIGHTS:
            if at == scale:
                error = maps[which][:, channel]
                mean = error.mean((1, 2)) if norm == 0 else (error**4).mean((1, 2)).clamp(min=1e-12) ** 0.25
                total = total + weight * mean
    total = 0.9562382616834844 * total
    total = 2.326765642916932 * total - 0.020884521182843837 * total**2 + 6.248496625763138e-5 * total**3
    return 100 - 10 * total.clamp(min=1e-3) ** 0.6276336467831387
