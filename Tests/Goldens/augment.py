"""Goldens of the augmentation pipe in float64, written from Karras et al. 2020, appendix B, in plain steps: zeros between
pixels and sums over the filter's taps; four neighbours and their weights; flips, turns and rolls by torch's own.

    python Tests/Goldens/augment.py        writes Tests/Goldens/augment.safetensors beside itself
"""
import math
import pathlib
import sys

import torch

here = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(here)]
from golden import write

torch.set_default_dtype(torch.float64)
generator = torch.Generator().manual_seed(11)
SIZE = 12
x = torch.randn(3, 3, SIZE, SIZE, generator=generator).tanh()
weight = torch.randn(3, 3, SIZE, SIZE, generator=generator)
tensors = {"x": x, "weight": weight}

F = [
    0.015404109327027373, 0.0034907120842174702, -0.11799011114819057, -0.048311742585633, 0.4910559419267466,
    0.787641141030194, 0.3379294217276218, -0.07263752278646252, -0.021060292512300564, 0.04472490177066578,
    0.0017677118642428036, -0.007800708325034148,
]
CENTRE = sum(i * f for i, f in enumerate(F)) / math.sqrt(2)


def enlarged_rows(x):
    """Along the last dimension: pixel i spreads to 2 i + tap."""
    n = x.shape[-1]
    out = torch.zeros(*x.shape[:-1], 2 * (n - 1) + len(F))
    for tap, f in enumerate(F):
        out[..., tap : tap + 2 * n - 1 : 2] += f * x
    return out


def reduced_rows(x, n):
    return sum(f * x[..., tap : tap + 2 * n - 1 : 2] for tap, f in enumerate(F))


def both(rows, x, *more):
    return rows(rows(x, *more).transpose(-1, -2), *more).transpose(-1, -2)


def moved(x, matrix):
    """One picture [C, S, S] under a 2 by 3 matrix (as lists) of coordinates about the middle."""
    s, half = x.shape[-1], (x.shape[-1] - 1) / 2
    full = torch.tensor([*matrix, [0, 0, 1]])
    back = torch.linalg.inv(full)
    corners = torch.tensor([[a * half, b * half, 1] for a in (-1.0, 1) for b in (-1.0, 1)])
    reach = (back @ corners.T)[:2].abs().max().item()
    m = min(s - 1, max(0, math.ceil(reach - half)) + 6)
    padded = torch.nn.functional.pad(x[None], (m, m, m, m), mode="reflect")[0]
    large = both(enlarged_rows, padded)
    side, count = large.shape[-1], 2 * (s - 1) + len(F)
    own = (torch.arange(count) - CENTRE) / 2 - half
    xx, yy = own[None, :].expand(count, count), own[:, None].expand(count, count)
    u = back[0, 0] * xx + back[0, 1] * yy + back[0, 2]
    v = back[1, 0] * xx + back[1, 1] * yy + back[1, 2]
    px = ((u + half + m) * 2 + CENTRE).clamp(0, side - 1)
    py = ((v + half + m) * 2 + CENTRE).clamp(0, side - 1)
    x0, y0 = px.floor().clamp(max=side - 2).long(), py.floor().clamp(max=side - 2).long()
    fx, fy = px - x0, py - y0
    value = (
        large[:, y0, x0] * (1 - fx) * (1 - fy)
        + large[:, y0, x0 + 1] * fx * (1 - fy)
        + large[:, y0 + 1, x0] * (1 - fx) * fy
        + large[:, y0 + 1, x0 + 1] * fx * fy
    )
    return both(reduced_rows, value, s)


def rolled(x, right, down):
    p = torch.nn.functional.pad(x, (6, 6, 6, 6), mode="reflect")
    return p[..., 6 - down : 6 - down + SIZE, 6 - right : 6 - right + SIZE]


def each(matrix):
    return lambda x: torch.stack([moved(picture, matrix) for picture in x])


def turned(angle):
    return [[math.cos(angle), -math.sin(angle), 0.0], [math.sin(angle), math.cos(angle), 0.0]]


def saturated(x, s):
    grey = x.mean(1, keepdim=True)
    return grey + s * (x - grey)


def hued(x, angle):
    # The rotation about (1, 1, 1)/√3 as the exponential of its generator.
    k = torch.tensor([[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / math.sqrt(3)
    return torch.einsum("ij,njhw->nihw", torch.matrix_exp(angle * k), x)


transforms = {
    "flip": lambda x: x.flip(3),
    "turn": lambda x: torch.rot90(x, -1, (2, 3)),
    "turns": lambda x: torch.rot90(x, 2, (2, 3)),
    "whole": lambda x: rolled(x, 2, -3),
    "scale": each([[1.3, 0.0, 0], [0, 1.3, 0]]),
    "smaller": each([[0.8, 0.0, 0], [0, 0.8, 0]]),
    "rotation": each(turned(0.6)),
    "stretch": each([[1.2, 0.0, 0], [0, 1 / 1.2, 0]]),
    "part": each([[1.0, 0, 1.37], [0, 1, -0.81]]),
    "brightness": lambda x: x + 0.3,
    "contrast": lambda x: x * 1.7,
    "luma": lambda x: x - 2 * x.mean(1, keepdim=True),
    "hue": lambda x: hued(x, 1.1),
    "saturation": lambda x: saturated(x, 0.4),
    # In this order, flipped first.
    "all": lambda x: saturated(hued(combined(x), -0.7), 1.6) * 0.8 - 0.1,
}


def combined(x):
    flip, turn = torch.tensor([[-1.0, 0, 0], [0, 1, 0], [0, 0, 1]]), torch.tensor([*turned(-0.4), [0, 0, 1.0]])
    stretch = torch.tensor([[0.9, 0.0, 0], [0, 1.2, 0], [0, 0, 1]])
    shift = torch.tensor([[1.0, 0, 0.5], [0, 1, 1.25], [0, 0, 1]])
    return each((shift @ stretch @ turn @ flip)[:2].tolist())(x)


for name, transform in transforms.items():
    leaf = x.clone().requires_grad_()
    y = transform(leaf)
    (slope,) = torch.autograd.grad((y * weight).sum(), leaf)
    tensors[f"{name}/y"], tensors[f"{name}/gradient"] = y.detach(), slope

write(here / "augment.safetensors", tensors)
