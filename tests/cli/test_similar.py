"""filbert index and filbert similar: what is kept, what is found, what is refused, and a run that goes on."""

import json
import os
import signal
import subprocess
import time

import pytest

from filbert_command import FILBERT, environment, ok, open_terminal, run
from tiny_checkpoint import LABELS, write_checkpoint

TEXTS = ["I really love this book", "not good, not bad", "the film was bad", "", "love, love\nlove \"it\"", "a very good film 42"]


def write_csv(path, texts=TEXTS):
    quoted = lambda field: '"' + field.replace('"', '""') + '"'  # noqa: E731
    path.write_text("id,text,label\n" + "".join(f"{number},{quoted(text)},{LABELS[number % 5]}\n" for number, text in enumerate(texts)))
    return path


@pytest.fixture(scope="module")
def index(checkpoint, tmp_path_factory):
    directory = tmp_path_factory.mktemp("index")
    result = run("index", write_csv(directory / "a.csv"), "--label-column", "label", "--all-layers", "--model", checkpoint, "--output", directory / "out")
    assert result.code == 0
    assert result.err == "filbert: warning: 1 text has no token\n"
    assert result.text.startswith(f"{directory}/out/contexts.filbert: ")
    assert "tokens of 6 texts" in result.text
    assert not (directory / "out/contexts.filbert.partial").exists()
    return directory / "out"


def found(checkpoint, index, text, token, *words):
    (report,) = ok("similar", text, "--token", token, "--index", index, "--model", checkpoint, "--format", "json", *words).rows
    return report


@pytest.mark.parametrize("by", ["embedding", "context"])
def test_a_word_of_the_corpus_finds_itself(checkpoint, index, by):
    report = found(checkpoint, index, TEXTS[0], "love", "--by", by, "--layer", "0")
    assert (report["layer"], report["by"], report["token"]["index"]) == (0, by, 3)
    hit = report["hits"][0]
    assert hit["similarity"] > 0.99
    assert (hit["row"], hit["text"], hit["word"], hit["next"], hit["gold"], hit["token_class"]) == (1, TEXTS[0], "love", "this", LABELS[0], "word")
    assert hit["tokens"][hit["match"]]["token"] == "love"
    assert [hit["tokens"][at]["special"] for at in (0, 1, -1)] == [True, False, True]
    assert sum(token["attention_out"] for token in hit["tokens"]) == pytest.approx(1, abs=1e-5)
    similarities = [each["similarity"] for each in report["hits"]]
    assert similarities == sorted(similarities, reverse=True)
    assert sum(each["count"] for each in report["counts"]["labels"]) == len(report["hits"])
    (classified,) = ok("classify", TEXTS[0], "--model", checkpoint, "--format", "json").rows
    assert (hit["label"], hit["score"]) == (classified["label"], classified["score"])


def test_offsets_count_code_points(checkpoint, tmp_path):
    text = "\U0001F600 the film"
    file = write_csv(tmp_path / "a.csv", [text])
    ok("index", file, "--model", checkpoint, "--output", tmp_path)
    hit = found(checkpoint, tmp_path, text, "film")["hits"][0]
    token = hit["tokens"][hit["match"]]
    assert hit["text"][token["start"]:token["end"]] == "film"


def test_top_k_heads_and_no_attention(checkpoint, index):
    report = found(checkpoint, index, "love film", "film", "--top-k", "3", "--heads", "1", "--by", "context", "--no-attention")
    assert len(report["hits"]) == 3
    assert report["heads"] == [1]
    assert "offset_to_most" not in report["hits"][0]
    assert report["counts"]["offset_to_most"] == []


def test_a_mask_changes_the_score(checkpoint, index):
    report = found(checkpoint, index, "I love this film", "love", "--mask", "film")
    (masked,) = report["masked"]
    (classified,) = ok("classify", "I love this [MASK]", "--model", checkpoint, "--format", "json").rows
    assert (masked["index"], masked["score"]) == (4, classified["score"])
    assert len(masked["attention"]) == len(report["tokens"])
    lines = ok("similar", "I love this film", "--token", "love", "--mask", "film", "--index", index, "--model", checkpoint).text
    assert 'without "film": ' in lines


def test_lines_fit_80_columns(checkpoint, index):
    lines = ok("similar", "I love this film", "--token", "love", "--index", index, "--model", checkpoint).text.split("\n")
    assert all(len(line) <= 80 for line in lines)
    assert any(line.startswith("labels: ") for line in lines)
    assert any(line.startswith("gold: ") for line in lines)


def test_a_page_is_written(checkpoint, index, tmp_path):
    page = tmp_path / "a.html"
    assert ok("similar", "I love this film", "--token", "love", "--index", index, "--model", checkpoint, "--output", page).text == ""
    text = page.read_text()
    assert text.startswith("<!DOCTYPE html>")
    assert "Content-Security-Policy" in text
    assert "eally" in text


