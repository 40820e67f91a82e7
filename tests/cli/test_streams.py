"""Terminals, pipes that close, disks that are full."""

import os
import select
import subprocess
import time

import pytest

from filbert_command import FILBERT, environment, open_terminal, run


class Terminal:
    """A process whose streams are a terminal, or some of them."""

    def __init__(self, *words, stdin=None, stdout=None, stderr=None, **env):
        self.master, slave = open_terminal()
        self.process = subprocess.Popen([FILBERT, *map(str, words)], stdin=slave if stdin is None else stdin,
                                        stdout=slave if stdout is None else stdout, stderr=slave if stderr is None else stderr,
                                        env=environment(TERM="xterm", **env), start_new_session=True)
        os.close(slave)

    def read(self, until=None, timeout=20):
        """What arrives up to `until`, or to the end."""
        data, deadline = b"", time.monotonic() + timeout
        while until is None or until not in data:
            if not select.select([self.master], [], [], max(0, deadline - time.monotonic()))[0]:
                pytest.fail(f"waited for {until!r}, found {data!r}")
            try:
                chunk = os.read(self.master, 65536)
            except OSError:  # EIO: the other side is closed
                chunk = b""
            if not chunk:
                break
            data += chunk
        return data.replace(b"\r\n", b"\n").decode()

    def type(self, text):
        os.write(self.master, text.encode())

    def end(self):
        self.process.wait(20)
        os.close(self.master)
        return self.process.returncode


def on_terminal(*words, **streams):
    terminal = Terminal(*words, **streams)
    text = terminal.read()
    return terminal.end(), text


def test_the_best_label_is_bold_on_a_terminal_only(checkpoint):
    plain = run("classify", "--model", checkpoint, "good").text
    code, text = on_terminal("classify", "--model", checkpoint, "good")
    assert code == 0
    assert text.count("\033[1m") == 1
    assert text.replace("\033[1m", "").replace("\033[0m", "") == plain
    assert "\033" not in plain


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colours_can_be_refused(checkpoint, env):
    terminal = Terminal("classify", "--model", checkpoint, "good", **({"NO_COLOR": "1"} if "NO_COLOR" in env else {}))
    if "TERM" in env:
        terminal.read(), terminal.end()
        master, slave = open_terminal()
        process = subprocess.run([FILBERT, "classify", "--model", checkpoint, "good"], stdout=slave, env=environment(TERM="dumb"), check=True)
        os.close(slave)
        assert process.returncode == 0 and b"\033" not in os.read(master, 65536)
        os.close(master)
    else:
        assert "\033" not in terminal.read()
        assert terminal.end() == 0


def test_standard_input_from_a_terminal_is_announced_and_answered_line_by_line(checkpoint):
    terminal = Terminal("classify", "--model", checkpoint, NO_COLOR="1")
    assert terminal.read(b"\n") == "filbert: reading standard input, a text a line; Ctrl-D ends it\n"
    for text in ["good", "bad"]:
        terminal.type(text + "\n")
        assert f"text: {text}\n" in terminal.read(b"5 stars:\t0.")
    terminal.type("\x04")
    terminal.read()
    assert terminal.end() == 0


def test_answers_to_a_terminal_come_with_their_warnings(checkpoint):
    read_end, write_end = os.pipe()
    os.write(write_end, b"good\nbad film\ngood\n")
    os.close(write_end)
    terminal = Terminal("classify", "--model", checkpoint, "--format", "json", "--max-length", "3", stdin=read_end, NO_COLOR="1")
    os.close(read_end)
    lines = terminal.read().split("\n")
    assert terminal.end() == 0
    assert [line[:16] for line in lines] == ['{"text": "good",', '{"text": "bad fi', "filbert: warning", '{"text": "good",', ""]


