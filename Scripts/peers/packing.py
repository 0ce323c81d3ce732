"""Pillow packing a folder of pictures for training, as a data loader does it.

    python packing.py FOLDER SIZE THREADS        needs numpy and pillow

Each picture is decoded, laid on white, fitted into SIZE × SIZE px, and kept as bytes. Prints pictures/s.
"""
import concurrent.futures, pathlib, sys, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import plain

parser = plain.Parser(__doc__).add("FOLDER", type=plain.existing)
options = parser.add("SIZE", type=plain.count).add("THREADS", type=plain.count).parse_args()
plain.need("numpy", "PIL")
import numpy as np
from PIL import Image, ImageOps

folder, size, threads = options.FOLDER, options.SIZE, options.THREADS
kinds = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".gif"}
files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in kinds)
if not files:
    plain.stop(f"No pictures are in {folder}: name another folder.", 66)


def pack(path):
    with Image.open(path) as picture:
        picture.draft("RGB", (size, size))  # JPEGs are decoded at a half, a quarter or an eighth.
        picture = ImageOps.exif_transpose(picture)
        if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
            picture = picture.convert("RGBA")
            picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
        picture = ImageOps.pad(picture.convert("RGB"), (size, size), Image.LANCZOS, "white")
    return np.asarray(picture)


start = time.perf_counter()
with plain.reading(folder), concurrent.futures.ThreadPoolExecutor(threads) as pool:
    packed = np.stack(list(pool.map(pack, files)))
print(f"{len(packed) / (time.perf_counter() - start):.1f} pictures/s")