@pytest.mark.parametrize("words, code, message", [
    (["--token", "love"], 2, "--index: expected"),
    (["--index", "INDEX"], 2, "--token: expected"),
    (["--token", "99", "--index", "INDEX"], 2, "token: expected one of 1 i, 2 love"),
    (["--token", "0", "--index", "INDEX"], 2, "[CLS], a special token"),
    (["--token", "hate", "--index", "INDEX"], 2, 'found "hate"'),
    (["--token", "love", "--layer", "7", "--index", "INDEX"], 2, "layer: expected one that is in the index"),
    (["--token", "love", "--heads", "99", "--index", "INDEX"], 2, "heads: expected numbers from 0 to"),
    (["--token", "love", "--mask", "[SEP]", "--index", "INDEX"], 2, "mask: expected"),
    (["--token", "love", "--index", "nowhere"], 3, "nowhere"),
])
def test_what_cannot_be_asked_is_named(checkpoint, index, words, code, message):
    result = run("similar", "I love this film", "--model", checkpoint, *[index if word == "INDEX" else word for word in words])
    assert (result.code, result.text) == (code, "")
    assert message in result.err


def test_an_index_of_another_model_is_refused(index, tmp_path):
    other = write_checkpoint(tmp_path / "other", seed=99)
    result = run("similar", "I love this film", "--token", "love", "--index", index, "--model", other)
    assert (result.code, result.text) == (2, "")
    assert "sha256" in result.err


def test_an_index_cut_short_is_refused(checkpoint, index, tmp_path):
    whole = (index / "contexts.filbert").read_bytes()
    for size in (0, 100, 128, 5000, len(whole) - 1):
        (tmp_path / "cut.filbert").write_bytes(whole[:size])
        result = run("similar", "I love this film", "--token", "love", "--index", tmp_path / "cut.filbert", "--model", checkpoint)
        assert (result.code, result.text) == (5, ""), size
        assert "expected" in result.err and "found" in result.err


@pytest.mark.parametrize("content, words, code, message", [
    ("id,body\n1,a\n", [], 2, 'a.csv: line 1: expected a column "text" (--text-column), found id, body'),
    ("text\na\n", ["--label-column", "stars"], 2, 'expected a column "stars" (--label-column), found text'),
    ("text\na\n", ["--layers", "9"], 2, "layers: expected"),
    ("text\na\n", ["--layers", "x"], 2, "--layers"),
    ("text\na\n", ["--max-length", "2"], 2, "max_length"),
    ("id,text\n1\n", [], 2, "line 2: expected 2 fields"),
])
def test_a_corpus_that_cannot_be(checkpoint, tmp_path, content, words, code, message):
    (tmp_path / "a.csv").write_text(content)
    result = run("index", tmp_path / "a.csv", "--model", checkpoint, "--output", tmp_path / "out", *words)
    assert (result.code, result.text) == (code, "")
    assert message in result.err
    assert not (tmp_path / "out/contexts.filbert.partial").exists()


def test_an_index_needs_a_place(checkpoint, tmp_path):
    assert "--output: expected" in run("index", write_csv(tmp_path / "a.csv"), "--model", checkpoint).err
    assert "CORPUS: expected a file that ends in" in run("index", tmp_path / "a.parquet", "--model", checkpoint, "--output", tmp_path).err


def test_a_run_that_is_interrupted_goes_on(checkpoint, tmp_path):
    words = ["good", "bad", "film", "book", "love", "hate", "not", "very", "really", "the"]
    file = write_csv(tmp_path / "many.csv", [" ".join(words[(number * step) % 10] for step in (1, 3, 7, 9)) + f" {number}" for number in range(20000)])
    command = ["index", file, "--model", checkpoint, "--all-layers", "--threads", "1", "--output"]
    ok(*command, tmp_path / "whole")
    partial = tmp_path / "ended/contexts.filbert.partial"
    process = subprocess.Popen([FILBERT, *map(os.fspath, [*command, tmp_path / "ended"])], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while process.poll() is None and not (partial.exists() and partial.stat().st_size > 10000):
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    if process.returncode == 0:
        pytest.skip("it was done before it could be interrupted")
    assert process.returncode == -signal.SIGINT
    assert b"--resume goes on" in err
    assert partial.exists() and not (tmp_path / "ended/contexts.filbert").exists()
    assert "is there already" in run(*command, tmp_path / "ended").err
    ok(*command, tmp_path / "ended", "--resume")
    reports = [found(checkpoint, tmp_path / name, "a good film", "film", "--no-attention")["hits"] for name in ("whole", "ended")]
    assert reports[0] == reports[1]


def test_a_terminal_sees_how_far_it_is(checkpoint, tmp_path):
    person, program = open_terminal()
    file = write_csv(tmp_path / "a.csv")
    assert run("index", file, "--model", checkpoint, "--output", tmp_path / "out", stderr=program).code == 0
    os.close(program)
    assert b"indexing: " in os.read(person, 65536)
    os.close(person)


def test_the_directory_of_an_index_is_json(index):
    data = (index / "contexts.filbert").read_bytes()
    begin, size = int.from_bytes(data[24:32], "little"), int.from_bytes(data[32:40], "little")
    directory = json.loads(data[begin:begin + size])
    assert directory["texts"] == len(TEXTS)
    assert directory["gold"] == len(TEXTS)
    assert directory["empty"] == 1
    assert sum(block["tokens"] for block in directory["blocks"]) == directory["tokens"]