def test_text_cannot_drive_the_terminal(checkpoint):
    nasty = "a\033]0;title\007b\u009bc\x08\x7fd\re"
    code, text = on_terminal("classify", "--model", checkpoint, nasty, NO_COLOR="1")
    assert code == 0
    assert text.startswith("text: a\\x1b]0;title\\x07b\\x9bc\\x08\\x7fd\\x0de\n")
    assert run("classify", "--model", checkpoint, nasty).text.startswith(f"text: {nasty}\n")
    code, text = on_terminal("tokenize", "--model", checkpoint, "--format", "text", nasty, NO_COLOR="1")
    assert code == 0 and not set(text) & set("\033\007\u009b\x08\x7f\r")


def test_errors_are_red_on_a_terminal(tmp_path):
    terminal = Terminal("classify", "--model", tmp_path / "none", "good")
    assert terminal.read().startswith("\033[1;31mfilbert: \033[0m")
    assert terminal.end() == 3


def test_help_has_headings_in_bold_on_a_terminal():
    code, text = on_terminal("--help")
    assert code == 0 and "\033[1mUsage:\033[0m" in text


@pytest.mark.parametrize("stdin", [b"good\n" * 50000, b"good\n" * 3], ids=["many", "few"])
def test_a_reader_that_goes_away_is_no_error(checkpoint, stdin):
    with subprocess.Popen([FILBERT, "classify", "--model", checkpoint, "--format", "json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=environment()) as process:
        process.stdout.close()
        try:
            process.stdin.write(stdin)
            process.stdin.close()
        except BrokenPipeError:
            pass
        assert process.stderr.read() == b""
        assert process.wait(20) == 0


def test_head_ends_a_long_run(checkpoint):
    command = f"yes 'good film' | '{FILBERT}' classify --model '{checkpoint}' --format json | head -n 2"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command + '; echo "${PIPESTATUS[1]}"'], env=environment(), timeout=30, capture_output=True)
    lines = done.stdout.decode().split("\n")
    assert len(lines) == 4 and lines[2] == "0" and done.stderr == b""


@pytest.mark.parametrize("words", [["classify", "good"], ["classify", "--format", "json", "good"], ["tokenize", "good"], ["inspect"], ["--help"],
                                   ["--version"], ["classify", "--help"], ["completion", "bash"]])
def test_a_full_disk_is_an_error(checkpoint, words):
    with open("/dev/full", "wb") as full:
        result = run(*words, stdout=full, env={"FILBERT_MODEL": str(checkpoint)})
    assert (result.code, result.err) == (1, "filbert: cannot write to standard output: No space left on device\n")


def test_a_full_disk_ends_a_long_run_at_once(checkpoint):
    command = f"yes 'good film' | '{FILBERT}' classify --model '{checkpoint}' > /dev/full"
    done = subprocess.run(["bash", "-c", command], env=environment(), timeout=30, capture_output=True)
    assert done.returncode == 1 and done.stderr.count(b"\n") == 1


def test_streams_that_are_closed(checkpoint):
    def shell(redirection):
        return subprocess.run(["bash", "-c", f"'{FILBERT}' classify --model '{checkpoint}' {redirection}"], env=environment(), timeout=30,
                              stdin=subprocess.DEVNULL, capture_output=True)

    done = shell("good >&-")
    assert (done.returncode, done.stderr) == (1, b"filbert: cannot write to standard output: Bad file descriptor\n")
    done = shell("<&-")
    assert (done.returncode, done.stdout) == (1, b"") and b"cannot read standard input" in done.stderr
    done = shell("good --max-length 3 2>&-")
    assert done.returncode == 0 and done.stdout.startswith(b"text: good\n")
    done = shell("< /")
    assert (done.returncode, done.stderr) == (1, b"filbert: cannot read standard input: Is a directory\n")


def test_memory_stays_bounded(checkpoint):
    read_end, write_end = os.pipe()
    process = subprocess.Popen([FILBERT, "classify", "--model", checkpoint, "--format", "json"], stdin=read_end, stdout=subprocess.DEVNULL,
                               env=environment(ASAN_OPTIONS="quarantine_size_mb=8"))  # a sanitized build keeps what is freed
    os.close(read_end)
    with os.fdopen(write_end, "wb") as stream:
        for _ in range(500):
            stream.write(b"very good film\n" * 1000)  # half a million answers: 300 MB
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    assert usage.ru_maxrss < 200_000  # KiB
