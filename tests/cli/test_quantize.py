"""filbert quantize: a checkpoint in 8 bits, with a card that says what it cost."""

import json
import re

from filbert_command import ok, run


def test_the_answers_are_those_of_int8(checkpoint, tmp_path):
    out = tmp_path / "int8"
    assert "was not measured" in ok("quantize", checkpoint, out, "--calibration-tokens", "0").text
    texts = ["i really love this book", "the film was bad"]
    for words in [[], ["--dtype", "int8"], ["--dtype", "auto"]]:
        assert (ok("classify", "--model", out, "--format", "json", *words, *texts).rows
                == ok("classify", "--model", checkpoint, "--dtype", "int8", "--format", "json", *texts).rows)
    assert json.loads((out / "config.json").read_text())["quantization_config"] == {"quant_method": "filbert-int8-1"}
    assert "not measured" in (out / "README.md").read_text()


def test_calibration_moves_where_the_numbers_lie_and_is_the_same_each_time(checkpoint, tmp_path):
    for name, words in [("plain", ["--calibration-tokens", "0"]), ("a", []), ("b", []), ("few", ["--calibration-tokens", "64"])]:
        ok("quantize", checkpoint, tmp_path / name, *words)
    weights = {path.parent.name: path.read_bytes() for path in tmp_path.glob("*/model.safetensors")}
    assert weights["a"] == weights["b"] and len(set(weights.values())) == 3
    assert run("quantize", checkpoint, tmp_path / "c", "--calibration-tokens", "-1").code == 2


def test_the_card_says_what_it_cost(checkpoint, tmp_path):
    texts = tmp_path / "texts"
    texts.write_text("good\nbad\n\nthis film was not good\n")
    out = tmp_path / "int8"
    line = ok("quantize", checkpoint, out, "--texts", texts).text
    cost = re.search(r"the same label for [\d.]+ % of 3 texts, logits off by [\d.]+ % of their range", line)
    assert cost and cost.group() in (out / "README.md").read_text()
    assert line.startswith(f"{out}: ") and line.count("\n") == 1


def test_what_cannot_be_is_refused_before_anything_is_written(checkpoint, tmp_path):
    out = tmp_path / "int8"
    empty = tmp_path / "empty"
    empty.write_text("\n")
    for status, words in [(2, [checkpoint, checkpoint]), (2, [checkpoint]), (3, [checkpoint, out, "--texts", tmp_path / "none"]),
                          (2, [checkpoint, out, "--texts", empty]), (3, [tmp_path / "none", out])]:
        assert run("quantize", *words).code == status, words
    assert not out.exists()


def test_a_quantized_checkpoint_is_described_and_runs_in_no_other_dtype(checkpoint, tmp_path):
    out = tmp_path / "int8"
    ok("quantize", checkpoint, out)
    assert "int8 in " in ok("inspect", out).text
    result = run("classify", "--model", out, "--dtype", "f32", "good")
    assert result.code == 4 and "quantization_config" in result.err
