"""The same calls to transformers and to filbert: the same answers, in the same shape. Runs where FILBERT_TRANSFORMERS_PYTHON names a Python that has
transformers 5 and torch. The calls are those that transformers' own tests of the two pipelines make, and more; docs/python.md lists them."""

import json
import os
import pathlib
import subprocess
import warnings

import pytest

import filbert
import transformers_answers
from conftest import ROOT, TEXTS

PYTHON = os.environ.get("FILBERT_TRANSFORMERS_PYTHON", "/usr/bin/python3")
TOLERANCE = 1e-4  # contract 1: the order of f32 sums

LONG = "this is a long text about a good book and a bad film " * 20
WORDS = ["i", "lovebook", "film", "good"]

# Classifications of texts: (inputs, options of the call)
TEXT_CALLS = [
    ("This is great !", {}),
    ("This is great !", {"top_k": 2}),
    (["This is great !", "This is bad"], {"top_k": 2}),
    ("This is great !", {"top_k": 1}),
    ("This is great !", {"top_k": None}),
    (["This is great !"], {}),
    (["This is great !"], {"top_k": 1}),
    (["This is great !"], {"top_k": None}),
    (TEXTS, {}),
    (TEXTS, {"top_k": None}),
    (TEXTS, {"batch_size": 2}),
    (TEXTS, {"top_k": 99}),
    ("This is great !", {"function_to_apply": "sigmoid"}),
    ("This is great !", {"function_to_apply": "softmax", "top_k": None}),
    ("This is great !", {"function_to_apply": "none", "top_k": None}),
    ("This is great !", {"function_to_apply": "NONE", "top_k": None}),
    ({"text": "HuggingFace is in", "text_pair": "Paris is in France"}, {}),
    ({"text": "HuggingFace is in", "text_pair": "Paris is in France"}, {"top_k": None}),
    ({"text": "This is great !"}, {}),
    ([{"text": "good", "text_pair": "bad"}, {"text": "good"}], {}),
    ([[["good", "bad"]]], {}),
    ([[["good", "bad"]]], {"top_k": None}),
    ({"generator": TEXTS}, {}),
    ({"generator": TEXTS}, {"top_k": 2}),
    ({"generator": []}, {}),
    (LONG, {"truncation": True}),
    (LONG, {"truncation": True, "max_length": 8}),
    ([LONG, "good"], {"truncation": True, "max_length": 8, "padding": True}),
    ({"text": LONG, "text_pair": LONG}, {"truncation": "longest_first", "max_length": 20}),
    ({"text": LONG, "text_pair": "good"}, {"truncation": "only_first", "max_length": 20}),
]
# What both refuse.
REFUSED_TEXT_CALLS = [([["good", "bad"]], {}), (None, {}), (3, {}), ([None], {}), ([3], {}), ("good", {"function_to_apply": "tanh"})]

TOKEN_CALLS = [(text, {"aggregation_strategy": strategy, **more})
               for text in ("i really lovefilm this book", ["good film!", "the book was bad; not good"], "")
               for strategy in ("none", "simple", "first", "average", "max")
               for more in ({}, {"ignore_labels": []}, {"ignore_labels": ["O", "PER"]})]
TOKEN_CALLS += [({"generator": TEXTS}, {"aggregation_strategy": "simple"}), (TEXTS, {"batch_size": 2}),
                (LONG, {"aggregation_strategy": "simple", "stride": 8}),
                (LONG, {"aggregation_strategy": "first", "stride": 0, "ignore_labels": []}), (LONG, {"ignore_labels": []}),
                ([WORDS], {"is_split_into_words": True, "ignore_labels": []}), (WORDS, {"is_split_into_words": True, "ignore_labels": []}),
                ([WORDS, WORDS[:2]], {"is_split_into_words": True, "aggregation_strategy": "simple", "delimiter": "--", "ignore_labels": []})]
REFUSED_TOKEN_CALLS = [([], {}), (None, {}), ("good", {"aggregation_strategy": "none", "stride": 3}),
                       ("good", {"aggregation_strategy": "simple", "stride": 64}),
                       ("good", {"aggregation_strategy": "last"}), ([None], {})]

METHODS = [["word_ids", []], ["tokens", []], ["sequence_ids", []], *[["token_to_chars", [token]] for token in range(5)],
           *[["char_to_token", [char]] for char in range(9)], ["word_to_tokens", [0]],
           ["word_to_chars", [0]], ["token_to_word", [1]], ["token_to_sequence", [1]], ["char_to_word", [0]]]
