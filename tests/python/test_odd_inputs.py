"""Calls with whatever Python has, in a seeded order: an answer or an exception that says what was wrong, never the end of the interpreter."""

import random
import warnings

import numpy

from filbert import AutoModelForSequenceClassification, AutoTokenizer, FilbertClassifier, classify, pipeline

VALUES = [
    None, 0, -1, 1, 3.5, float("nan"), float("inf"), True, 2**70, -(2**70), b"x", bytearray(b"y"), memoryview(b"q"), "", "a", "\ud800", "\x00", "a\x00b", "x" * 9999,
    [], [[]], [None], ["a"], [["a"]], [["a", "b"]], [[1, 2], [3]], [[2**70]], {}, {"text": "a"}, {"text": []}, {"text": "a", "text_pair": 3}, (), ("a",), set(),
    object(), type, range(3), numpy.array(["a"]), numpy.array([1, 2]), numpy.array([["a"]]), numpy.array([[1, 2]]), numpy.array([[1.5]]),
    numpy.zeros((2, 0), int), numpy.float64(2), numpy.str_("z"), numpy.int64(4),
]
TOKENIZER_OPTIONS = ["padding", "truncation", "max_length", "stride", "return_overflowing_tokens", "pad_to_multiple_of", "padding_side", "return_tensors",
                     "is_split_into_words", "return_length", "return_offsets_mapping", "add_special_tokens"]
PIPELINE_OPTIONS = ["top_k", "function_to_apply", "truncation", "max_length", "long_text", "stride", "combine", "threshold", "use_decision", "batch_size"]
MODEL_OPTIONS = ["attention_mask", "token_type_ids", "output_hidden_states", "output_attentions"]
EXPECTED = (TypeError, ValueError, NotImplementedError, KeyError, FileNotFoundError)


def test_nothing_ends_the_interpreter(tiny):
    source = random.Random(5)
    tokenizer, model = AutoTokenizer.from_pretrained(tiny), AutoModelForSequenceClassification.from_pretrained(tiny)
    classifier, estimator = pipeline(model=model), FilbertClassifier(model)
    answered = refused = 0

    def some(names, most):
        return {name: source.choice(VALUES) for name in source.sample(names, source.randint(0, most))}

    def calls():
        value = lambda: source.choice(VALUES)  # noqa: E731
        yield lambda: tokenizer(value(), **some(TOKENIZER_OPTIONS, 2))
        yield lambda: tokenizer(value(), value())
        yield lambda: classifier(value(), **some(PIPELINE_OPTIONS, 1))
        yield lambda: model(value(), **some(MODEL_OPTIONS, 1))
        yield lambda: classify(value(), model=classifier, on_error=source.choice(["row", "raise"]))
        yield lambda: tokenizer.decode(value(), value())
        yield lambda: tokenizer.convert_ids_to_tokens(value())
        yield lambda: tokenizer.convert_tokens_to_ids(value())
        yield lambda: estimator.predict_proba(value())
        yield lambda: AutoTokenizer.from_pretrained(value())

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(300):
            for call in calls():
                try:
                    call()
                    answered += 1
                except EXPECTED:
                    refused += 1
    assert answered > 300 and refused > 1000
