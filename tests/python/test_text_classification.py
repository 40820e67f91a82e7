"""pipeline("text-classification"): the rules of transformers for what comes in and goes out. Each test says whose it is in docs/python.md."""

import json
import pickle

import pytest

from filbert import AutoModelForSequenceClassification, AutoTokenizer, pipeline
from filbert.errors import TruncationWarning


def is_answer(answer):
    return set(answer) == {"label", "score"} and type(answer["label"]) is str and type(answer["score"]) is float


def test_a_text_is_a_list_of_one_answer(classifier):
    answers = classifier("good film")
    assert type(answers) is list and len(answers) == 1 and is_answer(answers[0])


def test_texts_are_a_list_of_answers(classifier):
    answers = classifier(["good film", "bad film"])
    assert len(answers) == 2 and all(map(is_answer, answers)) and answers[0] == classifier("good film")[0]
    assert classifier(("good film", "bad film")) == answers


def test_top_k_gives_lists_likeliest_first(classifier):
    assert classifier("good film", top_k=1) == classifier("good film")
    two = classifier("good film", top_k=2)
    assert len(two) == 2 and two[0]["score"] >= two[1]["score"] and two[:1] == classifier("good film")
    assert classifier(["good film"], top_k=2) == [two]
    everything = classifier(["good film", "bad"], top_k=None)
    assert [len(answer) for answer in everything] == [5, 5]
    assert classifier("good film", top_k=99) == everything[0]
    assert abs(sum(score["score"] for score in everything[0]) - 1) < 1e-5
    assert [classifier("good film", top_k="")] == classifier("good film")  # as if it had not been said, but that it was


def test_top_k_of_the_pipeline_itself(tiny):
    classifier = pipeline("text-classification", tiny, top_k=None)
    nested = classifier("good film")
    assert len(nested) == 1 and len(nested[0]) == 5  # transformers: only a call's own top_k unwraps a text's answer
    assert classifier("good film", top_k=1) == [nested[0][0]]


def test_a_dict_is_a_text_or_a_pair(classifier):
    assert is_answer(classifier({"text": "good film"})) and classifier({"text": "good film"}) == classifier("good film")[0]
    pair = classifier({"text": "good", "text_pair": "bad"})
    assert is_answer(pair) and pair != classifier({"text": "good"})
    assert classifier([{"text": "good", "text_pair": "bad"}, "good"]) == [pair, classifier("good")[0]]
    assert classifier([[["good", "bad"]]]) == [pair]
    assert len(classifier({"text": "good", "text_pair": "bad"}, top_k=None)) == 5


def test_two_texts_in_a_list_are_no_pair(classifier):
    with pytest.raises(ValueError, match="row 0: .*text_pair"):
        classifier([["good", "bad"]])


def test_a_generator_gives_a_generator(classifier):
    taken = []

    def texts():
        for text in ["good", "bad", "film"]:
            taken.append(text)
            yield text

    answers = classifier(texts())
    assert taken == []
    assert next(answers) == classifier("good")[0] and taken == ["good"]
    assert list(answers) == classifier(["bad", "film"])
    assert list(classifier((text for text in ["good"] * 5), batch_size=2, top_k=2)) == classifier(["good"] * 5, top_k=2)


@pytest.mark.parametrize("function, total", [("softmax", 1), ("SOFTMAX", 1), ("default", 1), (None, 1)])
def test_function_to_apply(classifier, function, total):
    scores = classifier("good", top_k=None, function_to_apply=function)
    assert abs(sum(score["score"] for score in scores) - total) < 1e-5


def test_scores_of_logits(classifier):
    import math

    raw = {score["label"]: score["score"] for score in classifier("good", top_k=None, function_to_apply="none")}
    for score in classifier("good", top_k=None, function_to_apply="sigmoid"):
        assert score["score"] == pytest.approx(1 / (1 + math.exp(-raw[score["label"]])), abs=1e-6)
    with pytest.raises(ValueError, match="function_to_apply|expected one of softmax"):
        classifier("good", function_to_apply="tanh")


def test_answers_go_into_json(classifier):
    assert json.loads(json.dumps(classifier(["good"], top_k=None))) == classifier(["good"], top_k=None)


