"""Goldens of Tests/ModelsTests/TextureTests.swift: Gaussian textures by example.

    python Tests/Goldens/texture.py        writes Tests/Goldens/texture.safetensors beside itself

Written from the papers (Galerne et al. 2011; Moisan 2011) with whole complex transforms in float64.
"""
import math
import pathlib

import torch
from golden import write


def periodic(u):
    """Moisan 2011, equations 11 and 12."""
    h, w = u.shape[-2:]
    v = torch.zeros_like(u)
    v[:, 0] += u[:, -1] - u[:, 0]
    v[:, -1] += u[:, 0] - u[:, -1]
    v[:, :, 0] += u[:, :, -1] - u[:, :, 0]
    v[:, :, -1] += u[:, :, 0] - u[:, :, -1]
    q, r = torch.arange(h).double()[:, None], torch.arange(w).double()[None]
    d = 2 * torch.cos(2 * math.pi * q / h) + 2 * torch.cos(2 * math.pi * r / w) - 4
    d[0, 0] = 1
    s = torch.fft.fft2(v) / d
    s[:, 0, 0] = 0
    return u - torch.fft.ifft2(s).real


def window(n):
    rise = max(1, n // 8)
    return torch.tensor([1.0 if min(i, n - 1 - i) >= rise else
                         0.5 - 0.5 * math.cos(math.pi * (min(i, n - 1 - i) + 0.5) / rise) for i in range(n)]).double()


def texture(u, height, width, seed):
    h, w = u.shape[-2:]
    mean = u.mean((1, 2), keepdim=True)
    spot = periodic(u) - mean
    if (height, width) != (h, w):
        k = window(h)[:, None] * window(w)
        energy = spot.square().sum()
        spot = (spot - (spot * k).sum((1, 2), keepdim=True) / k.sum()) * k
        spot = spot * (energy / spot.square().sum()).sqrt()
    ground = torch.zeros(3, height, width).double()
    ground[:, :h, :w] = spot * math.sqrt(height * width / (h * w))
    noise = torch.randn(height, width, generator=torch.Generator().manual_seed(seed)).double()
    phase = torch.fft.fft2(noise)
    return torch.fft.ifft2(torch.fft.fft2(ground) * (phase / phase.abs())).real + mean


torch.manual_seed(0)
example = torch.nn.functional.interpolate(torch.rand(1, 3, 9, 12), (21, 30), mode="bicubic")[0].double()
example = example + torch.linspace(0, 0.5, 30).double()  # Edges that don't meet.
out = {"example": example.float(), "periodic": periodic(example).float(),
       "same": texture(example, 21, 30, 7).float(), "larger": texture(example, 48, 50, 8).float()}
write(pathlib.Path(__file__).with_suffix(".safetensors"), out)
