#!/usr/bin/env python3
"""Compares filbert drift with numpy and scipy: what is measured of each text is taken from filbert classify, what is made of it from scipy.

    python3 tests/parity/drift_parity.py build/release/filbert models/stars-en
"""

import csv
import json
import pathlib
import random
import subprocess
import sys
import tempfile

import numpy
from scipy import special, stats

WORDS = "a very good book that I really love and a bad slow film with 5 stars, not quite as good as I hoped; очень хорошо 本 !".split()


def psi(reference, current):
    kept = reference + current > 0
    reference, current = reference[kept], current[kept]
    both = (reference + current) / (reference.sum() + current.sum())
    r, c = (reference + both) / (reference.sum() + 1), (current + both) / (current.sum() + 1)
    return stats.entropy(c, r) + stats.entropy(r, c)


def of_numbers(reference, current):
    edges = numpy.unique(numpy.quantile(reference, numpy.arange(1, 10) / 10, method="inverted_cdf"))
    bins = [numpy.bincount(numpy.searchsorted(edges, values), minlength=len(edges) + 1) for values in (reference, current)]
    n, m = len(reference), len(current)
    distance = stats.ks_2samp(reference, current).statistic
    return psi(*bins), distance, special.kolmogorov(numpy.sqrt(n * m / (n + m)) * distance)


def of_kinds(reference, current):
    names = sorted(set(reference) | set(current))
    table = numpy.array([[values.count(name) for name in names] for values in (reference, current)])
    result = stats.chi2_contingency(table, correction=False) if len(names) > 1 else None
    return psi(*table), result.statistic if result else 0, result.pvalue if result else 1


def main():
    filbert, model = sys.argv[1:3]
    source = random.Random(11)
    with tempfile.TemporaryDirectory() as directory:
        answers, files = [], []
        for name, count, longest in [("old", 400, 30), ("new", 150, 60)]:
            texts = [" ".join(source.choice(WORDS[:-3] if name == "old" else WORDS) for _ in range(source.randint(1, longest))) for _ in range(count)]
            files.append(pathlib.Path(directory) / f"{name}.csv")
            with open(files[-1], "w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([["text"], *[[text] for text in texts]])
            lines = subprocess.run([filbert, "classify", "--model", model, "--format", "json", "--max-length", "48"], input="\n".join(texts).encode(), check=True,
                                   capture_output=True).stdout.decode().splitlines()
            answers.append([json.loads(line) for line in lines])
        report = json.loads(subprocess.run([filbert, "drift", files[1], "--reference", files[0], "--model", model, "--format", "json", "--max-length", "48"], check=True,
                                           capture_output=True).stdout)
    found = {each["measure"]: [each["psi"], each["statistic"], each["p_value"]] for each in report["measures"]}
    old, new = answers
    expected = {
        "characters": of_numbers(*[[len(row["text"]) for row in rows] for rows in answers]),
        "tokens": of_numbers(*[[row["tokens_total"] for row in rows] for rows in answers]),
        "characters_per_token": of_numbers(*[[numpy.floor(100 * len(row["text"]) / row["tokens_total"] + 0.5) / 100 for row in rows] for rows in answers]),
        "score": of_numbers(*[[round(row["score"], 4) for row in rows] for rows in answers]),
        "label": of_kinds(*[[row["label"] for row in rows] for rows in answers]),
        "truncated": of_kinds(*[[row["truncated"] for row in rows] for rows in answers]),
    }
    failed = False
    for measure, numbers in expected.items():
        error = max(abs(a - b) / max(abs(b), 1e-12) for a, b in zip(found[measure], map(float, numbers)))
        print(f"{measure}: PSI {found[measure][0]:.6f}, statistic {found[measure][1]:.6f}, p {found[measure][2]:.3g}; off by {error:.1e}")
        failed |= error > 1e-9
    return failed


if __name__ == "__main__":
    sys.exit(main())