def test_batch_size_changes_nothing(classifier):
    texts = ["good film", "bad", "i love this book"] * 7
    assert classifier(texts, batch_size=1) == classifier(texts, batch_size=4) == classifier(texts)
    with pytest.raises(ValueError, match="batch_size"):
        classifier(texts, batch_size=-1)


def test_a_text_too_long_is_cut_and_that_is_said(classifier):
    with pytest.warns(TruncationWarning, match="1 of the texts had more than 64 tokens"):
        cut = classifier("good " * 100)
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert classifier("good " * 100, truncation=True) == cut
        assert classifier("good " * 62) == cut
        assert classifier("good " * 100, long_text="windows", stride=4) != cut
    with pytest.raises(ValueError, match="row 1: expected at most 64 tokens, found 102"):
        classifier(["good", "good " * 100], truncation=False)
    with pytest.warns(TruncationWarning, match="more than 3 tokens"):
        assert classifier("good bad", max_length=3) == classifier("good")


def test_tokenizer_and_model_may_come_loaded(tiny):
    model, tokenizer = AutoModelForSequenceClassification.from_pretrained(tiny), AutoTokenizer.from_pretrained(tiny)
    expected = pipeline("text-classification", tiny)("good")
    assert pipeline("sentiment-analysis", model=model, tokenizer=tokenizer)("good") == expected
    assert pipeline(model=model)("good") == expected
    assert pipeline(model=tiny, tokenizer=tiny, device=-1, batch_size=3, num_threads=1)("good") == expected
    assert pipeline(model=tiny).task == "text-classification" and pipeline(model=model).model is model


def test_what_a_caller_sets_on_the_tokenizer_counts(tiny):
    tokenizer = AutoTokenizer.from_pretrained(tiny, model_max_length=3)
    assert pipeline("text-classification", tiny, tokenizer=tokenizer)("good bad", truncation=True) == pipeline("text-classification", tiny)("good")


def test_a_pipeline_can_be_pickled(classifier):
    assert pickle.loads(pickle.dumps(classifier))("good") == classifier("good")


def test_no_texts_no_answers(classifier):
    assert classifier([]) == [] and list(classifier(iter([]))) == []


@pytest.mark.parametrize("inputs, message", [
    (None, "found NoneType"), (3, "found int"), (b"good", "found bytes"), ([None], "row 0: .* found None"), (["good", float("nan")], "row 1: .* nan"),
    ([3], "row 0: .* 3 .int."), ({"text": None}, "row 0: .* found None"), ({"txt": "good"}, "row 0: .* 'txt'"), ({}, "row 0"),
    ({"text": "good", "text_pair": 3}, "row 0, text_pair: .* 3 .int."), (["\udc00"], "row 0: .* half of a surrogate pair"), ([b"good"], "row 0: .* b'good'"),
])
def test_what_is_no_text_is_refused(classifier, inputs, message):
    with pytest.raises(ValueError, match=message):
        classifier(inputs)


def test_a_row_of_a_generator_is_named(classifier):
    with pytest.raises(TypeError, match="row 2: expected text"):
        list(classifier(text for text in ["a", "b", None]))


@pytest.mark.parametrize("options, message", [
    ({"top_k": 0}, "top_k"), ({"top_k": -1}, "top_k"),
    ({"max_length": 0}, "max_length"), ({"max_length": 2.0}, "max_length"), ({"max_length": 65}, "max_length"),
    ({"truncation": "some"}, "truncation"), ({"long_text": "all"}, "long_text|expected"), ({"threshold": 0.5}, "threshold"),
])
def test_options_that_cannot_be(classifier, options, message):
    with pytest.raises(ValueError, match=message):
        classifier("good", **options)


def test_unknown_words_are_refused(classifier, tiny):
    with pytest.raises(TypeError, match="unexpected argument 'topk'"):
        classifier("good", topk=1)
    with pytest.raises(NotImplementedError, match="task: expected one of"):
        pipeline("translation", tiny)
    with pytest.raises(NotImplementedError, match="device: expected the CPU"):
        pipeline("text-classification", tiny, device="cuda")
    with pytest.raises(ValueError, match="model: expected one of AutoModelForTokenClassification"):
        pipeline("ner", AutoModelForSequenceClassification.from_pretrained(tiny))
