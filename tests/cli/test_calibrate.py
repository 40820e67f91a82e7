"""filbert calibrate, and filbert_decision.json wherever a text is classified: the same bits from the command and from every dialect of the server."""

import csv
import json
import math
import pathlib
import random
import shutil

import pytest

from filbert_command import ok, run
from serve_command import Server
from tiny_checkpoint import LABELS, WORDS, write_checkpoint, write_entities_checkpoint

DECISION = "filbert_decision.json"
TEXTS = ["I really love this book", "bad", "", "the film was not good"]


def softmax(logits, temperature=1.0):
    most = max(logits)
    powers = [math.exp((logit - most) / temperature) for logit in logits]
    return [power / sum(powers) for power in powers]


def answers(checkpoint, texts, *words):
    return ok("classify", "--model", checkpoint, "--format", "json", *words, "--", *texts).rows


def write_csv(path, rows, header=("text", "label")):
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """A checkpoint, and texts whose labels are drawn as if its logits were a third of what they are: it is three times too sure."""
    folder = tmp_path_factory.mktemp("labelled")
    checkpoint = write_checkpoint(folder / "checkpoint")
    source = random.Random(11)
    texts = [" ".join(source.choice(WORDS) for _ in range(source.randint(1, 12))) for _ in range(600)]
    rows = [(answer["text"], source.choices(LABELS, softmax(answer["logits"], 3))[0]) for answer in answers(checkpoint, texts)]
    return checkpoint, write_csv(folder / "labelled.csv", rows)


@pytest.fixture
def own(labelled, tmp_path):
    """A checkpoint of the test's own, and the file."""
    return pathlib.Path(shutil.copytree(labelled[0], tmp_path / "own")), labelled[1]


def calibrate(checkpoint, file, *words):
    """What it says as JSON; warnings are the test's business."""
    result = run("calibrate", "--model", checkpoint, file, "--format", "json", *words)
    assert result.code == 0, result.err
    return result.rows[0]


def decision_of(checkpoint):
    return json.loads((checkpoint / DECISION).read_text())


def test_a_temperature_makes_scores_true(own):
    checkpoint, file = own
    raw = answers(checkpoint, TEXTS)
    shown = calibrate(checkpoint, file)
    assert shown["before"]["ece"] > 2 * shown["after"]["ece"]
    assert shown["before"]["log_loss"] > shown["after"]["log_loss"]
    assert shown["before"]["accuracy"] == shown["after"]["accuracy"]
    assert 2 < decision_of(checkpoint)["calibration"]["temperature"] < 4   # labels were drawn at 3
    assert decision_of(checkpoint) == shown["decision"]
    for before, after in zip(raw, answers(checkpoint, TEXTS)):
        temperature = decision_of(checkpoint)["calibration"]["temperature"]
        assert after["logits"] == before["logits"] and after["label"] == before["label"]
        assert [score["score"] for score in after["scores"]] == pytest.approx(softmax(before["logits"], temperature), abs=1e-6)
        assert after.keys() == before.keys()   # nothing of a decision that it has not
    assert answers(checkpoint, TEXTS, "--no-decision") == raw


def test_the_same_file_gives_the_same_decision(own):
    checkpoint, file = own
    words = ["--method", "vector", "--precision", "0.5"]
    first = calibrate(checkpoint, file, *words)
    assert calibrate(checkpoint, file, *words, "--threads", "1") == first
    other = calibrate(checkpoint, file, *words, "--seed", "1")
    assert other["after"] != first["after"] and other["decision"]["calibration"] == first["decision"]["calibration"]
    held = calibrate(checkpoint, file, "--holdout", "0.25")
    assert (held["rows"], held["after"]["rows"]) == (450, 150)


