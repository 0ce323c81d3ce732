"""How well `atelier inbetween` draws frames that a film has: every second one is left out, drawn, and compared.

    .venv/bin/python Scripts/inbetweens.py CLIP [--width 640] [--frames 61] [--start 0] [--keep DIR]

--start is in seconds, --keep names a folder for the frames, and other options go to `atelier inbetween`. Needs ffmpeg,
numpy and pillow.

Prints the mean peak signal-to-noise ratio over the frames left out, in decibels, beside that of linear blending (the
mean of both neighbours); frames at cuts, where the neighbours differ in everything, are told apart.
"""
import atexit
import pathlib
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import plain

parser = plain.Parser(__doc__).add("CLIP", type=plain.existing).add("--start", type=float, default=0).add("--keep")
parser.add("--width", type=plain.count, default=640).add("--frames", type=plain.count, default=61)
options, more = parser.parse_known_args()
plain.need("numpy", "PIL")
import numpy as np
from PIL import Image

if shutil.which("ffmpeg") is None:
    plain.stop("ffmpeg is missing: install it (Debian's package ffmpeg), then run this again.", 69)
house = pathlib.Path(__file__).resolve().parent.parent
folder = pathlib.Path(options.keep or tempfile.mkdtemp())
if not options.keep:
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
with plain.writing(folder):
    folder.mkdir(exist_ok=True)


def ffmpeg(*arguments):
    if subprocess.run(["ffmpeg", "-v", "error", "-y", *map(str, arguments)]).returncode:
        plain.stop(f"ffmpeg could not take {options.CLIP} apart: name another film, or another --start.", 65)


def frames(place):
    return [np.asarray(Image.open(f).convert("RGB"), np.float32) / 255 for f in sorted(place.glob("*.png"))]


def decibels(a, b):
    return -10 * np.log10(np.mean((a - b) ** 2) + 1e-10)


lossless = ["-c:v", "ffv1", "-pix_fmt", "gbrp"]
ffmpeg("-ss", options.start, "-i", options.CLIP, "-vf", f"scale={options.width}:-2:flags=area", "-frames:v", options.frames,
       *lossless, folder / "whole.mkv")
ffmpeg("-i", folder / "whole.mkv", "-vf", "select='not(mod(n,2))',setpts=N/(12*TB)", "-r", 12, *lossless, folder / "half.mkv")
(folder / "whole").mkdir(exist_ok=True)
ffmpeg("-i", folder / "whole.mkv", folder / "whole/%06d.png")
shutil.rmtree(folder / "drawn", ignore_errors=True)
drawing = subprocess.run([house / "atelier", "inbetween", folder / "half.mkv", "--out", f"{folder}/drawn/", *more])
if drawing.returncode:
    sys.exit(drawing.returncode)  # atelier has said why.

whole, drawn = frames(folder / "whole"), frames(folder / "drawn")
rows = []
for i in range(1, len(whole) - 1, 2):
    before, after = whole[i - 1], whole[i + 1]
    isCut = np.abs(before - after).mean() > 0.15
    rows.append((isCut, decibels(drawn[i], whole[i]), decibels((before + after) / 2, whole[i])))
    assert np.abs(drawn[i - 1] - before).max() < 1.5 / 255, "a frame that was there changed"
for name, chosen in (("without cuts", [r for r in rows if not r[0]]), ("all", rows)):
    mine, blend = (np.mean([r[k] for r in chosen]) for k in (1, 2))
    print(f"{name}: {len(chosen)} frames, drawn {mine:.2f} dB, blended {blend:.2f} dB, {mine - blend:+.2f} dB")
