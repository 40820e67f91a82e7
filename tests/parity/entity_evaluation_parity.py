#!/usr/bin/env python3
"""Compares `filbert evaluate` of token classifiers with transformers' labels, measured by the package seqeval 1.2.2.

    python tests/parity/entity_evaluation_parity.py build/release/filbert [SHARED]

Needs torch, transformers 5 and seqeval. Tiny random token classifiers, those of entities_parity.py, over real vocabularies of SHARED/data/vocab where they
are there, else, and for deberta-v2 always, over one learned from the texts. Of sentences with labels, of SHARED/data where that is there, else made up of
tests/data, each word gets the label of its first token, in windows as `filbert evaluate` reads a long text, or cut off; seqeval measures those against the
labels of the file, and against the model's own with a fifth of them changed, which leaves sequences that no scheme allows. Micro, macro and weighted
figures and those of each type, by default and strictly, must be equal to 1e-9, supports exactly. Sentences of which a word's two best labels are nearer to
each other than 1e-5 are left out: sums of f32 in another order may turn them.
"""
import gzip
import json
import math
import pathlib
import random
import subprocess
import sys
import tempfile
import warnings

import seqeval.scheme
import torch
import transformers
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.metrics.sequence_labeling import precision_recall_fscore_support as by_default
from seqeval.metrics.v1 import precision_recall_fscore_support as strictly

from entities_parity import LABELS, MAX_LENGTH, ROOT, checkpoint_of

FAMILIES = ["bert", "distilbert", "xlm-roberta", "deberta-v2"]
FILES = ["wikineural/en.test.conll.gz", "wikineural/de.test.conll.gz", "wikineural/ru.test.conll.gz", "wikiann/fr.test.conll", "wnut17/test.conll"]
OF_A_FILE = 150  # sentences
STRIDE = MAX_LENGTH // 4  # what windows of filbert evaluate share
TOLERANCE = 1e-9  # the order of f64 sums
NEAR = 1e-5  # the order of f32 sums


