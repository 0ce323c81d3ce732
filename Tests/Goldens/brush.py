"""Goldens of Tests/ModelsTests: the feed-forward painter of several styles, with its gradient.

    python Tests/Goldens/brush.py        writes Tests/Goldens/brush.safetensors beside itself

Weights and pictures are drawn from a seed, which gives the same numbers in Atelier.
"""
import pathlib

import torch
from golden import write
from torch.nn import functional as F

STYLES = 3
draw = torch.Generator().manual_seed(4)
SHAPES = ([(3, 32, 9, 1), (32, 32, 3, 2), (32, 32, 3, 2)] + [(32, 32, 3, 1)] * 12
          + [(32, 8, 3, 1), (8, 4, 3, 1), (4, 3, 9, 1)])
layers = []
for inputs, outputs, kernel, stride in SHAPES:
    weight = torch.randn(outputs, inputs, kernel, kernel, generator=draw) / (inputs * kernel * kernel) ** 0.5
    gamma = 1 + torch.randn(STYLES, outputs, generator=draw) * 0.2
    beta = torch.randn(STYLES, outputs, generator=draw) * 0.2
    layers.append((weight, gamma, beta, stride))


def paint(x, mixture):
    def layer(x, i):
        weight, gamma, beta, stride = layers[i]
        side = weight.shape[-1] // 2
        y = F.instance_norm(F.conv2d(F.pad(x, (side,) * 4, mode="reflect"), weight, stride=stride))
        return y * (mixture @ gamma)[:, :, None, None] + (mixture @ beta)[:, :, None, None]

    for i in range(3):
        x = F.relu(layer(x, i))
    for i in range(3, 15, 2):
        x = x + layer(F.relu(layer(x, i)), i + 1)
    x = F.relu(layer(F.interpolate(x, scale_factor=2, mode="nearest"), 15))
    x = F.relu(layer(F.interpolate(x, scale_factor=2, mode="nearest"), 16))
    return torch.sigmoid(layer(x, 17))


picture = torch.rand(2, 3, 32, 40, generator=draw)
mixture = torch.tensor([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]])
x = picture.clone().requires_grad_()
made = paint(x, mixture)
(gradient,) = torch.autograd.grad((made ** 2).mean(), x)
write(pathlib.Path(__file__).with_suffix(".safetensors"), {"made": made, "gradient": gradient})
