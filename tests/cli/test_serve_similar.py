"""filbert serve --index: which model an index is for, what is refused at the start and at a reload, and the numbers of filbert similar."""

import json
import shutil
import signal

import pytest

import filbert_command
import serve_command
import tiny_checkpoint

TEXTS = ["I really love this book", "not good, not bad", "the film was bad", "love, love\nlove it", "a very good film 42"]


def make_index(checkpoint, directory, *words):
    directory.mkdir(exist_ok=True)
    lines = "".join(json.dumps({"text": text}) + "\n" for text in TEXTS)
    (directory / "texts.jsonl").write_text(lines)
    filbert_command.ok("index", directory / "texts.jsonl", "--model", checkpoint, "--all-layers", "--output", directory, *words)
    return directory


@pytest.fixture(scope="module")
def index(checkpoint, tmp_path_factory):
    return make_index(checkpoint, tmp_path_factory.mktemp("index"))


@pytest.fixture(scope="module")
def server(checkpoint, index):
    with serve_command.Server("--index", index, "--explain-timeout-ms", "60000", checkpoint=checkpoint) as server:
        yield server


def without_circumstances(report):
    return {key: value for key, value in report.items() if key not in ("milliseconds", "command", "model")}


@pytest.mark.parametrize("words, fields", [
    (["--token", "love"], {"token": "love"}),
    (["--token", "3", "--layer", "0", "--by", "context", "--heads", "0,1", "--top-k", "4"], {"token": 3, "layer": 0, "by": "context", "heads": [0, 1], "top_k": 4}),
    (["--token", "film", "--text-pair", "the film", "--mask", "book", "--no-attention"], {"token": "film", "text_pair": "the film", "mask": "book", "attention": False}),
])
def test_the_answer_is_that_of_the_command(checkpoint, index, server, words, fields):
    text = "I really love this book"
    (told,) = filbert_command.ok("similar", text, *words, "--index", index, "--model", checkpoint, "--format", "json").rows
    answer = server.request("POST", "/similar", {"text": text, **fields})
    assert answer.status == 200, answer.body
    assert without_circumstances(answer.json) == without_circumstances(told)
    assert answer.json["hits"]


def test_it_is_counted_and_logged_as_other_routes(server):
    assert server.request("POST", "/similar", {"text": "good", "token": 0}).status == 400
    assert 'route="/similar"' in server.request("GET", "/metrics").text
    server.wait_for_line("request")
    assert any(line.get("route", line["path"]) == "/similar" for line in server.lines("request"))


def test_an_answer_may_come_as_an_event(server):
    answer = server.request("POST", "/similar", {"text": "good film", "token": "film", "stream": True})
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert "event: result" in answer.text


def test_an_index_may_be_named_for_one_of_two_models(checkpoint, index, tmp_path):
    other = tiny_checkpoint.write_checkpoint(tmp_path / "other", seed=99)
    with serve_command.Server("--model", f"second={other}", "--index", f"tiny={index}", checkpoint=checkpoint) as server:
        models = {model["id"]: model for model in server.request("GET", "/v1/models").json["data"]}
        assert models["tiny"]["index"]["texts"] == len(TEXTS) and "index" not in models["second"]
        ask = {"text": "good film", "token": "film"}
        assert server.request("POST", "/similar", ask).status == 200
        refused = server.request("POST", "/similar", ask | {"model": "second"})
        assert refused.status == 501 and "filbert serve --index" in refused.text


@pytest.mark.parametrize("words, code, message", [
    (["--index", "nowhere"], 3, "nowhere"),
    (["--index", "INDEX", "--index", "INDEX"], 2, "--index: expected one for each model"),
    (["--index", "other=INDEX"], 2, "--index: expected the name of a model, one of tiny, found \"other\""),
    (["--model", "second=CHECKPOINT", "--index", "INDEX"], 2, "--index: expected NAME=DIR, where more than one model is served"),
    (["--index", "OTHER"], 2, "sha256"),
    (["--index", "CUT"], 5, "contexts.filbert"),
])
def test_what_cannot_be_served_is_said_at_the_start(checkpoint, index, tmp_path, words, code, message):
    places = {"INDEX": index, "CHECKPOINT": checkpoint, "OTHER": tmp_path / "other-index", "CUT": tmp_path / "cut"}
    if "OTHER" in words:
        make_index(tiny_checkpoint.write_checkpoint(tmp_path / "other", seed=99), places["OTHER"])
    if "CUT" in words:
        places["CUT"].mkdir()
        (places["CUT"] / "contexts.filbert").write_bytes((index / "contexts.filbert").read_bytes()[:-1])
    for name, place in places.items():
        words = [word.replace(name, str(place)) if word == name or word.endswith("=" + name) else word for word in words]
    result = filbert_command.run("serve", "--port", "0", "--model", f"tiny={checkpoint}", *words)
    assert result.code == code
    assert message in result.err


def test_a_model_that_labels_tokens_has_no_index(index):
    entities = serve_command.pathlib.Path(__file__).parents[2] / "models/entities-en"
    result = filbert_command.run("serve", "--port", "0", "--model", entities, "--index", index)
    assert result.code == 2
    assert "--index: expected a model that labels texts" in result.err


def test_a_reload_takes_a_new_index_and_refuses_one_of_another_model(checkpoint, tmp_path):
    place = make_index(checkpoint, tmp_path / "index", "--max-texts", "1")
    other = make_index(tiny_checkpoint.write_checkpoint(tmp_path / "other", seed=99), tmp_path / "other-index")
    with serve_command.Server("--index", place, checkpoint=checkpoint) as server:
        def texts():
            return server.request("GET", "/v1/models").json["data"][0]["index"]["texts"]
        assert texts() == 1
        make_index(checkpoint, place)
        server.process.send_signal(signal.SIGHUP)
        server.wait_for_line("reloaded")
        assert texts() == len(TEXTS)
        shutil.copy(other / "contexts.filbert", place / "new")
        (place / "new").rename(place / "contexts.filbert")
        server.process.send_signal(signal.SIGHUP)
        line = server.wait_for_line("the reload failed; what was loaded stays")
        assert "sha256" in line["error"] and str(place) in line["error"]
        assert texts() == len(TEXTS)
        assert server.request("POST", "/similar", {"text": "good film", "token": "film"}).status == 200
