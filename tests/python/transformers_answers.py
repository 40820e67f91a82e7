"""What transformers says to the calls that stand as JSON on standard input, an answer for each on standard output: {"result"} or {"error"}.

    {"what": "pipeline", "task", "model", "options", "inputs", "call"}      "inputs": {"generator": […]} is a generator of them
    {"what": "tokenizer", "model", "arguments", "call", "methods"}          "methods": [[name, arguments], …] asked of the encoding afterwards
    {"what": "decode", "model", "ids", "call"}
    {"what": "model", "model", "texts", "call"}                             the logits, and the shapes of what else is given
"""

import json
import logging
import os
import sys
import warnings


def plain(value):
    """As JSON has it: tuples and arrays are lists."""
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if hasattr(value, "items"):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return value


def answer(library, call, loaded):
    def once(maker, *key, **options):
        name = json.dumps([maker.__qualname__, *key, options], sort_keys=True)
        if name not in loaded:
            loaded[name] = maker(*key, **options)
        return loaded[name]

    if call["what"] == "pipeline":
        pipe = once(library.pipeline, call.get("task"), call["model"], **call.get("options", {}))
        inputs = call["inputs"]
        if isinstance(inputs, dict) and "generator" in inputs:
            return list(pipe((each for each in inputs["generator"]), **call.get("call", {})))
        return pipe(inputs, **call.get("call", {}))
    tokenizer = once(library.AutoTokenizer.from_pretrained, call["model"])
    if call["what"] == "decode":
        return tokenizer.decode(call["ids"], **call.get("call", {}))
    if call["what"] == "tokenizer":
        encoding = tokenizer(*call["arguments"], **call.get("call", {}))
        asked = [getattr(encoding, name)(*arguments) for name, arguments in call.get("methods", [])]
        return {"keys": list(encoding), "data": dict(encoding), "methods": asked}
    model = once(library.AutoModelForSequenceClassification.from_pretrained, call["model"], **call.get("options", {}))
    tensors = "pt" if library.__name__ == "transformers" else "np"
    outputs = model(**tokenizer(call["texts"], padding=True, return_tensors=tensors), **call.get("call", {}))
    shapes = {name: [list(each.shape) for each in outputs[name]] for name in ("hidden_states", "attentions") if name in outputs.keys()}
    logits = outputs.logits.detach() if tensors == "pt" else outputs.logits
    return {"logits": logits, "shapes": shapes}


def answers(library, calls):
    loaded, given = {}, []
    for call in calls:
        try:
            given.append({"result": plain(answer(library, call, loaded))})
        except Exception as error:  # whatever transformers raises is its answer
            given.append({"error": type(error).__name__, "message": str(error)[:300]})
    return given


if __name__ == "__main__":
    os.environ["HF_HUB_OFFLINE"] = "1"
    warnings.simplefilter("ignore")
    import torch
    import transformers

    transformers.logging.set_verbosity_error()
    logging.disable(logging.CRITICAL)
    torch.set_grad_enabled(False)
    torch.set_num_threads(1)  # the models are tiny
    json.dump(answers(transformers, json.load(sys.stdin)), sys.stdout)
