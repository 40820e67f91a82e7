"""OpenVINO: f32, bf16 by INFERENCE_PRECISION_HINT, int8 by NNCF's static quantization; for latency and for throughput."""

import pathlib

import numpy
import openvino
import torch
import transformers

import onnx_graph
from batches import in_batches

PACKAGES = ["openvino", "nncf"]
CALIBRATION_ROWS, CALIBRATION_TOKENS = 100, 64


def cached(checkpoint, core, name, make):
    """WORK/…/openvino/name.xml, made by make() if it is not there."""
    path = pathlib.Path(checkpoint) / "openvino" / f"{name}.xml"
    if not path.exists():
        openvino.save_model(make(), path.with_name("making.xml"), compress_to_fp16=False)
        path.with_name("making.bin").rename(path.with_suffix(".bin"))
        path.with_name("making.xml").rename(path)
    return core.read_model(path)


def converted(checkpoint, core):
    """The graph that OpenVINO makes of torch's; it keeps scaled_dot_product_attention whole."""
    def make():
        model = transformers.AutoModelForSequenceClassification.from_pretrained(checkpoint, attn_implementation="sdpa").eval()
        ids = torch.ones(2, 8, dtype=torch.long)
        return openvino.convert_model(model, example_input={name: ids for name in onnx_graph.input_names(model.config.model_type)})
    return cached(checkpoint, core, "f32", make)


def int8(checkpoint, core):
    """What NNCF makes of it, calibrated on random rows, as the weights are random too."""
    def make():
        import nncf
        random = numpy.random.default_rng(6)
        rows = [random.integers(1000, 30000, random.integers(8, CALIBRATION_TOKENS)).tolist() for _ in range(CALIBRATION_ROWS)]
        model = converted(checkpoint, core)
        names = [each.any_name for each in model.inputs]
        data = nncf.Dataset([{name: in_batches([row], False)[0][name] for name in names} for row in rows])
        return nncf.quantize(model, data, model_type=nncf.ModelType.TRANSFORMER, subset_size=CALIBRATION_ROWS)
    return cached(checkpoint, core, "int8", make)


def compile_for(core, model, hint, threads, dtype):
    config = {"PERFORMANCE_HINT": hint, "INFERENCE_NUM_THREADS": threads,
              "INFERENCE_PRECISION_HINT": "bf16" if dtype == "bf16" else "f32"}
    compiled = core.compile_model(model, "CPU", config)
    names = [each.any_name for each in compiled.inputs]
    queue = openvino.AsyncInferQueue(compiled)  # as many requests as the hint is best with

    def run(batches):
        answers = [None] * len(batches)
        queue.set_callback(lambda request, index: answers.__setitem__(index, request.get_output_tensor().data.copy()))
        for index, batch in enumerate(batches):
            queue.start_async({name: batch[name] for name in names}, userdata=index, share_inputs=True)
        queue.wait_all()
        return answers

    return run


def load(checkpoint, threads, dtype):
    """{setting: run}, run(batches) gives logits a batch; the fastest setting counts."""
    core = openvino.Core()
    if dtype == "bf16" and "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        raise NotImplementedError("OpenVINO has bf16 only where the CPU has it")
    model = int8(checkpoint, core) if dtype == "int8" else converted(checkpoint, core)
    settings = {hint.lower(): compile_for(core, model, hint, threads, dtype) for hint in ["LATENCY", "THROUGHPUT"]}
    if dtype != "int8":  # which of the two graphs is faster depends on the shape, and changes between runs
        graph = core.read_model(onnx_graph.exported(checkpoint))
        settings["latency, of ONNX"] = compile_for(core, graph, "LATENCY", threads, dtype)
    return settings
