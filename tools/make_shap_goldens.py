#!/usr/bin/env python3
"""Writes tests/data/explain/shap*.json: what the Python package shap makes of texts, trees and toy games that C++ can play as well.

    pip install shap==0.51.0 transformers==5.24.0
    tools/make_shap_goldens.py

A toy game's value is a function of the masked string, or of a mask's zeros and ones as a string, with two outputs:
  hash   FNV-1a of the string and the output's number, its upper 53 bits as a number below 1
  words  the sum of a weight for each word, which FNV-1a gives in 64ths, s / (1 + |s|) and 1 - that
Both are the same double in any language. Masks are strings of 0 and 1. A tree is the list of which group, counted from the left, joined
the one behind it.
"""
import json
import random
from pathlib import Path

import numba
import numpy as np
import shap
import transformers
from shap.maskers import Text
from shap.maskers._text import SimpleTokenizer

DATA = Path(__file__).resolve().parent.parent / "tests" / "data"
VERSIONS = {"made_by": "tools/make_shap_goldens.py", "shap": shap.__version__, "transformers": transformers.__version__,
            "numpy": np.__version__, "numba": numba.__version__}
TEXTS = ["", "good", "It's  fine, isn't it? 🙂", "The food was good, the room wasn't.", "  Das Essen war gut (sehr), aber\n der Raum\tzu laut!",
         "one of the best rooms we ever had, and a great view but [SEP] no </s> food", "Über 很好 καλό très_bon!"]


def fnv(data):
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def hash_game(text):
    return [(fnv(text.encode() + bytes([output])) >> 11) / 2.0**53 for output in (0, 1)]


def words_game(text):
    total = sum(((fnv(word.encode()) >> 20) % 128 - 64) / 64 for word in text.split(" "))
    squashed = total / (1 + abs(total))
    return [squashed, 1 - squashed]


GAMES = {"hash": hash_game, "words": words_game}


def on_strings(game):
    return lambda strings: np.array([GAMES[game](str(each)) for each in strings])


def on_masks(game):
    return lambda rows: np.array([GAMES[game]("".join("1" if kept else "0" for kept in row)) for row in np.asarray(rows)])


def merges(clustering):
    """Which group joined the one behind it, at every step."""
    groups = list(range(len(clustering) + 1))
    positions = []
    for step, row in enumerate(clustering):
        at = groups.index(int(row[0]))
        assert groups[at + 1] == int(row[1])
        groups[at:at + 2] = [len(clustering) + 1 + step]
        positions.append(at)
    return positions


def maskers():
    for family in ("bert", "roberta", "distilbert"):
        tokenizer = transformers.AutoTokenizer.from_pretrained(DATA / "families" / family / "sequence")
        yield family, False, Text(tokenizer)
        yield family, True, Text(tokenizer, collapse_mask_token=True)
    yield "", True, Text(SimpleTokenizer())
    yield "", False, Text(SimpleTokenizer(), mask_token="UNK", collapse_mask_token=False)


def texts():
    draw = random.Random(1)
    result = []
    for family, collapse, masker in maskers():
        tokenizer = masker.tokenizer
        entry = {"family": family, "collapse_mask_token": collapse, "mask_token": masker.mask_token,
                 "sep_token": getattr(tokenizer, "sep_token", None), "sep_token_id": getattr(tokenizer, "sep_token_id", None),
                 "null_tokens": len(tokenizer("")["input_ids"]), "keep": [masker.keep_prefix, masker.keep_suffix], "texts": []}
        for text in TEXTS:
            if not family and not text:
                continue  # shap raises IndexError
            segments, _ = masker.token_segments(text)
            count = len(segments)
            masks = ["0" * count, "1" * count] + ["".join(draw.choice("01") for _ in range(count)) for _ in range(4)]
            masked = [str(masker(np.array([kept == "1" for kept in mask]), text)[0][0]) for mask in masks]
            entry["texts"].append({"text": text, "segments": segments,
                                   "invariants": "".join("01"[int(each)] for each in masker.invariants(text)[0]),
                                   "tree": merges(masker.clustering(text)) if count > 1 else [], "masks": dict(zip(masks, masked))})
        result.append(entry)
    return VERSIONS | {"maskers": result}


ALPHABET = {"a": "the ", "b": "good ", "c": "food", "d": ", ", "e": ",", "f": ". ", "g": ".", "h": "! ", "i": "?", "j": "(", "k": ") ", "l": ")",
            "m": "'", "n": "t ", "o": "s ", "p": "but ", "q": "and ", "r": "or ", "s": "un", "t": "able ", "u": "", "v": " ", "w": "[MASK] ",
            "x": "[CLS]", "y": "</s>", "z": "\n", "A": "a\nb ", "B": "a\n\n\n", "C": "é", "D": "日本", "E": "🙂 ", "F": "[x", "G": "x]", "H": "_",
            "I": "7", "J": "and\n", "K": " (", "L": "\u00a0but\u2003", "M": "##x ", "N": "e\u0301"}
COMMON = "aaabbbbccddefgpqstmno"


