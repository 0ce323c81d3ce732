"""64 pictures of 64 px from a DCGAN's generator of width 32 in PyTorch, channels last, float32.

    python generate.py

Prints pictures/s. Needs torch.
"""
import pathlib, statistics, sys, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import plain

plain.Parser(__doc__).parse_args()
plain.need("torch")
import torch, torch.nn as nn

torch.manual_seed(0)
w = 32
def up(i, o):
    return [nn.ConvTranspose2d(i, o, 4, 2, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU(True)]
g = nn.Sequential(
    nn.ConvTranspose2d(128, w * 8, 4, bias=False), nn.BatchNorm2d(w * 8), nn.ReLU(True), *up(w * 8, w * 4),
    *up(w * 4, w * 2), *up(w * 2, w), nn.ConvTranspose2d(w, 3, 4, 2, 1), nn.Tanh())
g = g.eval().to(memory_format=torch.channels_last)

@torch.inference_mode()
def once(i):
    # One seed a picture, as an artist asks for them.
    z = torch.stack([torch.randn(128, generator=torch.Generator().manual_seed(64 * i + s)) for s in range(64)])
    return g(z.reshape(64, 128, 1, 1).contiguous(memory_format=torch.channels_last))

times = []
for i in range(11):
    start = time.perf_counter()
    once(i)
    times.append(time.perf_counter() - start)
print(f"{64 / statistics.median(times[1:]):.1f} pictures/s")
