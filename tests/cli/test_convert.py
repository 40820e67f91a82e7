"""filbert convert, and the kinds of weight files: the same checkpoint gives the same answers."""

import json
import shutil

import pytest

from filbert_command import ROOT, ok, run

FIXTURES = ROOT / "tests/data/pytorch"
KINDS = ["safetensors", "safetensors_shards", "zip", "zip_shards", "legacy"]
ROW = json.dumps({"input_ids": [2, 5, 7, 11, 3]}) + "\n"


def answers(directory):
    return ok("classify", "--model", directory, "--input-format", "jsonl", "--format", "json", stdin=ROW).rows


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_the_same_logits_before_and_after(kind, tmp_path):
    out = tmp_path / "out"
    line = ok("convert", FIXTURES / kind, out).text
    assert line.startswith(f"{out}: 0.0 MB, from 0.0 MB in ") and line.count("\n") == 1
    assert sorted(path.name for path in out.iterdir()) == ["config.json", "model.safetensors"]
    assert answers(FIXTURES / kind) == answers(out) == answers(FIXTURES / "safetensors")


def test_the_tokenizer_goes_along(checkpoint, tmp_path):
    out = tmp_path / "out"
    ok("convert", checkpoint, out)
    for name in ["vocab.txt", "tokenizer_config.json", "config.json"]:
        assert (out / name).read_bytes() == (checkpoint / name).read_bytes()
    texts = ["i really love this book", "bad"]
    assert (ok("classify", "--model", out, "--format", "json", *texts).rows
            == ok("classify", "--model", checkpoint, "--format", "json", *texts).rows)


def test_a_checkpoint_of_torch_is_quantized_and_inspected(tmp_path):
    ok("quantize", FIXTURES / "zip", tmp_path / "int8")
    assert "F32" in ok("inspect", FIXTURES / "zip").text


def test_what_cannot_be_is_refused_before_anything_is_written(tmp_path):
    out, broken = tmp_path / "out", tmp_path / "broken"
    shutil.copytree(FIXTURES / "zip", broken)
    (broken / "pytorch_model.bin").write_bytes((FIXTURES / "zip/pytorch_model.bin").read_bytes()[:-1])
    part = tmp_path / "part"
    shutil.copytree(FIXTURES / "zip_shards", part)
    (part / "pytorch_model-00002-of-00002.bin").unlink()
    pickled = tmp_path / "pickled"
    shutil.copytree(FIXTURES / "zip", pickled)
    (pickled / "pytorch_model.bin").write_bytes(b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R.")
    for status, words, says in [(5, [broken, out], "pytorch_model.bin"), (3, [part, out], "00002-of-00002.bin"),
                                (4, [pickled, out], "os.system"), (3, [tmp_path / "none", out], "expected a directory"),
                                (2, [FIXTURES / "zip", broken], "empty directory"), (2, [FIXTURES / "zip"], "DIR OUT")]:
        result = run("convert", *words)
        assert result.code == status and says in result.err, result
    assert not out.exists()