def tree_of(segments, separator):
    masker = Text(SimpleTokenizer())
    masker.tokenizer.sep_token = separator
    masker._s, masker._segments_s = "", np.array(segments)
    return masker.clustering("")


def trees():
    draw = random.Random(2)
    rows = []
    for number in range(200):
        length = draw.randint(2, 80)
        letters = "".join(draw.choice(COMMON if draw.random() < 0.7 else sorted(ALPHABET)) for _ in range(length))
        if number % 5 == 0:
            letters = "u" + letters[:length // 2] + "yy" + letters[length // 2:] + "u"
        rows.append([letters, merges(tree_of([ALPHABET[each] for each in letters], "</s>"))])
    return VERSIONS | {"alphabet": ALPHABET, "separator": "</s>", "trees": rows}


def long_text(seed, words):
    draw = random.Random(seed)
    return " ".join(draw.choice(["the", "food,", "good", "was", "room.", "not", "isn't", "but", "and", "(sehr)", "laut!", "best"])
                    for _ in range(words))


def partition_runs():
    bert = transformers.AutoTokenizer.from_pretrained(DATA / "families" / "bert" / "sequence")
    cases = [("", game, text, 10**6, 0) for game in GAMES for text in (TEXTS[2], TEXTS[4], "good food")]
    cases += [("bert", game, text, 10**6, 0) for game in GAMES for text in (TEXTS[1], "good food, no?")]
    cases += [("bert", game, long_text(seed, words), evals, seed) for game in GAMES
              for seed, words, evals in ((1, 12, 500), (2, 25, 500), (3, 18, 101), (4, 10, 3), (5, 10, 2))]
    cases += [("", game, long_text(seed, words), 500, seed) for game in GAMES for seed, words in ((6, 80), (7, 40), (8, 30))]
    runs = []
    for family, game, text, max_evals, seed in cases:
        explainer = shap.explainers.Partition(on_strings(game), Text(bert if family else SimpleTokenizer()))
        np.random.seed(seed)
        found = explainer([text], max_evals=max_evals, silent=True)
        runs.append({"family": family, "game": game, "text": text, "max_evals": max_evals, "seed": seed,
                     "evaluations": explainer.last_eval_count + 2, "base_values": found.base_values[0].tolist(),
                     "values": found.values[0].T.tolist()})
    return runs


@numba.njit
def seed_numba(seed):
    """shap shuffles along a tree inside numba, whose generator is its own."""
    np.random.seed(seed)


def permutation_runs():
    runs = []
    for game in GAMES:
        for players, max_evals, seed in ((4, 100, 0), (7, 500, 1), (20, 200, 2)):
            explainer = shap.explainers.Permutation(on_masks(game), shap.maskers.Independent(np.zeros((1, players))), seed=seed)
            found = explainer(np.ones((1, players)), max_evals=max_evals, silent=True)
            runs.append({"players": players, "game": game, "max_evals": max_evals, "seed": seed, "values": found.values[0].T.tolist()})
        for family, text, max_evals, seed in (("bert", "good food, no?", 100, 3), ("", TEXTS[4], 500, 4)):
            tokenizer = transformers.AutoTokenizer.from_pretrained(DATA / "families" / family / "sequence") if family else SimpleTokenizer()
            explainer = shap.explainers.Permutation(on_strings(game), Text(tokenizer))
            seed_numba(seed)
            found = explainer([text], max_evals=max_evals, silent=True)
            runs.append({"family": family, "text": text, "game": game, "max_evals": max_evals, "seed": seed,
                         "values": found.values[0].T.tolist()})
    return runs


def kernel_runs():
    runs = []
    for game in GAMES:
        for players, num_samples, seed in ((2, 2, 0), (3, 6, 0), (5, 30, 0), (8, 254, 0), (8, 100, 1), (12, 300, 2), (20, 500, 3), (15, 2000, 4)):
            explainer = shap.KernelExplainer(on_masks(game), np.zeros((1, players)))
            np.random.seed(seed)
            values = explainer.shap_values(np.ones(players), nsamples=num_samples, l1_reg=False, silent=True)
            runs.append({"players": players, "game": game, "num_samples": num_samples, "seed": seed, "values": values.T.tolist()})
    return runs


def exact_runs():
    runs = []
    for game in GAMES:
        for players in (1, 2, 3, 6, 10):
            explainer = shap.explainers.Exact(on_masks(game), shap.maskers.Independent(np.zeros((1, players))))
            found = explainer(np.ones((1, players)), silent=True)
            runs.append({"players": players, "game": game, "values": found.values[0].T.tolist()})
    return runs


def write(name, value):
    path = DATA / "explain" / name
    path.parent.mkdir(exist_ok=True)
    lines = json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace('},{', '},\n{').replace('],["', '],\n["')
    path.write_text(lines + "\n")
    print(path, path.stat().st_size)


if __name__ == "__main__":
    write("shap_texts.json", texts())
    write("shap_trees.json", trees())
    write("shap_values.json", VERSIONS | {"partition": partition_runs(), "permutation": permutation_runs(), "kernel": kernel_runs(),
                                          "exact": exact_runs()})
