"""Goldens of Tests/ModelsTests: the diffusion network, its losses and the distillation's target as PyTorch computes them.

    python Tests/Goldens/diffusion.py        writes Tests/Goldens/diffusion.safetensors beside itself
"""
import json
import pathlib
import sys

import torch

here = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(here), str(here.parent.parent / "Scripts" / "peers")]
from diffusion_torch import UNet, denoised, loss
from golden import write

noise = torch.Generator().manual_seed(1)
network = UNet(channels=3, size=16, widths=(8, 16), blocks=1, attention=4, halvings=1, conditions=5)
with torch.no_grad():
    # Far from the zeros that a new network has, so that every part counts.
    for name, parameter in network.named_parameters():
        drawn = torch.randn(parameter.shape, generator=noise) * 0.5 / max(1, parameter[0].numel()) ** 0.5
        parameter.copy_((drawn + (1 if "norm" in name and name.endswith("weight") else 0)).half().float())
network.eval()
tensors = {f"network/{k}": v for k, v in network.state_dict().items()}
n = 3
pictures = (torch.rand(n, 3, 16, 16, generator=noise) * 2 - 1).half().float()
drawn = torch.randn(n, 3, 16, 16, generator=noise).half().float()
sigma, conditions = torch.tensor([0.05, 0.7, 12.0]), torch.randn(n, 5, generator=noise)
tensors |= {"pictures": pictures.half(), "noise": drawn.half(), "sigma": sigma, "conditions": conditions}
for objective in ("edm", "flow"):
    noisy = pictures + drawn * sigma.reshape(-1, 1, 1, 1)
    tensors[f"{objective}/denoised"] = denoised(network, noisy, sigma, conditions, objective)
    value = loss(network, pictures, drawn, sigma, conditions, objective)
    tensors[f"{objective}/loss"] = value.reshape(1)
    for (name, _), slope in zip(network.named_parameters(), torch.autograd.grad(value, list(network.parameters()))):
        if any(name.startswith(part) for part in ("condition_in", "stem", "down.1", "middle.0.attention", "head")):
            tensors[f"{objective}/gradient/{name}"] = slope

# The target of multistep consistency distillation (Heek et al. 2024, algorithm 1): inside of a segment, at its end, and
# where the end has no noise.
rows = torch.tensor([[2.0, 1.6, 1.2], [1.5, 1.2, 1.2], [0.1, 0.0, 0.0]])
student = torch.tensor([[1, 0, 0, 0, 1.0]]).repeat(n, 1)


def column(i):
    return rows[:, i].reshape(-1, 1, 1, 1)


here_, next_, end = column(0), column(1), column(2)
with torch.no_grad():
    x = pictures + drawn * here_
    slope = (x - denoised(network, x, rows[:, 0], conditions)) / here_
    euler = x + slope * (next_ - here_)
    safe = rows[:, 1].clamp(min=0.002)
    there = (euler - denoised(network, euler, safe, conditions)) / safe.reshape(-1, 1, 1, 1)
    moved = torch.where(next_ > 0, x + (slope + there) / 2 * (next_ - here_), euler)
    estimate = denoised(network, moved, safe, student)
    led = estimate + (moved - estimate) * end / safe.reshape(-1, 1, 1, 1)
    ended = torch.where(next_ <= end, moved, led)
    tensors["target"] = (ended - end / here_ * x) / (1 - end / here_)
tensors |= {"places": rows, "student": student}
write(here / "diffusion.safetensors", tensors,
      {"names": json.dumps(list(network.state_dict())), "torch": torch.__version__})
