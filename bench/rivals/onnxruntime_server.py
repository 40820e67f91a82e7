"""The server that people build around onnxruntime: FastAPI and uvicorn, the fused f32 graph, texts of all requests in dynamic batches of up to 32.

    onnxruntime_server.py CHECKPOINT THREADS PORT

POST /predict {"inputs": "a text"} -> [{"label", "score"}…], all labels, descending, as text-embeddings-inference answers; GET /health.
Says {"ready": true, "versions"} on standard output when it listens.
"""

import asyncio
import contextlib
import importlib.metadata
import json
import sys

import fastapi
import numpy
import onnxruntime
import pydantic
import transformers
import uvicorn

import onnx_graph

MAX_BATCH = 32
PACKAGES = ["fastapi", "uvicorn", "onnxruntime", "tokenizers"]


class Model:
    def __init__(self, checkpoint, threads):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        self.session = onnxruntime.InferenceSession(onnx_graph.fused(checkpoint), options, providers=["CPUExecutionProvider"])
        self.names = [each.name for each in self.session.get_inputs()]
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(checkpoint).backend_tokenizer
        config = transformers.AutoConfig.from_pretrained(checkpoint)
        self.tokenizer.enable_truncation(config.max_position_embeddings)
        self.tokenizer.enable_padding(pad_id=config.pad_token_id or 0)
        self.labels = [config.id2label[label] for label in range(config.num_labels)]

    def answers(self, texts):
        encodings = self.tokenizer.encode_batch(texts)
        ids = numpy.array([encoding.ids for encoding in encodings], dtype=numpy.int64)
        mask = numpy.array([encoding.attention_mask for encoding in encodings], dtype=numpy.int64)
        inputs = {"input_ids": ids, "attention_mask": mask, "token_type_ids": numpy.zeros_like(ids)}
        logits = self.session.run(None, {name: inputs[name] for name in self.names})[0]
        powers = numpy.exp(logits - logits.max(axis=1, keepdims=True))
        return [self.answer(row) for row in powers / powers.sum(axis=1, keepdims=True)]

    def answer(self, scores):
        return [{"label": self.labels[label], "score": float(scores[label])} for label in numpy.argsort(-scores)]


class Batcher:
    """Whoever waits when the model is free is the next batch: no time is waited for more."""

    def __init__(self, model):
        self.model, self.queue = model, asyncio.Queue()

    async def predict(self, text):
        future = asyncio.get_running_loop().create_future()
        await self.queue.put((text, future))
        return await future

    async def run(self):
        while True:
            batch = [await self.queue.get()]
            while len(batch) < MAX_BATCH and not self.queue.empty():
                batch.append(self.queue.get_nowait())
            try:
                answers = await asyncio.to_thread(self.model.answers, [text for text, _ in batch])
            except Exception as error:  # each of them is told
                answers = [error] * len(batch)
            for (_, future), answer in zip(batch, answers):
                if not future.done():  # a client that is gone
                    (future.set_exception if isinstance(answer, Exception) else future.set_result)(answer)


class PredictRequest(pydantic.BaseModel):
    inputs: str


class Score(pydantic.BaseModel):
    label: str
    score: float


def application(model):
    batcher = Batcher(model)

    @contextlib.asynccontextmanager
    async def lifespan(app):
        task = asyncio.create_task(batcher.run())
        versions = {name: importlib.metadata.version(name) for name in PACKAGES}
        print(json.dumps(dict(ready=True, versions=versions)), flush=True)
        yield
        task.cancel()

    app = fastapi.FastAPI(lifespan=lifespan)

    @app.get("/health")
    async def health():
        return {}

    @app.post("/predict")
    async def predict(request: PredictRequest) -> list[Score]:
        return await batcher.predict(request.inputs)

    return app


if __name__ == "__main__":
    checkpoint, threads, port = sys.argv[1:]
    uvicorn.run(application(Model(checkpoint, int(threads))), host="127.0.0.1", port=int(port), log_level="warning")
