"""Calls of a tokenizer, and what they give. Where transformers is there, test_transformers.py compares with it."""

import pickle

import numpy
import pytest

from filbert import AutoTokenizer
from filbert.errors import NotTextError


@pytest.fixture(scope="module")
def tokenizer(tiny):
    return AutoTokenizer.from_pretrained(tiny)


def tokens(tokenizer, ids):
    return tokenizer.convert_ids_to_tokens(ids)


def test_a_text_gives_lists(tokenizer):
    encoding = tokenizer("I love this book")
    assert tokens(tokenizer, encoding["input_ids"]) == ["[CLS]", "i", "love", "this", "book", "[SEP]"]
    assert list(encoding) == ["input_ids", "token_type_ids", "attention_mask"]
    assert encoding["attention_mask"] == [1] * 6 and encoding.token_type_ids == [0] * 6


def test_a_pair_has_types(tokenizer):
    assert tokenizer("good", "bad film").token_type_ids == [0, 0, 0, 1, 1, 1]
    assert tokenizer(["good", "bad"], ["film", "book film"]).token_type_ids == [[0, 0, 0, 1, 1], [0, 0, 0, 1, 1, 1]]
    assert tokenizer([("good", "film")])["input_ids"] == tokenizer(["good"], ["film"])["input_ids"]
    assert tokenizer("good", "")["input_ids"] == tokenizer("good")["input_ids"]


def test_return_tensors_np_is_a_batch(tokenizer):
    encoding = tokenizer("I love this book", return_tensors="np")
    assert encoding["input_ids"].shape == (1, 6) and encoding["input_ids"].dtype == numpy.int64
    assert tokenizer(["a", "b"], return_tensors="np")["attention_mask"].shape == (2, 3)


@pytest.mark.parametrize("padding, length", [(True, 6), ("longest", 6), ("max_length", 64), (False, None), ("do_not_pad", None)])
def test_padding(tokenizer, padding, length):
    encoding = tokenizer(["good", "I love this book"], padding=padding)
    lengths = [len(row) for row in encoding["input_ids"]]
    assert lengths == ([length] * 2 if length else [3, 6])
    if length:
        assert encoding["input_ids"][0][3:] == [tokenizer.pad_token_id] * (length - 3)
        assert encoding["attention_mask"][0] == [1] * 3 + [0] * (length - 3)


def test_padding_to_a_multiple_and_on_the_left(tokenizer):
    encoding = tokenizer("good", padding=True, pad_to_multiple_of=8, padding_side="left", return_special_tokens_mask=True, return_offsets_mapping=True)
    assert encoding["attention_mask"] == [0] * 5 + [1] * 3
    assert encoding["special_tokens_mask"] == [1] * 5 + [1, 0, 1]
    assert encoding["offset_mapping"][5:] == [(0, 0), (0, 4), (0, 0)]
    with pytest.raises(ValueError, match="padding_side"):
        tokenizer("good", padding=True, padding_side="middle")


@pytest.mark.parametrize("truncation, pair, expected", [
    (True, None, "[CLS] i love [SEP]"),
    ("longest_first", "good film", "[CLS] i [SEP] good [SEP]"),
    ("only_first", "good", "[CLS] i [SEP] good [SEP]"),
    (None, None, "[CLS] i love [SEP]"),  # max_length alone truncates
])
def test_truncation(tokenizer, truncation, pair, expected):
    limit = len(expected.split())
    encoding = tokenizer("I love this book", pair, truncation=truncation, max_length=limit)
    assert " ".join(tokens(tokenizer, encoding["input_ids"])) == expected


