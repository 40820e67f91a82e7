"""Models by their name: from a Hub that the test starts, and without one."""

import os
import pathlib
import subprocess

import pytest

from filbert_command import FILBERT, open_terminal, environment, ok, run

STAND_IN = pathlib.Path(FILBERT).parent / "tests/parity/hub_stand_in"


class Hub:
    """The tests' Hub with `checkpoint` as its model org/tiny, and an empty cache."""

    def __init__(self, checkpoint, home):
        self.process = subprocess.Popen([STAND_IN, checkpoint], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.env = {"HF_ENDPOINT": self.process.stdout.readline().strip(), "HF_HOME": str(home), "HF_HUB_OFFLINE": "0"}
        self.cache = home / "hub"

    def requests(self):
        """How many since the last call."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return len(self.process.stdout.readline().split("\t")) - 1


@pytest.fixture
def hub(checkpoint, tmp_path):
    hub = Hub(checkpoint, tmp_path)
    yield hub
    hub.process.stdin.close()
    hub.process.wait()


def test_download_prints_the_directory(hub, checkpoint):
    directory = pathlib.Path(ok("download", "org/tiny", env=hub.env).text.strip())
    assert directory.parent == hub.cache / "models--org--tiny/snapshots"
    assert (directory / "model.safetensors").read_bytes() == (checkpoint / "model.safetensors").read_bytes()
    assert ok("download", "org/tiny", env=hub.env).text.strip() == str(directory)


def test_a_name_does_what_a_directory_does(hub, checkpoint):
    for command in (["classify", "--format", "json", "good"], ["tokenize", "good"]):
        assert ok(*command, "--model", "org/tiny", env=hub.env).out == ok(*command, "--model", checkpoint).out
    assert "BertForSequenceClassification" in ok("inspect", "org/tiny", env=hub.env).text


def test_a_name_is_verified_with_the_hashes_of_the_hub(hub):
    assert "hashes        4 of 4 files are those of the Hub" in ok("verify", "org/tiny", env=hub.env).text


def test_a_name_is_quantized_and_converted(hub, tmp_path):
    assert "org/tiny" in ok("quantize", "org/tiny", tmp_path / "int8", env=hub.env).text + (tmp_path / "int8/README.md").read_text()
    ok("convert", "org/tiny", tmp_path / "whole", env=hub.env)
    assert ok("classify", "--model", tmp_path / "whole", "good").out == ok("classify", "--model", "org/tiny", "good", env=hub.env).out
    assert not any(path.is_symlink() for path in (tmp_path / "whole").iterdir())


def test_a_commit_that_is_there_needs_no_network(hub):
    commit = pathlib.Path(ok("download", "org/tiny", env=hub.env).text.strip()).name
    hub.requests()
    ok("classify", "--model", "org/tiny", "--revision", commit, "good", env=hub.env)
    ok("classify", "--model", "org/tiny", "--local-files-only", "good", env=hub.env)
    assert hub.requests() == 0
    ok("classify", "--model", "org/tiny", "good", env=hub.env)
    assert hub.requests() == 1


def test_models_lists_the_cache(hub):
    nothing = run("models", env=hub.env)
    assert (nothing.code, nothing.out) == (0, b"") and "filbert download" in nothing.err
    directory = pathlib.Path(ok("download", "org/tiny", env=hub.env).text.strip())
    assert "org/tiny" in ok("models", env=hub.env).text and "main: can run" in ok("models", env=hub.env).text
    row, = ok("models", "--format", "json", env=hub.env).rows
    assert (row["repo_id"], row["refs"], row["cannot_run"]) == ("org/tiny", ["main"], None)
    (directory / "config.json").unlink()
    row, = ok("models", "--format", "json", env=hub.env).rows
    assert "config.json" in row["cannot_run"]


def test_another_cache_directory(hub, tmp_path):
    other = tmp_path / "other"
    assert ok("download", "org/tiny", "--cache-dir", other, env=hub.env).text.startswith(str(other))
    assert "org/tiny" in ok("models", "--cache-dir", other, env=hub.env).text


def test_what_is_not_there(hub):
    for words, parts in {("download", "org/none"): ["org/none", "no such model"],
                         ("download", "org/tiny", "--revision", "v9"): ["org/tiny", "v9"],
                         ("classify", "--model", "org/tiny", "--local-files-only", "good"): ["org/tiny", "cache"],
                         ("classify", "--model", "a/b/c", "good"): ["a/b/c", "directory"]}.items():
        result = run(*words, env=hub.env)
        assert (result.code, result.out) == (3, b""), result
        assert all(part in result.err for part in parts), result.err


def test_a_hub_out_of_reach():
    result = run("classify", "--model", "org/tiny", "good", env={"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HUB_OFFLINE": "0", "HF_HOME": "/nonexistent"})
    assert result.code == 6 and "org/tiny is not a directory" in result.err and "127.0.0.1" in result.err


def test_a_hub_out_of_reach_and_a_cache(hub):
    expected = ok("classify", "--model", "org/tiny", "good", env=hub.env).out
    result = run("classify", "--model", "org/tiny", "good", env=hub.env | {"HF_ENDPOINT": "http://127.0.0.1:9"})
    assert (result.code, result.out) == (0, expected)
    assert result.err.startswith("filbert: warning: ") and "cache" in result.err


def download_on_terminal(**variables):
    master, slave = open_terminal()
    done = subprocess.run([FILBERT, "download", "org/tiny"], env=environment(**variables), stdout=subprocess.PIPE, stderr=slave)
    os.close(slave)
    shown = b""
    try:
        while chunk := os.read(master, 65536):
            shown += chunk
    except OSError:  # how a terminal without a program on it says that there is no more
        pass
    os.close(master)
    assert done.returncode == 0
    return shown.decode()


def test_a_bar_on_a_terminal_and_nothing_left_of_it(hub):
    shown = download_on_terminal(**hub.env)
    assert "org/tiny: " in shown and "MB/s" in shown and shown.endswith("\r\x1b[K")
    assert all(len(line) <= 80 for line in shown.replace("\x1b[K", "").split("\r"))


@pytest.mark.parametrize("value, is_shown", [("1", False), ("on", False), ("True", False), ("0", True), ("false", True), ("", True)])
def test_the_bar_follows_the_variable_of_huggingface_hub(hub, value, is_shown):
    assert ("org/tiny" in download_on_terminal(**hub.env, HF_HUB_DISABLE_PROGRESS_BARS=value)) == is_shown
