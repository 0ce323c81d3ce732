"""Usage: Scripts/fuzz [MINUTES] [--seed N] [--keep FOLDER] [--only KIND]

Damages one small file of each kind at random, and reads it by the built program (.build/debug/atelier, or the one that the
variable ATELIER names), for so many minutes (1 without a number): pictures, films, sounds, archives, labels, timelines,
safetensors, PyTorch and ONNX, also as large models. A finding is a crash, 20 s of a core, or more than 2 GB of memory; its file
is kept and named with the command. The same seed gives the same files. ncnn, which the program reads only with a known hash, is
read by FuzzTests in `./test`, as are all readers of the others; HDF5 is read only with a known hash, and is left out.

Exit code 0 without a finding, 65 with one.
"""
import os
import pathlib
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import plain

root = pathlib.Path(__file__).resolve().parent.parent
fixtures = root / "Tests/Fixtures"
goldens = root / "Tests/Goldens/checkpoints"
core_seconds, most_bytes, patience = 20, 2 << 30, 180

TIMELINE = b"""seconds: 1
rate: 4
keys:
  - {at: 0, seed: 3}
  - {at: 0.5, seed: 7, ease: smooth}
camera:
  - {at: 0, zoom: 1}
  - {at: 1, zoom: 1.5, x: 0.2}
react:
  - {feature: onset, target: path, amount: 0.5}
"""
LABELS = b'file,class\r\n"a.jpg","one; two"\r\nb.jpg,"say ""no"""\r\ngone.jpg,one\r\n'


def wav():
    """A tenth of a second of two notes."""
    import math
    import struct
    data = b"".join(struct.pack("<h", int(9000 * (math.sin(i / 9) + math.sin(i / 5)))) for i in range(2205))
    return (b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 22050, 44100, 2, 16)
            + b"data" + struct.pack("<I", len(data)) + data)


def onnx():
    tensor = bytes([8, 2, 8, 3, 16, 1, 66, 1, 119, 74, 24]) + bytes([62] * 24)
    node = bytes([10, 1, 120, 34, 4]) + b"Conv"
    graph = bytes([10, len(node)]) + node + bytes([42, len(tensor)]) + tensor
    return bytes([8, 0x88, 1, 58, len(graph)]) + graph


def kinds():
    """By kind: files' names and bytes, and the arguments that read one."""
    read = lambda *parts: fixtures.joinpath(*parts).read_bytes()
    inspect = lambda file, folder: ["inspect", file]
    model = lambda file, folder: ["models", "import", file, "--as", "raw", "--force"]
    film = lambda option: lambda file, folder: ["film", "emoji", "--preview", "--size", "16", "--seconds", "1", option, file,
                                                "--out", folder / "film.png", "--force"]
    pictures = ["scene.jpg", "parrot.png", "scene.webp", "moving.gif", "scene.tif", "scene.avif", "greyalpha.png"]
    coloured = ["alpha16-p3-big.tif", "float-alpha.tif", "lab.tif", "ycbcr.tif", "thumbnail-first.tif", "alpha8-p3.png"]
    return {
        "picture": ([(n, read(n)) for n in pictures] + [(n, read("colours", n)) for n in coloured], inspect),
        "archive": ([("a.zip", (goldens / "good.zip").read_bytes())], inspect),
        "film": ([("a.gif", read("moving.gif")), ("a.mp4", read("bunny.mp4"))],
                 lambda file, folder: ["vary", file, "--size", "32", "--seconds", "0.1", "--out", folder / "a.apng", "--force"]),
        "sound": ([("a.wav", wav())], film("--sound")),
        "timeline": ([("a.yaml", TIMELINE)], film("--timeline")),
        "labels": ([("labels.csv", LABELS)], lambda file, folder: ["inspect", folder]),
        "safetensors": ([("a.safetensors", (goldens / "expected.safetensors").read_bytes())], model),
        "pytorch": ([(n, (goldens / n).read_bytes()) for n in ["zip.pth", "legacy.pth"]], model),
        "onnx": ([("a.onnx", onnx())], model),
        "large": ([(n, (goldens / n).read_bytes()) for n in ["expected.safetensors", "zip.pth", "legacy.pth"]],
                  lambda file, folder: ["models", "inspect", file]),
    }


