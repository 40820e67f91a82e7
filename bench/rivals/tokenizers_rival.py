#!/usr/bin/env python3
"""Filbert's tokenizer beside Hugging Face tokenizers' encode_batch_fast: the same vocabulary, texts and threads, in turns.

    tokenizers_rival.py build/release/tokenizer ../shared/data [--rounds 5] [--threads 1 0] [--only english]

english: the first 10 MB of the reviews of imdb, bert-base-uncased. mixed: all sentences of sentences_75_languages, the
languages in turns, bert-base-multilingual-uncased. A line is a text; --threads 0 is all of the machine's. Each round times
the package once and Filbert five times; printed are medians, in MB (10^6 bytes) of UTF-8 a second. Needs tokenizers.
"""

import argparse
import gzip
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ENGLISH_BYTES = 10_000_000


def english_texts(data):
    texts, size = [], 0
    with gzip.open(data / "imdb" / "train.tsv.gz", "rt", encoding="utf-8", newline="\n") as file:
        column = next(file).rstrip("\n").split("\t").index("text")
        for line in file:
            texts.append(line.rstrip("\n").split("\t")[column])
            size += len(texts[-1].encode()) + 1
            if size >= ENGLISH_BYTES:
                return texts
    return texts


def mixed_texts(data):
    files = sorted(path for path in (data / "sentences_75_languages").glob("*.txt") if path.name != "SOURCE.txt")
    languages = [path.read_text(encoding="utf-8").split("\n") for path in files]
    longest = max(map(len, languages))
    return [lines[row] for row in range(longest) for lines in languages if row < len(lines) and lines[row]]


CORPORA = {"english": ("bert-base-uncased", english_texts), "mixed": ("bert-base-multilingual-uncased", mixed_texts)}


def rival(tokenizer_json, text_file):
    """Runs in a process of its own, since the package reads its number of threads once: a line in, seconds out."""
    import tokenizers

    tokenizer = tokenizers.Tokenizer.from_file(str(tokenizer_json))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    texts = text_file.read_text(encoding="utf-8").split("\n")[:-1]
    tokenizer.encode_batch_fast(texts[:100])
    print(tokenizers.__version__, flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        encodings = tokenizer.encode_batch_fast(texts)
        seconds = time.perf_counter() - start
        print(seconds, sum(map(len, encodings)), flush=True)
        del encodings


def start_rival(tokenizer_json, text_file, threads):
    environment = dict(os.environ, TOKENIZERS_PARALLELISM="false" if threads == 1 else "true")
    environment.pop("RAYON_NUM_THREADS", None)
    if threads > 0:
        environment["RAYON_NUM_THREADS"] = str(threads)
    return subprocess.Popen([sys.executable, __file__, "--rival", tokenizer_json, text_file], env=environment, text=True,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def run_filbert(program, directory, text_file, threads):
    run = subprocess.run([program, directory, text_file, "--repeat", "5", "--threads", str(threads)], check=True,
                         capture_output=True, text=True)
    return json.loads(run.stdout.splitlines()[-1])


def compare(args, work, name, threads):
    vocabulary, texts_of = CORPORA[name]
    folder = args.data.resolve() / "vocab" / vocabulary
    text_file, directory = work / f"{name}.txt", work / vocabulary
    if not directory.exists():
        directory.mkdir()
        (directory / "vocab.txt").symlink_to(folder / "vocab.txt")
        text_file.write_text("".join(text + "\n" for text in texts_of(args.data)), encoding="utf-8")
    megabytes = text_file.stat().st_size / 1e6
    package = start_rival(folder / "tokenizer.json", text_file, threads)
    version = package.stdout.readline().strip()
    theirs, ours = [], []
    for _ in range(args.rounds):
        package.stdin.write("run\n")
        package.stdin.flush()
        seconds, tokens = package.stdout.readline().split()
        theirs.append(megabytes / float(seconds))
        answer = run_filbert(args.program, directory, text_file, threads)
        assert answer["tokens"] == int(tokens), f"{name}: {answer['tokens']} tokens, tokenizers has {tokens}"
        ours.append(answer["median_mb_per_s"])
    package.stdin.close()
    package.wait()
    filbert, other = statistics.median(ours), statistics.median(theirs)
    print(f"{name:8} {megabytes:5.1f} MB  threads {threads or 'all':>3}  filbert {filbert:7.1f} MB/s  "
          f"tokenizers {version} {other:6.2f} MB/s  ratio {filbert / other:6.1f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 0])
    parser.add_argument("--only", choices=CORPORA, nargs="+", default=list(CORPORA))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as work:
        for threads in args.threads:
            for name in args.only:
                compare(args, pathlib.Path(work), name, threads)


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[1] == "--rival":
        rival(pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]))
    else:
        main()
