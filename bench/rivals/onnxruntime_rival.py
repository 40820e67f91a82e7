"""onnxruntime: its transformer optimizer's graph in f32, or that quantized dynamically; all graph optimizations."""

import onnxruntime

import onnx_graph

PACKAGES = ["onnxruntime", "onnx"]


def load(checkpoint, threads, dtype):
    """{setting: run}, run(batches) gives logits a batch; the fastest setting counts."""
    if dtype == "bf16":
        raise NotImplementedError("onnxruntime has no bf16 on CPUs")
    graph = {"f32": onnx_graph.fused, "int8": onnx_graph.int8}[dtype](checkpoint)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]

    def run(batches):
        return [session.run(None, {name: batch[name] for name in names})[0] for batch in batches]

    return {"fused graph": run}
