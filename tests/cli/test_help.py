"""--help, --version and shell completion."""

import os
import re
import select
import shutil
import subprocess

import pytest

from filbert_command import FILBERT, environment, ok, open_terminal, run

COMMANDS = ["classify", "entities", "evaluate", "calibrate", "drift", "explain", "attention", "index", "similar", "tokenize", "inspect", "verify", "quantize",
            "convert", "prune-vocab", "download", "models", "serve", "bench", "completion"]


def help_of(*words):
    text = ok(*words).text
    assert all(len(line) <= 80 for line in text.split("\n")), text
    assert text.endswith("\n") and not text.endswith("\n\n")
    return text


def test_program_help_lists_every_command_with_examples_and_exit_codes():
    text = help_of("--help")
    assert all(re.search(rf"^  {command}  ", text, re.M) for command in COMMANDS)
    assert "Examples:\n  filbert classify " in text
    assert "2 invalid argument 3 not found 4 unsupported 5 corrupt" in " ".join(text.split())
    assert text == help_of("-h") == help_of("help")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_examples(command):
    text = help_of(command, "--help")
    assert f"Usage:\n  filbert {command}" in text
    assert "Examples:\n  " in text and f"filbert {command}" in text.split("Examples:")[1]
    assert text == help_of(command, "-h") == help_of("help", command)


def test_options_are_aligned():
    for command in COMMANDS:
        lines = help_of(command, "--help").split("Options:\n")[1].split("\n\n")[0].split("\n")
        columns = {re.match(r"  (?:-h, )?--[\w-]+(?: \S+)?  +", line).end() for line in lines if re.search(r"\S  +\w", line)}
        columns |= {re.match(" *", line).end() for line in lines if line.startswith("     ")}
        assert len(columns) == 1, lines


def test_the_issue_lists_these_options():
    text = help_of("classify", "--help")
    for option in ["--text-pair TEXT", "--model DIR", "--top-k N", "--function-to-apply softmax|sigmoid|none", "--max-length N", "--threads N",
                   "--format text|json", "--input-format lines|jsonl"]:
        assert option in text


def test_help_after_other_options_and_not_after_two_dashes(checkpoint):
    assert "Usage:" in help_of("classify", "good", "--top-k", "1", "--help")
    assert ok("classify", "--model", checkpoint, "--", "--help").text.startswith("text: --help\n")


def test_version():
    assert re.fullmatch(r"filbert \d+\.\d+\.\d+\nkernels: scalar.*\n", ok("--version").text)
    assert ok("-V").text == ok("--version").text


@pytest.fixture(scope="session")
def bash_script(tmp_path_factory):
    path = tmp_path_factory.mktemp("completion") / "filbert.bash"
    path.write_text(ok("completion", "bash").text)
    return path


def complete(script, *words, cwd=None):
    """What bash offers for the last of `words`, split as readline splits them."""
    listed = " ".join(f"'{word}'" for word in words)
    program = f"source '{script}'; COMP_WORDS=({listed}); COMP_CWORD={len(words) - 1}; _filbert; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = subprocess.run(["bash", "--norc", "-c", program], capture_output=True, cwd=cwd, check=True)
    assert done.stderr == b""
    return done.stdout.decode().split()


def test_bash_accepts_the_script(bash_script):
    subprocess.run(["bash", "-n", bash_script], check=True)


@pytest.mark.parametrize("words, offers", [
    (["filbert", "cl"], ["classify"]),
    (["filbert", ""], [*COMMANDS, "--help", "--version"]),
    (["filbert", "--v"], ["--version"]),
    (["filbert", "classify", "--fo"], ["--format"]),
    (["filbert", "classify", "--format", ""], ["text", "json"]),
    (["filbert", "classify", "--format", "=", "j"], ["json"]),
    (["filbert", "classify", "--format", "="], ["text", "json"]),
    (["filbert", "classify", "--function-to-apply", "s"], ["softmax", "sigmoid"]),
    (["filbert", "classify", "--top-k", ""], []),
    (["filbert", "tokenize", "--offset-unit", ""], ["code_points", "bytes", "utf16"]),
    (["filbert", "tokenize", "--no"], ["--no-add-special-tokens"]),
    (["filbert", "completion", ""], ["bash", "zsh"]),
    (["filbert", "unknown", ""], []),
])
def test_bash_completes(bash_script, words, offers):
    assert complete(bash_script, *words) == offers


def test_bash_completes_every_option_that_help_lists(bash_script):
    for command in COMMANDS:
        listed = set(re.findall(r"^  (?:-h, )?(--[\w-]+)", help_of(command, "--help"), re.M))
        assert set(complete(bash_script, "filbert", command, "--")) == listed


def test_bash_completes_directories(bash_script, tmp_path):
    (tmp_path / "checkpoint").mkdir()
    (tmp_path / "chart.txt").write_text("")
    for words in [["inspect", "ch"], ["classify", "--model", "ch"], ["tokenize", "--model", "=", "ch"]]:
        assert complete(bash_script, "filbert", *words, cwd=tmp_path) == ["checkpoint"]


def test_bash_completes_files(bash_script, tmp_path):
    (tmp_path / "rows.jsonl").write_text("")
    assert complete(bash_script, "filbert", "bench", "--ids", "ro", cwd=tmp_path) == ["rows.jsonl"]
    assert complete(bash_script, "filbert", "bench", "ro", cwd=tmp_path) == []


@pytest.mark.parametrize("typed, offers", [
    ("filbert cl", "classify"), ("filbert ", "tokenize"), ("filbert classify --format=", "json"), ("filbert classify --format ", "json"),
    ("filbert tokenize --no-a", "add-special-tokens"), ("filbert completion ", "bash"), ("filbert inspect check", "point/"),
    ("filbert bench --ids ro", "ws.jsonl"), ("filbert bench --re", "peat"),
])
def test_zsh_completes(tmp_path, typed, offers):
    zsh = shutil.which("zsh")
    if not zsh:
        pytest.skip("zsh is not installed")
    (tmp_path / "_filbert").write_text(ok("completion", "zsh").text)
    (tmp_path / "checkpoint").mkdir()
    (tmp_path / "rows.jsonl").write_text("")
    subprocess.run([zsh, "-n", tmp_path / "_filbert"], check=True)
    master, slave = open_terminal()
    shell = subprocess.Popen([zsh, "-f", "-i"], stdin=slave, stdout=slave, stderr=slave, cwd=tmp_path, start_new_session=True,
                             env=environment(TERM="dumb"))
    os.close(slave)

    def read(until):
        data = ""
        while until not in data:
            assert select.select([master], [], [], 20)[0], data
            data += re.sub(r"[\0-\x1f]", "", os.read(master, 65536).decode(errors="replace"))  # a bell stands between typed and added
        return data

    try:
        os.write(master, f"fpath=({tmp_path} $fpath); autoload -Uz compinit; compinit -u -d {tmp_path}/dump; echo REA''DY\n".encode())
        read("READY")
        os.write(master, typed.encode() + b"\t\t")
        read(offers)
    finally:
        shell.kill()
        shell.wait()
        os.close(master)


def test_the_program_needs_no_home_and_no_locale(checkpoint):
    done = subprocess.run([FILBERT, "classify", "--model", checkpoint, "caf\u00e9"], env={"LC_ALL": "C"}, capture_output=True)
    assert done.returncode == 0 and done.stdout.startswith("text: caf\u00e9\n".encode())


def test_run_reports_what_the_process_does():
    assert run("--version").code == 0