def test_overflowing_tokens_are_windows(tokenizer):
    encoding = tokenizer("i love this book and film", truncation=True, max_length=5, stride=1, return_overflowing_tokens=True, return_length=True)
    assert [" ".join(tokens(tokenizer, row)) for row in encoding["input_ids"]] == [
        "[CLS] i love this [SEP]", "[CLS] this book and [SEP]", "[CLS] and film [SEP]"]
    assert encoding["overflow_to_sample_mapping"] == [0, 0, 0] and encoding["length"] == [5, 5, 4]
    two = tokenizer(["i love this book", "good"], truncation=True, max_length=4, return_overflowing_tokens=True)
    assert two["overflow_to_sample_mapping"] == [0, 0, 1]


def test_what_is_asked_for_is_given(tokenizer):
    encoding = tokenizer("good", return_token_type_ids=False, return_attention_mask=False, return_special_tokens_mask=True, return_offsets_mapping=True,
                         return_length=True)
    assert list(encoding) == ["input_ids", "special_tokens_mask", "offset_mapping", "length"]
    assert encoding["offset_mapping"] == [(0, 0), (0, 4), (0, 0)]
    arrays = tokenizer("good", return_offsets_mapping=True, return_tensors="np")
    assert arrays["offset_mapping"].shape == (1, 3, 2)


def test_rows_of_unequal_length_make_no_array(tokenizer):
    with pytest.raises(ValueError, match="padding=True"):
        tokenizer(["good", "a good film"], return_tensors="np")


def test_words_of_others(tokenizer):
    encoding = tokenizer(["i", "lovebook", "film"], is_split_into_words=True)
    assert encoding.word_ids()[0] is None and set(encoding.word_ids()) == {None, 0, 1, 2}
    batch = tokenizer([["i", "love"], ["good"]], is_split_into_words=True, padding=True)
    assert len(batch["input_ids"]) == 2 and batch.word_ids(1) == [None, 0, None, None]


def test_an_encoding_knows_tokens_words_and_characters(tokenizer):
    encoding = tokenizer("good filmz", "bad")
    assert encoding.tokens() == ["[CLS]", "good", "film", "##z", "[SEP]", "bad", "[SEP]"]
    assert encoding.sequence_ids() == [None, 0, 0, 0, None, 1, None]
    assert encoding.word_ids() == [None, 0, 1, 1, None, 0, None]
    assert encoding.char_to_token(0) == 1 and encoding.char_to_token(4) is None and encoding.char_to_token(9) == 3
    assert encoding.char_to_token(0, sequence_index=1) == 5
    assert encoding.token_to_chars(3) == (9, 10) and encoding.token_to_chars(3).start == 9
    assert encoding.token_to_chars(0) is None and encoding.token_to_chars(99) is None
    assert encoding.word_to_tokens(1) == (2, 4) and encoding.word_to_chars(1) == (5, 10)
    assert encoding.word_to_tokens(0, sequence_index=1) == (5, 6)
    assert encoding.char_to_word(6) == 1 and encoding.token_to_word(3) == 1 and encoding.token_to_sequence(5) == 1
    assert encoding[0].ids == encoding["input_ids"] and encoding.n_sequences == 2


def test_an_encoding_is_a_dictionary(tokenizer):
    encoding = tokenizer(["good", "bad"])
    assert {**encoding} == dict(encoding.items()) and "input_ids" in encoding and len(encoding) == 3
    assert encoding[:1]["input_ids"] == encoding["input_ids"][:1]
    with pytest.raises(AttributeError):
        encoding.nothing
    again = pickle.loads(pickle.dumps(encoding))
    assert again.data == encoding.data and again.word_ids(1) == encoding.word_ids(1)
    assert encoding.convert_to_tensors("np")["input_ids"].shape == (2, 3)


