"""The pipeline "token-classification" ("ner"): the calls and the answers of transformers' pipeline of that name."""

import types

from . import _filbert
from .batches import batches
from .errors import InvalidArgumentError, NotTextError, TruncationWarning, warn
from .hub import as_count

_CHUNK = 1024  # texts between two looks at whether Ctrl-C was pressed

_WITHOUT_EFFECT = frozenset("padding return_tensors num_workers truncation".split())


class TokenClassificationPipeline:
    """Made by pipeline("ner", …). Safe to call from many threads at once; the GIL is released while it computes.

    A text gives a list of dicts: of tokens (entity, score, index, word, start, end), or with an aggregation_strategy of entities (entity_group in
    the place of entity, and no index). A list of texts gives a list of those, a generator a generator.
    """

    task = "token-classification"
    framework = "np"
    device = "cpu"

    def __init__(self, model, tokenizer, *, task: str | None = None, batch_size: int | None = None, **options):
        self.model = model
        self.tokenizer = tokenizer
        self.task = task or self.task
        self.batch_size = batch_size
        self._core = _filbert.EntityClassifier.make(model._core, tokenizer._core)
        self._given = options
        _Call(self, **options)  # options that cannot be are told now

    def __reduce__(self):
        return _made, (self.model, self.tokenizer, {"task": self.task, "batch_size": self.batch_size, **self._given})

    @property
    def config(self):
        return self.model.config

    def __call__(self, inputs, *, batch_size: int | None = None, **options):
        """aggregation_strategy: none, simple, first, average, max. ignore_labels: ["O"]. stride: texts too long are cut into windows that share so many
        tokens. is_split_into_words, delimiter: texts come as lists of words. Beyond transformers: tagging_scheme, decoding ("viterbi"), max_length.
        """
        call = _Call(self, **{**self._given, **options})
        size = as_count("batch_size", batch_size or self.batch_size or _CHUNK, 1)
        if isinstance(inputs, types.GeneratorType) or hasattr(inputs, "__next__"):
            return self._stream(inputs, call, batch_size or self.batch_size or 1)
        if isinstance(inputs, str):
            return self._predict([inputs], call, 0)[0]
        if isinstance(inputs, (bytes, dict)) or not hasattr(inputs, "__len__"):
            raise NotTextError(f"inputs: expected a text or a list of texts, found {type(inputs).__name__}")
        if len(inputs) == 0:
            raise InvalidArgumentError("inputs: expected at least one text, found none")
        if call.delimiter is not None and not all(isinstance(text, (list, tuple)) for text in inputs):
            inputs = [list(inputs)]
        answers = []
        for part, first in batches(inputs, size):
            answers += self._predict(part, call, first)
        return answers

    predict = transform = __call__

    def _stream(self, inputs, call, size):
        for part, first in batches(inputs, as_count("batch_size", size, 1)):
            yield from self._predict(part, call, first)

    def _predict(self, texts: list, call, first: int) -> list:
        if call.delimiter is not None:
            answers, truncated = self._core.predict_words(texts, call.delimiter, call.options, first)
        else:
            answers, truncated = self._core.predict(texts, call.options, first)
        if truncated and call.warns:
            warn(
                f"{truncated} of the texts had more than {call.max_length or self._core.max_length} tokens and were cut; stride=… looks at all of them",
                TruncationWarning,
            )
        return answers

    def token_scores(self, text: str, **options) -> list[tuple]:
        """(token, start, end, is_subword, scores) of each token but the special ones, for those who aggregate themselves."""
        return self._core.token_scores(text, _Call(self, **{**self._given, **options}).options)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.model!r})"


class _Call:
    """The options of a call as the library takes them."""

    def __init__(self, pipe, *, aggregation_strategy=None, ignore_labels=None, stride=None, is_split_into_words=False, delimiter=None, tagging_scheme="auto",
                 decoding="argmax", max_length=None, **unknown):
        for name in unknown:
            if name not in _WITHOUT_EFFECT:
                raise TypeError(f"{pipe.task}: got an unexpected argument {name!r}")
        self.delimiter = (" " if delimiter is None else delimiter) if is_split_into_words else None
        self.warns = stride is None and unknown.get("truncation") is None
        own = pipe.tokenizer.model_max_length
        self.max_length = as_count("max_length", max_length, 1) if max_length is not None else own if own < pipe._core.max_length else None
        strategy = "none" if aggregation_strategy is None else getattr(aggregation_strategy, "value", aggregation_strategy)
        if stride is not None:
            if strategy == "none" and aggregation_strategy is not None:
                raise InvalidArgumentError('stride: expected an aggregation_strategy beside it, found "none"')
            if as_count("stride", stride) >= (self.max_length or pipe._core.max_length):
                raise InvalidArgumentError(f"stride: expected less than the {self.max_length or pipe._core.max_length} tokens of a window, found {stride}")
        self.options = _filbert.TokenClassificationOptions(
            aggregation_strategy=strategy.lower(),
            ignore_labels=["O"] if ignore_labels is None else list(ignore_labels),
            tagging_scheme=tagging_scheme,
            decoding=decoding,
            max_length=self.max_length,
            stride=stride,
        )


def _made(model, tokenizer, options: dict) -> TokenClassificationPipeline:
    return TokenClassificationPipeline(model, tokenizer, **options)
