"""Goldens of Tests/ModelsTests: videogan's discriminator of clips and its motion codes as PyTorch computes them.

    python Tests/Goldens/videogan.py        writes Tests/Goldens/videogan.safetensors beside itself
"""
import json
import math
import pathlib
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

here = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(here), str(here.parent.parent / "Scripts" / "peers")]
from golden import write
from r3gan_torch import PictureStem, ResidualBlock, exact_penalty, fill, leaky


class Stage(nn.Module):
    def __init__(self, width, outputs, stem):
        super().__init__()
        self.stem = PictureStem(width, stem, 6) if outputs else None
        self.blocks = nn.ModuleList([ResidualBlock(width)])
        self.shrink = nn.Conv2d(width, outputs, 2, stride=2) if outputs else None

    def forward(self, x):
        x = self.blocks[0](x)
        return x if self.shrink is None else self.shrink(leaky(x))


class ClipDiscriminator(nn.Module):
    """Each frame beside what changes until the next; all together from 8 px on; and how far apart they are."""

    def __init__(self, widths, stem, frames):
        super().__init__()
        self.stages = nn.ModuleList(
            [Stage(w, widths[i - 1] if i else None, stem) for i, w in enumerate(widths)])
        self.join = nn.Conv2d(frames * widths[1], widths[1], 3, padding=1)
        self.instant = nn.Linear((frames - 1) * 14, widths[0])
        self.hidden, self.verdict = nn.Linear(16 * widths[0], widths[0]), nn.Linear(widths[0], 1)

    def forward(self, clips, times):
        n, frames, channels, size, _ = clips.shape
        x = torch.cat([clips, clips.roll(-1, 1) - clips], 2).flatten(0, 1)
        h = 0
        for i in reversed(range(1, len(self.stages))):
            if 8 << i > size:
                continue
            h = h + self.stages[i].stem(F.adaptive_avg_pool2d(x, 8 << i))
            if i == 1:
                h = self.join(leaky(h.unflatten(0, (n, frames)).flatten(1, 2)))
            h = self.stages[i](h)
        features = leaky(self.hidden(leaky(self.stages[0](h)).flatten(1)))
        turns = torch.tensor([2 * math.pi / s for s in (0.25, 0.5, 1, 2, 4, 8, 16)])
        angles = (times.diff(dim=1)[..., None] * turns).flatten(1)
        told = self.instant(torch.cat([angles.sin(), angles.cos()], 1))
        return (self.verdict(features)[:, 0] + (features * told).sum(1) / features.shape[1] ** 0.5)


noise = torch.Generator().manual_seed(3)
d = fill(ClipDiscriminator((8, 6, 4), 4, 3), noise)
tensors = {f"discriminator/{k}": v for k, v in d.state_dict().items()}
clips = (torch.rand(2, 3, 3, 32, 32, generator=noise) * 2 - 1).half().float()
times = torch.tensor([[0, 0.2, 1.1], [0, 0.04, 0.08]])
tensors |= {"clips": clips.half(), "times": times}
for size in (16, 32):
    seen = F.adaptive_avg_pool2d(clips.flatten(0, 1), size).unflatten(0, (2, 3))
    tensors[f"verdicts/{size}"] = d(seen, times)
penalty = exact_penalty(clips, lambda x: d(x, times))
tensors["penalty"] = penalty.reshape(1)
found = torch.autograd.grad(penalty, list(d.parameters()), allow_unused=True)
for (key, _), gradient in zip(d.named_parameters(), found):
    if gradient is not None:
        tensors[f"penalty/{key}"] = gradient

# The same draws as Swift's: frequencies, then phases.
noise = torch.Generator().manual_seed(5)
lengths = torch.tensor([0.5 * 8 ** (i / 3) for i in range(4)])
frequencies = torch.randn(2, 4, 8, generator=noise) / lengths[None, :, None]
phases = torch.rand(2, 4, 8, generator=noise) * 2 * math.pi
at = torch.tensor([[0, 0.3, 7.5], [-2, 100, 0.1]])
angles = at.double()[..., None, None] * frequencies[:, None].double() + phases[:, None].double()
tensors |= {"code.times": at, "code": (angles.cos().sum(-1) / 2).float()}
write(here / "videogan.safetensors", tensors, {"names": json.dumps(list(d.state_dict())), "torch": torch.__version__})
