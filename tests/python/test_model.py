"""Models called with arrays, as transformers' models are."""

import pickle

import numpy
import pytest

from filbert import AutoConfig, AutoModel, AutoModelForSequenceClassification, AutoModelForTokenClassification, AutoTokenizer, classify
from conftest import ROOT, TEXTS


@pytest.fixture(scope="module")
def model(tiny):
    return AutoModelForSequenceClassification.from_pretrained(tiny)


@pytest.fixture(scope="module")
def tokenizer(tiny):
    return AutoTokenizer.from_pretrained(tiny)


def test_a_row_says_the_same_alone_and_padded(model, tokenizer):
    together = model(**tokenizer(TEXTS, padding=True, return_tensors="np")).logits
    assert together.shape == (len(TEXTS), 5) and together.dtype == numpy.float32
    for row, text in enumerate(TEXTS):
        assert (model(**tokenizer(text, return_tensors="np")).logits[0] == together[row]).all()
    left = model(**tokenizer(TEXTS, padding="max_length", padding_side="left", return_tensors="np")).logits
    assert (left == together).all()


def test_lists_do_as_well_as_arrays(model, tokenizer):
    expected = model(**tokenizer(TEXTS, padding=True, return_tensors="np")).logits
    assert (model(**tokenizer(TEXTS)).logits == expected).all()
    assert (model(tokenizer(TEXTS[0])["input_ids"]).logits == expected[:1]).all()
    for dtype in (numpy.int32, numpy.int16, numpy.uint8):
        array = tokenizer(TEXTS[0], return_tensors="np")["input_ids"].astype(dtype)
        assert (model(array).logits == expected[:1]).all()
    strided = numpy.repeat(tokenizer(TEXTS[0], return_tensors="np")["input_ids"], 2, axis=1)[:, ::2]
    assert (model(strided).logits == expected[:1]).all()


def test_outputs_have_names_keys_and_places(model, tokenizer):
    outputs = model(**tokenizer("good", return_tensors="np"))
    assert outputs["logits"] is outputs.logits is outputs[0] and outputs.keys() == ["logits"]
    assert outputs.hidden_states is None and outputs.loss is None and len(outputs) == 1
    with pytest.raises(KeyError):
        outputs["hidden_states"]


def test_hidden_states_and_attentions_are_padded(model, tokenizer):
    inputs = tokenizer(["good", "I love this book"], padding=True, return_tensors="np")
    outputs = model(**inputs, output_hidden_states=True, output_attentions=True)
    assert [state.shape for state in outputs.hidden_states] == [(2, 6, 32)] * 3
    assert [weights.shape for weights in outputs.attentions] == [(2, 4, 6, 6)] * 2
    alone = model(**tokenizer("good", return_tensors="np"), output_hidden_states=True, output_attentions=True)
    for layer in range(3):
        assert (outputs.hidden_states[layer][0, :3] == alone.hidden_states[layer][0]).all()
        assert (outputs.hidden_states[layer][0, 3:] == 0).all()
    assert (outputs.attentions[1][0, :, :3, :3] == alone.attentions[1][0]).all()
    numpy.testing.assert_allclose(outputs.attentions[0][1].sum(axis=-1), 1, atol=1e-5)
    assert (outputs.logits == model(**inputs).logits).all()


def test_labels_of_tokens(entities):
    model, tokenizer = AutoModelForTokenClassification.from_pretrained(entities), AutoTokenizer.from_pretrained(entities)
    inputs = tokenizer(["good", "I love this book"], padding=True, return_tensors="np")
    logits = model(**inputs).logits
    assert logits.shape == (2, 6, 5) and (logits[0, 3:] == 0).all()
    assert (logits[0, :3] == model(**tokenizer("good", return_tensors="np")).logits[0]).all()


def test_an_encoder_without_a_head(encoder):
    outputs = AutoModel.from_pretrained(encoder)(**AutoTokenizer.from_pretrained(encoder)("good", return_tensors="np"))
    assert outputs.last_hidden_state.shape == (1, 3, 32) and outputs.hidden_states is None


def test_an_array_outlives_what_made_it(tiny):
    logits = AutoModelForSequenceClassification.from_pretrained(tiny)([[2, 5, 3]]).logits
    copy = logits.copy()
    for _ in range(20):
        AutoModelForSequenceClassification.from_pretrained(tiny)([[2, 6, 7, 3]])
    assert (logits == copy).all() and not logits.flags.owndata and logits.flags.writeable


