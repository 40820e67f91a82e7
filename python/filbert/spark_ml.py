"""FilbertClassifier: filbert.spark.classify() as a Transformer, for pipelines of pyspark.ml."""

from pyspark import keyword_only
from pyspark.ml import Transformer
from pyspark.ml.param import Param, Params, TypeConverters
from pyspark.ml.param.shared import HasInputCol, HasOutputCol
from pyspark.ml.util import DefaultParamsReadable, DefaultParamsWritable
from pyspark.sql.types import StringType, StructType

from .arrow_batches import CLASSIFICATION
from .errors import InvalidArgumentError, NotTextError
from .spark import added_fields, classify

# Params beside inputCol and outputCol: (what they are called in classify(), how a value becomes one of theirs, what they are)
_PARAMS = {
    "scoreCol": ("score", TypeConverters.toString, "column of the label's score; empty: none"),
    "scoresCol": ("scores", TypeConverters.toString, "column of the scores of all labels, a map; empty: none"),
    "truncatedCol": ("truncated", TypeConverters.toString, "column of whether a text was cut; empty: none"),
    "errorCol": ("error", TypeConverters.toString, "column of what is wrong with a row; empty: such a row ends the job"),
    "textPairCol": ("text_pair_col", TypeConverters.toString, "column of second texts"),
    "model": ("model", TypeConverters.toString, "a directory or the name of a model on the Hub; unset: the built-in one"),
    "dtype": ("dtype", TypeConverters.toString, "float32, bfloat16, int8 or fastest"),
    "topK": ("top_k", TypeConverters.toInt, "how many scores scoresCol has"),
    "functionToApply": ("function_to_apply", TypeConverters.toString, "softmax, sigmoid or none"),
    "maxLength": ("max_length", TypeConverters.toInt, "most tokens of a text"),
    "longText": ("long_text", TypeConverters.toString, "truncate or windows"),
    "numThreads": ("num_threads", TypeConverters.toInt, "threads of a task"),
    "batchTokens": ("batch_tokens", TypeConverters.toInt, "about how many tokens go into one call"),
}
_COLUMNS = ("scoreCol", "scoresCol", "truncatedCol", "errorCol")


class FilbertClassifier(Transformer, HasInputCol, HasOutputCol, DefaultParamsReadable, DefaultParamsWritable):
    """Adds the label of each text in inputCol as outputCol, its score as scoreCol, whether it was cut as truncatedCol, what is wrong with it as errorCol.

    save() keeps the params; the model stays where it is, and where it is loaded again a directory must be there under the same name.
    """

    scoreCol, scoresCol, truncatedCol, errorCol, textPairCol, model, dtype, topK, functionToApply, maxLength, longText, numThreads, batchTokens = (
        Param(Params._dummy(), name, doc, typeConverter=converter) for name, (_, converter, doc) in _PARAMS.items()
    )

    @keyword_only
    def __init__(self, *, inputCol="text", outputCol="label", scoreCol="score", scoresCol="", truncatedCol="truncated", errorCol="error", textPairCol=None,
                 model=None, dtype=None, topK=None, functionToApply=None, maxLength=None, longText=None, numThreads=None, batchTokens=None):
        super().__init__()
        self._setDefault(inputCol="text", outputCol="label", scoreCol="score", scoresCol="", truncatedCol="truncated", errorCol="error")
        self.setParams(**self._input_kwargs)

    @keyword_only
    def setParams(self, *, inputCol=None, outputCol=None, scoreCol=None, scoresCol=None, truncatedCol=None, errorCol=None, textPairCol=None,
                  model=None, dtype=None, topK=None, functionToApply=None, maxLength=None, longText=None, numThreads=None, batchTokens=None):
        """Those that are given; None leaves one as it is."""
        return self._set(**self._input_kwargs)

    def _set(self, **given):
        return super()._set(**{name: value for name, value in given.items() if value is not None})

    def _output(self) -> dict[str, str]:
        columns = {"label": self.getOutputCol(), **{_PARAMS[name][0]: self.getOrDefault(name) for name in _COLUMNS}}
        return {what: name for what, name in columns.items() if name}

    def transformSchema(self, schema: StructType) -> StructType:
        """The schema of what transform() gives, or an error that names the column."""
        for name in [self.getInputCol(), *([self.getOrDefault("textPairCol")] if self.isDefined("textPairCol") else [])]:
            if name not in schema.names:
                raise InvalidArgumentError(f"{self.uid}: expected one of the columns {', '.join(map(repr, schema.names))}, found {name!r}")
            if not isinstance(schema[name].dataType, StringType):
                raise NotTextError(f"{self.uid}: expected a column of strings, found {name!r} of {schema[name].dataType.simpleString()}")
        for what, name in self._output().items():
            if name in schema.names:
                raise InvalidArgumentError(f"{self.uid}: expected a new column for {what}, found {name!r}, which is there")
        return StructType([*schema.fields, *added_fields(CLASSIFICATION, self._output())])

    def _transform(self, dataset):
        options = {word: self.getOrDefault(name) for name, (word, _, _) in _PARAMS.items() if name not in _COLUMNS and self.isDefined(name)}
        output = self._output()
        return classify(dataset, self.getInputCol(), output=output, on_error="row" if "error" in output else "raise", **options)
