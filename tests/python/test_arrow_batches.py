"""filbert.arrow_batches, filbert.ray and the model's way to a machine, without Spark or Ray: what a worker does, called as a worker calls it."""

import multiprocessing
import os
import pathlib
import re
import sys

import pytest

pyarrow = pytest.importorskip("pyarrow", reason="the package pyarrow is not installed")

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/cli"))
import tiny_checkpoint  # noqa: E402

from filbert import classify, pipeline  # noqa: E402
from filbert.arrow_batches import CLASSIFICATION, RowError, Work, chosen_outputs, classification_answers, texts_of  # noqa: E402
from filbert.errors import CorruptError, InvalidArgumentError, NotTextError  # noqa: E402
from filbert.ray import Classify  # noqa: E402
from filbert.spark_model import _archive_of, _files_of, machine_copy  # noqa: E402

WORDS = tiny_checkpoint.WORDS
TEXTS = [" ".join(WORDS[(row + step) % len(WORDS)] for step in range(row % 9)) for row in range(300)]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(tiny_checkpoint.write_checkpoint(tmp_path_factory.mktemp("tiny-spark")))


def batches_of(texts, *sizes):
    """Record batches of these sizes, in turns, with a number of each row."""
    first, turn = 0, 0
    while first < len(texts):
        size = sizes[turn % len(sizes)]
        part = texts[first : first + size]
        yield pyarrow.record_batch({"id": pyarrow.array(range(first, first + len(part))), "text": pyarrow.array(part, pyarrow.string())})
        first, turn = first + size, turn + 1


class Counting:
    """Answers that are the texts themselves, and what was asked for at once."""

    def __init__(self):
        self.calls = []

    def __call__(self, texts, pairs, first):
        self.calls.append(texts)
        return texts, {"tokens": len(texts)}


def work(answers, *, batch_tokens, on_error="row"):
    output = CLASSIFICATION["label"]._replace(value=lambda answer: answer)
    return Work(answers, [(1, "text")], [output, None], ["label", "error"], on_error=on_error, batch_tokens=batch_tokens)


