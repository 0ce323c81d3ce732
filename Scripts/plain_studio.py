"""What the scripts about the studio share: the built server, and a client that was let in.

    import plain_studio

A module, which does nothing by itself. Only Python's own library.
"""
import http.client
import json
import os
import pathlib
import signal
import subprocess
import time
import urllib.parse

import plain

HOUSE = pathlib.Path(__file__).resolve().parent.parent


class Studio:
    def __init__(self, workspace, program, atelier):
        self.workspace, self.program, self.atelier = str(workspace), str(program), str(atelier)
        self.cookie = None
        self.start()

    def start(self):
        words = [self.program, "serve", "--workspace", self.workspace, "--atelier", self.atelier, "--json"]
        self.process = subprocess.Popen(
            words, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
        line = self.process.stdout.readline()
        if not line:
            plain.stop("the studio didn't open.", 69)
        address = urllib.parse.urlparse(json.loads(line)["address"])
        self.port = address.port
        if not self.cookie:
            connection = http.client.HTTPConnection("127.0.0.1", self.port)
            connection.request("GET", f"{address.path}?{address.query}")
            self.cookie = connection.getresponse().getheader("Set-Cookie").split(";")[0]

    def held(self):
        """What the server holds: memory in MB, threads, open files."""
        process = pathlib.Path(f"/proc/{self.process.pid}")
        facts = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
        return int(facts["VmRSS"].split()[0]) / 1024, int(facts["Threads"]), len(list((process / "fd").iterdir()))

    def kill(self):
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def ask(self, method, path, body=None, connection=None):
        connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
        fields = {"Cookie": self.cookie, **({} if method == "GET" else {"Content-Type": kind})}
        connection.request(method, path, data, fields)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:200].decode(errors='replace')}")
        return json.loads(text)

    def get(self, path):
        return self.ask("GET", path)

    def post(self, path, body=None):
        return self.ask("POST", path, body or {})

    def until(self, is_so, seconds=120):
        end = time.time() + seconds
        while time.time() < end:
            if is_so():
                return True
            time.sleep(0.1)
        return False

    def make_set(self, count):
        folder = HOUSE / "Examples" / "emoji"
        made = self.post("/api/sets", {"name": "faces"})["id"]
        for file in sorted(folder.glob("*.png"))[:count]:
            self.ask("POST", f"/api/sets/{made}/pictures?name={file.name}", file.read_bytes())
        self.post(f"/api/sets/{made}/done")
        return made

    def train(self, pictures, minutes="1000", seen=None):
        values = {"pictures": [f"set:{pictures}"], "recipe": ["dcgan"], "size": ["32"], "no-best": ["true"],
                  "save-every": ["0.05"], "set.batch": ["4"], "set.width": ["4"]}
        values |= {"pictures-seen": [str(seen)]} if seen else {"minutes": [minutes]}
        return self.post("/api/jobs", {"verb": "train", "values": values})["id"]

    def process_of(self, job, name="process"):
        """The number of a job's newest process; None where it has none."""
        attempts = pathlib.Path(self.workspace, "jobs", job, "attempts")
        for attempt in sorted(attempts.glob("*"), key=lambda folder: -int(folder.name)):
            file = attempt / f"{name}.json"
            return json.loads(file.read_text())["pid"] if file.exists() else None
        return None


if __name__ == "__main__":
    plain.Parser(__doc__).parse_args()
