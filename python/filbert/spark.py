"""Texts of a Spark DataFrame: classify() and entities() add columns to it, FilbertClassifier does so in a pipeline of pyspark.ml.

    from filbert.spark import classify
    classify(spark.read.parquet("reviews"), "text").write.parquet("stars")

Executors run the library in their Python workers, over DataFrame.mapInArrow: they need this package, Python's own and pyarrow, and no other service.
"""

import os

from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import from_arrow_type  # StructType.fromDDL is there since Spark 4 only
from pyspark.sql.types import StringType, StructField, StructType

from . import spark_model
from .arrow_batches import ANSWERS, BATCH_TOKENS, chosen_outputs, default_outputs, outputs_of
from .errors import InvalidArgumentError, NotFoundError, NotTextError, UnsupportedError
from .hub import as_count, compute_dtype, find, hub_options
from .pipelines import pipeline
from .spark_model import Model

__all__ = ["FilbertClassifier", "Metrics", "classify", "entities"]

_COUNTED = {"rows": 0, "tokens": 0, "truncated": 0, "errors": 0, "seconds": 0.0}
_OF_HUB = frozenset("revision token cache_dir local_files_only force_download subfolder".split())


class Metrics:
    """What the tasks of a job have done, in accumulators of Spark: rows, tokens, truncated (texts), errors (rows), seconds (in the library, without loading).

    Filled by each action on the DataFrame, and again by a task that Spark runs again.
    """

    def __init__(self, spark):
        context = _context_of(spark)
        if context is None:
            raise UnsupportedError("metrics: expected a session of Spark itself, found one of Spark Connect, which has no accumulators")
        self._accumulators = {name: context.accumulator(zero) for name, zero in _COUNTED.items()}

    def __getattr__(self, name: str):
        if name in _COUNTED:
            return self._accumulators[name].value
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __repr__(self) -> str:
        return f"Metrics({', '.join(f'{name}={getattr(self, name)!r}' for name in _COUNTED)})"


def _context_of(spark):
    """None of Spark Connect."""
    try:
        return spark.sparkContext
    except Exception:
        return None


# ---- what can be told before a job begins


def _checked_column(df: DataFrame, argument: str, name) -> tuple[int, str]:
    if not isinstance(name, str):
        raise InvalidArgumentError(f"{argument}: expected the name of a column, found {type(name).__name__}")
    fields = df.schema.fields
    found = [place for place, field in enumerate(fields) if field.name == name]
    if not found and str(df.sparkSession.conf.get("spark.sql.caseSensitive", "false")).lower() != "true":
        found = [place for place, field in enumerate(fields) if field.name.lower() == name.lower()]
    if len(found) != 1:
        columns = ", ".join(repr(field.name) for field in fields)
        raise InvalidArgumentError(f"{argument}: expected {'one' if not found else 'the only one'} of the columns {columns}, found {name!r}")
    field = fields[found[0]]
    if not isinstance(field.dataType, StringType):
        cast = f'withColumn({field.name!r}, col({field.name!r}).cast("string")) makes one'
        raise NotTextError(f"{argument}: expected a column of strings, found {field.name!r} of {field.dataType.simpleString()}; {cast}")
    return found[0], field.name


def _checked_model(session, task: str, model, ship: bool | None, options: dict) -> tuple[Model, object]:
    """What executors are told, and the pipeline here, or None where only they can load it."""
    if model is not None and not isinstance(model, (str, os.PathLike)):
        raise InvalidArgumentError(f"model: expected a directory, the name of a model or None, found {type(model).__name__}")
    compute_dtype(options.get("dtype"))
    name = None if model is None else os.fspath(model)
    if name is not None and os.path.isdir(name):
        name = os.path.abspath(name)  # a worker has a directory of its own
    told = Model(task, name, None, tuple(sorted(options.items())))
    if name is not None and not os.path.isdir(name):
        if ship:
            raise NotFoundError(f"model: expected a directory, which is what can be shipped, found {name!r}")
        if ship is None:  # a name of the Hub: each machine has its cache, and here the small files will do
            find(name, hub_options(**{key: value for key, value in options.items() if key in _OF_HUB}), weights=False)
        return told, None
    loaded = pipeline(task, name, num_threads=1, **options)  # which says what is wrong with it, before a hundred executors do
    context = _context_of(session)
    if name is None or ship is False or (ship is None and context is not None and _is_local(context.master)):
        return told, loaded
    if context is None:
        raise UnsupportedError("model: expected a name of the Hub, or with ship=False a directory of all machines, found one to ship by Spark Connect")
    return told._replace(archive=spark_model.ship(context, name)), loaded


def _is_local(master: str) -> bool:
    return master == "local" or master.startswith("local[")


# ---- the job


