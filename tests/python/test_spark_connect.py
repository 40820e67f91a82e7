"""filbert.spark in a session of Spark Connect, whose server is started here; in a process of its own, since one process has sessions of one kind."""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/cli"), str(ROOT / "tests/python")]
import spark_sessions  # noqa: E402
import tiny_checkpoint  # noqa: E402

if spark_sessions.why_not():
    pytest.skip(spark_sessions.why_not(), allow_module_level=True)
if importlib.util.find_spec("grpc") is None:
    pytest.skip("the package grpcio is not installed, which pip install 'pyspark[connect]' brings", allow_module_level=True)

import filbert  # noqa: E402

TEXTS = ["good film", None, "bad"]


def main(model: str) -> None:
    """What a session says to each of these, as JSON."""
    from pyspark.sql import SparkSession

    from filbert.spark import FilbertClassifier, Metrics, classify

    spark = SparkSession.builder.remote("local[2]").getOrCreate()
    df = spark.createDataFrame(list(enumerate(TEXTS)), "id int, text string")
    calls = {
        "rows": lambda: [list(row[2:]) for row in sorted(classify(df, "text", model=model, ship=False).collect())],
        "scores": lambda: [row.scores for row in sorted(classify(df.dropna(), "text", model=model, ship=False, output=["scores"], top_k=2).collect())],
        "a directory": lambda: classify(df, "text", model=model),
        "no column": lambda: classify(df, "body", model=model, ship=False),
        "no text": lambda: classify(df, "id", model=model, ship=False),
        "metrics": lambda: Metrics(spark),
        "stage": lambda: FilbertClassifier(inputCol="text", model=model).transform(df),
        "raised": lambda: classify(df, "text", model=model, ship=False, on_error="raise").collect(),
    }
    answers = {}
    for name, call in calls.items():
        try:
            answers[name] = call()
        except Exception as error:
            answers[name] = f"{type(error).__name__}: {error}"
    json.dump(answers, sys.stdout)
    sys.stdout.flush()
    spark.stop()


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    model = str(tiny_checkpoint.write_checkpoint(tmp_path_factory.mktemp("tiny-connect")))
    directory = tmp_path_factory.mktemp("connect")
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1", "FILBERT_SPARK_DIR": str(directory / "models")}
    done = subprocess.run([sys.executable, __file__, model], capture_output=True, text=True, env=environment, cwd=directory)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout), model


def test_rows_are_those_of_one_process(said):
    answers, model = said
    expected = [[answer.label, answer.score, answer.truncated, None] if answer.error is None else [None, None, None, "column 'text': expected text, found null"]
                for answer in filbert.classify(TEXTS, model=model, on_error="row")]
    assert answers["rows"] == expected
    assert [len(scores) for scores in answers["scores"]] == [2, 2]


@pytest.mark.parametrize("name, message", [
    ("a directory", "UnsupportedError: model: expected a name of the Hub, or with ship=False a directory of all machines, found one to ship by Spark Connect"),
    ("no column", "InvalidArgumentError: input_col: expected one of the columns 'id', 'text', found 'body'"),
    ("no text", "NotTextError: input_col: expected a column of strings, found 'id' of int"),
    ("metrics", "UnsupportedError: metrics: expected a session of Spark itself, found one of Spark Connect, which has no accumulators"),
    ("stage", "UnsupportedError: model: expected a name of the Hub"),
    ("raised", "column 'text': expected text, found null"),
])
def test_what_cannot_be_is_told(said, name, message):
    assert message in said[0][name]


if __name__ == "__main__":
    main(sys.argv[1])
