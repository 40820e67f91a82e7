#!/usr/bin/env python3
"""Compares what passes inside Filbert's encoders with transformers' own: hidden states, attention weights, queries, keys, values, contexts.

    tests/parity/outputs_parity.py build/release/tests/parity/outputs_dump [CHECKPOINT TEXT ...]

Without more, on every tiny checkpoint of tests/data/families and all the rows of its goldens.json; else on these texts. Filbert runs them as
one batch, transformers row by row with eager attention. Needs transformers 5 and torch. Prints the greatest differences and exits 1 if any is
more than 1e-5 (of a number above 1: of the number).
"""
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
import transformers
from transformers import AutoModelForSequenceClassification, AutoModelForTokenClassification, AutoTokenizer

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from transformers_outputs import KINDS, encoder_outputs  # noqa: E402

TOLERANCE = 1e-5  # the order of f32 sums


def filbert_outputs(command, directory, head, rows):
    """The tensors of outputs_dump.cpp, flat, in its order."""
    given = b""
    for row in rows:
        types = row.get("token_type_ids", [])
        given += np.array([len(row["input_ids"]), bool(types), *row["input_ids"], *types], np.int32).tobytes()
    written = subprocess.run([command, directory, head], input=given, stdout=subprocess.PIPE, check=True).stdout
    while written:
        count = int(np.frombuffer(written, np.int64, 1)[0])
        yield np.frombuffer(written, np.float32, count, 8)
        written = written[8 + 4 * count :]


def expected_outputs(model, rows):
    """The same of transformers: (what it is, numbers)."""
    answers = [encoder_outputs(model, row) for row in rows]

    def of_all(kind, layer):
        return f"{kind} of layer {layer}", torch.cat([answer[kind][layer].flatten() for answer in answers]).numpy()
    yield "logits", torch.cat([answer["logits"].flatten() for answer in answers]).numpy()
    for layer in range(len(answers[0]["hidden_states"])):
        yield of_all("hidden_states", layer)
    for layer in range(len(answers[0]["attentions"])):
        for kind in KINDS:
            yield of_all(kind, layer)
        for at, answer in enumerate(answers):
            yield f"attentions of layer {layer}, row {at}", answer["attentions"][layer].flatten().numpy()


def compare(command, directory, head, rows):
    auto = AutoModelForSequenceClassification if head == "sequence" else AutoModelForTokenClassification
    model = auto.from_pretrained(directory, dtype=torch.float32, attn_implementation="eager").eval()
    greatest, wrong = {}, 0
    for (name, expected), found in zip(expected_outputs(model, rows), filbert_outputs(command, directory, head, rows), strict=True):
        if expected.size != found.size:
            wrong += 1
            print(f"{directory}: {name}: expected {expected.size} numbers, found {found.size}")
            continue
        difference = float((np.abs(expected - found) / np.maximum(np.abs(expected), 1)).max())
        kind = name.split()[0]
        greatest[kind] = max(greatest.get(kind, 0), difference)
        if not difference <= TOLERANCE:
            wrong += 1
            print(f"{directory}: {name}: differ by {difference:.1e}")
    return greatest, wrong


def main(command, checkpoint=None, *texts):
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)
    if checkpoint:
        tokenizer = AutoTokenizer.from_pretrained(checkpoint)
        rows = [{name: list(ids) for name, ids in tokenizer(text).items() if name != "attention_mask"} for text in texts]
        results = [compare(command, checkpoint, "sequence", rows)]
    else:
        results = []
        for path in sorted((ROOT / "tests" / "data" / "families").glob("*/*/goldens.json")):
            goldens = json.loads(path.read_text(encoding="utf-8"))
            rows = [{key: row[key] for key in ["input_ids", "token_type_ids"] if key in row} for row in goldens["rows"]]
            results.append(compare(command, str(path.parent), goldens["made"]["head"], rows))
    greatest = {kind: max(of_one.get(kind, 0) for of_one, _ in results) for kind in results[0][0]}
    wrong = sum(count for _, count in results)
    print(f"{len(results)} checkpoints, {wrong} tensors differ; greatest differences: " +
          ", ".join(f"{kind} {difference:.1e}" for kind, difference in greatest.items()) +
          f" (transformers {transformers.__version__}, torch {torch.__version__})")
    return 1 if wrong else 0


if __name__ == "__main__":
    if len(sys.argv) == 1:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
