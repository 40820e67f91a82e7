#!/usr/bin/env python3
"""Writes tests/data/explain/gradients.json: what captum makes of texts with the built-in model, rollout of attention with torch's gradients, and numpy's Gauss-Legendre rules.

    pip install captum==0.9.0 transformers==5.24.0
    tools/make_gradient_goldens.py

Values are those of tokens: lengths for saliency, sums over the embedding's numbers for the others. tests/parity/gradients_parity.py
compares many texts live, by what stands here.
"""
import json
from pathlib import Path

import captum
import numpy as np
import torch
import transformers
from captum.attr import InputXGradient, IntegratedGradients, LayerIntegratedGradients, Saliency

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "models" / "stars-en"
VERSIONS = {"made_by": "tools/make_gradient_goldens.py", "captum": captum.__version__, "transformers": transformers.__version__,
            "torch": torch.__version__, "numpy": np.__version__}
TEXTS = [("I really love this book\n", None), ("The film was not as good as the book, but I loved it!", None), ("bad", None),
         ("It arrived late and broken. 🙂 Unbelievable…", None), ("Is it good?", "No, the room was cold and the staff rude.")]
RULES = [2, 3, 5, 10, 20, 50, 100, 199, 300]


class Captum:
    """A classifier's gradients as captum has them."""

    def __init__(self, directory):
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
        self.model = transformers.AutoModelForSequenceClassification.from_pretrained(directory, dtype=torch.float32, attn_implementation="eager").eval()
        self.embeddings = self.model.base_model.embeddings
        self.words = self.model.get_input_embeddings()

    def encode(self, text, text_pair=None):
        return self.tokenizer(text, text_pair, truncation=True, max_length=self.model.config.max_position_embeddings, return_tensors="pt",
                              return_special_tokens_mask=True)

    def baseline_ids(self, encoding, token_id):
        special = encoding["special_tokens_mask"].bool()
        return torch.where(special, encoding["input_ids"], torch.full_like(encoding["input_ids"], token_id))

    def score(self, target):
        def of(logits):
            return logits if target == "logit" else torch.softmax(logits, -1)
        return of

    def of_words(self, method, encoding, label, target, baseline="pad", num_steps=50):
        """[tokens] on inputs_embeds, and for integrated gradients what they miss."""
        types = encoding["token_type_ids"]
        of = self.score(target)

        def forward(embeds):
            return of(self.model(inputs_embeds=embeds, token_type_ids=types.expand(len(embeds), -1)).logits)

        x = self.words(encoding["input_ids"]).detach()
        if method == "saliency":
            return Saliency(forward).attribute(x, target=label)[0].norm(dim=-1).tolist(), None
        if method == "input_x_gradient":
            return InputXGradient(forward).attribute(x.requires_grad_(), target=label)[0].sum(-1).tolist(), None
        found, gap = IntegratedGradients(forward).attribute(x, baselines=self.baseline(encoding, baseline), target=label, n_steps=num_steps,
                                                            return_convergence_delta=True)
        return found[0].sum(-1).tolist(), -float(gap[0])

    def baseline(self, encoding, baseline):
        if baseline == "zero":
            return torch.zeros_like(self.words(encoding["input_ids"])).detach()
        if baseline == "mean":
            words = self.words(encoding["input_ids"]).detach().clone()
            words[~encoding["special_tokens_mask"].bool()] = self.words.weight.detach().double().mean(0).float()
            return words
        token_id = self.tokenizer.pad_token_id if baseline == "pad" else self.tokenizer.mask_token_id
        return self.words(self.baseline_ids(encoding, token_id)).detach()

    def of_embeddings(self, encoding, label, target, num_steps=50):
        """Integrated gradients of what the embeddings give."""
        of = self.score(target)

        def forward(ids, types):
            return of(self.model(input_ids=ids, token_type_ids=types).logits)

        ids = self.baseline_ids(encoding, self.tokenizer.pad_token_id)
        found, gap = LayerIntegratedGradients(forward, self.embeddings).attribute(
            encoding["input_ids"], baselines=ids, additional_forward_args=(encoding["token_type_ids"],), target=label, n_steps=num_steps,
            return_convergence_delta=True)
        return found[0].sum(-1).tolist(), -float(gap[0])

    def of_attention(self, method, encoding, label, target):
        """[tokens] by the formulas of the papers, on the attention that the model returns."""
        output = self.model(input_ids=encoding["input_ids"], token_type_ids=encoding["token_type_ids"], output_attentions=True)
        one = torch.eye(encoding["input_ids"].shape[1], dtype=torch.float64)
        product = one
        slopes = torch.autograd.grad(self.score(target)(output.logits)[0, label], output.attentions)
        for weights, slope in zip(output.attentions, slopes):
            if method == "attention_rollout":
                product = (weights[0].detach().double().mean(0) + one) / 2 @ product
            else:
                product = product + (weights[0].detach() * slope[0]).clamp(min=0).double().mean(0) @ product
        shares = product[0].tolist()
        return [0.0, *shares[1:]], None

    def label(self, encoding):
        with torch.no_grad():
            return int(self.model(input_ids=encoding["input_ids"], token_type_ids=encoding["token_type_ids"]).logits[0].argmax())


def case(captum_of, text, text_pair, target):
    encoding = captum_of.encode(text, text_pair)
    label = captum_of.label(encoding)
    methods = []

    def add(method, found, **options):
        methods.append({"method": method, "token_values": found[0], **({"gap": found[1]} if found[1] is not None else {}), **options})

    for method in ("saliency", "input_x_gradient"):
        add(method, captum_of.of_words(method, encoding, label, target))
    for baseline in ("pad", "mask", "mean", "zero"):
        add("integrated_gradients", captum_of.of_words("integrated_gradients", encoding, label, target, baseline), baseline=baseline)
    for method in ("attention_rollout", "attention_gradient"):
        add(method, captum_of.of_attention(method, encoding, label, target))
    add("integrated_gradients", captum_of.of_embeddings(encoding, label, target), baseline="pad", embedding="embeddings")
    return {"text": text, **({"text_pair": text_pair} if text_pair else {}), "target": target,
            "label": captum_of.model.config.id2label[label], "methods": methods}


def main():
    torch.set_num_threads(2)
    captum_of = Captum(MODEL)
    cases = [case(captum_of, text, pair, target) for text, pair in TEXTS for target in ("probability", "logit")]
    rules = []
    for count in RULES:
        nodes, weights = np.polynomial.legendre.leggauss(count)
        rules.append({"nodes": nodes.tolist(), "weights": weights.tolist()})
    path = ROOT / "tests" / "data" / "explain" / "gradients.json"
    path.write_text(json.dumps({"made": VERSIONS, "cases": cases, "gauss_legendre": rules}, ensure_ascii=False, separators=(",", ":")) + "\n")
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
