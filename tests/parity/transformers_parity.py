#!/usr/bin/env python3
"""Compares `filbert` with transformers, live, text by text: ids, logits, labels and scores.

    tests/parity/transformers_parity.py build/release/filbert [models/stars-en [tests/data/sentences_en.txt]]

A text is a line of the file; each line is classified alone, each with the next one as a pair, and many together as a long text in
windows. Needs transformers and torch. Prints the greatest differences and exits 1 if ids, labels or places differ anywhere or logits
by more than 1e-4.
"""
import json
import subprocess
import sys
from pathlib import Path

import torch
import transformers
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline

ROOT = Path(__file__).resolve().parent.parent.parent
LOGIT_TOLERANCE = 1e-4  # contract 1: the order of f32 sums
SCORE_TOLERANCE = 1e-5  # softmax and sigmoid are at most as steep as the logits


def filbert(command, *arguments, rows):
    """What `filbert COMMAND` answers to rows of {"text", "text_pair"}: an object each."""
    done = subprocess.run([str(command), *arguments, "--input-format", "jsonl"], capture_output=True, text=True,
                          input="".join(json.dumps(row) + "\n" for row in rows), check=False)
    if done.returncode != 0:
        sys.exit(f"{command} {' '.join(arguments)}: exit code {done.returncode}\n{done.stderr}")
    return [json.loads(line) for line in done.stdout.split("\n")[:-1]]


def compare(command, checkpoint, texts):
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    model = AutoModelForSequenceClassification.from_pretrained(checkpoint, dtype=torch.float32).eval()
    classify = pipeline("text-classification", model=model, tokenizer=tokenizer, device="cpu")
    max_length = min(tokenizer.model_max_length, model.config.max_position_embeddings)

    rows = [{"text": text} for text in texts]
    rows += [{"text": text, "text_pair": following} for text, following in zip(texts, texts[1:])]
    answers = filbert(command, "classify", "--model", checkpoint, "--format", "json", rows=rows)
    encodings = filbert(command, "tokenize", "--model", checkpoint, "--max-length", str(max_length), rows=rows)
    if not len(answers) == len(encodings) == len(rows):
        sys.exit(f"expected {len(rows)} answers, found {len(answers)} and {len(encodings)} encodings")

    wrong, greatest_logit, greatest_score = 0, 0.0, 0.0
    for row, answer, encoding in zip(rows, answers, encodings):
        expected = tokenizer(row["text"], row.get("text_pair"), truncation=True, max_length=max_length, return_tensors="pt")
        with torch.no_grad():
            logits = model(**expected).logits[0].tolist()
        scores = classify(row, truncation=True, max_length=max_length, top_k=None)
        logit_difference = max(abs(a - b) for a, b in zip(logits, answer["logits"], strict=True))
        by_label = {score["label"]: score["score"] for score in answer["scores"]}
        score_difference = max(abs(score["score"] - by_label[score["label"]]) for score in scores)
        greatest_logit = max(greatest_logit, logit_difference)
        greatest_score = max(greatest_score, score_difference)
        faults = [name for name, fault in {
            "input_ids": encoding["input_ids"] != expected["input_ids"][0].tolist(),
            "token_type_ids": encoding["token_type_ids"] != expected["token_type_ids"][0].tolist(),
            "logits": logit_difference > LOGIT_TOLERANCE,
            "scores": score_difference > SCORE_TOLERANCE,
            "label": answer["label"] != scores[0]["label"],
        }.items() if fault]
        if faults:
            wrong += 1
            print(f"{', '.join(faults)}: {json.dumps(row, ensure_ascii=False)}")
    print(f"{checkpoint}: {len(rows)} rows, {wrong} differ; greatest difference of logits {greatest_logit:.1e}, "
          f"of scores {greatest_score:.1e} (transformers {transformers.__version__}, torch {torch.__version__})")
    return wrong == 0


def compare_windows(command, checkpoint, texts):
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    model = AutoModelForSequenceClassification.from_pretrained(checkpoint, dtype=torch.float32).eval()
    max_length = min(64, tokenizer.model_max_length, model.config.max_position_embeddings)
    rows = [{"text": " ".join(texts[start : start + 20])} for start in range(0, len(texts), 20)]
    rows += [row | {"text_pair": "A short text beside."} for row in rows]
    wrong, windows, greatest = 0, 0, 0.0
    for stride in (0, 7, 40):
        answers = filbert(command, "classify", "--model", checkpoint, "--format", "json", "--long", "windows", "--max-length", str(max_length),
                          "--stride", str(stride), rows=rows)
        for row, answer in zip(rows, answers, strict=True):
            expected = tokenizer(row["text"], row.get("text_pair"), truncation="only_first", max_length=max_length, stride=stride,
                                 return_overflowing_tokens=True, return_offsets_mapping=True, padding=True, return_tensors="pt")
            expected.pop("overflow_to_sample_mapping")
            offsets = expected.pop("offset_mapping")
            with torch.no_grad():
                logits = model(**expected).logits
            of_text = [[index for index, sequence in enumerate(expected.sequence_ids(window)) if sequence == 0] for window in range(len(logits))]
            places = [(int(offsets[window, inside[0], 0]), int(offsets[window, inside[-1], 1])) for window, inside in enumerate(of_text)]
            found = answer.get("windows", [])
            windows += len(found)
            if places != [(window["begin"], window["end"]) for window in found]:
                wrong += 1
                print(f"windows: {json.dumps(row, ensure_ascii=False)}")
                continue
            difference = (logits - torch.tensor([window["logits"] for window in found])).abs().max().item()
            greatest = max(greatest, difference)
            wrong += difference > LOGIT_TOLERANCE
    print(f"{checkpoint}: {windows} windows of {3 * len(rows)} long texts, {wrong} texts differ; greatest difference of logits {greatest:.1e}")
    return wrong == 0


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 4:
        sys.exit(__doc__)
    checkpoint = sys.argv[2] if len(sys.argv) > 2 else str(ROOT / "models" / "stars-en")
    texts_file = Path(sys.argv[3]) if len(sys.argv) > 3 else ROOT / "tests" / "data" / "sentences_en.txt"
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    texts = texts_file.read_text(encoding="utf-8").split("\n")[:-1]
    same = [compare_some(Path(sys.argv[1]).resolve(), checkpoint, texts) for compare_some in (compare, compare_windows)]
    sys.exit(0 if all(same) else 1)
