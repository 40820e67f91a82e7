"""classify(): texts from whatever holds them."""

import importlib.util
import io
import types

import numpy
import pytest

from filbert import Classification, classify, pipeline
from conftest import TEXTS

with_package = {name: pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=f"{name} is not installed") for name in ("pandas", "pyarrow", "tqdm")}


@pytest.fixture(scope="module")
def expected(classifier):
    return [answer["label"] for answer in classifier(TEXTS)]


def labels(answers):
    return [answer.label for answer in answers]


def test_a_list(tiny, expected):
    answers = classify(TEXTS, model=tiny)
    assert type(answers) is list and all(isinstance(answer, Classification) for answer in answers) and labels(answers) == expected
    assert labels(classify(tuple(TEXTS), model=tiny, batch_size=2)) == expected


def test_an_answer_says_all_that_is_known(tiny, classifier):
    answer = classify("good film", model=tiny)
    assert {"label": answer.label, "score": answer.score} == classifier("good film")[0]
    assert list(answer.scores) == ["1 star", "2 stars", "3 stars", "4 stars", "5 stars"] and max(answer.scores, key=answer.scores.get) == answer.label
    assert answer.logits.shape == (5,) and answer.logits.dtype == numpy.float32
    assert (answer.tokens_total, answer.tokens_used, answer.truncated, answer.error) == (4, 4, False, None)
    assert answer.to_dict()["label"] == answer.label and "Classification(label=" in repr(answer)
    assert list(classify("good film", model=tiny, top_k=2).scores) == [score["label"] for score in classifier("good film", top_k=2)]


def test_an_iterator_gives_a_generator_that_takes_a_batch_at_a_time(tiny, expected):
    taken = []

    def texts():
        for text in TEXTS:
            taken.append(text)
            yield text

    answers = classify(texts(), model=tiny, batch_size=2)
    assert isinstance(answers, types.GeneratorType) and taken == []
    assert next(answers).label == expected[0] and len(taken) == 2
    assert labels(answers) == expected[1:]
    assert labels(classify(iter(TEXTS), model=tiny, as_iterator=False)) == expected
    assert isinstance(classify(TEXTS, model=tiny, as_iterator=True), types.GeneratorType)
    assert labels(classify(io.StringIO("\n".join(["good", "bad"])), model=tiny)) == labels(classify(["good\n", "bad"], model=tiny))


def test_arrays_of_numpy(tiny, expected):
    assert labels(classify(numpy.array(TEXTS), model=tiny)) == expected
    assert labels(classify(numpy.array(TEXTS, dtype=object), model=tiny, batch_size=4)) == expected


@with_package["pandas"]
def test_a_series_of_pandas(tiny, expected):
    import pandas

    assert labels(classify(pandas.Series(TEXTS, index=range(100, 100 + len(TEXTS))), model=tiny, batch_size=2)) == expected
    with pytest.raises(ValueError, match="row 1: .* (nan|None)"):
        classify(pandas.Series(["a", None]), model=tiny)
    with pytest.raises(ValueError, match="a column of texts, found a table"):
        classify(pandas.DataFrame({"text": TEXTS}), model=tiny)


@with_package["pyarrow"]
def test_arrays_of_pyarrow(tiny, expected):
    import pyarrow

    assert labels(classify(pyarrow.array(TEXTS), model=tiny, batch_size=2)) == expected
    assert labels(classify(pyarrow.chunked_array([TEXTS[:2], TEXTS[2:]]), model=tiny)) == expected
    assert [answer.error for answer in classify(pyarrow.array(["a", None]), model=tiny, on_error="row")][1].startswith("row 1: expected text")


@with_package["tqdm"]
def test_a_bar_by_tqdm(tiny, capsys):
    classify(TEXTS, model=tiny, progress=True)
    assert f"{len(TEXTS)}/{len(TEXTS)}" in capsys.readouterr().err


def test_a_bar_of_ones_own(tiny):
    class Bar:
        done = []

        def update(self, texts):
            self.done.append(texts)

    classify(TEXTS, model=tiny, batch_size=4, progress=Bar())
    assert Bar.done == [4, 2]


@pytest.mark.parametrize("wrong", [None, float("nan"), 3, 2.5, b"text", ["text"], "\ud800"])
def test_what_is_no_text_is_an_error_that_names_its_row(tiny, expected, wrong):
    texts = [*TEXTS, wrong, *TEXTS]
    with pytest.raises(ValueError, match=f"row {len(TEXTS)}: expected text"):
        classify(texts, model=tiny, batch_size=4)
    answers = classify(texts, model=tiny, batch_size=4, on_error="row")
    assert labels(answers) == [*expected, None, *expected]
    assert answers[len(TEXTS)].error.startswith(f"row {len(TEXTS)}: expected text") and answers[len(TEXTS)].score is None
    assert answers[len(TEXTS)].to_dict() == {"error": answers[len(TEXTS)].error}


def test_nothing_gives_nothing(tiny):
    assert classify([], model=tiny) == [] == list(classify(iter([]), model=tiny)) == classify(numpy.array([], dtype=str), model=tiny)


def test_pairs(tiny, classifier):
    pairs = classify(["good", "bad"], ["film", None], model=tiny)
    assert labels(pairs) == [classifier({"text": "good", "text_pair": "film"})["label"], classifier("bad")[0]["label"]]
    assert classify("good", "film", model=tiny).score == pairs[0].score
    for others in (["film"], ["film"] * 3):
        with pytest.raises(ValueError, match="text_pairs: expected as many"):
            classify(["good", "bad"], others, model=tiny)


def test_long_texts(tiny):
    with pytest.warns(UserWarning, match="more than 64 tokens"):
        assert classify("good " * 100, model=tiny).truncated
    answer = classify("good " * 100, model=tiny, long_text="windows")
    assert len(answer.windows) == 2 and answer.windows[0]["start"] == 0 and not answer.truncated


def test_options_that_cannot_be(tiny):
    for texts, message in [(3, "found int"), (None, "found NoneType"), (b"x", "found bytes"), ({"a": 1}, "found dict"), (numpy.array([["a"]]), "2 dimensions")]:
        with pytest.raises(TypeError, match=message):
            classify(texts, model=tiny)
    for options in ({"on_error": "skip"}, {"batch_size": 0}, {"model": 3}):
        with pytest.raises(ValueError, match=next(iter(options))):
            classify(["a"], **{"model": tiny, **options})
    with pytest.raises(TypeError, match="unexpected argument 'foo'"):
        classify(["a"], model=tiny, foo=1)


def test_the_method_of_a_pipeline_uses_its_options(tiny):
    two = pipeline("text-classification", tiny, top_k=2)
    assert len(two.classify(["good"])[0].scores) == 2
