"""What clients send: texts of the benchmark's mixed lengths, with the answers of the library to each."""

import csv
import gzip
import itertools
import json
import random
import subprocess

SEED = 6


def lines_of(command, texts, environment):
    done = subprocess.run(command, input="".join(json.dumps({"text": text}) + "\n" for text in texts), env=environment, check=True,
                          capture_output=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def words_of_reviews(path):
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [word for review in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE) for word in review["text"].split()]


def words_of_vocabulary(path):
    """Whole words that are tokens of their own, in an order of their own."""
    words = [word for word in path.read_text(encoding="utf-8").split("\n") if word.isalnum() and word.isascii() and word.islower() and len(word) > 1]
    random.Random(SEED).shuffle(words)
    return words


def cut_into_texts(words, tokens_of, lengths):
    """A text of at least each length, counted with its two special tokens, of consecutive words."""
    words, texts = itertools.cycle(words), []
    for length in lengths:
        text, tokens = [], 2
        while tokens < length:
            text.append(next(words))
            tokens += tokens_of[text[-1]]
        texts.append(" ".join(text))
    return texts


class Workload:
    """Files in `directory`: NAME.jsonl, requests with what is expected, and NAME-ids.jsonl, their rows for `filbert bench`."""

    def __init__(self, filbert, checkpoint, reviews, lengths, directory, name, environment):
        words = words_of_reviews(reviews) if reviews else words_of_vocabulary(checkpoint / "vocab.txt")
        words = words[:100_000]
        model, jsonl = ["--model", str(checkpoint)], ["--input-format", "jsonl"]
        distinct = sorted(set(words))
        tokens_of = {word: len(line["input_ids"]) - 2
                     for word, line in zip(distinct, lines_of([filbert, "tokenize", *model, *jsonl], distinct, environment))}
        texts = cut_into_texts(words, tokens_of, lengths)
        self.requests, self.ids = directory / f"{name}.jsonl", directory / f"{name}-ids.jsonl"
        rows = lines_of([filbert, "tokenize", *model, *jsonl], texts, environment)
        answers = lines_of([filbert, "classify", *model, *jsonl, "--format", "json"], texts, environment)
        self.lines = [request(text, answer, len(row["input_ids"])) for text, row, answer in zip(texts, rows, answers, strict=True)]
        self.tokens = sum(line["tokens"] for line in self.lines)
        self.requests.write_text("".join(json.dumps(line) + "\n" for line in self.lines))
        self.ids.write_text("".join(json.dumps({"input_ids": row["input_ids"]}) + "\n" for row in rows))

    def one_text(self, tokens):
        """A file with the request whose text is nearest to so many tokens."""
        path = self.requests.with_name(f"{self.requests.stem}-{tokens}.jsonl")
        path.write_text(json.dumps(min(self.lines, key=lambda line: abs(line["tokens"] - tokens))) + "\n")
        return path


def request(text, answer, tokens):
    scores = [[each["label"], each["score"]] for each in answer["scores"]]
    return dict(path="/predict", body=dict(inputs=text), expect=[scores], tokens=tokens)
