"""The recipe vae in PyTorch: the same networks, names and losses as Sources/Models/Autoencoders/VAE.

    python vae_torch.py        prints the median pictures/s of tuned training steps at 64 px, batch 32; needs torch

Tuned: channels-last, bf16 autocast where that is faster, fused Adam. The settings are the recipe's defaults: one
latent vector a picture, without a discriminator and without a perceptual loss.
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
from r3gan_torch import CHANNELS_LAST, DiscriminatorStage, GeneratorStage, fill, leaky


class Encoder(nn.Module):
    """Pictures to means and logarithms of variances."""

    def __init__(self, latent=64, widths=(128, 96, 64, 32), stem=16, channels=3):
        super().__init__()
        last = len(widths) - 1
        self.stages = nn.ModuleList(
            DiscriminatorStage(w, widths[i - 1] if i else None, 1, stem, channels if i == last else None)
            for i, w in enumerate(widths))
        self.hidden = nn.Linear(16 * widths[0], 2 * widths[0])
        self.posterior = nn.Linear(2 * widths[0], 2 * latent)

    def forward(self, x):
        h = self.stages[-1].stem(x)
        for stage in reversed(self.stages):
            h = stage(h)
        mean, log_variance = self.posterior(leaky(self.hidden(leaky(h).flatten(1)))).float().chunk(2, 1)
        return mean, log_variance.clamp(-20, 4)


class Decoder(nn.Module):
    def __init__(self, latent=64, widths=(128, 96, 64, 32), blocks=2, channels=3):
        super().__init__()
        last, self.width = len(widths) - 1, widths[0]
        self.logDeviation = nn.Parameter(torch.zeros(1))
        self.mapping, self.base = nn.Linear(latent, 256), nn.Linear(latent, 16 * widths[0])
        self.stages = nn.ModuleList(
            GeneratorStage(inputs, w, blocks if i == last else 1, 256, channels if i == last else None)
            for i, (inputs, w) in enumerate(zip((None, *widths), widths)))

    def forward(self, z):
        w = leaky(self.mapping(z))
        x = self.base(z).reshape(-1, self.width, 4, 4).contiguous(**CHANNELS_LAST)
        for stage in self.stages:
            x = stage(x, w)
        return self.stages[-1].head(leaky(x))


class Trainer:
    def __init__(self, batch=32, rate=1e-3, beta=1.0):
        self.batch, self.beta = batch, beta
        # The networks begin with Gaussian weights over the root of the inputs, and with a σ of 1.
        self.encoder, self.decoder = (fill(network()).to(**CHANNELS_LAST) for network in (Encoder, Decoder))
        with torch.no_grad():
            self.decoder.logDeviation.zero_()
            self.encoder.posterior.weight.mul_(0.1)
        self.parameters = [*self.encoder.parameters(), *self.decoder.parameters()]
        self.adam = torch.optim.Adam(self.parameters, rate, (0.9, 0.99), fused=True)
        self.average = [p.detach().clone() for p in self.parameters]
        self.bfloat16 = plain.prefers_bfloat16()

    def step(self, x):
        numbers = x[0].numel()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
            mean, log_variance = self.encoder(x)
            made = self.decoder(mean + (log_variance / 2).exp() * torch.randn_like(mean))
        deviation = self.decoder.logDeviation
        error = F.mse_loss(made, x, reduction="sum") / len(x) / 2 * (-2 * deviation).exp()
        likelihood = error + numbers * (deviation + 0.5 * math.log(2 * math.pi))
        divergence = 0.5 * (mean.square() + log_variance.exp() - log_variance - 1).mean(0).sum()
        self.adam.zero_grad()
        ((likelihood + self.beta * divergence) / numbers).backward()
        self.adam.step()
        torch._foreach_lerp_(self.average, [p.detach() for p in self.parameters], 0.5)


def measure(windows=5, steps=8):
    torch.manual_seed(0)
    trainer = Trainer()
    x = torch.rand(trainer.batch, 3, 64, 64).mul(2).sub(1).contiguous(**CHANNELS_LAST)
    times = []
    for _ in range(windows + 1):
        start = time.perf_counter()
        for _ in range(steps):
            trainer.step(x)
        times.append(time.perf_counter() - start)
    return steps * trainer.batch / statistics.median(times[1:])


if __name__ == "__main__":
    print(f"{measure():.1f} pictures/s")
