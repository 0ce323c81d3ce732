"""What the verbs that keep frames keep of a film: its frames' times, its shape, its colours, and its sound in step.

    .venv/bin/python Scripts/films.py [CLIP ...] [--frames 16] [--style PICTURE] [--keep DIR] [--atelier PROGRAM]

Each CLIP is cut to its first frames without being encoded anew. Five films like those of phones are made by ffmpeg and
follow: turned, of variable frame rate, HDR, 10 bits with six channels of sound, with a sound that begins later. Needs
ffmpeg with zscale, and numpy.

Prints docs/film.md's table, a row for each film. A verb's cell has the frames that there are, how far the worst of their
times is off in milliseconds (against the film's own, and for `inbetween` the middles between), and how far the sound is
off in milliseconds. The last columns are the worst of all verbs: of the shape on the screen, in per cent, and of the
colours of `inbetween` and `enlarge`, as the mean difference of patches in 0...255.
"""
import atexit
import fractions
import json
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import plain

house = pathlib.Path(__file__).resolve().parent.parent
parser = plain.Parser(__doc__).add("CLIPS", nargs="*", type=plain.existing).add("--frames", type=plain.count, default=16)
parser.add("--style", type=plain.existing, default=house / "Tests/Fixtures/violin.png").add("--keep")
parser.add("--atelier", default=house / "atelier")
options = parser.parse_args()
plain.need("numpy")
import numpy as np

if shutil.which("ffmpeg") is None or shutil.which("ffprobe") is None:
    plain.stop("ffmpeg is missing: install it (Debian's package ffmpeg), then run this again.", 69)
folder = pathlib.Path(options.keep or tempfile.mkdtemp())
if not options.keep:
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
with plain.writing(folder):
    folder.mkdir(exist_ok=True)

x264 = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", "12"]
x265 = ["-c:v", "libx265", "-x265-params", "log-level=none:crf=10", "-pix_fmt", "yuv420p10le", "-tag:v", "hvc1"]
hlg = ["-color_trc", "arib-std-b67", "-color_primaries", "bt2020", "-colorspace", "bt2020nc"]
tone_mapped = ("zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=tonemap=hable:desat=0,"
               "zscale=t=bt709:m=gbr:r=pc,format=gbrp")


def run(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True)
    if done.returncode:
        plain.stop(f"{words[0]} failed ({done.stderr.decode().strip().splitlines()[-1:]}): look at {folder}.", 65)
    return done.stdout


def ffmpeg(*words):
    return run("ffmpeg", "-v", "error", "-y", *words)


def probe(path, kind, entries):
    shown = run("ffprobe", "-v", "error", "-select_streams", f"{kind}:0", "-show_entries", entries, "-of", "json", path)
    return json.loads(shown)


def made():
    """Films like a phone's: a name, and the file."""
    uneven = "+".join(f"eq(mod(N,8),{i})*{t}" for i, t in enumerate([0, .04, .08, .11, .2, .21, .25, .31]))
    vary = f"settb=1/90000,setpts='(floor(N/8)*0.4+{uneven})/TB'"
    films = [
        ("turned by its header, 30 frames/s", "turned.mp4", 30, x264 + ["-c:a", "aac"], None),
        ("variable frame rate", "uneven.mp4", 30, ["-vf", vary, "-fps_mode", "passthrough"] + x264 + ["-c:a", "aac"], None),
        ("HDR (HLG), HEVC of 10 bits", "hdr.mov", 30, x265 + hlg + ["-c:a", "aac"], None),
        ("HEVC of 10 bits, six channels", "six.mp4", 60, x265 + ["-ac", "6", "-c:a", "aac"], None),
        ("sound 0.3 s late, 29.97 frames/s", "late.mp4", "30000/1001", x264 + ["-c:a", "aac"], 0.3),
    ]
    for name, file, rate, words, offset in films:
        path = folder / file
        seconds = float(options.frames / fractions.Fraction(rate))
        sound = f"aevalsrc='0.3*sin(2*PI*(200+900*t)*t)*lt(mod(t,0.2),0.1)':s=48000:d={seconds + 0.5}"
        ffmpeg("-f", "lavfi", "-i", f"testsrc2=s=128x96:r={rate}:d={seconds}", *(["-itsoffset", offset] if offset else []),
               "-f", "lavfi", "-i", sound, *words, "-shortest", path)
        if file == "turned.mp4":
            # The track's header has a matrix, in fixed point, before its sizes: a quarter clockwise.
            whole = bytearray(path.read_bytes())
            struct.pack_into(">6i", whole, whole.index(b"tkhd") + 44, 0, 1 << 16, 0, -1 << 16, 0, 0)
            path.write_bytes(whole)
        yield name, path


def cut():
    for clip in options.CLIPS:
        path = folder / clip.name
        seconds = times(clip)[0][:options.frames + 1][-1] - 0.001
        ffmpeg("-i", clip, "-t", seconds, "-map", "0:v:0", "-map", "0:a:0?", "-c", "copy", path)
        yield clip.name, path


def times(path):
    frames = probe(path, "v", "frame=best_effort_timestamp_time")["frames"]
    found = [float(frame["best_effort_timestamp_time"]) for frame in frames if "best_effort_timestamp_time" in frame]
    return np.array(found) - found[0], found[0]


