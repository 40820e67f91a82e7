"""classify(): many texts, whatever holds them, and all that is known of each."""

import os
from functools import lru_cache

from .batches import as_column, is_iterator, paired
from .errors import InvalidArgumentError, NotTextError
from .hub import as_count, default_model
from .modeling import PreTrainedModel
from .pipelines import pipeline
from .text_classification import TextClassificationPipeline

_BATCH = 1000


@lru_cache(maxsize=4)
def _pipeline_of(model: str) -> TextClassificationPipeline:
    return pipeline("text-classification", model)


def as_pipeline(model) -> TextClassificationPipeline:
    """Of a pipeline, a loaded model, a directory, the name of a model, or None for the built-in one; what is named is loaded once."""
    if isinstance(model, TextClassificationPipeline):
        return model
    if isinstance(model, PreTrainedModel):
        return pipeline("text-classification", model)
    if model is not None and not isinstance(model, (str, os.PathLike)):
        raise InvalidArgumentError(f"model: expected a pipeline, a model or its name, found {type(model).__name__}")
    return _pipeline_of(default_model() if model is None else os.fspath(model))


def _bar(progress, total):
    """Something with update() and close()."""
    if progress is True:
        from tqdm.auto import tqdm

        return tqdm(total=total, unit=" texts")
    return progress or None


def _rows(pipe, texts, text_pairs, call, batch_size, on_error, progress):
    bar = _bar(progress, len(texts) if hasattr(texts, "__len__") else None)
    truncated = 0
    try:
        for part, pairs, first in paired(texts, text_pairs, batch_size):
            if call.refuses_long:
                pipe._refuse_long(part, pairs, call, first)
            answers = pipe._core.answers(part, pairs, call.options, first, on_error == "row")
            truncated += sum(answer.truncated for answer in answers)
            yield from answers
            if bar is not None:
                bar.update(len(answers))
    finally:
        if bar is not None and progress is True:
            bar.close()
    if truncated and call.warns:
        pipe._warn(truncated, call)


def classify(
    texts,
    text_pairs=None,
    *,
    model=None,
    batch_size: int = _BATCH,
    progress=False,
    on_error: str = "raise",
    as_iterator: bool | None = None,
    **options,
):
    """A Classification of each text, in the order of the texts.

    texts: a list, an iterator, a pandas.Series, a pyarrow.Array or a numpy array of str; a single str gives a single Classification.
    text_pairs: as many second texts, or None.
    model: a pipeline, a model, the name of one, or None for the built-in one.
    progress: True shows a bar by tqdm; or something that has update(n).
    on_error: "raise": what is no text (None, NaN, a number) is an error that names its row; "row": its Classification says so in `error`.
    as_iterator: True gives a generator, that takes `batch_size` texts at a time; None does so where `texts` is an iterator.
    options: those of a pipeline's call: top_k, function_to_apply, truncation, max_length, long_text, stride, combine, threshold, use_decision.
    """
    if on_error not in ("raise", "row"):
        raise InvalidArgumentError(f'on_error: expected "raise" or "row", found {on_error!r}')
    pipe = as_pipeline(model)
    call = pipe._prepared({**pipe._given, **options})
    if isinstance(texts, str):
        if text_pairs is not None and not isinstance(text_pairs, str):
            raise NotTextError(f"text_pairs: expected a text beside a text, found {type(text_pairs).__name__}")
        return list(_rows(pipe, [texts], None if text_pairs is None else [text_pairs], call, 1, on_error, None))[0]
    column = as_column(texts)
    pairs = None if text_pairs is None else as_column(text_pairs, "text_pairs")
    rows = _rows(pipe, column, pairs, call, as_count("batch_size", batch_size, 1), on_error, progress)
    return rows if as_iterator or (as_iterator is None and is_iterator(texts)) else list(rows)
