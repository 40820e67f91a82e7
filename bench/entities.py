#!/usr/bin/env python3
"""How many sentences of mixed lengths get their entities in a second: `filbert entities --input` beside a transformers pipeline and onnxruntime.

The checkpoint is a BERT-base of random weights with nine labels, made in --work, over BERT's cased vocabulary of --data (never a part of this
project); the texts are the sentences of wikigold there, one to four of them a text. What counts is of Filbert a whole process, a file read and a file with
every entity written; of the peers, loaded already, the same --sample of texts: transformers' pipeline with batches of 32 in the given order and
aggregation_strategy "simple"; onnxruntime's fused graph over batches of 32 sorted by length, up to each token's label and its softmax, without entities.
In turns, --rounds times; the medians are printed, and kept in WORK/entities.json.
"""
import argparse
import json
import os
import pathlib
import random
import statistics
import sys
import time

from engines import run_measured

ROOT = pathlib.Path(__file__).resolve().parents[1]
LABELS = ["O"] + [f"{letter}-{kind}" for kind in ("PER", "ORG", "LOC", "MISC") for letter in "BI"]
BATCH, SEED = 32, 4
GOALS = {"transformers f32": 3, "onnxruntime f32": 1.5, "onnxruntime int8": 1.5}


def texts_of(data, count):
    """Different texts of one to four sentences."""
    sentences, words = [], []
    for line in (data / "ner_en_misc" / "wikigold.conll").read_text(encoding="utf-8").splitlines() + [""]:
        if line.strip():
            words.append(line.split("\t")[0].split()[0])
        elif words:
            sentences.append(" ".join(words))
            words = []
    chance, texts = random.Random(SEED), {}
    while len(texts) < count:
        texts[" ".join(chance.choices(sentences, k=chance.choice((1, 1, 2, 4))))] = None
    return list(texts)


def make_checkpoint(data, directory):
    import torch
    import transformers
    torch.manual_seed(0)
    tokenizer = transformers.BertTokenizer(vocab=str(data / "vocab" / "bert-base-cased" / "vocab.txt"), do_lower_case=False)
    tokenizer.model_max_length = 512
    config = transformers.BertConfig(vocab_size=len(tokenizer), id2label=dict(enumerate(LABELS)), label2id={label: place for place, label in enumerate(LABELS)})
    model = transformers.BertForTokenClassification(config)
    with torch.no_grad():
        model.classifier.weight *= 10  # so that not all tokens have one label, and there are entities to put together
    tokenizer.save_pretrained(directory)
    model.save_pretrained(directory)


class Filbert:
    def __init__(self, options, texts, dtype):
        self.options, self.count = options, len(texts)
        self.input = options.work / "entities-texts.jsonl"
        self.input.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
        self.words = ["--model", options.checkpoint, "--input", self.input, "--output", options.work / "entities.jsonl", "--aggregation-strategy", "simple",
                      "--threads", str(options.threads), "--dtype", dtype]

    def rate(self):
        begun = time.monotonic()
        run_measured([self.options.filbert, "entities", *self.words], os.environ)
        return self.count / (time.monotonic() - begun)


class Transformers:
    def __init__(self, options, texts):
        import torch
        import transformers
        torch.set_num_threads(options.threads)
        self.texts = texts
        self.pipe = transformers.pipeline("token-classification", model=str(options.checkpoint), device="cpu", batch_size=BATCH, aggregation_strategy="simple")

    def rate(self):
        begun = time.monotonic()
        self.pipe(self.texts)
        return len(self.texts) / (time.monotonic() - begun)


class Onnxruntime:
    def __init__(self, options, texts, dtype):
        sys.path.insert(0, str(ROOT / "bench" / "rivals"))
        import onnx_graph
        import onnxruntime
        import transformers
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = options.threads
        self.texts = texts
        self.session = onnxruntime.InferenceSession({"f32": onnx_graph.fused, "int8": onnx_graph.int8}[dtype](options.checkpoint), settings,
                                                    providers=["CPUExecutionProvider"])
        self.names = [each.name for each in self.session.get_inputs()]
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(options.checkpoint)

    def rate(self):
        import numpy
        begun = time.monotonic()
        encoded = self.tokenizer(self.texts, truncation=True)
        order = sorted(range(len(self.texts)), key=lambda text: len(encoded["input_ids"][text]))
        labels = [None] * len(order)
        for first in range(0, len(order), BATCH):
            batch = order[first:first + BATCH]
            padded = self.tokenizer.pad({name: [encoded[name][text] for text in batch] for name in self.names}, return_tensors="np")
            logits = self.session.run(None, {name: padded[name] for name in self.names})[0]
            powers = numpy.exp(logits - logits.max(axis=-1, keepdims=True))
            scores = powers / powers.sum(axis=-1, keepdims=True)
            for row, text in enumerate(batch):
                labels[text] = (scores[row].argmax(axis=-1), scores[row].max(axis=-1))
        return len(self.texts) / (time.monotonic() - begun)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("filbert", type=pathlib.Path)
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build" / "bench" / "work")
    parser.add_argument("--data", type=pathlib.Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--texts", type=int, default=1_000)
    parser.add_argument("--sample", type=int, default=200, help="texts for the peers")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--dtypes", default="f32,int8")
    options = parser.parse_args()
    options.checkpoint = options.work / "checkpoints" / "bert-base-entities"
    if not (options.checkpoint / "model.safetensors").exists():
        make_checkpoint(options.data, options.checkpoint)
    return options


def main():
    options = parse_options()
    texts = texts_of(options.data, options.texts)
    sample = texts[:options.sample]
    dtypes = options.dtypes.split(",")
    turns = {f"filbert {dtype}": Filbert(options, texts, dtype) for dtype in dtypes}
    turns |= {f"onnxruntime {dtype}": Onnxruntime(options, sample, dtype) for dtype in dtypes}
    turns["transformers f32"] = Transformers(options, sample)
    found = {name: [] for name in turns}
    for number in range(options.rounds):
        for name, turn in turns.items():
            found[name].append(turn.rate())
            print(f"round {number + 1}: {name}: {found[name][-1]:.2f} texts/s", file=sys.stderr)
    medians = {name: statistics.median(values) for name, values in found.items()}
    missed = 0
    for dtype in dtypes:
        for peer in ("transformers f32", f"onnxruntime {dtype}"):
            ratio = medians[f"filbert {dtype}"] / medians[peer]
            missed += ratio < GOALS[peer]
            print(f"filbert {dtype}: {medians[f'filbert {dtype}']:.1f} texts/s, {ratio:.2f} x {peer} ({medians[peer]:.1f}), goal {GOALS[peer]}")
    (options.work / "entities.json").write_text(json.dumps({"texts": options.texts, "sample": options.sample, "medians": medians}, indent=1) + "\n")
    sys.exit(missed > 0)


if __name__ == "__main__":
    main()
