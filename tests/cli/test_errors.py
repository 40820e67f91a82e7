"""Bad input: a message that names the file or field, what was expected and what was found, and the exit code of its kind."""

import json
import struct

import pytest

from filbert_command import run
from tiny_checkpoint import VOCAB, write_checkpoint, write_model, write_safetensors, write_tokenizer

INVALID_ARGUMENT, NOT_FOUND, UNSUPPORTED, CORRUPT = 2, 3, 4, 5


def fails(code, *words, **streams):
    """The message, a line after "filbert: ", of what must fail without an answer."""
    result = run(*words, **streams)
    assert (result.code, result.out) == (code, b""), result
    assert result.err.startswith("filbert: ") and result.err.endswith("\n"), result.err
    return result.err[len("filbert: "):]


def refuses(*words, **streams):
    return fails(INVALID_ARGUMENT, *words, **streams)


# The command line

def test_no_command():
    assert refuses() == 'expected a command\nTry "filbert --help".\n'


@pytest.mark.parametrize("word, guess", [("clasify", "classify"), ("tokenise", "tokenize"), ("inspct", "inspect"), ("--versoin", "--version"),
                                         ("class", "classify"), ("--hlep", "--help")])
def test_unknown_command(word, guess):
    assert f'"{word}"; did you mean "{guess}"?\n' in refuses(word)


def test_unknown_command_like_no_other():
    assert refuses("xyzzyplugh") == 'unknown command "xyzzyplugh"\nTry "filbert --help".\n'


@pytest.mark.parametrize("flag, guess", [("--topk", "--top-k"), ("--top_k", "--top-k"), ("--thread", "--threads"), ("-model", "--model"),
                                         ("--max-len", "--max-length"), ("--fromat=json", "--format")])
def test_unknown_option(flag, guess):
    message = refuses("classify", flag, "3", "good")
    assert message == f'unknown option "{flag.split("=")[0]}"; did you mean "{guess}"?\nTry "filbert classify --help".\n'


def test_all_bodies_together_may_not_be_less_than_one():
    assert refuses("serve", "--max-body-bytes", "1000", "--max-total-body-bytes", "999") == (
        "--max-total-body-bytes: expected at least --max-body-bytes, 1000, found 999\n")


def test_a_text_that_begins_with_a_dash_is_told_about_two_dashes():
    assert "a text that starts with - goes after --" in refuses("classify", "-5 stars")


@pytest.mark.parametrize("words, message", [
    (["--top-k", "0"], '--top-k: expected a whole number from 1, found "0"'),
    (["--top-k", "-1"], '--top-k: expected a whole number from 1, found "-1"'),
    (["--top-k", "two"], '--top-k: expected a whole number from 1, found "two"'),
    (["--top-k", "2.0"], '--top-k: expected a whole number from 1, found "2.0"'),
    (["--top-k", ""], '--top-k: expected a whole number from 1, found ""'),
    (["--top-k="], '--top-k: expected a whole number from 1, found ""'),
    (["--top-k", "99999999999999999999999"], '--top-k: expected a whole number from 1, found "99999999999999999999999"'),
    (["--max-length", "0"], '--max-length: expected a whole number from 1, found "0"'),
    (["--dtype", "half"], '--dtype: expected f32, bf16, int8 or auto, found "half"'),
    (["--threads", "-2"], '--threads: expected a whole number from 0 to 1024, found "-2"'),
    (["--threads", "1000000"], '--threads: expected a whole number from 0 to 1024, found "1000000"'),
    (["--format", "xml"], '--format: expected text or json, found "xml"'),
    (["--format", "jsn"], '--format: expected text or json, found "jsn"; did you mean "json"?'),
    (["--function-to-apply", "softmx"],
     '--function-to-apply: expected softmax, sigmoid or none, found "softmx"; did you mean "softmax"?'),
    (["--input-format", "csv"], '--input-format: expected lines or jsonl without --input, found "csv"'),
])
def test_option_values(words, message):
    assert refuses("classify", *words, "good") == message + "\n"


