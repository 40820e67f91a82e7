"""filbert verify: a line for each check, and each way in which a checkpoint can be broken."""

import hashlib
import json
import math
import os
import random
import re
import shutil

import pytest

from filbert_command import ROOT, ok, open_terminal, run
from tiny_checkpoint import LABELS, VOCAB, tensor_shapes, write_checkpoint, write_model, write_safetensors, write_tokenizer

NOT_FOUND, UNSUPPORTED, CORRUPT = 3, 4, 5
CHECKS = ["files", "hashes", "config", "labels", "architecture", "tensors", "numbers", "head", "tokenizer", "vocabulary", "unk", "forward",
          "batch", "reference"]
SHARDS = ROOT / "tests/data/pytorch/safetensors_shards"


class Report:
    def __init__(self, *words, code=0, **streams):
        result = run("verify", "--format", "json", *words, **streams)
        assert result.code == code, result
        self.row, = result.rows
        self.err = result.err
        self.checks = {check["check"]: check for check in self.row["checks"]}

    def outcomes(self, outcome):
        return [name for name, check in self.checks.items() if check["outcome"] == outcome]

    def says(self, check, outcome, *parts):
        """One of the check's findings has this outcome and all these parts."""
        findings = self.checks[check]["findings"]
        assert any(found["outcome"] == outcome and all(part in found["message"] for part in parts) for found in findings), findings
        return True


def rewrite(directory, change, seed=3):
    """The model's tensors after change(name, values); None drops one."""
    config = json.loads((directory / "config.json").read_text())
    source = random.Random(seed)
    tensors = {}
    for name, shape in tensor_shapes(config).items():
        center = 1.0 if name.endswith("LayerNorm.weight") else 0.0
        values = change(name, [source.gauss(center, 0.4) for _ in range(math.prod(shape))])
        if values is not None:
            tensors[name] = (shape, values)
    write_safetensors(directory / "model.safetensors", tensors)
    return directory


def write_reference(directory, texts=("i love this book", "bad", "the film was not good"), change=lambda row: row, **head):
    """A filbert_reference.json of what Filbert itself computes, after change(row)."""
    rows = []
    for text in texts:
        answer, = ok("classify", "--model", directory, "--format", "json", text).rows
        encoding, = ok("tokenize", "--model", directory, text).rows
        rows.append(change({"text": text, "logits": answer["logits"]} | {key: encoding[key] for key in ("input_ids", "token_type_ids")}))
    sha256 = hashlib.sha256((directory / "model.safetensors").read_bytes()).hexdigest()
    reference = {"made": {"transformers": "9.9", "torch": "8.8"}, "model_sha256": {"model.safetensors": sha256}, "max_length": 64, "rows": rows} | head
    (directory / "filbert_reference.json").write_text(json.dumps(reference))
    return directory


@pytest.fixture
def copy(checkpoint, tmp_path):
    return shutil.copytree(checkpoint, tmp_path / "copy")


def test_a_sound_checkpoint_passes_every_check(checkpoint):
    report = Report(checkpoint)
    assert list(report.checks) == CHECKS
    assert report.outcomes("skipped") == ["reference"] and len(report.outcomes("ok")) == len(CHECKS) - 1
    assert {key: report.row[key] for key in ("ok", "warning", "failed", "skipped")} == {"ok": 13, "warning": 0, "failed": 0, "skipped": 1}
    assert (report.row["directory"], report.err) == (str(checkpoint), "")
    shapes = tensor_shapes(json.loads((checkpoint / "config.json").read_text())).values()
    assert report.checks["tensors"]["facts"] == {"tensors": len(shapes), "num_parameters": sum(map(math.prod, shapes)), "dtype": "F32"}
    assert report.checks["vocabulary"]["facts"] == {"cls_token_id": 2, "sep_token_id": 3, "unk_token_id": 1, "pad_token_id": 0, "mask_token_id": 4}
    sha256 = hashlib.sha256((checkpoint / "model.safetensors").read_bytes()).hexdigest()
    assert report.checks["hashes"]["facts"] == {"model.safetensors": sha256}


