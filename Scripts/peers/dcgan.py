"""A DCGAN of width 32 at 64 px, batch 64, in PyTorch.

    python dcgan.py default        NCHW float32, as a tutorial writes it
    python dcgan.py tuned          channels last, bfloat16 autocast where that is faster, fused Adam
    python dcgan.py compiled       the same, both networks by torch.compile, which needs a C++ compiler

Prints the median pictures/s of 12 steps after 3. Needs torch.
"""
import pathlib, statistics, sys, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import plain

options = plain.Parser(__doc__).add("KIND", choices=["default", "tuned", "compiled"]).parse_args()
plain.need("torch")
import torch, torch.nn as nn, torch.nn.functional as F

tuned = options.KIND != "default"
bfloat16 = tuned and plain.prefers_bfloat16()
width, batch = 32, 64
torch.manual_seed(0)

def generator(latent=128, w=width):
    def up(i, o):
        return [nn.ConvTranspose2d(i, o, 4, 2, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU(True)]
    return nn.Sequential(
        nn.ConvTranspose2d(latent, w * 8, 4, bias=False), nn.BatchNorm2d(w * 8), nn.ReLU(True),
        *up(w * 8, w * 4), *up(w * 4, w * 2), *up(w * 2, w), nn.ConvTranspose2d(w, 3, 4, 2, 1), nn.Tanh())

def discriminator(w=width):
    def down(i, o):
        return [nn.Conv2d(i, o, 4, 2, 1, bias=False), nn.BatchNorm2d(o), nn.LeakyReLU(0.2, True)]
    return nn.Sequential(
        nn.Conv2d(3, w, 4, 2, 1), nn.LeakyReLU(0.2, True), *down(w, w * 2), *down(w * 2, w * 4),
        *down(w * 4, w * 8), nn.Conv2d(w * 8, 1, 4))

g, d, real = generator(), discriminator(), torch.randn(batch, 3, 64, 64)
if tuned:
    g, d, real = (v.to(memory_format=torch.channels_last) for v in (g, d, real))
adam_g = torch.optim.Adam(g.parameters(), 2e-4, (0.5, 0.999), fused=tuned)
adam_d = torch.optim.Adam(d.parameters(), 2e-4, (0.5, 0.999), fused=tuned)
bce = F.binary_cross_entropy_with_logits
if options.KIND == "compiled":
    g, d = torch.compile(g), torch.compile(d)

def step():
    with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        fake = g(torch.randn(batch, 128, 1, 1))
        of_real, of_fake = d(real).float(), d(fake.detach()).float()
        loss_d = bce(of_real, torch.ones_like(of_real)) + bce(of_fake, torch.zeros_like(of_fake))
    adam_d.zero_grad()
    loss_d.backward()
    adam_d.step()
    with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        of_fake = d(fake).float()
        loss_g = bce(of_fake, torch.ones_like(of_fake))
    adam_g.zero_grad()
    loss_g.backward()
    adam_g.step()

times = []
for _ in range(15):
    start = time.perf_counter()
    step()
    times.append(time.perf_counter() - start)
print(f"{batch / statistics.median(times[3:]):.1f} pictures/s")
