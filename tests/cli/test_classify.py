"""filbert classify: what it prints for the texts of its command line, and what its options change."""

import json
import math
import re
import struct

import pytest

from filbert_command import ok, run
from tiny_checkpoint import LABELS, write_checkpoint

TEXT = "I really love this book"


def f32(number):
    return struct.unpack("<f", struct.pack("<f", number))[0]


def shortest_f32(number):
    """The fewest digits that read back to the same float."""
    for precision in range(1, 10):
        if f32(float(f"{number:.{precision}g}")) == number:
            return precision
    pytest.fail(f"{number} is no f32")


def classify(checkpoint, *words, **streams):
    return ok("classify", "--model", checkpoint, *words, **streams)


def one(checkpoint, *words, **streams):
    (row,) = classify(checkpoint, "--format", "json", *words, **streams).rows
    return row


def test_verbose_says_what_runs(checkpoint):
    for words, said in [([], "f32 in "), (["--dtype", "int8"], "int8 in "), (["--threads", "2"], "2 threads, at most 4096 tokens at once"),
                        (["--max-batch-tokens", "8", "--threads", "2"], "at most 8 tokens at once, texts of more than 4 alone")]:
        result = run("classify", "--model", checkpoint, "--verbose", "good film", *words)
        assert result.code == 0 and result.err.startswith("filbert: ") and result.err.count("\n") == 1 and said in result.err
        assert result.out == ok("classify", "--model", checkpoint, "good film", *words).out


def test_text_format_is_that_of_the_seed(checkpoint):
    row = one(checkpoint, TEXT)
    expected = f"text: {TEXT}\n" + "".join("%-7s:\t%.3f\n" % (s["label"], s["score"]) for s in row["scores"])
    assert classify(checkpoint, TEXT).text == expected
    assert [score["label"] for score in row["scores"]] == LABELS


def test_text_format_pads_short_labels_only(tmp_path):
    checkpoint = write_checkpoint(tmp_path, labels=["no", "a rather long label", "é"])
    lines = classify(checkpoint, "a").text.split("\n")
    assert lines[1].startswith("no     :\t0.")
    assert lines[2].startswith("a rather long label:\t0.")
    assert lines[3].startswith("é      :\t0.")


def test_texts_are_separated_by_an_empty_line(checkpoint):
    alone = [classify(checkpoint, text).text for text in ["good", "bad", "not good"]]
    assert classify(checkpoint, "good", "bad", "not good").text == "\n".join(alone)


def test_text_format_shows_the_pair(checkpoint):
    assert classify(checkpoint, "good", "--text-pair", "bad").text.startswith("text: good\ntext_pair: bad\n1 star :\t")


def test_text_is_shown_without_the_newline_at_its_end(checkpoint):
    assert classify(checkpoint, TEXT + "\n").text == classify(checkpoint, TEXT).text
    assert classify(checkpoint, "good\nbad\n").text.startswith("text: good\nbad\n1 star")


def test_json_fields_and_their_order(checkpoint):
    row = one(checkpoint, TEXT)
    assert list(row) == ["text", "label", "score", "scores", "logits", "tokens_total", "tokens_used", "truncated"]
    assert row["text"] == TEXT
    assert (row["tokens_total"], row["tokens_used"], row["truncated"]) == (7, 7, False)
    scores = [entry["score"] for entry in row["scores"]]
    assert row["score"] == max(scores)
    assert row["label"] == LABELS[scores.index(max(scores))]
    exponentials = [math.exp(logit - max(row["logits"])) for logit in row["logits"]]
    assert scores == pytest.approx([e / sum(exponentials) for e in exponentials], abs=1e-6)  # f32


def test_json_pair(checkpoint):
    row = one(checkpoint, "good", "--text-pair", "bad")
    assert list(row)[:2] == ["text", "text_pair"]
    assert (row["text_pair"], row["tokens_total"]) == ("bad", 5)
    assert row["logits"] != one(checkpoint, "good")["logits"]


