#!/usr/bin/env python3
"""Writes tests/data/families/outputs.json: what passes inside the encoders of some of the tiny checkpoints beside it, by transformers.

    tools/make_outputs_goldens.py

Of one row of each checkpoint and its last layer: the attention weights, and of the last token, where positions tell most, what the layer
takes and gives, query, key, value and context. tests/parity/outputs_parity.py compares all the rest, where transformers is at hand.
"""
import json

import torch
import transformers

from make_family_goldens import ROOT, load
from make_goldens import versions
from transformers_outputs import KINDS, encoder_outputs

ROW = 2  # of goldens.json: a pair
# The cells whose config takes another way than that of "sequence": values that turn, groups of layers, attention in the bottleneck.
MORE = ["roformer/token-shards", "albert/sequence-v4-bin", "mobilebert/token-shards"]


def numbers(tensor):
    return [float(f"{number:.7g}") for number in tensor.flatten().tolist()]


def outputs_of(fixture):
    goldens = json.loads((ROOT / fixture / "goldens.json").read_text(encoding="utf-8"))
    row = goldens["rows"][ROW]
    answer = encoder_outputs(load(ROOT / fixture, goldens["made"]["head"]),
                             {key: row[key] for key in ["input_ids", "token_type_ids"] if key in row})
    inside = {"attentions": numbers(answer["attentions"][-1])}
    inside["hidden_states"] = [numbers(states[-1]) for states in answer["hidden_states"][-2:]]
    return {"fixture": fixture, "layer": len(answer["attentions"]) - 1} | inside | {kind: numbers(answer[kind][-1][-1]) for kind in KINDS}


if __name__ == "__main__":
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)
    fixtures = sorted(f"{path.parent.name}/sequence" for path in ROOT.glob("*/sequence")) + MORE
    made = versions() | {"made_by": "tools/make_outputs_goldens.py", "row": ROW}
    lines = ",\n".join(json.dumps(outputs_of(fixture), separators=(",", ":")) for fixture in fixtures)
    (ROOT / "outputs.json").write_text(f'{{"made": {json.dumps(made)},\n"outputs": [\n{lines}\n]}}\n', encoding="utf-8")
