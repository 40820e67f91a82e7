"""pipeline(): a task and a checkpoint become something to call with texts."""

import os

from . import _filbert
from .errors import InvalidArgumentError, UnsupportedError
from .hub import default_entities_model, default_model, find, hub_options, model_options, refuse_unknown
from .modeling import AutoModelForSequenceClassification, AutoModelForTokenClassification, PreTrainedModel
from .text_classification import TextClassificationPipeline
from .token_classification import TokenClassificationPipeline
from .tokenization import PreTrainedTokenizer

# task: (what is called, what loads its model, how such classes end in config.json)
_TASKS = {
    "text-classification": (TextClassificationPipeline, AutoModelForSequenceClassification, "ForSequenceClassification"),
    "sentiment-analysis": (TextClassificationPipeline, AutoModelForSequenceClassification, "ForSequenceClassification"),
    "token-classification": (TokenClassificationPipeline, AutoModelForTokenClassification, "ForTokenClassification"),
    "ner": (TokenClassificationPipeline, AutoModelForTokenClassification, "ForTokenClassification"),
}


def _task_of(architectures: list[str]) -> str:
    for task, (_, _, ending) in _TASKS.items():
        if any(name.endswith(ending) for name in architectures):
            return task
    raise InvalidArgumentError(f"task: expected one of {', '.join(_TASKS)}, found none, and config.json names {', '.join(architectures) or 'no class'}")


def _check_device(device, device_map) -> None:
    for name, value in (("device", device), ("device_map", device_map)):
        kind = getattr(value, "type", value)
        if kind not in (None, -1, "cpu", "auto"):
            raise UnsupportedError(f"{name}: expected the CPU, which is all that Filbert runs on, found {value!r}")


def pipeline(
    task: str | None = None,
    model=None,
    *,
    tokenizer=None,
    revision: str | None = None,
    token=None,
    cache_dir=None,
    local_files_only: bool = False,
    force_download: bool = False,
    subfolder: str = "",
    dtype=None,
    torch_dtype=None,
    num_threads: int | None = None,
    device=None,
    device_map=None,
    model_kwargs: dict | None = None,
    config=None,
    use_fast: bool = True,
    trust_remote_code=None,
    framework=None,
    feature_extractor=None,
    **options,
) -> TextClassificationPipeline | TokenClassificationPipeline:
    """A pipeline of transformers' interface.

    task: "text-classification" or "sentiment-analysis"; "token-classification" or "ner". None: as the model's config.json says.
    model: a directory, the name of a model on the Hub, or a loaded model. None: the built-in one.
    tokenizer: the same; None: the model's own.
    Everything else are options of the pipeline's calls (top_k, function_to_apply, batch_size, …), which each call may change.
    """
    if task is not None and task not in _TASKS:
        raise UnsupportedError(f"task: expected one of {', '.join(_TASKS)}, found {task!r}")
    _check_device(device, device_map)
    more = dict(model_kwargs or {})
    dtype, torch_dtype = more.pop("dtype", dtype), more.pop("torch_dtype", torch_dtype)
    refuse_unknown("model_kwargs", more)
    hub = hub_options(revision, token, cache_dir, local_files_only, force_download, subfolder)
    made = _TASKS[task][0] if task else None
    if model is None:
        model = default_entities_model() if made is TokenClassificationPipeline else default_model()
    if not isinstance(model, PreTrainedModel):
        name = os.fspath(model) if isinstance(model, (str, os.PathLike)) else model
        directory = find(name, hub, tokenizer=tokenizer is None)
        task = task or _task_of(_filbert.Config.from_pretrained(directory).common_fields["architectures"])
        loads = _TASKS[task][1]
        model = loads(loads._core_class.from_pretrained(directory, model_options(dtype, torch_dtype, num_threads)), name, directory)
    task = task or next((name for name, row in _TASKS.items() if isinstance(model, row[1])), "text-classification")
    made, loads = _TASKS[task][:2]
    if not isinstance(model, loads):
        raise InvalidArgumentError(f"model: expected one of {loads.__name__} for {task}, found one of {type(model).__name__}")
    if tokenizer is None:
        directory, name = model._directory, model.name_or_path
        tokenizer = PreTrainedTokenizer(_filbert.Tokenizer.from_pretrained(directory), directory, name)
    elif not isinstance(tokenizer, PreTrainedTokenizer):
        tokenizer = PreTrainedTokenizer.from_pretrained(tokenizer)
    return made(model, tokenizer, task=task, **options)