def added_fields(table: dict, chosen: dict[str, str]) -> list[StructField]:
    """Of the columns that are added: `chosen` is {what: name}, `table` has what each of them is; what is not in it is the error."""
    return [StructField(name, from_arrow_type(table[what].arrow_type) if what in table else StringType(), True) for what, name in chosen.items()]


def _run(df, columns, model, loaded, output, *, on_error, batch_tokens, num_threads, metrics, options) -> DataFrame:
    table = outputs_of(options)
    chosen = chosen_outputs(output, table, df.columns, on_error)
    batch_tokens = as_count("batch_tokens", batch_tokens, 1)
    num_threads = None if num_threads is None else as_count("num_threads", num_threads, 1)
    if loaded is not None:
        ANSWERS[model.task](loaded, options)  # options that cannot be are told now
    part = spark_model.Part(model, options, columns, chosen, on_error=on_error, batch_tokens=batch_tokens, num_threads=num_threads,
                            accumulators=None if metrics is None else metrics._accumulators)
    return df.mapInArrow(lambda batches: part(batches), StructType([*df.schema.fields, *added_fields(table, chosen)]))


def classify(
    df: DataFrame,
    input_col: str,
    *,
    text_pair_col: str | None = None,
    model=None,
    output=None,
    on_error: str = "row",
    batch_tokens: int = BATCH_TOKENS,
    num_threads: int | None = None,
    dtype=None,
    ship: bool | None = None,
    metrics: Metrics | None = None,
    model_options: dict | None = None,
    **options,
) -> DataFrame:
    """`df` with columns that say what the model says of each text in `input_col`; as lazy as every DataFrame.

    text_pair_col: the column of second texts.
    model: a directory, the name of a model on the Hub, or None for the built-in one.
    output: some of label, score, scores, labels, expected, rejected, tokens_total, truncated, error; or a dict of these and the names of their columns.
        None: label, score, truncated, error.
    on_error: "row": what is no text has nulls, and its reason in the column error; "raise": it ends the job.
    batch_tokens: about how many tokens go into one call of the library; more costs memory, and is not faster.
    num_threads: of a task; None: its CPUs (spark.task.cpus).
    dtype: "float32", "bfloat16", "int8", "fastest"; None: the checkpoint's own.
    ship: whether a directory is sent to the executors; None: where they are not in this process; False: it is on every machine.
    metrics: a Metrics that the job fills.
    model_options: more options of pipeline(): revision, cache_dir, ….
    options: those of a pipeline's call: top_k, function_to_apply, truncation, max_length, long_text, stride, combine, threshold, use_decision.
    """
    columns = [_checked_column(df, "input_col", input_col)]
    if text_pair_col is not None:
        columns.append(_checked_column(df, "text_pair_col", text_pair_col))
    given = {**({} if dtype is None else {"dtype": dtype}), **(model_options or {})}
    told, loaded = _checked_model(df.sparkSession, "text-classification", model, ship, given)
    output = default_outputs(on_error) if output is None else output
    return _run(df, columns, told, loaded, output, on_error=on_error, batch_tokens=batch_tokens, num_threads=num_threads, metrics=metrics,
                options=options)


def entities(
    df: DataFrame,
    input_col: str,
    *,
    model=None,
    output=None,
    aggregation_strategy: str = "simple",
    on_error: str = "row",
    batch_tokens: int = BATCH_TOKENS,
    num_threads: int | None = None,
    dtype=None,
    ship: bool | None = None,
    metrics: Metrics | None = None,
    model_options: dict | None = None,
    **options,
) -> DataFrame:
    """`df` with a column `entities` of what a token classifier finds: an array of (entity_group, score, word, start, end), start and end in characters.

    output: entities, error; or a dict of these and the names of their columns.
    aggregation_strategy: simple, first, average, max; or none, for an array of (entity, score, index, word, start, end) of tokens.
    options: those of a pipeline's call: ignore_labels, stride, tagging_scheme, decoding, max_length. The others are those of classify().
    """
    columns = [_checked_column(df, "input_col", input_col)]
    given = {**({} if dtype is None else {"dtype": dtype}), **(model_options or {})}
    told, loaded = _checked_model(df.sparkSession, "token-classification", model, ship, given)
    if output is None:
        output = ("entities",) if on_error == "raise" else ("entities", "error")
    options = {"aggregation_strategy": aggregation_strategy, **options}
    return _run(df, columns, told, loaded, output, on_error=on_error, batch_tokens=batch_tokens, num_threads=num_threads, metrics=metrics,
                options=options)


def __getattr__(name: str):
    if name == "FilbertClassifier":  # pyspark.ml takes half a second to import
        from .spark_ml import FilbertClassifier

        return FilbertClassifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