@pytest.mark.parametrize("arguments, message", [
    ({}, "input_ids: expected"),
    ({"input_ids": None}, "input_ids: expected"),
    ({"input_ids": [[2.5, 3]]}, "input_ids: expected whole numbers"),
    ({"input_ids": [["a"]]}, "input_ids: expected whole numbers"),
    ({"input_ids": [[[2, 3]]]}, r"input_ids: .* shape \[1, 1, 2\]"),
    ({"input_ids": [[2, -3]]}, "input_ids: row 0: .* found -3"),
    ({"input_ids": [[2, 10**6]]}, "1000000"),
    ({"input_ids": [[2, 2**40]]}, "input_ids: row 0"),
    ({"input_ids": [[]]}, "row"),
    ({"input_ids": [[2] * 65]}, "64"),
    ({"input_ids": [[2, 5, 3]], "attention_mask": [[1, 0, 1]]}, "attention_mask: row 0: .* a zero between ones"),
    ({"input_ids": [[2, 3]], "attention_mask": [[0, 0]]}, "attention_mask: row 0: .* zeros alone"),
    ({"input_ids": [[2, 3]], "attention_mask": [[1, 2]]}, "attention_mask: row 0: expected 0 and 1, found 2"),
    ({"input_ids": [[2, 3]], "attention_mask": [[1, 1, 1]]}, "attention_mask: expected the shape"),
    ({"input_ids": [[2, 3]], "token_type_ids": [[0, 9]]}, "token_type"),
    ({"input_ids": [[2, 3]], "inputs_embeds": numpy.zeros((1, 2, 32))}, "inputs_embeds"),
    ({"input_ids": [[2, 3], [2]], "attention_mask": [[1, 1], [1, 1]]}, "attention_mask"),
])
def test_what_cannot_be_is_refused(model, arguments, message):
    with pytest.raises(ValueError, match=message):
        model(**arguments)


def test_unknown_arguments_are_refused(model):
    with pytest.raises(TypeError, match="unexpected argument 'input_idz'"):
        model([[2, 3]], input_idz=1)


def test_a_model_and_a_pipeline_say_the_same_in_every_family():
    """Also where tokens have types that are more than 0 and 1."""
    for family in ("bert", "xlnet", "roberta", "deberta"):
        directory = str(ROOT / "tests/data/families" / family / "sequence")
        tokenizer, model = AutoTokenizer.from_pretrained(directory), AutoModelForSequenceClassification.from_pretrained(directory)
        logits = model(**tokenizer(["I love it", "no"], padding=True, return_tensors="np")).logits
        answers = classify(["I love it", "no"], model=model)
        assert [answer.logits.tolist() for answer in answers] == logits.tolist(), family


def test_no_rows_give_no_logits(model):
    assert model(numpy.empty((0, 5), numpy.int64)).logits.shape == (0, 5)


@pytest.mark.parametrize("dtype, expected", [(None, "float32"), ("float32", "float32"), ("auto", "float32"), ("bfloat16", "bfloat16"), ("int8", "int8"),
                                             (numpy.float32, "float32")])
def test_dtypes(tiny, dtype, expected):
    model = AutoModelForSequenceClassification.from_pretrained(tiny, dtype=dtype, num_threads=1)
    assert model.dtype == expected and model.num_threads == 1
    assert AutoModelForSequenceClassification.from_pretrained(tiny, torch_dtype=dtype).dtype == expected


def test_a_model_can_be_pickled(model):
    again = pickle.loads(pickle.dumps(model))
    assert (again([[2, 5, 3]]).logits == model([[2, 5, 3]]).logits).all() and again.name_or_path == model.name_or_path


def test_config(tiny, model):
    config = AutoConfig.from_pretrained(tiny)
    assert config == model.config
    assert config.id2label[0] == "1 star" and config.label2id["5 stars"] == 4 and config.num_labels == 5
    assert (config.model_type, config.hidden_size, config.num_hidden_layers, config.problem_type) == ("bert", 32, 2, None)
    assert config.to_dict()["hidden_act"] == "gelu" and '"hidden_size": 32' in repr(config)
    assert model.eval() is model and model.to("cpu") is model and model.num_parameters() > 1000