def test_every_place_gives_the_same_bits(own):
    checkpoint, file = own
    calibrate(checkpoint, file, "--method", "vector", "--accuracy", "0.5", "--expected", "--merge", "bad=1 star,2 stars", "--rename", "5 stars=best")
    expected = answers(checkpoint, TEXTS)
    assert [score["label"] for score in expected[0]["scores"]] == ["bad", "3 stars", "4 stars", "best"]
    assert all(1 <= answer["expected"] <= 5 and isinstance(answer["rejected"], bool) and len(answer["logits"]) == 5 for answer in expected)
    best = [{score["label"]: score["score"] for score in answer["scores"]} for answer in expected]
    with Server(checkpoint=checkpoint) as server:
        of_own = server.request("POST", "/v1/classify", {"input": TEXTS, "return_logits": True}).json["data"]
        for answer, wanted in zip(of_own, expected):
            assert {key: answer[key] for key in ("label", "score", "scores", "logits", "expected", "rejected")} == {
                key: wanted[key] for key in ("label", "score", "scores", "logits", "expected", "rejected")}
        assert server.request("POST", "/predict", {"inputs": [[text] for text in TEXTS]}).json == [
            sorted(({"score": score, "label": label} for label, score in each.items()), key=lambda score: -score["score"]) for each in best]
        hub = server.request("POST", "/models/tiny", {"inputs": TEXTS, "parameters": {"top_k": 4}}).json
        assert [{each["label"]: each["score"] for each in scores} for scores in hub] == best
        tensor = {"name": "text", "datatype": "BYTES", "shape": [len(TEXTS)], "data": TEXTS}
        outputs = {each["name"]: each for each in server.request("POST", "/v2/models/tiny/infer", {"inputs": [tensor]}).json["outputs"]}
        assert outputs["scores"]["shape"] == [len(TEXTS), 4] and outputs["logits"]["shape"] == [len(TEXTS), 5]
        assert outputs["scores"]["data"] == [score for each in best for score in each.values()]
        assert outputs["label"]["data"] == [answer["label"] for answer in expected]
        model = server.request("GET", "/v1/models/tiny").json
        assert model["decision"] == {"model_labels": LABELS, "calibrated": True, "has_thresholds": False, "may_reject": True, "has_expected": True}
        assert list(model["id2label"].values()) == list(best[0])
        raw = answers(checkpoint, TEXTS, "--no-decision")
        without = server.request("POST", "/v1/classify", {"input": TEXTS, "use_decision": False}).json["data"]
        assert [answer["scores"] for answer in without] == [answer["scores"] for answer in raw]
        assert not any("expected" in answer or "rejected" in answer for answer in without)
        raw_scores = server.request("POST", "/predict", {"inputs": "bad", "raw_scores": True}).json
        assert sorted(score["score"] for score in raw_scores) == sorted(raw[1]["logits"])
    with Server("--no-decision", checkpoint=checkpoint) as server:
        assert [answer["scores"] for answer in server.request("POST", "/v1/classify", {"input": TEXTS}).json["data"]] == [answer["scores"] for answer in raw]
        assert "decision" not in server.request("GET", "/v1/models/tiny").json


def test_each_served_model_has_its_own(own, labelled, tmp_path):
    checkpoint, file = own
    calibrate(checkpoint, file, "--reject-below", "0.4", "--merge", "bad=1 star,2 stars")
    other = write_checkpoint(tmp_path / "other", seed=8)
    calibrate(other, file, "--method", "none", "--rename", "5 stars=best", "--output", tmp_path / "other.json")
    expected = {"own": answers(checkpoint, TEXTS), "other": answers(other, TEXTS, "--decision", tmp_path / "other.json"), "third": answers(labelled[0], TEXTS)}
    words = ["--model", f"own={checkpoint}", "--model", f"other={other}", "--model", f"third={labelled[0]}"]
    def said(server):
        data = {name: server.request("POST", "/v1/classify", {"model": name, "input": TEXTS}).json["data"] for name in expected}
        return {name: [answer["scores"] for answer in answers] for name, answers in data.items()}
    with Server(*words, "--decision", f"other={tmp_path / 'other.json'}") as server:
        assert said(server) == {name: [answer["scores"] for answer in wanted] for name, wanted in expected.items()}
        rejected = sum(answer["rejected"] for answer in expected["own"])
        assert rejected > 0
        lines = server.request("GET", "/metrics").text.splitlines()
        counts = {line.partition(" ")[0]: float(line.partition(" ")[2]) for line in lines if line.startswith("filbert_rejected_total{")}
        assert counts == {f'filbert_rejected_total{{model="{name}"}}': rejected if name == "own" else 0 for name in expected}
    with Server(*words, "--no-decision", "--decision", f"other={tmp_path / 'other.json'}") as server:
        expected["own"] = answers(checkpoint, TEXTS, "--no-decision")
        assert said(server) == {name: [answer["scores"] for answer in wanted] for name, wanted in expected.items()}
    with Server("--decision", tmp_path / "other.json", checkpoint=other) as server:
        assert server.request("POST", "/v1/classify", {"input": TEXTS}).json["data"][0]["scores"] == expected["other"][0]["scores"]


