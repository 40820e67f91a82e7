#!/usr/bin/env python3
"""Compares the gradients of `filbert explain` with captum's, live, and rollout of attention with torch's: values of tokens, relative to the largest of a text.

    tests/parity/gradients_parity.py build/release/filbert [models/stars-en [tests/data/sentences_en.txt [TEXTS]]]

Needs captum, transformers and torch. Prints the greatest difference of each method, and of how many texts the integrated gradients of 50
steps add up to within 1 % of the difference; exits 1 where a value is off by more than 1e-4 of the largest.
"""
import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from make_gradient_goldens import Captum  # noqa: E402

TOLERANCE = 1e-4
METHODS = ("saliency", "input_x_gradient", "integrated_gradients", "attention_rollout", "attention_gradient")


def filbert(command, checkpoint, text, target, *options):
    done = subprocess.run([command, "explain", "--model", checkpoint, "--method", ",".join(METHODS), "--target", target, "--format", "json",
                           "--values-only", "--dtype", "f32", *options, text], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def main():
    command = sys.argv[1]
    checkpoint = sys.argv[2] if len(sys.argv) > 2 else str(ROOT / "models" / "stars-en")
    texts = Path(sys.argv[3] if len(sys.argv) > 3 else ROOT / "tests" / "data" / "sentences_en.txt").read_text().splitlines()
    texts = [text for text in texts if text.strip()][: int(sys.argv[4]) if len(sys.argv) > 4 else 60]
    expected = Captum(checkpoint)
    greatest = dict.fromkeys(METHODS, 0.0)
    within, gaps = 0, 0.0
    for at, text in enumerate(texts):
        target = ("probability", "logit")[at % 2]
        found = filbert(command, checkpoint, text, target)
        encoding = expected.encode(text)
        label = expected.model.config.label2id[found["label"]]
        for method in METHODS:
            of = expected.of_attention if method.startswith("attention") else expected.of_words
            values, _ = of(method, encoding, label, target)
            own = found["methods"][method]["token_values"]
            largest = max(abs(value) for value in values)
            greatest[method] = max(greatest[method], max(abs(a - b) for a, b in zip(own, values, strict=True)) / largest)
        integrated = found["methods"]["integrated_gradients"]
        share = abs(integrated["gap"]) / max(abs(sum(integrated["token_values"]) + integrated["gap"]), 1e-12)
        within += share <= 0.01
        gaps = max(gaps, share)
    for method in METHODS:
        print(f"{method}: {len(texts)} texts, greatest difference {greatest[method]:.1e} of the largest value")
    print(f"integrated gradients of 50 steps add up to within 1 % for {within} of {len(texts)} texts; widest gap {100 * gaps:.2f} %")
    sys.exit(any(difference > TOLERANCE for difference in greatest.values()))


if __name__ == "__main__":
    main()
