"""Goldens of Tests/ModelsTests: the arbitrary-style network and its predictor, with gradients.

    python Tests/Goldens/instant.py        writes Tests/Goldens/instant.safetensors beside itself

Weights and pictures are drawn from a seed, which gives the same numbers in Atelier. The predictor is MobileNetV2 with
TensorFlow's padding, its normalisations folded in; torchvision's pads otherwise.
"""
import pathlib

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
write(pathlib.Path(__file__).with_suffix(".safetensors"),
      {"style": style, "made": made, "picture": by_picture, "bottleneck": by_style})
