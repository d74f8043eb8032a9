"""The linear optimum from which training starts.

Encoder: principal components of 16x16 patches. Decoder: the least-squares prediction of every
8x8 block from the 3x3 prompt cells around it, reduced to the C latent channels that carry most
of the predicted energy. Latent channels are scaled to unit variance.
"""

import numpy as np
import torch
import torch.nn.functional as F

from model import C, D, as_map, tokens
from prompt import basis, gram, random_steps, truncate

PROMPT_SCALE = 0.25  # keeps the strongest prompt column near unit size


def principal_components(images):
    """Mean patch (768) and the first D components (D, 768), strongest first."""
    patches = F.pixel_unshuffle(images, 16).permute(0, 2, 3, 1).reshape(-1, 768).double().numpy()
    mean = patches.mean(0)
    _, vectors = np.linalg.eigh(np.cov((patches - mean).T))
    return torch.from_numpy(mean).float(), torch.from_numpy(vectors[:, ::-1][:, :D].T.copy()).float()


def block_targets(images, mean):
    """Mean-free 8x8 blocks by quadrant: 4 tensors (cells, 192)."""
    blocks = F.pixel_unshuffle(images - F.pixel_shuffle(mean.view(1, -1, 1, 1), 16).tile(
        images.shape[-2] // 16, images.shape[-1] // 16), 8)
    return [blocks[..., i::2, j::2].permute(0, 2, 3, 1).reshape(-1, 192) for i in (0, 1) for j in (0, 1)]


def neighbourhoods(p):
    """(B, D, h, w) -> (cells, 9 D + 1): the inputs of the 3x3 lift and its bias."""
    x = F.unfold(p, 3, padding=1).transpose(1, 2).reshape(-1, 9 * D)
    return torch.cat([x, torch.ones(len(x), 1)], 1)


@torch.no_grad()
def initialise(model, images, channels=C):
    """Set encoder.linear, lift and decoder.linear; returns the unreduced regression for comparison."""
    mean, components = principal_components(images)
    encoder, lift, linear = model.encoder.linear, model.generator.lift, model.generator.decoder.linear
    encoder.weight.copy_((PROMPT_SCALE * components).view(D, 768, 1, 1))
    encoder.bias.copy_(-PROMPT_SCALE * components @ mean)

    p = encoder(F.pixel_unshuffle(images, 16))
    h, w = p.shape[-2:]
    rank = torch.randint(3, 17, (len(images),))
    step = random_steps(len(images))
    p = as_map(truncate(tokens(p), basis(gram(tokens(p))), rank, step), h, w)

    x = neighbourhoods(p).double()
    normal = x.T @ x
    ridge = 1e-6 * normal.diagonal().mean() * torch.eye(len(normal), dtype=torch.double)
    weights = [torch.linalg.solve(normal + ridge, x.T @ y.double()) for y in block_targets(images, mean)]
    energy = sum(w.T @ normal @ w for w in weights) / (4 * len(x))
    values, vectors = np.linalg.eigh(energy.numpy())
    values = torch.from_numpy(values[::-1][:channels].copy())
    vectors = torch.from_numpy(vectors[:, ::-1][:, :channels].copy())
    deviation = values.sqrt()

    # PixelShuffle(2) reads channel c * 4 + quadrant.
    reduced = torch.stack([w @ vectors / deviation for w in weights], -1)  # (9 D + 1, C, 4)
    flat = reduced.reshape(9 * D + 1, 4 * channels).T.float()
    lift.weight.copy_(flat[:, :-1].reshape(4 * channels, D, 3, 3))
    lift.bias.copy_(flat[:, -1])
    linear.weight.copy_((vectors * deviation).float().view(192, channels, 1, 1))
    # The mean patch is nearly flat; its mean over the quadrants serves all of them.
    grid = F.pixel_unshuffle(F.pixel_shuffle(mean.view(1, -1, 1, 1), 16), 8)
    linear.bias.copy_(grid.mean((0, 2, 3)))
    return mean, components, weights
