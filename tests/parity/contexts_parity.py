#!/usr/bin/env python3
"""Compares filbert index and filbert similar with numpy over transformers' hidden states and contexts.

    python tests/parity/contexts_parity.py build/release/filbert CHECKPOINT TEXTS [int8|f16]
    python tests/parity/contexts_parity.py build/release/filbert

TEXTS has a text a line. Without more, every family: its tiny checkpoint of tests/data/families and the texts of its goldens, all layers, in both dtypes.
Needs torch, transformers 5 and numpy. Vectors must be those of torch within the step that they were rounded by. For a sample of tokens, by embedding
and by context, with all heads and with some: the top 50 must be those of looking at everything in the vectors as they are stored, and, of a trained
checkpoint, at least 98 % of those in the vectors as torch has them.
"""

import csv
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy
import torch
import transformers

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from transformers_outputs import encoder_outputs  # noqa: E402

QUERIES = 12
TOP = 50


def stored(path):
    """Of an index: its layers, of each embeddings and contexts [tokens, parts, part_size] as stored with half the steps that they were rounded by, and the
    text, place and id of each token."""
    data = path.read_bytes()
    begin, size = int.from_bytes(data[24:32], "little"), int.from_bytes(data[32:40], "little")
    directory = json.loads(data[begin:begin + size])
    layers = directory["layers"]
    wide = directory["vector_dtype"] == "f16"
    vectors, steps = [([], []) for _ in layers], [([], []) for _ in layers]
    places, first_text = [], 0
    for block in directory["blocks"]:
        at, tokens = block["begin"] + 64, block["tokens"]

        def take(dtype, count):
            nonlocal at
            array = numpy.frombuffer(data, dtype, count, at)
            at += (array.nbytes + 63) // 64 * 64
            return array

        for layer, of_vectors, of_steps in zip(layers, vectors, steps, strict=True):
            for kind, (parts, part_size) in enumerate([(1, directory["hidden_size"]), (layer["heads"], layer["head_size"])]):
                scales = 1 if wide else take("<f4", tokens * parts).reshape(tokens, parts, 1)
                numbers = take("<f2" if wide else "i1", tokens * parts * part_size).reshape(tokens, parts, part_size).astype(numpy.float32)
                of_vectors[kind].append(numbers * scales)
                of_steps[kind].append(numpy.maximum(numpy.abs(numbers) / 2048, 2.0 ** -25) if wide else numpy.broadcast_to(scales / 2, numbers.shape))
        take("u1", block["texts"] * 48)
        records = take("<u4", tokens * 5).reshape(tokens, 5)
        places += [(first_text + int(text), int(token), int(input_id)) for text, token, input_id in records[:, [0, 1, 4]]]
        first_text += block["texts"]
    return layers, [[numpy.concatenate(each) for each in of] for of in vectors], [[numpy.concatenate(each) for each in of] for of in steps], places


def unit(vectors):
    return vectors / numpy.linalg.norm(vectors, axis=-1, keepdims=True)


def exact(checkpoint, rows, layers, places):
    """The same of torch in f32, not normalised: of each layer embeddings and contexts."""
    model = transformers.AutoModelForSequenceClassification.from_pretrained(checkpoint, dtype=torch.float32, attn_implementation="eager").eval()
    outputs = [encoder_outputs(model, {name: ids for name, ids in row.items() if name != "text"}) for row in rows]
    for text, token, input_id in places:
        assert rows[text]["input_ids"][token] == input_id, f"{checkpoint}: text {text}, token {token}"
    return [[numpy.stack([outputs[text][kind][layer["layer"]].reshape(len(rows[text]["input_ids"]), *shape)[token].numpy() for text, token, _ in places])
             for kind, shape in (("hidden_states", (1, -1)), ("contexts", (layer["heads"], layer["head_size"])))] for layer in layers]


def top(query, vectors, heads):
    """[TOP] of the tokens, and all similarities."""
    scores = numpy.einsum("hd,nhd->n", query[heads], vectors[:, heads], dtype=numpy.float64)
    scores /= numpy.linalg.norm(query[heads], axis=-1).sum()
    return numpy.argsort(-scores, kind="stable")[:TOP], scores


