#!/usr/bin/env python3
"""Writes tests/data/calibration.json: random logits with labels, and what scipy finds to be the least log loss of a temperature and of vector
scaling; and the expected calibration error by its definition in numpy.

    tools/make_calibration_goldens.py

Needs scipy. The losses are those of tests/parity/scipy_calibration.py.
"""
import json
import sys
from pathlib import Path

import numpy as np
import scipy

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "parity"))
import scipy_calibration as reference  # noqa: E402


def rows(random, count, labels, sharpness, several):
    """Logits that are `sharpness` times as sure as they should be, of labels drawn by what they should be."""
    own = random.normal(size=(count, labels)) * 1.5
    if several:
        truth = random.random(size=own.shape) < 1 / (1 + np.exp(-own))
    else:
        shares = np.exp(own) / np.exp(own).sum(axis=1, keepdims=True)
        truth = np.array([np.arange(labels) == random.choice(labels, p=share) for share in shares])
    return (own * sharpness + random.normal(size=labels)).astype(np.float32), truth


def case(name, function, logits, truth):
    wide = logits.astype(np.float64)
    is_softmax = function == "softmax"
    loss = reference.softmax_loss if is_softmax else reference.sigmoid_loss
    weights, biases = (reference.softmax_vector if is_softmax else reference.sigmoid_vector)(wide, truth)
    scores = np.exp(wide) / np.exp(wide).sum(axis=1, keepdims=True) if is_softmax else 1 / (1 + np.exp(-wide))
    best, right = (scores.max(axis=1), truth[np.arange(len(truth)), scores.argmax(axis=1)]) if is_softmax else (scores.ravel(), truth.ravel())
    return {"name": name, "function": function, "logits": [[float(x) for x in row] for row in logits], "truth": truth.astype(int).tolist(),
            "loss": float(loss(wide, truth)), "temperature": reference.temperature(wide, truth, loss), "weights": weights, "biases": biases,
            "vector_loss": float(loss(wide * weights + biases, truth)), "ece": reference.calibration_error(best, right, 15)}


def main():
    random = np.random.default_rng(7)
    cases = [
        case("over-confident", "softmax", *rows(random, 150, 5, 3.0, False)),
        case("under-confident", "softmax", *rows(random, 120, 3, 0.3, False)),
        case("two labels", "softmax", *rows(random, 80, 2, 2.0, False)),
        case("several labels a text", "sigmoid", *rows(random, 120, 4, 2.5, True)),
        case("one label", "sigmoid", *rows(random, 90, 1, 0.5, True)),
    ]
    made = {"script": "tools/make_calibration_goldens.py", "scipy": scipy.__version__, "numpy": np.__version__, "cases": cases}
    target = ROOT / "tests" / "data" / "calibration.json"
    lines = json.dumps(made, separators=(",", ":")).replace('{"name"', '\n{"name"')
    target.write_text(lines + "\n")
    print(target, len(lines))


if __name__ == "__main__":
    main()
