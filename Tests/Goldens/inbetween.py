"""Goldens of Tests/ModelsTests/InbetweenTests.swift: the network between two frames, its error and its gradients.

    python Tests/Goldens/inbetween.py        writes Tests/Goldens/inbetween.safetensors beside itself

Written from the paper (Huang et al. 2022, section 3.2) with PyTorch's own layers.
"""
import pathlib

import torch
from golden import write
from torch import nn
from torch.nn import functional as F

WIDTH, DEPTH = 8, 1


class Stage(nn.Module):
    def __init__(self, inputs, width):
        super().__init__()
        self.enter = nn.ModuleList([nn.Conv2d(inputs, width // 2, 3, 2, 1), nn.Conv2d(width // 2, width, 3, 2, 1)])
        self.blocks = nn.ModuleList(
            nn.ModuleList([nn.Conv2d(width, width, 3, 1, 1) for _ in range(2)]) for _ in range(DEPTH))
        self.leave = nn.ConvTranspose2d(width, 5, 4, 2, 1)

    def forward(self, x):
        for conv in self.enter:
            x = F.leaky_relu(conv(x), 0.2)
        for first, second in self.blocks:
            x = F.leaky_relu(x + second(F.leaky_relu(first(x), 0.2)), 0.2)
        return self.leave(x)


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.stages = nn.ModuleList([Stage(7, 2 * WIDTH), Stage(18, 3 * WIDTH // 2), Stage(18, WIDTH)])

    def forward(self, a, b, t):
        n, _, h, w = a.shape
        plane = t.expand(n, 1, h, w)
        flows, share = torch.zeros(n, 4, h, w), torch.log((1 - plane) / plane)
        pictures = []
        for i, (stage, scale) in enumerate(zip(self.stages, [4, 2, 1])):
            seen = [a, b, plane]
            if i > 0:
                seen += [warped(a, flows[:, :2]), warped(b, flows[:, 2:]), flows / scale, share]
            y = stage(F.avg_pool2d(torch.cat(seen, 1), scale))
            y = F.interpolate(y, (h, w), mode="bilinear", align_corners=False)
            flows, share = flows + y[:, :4] * scale, share + y[:, 4:]
            m = torch.sigmoid(share)
            pictures.append(warped(a, flows[:, :2]) * m + warped(b, flows[:, 2:]) * (1 - m))
        return flows, pictures


def warped(x, flow):
    n, _, h, w = x.shape
    y0, x0 = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
    grid = torch.stack([(x0 + flow[:, 0]) * 2 / (w - 1) - 1, (y0 + flow[:, 1]) * 2 / (h - 1) - 1], -1)
    return F.grid_sample(x, grid, padding_mode="border", align_corners=True)


torch.manual_seed(5)
network = Network()
with torch.no_grad():
    for stage in network.stages:
        stage.leave.bias.mul_(4)  # Flows that matter.
a, b = torch.rand(2, 3, 6, 8), torch.rand(2, 3, 6, 8)
a, b = (F.interpolate(x, (32, 48), mode="bicubic").clamp(0, 1).requires_grad_() for x in (a, b))
t = torch.tensor([0.3, 0.7]).reshape(2, 1, 1, 1)
flows, pictures = network(a, b, t)
loss = sum(p.square().mean() * (i + 1) for i, p in enumerate(pictures)) + flows.abs().mean()
loss.backward()
out = {f"weights/{k}": v.detach() for k, v in network.state_dict().items()}
out |= {"first": a.detach(), "second": b.detach(), "times": t, "flows": flows.detach()}
out |= {f"pictures/{i}": p.detach() for i, p in enumerate(pictures)}
out |= {"gradient/first": a.grad, "gradient/weight": network.stages[0].enter[0].weight.grad}
write(pathlib.Path(__file__).with_suffix(".safetensors"), out)
