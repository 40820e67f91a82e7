"""What the tests of all pages share: the pages, and a browser with one tab."""

import os
import pathlib
import subprocess
import sys

import pytest

import chromium

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests/cli"))  # servers, commands and tiny checkpoints for tests

import tiny_checkpoint  # noqa: E402


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    program = os.environ.get("FILBERT_REPORT_PAGES", ROOT / "build/release/tests/filbert_report_pages")
    directory = tmp_path_factory.mktemp("pages")
    subprocess.run([program, directory], check=True)
    return directory


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return tiny_checkpoint.write_checkpoint(tmp_path_factory.mktemp("tiny") / "tiny")


@pytest.fixture(scope="session")
def browser():
    path, reason = chromium.find()
    if path is None:
        pytest.skip(reason)
    with chromium.Browser(path) as opened:
        yield opened


@pytest.fixture(autouse=True)
def as_by_default(request):
    yield
    if "browser" in request.fixturenames:
        opened = request.getfixturevalue("browser")
        opened.scripts(True)
        opened.media(prefers_color_scheme="light")
        opened.size(1200)