def test_text_is_a_line_a_check_and_a_summary(checkpoint, tmp_path):
    *lines, summary = ok("verify", checkpoint).text.splitlines()
    assert [re.match(r"(ok|skipped) +(\w+)  +\S", line)[2] for line in lines] == CHECKS
    assert summary == f"{checkpoint}: 14 checks: 13 ok, 1 skipped"
    result = run("verify", tmp_path)
    assert result.code == NOT_FOUND and result.err == f"filbert: {tmp_path}: FAILED: files\n"
    assert re.search(r"^FAILED   files         config.json: expected this file, found none$", result.text, re.M)


def test_a_terminal_gets_lines_that_fit(tokenizer_only):
    master, slave = open_terminal()
    result = run("verify", tokenizer_only, stdout=slave)
    os.close(slave)
    shown = os.read(master, 65536).decode().replace("\r", "")
    os.close(master)
    assert result.code == NOT_FOUND and all(len(re.sub(r"\x1b\[\d*m", "", line)) <= 80 for line in shown.split("\n")[:-2])
    assert "pytorch_model.bin,\n" + " " * 23 + "or either" in shown


def test_the_default_is_the_default_model(checkpoint):
    assert ok("verify", env={"FILBERT_MODEL": str(checkpoint)}).text == ok("verify", checkpoint).text


def test_no_directory():
    result = run("verify", "/nonexistent")
    assert (result.code, result.out) == (NOT_FOUND, b"") and "/nonexistent" in result.err


# files and hashes

def test_every_missing_shard_is_named(tmp_path):
    directory = shutil.copytree(SHARDS, tmp_path / "shards")
    report = Report(directory)
    assert report.outcomes("failed") == [] and "2 files" in report.checks["files"]["found"]
    assert report.says("files", "warning", "vocab.txt")  # it has no tokenizer
    for name in ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]:
        (directory / name).unlink()
    report = Report(directory, code=NOT_FOUND)
    assert report.says("files", "failed", "00001-of") and report.says("files", "failed", "00002-of")
    assert report.outcomes("failed") == ["files"]


def test_weights_that_are_not_read_are_named(copy):
    (copy / "pytorch_model.bin").write_bytes(b"old")
    assert Report(copy).checks["files"]["found"].endswith("; not read: pytorch_model.bin")
    (copy / "adapter_config.json").write_text("{}")
    assert Report(copy).says("files", "warning", "adapter_config.json", "not applied")


def test_files_that_are_no_files(copy):
    (copy / "vocab.txt").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    (copy / "special_tokens_map.json").symlink_to("nowhere")
    (copy / "added_tokens.json").write_text("")
    report = Report(copy, code=NOT_FOUND)
    assert report.says("files", "failed", "vocab.txt", "Git LFS") and report.says("files", "failed", "added_tokens.json", "empty")
    assert report.says("files", "failed", "special_tokens_map.json", "link")


def test_a_snapshot_of_the_hub_is_compared_with_its_hashes(checkpoint, tmp_path):
    snapshot, blobs = tmp_path / "models--org--tiny/snapshots" / ("a" * 40), tmp_path / "models--org--tiny/blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    for path in checkpoint.iterdir():
        content = path.read_bytes()
        etag = (hashlib.sha256(content) if path.suffix == ".safetensors" else hashlib.sha1(b"blob %d\0" % len(content) + content)).hexdigest()
        (blobs / etag).write_bytes(content)
        (snapshot / path.name).symlink_to(f"../../blobs/{etag}")
    report = Report(snapshot)
    assert report.checks["hashes"]["found"] == "4 of 4 files are those of the Hub" and report.outcomes("failed") == []
    for name, what in {"model.safetensors": "sha256", "vocab.txt": "git hash"}.items():
        whole = (snapshot / name).read_bytes()
        (snapshot / name).write_bytes(whole[:-2] + bytes([whole[-2] ^ 1]) + whole[-1:])  # one bit of the blob
        assert Report(snapshot, code=CORRUPT).says("hashes", "failed", name, what, os.readlink(snapshot / name)[-40:], "damaged")
        (snapshot / name).write_bytes(whole)


