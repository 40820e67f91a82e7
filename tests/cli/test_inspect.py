"""filbert inspect: what a checkpoint is, and every doubt about it."""

import json

import pytest

from filbert_command import ok, run
from tiny_checkpoint import LABELS, VOCAB, write_model, write_tokenizer


def inspect(directory):
    (row,) = ok("inspect", "--format", "json", directory).rows
    return row


def has_doubt(directory, *words):
    doubts = inspect(directory)["doubts"]
    return any(all(word in doubt for word in words) for doubt in doubts)


def test_a_sound_checkpoint_raises_no_doubt(checkpoint):
    row = inspect(checkpoint)
    assert row["doubts"] == []
    assert (row["model_type"], row["architectures"]) == ("bert", ["BertForSequenceClassification"])
    assert (row["hidden_size"], row["num_hidden_layers"], row["num_attention_heads"]) == (32, 2, 4)
    assert row["id2label"] == {str(index): label for index, label in enumerate(LABELS)}
    assert (row["function_to_apply"], row["problem_type"]) == ("softmax", None)
    assert (row["dtype"], row["max_length"]) == ("F32", 64)
    assert row["num_parameters"] > 10_000 and row["weight_bytes"] >= 4 * row["num_parameters"]
    assert row["kernels"] in ok("--version").text and row["num_threads"] >= 1
    assert row["tokenizer"]["vocab_size"] == len(VOCAB)
    assert (row["tokenizer"]["model_max_length"], row["tokenizer"]["lowercases"]) == (64, True)


def test_text_names_everything_in_80_columns(checkpoint):
    text = ok("inspect", checkpoint).text
    for word in ["bert (BertForSequenceClassification)", "2 layers, hidden 32, 4 heads of 8", "softmax of 5 logits", "1 star", "F32",
                 "parameters", "kernels", "thread", "WordPiece", "64 tokens"]:
        assert word in text, word
    assert all(len(line) <= 80 for line in text.split("\n") if not line.startswith("directory"))
    assert "doubt" not in text


def test_the_default_is_the_default_model(checkpoint):
    assert ok("inspect", env={"FILBERT_MODEL": str(checkpoint)}).text == ok("inspect", checkpoint).text


@pytest.mark.parametrize("dtype", ["f32", "bf16", "int8"])
def test_dtype(checkpoint, dtype):
    assert ok("inspect", "--format", "json", "--dtype", dtype, checkpoint).rows[0]["compute_dtype"] == dtype
    assert dtype in ok("inspect", "--dtype", dtype, checkpoint).text


def test_auto_says_what_it_picked(checkpoint):
    assert ok("inspect", "--format", "json", "--dtype", "auto", checkpoint).rows[0]["compute_dtype"] in ("f32", "int8")


def test_threads(checkpoint):
    assert ok("inspect", "--format", "json", "--threads", "3", checkpoint).rows[0]["num_threads"] == 3


def test_a_tokenizer_alone(tokenizer_only):
    row = inspect(tokenizer_only)
    assert row["tokenizer"]["vocab_size"] == len(VOCAB)
    assert row["max_length"] == 64
    assert row["doubts"][0].startswith("no model: ") and "config.json" in row["doubts"][0]
    assert "architecture" not in ok("inspect", tokenizer_only).text


def test_a_model_alone(model_only):
    row = inspect(model_only)
    assert row["tokenizer"] is None
    assert any(doubt.startswith("no tokenizer: ") for doubt in row["doubts"])
    assert "\ndoubt " in ok("inspect", model_only).text


def test_a_config_without_weights(tmp_path, checkpoint):
    write_tokenizer(tmp_path)
    (tmp_path / "config.json").write_bytes((checkpoint / "config.json").read_bytes())
    assert has_doubt(tmp_path, "no model: ", "model.safetensors")
    assert inspect(tmp_path)["hidden_size"] == 32


def test_doubt_default_labels(tmp_path):
    write_tokenizer(tmp_path)
    assert has_doubt(write_model(tmp_path, id2label=None), "LABEL_0")
    assert has_doubt(write_model(tmp_path, labels=["LABEL_0", "LABEL_1"]), "LABEL_0")


def test_doubt_no_maximum_length(tmp_path):
    write_model(tmp_path)
    assert has_doubt(write_tokenizer(tmp_path, model_max_length=None), "model_max_length")
    assert has_doubt(write_tokenizer(tmp_path, model_max_length=10**30), "model_max_length")


def test_doubt_maximum_length_beyond_the_positions(tmp_path):
    write_model(tmp_path)
    assert has_doubt(write_tokenizer(tmp_path, model_max_length=512), "512", "64")
    assert inspect(tmp_path)["max_length"] == 64


def test_doubt_cased_vocabulary_that_is_lower_cased(tmp_path):
    vocab = VOCAB + [f"Word{letter}{index}" for letter in "abcdefgh" for index in range(500)]
    assert has_doubt(write_tokenizer(tmp_path, vocab), "cased")
    write_tokenizer(tmp_path, vocab, do_lower_case=False)
    assert not has_doubt(tmp_path, "lower-cas")


def test_doubt_vocabulary_and_embedding_table(tmp_path):
    write_tokenizer(tmp_path)
    assert has_doubt(write_model(tmp_path, vocab_size=len(VOCAB) + 6), str(len(VOCAB)), str(len(VOCAB) + 6))
    assert has_doubt(write_model(tmp_path, vocab_size=len(VOCAB) - 6), str(len(VOCAB)), str(len(VOCAB) - 6))


def test_doubt_architecture(tmp_path):
    write_tokenizer(tmp_path)
    assert has_doubt(write_model(tmp_path, architectures=["BertModel"]), "BertModel")
    assert has_doubt(write_model(tmp_path, architectures=None), "architectures")


def test_doubt_single_label(tmp_path):
    write_tokenizer(tmp_path)
    assert has_doubt(write_model(tmp_path, labels=["score"]), "one label")
    assert inspect(tmp_path)["function_to_apply"] == "sigmoid"
    assert inspect(write_model(tmp_path, labels=["score"], problem_type="regression"))["function_to_apply"] == "none"


def test_a_broken_part_is_said_and_the_rest_shown(tmp_path, checkpoint):
    write_tokenizer(tmp_path)
    (tmp_path / "config.json").write_bytes((checkpoint / "config.json").read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"short")
    result = run("inspect", tmp_path)
    assert result.code == 5
    assert "model.safetensors" in result.err and result.err.startswith("filbert: ")
    assert "hidden 32" in result.text and "WordPiece" in result.text


@pytest.mark.parametrize("names", [[], ["README.md"]])
def test_nothing_to_inspect(tmp_path, names):
    for name in names:
        (tmp_path / name).write_text("nothing")
    result = run("inspect", tmp_path)
    assert (result.code, result.out) == (3, b"")
    assert str(tmp_path) in result.err


def test_labels_cannot_break_the_json(tmp_path):
    write_tokenizer(tmp_path)
    labels = ['"quoted"', "back\\slash", "new\nline", "\x1b[31mred", "caf\u00e9", ""]
    assert list(inspect(write_model(tmp_path, labels=labels))["id2label"].values()) == labels
    line = ok("inspect", "--format", "json", tmp_path).text
    assert line.count("\n") == 1 and json.loads(line)
