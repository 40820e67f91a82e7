"""What the encoder of a transformers model computes on its way: hidden states, attention weights, queries, keys, values, contexts.

The first two it gives itself; the others are taken where they pass, by hooks on the linear layers around the attention. Where a
family does something to them behind those, what the dot product takes is taken there: FAMILIES of this file.
"""
import contextlib
from unittest import mock

import torch
from transformers.models.deberta.modeling_deberta import DisentangledSelfAttention
from transformers.models.modernbert import modeling_modernbert
from transformers.models.roformer.modeling_roformer import RoFormerSelfAttention
from transformers.models.xlnet.modeling_xlnet import XLNetRelativeAttention

KINDS = ["queries", "keys", "values", "contexts"]

# How the modules of a family end: those that give queries, keys and values, and that which takes the contexts.
PROJECTIONS = {
    "albert": [".attention.query", ".attention.key", ".attention.value", ".attention.dense"],
    "deberta": [None, None, None, ".attention.output.dense"],
    "deberta-v2": [".self.query_proj", ".self.key_proj", ".self.value_proj", ".attention.output.dense"],
    "distilbert": [".q_lin", ".k_lin", ".v_lin", ".out_lin"],
    "modernbert": [None, None, None, ".attn.Wo"],
    "mpnet": [".attn.q", ".attn.k", ".attn.v", ".attn.o"],
    "roformer": [None, None, ".self.value", ".attention.output.dense"],
    "xlnet": [None, None, None, None],
}
BERT = [".self.query", ".self.key", ".self.value", ".attention.output.dense"]


def joined(heads):
    """[1, heads, tokens, head_size] as [tokens, heads · head_size]."""
    return heads[0].transpose(0, 1).flatten(1)


@contextlib.contextmanager
def hooks(model, seen):
    """Appends to seen[kind] what passes the modules of PROJECTIONS."""
    handles = []
    for kind, ending in zip(KINDS, PROJECTIONS.get(model.config.model_type, BERT)):
        of_kind = [module for name, module in model.named_modules() if ending and name.endswith(ending)]
        for module in of_kind:
            if kind == "contexts":
                handles.append(module.register_forward_pre_hook(lambda _, inputs: seen["contexts"].append(inputs[0][0])))
            else:
                handles.append(module.register_forward_hook(lambda *call, kind=kind: seen[kind].append(call[2][0])))
    yield
    for handle in handles:
        handle.remove()


def modernbert(seen):
    """Behind the turn by positions, and behind the one linear layer of all three."""
    attention = modeling_modernbert.eager_attention_forward

    def record(module, query, key, value, *others, **named):
        for kind, heads in zip(KINDS, [query, key, value]):
            seen[kind].append(joined(heads))
        return attention(module, query, key, value, *others, **named)
    return mock.patch.object(modeling_modernbert, "eager_attention_forward", record)


def roformer(seen):
    """Behind the turn by positions, which is of values as well where the config says so."""
    turn = RoFormerSelfAttention.apply_rotary_position_embeddings

    def record(*heads):
        turned = turn(*heads)
        for kind, those in zip(KINDS, turned):
            if kind == "values":
                seen[kind].pop()  # from before the turn
            seen[kind].append(joined(those))
        return turned
    return mock.patch.object(RoFormerSelfAttention, "apply_rotary_position_embeddings", staticmethod(record))


def deberta(seen):
    """One linear layer gives all three, head by head, without a bias; it joins queries and values behind."""
    forward = DisentangledSelfAttention.forward

    def record(self, hidden_states, *others, **named):
        heads = self.transpose_for_scores(self.in_proj(hidden_states)).chunk(3, dim=-1)
        for kind, those, bias in zip(KINDS, heads, [self.q_bias, torch.zeros_like(self.q_bias), self.v_bias]):
            seen[kind].append(joined(those) + bias)
        return forward(self, hidden_states, *others, **named)
    return mock.patch.object(DisentangledSelfAttention, "forward", record)


def xlnet(seen):
    """No module of torch gives them. The bias of queries is that of the product with keys."""
    attention = XLNetRelativeAttention.rel_attn_core

    def record(self, query, key, value, *others, **named):
        contexts = attention(self, query, key, value, *others, **named)
        for kind, heads in zip(KINDS, [query + self.r_w_bias, key, value, contexts[0]]):
            seen[kind].append(heads[:, 0].flatten(1))  # [tokens, 1, heads, head_size]
        return contexts
    return mock.patch.object(XLNetRelativeAttention, "rel_attn_core", record)


FAMILIES = {"modernbert": modernbert, "roformer": roformer, "deberta": deberta, "xlnet": xlnet}


def encoder_outputs(model, row):
    """Of one row of ids, {"input_ids", perhaps "token_type_ids"}: for each kind a list of tensors, one for each layer."""
    seen = {kind: [] for kind in KINDS}
    family = FAMILIES.get(model.config.model_type, lambda _: contextlib.nullcontext())
    with torch.no_grad(), hooks(model, seen), family(seen):
        output = model(**{name: torch.tensor([ids]) for name, ids in row.items()}, output_attentions=True, output_hidden_states=True)
    layers = len(output.attentions)
    for kind in KINDS:  # DeBERTa-v2 may take the vectors of distances through the layers of queries and keys as well, behind the tokens
        seen[kind] = seen[kind][:: len(seen[kind]) // layers]
    if model.config.model_type == "convbert":  # behind the contexts stands what it convolves
        seen["contexts"] = [both[:, : values.shape[1]] for both, values in zip(seen["contexts"], seen["values"])]
    return {"logits": output.logits[0], "hidden_states": [states[0] for states in output.hidden_states],
            "attentions": [weights[0] for weights in output.attentions]} | seen
