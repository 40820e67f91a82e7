#!/usr/bin/env python3
"""Records what transformers computes, for the tests to hold Filbert to.

    tools/make_goldens.py                 everything
    tools/make_goldens.py tiny            tests/data/tiny/*: random checkpoints of several shapes with their logits
    tools/make_goldens.py stars-en        tests/data/stars-en.goldens.jsonl: models/stars-en on tests/data/sentences_en.txt
    tools/make_goldens.py entities-en     tests/data/entities-en.goldens.jsonl: models/entities-en on the sentences of its card
    tools/make_goldens.py pytorch         tests/data/pytorch/*: the same tensors, and the same checkpoint, in every kind of weight file
    tools/make_goldens.py defaults        tests/data/config_defaults.json: what the configuration class of each family says by itself

tools/make_reference.py records the same of any checkpoint, for `filbert verify`.

Needs transformers and torch; writes their versions and the sha256 of the weights beside the numbers, so that goldens of
another model fail a test instead of passing for this one's.
"""
import hashlib
import json
import math
import platform
import shutil
import sys
from collections import OrderedDict
from pathlib import Path

import huggingface_hub
import safetensors
import tokenizers
import torch
import transformers
from huggingface_hub import save_torch_state_dict
from safetensors.torch import save_file
from transformers import CONFIG_MAPPING, AutoTokenizer, BertConfig, BertForSequenceClassification, BertForTokenClassification

from entities_model_card import SENTENCES

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "data"
STARS_EN = ROOT / "models" / "stars-en"
ENTITIES_EN = ROOT / "models" / "entities-en"

# Every activation that BERT checkpoints name, one checkpoint each.
ACTIVATIONS = ["gelu", "gelu_python", "gelu_new", "gelu_pytorch_tanh", "gelu_fast", "quick_gelu", "relu", "silu", "swish",
               "tanh"]

# name: changes to TINY, and the dtype stored
TINY = dict(vocab_size=61, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
            max_position_embeddings=40, type_vocab_size=2, num_labels=2)
CHECKPOINTS = {
    "two_labels": (dict(), torch.float32),
    "one_label_regression": (dict(num_labels=1, problem_type="regression", num_attention_heads=4), torch.float32),
    "five_stars": (dict(id2label={i: f"{i + 1} star{'s' * (i > 0)}" for i in range(5)}, layer_norm_eps=1e-5), torch.float16),
    "intents_77": (dict(num_labels=77, hidden_size=36, num_attention_heads=3), torch.bfloat16),
    "odd_sizes": (dict(vocab_size=53, hidden_size=33, num_attention_heads=3, intermediate_size=37, type_vocab_size=3,
                       max_position_embeddings=27, num_labels=3), torch.float32),
    "four_layers": (dict(num_hidden_layers=4, num_attention_heads=4, intermediate_size=45, num_labels=5), torch.float16),
    "head_of_64": (dict(hidden_size=64, num_attention_heads=1, num_hidden_layers=1, intermediate_size=101), torch.float16),
    "heads_of_20": (dict(hidden_size=60, num_attention_heads=3, num_hidden_layers=1, vocab_size=127,
                         problem_type="multi_label_classification", num_labels=4), torch.bfloat16),
    "long_rows": (dict(hidden_size=24, num_attention_heads=2, num_hidden_layers=1, max_position_embeddings=512,
                       intermediate_size=24), torch.float16),
} | {
    f"activation_{name}": (dict(hidden_act=name, hidden_size=24, num_attention_heads=2, num_hidden_layers=1,
                                intermediate_size=40, vocab_size=29, max_position_embeddings=16), torch.float32)
    for name in ACTIVATIONS
}


def versions():
    return {"made_by": "tools/make_goldens.py", "transformers": transformers.__version__, "torch": torch.__version__,
            "tokenizers": tokenizers.__version__, "python": platform.python_version()}


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def logits_of(model, input_ids, token_type_ids):
    with torch.no_grad():
        out = model(input_ids=torch.tensor([input_ids]), token_type_ids=torch.tensor([token_type_ids]))
    return out.logits[0].tolist()


def randomize(model, generator):
    """Weights as large as trained ones: with transformers' own 0.02 every logit is near zero and proves little."""
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if name.endswith("LayerNorm.weight"):
            parameter.data = 1 + 0.1 * noise
        elif name.endswith("bias"):
            parameter.data = 0.1 * noise
        elif "embeddings" in name:
            parameter.data = 0.5 * noise
        else:
            parameter.data = 1.5 * noise / math.sqrt(parameter.shape[-1])