def test_a_decision_of_no_model_is_refused(own, tmp_path):
    checkpoint, file = own
    calibrate(checkpoint, file)
    decision = checkpoint / DECISION
    entities = write_entities_checkpoint(tmp_path / "entities")
    two = ["--model", f"a={checkpoint}", "--model", f"b={entities}"]
    for words, code, part in [
        ([*two, "--decision", decision], 2, "--decision: expected NAME=FILE"), ([*two, "--decision", f"c={decision}"], 2, "one of a, b"),
        ([*two, "--decision", f"b={decision}"], 2, "which labels tokens"), ([*two, "--decision", f"a={tmp_path / 'none.json'}"], 3, "none.json"),
        ([*two, "--decision", f"a={decision}", "--decision", f"a={decision}"], 2, "one for each model"),
        (["--model", write_checkpoint(tmp_path / "other", seed=8), "--decision", decision], 5, "weights_sha256"),
    ]:
        result = run("serve", "--port", "0", *words)
        assert result.code == code and part in result.err, (words, result)


def test_what_the_caller_says_wins(own):
    checkpoint, file = own
    raw = answers(checkpoint, TEXTS)
    calibrate(checkpoint, file, "--expected", "--reject-below", "0.4")
    decided = answers(checkpoint, TEXTS)
    assert answers(checkpoint, TEXTS, "--function-to-apply", "none")[0]["score"] == max(raw[0]["logits"])
    assert "expected" not in answers(checkpoint, TEXTS, "--function-to-apply", "none")[0]
    assert answers(checkpoint, TEXTS, "--function-to-apply", "softmax") == decided
    assert answers(checkpoint, TEXTS, "--top-k", "1")[0]["scores"] == [{"label": decided[0]["label"], "score": decided[0]["score"]}]
    for answer in decided:
        assert answer["rejected"] == (answer["score"] < 0.4)


def test_inspect_and_verify_know_it(own):
    checkpoint, file = own
    assert "decision" not in ok("inspect", checkpoint).text
    calibrate(checkpoint, file, "--expected", "--reject-below", "0.4")
    assert "calibrated scores, 5 labels, may reject, expected value" in ok("inspect", checkpoint).text
    assert "ok       decision" in ok("verify", checkpoint).text
    other = decision_of(checkpoint)
    other["weights_sha256"] = "0" * 64
    (checkpoint / DECISION).write_text(json.dumps(other))
    result = run("verify", checkpoint)
    assert result.code == 5 and "FAILED   decision" in result.text and "0" * 64 in result.text


def test_it_goes_along_where_the_model_stays_the_same(own, tmp_path):
    checkpoint, file = own
    calibrate(checkpoint, file)
    decided = answers(checkpoint, TEXTS)
    ok("convert", checkpoint, tmp_path / "converted")
    ok("prune-vocab", checkpoint, tmp_path / "pruned", "--corpus", file, "--text-column", "text")
    for new in ("converted", "pruned"):
        assert answers(tmp_path / new, TEXTS) == decided
    ok("quantize", checkpoint, tmp_path / "int8")   # other logits: it would be of another model
    assert not (tmp_path / "int8" / DECISION).exists()


def test_explain_shows_the_models_own_score_and_says_so(own):
    checkpoint, file = own
    calibrate(checkpoint, file)
    result = run("explain", "--model", checkpoint, "--method", "occlusion", "--format", "json", TEXTS[0])
    assert result.code == 0 and "filbert_decision.json is not applied" in result.err
    raw = answers(checkpoint, TEXTS[:1], "--no-decision")[0]
    assert json.dumps(raw["score"]) in result.text


