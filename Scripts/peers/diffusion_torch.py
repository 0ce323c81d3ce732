"""Atelier's diffusion network, losses and sampler in PyTorch: what its tests and `Benchmarks` compare with.

    python diffusion_torch.py          prints the median pictures/s of tuned training steps at 32 px, batch 16
    python diffusion_torch.py sample   prints the median pictures/s of 16 pictures in 20 steps of the default sampler
    from diffusion_torch import UNet, denoised, loss        what Tests/Goldens/diffusion.py uses

Needs torch. Tuned: channels-last, fused Adam, and for training bf16 autocast where that is faster. Pictures are
drawn in float32, as the recipe draws them.
"""
import math
import pathlib
import statistics
import sys
import time

if __name__ == "__main__":  # Tests/Goldens import this, too.
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
    import plain

    options = plain.Parser(__doc__).add("sample", nargs="?", choices=["sample"]).parse_args()
    plain.need("torch")
import torch
import torch.nn.functional as F
from torch import nn

WAVES = 32


def groups(channels):
    count = min(32, max(1, channels // 16))
    while channels % count:
        count -= 1
    return count


class Block(nn.Module):
    def __init__(self, inputs, outputs, embedded, attends, dropout):
        super().__init__()
        self.norm1 = nn.GroupNorm(groups(inputs), inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.style = nn.Linear(embedded, 2 * outputs)
        self.norm2 = nn.GroupNorm(groups(outputs), outputs)
        self.dropout = nn.Dropout(dropout)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.skip = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else None
        self.attention_norm = nn.GroupNorm(groups(outputs), outputs) if attends else None
        self.attention = nn.MultiheadAttention(outputs, max(1, outputs // 64), batch_first=True) if attends else None

    def forward(self, x, embedding):
        h = self.conv1(F.silu(self.norm1(x)))
        scale, shift = self.style(embedding)[:, :, None, None].chunk(2, 1)
        h = self.conv2(self.dropout(F.silu(self.norm2(h) * (scale + 1) + shift)))
        x = (x if self.skip is None else self.skip(x)) + h
        if self.attention is None:
            return x
        tokens = self.attention_norm(x).flatten(2).transpose(1, 2)
        seen = self.attention(tokens, tokens, tokens, need_weights=False)[0]
        return x + seen.transpose(1, 2).reshape(x.shape).to(memory_format=torch.channels_last)


def haar(x):
    a, b, c, d = x[..., ::2, ::2], x[..., ::2, 1::2], x[..., 1::2, ::2], x[..., 1::2, 1::2]
    return torch.cat([a + b + c + d, a - b + c - d, a + b - c - d, a - b - c + d], 1) / 2


def inverse_haar(x):
    m, h, v, d = x.chunk(4, 1)
    rows = [torch.stack([m + h + v + d, m - h + v - d], -1).flatten(-2),
            torch.stack([m + h - v - d, m - h - v + d], -1).flatten(-2)]
    return torch.stack(rows, -2).flatten(-3, -2) / 2


class UNet(nn.Module):
    def __init__(self, channels=3, size=32, widths=(64, 128, 128), blocks=2, attention=8, halvings=1, conditions=0,
                 dropout=0.0):
        super().__init__()
        side, embedded, inner = size >> halvings, 4 * widths[0], channels << (2 * halvings)
        self.halvings, self.blocks = halvings, blocks
        self.level_in, self.level_out = nn.Linear(2 * WAVES, embedded), nn.Linear(embedded, embedded)
        self.condition_in = nn.Linear(conditions, embedded, bias=False) if conditions else None
        self.stem = nn.Conv2d(inner, widths[0], 3, padding=1)

        def block(a, b, level):
            return Block(a, b, embedded, side >> level <= attention, dropout)

        self.down, kept, width = nn.ModuleList(), [widths[0]], widths[0]
        for level, wide in enumerate(widths):
            if level > 0:
                kept.append(width)
            for _ in range(blocks):
                self.down.append(block(width, wide, level))
                width = wide
                kept.append(width)
        last = len(widths) - 1
        self.middle = nn.ModuleList([block(width, width, last), block(width, width, last)])
        self.up = nn.ModuleList()
        for level, wide in reversed(list(enumerate(widths))):
            for _ in range(blocks + 1):
                self.up.append(block(width + kept.pop(), wide, level))
                width = wide
        self.norm, self.head = nn.GroupNorm(groups(width), width), nn.Conv2d(width, inner, 3, padding=1)
        self.frequencies = torch.tensor([100 ** (i / (WAVES - 1)) for i in range(WAVES)])

    def forward(self, x, level, conditions):
        angles = level[:, None] * self.frequencies.to(level)
        embedding = self.level_out(F.silu(self.level_in(torch.cat([angles.cos(), angles.sin()], 1))))
        if self.condition_in is not None:
            embedding = embedding + self.condition_in(conditions)
        embedding = F.silu(embedding)
        for _ in range(self.halvings):
            x = haar(x)
        h = self.stem(x)
        kept = [h]
        for i, block in enumerate(self.down):
            if i > 0 and i % self.blocks == 0:
                h = F.avg_pool2d(h, 2)
                kept.append(h)
            h = block(h, embedding)
            kept.append(h)
        for block in self.middle:
            h = block(h, embedding)
        for i, block in enumerate(self.up):
            if i > 0 and i % (self.blocks + 1) == 0:
                h = F.interpolate(h, scale_factor=2)
            h = block(torch.cat([h, kept.pop()], 1), embedding)
        h = self.head(F.silu(self.norm(h)))
        for _ in range(self.halvings):
            h = inverse_haar(h)
        return h


def coefficients(sigma, objective="edm", data=0.5):
    """Karras et al. 2022, table 1: skip, out, in and the loss' weight."""
    sigma = sigma.reshape(-1, 1, 1, 1)
    if objective == "edm":
        power = sigma ** 2 + data ** 2
        return data ** 2 / power, sigma * data / power.sqrt(), 1 / power.sqrt(), power / (sigma * data) ** 2
    return 1 / (1 + sigma), -sigma / (1 + sigma), 1 / (1 + sigma), ((1 + sigma) / sigma) ** 2


def denoised(network, x, sigma, conditions, objective="edm"):
    skip, out, into, _ = coefficients(sigma, objective)
    return skip * x + out * network(x * into, sigma.log() / 4, conditions).to(x.dtype)


def loss(network, pictures, noise, sigma, conditions, objective="edm"):
    noisy = pictures + noise * sigma.reshape(-1, 1, 1, 1)
    estimate = denoised(network, noisy, sigma, conditions, objective)
    return (coefficients(sigma, objective)[3] * (estimate - pictures) ** 2).mean()


def begin(network):
    """As the recipe begins: branches and the answer are 0."""
    with torch.no_grad():
        for name, p in network.named_parameters():
            if any(part in name for part in ("conv2.", "out_proj.", "head.", "condition_in.")):
                p.zero_()
    return network.to(memory_format=torch.channels_last)


class Trainer:
    def __init__(self, batch=16, conditions=11, rate=1e-3):
        self.batch, self.conditions = batch, torch.zeros(batch, conditions)
        self.network = begin(
            UNet(size=32, widths=(64, 96, 128), blocks=1, attention=4, conditions=conditions, dropout=0.05))
        self.adam = torch.optim.Adam(self.network.parameters(), rate, (0.9, 0.99), fused=True)
        self.average = [p.detach().clone() for p in self.network.parameters()]
        self.bfloat16 = plain.prefers_bfloat16()

    def mixed(self, *inputs):
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
            return self.network(*inputs)

    def step(self, pictures):
        sigma = (torch.randn(self.batch) * 1.2 - 1.2).exp()
        self.adam.zero_grad()
        loss(self.mixed, pictures, torch.randn_like(pictures), sigma, self.conditions).backward()
        self.adam.step()
        torch._foreach_lerp_(self.average, [p.detach() for p in self.network.parameters()], 0.5)


@torch.inference_mode()
def sample(network, noise, conditions, steps=20, highest=80, lowest=0.002):
    """DPM-Solver++ of second order, its second evaluation that of the step before (Lu et al. 2022, algorithm 2)."""
    a, b = highest ** (1 / 7), lowest ** (1 / 7)
    levels = [(a + i / (steps - 1) * (b - a)) ** 7 for i in range(steps)]
    x, before = noise * levels[0], None
    for sigma, after in zip(levels, levels[1:]):
        estimate = denoised(network, x, torch.full([len(x)], sigma), conditions)
        length, ahead = math.log(sigma / after), estimate
        if before is not None:
            ahead = estimate + (estimate - before[0]) * (length / (2 * before[1]))
        before = estimate, length
        x = x * (after / sigma) + ahead * (1 - after / sigma)
    return denoised(network, x, torch.full([len(x)], levels[-1]), conditions).clamp(-1, 1)


def measure(step, count, windows=5, steps=8):
    times = []
    for _ in range(windows + 1):
        start = time.perf_counter()
        for _ in range(steps):
            step()
        times.append(time.perf_counter() - start)
    return steps * count / statistics.median(times[1:])


if __name__ == "__main__":
    torch.manual_seed(0)
    trainer, form = Trainer(), dict(memory_format=torch.channels_last)
    if options.sample:
        network = trainer.network.eval()
        draw = lambda: sample(network, torch.randn(16, 3, 32, 32).contiguous(**form), trainer.conditions)
        rate = measure(draw, 16, steps=1)
    else:
        pictures = torch.rand(trainer.batch, 3, 32, 32).mul(2).sub(1).contiguous(**form)
        rate = measure(lambda: trainer.step(pictures), trainer.batch)
    print(f"{rate:.1f} pictures/s")
