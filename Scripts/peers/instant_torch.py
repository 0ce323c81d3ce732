"""The painting half of the arbitrary-style network in PyTorch: pictures a second, one at a time, random weights.

    python instant_torch.py SIZE [tuned]        tuned: channels last, and bfloat16 where that is faster; needs torch
"""
import pathlib
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import plain

options = plain.Parser(__doc__).add("SIZE", type=plain.count).add("tuned", nargs="?", choices=["tuned"]).parse_args()
plain.need("torch")
import torch
from torch import nn
from torch.nn import functional as F

size, tuned = options.SIZE, options.tuned is not None
torch.manual_seed(0)


class Layer(nn.Module):
    def __init__(self, inputs, outputs, kernel=3):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, padding_mode="reflect", bias=False)
        self.norm = nn.InstanceNorm2d(outputs)
        self.scale, self.shift = nn.Linear(100, outputs), nn.Linear(100, outputs)

    def forward(self, x, style):
        return self.norm(self.conv(x)) * self.scale(style)[:, :, None, None] + self.shift(style)[:, :, None, None]


class Painter(nn.Module):
    def __init__(self):
        super().__init__()
        self.contract = nn.ModuleList(
            nn.Conv2d(i, o, k, s, k // 2, padding_mode="reflect")
            for i, o, k, s in [(3, 8, 9, 1), (8, 16, 3, 2), (16, 32, 3, 2)])
        self.residual = nn.ModuleList(nn.ModuleList([Layer(32, 32), Layer(32, 32)]) for _ in range(5))
        self.expand = nn.ModuleList([Layer(32, 16), Layer(16, 8), Layer(8, 3, 9)])

    def forward(self, x, style):
        for layer in self.contract:
            x = F.relu(layer(x))
        for first, second in self.residual:
            x = x + second(F.relu(first(x, style)), style)
        for layer in self.expand[:2]:
            x = F.relu(layer(F.interpolate(x, scale_factor=2, mode="nearest"), style))
        return torch.sigmoid(self.expand[2](x, style).float())


def transported(x, mean, root):
    """The colours' Gaussian carried to the style's."""
    flat = x.flatten(2)[0]
    own = flat.mean(1, keepdim=True)
    flat = flat - own
    values, vectors = torch.linalg.eigh(root @ (flat @ flat.T / flat.shape[1] + 1e-5 * torch.eye(3)) @ root)
    map = root @ (vectors * values.clamp(min=1e-9).rsqrt()) @ vectors.T @ root
    return (map @ flat + mean).reshape(x.shape)


painter = Painter().eval()
style, mean, root = torch.randn(1, 100), torch.full((3, 1), 0.5), 0.2 * torch.eye(3)
picture = torch.rand(1, 3, size, size)
if tuned:
    painter, picture = painter.to(memory_format=torch.channels_last), picture.contiguous(memory_format=torch.channels_last)
times = []
with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=tuned and plain.prefers_bfloat16()):
    for _ in range(25):
        start = time.perf_counter()
        made = painter(picture, style)
        with torch.autocast("cpu", enabled=False):
            transported(made, mean, root).clamp(0, 1)
        times.append(time.perf_counter() - start)
print(f"{1 / statistics.median(times[5:]):.2f} pictures/s")
