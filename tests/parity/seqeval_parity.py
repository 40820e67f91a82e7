#!/usr/bin/env python3
"""Compares Filbert's figures of label sequences with those of the package seqeval 1.2.2: seqeval_parity.py SEQEVAL_DUMP [DATA]

Random sequences, legal and not, with labels of every letter, types with hyphens and without a name, and letters that no scheme has, in seqeval's default
mode and strictly by each of its schemes, with zero_division 0 and 1, and labels written "PER-B". Of DATA, where it is, the gold labels of every .conll file
against the same labels, some of them changed.
"""

import gzip
import json
import math
import pathlib
import random
import subprocess
import sys
import warnings

import seqeval.metrics as metrics
import seqeval.scheme as scheme
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.metrics.sequence_labeling import precision_recall_fscore_support as by_default
from seqeval.metrics.v1 import precision_recall_fscore_support as strictly

warnings.simplefilter("ignore")
TOLERANCE = 1e-12  # the order of f64 sums: numpy adds up in pairs
SCHEMES = {"iob1": scheme.IOB1, "iob2": scheme.IOB2, "ioe1": scheme.IOE1, "ioe2": scheme.IOE2, "iobes": scheme.IOBES, "bilou": scheme.BILOU}
LETTERS = {"iob1": "IB", "iob2": "IB", "ioe1": "IE", "ioe2": "IE", "iobes": "IBES", "bilou": "IBLU"}
TYPES = ["PER", "LOC", "ORG", "creative-work", "Ort"]
CASES = 400  # of each rules


def random_labels(chance, letters, types, length, suffix):
    labels = []
    for _ in range(length):
        roll = chance.random()
        letter, kind = chance.choice(letters), chance.choice(types)
        if roll < 0.3:
            labels.append("O")
        elif roll < 0.34:
            labels.append(letter)  # no type
        elif roll < 0.7 and labels and labels[-1] != "O":
            before = labels[-1][:-1] if suffix else labels[-1][1:]  # the type of the one before: longer entities
            labels.append(before + letter if suffix else letter + before)
        else:
            labels.append(f"{kind}-{letter}" if suffix else f"{letter}-{kind}")
    return labels


def changed(chance, labels, pool, share):
    return [chance.choice(pool) if chance.random() < share else label for label in labels]


def random_task(chance, rules):
    suffix = chance.random() < 0.25
    letters = LETTERS.get(rules, "BIESLU.XÄ")
    if rules != "conlleval" and chance.random() < 0.05:
        letters += "X"
    types = TYPES[: chance.randint(1, len(TYPES))]
    gold = [random_labels(chance, letters, types, chance.randint(0 if chance.random() < 0.1 else 1, 12), suffix) for _ in range(chance.randint(1, 6))]
    share = chance.choice([0, 0.1, 0.4, 1])
    pool = random_labels(chance, letters, types, 12, suffix)
    return {"gold": gold, "predicted": [changed(chance, labels, pool, share) for labels in gold], "rules": rules, "suffix": suffix, "zero_division": chance.choice([0, 1])}


def sentences(path):
    opened = gzip.open if path.suffix == ".gz" else open
    labels = []
    with opened(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                labels.append(line.rstrip("\n").split("\t")[-1])
            elif labels:
                yield labels
                labels = []
    if labels:
        yield labels


def file_tasks(data, chance):
    for path in sorted(path for path in data.glob("*/*.conll*") if path.name.endswith((".conll", ".conll.gz"))):
        gold = list(sentences(path))[:400]
        pool = sorted({label for labels in gold for label in labels})
        predicted = [changed(chance, labels, pool, 0.05) for labels in gold]
        for rules in ["conlleval", "iob1", "iob2"]:
            yield {"gold": gold, "predicted": predicted, "rules": rules, "suffix": False, "zero_division": 0}


def expected_of(task):
    words = {"zero_division": task["zero_division"], "suffix": task["suffix"]}
    gold, predicted, rules = task["gold"], task["predicted"], task["rules"]
    if rules == "conlleval":
        figures = lambda average: by_default(gold, predicted, average=average, **words)  # noqa: E731
        names = sorted({name for labels in (gold, predicted) for name, _, _ in get_entities(labels, task["suffix"])})
        spans = [[[name, begin, end + 1] for name, begin, end in get_entities(labels, task["suffix"])] for labels in gold]
    else:
        figures = lambda average: strictly(gold, predicted, average=average, scheme=SCHEMES[rules], **words)  # noqa: E731
        entities = [scheme.Entities(labels, SCHEMES[rules], task["suffix"]) for labels in (gold, predicted)]
        names = sorted(entities[0].unique_tags | entities[1].unique_tags)
        spans = [[[entity.tag, entity.start, entity.end] for entity in of_text] for of_text in entities[0].entities]
    out = {"types": dict(zip(names, zip(*figures(None)))) if names else {}, "spans": spans}
    for average in ["micro", "macro", "weighted"]:
        out[average] = figures(average)
    total = sum(map(len, gold))
    out["accuracy"] = metrics.accuracy_score(gold, predicted) if total else math.nan
    counts = metrics.performance_measure(gold, predicted)
    out["counts"] = [counts[name] for name in ("TP", "FP", "FN", "TN")]
    return out


def is_equal(found, expected):
    if isinstance(expected, dict):
        return found.keys() == expected.keys() and all(is_equal(found[key], expected[key]) for key in expected)
    if isinstance(expected, (list, tuple)):
        return len(found) == len(expected) and all(map(is_equal, found, expected))
    if isinstance(expected, str):
        return found == expected
    if found is None or math.isnan(expected):  # JSON has no word for what is no number
        return found is None and math.isnan(expected)
    return math.isclose(found, expected, rel_tol=TOLERANCE, abs_tol=TOLERANCE)


def main(dump, data=None):
    chance = random.Random(10)
    tasks = [random_task(chance, rules) for rules in ["conlleval", *SCHEMES] for _ in range(CASES)]
    if data:
        tasks += file_tasks(pathlib.Path(data), chance)
    done = subprocess.run([dump], input="".join(json.dumps(task) + "\n" for task in tasks), stdout=subprocess.PIPE, text=True, check=True)
    refused = figures = 0
    for task, line in zip(tasks, done.stdout.splitlines(), strict=True):
        found = json.loads(line)
        try:
            expected = expected_of(task)
        except (KeyError, ValueError) as error:
            expected = None
            if "error" not in found:
                sys.exit(f"seqeval refuses {error} of {task}, found {found}")
            refused += 1
            continue
        if not is_equal(found, expected):
            sys.exit(f"{task}: expected {expected}, found {found}")
        figures += 1
    if not refused or figures < 0.8 * len(tasks):
        sys.exit(f"{figures} of {len(tasks)} tasks compared, {refused} refused: expected some to be refused and most not")
    print(f"seqeval: {figures} sets of sequences equal, {refused} refused by both")


if __name__ == "__main__":
    main(*sys.argv[1:])
