"""Standard input: lines and jsonl, in order, in batches, as it comes."""

import json
import os
import pathlib
import random
import subprocess

import pytest

from filbert_command import FILBERT, environment, ok, run
from tiny_checkpoint import VOCAB

FAMILIES = pathlib.Path(__file__).resolve().parent.parent / "data/families"


def texts_of(checkpoint, stdin):
    return [row["text"] for row in ok("classify", "--model", checkpoint, "--format", "json", stdin=stdin).rows]


def jsonl(checkpoint, *objects, command="classify"):
    lines = "".join((entry if isinstance(entry, str) else json.dumps(entry)) + "\n" for entry in objects)
    words = [command, "--model", checkpoint, "--format", "json", "--input-format", "jsonl"]
    return run(*words, stdin=lines)


def test_each_line_is_a_text(checkpoint):
    assert texts_of(checkpoint, "good\nbad\n") == ["good", "bad"]


@pytest.mark.parametrize("stdin, texts", [
    ("", []),
    ("good", ["good"]),
    ("good\n\nbad\n\n", ["good", "", "bad", ""]),
    ("\n", [""]),
    ("good\r\nbad\r\n", ["good", "bad"]),
    ("good\r\r\n\r\nbad\r", ["good\r", "", "bad"]),
    ("\ufeffgood\n\ufeffbad\n", ["good", "\ufeffbad"]),
    ("\ufeff", [""]),
    ("go\0od\nbad\0\n", ["go\0od", "bad\0"]),
    ("  good \t\n", ["  good \t"]),
    ("good\x0bbad\x85\u2028film\n", ["good\x0bbad\x85\u2028film"]),
])
def test_line_ends(checkpoint, stdin, texts):
    assert texts_of(checkpoint, stdin) == texts


def test_answers_stand_in_the_order_of_thousands_of_lines(checkpoint):
    source = random.Random(3)
    texts = [f"{index} " + " ".join(source.choices(VOCAB[5:19], k=source.randrange(30))) for index in range(5000)]
    rows = ok("classify", "--model", checkpoint, "--format", "json", stdin="\n".join(texts)).rows
    assert [row["text"] for row in rows] == texts
    for index in source.sample(range(5000), 20):
        assert ok("classify", "--model", checkpoint, "--format", "json", texts[index]).rows == [rows[index]]


def test_a_line_of_ten_megabytes(checkpoint):
    line = "very good " * 1_000_000
    result = run("classify", "--model", checkpoint, "--format", "json", stdin=f"bad\n{line}\nbad\n", timeout=120)
    assert result.code == 0
    assert result.rows[1]["text"] == line
    assert (result.rows[1]["tokens_total"], result.rows[1]["truncated"]) == (2_000_002, True)
    assert result.rows[0] == result.rows[2]


def test_a_line_without_end_is_refused(checkpoint):
    result = run("classify", "--model", checkpoint, "--format", "json", stdin=b"good\n" + bytes(65 << 20))
    assert result.code == 2
    assert result.err == "filbert: line 2: expected at most 67108864 bytes, found more\n"
    assert [row["text"] for row in result.rows] == ["good"]


def test_texts_of_the_command_line_leave_standard_input_alone(checkpoint):
    assert [row["text"] for row in ok("classify", "--model", checkpoint, "--format", "json", "good", stdin="bad\n").rows] == ["good"]


