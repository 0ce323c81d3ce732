"""The way from a clone to a first sheet of one's own, in a browser, by the mouse alone; a log with times.

    python3 Scripts/first_sheet.py PICTURES WORKSPACE [--minutes 3] [--count 100] [--screenshots FOLDER]

PICTURES is a folder of pictures, of which the first COUNT are taken; WORKSPACE a new folder. Starts `./atelier studio`, which sets up and
builds what is missing; then everything is a click where the mouse is moved to (W3C WebDriver's pointer), but for the
browser's own dialog for files, which a driver fills in. After so many minutes of training it clicks *Finish*. Needs chromedriver
(Debian's chromium-driver, which Scripts/setup --tests installs). Exit code 65 where the way ended before the gallery.
"""
import base64
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import plain

options = (
    plain.Parser(__doc__).add("PICTURES", type=plain.existing).add("WORKSPACE", type=pathlib.Path)
    .add("--minutes", type=float, default=3).add("--count", type=plain.count, default=100)
    .add("--screenshots", type=pathlib.Path).parse_args())
if options.WORKSPACE.exists():
    plain.stop(f"{options.WORKSPACE} is there already: name a new folder.", 73)
pictures = sorted(file for file in options.PICTURES.iterdir() if file.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp"))
if not pictures:
    plain.stop(f"{options.PICTURES} has no pictures: name a folder that has.", 66)
if not shutil.which("chromedriver"):
    plain.stop("chromedriver is missing: run apt-get install chromium-driver.", 69)
begun = time.time()


def log(words):
    passed = int(time.time() - begun)
    print(f"{passed // 60:3d} min {passed % 60:02d} s  {words}", flush=True)


class Mouse:
    """A browser in which only the pointer acts."""

    def __init__(self):
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, text=True)
        found = None
        while not found:
            line = self.driver.stdout.readline()
            if not line:
                plain.stop("chromedriver doesn't start.", 69)
            found = re.search(r"successfully on port (\d+)", line)
        self.address = f"http://127.0.0.1:{found[1]}"
        words = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1280,900"]
        session = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": {"args": words}}}})
        self.address += f"/session/{session['sessionId']}"

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            return json.load(urllib.request.urlopen(request, timeout=90))["value"]
        except urllib.error.HTTPError as error:
            fail(json.load(error)["value"]["message"].splitlines()[0])

    def see(self, script):
        return self.ask("POST", "/execute/sync", {"script": f"return {script}", "args": []})

    def wait(self, words, script, seconds=60):
        end = time.time() + seconds
        while not self.see(f"Boolean({script})"):
            if time.time() > end:
                fail(f"{words}: not after {seconds} s; the page says {self.see('document.body.innerText.slice(0, 300)')!r}")
            time.sleep(0.2)
        log(words)

    def find(self, selector):
        return self.ask("POST", "/element", {"using": "css selector", "value": selector})

    def click(self, selector):
        """Turns the wheel until it is in sight, moves there, and presses."""
        target = self.find(selector)
        self.ask("POST", "/execute/sync", {"script": "arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", "args": [target]})
        moves = [{"type": "pointerMove", "duration": 150, "origin": target, "x": 0, "y": 0},
                 {"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        self.ask("POST", "/actions", {"actions": [
            {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": moves}]})

    def choose(self, selector, files):
        [key] = (target := self.find(selector)).values()
        self.ask("POST", f"/element/{key}/value", {"text": "\n".join(map(str, files))})

    def picture(self, name):
        if options.screenshots:
            options.screenshots.mkdir(parents=True, exist_ok=True)
            (options.screenshots / f"{name}.png").write_bytes(base64.b64decode(self.ask("GET", "/screenshot")))

    def close(self):
        self.driver.terminate()


def fail(words):
    print(words, file=sys.stderr)
    if mouse:
        mouse.picture("failed")
        mouse.close()
    studio.terminate()
    sys.exit(65)


mouse = None
root = pathlib.Path(__file__).resolve().parent.parent
log("./atelier studio")
studio = subprocess.Popen([str(root / "atelier"), "studio", "--workspace", str(options.WORKSPACE)], stdout=subprocess.PIPE, text=True)
address = None
while not address:
    line = studio.stdout.readline()
    if not line:
        fail("the studio didn't open")
    address = re.search(r"http://\S+", line)
log("set up and built: the address is there")
mouse = Mouse()
mouse.ask("POST", "/url", {"url": address[0]})
mouse.wait("the start page", "document.querySelector('drop-zone form')")
mouse.choose("input[name=files]", [file.absolute() for file in pictures[:options.count]])
mouse.wait("the set's page", "location.pathname.startsWith('/sets/')", 300)
mouse.wait("its pictures were looked at", "document.querySelector('.notice') && !document.querySelector('[data-follow]')", 300)
mouse.picture("set")
mouse.click(".heading a.primary")
mouse.wait("the form to train", "document.querySelector('verb-form')")
mouse.click("verb-form button[type=submit]")
mouse.wait("the job", "location.pathname.startsWith('/jobs/')")
mouse.wait("first samples", "document.querySelector('[data-part=sheet]').naturalWidth > 0", 300)
time.sleep(60 * options.minutes)
mouse.picture("training")
mouse.wait("Finish can be clicked", "document.querySelector('[data-act=finish]')", 300)
mouse.click("[data-act=finish]")
mouse.wait("it has ended", "document.querySelector('[data-part=state]').dataset.state === 'done'", 900)
mouse.picture("trained")
mouse.click("[data-part=generate]")
mouse.wait("the form to generate", "document.querySelector('#f-run')?.value.startsWith('run:')")
mouse.click("verb-form button[type=submit]")
mouse.wait("sixteen pictures", "[...document.querySelectorAll('[data-part=made] img')].filter(i => i.naturalWidth > 0).length === 16", 300)
mouse.picture("made")
mouse.click("nav a[href='/gallery']")
mouse.wait("the gallery", "document.querySelectorAll('.tile img').length >= 16")
time.sleep(1)
mouse.picture("gallery")
mouse.close()
studio.terminate()
log("done")
