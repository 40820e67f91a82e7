#!/usr/bin/env python3
"""Compares `filbert evaluate` with the real scikit-learn and scipy on real texts: evaluate_parity.py FILBERT MODEL DATA

The built-in model answers the texts by `filbert classify`, scikit-learn measures what it answers, and every figure of `filbert evaluate` on the same file
has to be the same. The intervals are held against numpy's percentiles of samples of its own, which other draws differ from by a few per cent of a width.
"""

import csv
import gzip
import json
import math
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import scipy.stats
from sklearn import metrics

TOLERANCE = 1e-9  # the order of f64 sums
FILES = [("alexa_stars/all.tsv", 500), ("marc_stars/en.test.tsv", 500), ("womens_clothing_stars/all.tsv.gz", 500)]
BINS = 15


def run(*words, stdin=None):
    done = subprocess.run([str(word) for word in words], input=stdin, stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


def rows_of(path, count):
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="") as lines:
        rows = list(csv.reader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))
    header, step = rows[0], max(1, (len(rows) - 1) // count)  # from all over the file, which may be sorted by label
    label = next(name for name in ("stars", "rating", "label") if name in header)
    return label, [(row[header.index("text")], int(float(row[header.index(label)])) - 1) for row in rows[1::step][:count]]


def expected_of(gold, scores):
    exact = scores.astype(np.float64)
    predicted, of_gold = exact.argmax(1), exact[np.arange(len(gold)), gold]
    confidence, right = exact.max(1), exact.argmax(1) == gold
    figures = {"accuracy": metrics.accuracy_score(gold, predicted), "label_distance": metrics.mean_absolute_error(gold, predicted),
               "within_one": float((abs(gold - predicted) <= 1).mean()),
               "log_loss": metrics.log_loss(np.ones(len(gold)), np.column_stack([1 - of_gold, of_gold]), labels=[0, 1]),
               "brier": float(((exact - np.eye(exact.shape[1])[gold]) ** 2).sum(1).mean()), "overconfidence": float(confidence.mean() - right.mean())}
    edges = np.arange(BINS + 1) / BINS
    bins = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, BINS - 1)
    figures["ece"] = sum(abs(confidence[bins == each].sum() - right[bins == each].sum()) for each in range(BINS)) / len(gold)
    for name in ["macro", "weighted"]:
        figures |= dict(zip([f"{name}_precision", f"{name}_recall", f"{name}_f1"],
                            metrics.precision_recall_fscore_support(gold, predicted, average=name, zero_division=0)))
    return figures, predicted


def check(name, found, expected, tolerance=TOLERANCE):
    if not math.isclose(found, expected, rel_tol=tolerance, abs_tol=tolerance):
        sys.exit(f"{name}: expected {expected!r}, found {found!r}")


def check_interval(name, measure, right):
    source = np.random.default_rng(1)
    samples = [right[source.integers(0, len(right), len(right))].mean() for _ in range(2000)]
    low, high = np.quantile(samples, [0.025, 0.975])
    for end, expected in (("low", low), ("high", high)):
        check(f"{name} {end}", measure[end], expected, tolerance=0.15 * (high - low))


def compare(filbert, model, path, count):
    label, rows = rows_of(path, count)
    gold = np.array([stars for _, stars in rows])
    with tempfile.TemporaryDirectory() as directory:
        file = pathlib.Path(directory) / "texts.jsonl"
        file.write_text("".join(json.dumps({"text": text, label: stars + 1}) + "\n" for text, stars in rows))
        answers = run(filbert, "classify", "--model", model, "--input-format", "jsonl", "--format", "json", stdin=file.read_bytes())
        (report,) = run(filbert, "evaluate", "--model", model, file, "--label-column", label, "--ordered", "--against-dtype", "int8", "--format", "json")
    scores = np.array([[np.float32(each["score"]) for each in answer["scores"]] for answer in answers])
    figures, predicted = expected_of(gold, scores)
    for name, expected in figures.items():
        check(f"{path} {name}", report["measures"][name]["value"], float(expected))
    matrix = metrics.confusion_matrix(gold, predicted, labels=range(scores.shape[1]))
    if report["confusion"] != matrix.tolist():
        sys.exit(f"{path}: the confusion matrix differs")
    each = metrics.precision_recall_fscore_support(gold, predicted, labels=range(scores.shape[1]), zero_division=0)
    for entry, precision, recall, f1 in zip(report["labels"], *each[:3]):
        for key, expected in (("precision", precision), ("recall", recall), ("f1", f1)):
            check(f"{path} {entry['label']} {key}", entry[key]["value"], float(expected))
    check_interval(f"{path} accuracy", report["measures"]["accuracy"], predicted == gold)
    both = report["comparison"]
    only = both["only_first"], both["only_second"]
    check(f"{path} McNemar", both["mcnemar_exact"], scipy.stats.binomtest(only[0], sum(only), 0.5).pvalue if sum(only) else 1.0)
    print(f"{path}: {len(gold)} texts, {len(figures)} figures equal; accuracy {figures['accuracy']:.4f}, ECE {figures['ece']:.4f}")


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    for name, count in FILES:
        compare(sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]) / name, count)


if __name__ == "__main__":
    main()
