#!/usr/bin/env python3
"""Records what the Python packages lime and ferret compute, for the tests of src/explain.

    tools/make_lime_goldens.py lime      tests/data/explain/lime.json: words, samples, weights, lines, whole explanations, SP-LIME's picks
    tools/make_lime_goldens.py ferret    tests/data/explain/ferret.json: faithfulness of given scores

    pip install lime==0.2.0.1 ferret-xai scikit-learn==1.9.0

The model is a toy that the tests can run as well: the sigmoid of a bias, a weight for each unit that stays, and a value for each pair of
units that both stay. Everything is computed in float64.

ferret asks a tokenizer and a model of transformers for what it measures. Here both are stand-ins: the units are the tokens, "decoding"
joins them by spaces, and the two logits are 0 and the toy's, so that its softmax is the sigmoid. Its measures run as they are.
"""
import hashlib
import importlib.metadata
import json
import re
import sys
import types
import unicodedata
import warnings
from pathlib import Path

import numpy as np

DATA = Path(__file__).resolve().parent.parent / "tests" / "data" / "explain"
SELECTIONS = ["auto", "none", "forward_selection", "highest_weights", "lasso_path"]


def versions(*packages):
    return {"python": sys.version.split()[0]} | {package: importlib.metadata.version(package) for package in packages}


class Toy:
    """A game of n units: 1 where a unit stays."""

    def __init__(self, units, seed, pairs=3, scale=1.0):
        random = np.random.RandomState(seed)
        self.bias = round(float(random.randn()) / 4, 3)
        self.weights = [round(float(weight) * scale, 6) for weight in random.randn(units)]  # no two alike
        self.pairs = []
        for _ in range(pairs if units > 1 else 0):
            one, other = sorted(int(unit) for unit in random.permutation(units)[:2])
            self.pairs.append([one, other, round(float(random.randn()) * scale, 3)])

    def logits(self, kept):
        kept = np.asarray(kept, dtype=np.float64)
        sums = self.bias + kept @ np.asarray(self.weights)
        for one, other, value in self.pairs:
            sums = sums + value * kept[..., one] * kept[..., other]
        return sums

    def __call__(self, kept):
        return 1 / (1 + np.exp(-self.logits(kept)))

    def json(self):
        return {"bias": self.bias, "weights": self.weights, "pairs": self.pairs}


# ---- lime ----

TEXTS = [
    "", "good", "!?… — ", "I loved the book; the book loved me.", "  two  spaces\tand\nlines\n", "snake_case and Case case 3rd ²½ Ⅷ",
    "très bon, Straße, naïve cafe\u0301", "😀 good 👍🏽 bad😀", "यह किताब बहुत अच्छी है।", "這本書很好。 とても良い", "ภาษาไทย",
    "שָׁלוֹם عليكم", "a\0b\0\0 c\0", "don't isn't 'quoted'", "_ __ _a", "x" * 300 + " " + "x" * 300,
]


def words_of(lime_text):
    cases = []
    for text in TEXTS:
        for bow in (True, False):
            indexed = lime_text.IndexedString(text, bow=bow)
            words = indexed.num_words()
            removed = [list(range(0, words, 2)), list(range(words))] if words else []
            positions = [list(map(int, np.atleast_1d(indexed.positions[word]))) for word in range(words)]
            cases.append({
                "text": text, "bow": bow, "pieces": indexed.as_list, "words": [str(indexed.word(word)) for word in range(words)],
                "positions": positions,
                # numpy drops NUL at the end of a string, and lime counts its length without it
                "string_start": None if "\0" in text else [int(start) for start in indexed.string_start],
                "removing": [{"words": ids, "left": indexed.inverse_removing(np.array(ids))} for ids in removed],
            })
    return cases


def ranges_of(holds):
    """[begin, end) of the code points of which this holds."""
    ranges = []
    for code in range(0x110000):
        if not holds(code):
            continue
        if ranges and ranges[-1][1] == code:
            ranges[-1][1] = code + 1
        else:
            ranges.append([code, code + 1])
    return ranges


def is_word(code):
    return re.match(r"\w", chr(code)) is not None


