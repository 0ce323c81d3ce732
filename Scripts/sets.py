"""Makes a set of pictures as large as somebody may have one: soft coloured shapes, no two alike.

    .venv/bin/python Scripts/sets.py PLACE COUNT SIZE        needs numpy and pillow

PLACE is a new folder, or a new zip file where it ends in .zip; 1,000 pictures lie in each of its folders. SIZE: of a side, in
pixels; PNGs below 32, else JPEGs. What `Benchmarks sets` and the tests of large sets look at.
"""
import io
import pathlib
import sys
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import plain

options = plain.Parser(__doc__).add("PLACE", type=pathlib.Path).add("COUNT", type=plain.count).add(
    "SIZE", type=plain.count).parse_args()
plain.need("numpy", "PIL")
import numpy as np
from PIL import Image

BASES = 64
chance = np.random.default_rng(0)
small = chance.integers(0, 256, (BASES, 5, 5, 3), np.uint8)
bases = [np.asarray(Image.fromarray(x).resize((options.SIZE, options.SIZE), Image.BICUBIC), np.uint16) for x in small]


def picture(number):
    """Two of the bases, one of them rolled, in proportions of its own."""
    a, b, share, x, y = chance.integers(0, [BASES, BASES, 257, options.SIZE, options.SIZE])
    mixed = (bases[a] * share + np.roll(bases[b], (y, x), (0, 1)) * (256 - share)) >> 8
    file = io.BytesIO()
    form, ending = ("PNG", "png") if options.SIZE < 32 else ("JPEG", "jpg")
    Image.fromarray(mixed.astype(np.uint8)).save(file, form, quality=90, compress_level=1)
    return f"{number // 1000:03d}/{number:06d}.{ending}", file.getvalue()


with plain.writing(options.PLACE):
    if options.PLACE.suffix == ".zip":
        with zipfile.ZipFile(options.PLACE, "x") as archive:
            for number in range(options.COUNT):
                archive.writestr(*picture(number))
    else:
        options.PLACE.mkdir(parents=True)
        for number in range(options.COUNT):
            name, content = picture(number)
            (options.PLACE / name).parent.mkdir(exist_ok=True)
            (options.PLACE / name).write_bytes(content)
