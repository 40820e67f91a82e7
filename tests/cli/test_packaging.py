"""The unit of systemd, the Dockerfile and the page of operations agree with the command that there is."""

import pathlib
import re
import shutil
import subprocess

import pytest

import filbert_command

ROOT = pathlib.Path(__file__).resolve().parents[2]
UNIT = ROOT / "packaging/filbert.service"
PAGE = ROOT / "docs/serve_operations.md"


def is_debian_12():
    release = pathlib.Path("/etc/os-release")
    text = release.read_text() if release.exists() else ""
    return "ID=debian\n" in text and 'VERSION_ID="12"' in text


@pytest.fixture(scope="module")
def help_text():
    return filbert_command.ok("serve", "--help").text


def test_systemd_takes_the_unit(tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not on the PATH")
    unit = tmp_path / "filbert.service"
    unit.write_text(UNIT.read_text().replace("/usr/bin/filbert", filbert_command.FILBERT))
    checked = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, timeout=60)
    about_it = [line for line in (checked.stdout + checked.stderr).splitlines() if "filbert" in line]
    assert (checked.returncode, about_it) == (0, [])


def test_the_unit_is_as_hardened_as_the_page_says(tmp_path):
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not on the PATH")
    unit = tmp_path / "filbert.service"
    unit.write_text(UNIT.read_text().replace("/usr/bin/filbert", filbert_command.FILBERT))
    rated = subprocess.run(["systemd-analyze", "security", "--offline=true", unit], capture_output=True, text=True, timeout=60)
    if rated.returncode != 0:
        pytest.skip(f"systemd-analyze security does not work here: {rated.stderr}")
    exposure = re.search(r"Overall exposure level for filbert.service: ([\d.]+)", rated.stdout)[1]
    # Another version of systemd rates by other rules.
    assert float(exposure) < 2
    assert re.search(r"systemd-analyze security`: ([\d.]+)\)", PAGE.read_text())


def test_the_image_has_the_libraries_of_the_command():
    if not is_debian_12():
        pytest.skip("the Dockerfile's packages are those of Debian 12, which this is not")
    dockerfile = (ROOT / "Dockerfile").read_text()
    listed = set(re.search(r"no-install-recommends ((?:[\w.+-]+ )+)", dockerfile.rpartition("FROM")[2])[1].split())
    linked = subprocess.run(["ldd", filbert_command.FILBERT], capture_output=True, text=True, check=True).stdout
    paths = [pathlib.Path(line.split("=>")[1].split()[0]) for line in linked.splitlines() if "=> /" in line]
    # Below /lib or /usr/lib, which are one.
    asked = [f"*/{path.parent.name}/{path.name}" for path in paths]
    owners = subprocess.run(["dpkg", "--search", *asked], capture_output=True, text=True).stdout
    needed = {line.split(":")[0] for line in owners.splitlines()}
    of_the_base = {"libc6", "libgcc-s1", "libstdc++6"}
    on_demand = {"ca-certificates", "libcurl4"}
    assert needed - of_the_base <= listed
    assert listed <= needed | on_demand


def test_limits_of_the_page_are_those_of_the_command(help_text):
    help_text = " ".join(help_text.split())
    rows = re.findall(r"^\| `(--[\w-]+)` \| ([^|]+) \|", PAGE.read_text(), re.MULTILINE)
    assert len(rows) >= 10
    for option, default in rows:
        said = re.search(rf"{option} \S+ (?:(?! --).)*", help_text)
        assert said, f"filbert serve has no {option}"
        number = re.match(r"\d+", default)
        if number:
            assert re.search(rf"[Dd]efault: {number[0]}\b", said[0]), said[0]


def test_options_that_the_page_of_metrics_names_are_there(help_text):
    named = set(re.findall(r"`(--[\w-]+)", (ROOT / "docs/serve_metrics.md").read_text()))
    assert len(named) >= 4
    assert {option for option in named if f"{option} " not in help_text} == set()


def test_every_limit_of_the_command_stands_on_the_page(help_text):
    limits = set(re.findall(r"(--(?:max-[\w-]+|[\w-]*timeout-ms)) ", help_text))
    assert len(limits) > 8
    assert {option for option in limits if f"`{option}`" not in PAGE.read_text()} == set()