def test_json_floats_are_the_shortest_that_read_back(checkpoint):
    line = classify(checkpoint, "--format", "json", *"good bad film book this".split()).text
    numbers = re.findall(r"-?\d+\.\d+(?:e-?\d+)?", line)
    assert len(numbers) == 5 * 11
    for number in numbers:
        digits = re.sub(r"e.*|\.|-", "", number).lstrip("0").rstrip("0")
        assert len(digits) == shortest_f32(f32(float(number))), number


def test_top_k_is_descending(checkpoint):
    everything = one(checkpoint, TEXT)
    row = one(checkpoint, TEXT, "--top-k", "2")
    assert row["scores"] == sorted(everything["scores"], key=lambda entry: -entry["score"])[:2]
    assert (row["label"], row["score"], row["logits"]) == (everything["label"], everything["score"], everything["logits"])
    lines = classify(checkpoint, TEXT, "--top-k", "2").text.split("\n")
    assert len(lines) == 1 + 2 + 1 and lines[1].startswith(row["label"])


def test_top_k_may_exceed_the_labels(checkpoint):
    assert len(one(checkpoint, TEXT, "--top-k", "77")["scores"]) == 5


def test_function_to_apply(checkpoint):
    row = one(checkpoint, TEXT, "--function-to-apply", "none")
    assert [entry["score"] for entry in row["scores"]] == row["logits"]
    row = one(checkpoint, TEXT, "--function-to-apply", "sigmoid")
    assert [entry["score"] for entry in row["scores"]] == pytest.approx(
        [1 / (1 + math.exp(-logit)) for logit in row["logits"]], abs=1e-6)  # f32
    assert one(checkpoint, TEXT, "--function-to-apply=softmax") == one(checkpoint, TEXT)


def test_a_config_without_labels_has_default_ones(tmp_path):
    checkpoint = write_checkpoint(tmp_path, id2label=None)
    assert [entry["label"] for entry in one(checkpoint, TEXT)["scores"]] == ["LABEL_0", "LABEL_1"]


def test_truncation_is_said(checkpoint):
    result = run("classify", "--model", checkpoint, "--format", "json", "good", "very " * 100, "--threads", "1")
    assert result.code == 0
    short, long = result.rows
    assert short["truncated"] is False
    assert (long["tokens_total"], long["tokens_used"], long["truncated"]) == (102, 64, True)
    assert result.err == "filbert: warning: text 2: truncated: tokens_total 102, tokens_used 64\n"


def test_max_length(checkpoint):
    result = run("classify", "--model", checkpoint, "--format", "json", "--max-length", "4", TEXT)
    assert (result.code, result.rows[0]["tokens_used"], result.rows[0]["tokens_total"]) == (0, 4, 7)
    assert result.rows[0]["logits"] == one(checkpoint, "I really")["logits"]


def test_truncation_strategies(checkpoint):
    def used(strategy):
        result = run("classify", "--model", checkpoint, "--format", "json", "--max-length", "6", "--truncation", strategy,
                     "good bad film", "--text-pair", "the book")
        assert result.code == 0
        return result.rows[0]["logits"]

    assert used("only_first") == one(checkpoint, "good", "--text-pair", "the book")["logits"]
    assert used("longest_first") != used("only_first")
    result = run("classify", "--model", checkpoint, "--truncation", "do_not_truncate", "very " * 100)
    assert (result.code, result.out) == (2, b"")
    assert result.err.startswith("filbert: text 1: ") and "102" in result.err and "64" in result.err


def test_many_truncated_texts_are_counted_and_not_all_named(checkpoint):
    result = run("classify", "--model", checkpoint, "--max-length", "3", stdin="good bad\n" * 25)
    assert result.code == 0
    lines = result.err.split("\n")
    assert lines[9].startswith("filbert: warning: line 10: truncated")
    assert lines[10:] == ["filbert: warning: 25 texts were truncated in all; the first 10 are named above", ""]
    lines = run("classify", "--model", checkpoint, "--max-length", "3", "--input-format", "jsonl", stdin='{"text": "good bad"}\n' * 11 + "{").err.split("\n")
    assert lines[10].startswith("filbert: warning: 11 texts were truncated") and lines[11].startswith("filbert: line 12: ")