def test_small_batches_share_a_call_and_large_ones_take_several():
    answers = Counting()
    found = list(work(answers, batch_tokens=200)(batches_of(TEXTS, 3, 1, 100)))
    assert [batch.num_rows for batch in found[:3]] == [3, 1, 100]
    assert [text for batch in found for text in batch.column(2).to_pylist()] == TEXTS
    assert [id for batch in found for id in batch.column(0).to_pylist()] == list(range(len(TEXTS)))
    tokens = [sum(len(text) // 4 + 2 for text in call) for call in answers.calls]
    assert len(tokens) > 3 and all(200 <= each < 220 for each in tokens[:-1]) and tokens[-1] < 200


def test_an_answered_batch_does_not_wait_for_the_end():
    taken = []

    def source():
        for batch in batches_of(TEXTS, 5):
            taken.append(batch)
            yield batch

    found = work(Counting(), batch_tokens=100)(source())
    next(found)
    assert len(taken) < 8


def test_batches_without_rows_come_out_as_they_are():
    empty = pyarrow.record_batch({"id": pyarrow.array([], pyarrow.int64()), "text": pyarrow.array([], pyarrow.string())})
    found = list(work(Counting(), batch_tokens=10)([empty, *batches_of(["a", "b"], 2), empty]))
    assert [batch.num_rows for batch in found] == [0, 2, 0]
    assert list(work(Counting(), batch_tokens=10)([])) == []


def test_rows_that_are_no_text_are_told_and_the_others_go_on():
    column = pyarrow.array([b"good", None, b"\xffbad", b"book"], pyarrow.binary())
    column = pyarrow.Array.from_buffers(pyarrow.string(), 4, column.buffers())  # as Spark has it after a cast of binary
    answers = Counting()
    (found,) = work(answers, batch_tokens=1000)([pyarrow.record_batch({"id": pyarrow.array(range(4)), "text": column})])
    assert found.column(2).to_pylist() == ["good", None, None, "book"]
    errors = ["column 'text': expected text, found null", "column 'text': expected text in UTF-8, found the byte 0xff at 0"]
    assert found.column(3).to_pylist() == [None, *errors, None]
    assert answers.calls == [["good", "book"]]
    with pytest.raises(NotTextError, match="row 1: column 'text': expected text, found null"):
        list(work(answers, batch_tokens=1000, on_error="raise")([pyarrow.record_batch({"id": pyarrow.array(range(4)), "text": column})]))


def test_columns_that_hold_no_text():
    assert texts_of(pyarrow.array(["a", "b", "a"]).dictionary_encode(), "text") == ["a", "b", "a"]
    assert texts_of(pyarrow.array(["a"], pyarrow.large_string()), "text") == ["a"]
    assert all(isinstance(row, RowError) for row in texts_of(pyarrow.nulls(2), "text"))
    with pytest.raises(NotTextError, match="column 'price': expected text, found int64"):
        texts_of(pyarrow.array([1, 2]), "price")


def test_scores_are_those_of_classify(model):
    pipe = pipeline("text-classification", model)
    counted = []
    rows = Work(classification_answers(pipe, {}), [(1, "text")], [CLASSIFICATION["label"], CLASSIFICATION["score"]], ["label", "score"], on_error="row",
                batch_tokens=150, count=counted.append)
    found = [row for batch in rows(batches_of(TEXTS, 7, 31)) for row in batch.to_pylist()]
    expected = classify(TEXTS, model=pipe)
    assert [(row["label"], row["score"]) for row in found] == [(answer.label, answer.score) for answer in expected]
    assert sum(counts["rows"] for counts in counted) == len(TEXTS)
    assert sum(counts["tokens"] for counts in counted) == sum(answer.tokens_used for answer in expected)


def test_a_text_that_is_too_long_is_the_only_one_without_an_answer(model):
    texts = ["good", "book " * 100, "bad"]
    answers = classification_answers(pipeline("text-classification", model), {"truncation": False})
    outputs = [CLASSIFICATION["label"], None]
    (found,) = Work(answers, [(1, "text")], outputs, ["label", "error"], on_error="row")(batches_of(texts, 3))
    assert [label is None for label in found.column(2).to_pylist()] == [False, True, False]
    assert re.match("column 'text': expected at most .*64 tokens.*, found 102", found.column(3).to_pylist()[1])
    with pytest.raises(InvalidArgumentError, match="row 1: expected at most .*64 tokens"):
        list(Work(answers, [(1, "text")], outputs, ["label", "error"], on_error="raise")(batches_of(texts, 3)))


@pytest.mark.parametrize("output, message", [
    (["labl"], "expected some of label, .*, error, found 'labl'"),
    ([], "found none"),
    (["label", "text"], "found 'text'"),
    ({"label": "text"}, "expected a new column for label, found 'text'"),
    ({"label": 3}, "expected the name of a column for label, found 3"),
    ({"label": "x", "score": "x"}, "expected a new column for score, found 'x'"),
])
def test_outputs_that_cannot_be(output, message):
    with pytest.raises(InvalidArgumentError, match=message):
        chosen_outputs(output, CLASSIFICATION, ["text"], "row")


# ---- Ray


def as_numpy(values):
    numpy = pytest.importorskip("numpy")
    column = numpy.empty(len(values), dtype=object)
    column[:] = values
    return {"text": column}


def as_pandas(values):
    pandas = pytest.importorskip("pandas", reason="the package pandas is not installed")
    return pandas.DataFrame({"text": values}, index=range(5, 5 + len(values)), dtype=object)


def as_arrow(values):
    return pyarrow.table({"text": pyarrow.array(values, pyarrow.string())})


@pytest.mark.parametrize("made", [as_numpy, as_pandas, as_arrow])
def test_batches_of_ray(model, made):
    rows = [*TEXTS[:20], None]
    batch = made(rows)
    found = Classify("text", model=model)(batch)
    assert type(found) is type(batch)
    expected = classify(rows, model=model, on_error="row")
    labels = found["label"].to_pylist() if made is as_arrow else list(found["label"])
    scores = found["score"].to_pylist() if made is as_arrow else list(found["score"])
    assert labels[:-1] == [answer.label for answer in expected[:-1]] and scores[:-1] == [answer.score for answer in expected[:-1]]
    errors = found["error"].to_pylist() if made is as_arrow else list(found["error"])
    assert errors[0] is None or errors[0] != errors[0]  # what pandas makes of None among strings
    assert errors[-1].startswith("column 'text': expected text, found N") == (made is not as_arrow)
    if made is as_pandas:
        assert list(found.index) == list(range(5, 26))


def test_batches_of_ray_with_mixed_types_and_without_the_column(model):
    classifier = Classify("text", model=model, output=["error"])
    errors = classifier(as_numpy(["good", 3, float("nan")]))["error"]
    assert list(errors) == [None, "column 'text': expected text, found 3 (int)", "column 'text': expected text, found nan (float)"]
    with pytest.raises(InvalidArgumentError, match="expected one of the columns 'body', found 'text'"):
        classifier(pyarrow.table({"body": ["good"]}))
    with pytest.raises(NotTextError, match="row 1: column 'text': expected text, found 3"):
        Classify("text", model=model, on_error="raise")(as_numpy(["good", 3]))


# ---- a model's way to a machine


def test_what_is_shipped_is_what_a_checkpoint_is_read_from(tmp_path):
    for name in ("config.json", "vocab.txt", "model.safetensors", "pytorch_model.bin", "tf_model.h5", "README.md", "merges.txt", "spiece.model"):
        (tmp_path / name).write_text(name)
    (tmp_path / "onnx").mkdir()
    assert [file.name for file in _files_of(tmp_path)] == ["config.json", "merges.txt", "model.safetensors", "spiece.model", "vocab.txt"]
    (tmp_path / "model.safetensors").unlink()
    assert "pytorch_model.bin" in [file.name for file in _files_of(tmp_path)]


def unpacked_in(directory, content=b"weights"):
    """As Spark unpacks what was shipped."""
    (directory / "making").mkdir(parents=True)
    (directory / "making/model.safetensors").write_bytes(content)
    return (directory / "making").rename(directory / f"{_archive_of([directory / 'making/model.safetensors'])}.zip")


def inode_of(unpacked, barrier, found):
    barrier.wait()
    found.put(os.stat(machine_copy(unpacked) / "model.safetensors").st_ino)


def test_executors_of_a_machine_map_the_same_file(tmp_path, monkeypatch):
    monkeypatch.setenv("FILBERT_SPARK_DIR", str(tmp_path / "machine"))
    context = multiprocessing.get_context("fork")
    barrier, found = context.Barrier(4), context.Queue()
    processes = []
    for executor in range(4):
        unpacked = unpacked_in(tmp_path / f"executor-{executor}")
        processes.append(context.Process(target=inode_of, args=(unpacked, barrier, found)))
    for process in processes:
        process.start()
    inodes = {found.get(timeout=30) for _ in processes}
    for process in processes:
        process.join()
    assert len(inodes) == 1
    assert [each.name for each in (tmp_path / "machine").iterdir()] == [unpacked.stem]


def test_copies_that_nobody_used_for_a_week_go(tmp_path, monkeypatch):
    monkeypatch.setenv("FILBERT_SPARK_DIR", str(tmp_path / "machine"))
    copies = []
    packed = tmp_path / "machine/packed"
    for name in ("old", "used", "new"):
        unpacked = unpacked_in(tmp_path / name, name.encode())
        if name == "new":
            packed.mkdir()
            for file in ("old.packed", "used.packed"):
                (packed / file).touch()
            for old in (copies[0], packed / "old.packed", packed):
                os.utime(old, (0, 0))
        copies.append(machine_copy(unpacked))
    assert [copy.is_dir() for copy in copies] == [False, True, True]
    assert [file.name for file in packed.iterdir()] == ["used.packed"]


def test_a_copy_that_is_not_whole_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setenv("FILBERT_SPARK_DIR", str(tmp_path / "machine"))
    unpacked = unpacked_in(tmp_path)
    copy = machine_copy(unpacked)
    (copy / "model.safetensors").unlink()
    with pytest.raises(CorruptError, match=f"machine/{unpacked.stem}: expected the files that were shipped, found others"):
        machine_copy(unpacked)


def test_an_executor_to_which_the_model_did_not_come_whole_makes_no_copy_and_may_use_that_of_another(tmp_path, monkeypatch):
    monkeypatch.setenv("FILBERT_SPARK_DIR", str(tmp_path / "machine"))
    whole, cut = unpacked_in(tmp_path / "one"), unpacked_in(tmp_path / "other")
    (cut / "model.safetensors").write_bytes(b"weig")
    with pytest.raises(CorruptError, match=f"other/{cut.name}: expected the files that were shipped, found others"):
        machine_copy(cut)
    assert machine_copy(whole) == machine_copy(cut)
    assert (machine_copy(cut) / "model.safetensors").read_bytes() == b"weights"


def test_a_directory_that_others_may_write_to_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("FILBERT_SPARK_DIR", str(tmp_path))
    tmp_path.chmod(0o777)
    with pytest.raises(InvalidArgumentError, match="expected a directory that only user"):
        machine_copy(tmp_path / "filbert-0123.zip")