# config and labels

def test_a_model_that_was_trained_for_something_else(tmp_path):
    report = Report(write_checkpoint(tmp_path, architectures=["BertForMaskedLM"]), code=UNSUPPORTED)
    assert report.says("config", "failed", "ForSequenceClassification", "BertForMaskedLM") and report.outcomes("failed") == ["config"]
    assert Report(write_checkpoint(tmp_path, architectures=None)).says("config", "warning", "architectures")


def test_a_config_that_cannot_be_read_leaves_the_rest(copy):
    (copy / "config.json").write_text("{")
    report = Report(copy, code=CORRUPT)
    assert report.outcomes("failed") == ["config"] and report.says("labels", "skipped", "config")
    assert {"numbers", "tokenizer", "unk"} <= set(report.outcomes("ok"))


def test_a_family_that_does_not_run(copy):
    write_reference(copy)
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"model_type": "no_such_family"}))
    report = Report(copy, code=UNSUPPORTED)
    assert report.outcomes("failed") == ["architecture"] and report.says("architecture", "failed", "no_such_family")
    assert report.says("tensors", "skipped", "which tensors") and report.says("forward", "skipped") and "numbers" in report.outcomes("ok")
    assert report.says("reference", "skipped", "logits") and report.checks["reference"]["facts"]["texts_with_other_ids"] == 0


def test_labels_that_say_nothing_or_too_little(tmp_path):
    assert Report(write_checkpoint(tmp_path, id2label=None)).says("labels", "warning", "LABEL_0")
    assert Report(write_checkpoint(tmp_path, labels=["yes", "no", "yes"])).says("labels", "warning", "0 and 2", "\"yes\"")
    assert Report(write_checkpoint(tmp_path, labels=["score"])).says("labels", "warning", "problem_type")
    swapped = {"1 star": 1, "2 stars": 0, "3 stars": 2, "4 stars": "3", "5 stars": 4}
    assert Report(write_checkpoint(tmp_path, label2id=swapped)).says("labels", "warning", "label2id", "2 of")
    assert Report(write_checkpoint(tmp_path, label2id={label: at for at, label in enumerate(LABELS)})).outcomes("warning") == []


# weights

@pytest.mark.parametrize("change, parts", [
    (lambda name, values: None if name == "classifier.bias" else values, ["missing: classifier.bias"]),
    (lambda name, values: None if name.startswith("classifier") else values, ["classifier.weight", "without a classification head"]),
])
def test_tensors_that_are_missing(copy, change, parts):
    report = Report(rewrite(copy, change), code=CORRUPT)
    assert report.says("tensors", "failed", *parts) and report.outcomes("failed") == ["tensors"]
    assert report.says("forward", "skipped", "no model") and "numbers" in report.outcomes("ok")


def test_a_number_of_labels_that_the_head_does_not_have(copy):
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"id2label": {"0": "no", "1": "yes"}}))
    assert Report(copy, code=CORRUPT).says("tensors", "failed", "classifier.weight (expected [2, 32], found [5, 32])")


def test_weights_that_were_cut_off(copy):
    path = copy / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    report = Report(copy, code=CORRUPT)
    assert report.says("tensors", "failed", "model.safetensors") and report.says("numbers", "skipped", "no weights")


@pytest.mark.parametrize("bad, word", [(math.nan, "1 NaN and 0 infinite"), (-math.inf, "0 NaN and 1 infinite")])
def test_weights_that_are_not_finite(copy, bad, word):
    name = "bert.encoder.layer.1.output.dense.weight"
    report = Report(rewrite(copy, lambda each, values: values[:-1] + [bad] if each == name else values), code=CORRUPT)
    assert report.says("numbers", "failed", f"{name} ({word} of 1536)") and "tensors" in report.outcomes("ok")
    assert report.says("forward", "failed", "finite")