TOKENIZER_CALLS = [
    (["I really lovefilm this book"], {}),
    (["good film", "bad"], {}),
    (["good film", ""], {}),
    (["I really lovefilm this book"], {"return_tensors": "np"}),
    (["I really lovefilm this book"], {"add_special_tokens": False}),
    (["I really lovefilm this book"], {"padding": "max_length", "max_length": 12, "truncation": True}),
    (["I really lovefilm this book"], {"padding": "max_length", "max_length": 12}),
    (["I really lovefilm this book"], {"max_length": 5}),
    (["good", "a long second text of the pair"], {"max_length": 8, "truncation": "only_second"}),
    (["a long first text of the pair", "good"], {"max_length": 8, "truncation": "only_first"}),
    (["a long first text of the pair", "and a long second one"], {"max_length": 9, "truncation": True}),
    (["good film"], {"padding": True, "pad_to_multiple_of": 8}),
    (["good film"], {"padding": "max_length", "max_length": 9, "padding_side": "left", "return_special_tokens_mask": True,
                     "return_offsets_mapping": True}),
    (["good film"], {"return_token_type_ids": False, "return_attention_mask": False, "return_special_tokens_mask": True,
                     "return_offsets_mapping": True, "return_length": True}),
    (["i love this book and this film"], {"max_length": 5, "stride": 1, "truncation": True, "return_overflowing_tokens": True}),
    (["i love this book and this film"], {"max_length": 6, "stride": 2, "truncation": True, "return_overflowing_tokens": True, "padding": True,
                                          "return_offsets_mapping": True}),
    ([WORDS], {"is_split_into_words": True, "return_offsets_mapping": True}),
]
BATCH_CALLS = [
    ([TEXTS], {}), ([TEXTS], {"padding": True}), ([TEXTS], {"padding": True, "return_tensors": "np"}),
    ([TEXTS], {"padding": "longest", "padding_side": "left"}),
    ([TEXTS], {"padding": True, "truncation": True, "max_length": 6}),
    ([TEXTS, TEXTS[::-1]], {"padding": True, "return_token_type_ids": True}),
    ([TEXTS], {"truncation": True, "max_length": 6, "stride": 2, "return_overflowing_tokens": True, "padding": True, "return_tensors": "np"}),
    ([[WORDS, WORDS[:2]]], {"is_split_into_words": True, "padding": True}), ([[["good", "film"], ["bad", "book"]]], {}),
]


def has_transformers():
    test = "import sys, torch, transformers; sys.exit(transformers.__version__ < '5')"
    try:
        return subprocess.run([PYTHON, "-c", test], capture_output=True).returncode == 0
    except OSError:
        return False


pytestmark = pytest.mark.skipif(not has_transformers(), reason="FILBERT_TRANSFORMERS_PYTHON names no Python that has transformers 5 and torch")


def calls_of_families():
    """Tokenizers and pipelines of every family that is read, on checkpoints of random weights, some in F16, in which transformers would compute."""
    calls, exact = [], {"dtype": "float32"}
    # Not xlnet: docs/python.md says what differs there on purpose.
    for family in sorted(path for path in (ROOT / "tests/data/families").iterdir() if path.is_dir() and path.name != "xlnet"):
        texts, tokens, ids = str(family / "sequence"), str(family / "token-shards"), list(range(4, 24))
        calls.append({"what": "tokenizer", "model": texts, "arguments": ["I really lovefilm it!", "second one"], "call": {}, "methods": METHODS})
        calls.append({"what": "tokenizer", "model": texts, "arguments": [["a", "I really lovefilm"]], "call": {"padding": True, "return_special_tokens_mask": True}})
        calls += [{"what": "decode", "model": texts, "ids": ids, "call": {"skip_special_tokens": skip}} for skip in (False, True)]
        calls.append({"what": "pipeline", "task": "text-classification", "model": texts, "options": exact, "inputs": ["I love it", "not good"],
                      "call": {"top_k": None}})
        calls += [{"what": "pipeline", "task": "token-classification", "model": tokens, "options": exact, "inputs": "I lovefilm it, really!",
                   "call": {"aggregation_strategy": strategy, "ignore_labels": []}} for strategy in ("none", "average")]
    return calls


