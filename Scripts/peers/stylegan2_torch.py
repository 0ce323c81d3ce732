"""The recipe stylegan2 in PyTorch: the same networks, names, losses and schedule as Sources/Models/GAN/StyleGAN2.

    python stylegan2_torch.py        prints the median pictures/s of tuned training steps at 64 px, batch 16

Needs torch. Tuned: channels-last, bf16 autocast where that is faster, filters in float32, fused Adam, lazy
penalties. Augmentation is adaptive, as the recipe has it: it begins at 0, and whole pixels are moved ("blit").
"""
import math
import pathlib
import statistics
import sys
import time

if __name__ == "__main__":
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
    import plain

    plain.Parser(__doc__).parse_args()
    plain.need("torch")
import torch
import torch.nn as nn
import torch.nn.functional as F

CHANNELS_LAST = dict(memory_format=torch.channels_last)
TAPS = torch.tensor([1.0, 3, 3, 1]) / 8
FILTER = torch.outer(TAPS, TAPS)[None, None]


def depthwise(convolution):
    """In float32: the gradients of depthwise convolutions take many times as long in bfloat16 on a processor."""
    def run(x, gain=1.0, **more):
        with torch.autocast("cpu", enabled=False):
            kernel = (FILTER * gain).expand(x.shape[1], 1, 4, 4)
            return convolution(x.float(), kernel, groups=x.shape[1], **more).to(x.dtype)
    return run


filtered, spread = depthwise(F.conv2d), depthwise(F.conv_transpose2d)


def rectified(x, gain=1.0):
    return F.leaky_relu(x, 0.2) * (math.sqrt(2) * gain)


def of_unit_square(x):
    return x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-8)


class EqualLinear(nn.Module):
    def __init__(self, inputs, outputs, start=0.0, rate=1.0, acts=False):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = nn.Parameter(torch.full([outputs], start))
        self.rate, self.acts = rate, acts

    def forward(self, x):
        bias = self.bias if self.rate == 1 else self.bias * self.rate
        y = F.linear(x, self.weight * (self.rate / math.sqrt(self.weight.shape[1])), bias)
        return rectified(y) if self.acts else y


