"""Stage 1: tokenizers, with the calls and the answers of transformers' fast ones."""

import os

from . import _filbert
from .batch_encoding import BatchEncoding, Encoding
from .errors import InvalidArgumentError, NotTextError, UnsupportedError, warn
from .hub import as_count, find, hub_options, refuse_unknown
from .tokenizer_options import VERY_LARGE_INTEGER, as_tensors, is_left, strategies

_ROLES = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
# Which tokenizers of transformers give token_type_ids where nobody says: these classes, and where the files name none, those of these models.
# XLNet's no longer do in transformers 5, but its models were trained with them, and the library's pipelines give them.
_CLASSES_WITH_TYPES = frozenset("Bert Electra MobileBert ConvBert SqueezeBert LayoutLM Lxmert RetriBert Deberta DebertaV2 XLNet".split())
_MODELS_WITH_TYPES = {"bert": "Bert", "electra": "Electra", "mobilebert": "MobileBert", "convbert": "ConvBert", "squeezebert": "SqueezeBert",
                      "ernie": "Bert", "roformer": "Bert", "deberta": "Deberta", "deberta-v2": "DebertaV2", "xlnet": "XLNet"}


def _as_ids(ids) -> list[int]:
    if isinstance(ids, (str, bytes)) or not hasattr(ids, "__iter__"):
        raise InvalidArgumentError(f"ids: expected a list of ids, found {ids!r}")
    return [as_count("ids", id) for id in ids]


