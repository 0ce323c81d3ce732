"""How the studio bears a large gallery and many pages.

    python3 Scripts/studio_load.py FOLDER [--pictures 50000] [--seconds 60] [--studio PROGRAM] [--atelier PROGRAM]

FOLDER is a new folder for the workspace. Measures the first reading of the files, a page of the gallery at its beginning and deep in it, a search,
and then for so many seconds 50 streams of events and 200 requests a second beside a training, whose speed it compares with that before.
On Linux also what the server holds meanwhile: `--seconds 3600` is a soak. Prints each figure; the exit code is 65 where a request failed. Only
Python's own library is needed.
"""
import http.client
import pathlib
import struct
import sys
import threading
import time
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import plain
import plain_studio as studio

built = studio.HOUSE / ".build" / "debug"
options = (
    plain.Parser(__doc__).add("FOLDER").add("--pictures", type=plain.count, default=50_000)
    .add("--seconds", type=plain.count, default=60)
    .add("--studio", default=str(built / "atelier-studio")).add("--atelier", default=str(built / "atelier"))
    .parse_args())
workspace = pathlib.Path(options.FOLDER).absolute()
if workspace.exists():
    plain.stop(f"{workspace} is there already: name a new folder.", 73)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def picture(seed):
    """A PNG of 64 × 64 in one colour, with the words that `generate` writes."""
    row = bytes([0]) + bytes([seed * 7 % 256, seed * 13 % 256, seed * 29 % 256]) * 64
    words = [("Software", "Atelier"), ("Seed", str(seed)), ("Run", f"run-{seed % 20}"), ("Recipe", ["r3gan", "dcgan"][seed % 2])]
    text = b"".join(chunk(b"tEXt", f"{key}\0{value}".encode()) for key, value in words)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + text + chunk(b"IDAT", zlib.compress(row * 64)) + chunk(b"IEND", b"")


for number in range(0, options.pictures, 500):
    folder = workspace / "jobs" / f"20260101-000000-{number // 500:06x}"
    (folder / "made").mkdir(parents=True)
    (folder / "job.json").write_text(
        f'{{"arguments":[],"forgiven":0,"form":{{}},"id":"{folder.name}","isAdopted":true,"made":"2026-01-01T00:00:00Z",'
        f'"order":{number},"verb":["generate"],"wish":"run"}}')
    for seed in range(number, min(number + 500, options.pictures)):
        (folder / "made" / f"seed-{seed:06d}.png").write_bytes(picture(seed))
start = time.time()
house = studio.Studio(workspace, options.studio, options.atelier)
print(f"open after {time.time() - start:.2f} s")
house.until(lambda: house.get("/api/pictures?limit=1")["total"] == options.pictures, 600)
print(f"{options.pictures:,} pictures read after {time.time() - start:.1f} s")


def times(path, count=20):
    spent = []
    for _ in range(count):
        begun = time.time()
        house.get(path)
        spent.append(1000 * (time.time() - begun))
    return f"{sorted(spent)[count // 2]:.0f} ms (the slowest of {count}: {max(spent):.0f})"


print("gallery, first page of 200:", times("/api/pictures?limit=200"))
print("gallery, deep:", times(f"/api/pictures?limit=200&offset={options.pictures - 300}"))
print("search for a word:", times("/api/pictures?limit=200&words=r3gan"))
print("search for a word and a seed:", times("/api/pictures?limit=200&words=dcgan%2041"))
set_id = house.make_set(24)
training = house.train(set_id)
house.until(lambda: "reading" in house.get(f"/api/jobs/{training}"), 120)


def speed(seconds):
    """Pictures a second of the training, over so many seconds."""
    def reading():
        reading = house.get(f"/api/jobs/{training}")["reading"]
        return reading["picturesSeen"], reading["seconds"]
    time.sleep(3)
    seen, begun = reading()
    time.sleep(seconds)
    more, ended = reading()
    return (more - seen) / max(0.001, ended - begun)


before = speed(min(20, options.seconds))
failures, answers, heard, is_over = [], [], [0] * 50, threading.Event()


def listen(number):
    try:
        connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=30)
        connection.request("GET", "/api/events", headers={"Cookie": house.cookie})
        stream = connection.getresponse()
        while not is_over.is_set():
            heard[number] += stream.readline().startswith(b"event: job")
    except OSError as error:
        failures.append(f"stream {number}: {error}")


def request(number):
    paths = ["/api/jobs", "/api/pictures?limit=50", "/api/runs", "/api/pictures?words=r3gan&limit=20", "/api/sets"]
    connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=30)
    at = 0
    while not is_over.is_set():
        begun = time.time()
        try:
            house.ask("GET", paths[at % len(paths)], connection=connection)
            answers.append(time.time() - begun)
        except (OSError, RuntimeError, http.client.HTTPException) as error:
            failures.append(f"request {at} of {number}: {error}")
            connection = http.client.HTTPConnection("127.0.0.1", house.port, timeout=30)
        at += 1
        time.sleep(max(0, 0.1 - (time.time() - begun)))


threads = [threading.Thread(target=listen, args=(number,), daemon=True) for number in range(50)]
threads += [threading.Thread(target=request, args=(number,), daemon=True) for number in range(20)]
begun = time.time()
for thread in threads:
    thread.start()


def watch():
    """A line of what the server holds, ten times."""
    for _ in range(10):
        held = house.held()
        print(f"server after {time.time() - begun:.0f} s: {held[0]:.0f} MB, {held[1]} threads, {held[2]} files", flush=True)
        is_over.wait(options.seconds / 10)


if pathlib.Path("/proc/self/status").exists():
    threading.Thread(target=watch, daemon=True).start()
beside = speed(options.seconds)
spent = time.time() - begun
is_over.set()
# A machine that others share is faster now and slower then.
alone = (before + speed(min(20, options.seconds))) / 2
house.post(f"/api/jobs/{training}/stop")
slow = sorted(answers)
print(f"{len(answers) / spent:.0f} requests a second for {spent:.0f} s: median {1000 * slow[len(slow) // 2]:.0f} ms,"
      f" 99 % within {1000 * slow[len(slow) * 99 // 100]:.0f} ms; {len(failures)} failed")
print(f"50 streams heard {min(heard)} to {max(heard)} events each")
print(f"training: {alone:.0f} pictures a second alone, {beside:.0f} beside them ({100 * (beside / alone - 1):+.1f} %)")
house.until(lambda: house.get(f"/api/jobs/{training}")["state"] in ("stopped", "done"), 60)
house.kill()
for failure in failures[:10]:
    print(failure)
sys.exit(65 if failures else 0)
