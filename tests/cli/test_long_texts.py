"""filbert classify --long windows: texts that are longer than the model takes, and what is shown of their windows."""

import json

import pytest

from filbert_command import ok, run
from tiny_checkpoint import LABELS, WORDS, write_checkpoint

TEXT = " ".join(WORDS[(word * word) % len(WORDS)] for word in range(150))  # a token each; 64 fit, two of them special


def classify(checkpoint, *words, **streams):
    return ok("classify", "--model", checkpoint, *words, **streams)


def one(checkpoint, *words, **streams):
    (row,) = classify(checkpoint, "--format", "json", *words, **streams).rows
    return row


def test_every_window_is_scored_and_nothing_is_truncated(checkpoint):
    row = one(checkpoint, "--long", "windows", "--stride", "10", TEXT)
    assert (row["tokens_total"], row["tokens_used"], row["truncated"]) == (152, 152, False)
    assert [window["tokens_used"] for window in row["windows"]] == [64, 64, 48]
    for window in row["windows"]:
        alone = one(checkpoint, TEXT[window["begin"]:window["end"]])
        assert {key: window[key] for key in ["label", "score", "scores", "logits"]} == {key: alone[key] for key in ["label", "score", "scores", "logits"]}
    weights = [62 / 170, 62 / 170, 46 / 170]
    for index, entry in enumerate(row["scores"]):
        mean = sum(weight * window["scores"][index]["score"] for weight, window in zip(weights, row["windows"]))
        assert entry["score"] == pytest.approx(mean, abs=1e-6)  # f32


def test_windows_overlap_by_the_stride(checkpoint):
    windows = one(checkpoint, "--long=windows", "--stride=10", TEXT)["windows"]
    for before, after in zip(windows, windows[1:]):
        assert len(TEXT[after["begin"]:before["end"]].split()) == 10
    assert (windows[0]["begin"], windows[-1]["end"]) == (0, len(TEXT))


def test_a_text_that_fits_says_nothing_of_windows(checkpoint):
    for text in ["", "I really love this book", " ".join(["good"] * 62)]:
        assert classify(checkpoint, "--long", "windows", "--format", "json", text).out == classify(checkpoint, "--format", "json", text).out
        assert classify(checkpoint, "--long", "windows", text).out == classify(checkpoint, text).out


@pytest.mark.parametrize("combine", ["mean", "max", "first", "logit-mean", "vote"])
def test_ways_to_combine(checkpoint, combine):
    row = one(checkpoint, "--long", "windows", "--combine", combine, TEXT)
    scores = [[entry["score"] for entry in window["scores"]] for window in row["windows"]]
    found = [entry["score"] for entry in row["scores"]]
    if combine == "max":
        assert found == [max(column) for column in zip(*scores)]
    elif combine == "first":
        truncated = run("classify", "--model", checkpoint, "--format", "json", TEXT).rows[0]
        assert (found, row["logits"]) == ([entry["score"] for entry in truncated["scores"]], truncated["logits"])
    elif combine == "vote":
        votes = dict.fromkeys(LABELS, 0)
        for window in row["windows"]:
            votes[window["label"]] += (window["tokens_used"] - 2) / 150
        assert found == pytest.approx(list(votes.values()), abs=1e-6)
    assert row["score"] == max(found)
    assert row["label"] == row["scores"][found.index(max(found))]["label"]


def test_text_output_lists_the_windows(checkpoint):
    row = one(checkpoint, "--long", "windows", TEXT)
    lines = classify(checkpoint, "--long", "windows", TEXT).text.split("\n")
    assert lines[0] == f"text: {TEXT}"
    assert lines[1 : 1 + len(LABELS)] == ["%-7s:\t%.3f" % (entry["label"], entry["score"]) for entry in row["scores"]]
    assert lines[1 + len(LABELS)] == "windows: 3, combined by mean"
    assert [line.split(None, 1)[0] for line in lines[2 + len(LABELS) : -1]] == [f"{window['begin']}-{window['end']}" for window in row["windows"]]
    assert lines[-2].endswith("%-7s:\t%.3f" % (row["windows"][-1]["label"], row["windows"][-1]["score"]))


def test_places_are_of_the_text_in_the_unit_that_is_asked_for(checkpoint):
    text = "\U0001F600 \u00e9 " * 50
    for unit, length in [("code_points", 199), ("bytes", 399), ("utf16", 249)]:
        windows = one(checkpoint, "--long", "windows", "--offset-unit", unit, text)["windows"]
        assert (windows[0]["begin"], windows[-1]["end"]) == (0, length)


def test_of_a_pair_the_longer_is_cut(checkpoint):
    row = one(checkpoint, "--long", "windows", "--text-pair", TEXT, "good book")
    assert [window["sequence_id"] for window in row["windows"]] == [1, 1, 1]
    assert row["windows"][-1]["end"] == len(TEXT)
    assert "windows of text_pair: 3" in classify(checkpoint, "--long", "windows", "--text-pair", TEXT, "good book").text
    row = one(checkpoint, "--long", "windows", "--text-pair", "good book", TEXT)
    assert [window["sequence_id"] for window in row["windows"]] == [0, 0, 0]
    result = run("classify", "--model", checkpoint, "--long", "windows", "--text-pair", TEXT, "good", TEXT)
    assert result.code == 2 and result.err.startswith("filbert: text 2: ") and result.out.startswith(b"text: good\n")


