"""Whether a picture that was painted in tiles shows where they meet.

    .venv/bin/python Scripts/seams.py PICTURE SIDE        SIDE: of a tile, 928 for 4096 × 3072 px within 6 GB

Compares the mean difference of neighbours across the tiles' borders with that of the same rows' (columns') neighbours
3 to 34 px beside them: all borders together, and the one that differs most.
"""
import sys

import numpy
from PIL import Image

Image.MAX_IMAGE_PIXELS = None
MARGIN, STEP = 96, 16


def cuts(length, side):
    """Where tiles begin: Sources/Models/Style/StyleTiles.swift."""
    side = max(STEP, (side - 2 * MARGIN) // STEP * STEP)
    if length <= side + 2 * MARGIN:
        return []
    count = -(-length // side)
    each = -(-(-(-length // count)) // STEP) * STEP
    return list(range(each, length, each))


picture = numpy.asarray(Image.open(sys.argv[1]).convert("RGB"), numpy.float32)
side, at, beside, each = int(sys.argv[2]), [], [], []
for axis, name in ((1, "column"), (0, "row")):
    steps = numpy.abs(numpy.diff(picture, axis=axis)).mean(axis=(1 - axis, 2))
    for cut in cuts(picture.shape[axis], side):
        near = [steps[cut - 1 + d] for d in range(-34, 35) if abs(d) >= 3 and 0 <= cut - 1 + d < len(steps)]
        at.append(steps[cut - 1])
        beside.append(numpy.mean(near))
        # The chance of it: lines beside the border differ among themselves, too.
        each.append((steps[cut - 1] / numpy.mean(near) - 1, numpy.std(near) / numpy.mean(near), f"{name} {cut}"))
worst = max(each, key=lambda e: abs(e[0]))
print(f"{len(at)} borders: across {numpy.mean(at):.3f}, beside {numpy.mean(beside):.3f} of 255,"
      f" {100 * (numpy.mean(at) / numpy.mean(beside) - 1):+.1f} %")
print(f"furthest: {worst[2]}, {100 * worst[0]:+.1f} % (lines beside it: ± {100 * worst[1]:.1f} %)")
