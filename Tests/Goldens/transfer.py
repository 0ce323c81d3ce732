"""Goldens of Tests/ModelsTests: the networks of CycleGAN, CUT and pix2pix, their losses with gradients, and five training
steps of each, as PyTorch's users write them.

    python Tests/Goldens/transfer.py        writes Tests/Goldens/transfer.safetensors beside itself

Written from the papers (Zhu et al. 2017, Park et al. 2020, Isola et al. 2017, Zhang 2019); names of the layers as in the
published checkpoints.
"""
import itertools
import pathlib

import torch
from golden import write
from torch import nn
from torch.nn import functional as F

STEPS = 5


class Blur(nn.Module):
    """Halves with [1, 2, 1], or doubles with [1, 3, 3, 1]: plain sums over shifted pictures."""

    def __init__(self, up):
        super().__init__()
        self.up = up

    def forward(self, x):
        if not self.up:
            x = F.pad(x, (1, 1, 1, 1), mode="reflect")
            x = (x[..., :-2, :] + 2 * x[..., 1:-1, :] + x[..., 2:, :]) / 4
            x = (x[..., :-2] + 2 * x[..., 1:-1] + x[..., 2:]) / 4
            return x[..., ::2, ::2]
        for dim in (2, 3):
            x = x.transpose(dim, 3)
            p = F.pad(x, (1, 1, 0, 0), mode="replicate")
            even = (p[..., :-2] + 3 * p[..., 1:-1]) / 4
            odd = (3 * p[..., 1:-1] + p[..., 2:]) / 4
            x = torch.stack([even, odd], -1).flatten(-2).transpose(dim, 3)
        return x


class Block(nn.Module):
    def __init__(self, d, norm):
        super().__init__()
        self.conv_block = nn.Sequential(nn.ReflectionPad2d(1), nn.Conv2d(d, d, 3), norm(d), nn.ReLU(),
                                        nn.ReflectionPad2d(1), nn.Conv2d(d, d, 3), norm(d))

    def forward(self, x):
        return x + self.conv_block(x)


