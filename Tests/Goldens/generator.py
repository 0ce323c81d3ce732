"""A generator's weights between Atelier and PyTorch, by name, for Tests/AtelierTests.

    python generator.py check CHECKPOINT PICTURES    loads CHECKPOINT's generator into PyTorch, and prints the largest
                                                     difference between its pictures and those in PICTURES (seeds 0 …)
    python generator.py make RECIPE WEIGHTS PICTURES writes a PyTorch generator's state_dict, and its pictures (seeds 0 …)
    python generator.py layouts FOLDER LAYOUT …      LAYOUT.pth and LAYOUT.safetensors, the same as people save them: see `saved`
"""
import json
import pathlib
import struct
import sys

import torch
import torch.nn.functional as F

here = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(here), str(here.parent.parent / "Scripts" / "peers")]
from golden import write
from r3gan_torch import Generator, fill
from torch import nn

TYPES = {"F32": torch.float32, "I64": torch.int64}


def read(path):
    with open(path, "rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        header, data = json.loads(file.read(length)), bytearray(file.read())
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        tensors[name] = torch.frombuffer(data[start:end], dtype=TYPES[entry["dtype"]]).reshape(entry["shape"])
    return tensors, metadata


class Main(nn.Module):
    def __init__(self, *layers):
        super().__init__()
        self.main = nn.Sequential(*layers)

    def forward(self, x):
        return self.main(x)


def dcgan(settings):
    """As Radford et al. 2015 describe it, with PyTorch's layers."""
    size, width, latent = settings["size"], settings["width"], settings["latent"]
    widths = [width * (size // 2 // side) for side in (4, 8, 16, 32, 64, 128) if side <= size // 2]
    layers = [nn.ConvTranspose2d(latent, widths[0], 4, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU()]
    for i, o in zip(widths, widths[1:]):
        layers += [nn.ConvTranspose2d(i, o, 4, 2, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU()]
    return Main(*layers, nn.ConvTranspose2d(widths[-1], settings["channels"], 4, 2, 1), nn.Tanh())


def sequence(widths, latent, channels, bias, last_bias):
    """As PyTorch's DCGAN example and its descendants have it, of any widths."""
    layers = [nn.ConvTranspose2d(latent, widths[0], 4, bias=bias), nn.BatchNorm2d(widths[0]), nn.ReLU(True)]
    for i, o in zip(widths, widths[1:]):
        layers += [nn.ConvTranspose2d(i, o, 4, 2, 1, bias=bias), nn.BatchNorm2d(o), nn.ReLU(True)]
    return Main(*layers, nn.ConvTranspose2d(widths[-1], channels, 4, 2, 1, bias=last_bias), nn.Tanh())


def saved(layout):
    """A generator, the latents' size, and what `torch.save` is given."""
    latent = 10
    network = {
        "without-biases": lambda: sequence([20, 12, 12, 6], latent, 3, False, False),
        "with-biases": lambda: sequence([12, 6, 5], latent, 1, True, True),
        "dense": lambda: Main(nn.Linear(latent, 20), nn.Tanh(), nn.Linear(20, 48), nn.Tanh(), nn.Linear(48, 3 * 64), nn.Tanh()),
    }.get(layout, lambda: sequence([24, 12, 6], latent, 3, False, True))()
    judge = nn.Sequential(nn.Conv2d(3, 6, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(6, 1, 4))
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(3):  # So that statistics, biases and the optimizer's memory are not those of a new network.
        z = torch.randn(16, latent) if layout == "dense" else torch.randn(16, latent, 1, 1)
        optimizer.zero_grad()
        (network(z) - 0.2).square().mean().backward()
        optimizer.step()
    state = network.state_dict()
    if layout == "nested":
        whole = {"epoch": 3, "models": {"netG_state_dict": state, "netD_state_dict": judge.state_dict()}}
    elif layout == "parallel":
        whole = nn.DataParallel(network).state_dict()
    elif layout == "optimizer":
        newer = {name: tensor + 0.5 if tensor.is_floating_point() else tensor for name, tensor in state.items()}
        whole = {"g": newer, "g_ema": state, "d": judge.state_dict(), "optim": optimizer.state_dict(), "step": 1234}
    else:
        whole = state
    return network.eval(), latent, whole


def latents(count, size):
    return torch.stack([torch.randn(size, generator=torch.Generator().manual_seed(seed)) for seed in range(count)])


@torch.no_grad()
def pictures(recipe, settings, state, count):
    z = latents(count, settings["latent"])
    if recipe == "dcgan":
        network = dcgan(settings).eval()
        network.load_state_dict(state, strict=True)
        return network(z[:, :, None, None])
    network = Generator(settings["latent"], settings["wSize"], settings["widths"], settings["blocks"],
                        settings["channels"]).eval()
    network.load_state_dict(state, strict=True)
    made = network(z, int(network.grown))
    if made.shape[-1] != settings["size"]:
        made = F.interpolate(made, size=[settings["size"]] * 2, mode="bilinear")
    return made.clamp(-1, 1)


if sys.argv[1] == "check":
    tensors, metadata = read(sys.argv[2])
    theirs = read(sys.argv[3])[0]["pictures"]
    prefix = "generator.average/"
    state = {name[len(prefix):]: tensor for name, tensor in tensors.items() if name.startswith(prefix)}
    made = pictures(metadata["recipe"], json.loads(metadata["settings"]), state, len(theirs))
    print(float((made - theirs).abs().max()))
elif sys.argv[1] == "layouts":
    for layout in sys.argv[3:]:
        torch.manual_seed(7)
        network, latent, whole = saved(layout)
        torch.save(whole, f"{sys.argv[2]}/{layout}.pth")
        z = latents(5, latent)
        with torch.no_grad():
            theirs = network(z).reshape(5, 3, 8, 8) if layout == "dense" else network(z[:, :, None, None])
        write(f"{sys.argv[2]}/{layout}.safetensors", {"pictures": theirs})
else:
    torch.manual_seed(7)
    recipe, weights, made = sys.argv[2:]
    if recipe == "dcgan":
        settings = {"size": 32, "width": 6, "latent": 10, "channels": 3}
        network = dcgan(settings)
        for _ in range(3):
            network(torch.randn(16, 10, 1, 1))  # So that the running statistics are not those of a new network.
    else:
        settings = {"size": 32, "latent": 10, "wSize": 12, "widths": [16, 12, 8], "blocks": [1, 2, 1], "channels": 3}
        network = fill(Generator(10, 12, settings["widths"], settings["blocks"], 3))
    torch.save(network.state_dict(), weights)
    write(made, {"pictures": pictures(recipe, settings, network.state_dict(), 5)})
