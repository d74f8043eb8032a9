"""Low-rank prompts: the basis of a picture, truncation and quantisation."""

import torch

RANKS = 16


def basis(gram):
    """Orthonormal directions of (B, D, D) Gram matrices, strongest first, as rows (B, RANKS, D)."""
    return torch.linalg.eigh(gram.double())[1].flip(-1)[..., :RANKS].mT.to(gram.dtype)


def gram(p):
    """(B, T, D) -> (B, D, D)."""
    return p.mT @ p


def random_steps(count):
    """Quantiser steps (count, 1, RANKS) of many rates: nearly one step for all components."""
    level = torch.empty(count, 1, 1).uniform_(-3.2, -1.2)
    return torch.exp(level + 0.3 * torch.randn(count, 1, RANKS))


def truncate(p, rows, rank, step=None):
    """Keep the first `rank` components of each picture; with `step`, round their coefficients.

    The gradient passes straight through the rounding.
    p: (B, T, D); rows: (B, RANKS, D), a constant to the gradient; rank: (B,); step: (B, 1, RANKS).
    """
    u = p @ rows.mT
    if step is not None:
        u = u + ((u / step).round() * step - u).detach()
    keep = torch.arange(RANKS) < rank.view(-1, 1)
    return (u * keep.unsqueeze(1)) @ rows
