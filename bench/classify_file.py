#!/usr/bin/env python3
"""How many rows of a file are classified a second, and in how much memory: `filbert classify --input` beside `filbert bench` on the same rows,
a transformers pipeline and onnxruntime.

The file has --rows short English reviews, each different from all others, made in --work of the real ones in --data (never a part of this
project). What counts is a whole process from its start to its end, a file read and a file written: of Filbert `classify --input reviews.csv
--output`; of `filbert bench`, which reads ids and writes nothing, the fastest run alone, without loading. The peers, in this process and loaded
already, read the first --sample rows of the same file and write them with a label, by Python's csv: a pipeline with batches of 32 texts, in the
order of the file, as most scripts do it; onnxruntime over batches of 32 rows sorted by length, on its fused graph. In turns, --rounds
times; the medians are printed, and kept in WORK/classify-file.json.
"""
import argparse
import csv
import gzip
import json
import os
import pathlib
import random
import shutil
import statistics
import sys
import time

from engines import run_measured

ROOT = pathlib.Path(__file__).resolve().parents[1]
SOURCES = {"sst2/train.tsv.gz": "text", "womens_clothing_stars/all.tsv.gz": "title", "multidomain_reviews/airline.tsv": "text"}
MOST_CHARACTERS, BATCH, SEED = 400, 32, 9


def reviews(data, rows):
    """Different short texts: a sentence or two of real reviews."""
    found = set()
    for name, column in SOURCES.items():
        path = data / name
        if not path.exists():
            continue
        opened = gzip.open(path, "rt", newline="") if path.suffix == ".gz" else open(path, newline="")
        with opened as file:
            for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                text = (row[column] or "").strip()
                if 8 <= len(text) <= MOST_CHARACTERS:
                    found.add(text)
    if not found:
        sys.exit(f"bench/classify_file.py: {data}: expected one of {', '.join(SOURCES)}, found none")
    pieces, chance = sorted(found), random.Random(SEED)
    texts = dict.fromkeys(chance.sample(pieces, min(rows, len(pieces))))
    while len(texts) < rows:
        texts[". ".join(chance.choices(pieces, k=chance.choice((1, 2, 2, 3))))] = None
    return list(texts)


def prepare(options):
    """The file of reviews and that of their ids, made once."""
    file, ids = options.work / f"reviews-{options.rows}.csv", options.work / f"reviews-{options.rows}.ids.jsonl"
    if not file.exists():
        temporary = file.with_suffix(".making")
        with temporary.open("w", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(["id", "text"])
            writer.writerows(enumerate(reviews(options.data, options.rows)))
        temporary.rename(file)
    if not ids.exists():
        with file.open(newline="") as table:
            texts = "".join(json.dumps({"text": row["text"]}) + "\n" for row in csv.DictReader(table))
        (options.work / "texts.jsonl").write_text(texts)
        command = f"'{options.filbert}' tokenize --input-format jsonl < '{options.work}/texts.jsonl' > '{ids}'"
        run_measured(["sh", "-c", command], os.environ)
    return file, ids


class Filbert:
    def __init__(self, options, dtype):
        self.options, self.dtype = options, dtype
        self.words = ["--threads", str(options.threads), "--dtype", dtype]

    def run(self, file):
        output = self.options.work / "stars.csv"
        return run_measured([self.options.filbert, "classify", "--input", file, "--output", output, *self.words], os.environ)[1]

    def classify(self, file):
        begun = time.monotonic()
        self.run(file)
        return self.options.rows / (time.monotonic() - begun)

    def memory(self, file):
        """Of a whole file, and of one text. To be asked before peers are loaded: what the parent has counts as the child's for a moment."""
        one = run_measured([self.options.filbert, "classify", *self.words, "a"], os.environ)[1]
        return {"file": self.run(file).ru_maxrss * 1024, "one text": one.ru_maxrss * 1024}

    def bench(self, ids):
        output, _ = run_measured([self.options.filbert, "bench", "--ids", ids, "--repeat", "1", *self.words], os.environ)
        return self.options.rows / min(json.loads(output)["seconds"])


def sample_of(file, count):
    with file.open(newline="") as table:
        return [row for row, _ in zip(csv.DictReader(table), range(count), strict=False)]


def write_rows(path, rows, labels):
    with path.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["id", "text", "label"])
        writer.writerows([row["id"], row["text"], label] for row, label in zip(rows, labels, strict=True))


