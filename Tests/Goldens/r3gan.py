"""Goldens of Tests/ModelsTests: r3gan's networks, losses and penalties as PyTorch computes them.

    python Tests/Goldens/r3gan.py        writes Tests/Goldens/r3gan.safetensors beside itself
"""
import json
import pathlib
import sys

import torch
import torch.nn.functional as F

here = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(here), str(here.parent.parent / "Scripts" / "peers")]
from golden import write
from r3gan_torch import Discriminator, Generator, exact_penalty, fill, slope_penalty

noise = torch.Generator().manual_seed(1)
g = fill(Generator(latent=6, mapped=10, widths=(10, 8, 6, 4), blocks=(1, 1, 2, 1)), noise)
d = fill(Discriminator(widths=(8, 8, 6, 4), blocks=(1, 2, 1, 1), stem=4), noise)
tensors = {f"generator/{k}": v for k, v in g.state_dict().items()}
tensors |= {f"discriminator/{k}": v for k, v in d.state_dict().items()}

z, real = torch.randn(3, 6, generator=noise), torch.rand(3, 3, 64, 64, generator=noise) * 2 - 1
direction = torch.randn(3, 3, 64, 64, generator=noise)
tensors |= {"z": z, "real": real.half().float(), "direction": direction.half().float()}
real, direction = tensors["real"], tensors["direction"]
for size in (16, 32, 64):
    tensors[f"pictures/{size}"] = g(z, size)
    tensors[f"verdicts/{size}"] = d(F.adaptive_avg_pool2d(real, size))


def gradients(name, value, network):
    found = torch.autograd.grad(value, list(network.parameters()), allow_unused=True)
    for (key, _), grad in zip(network.named_parameters(), found):
        if grad is not None:
            tensors[f"{name}/{key}"] = grad
    tensors[name] = value.reshape(1)


fake = g(z, 64)
gradients("loss.discriminator", F.softplus(d(fake.detach()) - d(real)).mean(), d)
gradients("loss.generator", F.softplus(d(real).detach() - d(fake)).mean(), g)
gradients("penalty.exact", exact_penalty(real, d), d)
gradients("penalty.slope", slope_penalty(real, direction, 0.1, d), d)
# Pictures are many numbers: halves keep the file small and are exact in both languages.
tensors["real"], tensors["direction"] = real.half(), direction.half()
names = {"generator": list(g.state_dict()), "discriminator": list(d.state_dict())}
write(here / "r3gan.safetensors", tensors, {"names": json.dumps(names), "torch": torch.__version__})
