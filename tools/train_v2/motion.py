"""Pictures moved along a field of one displacement a cell."""

import torch
import torch.nn.functional as F

from model import CELL


def warp(picture, field):
    """`picture` (B, 3, H, W) looked up at each pixel plus its displacement; `field` (B, 2, h, w) in
    pixels, enlarged bilinearly."""
    height, width = picture.shape[-2:]
    full = F.interpolate(field, scale_factor=CELL, mode="bilinear", align_corners=False)
    eye = torch.eye(2, 3).expand(len(picture), 2, 3)
    grid = F.affine_grid(eye, (len(picture), 1, height, width), align_corners=False)
    scale = torch.tensor([2 / width, 2 / height])
    return F.grid_sample(picture, grid + full.permute(0, 2, 3, 1) * scale, mode="bicubic",
                         padding_mode="border", align_corners=False)
