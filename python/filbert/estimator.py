"""FilbertClassifier: the protocol of scikit-learn, so that whatever explains or measures a black box takes a checkpoint for one."""

from .batches import as_column, batches
from .hub import as_count
from .pipelines import pipeline


class FilbertClassifier:
    """A trained classifier of texts: fit() has nothing to do, predict_proba() is [texts, labels], its columns those of classes_.

    model: a directory, the name of a model on the Hub, a loaded model, or None for the built-in one.
    """

    _estimator_type = "classifier"

    def __init__(self, model=None, *, tokenizer=None, dtype=None, num_threads=None, function_to_apply=None, max_length=None, batch_size=1000):
        # As scikit-learn wants it: what is given is kept as it is, and looked at when it is needed.
        self.model = model
        self.tokenizer = tokenizer
        self.dtype = dtype
        self.num_threads = num_threads
        self.function_to_apply = function_to_apply
        self.max_length = max_length
        self.batch_size = batch_size

    def get_params(self, deep: bool = True) -> dict:
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}

    def set_params(self, **params) -> "FilbertClassifier":
        known = self.get_params()
        for name, value in params.items():
            if name not in known:
                raise ValueError(f"set_params: expected one of {', '.join(known)}, found {name!r}")
            setattr(self, name, value)
        self.__dict__.pop("_pipeline", None)
        return self

    def __getstate__(self) -> dict:
        return self.get_params()

    def __sklearn_clone__(self) -> "FilbertClassifier":
        return type(self)(**self.get_params())

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self):
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        return Tags(
            estimator_type="classifier", target_tags=TargetTags(required=False), classifier_tags=ClassifierTags(), input_tags=InputTags(string=True, two_d_array=False)
        )

    @property
    def pipeline_(self):
        if "_pipeline" not in self.__dict__:
            options = {} if self.function_to_apply is None else {"function_to_apply": self.function_to_apply}
            if self.max_length is not None:
                options["max_length"] = self.max_length
            self._pipeline = pipeline(
                "text-classification", self.model, tokenizer=self.tokenizer, dtype=self.dtype, num_threads=self.num_threads, truncation=True, **options
            )
        return self._pipeline

    def fit(self, X=None, y=None) -> "FilbertClassifier":
        """The model is trained already; this loads it."""
        self.pipeline_  # noqa: B018
        return self

    @property
    def classes_(self):
        import numpy

        pipe = self.pipeline_
        return numpy.array(pipe._core.labels(pipe._prepared(pipe._given).options))

    def predict_proba(self, X):
        """[texts, labels] of scores, f32; X: a list, a column or an iterator of texts."""
        import numpy

        pipe = self.pipeline_
        options = pipe._prepared(pipe._given).options
        parts = [
            pipe._core.probabilities([str(text) if type(text) is not str and isinstance(text, str) else text for text in part], None, options, first)
            for part, first in batches(as_column(X, "X"), as_count("batch_size", self.batch_size, 1))
        ]
        return numpy.concatenate(parts) if parts else numpy.empty((0, len(self.classes_)), numpy.float32)

    __call__ = predict_proba  # what shap's explainers call

    def predict_log_proba(self, X):
        import numpy

        return numpy.log(self.predict_proba(X))

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def score(self, X, y, sample_weight=None) -> float:
        """Accuracy."""
        import numpy

        return float(numpy.average(self.predict(X) == numpy.asarray(y), weights=sample_weight))

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.get_params().items() if value is not None and name != "batch_size")
        return f"{type(self).__name__}({given})"
