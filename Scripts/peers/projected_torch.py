"""The recipe projected in PyTorch: the same networks, names, losses and schedule as Sources/Models/GAN/Projected.

A peer to be measured against, and the other side of the goldens.

    python projected_torch.py        prints the median pictures/s of tuned training steps at 64 px, batch 8; needs torch

Tuned: channels-last, bf16 autocast where that is faster, fused Adam, normalisations of the trained network folded
into its convolutions, one look at generated pictures for both updates. The trained network's weights are random here.
"""
import pathlib
import statistics
import sys
import time

if __name__ == "__main__":  # Tests/Goldens import this, too.
    sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
    import plain

    plain.Parser(__doc__).parse_args()
    plain.need("torch")
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils import fuse_conv_bn_eval, spectral_norm

CHANNELS_LAST = dict(memory_format=torch.channels_last)


def gated(x):
    """The gradient of F.glu isn't channels-last, which takes three times as long."""
    kept, gate = x.chunk(2, 1)
    return kept * torch.sigmoid(gate)


class Stage(nn.Module):
    def __init__(self, inputs, outputs, latent, double):
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv2d(i, 2 * outputs, 3, padding=1, bias=False) for i in ([inputs, outputs] if double else [inputs]))
        self.norms = nn.ModuleList(nn.BatchNorm2d(2 * outputs) for _ in self.convs)
        self.style = nn.Linear(latent, 4 * outputs)

    def forward(self, x, w):
        x = F.interpolate(x, scale_factor=2, mode="nearest")
        scale, shift = self.style(w)[:, :, None, None].chunk(2, 1)
        x = self.norms[0](self.convs[0](x))
        x = gated(x * (1 + scale).to(x.dtype) + shift.to(x.dtype))
        for conv, norm in zip(self.convs[1:], self.norms[1:]):
            x = gated(norm(conv(x)))
        return x