def test_an_empty_text_is_two_special_tokens(checkpoint):
    row = one(checkpoint, "")
    assert (row["text"], row["tokens_total"]) == ("", 2)


@pytest.mark.parametrize("text", ["[a, b]", "++", "-", "classify", "inspect", "help", "{}", "%%", "a=b", "''", '"', "a,b", "[[]]", "[]"])
def test_a_text_may_look_like_anything(checkpoint, text):
    assert one(checkpoint, text)["text"] == text
    assert one(checkpoint, "good", "--text-pair", text)["text_pair"] == text


def test_options_end_at_two_dashes(checkpoint):
    rows = classify(checkpoint, "--format", "json", "good", "--", "-5 stars", "--help", "--").rows
    assert [row["text"] for row in rows] == ["good", "-5 stars", "--help", "--"]


def test_an_option_value_may_begin_with_a_dash_or_be_empty(checkpoint):
    assert one(checkpoint, "good", "--text-pair", "--format")["text_pair"] == "--format"
    assert one(checkpoint, "good", "--text-pair", "")["text_pair"] == ""
    assert one(checkpoint, "good", "--text-pair=")["text_pair"] == ""


def test_of_an_option_given_twice_the_last_counts(checkpoint):
    assert len(one(checkpoint, "--top-k", "1", "good", "--top-k", "3")["scores"]) == 3


def test_a_score_does_not_depend_on_its_company(checkpoint):
    words = "i really love hate this book good bad the film was and not very".split()
    texts = [" ".join(words[start:start + length]) for start in range(10) for length in range(1, 12)]
    together = classify(checkpoint, "--format", "json", *texts).text.split("\n")
    assert together[:-1] == [classify(checkpoint, "--format", "json", text).text.rstrip("\n") for text in texts]


def test_threads_do_not_change_a_bit(checkpoint):
    texts = "\n".join(" ".join(["very"] * (1 + index % 50)) for index in range(300))
    outputs = {classify(checkpoint, "--format", "json", "--threads", threads, stdin=texts).out for threads in ["0", "1", "2", "3"]}
    assert len(outputs) == 1


def test_kernels_agree(checkpoint):
    reference = [row["logits"] for row in classify(checkpoint, "--format", "json", TEXT, "bad", env={"FILBERT_KERNELS": "scalar"}).rows]
    known = ok("--version").text.split("kernels:")[1].split()
    assert known[0] == "scalar"
    for kernels in known[1:]:
        rows = classify(checkpoint, "--format", "json", TEXT, "bad", env={"FILBERT_KERNELS": kernels}).rows
        for row, expected in zip(rows, reference):
            assert row["logits"] == pytest.approx(expected, abs=1e-5)  # order of f32 sums


def test_the_default_model_is_taken_from_the_environment(checkpoint):
    assert ok("classify", "good", env={"FILBERT_MODEL": str(checkpoint)}).text == classify(checkpoint, "good").text


def test_logits_that_are_not_finite_are_null_and_said(tmp_path):
    checkpoint = write_checkpoint(tmp_path, scale=1e30)
    result = run("classify", "--model", checkpoint, "--format", "json", "good")
    assert result.code == 0
    assert result.err == "filbert: warning: text 1: not finite: the model gives NaN or infinity for this text (null in JSON)\n"
    assert None in json.loads(result.text)["logits"]


def test_invalid_utf8_is_replaced_and_said(checkpoint):
    result = run("classify", "--model", checkpoint, "--format", "json", stdin=b"good\nb\xff\xc3d\xe2\x82\n")
    assert result.code == 0
    assert "invalid_utf8" not in result.rows[0]
    assert result.rows[1]["text"] == b"b\xff\xc3d\xe2\x82".decode(errors="replace")
    assert result.rows[1]["invalid_utf8"] == 3
    assert result.err == "filbert: warning: line 2: not valid UTF-8: 3 ill-formed sequences replaced by U+FFFD\n"
    shown = run("classify", "--model", checkpoint, stdin=b"b\xff")
    assert shown.text.startswith("text: b\N{REPLACEMENT CHARACTER}\n")