def test_truncation_values():
    assert "--truncation: expected longest_first, only_first, only_second or do_not_truncate" in refuses("classify", "--truncation", "left", "a")


def test_a_value_is_missing():
    assert refuses("classify", "good", "--format") == '--format: expected a value (text|json) after it\nTry "filbert classify --help".\n'


def test_a_flag_takes_no_value():
    assert refuses("tokenize", "--no-add-special-tokens=1", "a").startswith("--no-add-special-tokens takes no value\n")


def test_too_many_arguments():
    assert refuses("inspect", "one", "two") == 'unexpected argument "two"\nTry "filbert inspect --help".\n'


def test_completion_needs_a_shell():
    assert refuses("completion").startswith("expected bash|zsh\n")
    assert refuses("completion", "fish").startswith('completion: expected bash or zsh, found "fish"')


def test_control_characters_in_a_message_are_spelled_out():
    assert 'unknown option "--\\x1b]0;x\\x07"' in refuses("classify", "--\x1b]0;x\x07")


def test_only_second_without_a_pair(checkpoint):
    assert refuses("classify", "--model", checkpoint, "--truncation", "only_second", "very " * 100).startswith("text 1: ")


def test_kernels_that_are_not_there(checkpoint):
    message = refuses("classify", "--model", checkpoint, "good", env={"FILBERT_KERNELS": "mmx"})
    assert "FILBERT_KERNELS" in message and "mmx" in message


# The checkpoint

def classify(code, directory):
    message = fails(code, "classify", "--model", directory, "good")
    assert message.count("\n") == 1, message
    return message


def test_a_missing_directory(tmp_path):
    assert str(tmp_path / "none") in classify(NOT_FOUND, tmp_path / "none")


def test_an_empty_directory(tmp_path):
    assert str(tmp_path / "config.json") in classify(NOT_FOUND, tmp_path)
    assert str(tmp_path) in fails(NOT_FOUND, "tokenize", "--model", tmp_path, "good")


def test_a_file_instead_of_a_directory(tmp_path):
    (tmp_path / "file").write_text("")
    assert str(tmp_path / "file") in classify(NOT_FOUND, tmp_path / "file")


def test_a_default_model_that_is_not_there(tmp_path):
    assert str(tmp_path / "none") in fails(NOT_FOUND, "classify", "good", env={"FILBERT_MODEL": str(tmp_path / "none")})


@pytest.mark.parametrize("text", ["", "{", "not JSON", "[]", "\0", '{"model_type": "bert"', "null"])
def test_a_config_that_is_not_json(tmp_path, text):
    write_checkpoint(tmp_path)
    (tmp_path / "config.json").write_text(text)
    assert "config.json" in classify(CORRUPT, tmp_path)


@pytest.mark.parametrize("changes, field", [
    ({"hidden_size": "32"}, "hidden_size"), ({"hidden_size": -32}, "hidden_size"), ({"num_attention_heads": 5}, "num_attention_heads"),
    ({"num_attention_heads": 0}, "num_attention_heads"), ({"hidden_size": 1 << 62}, "hidden_size"), ({"id2label": {"0": "a", "2": "b"}}, "id2label"),
    ({"id2label": {"zero": "a"}}, "id2label"), ({"vocab_size": 0}, "vocab_size"),
])
def test_a_config_that_contradicts_itself(tmp_path, changes, field):
    write_checkpoint(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | changes))
    message = classify(CORRUPT, tmp_path)
    assert "config.json" in message and field in message


def test_an_architecture_that_filbert_cannot_run(tmp_path):
    write_checkpoint(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"model_type": "longformer"}))
    assert "longformer" in classify(UNSUPPORTED, tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(config | {"hidden_act": "swigluish"}))
    assert "swigluish" in classify(UNSUPPORTED, tmp_path)


def test_a_vocabulary_without_unk(tmp_path):
    write_model(tmp_path)
    write_tokenizer(tmp_path, [token for token in VOCAB if token != "[UNK]"])
    message = classify(CORRUPT, tmp_path)
    assert "vocab.txt" in message and "[UNK]" in message


