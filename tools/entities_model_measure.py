"""What the built-in entity model is measured by, for train_entities_model.py: entities found whole, with their type, as seqeval counts
them in strict mode; intervals by drawing sentences anew; and a rule of capital letters, which anything of use must beat."""
import collections

import numpy as np
from seqeval.metrics import f1_score
from seqeval.scheme import IOB2

import entities_model_data as data

SAMPLES = 1000  # of the bootstrap


def counts_of(there, found, kinds):
    """[rows, kinds, 3]: right; found and not there; there and not found. `there` and `found` are sets of entities, one a row."""
    counts = np.zeros((len(there), len(kinds), 3), int)
    for line, (gold, guess) in enumerate(zip(there, found, strict=True)):
        for column, entities in enumerate((gold & guess, guess - gold, gold - guess)):
            for entity in entities:
                counts[line, kinds.index(entity[0]), column] += 1
    return counts


def f1(right, surplus, missed):
    return 2 * right / np.maximum(2 * right + surplus + missed, 1)


def figures_of(counts):
    """Precision, recall and F1 of counts [rows, 3], with the middle 95 % of F1 over samples of the rows."""
    right, surplus, missed = counts.sum(0)
    samples = np.random.default_rng(1).multinomial(len(counts), np.full(len(counts), 1 / len(counts)), size=SAMPLES) @ counts
    low, high = np.percentile(f1(*samples.T), [2.5, 97.5])
    return {"entities": int(right + missed), "precision": float(right / max(right + surplus, 1)), "recall": float(right / max(right + missed, 1)),
            "f1": float(f1(right, surplus, missed)), "low": float(low), "high": float(high)}


def measure(rows, guesses, kinds, known):
    """All figures of one set: of all entities, of those whose name (in lower case) was no entity in training, of places alone, of types."""
    guesses = [[tag if tag[2:] in kinds else "O" for tag in guess] for guess in guesses]
    truths = [data.tags_of(row) for row in rows]
    there, found = ([set(data.entities_of(tags)) for tags in all_tags] for all_tags in (truths, guesses))
    counts = counts_of(there, found, kinds)
    unseen = counts_of(*([{entity for entity in entities if data.surface(row.words, entity) not in known}
                          for row, entities in zip(rows, rows_entities)] for rows_entities in (there, found)), kinds)
    places = counts_of(*([{("any", *entity[1:]) for entity in entities} for entities in rows_entities] for rows_entities in (there, found)), ["any"])
    figures = {"sentences": len(rows), "all": figures_of(counts.sum(1)), "unseen": figures_of(unseen.sum(1)), "places": figures_of(places.sum(1))}
    figures |= {kind: figures_of(counts[:, place]) for place, kind in enumerate(kinds)}
    theirs = f1_score(truths, guesses, mode="strict", scheme=IOB2)
    if abs(theirs - figures["all"]["f1"]) > 1e-9:
        raise SystemExit(f"seqeval says {theirs}, counted here {figures['all']['f1']}")
    return figures


def capital_rule(rows, train):
    """Tags by capital letters: each run of words with one, the first word of a sentence aside, is an entity; of the type that its name
    has most often in `train`, else of the type most frequent there."""
    kinds = collections.defaultdict(collections.Counter)
    for row in train:
        for entity in data.entities_of(data.decided_tags(row)):
            kinds[data.surface(row.words, entity)][entity[0]] += 1
            kinds[None][entity[0]] += 1
    guesses = []
    for row in rows:
        capital = [place > 0 and word[:1].isupper() and word != "I" for place, word in enumerate(row.words)] + [False]
        tags, begin = ["O"] * len(row.words), None
        for place, is_capital in enumerate(capital):
            if is_capital and begin is None:
                begin = place
            elif not is_capital and begin is not None:
                name = " ".join(row.words[begin:place]).lower()
                kind = kinds[name if name in kinds else None].most_common(1)[0][0]
                tags[begin:place] = ["B-" + kind] + ["I-" + kind] * (place - begin - 1)
                begin = None
        guesses.append(tags)
    return guesses
