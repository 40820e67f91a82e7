"""Stage 2: the models. They take arrays padded as those of transformers, or lists, and give what transformers' models give, in numpy."""

import os

from . import _filbert
from .configuration import PretrainedConfig
from .errors import InvalidArgumentError
from .hub import find, hub_options, model_options, refuse_unknown

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Self


class ModelOutput:
    """Fields by name, by key and by place; those that are None are left out of the last two, as in transformers."""

    _fields: tuple[str, ...] = ()

    def __init__(self, **fields):
        for name in self._fields:
            setattr(self, name, fields.get(name))

    def to_tuple(self) -> tuple:
        return tuple(value for value in map(self.get, self._fields) if value is not None)

    def keys(self):
        return [name for name in self._fields if self.get(name) is not None]

    def items(self):
        return [(name, self.get(name)) for name in self.keys()]

    def get(self, name: str, default=None):
        return getattr(self, name, default)

    def __getitem__(self, key):
        if isinstance(key, str):
            if key not in self.keys():
                raise KeyError(key)
            return self.get(key)
        return self.to_tuple()[key]

    def __iter__(self):
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self.keys())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.items())})"


class SequenceClassifierOutput(ModelOutput):
    _fields = ("loss", "logits", "hidden_states", "attentions")


class TokenClassifierOutput(ModelOutput):
    _fields = ("loss", "logits", "hidden_states", "attentions")


class BaseModelOutput(ModelOutput):
    _fields = ("last_hidden_state", "hidden_states", "attentions")


def _as_ids(name: str, value):
    """[rows, tokens] of int64, whatever it came as."""
    import numpy

    array = numpy.asarray(value)
    if array.ndim == 1 and array.dtype != object:
        array = array[numpy.newaxis]
    if array.ndim != 2 or array.dtype.kind not in "iub":
        raise InvalidArgumentError(f"{name}: expected whole numbers, [rows, tokens], found {array.dtype} of shape {list(array.shape)}")
    return numpy.ascontiguousarray(array, dtype=numpy.int64)


def _lists_to_arrays(input_ids, attention_mask, token_type_ids):
    """Lists of rows of unequal length become arrays, with a mask that says what is theirs."""
    lengths = {len(row) for row in input_ids if hasattr(row, "__len__")}
    if len(lengths) < 2:
        return input_ids, attention_mask, token_type_ids
    if attention_mask is not None and [len(row) for row in attention_mask] != [len(row) for row in input_ids]:
        raise InvalidArgumentError("attention_mask: expected as many numbers a row as input_ids has")
    width = max(lengths)

    def padded(rows):
        return None if rows is None else [[*row, *[0] * (width - len(row))] for row in rows]

    mask = attention_mask if attention_mask is not None else [[1] * len(row) for row in input_ids]
    return padded(input_ids), padded(mask), padded(token_type_ids)


# What transformers' forward() takes beside these; None or the given value says nothing.
_WITHOUT_EFFECT = {"use_cache": (None, False), "past_key_values": (None,), "return_dict": (None, True), "inputs_embeds": (None,), "labels": (None,),
                   "position_ids": (None,), "head_mask": (None,)}