def test_long_texts_in_windows(own):
    checkpoint, file = own
    calibrate(checkpoint, file, "--expected", "--merge", "bad=1 star,2 stars")
    text = " ".join(WORDS * 12)
    for how in ["mean", "max", "first", "logit-mean", "vote"]:
        (answer,) = answers(checkpoint, [text], "--long", "windows", "--combine", how)
        assert len(answer["windows"]) > 1 and [score["label"] for score in answer["scores"]] == ["bad", "3 stars", "4 stars", "5 stars"]
        assert 1 <= answer["expected"] <= 5 and all(0 <= score["score"] <= 1 for score in answer["scores"])
        if how == "first":
            assert (answer["scores"], answer["expected"]) == (answer["windows"][0]["scores"], answer["windows"][0]["expected"])


def test_thresholds_of_several_labels_a_text(tmp_path):
    checkpoint = write_checkpoint(tmp_path / "several", labels=["toxic", "rude", "spam"], problem_type="multi_label_classification")
    source = random.Random(5)
    texts = [" ".join(source.choice(WORDS) for _ in range(source.randint(1, 9))) for _ in range(400)]
    rows = []
    for answer in answers(checkpoint, texts):
        shares = [1 / (1 + math.exp(-logit / 2)) for logit in answer["logits"]]
        rows.append((answer["text"], "+".join(score["label"] for score, share in zip(answer["scores"], shares) if source.random() < share)))
    file = write_csv(tmp_path / "several.csv", rows)
    shown = calibrate(checkpoint, file, "--best-f1", "--label-separator", "+")
    thresholds = {answer["label"]: answer["threshold"] for answer in shown["decision"]["answers"]}
    for answer in answers(checkpoint, TEXTS):
        assert answer["labels"] == [score["label"] for score in answer["scores"] if score["score"] >= thresholds[score["label"]]]
        assert "rejected" not in answer
    assert answers(checkpoint, TEXTS, "--threshold", "0")[0]["labels"] == ["toxic", "rude", "spam"]
    assert shown["after"]["log_loss"] < shown["before"]["log_loss"]
    text = ok("classify", "--model", checkpoint, TEXTS[0]).text
    assert "labels:" in text or "no label reaches its threshold" in text


def test_people_see_tables(own):
    checkpoint, file = own
    result = run("calibrate", "--model", checkpoint, file, "--precision", "0.5", "--expected", "--reject-below", "0.9")
    assert result.code == 0
    for word in ["temperature", "rejected below: 0.9", "before", "log loss", "coverage", "threshold", "1 star", f"written: {checkpoint / DECISION}"]:
        assert word in result.text
    text = ok("classify", "--model", checkpoint, *TEXTS).text
    assert "expected: " in text and "rejected: " in text


def test_elsewhere_it_is_used_where_it_is_named(own, tmp_path):
    checkpoint, file = own
    raw = answers(checkpoint, TEXTS)
    calibrate(checkpoint, file, "--output", tmp_path / "else.json")
    assert not (checkpoint / DECISION).exists() and answers(checkpoint, TEXTS) == raw
    named = answers(checkpoint, TEXTS, "--decision", tmp_path / "else.json")
    assert named != raw
    shutil.copy(tmp_path / "else.json", checkpoint / DECISION)
    assert answers(checkpoint, TEXTS) == named
    assert run("classify", "--model", checkpoint, "--decision", tmp_path / "none.json", "bad").code == 3


def test_what_the_column_calls_a_label(own, tmp_path):
    checkpoint, file = own
    expected = calibrate(checkpoint, file)
    with open(file, newline="", encoding="utf-8") as source:
        rows = list(csv.reader(source))[1:]
    numbers = write_csv(tmp_path / "numbers.csv", [(text, label[0]) for text, label in rows], ("body", "stars"))
    maps = [word for label in LABELS for word in ("--map", f"{label[0]}={label}")]
    shown = calibrate(checkpoint, numbers, "--text-column", "body", "--label-column", "stars", *maps)
    assert shown["after"] == expected["after"]
    with_gaps = write_csv(tmp_path / "gaps.csv", rows + [("a text", ""), ("another", "?")])
    result = run("calibrate", "--model", checkpoint, with_gaps, "--map", "?=", "--format", "json")
    assert "2 rows without a label were left out" in result.err
    assert result.rows[0]["after"] == expected["after"]


