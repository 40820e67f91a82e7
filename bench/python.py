#!/usr/bin/env python3
"""What Python costs: the package beside the command on batches of 1,000 texts, the package's own share of one call, and an import.

    VENV/bin/python bench/python.py build/release/filbert [--rounds 9] [--model DIR]     VENV has the package installed

Both run on one thread and are timed in CPU seconds, which other work on the machine does not stretch much, in turns. The command has to start and to load the
model, too: that goes out by the difference of a run of 5,000 texts and one of 1,000. A call's own share is that of the whole call less that of the library's,
which is asked the same directly. Prints a line a figure, with its goal; the exit status is 1 if one is not met.
"""

import argparse
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import filbert
from filbert import _filbert

ROOT = pathlib.Path(__file__).resolve().parents[1]
SENTENCES = ROOT / "tests/data/sentences_en.txt"
BATCH, BATCHES = 1000, 4
sys.path.insert(0, str(ROOT / "tests/cli"))
import tiny_checkpoint  # noqa: E402


def texts_of(count: int) -> list[str]:
    """Different texts of usual lengths."""
    sentences = [line for line in SENTENCES.read_text(encoding="utf-8").splitlines() if line]
    return [f"{sentences[place % len(sentences)]} {place}" for place in range(count)]


def children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def command_seconds(command: str, model: str, file: pathlib.Path) -> float:
    begin = children_seconds()
    with file.open("rb") as texts:
        subprocess.run([command, "classify", "--model", model, "--threads", "1", "--format", "json"], stdin=texts, stdout=subprocess.DEVNULL,
                       check=True, env=os.environ | {"HF_HUB_OFFLINE": "1"})
    return children_seconds() - begin


def batches(arguments) -> bool:
    """A batch in the package and in the command, in turns."""
    texts = texts_of(BATCH * (BATCHES + 1))
    one, all_of_them = texts[:BATCH], texts
    pipe = filbert.pipeline("text-classification", arguments.model, num_threads=1, truncation=True)
    pipe(one[:50])
    package, command = [], []
    with tempfile.TemporaryDirectory() as directory:
        files = [pathlib.Path(directory) / name for name in ("one.txt", "all.txt")]
        for file, lines in zip(files, (one, all_of_them)):
            file.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        for _ in range(arguments.rounds):
            begin = time.process_time()
            for first in range(BATCH, len(texts), BATCH):
                pipe(texts[first : first + BATCH])
            package.append((time.process_time() - begin) / BATCHES)
            starts, runs = (command_seconds(arguments.filbert, arguments.model, file) for file in files)
            command.append((runs - starts) / BATCHES)
    ours, theirs = statistics.median(package), statistics.median(command)
    overhead = ours / theirs - 1
    spread = statistics.quantiles([one / other - 1 for one, other in zip(package, command)], n=4)
    print(f"a batch of {BATCH} texts: {ours:.4f} s of CPU in Python, {theirs:.4f} s in the command: {overhead:+.2%} (quartiles of the rounds "
          f"{spread[0]:+.2%} to {spread[2]:+.2%}); goal: under 2 %")
    return overhead < 0.02


def microseconds(call, rounds: int) -> float:
    """The least of many: what it costs when nothing comes between."""
    best, count = float("inf"), 200
    for _ in range(rounds * 5):
        begin = time.process_time()
        for _ in range(count):
            call()
        best = min(best, (time.process_time() - begin) / count)
    return best * 1e6


def calls(arguments) -> bool:
    """The own share of calls, on a model so small that the library's is little."""
    met = True
    with tempfile.TemporaryDirectory() as directory:
        model_directory = str(tiny_checkpoint.write_checkpoint(directory))
        pipe = filbert.pipeline("text-classification", model_directory, num_threads=1)
        tokenizer, model, text = pipe.tokenizer, pipe.model, "I really love this book"
        inputs = tokenizer(text, return_tensors="np")
        options = _filbert.EncodeOptions()
        arrays = [inputs["input_ids"], inputs["attention_mask"], inputs["token_type_ids"]]
        classify = _filbert.ClassifyOptions()
        rows = {
            "tokenizer(text)": (lambda: tokenizer(text), lambda: tokenizer._core.encode([text], None, options)),
            'tokenizer(text, return_tensors="np")': (lambda: tokenizer(text, return_tensors="np"), lambda: tokenizer._core.encode([text], None, options)),
            "model(**inputs)": (lambda: model(**inputs), lambda: model._core.forward(*arrays, False, False)),
            "pipeline(text)": (lambda: pipe(text), lambda: pipe._core.predict([text], None, classify, False)),
        }
        for name, (whole, library) in rows.items():
            own, all_of_it = microseconds(whole, arguments.rounds) - microseconds(library, arguments.rounds), microseconds(whole, arguments.rounds)
            print(f"{name}: {own:.1f} µs of Python's own, of {all_of_it:.1f} µs; goal: under 20 µs")
            met = met and own < 20
    return met


def imports(arguments) -> bool:
    met = True
    for code in ("import filbert", "from filbert import AutoTokenizer, BertForSequenceClassification, pipeline"):
        timed = f"import time; begin = time.perf_counter(); {code}; print(time.perf_counter() - begin)"
        seconds = [float(subprocess.run([sys.executable, "-c", timed], capture_output=True, text=True, check=True).stdout) for _ in range(4 * arguments.rounds)]
        print(f"{code}: {min(seconds) * 1000:.1f} ms at best, {statistics.median(seconds) * 1000:.1f} ms in the median; goal: under 50 ms")
        met = met and statistics.median(seconds) < 0.05
    return met


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("filbert", help="the command")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--model", default=str(ROOT / "models/stars-en"))
    arguments = parser.parse_args()
    version = subprocess.run([arguments.filbert, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
    print(json.dumps({"package": filbert.__version__, "command": version, "python": sys.version.split()[0], "model": arguments.model}))
    return 0 if all([batches(arguments), calls(arguments), imports(arguments)]) else 1


if __name__ == "__main__":
    sys.exit(main())