def is_unassigned(code):
    return unicodedata.category(chr(code)) in ("Cn", "Cs")


def neighbours(lime_text, text, classifier, num_samples, seed, bow=True):
    explainer = lime_text.LimeTextExplainer(random_state=seed, bow=bow)
    indexed = lime_text.IndexedString(text, bow=bow)
    rows = explainer._LimeTextExplainer__data_labels_distances(indexed, classifier, num_samples)
    return explainer, *rows


def samples_of(lime_text):
    cases = []
    for seed in (0, 1, 42, 2**32 - 1):
        for units in (1, 2, 5, 50, 300):
            for num_samples in (100, 5000):
                text = " ".join(f"w{unit}" for unit in range(units))
                explainer, data, _, distances = neighbours(lime_text, text, lambda texts: np.zeros((len(texts), 2)), num_samples, seed)
                masks = data.astype(np.uint8)
                weights = explainer.base.kernel_fn(distances)
                case = {"seed": seed, "units": units, "num_samples": num_samples, "sha256": hashlib.sha256(masks.tobytes()).hexdigest()}
                if units <= 50:
                    case["first"] = ["".join(map(str, row)) for row in masks[:6]]
                if seed == 0:
                    kept, places = np.unique(masks.sum(axis=1), return_index=True)
                    case["by_kept"] = [[int(k), float(distances[place]), float(weights[place])] for k, place in zip(kept, places)]
                cases.append(case)
    return cases


def line_json(line):
    intercept, weights, score, local_pred = line
    return {"weights": [[int(feature), float(weight)] for feature, weight in weights], "intercept": float(intercept),
            "r2": float(score), "local_pred": float(np.ravel(local_pred)[0])}


def fit_case(lime_base, name, masks, labels, weights, selections, counts):
    base = lime_base.LimeBase(kernel_fn=lambda distances: distances)
    lines = []
    for selection in selections:
        for count in counts if selection != "none" else counts[:1]:
            line = base.explain_instance_with_data(masks.astype(float), labels[:, None], weights, 0, count, selection)
            lines.append({"selection": selection, "num_features": count} | line_json(line))
    return {"name": name, "rows": ["".join(map(str, row)) for row in masks], "labels": labels.tolist(), "weights": weights.tolist(),
            "lines": lines}


def random_masks(random, samples, units, keep=0.5):
    masks = (random.random_sample((samples, units)) < keep).astype(np.uint8)
    masks[0] = 1
    return masks


def leaving_case(lime_base):
    """Labels for which features leave the lasso on its way, at an exact 0 in the package as well."""
    for seed in range(1000):
        random = np.random.RandomState(seed)
        base = random.random_sample((40, 3)) < 0.5
        masks = np.array([np.where(random.random_sample(8) < 0.7, row[np.arange(8) % 3], random.random_sample(8) < 0.5) for row in base])
        masks = masks.astype(np.uint8)
        masks[0] = 1
        labels, weights = Toy(8, seed, pairs=8)(masks), random.random_sample(40)
        centred = (masks - np.average(masks, axis=0, weights=weights)) * np.sqrt(weights)[:, None]
        _, path = lime_base.LimeBase.generate_lars_path(centred, (labels - np.average(labels, weights=weights)) * np.sqrt(weights))
        sizes = (path != 0).sum(axis=0)
        left = ((path[:, :-1] != 0) & (path[:, 1:] == 0)).sum()
        noise = ((path != 0) & (np.abs(path) < 1e-13)).any()
        if left >= 2 and not noise and sizes[-1] == 8:
            return fit_case(lime_base, "features leave the lasso", masks, labels, weights, ["lasso_path"], list(range(1, 9)))
    raise SystemExit("no case found in which a feature leaves the lasso")


