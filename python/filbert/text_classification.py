"""The pipeline "text-classification": the calls and the answers of transformers' pipeline of that name."""

import types

from . import _filbert
from .batches import batches
from .errors import InvalidArgumentError, NotTextError, TruncationWarning, warn
from .hub import as_count, as_word
from .tokenizer_options import TRUNCATIONS, one_of

_CHUNK = 1024  # texts between two looks at whether Ctrl-C was pressed

# Arguments of the tokenizer that change nothing where nothing is padded.
_WITHOUT_EFFECT = frozenset("padding return_tensors num_workers pad_to_multiple_of padding_side clean_up_tokenization_spaces".split())


class TextClassificationPipeline:
    """Made by pipeline("text-classification", …). Safe to call from many threads at once; the GIL is released while it computes."""

    task = "text-classification"
    framework = "np"
    device = "cpu"

    def __init__(self, model, tokenizer=None, *, task: str | None = None, batch_size: int | None = None, decision=None, **options):
        """decision: None: filbert_decision.json of the model's directory, where there is one; False: none; or the name of such a file."""
        self.model = model
        self.tokenizer = tokenizer
        self.task = task or self.task
        self.batch_size = None if batch_size is None else as_count("batch_size", batch_size, 1)
        self._decision = decision
        file = decision if decision is not None and not isinstance(decision, bool) else ""
        self._core = _filbert.Classifier.make(model._core, None if tokenizer is None else tokenizer._core, decision is not False, str(file))
        self._given = options
        self._made = {}
        self._prepared(options)  # options that cannot be are told now

    def __reduce__(self):
        return _made, (self.model, self.tokenizer, {"task": self.task, "batch_size": self.batch_size, "decision": self._decision, **self._given})

    @property
    def config(self):
        return self.model.config

    # ---- options

    def _prepared(self, options: dict) -> "_Call":
        try:
            key = tuple(sorted(options.items()))
            if key not in self._made:
                self._made[key] = _Call(self, **options)
            return self._made[key]
        except TypeError as error:
            if "unhashable" in str(error) or "not supported between" in str(error):
                return _Call(self, **options)
            raise

    def _max_length(self, wanted):
        if wanted is not None:
            return as_count("max_length", wanted, 1)
        # What the caller set on the tokenizer, which the library does not know of.
        own = self.tokenizer.model_max_length if self.tokenizer is not None else None
        return own if own is not None and own < self._core.max_length else None

    # ---- calls

    def __call__(self, inputs, *, batch_size: int | None = None, **options):
        """A dict a text; lists of dicts, likeliest first, where top_k is given. As transformers: [dict] of a text, a list of a list, and of a
        generator a generator."""
        call = self._prepared({**self._given, **options} if options else self._given)
        size = self.batch_size if batch_size is None else as_count("batch_size", batch_size, 1)
        if isinstance(inputs, str):
            answer = self._predict([inputs], None, call)[0]
            return answer if "top_k" in options else [answer]
        if isinstance(inputs, dict):
            return self._predict_items([inputs], call, 0)[0]
        if isinstance(inputs, types.GeneratorType) or hasattr(inputs, "__next__"):
            return self._stream(inputs, call, size or 1)
        if isinstance(inputs, (bytes, int, float)) or not hasattr(inputs, "__iter__"):
            raise NotTextError(f"inputs: expected a text, a list of texts, or dicts of text and text_pair, found {type(inputs).__name__}")
        answers = []
        for part, first in batches(inputs, size or _CHUNK):
            answers += self._predict_items(part, call, first)
        return answers

    predict = transform = __call__

    def _stream(self, inputs, call, size):
        for part, first in batches(inputs, size):
            yield from self._predict_items(part, call, first)

    def _predict_items(self, items: list, call, first: int) -> list:
        if all(isinstance(item, str) for item in items):
            return self._predict(items, None, call, first)
        texts, pairs = zip(*(_text_and_pair(item, first + row) for row, item in enumerate(items)))
        return self._predict(list(texts), list(pairs), call, first)

    def _predict(self, texts, pairs, call, first: int = 0) -> list:
        if call.refuses_long:
            self._refuse_long(texts, pairs, call, first)
        answers, truncated = self._core.predict(texts, pairs, call.options, call.nested, first)
        if truncated and call.warns:
            self._warn(truncated, call)
        return answers

    def _warn(self, truncated: int, call) -> None:
        warn(
            f"{truncated} of the texts had more than {call.max_length or self._core.max_length} tokens and were cut; truncation=True says that this is meant, "
            'long_text="windows" looks at all of them',
            TruncationWarning,
        )

    def _refuse_long(self, texts, pairs, call, first: int) -> None:
        most = call.max_length or self._core.max_length
        rows = self.tokenizer._encode(texts, pairs, (True, "do_not_truncate", None, False, 0, False), False)
        for row, length in enumerate(rows.lengths):
            if length > most:
                raise InvalidArgumentError(f"row {first + row}: expected at most {most} tokens, found {length}; truncation=True cuts it")

    def classify(self, texts, text_pairs=None, **options):
        """filbert.classify() by this pipeline."""
        from .classification import classify

        return classify(texts, text_pairs, model=self, **options)

    def explain(self, text, text_pair=None, **options):
        """filbert.explain() by this pipeline."""
        from .explanation import explain

        return explain(text, text_pair, model=self, **options)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.model!r})"


