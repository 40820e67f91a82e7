#!/usr/bin/env python3
"""How long an explanation takes beside the Python packages: LIME with 5,000 samples and SHAP with 500 evaluations of a sentence of 20 words.

Usage: explain.py FILBERT [ROUNDS [DTYPE]]     with what bench/rivals/requirements-explain.txt names

In one run, in turns, on two threads, with the built-in model: Filbert as a whole process, loading included, and LimeTextExplainer or
shap.Explainer over a transformers pipeline that is loaded already, with batches of 32. Both results are compared; how far they are apart is
printed beside the times, and how far LIME's weights move with another seed.
"""
import json
import pathlib
import statistics
import subprocess
import sys
import time
import warnings

import numpy
import shap
import torch
import transformers
from lime.lime_text import LimeTextExplainer

MODEL = pathlib.Path(__file__).resolve().parent.parent / "models" / "stars-en"
TEXT = "The film was not as good as the book but the acting of two young women made it worth seeing"
THREADS, SAMPLES, EVALS, SEED, BATCH = 2, 5000, 500, 42, 32


class Python:
    def __init__(self):
        model = transformers.AutoModelForSequenceClassification.from_pretrained(MODEL).eval()
        tokenizer = transformers.AutoTokenizer.from_pretrained(MODEL)
        self.pipe = transformers.pipeline("text-classification", model=model, tokenizer=tokenizer, device="cpu", top_k=None, batch_size=BATCH)
        self.labels = [model.config.id2label[label] for label in range(model.config.num_labels)]
        self.label = int(self.scores([TEXT])[0].argmax())

    def scores(self, texts):
        rows = [{entry["label"]: entry["score"] for entry in answer} for answer in self.pipe(list(texts))]
        return numpy.array([[row[label] for label in self.labels] for row in rows])

    def lime(self):
        explainer = LimeTextExplainer(random_state=SEED)
        found = explainer.explain_instance(TEXT, self.scores, labels=(self.label,), num_samples=SAMPLES)
        return dict(found.as_list(label=self.label))

    def shap(self):
        numpy.random.seed(SEED)
        found = shap.Explainer(self.pipe)([TEXT], max_evals=EVALS, batch_size=BATCH, silent=True)
        return list(enumerate(found.values[0][:, self.label]))


def filbert(command, *options, seed=SEED):
    done = subprocess.run([*command, "--format", "json", "--values-only", "--threads", str(THREADS), "--seed", str(seed), *options, TEXT], check=True,
                          capture_output=True, text=True)
    return json.loads(done.stdout)["methods"]


def filbert_lime(command, seed=SEED):
    units = filbert(command, "--compat", "lime", "--num-samples", str(SAMPLES), seed=seed)["lime"]["units"]
    return {unit["text"]: unit["value"] for unit in units}


def filbert_shap(command):
    units = filbert(command, "--compat", "shap", "--max-evals", str(EVALS))["shap"]["units"]
    return [(token, unit["value"]) for token, unit in enumerate(units)]


def timed(function, *arguments):
    start = time.perf_counter()
    result = dict(function(*arguments))
    return time.perf_counter() - start, result


def main(program, rounds, dtype):
    command = [program, "explain", "--dtype", dtype]
    warnings.simplefilter("ignore")
    torch.set_num_threads(THREADS)
    python = Python()
    print(f"{len(TEXT.split())} words; shap {shap.__version__}, transformers {transformers.__version__}, torch {torch.__version__}")
    for name, theirs, ours in (("lime", python.lime, filbert_lime), ("shap", python.shap, filbert_shap)):
        pairs, apart = [], 0.0
        for _ in range(rounds):
            seconds, expected = timed(theirs)
            own_seconds, found = timed(ours, command)
            pairs.append((seconds, own_seconds))
            apart = max(abs(found[key] - value) for key, value in expected.items())
        ratio = statistics.median(seconds / own for seconds, own in pairs)
        print(f"{name}: Python {statistics.median(p for p, _ in pairs):6.2f} s, filbert {statistics.median(o for _, o in pairs):6.2f} s: "
              f"{ratio:5.1f} x as fast; values at most {apart:.1e} apart", flush=True)
    one, other = filbert_lime([program, "explain"]), filbert_lime([program, "explain"], seed=SEED + 1)
    print(f"lime with another seed: weights at most {max(abs(one[word] - other.get(word, 0)) for word in one):.1e} apart")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 3, sys.argv[3] if len(sys.argv) > 3 else "f32")
