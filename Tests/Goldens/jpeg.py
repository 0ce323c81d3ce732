"""Goldens of Tests/ModelsTests: photographs as JPEG leaves them, by Pillow's libjpeg, colours at full size.

    .venv/bin/python Tests/Goldens/jpeg.py        writes Tests/Goldens/jpeg.safetensors: uint8 [3, 3, 40, 40] a quality
"""
import io
import json
import pathlib

import numpy
import torch
from PIL import Image
from golden import write

here = pathlib.Path(__file__).parent
raw = (here / "photographs.safetensors").read_bytes()
size = int.from_bytes(raw[:8], "little")
start, end = (8 + size + o for o in json.loads(raw[8:8 + size])["pictures"]["data_offsets"])
pictures = torch.frombuffer(bytearray(raw[start:end]), dtype=torch.uint8).reshape(3, 3, 128, 128)[:, :, 40:80, 50:90]


def through(picture, quality):
    file = io.BytesIO()
    Image.fromarray(picture.permute(1, 2, 0).numpy()).save(file, "JPEG", quality=quality, subsampling=0)
    return torch.from_numpy(numpy.array(Image.open(file))).permute(2, 0, 1)


write(here / "jpeg.safetensors",
      {f"quality{q}": torch.stack([through(p, q) for p in pictures]).contiguous() for q in (35, 60, 90)})
