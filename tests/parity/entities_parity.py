#!/usr/bin/env python3
"""Compares `filbert entities` with transformers' pipeline("token-classification").

    python tests/parity/entities_parity.py build/release/filbert [SHARED]

Needs torch and transformers 5. Tiny random token classifiers are made of bert, distilbert, electra, roberta, xlm-roberta and deberta-v2, over real
vocabularies of SHARED/data/vocab where they are there, else, and for deberta-v2 always, over one learned from the texts: 100 in each of 20
languages of SHARED/data/sentences_75_languages, else those of tests/data. Every aggregation_strategy, windows with a stride, texts split into
words: entities, offsets and words must be equal, scores within 1e-5. Where two labels of a token, or the best ones of two
neighbours, of which max takes the surer, are nearer to each other than that, either will do: the text is counted and left out.
"""
import copy
import gzip
import json
import pathlib
import subprocess
import sys
import tempfile
import warnings

import numpy
import torch
import transformers
from transformers import AutoConfig, AutoModelForTokenClassification, AutoTokenizer, PreTrainedTokenizerFast, pipeline
from transformers.pipelines.token_classification import AggregationStrategy

ROOT = pathlib.Path(__file__).resolve().parents[2]
FAMILIES = ROOT / "tests/data/families"
LANGUAGES = "ar de el en es fa fi fr he hi it ja ko nl pl pt ru tr ur zh".split()
A_LANGUAGE = 100
STRATEGIES = ["none", "simple", "first", "average", "max"]
LABELS = ["O"] + [f"{letter}-{kind}" for kind in ("PER", "ORG", "LOC", "MISC") for letter in "BI"]
TOLERANCE = 1e-5  # the order of f32 sums
MAX_LENGTH = 64
SIZES = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48, initializer_range=0.4)
# family: config, vocabulary of SHARED/data/vocab, fixture whose tokenizer learns one where there is none
CASES = {
    "bert": ({"max_position_embeddings": MAX_LENGTH}, "bert-base-multilingual-cased/vocab.txt", "bert/token-shards"),
    "distilbert": ({"dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 48, "initializer_range": 0.4, "max_position_embeddings": MAX_LENGTH},
                   "bert-base-uncased/vocab.txt", "distilbert/token-v4"),
    "electra": ({"embedding_size": 24, "max_position_embeddings": MAX_LENGTH}, "bert-base-cased/vocab.txt", "electra/token-shards"),
    "roberta": ({"max_position_embeddings": MAX_LENGTH + 2, "type_vocab_size": 1}, "roberta-base/tokenizer.json", "roberta/token-shards"),
    "xlm-roberta": ({"max_position_embeddings": MAX_LENGTH + 2, "type_vocab_size": 1}, "xlm-roberta-base/tokenizer.reconstructed.json.gz",
                    "xlm-roberta/token-shards"),
    "deberta-v2": ({"max_position_embeddings": MAX_LENGTH, "relative_attention": True, "position_buckets": 16, "pos_att_type": "p2c|c2p",
                    "share_att_key": True, "norm_rel_ebd": "layer_norm", "type_vocab_size": 0, "position_biased_input": False}, None,
                   "deberta-v2/token-v4"),
}


def texts_of(shared):
    if shared and (shared / "data/sentences_75_languages").is_dir():
        for language in LANGUAGES:
            lines = (shared / f"data/sentences_75_languages/{language}.txt").read_text(encoding="utf-8").splitlines()
            yield from (line for line in lines[:A_LANGUAGE])
    else:
        yield from (ROOT / "tests/data/sentences_en.txt").read_text(encoding="utf-8").splitlines()


def tokenizer_of(family, shared, texts, directory):
    """Saved beside the checkpoint, and loaded from there, as a user's would be."""
    _, vocabulary, fixture = CASES[family]
    path = shared / "data/vocab" / vocabulary if shared and vocabulary else None
    made = AutoTokenizer.from_pretrained(FAMILIES / fixture)
    if path is None or not path.exists():
        made = made.train_new_from_iterator(texts, 4000)
    elif path.name == "vocab.txt":
        made = type(made)(vocab=str(path), do_lower_case="uncased" in vocabulary)
    else:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        (directory / "tokenizer.json").write_bytes(content)
        bare = PreTrainedTokenizerFast(tokenizer_file=str(directory / "tokenizer.json"))
        made = PreTrainedTokenizerFast(tokenizer_object=bare._tokenizer, **{f"{role}_token": token for role, token in made.special_tokens_map.items()
                                                                              for role in [role.removesuffix("_token")] if isinstance(token, str)})
    made.model_max_length = MAX_LENGTH
    made.save_pretrained(directory)
    return AutoTokenizer.from_pretrained(directory)


def spread_labels(model, tokenizer, texts):
    """Random weights give most tokens the same label: each label's logits get mean 0 and deviation 1, O a head start."""
    with torch.no_grad():
        logits = torch.cat([model(**tokenizer(text, return_tensors="pt", truncation=True)).logits[0] for text in texts])
        mean, deviation = logits.mean(0), logits.std(0)
        model.classifier.weight /= deviation[:, None]
        model.classifier.bias.copy_((model.classifier.bias - mean) / deviation)
        model.classifier.bias[0] += 0.8


def checkpoint_of(family, shared, texts, directory):
    tokenizer = tokenizer_of(family, shared, texts, directory)
    settings = CASES[family][0]
    torch.manual_seed(7)
    pads = {} if family in ("distilbert",) else {"pad_token_id": tokenizer.pad_token_id}
    config = AutoConfig.for_model(family, **(({} if family == "distilbert" else SIZES) | settings | pads | {
        "vocab_size": len(tokenizer), "id2label": dict(enumerate(LABELS)), "label2id": {label: place for place, label in enumerate(LABELS)}}))
    model = AutoModelForTokenClassification.from_config(config, attn_implementation="eager").eval()
    spread_labels(model, tokenizer, texts[:: max(1, len(texts) // 100)])
    model.save_pretrained(directory)
    return model, tokenizer


def expected_of(ner, texts, **parameters):
    """{strategy: [entities of each text]}, and the texts of which a token's best labels are too near to tell apart."""
    preprocess, _, _ = ner._sanitize_parameters(**{"aggregation_strategy": "simple"} | parameters)
    answers, near = {strategy: [] for strategy in STRATEGIES}, set()
    strategies = STRATEGIES[1:] if "stride" in parameters else STRATEGIES
    for place, text in enumerate(texts):
        with torch.no_grad():
            outputs = [ner._forward(inputs) for inputs in ner.preprocess(text, **preprocess)]
        for output in outputs:
            best, labels = torch.topk(torch.softmax(output["logits"][0], -1), 2)
            of_labels = (best[:, 0] - best[:, 1]) < TOLERANCE
            of_tokens = ((best[1:, 0] - best[:-1, 0]).abs() < TOLERANCE) & (labels[1:, 0] != labels[:-1, 0])
            if bool(of_labels.any()) or bool(of_tokens.any()):
                near.add(place)
        for strategy in strategies:
            # Of words it moves the offsets of what it is given, in place.
            answer = ner.postprocess(copy.deepcopy(outputs), aggregation_strategy=AggregationStrategy(strategy))
            # Of windows it gives a first entity twice that stands for no character.
            twice = len(answer) > 1 and answer[0] == answer[1] and answer[0]["start"] == answer[0]["end"]
            answers[strategy].append(answer[1:] if twice else answer)
    return answers, near


def found_of(filbert, directory, lines, strategy, *options):
    command = [filbert, "entities", "--model", directory, "--aggregation-strategy", strategy, "--format", "json", *options]
    done = subprocess.run([str(word) for word in command], input="\n".join(lines) + "\n", capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"entities_parity: {' '.join(str(word) for word in command)}: {done.stderr}")
    return [json.loads(line)["entities"] for line in done.stdout.splitlines()]


def differs(found, expected):
    if len(found) != len(expected):
        return True
    for ours, theirs in zip(found, expected):
        if set(ours) != set(theirs) or abs(ours["score"] - float(theirs["score"])) > TOLERANCE:
            return True
        if any(ours[key] != theirs[key] for key in theirs if key != "score"):
            return True
    return False


def compare(what, found, expected, near, texts):
    wrong = [place for place in range(len(texts)) if place not in near and differs(found[place], expected[place])] if len(found) == len(texts) else [0]
    entities = sum(len(answer) for answer in expected)
    print(f"{what}: {len(texts)} texts, {entities} entities, {len(near)} too near to tell, {len(wrong)} differ", flush=True)
    for place in wrong[:3]:
        theirs = [{key: float(value) if isinstance(value, numpy.floating) else value for key, value in entity.items()} for entity in expected[place]]
        first = next((at for at, pair in enumerate(zip(found[place], theirs)) if differs(pair[:1], pair[1:])), min(len(found[place]), len(theirs)))
        print(f"  {texts[place]!r}, of {len(found[place])} and {len(theirs)} from {first} on")
        for name, entities in (("found", found[place]), ("expected", theirs)):
            print(f"    {name:8} {json.dumps(entities[max(0, first - 1):first + 4], ensure_ascii=False)}")
    return not wrong


def main():
    filbert, shared = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None
    texts = list(texts_of(shared))
    good = True
    for family in CASES:
        with tempfile.TemporaryDirectory() as name:
            directory = pathlib.Path(name)
            model, tokenizer = checkpoint_of(family, shared, texts, directory)
            ner = pipeline("token-classification", model=model, tokenizer=tokenizer, device="cpu")
            expected, near = expected_of(ner, texts)
            for strategy in STRATEGIES:
                good &= compare(f"{family} {strategy}", found_of(filbert, directory, texts, strategy), expected[strategy], near, texts)
            long = [" ".join(texts[place:place + 8]) for place in range(0, len(texts), 40)]
            expected, near = expected_of(ner, long, stride=16)
            for strategy in STRATEGIES[1:]:
                found = found_of(filbert, directory, long, strategy, "--stride", "16")
                good &= compare(f"{family} {strategy} in windows", found, expected[strategy], near, long)
            words = [text.split(" ") for text in texts[::10]]
            try:
                expected, near = expected_of(ner, words, is_split_into_words=True)
            except (AssertionError, ValueError) as reason:
                print(f"{family} of words: transformers refuses: {str(reason)[:90]}")
                continue
            lines = [json.dumps(each, ensure_ascii=False) for each in words]
            for strategy in STRATEGIES:
                good &= compare(f"{family} {strategy} of words", found_of(filbert, directory, lines, strategy, "--words"), expected[strategy], near, words)
    sys.exit(not good)


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    main()
