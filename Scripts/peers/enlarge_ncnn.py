"""How near `atelier enlarge` comes to ncnn, the program that the networks' files were made for.

    python enlarge_ncnn.py WHEEL MODEL SCALE PICTURE MADE [NCNNS]        needs numpy, pillow and ncnn

WHEEL is the one that `atelier models install` fetches, MODEL the name inside it without .param, such as
realesrgan-x4plus or WAIFU2X_PHOTO_UP2X, MADE what `atelier enlarge PICTURE --scale SCALE …` made, and NCNNS a file for
what ncnn makes. Prints the PSNR in dB and the greatest difference in levels of 255, and what ncnn took.
"""
import pathlib
import sys
import tempfile
import time
import zipfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import plain

parser = plain.Parser(__doc__).add("WHEEL", type=plain.existing).add("MODEL").add("SCALE", type=plain.count)
parser.add("PICTURE", type=plain.existing).add("MADE", type=plain.existing).add("NCNNS", nargs="?")
options = parser.parse_args()
plain.need("ncnn", "numpy", "PIL")
import ncnn
import numpy as np
from PIL import Image

wheel, model, picture, made = options.WHEEL, options.MODEL, options.PICTURE, options.MADE
with plain.reading(wheel), zipfile.ZipFile(wheel) as archive, tempfile.TemporaryDirectory() as folder:
    names = [next((n for n in archive.namelist() if n.endswith(f"/{model}.{kind}")), None) for kind in ("param", "bin")]
    if None in names:
        plain.stop(f"{wheel} has no {model}.param with its .bin: name another model.", 66)
    paths = [archive.extract(n, folder) for n in names]
    net = ncnn.Net()
    # Plain float32 all through.
    net.opt.use_winograd_convolution = False
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = net.opt.use_bf16_storage = False
    net.load_param(paths[0])
    net.load_model(paths[1])

with plain.reading(picture):
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
with plain.reading(made):
    ours = np.asarray(Image.open(made).convert("RGB"), np.float64)
if ours.shape != theirs.shape:
    plain.stop(f"{made} is {ours.shape[1]} × {ours.shape[0]} px, not {theirs.shape[1]} × {theirs.shape[0]}: make it with"
               " this model and scale.", 65)
error = ((ours - theirs) ** 2).mean()
if options.NCNNS:
    with plain.writing(options.NCNNS):
        Image.fromarray(theirs.astype(np.uint8)).save(options.NCNNS)
print(f"PSNR {10 * np.log10(255 ** 2 / error) if error else np.inf:.1f} dB, at most {abs(ours - theirs).max():.0f} levels,"
      f" ncnn {taken:.2f} s")