def test_weights_of_nothing_but_zeros(copy):
    name = "bert.encoder.layer.0.output.LayerNorm.weight"
    assert Report(rewrite(copy, lambda each, values: [0.0] * len(values) if each == name else values)).says("numbers", "warning", name, "zeros")
    rewrite(copy, lambda each, values: [0.0] * len(values) if "token_type" in each else values)
    assert Report(copy).outcomes("warning") == []


def test_a_head_that_nobody_trained(copy):
    source = random.Random(1)

    def head(deviation, bias):
        def change(name, values):
            if name == "classifier.weight":
                return [source.gauss(0, deviation) for _ in values]
            return [bias] * len(values) if name == "classifier.bias" else values
        return Report(rewrite(copy, change))

    assert head(0.02, 0.0).says("head", "warning", "untrained", "0.02")
    assert head(0.02, 1e-9).outcomes("warning") == [] == head(0.2, 0.0).outcomes("warning")
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"initializer_range": 0.2}))
    assert head(0.2, 0.0).says("head", "warning", "untrained", "0.2")


def test_a_model_that_answers_all_texts_alike(copy):
    report = Report(rewrite(copy, lambda name, values: [0.0] * len(values) if name == "classifier.weight" else values))
    assert report.says("forward", "warning", "all the same")


# tokenizer

def test_a_cased_vocabulary_that_is_lower_cased(tmp_path):
    vocab = VOCAB + [f"Word{letter}{index}" for letter in "abcdefgh" for index in range(500)]
    write_model(tmp_path, vocab_size=len(vocab))
    assert Report(write_tokenizer(tmp_path, vocab)).says("tokenizer", "warning", "do_lower_case should probably be false")


def test_a_lower_cased_vocabulary_that_is_not(copy):
    write_tokenizer(copy, do_lower_case=False)
    assert Report(copy).says("unk", "warning", "English", "in lower case 0.0 %", "do_lower_case should probably be true")


def test_a_vocabulary_that_lacks_letters(copy):
    write_tokenizer(copy, [token for token in VOCAB if token not in ("e", "##e")] + ["[unused]"] * 2)
    assert Report(copy).says("unk", "warning", "[UNK]", "1 %")


def test_ids_past_the_embedding_table(tmp_path):
    write_tokenizer(tmp_path)
    assert Report(write_model(tmp_path, vocab_size=len(VOCAB) - 6), code=CORRUPT).says("vocabulary", "failed", str(len(VOCAB) - 6))
    assert Report(write_model(tmp_path, vocab_size=len(VOCAB) + 6)).outcomes("warning") == []
    assert Report(write_model(tmp_path, vocab_size=len(VOCAB) * 2)).says("vocabulary", "warning", "another model")
    write_tokenizer(tmp_path, [token for token in VOCAB if token != "[MASK]"] )
    assert Report(write_model(tmp_path, vocab_size=len(VOCAB) - 1)).says("vocabulary", "warning", "[MASK]")


def test_lengths_and_padding_that_contradict_each_other(copy):
    write_tokenizer(copy, model_max_length=512)
    assert Report(copy).says("vocabulary", "warning", "512", "64")
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"pad_token_id": 1}))
    assert Report(copy).says("vocabulary", "warning", "pad_token_id is 1", "is 0")


def test_a_tokenizer_that_cannot_be_read_leaves_the_model(copy):
    (copy / "tokenizer.json").write_text('{"model": {"type": "NoSuchModel"}}')
    report = Report(copy, code=UNSUPPORTED)
    assert report.outcomes("failed") == ["tokenizer"] and {"forward", "batch"} <= set(report.outcomes("ok"))