def test_company_changes_no_bit(checkpoint):
    texts = [TEXT[:length] for length in range(0, len(TEXT), 29)]
    options = ["--long", "windows", "--stride", "7", "--format", "json"]
    together = classify(checkpoint, *options, stdin="\n".join(texts)).text.split("\n")
    assert together[:-1] == [classify(checkpoint, *options, text).text[:-1] for text in texts]
    assert len({classify(checkpoint, *options, "--threads", threads, stdin="\n".join(texts)).out for threads in "012"}) == 1


def test_rows_of_ids_are_taken_as_they_are(checkpoint):
    options = ["--long", "windows", "--input-format", "jsonl", "--format", "json"]
    lines = [{"text": TEXT}, {"input_ids": [2, 5, 3]}, {"text": TEXT}]
    rows = classify(checkpoint, *options, stdin="\n".join(map(json.dumps, lines))).rows
    assert [len(row.get("windows", [])) for row in rows] == [3, 0, 3]
    result = run("classify", "--model", checkpoint, *options, stdin=json.dumps({"input_ids": [5] * 65}))
    assert result.code == 2 and "line 1: input_ids" in result.err


@pytest.mark.parametrize("words, said", [
    (["--stride", "3"], "--stride: expected --long windows beside it"),
    (["--combine", "max"], "--combine: expected --long windows beside it"),
    (["--offset-unit", "bytes", "--long", "truncate"], "--offset-unit: expected --long windows beside it"),
    (["--long", "windows", "--stride", "62"], "stride: expected less than the 62 tokens"),
    (["--long", "windows", "--stride", "-1"], "--stride: expected a whole number from 0"),
    (["--long", "window"], "did you mean \"windows\"?"),
    (["--long", "windows", "--combine", "median"], "--combine: expected mean, max, first, logit-mean or vote"),
    (["--long", "windows", "--truncation", "do_not_truncate"], "truncation: expected longest_first, only_first or only_second"),
])
def test_options_that_make_no_sense_are_refused_before_any_text(checkpoint, words, said):
    result = run("classify", "--model", checkpoint, *words, "good")
    assert (result.code, result.out) == (2, b"")
    assert said in result.err and "text 1" not in result.err


# ---- models of several labels a text, and of one value

LABELS_OF_A_TEXT = ["toxic", "insult", "threat", "severely offensive"]


@pytest.fixture
def several(tmp_path):
    return write_checkpoint(tmp_path, labels=LABELS_OF_A_TEXT, problem_type="multi_label_classification")


def test_a_threshold_says_which_labels_are_predicted(several):
    row = one(several, "--threshold", "0.5", "I really love this book")
    assert row["labels"] == [entry["label"] for entry in row["scores"] if entry["score"] >= 0.5] != []
    assert "labels" not in one(several, "I really love this book")
    lines = classify(several, "--threshold", "0.5", "I really love this book").text.split("\n")
    assert lines[-2] == "labels: " + ", ".join(row["labels"])
    assert one(several, "--threshold", "0", "a")["labels"] == LABELS_OF_A_TEXT
    assert one(several, "--threshold", "1", "a")["labels"] == []
    assert classify(several, "--threshold", "1", "a").text.endswith("\nno label reaches 1\n")
    windows = one(several, "--threshold", "0.5", "--top-k", "1", "--long", "windows", TEXT)
    assert all(isinstance(window["labels"], list) for window in windows["windows"]) and isinstance(windows["labels"], list)


def test_a_threshold_is_for_a_sigmoid(checkpoint):
    result = run("classify", "--model", checkpoint, "--threshold", "0.5", "good")
    assert (result.code, result.out) == (2, b"") and result.err.startswith("filbert: threshold: expected the scores of a sigmoid")
    assert one(checkpoint, "--threshold", "0.5", "--function-to-apply", "sigmoid", "good")["labels"] != LABELS
    for wrong in ["1.01", "-0.1", "", "half", "nan", "0.5x", "0,5"]:
        result = run("classify", "--model", checkpoint, f"--threshold={wrong}", "good")
        assert result.code == 2 and "--threshold: expected a number from 0 to 1" in result.err


def test_a_regression_is_one_value_as_it_is(tmp_path):
    checkpoint = write_checkpoint(tmp_path, labels=["similarity"], problem_type="regression")
    row = one(checkpoint, "I love")
    assert row["scores"] == [{"label": "similarity", "score": row["logits"][0]}]
    assert classify(checkpoint, "I love").text == "text: I love\nsimilarity:\t%.3f\n" % row["logits"][0]
    windows = one(checkpoint, "--long", "windows", TEXT)
    assert windows["score"] == windows["logits"][0]
    result = run("classify", "--model", checkpoint, "--long", "windows", "--combine", "vote", "good")
    assert result.code == 2 and "combine: vote" in result.err
