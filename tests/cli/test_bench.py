"""filbert bench: the seconds that a model takes for a workload of rows."""

import json

import pytest

from filbert_command import ok, run
from tiny_checkpoint import VOCAB


@pytest.fixture
def ids(tmp_path):
    path = tmp_path / "ids.jsonl"
    path.write_text('{"input_ids": [2, 5, 6, 7, 3]}\n\n{"input_ids": [2, 3]}\n')
    return path


def bench(*words, **streams):
    (row,) = ok("bench", *words, **streams).rows
    return row


def refuses(*words, code=2):
    result = run("bench", *words)
    assert (result.code, result.out) == (code, b""), result
    assert result.err.startswith("filbert: ")
    return result.err


def test_seconds_of_every_run_and_what_ran(checkpoint, ids):
    row = bench("--model", checkpoint, "--ids", ids, "--threads", "2", "--repeat", "3")
    assert list(row) == ["texts", "tokens", "seconds", "kernels", "threads", "dtype"]
    assert (row["texts"], row["tokens"], row["threads"], row["dtype"]) == (2, 7, 2, "f32")
    assert len(row["seconds"]) == 3 and all(0 < seconds < 60 for seconds in row["seconds"])
    assert row["kernels"] in ok("--version").text


def test_the_kernels_are_those_asked_for(checkpoint, ids):
    assert bench("--model", checkpoint, "--ids", ids, env={"FILBERT_KERNELS": "scalar"})["kernels"] == "scalar"


@pytest.mark.parametrize("dtype", ["f32", "bf16", "int8"])
def test_the_dtype_is_the_one_asked_for(checkpoint, ids, dtype):
    assert bench("--model", checkpoint, "--ids", ids, "--dtype", dtype)["dtype"] == dtype


def test_five_runs_unless_told_otherwise(checkpoint, ids):
    assert len(bench("--model", checkpoint, "--ids", ids)["seconds"]) == 5


def test_no_tokenizer_is_needed(model_only, ids):
    assert bench("--model", model_only, "--ids", ids)["tokens"] == 7


def test_what_tokenize_prints_is_a_workload(checkpoint, tmp_path):
    (tmp_path / "ids.jsonl").write_text(ok("tokenize", "--model", checkpoint, stdin="this book\r\n\ngood\n").text)
    row = bench("--model", checkpoint, "--ids", tmp_path / "ids.jsonl")
    assert (row["texts"], row["tokens"]) == (3, 4 + 2 + 3)


def test_a_last_line_without_an_end_counts(checkpoint, tmp_path):
    (tmp_path / "ids.jsonl").write_bytes(b'{"input_ids": [2, 3]}\r\n{"input_ids": [2, 3]}')
    assert bench("--model", checkpoint, "--ids", tmp_path / "ids.jsonl")["texts"] == 2


def test_no_file(checkpoint, tmp_path):
    assert "--ids: expected a file of rows, found none" in refuses("--model", checkpoint)
    assert str(tmp_path / "none") in refuses("--model", checkpoint, "--ids", tmp_path / "none", code=3)


@pytest.mark.parametrize("content, message", [
    ("", "expected at least one row, found none"),
    ("\n \n", "expected at least one row, found none"),
    ('{"input_ids": [2, 3]}\n{"text": "good"}\n', 'line 2: expected a field "input_ids", found a text'),
    ('{"input_ids": [2, 3]}\n\n[2, 3]\n', "line 3: "),
    ('{"input_ids": [-1]}\n', "line 1: "),
    ("not JSON\n", "line 1: "),
    (json.dumps({"input_ids": [len(VOCAB)]}), "vocab_size"),
    (json.dumps({"input_ids": [2] * 65}), "max_position_embeddings"),
])
def test_a_file_that_is_no_workload(checkpoint, tmp_path, content, message):
    path = tmp_path / "ids.jsonl"
    path.write_text(content)
    found = refuses("--model", checkpoint, "--ids", path)
    assert message in found
    assert str(path) in found or "of row 0" in found


def test_an_option_out_of_range(checkpoint, ids):
    assert "--repeat: expected a whole number from 1 to 1000000" in refuses("--model", checkpoint, "--ids", ids, "--repeat", "0")