class PreTrainedTokenizer:
    """Calls give a BatchEncoding. Safe to call from many threads at once; the GIL is released while it tokenizes."""

    is_fast = True

    def __init__(self, core: _filbert.Tokenizer, directory: str, name_or_path: str):
        self._core = core
        self._directory = directory
        self.name_or_path = name_or_path
        self._files = self._read("tokenizer_config.json")
        self._special = core.special_tokens
        self._special_ids = {role: core.token_to_id(token) for role, token in self._special.items()}
        self.padding_side = "left" if core.pads_left else "right"
        self.truncation_side = self._files.get("truncation_side", "right")
        self.pad_token_type_id = 0
        self.model_max_length = core.model_max_length or VERY_LARGE_INTEGER
        self.model_input_names = self._files.get("model_input_names") or self._usual_input_names()
        self._made = {}  # options of the library, by those of the calls so far
        self._warned = False

    @classmethod
    def from_pretrained(
        cls, pretrained_model_name_or_path, *, revision=None, token=None, cache_dir=None, local_files_only=False, force_download=False, subfolder="", **kwargs
    ) -> "PreTrainedTokenizer":
        """Reads tokenizer.json, vocab.txt, vocab.json with merges.txt, or a sentencepiece model, of a directory or of a model on the Hub."""
        changed = {key: kwargs.pop(key) for key in ("padding_side", "model_max_length") if key in kwargs}
        refuse_unknown("from_pretrained", kwargs)
        options = hub_options(revision, token, cache_dir, local_files_only, force_download, subfolder)
        directory = find(pretrained_model_name_or_path, options, weights=False)
        tokenizer = cls(_filbert.Tokenizer.from_pretrained(directory), directory, os.fspath(pretrained_model_name_or_path))
        for key, value in changed.items():
            setattr(tokenizer, key, value)
        return tokenizer

    def _read(self, name: str) -> dict:
        import json

        file = os.path.join(self._directory, name)
        if not os.path.exists(file):
            return {}
        with open(file, encoding="utf-8") as text:
            return json.load(text)

    def _usual_input_names(self) -> list[str]:
        name = (self._files.get("tokenizer_class") or "").removesuffix("Fast").removesuffix("Tokenizer")  # "Bert" of BertTokenizerFast
        name = name or _MODELS_WITH_TYPES.get(self._read("config.json").get("model_type"), "")
        if name not in _CLASSES_WITH_TYPES:
            return ["input_ids", "attention_mask"]
        return ["input_ids", "attention_mask", "token_type_ids"] if name.startswith("Deberta") else ["input_ids", "token_type_ids", "attention_mask"]

    def __reduce__(self):
        state = {"padding_side": self.padding_side, "model_max_length": self.model_max_length, "name_or_path": self.name_or_path}
        return _loaded, (self._directory, state)

    # ---- calls

    def __call__(
        self,
        text=None,
        text_pair=None,
        *,
        add_special_tokens: bool = True,
        padding=False,
        truncation=None,
        max_length: int | None = None,
        stride: int = 0,
        is_split_into_words: bool = False,
        pad_to_multiple_of: int | None = None,
        padding_side: str | None = None,
        return_tensors=None,
        return_token_type_ids: bool | None = None,
        return_attention_mask: bool | None = None,
        return_overflowing_tokens: bool = False,
        return_special_tokens_mask: bool = False,
        return_offsets_mapping: bool = False,
        return_length: bool = False,
        verbose: bool = True,
        **kwargs,
    ) -> BatchEncoding:
        if kwargs:
            raise TypeError(f"tokenizer() got an unexpected argument {next(iter(kwargs))!r}")
        texts, pairs, is_batch = self._batch_of_words(text, text_pair) if is_split_into_words else self._batch(text, text_pair)
        strategy, truncation, limit = self._strategies(padding, truncation, max_length, pad_to_multiple_of)
        choice = (bool(add_special_tokens), truncation, limit, bool(return_overflowing_tokens), as_count("stride", stride), bool(is_split_into_words))
        rows = self._encode(texts, pairs, choice, bool(return_offsets_mapping))
        length = self._padded_length(strategy, rows, limit, pad_to_multiple_of)
        left = is_left(padding_side or self.padding_side)
        wanted = self._wanted(return_token_type_ids, return_attention_mask, return_special_tokens_mask, return_offsets_mapping)
        # Rows of unequal length make no array: as_tensors() says so.
        is_array = return_tensors is not None and (length or len(set(rows.lengths)) < 2)
        data = {name: (self._array if is_array else self._list)(rows, name, length, left) for name in wanted}
        if return_length:
            data["length"] = [max(length, row) for row in rows.lengths]
        if return_overflowing_tokens:
            data["overflow_to_sample_mapping"] = rows.overflow_to_sample_mapping
        if return_tensors is not None:
            data = as_tensors(data, return_tensors)
        elif not is_batch and not return_overflowing_tokens:
            data = {name: column[0] if isinstance(column[0], list) else column for name, column in data.items()}
        if verbose and max_length is None:
            self._warn_of_length(rows)
        return BatchEncoding(data, lambda: self._encodings(texts, pairs, choice, length, left))

    def _batch(self, text, text_pair):
        """(texts, text_pairs or None, whether a batch was given)"""
        if isinstance(text, str):
            if text_pair is not None and not isinstance(text_pair, str):
                raise NotTextError(f"text_pair: expected a text (str) beside a text, found {type(text_pair).__name__}")
            return [text], [text_pair] if text_pair else None, False
        if isinstance(text, (list, tuple)):
            if isinstance(text_pair, str):
                raise NotTextError("text_pair: expected a list as long as that of text, found a text")
            if text and isinstance(text[0], (list, tuple)) and text_pair is None and len(text[0]) == 2:
                text, text_pair = zip(*text)
            return list(text), None if text_pair is None else list(text_pair), True
        if hasattr(text, "tolist") and hasattr(text, "__len__"):  # a column of numpy or pandas
            return text.tolist(), None if text_pair is None else list(text_pair), True
        raise NotTextError(f"text: expected a text (str) or a list of texts, found {type(text).__name__}")

    def _batch_of_words(self, text, text_pair):
        if text_pair is not None:
            raise UnsupportedError("text_pair: expected none beside words, found one; pairs of words are not read")
        if not isinstance(text, (list, tuple)):
            raise NotTextError(f"text: expected a list of words, or of lists of words, found {type(text).__name__}")
        if text and isinstance(text[0], (list, tuple)):
            return list(text), None, True
        return [text], None, False

    def _strategies(self, padding, truncation, max_length, pad_to_multiple_of):
        if padding is False and truncation is None and max_length is None:  # most calls
            return "do_not_pad", "do_not_truncate", None
        can_pad = self.pad_token_id is not None
        return strategies(padding, truncation, max_length, pad_to_multiple_of, model_max_length=self.model_max_length, can_pad=can_pad)

    def _encode(self, texts, pairs, choice, with_offsets: bool):
        """`choice`: what decides over the tokens, which is what the options of a call are made of, once for each."""
        key = (*choice, with_offsets)
        options = self._made.get(key)
        if options is None:
            add_special_tokens, truncation, max_length, return_overflowing_tokens, stride, _ = choice
            options = self._made[key] = _filbert.EncodeOptions(
                add_special_tokens=add_special_tokens,
                truncation=truncation,
                max_length=None if truncation == "do_not_truncate" else max_length,
                return_overflowing_tokens=return_overflowing_tokens,
                stride=stride,
                return_offsets_mapping=with_offsets,
            )
        return self._core.encode_words(texts, options) if choice[-1] else self._core.encode(texts, pairs, options)

    def _padded_length(self, strategy, rows, max_length, multiple) -> int:
        """Tokens of a padded row; 0: rows stay as they are."""
        if strategy == "do_not_pad":
            return 0
        length = max_length if strategy == "max_length" else max(rows.lengths, default=0)
        return -(-length // multiple) * multiple if multiple else length

    def _wanted(self, token_type_ids, attention_mask, special_tokens_mask, offset_mapping) -> list[str]:
        asked = {"token_type_ids": token_type_ids, "attention_mask": attention_mask}
        names = ["input_ids"]
        for name in ("token_type_ids", "attention_mask"):
            if asked[name] or (asked[name] is None and name in self.model_input_names):
                names.append(name)
        return names + ["special_tokens_mask"] * bool(special_tokens_mask) + ["offset_mapping"] * bool(offset_mapping)

    def _pad_of(self, name: str) -> int:
        return {"input_ids": self._special_ids.get("pad_token") or 0, "token_type_ids": self.pad_token_type_id, "special_tokens_mask": 1}[name]

    def _list(self, rows, name, length, left):
        if name == "attention_mask":
            return rows.mask_lists(length, left)
        if name == "offset_mapping":
            return rows.offset_lists(length, left)
        return rows.lists(name, length, self._pad_of(name), left)

    def _array(self, rows, name, length, left):
        if name == "attention_mask":
            return rows.mask_array(length, left)
        if name == "offset_mapping":
            return rows.offset_array(length, left)
        return rows.array(name, length, self._pad_of(name), left)

    def _warn_of_length(self, rows) -> None:
        longest = max(rows.lengths, default=0)
        if longest > self.model_max_length and not self._warned:
            self._warned = True
            warn(f"a text has {longest} tokens, more than the {self.model_max_length} that the model takes, which will refuse it; truncation=True cuts it")

    def _encodings(self, texts, pairs, choice, length, left) -> list[Encoding]:
        rows = self._encode(texts, pairs, choice, True)

        def or_none(name):
            return [[None if id < 0 else id for id in row] for row in rows.lists(name, length, -1, left)]

        ids, offsets = rows.lists("input_ids", length, self._pad_of("input_ids"), left), rows.offset_lists(length, left)
        columns = {
            "ids": ids,
            "type_ids": rows.lists("token_type_ids", length, self.pad_token_type_id, left),
            "tokens": [self._core.ids_to_tokens(row) for row in ids],
            "offsets": offsets,
            "attention_mask": rows.mask_lists(length, left),
            "special_tokens_mask": rows.lists("special_tokens_mask", length, 1, left),
            "word_ids": or_none("word_ids"),
            "sequence_ids": or_none("sequence_ids"),
        }
        if self._core.model_name == "Unigram":
            samples = rows.overflow_to_sample_mapping or range(len(rows))
            for row, sample in enumerate(samples):
                self._set_unknown({name: column[row] for name, column in columns.items()}, texts[sample], pairs[sample] if pairs else None)
        return [Encoding(**{name: column[row] for name, column in columns.items()}) for row in range(len(rows))]

    def _set_unknown(self, row: dict, text, pair) -> None:
        """As tokenizers shows what Unigram does not know: what stands there, in the place of the unknown token."""
        unknown = self._special_ids.get("unk_token")
        for token, id in enumerate(row["ids"]):
            if id != unknown or row["sequence_ids"][token] is None:
                continue
            source = pair if row["sequence_ids"][token] else text
            source = source if isinstance(source, str) else source[row["word_ids"][token]]
            start, end = row["offsets"][token]
            row["tokens"][token] = source[start:end].replace(" ", "▁")

    def encode(self, text, text_pair=None, **options) -> list[int]:
        return self(text, text_pair, **options)["input_ids"]

    def tokenize(self, text: str, pair: str | None = None, add_special_tokens: bool = False, **options) -> list[str]:
        return self(text, pair, add_special_tokens=add_special_tokens, **options).tokens()

    def pad(
        self, encoded_inputs, padding=True, max_length=None, pad_to_multiple_of=None, padding_side=None, return_attention_mask=None, return_tensors=None, **_
    ):
        """Rows of ids, a BatchEncoding or a list of them, made equally long."""
        if not hasattr(encoded_inputs, "keys"):
            encoded_inputs = {name: [row[name] for row in encoded_inputs] for name in encoded_inputs[0]}
        strategy, _, max_length = self._strategies(padding, None if max_length is None else False, max_length, pad_to_multiple_of)
        columns = {name: [list(row) for row in column] for name, column in encoded_inputs.items()}
        if return_attention_mask is not False and "attention_mask" not in columns:
            columns["attention_mask"] = [[1] * len(row) for row in columns["input_ids"]]
        length = 0 if strategy == "do_not_pad" else max_length if strategy == "max_length" else max(map(len, columns["input_ids"]), default=0)
        length = -(-length // pad_to_multiple_of) * pad_to_multiple_of if pad_to_multiple_of else length
        left = is_left(padding_side or self.padding_side)
        for name, rows in columns.items():
            pad = 0 if name == "attention_mask" else (0, 0) if name == "offset_mapping" else self._pad_of(name)
            columns[name] = [[pad] * (length - len(row)) + row if left else row + [pad] * (length - len(row)) for row in rows]
        return BatchEncoding(columns if return_tensors is None else as_tensors(columns, return_tensors))

    # ---- vocabulary

    @property
    def vocab_size(self) -> int:
        return self._core.vocab_size

    def __len__(self) -> int:
        """Added tokens included."""
        return self._core.size

    def get_vocab(self) -> dict[str, int]:
        return self._core.vocab()

    vocab = property(get_vocab)

    def convert_ids_to_tokens(self, ids, skip_special_tokens: bool = False):
        """The token of an id, None past the end; or a list of those of several."""
        if hasattr(type(ids), "__index__") and not getattr(ids, "shape", None):
            return self._token_of(as_count("ids", ids))
        skipped = set(self.all_special_ids) if skip_special_tokens else ()
        return [self._token_of(id) for id in _as_ids(ids) if id not in skipped]

    def _token_of(self, id: int) -> str | None:
        return self._core.ids_to_tokens([id])[0] or None if 0 <= id < self._core.size else None

    def convert_tokens_to_ids(self, tokens):
        """The id of a token, that of the unknown token where it is none; or a list of those of several."""
        unknown = self._special_ids.get("unk_token")
        if isinstance(tokens, str):
            id = self._core.token_to_id(tokens)
            return unknown if id is None else id
        if not hasattr(tokens, "__iter__") or not all(isinstance(token, str) for token in tokens):
            raise NotTextError(f"tokens: expected a token (str) or a list of them, found {tokens!r}")
        return [unknown if id is None else id for id in self._core.tokens_to_ids(list(tokens))]

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        return self._core.convert_tokens_to_string(list(tokens))

    def decode(self, token_ids, skip_special_tokens: bool = False, clean_up_tokenization_spaces: bool | None = None, **_):
        """The text of a row of ids; of several rows a list."""
        if hasattr(token_ids, "keys"):
            token_ids = token_ids["input_ids"]
        token_ids = token_ids.tolist() if hasattr(token_ids, "tolist") else token_ids
        if isinstance(token_ids, (list, tuple)) and len(token_ids) and isinstance(token_ids[0], (list, tuple)):
            return [self.decode(row, skip_special_tokens, clean_up_tokenization_spaces) for row in token_ids]
        ids = [as_count("token_ids", token_ids)] if isinstance(token_ids, int) else _as_ids(token_ids)
        clean_up = None if clean_up_tokenization_spaces is None else bool(clean_up_tokenization_spaces)
        return self._core.decode(ids, bool(skip_special_tokens), clean_up)

    def batch_decode(self, sequences, skip_special_tokens: bool = False, clean_up_tokenization_spaces: bool | None = None, **_) -> list[str]:
        return [self.decode(row, skip_special_tokens, clean_up_tokenization_spaces) for row in sequences]

    def num_special_tokens_to_add(self, pair: bool = False) -> int:
        return self._core.encode([""], [""] if pair else None, _filbert.EncodeOptions()).lengths[0]

    def get_special_tokens_mask(self, token_ids_0, token_ids_1=None, already_has_special_tokens: bool = False) -> list[int]:
        if not already_has_special_tokens or token_ids_1 is not None:
            raise InvalidArgumentError("get_special_tokens_mask: expected already_has_special_tokens=True and one row of ids")
        special = set(self.all_special_ids)
        return [int(id in special) for id in token_ids_0]

    # ---- special tokens

    @property
    def special_tokens_map(self) -> dict[str, str]:
        return dict(self._special)

    @property
    def all_special_tokens(self) -> list[str]:
        return self._core.all_special_tokens

    @property
    def all_special_ids(self) -> list[int]:
        return self._core.all_special_ids

    def __getattr__(self, name: str):
        # pad_token, pad_token_id and their like
        role = name.removesuffix("_id")
        if name.startswith("_") or not role.endswith("_token"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        if role not in _ROLES:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return (self._special_ids if name.endswith("_id") else self._special).get(role)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(name_or_path={self.name_or_path!r}, {self._core.description}, "
            f"model_max_length={self.model_max_length}, special_tokens={self.special_tokens_map})"
        )


def _loaded(directory: str, state: dict) -> PreTrainedTokenizer:
    """What pickle makes anew: another process reads the files itself."""
    tokenizer = PreTrainedTokenizer(_filbert.Tokenizer.from_pretrained(directory), directory, directory)
    for name, value in state.items():
        setattr(tokenizer, name, value)
    return tokenizer


class AutoTokenizer:
    """Reads the tokenizer of a directory or of a model on the Hub."""

    from_pretrained = PreTrainedTokenizer.from_pretrained