def as_calls(tiny, entities, plain_entities):
    calls = [{"what": "pipeline", "task": "text-classification", "model": tiny, "inputs": inputs, "call": call} for inputs, call in TEXT_CALLS]
    calls += [{"what": "pipeline", "task": "text-classification", "model": tiny, "options": {"top_k": None}, "inputs": inputs} for inputs in ("good", ["good"])]
    calls += [{"what": "pipeline", "task": "token-classification", "model": entities, "inputs": inputs, "call": call} for inputs, call in TOKEN_CALLS]
    calls += [{"what": "pipeline", "task": "token-classification", "model": plain_entities, "inputs": inputs, "call": call} for inputs, call in TOKEN_CALLS]
    calls += calls_of_families()
    calls += [{"what": "tokenizer", "model": tiny, "arguments": arguments, "call": call, "methods": METHODS} for arguments, call in TOKENIZER_CALLS]
    of_the_second_row = [["word_ids", [1]], ["tokens", [1]], ["token_to_chars", [1, 1]]]
    calls += [{"what": "tokenizer", "model": tiny, "arguments": arguments, "call": call, "methods": of_the_second_row}
              for arguments, call in BATCH_CALLS]
    calls += [{"what": "decode", "model": tiny, "ids": ids, "call": call} for ids in ([2, 5, 6, 7, 3, 0, 0], [[2, 8, 3], [2, 3]], 7)
              for call in ({}, {"skip_special_tokens": True}, {"clean_up_tokenization_spaces": True})]
    calls += [{"what": "model", "model": tiny, "texts": TEXTS, "options": options, "call": call}
              for options, call in [({}, {}), ({"attn_implementation": "eager"}, {"output_hidden_states": True, "output_attentions": True})]]
    refused = [{"what": "pipeline", "task": "text-classification", "model": tiny, "inputs": inputs, "call": call} for inputs, call in REFUSED_TEXT_CALLS]
    refused += [{"what": "pipeline", "task": "token-classification", "model": entities, "inputs": inputs, "call": call} for inputs, call in REFUSED_TOKEN_CALLS]
    return calls, refused


@pytest.fixture(scope="module")
def both(tiny, entities, plain_entities):
    """(the calls that are answered, those that are refused, what transformers says to all of them, what filbert says)"""
    calls, refused = as_calls(tiny, entities, plain_entities)
    script = pathlib.Path(transformers_answers.__file__)
    done = subprocess.run([PYTHON, str(script)], input=json.dumps(calls + refused), capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-2000:]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours = transformers_answers.answers(filbert, calls + refused)
    return calls, refused, json.loads(done.stdout), json.loads(json.dumps(ours))


def difference(theirs, ours, where="") -> str:
    """Where two answers differ, in words; scores and logits may by TOLERANCE."""
    if isinstance(theirs, float) and isinstance(ours, (int, float)):
        return "" if abs(theirs - ours) <= TOLERANCE else f"{where}: {theirs} and {ours}"
    if type(theirs) is not type(ours):
        return f"{where}: {theirs!r} and {ours!r}"
    if isinstance(theirs, dict):
        if list(theirs) != list(ours):
            return f"{where}: keys {list(theirs)} and {list(ours)}"
        found = [difference(theirs[key], ours[key], f"{where}.{key}") for key in theirs]
    elif isinstance(theirs, list):
        if len(theirs) != len(ours):
            return f"{where}: {len(theirs)} and {len(ours)} entries: {str(theirs)[:200]} and {str(ours)[:200]}"
        found = [difference(one, other, f"{where}[{place}]") for place, (one, other) in enumerate(zip(theirs, ours))]
    else:
        return "" if theirs == ours else f"{where}: {theirs!r} and {ours!r}"
    return next((each for each in found if each), "")


def check(both, what, task=None):
    calls, _, theirs, ours = both
    faults, seen = [], 0
    for call, their, our in zip(calls, theirs, ours):
        if call["what"] != what or call.get("task") != task:
            continue
        seen += 1
        fault = difference(their, our)
        if fault:
            faults.append(f"{json.dumps({key: value for key, value in call.items() if key != 'methods'})[:300]}\n    {fault}")
    assert seen > 0 and not faults, "\n".join(faults)


def test_text_classification(both):
    check(both, "pipeline", "text-classification")


def test_token_classification(both):
    check(both, "pipeline", "token-classification")


def test_tokenizer_calls(both):
    check(both, "tokenizer")


def test_decoding(both):
    check(both, "decode")


def test_models(both):
    check(both, "model")


def test_what_transformers_refuses_is_refused(both):
    calls, refused, theirs, ours = both
    for call, their, our in zip(refused, theirs[len(calls) :], ours[len(calls) :]):
        assert "error" in their and "error" in our, (call, their, our)