def test_a_decision_of_another_model_is_refused(own, tmp_path):
    checkpoint, file = own
    calibrate(checkpoint, file)
    other = write_checkpoint(tmp_path / "other", seed=8)
    shutil.copy(checkpoint / DECISION, other / DECISION)
    result = run("classify", "--model", other, "bad")
    assert result.code == 5 and "weights_sha256" in result.err and "of another model" in result.err and "--no-decision" in result.err
    assert run("serve", "--model", other, "--port", "0").code == 5
    assert run("classify", "--model", other, "--no-decision", "bad").code == 0
    result = run("classify", "--model", write_checkpoint(tmp_path / "three", labels=["a", "b", "c"]), "--decision", checkpoint / DECISION, "bad")
    assert result.code == 5 and "labels" in result.err


@pytest.mark.parametrize("change, word", [
    (lambda text: text[:100], "filbert_decision.json"), (lambda text: "", "filbert_decision.json"), (lambda text: text.replace('"answers"', '"anwers"'), "answers"),
    (lambda text: text.replace('"temperature":', '"temprature":'), "temp"), (lambda text: text.replace('"version": 1', '"version": 2'), "version"),
])
def test_a_broken_decision_is_named(own, change, word):
    checkpoint, file = own
    calibrate(checkpoint, file)
    path = checkpoint / DECISION
    path.write_text(change(path.read_text()))
    result = run("classify", "--model", checkpoint, "bad")
    assert result.code in (4, 5) and word in result.err and DECISION in result.err
    assert run("classify", "--model", checkpoint, "--no-decision", "bad").code == 0
    calibrate(checkpoint, file)   # which makes a new one
    assert run("classify", "--model", checkpoint, "bad").code == 0


def test_bad_input_leaves_what_is_there(own, tmp_path):
    checkpoint, file = own
    calibrate(checkpoint, file)
    before = (checkpoint / DECISION).read_bytes()
    few = write_csv(tmp_path / "few.csv", [("bad", "1 star"), ("good", "5 stars")])
    wrong = write_csv(tmp_path / "wrong.csv", [("bad", "1 star"), ("good", "6 stars")])
    none = write_csv(tmp_path / "none.csv", [("bad", ""), ("good", "")])
    for words, part in [
        ([wrong], "row 2"), ([wrong], "6 stars"), ([few], "expected at least 5"), ([none], "rows with a label"), ([file, "--label-column", "labels"], "labels"),
        ([file, "--precision", "0.9", "--best-f1"], "--best-f1"), ([file, "--precision", "1.5"], "--precision"), ([file, "--merge", "bad"], "--merge"),
        ([file, "--merge", "bad=1 sta,2 stars"], "did you mean"), ([file, "--rename", "1 star=2 stars"], "--rename"), ([file, "--holdout", "1"], "--holdout"),
        ([file, "--merge", "bad=1 star", "--rename", "1 star=worst"], "twice"), ([file, "--expected-values", "1,2"], "--expected-values"),
        ([file, "--reject-below", "0.5", "--accuracy", "0.9"], "reject_below"), ([file, "--folds", "3", "--holdout", "0.5"], "--holdout"),
    ]:
        result = run("calibrate", "--model", checkpoint, *words)
        assert result.code == 2 and part in result.err, (words, result.err)
        assert (checkpoint / DECISION).read_bytes() == before
    assert run("calibrate", "--model", checkpoint, tmp_path / "nowhere.csv").code == 3
    assert run("calibrate", "--model", write_checkpoint(tmp_path / "one", labels=["score"], problem_type="regression"), file).code == 4
    assert run("calibrate", "--model", checkpoint, file, "--output", tmp_path / "no" / "such" / "folder.json").code == 2
    assert not [path for path in checkpoint.iterdir() if "tmp" in path.name.lower()]
    result = run("calibrate", "--model", checkpoint, few, "--output", few)
    assert result.code == 2 and "--output: expected another file than" in result.err and few.read_text().startswith("text,label")
