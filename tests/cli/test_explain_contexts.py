"""filbert explain --index: what is like the words that carry most of an explanation, as JSON and as a page, and what is refused."""

import json

import pytest

from filbert_command import ok, run
from tiny_checkpoint import LABELS, write_checkpoint

TEXTS = ["I really love this book", "not good, not bad", "the film was bad", "love, love\nlove it", "a very good film 42", "I hate the book and the film"] * 3
TEXT = "I really love this bad book"


@pytest.fixture(scope="module")
def index(checkpoint, tmp_path_factory):
    directory = tmp_path_factory.mktemp("index")
    lines = "".join(json.dumps({"text": text, "label": LABELS[number % 5]}) + "\n" for number, text in enumerate(TEXTS))
    (directory / "a.jsonl").write_text(lines)
    ok("index", directory / "a.jsonl", "--label-column", "label", "--all-layers", "--model", checkpoint, "--output", directory)
    return directory


def explained(checkpoint, *words):
    (report,) = ok("explain", TEXT, "--model", checkpoint, "--format", "json", *words).rows
    return report


def test_the_three_strongest_words_have_their_contexts(checkpoint, index):
    report = explained(checkpoint, "--index", index)
    contexts = report["contexts"]
    units = report["methods"]["shap"]["units"]
    strongest = sorted(range(len(units)), key=lambda at: -abs(units[at]["value"]))[:3]
    assert contexts["method"] == "shap"
    assert [each["unit"] for each in contexts["units"]] == strongest
    assert [each["value"] for each in contexts["units"]] == [units[at]["value"] for at in strongest]
    assert (contexts["layer"], contexts["by"], contexts["index"]["texts"]) == (1, "embedding", len(TEXTS))
    for each in contexts["units"]:
        assert len(each["hits"]) == 10
        # the numbers of filbert similar
        (similar,) = ok("similar", TEXT, "--token", str(each["token"]["index"]), "--top-k", "10", "--index", index, "--model", checkpoint, "--format", "json").rows
        assert each["hits"] == similar["hits"] and each["counts"] == similar["counts"] and each["token"] == similar["token"]
        unit = units[each["unit"]]
        assert unit["start"] <= each["token"]["start"] < unit["end"]
    without = explained(checkpoint)
    assert {key: value for key, value in report.items() if key not in ("contexts", "command", "milliseconds")}.keys() == \
        {key for key in without if key not in ("command", "milliseconds")}


def test_layer_heads_and_number_are_those_asked_for(checkpoint, index):
    contexts = explained(checkpoint, "--index", index, "--layer", "0", "--by", "context", "--heads", "1", "--top-k", "4", "--method", "occlusion")["contexts"]
    assert (contexts["method"], contexts["layer"], contexts["by"], contexts["heads"]) == ("occlusion", 0, "context", [1])
    assert all(len(each["hits"]) == 4 for each in contexts["units"])


def test_a_word_of_several_tokens_is_searched_by_its_first(checkpoint, index):
    report = explained(checkpoint, "--index", index)
    assert all(each["tokens"] == 1 for each in report["contexts"]["units"])
    (report,) = ok("explain", "zqxw zqxw", "--model", checkpoint, "--format", "json", "--index", index).rows
    for each in report["contexts"]["units"]:
        assert each["tokens"] == 4 and each["token"]["token"] == "z"


def test_a_pair_is_explained_and_searched(checkpoint, index):
    report = explained(checkpoint, "--text-pair", "the good film", "--index", index)
    units = report["methods"]["shap"]["units"]
    for each in report["contexts"]["units"]:
        unit = units[each["unit"]]
        assert each["token"]["sequence_id"] == unit["sequence_id"]
        assert unit["start"] <= each["token"]["start"] < unit["end"]


def test_the_page_has_a_section(checkpoint, index, tmp_path):
    page = tmp_path / "why.html"
    ok("explain", TEXT, "--model", checkpoint, "--index", index, "--output", page)
    text = page.read_text()
    assert "Where else these words stand so" in text and text.count('class="kwic"') == 3
    assert '"contexts": {' in text or '"contexts":{' in text  # in the data that can be kept
    ok("explain", TEXT, "--model", checkpoint, "--output", page)
    assert "Where else these words stand so" not in page.read_text()


def test_an_explanation_with_contexts_can_be_verified(checkpoint, index, tmp_path):
    ok("explain", TEXT, "--model", checkpoint, "--index", index, "--output", tmp_path / "why.json")
    assert run("explain", "--verify", tmp_path / "why.json", "--model", checkpoint).code == 0


@pytest.mark.parametrize("words, code, message", [
    ([TEXT, "--index", "INDEX"], 2, "--index: expected a page (--output FILE.html) or --format json, found text"),
    ([TEXT, "--layer", "1", "--format", "json"], 2, "--layer: expected --index beside it, found none"),
    ([TEXT, "--heads", "1", "--format", "json"], 2, "--heads: expected --index beside it, found none"),
    ([TEXT, "--index", "INDEX", "--layer", "9", "--format", "json"], 2, "layer: expected one that is in the index (0, 1), found 9"),
    ([TEXT, "--index", "INDEX", "--unit", "sentence", "--format", "json"], 4, "unit: expected word or token"),
    ([TEXT, "--index", "nowhere", "--format", "json"], 3, "nowhere"),
    (["--input", "a.csv", "--index", "INDEX", "--format", "json"], 2, "--index: expected single texts, found --input"),
])
def test_what_cannot_be_is_named(checkpoint, index, words, code, message):
    result = run("explain", "--model", checkpoint, *[index if word == "INDEX" else word for word in words])
    assert (result.code, result.text) == (code, "")
    assert message in result.err


def test_an_index_of_another_model_is_refused(index, tmp_path):
    other = write_checkpoint(tmp_path / "other", seed=99)
    result = run("explain", TEXT, "--model", other, "--index", index, "--output", tmp_path / "why.html")
    assert (result.code, (tmp_path / "why.html").exists()) == (2, False)
    assert "sha256" in result.err


def test_an_entity_has_no_index(index):
    result = run("explain", "Anna lives in Berlin", "--entity", "0", "--index", index, "--format", "json")
    assert result.code == 4
    assert "--index: expected none for entities" in result.err