class _Call:
    """The options of a call as the library takes them."""

    def __init__(self, pipe, *, top_k="", function_to_apply=None, truncation=None, max_length=None, long_text="truncate", stride=0, combine="mean",
                 threshold=None, use_decision=True, **unknown):
        for name in unknown:
            if name not in _WITHOUT_EFFECT:
                raise TypeError(f"{pipe.task}: got an unexpected argument {name!r}")
        # transformers: what is neither None nor a whole number is as if it had not been said.
        self.nested = top_k is None or (isinstance(top_k, int) and not isinstance(top_k, bool))
        self.max_length = pipe._max_length(max_length)
        if truncation is None or isinstance(truncation, bool):
            strategy = "do_not_truncate" if truncation is False else "longest_first"
        else:
            strategy = one_of("truncation", truncation, TRUNCATIONS)
        long_text = as_word("long_text", long_text)
        self.warns = truncation is None and long_text == "truncate"
        self.refuses_long = strategy == "do_not_truncate"
        if threshold is not None and (isinstance(threshold, bool) or not hasattr(type(threshold), "__float__")):
            raise InvalidArgumentError(f"threshold: expected a number from 0 to 1, found {threshold!r}")
        count = len(pipe.config.id2label)
        most = count if not self.nested or top_k is None else min(as_count("top_k", top_k, 1), count)
        function = None if function_to_apply is None else as_word("function_to_apply", function_to_apply).lower()
        self.options = _filbert.ClassifyOptions(
            function_to_apply=None if function == "default" else function,
            top_k=most if self.nested else None,
            threshold=threshold,
            max_length=self.max_length,
            truncation="longest_first" if self.refuses_long else strategy,
            long_text=long_text,
            stride=as_count("stride", stride),
            combine=as_word("combine", combine),
            use_decision=bool(use_decision),
        )


def _made(model, tokenizer, options: dict) -> TextClassificationPipeline:
    return TextClassificationPipeline(model, tokenizer, **options)


def _text_and_pair(item, row: int):
    """A text, {"text", "text_pair"}, or the [[text, text_pair]] of old."""
    if isinstance(item, dict):
        if "text" not in item or set(item) - {"text", "text_pair"}:
            raise InvalidArgumentError(f"row {row}: expected the keys text and text_pair, found {', '.join(map(repr, item))}")
        return item["text"], item.get("text_pair")
    if isinstance(item, (list, tuple)):
        if len(item) == 1 and isinstance(item[0], (list, tuple)) and len(item[0]) == 2:
            return tuple(item[0])
        raise InvalidArgumentError(f'row {row}: expected a text, or {{"text": …, "text_pair": …}} for a pair, found a {type(item).__name__} of {len(item)}')
    return item, None
