"""`filbert serve` for the tests of its page."""

import json
import os
import pathlib
import subprocess
import threading

ROOT = pathlib.Path(__file__).parents[2]
FILBERT = os.environ.get("FILBERT", str(ROOT / "build/release/filbert"))


class Served:
    """A server on a port that is free, or on the one that is given. Use as a context manager."""

    def __init__(self, *options, port=0):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("FILBERT_")}
        self.process = subprocess.Popen([FILBERT, "serve", "--port", str(port), "--threads", "2", *options], stderr=subprocess.PIPE, env=environment, text=True)
        self.lines = []
        while True:
            line = self.process.stderr.readline()
            assert line, "filbert serve ended: " + "".join(self.lines)
            self.lines.append(line)
            said = json.loads(line)
            if said.get("message") == "listening":
                break
        self.url = said["url"] + "/"
        self.port = int(said["url"].rsplit(":", 1)[1])
        # Read on, so that the pipe never fills.
        self.log = threading.Thread(target=lambda: [None for _ in self.process.stderr], daemon=True)
        self.log.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.log.join()


def told(*words, stdin=None):
    """What the command says."""
    done = subprocess.run([FILBERT, *words], input=stdin, capture_output=True, text=True, check=True)
    return done.stdout
