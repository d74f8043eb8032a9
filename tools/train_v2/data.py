"""Training pictures: licence filter, decoded cache, and chains of three crops with their motion.

A chain is a first picture, a later one and one halfway between, with the displacement fields along
which the later two are predicted: per 16-pixel cell, in pixels, quarter-pel.
"""

import math
import pickle
import subprocess
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image

cv2.setNumThreads(1)

CROP = 128
CELL = 16
LEVELS = (288, 560)  # short sides kept of every photograph
FREE = ("CC0", "public domain", "MIT", "BSD")  # licences accepted; all others are left out
NEVER = ("sky", "uvg", "vtest", "megamind", "astronaut", "coffee", "chelsea", "rocket", "hubble")
LOW_WEIGHT = {"groc": 0.2, "gsa": 0.7}  # many alike
# Photographs that only measure. Clips that only measure are those whose licence FREE leaves out:
# intel_asl_sister (face, hands), tos_battle_a (cuts, large motion), tos_battle_b (dark, motion),
# intel_bottle (labels, still camera), intel_onebyone (still camera, 10 frames a second).
VALIDATION = (
    "el_jonas_nilsson_lee", "el_scott_riley", "az_colmar", "az_family2_man2", "az_house",
    "tt25_flower_meadow_square", "mdnl_wild_bear", "mdnl_balloon_sq5", "exr_tree",
    "tk_mitchellbuttes", "pl_14", "gsa_gallery_41",
)


def accepted(table):
    """File names of a SOURCES.tsv whose licence is CC0, public domain, MIT or BSD."""
    names = []
    for line in Path(table).read_text().splitlines()[1:]:
        name, _, licence = line.split("\t")[:3]
        free = any(word in licence for word in FREE) and "CC BY" not in licence
        if free and not any(word in name.lower() for word in NEVER):
            names.append(name)
    return names


def pyramid(path):
    image = Image.open(path).convert("RGB")
    short = min(image.size)
    sizes = [[max(level, round(s * level / short)) for s in image.size]
             for level in LEVELS if level <= short * 1.05]
    return [np.asarray(image.resize(size, Image.LANCZOS)) for size in sizes]


def clip_frames(path, short=288):
    """All frames of a clip as one uint8 array (N, H, W, 3)."""
    probe = subprocess.run(
        ["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries", "stream=width,height",
         "-of", "csv=p=0", str(path)], capture_output=True, text=True, check=True).stdout
    width, height = map(int, probe.strip().split(",")[:2])
    scale = short / min(width, height)
    width, height = round(width * scale), round(height * scale)
    raw = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", str(path), "-vf", f"scale={width}:{height}:flags=area",
         "-f", "rawvideo", "-pix_fmt", "rgb24", "-"], capture_output=True, check=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3)


def load(photos, clips, cache):
    """Decode everything once; later calls read the cache."""
    cache = Path(cache)
    if not cache.exists():
        data = {"photos": {}, "validation": {}, "clips": {}}
        for name in accepted(Path(photos) / "SOURCES.tsv"):
            levels = pyramid(Path(photos) / name)
            part = "validation" if Path(name).stem in VALIDATION else "photos"
            if levels:
                data[part][name] = levels
        for name in accepted(Path(clips) / "SOURCES.tsv"):
            data["clips"][name] = clip_frames(Path(clips) / name)
        cache.parent.mkdir(parents=True, exist_ok=True)
        cache.write_bytes(pickle.dumps(data, protocol=5))
    return pickle.loads(cache.read_bytes())