def damaged(data, chance):
    """With one to eight things wrong: bits, bytes, lengths, parts lost or twice, an early end."""
    data = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        if not data:
            break
        place = chance.randrange(min(len(data), 512) if chance.random() < 0.6 else len(data))
        what = chance.randrange(8)
        if what < 2:
            data[place] ^= 1 << chance.randrange(8)
        elif what == 2:
            data[place] = chance.randrange(256)
        elif what == 3:
            data[place:place + 4] = chance.choice([b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff", b"\0\0\0\x80"])
        elif what == 4:
            data[place:place + 1] = data[place:place + chance.randint(1, 64)]
        elif what == 5:
            del data[place:place + chance.randint(1, 64)]
        elif what == 6:
            data[place:place] = str(chance.choice([-1, 0, 2**31, 2**63, 1e300, "nan"])).encode()
        elif chance.random() < 0.3:
            del data[place:]
    return bytes(data)


def limited():
    resource.setrlimit(resource.RLIMIT_CPU, (core_seconds, core_seconds + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, 1 << 30))


def finding(command, folder):
    """Why this command is a finding; None where it isn't."""
    environment = {**os.environ, "ATELIER_WORKSPACE": str(folder / "workspace"), "OMP_NUM_THREADS": "1",
                   "SWIFT_BACKTRACE": "enable=no"}
    with open(folder / "said", "wb") as said:
        process = subprocess.Popen([str(word) for word in command], cwd=folder, env=environment, stdout=said, stderr=said,
                                   stdin=subprocess.DEVNULL, preexec_fn=limited)
        end = time.monotonic() + patience
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > end:
                process.kill()
                os.wait4(process.pid, 0)
                return f"it hung for {patience} s"
            time.sleep(0.01)
    process.returncode = os.waitstatus_to_exitcode(status)
    used = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    if process.returncode < 0:
        seconds = usage.ru_utime + usage.ru_stime
        return f"it took {core_seconds} s of a core" if seconds >= core_seconds - 1 else f"it crashed (signal {-process.returncode})"
    if used > most_bytes:
        return f"it took {used / 1e9:.1f} GB of memory"
    if process.returncode not in (0, 64, 65, 66, 69, 73, 74):
        return f"its exit code is {process.returncode}"
    return None


def main():
    parser = plain.Parser(__doc__)
    parser.add_argument("minutes", nargs="?", type=float, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", default="fuzz-findings")
    parser.add_argument("--only")
    asked = parser.parse_args()
    program = pathlib.Path(os.environ.get("ATELIER", root / ".build/debug/atelier")).absolute()
    if not program.exists():
        plain.stop(f"{program} isn't there: build it by `swift build`, or name another by ATELIER.", 66)
    chosen = kinds()
    if asked.only:
        if asked.only not in chosen:
            plain.stop(f"There is no kind '{asked.only}': use {', '.join(chosen)}.", 64)
        chosen = {asked.only: chosen[asked.only]}
    chance = random.Random(asked.seed)
    counts, found = dict.fromkeys(chosen, 0), 0
    end = time.monotonic() + 60 * asked.minutes
    with tempfile.TemporaryDirectory(prefix="atelier-fuzz-") as place:
        while time.monotonic() < end:
            for kind, (files, arguments) in chosen.items():
                if time.monotonic() >= end:
                    break
                folder = pathlib.Path(place) / "now"
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                name, whole = chance.choice(files)
                (folder / name).write_bytes(damaged(whole, chance))
                if kind == "labels":
                    for picture in ["a.jpg", "b.jpg"]:
                        shutil.copy(fixtures / "scene.jpg", folder / picture)
                command = [program, *arguments(folder / name, folder)]
                why = finding(command, folder)
                counts[kind] += 1
                if why:
                    found += 1
                    kept = pathlib.Path(asked.keep) / f"{asked.seed}-{counts[kind]}-{name}"
                    kept.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(folder / name, kept)
                    print(f"{kept}: {why}: {' '.join(str(word) for word in command)}", flush=True)
    print(", ".join(f"{count} {kind}" for kind, count in counts.items()) + f": {found} findings")
    sys.exit(65 if found else 0)


if __name__ == "__main__":
    main()