class Transformers:
    def __init__(self, options):
        import torch
        import transformers
        torch.set_num_threads(options.threads)
        self.options = options
        self.pipe = transformers.pipeline("text-classification", model=str(options.checkpoint), device="cpu", batch_size=BATCH, truncation=True)

    def classify(self, file):
        begun = time.monotonic()
        rows = sample_of(file, self.options.sample)
        write_rows(self.options.work / "peer.csv", rows, [answer["label"] for answer in self.pipe([row["text"] for row in rows])])
        return len(rows) / (time.monotonic() - begun)


class Onnxruntime:
    def __init__(self, options, dtype):
        sys.path.insert(0, str(ROOT / "bench" / "rivals"))
        import onnx_graph
        import onnxruntime
        import transformers
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = options.threads
        self.options = options
        self.session = onnxruntime.InferenceSession({"f32": onnx_graph.fused, "int8": onnx_graph.int8}[dtype](options.checkpoint), settings,
                                                    providers=["CPUExecutionProvider"])
        self.names = [each.name for each in self.session.get_inputs()]
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(options.checkpoint)
        self.labels = transformers.AutoConfig.from_pretrained(options.checkpoint).id2label

    def classify(self, file):
        begun = time.monotonic()
        rows = sample_of(file, self.options.sample)
        encoded = self.tokenizer([row["text"] for row in rows], truncation=True)
        order = sorted(range(len(rows)), key=lambda row: len(encoded["input_ids"][row]))
        labels = [None] * len(rows)
        for first in range(0, len(order), BATCH):
            batch = order[first:first + BATCH]
            padded = self.tokenizer.pad({name: [encoded[name][row] for row in batch] for name in self.names}, return_tensors="np")
            logits = self.session.run(None, {name: padded[name] for name in self.names})[0]
            for row, label in zip(batch, logits.argmax(axis=1), strict=True):
                labels[row] = self.labels[int(label)]
        write_rows(self.options.work / "peer.csv", rows, labels)
        return len(rows) / (time.monotonic() - begun)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("filbert", type=pathlib.Path)
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build" / "bench" / "work")
    parser.add_argument("--data", type=pathlib.Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--checkpoint", type=pathlib.Path, help="for the peers; default: a copy of models/stars-en in WORK/checkpoints")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--sample", type=int, default=2_000, help="rows for the peers")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--dtypes", default="f32,int8")
    parser.add_argument("--peers", default="transformers,onnxruntime", help="none leaves them out")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    if options.checkpoint is None:
        options.checkpoint = options.work / "checkpoints" / "stars-en"  # beside which graphs for onnxruntime may be written
        if not options.checkpoint.exists():
            shutil.copytree(ROOT / "models" / "stars-en", options.checkpoint)
    return options


def main():
    options = parse_options()
    file, ids = prepare(options)
    dtypes = options.dtypes.split(",")
    turns, memory = {}, {}
    for dtype in dtypes:
        filbert = Filbert(options, dtype)
        turns[f"classify {dtype}"] = lambda filbert=filbert: filbert.classify(file)
        turns[f"bench {dtype}"] = lambda filbert=filbert: filbert.bench(ids)
        memory[dtype] = filbert.memory(file)
    for dtype in dtypes if "onnxruntime" in options.peers else []:
        turns[f"onnxruntime {dtype}"] = lambda peer=Onnxruntime(options, dtype): peer.classify(file)
    if "transformers" in options.peers:
        turns["transformers f32"] = lambda peer=Transformers(options): peer.classify(file)
    found = {name: [] for name in turns}
    for number in range(options.rounds):
        for name, turn in turns.items():
            found[name].append(turn())
            print(f"round {number + 1}: {name}: {found[name][-1]}", file=sys.stderr)
    report(options, dtypes, found, memory)


def report(options, dtypes, found, memory):
    medians = {name: statistics.median(values) for name, values in found.items()}
    for dtype in dtypes:
        speed = medians[f"classify {dtype}"]
        print(f"{dtype}: {speed:.0f} rows/s, {100 * speed / medians[f'bench {dtype}']:.1f} % of filbert bench ({medians[f'bench {dtype}']:.0f})")
        print(f"  resident: {memory[dtype]['file'] / 1e6:.0f} MB, with one text {memory[dtype]['one text'] / 1e6:.0f} MB")
        for peer in ("transformers f32", f"onnxruntime {dtype}"):
            if peer in medians:
                print(f"  {speed / medians[peer]:.1f} x {peer} ({medians[peer]:.0f} rows/s)")
    kept = {"rows": options.rows, "sample": options.sample, "threads": options.threads, "rounds": options.rounds, "medians": medians, "memory": memory}
    (options.work / "classify-file.json").write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
