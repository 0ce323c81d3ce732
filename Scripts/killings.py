"""kill -9 of the studio, of its runs, and of both, at random moments of trainings and films.

    python3 Scripts/killings.py FOLDER [--times 20] [--studio PROGRAM] [--atelier PROGRAM]

FOLDER is a new folder for the workspace. After each kill the studio is opened again; the job has to go on from where it was saved, and
end by itself or by one retry. Meanwhile the database is copied as it is, as a backup would: each copy has to open. Prints a line
a kill, then what was found; the exit code is 65 where something was lost. Only Python's own library is needed.
"""
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import plain
import plain_studio as studio

built = studio.HOUSE / ".build" / "debug"
options = (
    plain.Parser(__doc__).add("FOLDER").add("--times", type=plain.count, default=20)
    .add("--studio", default=str(built / "atelier-studio")).add("--atelier", default=str(built / "atelier"))
    .parse_args())
workspace = pathlib.Path(options.FOLDER).absolute()
if workspace.exists():
    plain.stop(f"{workspace} is there already: name a new folder.", 73)
workspace.mkdir(parents=True)
lost, copies, is_over = [], [], False


def copy_database():
    while not is_over:
        target = pathlib.Path(f"{workspace}-copies/{len(copies)}/studio")
        target.mkdir(parents=True)
        for ending in ("", "-wal"):
            try:
                shutil.copyfile(f"{workspace}/studio/catalogue.sqlite{ending}", target / f"catalogue.sqlite{ending}")
            except FileNotFoundError:
                pass
        copies.append(target.parent)
        time.sleep(random.uniform(0.3, 3))


house = studio.Studio(workspace, options.studio, options.atelier)
house.until(lambda: house.get("/api/models"))
pictures = house.make_set(24)
emoji = next(model["id"] for model in house.get("/api/models") if model["name"] == "emoji")
threading.Thread(target=copy_database, daemon=True).start()


def job(id):
    return house.get(f"/api/jobs/{id}")


def seen(id):
    return (job(id).get("reading") or {}).get("picturesSeen", 0)


def finish(id, seconds=300):
    """To its end; what was set aside after two failures is retried, as a person would by one click."""
    def is_done():
        state = job(id)["state"]
        if state == "setAside":
            house.post(f"/api/jobs/{id}/retry")
        return state in ("done", "refused", "stopped")
    return house.until(is_done, seconds) and job(id)["state"] == "done"


training = house.train(pictures, seen=400_000)
house.until(lambda: job(training)["saved"] > 0, 120)
for number in range(options.times):
    is_film = number % 4 == 3
    id = training
    if is_film:
        # Beside the training: it is held, so that the film has the place.
        house.post(f"/api/jobs/{training}/pause") if job(training)["state"] in ("running", "waiting", "starting") else None
        values = {"run": [f"model:{emoji}"], "seeds": ["1,2,3"], "seconds": ["20"], "size": ["256"]}
        id = house.post("/api/jobs", {"verb": "film", "values": values})["id"]
        house.until(lambda: job(id)["state"] == "running", 60)
    time.sleep(random.uniform(0.05, 4))
    victims = random.choice([["server"], ["run"], ["server", "run"], ["server", "run", "supervisor"]])
    before, state = seen(training), job(id)["state"]
    for name, file in (("run", "process"), ("supervisor", "supervisor")):
        pid = house.process_of(id, file) if name in victims else None
        try:
            os.kill(pid, signal.SIGKILL) if pid else None
        except ProcessLookupError:
            pass
    if "server" in victims:
        house.kill()
        house.start()
    if is_film:
        if not finish(id):
            lost.append(f"kill {number + 1}: the film ended as {job(id)['state']}: {job(id).get('reason')}")
        house.post(f"/api/jobs/{training}/go-on") if job(training)["state"] in ("paused", "held") else None
    elif state != "done":
        def goes_on():
            state = job(training)["state"]
            if state == "setAside":
                house.post(f"/api/jobs/{training}/retry")
            return state == "done" or seen(training) > before
        if not house.until(goes_on, 180):
            lost.append(f"kill {number + 1}: the training doesn't go on from {before:.0f}: {job(training)['state']}")
    print(f"kill {number + 1}: {' and '.join(victims)} during {'a film' if is_film else f'a training at {before:.0f} pictures'}", flush=True)
    if not is_film and job(training)["state"] == "done":
        training = house.train(pictures, seen=400_000)
        house.until(lambda: job(training)["saved"] > 0, 120)

is_over = True
house.post(f"/api/jobs/{training}/stop")
house.until(lambda: job(training)["state"] in ("stopped", "done"), 60)
run = job(training)["run"]
for checkpoint in house.get(f"/api/runs/{run}")["checkpoints"]:
    if not checkpoint["isWhole"]:
        lost.append(f"{checkpoint['path']} isn't whole")
for finding in house.get("/api/doctor"):
    # What was being written when it was killed is told, and harmless.
    if finding["kind"] != "leftover":
        lost.append(finding["sentence"])
torn = 0
for copy in copies:
    try:
        with sqlite3.connect(copy / "studio" / "catalogue.sqlite") as database:
            torn += database.execute("PRAGMA integrity_check").fetchone()[0] != "ok"
    except sqlite3.DatabaseError:
        torn += 1
    opened = subprocess.run(
        [options.studio, "doctor", "--workspace", copy, "--atelier", options.atelier], capture_output=True, text=True)
    if opened.returncode:
        lost.append(f"the copy {copy} doesn't open: {opened.stderr.strip()}")
house.kill()
print(f"{options.times} kills, {len(copies)} copies of the database ({torn} torn: opening makes such a one anew)")
for sentence in lost:
    print(sentence)
sys.exit(65 if lost else 0)
