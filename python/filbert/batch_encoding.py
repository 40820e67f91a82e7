"""What a tokenizer gives: BatchEncoding, a dictionary that also knows which token is which character and word, as that of transformers."""

from collections import UserDict
from typing import NamedTuple


class CharSpan(NamedTuple):
    start: int
    end: int


class TokenSpan(NamedTuple):
    start: int
    end: int


class Encoding:
    """A row of a batch, its padding included: the fields and the methods of `tokenizers.Encoding`."""

    __slots__ = ("attention_mask", "ids", "offsets", "sequence_ids", "special_tokens_mask", "tokens", "type_ids", "word_ids")

    def __init__(self, **columns):
        for name, column in columns.items():
            setattr(self, name, column)

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"Encoding(num_tokens={len(self)}, attributes=[{', '.join(self.__slots__)}])"

    @property
    def words(self):
        return self.word_ids

    @property
    def n_sequences(self) -> int:
        return max((id for id in self.sequence_ids if id is not None), default=0) + 1

    def token_to_sequence(self, token: int):
        return self.sequence_ids[token] if token < len(self) else None

    def token_to_word(self, token: int):
        return self.word_ids[token] if token < len(self) else None

    def token_to_chars(self, token: int):
        return self.offsets[token] if self.token_to_sequence(token) is not None else None

    def char_to_token(self, char: int, sequence_index: int = 0):
        for token, (start, end) in enumerate(self.offsets):
            if self.sequence_ids[token] == sequence_index and start <= char < end:
                return token
        return None

    def char_to_word(self, char: int, sequence_index: int = 0):
        token = self.char_to_token(char, sequence_index)
        return None if token is None else self.word_ids[token]

    def word_to_tokens(self, word: int, sequence_index: int = 0):
        tokens = [token for token, id in enumerate(self.word_ids) if id == word and self.sequence_ids[token] == sequence_index]
        return (tokens[0], tokens[-1] + 1) if tokens else None

    def word_to_chars(self, word: int, sequence_index: int = 0):
        span = self.word_to_tokens(word, sequence_index)
        return (self.offsets[span[0]][0], self.offsets[span[1] - 1][1]) if span else None


def _of_row(method):
    """Methods that take (index) of a batch of one row, or (row, index)."""

    def call(self, batch_or_index: int, index: int | None = None, *more, **named):
        row = 0 if index is None else batch_or_index
        index = batch_or_index if index is None else index
        encoding = self.encodings[row]
        return method(self, encoding, index + len(encoding) if index < 0 else index, *more, **named)

    call.__name__ = method.__name__
    call.__doc__ = method.__doc__
    return call


class BatchEncoding(UserDict):
    """The arrays of a batch by their names (`encoding["input_ids"]`, `encoding.input_ids`, `model(**encoding)`)."""

    def __init__(self, data: dict | None = None, make_encodings=None):
        # What UserDict does, without the copy.
        self.data = data if data is not None else {}
        self._make_encodings = make_encodings
        self._encodings = None

    @property
    def encodings(self) -> list[Encoding]:
        """A row each, tokenized again with offsets when first asked for."""
        if self._encodings is None and self._make_encodings is not None:
            self._encodings = self._make_encodings()
        return self._encodings

    @property
    def is_fast(self) -> bool:
        return self._make_encodings is not None

    @property
    def n_sequences(self) -> int | None:
        return self.encodings[0].n_sequences if self.encodings else None

    def __getitem__(self, key):
        if isinstance(key, str):
            return self.data[key]
        if isinstance(key, slice):
            return {name: column[key] for name, column in self.data.items()}
        return self.encodings[key]

    def __getattr__(self, name: str):
        if name == "data":
            raise AttributeError(name)
        try:
            return self.data[name]
        except KeyError:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}") from None

    def __getstate__(self):
        return {"data": self.data, "encodings": self.encodings}

    def __setstate__(self, state):
        self.data, self._encodings = state["data"], state["encodings"]
        encodings = self._encodings
        self._make_encodings = None if encodings is None else lambda: encodings

    def keys(self):
        return self.data.keys()

    def values(self):
        return self.data.values()

    def items(self):
        return self.data.items()

    def to(self, device=None, **_):
        """Everything is on the CPU already."""
        return self

    def convert_to_tensors(self, tensor_type: str | None = None, prepend_batch_axis: bool = False) -> "BatchEncoding":
        from .tokenization import as_tensors

        if tensor_type is not None:
            columns = {name: [column] if prepend_batch_axis else column for name, column in self.data.items()}
            self.data = as_tensors(columns, tensor_type)
        return self

    def tokens(self, batch_index: int = 0) -> list[str]:
        return self.encodings[batch_index].tokens

    def sequence_ids(self, batch_index: int = 0) -> list[int | None]:
        """0 for tokens of text, 1 for those of text_pair, None for special ones."""
        return self.encodings[batch_index].sequence_ids

    def word_ids(self, batch_index: int = 0) -> list[int | None]:
        """The number of the word that each token is of, None for special ones."""
        return self.encodings[batch_index].word_ids

    @_of_row
    def token_to_sequence(self, encoding, token):
        return encoding.token_to_sequence(token)

    @_of_row
    def token_to_word(self, encoding, token):
        return encoding.token_to_word(token)

    @_of_row
    def token_to_chars(self, encoding, token):
        span = encoding.token_to_chars(token)
        return None if span is None else CharSpan(*span)

    @_of_row
    def char_to_token(self, encoding, char, sequence_index: int = 0):
        return encoding.char_to_token(char, sequence_index)

    @_of_row
    def char_to_word(self, encoding, char, sequence_index: int = 0):
        return encoding.char_to_word(char, sequence_index)

    @_of_row
    def word_to_tokens(self, encoding, word, sequence_index: int = 0):
        span = encoding.word_to_tokens(word, sequence_index)
        return None if span is None else TokenSpan(*span)

    @_of_row
    def word_to_chars(self, encoding, word, sequence_index: int = 0):
        return CharSpan(*encoding.word_to_chars(word, sequence_index))
