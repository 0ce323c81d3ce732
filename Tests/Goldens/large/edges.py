"""Goldens of Tests/LargeModelsTests/EdgeTests.swift: edges by scikit-image's Canny.

    python Tests/Goldens/large/edges.py        writes edges.safetensors beside itself
"""
import pathlib
import sys

import numpy
import skimage
import torch
from skimage.feature import canny

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent.parent)]
from golden import write

# A photograph, cut from skimage's own, with its noise: no two neighbours are quite alike.
photo = skimage.data.astronaut()[20:180, 150:310].astype("float32") / 255
grey = (photo @ numpy.array([0.299, 0.587, 0.114], dtype="float32")).astype("float64")
found = {}
for name, deviation, low, high in (("usual", 1.0, 50, 100), ("smooth", 2.0, 30, 60), ("plain", 0.5, 100, 200)):
    # scikit-image's Sobel is ours, of values in 0...1.
    edges = canny(grey, sigma=deviation, low_threshold=low / 255, high_threshold=high / 255, mode="nearest")
    found[name] = torch.from_numpy(edges.astype("uint8"))
    print(name, int(edges.sum()))
picture = torch.from_numpy((photo * 255).round().astype("uint8")).permute(2, 0, 1)[None].contiguous()
write(pathlib.Path(__file__).with_name("edges.safetensors"), {"picture": picture, **found},
      {"skimage": skimage.__version__})
