"""Texts of a Ray dataset: a class for map_batches(), whose actors load the model once.

    import ray
    from filbert.ray import Classify
    eight = ray.data.ActorPoolStrategy(size=8)
    ray.data.read_parquet("reviews").map_batches(Classify, fn_constructor_kwargs={"input_col": "text"}, compute=eight, num_cpus=1)

Ray itself is not needed: the class takes what map_batches gives a class, a dict of numpy arrays, a pandas.DataFrame or a pyarrow.Table, and gives
the same kind back with columns added.
"""

import pyarrow

from .arrow_batches import CLASSIFICATION, RowError, Work, chosen_outputs, classification_answers, default_outputs, texts_of
from .errors import InvalidArgumentError, NotTextError
from .pipelines import pipeline


def _texts(values, name: str) -> list:
    """A str or a RowError of each value, whatever holds them."""
    if isinstance(values, (pyarrow.Array, pyarrow.ChunkedArray)):
        return texts_of(values, name)
    if getattr(values, "ndim", 1) != 1:
        raise NotTextError(f"column {name!r}: expected texts, found an array of {values.ndim} dimensions")
    return [str(value) if isinstance(value, str) else RowError(f"column {name!r}: expected text, found {_shown(value)}") for value in values.tolist()]


def _shown(value) -> str:
    return "None" if value is None else f"{value!r} ({type(value).__name__})"


def _with_columns(batch, columns: dict):
    if isinstance(batch, pyarrow.Table):
        for name, column in columns.items():
            batch = batch.append_column(name, column)
        return batch
    if hasattr(batch, "assign"):  # pandas, whose row labels stay
        return batch.assign(**{name: column.to_pylist() for name, column in columns.items()})
    return {**batch, **{name: column.to_numpy(zero_copy_only=False) for name, column in columns.items()}}


class Classify:
    """Adds columns that say what the model says of each text in `input_col`; model, output, on_error and options are those of filbert.spark.classify()."""

    def __init__(self, input_col: str, *, text_pair_col: str | None = None, model=None, output=None, on_error: str = "row", num_threads: int = 1, dtype=None,
                 **options):
        self._inputs = [input_col] if text_pair_col is None else [input_col, text_pair_col]
        self._chosen = chosen_outputs(default_outputs(on_error) if output is None else output, CLASSIFICATION, (), on_error)
        answers = classification_answers(pipeline("text-classification", model, num_threads=num_threads, dtype=dtype), options)
        columns = list(enumerate(self._inputs))
        self._work = Work(answers, columns, [CLASSIFICATION.get(what) for what in self._chosen], list(self._chosen.values()), on_error=on_error)

    def __call__(self, batch):
        names = batch.column_names if isinstance(batch, pyarrow.Table) else list(batch)
        for name in self._inputs:
            if name not in names:
                raise InvalidArgumentError(f"input_col: expected one of the columns {', '.join(map(repr, names))}, found {name!r}")
        for name in self._chosen.values():
            if name in names:
                raise InvalidArgumentError(f"output: expected a new column, found {name!r}, which is there")
        added = self._work.columns_of([_texts(batch[name], name) for name in self._inputs])
        return _with_columns(batch, dict(zip(self._chosen.values(), added)))