class PreTrainedModel:
    """What every loaded model has. Safe to call from many threads at once; the GIL is released while it computes."""

    _core_class = None
    _output_class = None

    def __init__(self, core, name_or_path: str, directory: str):
        self._core = core
        self._directory = directory
        self.config = PretrainedConfig._of(core.config, name_or_path)
        self.name_or_path = name_or_path

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path,
        *,
        revision=None,
        token=None,
        cache_dir=None,
        local_files_only=False,
        force_download=False,
        subfolder="",
        dtype=None,
        torch_dtype=None,
        num_threads=None,
        **kwargs,
    ) -> "Self":
        """Reads config.json and the weights of a directory, or of a model on the Hub, as they are.

        dtype: "float32" (the default), "bfloat16", "int8", "fastest" (int8 where the CPU has 8-bit dot products), "auto" (the checkpoint's own).
        num_threads: None: as many as the process may use.
        """
        num_labels = kwargs.pop("num_labels", None)
        refuse_unknown("from_pretrained", kwargs)
        wanted = model_options(dtype, torch_dtype, num_threads)
        options = hub_options(revision, token, cache_dir, local_files_only, force_download, subfolder)
        directory = find(pretrained_model_name_or_path, options, tokenizer=False)
        model = cls(cls._core_class.from_pretrained(directory, wanted), os.fspath(pretrained_model_name_or_path), directory)
        if num_labels not in (None, model.config.num_labels):
            raise InvalidArgumentError(f"num_labels: expected the {model.config.num_labels} that the checkpoint has, found {num_labels!r}")
        return model

    def __reduce__(self):
        return _loaded, (type(self), self._directory, self.name_or_path, self._core.compute_dtype, self.num_threads)

    def forward(self, input_ids=None, attention_mask=None, token_type_ids=None, *, output_hidden_states=None, output_attentions=None, **kwargs):
        for name, value in kwargs.items():
            if name not in _WITHOUT_EFFECT:
                raise TypeError(f"forward() got an unexpected argument {name!r}")
            if not any(value is accepted for accepted in _WITHOUT_EFFECT[name]):
                raise InvalidArgumentError(f"{name}: expected none, which is all that this model takes, found {type(value).__name__}")
        if input_ids is None:
            raise InvalidArgumentError("input_ids: expected whole numbers, [rows, tokens], found None")
        if isinstance(input_ids, (list, tuple)):
            input_ids, attention_mask, token_type_ids = _lists_to_arrays(input_ids, attention_mask, token_type_ids)
        logits, hidden_states, attentions = self._core.forward(
            _as_ids("input_ids", input_ids),
            None if attention_mask is None else _as_ids("attention_mask", attention_mask),
            None if token_type_ids is None else _as_ids("token_type_ids", token_type_ids),
            bool(output_hidden_states),
            bool(output_attentions),
        )
        return self._output(logits, hidden_states, attentions, bool(output_hidden_states))

    __call__ = forward

    def _output(self, logits, hidden_states, attentions, _wanted):
        return self._output_class(logits=logits, hidden_states=hidden_states, attentions=attentions)

    def eval(self):
        return self

    def to(self, *_, **__):
        """Models compute on the CPU, in the dtype that from_pretrained() was told."""
        return self

    @property
    def device(self) -> str:
        return "cpu"

    @property
    def dtype(self) -> str:
        return {"f32": "float32", "bf16": "bfloat16"}.get(self._core.compute_dtype, self._core.compute_dtype)

    @property
    def num_threads(self) -> int:
        return self._core.num_threads

    @property
    def kernels(self) -> str:
        return self._core.kernels

    def num_parameters(self, *_, **__) -> int:
        return self._core.num_parameters

    def get_memory_footprint(self, *_, **__) -> int:
        return self._core.weight_bytes

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name_or_path!r}, {self.config.model_type}, {self.num_parameters():,} parameters, {self.dtype})"


def _loaded(cls, directory: str, name_or_path: str, dtype: str, num_threads: int) -> PreTrainedModel:
    """What pickle makes anew: another process maps the files itself, and shares their memory."""
    return cls(cls._core_class.from_pretrained(directory, _filbert.ModelOptions(num_threads=num_threads, dtype=dtype)), name_or_path, directory)


class AutoModelForSequenceClassification(PreTrainedModel):
    """A label for each text."""

    _core_class = _filbert.SequenceClassifier
    _output_class = SequenceClassifierOutput


class AutoModelForTokenClassification(PreTrainedModel):
    """A label for each token."""

    _core_class = _filbert.TokenClassifier
    _output_class = TokenClassifierOutput


class AutoModel(PreTrainedModel):
    """The encoder alone, without a head."""

    _core_class = _filbert.Encoder
    _output_class = BaseModelOutput

    def _output(self, logits, hidden_states, attentions, wanted):
        return BaseModelOutput(last_hidden_state=hidden_states[-1], hidden_states=hidden_states if wanted else None, attentions=attentions)


# Whatever a checkpoint's family, these read it: the name of a class in config.json chooses nothing.
BertForSequenceClassification = AutoModelForSequenceClassification
BertForTokenClassification = AutoModelForTokenClassification
