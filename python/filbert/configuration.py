"""config.json, as transformers' configuration classes show it: every key of the file, and those that all families share under one name."""

import json

from . import _filbert
from .hub import find, hub_options, refuse_unknown


class PretrainedConfig:
    """Attributes are the keys of config.json; `id2label` has whole numbers for keys, and what the file leaves out has the default of the model's class."""

    def __init__(self, **fields):
        for name, value in fields.items():
            setattr(self, name, value)

    @classmethod
    def _of(cls, config: _filbert.Config, name_or_path: str = "") -> "PretrainedConfig":
        fields = json.loads(config.json)
        fields.update(config.common_fields)
        fields["label2id"] = {label: id for id, label in fields["id2label"].items()}
        fields["dtype"] = fields.get("dtype", fields.get("torch_dtype"))
        made = cls(**{key: value for key, value in fields.items() if key not in ("num_labels", "_num_labels", "_name_or_path", "torch_dtype")})
        made._name_or_path = name_or_path
        return made

    @classmethod
    def from_pretrained(
        cls, pretrained_model_name_or_path, *, revision=None, token=None, cache_dir=None, local_files_only=False, force_download=False, subfolder="", **kwargs
    ) -> "PretrainedConfig":
        refuse_unknown("from_pretrained", kwargs)
        options = hub_options(revision, token, cache_dir, local_files_only, force_download, subfolder)
        directory = find(pretrained_model_name_or_path, options, tokenizer=False, weights=False)
        return cls._of(_filbert.Config.from_pretrained(directory), str(pretrained_model_name_or_path))

    @property
    def num_labels(self) -> int:
        return len(self.id2label)

    @property
    def name_or_path(self) -> str:
        return self._name_or_path

    def get(self, name: str, default=None):
        return getattr(self, name, default)

    def to_dict(self) -> dict:
        return {name: value for name, value in vars(self).items() if not name.startswith("_")}

    def __eq__(self, other) -> bool:
        return isinstance(other, PretrainedConfig) and self.to_dict() == other.to_dict()

    def __repr__(self) -> str:
        return f"{type(self).__name__} {json.dumps(self.to_dict(), indent=2, sort_keys=True, default=str)}"


class AutoConfig:
    """Reads the config.json of a directory or of a model on the Hub."""

    from_pretrained = PretrainedConfig.from_pretrained
