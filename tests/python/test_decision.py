"""filbert_decision.json beside a model, in Python: the numbers of the library and of the command, and what leaves it out."""

import hashlib
import json
import math
import pathlib
import pickle

import pytest
import tiny_checkpoint

import filbert
from filbert import pipeline

TEXTS = ["I really love this book", "not a good film, and very bad", "", "the book was good; the film was not!"]
LABELS = tiny_checkpoint.LABELS


def decision_of(model, **changes):
    """One that makes the first two labels one, has another name for the last, and divides logits by two."""
    answers = [{"label": "low", "of": LABELS[:2]}, *({"label": label, "of": [label]} for label in LABELS[2:4]), {"label": "best", "of": LABELS[4:]}]
    return {
        "format": "filbert-decision", "version": 1, "weights_sha256": hashlib.sha256((model / "model.safetensors").read_bytes()).hexdigest(),
        "labels": LABELS, "function_to_apply": "softmax", "calibration": {"method": "temperature", "temperature": 2.0}, "answers": answers,
        "reject_below": 0.34, "expected_values": [1, 2, 3, 4, 5],
    } | changes


@pytest.fixture
def decided(tmp_path):
    model = tiny_checkpoint.write_checkpoint(tmp_path / "decided")
    (model / "filbert_decision.json").write_text(json.dumps(decision_of(model)))
    return model


def test_scores_are_calibrated_and_labels_merged(decided):
    raw = pipeline("text-classification", str(decided), decision=False, top_k=None)(TEXTS, function_to_apply="none")
    shown = pipeline("text-classification", str(decided), top_k=None)(TEXTS)
    for logits, scores in zip(raw, shown):
        by_label = {each["label"]: math.exp(each["score"] / 2) for each in logits}
        total = sum(by_label.values())
        expected = {"low": by_label["1 star"] + by_label["2 stars"], "3 stars": by_label["3 stars"], "4 stars": by_label["4 stars"],
                    "best": by_label["5 stars"]}
        assert {each["label"]: each["score"] for each in scores} == pytest.approx({label: power / total for label, power in expected.items()}, abs=1e-6)


def test_what_leaves_it_out(decided, tmp_path):
    plain = tiny_checkpoint.write_checkpoint(tmp_path / "plain")
    expected = pipeline("text-classification", str(plain))(TEXTS)
    applied = pipeline("text-classification", str(decided))
    assert applied(TEXTS) != expected
    assert applied(TEXTS, use_decision=False) == expected
    assert pipeline("text-classification", str(decided), decision=False)(TEXTS) == expected
    named = pipeline("text-classification", str(plain), decision=str(decided / "filbert_decision.json"))
    assert named(TEXTS) == applied(TEXTS)
    assert pickle.loads(pickle.dumps(applied))(TEXTS) == applied(TEXTS)


def test_classify_says_what_is_expected_and_rejected(decided):
    answers = filbert.classify(TEXTS, model=str(decided))
    assert [{"label": answer.label, "score": answer.score} for answer in answers] == pipeline("text-classification", str(decided))(TEXTS)
    assert [answer.rejected for answer in answers] == [answer.score < 0.34 for answer in answers]
    assert {answer.rejected for answer in answers} == {True, False}
    assert all(1 <= answer.expected <= 5 for answer in answers)
    plain = filbert.classify(TEXTS, model=str(decided), use_decision=False)
    assert all(answer.rejected is None and answer.expected is None for answer in plain)


@pytest.mark.parametrize("changes, error, part", [
    ({"weights_sha256": "0" * 64}, RuntimeError, "of another model"), ({"labels": LABELS[::-1]}, RuntimeError, "labels"),
    ({"version": 2}, NotImplementedError, "version"), ({"threshold": 0.5}, RuntimeError, "threshold"),
])
def test_a_wrong_one_is_refused(decided, changes, error, part):
    (decided / "filbert_decision.json").write_text(json.dumps(decision_of(pathlib.Path(decided), **changes)))
    with pytest.raises(error, match=part):
        pipeline("text-classification", str(decided))
    pipeline("text-classification", str(decided), decision=False)("good")
    with pytest.raises(FileNotFoundError):
        pipeline("text-classification", str(decided), decision=str(decided / "none.json"))
