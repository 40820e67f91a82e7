"""Texts as they come: a list, an iterator, a column of pandas, pyarrow or numpy. Neither of these is imported for it."""

from collections.abc import Iterator
from itertools import islice

from .errors import InvalidArgumentError, NotTextError


def is_iterator(texts) -> bool:
    return hasattr(texts, "__next__")


def as_column(texts, name: str = "texts"):
    """`texts`, or an error that says what is expected instead of it."""
    if hasattr(texts, "columns") or hasattr(texts, "column_names"):
        raise NotTextError(f"{name}: expected a column of texts, found a table ({type(texts).__name__}); its columns are what is meant")
    if isinstance(texts, (bytes, dict)) or not hasattr(texts, "__iter__"):
        raise NotTextError(f"{name}: expected a list, an iterator or a column of texts, found {type(texts).__name__}")
    if getattr(texts, "ndim", 1) != 1:
        raise NotTextError(f"{name}: expected a column of texts, found an array of {texts.ndim} dimensions")
    return texts


def _arrow_value(scalar):
    try:
        return scalar.as_py()
    except UnicodeDecodeError:
        return scalar.as_buffer().to_pybytes()  # no text, which the error of its row shows


def _as_list(part) -> list:
    if hasattr(part, "to_pylist"):  # of pyarrow
        try:
            return part.to_pylist()
        except UnicodeDecodeError:
            return [_arrow_value(scalar) for scalar in part]
    return part.tolist() if hasattr(part, "tolist") else list(part)  # of numpy and pandas


def batches(texts, size: int) -> Iterator[tuple[list, int]]:
    """(texts, number of the first) for up to `size` texts at a time."""
    if isinstance(texts, (list, tuple)) or hasattr(texts, "__len__"):
        column = getattr(texts, "array", texts) if hasattr(texts, "iloc") else texts  # what pandas numbers by an index of its own
        for first in range(0, len(texts), size):
            part = column[first : first + size]
            yield part if isinstance(part, list) else _as_list(part), first
        return
    iterator, first = iter(texts), 0
    while part := list(islice(iterator, size)):
        yield part, first
        first += len(part)


def paired(texts, text_pairs, size: int) -> Iterator[tuple[list, list | None, int]]:
    """The same with what stands beside each text; the two must be equally long."""
    if text_pairs is None:
        for part, first in batches(texts, size):
            yield part, None, first
        return
    others = batches(text_pairs, size)
    first = 0
    for part, first in batches(texts, size):
        other, _ = next(others, ([], 0))
        if len(other) != len(part):
            raise InvalidArgumentError(f"text_pairs: expected as many as there are texts, found {first + len(other)}")
        yield part, other, first
        first += len(part)
    if next(others, None) is not None:
        raise InvalidArgumentError(f"text_pairs: expected as many as there are texts, {first}, found more")
