"""Runs the command as a user's script does: a process, its streams and its exit code."""

import dataclasses
import json
import os
import pathlib
import pty
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILBERT = os.path.abspath(os.environ.get("FILBERT", ROOT / "build/release/filbert"))


@dataclasses.dataclass
class Result:
    code: int
    out: bytes
    err: str

    @property
    def text(self):
        return self.out.decode()

    @property
    def rows(self):
        """The JSON objects of the output, one a line; NaN and the like are no JSON."""
        return [json.loads(line, parse_constant=pytest.fail) for line in self.out.decode().split("\n")[:-1]]


def environment(**changes):
    clean = {key: value for key, value in os.environ.items() if not key.startswith("FILBERT_") and key != "NO_COLOR"}
    return clean | {"HF_HUB_OFFLINE": "1"} | changes  # no slip of a test asks the real Hub


def run(*words, stdin=b"", env=None, timeout=60, **streams):
    if isinstance(stdin, str):
        stdin = stdin.encode()
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
    done = subprocess.run([FILBERT, *map(os.fspath, words)], input=stdin, env=environment(**(env or {})), timeout=timeout, **streams)
    return Result(done.returncode, done.stdout or b"", (done.stderr or b"").decode())


def ok(*words, **streams):
    """As run(), for what must succeed and say nothing beside."""
    result = run(*words, **streams)
    assert (result.code, result.err) == (0, ""), result
    return result


def open_terminal():
    """Two descriptors, the terminal's side of a person and that of a program; skips the test where there are none to be had."""
    try:
        return pty.openpty()
    except OSError as error:
        pytest.skip(f"no pseudo-terminal here: {error}")