def fits_of(lime_base):
    cases = [leaving_case(lime_base)]
    for samples, units, seed in ((60, 5, 1), (150, 8, 2), (200, 13, 3), (300, 20, 4)):
        random = np.random.RandomState(seed)
        masks = random_masks(random, samples, units)
        labels = Toy(units, seed)(masks) + 0.01 * random.randn(samples)
        counts = [count for count in (1, 3, 6, 7, 10, units + 3) if count <= units + 3]
        cases.append(fit_case(lime_base, f"{units} units", masks, labels, random.random_sample(samples), SELECTIONS, counts))
    random = np.random.RandomState(9)
    masks = random_masks(random, 6, 12)
    cases.append(fit_case(lime_base, "fewer samples than units", masks, Toy(12, 9)(masks), random.random_sample(6),
                          ["none", "highest_weights", "auto"], [8, 10]))
    masks = random_masks(random, 30, 1)
    cases.append(fit_case(lime_base, "one unit", masks, Toy(1, 10)(masks) + 0.1 * random.randn(30), random.random_sample(30), SELECTIONS,
                          [1, 10]))
    masks = random_masks(random, 40, 6)
    masks[:, 3] = 1
    masks[:, 5] = masks[:, 2]
    cases.append(fit_case(lime_base, "a unit never removed, two always together", masks, Toy(6, 11)(masks) + 0.01 * random.randn(40),
                          random.random_sample(40), ["none", "highest_weights", "auto"], [7]))
    masks = random_masks(random, 40, 6)
    cases.append(fit_case(lime_base, "tiny weights", masks, Toy(6, 12)(masks), 1e-12 * random.random_sample(40),
                          ["none", "highest_weights"], [3]))
    cases.append(fit_case(lime_base, "equal labels", masks, np.full(40, 0.25), np.full(40, 0.5),
                          ["none", "forward_selection", "lasso_path"], [3]))
    return cases


def explanations_of(lime_text):
    cases = []
    for text, bow, seed, num_samples, counts in (
            ("I really love this book, I love it", True, 0, 5000, [3, 6, 10]),
            ("The food was good but the room was not good at all, and nobody cared about our complaints for two days", True, 42, 5000, [4, 8]),
            ("The food was good but the room was not good at all", False, 7, 1000, [5, 10]),
            ("nothing", True, 1, 100, [10])):
        indexed = lime_text.IndexedString(text, bow=bow)
        words = [str(indexed.word(word)) for word in range(indexed.num_words())]
        toy = Toy(len(words), seed + len(text), pairs=5)

        def kept(masked):
            found = re.findall(r"\w+", masked)
            return [word in found for word in words] if bow else [word != "UNKWORDZ" for word in found]

        def classifier(texts):
            scores = toy(np.array([kept(masked) for masked in texts]))
            return np.stack([1 - scores, scores], axis=1)

        lines = []
        for selection in SELECTIONS:
            for count in counts if selection != "none" else counts[:1]:
                explainer = lime_text.LimeTextExplainer(feature_selection=selection, bow=bow, random_state=seed)
                found = explainer.explain_instance(text, classifier, num_features=count, num_samples=num_samples)
                line = (found.intercept[1], found.local_exp[1], found.score, found.local_pred)
                lines.append({"selection": selection, "num_features": count} | line_json(line))
        cases.append({"text": text, "bow": bow, "seed": seed, "num_samples": num_samples, "toy": toy.json(), "lines": lines})
    return cases


def picks_of(submodular_pick):
    """SP-LIME over explanations that are already there."""
    cases = []
    for seed, texts, features, share in ((0, 8, 6, 0.4), (1, 12, 20, 0.2), (2, 6, 4, 0.9), (3, 5, 30, 0.1)):
        random = np.random.RandomState(seed)
        weights = np.where(random.random_sample((texts, features)) < share, np.round(random.randn(texts, features), 3), 0)

        class Explanation:
            mode = "regression"

            def __init__(self, row):
                self.row = row

            def as_list(self, label=1):
                return [(feature, weight) for feature, weight in enumerate(self.row) if weight]

        explainer = types.SimpleNamespace(explain_instance=lambda row, *_, **__: Explanation(row))
        picked = submodular_pick.SubmodularPick(explainer, weights, None, method="full", num_exps_desired=5)
        cases.append({"texts": weights.tolist(), "count": 5, "picked": [int(text) for text in picked.V]})
    return cases


