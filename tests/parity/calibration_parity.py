#!/usr/bin/env python3
"""Compares `filbert calibrate` on a model's own logits with scipy's minima of the same losses.

    tests/parity/calibration_parity.py FILBERT CHECKPOINT TEXTS

TEXTS is a file of texts, a line each. Their labels are drawn as if the model's logits were twice what they are, so that it is too sure by half.
"""
import csv
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
import scipy_calibration as reference  # noqa: E402

TOLERANCE = 1e-4


def run(*words):
    done = subprocess.run(list(map(str, words)), capture_output=True, check=False, text=True)
    if done.returncode != 0:
        sys.exit(f"{words}: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def main():
    filbert, checkpoint, file = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        lines = [line for line in Path(file).read_text(encoding="utf-8").splitlines() if line.strip()]
        random = np.random.default_rng(3)
        texts = Path(folder, "texts")
        texts.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        with texts.open("rb") as stream:
            done = subprocess.run([filbert, "classify", "--model", checkpoint, "--no-decision", "--format", "json"], stdin=stream, capture_output=True, check=True)
        answers = [json.loads(line) for line in done.stdout.decode().splitlines()]
        logits = np.array([answer["logits"] for answer in answers], dtype=np.float32).astype(np.float64)
        labels = [score["label"] for score in answers[0]["scores"]]
        shares = np.exp(reference.log_softmax(logits / 2, axis=1))
        truth = np.array([np.arange(len(labels)) == random.choice(len(labels), p=share / share.sum()) for share in shares])
        rows = [(answer["text"], labels[is_true.argmax()]) for answer, is_true in zip(answers, truth)]
        table = Path(folder, "rows.csv")
        with table.open("w", newline="", encoding="utf-8") as out:
            csv.writer(out).writerows([("text", "label"), *rows])
        command = [filbert, "calibrate", "--model", checkpoint, table, "--format", "json", "--output", Path(folder, "decision.json")]
        (temperature,), (vector,) = run(*command), run(*command, "--method", "vector")
    found = temperature["decision"]["calibration"]["temperature"]
    wanted = reference.temperature(logits, truth, reference.softmax_loss)
    weights, biases = reference.softmax_vector(logits, truth)
    of_vector = vector["decision"]["calibration"]
    off = max(abs(found - wanted), *np.abs(np.subtract(of_vector["weights"], weights)), *np.abs(np.subtract(of_vector["biases"], biases)))
    print(f"{len(rows)} rows: temperature {found:.6f}, scipy {wanted:.6f}; the largest difference of any number {off:.2e}")
    return off > TOLERANCE


if __name__ == "__main__":
    sys.exit(main())
