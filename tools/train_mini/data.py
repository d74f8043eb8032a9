"""Training pictures: licence filter, decoded cache, random crops and motion triples."""

import math
import subprocess
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

SIZE = 256
LEVELS = (256, 362, 512, 724)  # short sides kept of every photograph
LEVEL_WEIGHTS = (0.2, 0.35, 0.3, 0.15)
FREE = ("CC0", "public domain", "MIT", "BSD")  # licences accepted; all others are left out
NEVER = ("sky", "uvg", "vtest", "megamind", "astronaut", "coffee", "chelsea", "rocket", "hubble")
LOW_WEIGHT = {"groc": 0.2, "gsa": 0.7}  # many alike
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
    """A photograph as uint8 arrays at the short sides of LEVELS that it reaches."""
    image = Image.open(path).convert("RGB")
    short = min(image.size)
    out = []
    for level in LEVELS:
        if level <= short * 1.05:
            size = [max(level, round(s * level / short)) for s in image.size]
            out.append(np.asarray(image.resize(size, Image.LANCZOS)))
    return out


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
    if cache.exists():
        return torch.load(cache, weights_only=False)
    data = {"photos": {}, "validation": {}, "clips": {}}
    for name in accepted(Path(photos) / "SOURCES.tsv"):
        levels = pyramid(Path(photos) / name)
        if levels:
            part = "validation" if Path(name).stem in VALIDATION else "photos"
            data[part][name] = levels
    for name in accepted(Path(clips) / "SOURCES.tsv"):
        data["clips"][name] = clip_frames(Path(clips) / name)
    cache.parent.mkdir(parents=True, exist_ok=True)
    torch.save(data, cache)
    return data


def to_float(array):
    """uint8 (..., H, W, 3) -> float (..., 3, H, W) in [0, 1]."""
    return torch.from_numpy(np.array(array)).movedim(-1, -3).float().div_(255)


def validation_pictures(data):
    """Centre crops of the held-out photographs."""
    out = []
    for levels in data["validation"].values():
        image = levels[min(1, len(levels) - 1)]
        y, x = (image.shape[0] - SIZE) // 2, (image.shape[1] - SIZE) // 2
        out.append(to_float(image[y:y + SIZE, x:x + SIZE]))
    return torch.stack(out)


class Sampler:
    """Endless random crops and triples (first, middle, last) of moving pictures."""

    def __init__(self, data, seed):
        self.rng = np.random.default_rng(seed)
        self.photos = list(data["photos"].values())
        weights = np.array([LOW_WEIGHT.get(n.split("_")[0], 1.0) for n in data["photos"]])
        self.weights = weights / weights.sum()
        self.clips = list(data["clips"].values())

    def _photo(self):
        levels = self.photos[self.rng.choice(len(self.photos), p=self.weights)]
        weights = np.array(LEVEL_WEIGHTS[:len(levels)])
        return levels[self.rng.choice(len(levels), p=weights / weights.sum())]

    def _jitter(self, x):
        """Flips, exposure, white balance and saturation, the same for every picture of `x`."""
        rng = self.rng
        if rng.random() < 0.5:
            x = x.flip(-1)
        if rng.random() < 0.1:
            x = x.flip(-2)
        if rng.random() < 0.7:
            gain = torch.from_numpy(np.exp(rng.normal(0, 0.18) + rng.normal(0, 0.05, 3))).float()
            grey = x.mean(-3, keepdim=True)
            x = grey + (x - grey) * float(rng.uniform(0.6, 1.4))
            x = x * gain.view(3, 1, 1) + float(rng.normal(0, 0.04))
        return x.clamp(0, 1)

    def _views(self, image, shift, zoom, turn, times):
        """Crops of one picture along a linear camera path."""
        rng = self.rng
        h, w = image.shape[:2]
        scale = min(2 ** rng.uniform(0, 0.5), min(h, w) / SIZE)
        room = SIZE * scale / 2
        cy, cx = rng.uniform(room, h - room), rng.uniform(room, w - room)
        reach = int(room * 1.3 + shift * scale + 4)
        y0, x0 = max(0, int(cy) - reach), max(0, int(cx) - reach)
        window = to_float(image[y0:y0 + 2 * reach, x0:x0 + 2 * reach])
        wh, ww = window.shape[-2:]
        angle = rng.uniform(0, 2 * math.pi)
        theta = []
        for t in times:
            s = scale * SIZE * math.exp(zoom * t)
            c, n = math.cos(turn * t), math.sin(turn * t)
            px = cx - x0 + shift * scale * t * math.cos(angle)
            py = cy - y0 + shift * scale * t * math.sin(angle)
            theta.append([[s * c / ww, -s * n / ww, 2 * px / ww - 1],
                          [s * n / wh, s * c / wh, 2 * py / wh - 1]])
        grid = F.affine_grid(torch.tensor(theta), (len(times), 3, SIZE, SIZE), align_corners=False)
        return F.grid_sample(window.expand(len(times), -1, -1, -1), grid,
                             padding_mode="reflection", align_corners=False)

    def picture(self):
        rng = self.rng
        if rng.random() < 0.08:
            clip = self.clips[rng.integers(len(self.clips))]
            image = clip[rng.integers(len(clip))]
        else:
            image = self._photo()
        if rng.random() < 0.5:  # an exact crop, not resampled
            y = rng.integers(image.shape[0] - SIZE + 1)
            x = rng.integers(image.shape[1] - SIZE + 1)
            return self._jitter(to_float(image[y:y + SIZE, x:x + SIZE]))
        return self._jitter(self._views(image, 0, 0, 0, (0,))[0])

    def triple(self):
        """Three pictures at equal distances in time."""
        rng = self.rng
        if rng.random() < 0.4:
            clip = self.clips[rng.integers(len(self.clips))]
            step = int(rng.integers(1, 6))
            i = rng.integers(len(clip) - 2 * step)
            _, h, w, _ = clip.shape
            y, x = rng.integers(h - SIZE + 1), rng.integers(w - SIZE + 1)
            return self._jitter(to_float(clip[i:i + 2 * step + 1:step, y:y + SIZE, x:x + SIZE]))
        shift = min(rng.exponential(4.0), 16.0)
        return self._jitter(self._views(self._photo(), shift, rng.normal(0, 0.015),
                                        rng.normal(0, 0.015), (-1, 0, 1)))

    def batch(self, pictures, triples):
        """(pictures + 2 * triples) inputs to encode, (pictures + triples) targets."""
        single = [self.picture() for _ in range(pictures)]
        moving = [self.triple() for _ in range(triples)]
        inputs = single + [m[0] for m in moving] + [m[2] for m in moving]
        targets = single + [m[1] for m in moving]
        pack = lambda xs: torch.stack(xs).contiguous(memory_format=torch.channels_last)
        return pack(inputs), pack(targets)
