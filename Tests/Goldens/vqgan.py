"""Goldens of Tests/ModelsTests: a codebook's choice, gradients and moving means as PyTorch computes them.

    python Tests/Goldens/vqgan.py        writes Tests/Goldens/vqgan.safetensors beside itself
"""
import pathlib
import sys

import torch
import torch.nn.functional as F

here = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(here)]
from golden import write

noise = torch.Generator().manual_seed(1)
codes = torch.randn(6, 4, generator=noise)
x = torch.randn(2, 4, 3, 3, generator=noise).requires_grad_()
rows = x.permute(0, 2, 3, 1).reshape(-1, 4)
numbers = torch.cdist(rows, codes).argmin(1)
found = codes[numbers].reshape(2, 3, 3, 4).permute(0, 3, 1, 2)
told = x + (found - x).detach()
commitment = F.mse_loss(x, found)
weights = torch.randn(2, 4, 3, 3, generator=noise)
slope = torch.autograd.grad((told * weights).sum() + 0.25 * commitment, [x])[0]
# van den Oord et al. 2017, equations 6 to 8, with counts that begin with 3 each.
decay, counts, sums = 0.98, torch.full((6,), 3.0), codes * 3
hits = F.one_hot(numbers, 6).float()
counts = decay * counts + (1 - decay) * hits.sum(0)
sums = decay * sums + (1 - decay) * hits.T @ rows.detach()
write(here / "vqgan.safetensors",
      {"codes": codes, "x": x, "numbers": numbers.reshape(2, 3, 3), "told": told, "commitment": commitment.reshape(1),
       "weights": weights, "slope": slope, "counts": counts, "sums": sums, "moved": sums / counts[:, None]},
      {"torch": torch.__version__})
