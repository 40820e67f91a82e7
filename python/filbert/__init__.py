"""Filbert: classifies text with encoder checkpoints of the Hugging Face Hub, on CPUs, and shows why.

The names are those of transformers, so that its programs run with `filbert` in its place:

    from filbert import AutoTokenizer, BertForSequenceClassification, pipeline

Nothing is loaded before it is used, the C++ library included: to import this costs a millisecond.
"""

TYPE_CHECKING = False  # True to type checkers; the module of that name would be most of what an import costs

_PLACES = {
    "AutoConfig": "configuration",
    "PretrainedConfig": "configuration",
    "AutoTokenizer": "tokenization",
    "PreTrainedTokenizer": "tokenization",
    "BatchEncoding": "batch_encoding",
    "AutoModel": "modeling",
    "AutoModelForSequenceClassification": "modeling",
    "AutoModelForTokenClassification": "modeling",
    "BertForSequenceClassification": "modeling",
    "BertForTokenClassification": "modeling",
    "PreTrainedModel": "modeling",
    "pipeline": "pipelines",
    "TextClassificationPipeline": "text_classification",
    "TokenClassificationPipeline": "token_classification",
    "classify": "classification",
    "Classification": "_filbert",
    "explain": "explanation",
    "Explanation": "explanation",
    "FilbertClassifier": "estimator",
    "FilbertError": "errors",
    "softmax": "scores",
    "sigmoid": "scores",
}
_MODULES = {*_PLACES.values(), "ray", "spark"} - {"_filbert"}

__all__ = sorted(_PLACES)

if TYPE_CHECKING:
    from ._filbert import Classification as Classification
    from .batch_encoding import BatchEncoding as BatchEncoding
    from .classification import classify as classify
    from .configuration import AutoConfig as AutoConfig
    from .configuration import PretrainedConfig as PretrainedConfig
    from .errors import FilbertError as FilbertError
    from .estimator import FilbertClassifier as FilbertClassifier
    from .explanation import Explanation as Explanation
    from .explanation import explain as explain
    from .modeling import AutoModel as AutoModel
    from .modeling import AutoModelForSequenceClassification as AutoModelForSequenceClassification
    from .modeling import AutoModelForTokenClassification as AutoModelForTokenClassification
    from .modeling import BertForSequenceClassification as BertForSequenceClassification
    from .modeling import BertForTokenClassification as BertForTokenClassification
    from .modeling import PreTrainedModel as PreTrainedModel
    from .pipelines import pipeline as pipeline
    from .scores import sigmoid as sigmoid
    from .scores import softmax as softmax
    from .text_classification import TextClassificationPipeline as TextClassificationPipeline
    from .token_classification import TokenClassificationPipeline as TokenClassificationPipeline
    from .tokenization import AutoTokenizer as AutoTokenizer
    from .tokenization import PreTrainedTokenizer as PreTrainedTokenizer

    __version__: str


def __getattr__(name: str):
    import importlib

    if name == "__version__":
        return importlib.import_module("._filbert", __name__).__version__
    if name in _PLACES:
        value = getattr(importlib.import_module(f".{_PLACES[name]}", __name__), name)
    elif name in _MODULES:
        value = importlib.import_module(f".{name}", __name__)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__, *_MODULES, "__version__"})
