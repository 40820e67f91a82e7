"""pipeline("ner"): the rules of transformers for what comes in and goes out. What the numbers are is the library's, and tested there."""

import json
import pathlib
import pickle

import pytest

from filbert import pipeline
from filbert.errors import TruncationWarning


@pytest.fixture(scope="module")
def ner(entities):
    return pipeline("ner", entities, ignore_labels=[])


def test_a_text_is_a_list_of_tokens(ner):
    tokens = ner("I love filmz")
    assert [token["word"] for token in tokens] == ["i", "love", "film", "##z"]
    assert list(tokens[0]) == ["entity", "score", "index", "word", "start", "end"]
    assert (tokens[1]["index"], tokens[1]["start"], tokens[1]["end"]) == (2, 2, 6) and type(tokens[1]["score"]) is float


@pytest.mark.parametrize("strategy", ["simple", "first", "average", "max"])
def test_aggregated_tokens_are_entities(ner, strategy):
    text = "I love filmz and the book"
    entities = ner(text, aggregation_strategy=strategy)
    assert all(list(entity) == ["entity_group", "score", "word", "start", "end"] for entity in entities)
    assert {entity["entity_group"] for entity in entities} <= {"O", "PER", "LOC"}
    assert [entity["start"] for entity in entities] == sorted(entity["start"] for entity in entities)
    kept = ner(text, aggregation_strategy=strategy, ignore_labels=["PER"])
    assert kept == [entity for entity in entities if entity["entity_group"] != "PER"]


def test_texts_are_lists_and_a_generator_is_one(ner):
    texts = ["I love", "the film", ""]
    answers = ner(texts)
    assert answers == [ner(text) for text in texts] == list(ner(text for text in texts)) and answers[2] == []
    assert ner(texts, batch_size=1) == answers and len(ner(["I love"])) == 1


def test_the_label_o_is_left_out(entities):
    everything = pipeline("token-classification", entities, ignore_labels=[])("I love this book and the film")
    assert pipeline("token-classification", entities)("I love this book and the film") == [token for token in everything if token["entity"] != "O"]


def test_words_of_others(ner):
    words = ["I", "love", "filmz"]
    assert ner([words], is_split_into_words=True)[0] == ner(words, is_split_into_words=True)[0]
    assert [token["start"] for token in ner([words], is_split_into_words=True, delimiter="--")[0]][:2] == [0, 3]


def test_long_texts(ner):
    text = "I love this book. " * 20
    with pytest.warns(TruncationWarning, match="stride"):
        cut = ner(text, aggregation_strategy="simple")
    whole = ner(text, aggregation_strategy="simple", stride=8)
    assert whole[-1]["end"] > cut[-1]["end"]
    with pytest.raises(ValueError, match="stride"):
        ner(text, aggregation_strategy="none", stride=8)
    with pytest.raises(ValueError, match="stride: expected less than the 64"):
        ner(text, aggregation_strategy="simple", stride=64)


def test_answers_go_into_json(ner):
    assert json.loads(json.dumps(ner("I love"))) == ner("I love")


def test_token_scores(ner):
    scores = ner.token_scores("I filmz")
    assert [token for token, *_ in scores] == ["i", "film", "##z"]
    assert [is_subword for _, _, _, is_subword, _ in scores] == [False, False, True]
    assert all(abs(row.sum() - 1) < 1e-5 for *_, row in scores)


def test_task_and_pickle(entities, ner):
    assert pipeline(model=entities).task == "token-classification"
    assert pickle.loads(pickle.dumps(ner))("I love") == ner("I love")


def test_viterbi_gives_no_path_that_the_scheme_forbids(ner):
    labels = [token["entity"] for token in ner("I love this book and the film was not good", decoding="viterbi")]
    for before, label in zip(["O", *labels], labels):
        assert not label.startswith("I-") or before[2:] == label[2:]


@pytest.mark.parametrize("inputs, message", [(None, "found NoneType"), (3, "found int"), ([], "at least one text"), ([None], "row 0: .* None"),
                                             (["a", 3], "row 1: .* 3 .int."), (b"x", "found bytes"), (["\ud800"], "surrogate")])
def test_what_is_no_text_is_refused(ner, inputs, message):
    with pytest.raises(ValueError, match=message):
        ner(inputs)


def test_options_that_cannot_be(ner):
    with pytest.raises(ValueError, match="expected one of none, simple"):
        ner("a", aggregation_strategy="all")
    with pytest.raises(TypeError, match="unexpected argument 'ignore'"):
        ner("a", ignore=["O"])
    with pytest.raises(ValueError, match="row 0"):
        ner([["a", 3]], is_split_into_words=True)
    with pytest.raises(ValueError, match="decoding|expected one of argmax"):
        ner("a", decoding="beam")


FAMILIES = pathlib.Path(__file__).resolve().parents[2] / "tests/data/families"


def test_a_piece_behind_a_space_begins_a_word():
    scores = pipeline("ner", str(FAMILIES / "deberta-v2/token-shards")).token_scores("I love it")
    words = [("▁", False), ("I", False), ("▁l", False), ("o", True), ("v", True), ("e", True), ("▁it", False)]
    assert [(token, is_subword) for token, _, _, is_subword, _ in scores] == words


def test_the_space_before_a_word_belongs_to_it():
    text = "it is lovefilm it"
    entities = pipeline("ner", str(FAMILIES / "deberta/token-shards"), ignore_labels=[], aggregation_strategy="max")(text)
    assert "".join(entity["word"] for entity in entities) == text and any(entity["word"].startswith(" ") for entity in entities)
    assert [text[entity["start"] : entity["end"]] for entity in entities] == [entity["word"] for entity in entities]


def test_dtypes(entities):
    assert [token["word"] for token in pipeline("ner", entities, dtype="bfloat16", ignore_labels=[])("I love")] == ["i", "love"]
    with pytest.raises(ValueError, match="dtype: expected one of"):
        pipeline("ner", entities, dtype="float16")
