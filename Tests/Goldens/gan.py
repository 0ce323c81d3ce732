"""Goldens of Tests/ModelsTests: five training steps of the dense GAN and of DCGAN, as PyTorch's users write them.

    python Tests/Goldens/gan.py        writes Tests/Goldens/gan.safetensors beside itself
"""
import json
import pathlib
import struct

import torch
from torch import nn
from torch.nn import functional as F

STEPS = 5


class Main(nn.Module):
    def __init__(self, *layers):
        super().__init__()
        self.main = nn.Sequential(*layers)

    def forward(self, x):
        return self.main(x)


def dense(size=8, latent=10):
    wide = size * size
    g = Main(nn.Linear(latent, wide), nn.Tanh(), nn.Linear(wide, wide), nn.Tanh(), nn.Linear(wide, wide), nn.Tanh())
    d = Main(nn.Linear(wide, wide), nn.Tanh(), nn.Linear(wide, 1), nn.Sigmoid())
    return g, d, F.binary_cross_entropy, (5, wide), (5, latent)


def dcgan(latent=8, ch=4):
    up = lambda i, o: [nn.ConvTranspose2d(i, o, 4, 2, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU()]
    down = lambda i, o: [nn.Conv2d(i, o, 4, 2, 1, bias=False), nn.BatchNorm2d(o), nn.LeakyReLU(0.2)]
    g = Main(nn.ConvTranspose2d(latent, ch * 4, 4, 1, 0, bias=False), nn.BatchNorm2d(ch * 4), nn.ReLU(),
             *up(ch * 4, ch * 2), *up(ch * 2, ch), nn.ConvTranspose2d(ch, 3, 4, 2, 1), nn.Tanh())
    d = Main(nn.Conv2d(3, ch, 4, 2, 1), nn.LeakyReLU(0.2), *down(ch, ch * 2), *down(ch * 2, ch * 4),
             nn.Conv2d(ch * 4, 1, 4, 1, 0))
    return g, d, F.binary_cross_entropy_with_logits, (4, 3, 32, 32), (4, latent, 1, 1)


def train(name, g, d, bce, shape, latents, tensors):
    for part, module in ("generator", g), ("discriminator", d):
        tensors.update({f"{name}/before/{part}/{k}": v.clone() for k, v in module.state_dict().items()})
    torch.manual_seed(3)
    reals = torch.randint(0, 256, (STEPS, *shape), dtype=torch.uint8)
    tensors[f"{name}/reals"] = reals
    og, od = (torch.optim.Adam(m.parameters(), 2e-4, (0.5, 0.999)) for m in (g, d))
    losses = []
    for step in range(STEPS):
        real = reals[step].float() / 127.5 - 1
        fake = g(torch.randn(latents, generator=torch.Generator().manual_seed(step)))
        yes, no = d(real), d(fake.detach())
        loss_d = bce(yes, torch.ones_like(yes)) + bce(no, torch.zeros_like(no))
        od.zero_grad()
        loss_d.backward()
        od.step()
        verdict = d(fake)
        loss_g = bce(verdict, torch.ones_like(verdict))
        og.zero_grad()
        loss_g.backward()
        og.step()
        losses.append([loss_d.item(), loss_g.item()])
    tensors[f"{name}/losses"] = torch.tensor(losses)
    tensors.update({f"{name}/after/generator/{k}": v.clone() for k, v in g.state_dict().items()})
    g.eval()
    tensors[f"{name}/latents"] = torch.randn(latents, generator=torch.Generator().manual_seed(99))
    tensors[f"{name}/pictures"] = g(tensors[f"{name}/latents"]).detach()


def write(path, tensors, metadata):
    dtypes = {torch.float32: "F32", torch.int64: "I64", torch.uint8: "U8"}
    header, data = {"__metadata__": metadata}, b""
    for name, tensor in tensors.items():
        raw = bytes(tensor.detach().contiguous().clone().untyped_storage())
        header[name] = {"dtype": dtypes[tensor.dtype], "shape": list(tensor.shape),
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


torch.manual_seed(1)
tensors = {}
train("dense", *dense(), tensors)
train("dcgan", *dcgan(), tensors)
write(pathlib.Path(__file__).with_name("gan.safetensors"), tensors, {"torch": torch.__version__})