def sentences_of(path):
    opened = gzip.open if path.suffix == ".gz" else open
    words, labels = [], []
    with opened(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                fields = line.rstrip("\n").split("\t")
                words.append(fields[0])
                labels.append(fields[-1])
            elif words:
                yield words, labels
                words, labels = [], []
    if words:
        yield words, labels


def made_up(chance):
    """Real words with labels that mean nothing; the last ones are longer than the models take."""
    texts = [line.split() for line in (ROOT / "tests/data/sentences_en.txt").read_text(encoding="utf-8").splitlines() if line.strip()]
    for words in texts[:200] + [sum(texts[place:place + 12], []) for place in range(0, 120, 12)]:
        yield words, [chance.choice(LABELS) if chance.random() < 0.3 else "O" for _ in words]


def data_of(shared, chance):
    """{name: [(words, labels)]}"""
    if not shared:
        return {"made up": list(made_up(chance))}
    data = {}
    for name in FILES:
        path = shared / "data" / name
        if path.exists():
            every = [each for each in sentences_of(path) if all(word.strip() == word for word in each[0])]
            some = every[:: max(1, len(every) // OF_A_FILE)][:OF_A_FILE]
            several = [zip(*every[place:place + 6]) for place in range(0, 60, 6)]  # as one text, which is longer than the models take
            data[name] = some + [tuple(sum(each, []) for each in both) for both in several]
    return data


def labels_of(model, tokenizer, words, windows):
    """The label of each word's first token, and whether another is as likely. Of several windows with a word it is the one that has most of its tokens
    and, of those, that with most tokens between it and the nearest end at which the text goes on."""
    more = {"return_overflowing_tokens": True, "stride": STRIDE} if windows else {}
    encoding = tokenizer(words, is_split_into_words=True, truncation=True, max_length=MAX_LENGTH, **more)
    best, is_near = [None] * len(words), False
    rows = len(encoding.encodings)
    for row, of_row in enumerate(encoding.encodings):
        with torch.no_grad():
            scores = torch.softmax(model(torch.tensor([of_row.ids]), attention_mask=torch.tensor([of_row.attention_mask])).logits[0], -1)
        length = sum(of_row.attention_mask)
        places = {}
        for place, word in enumerate(of_row.word_ids[:length]):
            if word is not None:
                places.setdefault(word, []).append(place)
        for word, tokens in places.items():
            before = math.inf if row == 0 else tokens[0]
            after = math.inf if row + 1 == rows else length - tokens[-1] - 1
            rank = (len(tokens), min(before, after))
            if best[word] is None or rank > best[word][0]:
                best[word] = (rank, scores[tokens[0]])
    labels = []
    for found in best:
        if found is None:
            labels.append("O")
            continue
        first, second = torch.topk(found[1], 2)[0].tolist()
        is_near |= first - second < NEAR
        labels.append(LABELS[int(found[1].argmax())])
    return labels, is_near


def expected_of(gold, predicted, is_strict):
    if is_strict:
        figures = lambda average: strictly(gold, predicted, average=average, scheme=seqeval.scheme.IOB2, zero_division=0)  # noqa: E731
        both = [seqeval.scheme.Entities(labels, seqeval.scheme.IOB2) for labels in (gold, predicted)]
        names = sorted(both[0].unique_tags | both[1].unique_tags)
    else:
        figures = lambda average: by_default(gold, predicted, average=average, zero_division=0)  # noqa: E731
        names = sorted({name for labels in (gold, predicted) for name, _, _ in get_entities(labels)})
    return {average: figures(average) for average in ("micro", "macro", "weighted")}, dict(zip(names, zip(*figures(None))))


def report_of(filbert, directory, texts, *options):
    file = directory / "texts.conll"
    file.write_text("".join("".join(f"{word}\t{label}\n" for word, label in zip(*text)) + "\n" for text in texts), encoding="utf-8")
    command = [filbert, "evaluate", file, "--model", directory, "--bootstrap", "0", "--format", "json", *options]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"entity_evaluation_parity: {' '.join(str(word) for word in command)}: {done.stderr}")
    return json.loads(done.stdout)


def differences(report, averages, types):
    def differs(found, expected):
        return not math.isclose(found, float(expected), rel_tol=TOLERANCE, abs_tol=TOLERANCE)

    for average, (*expected, support) in averages.items():
        for name, value in zip(("precision", "recall", "f1"), expected):
            found = report["measures"][f"{average}_{name}"]["value"]
            if differs(found, value):
                yield f"{average}_{name}: expected {value}, found {found}"
        if report["gold"] != int(support):
            yield f"{average} support: expected {support}, found {report['gold']}"
    found = {each["type"]: each for each in report["types"]}
    if found.keys() != types.keys():
        yield f"types: expected {sorted(types)}, found {sorted(found)}"
    for name in found.keys() & types.keys():
        for key, value in zip(("precision", "recall", "f1"), types[name]):
            own = found[name][key]["value"]
            if differs(own, value):
                yield f"{key} of {name}: expected {value}, found {own}"
        if found[name]["gold"] != int(types[name][3]):
            yield f"support of {name}: expected {types[name][3]}, found {found[name]['gold']}"


def compare(what, filbert, directory, texts, predicted, *options):
    good = True
    for is_strict in (False, True):
        report = report_of(filbert, directory, texts, *options, *(["--scheme", "iob2"] if is_strict else []))
        averages, types = expected_of([labels for _, labels in texts], predicted, is_strict)
        wrong = list(differences(report, averages, types))
        print(f"{what}{', strictly' if is_strict else ''}: {report['texts']} texts, {report['gold']} entities, {report['right']} right, micro F1 "
              f"{float(averages['micro'][2]):.4f}, {len(wrong)} figures differ", flush=True)
        for line in wrong[:5]:
            print("  " + line)
        good &= not wrong
    return good


def main():
    filbert, shared = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None
    chance = random.Random(11)
    data = data_of(shared, chance)
    lines = [" ".join(words) for texts in data.values() for words, _ in texts]
    good, near, windowed = True, 0, 0
    for family in FAMILIES:
        with tempfile.TemporaryDirectory() as name:
            directory = pathlib.Path(name)
            model, tokenizer = checkpoint_of(family, shared, lines, directory)
            for file, texts in data.items():
                for cut in ([], ["--long", "truncate"]):
                    answers = [labels_of(model, tokenizer, words, windows=not cut) for words, _ in texts]
                    sure = [place for place, (_, is_near) in enumerate(answers) if not is_near]
                    near += len(texts) - len(sure)
                    predicted = [answers[place][0] for place in sure]
                    gold = [texts[place] for place in sure]
                    what = f"{family}, {file}{', cut off' if cut else ''}"
                    good &= compare(what, filbert, directory, gold, predicted, *cut)
                    changed = [(words, [chance.choice(LABELS) if chance.random() < 0.2 else label for label in labels])
                               for (words, _), labels in zip(gold, predicted)]
                    good &= compare(f"{what}, the model's own changed", filbert, directory, changed, predicted, *cut)
                    windowed += sum(len(tokenizer(words, is_split_into_words=True).input_ids) > MAX_LENGTH for words, _ in gold)
    print(f"{near} texts too near to tell, {windowed} longer than the models take")
    sys.exit(not good or windowed == 0)


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    main()
