"""One running server with a classifier, a re-ranker and a model that labels tokens, for the clients that people use. tools/run_clients has the packages."""

import json
import os
import pathlib
import subprocess
import sys
import threading

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILBERT = os.path.abspath(os.environ.get("FILBERT", ROOT / "build/release/filbert"))
sys.path.insert(0, str(ROOT / "tests/cli"))
import tiny_checkpoint  # noqa: E402


class Server:
    def __init__(self, *options):
        words = [FILBERT, "serve", "--port", "0", *map(str, options)]
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=os.environ | {"HF_HUB_OFFLINE": "1"})
        self.url = None
        for line in self.process.stderr:
            event = json.loads(line)
            if "url" in event:
                self.url = event["url"]
                break
        if self.url is None:
            raise RuntimeError(f"filbert serve ended with {self.process.wait()} before it listened")
        self.host = self.url.removeprefix("http://")
        threading.Thread(target=self.process.stderr.read, daemon=True).start()  # a full pipe would lose its log

    def end(self):
        self.process.terminate()
        assert self.process.wait(timeout=30) == 0


def classify(model, *texts, text_pair=None, options=()):
    """What the command says of texts: the same numbers that every dialect has to have."""
    words = [FILBERT, "classify", "--format", "json", "--model", str(model), *options]
    words += ["--text-pair", text_pair] if text_pair is not None else []
    done = subprocess.run([*words, "--", *texts], capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def entities(model, text, *options):
    """The same of entities."""
    done = subprocess.run([FILBERT, "entities", "--format", "json", "--model", str(model), *options, "--", text], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["entities"]


STARS = ROOT / "models/stars-en"


@pytest.fixture(scope="session")
def reranker(tmp_path_factory):
    return tiny_checkpoint.write_checkpoint(tmp_path_factory.mktemp("reranker"), id2label={"0": "LABEL_0"}, label2id={"LABEL_0": 0})


@pytest.fixture(scope="session")
def finder(tmp_path_factory):
    return tiny_checkpoint.write_entities_checkpoint(tmp_path_factory.mktemp("finder"))


@pytest.fixture(scope="session")
def server(reranker, finder):
    running = Server("--model", f"stars={STARS}", "--model", f"rank={reranker}", "--model", f"names={finder}")
    yield running
    running.end()
