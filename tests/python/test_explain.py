"""explain() and what it gives: numbers by the names that users of lime and shap know, and a page."""

import importlib.util

import numpy
import pytest

import filbert
from filbert import classify, explain

TEXT = "This book is not bad, I love it"


@pytest.mark.parametrize("method", ["shap", "lime", "occlusion", "saliency", "input_x_gradient", "integrated_gradients", "smoothgrad", "attention_rollout",
                                    "attention_gradient"])
def test_every_method_has_a_value_for_every_unit(tiny, method):
    explanation = explain(TEXT, model=tiny, method=method, num_samples=100, num_steps=8, noise_samples=2)
    assert explanation.method == method and explanation.values.shape == (len(explanation.units),) == (len(explanation),)
    assert numpy.isfinite(explanation.values).all()
    assert [TEXT[unit.start : unit.end] for unit in explanation.units] == [unit.text for unit in explanation.units] == explanation.feature_names
    answer = classify(TEXT, model=tiny)
    assert explanation.label == answer.label and explanation.target_value == pytest.approx(answer.score, abs=1e-7)


def test_what_adds_up_adds_up(tiny):
    for method in ("shap", "integrated_gradients"):
        explanation = explain(TEXT, model=tiny, method=method, max_evals=2000, num_steps=300)
        special = getattr(explanation.methods[method], "special", 0)  # of tokens in no unit
        assert explanation.base_value + explanation.values.sum() + special == pytest.approx(explanation.target_value, abs=2e-3)


def test_as_lime(tiny):
    explanation = explain(TEXT, model=tiny, method="lime", num_features=3, num_samples=200)
    words = explanation.as_list()
    assert len(words) == 3 and abs(words[0][1]) >= abs(words[1][1]) >= abs(words[2][1]) > 0
    id = explanation.label_id
    assert explanation.as_map() == {id: [(explanation.feature_names.index(word), weight) for word, weight in words]}
    assert explanation.available_labels() == [id] and set(explanation.score) == set(explanation.intercept) == set(explanation.local_pred) == {id}
    assert 0 <= explanation.score[id] <= 1
    other = (id + 1) % 5
    assert explanation.as_list(other) == explanation.as_list(explanation.class_names[other]) and explanation.available_labels() == [id, other]
    assert explanation.predict_proba.shape == (5,) and explanation.class_names[id] == explanation.label


def test_as_shap(tiny):
    explanation = explain(TEXT, model=tiny, method="shap")
    assert "".join(explanation.data) == TEXT and explanation.base_values == explanation.base_value and explanation.output_names == explanation.label
    if importlib.util.find_spec("shap") is None:
        pytest.skip("shap is not installed")
    import shap

    given = explanation.as_shap()
    assert isinstance(given, shap.Explanation) and (given.values == explanation.values).all()
    assert "book" in shap.plots.text(given, display=False)


def test_a_pair(tiny):
    explanation = explain("good film", "bad book", model=tiny, method="occlusion")
    assert [unit.sequence_id for unit in explanation.units] == [0, 0, 1, 1] and "".join(explanation.data) == "good filmbad book"


def test_several_methods_and_the_rest_of_a_page(tiny):
    explanation = explain(TEXT, model=tiny, method=["lime", "occlusion"], counterfactuals=True, faithfulness=True, num_samples=100)
    assert list(explanation.methods) == ["lime", "occlusion"] and explanation.method == "lime"
    assert len(explanation.methods["occlusion"].interactions) == len(explanation)
    assert explanation.counterfactuals["evaluations"] > 0 and len(explanation.faithfulness["methods"]) == 2
    assert explain(TEXT, model=tiny).counterfactuals is None


def test_it_shows_itself(tiny, tmp_path):
    explanation = explain("<b>good</b> film", model=tiny)
    page = explanation.html()
    assert page.startswith("<!DOCTYPE html>") and "&lt;b&gt;" in page and "<b>good" not in page
    shown = explanation._repr_html_()
    assert shown.startswith("<iframe srcdoc=") and shown.count("<iframe") == 1 and shown.count('"') == 8
    explanation.save(tmp_path / "why.html")
    assert (tmp_path / "why.html").read_text(encoding="utf-8") == page
    assert repr(explanation).startswith(f"Explanation({explanation.label!r}")


def test_the_same_seed_gives_the_same(tiny):
    first, again, other = (explain(TEXT, model=tiny, method="lime", num_samples=50, seed=seed) for seed in (3, 3, 4))
    assert first.as_list() == again.as_list() != other.as_list()


def test_a_label_and_a_target_of_choice(tiny):
    by_name, by_id = explain(TEXT, model=tiny, label="1 star"), explain(TEXT, model=tiny, label=0)
    assert by_name.label == by_id.label == "1 star" and (by_name.values == by_id.values).all()
    logit = explain(TEXT, model=tiny, target="logit", method="occlusion")
    assert logit.target == "logit" and logit.target_value == pytest.approx(float(classify(TEXT, model=tiny).logits.max()), abs=1e-5)


@pytest.mark.parametrize("arguments, error, message", [
    ({"text": None}, TypeError, "found NoneType"), ({"text": ["a"]}, TypeError, "one at a time"), ({"text": "\ud800"}, ValueError, "surrogate"),
    ({"text_pair": 3}, TypeError, "text_pair: .* 3"), ({"method": "guess"}, ValueError, "shap, lime"), ({"method": []}, ValueError, "method"),
    ({"label": "6 stars"}, ValueError, "6 stars"), ({"label": 7}, ValueError, "label"), ({"unit": "letter"}, ValueError, "letter"),
    ({"num_samples": 0, "method": "lime"}, ValueError, "num_samples"), ({"seed": -1}, ValueError, "seed"), ({"tset": 1}, TypeError, "'tset'"),
    ({"target": "1 star"}, ValueError, "target"), ({"compat": "captum"}, ValueError, "captum"),
])
def test_what_cannot_be_is_refused(tiny, arguments, error, message):
    with pytest.raises(error, match=message):
        explain(**{"text": TEXT, "model": tiny, **arguments})


def test_ctrl_c_ends_an_explanation(stars):
    import signal
    import threading
    import time

    signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.5, lambda: signal.raise_signal(signal.SIGINT))
    timer.start()
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        explain(" ".join(f"word{place} and" for place in range(200)), model=stars, method="lime", num_samples=100_000)
    assert time.monotonic() - begin < 20
    timer.join()
    assert filbert.classify("good").label