def compare(filbert, checkpoint, rows, dtype):
    """Failures, and for each search the share of torch's own top 50 that was found. `rows` are texts with their ids."""
    failures, recalls = [], []
    with tempfile.TemporaryDirectory() as directory:
        corpus = pathlib.Path(directory, "a.csv")
        with open(corpus, "w", newline="", encoding="utf-8") as out:
            csv.writer(out, quoting=csv.QUOTE_ALL).writerows([["text"], *[[row["text"]] for row in rows]])
        common = ["--model", checkpoint]
        subprocess.run([filbert, "index", corpus, *common, "--all-layers", "--vector-dtype", dtype, "--output", directory], check=True, capture_output=True)
        layers, vectors, steps, places = stored(pathlib.Path(directory, "contexts.filbert"))
        torch_vectors = exact(checkpoint, rows, layers, places)
        for layer, kept, step, own in zip(layers, vectors, steps, torch_vectors, strict=True):
            for kind, by in enumerate(("embedding", "context")):
                apart = numpy.abs(kept[kind] - unit(own[kind])) - step[kind]
                if not apart.max() <= 1e-5:
                    failures.append(f"layer {layer['layer']}, {by}: stored {apart.max():.1e} further from torch's than half a step")
        is_tiny = len(layers) < 4
        for number in range(len(layers)) if is_tiny else [len(layers) - 1]:
            layer = layers[number]
            for at in numpy.linspace(0, len(places) - 1, 3 if is_tiny else QUERIES).astype(int):
                text, token, _ = places[at]
                for kind, by in enumerate(("embedding", "context")):
                    for heads in ([0],) if kind == 0 else (list(range(layer["heads"])), [0], [min(1, layer["heads"] - 1), layer["heads"] - 1]):
                        words = ["--heads", ",".join(map(str, heads))] if kind else []
                        made = subprocess.run([filbert, "similar", rows[text]["text"], "--token", str(token), "--layer", str(layer["layer"]), "--by", by, *words,
                                               "--no-attention", *common, "--index", directory, "--format", "json"], check=True, capture_output=True)
                        hits = json.loads(made.stdout)["hits"]
                        found = [hit["place"] for hit in hits]
                        heads = sorted(set(heads))
                        query = torch_vectors[number][kind][at].astype(numpy.float64)
                        expected, scores = top(query, vectors[number][kind], heads)
                        # Two that are as near as f32 can tell may stand in either order.
                        worst = max(abs(hit["similarity"] - scores[hit["place"]]) for hit in hits)
                        same = all(scores[place] >= scores[expected[-1]] - 2e-5 for place in found) and len(set(found)) == min(TOP, len(places))
                        if worst > 2e-5 or not same:
                            failures.append(f"layer {layer['layer']}, {by}, heads {heads}, text {text}, token {token}: {worst:.1e} apart")
                        in_torch, _ = top(query, unit(torch_vectors[number][kind]), heads)
                        recalls.append(len(set(found) & set(in_torch)) / len(in_torch))
    print(f"{checkpoint}: {len(places)} tokens, {len(recalls)} searches in {dtype}: {len(failures)} differ; recall {numpy.mean(recalls):.4f}, least {min(recalls):.2f}")
    print("\n".join(failures[:10]), end="\n" if failures else "")
    return failures, recalls


def families(filbert):
    wrong = 0
    for path in sorted((ROOT / "tests" / "data" / "families").glob("*/sequence/goldens.json")):
        goldens = json.loads(path.read_text(encoding="utf-8"))
        rows = [{key: row[key] for key in ["text", "input_ids", "token_type_ids"] if key in row} for row in goldens["rows"]
                if "text_pair" not in row and len(row["input_ids"]) <= goldens["made"]["max_length"]]
        rows = [row for row in rows if row["text"]] * 2  # more tokens than a search gives
        for dtype in ("int8", "f16"):
            wrong += len(compare(filbert, str(path.parent), rows, dtype)[0])
    return wrong


def main(filbert, checkpoint=None, file=None, dtype="int8"):
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)
    if not checkpoint:
        return 1 if families(filbert) else 0
    tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint)
    rows = []
    for line in pathlib.Path(file).read_text(encoding="utf-8").splitlines():
        if line.strip():
            rows.append({"text": line} | {key: list(ids) for key, ids in tokenizer(line, truncation=True).items() if key != "attention_mask"})
    failures, recalls = compare(filbert, checkpoint, rows, dtype)
    return 1 if failures or numpy.mean(recalls) < 0.98 else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
