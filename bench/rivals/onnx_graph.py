"""A checkpoint as ONNX files, made once: the export, the graph fused by onnxruntime's optimizer, and that in int8."""

import pathlib

import onnx
import torch
import transformers
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers import optimizer

from batches import has_cpu_flag

FUSED = ["bert", "distilbert", "roberta", "xlm-roberta", "camembert", "electra", "ernie"]  # the optimizer knows their attention


def input_names(model_type):
    return ["input_ids", "attention_mask"] + ["token_type_ids"] * (model_type == "bert")


class Logits(torch.nn.Module):
    def __init__(self, model, names):
        super().__init__()
        self.model, self.names = model, names

    def forward(self, *inputs):
        return self.model(**dict(zip(self.names, inputs))).logits


def head_of(checkpoint):
    """Transformers' class for the head that the checkpoint was saved with."""
    of_tokens = transformers.AutoConfig.from_pretrained(checkpoint).architectures[0].endswith("ForTokenClassification")
    return transformers.AutoModelForTokenClassification if of_tokens else transformers.AutoModelForSequenceClassification


def cached(path, make):
    """`path`, made by make(temporary name) if it is not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        temporary = path.with_name("making-" + path.name)
        make(temporary)
        temporary.rename(path)
    return path


def exported(checkpoint):
    def make(path):
        # The attention of plain matrix products is the one that the optimizer knows how to fuse.
        model = head_of(checkpoint).from_pretrained(checkpoint, attn_implementation="eager").eval()
        names = input_names(model.config.model_type)
        ids = torch.ones(2, 8, dtype=torch.long)
        torch.onnx.export(Logits(model, names), tuple(ids for _ in names), path, input_names=names, output_names=["logits"],
                          dynamic_axes={name: {0: "batch", 1: "tokens"} for name in names}, opset_version=17, dynamo=False)
    return cached(pathlib.Path(checkpoint) / "onnx" / "model.onnx", make)


def fused(checkpoint):
    config = transformers.AutoConfig.from_pretrained(checkpoint)

    def make(path):
        graph = optimizer.optimize_model(str(exported(checkpoint)), model_type="bert", num_heads=config.num_attention_heads,
                                         hidden_size=config.hidden_size)
        found = graph.get_fused_operator_statistics()
        if config.model_type in FUSED and found["Attention"] != config.num_hidden_layers:
            raise RuntimeError(f"onnxruntime's optimizer fused {found['Attention']} of {config.num_hidden_layers} attentions: {found}")
        graph.save_model_to_file(str(path))
    return cached(pathlib.Path(checkpoint) / "onnx" / "fused.onnx", make)


def int8(checkpoint):
    def make(path):
        # As its page on quantization says: signed weights, in 7 bits where the CPU's u8 x s8 products would saturate.
        quantize_dynamic(fused(checkpoint), path, weight_type=QuantType.QInt8, extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
                         reduce_range=not has_cpu_flag("avx512_vnni", "avx_vnni"))
        kinds = {node.op_type for node in onnx.load(path, load_external_data=False).graph.node}
        if not kinds & {"QAttention", "DynamicQuantizeMatMul", "MatMulInteger"}:
            raise RuntimeError(f"onnxruntime quantized nothing: {sorted(kinds)}")
    return cached(pathlib.Path(checkpoint) / "onnx" / "int8.onnx", make)
