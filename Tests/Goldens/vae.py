"""Goldens of Tests/ModelsTests: the evidence lower bound's terms as PyTorch's distributions compute them, in float64.

    python Tests/Goldens/vae.py        writes Tests/Goldens/vae.safetensors beside itself
"""
import pathlib
import sys

import torch
from torch.distributions import Normal, kl_divergence

here = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(here)]
from golden import write

torch.set_default_dtype(torch.float64)
noise = torch.Generator().manual_seed(1)


def draw(*shape):
    return torch.randn(*shape, generator=noise).requires_grad_()


mean, log_variance, drawn = draw(4, 6), draw(4, 6), draw(4, 6)
x, made, log_deviation = draw(4, 3, 8, 8), draw(4, 3, 8, 8), torch.tensor([-0.7]).requires_grad_()
tensors = {"mean": mean, "log_variance": log_variance, "drawn": drawn, "x": x, "made": made,
           "log_deviation": log_deviation}

posterior = Normal(mean, (log_variance / 2).exp())
divergence = kl_divergence(posterior, Normal(0.0, 1.0))
likelihood = -Normal(made, log_deviation.exp()).log_prob(x).flatten(1).sum(1)
# Kingma et al. 2016, equation 15, with the mean over the batch inside.
paid = divergence.mean(0).clamp(min=0.5).sum()
sample = posterior.mean + posterior.stddev * drawn
features = [[draw(4, 5, 4, 4) for _ in range(2)] for _ in range(2)]
unit = [[f / (f.square().sum(1, keepdim=True) + 1e-8).sqrt() for f in pair] for pair in features]
perceptual = sum((a - b).square().sum(1).mean() for a, b in unit)
tensors |= {f"features/{i}/{k}": f for i, pair in enumerate(features) for k, f in enumerate(pair)}
tensors |= {"sample": sample, "divergence": divergence, "likelihood": likelihood, "paid": paid.reshape(1),
            "perceptual": perceptual.reshape(1)}
loss = likelihood.mean() + 0.3 * paid + sample.square().mean()
for name, slope in zip(("mean", "log_variance", "made", "log_deviation"),
                       torch.autograd.grad(loss, [mean, log_variance, made, log_deviation])):
    tensors[f"gradient/{name}"] = slope
tensors["gradient/perceptual"] = torch.autograd.grad(perceptual, [features[0][0]])[0]
write(here / "vae.safetensors", tensors, {"torch": torch.__version__})