def test_an_answer_does_not_wait_for_the_next_line(checkpoint):
    words = [FILBERT, "classify", "--model", checkpoint, "--format", "json"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment()) as process:
        for text in ["good", "bad", "film"]:
            process.stdin.write(text.encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["text"] == text
        process.stdin.write(b"half a li")
        process.stdin.flush()
        process.stdin.write(b"ne")
        process.stdin.close()
        assert json.loads(process.stdout.readline())["text"] == "half a line"
        assert process.stdout.read() == b""


def test_standard_input_that_does_not_block_is_waited_for(checkpoint):
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    words = [FILBERT, "classify", "--model", checkpoint, "--format", "json"]
    with subprocess.Popen(words, stdin=read_end, stdout=subprocess.PIPE, env=environment()) as process:
        os.close(read_end)
        with os.fdopen(write_end, "wb") as stream:
            stream.write(b"good\n")
        assert json.loads(process.stdout.read())["text"] == "good"


def test_text_pair_is_of_every_line(checkpoint):
    rows = ok("classify", "--model", checkpoint, "--format", "json", "--text-pair", "film", stdin="good\nbad\n").rows
    assert [(row["text"], row["text_pair"]) for row in rows] == [("good", "film"), ("bad", "film")]


def test_jsonl_texts_and_pairs(checkpoint):
    result = jsonl(checkpoint, {"text": "good"}, {"text_pair": "b\u00e4d\n", "text": "not"}, {"text": "bad", "text_pair": None})
    assert (result.code, result.err) == (0, "")
    assert [(row["text"], row.get("text_pair")) for row in result.rows] == [("good", None), ("not", "b\u00e4d\n"), ("bad", None)]
    assert result.rows[0] == ok("classify", "--model", checkpoint, "--format", "json", "good").rows[0]


@pytest.mark.parametrize("identity", [7, "a-\u00e9", 1.5, {"page": [1, 2]}, True, 0, "", 12345678901234567890])
def test_jsonl_id_is_passed_through_first(checkpoint, identity):
    for command in ["classify", "tokenize"]:
        result = jsonl(checkpoint, {"label": 3, "text": "good", "id": identity}, command=command)
        assert result.code == 0
        assert list(result.rows[0])[0] == "id" and result.rows[0]["id"] == identity
        assert result.rows[0].get("label") != 3


def test_jsonl_rows_tokenized_elsewhere_need_no_tokenizer(checkpoint, model_only):
    encoded = ok("tokenize", "--model", checkpoint, "good film", "--text-pair", "bad").rows[0]
    expected = ok("classify", "--model", checkpoint, "--format", "json", "good film", "--text-pair", "bad").rows[0]
    result = jsonl(model_only, {"input_ids": encoded["input_ids"], "token_type_ids": encoded["token_type_ids"]})
    assert (result.code, result.err) == (0, "")
    (row,) = result.rows
    assert list(row)[0] == "input_ids" and row["input_ids"] == encoded["input_ids"]
    assert row["logits"] == expected["logits"]
    zeros = jsonl(model_only, {"input_ids": encoded["input_ids"]})
    assert zeros.rows[0]["logits"] != expected["logits"]


def test_jsonl_input_ids_in_text_format(model_only):
    result = run("classify", "--model", model_only, "--input-format", "jsonl", stdin='{"input_ids": [2, 9, 3]}')
    assert result.text.startswith("input_ids: 2 9 3\n1 star :\t")


def test_jsonl_padding_is_dropped(checkpoint):
    plain = jsonl(checkpoint, {"input_ids": [2, 9, 3]}).rows[0]
    padded = {"input_ids": [2, 9, 3, 0, 0], "token_type_ids": [0] * 5, "attention_mask": [1, 1, 1, 0, 0]}
    assert jsonl(checkpoint, padded).rows[0] == plain
    result = jsonl(checkpoint, padded | {"attention_mask": [0, 0, 1, 1, 1]})
    assert (result.code, result.err) == (
        2, "filbert: line 1: attention_mask: expected padding behind the text, since bert counts positions from the first token, found it before\n")
    result = jsonl(checkpoint, padded | {"attention_mask": [1, 0, 1, 1, 1]})
    assert (result.code, result.err) == (
        2, "filbert: line 1: attention_mask: expected ones, and zeros for padding before or behind them, found another order\n")


@pytest.mark.parametrize("family", ["roberta", "xlnet"])
def test_jsonl_padding_in_front_is_dropped_where_it_is_not_counted(family):
    model = FAMILIES / family / "sequence"
    plain = jsonl(model, {"input_ids": [5, 9, 6], "token_type_ids": [0, 0, 0]}).rows[0]
    padded = {"input_ids": [1, 1, 5, 9, 6, 1], "token_type_ids": [0] * 6, "attention_mask": [0, 0, 1, 1, 1, 0]}
    assert jsonl(model, padded).rows[0] == plain


def test_jsonl_text_beside_input_ids_is_only_shown(checkpoint):
    (row,) = jsonl(checkpoint, {"input_ids": [2, 9, 3], "text": "not what was tokenized"}).rows
    assert row["text"] == "not what was tokenized" and "input_ids" not in row
    assert row["logits"] == jsonl(checkpoint, {"input_ids": [2, 9, 3]}).rows[0]["logits"]


def test_jsonl_mixed_streams_keep_their_order(checkpoint):
    source = random.Random(5)
    entries = [{"id": index, "text": "very " * (index % 9)} if source.random() < 0.5 else {"id": index, "input_ids": [2, 5 + index % 20, 3]}
               for index in range(3000)]
    result = jsonl(checkpoint, *entries)
    assert (result.code, result.err) == (0, "")
    assert [row["id"] for row in result.rows] == list(range(3000))
    for index in [0, 17, 2999]:
        assert jsonl(checkpoint, entries[index]).rows[0] == result.rows[index]


def test_jsonl_blank_lines_hold_nothing(checkpoint):
    result = jsonl(checkpoint, {"text": "good"}, "", "  ", {"text": "bad"}, "")
    assert [row["text"] for row in result.rows] == ["good", "bad"]
    result = jsonl(checkpoint, "", "{")
    assert result.err.startswith("filbert: line 2: ")


@pytest.mark.parametrize("line, message", [
    ("{", "line 3: expected JSON, found: "),
    ("good", "line 3: expected JSON, found: "),
    ('{"text": "a"} {"text": "b"}', "line 3: expected JSON, found: "),
    ("[1]", "line 3: expected an object, found an array"),
    ('"good"', 'line 3: expected an object, found a string ("good")'),
    ("{}", 'line 3: expected a field "text" or "input_ids", found neither'),
    ('{"text": 5}', "line 3: text: expected a string, found a number (5)"),
    ('{"text": "a", "text_pair": []}', "line 3: text_pair: expected a string, found an array"),
    ('{"input_ids": []}', "line 3: input_ids: expected at least one id, found an array"),
    ('{"input_ids": "2 9"}', "line 3: input_ids: expected an array, found a string (\"2 9\")"),
    ('{"input_ids": [2, "a", 3]}', "line 3: input_ids[1]: expected an integer, found a string (\"a\")"),
    ('{"input_ids": [2, 4.5, 3]}', "line 3: input_ids[1]: expected an integer, found a number (4.5)"),
    ('{"input_ids": [2, -1, 3]}', "line 3: input_ids[1]: expected an id from 0 to 2147483647, found a number (-1)"),
    ('{"input_ids": [2, 4294967296]}', "line 3: input_ids[1]: expected an id from 0 to 2147483647"),
    ('{"input_ids": [2, 9, 3], "token_type_ids": [0, 0]}', "line 3: token_type_ids: expected as many as input_ids (3), found 2"),
    ('{"input_ids": [2, 9, 3], "attention_mask": [1]}', "line 3: attention_mask: expected as many as input_ids (3), found 1"),
    ('{"input_ids": [2, 100000, 3]}', "line 3: "),
    ('{"input_ids": [2, 9, 3], "token_type_ids": [0, 2, 0]}', "line 3: "),
    (json.dumps({"input_ids": [2] * 65}), "line 3: "),
])
def test_jsonl_line_that_is_wrong_is_named_and_nothing_before_it_is_lost(checkpoint, line, message):
    result = jsonl(checkpoint, {"text": "good"}, {"text": "bad"}, line, {"text": "film"})
    assert result.code == 2
    assert result.err.startswith("filbert: " + message) and result.err.count("\n") == 1, result.err
    assert [row["text"] for row in result.rows] == ["good", "bad"]


def test_jsonl_invalid_utf8_is_replaced_and_said(checkpoint):
    result = run("classify", "--model", checkpoint, "--format", "json", "--input-format", "jsonl", stdin=b'{"text": "b\xffd"}\n')
    assert result.code == 0
    assert (result.rows[0]["text"], result.rows[0]["invalid_utf8"]) == ("b\N{REPLACEMENT CHARACTER}d", 1)
    assert "line 1" in result.err


def test_a_text_where_there_is_no_tokenizer(model_only):
    result = run("classify", "--model", model_only, "good")
    assert (result.code, result.out) == (3, b"")
    assert str(model_only) in result.err
    result = jsonl(model_only, {"input_ids": [2, 9, 3]}, {"text": "good"})
    assert result.code == 3
    assert len(result.rows) == 1 and result.err.startswith("filbert: line 2: ")
