"""What the tests of the Python package share. tools/run_python has the packages; tests/cli/tiny_checkpoint.py writes the checkpoints."""

import json
import os
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/cli"))
import tiny_checkpoint  # noqa: E402

os.environ.setdefault("HF_HUB_OFFLINE", "1")

TEXTS = ["I really love this book", "not a good film, and very bad", "", "the book was good; the film was not!", "b" * 40, "LOVE love Love"]
ENTITY_LABELS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]


@pytest.fixture(scope="session")
def stars():
    """The built-in model."""
    from filbert.hub import default_model

    return default_model()


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """A classifier of five labels whose texts may have 64 tokens."""
    return str(tiny_checkpoint.write_checkpoint(tmp_path_factory.mktemp("tiny")))


def write_bert(directory, architecture, leave_out, **more) -> str:
    """A BERT of the same size with another head: tensors that `leave_out` says are none of its are not there."""
    tiny_checkpoint.write_tokenizer(directory)
    config = {
        "model_type": "bert", "architectures": [architecture], "vocab_size": len(tiny_checkpoint.VOCAB), "hidden_size": 32, "num_hidden_layers": 2,
        "num_attention_heads": 4, "intermediate_size": 48, "max_position_embeddings": 64, "type_vocab_size": 2, "hidden_act": "gelu",
        "layer_norm_eps": 1e-12, **more,
    }
    (directory / "config.json").write_text(json.dumps(config))
    source = tiny_checkpoint.random.Random(11)
    tensors = {}
    for name, shape in tiny_checkpoint.tensor_shapes(config).items():
        if leave_out(name):
            continue
        count = shape[0] * (shape[1] if len(shape) == 2 else 1)
        center = 1.0 if name.endswith("LayerNorm.weight") else 0.0
        tensors[name] = (shape, [source.gauss(center, 0.4) for _ in range(count)])
    tiny_checkpoint.write_safetensors(directory / "model.safetensors", tensors)
    return str(directory)


@pytest.fixture(scope="session")
def entities(tmp_path_factory):
    """A classifier of tokens, of the same size."""
    labels = {"id2label": {str(id): label for id, label in enumerate(ENTITY_LABELS)}, "label2id": {label: id for id, label in enumerate(ENTITY_LABELS)}}
    return write_bert(tmp_path_factory.mktemp("entities"), "BertForTokenClassification", lambda name: ".pooler." in name, **labels)


@pytest.fixture(scope="session")
def plain_entities(tmp_path_factory):
    """The same with labels that have no B- and I-."""
    labels = {"id2label": {"0": "O", "1": "PER", "2": "LOC"}, "label2id": {"O": 0, "PER": 1, "LOC": 2}}
    return write_bert(tmp_path_factory.mktemp("plain"), "BertForTokenClassification", lambda name: ".pooler." in name, **labels)


@pytest.fixture(scope="session")
def encoder(tmp_path_factory):
    """A model without a head."""
    return write_bert(tmp_path_factory.mktemp("encoder"), "BertModel", lambda name: name.startswith("classifier."))


@pytest.fixture(scope="session")
def classifier(tiny):
    from filbert import pipeline

    return pipeline("text-classification", tiny)
