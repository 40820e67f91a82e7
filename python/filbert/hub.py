"""Which checkpoint is meant, and with which options it is loaded: what every from_pretrained() takes."""

import os
from pathlib import Path

from . import _filbert
from .errors import InvalidArgumentError

# Arguments of transformers' from_pretrained() that have nothing to change here. No code of a repository is ever run, whatever trust_remote_code says.
_WITHOUT_EFFECT = frozenset(
    "use_fast trust_remote_code low_cpu_mem_usage attn_implementation use_safetensors weights_only variant proxies resume_download "
    "device_map code_revision".split()
)

# "auto" is the checkpoint's own, as in transformers: f32, or int8 where `filbert quantize` wrote it.
_DTYPES = {
    None: None,
    "auto": None,
    "float32": "f32",
    "float": "f32",
    "f32": "f32",
    "bfloat16": "bf16",
    "bf16": "bf16",
    "int8": "int8",
    "fastest": "auto",
}


def refuse_unknown(function: str, arguments: dict) -> None:
    unknown = [name for name in arguments if name not in _WITHOUT_EFFECT]
    if unknown:
        raise TypeError(f"{function}() got an unexpected argument {unknown[0]!r}")


def hub_options(revision=None, token=None, cache_dir=None, local_files_only=False, force_download=False, subfolder="", on_progress=None):
    if token is True:
        token = None
    elif token is False:
        token = ""
    return _filbert.HubOptions(
        revision=revision or "main",
        token=token,
        cache_dir=os.fspath(cache_dir) if cache_dir is not None else "",
        local_files_only=bool(local_files_only),
        force_download=bool(force_download),
        subfolder=subfolder or "",
        on_progress=on_progress,
    )


def compute_dtype(dtype, torch_dtype=None):
    """The word of the C++ library for what transformers calls dtype: a word, or a dtype of torch or numpy."""
    chosen = dtype if dtype is not None else torch_dtype
    word = chosen if chosen is None or isinstance(chosen, str) else getattr(chosen, "__name__", None) or str(chosen)
    word = word.removeprefix("torch.") if word is not None else None
    if word not in _DTYPES:
        expected = ", ".join(str(name) for name in _DTYPES if name is not None)
        raise InvalidArgumentError(f"dtype: expected one of {expected}, found {chosen!r}")
    return _DTYPES[word]


def as_count(name: str, value, least: int = 0) -> int:
    """A whole number; bool and float are none."""
    if isinstance(value, bool) or not hasattr(type(value), "__index__") or value < least:
        raise InvalidArgumentError(f"{name}: expected a whole number of at least {least}, found {value!r}")
    return value.__index__()


def model_options(dtype=None, torch_dtype=None, num_threads=None):
    return _filbert.ModelOptions(num_threads=as_count("num_threads", num_threads or 0), dtype=compute_dtype(dtype, torch_dtype))


def find(name, options, *, tokenizer=True, weights=True) -> str:
    """The directory of a checkpoint."""
    if not isinstance(name, (str, os.PathLike)):
        raise InvalidArgumentError(f"checkpoint: expected the name of a model or a directory, found {name!r}")
    return str(_filbert.find_checkpoint(os.fspath(name), options, tokenizer=tokenizer, weights=weights))


def _built_in(variable: str, name: str, of_library) -> str:
    packaged = Path(__file__).parent / "models" / name
    return str(packaged if not os.environ.get(variable) and (packaged / "config.json").exists() else of_library())


def default_model() -> str:
    """The directory of the built-in model: $FILBERT_MODEL, else the one in this package, else the one of the source tree."""
    return _built_in("FILBERT_MODEL", "stars-en", _filbert.default_model)


def default_entities_model() -> str:
    """The same of the model of entities, and $FILBERT_ENTITIES_MODEL."""
    return _built_in("FILBERT_ENTITIES_MODEL", "entities-en", _filbert.default_entities_model)
