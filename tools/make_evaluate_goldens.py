#!/usr/bin/env python3
"""Records what scikit-learn and scipy say of seeded random scores: tests/data/evaluate/goldens.json, numbers alone.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install scikit-learn && /tmp/venv/bin/python tools/make_evaluate_goldens.py

The scores are f32, as a model gives them; every figure is computed from them in f64.
"""

import json
import pathlib
import random
import sys

import numpy as np
import scipy
import scipy.stats
import sklearn
from sklearn import metrics

OUTPUT = pathlib.Path(__file__).resolve().parents[1] / "tests/data/evaluate/goldens.json"


def averages(gold, predicted, figures, names):
    for name in names:
        precision, recall, f1, _ = metrics.precision_recall_fscore_support(gold, predicted, average=name, zero_division=0)
        figures |= {f"{name}_precision": precision, f"{name}_recall": recall, f"{name}_f1": f1}


def single_label(seed, texts, labels, skill, last_gold):
    """Gold labels below `last_gold`: labels that no text has are among the cases."""
    source = np.random.default_rng(seed)
    gold = source.integers(0, last_gold, texts)
    logits = source.normal(size=(texts, labels)) + skill * np.eye(labels)[gold]
    scores = (np.exp(logits) / np.exp(logits).sum(1, keepdims=True)).astype(np.float32)
    exact = scores.astype(np.float64)
    predicted = exact.argmax(1)
    of_gold = exact[np.arange(texts), gold]
    figures = {
        "accuracy": metrics.accuracy_score(gold, predicted),
        "within_one": float((abs(gold - predicted) <= 1).mean()),
        "label_distance": metrics.mean_absolute_error(gold, predicted),
        # log_loss() wants rows that sum to 1, which f32 ones do to 1e-7: of the pairs (right label, all others) it does not matter.
        "log_loss": metrics.log_loss(np.ones(texts), np.column_stack([1 - of_gold, of_gold]), labels=[0, 1]),
        "brier": float(((exact - np.eye(labels)[gold]) ** 2).sum(1).mean()),
    }
    averages(gold, predicted, figures, ["macro", "weighted"])
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(gold, predicted, labels=range(labels), zero_division=0)
    return {"kind": "single_label", "num_labels": labels, "scores": exact.ravel().tolist(), "gold": gold.tolist(), "figures": figures,
            "precision": precision.tolist(), "recall": recall.tolist(), "f1": f1.tolist(),
            "confusion": metrics.confusion_matrix(gold, predicted, labels=range(labels)).ravel().tolist()}


def multi_label(seed, texts, labels, threshold):
    source = np.random.default_rng(seed)
    gold = (source.random((texts, labels)) < source.random(labels) * 0.5).astype(int)
    gold[:, -1] = 0  # one that no text has
    logits = source.normal(size=(texts, labels)) + 2 * gold - 1
    scores = (1 / (1 + np.exp(-logits))).astype(np.float32)
    exact = scores.astype(np.float64)
    predicted = (exact >= threshold).astype(int)
    figures = {"exact_match": metrics.accuracy_score(gold, predicted), "hamming_loss": metrics.hamming_loss(gold, predicted),
               "log_loss": metrics.log_loss(gold.ravel(), exact.ravel()), "brier": metrics.brier_score_loss(gold.ravel(), exact.ravel())}
    averages(gold, predicted, figures, ["micro", "macro", "weighted"])
    precision, recall, f1, _ = metrics.precision_recall_fscore_support(gold, predicted, zero_division=0)
    return {"kind": "multi_label", "num_labels": labels, "threshold": threshold, "scores": exact.ravel().tolist(), "gold": gold.ravel().tolist(),
            "figures": figures, "precision": precision.tolist(), "recall": recall.tolist(), "f1": f1.tolist()}


def regression(seed, texts, rounded):
    source = np.random.default_rng(seed)
    targets = source.uniform(0, 5, texts)
    if rounded:  # ties
        targets = np.round(targets * 2) / 2
    values = (0.7 * targets + source.normal(size=texts) * 0.6).astype(np.float32).astype(np.float64)
    if rounded:
        values = np.round(values, 0)
    figures = {"mean_absolute_error": metrics.mean_absolute_error(targets, values), "root_mean_squared_error": metrics.root_mean_squared_error(targets, values),
               "r2": metrics.r2_score(targets, values), "pearson": float(scipy.stats.pearsonr(values, targets).statistic),
               "spearman": float(scipy.stats.spearmanr(values, targets).statistic)}
    return {"kind": "regression", "scores": values.tolist(), "targets": targets.tolist(), "figures": figures}


def mcnemar(seed, count):
    source = random.Random(seed)
    pairs = [(0, 0), (0, 1), (1, 1), (0, 12), (5, 5), (10, 25), (500, 500), (1000, 1200), (100000, 100400), (3, 400)]
    pairs += [(source.randrange(200), source.randrange(200)) for _ in range(count)]
    rows = []
    for first, second in pairs:
        exact = scipy.stats.binomtest(first, first + second, 0.5).pvalue if first + second else 1.0
        seen = scipy.stats.binom.pmf(min(first, second), first + second, 0.5)
        rows.append({"only_first": first, "only_second": second, "exact": float(exact),
                     "mid_p": float(min(1, 2 * scipy.stats.binom.cdf(min(first, second), first + second, 0.5) - seen)) if first + second else 1.0})
    return rows


def main():
    cases = [single_label(1, 200, 5, 1.5, 5), single_label(2, 150, 2, 0.5, 2), single_label(3, 60, 12, 1.0, 7), single_label(4, 1, 3, 1.0, 3),
             multi_label(5, 120, 6, 0.5), multi_label(6, 80, 3, 0.3125), regression(7, 200, False), regression(8, 150, True)]
    versions = {"python": sys.version.split()[0], "numpy": np.__version__, "scipy": scipy.__version__, "scikit-learn": sklearn.__version__}
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(case) for case in cases)
    OUTPUT.write_text(f'{{"made_by": "tools/make_evaluate_goldens.py", "versions": {json.dumps(versions)},\n"cases": [\n{lines}],\n"mcnemar": {json.dumps(mcnemar(9, 30))}}}\n')


if __name__ == "__main__":
    main()
