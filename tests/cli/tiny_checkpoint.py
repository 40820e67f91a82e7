"""Tiny checkpoints with seeded random weights, written with the standard library alone."""

import json
import pathlib
import random
import string
import struct

WORDS = ["i", "really", "love", "hate", "this", "book", "good", "bad", "the", "film", "was", "and", "not", "very"]
VOCAB = (["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + WORDS + list(string.ascii_lowercase.replace("i", ""))
         + ["##" + letter for letter in string.ascii_lowercase] + list(string.digits) + list(".,!?'-"))
LABELS = ["1 star", "2 stars", "3 stars", "4 stars", "5 stars"]


def tensor_shapes(config):
    """Name → shape of every tensor of a BertForSequenceClassification."""
    hidden, intermediate = config["hidden_size"], config["intermediate_size"]
    embeddings = "bert.embeddings."
    shapes = {
        embeddings + "word_embeddings.weight": [config["vocab_size"], hidden],
        embeddings + "position_embeddings.weight": [config["max_position_embeddings"], hidden],
        embeddings + "token_type_embeddings.weight": [config["type_vocab_size"], hidden],
        embeddings + "LayerNorm.weight": [hidden],
        embeddings + "LayerNorm.bias": [hidden],
    }
    for layer in range(config["num_hidden_layers"]):
        root = f"bert.encoder.layer.{layer}."
        for part in ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"]:
            shapes |= {f"{root}{part}.weight": [hidden, hidden], f"{root}{part}.bias": [hidden]}
        shapes |= {root + "intermediate.dense.weight": [intermediate, hidden], root + "intermediate.dense.bias": [intermediate]}
        shapes |= {root + "output.dense.weight": [hidden, intermediate], root + "output.dense.bias": [hidden]}
        for norm in ["attention.output.LayerNorm", "output.LayerNorm"]:
            shapes |= {f"{root}{norm}.weight": [hidden], f"{root}{norm}.bias": [hidden]}
    labels = len(config.get("id2label", {0: "", 1: ""}))
    return shapes | {
        "bert.pooler.dense.weight": [hidden, hidden], "bert.pooler.dense.bias": [hidden],
        "classifier.weight": [labels, hidden], "classifier.bias": [labels],
    }


def write_safetensors(path, tensors):
    """tensors: name → (shape, floats); F32."""
    header, data = {}, b""
    for name, (shape, values) in tensors.items():
        raw = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def write_tokenizer(directory, vocab=VOCAB, **tokenizer_config):
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "vocab.txt").write_text("".join(token + "\n" for token in vocab), encoding="utf-8")
    settings = {"do_lower_case": True, "model_max_length": 64, "tokenizer_class": "BertTokenizer"} | tokenizer_config
    settings = {key: value for key, value in settings.items() if value is not None}
    (directory / "tokenizer_config.json").write_text(json.dumps(settings))
    return directory


def write_model(directory, seed=7, labels=LABELS, scale=0.4, **changes):
    """config.json and model.safetensors. A change to None drops the key."""
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    config = {
        "model_type": "bert", "architectures": ["BertForSequenceClassification"], "vocab_size": len(VOCAB),
        "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48,
        "max_position_embeddings": 64, "type_vocab_size": 2, "hidden_act": "gelu", "layer_norm_eps": 1e-12,
        "id2label": {str(index): label for index, label in enumerate(labels)},
    } | changes
    config = {key: value for key, value in config.items() if value is not None}
    (directory / "config.json").write_text(json.dumps(config))
    source = random.Random(seed)
    tensors = {}
    for name, shape in tensor_shapes(config).items():
        count = shape[0] * (shape[1] if len(shape) == 2 else 1)
        center = 1.0 if name.endswith("LayerNorm.weight") else 0.0
        tensors[name] = (shape, [source.gauss(center, scale) for _ in range(count)])
    write_safetensors(directory / "model.safetensors", tensors)
    return directory


def write_checkpoint(directory, **changes):
    write_tokenizer(directory)
    return write_model(directory, **changes)


ENTITY_WORDS = {"anna": "B-PER", "fischer": "I-PER", "berlin": "B-LOC", "new": "B-LOC", "york": "I-LOC", "##er": "I-LOC", "东": "B-LOC", "京": "I-LOC",
                "דנה": "B-PER", "acme": "B-ORG"}
ENTITY_LABELS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG"]


def write_entities_checkpoint(directory, words=ENTITY_WORDS, labels=ENTITY_LABELS, sharpness=3.0, **changes):
    """A BertForTokenClassification that knows a token's label by the token alone: its embedding points at it, and the layers add nothing."""
    others = ["moved", "from", "to", "lives", "in", "and", "a", "b", "the", ".", ",", "(", ")", "[", "]"]
    vocab = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + others + list(words)
    write_tokenizer(directory, vocab)
    directory = pathlib.Path(directory)
    hidden = 8 * -(-max(len(labels), 8) // 8)
    config = {"model_type": "bert", "architectures": ["BertForTokenClassification"], "vocab_size": len(vocab), "hidden_size": hidden, "num_hidden_layers": 1,
              "num_attention_heads": 2, "intermediate_size": 8, "max_position_embeddings": 64, "type_vocab_size": 2, "hidden_act": "gelu",
              "layer_norm_eps": 1e-12, "id2label": {str(index): label for index, label in enumerate(labels)}} | changes
    (directory / "config.json").write_text(json.dumps(config))
    tensors = {}
    for name, shape in tensor_shapes(config).items():
        if not name.startswith("bert.pooler."):
            tensors[name] = (shape, [1.0 if name.endswith("LayerNorm.weight") else 0.0] * (shape[0] * (shape[1] if len(shape) == 2 else 1)))
    pointing = [float(place == labels.index(words.get(token, labels[0]))) for token in vocab for place in range(hidden)]
    tensors["bert.embeddings.word_embeddings.weight"] = ([len(vocab), hidden], pointing)
    tensors["classifier.weight"] = ([len(labels), hidden], [sharpness * (row == column) for row in range(len(labels)) for column in range(hidden)])
    write_safetensors(directory / "model.safetensors", tensors)
    return directory