class Resnet(nn.Module):
    def __init__(self, w, blocks, smooth=False, affine=False):
        super().__init__()
        norm = lambda c: nn.InstanceNorm2d(c, affine=affine)
        layers = [nn.ReflectionPad2d(3), nn.Conv2d(3, w, 7), norm(w), nn.ReLU()]
        for c in (w, 2 * w):
            layers += [nn.Conv2d(c, 2 * c, 3, 1 if smooth else 2, 1), norm(2 * c), nn.ReLU()]
            layers += [Blur(False)] if smooth else []
        layers += [Block(4 * w, norm) for _ in range(blocks)]
        for c in (4 * w, 2 * w):
            layers += ([Blur(True), nn.Conv2d(c, c // 2, 3, 1, 1)] if smooth
                       else [nn.ConvTranspose2d(c, c // 2, 3, 2, 1, 1)])
            layers += [norm(c // 2), nn.ReLU()]
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(w, 3, 7), nn.Tanh()]
        self.model = nn.Sequential(*layers)

    def forward(self, x, layers=()):
        found = []
        for i, layer in enumerate(self.model):
            x = layer(x)
            if i in layers:
                found.append(x)
        return (x, found) if layers else x


class Patches(nn.Module):
    def __init__(self, inputs, w, smooth=False):
        super().__init__()
        layers = []
        for level, (i, o) in enumerate([(inputs, w), (w, 2 * w), (2 * w, 4 * w), (4 * w, 8 * w)]):
            halves = level < 3
            layers += [nn.Conv2d(i, o, 4, 2 if halves and not smooth else 1, 1)]
            layers += [nn.InstanceNorm2d(o)] if level else []
            layers += [nn.LeakyReLU(0.2)] + ([Blur(False)] if halves and smooth else [])
        self.model = nn.Sequential(*layers, nn.Conv2d(8 * w, 1, 4, 1, 1))

    def forward(self, x):
        return self.model(x)


class Level(nn.Module):
    def __init__(self, outer, inner, sub=None, outermost=False):
        super().__init__()
        self.outermost = outermost
        norm = lambda c: nn.InstanceNorm2d(c, affine=True)
        down = nn.Conv2d(outer, inner, 4, 2, 1, bias=outermost)
        up = nn.ConvTranspose2d(inner * (2 if sub else 1), outer, 4, 2, 1, bias=outermost)
        self.model = nn.Sequential(*(
            [down, sub, nn.ReLU(), up, nn.Tanh()] if outermost else
            [nn.LeakyReLU(0.2), down, norm(inner), sub, nn.ReLU(), up, norm(outer)] if sub else
            [nn.LeakyReLU(0.2), down, nn.ReLU(), up, norm(outer)]))

    def forward(self, x):
        return self.model(x) if self.outermost else torch.cat([x, self.model(x)], 1)


class Unet(nn.Module):
    def __init__(self, w, depth):
        super().__init__()
        size = lambda level: w * min(8, 2 ** level)
        level = None
        for i in reversed(range(depth)):
            level = Level(3 if i == 0 else size(i - 1), size(i), level, i == 0)
        self.model = level

    def forward(self, x):
        return self.model(x)


class Heads(nn.Module):
    def __init__(self, channels, size):
        super().__init__()
        self.count = len(channels)
        for i, c in enumerate(channels):
            setattr(self, f"mlp_{i}", nn.Sequential(nn.Linear(c, size), nn.ReLU(), nn.Linear(size, size)))

    def forward(self, features, places):
        return [F.normalize(getattr(self, f"mlp_{i}")(f.flatten(2).permute(0, 2, 1)[:, p]), dim=2, eps=1e-7)
                for i, (f, p) in enumerate(zip(features, places))]


def contrast(q, k, temperature=0.07):
    """The positive first, then the other places of the same picture, as the paper's equation 3 is written."""
    losses = []
    for a, b in zip(q, k.detach()):
        for i in range(len(a)):
            others = torch.cat([b[:i], b[i + 1:]])
            logits = torch.cat([a[i] @ b[i][:, None], others @ a[i]]) / temperature
            losses.append(-F.log_softmax(logits, 0)[0])
    return torch.stack(losses).mean()


def toward(x, target):
    return F.mse_loss(x, torch.full_like(x, target))


tensors = {}
# Adam's first step takes the sign of each gradient: with seed 1 one of them was so near to nothing that rounding chose.
draw = torch.Generator().manual_seed(3)


def state(name, module):
    tensors.update({f"{name}/{k}": v.clone() for k, v in module.state_dict().items()})


def filled(module):
    """As large as trained weights are, so that nothing vanishes."""
    for key, value in module.state_dict().items():
        if value.dim() > 1:
            value.copy_(torch.randn(value.shape, generator=draw) / value[0].numel() ** 0.5)
        else:
            value.copy_(torch.randn(value.shape, generator=draw) * 0.2 + (value == 1).float())
    return module


# Whole networks, and the gradient that reaches the picture.
for name, module, shape in [
    ("plain", Resnet(3, 2), (1, 3, 28, 20)), ("smooth", Resnet(3, 2, smooth=True), (2, 3, 20, 24)),
    ("affine", Resnet(3, 2, affine=True), (1, 3, 16, 16)), ("unet", Unet(2, 4), (1, 3, 32, 32)),
    ("patches", Patches(3, 2), (2, 3, 40, 32)), ("smooth patches", Patches(3, 2, smooth=True), (1, 3, 40, 32)),
]:
    filled(module)
    state(f"{name}/state", module)
    x = torch.rand(shape, generator=draw, requires_grad=True)
    y = module(x)
    (y * torch.linspace(0.5, 1.5, y.numel()).view(y.shape)).sum().backward()
    tensors |= {f"{name}/in": x, f"{name}/out": y, f"{name}/gradient": x.grad}

# Losses.
q = torch.randn(2, 9, 6, generator=draw)
k = torch.randn(2, 9, 6, generator=draw)
q, k = F.normalize(q, dim=2).requires_grad_(), F.normalize(k, dim=2)
value = contrast(q, k)
value.backward()
tensors |= {"queries": q, "keys": k, "contrast": value.reshape(1), "contrast/gradient": q.grad}
for name, loss in ("squares", lambda x: toward(x, 1.0)), ("cycle", lambda x: F.l1_loss(x, k[..., :4])):
    x = torch.randn(2, 9, 4, generator=draw, requires_grad=True)
    value = loss(x)
    value.backward()
    tensors |= {f"{name}/in": x, name: value.reshape(1), f"{name}/gradient": x.grad}


def batches(name, size):
    data = torch.randint(0, 256, (2, STEPS, 2, 3, size, size), dtype=torch.uint8, generator=draw)
    # Smooth, as pictures are: noise alone teaches nothing.
    data = F.avg_pool2d(data.flatten(0, 2).float(), 5, 1, 2).view(data.shape)
    data = ((data - 127.5) * 3 + 127.5).clamp(0, 255).round().byte()
    tensors[f"{name}/first"], tensors[f"{name}/second"] = data[0], data[1]
    return (data.float() / 127.5 - 1)


def adam(*modules):
    return torch.optim.Adam(itertools.chain(*(m.parameters() for m in modules)), 2e-4, (0.5, 0.999))


def descend(optimizer, loss):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def cyclegan():
    there, back, d_there, d_back = parts = [filled(m) for m in (Resnet(2, 1), Resnet(2, 1), Patches(3, 1), Patches(3, 1))]
    for part, module in zip(("generator", "generator.back", "discriminator", "discriminator.back"), parts):
        state(f"cyclegan/before/{part}", module)
    data, losses = batches("cyclegan", 32), []
    og, od = adam(there, back), adam(d_there, d_back)
    for step in range(STEPS):
        a, b = data[0, step], data[1, step]
        made_b, made_a = there(a), back(b)
        cycle = F.l1_loss(back(made_b), a) + F.l1_loss(there(made_a), b)
        identity = F.l1_loss(there(b), b) + F.l1_loss(back(a), a)
        adversarial = toward(d_there(made_b), 1.0) + toward(d_back(made_a), 1.0)
        descend(og, adversarial + 10 * cycle + 5 * identity)
        judged = sum((toward(d(real), 1.0) + toward(d(made.detach()), 0.0)) / 2
                     for d, real, made in ((d_there, b, made_b), (d_back, a, made_a)))
        descend(od, judged)
        losses.append([adversarial.item(), judged.item(), cycle.item(), identity.item()])
    return there, data, losses


def cut():
    w, patches = 2, 8
    generator, judge, heads = parts = [filled(m) for m in (
        Resnet(w, 2), Patches(3, 1), Heads([3, 2 * w, 4 * w, 4 * w, 4 * w], 6))]
    for part, module in zip(("generator", "discriminator", "heads"), parts):
        state(f"cut/before/{part}", module)
    data, losses, layers = batches("cut", 32), [], [0, 4, 7, 10, 11]
    og, od = adam(generator, heads), adam(judge)
    for step in range(STEPS):
        a, b = data[0, step], data[1, step]
        # Atelier draws the corner and size of each picture's square first, though here there is one only.
        chance = torch.Generator().manual_seed(step)
        for _ in range(2 * 2 * 3):
            torch.randint(1, (1,), generator=chance)
        old = torch.cat([a, b])
        made, keys = generator(old, layers)
        descend_d = (toward(judge(b), 1.0) + toward(judge(made[:2].detach()), 0.0)) / 2
        descend(od, descend_d)
        adversarial = toward(judge(made[:2]), 1.0)
        queries = generator(made, layers)[1]
        places = [torch.randperm(f.shape[2] * f.shape[3], generator=chance)[:patches] for f in keys]
        pairs = list(zip(heads(queries, places), heads(keys, places)))
        nce = sum(contrast(q[:2], k[:2]) for q, k in pairs) / 5
        identity = sum(contrast(q[2:], k[2:]) for q, k in pairs) / 5
        descend(og, adversarial + (nce + identity) / 2)
        losses.append([adversarial.item(), descend_d.item(), nce.item(), identity.item()])
    return generator, data, losses


def pix2pix():
    generator, judge = parts = [filled(m) for m in (Unet(2, 4), Patches(6, 1))]
    for part, module in zip(("generator", "discriminator"), parts):
        state(f"pix2pix/before/{part}", module)
    # With a side of 2 in the middle: one pixel has no statistics of its own.
    data, losses = batches("pix2pix", 32), []
    og, od = adam(generator), adam(judge)
    bce = F.binary_cross_entropy_with_logits
    for step in range(STEPS):
        a, b = data[0, step], data[1, step]
        made = generator(a)
        yes, no = judge(torch.cat([a, b], 1)), judge(torch.cat([a, made.detach()], 1))
        judged = (bce(yes, torch.ones_like(yes)) + bce(no, torch.zeros_like(no))) / 2
        descend(od, judged)
        verdict = judge(torch.cat([a, made], 1))
        adversarial, distance = bce(verdict, torch.ones_like(verdict)), F.l1_loss(made, b)
        descend(og, adversarial + 100 * distance)
        losses.append([adversarial.item(), judged.item(), distance.item()])
    return generator, data, losses


for train in cyclegan, cut, pix2pix:
    generator, data, losses = train()
    name = train.__name__
    tensors[f"{name}/losses"] = torch.tensor(losses)
    tensors[f"{name}/made"] = generator(data[0, 0])

write(pathlib.Path(__file__).with_suffix(".safetensors"), tensors)
