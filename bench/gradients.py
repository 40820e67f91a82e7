#!/usr/bin/env python3
"""How long integrated gradients of 50 steps take beside captum's, on the same two threads, in turns: gradients.py FILBERT [ROUNDS].

With what bench/rivals/requirements-explain.txt names. Texts of about 10, 20, 60 and 120 tokens, the built-in model. Captum runs over a model
that is loaded already, with all 50 steps in one batch and again with batches of 10, of which the faster counts; Filbert is `filbert explain
--values-only` as a whole process, and the same without the time that a process without the gradients takes (`--method occlusion` of one
word).
"""
import json
import statistics
import subprocess
import sys
import time
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))
import torch  # noqa: E402
from captum.attr import IntegratedGradients  # noqa: E402
from make_gradient_goldens import MODEL, Captum  # noqa: E402

THREADS = 2
SENTENCE = "The film was not as good as the book but the acting of two young women made it worth seeing"
TEXTS = {"10": " ".join(SENTENCE.split()[:8]), "20": SENTENCE, "60": " ".join([SENTENCE] * 3), "120": " ".join([SENTENCE] * 6)}


def seconds(run):
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def captum_run(captum_of, text, batch):
    encoding = captum_of.encode(text)
    label = captum_of.label(encoding)
    types = encoding["token_type_ids"]

    def forward(embeds):
        return torch.softmax(captum_of.model(inputs_embeds=embeds, token_type_ids=types.expand(len(embeds), -1)).logits, -1)

    x = captum_of.words(encoding["input_ids"]).detach()
    return lambda: IntegratedGradients(forward).attribute(x, baselines=captum_of.baseline(encoding, "pad"), target=label, n_steps=50,
                                                          internal_batch_size=batch)


def filbert(program, method, text):
    command = [program, "explain", "--method", method, "--threads", str(THREADS), "--dtype", "f32", "--values-only", "--format", "json", text]
    return lambda: subprocess.run(command, check=True, capture_output=True)


def main():
    program = sys.argv[1]
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    warnings.simplefilter("ignore")
    torch.set_num_threads(THREADS)
    captum_of = Captum(MODEL)
    for name, text in TEXTS.items():
        runs = {"captum": captum_run(captum_of, text, None), "captum, batches of 10": captum_run(captum_of, text, 10),
                "filbert": filbert(program, "integrated_gradients", text), "start": filbert(program, "occlusion", "good")}
        times = {run: [] for run in runs}
        for number in range(rounds + 1):
            for run, body in runs.items():
                taken = seconds(body)
                if number > 0:
                    times[run].append(taken)
        medians = {run: statistics.median(taken) for run, taken in times.items()}
        best = min(medians["captum"], medians["captum, batches of 10"])
        print(json.dumps({"tokens": len(captum_of.encode(text)["input_ids"][0]), **{run: round(taken, 4) for run, taken in medians.items()},
                          "ratio": round(best / medians["filbert"], 2), "ratio_without_start": round(best / (medians["filbert"] - medians["start"]), 2)}),
              flush=True)


if __name__ == "__main__":
    main()