def test_a_model_without_a_tokenizer_and_a_tokenizer_without_a_model(model_only, tokenizer_only):
    report = Report(model_only)
    assert report.outcomes("warning") == ["files"] and {"forward", "batch"} <= set(report.outcomes("ok"))
    report = Report(tokenizer_only, code=NOT_FOUND)
    assert report.outcomes("failed") == ["files"] and {"tokenizer", "unk"} <= set(report.outcomes("ok"))


def probes():
    source = (ROOT / "src/cli/probes.cpp").read_text(encoding="utf-8")
    for match in re.finditer(r'Probe\{"(\w+)", \d+,\s*((?:"[^"]*"\s*)+)\}', source):
        yield match[1], "".join(re.findall(r'"([^"]*)"', match[2]))


def test_a_vocabulary_of_a_language_is_known_for_it(tmp_path):
    languages = dict(probes())
    assert len(languages) == 32
    for language, text in languages.items():
        words = re.findall(r"[\u4e00-\u9fff]|[\u3041-\u30ff]+" if language in ("Chinese", "Japanese") else r"[^\s.,'\u2019\-।،、。，]+", text)
        write_tokenizer(tmp_path, list(dict.fromkeys(VOCAB + words + list(".,'-।،、。，"))), do_lower_case=False)
        report = Report(tmp_path, code=NOT_FOUND)
        assert report.checks["unk"]["facts"]["language"] == language and report.checks["unk"]["outcome"] == "ok", report.checks["unk"]


# reference and dtype

def test_a_reference_that_agrees(copy):
    report = Report(write_reference(copy))
    assert report.outcomes("ok") == CHECKS
    assert report.checks["reference"]["facts"] == {"made_by": "transformers 9.9, torch 8.8", "texts": 3, "texts_with_other_ids": 0,
                                                   "greatest_difference": 0.0, "texts_with_the_same_label": 3}


def test_a_reference_elsewhere(copy, tmp_path):
    path = tmp_path / "elsewhere.json"
    write_reference(copy)
    shutil.move(copy / "filbert_reference.json", path)
    assert Report(copy).outcomes("skipped") == ["reference"]
    assert Report(copy, "--reference", path).outcomes("skipped") == []
    assert Report(copy, "--reference", tmp_path / "none", code=NOT_FOUND).says("reference", "failed", "none")


def test_logits_that_differ(copy):
    write_reference(copy, change=lambda row: row | {"logits": [row["logits"][0] + 2e-3 * (row["text"] == "bad"), *row["logits"][1:]]})
    assert Report(copy, code=CORRUPT).says("reference", "failed", "off by 2.0e-03", '"bad"', "1e-04", "3 of 3")


def test_ids_that_differ(copy):
    write_reference(copy, change=lambda row: row | {"input_ids": [*row["input_ids"][:-1], 7] if row["text"] == "bad" else row["input_ids"]})
    assert Report(copy, code=CORRUPT).says("reference", "failed", "1 of 3", '"bad", token 2: expected 7, found 3')
    write_reference(copy, change=lambda row: row | {"token_type_ids": [1] * len(row["input_ids"])})
    assert Report(copy, code=CORRUPT).says("reference", "failed", "3 of 3", "token_type_ids, token 0: expected 1, found 0")


def test_a_reference_of_other_weights(copy):
    write_reference(copy, model_sha256={"model.safetensors": "0" * 64})
    assert Report(copy, code=CORRUPT).says("reference", "failed", "model.safetensors", "other weights", "0" * 64)
    write_reference(copy, model_sha256={"pytorch_model.bin": "0" * 64})
    assert Report(copy).says("reference", "warning", "not known")


@pytest.mark.parametrize("text, part", [
    ("{", "JSON"), ("[]", "object"), ("{}", "made"), ("\0", "JSON"),
    ('{"made": {"transformers": "5", "torch": "2"}, "model_sha256": {}, "max_length": 0, "rows": []}', "max_length"),
    ('{"made": {"transformers": "5", "torch": "2"}, "model_sha256": {}, "max_length": 9, "rows": []}', "rows"),
])
def test_a_reference_that_cannot_be_read(copy, text, part):
    (copy / "filbert_reference.json").write_text(text)
    assert Report(copy, code=CORRUPT).says("reference", "failed", "filbert_reference.json", part)


