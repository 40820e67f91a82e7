"""Arrow batches in, the same with columns of answers out: what Spark and Ray have in common.

Rows of several small batches go into one call of the library, and rows of a large one into several: a call has about `batch_tokens` tokens. Order is
kept, and what waits is bounded by one call and the batches that it began in. A row that is no text is told from one that is, and the others go on.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import pyarrow

from .errors import FilbertError, InvalidArgumentError, NotTextError

_CHARACTERS_OF_A_TOKEN = 4  # in English; only for how much goes into a call, where the library makes its own batches of counted tokens
_SPECIAL_TOKENS = 2
BATCH_TOKENS = 32 * 1024
ON_ERROR = ("row", "raise")


class Output(NamedTuple):
    """A column that can be had: its type, and what of an answer stands in it."""

    arrow_type: pyarrow.DataType
    value: Callable


_SCORES = pyarrow.map_(pyarrow.string(), pyarrow.float64())

# In the order and under the names of `filbert classify --input`.
CLASSIFICATION = {
    "label": Output(pyarrow.string(), lambda answer: answer.label),
    "score": Output(pyarrow.float64(), lambda answer: answer.score),
    "scores": Output(_SCORES, lambda answer: list(answer.scores.items())),
    "labels": Output(pyarrow.list_(pyarrow.string()), lambda answer: answer.labels),
    "expected": Output(pyarrow.float64(), lambda answer: answer.expected),
    "rejected": Output(pyarrow.bool_(), lambda answer: answer.rejected),
    "tokens_total": Output(pyarrow.int32(), lambda answer: answer.tokens_total),
    "truncated": Output(pyarrow.bool_(), lambda answer: answer.truncated),
}


def _of_entities(name: str, *more: tuple[str, pyarrow.DataType]) -> dict[str, Output]:
    fields = [(name, pyarrow.string()), ("score", pyarrow.float64()), *more, ("word", pyarrow.string()), ("start", pyarrow.int32()), ("end", pyarrow.int32())]
    return {"entities": Output(pyarrow.list_(pyarrow.struct(fields)), lambda answer: answer)}


ENTITIES = _of_entities("entity_group")
TOKENS = _of_entities("entity", ("index", pyarrow.int32()))  # with aggregation_strategy="none"


class RowError(NamedTuple):
    """In the place of a text or of an answer: why there is none."""

    message: str


def _decoded(value: bytes | None, name: str):
    if value is None:
        return RowError(f"column {name!r}: expected text, found null")
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        return RowError(f"column {name!r}: expected text in UTF-8, found the byte 0x{value[error.start]:02x} at {error.start}")


def texts_of(column, name: str) -> list:
    """A str or a RowError of each row."""
    kind = column.type
    if pyarrow.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pyarrow.types.is_null(kind):
        return [_decoded(None, name)] * len(column)
    if not (pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind) or getattr(pyarrow.types, "is_string_view", lambda _: False)(kind)):
        raise NotTextError(f"column {name!r}: expected text, found {kind}")
    try:
        texts = column.to_pylist()
    except UnicodeDecodeError:
        return [_decoded(value, name) for value in column.cast(pyarrow.binary()).to_pylist()]
    return [_decoded(None, name) if text is None else text for text in texts] if column.null_count else texts


def _rows_of(texts: list, pairs: list | None) -> list:
    """(text, pair or None) or a RowError of each row."""
    if pairs is None:
        return [text if isinstance(text, RowError) else (text, None) for text in texts]
    return [next((part for part in row if isinstance(part, RowError)), row) for row in zip(texts, pairs, strict=True)]


class Work:
    """What is done with rows, and what comes of it.

    answers: (texts, pairs or None) → an answer of each, and what of them is counted; may raise.
    columns: (place in a batch, name) of the texts, and of their pairs where there are some.
    outputs: (Output, or None for the error) of each column that is added.
    count: called with a Counter after each call.
    """

    def __init__(self, answers: Callable, columns: list, outputs: list, names: list[str], *, on_error: str, batch_tokens: int = BATCH_TOKENS, count=None):
        self.answers, self.columns, self.outputs, self.names = answers, columns, outputs, names
        self.on_error, self.batch_tokens, self.count = on_error, batch_tokens, count

    def __call__(self, batches: Iterable) -> Iterator:
        for batch, answers in self._answered(batches):
            added = [self._column(output, answers) for output in self.outputs]
            yield pyarrow.RecordBatch.from_arrays([*batch.columns, *added], names=[*batch.schema.names, *self.names])

    def columns_of(self, parts: list[list]) -> list:
        """The columns that are added to a single batch; `parts`: its texts, and their pairs if there are some, each a str or a RowError."""
        texts, *pairs = parts
        answers = self._called(_rows_of(texts, pairs[0] if pairs else None), 0)
        return [self._column(output, answers) for output in self.outputs]

    def _parts_of(self, batch) -> tuple:
        parts = [texts_of(batch.column(place), name) for place, name in self.columns]
        return parts[0], parts[1] if len(parts) > 1 else None

    def _column(self, output: Output | None, answers: list):
        if output is None:
            return pyarrow.array([answer.message if isinstance(answer, RowError) else None for answer in answers], pyarrow.string())
        return pyarrow.array([None if isinstance(answer, RowError) else output.value(answer) for answer in answers], output.arrow_type)

    def _answered(self, batches: Iterable) -> Iterator[tuple]:
        """(batch, an answer or a RowError of each of its rows), in order."""
        waiting, rows, tokens, answers, first = deque(), [], 0, deque(), 0
        for batch in batches:
            waiting.append(batch)
            for row in _rows_of(*self._parts_of(batch)):
                rows.append(row)
                if not isinstance(row, RowError):
                    tokens += sum(len(part) for part in row if part) // _CHARACTERS_OF_A_TOKEN + _SPECIAL_TOKENS
                if tokens >= self.batch_tokens:
                    answers.extend(self._called(rows, first))
                    first, rows, tokens = first + len(rows), [], 0
            while waiting and waiting[0].num_rows <= len(answers):
                batch = waiting.popleft()
                yield batch, [answers.popleft() for _ in range(batch.num_rows)]
        answers.extend(self._called(rows, first))
        for batch in waiting:
            yield batch, [answers.popleft() for _ in range(batch.num_rows)]

    def _called(self, rows: list, first: int) -> list:
        begun = time.perf_counter()
        texts = [row for row in rows if not isinstance(row, RowError)]
        if self.on_error == "raise" and len(texts) < len(rows):
            at = next(place for place, row in enumerate(rows) if isinstance(row, RowError))
            raise NotTextError(f"row {first + at}: {rows[at].message}")
        counts = Counter()
        found = iter(self._found(texts, counts, first))
        answers = [row if isinstance(row, RowError) else next(found) for row in rows]
        if self.count is not None:
            counts["rows"] += len(rows)
            counts["errors"] += sum(isinstance(answer, RowError) for answer in answers)
            counts["seconds"] += time.perf_counter() - begun
            self.count(counts)
        return answers

    def _found(self, texts: list, counts: Counter, first: int) -> list:
        if not texts:
            return []
        try:
            answers, counted = self.answers([text for text, _ in texts], [pair for _, pair in texts] if len(self.columns) > 1 else None, first)
            counts.update(counted)
            return answers
        except InvalidArgumentError as error:
            if self.on_error == "raise":
                raise
            if len(texts) == 1:
                return [RowError(_without_row(error, self.columns[0][1]))]
        return [self._found([text], counts, first)[0] for text in texts]  # which of them it was


def _without_row(error: FilbertError, name: str) -> str:
    """"row 7: expected …" with the column for the row, whose number is that of a part that nobody knows of."""
    row, found, rest = str(error).partition(": ")
    return f"column {name!r}: {rest}" if found and row.startswith("row ") else str(error)


def classification_answers(pipe, options: dict) -> Callable:
    """What Work needs of a pipeline "text-classification"."""
    call = pipe._prepared({**pipe._given, **options})

    def answers(texts, pairs, first):
        if call.refuses_long:
            pipe._refuse_long(texts, pairs, call, first)
        found = pipe._core.answers(texts, pairs, call.options, first, False)
        return found, {"tokens": sum(answer.tokens_used for answer in found), "truncated": sum(answer.truncated for answer in found)}

    answers(["a"], None, 0)  # options that do not go together are nobody's row's fault
    return answers


def entity_answers(pipe, options: dict) -> Callable:
    """What Work needs of a pipeline "token-classification"."""
    from .token_classification import _Call

    call = _Call(pipe, **{**pipe._given, **options})

    def answers(texts, pairs, first):
        found, truncated = pipe._core.predict(texts, call.options, first)
        return found, {"truncated": truncated}

    answers(["a"], None, 0)
    return answers


# task: what Work needs of its pipeline
ANSWERS = {"text-classification": classification_answers, "token-classification": entity_answers}


def outputs_of(options: dict) -> dict[str, Output]:
    """Of a call with these options; an aggregation_strategy have entities alone."""
    strategy = options.get("aggregation_strategy")
    return CLASSIFICATION if strategy is None else TOKENS if strategy == "none" else ENTITIES


def default_outputs(on_error: str) -> tuple[str, ...]:
    """Of a classification: a text that was cut says so, as everywhere."""
    return ("label", "score", "truncated") if on_error == "raise" else ("label", "score", "truncated", "error")


def chosen_outputs(output, table: dict[str, Output], existing: Iterable[str], on_error: str) -> dict[str, str]:
    """{what: name of its column}, of a list of what, or of such a dict."""
    if on_error not in ON_ERROR:
        raise InvalidArgumentError(f'on_error: expected "row" or "raise", found {on_error!r}')
    known = [*table, "error"]
    if isinstance(output, str):
        output = [output]
    chosen = dict(output) if hasattr(output, "keys") else {what: what for what in output}
    if not chosen:
        raise InvalidArgumentError(f"output: expected some of {', '.join(known)}, found none")
    for what, name in chosen.items():
        if what not in known:
            raise InvalidArgumentError(f"output: expected some of {', '.join(known)}, found {what!r}")
        if not isinstance(name, str) or not name:
            raise InvalidArgumentError(f"output: expected the name of a column for {what}, found {name!r}")
    taken = [*existing]
    for what, name in chosen.items():
        if name in taken:
            raise InvalidArgumentError(f"output: expected a new column for {what}, found {name!r}, which is there; output={{{what!r}: another name}} gives one")
        taken.append(name)
    return chosen
