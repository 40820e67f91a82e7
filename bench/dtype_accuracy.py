#!/usr/bin/env python3
"""What a dtype costs the built-in model, against f32 on sets that it was not trained on: dtype_accuracy.py FILBERT DATA DTYPE|DIR.

DIR is the model as `filbert quantize` wrote it.

Prints {"texts", "same_label": share, "points_lost": percentage points of accuracy on the set that loses most,
"logits_off": mean distance of a logit from f32's as a share of the f32 logits' range}.
"""

import json
import pathlib
import statistics
import subprocess
import sys

SETS = {  # file, column of the stars, what makes stars of it
    "sst5": ("sst5/test.tsv", "label", 1),
    "alexa_stars": ("alexa_stars/all.tsv", "stars", 0),
    "marc_stars": ("marc_stars/en.test.tsv", "stars", 0),
}


def read_set(data, name):
    file, column, offset = SETS[name]
    header, *lines = (data / file).read_text(encoding="utf-8").split("\n")
    rows = [dict(zip(header.split("\t"), line.split("\t"), strict=True)) for line in lines if line]
    return [row["text"] for row in rows], [int(row[column]) + offset for row in rows]


def classify(filbert, options, texts):
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    done = subprocess.run([filbert, "classify", "--input-format", "jsonl", "--format", "json", *options], input=lines, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def main(filbert, data, narrow):
    options = ["--model", narrow] if pathlib.Path(narrow).is_dir() else ["--dtype", narrow]
    same, distances, logits, lost = [], [], [], []
    for name in SETS:
        texts, stars = read_set(pathlib.Path(data), name)
        f32, other = classify(filbert, [], texts), classify(filbert, options, texts)
        same += [a["label"] == b["label"] for a, b in zip(f32, other, strict=True)]
        distances += [abs(x - y) for a, b in zip(f32, other) for x, y in zip(a["logits"], b["logits"], strict=True)]
        logits += [logit for answer in f32 for logit in answer["logits"]]
        right = [sum(int(answer["label"][0]) == star for answer, star in zip(answers, stars, strict=True)) for answers in [f32, other]]
        lost.append(100 * (right[0] - right[1]) / len(texts))
    print(json.dumps(dict(texts=len(same), same_label=statistics.mean(same), points_lost=max(lost),
                          logits_off=statistics.mean(distances) / (max(logits) - min(logits)))))


if __name__ == "__main__":
    main(*sys.argv[1:])
