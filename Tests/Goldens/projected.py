"""Goldens of Tests/ModelsTests: the projected GAN's networks and losses (Sauer et al. 2021; Liu et al. 2021) in PyTorch.

    python Tests/Goldens/projected.py        writes Tests/Goldens/projected.safetensors beside itself

In float64; what a trained network would see are four fixed maps of the pictures here. Nothing here is anybody's code.
"""
import json
import pathlib
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils import spectral_norm

here = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(here)]
from golden import write

torch.set_default_dtype(torch.float64)
torch.manual_seed(11)
LATENT, WIDTH, SIZE, CLASSES = 6, 4, 64, 2
MAPS, MIXED, SIDES, CRITIC = [3, 4, 5, 6], [4, 5, 6, 7], [16, 8, 4, 2], 8


def gated(x):
    return F.glu(x, 1)


class Stage(nn.Module):
    def __init__(self, inputs, outputs, double):
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv2d(i, 2 * outputs, 3, padding=1, bias=False) for i in ([inputs, outputs] if double else [inputs]))
        self.norms = nn.ModuleList(nn.BatchNorm2d(2 * outputs) for _ in self.convs)
        self.style = nn.Linear(LATENT, 4 * outputs)

    def forward(self, x, w):
        x = F.interpolate(x, scale_factor=2, mode="nearest")
        scale, shift = self.style(w)[:, :, None, None].chunk(2, 1)
        x = gated(self.norms[0](self.convs[0](x)) * (1 + scale) + shift)
        for conv, norm in zip(self.convs[1:], self.norms[1:]):
            x = gated(norm(conv(x)))
        return x


class Excitation(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.look = nn.Conv2d(inputs, outputs, 4, bias=False)
        self.gate = nn.Conv2d(outputs, outputs, 1, bias=False)

    def forward(self, x):
        return torch.sigmoid(self.gate(F.silu(self.look(F.adaptive_avg_pool2d(x, 4)))))


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        widths = [8 * WIDTH, 8 * WIDTH, 4 * WIDTH, 2 * WIDTH, WIDTH]
        self.kind = nn.Linear(CLASSES, LATENT, bias=False)
        self.base = nn.Linear(LATENT, 16 * 2 * widths[0], bias=False)
        self.base_norm = nn.BatchNorm2d(2 * widths[0])
        self.stages = nn.ModuleList(
            Stage(i, o, n % 2 == 0) for n, (i, o) in enumerate(zip(widths, widths[1:])))
        self.excitations = nn.ModuleList([Excitation(widths[0], widths[4])])
        self.last = nn.Conv2d(widths[4], 3, 3, padding=1)

    def forward(self, z, kinds):
        w = z / z.square().mean(1, keepdim=True).add(1e-8).sqrt() + self.kind(kinds)
        x = first = gated(self.base_norm(self.base(w).reshape(len(z), -1, 4, 4)))
        for stage in self.stages:
            x = stage(x, w)
        return torch.tanh(self.last(x * self.excitations[0](first)))


class MapDiscriminator(nn.Module):
    def __init__(self, inputs, side):
        super().__init__()
        halvings, norms, channels = [], [], inputs
        while side > 8:
            halvings.append(spectral_norm(nn.Conv2d(channels, CRITIC, 4, 2, 1, bias=False)))
            norms.append(nn.BatchNorm2d(CRITIC, track_running_stats=False))
            channels, side = CRITIC, side // 2
        self.halvings, self.norms = nn.ModuleList(halvings), nn.ModuleList(norms)
        self.verdict = spectral_norm(nn.Conv2d(channels, 1, min(4, side), bias=False))
        self.kind = nn.Linear(CLASSES, channels, bias=False)

    def forward(self, x, kinds):
        for conv, norm in zip(self.halvings, self.norms):
            x = F.leaky_relu(norm(conv(x)), 0.2)
        return self.verdict(x).flatten(1) + (self.kind(kinds) * x.mean([2, 3])).sum(1, keepdim=True)


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.scales = nn.ModuleList(MapDiscriminator(m, s) for m, s in zip(MIXED, SIDES))

    def forward(self, maps, kinds):
        return [scale(m, kinds) for scale, m in zip(self.scales, maps)]


class Mixing(nn.Module):
    def __init__(self):
        super().__init__()
        self.channels = nn.ModuleList(nn.Conv2d(i, o, 1, bias=False) for i, o in zip(MAPS, MIXED))
        self.scales = nn.ModuleList(
            nn.Conv2d(i, o, 3, padding=1, bias=False) for i, o in zip(MIXED[1:], MIXED))

    def forward(self, maps):
        mixed = [self.channels[3](maps[3])]
        for n in (2, 1, 0):
            larger = F.interpolate(mixed[0], scale_factor=2, mode="bilinear", align_corners=False)
            mixed.insert(0, self.channels[n](maps[n]) + self.scales[n](larger))
        return mixed


def maps(pictures, looks):
    """Four maps of a picture, each a product of its means and a fixed matrix."""
    return [torch.einsum("nchw,kc->nkhw", F.adaptive_avg_pool2d(pictures, side), look)
            for side, look in zip(SIDES, looks)]


generator, discriminator, mixing = Generator(), Discriminator(), Mixing()
with torch.no_grad():
    # Nothing at its beginning's special values, which would hide an error.
    for module in (generator, discriminator):
        for name, p in module.named_parameters():
            if "norm" in name:
                p.add_(0.2 * torch.randn_like(p))
tensors = {}
for name, module in (("generator", generator), ("discriminator", discriminator), ("mixing", mixing)):
    for key, value in module.state_dict().items():
        tensors[f"{name}/{key}"] = value.clone()
looks = [torch.randn(m, 3) for m in MAPS]
z, kinds = torch.randn(4, LATENT), F.one_hot(torch.tensor([0, 1, 1, 0]), CLASSES).double()
real = torch.rand(4, 3, SIZE, SIZE) * 2 - 1
fake = generator(z, kinds)
tensors |= {"z": z, "kinds": kinds, "real": real, "fake": fake}
tensors |= {f"look.{n}": look for n, look in enumerate(looks)}
seen, made = mixing(maps(real, looks)), mixing(maps(fake, looks))
for n, m in enumerate(seen):
    tensors[f"seen.{n}"] = m
ours, theirs = discriminator(seen, kinds), discriminator([m.detach() for m in made], kinds)
loss_d = sum(F.relu(1 - r).mean() + F.relu(1 + f).mean() for r, f in zip(ours, theirs))
for n, v in enumerate(ours):
    tensors[f"verdict.{n}"] = v
tensors["loss.discriminator"] = loss_d.reshape(1)
for (name, _), g in zip(discriminator.named_parameters(), torch.autograd.grad(loss_d, list(discriminator.parameters()))):
    tensors[f"gradient/discriminator/{name}"] = g
loss_g = sum(-v.mean() for v in discriminator(made, kinds))
tensors["loss.generator"] = loss_g.reshape(1)
for (name, _), g in zip(generator.named_parameters(), torch.autograd.grad(loss_g, list(generator.parameters()))):
    tensors[f"gradient/generator/{name}"] = g

names = {"generator": sorted(generator.state_dict()), "discriminator": sorted(discriminator.state_dict())}
write(here / "projected.safetensors", {k: v.detach().float() for k, v in tensors.items()},
      {"names": json.dumps(names), "torch": torch.__version__})