def test_no_weights(tmp_path):
    write_checkpoint(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    assert "model.safetensors" in classify(NOT_FOUND, tmp_path)


def header_of(path):
    raw = path.read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    return json.loads(raw[8:8 + length]), raw[8 + length:]


def write_header(path, header, data):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def lie(change):
    """A test that changes the header of a sound file, and the file's name must be in the message."""
    def make(tmp_path):
        path = write_checkpoint(tmp_path) / "model.safetensors"
        header, data = header_of(path)
        write_header(path, change(header) or header, data)
    return make


def shorten(count):
    def make(tmp_path):
        path = write_checkpoint(tmp_path) / "model.safetensors"
        path.write_bytes(path.read_bytes()[:count])
    return make


def header_longer_than_the_file(tmp_path):
    path = write_checkpoint(tmp_path) / "model.safetensors"
    path.write_bytes(struct.pack("<Q", 1 << 62) + path.read_bytes()[8:])


NAME = "classifier.weight"


@pytest.mark.parametrize("make", [
    shorten(0), shorten(7), shorten(8), shorten(100), shorten(-1), header_longer_than_the_file,
    lie(lambda header: b"{"), lie(lambda header: b"[]"), lie(lambda header: b"\xff" * 64),
    lie(lambda header: header[NAME].update(data_offsets=[0, 1 << 60])),
    lie(lambda header: header[NAME].update(data_offsets=[64, 0])),
    lie(lambda header: header[NAME].update(data_offsets=[-4, 0])),
    lie(lambda header: header[NAME].update(data_offsets=[0, header[NAME]["data_offsets"][1] - header[NAME]["data_offsets"][0]])),
    lie(lambda header: header[NAME].update(data_offsets=[0])),
    lie(lambda header: header[NAME].update(shape=[1 << 40, 1 << 40])),
    lie(lambda header: header[NAME].update(shape=[5, 31])),
    lie(lambda header: header[NAME].update(shape=[32, 5])),
    lie(lambda header: header[NAME].update(shape="5x32")),
    lie(lambda header: header[NAME].pop("dtype") and None),
    lie(lambda header: header.pop(NAME) and None),
], ids=lambda make: None)
def test_a_safetensors_file_that_is_cut_or_lies(tmp_path, make):
    make(tmp_path)
    assert "model.safetensors" in classify(CORRUPT, tmp_path)


def test_a_missing_tensor_is_named(tmp_path):
    path = write_checkpoint(tmp_path) / "model.safetensors"
    header, data = header_of(path)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        tensors[name] = (entry["shape"], struct.unpack(f"<{(end - begin) // 4}f", data[begin:end]))
    tensors["classifier.wieght"] = tensors.pop(NAME)
    write_safetensors(path, tensors)
    message = classify(CORRUPT, tmp_path)
    assert NAME in message and "classifier.wieght" in message


def test_more_labels_than_the_classifier_has(tmp_path):
    write_checkpoint(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | {"id2label": {str(index): str(index) for index in range(7)}}))
    message = classify(CORRUPT, tmp_path)
    assert "classifier" in message and "7" in message and "5" in message


def test_an_id_past_the_embedding_table(tmp_path):
    write_tokenizer(tmp_path)
    write_model(tmp_path, vocab_size=20)
    message = fails(INVALID_ARGUMENT, "classify", "--model", tmp_path, "good z")
    assert message.startswith("text 1: ") and "19" in message


def test_a_weight_file_that_is_none(tmp_path):
    path = write_checkpoint(tmp_path) / "model.safetensors"
    path.unlink()
    path.mkdir()
    assert "model.safetensors" in classify(CORRUPT, tmp_path)
    path.rmdir()
    path.symlink_to(tmp_path / "gone")  # what an interrupted download leaves in a cache
    assert "model.safetensors" in classify(NOT_FOUND, tmp_path)
