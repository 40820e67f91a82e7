#!/usr/bin/env python3
"""Filbert's f32 forward pass beside onnxruntime's, alternating, on random BERT weights: the ratio of medians per shape.

Usage: onnxruntime_ratio.py FORWARD_BINARY WORK_DIRECTORY [--threads 2] [--rounds 5]
Needs torch, transformers, onnx, onnxscript and onnxruntime. The graph is fused by onnxruntime's own optimizer for BERT.
"""

import argparse
import pathlib
import statistics
import subprocess
import time

import numpy
import onnxruntime
import torch
import transformers
from onnxruntime.transformers import optimizer

SHAPES = ["1x8", "1x32", "1x128", "8x128"]
MODELS = {
    "MiniLM-L6": dict(hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536),
    "BERT-base": {},
}
INPUTS = ["input_ids", "attention_mask", "token_type_ids"]


class Logits(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask, token_type_ids):
        return self.model(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids).logits


def make(directory, sizes):
    """A checkpoint of random weights, and the fused graph of the same."""
    fused = directory / "fused.onnx"
    if fused.exists():
        return fused
    torch.manual_seed(0)
    config = transformers.BertConfig(num_labels=5, attn_implementation="eager", **sizes)
    model = transformers.BertForSequenceClassification(config).eval()
    model.save_pretrained(directory)
    ids = torch.ones(2, 8, dtype=torch.long)
    torch.onnx.export(Logits(model), (ids, ids, ids * 0), directory / "model.onnx", input_names=INPUTS, opset_version=17,
                      output_names=["logits"], dynamic_axes={n: {0: "batch", 1: "tokens"} for n in INPUTS}, dynamo=False)
    graph = optimizer.optimize_model(str(directory / "model.onnx"), model_type="bert",
                                     num_heads=config.num_attention_heads, hidden_size=config.hidden_size)
    graph.save_model_to_file(str(fused))
    return fused


def run_onnxruntime(session, shape, repeat):
    batch, tokens = map(int, shape.split("x"))
    ids = (numpy.arange(batch)[:, None] * 31 + numpy.arange(tokens)[None] * 7) % 1000
    feed = {"input_ids": ids, "attention_mask": numpy.ones_like(ids), "token_type_ids": numpy.zeros_like(ids)}
    times = []
    for _ in range(repeat + 1):
        start = time.perf_counter()
        session.run(None, feed)
        times.append((time.perf_counter() - start) * 1e3)
    return statistics.median(times[1:])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("forward")
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    print(f"{args.threads} threads, {args.rounds} rounds, onnxruntime {onnxruntime.__version__}; medians in ms")
    for name, sizes in MODELS.items():
        directory = args.work / name
        directory.mkdir(parents=True, exist_ok=True)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = args.threads
        session = onnxruntime.InferenceSession(str(make(directory, sizes)), options, providers=["CPUExecutionProvider"])
        ours, theirs = {s: [] for s in SHAPES}, {s: [] for s in SHAPES}
        for _ in range(args.rounds):
            command = [args.forward, str(directory), str(args.threads), "7", *SHAPES]
            for line in subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines():
                shape, median = line.split()
                ours[shape].append(float(median))
            for shape in SHAPES:
                theirs[shape].append(run_onnxruntime(session, shape, 7))
        for shape in SHAPES:
            filbert, other = statistics.median(ours[shape]), statistics.median(theirs[shape])
            print(f"{name:10} {shape:>6}  filbert {filbert:8.2f}  onnxruntime {other:8.2f}  "
                  f"onnxruntime / filbert {other / filbert:.2f}", flush=True)


if __name__ == "__main__":
    main()
