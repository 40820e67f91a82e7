#!/usr/bin/env python3
"""Records what lime and shap say of models/stars-en, run by transformers: tests/data/explain/stars-en.json.

Usage: make_explain_goldens.py     needs lime, shap, transformers and torch

The packages are used as their pages show it: LimeTextExplainer with a function that gives every label's probability, shap.Explainer over a
text-classification pipeline with top_k=None. tests/explain/packages_test.cpp holds Filbert's own model to them.
"""
import hashlib
import json
import pathlib
import warnings

import lime
import numpy
import shap
import torch
import transformers
from lime.lime_text import LimeTextExplainer

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODEL = ROOT / "models" / "stars-en"
TEXTS = [
    "I really love this book",
    "good, good, not bad: good!",
    "The film wasn't great 😀 but the acting, oh well... was really something else entirely, I'd see it again tomorrow.",
    "Hello idiot",
    "Ärgerlich — works   with naïve café words",
    "It broke after two days. The company did not answer. (I would not buy it again; nobody should!) Never, ever.",
]
SAMPLES, SEED, EVALS = 400, 42, 150


def classifier():
    model = transformers.AutoModelForSequenceClassification.from_pretrained(MODEL).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(MODEL)
    return transformers.pipeline("text-classification", model=model, tokenizer=tokenizer, device="cpu", top_k=None)


def probabilities(pipe):
    ids = [pipe.model.config.id2label[label] for label in range(pipe.model.config.num_labels)]

    def score(texts):
        rows = []
        for answer in pipe(list(texts), batch_size=32):
            scores = {entry["label"]: entry["score"] for entry in answer}
            rows.append([scores[label] for label in ids])
        return numpy.array(rows)

    return score


def lime_of(text, score, label, bow):
    explainer = LimeTextExplainer(bow=bow, random_state=SEED, feature_selection="none")
    result = explainer.explain_instance(text, score, labels=(label,), num_features=100, num_samples=SAMPLES)
    words = result.domain_mapper.indexed_string
    weights = dict(result.local_exp[label])
    return {"bow": bow, "words": [words.word(feature) for feature in range(words.num_words())],
            "weights": [float(weights[feature]) for feature in range(words.num_words())],
            "intercept": float(result.intercept[label]), "r2": float(result.score[label] if isinstance(result.score, dict) else result.score),
            "local_pred": float(numpy.ravel(result.local_pred[label] if isinstance(result.local_pred, dict) else result.local_pred)[0])}


def shap_of(text, pipe, label):
    numpy.random.seed(SEED)
    result = shap.Explainer(pipe)([text], max_evals=EVALS, silent=True)
    return {"segments": [str(piece) for piece in result.data[0]], "values": [float(value) for value in result.values[0][:, label]],
            "base_value": float(result.base_values[0][label])}


def main():
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    pipe = classifier()
    score = probabilities(pipe)
    rows = []
    for text in TEXTS:
        label = int(score([text])[0].argmax())
        rows.append({"text": text, "label": pipe.model.config.id2label[label], "lime": [lime_of(text, score, label, bow) for bow in (True, False)],
                     "shap": shap_of(text, pipe, label)})
    record = {"made_by": f"lime {getattr(lime, '__version__', '0.2.0.1')}, shap {shap.__version__}, transformers {transformers.__version__}, torch {torch.__version__}",
              "weights_sha256": hashlib.sha256((MODEL / "model.safetensors").read_bytes()).hexdigest(),
              "num_samples": SAMPLES, "seed": SEED, "max_evals": EVALS, "texts": rows}
    path = ROOT / "tests" / "data" / "explain" / "stars-en.json"
    path.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n")
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
