"""How transformers reads the arguments of a tokenizer's call: padding, truncation and max_length together, and what return_tensors wants."""

from .errors import InvalidArgumentError, UnsupportedError, warn
from .hub import as_count

VERY_LARGE_INTEGER = int(1e30)  # of transformers: "the tokenizer does not say"

PADDINGS = ("longest", "max_length", "do_not_pad")
TRUNCATIONS = ("longest_first", "only_first", "only_second", "do_not_truncate")


def one_of(option: str, value, words: tuple[str, ...]) -> str:
    word = getattr(value, "value", value)  # an enumeration of transformers is its word
    if not isinstance(word, str) or word not in words:
        raise InvalidArgumentError(f"{option}: expected True, False or one of {', '.join(words)}, found {value!r}")
    return word


def is_left(side: str) -> bool:
    if not isinstance(side, str) or side not in ("left", "right"):
        raise InvalidArgumentError(f"padding_side: expected \"left\" or \"right\", found {side!r}")
    return side == "left"


def as_tensors(columns: dict, tensor_type) -> dict:
    """Lists as arrays of numpy, or as tensors of torch where that is installed."""
    kind = getattr(tensor_type, "value", tensor_type)
    if not isinstance(kind, str) or kind not in ("np", "pt"):
        raise UnsupportedError(f"return_tensors: expected \"np\", or \"pt\" where torch is installed, found {tensor_type!r}")
    import numpy

    def as_array(name, column):
        try:
            return numpy.array(column, dtype=None if len(column) else numpy.int64)
        except ValueError:
            raise InvalidArgumentError(
                f"{name}: rows of unequal length make no array; padding=True makes them equally long, truncation=True cuts those that are too long"
            ) from None

    # The library's 64 bits are numpy's "long long", which is shown as if it were another type than int64.
    arrays = {name: column.view(numpy.int64) if isinstance(column, numpy.ndarray) else as_array(name, column) for name, column in columns.items()}
    if kind == "np":
        return arrays
    import torch

    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def strategies(padding, truncation, max_length, pad_to_multiple_of, *, model_max_length: int, can_pad: bool):
    """As transformers reads these arguments together."""
    if padding is False and truncation is None and max_length is None:
        return "do_not_pad", "do_not_truncate", None
    if max_length is not None:
        max_length = as_count("max_length", max_length)
        if padding is False and truncation is None:
            truncation = "longest_first"
    strategy = {True: "longest", False: "do_not_pad"}.get(padding) if isinstance(padding, bool) else one_of("padding", padding, PADDINGS)
    if truncation is None or isinstance(truncation, bool):
        truncation = "longest_first" if truncation else "do_not_truncate"
    else:
        truncation = one_of("truncation", truncation, TRUNCATIONS)
    if padding is True and max_length is not None and truncation == "do_not_truncate":
        warn("max_length has no effect where padding=True and nothing is truncated; padding=\"max_length\" pads to it")
    if max_length is None:
        if model_max_length >= VERY_LARGE_INTEGER:
            strategy = "do_not_pad" if strategy == "max_length" else strategy
            truncation = "do_not_truncate"
        elif strategy == "max_length" or truncation != "do_not_truncate":
            max_length = model_max_length
    if strategy != "do_not_pad" and not can_pad:
        raise InvalidArgumentError("padding: expected a tokenizer with a padding token, found none")
    if truncation != "do_not_truncate" and strategy != "do_not_pad" and pad_to_multiple_of and max_length is not None and max_length % pad_to_multiple_of:
        raise InvalidArgumentError(f"max_length: expected a multiple of pad_to_multiple_of, {pad_to_multiple_of}, found {max_length}")
    return strategy, truncation, max_length
