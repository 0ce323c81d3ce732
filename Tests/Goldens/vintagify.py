"""Writes vintagify.safetensors: what a CycleGAN that somebody else trained makes of a photograph, by its own code.

    python Tests/Goldens/vintagify.py WHEEL

WHEEL is vintagify-0.1.2-py3-none-any.whl (MIT), whose generator and weights are used as they are. The photograph is the
second of photographs.safetensors, without its upper and lower 16 rows.
"""
import json
import pathlib
import sys
import tempfile
import zipfile

import torch
from golden import write

here = pathlib.Path(__file__).parent
raw = (here / "photographs.safetensors").read_bytes()
size = int.from_bytes(raw[:8], "little")
entry = json.loads(raw[8:8 + size])["pictures"]
start, end = (8 + size + offset for offset in entry["data_offsets"])
pictures = torch.frombuffer(bytearray(raw[start:end]), dtype=torch.uint8).reshape(entry["shape"])
x = pictures[1:2, :, 16:112].float() / 127.5 - 1

with tempfile.TemporaryDirectory() as folder:
    zipfile.ZipFile(sys.argv[1]).extractall(folder)
    # Without the package's __init__, which wants more than PyTorch.
    sys.path.insert(0, f"{folder}/vintagify")
    from generator import ResnetGenerator

    weights = torch.load(f"{folder}/vintagify/resources/G_A2B_epoch33.pth", map_location="cpu", weights_only=True)
    network = ResnetGenerator()
    network.load_state_dict(weights)
    network.eval()
    with torch.no_grad():
        write(here / "vintagify.safetensors", {"made": network(x)})
