"""filbert tokenize: what a model sees of a text."""

import pytest

from filbert_command import ok, run
from tiny_checkpoint import VOCAB


def one(directory, *words, **streams):
    (row,) = ok("tokenize", "--model", directory, *words, **streams).rows
    return row


def test_json_is_the_default_and_needs_a_tokenizer_alone(tokenizer_only):
    row = one(tokenizer_only, "I love bats")
    assert list(row) == ["input_ids", "token_type_ids", "attention_mask", "special_tokens_mask", "tokens", "offset_mapping", "word_ids"]
    assert row["tokens"] == ["[CLS]", "i", "love", "b", "##a", "##t", "##s", "[SEP]"]
    assert row["input_ids"] == [VOCAB.index(token) for token in row["tokens"]]
    assert row["token_type_ids"] == [0] * 8
    assert row["attention_mask"] == [1] * 8
    assert row["special_tokens_mask"] == [1, 0, 0, 0, 0, 0, 0, 1]
    assert row["offset_mapping"] == [[0, 0], [0, 1], [2, 6], [7, 8], [8, 9], [9, 10], [10, 11], [0, 0]]
    assert row["word_ids"] == [None, 0, 1, 2, 2, 2, 2, None]


def test_pairs(tokenizer_only):
    row = one(tokenizer_only, "good", "--text-pair", "bad film")
    assert row["tokens"] == ["[CLS]", "good", "[SEP]", "bad", "film", "[SEP]"]
    assert row["token_type_ids"] == [0, 0, 0, 1, 1, 1]


def test_nothing_is_cut_unless_asked(tokenizer_only):
    assert len(one(tokenizer_only, "very " * 100)["input_ids"]) == 102


@pytest.mark.parametrize("words, length", [(["--max-length", "10"], 10), (["--truncation", "longest_first"], 64),
                                           (["--truncation", "only_first", "--max-length", "5"], 5)])
def test_truncation_is_said(tokenizer_only, words, length):
    result = run("tokenize", "--model", tokenizer_only, *words, "very " * 100)
    assert result.code == 0
    assert len(result.rows[0]["input_ids"]) == length
    assert result.err == f"filbert: warning: text 1: truncated: tokens_total 102, tokens_used {length}\n"


def test_windows_are_rows_of_their_text(tokenizer_only):
    texts = ["good", "very good film bad film", "bad"]
    words = ["--max-length", "5", "--return-overflowing-tokens", "--stride", "1"]
    result = run("tokenize", "--model", tokenizer_only, *words, *texts)
    assert (result.code, result.err) == (0, "")  # nothing is lost, and no word is said of it
    tokens = [row["tokens"][1:-1] for row in result.rows]
    assert tokens == [["good"], ["very", "good", "film"], ["film", "bad", "film"], ["bad"]]
    assert [row["overflow_to_sample_mapping"] for row in result.rows] == [0, 1, 1, 2]
    assert result.rows[2]["offset_mapping"][1:-1] == [[10, 14], [15, 18], [19, 23]]  # of the whole text
    assert "overflow_to_sample_mapping" not in one(tokenizer_only, "good")


def test_windows_count_texts_beyond_a_batch(tokenizer_only):
    lines = "".join(f"{'very ' * (line % 7)}good\n" for line in range(2500))  # of 1,000 at a time
    rows = ok("tokenize", "--model", tokenizer_only, "--max-length", "5", "--return-overflowing-tokens", stdin=lines).rows
    assert [row["overflow_to_sample_mapping"] for row in rows] == [line for line in range(2500) for _ in range(-(-(line % 7 + 1) // 3))]


def test_windows_without_a_length_have_the_models(tokenizer_only):
    rows = ok("tokenize", "--model", tokenizer_only, "--return-overflowing-tokens", "very " * 100).rows
    assert [len(row["input_ids"]) for row in rows] == [64, 40]


def test_a_stride_needs_windows_and_room(tokenizer_only):
    alone = run("tokenize", "--model", tokenizer_only, "--stride", "1", "good")
    assert (alone.code, alone.out) == (2, b"") and "--stride: expected --return-overflowing-tokens" in alone.err
    wide = run("tokenize", "--model", tokenizer_only, "--max-length", "5", "--return-overflowing-tokens", "--stride", "3", "very " * 9)
    assert wide.code == 2 and "stride: expected less than the 3 tokens" in wide.err


def test_no_special_tokens(tokenizer_only):
    assert one(tokenizer_only, "--no-add-special-tokens", "good film")["tokens"] == ["good", "film"]


@pytest.mark.parametrize("unit, offsets", [("code_points", [1, 5]), ("utf16", [2, 6]), ("bytes", [4, 8])])
def test_offset_units(tokenizer_only, unit, offsets):
    text = "\N{PILE OF POO}good"
    row = one(tokenizer_only, "--offset-unit", unit, text)
    at = row["tokens"].index("g") if "g" in row["tokens"] else row["tokens"].index("good") if "good" in row["tokens"] else None
    if at is None:  # an unknown character and the word are one pre-token: its end is the word's
        assert row["offset_mapping"][1][1] == offsets[1]
    else:
        assert row["offset_mapping"][at] == offsets


def test_text_format_is_a_table(tokenizer_only):
    lines = ok("tokenize", "--model", tokenizer_only, "--format", "text", "good bats").text.split("\n")
    assert lines[0] == "text: good bats"
    assert lines[1].split() == ["id", "type", "offsets", "word", "token"]
    assert lines[2].split() == ["2", "0", "0-0", "[CLS]"]
    assert lines[3].split() == [str(VOCAB.index("good")), "0", "0-4", "0", "good"]
    assert max(map(len, lines)) <= 80


def test_lines_of_standard_input(tokenizer_only):
    rows = ok("tokenize", "--model", tokenizer_only, stdin="good\n\nbad").rows
    assert [len(row["input_ids"]) for row in rows] == [3, 2, 3]


def test_input_ids_are_refused(tokenizer_only):
    result = run("tokenize", "--model", tokenizer_only, "--input-format", "jsonl", stdin='{"text": "good"}\n{"input_ids": [2]}\n')
    assert (result.code, len(result.rows)) == (2, 1)
    assert result.err == 'filbert: line 2: expected a field "text", found input_ids alone\n'


def test_max_length_below_the_special_tokens(tokenizer_only):
    result = run("tokenize", "--model", tokenizer_only, "--max-length", "1", "good")
    assert (result.code, result.out) == (2, b"")
    assert result.err.startswith("filbert: text 1: ")
