#!/usr/bin/env python3
"""Compares `filbert explain` of entities with plain torch over transformers: occlusion by masked ids, integrated gradients by a loop over the points.

    tests/parity/entity_explanations_parity.py build/release/filbert [CHECKPOINT …]

Needs numpy, torch and transformers 5. Without a CHECKPOINT the token classifiers of tests/data/families whose tokenizer transformers gives
the same ids. Prints the greatest difference of each method relative to the largest value of an entity; exits 1 where one is above 1e-4.
"""
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
import transformers

ROOT = Path(__file__).resolve().parent.parent.parent
TOLERANCE = 1e-4
NUM_STEPS = 20
FAMILIES = ("bert", "distilbert", "electra", "roberta", "xlm-roberta", "deberta-v2")
TEXTS = ["one of the best rooms we ever had", "It's fine, isn't it?"]


def filbert(command, checkpoint, text, target):
    done = subprocess.run([command, "explain", "--model", checkpoint, "--method", "occlusion,integrated_gradients", "--target", target, "--format", "json",
                           "--num-steps", str(NUM_STEPS), "--dtype", "f32", text], capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


class Torch:
    def __init__(self, checkpoint):
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint)
        self.model = transformers.AutoModelForTokenClassification.from_pretrained(checkpoint, dtype=torch.float32, attn_implementation="eager").eval()
        self.words = self.model.get_input_embeddings()
        self.types = {}
        for label, index in self.model.config.label2id.items():
            self.types.setdefault(label[2:] if label[:2] in ("B-", "I-") else label, []).append(index)

    def encode(self, text):
        return self.tokenizer(text, truncation=True, max_length=self.model.config.max_position_embeddings, return_tensors="pt", return_offsets_mapping=True,
                              return_special_tokens_mask=True)

    def score(self, logits, found):
        """[rows] from [rows, tokens, labels]"""
        own = logits[:, found["entity_tokens"]][:, :, self.types[found["label"]]]
        if found["target"] == "logit":
            return own.logsumexp(-1).mean(-1)
        return (own.logsumexp(-1) - logits[:, found["entity_tokens"]].logsumexp(-1)).exp().mean(-1)

    def occlusion(self, encoding, found):
        places = encoding["offset_mapping"][0].tolist()
        special = encoding["special_tokens_mask"][0].tolist()
        rows = [encoding["input_ids"][0]]
        for unit in found["methods"]["occlusion"]["units"]:
            inside = [not is_special and begin < unit["end"] and end > unit["start"] for (begin, end), is_special in zip(places, special)]
            rows.append(torch.where(torch.tensor(inside), torch.full_like(rows[0], self.tokenizer.mask_token_id), rows[0]))
        with torch.no_grad():
            scores = self.score(self.model(input_ids=torch.stack(rows)).logits.double(), found)
        return (scores[0] - scores[1:]).tolist()

    def integrated_gradients(self, encoding, found):
        special = encoding["special_tokens_mask"].bool()
        ids = encoding["input_ids"]
        x = self.words(ids).detach()
        baseline = self.words(torch.where(special, ids, torch.full_like(ids, self.model.config.pad_token_id))).detach()
        nodes, weights = np.polynomial.legendre.leggauss(NUM_STEPS)
        mean = torch.zeros_like(x, dtype=torch.float64)
        for node, weight in zip(nodes, weights):
            at = (baseline + (node + 1) / 2 * (x - baseline)).float().requires_grad_()
            self.score(self.model(inputs_embeds=at).logits, found).sum().backward()
            mean += weight / 2 * at.grad.double()
        return ((x - baseline).double() * mean)[0].sum(-1).tolist()


def difference(found, expected):
    largest = max(abs(value) for value in expected)
    return max(abs(a - b) for a, b in zip(found, expected, strict=True)) / max(largest, 1e-6)


def main():
    command = sys.argv[1]
    checkpoints = sys.argv[2:] or [str(ROOT / "tests" / "data" / "families" / family / "token-shards") for family in FAMILIES]
    greatest = {"occlusion": 0.0, "integrated_gradients": 0.0}
    entities = 0
    for checkpoint in checkpoints:
        reference = Torch(checkpoint)
        for text in TEXTS:
            encoding = reference.encode(text)
            for target in ("probability", "logit"):
                for found in filbert(command, checkpoint, text, target):
                    entities += 1
                    occlusion = [unit["value"] for unit in found["methods"]["occlusion"]["units"]]
                    gradients = found["methods"]["integrated_gradients"]["token_values"]
                    for method, own, expected in (("occlusion", occlusion, reference.occlusion(encoding, found)),
                                                  ("integrated_gradients", gradients, reference.integrated_gradients(encoding, found))):
                        off = difference(own, expected)
                        greatest[method] = max(greatest[method], off)
                        if off > TOLERANCE:
                            print(f"{checkpoint}, {method} of {found['entity']} in {text!r}, {target}:\n  torch:   {expected}\n  filbert: {own}")
    for method, off in greatest.items():
        print(f"{method}: {entities} entities of {len(checkpoints)} checkpoints, greatest difference {off:.1e} of the largest value")
    sys.exit(entities == 0 or any(off > TOLERANCE for off in greatest.values()))


if __name__ == "__main__":
    main()
