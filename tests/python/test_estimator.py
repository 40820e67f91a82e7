"""FilbertClassifier: scikit-learn's protocol, and with it the explainers of other packages."""

import importlib.util
import pickle

import numpy
import pytest

from filbert import FilbertClassifier
from conftest import TEXTS

with_package = {name: pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=f"{name} is not installed") for name in ("sklearn", "lime", "shap")}


@pytest.fixture(scope="module")
def estimator(tiny):
    return FilbertClassifier(tiny)


def test_predict_proba(estimator, classifier):
    scores = estimator.predict_proba(TEXTS)
    assert scores.shape == (len(TEXTS), 5) and scores.dtype == numpy.float32
    numpy.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)
    assert list(estimator.classes_) == ["1 star", "2 stars", "3 stars", "4 stars", "5 stars"]
    assert list(estimator.predict(TEXTS)) == [answer["label"] for answer in classifier(TEXTS)]
    assert (estimator.predict_proba(numpy.array(TEXTS)) == scores).all() and (estimator(iter(TEXTS)) == scores).all()
    assert estimator.predict_proba([]).shape == (0, 5)


def test_the_protocol(estimator, tiny):
    assert estimator.fit(["a"], ["1 star"]) is estimator and estimator.__sklearn_is_fitted__()
    assert estimator.get_params()["model"] == tiny
    assert estimator.score(TEXTS, estimator.predict(TEXTS)) == 1.0
    other = FilbertClassifier().set_params(model=tiny, batch_size=2)
    assert (other.predict_proba(TEXTS) == estimator.predict_proba(TEXTS)).all()
    assert (pickle.loads(pickle.dumps(estimator)).predict_proba(TEXTS) == estimator.predict_proba(TEXTS)).all()
    with pytest.raises(ValueError, match="set_params"):
        other.set_params(modle=tiny)
    with pytest.raises(TypeError, match="row 1"):
        estimator.predict_proba(["a", None])


@with_package["sklearn"]
def test_scikit_learn_takes_it(estimator):
    from sklearn.base import clone, is_classifier
    from sklearn.metrics import get_scorer
    from sklearn.utils.validation import check_is_fitted

    check_is_fitted(estimator)
    assert is_classifier(estimator) and clone(estimator).get_params() == estimator.get_params()
    assert get_scorer("accuracy")(estimator, TEXTS, estimator.predict(TEXTS)) == 1.0


@with_package["lime"]
def test_lime_takes_it(estimator):
    from lime.lime_text import LimeTextExplainer

    explanation = LimeTextExplainer(class_names=list(estimator.classes_)).explain_instance("I love this book", estimator.predict_proba, num_samples=100)
    assert len(explanation.as_list()) == 4


@with_package["shap"]
def test_shap_takes_it(estimator):
    import shap

    values = shap.Explainer(estimator.predict_proba, shap.maskers.Text(r"\W+"), output_names=list(estimator.classes_))(["I love this book"], silent=True)
    assert values.values.shape[-1] == 5