def shape(path):
    """Width over height on the screen, by ffmpeg's own turning."""
    stream = probe(path, "v", "stream=width,height,sample_aspect_ratio:stream_side_data=rotation")["streams"][0]
    a, b = (stream.get("sample_aspect_ratio") or "1:1").replace("N/A", "1:1").split(":")
    ratio = stream["width"] / stream["height"] * (float(a) / float(b) if float(a) and float(b) else 1)
    turned = any(abs(side.get("rotation", 0)) % 180 == 90 for side in stream.get("side_data_list", []))
    return 1 / ratio if turned else ratio


def colours(path):
    """Patches of each frame: [frames, 16 · 16, 3]."""
    stream = probe(path, "v", "stream=height,color_space,color_transfer")["streams"][0]
    # Where a large film says nothing, it is BT.709.
    matrix = "bt709" if "color_space" not in stream and stream["height"] >= 720 else "auto"
    chain = f"{tone_mapped}," if stream.get("color_transfer") == "arib-std-b67" else ""
    raw = ffmpeg("-i", path, "-map", "0:v:0", "-fps_mode", "passthrough", "-vf",
                 f"{chain}scale=128:128:in_color_matrix={matrix},format=rgb24,scale=16:16:flags=area", "-f", "rawvideo",
                 "-pix_fmt", "rgb24", "-")
    return np.frombuffer(raw, np.uint8).reshape(-1, 256, 3).astype(float)


def sound(path, start):
    """Samples, 48,000 a second, from the first picture on; None without sound."""
    if not probe(path, "a", "stream=codec_name")["streams"]:
        return None
    raw = ffmpeg("-copyts", "-i", path, "-map", "0:a:0", "-af", "aresample=48000:async=1:min_hard_comp=0.01:first_pts=0",
                 "-ac", "1", "-f", "f32le", "-")
    return np.frombuffer(raw, np.float32)[max(0, round(start * 48000)):]


def lag(a, b):
    """Milliseconds by which b is late: where both are the most alike, within half a second."""
    n = 1 << (max(len(a), len(b)) * 2 - 1).bit_length()
    alike = np.fft.irfft(np.conj(np.fft.rfft(a, n)) * np.fft.rfft(b, n), n)
    near = np.concatenate([alike[-24000:], alike[:24000]])
    return (int(np.argmax(near)) - 24000) / 48


def verbs(path, small):
    size = ["--size", "128"]
    return {
        "restyle": ["restyle", path, "--style", options.style] + size,
        "inbetween": ["inbetween", path, "--quick"] + size,
        "animate": ["animate", options.style, "--with", path],
        "enlarge": ["enlarge", small, "--model", "waifu2x-photo"],
        "vary": ["vary", path] + size,
    }


def row(name, path):
    small = path
    if probe(path, "v", "stream=width")["streams"][0]["width"] > 256:
        small = folder / f"small-{path.name}"
        ffmpeg("-i", path, "-vf", "scale=160:-2", *(["-q:v", "2"] if path.suffix == ".avi" else ["-crf", "12"]),
               "-fps_mode", "passthrough", "-c:a", "copy", small)
    own, start = times(path)
    heard = sound(path, start)
    cells, shapes, shades = [], [], []
    for verb, words in verbs(path, small).items():
        out = folder / f"{path.stem}-{verb}.mp4"
        run(options.atelier, *words, "--out", out, "--force")
        new, begin = times(out)
        expected = own
        if verb == "inbetween":
            ends = np.append(own[1:], own[-1] + (probe_end(path, start) - own[-1]))
            expected = np.stack([own, (own + ends) / 2], 1).ravel()
        frames = f"{len(new)}" if len(new) == len(expected) else f"{len(new)} of {len(expected)}"
        cell = [frames, f"{1000 * np.abs(new - expected).max():.1f}" if len(new) == len(expected) else "—"]
        after = None if heard is None else sound(out, begin)
        cell.append("—" if after is None else f"{abs(lag(heard, after)):.0f}")
        cells.append(" · ".join(cell))
        if verb != "animate":
            shapes.append(abs(shape(out) / shape(path) - 1))
        if verb in ("inbetween", "enlarge"):
            a, b = colours(small if verb == "enlarge" else path), colours(out)[::2 if verb == "inbetween" else 1]
            shades.append(np.abs(a - b[:len(a)]).mean())
    print(f"| {name} | {len(own)} | " + " | ".join(cells) + f" | {100 * max(shapes):.1f} | {max(shades):.1f} |", flush=True)


def probe_end(path, start):
    """Seconds from the first frame until when the last one is shown."""
    found = probe(path, "v", "frame=best_effort_timestamp_time,pkt_duration_time,duration_time:stream=duration,start_time")
    own, _ = times(path)
    frame = found["frames"][-1]
    step = float(frame.get("pkt_duration_time", frame.get("duration_time", "nan")).replace("N/A", "nan"))
    stream = found["streams"][0]
    if "duration" in stream:
        end = float(stream.get("start_time", 0)) + float(stream["duration"]) - start
        if end > own[-1] + 0.2 * own[-1] / max(1, len(own) - 1):
            return end
    return own[-1] + (step if step == step else own[-1] / max(1, len(own) - 1))


print("| film | frames | `restyle` | `inbetween` | `animate` | `enlarge` | `vary` | shape, % | colour |")
print("|---|---|---|---|---|---|---|---|---|")
for name, path in [*cut(), *made()]:
    row(name, path)
