#!/usr/bin/env python3
"""What each family costs for its arithmetic: seconds for a multiply-add of its matrix products, as a ratio to BERT-base in the same run.

Usage: families.py FILBERT WORK [NAME…]   the checkpoints of make_checkpoints.py in WORK; alternating with bert-base, medians of 7 rounds.
       families.py --names                the families there are
Random weights, 8 texts of 128 tokens, one thread, f32. One line for each family.
"""

import json
import pathlib
import statistics
import subprocess
import sys

from checkpoints import CHECKPOINTS

TEXTS, TOKENS, ROUNDS = 8, 128, 7
FAMILIES = [name for name in CHECKPOINTS if name not in ("bert-base", "bert-large", "minilm-l6")]


def multiply_adds(checkpoint):
    """Of the matrix products for a token: those of weights, from the file's tensors, and those of attention. Embeddings are looked up,
    and a tensor that layers share counts as often as it is used."""
    config = json.loads((checkpoint / "config.json").read_text())
    header = (checkpoint / "model.safetensors").open("rb")
    tensors = json.loads(header.read(int.from_bytes(header.read(8), "little")))
    layers = config.get("num_hidden_layers") or config.get("n_layers") or config.get("n_layer")
    hidden = config.get("hidden_size") or config.get("dim") or config.get("d_model")
    weights = 0
    for name, tensor in tensors.items():
        if name == "__metadata__" or "embeddings." in name or "embedding.weight" in name or len(tensor["shape"]) < 2 or not is_of_layer(name):
            continue
        times = layers if "albert_layer_groups" in name else 1
        size = 1
        for length in tensor["shape"]:
            size *= length
        weights += times * size
    return weights + layers * 2 * TOKENS * hidden


def is_of_layer(name):
    return "layer" in name and "relative_attention_bias" not in name


def seconds(filbert, checkpoint, workload):
    command = [filbert, "bench", "--model", checkpoint, "--threads", "1", "--ids", workload, "--repeat", "1"]
    return json.loads(subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True).stdout)["seconds"][0]


def main(filbert, work, names):
    base, workload = work / "checkpoints" / "bert-base", work / "workloads" / f"{TEXTS}x{TOKENS}.jsonl"
    for name in names or FAMILIES:
        checkpoint = work / "checkpoints" / name
        pairs = [(seconds(filbert, base, workload), seconds(filbert, checkpoint, workload)) for _ in range(ROUNDS)]
        ratio = statistics.median(ours / berts for berts, ours in pairs)
        work_ratio = multiply_adds(checkpoint) / multiply_adds(base)
        print(f"{name:14} {ratio:5.2f} of BERT's time, {work_ratio:5.2f} of its multiply-adds: {ratio / work_ratio:5.2f} for each", flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "--names":
        sys.exit(print(*FAMILIES))
    main(sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3:])