def test_ids_and_tokens(tokenizer):
    assert tokenizer.convert_tokens_to_ids("good") == tokenizer.convert_tokens_to_ids(["good"])[0] == tokenizer.get_vocab()["good"]
    assert tokenizer.convert_tokens_to_ids("none of it") == tokenizer.unk_token_id
    assert tokenizer.convert_ids_to_tokens(0) == "[PAD]" and tokenizer.convert_ids_to_tokens(10**6) is None
    assert tokenizer.vocab_size == len(tokenizer) == len(tokenizer.get_vocab())
    assert (tokenizer.cls_token, tokenizer.sep_token, tokenizer.mask_token_id) == ("[CLS]", "[SEP]", 4)
    assert set(tokenizer.all_special_tokens) == {"[UNK]", "[SEP]", "[PAD]", "[CLS]", "[MASK]"}
    assert tokenizer.model_max_length == 64 and tokenizer.num_special_tokens_to_add(pair=True) == 3


def test_decode(tokenizer):
    ids = tokenizer("I love this filmz!")["input_ids"]
    assert tokenizer.decode(ids) == "[CLS] i love this filmz! [SEP]"
    assert tokenizer.decode(ids, skip_special_tokens=True) == "i love this filmz!"
    assert tokenizer.batch_decode([ids, ids[:2]], skip_special_tokens=True) == ["i love this filmz!", "i"]
    assert tokenizer.decode(numpy.array([ids])) == ["[CLS] i love this filmz! [SEP]"]


def test_pad_joins_rows(tokenizer):
    rows = [{"input_ids": [2, 5, 3]}, {"input_ids": [2, 3]}]
    batch = tokenizer.pad(rows, return_tensors="np")
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 1, 0]] and batch["input_ids"].tolist() == [[2, 5, 3], [2, 3, 0]]


@pytest.mark.parametrize("text, message", [
    (None, "found NoneType"), (3, "found int"), (2.5, "found float"), (b"x", "found bytes"), ({}, "found dict"),
    ([None], "row 0: expected text .str., found None"), (["a", float("nan")], "row 1: .* nan .float."), (["a", 7], "row 1: .* 7 .int."),
    ([b"x"], "row 0: .* b'x' .bytes."), (["a", "\ud800b"], "row 1: .* half of a surrogate pair, '.ud800', at character 0"),
    ([["a", "b", "c"]], "row 0: expected text"),
])
def test_what_is_no_text_is_refused(tokenizer, text, message):
    with pytest.raises(NotTextError, match=message):
        tokenizer(text)


def test_options_that_cannot_be(tokenizer):
    for options, message in [({"max_length": -1}, "max_length"), ({"max_length": 2.5}, "max_length"), ({"max_length": True}, "max_length"),
                             ({"padding": "all"}, "padding"), ({"truncation": "both"}, "truncation"), ({"stride": -1}, "stride"),
                             ({"return_tensors": "tf"}, "return_tensors"), ({"max_length": 1}, "max_length"),
                             ({"truncation": True, "max_length": 6, "stride": 9, "return_overflowing_tokens": True}, "stride"),
                             ({"truncation": True, "padding": True, "max_length": 6, "pad_to_multiple_of": 4}, "pad_to_multiple_of")]:
        with pytest.raises((ValueError, NotImplementedError), match=message):
            tokenizer("I love this book", **options)
    with pytest.raises(ValueError, match="text_pair: expected 2"):
        tokenizer(["a", "b"], ["c"])
    with pytest.raises(TypeError, match="unexpected argument 'paddding'"):
        tokenizer("a", paddding=True)
    with pytest.raises(ValueError, match="text_pair"):
        tokenizer(["a"], "b")


def test_nothing_gives_nothing(tokenizer):
    assert tokenizer([])["input_ids"] == []
    assert tokenizer([], return_tensors="np", padding=True)["input_ids"].shape[0] == 0
    assert tokenizer("")["input_ids"] == [2, 3]


def test_a_tokenizer_can_be_pickled(tokenizer):
    again = pickle.loads(pickle.dumps(tokenizer))
    assert again("I love")["input_ids"] == tokenizer("I love")["input_ids"]


def test_a_text_longer_than_the_model_takes_is_told(tiny):
    tokenizer = AutoTokenizer.from_pretrained(tiny)
    with pytest.warns(UserWarning, match="a text has 102 tokens"):
        tokenizer("a " * 100)
