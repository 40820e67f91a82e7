#!/usr/bin/env python3
"""What the benchmark runs on: checkpoints of random weights in the shape of well-known ones, and workloads of random ids.

Usage: make_checkpoints.py WORK [NAME…]  writes WORK/checkpoints/NAME and WORK/workloads/NAME.jsonl; what is there stays. bert-base if no
name is given.
Needs torch and transformers. Speed does not depend on the values; shapes, dtype (f32) and lengths are what count.
"""

import json
import pathlib
import sys

import numpy
import torch
import transformers

from checkpoints import CHECKPOINTS, CLS, SEP, WITH_VOCABULARY
from lengths import mixed_lengths

VOCAB_SIZE = 30522  # of bert-base-uncased, as are the places of the special tokens
FIRST_WORD = 1000
SHAPES = ["1x8", "1x32", "1x128", "8x128"]
MIXED_TEXTS = 768
SOME_TOKENS = 4096  # the first texts of them that have no more: a smaller batch


def vocabulary():
    """As many tokens as BERT's: letters, so that every English text has pieces, a few words, and fillers."""
    special = {0: "[PAD]", 100: "[UNK]", CLS: "[CLS]", SEP: "[SEP]", 103: "[MASK]"}
    tokens = [special.get(index, f"[unused{index}]") for index in range(FIRST_WORD)]
    letters = [chr(letter) for letter in range(ord("a"), ord("z") + 1)]
    tokens += letters + ["##" + letter for letter in letters] + ["really", "love", "this", "book", ".", ",", "!", "?"]
    return tokens + [f"filler{index}" for index in range(len(tokens), VOCAB_SIZE)]


def make_checkpoint(name, directory):
    family, sizes = CHECKPOINTS[name]
    torch.manual_seed(0)
    config = getattr(transformers, family + "Config")(vocab_size=VOCAB_SIZE, num_labels=5, **sizes)
    getattr(transformers, family + "ForSequenceClassification")(config).save_pretrained(directory)
    if family not in WITH_VOCABULARY:
        return
    (directory / "vocab.txt").write_text("".join(token + "\n" for token in vocabulary()))
    settings = {"do_lower_case": True, "model_max_length": 512, "tokenizer_class": family + "Tokenizer"}
    (directory / "tokenizer_config.json").write_text(json.dumps(settings))


def lengths_of(name):
    if name.startswith("mixed"):
        lengths = mixed_lengths(MIXED_TEXTS)
        return lengths if name == "mixed" else lengths[lengths.cumsum() <= SOME_TOKENS]
    batch, tokens = map(int, name.split("x"))
    return [tokens] * batch


def make_workload(name, path):
    random = numpy.random.default_rng(5)
    with open(path, "w") as file:
        for length in lengths_of(name):
            ids = [CLS, *random.integers(FIRST_WORD, VOCAB_SIZE, length - 2).tolist(), SEP]
            file.write(json.dumps({"input_ids": ids}) + "\n")


def main(work, names):
    for name in names or ["bert-base"]:
        directory = work / "checkpoints" / name
        last = "tokenizer_config.json" if CHECKPOINTS[name][0] in WITH_VOCABULARY else "model.safetensors"
        if not (directory / last).exists():
            directory.mkdir(parents=True, exist_ok=True)
            make_checkpoint(name, directory)
    (work / "workloads").mkdir(parents=True, exist_ok=True)
    for name in [*SHAPES, "mixed", f"mixed-{SOME_TOKENS}"]:
        make_workload(name, work / "workloads" / f"{name}.jsonl")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), sys.argv[2:])
