"""Optimised style transfer in PyTorch: the losses, networks and steps of Sources/Models/Style, as a user writes them.

A peer to be measured against.

    python style_torch.py WEIGHTS CONTENT STYLE OUT SIZE [tuned]        prints seconds
    python style_torch.py rate SIZE [tuned]                             prints steps a second, random pictures and weights

Needs numpy, pillow and torch. WEIGHTS is vgg16.safetensors of `atelier models install vgg16`. Plain: float32 and
autograd through Newton and Schulz's iteration. Tuned: channels-last, and bf16 autocast where that is faster.
"""
import json
import math
import pathlib
import struct
import sys
import time
from statistics import median

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import plain

if __name__ == "__main__":
    parser = plain.Parser(__doc__)
    if sys.argv[1:2] == ["rate"]:
        parser.add("rate")
    else:
        for name in ("WEIGHTS", "CONTENT", "STYLE"):
            parser.add(name, type=plain.existing)
        parser.add("OUT")
    options = parser.add("SIZE", type=plain.count).add("tuned", nargs="?", choices=["tuned"]).parse_args()
    plain.need("numpy", "PIL", "torch")
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

DEPTHS, WIDTHS = [2, 2, 3, 3, 3], [64, 128, 256, 512, 512]
STYLE_LAYERS, STYLE_WEIGHTS, CONTENT_LAYER = [(1, 1), (2, 1), (3, 1), (4, 1), (5, 1)], [256, 64, 16, 4, 1], (4, 2)
CONTENT_WEIGHT, SMOOTHNESS, FIRST_STEPS, STEPS = 0.5, 2.0, 500, 250


def read(path):
    found = {}
    with plain.reading(path):
        data = open(path, "rb").read()
        length = struct.unpack("<Q", data[:8])[0]
        header = json.loads(data[8:8 + length])
        for name, entry in header.items():
            if name != "__metadata__":
                a, b = entry["data_offsets"]
                array = np.frombuffer(data[8 + length + a:8 + length + b], np.float32).reshape(entry["shape"])
                found[name] = torch.from_numpy(array.copy())
    return found


class VGG:
    def __init__(self, weights, tuned):
        self.weights, self.tuned = weights, tuned
        self.mean = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
        self.deviation = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
        if tuned:
            for name, w in weights.items():
                if w.dim() == 4:
                    weights[name] = w.contiguous(memory_format=torch.channels_last)

    def __call__(self, x):
        x, position, found = (x - self.mean) / self.deviation, 0, {}
        if self.tuned:
            x = x.contiguous(memory_format=torch.channels_last)
        for block, count in enumerate(DEPTHS):
            if block:
                x = F.max_pool2d(x, 2)
                position += 1
            for number in range(count):
                w, b = self.weights[f"features.{position}.weight"], self.weights[f"features.{position}.bias"]
                if position == 0:
                    x = F.relu(F.conv2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), w, b))
                else:
                    x = F.relu(F.conv2d(x, w, b, padding=1))
                position += 2
                found[(block + 1, number + 1)] = x
                if (block + 1, number + 1) == (5, 1):
                    return found


def root(x, iterations=12):
    scale = x.norm()
    eye = torch.eye(len(x))
    y, z = x / scale, eye
    for _ in range(iterations):
        t = 1.5 * eye - 0.5 * z @ y
        y, z = y @ t, t @ z
    return y * scale.sqrt()


def statistics(features):
    x = features.float().flatten(2)[0]
    mean = x.mean(1)
    return mean, x @ x.T / x.shape[1] - mean[:, None] * mean[None] + 1e-4 * torch.eye(len(mean))


def wasserstein(features, target):
    (mean, c), (mean2, c2, s) = statistics(features), target
    return ((mean - mean2).square().sum() + torch.trace(c + c2 - 2 * root(s @ c @ s))) / len(mean)


def variation(x):
    return (x[..., 1:] - x[..., :-1]).square().mean() + (x[..., 1:, :] - x[..., :-1, :]).square().mean()


def fitted(x, longer):
    scale = longer / max(x.shape[2:])
    size = [max(1, round(s * scale)) for s in x.shape[2:]]
    return F.interpolate(x, size=size, mode="bicubic", antialias=size[0] < x.shape[2]).clamp(0, 1)


