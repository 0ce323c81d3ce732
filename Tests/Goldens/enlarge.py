"""Goldens of Tests/ModelsTests: the networks that enlarge, with their gradients.

    python Tests/Goldens/enlarge.py        writes Tests/Goldens/enlarge.safetensors beside itself

Weights are drawn from a seed in the order of the state_dict, which gives the same numbers in Atelier; names and order are
the reference implementations' (BasicSR's rrdbnet_arch and srvgg_arch).
"""
import pathlib

import torch
from golden import write
from torch import nn
from torch.nn import functional as F


class Dense(nn.Module):
    def __init__(self, width, growth):
        super().__init__()
        for i in range(5):
            setattr(self, f"conv{i + 1}", nn.Conv2d(width + i * growth, growth if i < 4 else width, 3, 1, 1))

    def forward(self, x):
        parts = [x]
        for i in range(1, 5):
            parts.append(F.leaky_relu(getattr(self, f"conv{i}")(torch.cat(parts, 1)), 0.2))
        return self.conv5(torch.cat(parts, 1)) * 0.2 + x


class Block(nn.Module):
    def __init__(self, width, growth):
        super().__init__()
        self.rdb1, self.rdb2, self.rdb3 = (Dense(width, growth) for _ in range(3))

    def forward(self, x):
        return self.rdb3(self.rdb2(self.rdb1(x))) * 0.2 + x


class RRDBNet(nn.Module):
    def __init__(self, scale, width, blocks, growth):
        super().__init__()
        self.scale = scale
        self.conv_first = nn.Conv2d(3 if scale == 4 else 12, width, 3, 1, 1)
        self.body = nn.Sequential(*(Block(width, growth) for _ in range(blocks)))
        self.conv_body = nn.Conv2d(width, width, 3, 1, 1)
        self.conv_up1 = nn.Conv2d(width, width, 3, 1, 1)
        self.conv_up2 = nn.Conv2d(width, width, 3, 1, 1)
        self.conv_hr = nn.Conv2d(width, width, 3, 1, 1)
        self.conv_last = nn.Conv2d(width, 3, 3, 1, 1)

    def forward(self, x):
        first = self.conv_first(F.pixel_unshuffle(x, 2) if self.scale == 2 else x)
        x = first + self.conv_body(self.body(first))
        x = F.leaky_relu(self.conv_up1(F.interpolate(x, scale_factor=2, mode="nearest")), 0.2)
        x = F.leaky_relu(self.conv_up2(F.interpolate(x, scale_factor=2, mode="nearest")), 0.2)
        return self.conv_last(F.leaky_relu(self.conv_hr(x), 0.2))


class Compact(nn.Module):
    def __init__(self, scale, width, depth):
        super().__init__()
        self.scale, self.body = scale, nn.ModuleList()
        self.body += [nn.Conv2d(3, width, 3, 1, 1), nn.PReLU(width)]
        for _ in range(depth):
            self.body += [nn.Conv2d(width, width, 3, 1, 1), nn.PReLU(width)]
        self.body.append(nn.Conv2d(width, 3 * scale * scale, 3, 1, 1))

    def forward(self, x):
        y = x
        for layer in self.body:
            y = layer(y)
        return F.pixel_shuffle(y, self.scale) + F.interpolate(x, scale_factor=self.scale, mode="nearest")


class UpConv7(nn.Module):
    def __init__(self):
        super().__init__()
        widths, layers = [3, 16, 32, 64, 128, 128, 256], []
        for a, b in zip(widths, widths[1:]):
            layers += [nn.Conv2d(a, b, 3), nn.LeakyReLU(0.1)]
        self.net = nn.Sequential(*layers, nn.ConvTranspose2d(256, 3, 4, 2, 3))

    def forward(self, x):
        return self.net(F.pad(x, (7, 7, 7, 7), mode="replicate"))


tensors = {}
networks = {"rrdb4": RRDBNet(4, 8, 2, 4), "rrdb2": RRDBNet(2, 8, 1, 4), "compact": Compact(3, 6, 2), "upconv7": UpConv7()}
draw = torch.Generator().manual_seed(1)
for name, network in networks.items():
    noise = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for weight in network.state_dict().values():
            weight.copy_(torch.randn(weight.shape, generator=noise) / (weight[0].numel() if weight.dim() > 1 else 9) ** 0.5)
    picture = torch.rand(1, 3, 10, 8, generator=draw, requires_grad=True)
    made = network(picture)
    made.square().mean().backward()
    first = next(network.parameters())
    tensors |= {name: picture, f"{name}/made": made, f"{name}/gradient": picture.grad, f"{name}/first": first.grad}

# A bicubic half, as Real-ESRGAN's authors take their network's 4 to 2.
tensors["half"] = F.interpolate(tensors["rrdb4/made"], scale_factor=0.5, mode="bicubic")

write(pathlib.Path(__file__).with_suffix(".safetensors"), tensors)