@pytest.mark.parametrize("change, part", [
    ({"input_ids": [2, 10**6, 3], "token_type_ids": None}, "1000000"), ({"input_ids": [2, -1, 3]}, "-1"), ({"input_ids": [2, 2**40, 3]}, "input_ids"),
    ({"input_ids": [2] * 65, "token_type_ids": None}, "65"), ({"input_ids": [], "token_type_ids": None}, "input_ids"), ({"token_type_ids": [0]}, "token_type_ids"),
    ({"logits": [0.5]}, "1 logits"), ({"logits": []}, "0 logits"), ({"logits": ["a"]}, "logits"), ({"text": 7}, "text"), ({"text_pair": 7}, "text_pair"),
])
def test_rows_that_no_model_can_have_given(copy, change, part):
    write_reference(copy, texts=["i love this book"], change=lambda row: row | change)
    assert Report(copy, code=CORRUPT).says("reference", "failed", part)


def test_dtype_says_how_far_it_is_from_f32(copy):
    facts = Report(copy, "--dtype", "int8").checks["dtype"]["facts"]
    assert (facts["compute_dtype"], facts["texts"]) == ("int8", 32) and 0 < facts["greatest_difference"] and facts["texts_with_the_same_label"] <= 32
    write_reference(copy)
    report = Report(copy, "--dtype", "bf16")
    assert report.checks["dtype"]["facts"]["texts"] == 3 and report.outcomes("ok") == [*CHECKS, "dtype"]
    assert "dtype" not in Report(copy, "--dtype", "f32").checks


def test_a_quantized_checkpoint(checkpoint, tmp_path):
    ok("quantize", checkpoint, tmp_path / "int8")
    write_reference(tmp_path / "int8", change=lambda row: row | {"logits": [logit + 0.01 for logit in row["logits"]]})
    report = Report(tmp_path / "int8")
    assert report.outcomes("ok") == CHECKS and "off by at most 1.0e-02 in int8" in report.checks["reference"]["found"]
    assert report.checks["tensors"]["facts"]["dtype"] == "F32, I8"


def test_the_exit_code_is_that_of_the_first_failure(copy):
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config | {"architectures": ["BertForMaskedLM"]}))
    (copy / "vocab.txt").write_text("")
    report = Report(copy, code=CORRUPT)
    assert report.outcomes("failed")[0] == "files"
    assert re.fullmatch(r"filbert: \S+: FAILED: files, config, .+\n", report.err)
    assert report.checks["config"]["findings"][0]["kind"] == "unsupported"


@pytest.mark.parametrize("fixture", ["bert/token-v4", "roberta/token-shards", "deberta-v2/token-v4", "modernbert/token-shards"])
def test_a_token_classifier_beside_transformers(fixture, tmp_path):
    directory = ROOT / "tests/data/families" / fixture
    goldens = json.loads((directory / "goldens.json").read_text(encoding="utf-8"))
    made = {key: goldens["made"][key] for key in ("transformers", "torch")}
    reference = {"made": made, "model_sha256": goldens["made"]["sha256"], "max_length": goldens["made"]["max_length"], "rows": goldens["rows"]}
    (tmp_path / "reference.json").write_text(json.dumps(reference), encoding="utf-8")
    report = Report("--reference", tmp_path / "reference.json", "--dtype", "bf16", directory)
    assert report.outcomes("failed") == [] and {"forward", "batch", "reference", "dtype"} <= set(report.outcomes("ok"))
    assert f"{len(goldens['rows'])} texts by transformers" in report.checks["reference"]["found"]
    reference["rows"][1]["logits"][1][2] += 0.01
    (tmp_path / "reference.json").write_text(json.dumps(reference), encoding="utf-8")
    assert Report("--reference", tmp_path / "reference.json", directory, code=CORRUPT).says("reference", "failed", "logits are off")
