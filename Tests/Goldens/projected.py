"""Goldens of Tests/ModelsTests: the projected GAN's networks and losses (Sauer et al. 2021; Liu et al. 2021) in PyTorch.

    python Tests/Goldens/projected.py        writes Tests/Goldens/projected.safetensors beside itself

In float64; what a trained network would see are four fixed maps of the pictures here. Nothing here is anybody's code.
"""
import json
import pathlib
import sys

import torch
import torch.nn.functional as F

here = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(here), str(here.parent.parent / "Scripts" / "peers")]
from golden import write
from projected_torch import Discriminator, Generator, Mixing, loss_of_discriminator, loss_of_generator

torch.set_default_dtype(torch.float64)
torch.manual_seed(11)
LATENT, WIDTH, SIZE, CLASSES = 6, 4, 64, 2
MAPS, MIXED, SIDES, CRITIC = [3, 4, 5, 6], [4, 5, 6, 7], [16, 8, 4, 2], 8


def maps(pictures, looks):
    """Four maps of a picture, each a product of its means and a fixed matrix."""
    return [torch.einsum("nchw,kc->nkhw", F.adaptive_avg_pool2d(pictures, side), look)
            for side, look in zip(SIDES, looks)]


generator = Generator(LATENT, WIDTH, SIZE, classes=CLASSES)
discriminator, mixing = Discriminator(MIXED, CRITIC, SIDES, CLASSES), Mixing(MAPS, MIXED)
with torch.no_grad():
    # Nothing at its beginning's special values, which would hide an error.
    for module in (generator, discriminator):
        for name, p in module.named_parameters():
            if "norm" in name:
                p.add_(0.2 * torch.randn_like(p))
tensors = {}
for name, module in (("generator", generator), ("discriminator", discriminator), ("mixing", mixing)):
    for key, value in module.state_dict().items():
        tensors[f"{name}/{key}"] = value.clone()
looks = [torch.randn(m, 3) for m in MAPS]
z, kinds = torch.randn(4, LATENT), F.one_hot(torch.tensor([0, 1, 1, 0]), CLASSES).double()
real = torch.rand(4, 3, SIZE, SIZE) * 2 - 1
fake = generator(z, kinds)
tensors |= {"z": z, "kinds": kinds, "real": real, "fake": fake}
tensors |= {f"look.{n}": look for n, look in enumerate(looks)}
seen, made = mixing(maps(real, looks)), mixing(maps(fake, looks))
for n, m in enumerate(seen):
    tensors[f"seen.{n}"] = m
ours, theirs = discriminator(seen, kinds), discriminator([m.detach() for m in made], kinds)
loss_d = loss_of_discriminator(ours, theirs)
for n, v in enumerate(ours):
    tensors[f"verdict.{n}"] = v
tensors["loss.discriminator"] = loss_d.reshape(1)
for (name, _), g in zip(discriminator.named_parameters(), torch.autograd.grad(loss_d, list(discriminator.parameters()))):
    tensors[f"gradient/discriminator/{name}"] = g
loss_g = loss_of_generator(discriminator(made, kinds))
tensors["loss.generator"] = loss_g.reshape(1)
for (name, _), g in zip(generator.named_parameters(), torch.autograd.grad(loss_g, list(generator.parameters()))):
    tensors[f"gradient/generator/{name}"] = g

names = {"generator": sorted(generator.state_dict()), "discriminator": sorted(discriminator.state_dict())}
write(here / "projected.safetensors", {k: v.detach().float() for k, v in tensors.items()},
      {"names": json.dumps(names), "torch": torch.__version__})
