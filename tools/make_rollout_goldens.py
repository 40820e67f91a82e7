#!/usr/bin/env python3
"""Writes tests/data/explain/rollout.json: attention rollout and its form with gradients, by the formulas of their papers in numpy.

    tools/make_rollout_goldens.py

Attention weights and gradients are drawn at random: three layers of two heads over six tokens. The matrices of the layers are multiplied
in full here.
"""
import json
from pathlib import Path

import numpy as np

DATA = Path(__file__).resolve().parent.parent / "tests" / "data" / "explain"
LAYERS, HEADS, TOKENS = 3, 2, 6


def rollout(attentions, fusion, discard_ratio):
    """Abnar and Zuidema: the product of the layers' matrices, the last first."""
    product = np.eye(TOKENS)
    for heads in attentions:
        fused = getattr(heads, fusion)(axis=0)
        for row in fused:
            row[np.argsort(row, kind="stable")[: int(discard_ratio * TOKENS)]] = 0
        matrix = fused + np.eye(TOKENS)
        product = (matrix / matrix.sum(axis=1, keepdims=True)) @ product
    return product


def gradient_rollout(attentions, gradients):
    """Chefer et al.: R ← R + mean over heads of (gradient · weight)⁺ · R."""
    product = np.eye(TOKENS)
    for heads, of_heads in zip(attentions, gradients):
        product = product + np.maximum(heads * of_heads, 0).mean(axis=0) @ product
    return product


def shares(product, pooling):
    if pooling == "mean":
        return product.mean(axis=0)
    token = {"first": 0, "last": TOKENS - 1}.get(pooling, pooling)
    row = product[token].copy()
    row[token] = 0
    return row


if __name__ == "__main__":
    random = np.random.default_rng(7)
    scores = np.exp(2 * random.standard_normal((LAYERS, HEADS, TOKENS, TOKENS)))
    attentions = np.round(scores / scores.sum(axis=-1, keepdims=True), 6)
    gradients = np.round(random.standard_normal(attentions.shape), 6)
    cases = []
    for pooling in ["first", "last", "mean", 2]:
        plain = [("mean", 0), ("max", 0), ("min", 0), ("mean", 0.5), ("max", 0.7)] if pooling == "first" else [("mean", 0)]
        for fusion, ratio in plain:
            values = shares(rollout(attentions, fusion, ratio), pooling).tolist()
            cases.append({"pooling": pooling, "fusion": fusion, "discard_ratio": ratio, "values": values})
        cases.append({"pooling": pooling, "gradients": True, "values": shares(gradient_rollout(attentions, gradients), pooling).tolist()})
    made = {"made_by": "tools/make_rollout_goldens.py", "numpy": np.__version__}
    content = {"made": made, "shape": attentions.shape, "attentions": attentions.flatten().tolist(), "gradients": gradients.flatten().tolist(), "cases": cases}
    (DATA / "rollout.json").write_text(json.dumps(content, separators=(",", ":")) + "\n", encoding="utf-8")