def make_lime():
    from lime import lime_base, lime_text, submodular_pick
    return {
        "made_by": "tools/make_lime_goldens.py lime", "versions": versions("lime", "scikit-learn", "numpy"),
        "texts": words_of(lime_text), "word_ranges": ranges_of(is_word), "unassigned_ranges": ranges_of(is_unassigned),
        "samples": samples_of(lime_text), "fits": fits_of(lime_base), "explanations": explanations_of(lime_text),
        "picks": picks_of(submodular_pick),
    }


# ---- ferret ----

class Helper:
    """What ferret asks of a model and its tokenizer, for a toy."""

    def __init__(self, toy):
        import torch
        self.torch, self.toy = torch, toy
        self.tokenizer = types.SimpleNamespace(cls_token="[CLS]", decode=lambda ids: " ".join(str(int(token)) for token in ids))

    def _tokenize(self, text):
        ids = [-1] + [int(token) for token in text.split()] + [-2]
        return {"attention_mask": self.torch.ones(1, len(ids), dtype=self.torch.long), "input_ids": self.torch.tensor([ids])}

    def _forward(self, texts, output_hidden_states=False):
        kept = np.zeros(((1 if isinstance(texts, str) else len(texts)), len(self.toy.weights)))
        for row, text in enumerate([texts] if isinstance(texts, str) else texts):
            kept[row, [int(token) for token in text.split()]] = 1
        logits = self.torch.tensor(self.toy.logits(kept))
        return None, self.torch.stack([self.torch.zeros_like(logits), logits], dim=1)


def make_ferret():
    from ferret.evaluators import faithfulness_measures as measures
    from ferret.explainers.explanation import Explanation
    cases = []
    for units, seed, kind in ((1, 0, "random"), (3, 1, "random"), (5, 2, "random"), (9, 3, "positive"), (10, 4, "random"), (10, 5, "negative"),
                              (13, 6, "few"), (16, 7, "random"), (30, 8, "random"), (64, 9, "random"), (90, 10, "random"), (90, 11, "few")):
        toy, random = Toy(units, seed, pairs=units // 2, scale=2 / np.sqrt(units)), np.random.RandomState(seed + 100)
        scores = np.asarray(toy.weights) + 0.3 * random.randn(units)
        if kind == "few":
            scores[np.argsort(np.abs(scores))[:-5]] = 0
        scores = {"positive": np.abs(scores), "negative": -np.abs(scores)}.get(kind, scores)
        explanation = Explanation(" ".join(map(str, range(units))), ["[CLS]"] + list(map(str, range(units))) + ["[SEP]"],
                                  np.array([0.0, *scores, 0.0]), kind, 1)
        case = {"toy": toy.json(), "scores": scores.tolist()}
        for name, measure in (("comprehensiveness", measures.AOPC_Comprehensiveness_Evaluation),
                              ("sufficiency", measures.AOPC_Sufficiency_Evaluation), ("tau_occlusion", measures.TauLOO_Evaluation)):
            evaluator = object.__new__(measure)
            evaluator.helper = Helper(toy)
            score = float(evaluator.compute_evaluation(explanation, target=1).score)
            case[name] = None if np.isnan(score) else score
        cases.append(case)
    return {"made_by": "tools/make_lime_goldens.py ferret", "versions": versions("ferret-xai", "scipy", "numpy"), "cases": cases}


def main():
    makers = {"lime": make_lime, "ferret": make_ferret}
    if len(sys.argv) != 2 or sys.argv[1] not in makers:
        raise SystemExit(__doc__)
    warnings.simplefilter("ignore")
    DATA.mkdir(parents=True, exist_ok=True)
    path = DATA / f"{sys.argv[1]}.json"
    made = makers[sys.argv[1]]()
    # A line for each case, so that a change shows in a diff.
    fields = []
    for name, value in made.items():
        rows = isinstance(value, list) and not name.endswith("_ranges")
        text = "[\n  " + ",\n  ".join(json.dumps(row, ensure_ascii=False) for row in value) + "]" if rows else json.dumps(value)
        fields.append(f' "{name}": {text}')
    path.write_text("{\n" + ",\n".join(fields) + "\n}\n", encoding="utf-8")
    print(path, path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
