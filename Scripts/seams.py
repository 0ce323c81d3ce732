"""Whether a picture that was painted in tiles shows where they meet.

    .venv/bin/python Scripts/seams.py PICTURE SIDE        needs numpy and pillow

SIDE is that of a tile in pixels, 928 for 4096 × 3072 px within 6 GB.

Compares the mean difference of neighbours across the tiles' borders with that of the same rows' (columns') neighbours
3 to 34 px beside them: all borders together, and each beside what lines within tiles do.
"""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import plain

options = plain.Parser(__doc__).add("PICTURE", type=plain.existing).add("SIDE", type=plain.count).parse_args()
plain.need("numpy", "PIL")
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


def beside(steps, cut):
    return numpy.mean([steps[cut - 1 + d] for d in range(-34, 35) if abs(d) >= 3 and 0 <= cut - 1 + d < len(steps)])


with plain.reading(options.PICTURE):
    picture = numpy.asarray(Image.open(options.PICTURE).convert("RGB"), numpy.float32)
side, at, near, borders, lines = options.SIDE, [], [], [], []
for axis, name in ((1, "column"), (0, "row")):
    steps = numpy.abs(numpy.diff(picture, axis=axis)).mean(axis=(1 - axis, 2))
    for cut in cuts(picture.shape[axis], side):
        at.append(steps[cut - 1])
        near.append(beside(steps, cut))
        borders.append((at[-1] / near[-1] - 1, f"{name} {cut}"))
    lines += [steps[cut - 1] / beside(steps, cut) - 1 for cut in range(35, len(steps) - 34)]
print(f"{len(at)} borders: across {numpy.mean(at):.3f}, beside {numpy.mean(near):.3f} of 255,"
      f" {100 * (numpy.mean(at) / numpy.mean(near) - 1):+.1f} %")
# Lines within tiles differ from their neighbours, too: a seam is what few of them do.
for share, name in sorted(borders, key=lambda b: b[0]):
    print(f"  {name}: {100 * share:+.1f} %; {100 * numpy.mean(numpy.abs(lines) >= abs(share)):.1f} % of all lines are as far")