def random_rows(config, generator):
    """Rows of one token, of the most tokens, and of lengths between; half of them pairs."""
    def number(low, high):  # inclusive
        return int(torch.randint(low, high + 1, (1,), generator=generator))

    longest = config.max_position_embeddings
    for index, length in enumerate([1, longest, 2, 3] + [number(2, longest) for _ in range(6)]):
        input_ids = [number(0, config.vocab_size - 1) for _ in range(length)]
        second = number(0, length - 1) if index % 2 else length
        types = [0] * second + [number(1, config.type_vocab_size - 1)] * (length - second)
        yield input_ids, types


def make_tiny():
    shutil.rmtree(DATA / "tiny", ignore_errors=True)
    for seed, (name, (changes, dtype)) in enumerate(CHECKPOINTS.items()):
        generator = torch.Generator().manual_seed(seed)
        settings = TINY | changes
        if "id2label" in settings:
            settings.pop("num_labels")
        config = BertConfig(**settings, attn_implementation="eager")
        model = BertForSequenceClassification(config).eval()
        randomize(model, generator)
        directory = DATA / "tiny" / name
        model.to(dtype).save_pretrained(directory)
        model = BertForSequenceClassification.from_pretrained(directory, dtype=torch.float32,
                                                              attn_implementation="eager").eval()
        rows = [{"input_ids": ids, "token_type_ids": types, "logits": logits_of(model, ids, types)}
                for ids, types in random_rows(config, generator)]
        head = json.dumps(versions() | {"model_sha256": sha256(directory / "model.safetensors")})
        lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
        (directory / "goldens.json").write_text(f'{{"made": {head},\n"rows": [\n{lines}\n]}}\n')
        print(f"{directory.relative_to(ROOT)}: {len(rows)} rows")


def make_stars_en():
    if not (STARS_EN / "model.safetensors").exists():
        sys.exit(f"{STARS_EN}: no model.safetensors there; tools/train_default_model.py makes it")
    tokenizer = AutoTokenizer.from_pretrained(STARS_EN)
    model = BertForSequenceClassification.from_pretrained(STARS_EN, dtype=torch.float32, attn_implementation="eager").eval()
    max_length = min(tokenizer.model_max_length, model.config.max_position_embeddings)
    head = versions() | {"checkpoint": "models/stars-en", "model_sha256": sha256(STARS_EN / "model.safetensors"),
                         "max_length": max_length}
    path = DATA / "stars-en.goldens.jsonl"
    with open(path, "w", encoding="utf-8") as out:
        out.write(json.dumps(head) + "\n")
        texts = (DATA / "sentences_en.txt").read_text(encoding="utf-8").split("\n")[:-1]
        for text in texts:
            encoding = tokenizer(text, truncation=True, max_length=max_length)
            ids = encoding["input_ids"]
            row = {"text": text, "input_ids": ids, "logits": logits_of(model, ids, [0] * len(ids))}
            out.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(f"{path.relative_to(ROOT)}: {len(texts)} texts, sha256 {head['model_sha256'][:12]}")


def make_entities_en():
    if not (ENTITIES_EN / "model.safetensors").exists():
        sys.exit(f"{ENTITIES_EN}: no model.safetensors there; tools/train_entities_model.py makes it")
    tokenizer = AutoTokenizer.from_pretrained(ENTITIES_EN)
    model = BertForTokenClassification.from_pretrained(ENTITIES_EN, dtype=torch.float32, attn_implementation="eager").eval()
    head = versions() | {"checkpoint": "models/entities-en", "model_sha256": sha256(ENTITIES_EN / "model.safetensors"),
                         "max_length": min(tokenizer.model_max_length, model.config.max_position_embeddings)}
    path = DATA / "entities-en.goldens.jsonl"
    with open(path, "w", encoding="utf-8") as out:
        out.write(json.dumps(head) + "\n")
        for text in SENTENCES:
            ids = tokenizer(text)["input_ids"]
            tokens = logits_of(model, ids, [0] * len(ids))  # a row of logits for each token, here end to end
            row = {"text": text, "input_ids": ids, "logits": [round(logit, 6) for token in tokens for logit in token]}
            out.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(f"{path.relative_to(ROOT)}: {len(SENTENCES)} texts, sha256 {head['model_sha256'][:12]}")


