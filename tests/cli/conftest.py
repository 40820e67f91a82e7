"""Checkpoints that the tests share."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import filbert_command  # noqa: E402
import serve_command  # noqa: E402
import tiny_checkpoint  # noqa: E402


def pytest_sessionstart():
    if not pathlib.Path(filbert_command.FILBERT).exists():
        pytest.exit(f"{filbert_command.FILBERT} is not there: build it, or name another by FILBERT", returncode=2)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory):
    return tiny_checkpoint.write_checkpoint(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture(scope="session")
def tokenizer_only(tmp_path_factory):
    return tiny_checkpoint.write_tokenizer(tmp_path_factory.mktemp("tokenizer"))


@pytest.fixture(scope="session")
def model_only(tmp_path_factory):
    return tiny_checkpoint.write_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def served(checkpoint):
    """A server of the tiny checkpoint, for tests that leave it as it was."""
    with serve_command.Server(checkpoint=checkpoint) as server:
        yield server
