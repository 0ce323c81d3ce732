"""Goldens of Tests/ModelsTests/MotionTests.swift: the networks of the first-order motion model and its losses, with gradients.

    python Tests/Goldens/motion.py        writes Tests/Goldens/motion.safetensors beside itself

Written from the paper (Siarohin et al. 2019) with PyTorch's own inverse and autograd where Atelier has formulas.
"""
import pathlib

import torch
from golden import write
from torch import nn
from torch.nn import functional as F

CHANNELS, POINTS, WIDTH, SIDE = 4, 3, 4, 24


class Block(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return F.relu(self.norm(self.conv(x)))


class Residual(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first = Block(width, width)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x):
        return F.relu(x + self.norm(self.second(self.first(x))))


class Hourglass(nn.Module):
    def __init__(self, inputs, w):
        super().__init__()
        self.enter = Block(inputs, w)
        self.down = nn.ModuleList([Block(w, 2 * w), Block(2 * w, 4 * w)])
        self.middle = nn.ModuleList([Residual(4 * w)])
        self.up = nn.ModuleList([Block(6 * w, 2 * w), Block(3 * w, w)])

    def forward(self, x):
        a = self.enter(x)
        b = self.down[0](F.avg_pool2d(a, 2))
        c = self.middle[0](self.down[1](F.avg_pool2d(b, 2)))
        y = self.up[0](torch.cat([F.interpolate(c, size=b.shape[2:]), b], 1))
        return self.up[1](torch.cat([F.interpolate(y, size=a.shape[2:]), a], 1))


def grid(h, w):
    """Where affine_grid puts the pixels of the identity."""
    return F.affine_grid(torch.eye(2, 3)[None], (1, 1, h, w), align_corners=False)[0]


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.hourglass = Hourglass(CHANNELS, WIDTH)
        self.places = nn.Conv2d(WIDTH, POINTS, 3, padding=1)
        self.jacobians = nn.Conv2d(WIDTH, 4 * POINTS, 3, padding=1)

    def forward(self, x):
        f = self.hourglass(F.avg_pool2d(x, 2))
        n, _, h, w = f.shape
        heat = F.softmax(self.places(f).view(n, POINTS, -1) / 0.1, 2).view(n, POINTS, h, w)
        places = torch.einsum("nkhw,hwd->nkd", heat, grid(h, w))
        turns = torch.einsum("nkjhw,nkhw->nkj", self.jacobians(f).view(n, POINTS, 4, h, w), heat)
        return places, turns.view(n, POINTS, 2, 2)


class Dense(nn.Module):
    def __init__(self):
        super().__init__()
        self.hourglass = Hourglass((POINTS + 1) * (CHANNELS + 1), WIDTH)
        self.mask = nn.Conv2d(WIDTH, POINTS + 1, 3, padding=1)
        self.visibility = nn.Conv2d(WIDTH, 1, 3, padding=1)

    def forward(self, x, p, jp, q, jq):
        x = F.avg_pool2d(x, 2)
        n, c, h, w = x.shape
        z = grid(h, w)
        heat = [torch.exp(-((z - t[:, :, None, None]) ** 2).sum(-1) / 0.02) for t in (q, p)]
        heat = torch.cat([torch.zeros(n, 1, h, w), heat[0] - heat[1]], 1)
        turn = jp @ torch.linalg.inv(jq)
        flows = [z.expand(n, h, w, 2)]
        for k in range(POINTS):
            flows.append(torch.einsum("nij,nhwj->nhwi", turn[:, k], z - q[:, k, None, None]) + p[:, k, None, None])
        seen = []
        for k, flow in enumerate(flows):
            seen += [heat[:, k:k + 1], F.grid_sample(x, flow, align_corners=False)]
        f = self.hourglass(torch.cat(seen, 1))
        mask = F.softmax(self.mask(f), 1)
        return sum(mask[:, k, :, :, None] * flow for k, flow in enumerate(flows)), torch.sigmoid(self.visibility(f)), f


def moved(x, flow):
    if flow.shape[1:3] != x.shape[2:]:
        flow = F.interpolate(flow.permute(0, 3, 1, 2), size=x.shape[2:], mode="bilinear").permute(0, 2, 3, 1)
    return F.grid_sample(x, flow, align_corners=False)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.enter, self.down = Block(4 * CHANNELS, WIDTH), Block(WIDTH, 2 * WIDTH)
        self.middle = nn.ModuleList([Residual(2 * WIDTH)])
        self.up, self.last = Block(3 * WIDTH + 4 * CHANNELS + WIDTH, WIDTH), Block(WIDTH, WIDTH)
        self.leave = nn.Conv2d(WIDTH, 4 * (CHANNELS + 1), 3, padding=1)

    def forward(self, x, flow, visibility, f):
        fine = self.enter(F.pixel_unshuffle(x, 2))
        coarse = self.down(F.avg_pool2d(fine, 2))
        y = moved(coarse, flow) * F.interpolate(visibility, size=coarse.shape[2:], mode="bilinear")
        y = F.interpolate(self.middle[0](y), scale_factor=2)
        carried = moved(x, flow)
        y = self.up(torch.cat([y, moved(fine, flow) * visibility, F.pixel_unshuffle(carried, 2), f], 1))
        y = torch.sigmoid(F.pixel_shuffle(self.leave(self.last(y)), 2))
        painted, kept = y[:, :CHANNELS], y[:, CHANNELS:]
        painted = torch.cat([painted[:, :3] * painted[:, 3:], painted[:, 3:]], 1)
        return carried * kept + painted * (1 - kept)


class Motion(nn.Module):
    def __init__(self):
        super().__init__()
        self.detector, self.dense, self.generator = Detector(), Dense(), Generator()


def bend(points, affine, weights):
    """Thin plates of r² log r² over a grid of 5 by 5."""
    line = torch.linspace(-1, 1, 5)
    centres = torch.stack([line.repeat(5), line.repeat_interleave(5)], 1)
    r = ((points[:, :, None] - centres) ** 2).sum(-1)
    plate = r * torch.log(r + 1e-6)
    return torch.einsum("nij,nmj->nmi", affine[:, :, :2], points) + affine[:, None, :, 2] \
        + torch.einsum("nmc,nic->nmi", plate, weights)


def main():
    torch.manual_seed(7)
    out = {}
    net = Motion()
    with torch.no_grad():
        for name, p in net.named_parameters():
            if "norm" in name:
                p.add_(torch.randn_like(p) * 0.2)
        # So that keypoints differ, and turn.
        net.detector.places.weight.mul_(3)
        net.detector.jacobians.weight.mul_(0.3)
        net.detector.jacobians.bias.copy_(torch.tensor([1., 0, 0, 1] * POINTS) + torch.randn(4 * POINTS) * 0.1)
    out.update({f"state/{name}": t for name, t in net.state_dict().items()})

    def picture():
        x = F.interpolate(torch.rand(2, CHANNELS, 6, 6), size=(SIDE, SIDE), mode="bicubic").clamp(0, 1)
        return torch.cat([x[:, :3] * x[:, 3:], x[:, 3:]], 1)

    given, wanted = picture().requires_grad_(), picture().requires_grad_()
    p, jp = net.detector(given)
    q, jq = net.detector(wanted)
    flow, visibility, features = net.dense(given, p, jp, q, jq)
    made = net.generator(given, flow, visibility, features)
    error = sum(F.l1_loss(F.avg_pool2d(made, s), F.avg_pool2d(wanted, s)) for s in (1, 2, 4)) / 3

    affine = torch.eye(2, 3) + torch.randn(2, 2, 3) * 0.08
    weights = torch.randn(2, 2, 25) * 0.005
    z = grid(SIDE, SIDE).view(1, -1, 2).expand(2, -1, 2)
    bent = F.grid_sample(wanted, bend(z, affine, weights).view(2, SIDE, SIDE, 2), align_corners=False)
    b, jb = net.detector(bent)
    back = bend(b, affine, weights)
    derivative = torch.stack([torch.autograd.grad(back[..., i].sum(), b, create_graph=True)[0] for i in (0, 1)], 2)
    places = (q - back).abs().mean()
    turns = (torch.linalg.inv(jq) @ derivative @ jb - torch.eye(2)).abs().mean()
    loss = 100 * error + 3 * places + turns
    names, parameters = zip(*net.named_parameters())
    slopes = torch.autograd.grad(loss, [given, wanted, *parameters])
    out.update({
        "given": given, "wanted": wanted, "places": p, "jacobians": jp, "flow": flow, "visibility": visibility,
        "made": made, "affine": affine, "weights": weights, "bent": bent, "derivative": derivative,
        "losses": torch.stack([error, places, turns]), "gradient/given": slopes[0], "gradient/wanted": slopes[1],
    })
    out.update({f"gradient/{name}": g for name, g in zip(names, slopes[2:])})
    write(pathlib.Path(__file__).with_suffix(".safetensors"), {k: v.detach() for k, v in out.items()})


if __name__ == "__main__":
    main()
