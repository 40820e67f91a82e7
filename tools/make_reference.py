#!/usr/bin/env python3
"""Records what transformers computes from a checkpoint, for `filbert verify` to compare with where there is no Python.

    tools/make_reference.py DIR [FILE]    FILE is DIR/filbert_reference.json by default

Needs transformers and torch. The texts are those below: short and long ones, pairs, many scripts, and what tokenizers trip over. Written are the
ids and the f32 logits of each, the versions that gave them, and the sha256 of the weights, so that a reference of other weights fails
instead of passing for one of these. Refuses a checkpoint whose head transformers would make up.
"""
import hashlib
import json
import platform
import sys
from pathlib import Path

import tokenizers
import torch
import transformers
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoModelForTokenClassification, AutoTokenizer

LONG = ("The first part is slow, and nothing in it says where the story will go. Then, on page 90, everything changes: two letters arrive, "
        "a house is sold, and a child asks the one question that nobody had thought of. I liked that. ")
TEXTS = [
    "I really love this book", "i really hate this book", "Great!", "It broke after 3 days... never again!!!", "OK",
    "Not bad, but not good either; I expected more for 49.99 $.", "The battery lasts 10 hours (as promised), the screen doesn't.",
    "Das Gerät ist großartig, die Lieferung kam pünktlich.", "Leider völlig überteuert und nach zwei Wochen kaputt.",
    "Ce produit est génial, je le recommande à tous mes amis !", "Très déçu : l'écran est arrivé cassé.",
    "¡Me encanta! Volvería a comprarlo mañana mismo.", "El servicio fue malísimo, ¿quién responde ahora?",
    "Ottimo prodotto, perché non l'ho comprato prima?", "Niet zo goed als ik had gehoopt.", "Zdjęcia są piękne, ale bateria słaba.",
    "Очень хорошая книга, читал всю ночь.", "Ужасно, деньги на ветер.", "Το βιβλίο είναι υπέροχο.", "الكتاب رائع جدا", "הספר הזה נהדר",
    "किताब बहुत अच्छी है।", "หนังสือเล่มนี้ดีมาก", "这本书非常好，我很喜欢。", "質量太差，退貨了。", "この本は最高です！", "이 책은 정말 좋아요.", "Cuốn sách này rất hay",
    "Çok güzel bir ürün, İstanbul'dan sipariş verdim.", "naïve café, Zürich, Åse, Œuvre, straße", "cafe\u0301 and nai\u0308ve, decomposed",
    "Loved it 😍👍🏽 10/10 👨‍👩‍👧", "see https://example.org/a?b=1&c=2 or mail me@example.org", "#fail @shop WHY???", "don't won't it's O'Neill rock'n'roll",
    "supercalifragilisticexpialidocious antidisestablishmentarianism", "x" * 120, "1,234.56 € = 1.234,56 EUR; 5½ km²", "", " ", "\t two  spaces\n and lines\r\n",
    "zero\u200bwidth soft\u00adhyphen no\u00a0break", "[CLS] or <s> and [MASK] or <mask> in a text", LONG, LONG * 30, ("很长的文字，" * 200),
]
PAIRS = [
    ("Is it good?", "I really love this book"), ("Ist es gut?", "Leider nein, es ist völlig überteuert."), ("", "only the second"),
    (LONG * 12, LONG * 12), ("short", LONG * 30), (LONG * 30, "short"),
]


def weight_files(directory):
    """Those that transformers and Filbert read, by preference."""
    for name in ["model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json"]:
        path = directory / name
        if path.exists():
            if not name.endswith(".index.json"):
                return [path]
            return [directory / part for part in sorted(set(json.loads(path.read_text())["weight_map"].values()))]
    sys.exit(f"{directory}: expected model.safetensors or pytorch_model.bin, found neither")


def load(directory):
    heads = AutoConfig.from_pretrained(directory).architectures or [""]
    auto = AutoModelForTokenClassification if heads[0].endswith("ForTokenClassification") else AutoModelForSequenceClassification
    model, report = auto.from_pretrained(directory, dtype=torch.float32, output_loading_info=True)
    missing = sorted(report["missing_keys"])
    if missing:
        sys.exit(f"{directory}: the weights lack {', '.join(missing)}: transformers would draw them at random")
    return model.eval()


def longest(tokenizer, model):
    """Tokens of the longest row: families that begin to count positions behind the padding token have fewer than rows in their table."""
    lengths = [512 if tokenizer.model_max_length > 1e20 else tokenizer.model_max_length]
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, torch.nn.Embedding):
            padding = module.padding_idx
            lengths.append(module.num_embeddings - (0 if padding is None else padding + 1))
    return min(lengths)


def rows(tokenizer, model, max_length):
    for text, pair in [(text, None) for text in TEXTS] + PAIRS:
        encoding = tokenizer(text, pair, truncation=True, max_length=max_length, return_tensors="pt")
        if encoding["input_ids"].shape[1] == 0:
            continue  # a tokenizer without special tokens, and no text
        with torch.no_grad():
            logits = model(**encoding).logits[0].tolist()
        if not torch.isfinite(torch.tensor(logits)).all():
            sys.exit(f"the model gives {logits} for {text[:40]!r}")
        row = {"text": text} | ({"text_pair": pair} if pair is not None else {}) | {"input_ids": encoding["input_ids"][0].tolist()}
        if "token_type_ids" in encoding:
            row["token_type_ids"] = encoding["token_type_ids"][0].tolist()
        yield row | {"logits": logits}


def main(directory, out):
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)  # sums in one order, whatever the machine
    tokenizer, model = AutoTokenizer.from_pretrained(directory), load(directory)
    max_length = longest(tokenizer, model)
    head = {"made": {"made_by": "tools/make_reference.py", "transformers": transformers.__version__, "torch": torch.__version__,
                     "tokenizers": tokenizers.__version__, "python": platform.python_version()},
            "model_sha256": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in weight_files(directory)},
            "max_length": max_length}
    lines = [json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows(tokenizer, model, max_length)]
    out.write_text(json.dumps(head)[:-1] + ', "rows": [\n' + ",\n".join(lines) + "\n]}\n", encoding="utf-8")
    print(f"{out}: {len(lines)} texts, cut to {max_length} tokens")


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 3 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    directory = Path(sys.argv[1])
    main(directory, Path(sys.argv[2]) if len(sys.argv) == 3 else directory / "filbert_reference.json")