def scales(size, smallest=128):
    found, side = [], float(size)
    while round(side) > smallest or not found:
        found.append(round(side))
        side /= math.sqrt(2)
    return ([smallest] if found[-1] > smallest else []) + found[::-1]


def load(path):
    with plain.reading(path):
        return torch.from_numpy(np.asarray(Image.open(path).convert("RGB")).copy()).permute(2, 0, 1)[None].float() / 255


class Scale:
    """One size: the targets, the picture and its optimizer."""

    def __init__(self, vgg, content, style, side, image=None, memory=None):
        self.vgg, self.autocast = vgg, lambda: torch.autocast("cpu", torch.bfloat16, enabled=vgg.tuned and plain.prefers_bfloat16())
        here = fitted(content, side)
        with torch.no_grad(), self.autocast():
            self.goal = vgg(here)[CONTENT_LAYER].float()
            seen = vgg(fitted(style, side))
        with torch.no_grad():
            self.targets = []
            for layer in STYLE_LAYERS:
                mean, c = statistics(seen[layer])
                self.targets.append((mean, c, root(c)))
        image = here if image is None else F.interpolate(image, size=here.shape[2:], mode="bicubic").clamp(0, 1)
        self.image = image.detach().clone().requires_grad_()
        self.optimizer = torch.optim.Adam([self.image], 0.02, (0.9, 0.999))
        if memory:
            self.optimizer.state[self.image] = {
                k: F.interpolate(v, size=here.shape[2:], mode="bilinear" if k == "exp_avg_sq" else "bicubic")
                if v.dim() == 4 else v for k, v in memory.items()}
        self.average, self.weight = torch.zeros_like(image), 0.0

    def step(self):
        with self.autocast():
            seen = self.vgg(self.image)
        loss = F.mse_loss(seen[CONTENT_LAYER].float(), self.goal) * CONTENT_WEIGHT + variation(self.image) * SMOOTHNESS
        for layer, w, target in zip(STYLE_LAYERS, STYLE_WEIGHTS, self.targets):
            loss = loss + wasserstein(seen[layer], target) * (w / sum(STYLE_WEIGHTS))
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        with torch.no_grad():
            self.image.clamp_(0, 1)
            self.average.mul_(0.99).add_(self.image, alpha=0.01)
            self.weight = self.weight * 0.99 + 0.01

    def picture(self):
        return (self.average / self.weight).clamp(0, 1).detach()


def transfer(weights, content, style, size, tuned):
    vgg, content, style = VGG(read(weights), tuned), load(content), load(style)
    image, memory = None, None
    for i, side in enumerate(scales(size)):
        scale = Scale(vgg, content, style, side, image, memory)
        for _ in range(STEPS if i else FIRST_STEPS):
            scale.step()
        image, memory = scale.picture(), dict(scale.optimizer.state[scale.image])
    return image


def random_weights():
    found, position, inputs = {}, 0, 3
    for width, count in zip(WIDTHS, DEPTHS):
        for _ in range(count):
            found[f"features.{position}.weight"] = torch.randn(width, inputs, 3, 3) * (2 / (9 * inputs)) ** 0.5
            found[f"features.{position}.bias"] = torch.zeros(width)
            position, inputs = position + 2, width
        position += 1
    return found


def rate(size, tuned, windows=5, steps=3):
    torch.manual_seed(0)
    pictures = torch.rand(2, 1, 3, size * 3 // 4, size)
    scale = Scale(VGG(random_weights(), tuned), pictures[0], pictures[1], size)
    times = []
    for _ in range(windows + 1):
        start = time.perf_counter()
        for _ in range(steps):
            scale.step()
        times.append((time.perf_counter() - start) / steps)
    return 1 / median(times[1:])


if __name__ == "__main__":
    tuned = options.tuned is not None
    if "rate" in options:
        print(f"{rate(options.SIZE, tuned):.4f} steps/s")
    else:
        start = time.perf_counter()
        image = transfer(options.WEIGHTS, options.CONTENT, options.STYLE, options.SIZE, tuned)
        print(f"{time.perf_counter() - start:.1f} s")
        with plain.writing(options.OUT):
            Image.fromarray((image[0].permute(1, 2, 0) * 255 + 0.5).byte().numpy()).save(options.OUT)
