"""The clients that people have, unchanged, and curl get the answers of `filbert classify` from one running server."""

import json
import struct
import subprocess

import numpy
import pytest
import tritonclient.http
from huggingface_hub import InferenceClient
from huggingface_hub.errors import HfHubHTTPError
from tritonclient.utils import InferenceServerException

from conftest import STARS, classify, entities

TEXTS = ["I really love this book", "It fell apart after a week.", "", "Gänzlich 😀 fine", "word " * 700]
LABELS = ["1 star", "2 stars", "3 stars", "4 stars", "5 stars"]


def f32(number):
    """A float as the command prints it is the shortest decimal of a float of 32 bits."""
    return struct.unpack("f", struct.pack("f", number))[0]


def descending(scores):
    return sorted(scores, key=lambda score: -score["score"])


def curl(server, path, body=None, *options):
    words = ["curl", "--silent", "--show-error", "--fail-with-body", *options, server.url + path]
    if body is not None:
        words += ["-X", "POST", "-H", "Content-Type: application/json", "-d", json.dumps(body)]
    return json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)


# huggingface_hub

@pytest.mark.parametrize("path", ["", "/models/stars"])
def test_inference_client_text_classification(server, path):
    client = InferenceClient(model=server.url + path)
    for text, expected in zip(TEXTS, classify(STARS, *TEXTS)):
        found = client.text_classification(text)
        assert [(each.label, f32(each.score)) for each in found] == [(each["label"], f32(each["score"])) for each in descending(expected["scores"])]


def test_inference_client_parameters(server):
    client = InferenceClient(model=server.url)
    found = client.text_classification(TEXTS[0], top_k=2, function_to_apply="sigmoid")
    expected = classify(STARS, TEXTS[0], options=["--top-k", "2", "--function-to-apply", "sigmoid"])[0]
    assert [(each.label, f32(each.score)) for each in found] == [(each["label"], f32(each["score"])) for each in expected["scores"]]


NAMES = "Anna Fischer moved from Berlin to New Yorker, 🎉 דנה"


def test_inference_client_token_classification(server, finder):
    client = InferenceClient(model=server.url + "/models/names")
    found = client.token_classification(NAMES)
    expected = entities(finder, NAMES)
    assert [(each.entity_group, f32(each.score), each.word, each.start, each.end) for each in found] == [
        (each["entity_group"], f32(each["score"]), each["word"], each["start"], each["end"]) for each in expected]
    assert [NAMES[each.start:each.end] for each in found] == ["Anna Fischer", "Berlin", "New Yorker", "דנה"]
    tokens = client.token_classification(NAMES, aggregation_strategy="none", ignore_labels=["O", "B-LOC"])
    assert [each.word for each in tokens] == [each["word"] for each in entities(finder, NAMES, "--aggregation-strategy", "none", "--ignore-labels", "O,B-LOC")]
    with pytest.raises(HfHubHTTPError) as error:
        client.token_classification(NAMES, aggregation_strategy="none", stride=4)
    assert "aggregation_strategy" in error.value.response.json()["error"]


def test_inference_client_errors(server):
    with pytest.raises(HfHubHTTPError) as error:
        InferenceClient(model=server.url + "/models/nobody").text_classification("a")
    assert error.value.response.status_code == 404
    assert "stars" in error.value.response.json()["error"]


def test_inference_client_knows_a_text_embeddings_inference_server(server):
    client = InferenceClient(model=server.url, provider="hf-inference")
    assert client.health_check() is True
    info = client.get_endpoint_info()
    assert info["served_model_name"] == "stars"
    assert info["model_type"]["classifier"]["id2label"] == dict(zip("01234", LABELS))


# text-embeddings-inference, as its documentation calls it

def test_text_embeddings_inference_predict(server):
    expected = classify(STARS, *TEXTS)
    single = curl(server, "/predict", {"inputs": TEXTS[0]})
    assert [(each["label"], f32(each["score"])) for each in single] == [(each["label"], f32(each["score"])) for each in descending(expected[0]["scores"])]
    batch = curl(server, "/predict", {"inputs": [[text] for text in TEXTS]})
    assert [[each["label"] for each in row] for row in batch] == [[each["label"] for each in descending(row["scores"])] for row in expected]
    pair = curl(server, "/predict", {"inputs": ["What is it?", "A book."], "raw_scores": True})
    assert sorted(f32(each["score"]) for each in pair) == sorted(map(f32, classify(STARS, "What is it?", text_pair="A book.")[0]["logits"]))


