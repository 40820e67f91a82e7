#!/usr/bin/env python3
"""Compares filbert index and filbert similar with numpy over transformers' hidden states and contexts.

    python tests/parity/contexts_parity.py build/release/filbert CHECKPOINT TEXTS [int8|f16]

TEXTS has a text a line. Needs torch, transformers and numpy. For a sample of tokens, by embedding and by context, with all heads and with some:
the top 50 must be those of looking at everything in the vectors as they are stored, and at least 98 % of those in the vectors as torch has them.
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

QUERIES = 12
TOP = 50


def stored(path):
    """Of an index's layer: embeddings and contexts [tokens, parts, part_size] as stored, and the rows and places of its tokens."""
    data = path.read_bytes()
    begin, size = int.from_bytes(data[24:32], "little"), int.from_bytes(data[32:40], "little")
    directory = json.loads(data[begin:begin + size])
    (layer,) = directory["layers"]
    wide = directory["vector_dtype"] == "f16"
    vectors, places, first_text = ([], []), [], 0
    for block in directory["blocks"]:
        at, tokens = block["begin"] + 64, block["tokens"]

        def take(dtype, count):
            nonlocal at
            array = numpy.frombuffer(data, dtype, count, at)
            at += (array.nbytes + 63) // 64 * 64
            return array

        for kind, (parts, part_size) in enumerate([(1, directory["hidden_size"]), (layer["heads"], layer["head_size"])]):
            scales = 1 if wide else take("<f4", tokens * parts).reshape(tokens, parts, 1)
            numbers = take("<f2" if wide else "i1", tokens * parts * part_size).reshape(tokens, parts, part_size)
            vectors[kind].append(numbers.astype(numpy.float32) * scales)
        take("u1", block["texts"] * 48)
        records = take("<u4", tokens * 5).reshape(tokens, 5)
        places += [(first_text + int(text), int(token)) for text, token in records[:, :2]]
        first_text += block["texts"]
    return layer, [numpy.concatenate(each) for each in vectors], places


def unit(vectors):
    return vectors / numpy.linalg.norm(vectors, axis=-1, keepdims=True)


def exact(checkpoint, texts, layer, places):
    """The same of torch in f32, not normalised."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(checkpoint, attn_implementation="eager").eval()
    modules = {name: module for name, module in model.named_modules()}
    output = next(module for name, module in modules.items() if name.endswith(f"layer.{layer['layer']}.attention.output.dense"))
    seen = []
    output.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0][0].numpy()))
    embeddings, contexts = [], []
    with torch.no_grad():
        for text in texts:
            hidden = model(**tokenizer(text, return_tensors="pt", truncation=True), output_hidden_states=True).hidden_states
            embeddings.append(hidden[layer["layer"]][0].numpy())
            contexts.append(seen.pop())
    rows = [(embeddings[text][token], contexts[text][token]) for text, token in places]
    return [numpy.stack([row[0] for row in rows])[:, None, :], numpy.stack([row[1] for row in rows]).reshape(len(rows), layer["heads"], layer["head_size"])]


def top(query, vectors, heads):
    """[TOP] of the tokens, and all similarities."""
    scores = numpy.einsum("hd,nhd->n", query[heads], vectors[:, heads], dtype=numpy.float64)
    scores /= numpy.linalg.norm(query[heads], axis=-1).sum()
    return numpy.argsort(-scores, kind="stable")[:TOP], scores


def main(filbert, checkpoint, file, dtype="int8"):
    texts = [line for line in pathlib.Path(file).read_text().splitlines() if line.strip()]
    failures, recalls = [], []
    with tempfile.TemporaryDirectory() as directory:
        corpus = pathlib.Path(directory, "a.csv")
        with open(corpus, "w", newline="") as out:
            csv.writer(out).writerows([["text"], *[[text] for text in texts]])
        subprocess.run([filbert, "index", corpus, "--model", checkpoint, "--vector-dtype", dtype, "--output", directory], check=True)
        layer, kept, places = stored(pathlib.Path(directory, "contexts.filbert"))
        torch_vectors = exact(checkpoint, texts, layer, places)
        for at in numpy.linspace(0, len(places) - 1, QUERIES).astype(int):
            text, token = places[at]
            for kind, by in enumerate(("embedding", "context")):
                for heads in ([0],) if kind == 0 else (list(range(layer["heads"])), [0], [1, layer["heads"] - 1]):
                    words = ["--heads", ",".join(map(str, heads))] if kind else []
                    made = subprocess.run([filbert, "similar", texts[text], "--token", str(token), "--by", by, *words, "--no-attention", "--model", checkpoint,
                                           "--index", directory, "--format", "json"], check=True, capture_output=True)
                    hits = json.loads(made.stdout)["hits"]
                    found = [hit["place"] for hit in hits]
                    query = torch_vectors[kind][at].astype(numpy.float64)
                    expected, scores = top(query, kept[kind], heads)
                    # Two that are as near as f32 can tell may stand in either order.
                    worst = max(abs(hit["similarity"] - scores[hit["place"]]) for hit in hits)
                    same = all(scores[place] >= scores[expected[-1]] - 2e-5 for place in found) and len(set(found)) == min(TOP, len(places))
                    if worst > 2e-5 or not same:
                        failures.append(f"{by}, heads {heads}, text {text}, token {token}: {worst:.1e} apart")
                    in_torch, _ = top(query, unit(torch_vectors[kind]), heads)
                    recalls.append(len(set(found) & set(in_torch)) / len(in_torch))
    print(f"{len(places)} tokens, {len(recalls)} searches in {dtype}: {len(failures)} differ from looking at all; recall {numpy.mean(recalls):.4f}, least {min(recalls):.2f}")
    print("\n".join(failures[:10]))
    return 1 if failures or numpy.mean(recalls) < 0.98 else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