def odd_tensors():
    """Every dtype that both formats have, and every way to lie in a storage."""
    numbers = torch.randn(6, 8, generator=torch.Generator().manual_seed(5))
    tensors = {
        "contiguous": numbers, "again": numbers, "transposed": numbers.t(), "rows": numbers[2:4], "columns": numbers[:, 3:5],
        "every_third": numbers.flatten()[1::3], "expanded": numbers[0, :4].expand(3, 4), "of_one_row": numbers[1].expand(1, 8),
        "permuted": numbers.view(2, 3, 8).permute(2, 0, 1), "parameter": torch.nn.Parameter(numbers[4]), "scalar": torch.tensor(0.25),
        "empty": torch.zeros(0, 3), "flags": numbers > 0,
    }
    for dtype in [torch.float16, torch.bfloat16, torch.float64, torch.complex64]:
        tensors[f"{dtype}"] = numbers[:2].to(dtype)
        tensors[f"{dtype}_transposed"] = numbers[:2, :3].to(dtype).t()
    for dtype in [torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8]:
        tensors[f"{dtype}"] = (numbers[0] * 10).abs().to(dtype)
    return OrderedDict((name.removeprefix("torch."), tensor) for name, tensor in tensors.items())


def make_pytorch():
    root = DATA / "pytorch"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    tensors = odd_tensors()
    save_file({name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}, root / "tensors.safetensors")
    torch.save(tensors, root / "tensors_zip.bin")
    torch.save(dict(tensors), root / "tensors_protocol_4.bin", pickle_protocol=4)
    torch.save(tensors, root / "tensors_legacy.bin", _use_new_zipfile_serialization=False)

    config = BertConfig(vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=12,
                        max_position_embeddings=12, num_labels=3)
    model = BertForSequenceClassification(config).eval()
    randomize(model, torch.Generator().manual_seed(6))
    model.save_pretrained(root / "safetensors")
    model.save_pretrained(root / "safetensors_shards", max_shard_size=2000)
    state = model.state_dict()  # with a buffer, as transformers saved it in the days of these files
    state["bert.embeddings.position_ids"] = torch.arange(12).expand((1, -1))
    for name in ["zip", "legacy", "zip_shards"]:
        (root / name).mkdir()
        model.config.save_pretrained(root / name)
    torch.save(state, root / "zip" / "pytorch_model.bin")
    torch.save(state, root / "legacy" / "pytorch_model.bin", _use_new_zipfile_serialization=False)
    save_torch_state_dict(state, root / "zip_shards", filename_pattern="pytorch_model{suffix}.bin", max_shard_size=2000,
                          safe_serialization=False)
    made = versions() | {"huggingface_hub": huggingface_hub.__version__, "safetensors": safetensors.__version__}
    (root / "made.json").write_text(json.dumps(made, indent=2) + "\n")
    print(f"{root.relative_to(ROOT)}: {len(tensors)} tensors, {len(state)} in a checkpoint")


FAMILIES = ["bert", "ernie", "distilbert", "roberta", "xlm-roberta", "camembert", "electra", "albert", "mpnet", "deberta", "deberta-v2",
            "modernbert", "xlnet", "convbert", "mobilebert", "roformer", "nystromformer"]
# The fields of Filbert's Config, and what they are called where a class has another name for them and no alias.
DEFAULTS = {"vocab_size": [], "embedding_size": [], "hidden_size": [], "num_hidden_layers": [], "num_hidden_groups": [],
            "inner_group_num": [], "num_attention_heads": [], "intermediate_size": ["hidden_dim", "d_inner"],
            "max_position_embeddings": [], "type_vocab_size": [], "pad_token_id": [],
            "hidden_act": ["hidden_activation", "activation", "ff_activation"], "layer_norm_eps": ["norm_eps"]}


def make_defaults():
    families = {}
    for model_type in FAMILIES:
        config = CONFIG_MAPPING[model_type]()
        families[model_type] = {}
        for field, others in DEFAULTS.items():
            values = [getattr(config, name) for name in [field, *others] if getattr(config, name, None) is not None]
            if values and values[0] != -1:  # XLNet's way to say that rows may have any length
                families[model_type][field] = values[0]
    path = DATA / "config_defaults.json"
    lines = ",\n".join(f"{json.dumps(model_type)}: {json.dumps(fields)}" for model_type, fields in families.items())
    path.write_text(f'{{"made": {json.dumps(versions())},\n"families": {{\n{lines}\n}}}}\n')
    print(f"{path.relative_to(ROOT)}: {len(families)} families")


if __name__ == "__main__":
    everything = ["tiny", "stars-en", "entities-en", "pytorch", "defaults"]
    wanted = sys.argv[1:] or everything
    if not set(wanted) <= set(everything):
        sys.exit(__doc__)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)  # sums in one order, whatever the machine
    if "tiny" in wanted:
        make_tiny()
    if "stars-en" in wanted:
        make_stars_en()
    if "entities-en" in wanted:
        make_entities_en()
    if "pytorch" in wanted:
        make_pytorch()
    if "defaults" in wanted:
        make_defaults()
