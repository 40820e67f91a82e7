"""filbert.ray in Ray itself, where it is installed: too large a package for tests/python/requirements.txt, `pip install "ray[data]"` brings it."""

import pathlib
import sys

import pytest

ray = pytest.importorskip("ray", reason="the package ray is not installed")
pytest.importorskip("ray.data", reason="the package ray is installed without ray[data]")

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/cli"))
import tiny_checkpoint  # noqa: E402

from filbert import classify  # noqa: E402
from filbert.ray import Classify  # noqa: E402

WORDS = tiny_checkpoint.WORDS
TEXTS = [" ".join(WORDS[(row + step) % len(WORDS)] for step in range(row % 9)) for row in range(200)]


@pytest.fixture(scope="module", autouse=True)
def cluster():
    # Two CPUs for the actors and some for what feeds them; Ray counts them, and takes what it is told.
    ray.init(num_cpus=4, include_dashboard=False, _node_ip_address="127.0.0.1", logging_level="ERROR", log_to_driver=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(tiny_checkpoint.write_checkpoint(tmp_path_factory.mktemp("tiny-ray")))


def rows_of(texts, batch_format="default", actors=1, **options):
    dataset = ray.data.from_items([{"id": row, "text": text} for row, text in enumerate(texts)], override_num_blocks=2)
    actors = ray.data.ActorPoolStrategy(size=actors)
    found = dataset.map_batches(Classify, fn_constructor_kwargs=options, compute=actors, num_cpus=1, batch_format=batch_format, batch_size=64)
    return sorted(found.take_all(), key=lambda row: row["id"])


@pytest.mark.parametrize("batch_format", ["default", "pandas", "pyarrow"])
def test_rows_are_those_of_one_process(model, batch_format):
    expected = [(answer.label, answer.score, None) for answer in classify(TEXTS, model=model)]
    found = rows_of(TEXTS, batch_format, actors=2, input_col="text", model=model)
    assert [(row["label"], row["score"], row["error"]) for row in found] == expected
    assert list(found[0]) == ["id", "text", "label", "score", "truncated", "error"]


@pytest.mark.parametrize("batch_format", ["pandas", "pyarrow"])
def test_rows_that_are_no_text(model, batch_format):
    good, missing, bad = rows_of(["good", None, "bad"], batch_format, input_col="text", model=model, output=["label", "scores", "error"], top_k=2)
    assert good["error"] is None and len(good["scores"]) == 2 and bad["label"]
    assert missing["label"] is None and missing["error"].startswith("column 'text': expected text, found")


@pytest.mark.parametrize("options, message", [
    ({"input_col": "body"}, "input_col: expected one of the columns 'id', 'text', found 'body'"),
    ({"input_col": "text", "on_error": "raise"}, "row 1: column 'text': expected text, found"),
    ({"input_col": "text", "model": "/nowhere"}, "/nowhere: expected a directory, or a model of the Hub"),
    ({"input_col": "text", "threshold": 0.5}, "threshold: expected the scores of a sigmoid"),
])
def test_what_ends_a_job_says_why(model, options, message):
    with pytest.raises(Exception, match=message):
        rows_of(["good", None], **{"model": model, **options})