class Excitation(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.look = nn.Conv2d(inputs, outputs, 4, bias=False)
        self.gate = nn.Conv2d(outputs, outputs, 1, bias=False)

    def forward(self, x):
        return torch.sigmoid(self.gate(F.silu(self.look(F.adaptive_avg_pool2d(x, 4)))))


class Generator(nn.Module):
    def __init__(self, latent=128, width=16, size=64, channels=3, classes=0):
        super().__init__()
        count = (size // 4).bit_length() - 1
        widths = [width * min(8, 1 << (count - i)) for i in range(count + 1)]
        self.kind = nn.Linear(classes, latent, bias=False) if classes else None
        self.base = nn.Linear(latent, 16 * 2 * widths[0], bias=False)
        self.base_norm = nn.BatchNorm2d(2 * widths[0])
        self.stages = nn.ModuleList(
            Stage(i, o, latent, n % 2 == 0) for n, (i, o) in enumerate(zip(widths, widths[1:])))
        self.excitations = nn.ModuleList(Excitation(i, o) for i, o in zip(widths, widths[4:]))
        self.last = nn.Conv2d(widths[-1], channels, 3, padding=1)

    def forward(self, z, kinds=None):
        w = z / z.square().mean(1, keepdim=True).add(1e-8).sqrt()
        if self.kind is not None:
            w = w + self.kind(kinds)
        x = self.base(w).reshape(len(z), -1, 4, 4).contiguous(**CHANNELS_LAST)
        features = [gated(self.base_norm(x))]
        for number, stage in enumerate(self.stages):
            x = stage(features[number], w)
            # From the features a sixteenth as large.
            features.append(x * self.excitations[number - 3](features[number - 3]) if number >= 3 else x)
        return torch.tanh(self.last(features[-1]))


class MapDiscriminator(nn.Module):
    def __init__(self, inputs, width, side, classes=0):
        super().__init__()
        halvings, norms, channels = [], [], inputs
        while side > 8:
            halvings.append(spectral_norm(nn.Conv2d(channels, width, 4, 2, 1, bias=False)))
            norms.append(nn.BatchNorm2d(width, track_running_stats=False))
            channels, side = width, side // 2
        self.halvings, self.norms = nn.ModuleList(halvings), nn.ModuleList(norms)
        self.verdict = spectral_norm(nn.Conv2d(channels, 1, min(4, side), bias=False))
        self.kind = nn.Linear(classes, channels, bias=False) if classes else None

    def forward(self, x, kinds=None):
        for conv, norm in zip(self.halvings, self.norms):
            x = F.leaky_relu(norm(conv(x)), 0.2)
        verdicts = self.verdict(x).flatten(1)
        return verdicts if self.kind is None else verdicts + (self.kind(kinds) * x.mean([2, 3])).sum(1, keepdim=True)


class Discriminator(nn.Module):
    def __init__(self, widths, width, sides, classes=0):
        super().__init__()
        self.scales = nn.ModuleList(MapDiscriminator(w, width, s, classes) for w, s in zip(widths, sides))

    def forward(self, maps, kinds=None):
        return [scale(m, kinds) for scale, m in zip(self.scales, maps)]


class Mixing(nn.Module):
    def __init__(self, inputs, widths):
        super().__init__()
        self.channels = nn.ModuleList(nn.Conv2d(i, o, 1, bias=False) for i, o in zip(inputs, widths))
        self.scales = nn.ModuleList(nn.Conv2d(i, o, 3, padding=1, bias=False) for i, o in zip(widths[1:], widths))

    def forward(self, maps):
        mixed = [self.channels[3](maps[3])]
        for n in (2, 1, 0):
            larger = F.interpolate(mixed[0], scale_factor=2, mode="bilinear", align_corners=False)
            mixed.insert(0, self.channels[n](maps[n]) + self.scales[n](larger))
        return mixed


def loss_of_discriminator(real, fake):
    return sum(F.relu(1 - r).mean() + F.relu(1 + f).mean() for r, f in zip(real, fake))


def loss_of_generator(fake):
    return sum(-f.mean() for f in fake)


class SameConv(nn.Conv2d):
    """With TensorFlow's "same" padding, which puts the odd pixel below and to the right."""

    def forward(self, x):
        size, stride, side = self.kernel_size[0], self.stride[0], x.shape[2]
        extra = max((-(-side // stride) - 1) * stride + size - side, 0)
        return super().forward(F.pad(x, (extra // 2, extra - extra // 2) * 2))


class Bottleneck(nn.Module):
    def __init__(self, inputs, outputs, kernel, stride, expansion):
        super().__init__()
        width = inputs * expansion
        self._expand_conv = nn.Conv2d(inputs, width, 1, bias=False) if expansion > 1 else None
        self._bn0 = nn.BatchNorm2d(width, 1e-3) if expansion > 1 else None
        self._depthwise_conv = SameConv(width, width, kernel, stride, groups=width, bias=False)
        self._bn1 = nn.BatchNorm2d(width, 1e-3)
        self._project_conv, self._bn2 = nn.Conv2d(width, outputs, 1, bias=False), nn.BatchNorm2d(outputs, 1e-3)

    def forward(self, x):
        y = x if self._expand_conv is None else F.relu6(self._bn0(self._expand_conv(x)))
        y = F.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return y + x if y.shape == x.shape else y


class EfficientNetLite0(nn.Module):
    """As TensorFlow's source defines it; names are those of efficientnet-lite0-57934424.pth."""

    def __init__(self):
        super().__init__()
        self._conv_stem, self._bn0 = SameConv(3, 32, 3, 2, bias=False), nn.BatchNorm2d(32, 1e-3)
        blocks, inputs = [], 32
        for outputs, kernel, stride, expansion, count in (
                (16, 3, 1, 1, 1), (24, 3, 2, 6, 2), (40, 5, 2, 6, 2), (80, 3, 2, 6, 3), (112, 5, 1, 6, 3),
                (192, 5, 2, 6, 4), (320, 3, 1, 6, 1)):
            for i in range(count):
                blocks.append(Bottleneck(inputs, outputs, kernel, 1 if i else stride, expansion))
                inputs = outputs
        self._blocks = nn.ModuleList(blocks)
        self._conv_head, self._bn1 = nn.Conv2d(320, 1280, 1, bias=False), nn.BatchNorm2d(1280, 1e-3)
        self._fc = nn.Linear(1280, 1000)

    def features(self, x):
        x = F.relu6(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        return F.relu6(self._bn1(self._conv_head(x))).mean((2, 3))


class Pyramid(nn.Module):
    """Its maps of a quarter, an eighth, a sixteenth and a thirty-second, for sides that are multiples of 32."""

    widths, strides = [24, 40, 112, 320], [4, 8, 16, 32]

    def __init__(self, network):
        super().__init__()
        network = network.eval().requires_grad_(False)
        self.stem = fuse_conv_bn_eval(network._conv_stem, network._bn0)
        self.blocks = nn.ModuleList(
            nn.ModuleList([
                fuse_conv_bn_eval(b._expand_conv, b._bn0) if b._expand_conv is not None else nn.Identity(),
                fuse_conv_bn_eval(b._depthwise_conv, b._bn1), fuse_conv_bn_eval(b._project_conv, b._bn2)])
            for b in network._blocks)

    def forward(self, x):
        maps, x = [], F.relu6(self.stem(x))
        for number, (expand, depthwise, project) in enumerate(self.blocks):
            y = x if isinstance(expand, nn.Identity) else F.relu6(expand(x))
            y = project(F.relu6(self.sparse(depthwise, y)))
            x = y + x if y.shape == x.shape else y
            if number in (2, 4, 10, 15):
                maps.append(x)
        return maps

    @staticmethod
    def sparse(conv, x):
        """Where it halves, every other place of all: oneDNN's gradient of a halving one takes many times as long.

        Taken with the channels last, or the gradient of taking them has another layout than all others.
        """
        y = F.conv2d(x, conv.weight, conv.bias, padding=conv.kernel_size[0] // 2, groups=conv.groups)
        return y.permute(0, 2, 3, 1)[:, 1::2, 1::2].permute(0, 3, 1, 2) if conv.stride[0] == 2 else y


def augmented(x, p=0.6):
    """Places (shift, turn, scale) and colours (brightness, contrast, saturation), each with the probability p."""
    n = len(x)
    chosen = (torch.rand(6, n) < p).float()
    shift, turn, size = (torch.rand(2, n) * 2 - 1) * 0.25 * chosen[0], torch.randn(n) * 0.12 * chosen[1], torch.randn(n)
    size = torch.exp2(-0.15 * size * chosen[2])
    cosine, sine = turn.cos() * size, turn.sin() * size
    # Back from a place in what is made: sizes and turns, then shifts.
    ways = torch.stack([cosine, sine, -shift[0], -sine, cosine, -shift[1]], 1).reshape(n, 2, 3)
    grid = F.affine_grid(ways, x.shape, align_corners=False)
    moved = F.grid_sample(x, grid, padding_mode="reflection", align_corners=False)
    brightness, contrast = torch.randn(n) * 0.15 * chosen[3], torch.exp2(torch.randn(n) * 0.3 * chosen[4])
    saturation = torch.exp2(torch.randn(n) * 0.6 * chosen[5])
    grey = torch.full([3, 3], 1 / 3)
    matrix = (grey + saturation[:, None, None] * (torch.eye(3) - grey)) * contrast[:, None, None]
    # Saturation leaves grey as it is, so brightness need not pass through it.
    made = torch.baddbmm((brightness * contrast)[:, None, None], matrix, moved.flatten(2))
    return made.reshape(x.shape).contiguous(**CHANNELS_LAST)


class Trainer:
    def __init__(self, batch=8, latent=128, seen=128, mixed=(32, 64, 96, 128), width=96, rate=6e-4):
        self.batch, self.latent, self.seen = batch, latent, seen
        self.g = Generator(latent)
        with torch.no_grad():
            for name, p in self.g.named_parameters():
                if "style" in name:
                    p.zero_()
                elif p.dim() > 1:
                    p.normal_(0, 0.02)
        network = EfficientNetLite0()
        for p in network.parameters():
            if p.dim() > 1:
                nn.init.kaiming_normal_(p, nonlinearity="linear")
        self.d = Discriminator(mixed, width, [seen // stride for stride in Pyramid.strides])
        self.mixing = Mixing(Pyramid.widths, mixed).requires_grad_(False)
        self.pyramid = Pyramid(network)
        for module in (self.g, self.d, self.mixing, self.pyramid):
            module.to(**CHANNELS_LAST)
        self.adam_g, self.adam_d = (
            torch.optim.Adam(module.parameters(), rate, (0.0, 0.99), fused=True) for module in (self.g, self.d))
        self.average = [p.detach().clone() for p in self.g.parameters()]
        self.statistics = [b.clone() for b in self.g.buffers()]
        self.bfloat16 = plain.prefers_bfloat16()

    def autocast(self):
        return torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16)

    def projected(self, x):
        x = F.interpolate(augmented(x), size=(self.seen, self.seen), mode="bilinear")
        with self.autocast():
            return self.mixing(self.pyramid(x))

    def step(self, real):
        with self.autocast():
            fake = self.g(torch.randn(self.batch, self.latent))
        leaf = fake.detach().float().requires_grad_()
        # Generated pictures are looked at once, for both updates.
        made = self.projected(leaf)
        with torch.no_grad():
            seen = self.projected(real)
        with self.autocast():
            ofs = self.d(seen), self.d([m.detach() for m in made])
        self.adam_d.zero_grad()
        loss_of_discriminator(*([v.float() for v in of] for of in ofs)).backward()
        self.adam_d.step()
        with self.autocast():
            of_fake = self.d(made)
        (towards,) = torch.autograd.grad(loss_of_generator(v.float() for v in of_fake), leaf)
        self.adam_g.zero_grad()
        fake.backward(towards.to(fake.dtype))
        self.adam_g.step()
        torch._foreach_lerp_(self.average, [p.detach() for p in self.g.parameters()], 0.001)
        torch._foreach_copy_(self.statistics, list(self.g.buffers()))


def measure(windows=5, steps=8):
    torch.manual_seed(0)
    trainer = Trainer()
    real = torch.rand(trainer.batch, 3, 64, 64).mul(2).sub(1).contiguous(**CHANNELS_LAST)
    times = []
    for _ in range(windows + 1):
        start = time.perf_counter()
        for _ in range(steps):
            trainer.step(real)
        times.append(time.perf_counter() - start)
    return steps * trainer.batch / statistics.median(times[1:])


if __name__ == "__main__":
    print(f"{measure():.1f} pictures/s")
