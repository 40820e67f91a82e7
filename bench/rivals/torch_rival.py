"""torch with transformers, scaled_dot_product_attention, inference mode."""

import torch
import transformers

PACKAGES = ["torch", "transformers"]


def load(checkpoint, threads, dtype):
    """{setting: run}, run(batches) gives logits a batch; the fastest setting counts."""
    if dtype != "f32":
        raise NotImplementedError(f"torch is compared in f32, not in {dtype}")
    torch.set_num_threads(threads)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(checkpoint, attn_implementation="sdpa", dtype=torch.float32)
    model.eval()
    names = ["input_ids", "attention_mask"] + ["token_type_ids"] * (model.config.model_type == "bert")

    def run(batches):
        with torch.inference_mode():
            return [model(**{name: torch.from_numpy(batch[name]) for name in names}).logits.numpy() for batch in batches]

    return {"sdpa": run}
