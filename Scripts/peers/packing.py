"""Pillow packing a folder of pictures for training, as a data loader does it: packing.py FOLDER SIZE THREADS

Each picture is decoded, laid on white, fitted into SIZE × SIZE, and kept as bytes. Prints pictures/s.
"""
import concurrent.futures, pathlib, sys, time
import numpy as np
from PIL import Image, ImageOps

folder, size, threads = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
kinds = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".gif"}
files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in kinds)


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
with concurrent.futures.ThreadPoolExecutor(threads) as pool:
    packed = np.stack(list(pool.map(pack, files)))
print(f"{len(packed) / (time.perf_counter() - start):.1f} pictures/s")
