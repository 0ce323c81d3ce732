"""The recipe r3gan in PyTorch: the same networks, names, losses and schedule as Sources/Models/GAN/R3GAN*.swift.

A peer to be measured against, and the other side of the goldens.

    python r3gan_torch.py SIZE BATCH        prints the median pictures/s of tuned training steps; needs torch

SIZE is 16, 32 or 64 px. Tuned: channels-last, bf16 autocast where that is faster, fused Adam, one pass backward for both updates, lazy
penalties.
"""
import math
import pathlib
import statistics
import sys
import time

if __name__ == "__main__":  # Tests/Goldens import this, too.
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
    import plain

    options = plain.Parser(__doc__).add("SIZE", type=int, choices=[16, 32, 64]).add("BATCH", type=plain.count).parse_args()
    plain.need("torch")
import torch
import torch.nn as nn
import torch.nn.functional as F

HAAR = torch.tensor([[1, 1, 1, 1], [1, -1, 1, -1], [1, 1, -1, -1], [1, -1, -1, 1]], dtype=torch.float32) / 2
BANDS = HAAR * torch.tensor([1, 0.25, 0.25, 0.25])[:, None]  # Detail counts a quarter.
CHANNELS_LAST = dict(memory_format=torch.channels_last)


def leaky(x):
    return F.leaky_relu(x, 0.2)


class ResidualBlock(nn.Module):
    def __init__(self, channels, latent=None):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.style = nn.Linear(latent, 2 * channels) if latent else None

    def forward(self, x, w=None):
        h = leaky(x)
        if self.style is not None:
            scale, shift = self.style(w)[:, :, None, None].chunk(2, 1)
            power = h.square().mean((2, 3), keepdim=True).float()
            h = h * ((scale + 1) * torch.rsqrt(power + 1e-4)).to(h.dtype) + shift.to(h.dtype)
        return x + self.conv(h)


class PictureHead(nn.Module):
    def __init__(self, features, channels):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(4 * channels, features, 3, 3))
        self.bias = nn.Parameter(torch.zeros(4 * channels))
        self.channels = channels

    def forward(self, x):
        mixed = (BANDS.T @ self.weight.reshape(self.channels, 4, -1)).reshape(self.weight.shape)
        shift = (self.bias.reshape(self.channels, 4) @ BANDS).reshape(-1)
        return F.pixel_shuffle(F.conv2d(x, mixed, shift, padding=1).float(), 2)


class PictureStem(nn.Module):
    def __init__(self, features, width, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, width, 3, padding=1)
        self.halve = nn.Conv2d(width, features, 2, stride=2)

    def forward(self, x):
        return self.halve(leaky(self.conv(x.contiguous(**CHANNELS_LAST))))


class GeneratorStage(nn.Module):
    def __init__(self, inputs, width, blocks, latent, channels):
        super().__init__()
        self.enlarge = nn.ConvTranspose2d(inputs, width, 2, stride=2) if inputs else None
        self.blocks = nn.ModuleList([ResidualBlock(width, latent) for _ in range(blocks)])
        self.head = PictureHead(width, channels) if channels else None

    def forward(self, x, w):
        if self.enlarge is not None:
            x = self.enlarge(leaky(x))
        for block in self.blocks:
            x = block(x, w)
        return x


class Generator(nn.Module):
    def __init__(self, latent=128, mapped=256, widths=(192, 128, 64, 32), blocks=(1, 1, 1, 2), channels=3):
        super().__init__()
        self.mapping = nn.ModuleList([nn.Linear(latent, mapped), nn.Linear(mapped, mapped)])
        self.base = nn.Linear(mapped, 16 * widths[0])
        self.stages = nn.ModuleList(
            GeneratorStage(widths[i - 1] if i else None, widths[i], blocks[i], mapped, channels if i else None)
            for i in range(len(widths)))
        self.register_buffer("grown", torch.tensor([4 << len(widths)]))
        self.width = widths[0]

    def forward(self, z, size):
        w = z * torch.rsqrt(z.square().mean(1, keepdim=True) + 1e-8)
        for layer in self.mapping:
            w = leaky(layer(w))
        x = self.base(w).reshape(-1, self.width, 4, 4).contiguous(**CHANNELS_LAST)
        picture, side = None, 4
        for stage in self.stages:
            if 2 * side > size:
                break
            x = stage(x, w)
            if stage.head is not None:
                detail = stage.head(leaky(x))
                if picture is not None:
                    detail = F.interpolate(picture, size=(2 * side, 2 * side), mode="bilinear") + detail
                picture = detail
            side *= 2
        return picture


