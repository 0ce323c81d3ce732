"""The dense GAN in eager PyTorch, as its survey has it: 100-784-784-784 tanh, 784-1 sigmoid, Adam, binary cross-entropy.

    python dense.py HIDDEN

HIDDEN: units of the discriminator's first layer, 0 for none. Prints the median steps/s. Needs torch.
"""
import pathlib, statistics, sys, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import plain

hidden = plain.Parser(__doc__).add("HIDDEN", type=int).parse_args().HIDDEN
if hidden < 0:
    plain.stop("HIDDEN is below 0: name the units, or 0 for none.", 64)
plain.need("torch")
import torch, torch.nn as nn

torch.manual_seed(0)
generator = nn.Sequential(
    nn.Linear(100, 784), nn.Tanh(), nn.Linear(784, 784), nn.Tanh(), nn.Linear(784, 784), nn.Tanh())
first = [nn.Linear(784, hidden), nn.Tanh()] if hidden else []
discriminator = nn.Sequential(*first, nn.Linear(hidden or 784, 1), nn.Sigmoid())
adam_g, adam_d = torch.optim.Adam(generator.parameters()), torch.optim.Adam(discriminator.parameters())
bce = nn.BCELoss()
pictures = torch.rand(5000, 784) * 2 - 1
one, zero = torch.ones(32, 1), torch.zeros(32, 1)

def step(i):
    start = i * 32 % 4960
    fake = generator(torch.randn(32, 100))
    loss_d = bce(discriminator(pictures[start:start + 32]), one) + bce(discriminator(fake.detach()), zero)
    adam_d.zero_grad()
    loss_d.backward()
    adam_d.step()
    loss_g = bce(discriminator(fake), one)
    adam_g.zero_grad()
    loss_g.backward()
    adam_g.step()

def window():
    start = time.perf_counter()
    for i in range(100):
        step(i)
    return 100 / (time.perf_counter() - start)

window()
print(f"{statistics.median(window() for _ in range(5)):.1f} steps/s")