class EqualConv(nn.Module):
    def __init__(self, inputs, outputs, kernel, halves=False, acts=True):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if acts else None
        self.halves, self.acts = halves, acts

    def forward(self, x, gain=1.0):
        kernel = self.weight.shape[2]
        weight = self.weight / math.sqrt(self.weight[0].numel())
        if not self.halves:
            y = F.conv2d(x, weight, self.bias, padding=kernel // 2)
        elif kernel == 1:
            y = F.conv2d(filtered(x, stride=2, padding=1), weight, self.bias)
        else:
            y = F.conv2d(filtered(x, padding=kernel // 2 + 1), weight, self.bias, stride=2)
        return rectified(y, gain) if self.acts else y * gain


def modulated(x, weight, styles, demodulates=True, doubles=False):
    """Inputs and outputs are scaled, not the weights of each picture: the same numbers, and one convolution for all."""
    x = x * styles.to(x.dtype)[:, :, None, None]
    if doubles:
        y = filtered(F.conv_transpose2d(x, weight.transpose(0, 1), stride=2), gain=4, padding=1)
    else:
        y = F.conv2d(x, weight, padding=weight.shape[2] // 2)
    if not demodulates:
        return y
    with torch.autocast("cpu", enabled=False):
        gain = torch.rsqrt(styles.float().square() @ weight.square().sum((2, 3)).T + 1e-8)
    return y * gain.to(y.dtype)[:, :, None, None]


class Mapping(nn.Module):
    def __init__(self, latent, size, depth):
        super().__init__()
        self.depth = depth
        for k in range(depth):
            self.add_module(f"fc{k}", EqualLinear(size if k else latent, size, rate=0.01, acts=True))
        self.register_buffer("w_avg", torch.zeros(size))

    def forward(self, z):
        w = of_unit_square(z)
        for k in range(self.depth):
            w = self.get_submodule(f"fc{k}")(w)
        return w


class SynthesisLayer(nn.Module):
    def __init__(self, inputs, outputs, styles, size, doubles):
        super().__init__()
        self.affine = EqualLinear(styles, inputs, start=1.0)
        self.weight = nn.Parameter(torch.randn(outputs, inputs, 3, 3))
        self.bias, self.noise_strength = nn.Parameter(torch.zeros(outputs)), nn.Parameter(torch.zeros([]))
        self.register_buffer("noise_const", torch.randn(size, size))
        self.doubles = doubles

    def forward(self, x, w, noisy):
        y = modulated(x, self.weight, self.affine(w), doubles=self.doubles)
        noise = torch.randn(len(y), 1, *y.shape[2:]) if noisy else self.noise_const
        return rectified(y + (noise * self.noise_strength).to(y.dtype) + self.bias.to(y.dtype)[:, None, None])


class ToRGB(nn.Module):
    def __init__(self, inputs, channels, styles):
        super().__init__()
        self.affine = EqualLinear(styles, inputs, start=1.0)
        self.weight = nn.Parameter(torch.randn(channels, inputs, 1, 1))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x, w):
        styles = self.affine(w) / math.sqrt(self.weight.shape[1])
        return modulated(x, self.weight, styles, demodulates=False).float() + self.bias[:, None, None]


class SynthesisBlock(nn.Module):
    def __init__(self, inputs, width, channels, styles, size):
        super().__init__()
        if inputs is None:
            self.const = nn.Parameter(torch.randn(width, size, size))
        self.conv0 = SynthesisLayer(inputs, width, styles, size, True) if inputs else None
        self.conv1 = SynthesisLayer(width, width, styles, size, False)
        self.torgb = ToRGB(width, channels, styles)


class Synthesis(nn.Module):
    def __init__(self, widths, channels, styles):
        super().__init__()
        self.layers, self.names = 2 * len(widths), [f"b{4 << i}" for i in range(len(widths))]
        for i, width in enumerate(widths):
            self.add_module(f"b{4 << i}", SynthesisBlock(widths[i - 1] if i else None, width, channels, styles, 4 << i))

    def forward(self, ws, noisy=True):
        styles, x, picture, layer = ws.unbind(1), None, None, 0
        for name in self.names:
            block = self.get_submodule(name)
            if block.conv0 is None:
                x = block.const.expand(len(ws), -1, -1, -1).contiguous(**CHANNELS_LAST)
            else:
                x = block.conv0(x, styles[layer], noisy)
                layer += 1
            x = block.conv1(x, styles[layer], noisy)
            layer += 1
            # A picture shares its style with the next size's first convolution.
            detail = block.torgb(x, styles[layer])
            picture = detail if picture is None else spread(picture, gain=4, stride=2, padding=1) + detail
        return picture


class Generator(nn.Module):
    def __init__(self, latent=128, styles=128, depth=2, widths=(128, 128, 64, 32, 16), channels=3):
        super().__init__()
        self.mapping, self.synthesis = Mapping(latent, styles, depth), Synthesis(widths, channels, styles)


class DiscriminatorBlock(nn.Module):
    def __init__(self, inputs, outputs, channels):
        super().__init__()
        self.fromrgb = EqualConv(channels, inputs, 1) if channels else None
        self.conv0, self.conv1 = EqualConv(inputs, inputs, 3), EqualConv(inputs, outputs, 3, halves=True)
        self.skip = EqualConv(inputs, outputs, 1, halves=True, acts=False)

    def forward(self, x):
        x = x if self.fromrgb is None else self.fromrgb(x)
        return self.skip(x, math.sqrt(0.5)) + self.conv1(self.conv0(x), math.sqrt(0.5))


def with_deviation(x, group=4):
    """One map more: how much pictures differ, those i, i + N/group, …"""
    n, c, h, w = x.shape
    group = max(g for g in range(1, min(group, n) + 1) if n % g == 0)
    y = x.reshape(group, n // group, c, h, w)
    deviation = ((y - y.mean(0)).square().mean(0) + 1e-8).sqrt().mean((1, 2, 3))
    return torch.cat([x, deviation.repeat(group)[:, None, None, None].expand(n, 1, h, w).to(x.dtype)], 1)


class Epilogue(nn.Module):
    def __init__(self, width, outputs):
        super().__init__()
        self.conv = EqualConv(width + 1, width, 3)
        self.fc, self.out = EqualLinear(16 * width, width, acts=True), EqualLinear(width, outputs)

    def forward(self, x):
        return self.out(self.fc(self.conv(with_deviation(x)).contiguous().flatten(1)))


class Discriminator(nn.Module):
    def __init__(self, widths=(128, 128, 64, 32, 16), channels=3, outputs=1):
        super().__init__()
        top = len(widths) - 1
        for i in range(top, 0, -1):
            self.add_module(f"b{4 << i}", DiscriminatorBlock(widths[i], widths[i - 1], channels if i == top else None))
        self.b4 = Epilogue(widths[0], outputs)

    def forward(self, x):
        x = x.contiguous(**CHANNELS_LAST)
        for part in self.children():
            x = part(x)
        return x.float().squeeze(1)


def blit(x, p):
    """Flips, quarter turns and shifts by whole pixels, each with the probability p; mirrored at edges."""
    n, c, side, _ = x.shape
    chosen = torch.rand(3, n) < p
    if not chosen.any():
        return x
    flip = torch.where(chosen[0] & (torch.rand(n) < 0.5), -1, 1)
    turns = torch.where(chosen[1], torch.randint(4, [n]), 0)
    shifts = torch.where(chosen[2], ((torch.rand(2, n) * 2 - 1) * side * 0.125).round().long(), 0)
    # Back from each pixel to where it comes from, about the middle, in halves of pixels.
    line = torch.arange(side) * 2 - (side - 1)
    u, v = line - 2 * shifts[0, :, None], line - 2 * shifts[1, :, None]
    u, v = u[:, None].expand(n, side, side), v[:, :, None].expand(n, side, side)
    cosine, sine = (torch.tensor(row)[turns][:, None, None] for row in ([1, 0, -1, 0], [0, 1, 0, -1]))
    u, v = (u * cosine + v * sine) * flip[:, None, None], v * cosine - u * sine
    u, v = (((place + side - 1) // 2).abs() for place in (u, v))
    u, v = (torch.where(place < side, place, 2 * (side - 1) - place) for place in (u, v))
    index = (v * side + u).reshape(n, 1, -1).expand(n, c, -1)
    return x.flatten(2).gather(2, index).reshape(x.shape)


class Strength:
    """ADA: how likely changes are, by how sure the discriminator is of real pictures."""

    def __init__(self, target=0.6, span=200_000, most=0.8, every=4):
        self.probability, self.target, self.span, self.most, self.every = 0.0, target, span, most, every
        self.signs, self.count, self.updates = 0.0, 0, 0

    def follow(self, verdicts):
        self.signs += verdicts.detach().sign().sum().item()
        self.count, self.updates = self.count + len(verdicts), self.updates + 1
        if self.updates >= self.every:
            step = math.copysign(self.count / self.span, self.signs / self.count - self.target)
            self.probability = min(self.most, max(0.0, self.probability + step))
            self.signs, self.count, self.updates = 0.0, 0, 0


class Trainer:
    def __init__(self, batch=16, rate=2e-3, gamma=1.0, penalty_every=16, path_weight=2.0, path_every=8, mixing=0.9):
        self.batch, self.gamma, self.mixing = batch, gamma, mixing
        self.penalty_every, self.path_every, self.path_weight = penalty_every, path_every, path_weight
        self.g, self.d = (network().to(**CHANNELS_LAST) for network in (Generator, Discriminator))
        # A penalty now and then is a step of its own: the rate is that much lower, and the memory shorter.
        ratios = (every / (every + 1) for every in (path_every, penalty_every))
        self.adam_g, self.adam_d = (
            torch.optim.Adam(network.parameters(), rate * ratio, (0.0, 0.99 ** ratio), fused=True)
            for network, ratio in zip((self.g, self.d), ratios))
        self.average = [p.detach().clone() for p in self.g.parameters()]
        self.strength, self.path_mean = Strength(), 0.0
        self.bfloat16 = plain.prefers_bfloat16()

    def autocast(self):
        return torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16)

    def styles(self, n):
        g = self.g
        w, second = (g.mapping(torch.randn(n, 128)) for _ in range(2))
        with torch.no_grad():
            g.mapping.w_avg.lerp_(w.mean(0), 1 - 0.998)
        cut = torch.randint(g.synthesis.layers - 1, [n, 1])
        takes = (torch.rand(n, 1) < self.mixing) & (torch.arange(g.synthesis.layers) > cut)
        return torch.where(takes[:, :, None], second[:, None], w[:, None])

    def augmented(self, x):
        return blit(x.float(), self.strength.probability) if self.strength.probability > 0 else x

    def straighten(self, n):
        """Path length regularisation, in float32."""
        ws = self.styles(n)
        made = self.g.synthesis(ws)
        (slope,) = torch.autograd.grad((made * torch.randn_like(made)).sum() / made.shape[2], ws, create_graph=True)
        lengths = slope.square().sum(2).mean(1).sqrt()
        self.path_mean = self.path_mean * 0.99 + lengths.detach().mean().item() * 0.01
        self.adam_g.zero_grad()
        penalty = (lengths - self.path_mean).square().mean() * (self.path_weight * self.path_every)
        penalty.backward(inputs=list(self.g.parameters()))
        self.adam_g.step()

    def step(self, i, real):
        ws = self.styles(self.batch)
        with self.autocast():
            fake = self.g.synthesis(ws)
        seen = self.augmented(real)
        with self.autocast():
            of_real = self.d(seen)
            loss = F.softplus(-of_real).mean() + F.softplus(self.d(self.augmented(fake.detach()))).mean()
            if i % self.penalty_every == 0:
                leaf = seen.detach().requires_grad_()
                (slope,) = torch.autograd.grad(self.d(leaf).sum(), leaf, create_graph=True)
                loss = loss + slope.square().flatten(1).sum(1).mean() * (self.gamma / 2 * self.penalty_every)
        self.adam_d.zero_grad()
        loss.backward()
        self.adam_d.step()
        with self.autocast():
            loss = F.softplus(-self.d(self.augmented(fake))).mean()
        self.adam_g.zero_grad()
        # Without the gradients of the discriminator's weights, which nothing would use.
        loss.backward(inputs=list(self.g.parameters()))
        self.adam_g.step()
        if i % self.path_every == 0:
            self.straighten(self.batch // 2)
        torch._foreach_lerp_(self.average, [p.detach() for p in self.g.parameters()], 0.001)
        self.strength.follow(of_real)


def measure(windows=4, steps=16):
    """Windows hold whole rounds of the lazy penalties; the first warms up."""
    torch.manual_seed(0)
    trainer = Trainer()
    real = torch.rand(trainer.batch, 3, 64, 64).mul(2).sub(1).contiguous(**CHANNELS_LAST)
    times = []
    for k in range(windows + 1):
        start = time.perf_counter()
        for i in range(steps):
            trainer.step(k * steps + i, real)
        times.append(time.perf_counter() - start)
    return steps * trainer.batch / statistics.median(times[1:])


if __name__ == "__main__":
    print(f"{measure():.1f} pictures/s")