def test_text_embeddings_inference_rerank(server, reranker):
    texts = ["the book was good", "i hate this film", "and"]
    ranks = curl(server, "/rerank?model=rank", {"query": "good film", "texts": texts, "return_text": True})
    expected = [classify(reranker, "good film", text_pair=text)[0]["score"] for text in texts]
    assert [rank["index"] for rank in ranks] == sorted(range(3), key=lambda index: -expected[index])
    for rank in ranks:
        assert rank["text"] == texts[rank["index"]]
        assert f32(rank["score"]) == f32(expected[rank["index"]])


def test_text_embeddings_inference_headers_and_errors(server):
    done = subprocess.run(["curl", "--silent", "--include", server.url + "/predict", "-d", '{"inputs": "a", "truncation_direction": "left"}'],
                          capture_output=True, text=True, check=True)
    assert done.stdout.startswith("HTTP/1.1 424 ")
    assert json.loads(done.stdout.split("\n\n")[1])["error_type"] == "Backend"
    done = subprocess.run(["curl", "--silent", "--include", server.url + "/predict", "-d", '{"inputs": "a b c"}'], capture_output=True, text=True, check=True)
    headers = dict(line.lower().split(": ", 1) for line in done.stdout.split("\n\n")[0].split("\n")[1:])
    assert headers["x-compute-tokens"] == "5"
    assert headers["x-compute-characters"] == "5"
    assert int(headers["x-total-time"]) >= int(headers["x-inference-time"]) >= 0


# tritonclient

@pytest.fixture
def triton(server):
    with tritonclient.http.InferenceServerClient(server.host) as client:
        yield client


def text_input(texts, name="text", binary=True):
    tensor = tritonclient.http.InferInput(name, [len(texts)], "BYTES")
    tensor.set_data_from_numpy(numpy.array([text.encode() for text in texts], dtype=numpy.object_), binary_data=binary)
    return tensor


def test_tritonclient_sees_server_and_model(triton):
    assert triton.is_server_live() and triton.is_server_ready()
    assert triton.is_model_ready("stars") and triton.is_model_ready("stars", "1")
    assert triton.get_server_metadata()["name"] == "filbert"
    metadata = triton.get_model_metadata("stars")
    assert metadata["inputs"] == [{"name": "text", "datatype": "BYTES", "shape": [-1]}]
    assert [output["name"] for output in metadata["outputs"]] == ["logits", "scores", "label"]
    assert [model["name"] for model in triton.get_model_repository_index()] == ["stars", "rank", "names"]


@pytest.mark.parametrize("binary", [True, False])
def test_tritonclient_infers_texts(triton, binary):
    outputs = [tritonclient.http.InferRequestedOutput(name, binary_data=binary) for name in ["logits", "scores", "label"]]
    result = triton.infer("stars", [text_input(TEXTS, binary=binary)], outputs=outputs, request_id="seven", timeout=20_000_000, priority=2)
    expected = classify(STARS, *TEXTS)
    assert result.get_response()["id"] == "seven"
    assert (result.as_numpy("logits") == numpy.array([row["logits"] for row in expected], dtype=numpy.float32)).all()
    assert (result.as_numpy("scores") == numpy.array([[each["score"] for each in row["scores"]] for row in expected], dtype=numpy.float32)).all()
    labels = [label.decode() if isinstance(label, bytes) else label for label in result.as_numpy("label")]
    assert labels == [row["label"] for row in expected]


def test_tritonclient_without_outputs_gets_all_in_binary(triton):
    result = triton.infer("stars", [text_input(["What is it?"]), text_input(["A book."], "text_pair")])
    expected = classify(STARS, "What is it?", text_pair="A book.")[0]
    assert (result.as_numpy("logits")[0] == numpy.array(expected["logits"], dtype=numpy.float32)).all()
    assert result.as_numpy("label")[0].decode() == expected["label"]


