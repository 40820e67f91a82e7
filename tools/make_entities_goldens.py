#!/usr/bin/env python3
"""Writes tests/data/entities/goldens.jsonl: what transformers' pipeline("token-classification") makes of the tiny token classifiers of
tests/data/families, with every aggregation_strategy.

    pip install torch transformers==5.24.0 && tools/make_entities_goldens.py

The checkpoints' labels have no letters, so that each gets LABELS in their place, here and in the tests. Texts are tokenized alone, truncated
to the model's length or, with a stride, cut into windows; `words` are texts split into words, where the tokenizer takes them.
"""
import json
import warnings

import torch
import transformers
from transformers import AutoModelForTokenClassification, AutoTokenizer, pipeline

from make_family_goldens import ROOT
from make_goldens import versions

FIXTURES = ["bert/token-shards", "bert/token-v4", "distilbert/token-v4", "electra/token-shards", "roberta/token-shards", "xlm-roberta/token-shards",
            "xlm-roberta/token-v4", "deberta-v2/token-v4"]
LABELS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
STRATEGIES = ["none", "simple", "first", "average", "max"]
TEXTS = ["", "good", "It's  fine, isn't it? 🙂", "не плохо, Über très bon", "很好 καλό food",
         "The food was good (the room wasn't): one of the best rooms we ever had!"]
LONG = "Das Essen war gut, aber der Raum war leider viel zu laut; nie wieder! Très bon. It was not the best of all the rooms that we had, one of 12 + 3."
WORDS = ["The", "food", "wasn't", "très", "bon", "不好", "", "rooms,", "🙂"]


def entities(answer):
    """As lists, in transformers' order of keys. Of windows it gives a first entity twice that stands for no character; once is enough."""
    if len(answer) > 1 and answer[0] == answer[1] and answer[0]["start"] == answer[0]["end"]:
        answer = answer[1:]
    return [[round(float(value), 6) if key == "score" else value for key, value in entity.items()] for entity in answer]


def records(fixture):
    tokenizer = AutoTokenizer.from_pretrained(ROOT / fixture)
    model = AutoModelForTokenClassification.from_pretrained(ROOT / fixture, dtype=torch.float32, attn_implementation="eager").eval()
    model.config.id2label = dict(enumerate(LABELS))
    ner = pipeline("token-classification", model=model, tokenizer=tokenizer, device="cpu")
    for strategy in STRATEGIES:
        for text in TEXTS + [LONG]:
            yield {"strategy": strategy, "text": text, "entities": entities(ner(text, aggregation_strategy=strategy))}
        yield {"strategy": strategy, "text": TEXTS[-1], "ignore_labels": ["LOC", "B-LOC"],
               "entities": entities(ner(TEXTS[-1], aggregation_strategy=strategy, ignore_labels=["LOC", "B-LOC"]))}
        if strategy == "none":
            continue
        for stride in (0, 5):
            yield {"strategy": strategy, "text": LONG, "stride": stride,
                   "entities": entities(ner(LONG, aggregation_strategy=strategy, stride=stride))}
        try:
            answer = ner(WORDS, aggregation_strategy=strategy, is_split_into_words=True)
        except (AssertionError, ValueError):  # a byte-level tokenizer that does not put a space before each word
            continue
        yield {"strategy": strategy, "words": WORDS, "entities": entities(answer[0] if isinstance(answer[0], list) else answer)}


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    out = ROOT.parent / "entities" / "goldens.jsonl"
    out.parent.mkdir(exist_ok=True)
    lines = [json.dumps({"made": versions() | {"made_by": "tools/make_entities_goldens.py"}, "labels": LABELS})]
    for fixture in FIXTURES:
        lines += [json.dumps({"fixture": fixture} | record, ensure_ascii=False, separators=(",", ":")) for record in records(fixture)]
    out.write_text("\n".join(lines) + "\n", encoding="utf-8")