def tensor(array):
    """uint8 (H, W, 3) -> float (3, H, W) in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(array)).movedim(-1, -3).float().div_(255)


def grey(array):
    return cv2.cvtColor(np.ascontiguousarray(array), cv2.COLOR_RGB2GRAY)


class Sampler:
    """Endless chains. One in ten shows no change at all; one in twelve has useless motion."""

    def __init__(self, data, seed):
        self.rng = np.random.default_rng(seed)
        names = sorted(data["photos"])
        self.photos = [data["photos"][n] for n in names]
        weights = np.array([LOW_WEIGHT.get(n.split("_")[0], 1.0) for n in names])
        self.weights = weights / weights.sum()
        self.clips = [data["clips"][n] for n in sorted(data["clips"])]
        self.flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)

    def photo(self):
        levels = self.photos[self.rng.choice(len(self.photos), p=self.weights)]
        return levels[self.rng.integers(len(levels))]

    def chain(self):
        """Three pictures (first, later, middle) and fields later->first, middle->first, middle->later."""
        rng = self.rng
        kind = rng.random()
        pictures, fields = self.from_clip() if kind < 0.5 else self.from_photo(still=kind > 0.9)
        if rng.random() < 1 / 12:
            fields = [f + torch.from_numpy(rng.normal(0, 6, (2, 1, 1))).float() for f in fields]
        return self.jitter(torch.stack(pictures)), torch.stack(fields)

    def from_clip(self):
        rng = self.rng
        clip = self.clips[rng.integers(len(self.clips))]
        half = int(rng.integers(1, 6))
        i = rng.integers(len(clip) - 2 * half)
        h, w = clip.shape[1:3]
        y, x = rng.integers(h - CROP + 1), rng.integers(w - CROP + 1)
        top, left = max(0, y - 16), max(0, x - 16)
        window = [clip[i + n * half, top:y + CROP + 16, left:x + CROP + 16] for n in (0, 2, 1)]
        luma = [grey(p) for p in window]
        inner = (slice(y - top, y - top + CROP), slice(x - left, x - left + CROP))

        def field(a, b):
            flow = self.flow.calc(luma[a], luma[b], None)[inner]
            cells = flow.reshape(CROP // CELL, CELL, CROP // CELL, CELL, 2).mean((1, 3))
            return torch.from_numpy(cells).permute(2, 0, 1)

        return [tensor(p[inner]) for p in window], [field(1, 0), field(2, 0), field(2, 1)]

    def from_photo(self, still):
        """Views along a camera path over a photograph, exact fields."""
        rng = self.rng
        image = self.photo()
        h, w = image.shape[:2]
        scale = min(2 ** rng.uniform(0, 0.6), (min(h, w) - 4) / CROP)
        turn, zoom, reach = rng.normal(0, 0.02), rng.normal(0, 0.02), min(rng.exponential(5), 20)
        if still:
            turn = zoom = reach = 0
        angle = rng.uniform(0, 2 * math.pi)
        dx, dy = scale * reach * math.cos(angle), scale * reach * math.sin(angle)
        margin = CROP * scale / 2 + 1
        cx, cy = rng.uniform(margin, w - margin), rng.uniform(margin, h - margin)
        middle = CROP / 2 - 0.5

        def view(t):
            s = scale * math.exp(zoom * t)
            c, n = s * math.cos(turn * t), s * math.sin(turn * t)
            return np.array([[c, -n, cx + dx * t - (c - n) * middle],
                             [n, c, cy + dy * t - (n + c) * middle], [0, 0, 1]])

        views = [view(t) for t in (0, 1, 0.5)]
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        pictures = [tensor(cv2.warpAffine(image, v[:2], (CROP, CROP), flags=flags,
                                          borderMode=cv2.BORDER_REFLECT)) for v in views]
        centres = np.arange(CROP // CELL) * CELL + (CELL - 1) / 2
        gx, gy = np.meshgrid(centres, centres)
        points = np.stack([gx, gy, np.ones_like(gx)]).reshape(3, -1)

        def field(a, b):
            there = (np.linalg.inv(views[b]) @ views[a] @ points)[:2] - points[:2]
            return torch.from_numpy(there.reshape(2, *gx.shape)).float()

        if not still and rng.random() < 0.3:  # a fade
            gain, lift = float(rng.normal(1, 0.04)), float(rng.normal(0, 0.02))
            pictures[1] = pictures[1] * gain + lift
            pictures[2] = pictures[2] * (1 + gain) / 2 + lift / 2
        return [p.clamp(0, 1) for p in pictures], [field(1, 0), field(2, 0), field(2, 1)]

    def jitter(self, x):
        """Exposure, white balance and saturation, the same for every picture of the chain."""
        rng = self.rng
        if rng.random() < 0.5:
            mean = x.mean(1, keepdim=True)
            gain = torch.from_numpy(1 + rng.normal(0, 0.15) + rng.normal(0, 0.04, 3)).float()
            x = (mean + (x - mean) * float(rng.uniform(0.6, 1.4))) * gain.view(1, 3, 1, 1)
            x = x + float(rng.normal(0, 0.05))
        return x.clamp(0, 1)

    def batch(self, chains):
        """Pictures (3 * chains, 3, H, W), firsts, laters, middles; fields (3, chains, 2, h, w)."""
        samples = [self.chain() for _ in range(chains)]
        pictures = torch.cat([torch.stack([s[0][n] for s in samples]) for n in range(3)])
        fields = torch.stack([torch.stack([s[1][n] for s in samples]) for n in range(3)])
        return pictures, (fields * 4).round() / 4
