"""Writes measures.safetensors: random features, and what the measures' definitions give for them in float64, by loops.

python Tests/Goldens/measures.py
"""
import pathlib
import torch
from golden import write

torch.manual_seed(0)
a = (torch.randn(40, 12) * 0.9 + 0.3).double()
b = torch.randn(50, 12).double()

def kernel(x, y): return (x @ y / len(x) + 1) ** 3
def kid(a, b):
    mean = lambda pairs: sum(pairs) / len(pairs)
    within = lambda x: mean([kernel(x[i], x[j]) for i in range(len(x)) for j in range(len(x)) if i != j])
    return within(a) + within(b) - 2 * mean([kernel(x, y) for x in a for y in b])

def fid(a, b):
    ca, cb = torch.cov(a.T), torch.cov(b.T)
    # The eigenvalues of Ca Cb are those of Ca½ Cb Ca½.
    cross = torch.linalg.eigvals(ca @ cb).real.clamp(min=0).sqrt().sum()
    return (a.mean(0) - b.mean(0)).square().sum() + ca.trace() + cb.trace() - 2 * cross

def neighbours(fake, real, k=5):
    def reach(x): return [sorted((y - z).norm() for j, z in enumerate(x) if j != i)[k - 1] for i, y in enumerate(x)]
    reach_real, reach_fake = reach(real), reach(fake)
    within = torch.tensor([[bool((f - r).norm() < reach_real[j]) for j, r in enumerate(real)] for f in fake])
    back = torch.tensor([[bool((f - r).norm() < reach_fake[i]) for r in real] for i, f in enumerate(fake)])
    return [within.any(1).double().mean(), back.any(0).double().mean(), within.sum().double() / (k * len(fake)),
            within.any(0).double().mean()]

write(pathlib.Path(__file__).with_suffix(".safetensors"), {
    "a": a, "b": b, "kid": kid(a, b), "fid": fid(a, b),
    "neighbours": torch.stack([torch.as_tensor(v, dtype=torch.float64) for v in neighbours(a, b)])})