def test_tritonclient_classification(triton):
    result = triton.infer("stars", [text_input(TEXTS[:2])], outputs=[tritonclient.http.InferRequestedOutput("scores", class_count=2)])
    for row, expected in zip(result.as_numpy("scores"), classify(STARS, *TEXTS[:2])):
        for element, best in zip(row, descending(expected["scores"])):
            value, index, label = element.decode().split(":")
            assert (f32(float(value)), LABELS[int(index)], label) == (f32(best["score"]), best["label"], best["label"])


def test_tritonclient_infers_rows(triton):
    ids = [101, 1045, 2428, 2293, 2023, 2338, 102]
    row = tritonclient.http.InferInput("input_ids", [1, 9], "INT64")
    row.set_data_from_numpy(numpy.array([ids + [0, 0]], dtype=numpy.int64))
    mask = tritonclient.http.InferInput("attention_mask", [1, 9], "INT64")
    mask.set_data_from_numpy(numpy.array([[1] * 7 + [0, 0]], dtype=numpy.int64))
    result = triton.infer("stars", [row, mask])
    assert (result.as_numpy("logits")[0] == numpy.array(classify(STARS, TEXTS[0])[0]["logits"], dtype=numpy.float32)).all()


def test_tritonclient_infers_entities(triton, finder):
    result = triton.infer("names", [text_input([NAMES, ""])])
    assert [json.loads(each) for each in result.as_numpy("entities")] == [entities(finder, NAMES), []]
    row = tritonclient.http.InferInput("input_ids", [2, 4], "INT64")
    row.set_data_from_numpy(numpy.array([[2, 20, 3, 0], [2, 20, 21, 3]], dtype=numpy.int64))
    mask = tritonclient.http.InferInput("attention_mask", [2, 4], "INT64")
    mask.set_data_from_numpy(numpy.array([[1, 1, 1, 0], [1, 1, 1, 1]], dtype=numpy.int64))
    logits = triton.infer("names", [row, mask]).as_numpy("logits")
    assert logits.shape == (2, 4, 7) and logits[0, 1].argmax() == logits[1, 1].argmax() == 1 and (logits[0, 3] == 0).all()


def test_tritonclient_errors(triton):
    with pytest.raises(InferenceServerException, match="nobody") as error:
        triton.infer("nobody", [text_input(["a"])])
    assert error.value.status() == "404"
    with pytest.raises(InferenceServerException, match="sentence"):
        triton.infer("stars", [text_input(["a"], "sentence")])


# curl

def test_curl_classify(server):
    expected = classify(STARS, *TEXTS)
    answer = curl(server, "/v1/classify", {"model": "stars", "input": TEXTS, "return_logits": True})
    assert answer["model"] == "stars"
    for index, (found, row) in enumerate(zip(answer["data"], expected)):
        assert found["index"] == index
        assert {key: found[key] for key in ["label", "score", "scores", "logits", "tokens_total", "tokens_used", "truncated"]} == {
            key: row[key] for key in ["label", "score", "scores", "logits", "tokens_total", "tokens_used", "truncated"]}
    assert answer["usage"]["total_tokens"] == sum(row["tokens_used"] for row in expected)


def test_curl_entities(server, finder):
    answer = curl(server, "/v1/entities", {"input": [NAMES], "aggregation_strategy": "first", "offset_unit": "bytes"})
    assert answer["model"] == "names"  # the first that labels tokens
    assert answer["data"][0]["entities"] == entities(finder, NAMES, "--aggregation-strategy", "first", "--offset-unit", "bytes")


def test_curl_explain_streams_events(server):
    done = subprocess.run(["curl", "--silent", "--no-buffer", server.url + "/explain", "-H", "Accept: text/event-stream", "-d",
                           json.dumps({"text": TEXTS[0], "methods": ["occlusion", "shap"]})], capture_output=True, text=True, check=True)
    events = [dict(line.split(": ", 1) for line in event.split("\n")) for event in done.stdout.split("\n\n") if event]
    assert {event["event"] for event in events} == {"progress", "partial", "result"}
    result = json.loads(events[-1]["data"])
    assert (events[-1]["event"], set(result["methods"])) == ("result", {"shap", "occlusion"})
    assert result["score"] == classify(STARS, TEXTS[0])[0]["score"]


def test_curl_attention(server):
    answer = curl(server, "/attention", {"text": "a b", "layers": "0", "heads": "0-1"})
    assert (answer["layers"], answer["heads"], len(answer["attentions"][0])) == ([0], [0, 1], 2)
