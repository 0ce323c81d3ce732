"""Goldens of Tests/ModelsTests: the arbitrary-style network and its predictor, with gradients.

    python Tests/Goldens/instant.py        writes Tests/Goldens/instant.safetensors beside itself

Weights and pictures are drawn from a seed, which gives the same numbers in Atelier. The predictor is MobileNetV2 with
TensorFlow's padding, its normalisations folded in; torchvision's pads otherwise.
"""
import pathlib

import numpy as np
import torch
from golden import write
from torch import nn
from torch.nn import functional as F

draw = torch.Generator().manual_seed(6)


def same(conv, x):
    pads = []
    for size in (x.shape[3], x.shape[2]):
        step, kernel = conv.stride[0], conv.kernel_size[0]
        extra = max((-(-size // step) - 1) * step + kernel - size, 0)
        pads += [extra // 2, extra - extra // 2]
    return conv(F.pad(x, pads))


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride, expansion):
        super().__init__()
        width = inputs * expansion
        if expansion > 1:
            self.expand = nn.Conv2d(inputs, width, 1)
        self.depthwise = nn.Conv2d(width, width, 3, stride, groups=width)
        self.project = nn.Conv2d(width, outputs, 1)

    def forward(self, x):
        wide = F.relu6(self.expand(x)) if hasattr(self, "expand") else x
        y = self.project(F.relu6(same(self.depthwise, wide)))
        return y + x if y.shape == x.shape else y


class Predictor(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 3, 2)
        blocks, inputs = [], 32
        for expansion, outputs, count, stride in [
                (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]:
            for i in range(count):
                blocks.append(Block(inputs, outputs, stride if i == 0 else 1, expansion))
                inputs = outputs
        self.blocks = nn.ModuleList(blocks)
        self.head = nn.Conv2d(320, 1280, 1)
        self.bottleneck = nn.Linear(1280, 100)

    def forward(self, x):
        x = F.relu6(same(self.stem, x))
        for block in self.blocks:
            x = block(x)
        return self.bottleneck(F.relu6(self.head(x)).mean((2, 3)))


class Layer(nn.Module):
    def __init__(self, inputs, outputs, kernel=3):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(outputs, inputs, kernel, kernel))
        self.scale, self.shift = nn.Linear(100, outputs), nn.Linear(100, outputs)

    def forward(self, x, style):
        side = self.weight.shape[-1] // 2
        y = F.instance_norm(F.conv2d(F.pad(x, (side,) * 4, mode="reflect"), self.weight))
        return y * self.scale(style)[:, :, None, None] + self.shift(style)[:, :, None, None]


class Instant(nn.Module):
    def __init__(self):
        super().__init__()
        self.predictor = Predictor()
        self.contract = nn.ModuleList(
            nn.Conv2d(i, o, k, s, k // 2, padding_mode="reflect")
            for i, o, k, s in [(3, 8, 9, 1), (8, 16, 3, 2), (16, 32, 3, 2)])
        self.residual = nn.ModuleList(nn.ModuleList([Layer(32, 32), Layer(32, 32)]) for _ in range(5))
        self.expand = nn.ModuleList([Layer(32, 16), Layer(16, 8), Layer(8, 3, 9)])

    def forward(self, x, style):
        for layer in self.contract:
            x = F.relu(layer(x))
        for first, second in self.residual:
            x = x + second(F.relu(first(x, style)), style)
        for layer in self.expand[:2]:
            x = F.relu(layer(F.interpolate(x, scale_factor=2, mode="nearest"), style))
        return torch.sigmoid(self.expand[2](x, style))


network = Instant()
with torch.no_grad():
    for name, tensor in network.state_dict().items():
        values = torch.randn(tensor.shape, generator=draw)
        if tensor.dim() > 1:
            tensor.copy_(values / (tensor[0].numel() / 2) ** 0.5)
        else:
            tensor.copy_(values * 0.1 + (1 if name.endswith("scale.bias") else 0))
painting = torch.rand(2, 3, 72, 90, generator=draw)
picture = torch.rand(2, 3, 32, 40, generator=draw).requires_grad_()
style = network.predictor(painting)
made = network(picture, style)
by_picture, by_style = torch.autograd.grad((made ** 2).mean(), [picture, network.predictor.bottleneck.bias])


def roots(x):
    values, vectors = torch.linalg.eigh(x)
    return (vectors * values.sqrt()) @ vectors.T, (vectors * values.rsqrt()) @ vectors.T


def raised(x, share=1e-4, least=1e-6):
    return x + torch.eye(len(x)) * (share * x.trace() / len(x) + least)


def transport(own, style, share, least):
    """Of two Gaussians, mean and covariance: the optimal map and the shift after it."""
    root, inverse = roots(raised(own[1], share, least))
    map = inverse @ roots(root @ raised(style[1], share, least) @ root)[0] @ inverse
    return map, style[0] - map @ own[0]


def moments(x):
    mean = x.mean(1, keepdim=True)
    return mean, (x - mean) @ (x - mean).T / x.shape[1]


def halved(x):
    return F.interpolate(x, (x.shape[2] // 2, x.shape[3] // 2), mode="bilinear", antialias=True)


def grained(x, style, levels=3):
    """Patch by patch: each is carried over, and a pixel is the mean of all that it is in."""
    if levels > 1:
        small = halved(x)
        x = x + F.interpolate(grained(small, halved(style), levels - 1) - small, x.shape[2:], mode="bilinear")
    map, shift = transport(moments(F.unfold(x, 5)[0]), moments(F.unfold(style, 5)[0]), 1e-4, 1e-6)
    around = F.unfold(F.pad(x, (4,) * 4, mode="reflect"), 5)[0]
    size = (x.shape[2] + 8, x.shape[3] + 8)
    made = F.fold((map @ around + shift)[None], size, 5) / F.fold(torch.ones_like(around)[None], size, 5)
    return made[:, :, 4:-4, 4:-4]


torch.set_default_dtype(torch.float64)
photo = F.interpolate(torch.rand(1, 3, 9, 11, generator=draw), (44, 56), mode="bicubic").clamp(0, 1)
photo = (photo + 0.05 * torch.rand(1, 3, 44, 56, generator=draw)).clamp(0, 1)
paint = F.interpolate(torch.rand(1, 3, 20, 18, generator=draw), (60, 48), mode="bicubic").clamp(0, 1)
colours = transport(moments(photo.flatten(2)[0]), moments(paint.flatten(2)[0]), 1e-3, 1e-5)
coloured = (colours[0] @ photo.flatten(2)[0] + colours[1]).reshape(photo.shape)
fine, all = 0, 0
for channel in F.unfold(paint, 5)[0].reshape(3, 25, -1):
    fine = fine + (channel[12] - channel.mean(0)).var(correction=0)
    all = all + channel[12].var(correction=0)
share = (0.278 - 0.125 * (fine / all).log()).clamp(0.2, 1)
texture = {"texture.photo": photo, "texture.paint": paint, "texture.share": share.reshape(1),
           "texture.mixed": coloured + (photo.flip(3) - coloured) * share, "texture.grained": grained(photo, paint)}


def ranked(x, style, size=0):
    """Patch by patch along 27 directions: values become the painting's of the same rank, by 129 quantiles."""
    if size == 0:
        small = halved(x)
        x = x + F.interpolate(ranked(small, halved(style), 1) - small, x.shape[2:], mode="bilinear")
    normal = torch.randn(27, 27, generator=torch.Generator().manual_seed(size), dtype=torch.float32)
    directions = torch.linalg.qr(normal).Q.double()
    around = F.unfold(F.pad(x, (2,) * 4, mode="reflect"), 3)[0]
    own, wanted = directions @ around, directions @ F.unfold(style, 3)[0]

    def quantiles(values):
        places = (np.arange(129) * (values.shape[1] - 1) / 128 + 0.5).astype(int)
        return values.sort(1).values.numpy()[:, places]

    moved = [np.interp(v, q, w) for v, q, w in zip(own.numpy(), quantiles(own), quantiles(wanted))]
    moved = torch.from_numpy(np.stack(moved))
    return F.fold((directions.T @ moved)[None], (x.shape[2] + 4, x.shape[3] + 4), 3)[:, :, 2:-2, 2:-2] / 9


texture["slices"] = ranked(photo, paint)
texture = {name: value.float() for name, value in texture.items()}

write(pathlib.Path(__file__).with_suffix(".safetensors"),
      {"style": style, "made": made, "picture": by_picture, "bottleneck": by_style,
       **texture})