class DiscriminatorStage(nn.Module):
    def __init__(self, width, outputs, blocks, stem, channels):
        super().__init__()
        self.stem = PictureStem(width, stem, channels) if channels else None
        self.blocks = nn.ModuleList([ResidualBlock(width) for _ in range(blocks)])
        self.shrink = nn.Conv2d(width, outputs, 2, stride=2) if outputs else None

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return x if self.shrink is None else self.shrink(leaky(x))


class Discriminator(nn.Module):
    def __init__(self, widths=(192, 128, 64, 32), blocks=(1, 1, 1, 1), stem=16, channels=3):
        super().__init__()
        self.stages = nn.ModuleList(
            DiscriminatorStage(widths[i], widths[i - 1] if i else None, blocks[i], stem, channels if i else None)
            for i in range(len(widths)))
        self.hidden = nn.Linear(16 * widths[0], widths[0])
        self.verdict = nn.Linear(widths[0], 1)

    def forward(self, x):
        size, pictures = x.shape[2], {x.shape[2]: x}
        side = size // 2
        while side >= 16:
            pictures[side] = F.avg_pool2d(pictures[2 * side], 2)
            side //= 2
        h = None
        for i in reversed(range(len(self.stages))):
            if 8 << i > size:
                continue
            if self.stages[i].stem is not None:
                seen = self.stages[i].stem(pictures[8 << i])
                h = seen if h is None else h + seen
            h = self.stages[i](h)
        return self.verdict(leaky(self.hidden(leaky(h).flatten(1)))).float().reshape(-1)


def fill(network, generator=None):
    """Random weights of a useful size; not the distributions that training starts from."""
    with torch.no_grad():
        for p in network.parameters():
            fan = p[0].numel() if p.dim() > 1 else 100
            p.copy_(torch.randn(p.shape, generator=generator) / math.sqrt(fan))
    return network


def exact_penalty(x, discriminator):
    x = x.detach().requires_grad_()
    (slope,) = torch.autograd.grad(discriminator(x).sum(), x, create_graph=True)
    return slope.float().square().flatten(1).sum(1).mean()


def slope_penalty(x, direction, step, discriminator):
    logits = discriminator(torch.cat([x, x + direction * step]))
    return ((logits[len(x):] - logits[:len(x)]) / step).square().mean()


def measure(size, batch, penalised=8, every=8, step_length=0.0, gamma=2.0, **layout):
    torch.manual_seed(0)
    g = fill(Generator(**layout)).to(**CHANNELS_LAST)
    d = fill(Discriminator(**{k: v for k, v in layout.items() if k in ("widths", "blocks")})).to(**CHANNELS_LAST)
    average = [p.detach().clone() for p in g.parameters()]
    optimizers = [torch.optim.Adam(n.parameters(), 1e-6, (0.0, 0.99), fused=True) for n in (g, d)]
    real = torch.rand(batch, 3, size, size).mul(2).sub(1).contiguous(**CHANNELS_LAST)
    half = plain.prefers_bfloat16()
    autocast = lambda: torch.autocast("cpu", torch.bfloat16, enabled=half)
    times = []
    warm = 2 * every
    for i in range(warm + 12 * every):
        start = time.perf_counter()
        with autocast():
            fake = g(torch.randn(batch, 128), size)
        leaf = fake.detach().clamp(-1, 1).requires_grad_()
        seen = torch.cat([real, leaf])
        with autocast():
            logits = d(seen)
        margin = logits[:batch, None] - logits[None, batch:]  # All pairs.
        loss = F.softplus(-margin).mean()
        if i % every == 0:
            some = torch.cat([seen[:penalised], seen[batch:batch + penalised]]).detach()
            with autocast():
                if step_length > 0:
                    penalty = 2 * slope_penalty(some, torch.randn_like(some), step_length, d)
                else:
                    penalty = 2 * exact_penalty(some, d)
            loss = loss + penalty * (gamma / 2 * every)
        for o in optimizers:
            o.zero_grad()
        loss.backward()
        optimizers[1].step()
        margin = margin.detach().clamp(-60, 60)
        factor = torch.sigmoid(margin).mean(0) / torch.sigmoid(-margin).mean(0)
        seed = leaf.grad * -factor[:, None, None, None]
        fake.backward(seed * ((fake.detach() - leaf.detach()) * seed >= 0))
        optimizers[0].step()
        if i % 4 == 0:
            torch._foreach_lerp_(average, [p.detach() for p in g.parameters()], 0.001)
        times.append(time.perf_counter() - start)
    # Whole groups of steps, so that the lazy penalty weighs as it should.
    groups = [sum(times[k:k + every]) / every for k in range(warm, len(times), every)]
    return batch / statistics.median(groups)


if __name__ == "__main__":
    print(f"{measure(options.SIZE, options.BATCH):.1f} pictures/s")
