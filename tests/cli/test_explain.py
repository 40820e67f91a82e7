"""filbert explain: words with numbers in a terminal, an object a text, a page; and what it refuses."""

import json
import pathlib

import pytest

from filbert_command import ROOT, ok, run
from tiny_checkpoint import LABELS, write_checkpoint, write_model

TEXT = "I really love this book, not bad"
ALL = ["--method", "shap,lime,occlusion"]


def explain(checkpoint, *words, **streams):
    return ok("explain", "--model", checkpoint, *words, **streams)


def one(checkpoint, *words, **streams):
    (row,) = explain(checkpoint, "--format", "json", *words, **streams).rows
    return row


def classified(checkpoint, *words):
    (row,) = ok("classify", "--model", checkpoint, "--format", "json", *words).rows
    return row


@pytest.mark.parametrize("text", [TEXT, "", "   ", "good", "!!! ... ?!", "😀 日本 हिन्दी", "a</script><b>", "\u202eevil\u202c good", "x" * 10_000])
def test_the_score_is_the_one_of_classify(checkpoint, text):
    row, answer = one(checkpoint, *ALL, text), classified(checkpoint, text)
    assert (row["label"], row["score"]) == (answer["label"], answer["score"])
    assert [(entry["label"], entry["score"]) for entry in row["scores"]] == [(entry["label"], entry["score"]) for entry in answer["scores"]]
    for method in row["methods"].values():
        for unit in method["units"]:
            assert text[unit["start"]:unit["end"]] == unit["text"]


def test_every_method_says_what_it_did(checkpoint):
    methods = one(checkpoint, *ALL, TEXT)["methods"]
    assert list(methods) == ["shap", "lime", "occlusion"]
    assert all([unit["text"] for unit in method["units"]] == ["I", "really", "love", "this", "book", ",", "not", "bad"] for method in methods.values())
    assert methods["lime"]["num_samples"] == 5000
    assert methods["lime"]["evaluations"] <= 2**8
    assert methods["occlusion"]["evaluations"] == 1 + 8 + 28
    assert methods["shap"]["evaluations"] <= 500


def test_gradients_are_a_method_as_others(checkpoint, tmp_path):
    gradients = ["saliency", "input_x_gradient", "integrated_gradients", "smoothgrad"]
    row = one(checkpoint, "--method", ",".join(["shap", *gradients]), "--target", "logit", "--baseline", "mask", "--max-gap", "0.01", TEXT)
    assert list(row["methods"]) == ["shap", *gradients]
    for name in gradients:
        method = row["methods"][name]
        assert [unit["text"] for unit in method["units"]] == [unit["text"] for unit in row["methods"]["shap"]["units"]]
        assert len(method["tokens"]) == len(method["token_values"])
        assert sum(unit["value"] for unit in method["units"]) + method["special"] == pytest.approx(sum(method["token_values"]), abs=1e-9)
    integrated = row["methods"]["integrated_gradients"]
    assert integrated["base_value"] + sum(integrated["token_values"]) + integrated["gap"] == pytest.approx(row["score"], abs=1e-5)
    assert abs(integrated["gap"]) <= 0.01 * abs(row["score"] - integrated["base_value"])
    file = tmp_path / "why.json"
    explain(checkpoint, "--method", ",".join(gradients), "--output", file, TEXT)
    assert ok("explain", "--verify", file).text == "explanation 1: the same\n"


def test_shap_adds_up(checkpoint):
    row = one(checkpoint, TEXT)
    shap = row["methods"]["shap"]
    assert shap["exact"]
    assert shap["base_value"] + sum(unit["value"] for unit in shap["units"]) == pytest.approx(row["score"], abs=1e-6)
    masked = classified(checkpoint, "[MASK] [MASK] [MASK] [MASK] [MASK][MASK] [MASK] [MASK]")
    assert shap["base_value"] == pytest.approx(next(s["score"] for s in masked["scores"] if s["label"] == row["label"]), abs=1e-7)


def test_sampled_values_have_intervals(checkpoint):
    row = one(checkpoint, "--max-evals", "10", "--half-width", "0.05", TEXT)
    shap = row["methods"]["shap"]
    assert not shap["exact"]
    assert all(unit["low"] <= unit["value"] <= unit["high"] for unit in shap["units"])
    assert max(unit["high"] - unit["low"] for unit in shap["units"]) <= 0.1 + 1e-9 or shap["stopped"]


def test_the_same_again(checkpoint, tmp_path):
    file = tmp_path / "why.jsonl"
    explain(checkpoint, *ALL, "--output", file, TEXT, "not good")
    again = ok("explain", "--verify", file)
    assert again.text == "explanation 1: the same\nexplanation 2: the same\n"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    rows[1]["methods"]["lime"]["units"][0]["value"] += 0.1
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    other = run("explain", "--verify", file)
    assert other.code == 5
    assert "explanation 1: the same\nexplanation 2: lime of \"not\": expected" in other.text
    assert "1 of 2 explanations are not the same" in other.err


def test_verify_names_another_model(checkpoint, tmp_path):
    file = tmp_path / "why.json"
    explain(checkpoint, "--output", file, "not good")
    other = write_checkpoint(tmp_path / "other", seed=8)
    result = run("explain", "--verify", file, "--model", other)
    assert result.code == 5
    assert "model_sha256: expected" in result.text


@pytest.mark.parametrize("content, message", [("", "expected explanations"), ("{}", "settings"), ("no json", "explanation 1")])
def test_verify_refuses_what_is_no_explanation(tmp_path, content, message):
    file = tmp_path / "why.json"
    file.write_text(content)
    result = run("explain", "--verify", file)
    assert result.code == 5
    assert message in result.err


def test_in_a_terminal_words_stand_over_their_numbers(checkpoint):
    lines = explain(checkpoint, *ALL, TEXT).text.split("\n")
    assert lines[0] == f"text: {TEXT}"
    words = next(line for line in lines if "really" in line and "love" in line and not line.startswith("text"))
    for method in ["shap", "lime", "occlusion"]:
        row = next(line for line in lines if line.startswith(method) and ":" not in line)
        assert len(row) == len(words)
        assert len(row.split()) == 9
    assert max(map(len, lines)) <= 80


def test_a_long_text_is_said_to_be_cut(checkpoint):
    text = " ".join(["good"] * 70)
    result = run("explain", "--model", checkpoint, "--format", "json", "--budget-ms", "200", text)
    (row,) = result.rows
    assert (row["truncated"], row["tokens_total"], row["tokens_used"]) == (True, 72, 64)
    assert row["not_seen"] == [{"start": 62 * 5 - 1, "end": len(text)}]
    assert len(row["methods"]["shap"]["units"]) == 62
    assert "truncated" in result.err


def test_ten_thousand_words_and_a_budget(checkpoint):
    text = " ".join(f"word{number}" for number in range(10_000))
    (row,) = run("explain", "--model", checkpoint, "--format", "json", "--budget-ms", "100", *ALL, text).rows
    assert row["truncated"]
    assert row["not_seen"]


def test_a_budget_of_zero_shows_the_score_and_says_so(checkpoint):
    row = one(checkpoint, *ALL, "--budget-ms", "0", TEXT)
    assert row["score"] == classified(checkpoint, TEXT)["score"]
    assert all(method["stopped"] for method in row["methods"].values())


def test_a_pair_has_units_of_both(checkpoint):
    row = one(checkpoint, "--text-pair", "not good", "I love this")
    assert [(unit["sequence_id"], unit["text"]) for unit in row["methods"]["shap"]["units"]] == [(0, "I"), (0, "love"), (0, "this"), (1, "not"), (1, "good")]


def test_targets(checkpoint):
    answer = classified(checkpoint, TEXT)
    logits = dict(zip(LABELS, answer["logits"]))
    assert one(checkpoint, "--target", "logit", "--label", LABELS[0], TEXT)["score"] == logits[LABELS[0]]
    row = one(checkpoint, "--target", f"{LABELS[1]}-{LABELS[0]}", TEXT)
    assert (row["target"], row["label"], row["against"]) == ("contrast", LABELS[1], LABELS[0])
    assert row["score"] == pytest.approx(logits[LABELS[1]] - logits[LABELS[0]], abs=1e-6)


def test_other_heads(tmp_path):
    regression = write_checkpoint(tmp_path / "regression", labels=["points"], problem_type="regression")
    row = one(regression, *ALL, TEXT)
    assert row["score"] == classified(regression, TEXT)["score"]
    assert row["counterfactuals"]["flips"] == []
    several = write_checkpoint(tmp_path / "several", labels=["a", "b", "c"], problem_type="multi_label_classification")
    row = one(several, "--label", "b", TEXT)
    assert row["score"] == classified(several, TEXT)["scores"][1]["score"]


@pytest.mark.parametrize("label", ["<img onerror=alert(1)>", "</script>", "\u202egood", "a \"quoted\" label"])
def test_labels_are_only_text(tmp_path, label):
    checkpoint = write_checkpoint(tmp_path / "model", labels=[label, "other"])
    row = one(checkpoint, "--label", label, TEXT)
    assert row["label"] == label


def test_counterfactuals_are_what_classify_says(checkpoint):
    found = one(checkpoint, TEXT)["counterfactuals"]
    for entry in found["flips"] + found["keeps"]:
        answer = classified(checkpoint, entry["text"])
        assert (answer["label"], answer["score"]) == (entry["label"], entry["score"])


@pytest.mark.parametrize("options, message", [
    (["--label", "nobody"], "label: expected one of"),
    (["--target", "nobody"], "--target: expected probability, logit or two of"),
    (["--method", "gradients"], "method: expected one of shap, lime, occlusion, saliency, input_x_gradient"),
    (["--method", "saliency", "--baseline", "nothing"], "--baseline"),
    (["--method", "integrated_gradients", "--num-steps", "0"], "--num-steps"),
    (["--method", "saliency", "--compat", "lime"], "--compat lime: expected --method lime"),
    (["--method", ""], "method: expected one of"),
    (["--unit", "paragraph"], "unit: expected one of word, token, sentence, regex"),
    (["--unit", "regex=("], "expected a regular expression"),
    (["--unit", "regex"], "regex=EXPRESSION"),
    (["--mask", "nothing"], "--mask: expected token, remove or string=TEXT"),
    (["--compat", "lime", "--method", "occlusion"], "--compat lime: expected --method lime"),
    (["--num-samples", "1"], "--num-samples"),
    (["--seed", "4294967296"], "--seed"),
])
def test_what_cannot_be_is_named(checkpoint, options, message):
    result = run("explain", "--model", checkpoint, *options, TEXT)
    assert result.code == 2, result
    assert message in result.err
    assert result.text == ""


def test_units_and_masks(checkpoint):
    text = "I love it. Not bad!"
    units = lambda *options: [unit["text"] for unit in one(checkpoint, *options, text)["methods"]["shap"]["units"]]  # noqa: E731
    assert units("--unit", "sentence") == ["I love it.", "Not bad!"]
    assert units("--unit", r"regex=[\s.]+") == ["I", "love", "it", "Not", "bad!"]
    assert units("--unit", "token") == ["I", "love", "i", "t", ".", "Not", "bad", "!"]
    removed = one(checkpoint, "--method", "occlusion", "--mask", "remove", text)
    assert removed["settings"]["mask"] == ""
    label = LABELS.index(removed["label"])
    without = classified(checkpoint, " love it. Not bad!")["scores"][label]["score"]
    assert removed["methods"]["occlusion"]["units"][0]["value"] == pytest.approx(removed["score"] - without, abs=1e-7)


def test_compat_has_the_units_of_the_packages(checkpoint):
    lime = one(checkpoint, "--compat", "lime", "good book, good 😀 book")["methods"]["lime"]
    assert [(unit["text"], unit["start"], unit.get("also")) for unit in lime["units"]] == [
        ("good", 0, [{"start": 11, "end": 15}]), ("book", 5, [{"start": 18, "end": 22}])]
    shap = one(checkpoint, "--compat", "shap", "good book")["methods"]["shap"]
    assert [unit["text"] for unit in shap["units"]] == ["", "good ", "book", ""]
    assert run("explain", "--model", checkpoint, "--compat", "shap", "--text-pair", "b", "a").code == 4


def test_reads_lines_and_writes_objects(checkpoint):
    rows = explain(checkpoint, "--format", "json", stdin="good\nbad\n").rows
    assert [row["text"] for row in rows] == ["good", "bad"]


def test_half_a_character_in_json_is_named(checkpoint):
    lines = ['{"text": "fine \\ud83d\\ude00"}', r'{"text": "bad \ud83d"}']
    result = run("explain", "--model", checkpoint, "--input-format", "jsonl", "--method", "occlusion", "--format", "json", stdin="\n".join(lines))
    assert result.code == 2
    assert r"line 2: expected JSON, found the lone surrogate \ud83d in a string" in result.err


def test_a_threshold_says_which_labels_are_predicted(tmp_path):
    several = write_checkpoint(tmp_path / "several", labels=["a", "b", "c"], problem_type="multi_label_classification")
    words = ["--model", several, "--threshold", "0.4", "--format", "json", "good book"]
    row, answer = ok("explain", *words).rows[0], ok("classify", *words).rows[0]
    assert (row["labels"], row["scores"]) == (answer["labels"], answer["scores"])
    assert abs(row["settings"]["threshold"] - 0.4) < 1e-6
    ok("explain", "--model", several, "--threshold", "0.4", "--format", "json", "--output", tmp_path / "a.jsonl", "good book")
    ok("explain", "--model", several, "--verify", tmp_path / "a.jsonl")
    ok("explain", "--model", several, "--threshold", "0.4", "--output", tmp_path / "a.html", "good book")
    assert (tmp_path / "a.html").read_text().count('<path class="threshold" d="M400 0v10"/>') == 3
    assert run("explain", "--model", several, "--function-to-apply", "softmax", "--threshold", "0.4", "good").code == 2


def test_a_page_is_of_one_text(checkpoint, tmp_path):
    page = tmp_path / "report.html"
    explain(checkpoint, *ALL, "--output", page, TEXT)
    html = page.read_text()
    assert html.lower().startswith("<!doctype html>")
    assert str(classified(checkpoint, TEXT)["score"]) in html
    result = run("explain", "--model", checkpoint, "--format", "html", "good", "bad")
    assert result.code == 2
    assert "expected one text" in result.err


def test_an_interrupted_run_keeps_what_it_has(checkpoint):
    import signal
    import subprocess
    import time

    from filbert_command import FILBERT, environment
    text = " ".join(f"good{number} bad book" for number in range(20))
    process = subprocess.Popen([FILBERT, "explain", "--model", checkpoint, "--format", "json", "--half-width", "0.000001", "--budget-ms", "600000", "--values-only",
                                text], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    (row,) = [json.loads(line) for line in out.decode().splitlines()]
    assert row["methods"]["shap"]["stopped"]
    assert "interrupted: what was found until then is written" in err.decode()
    assert process.returncode == 1


def test_the_built_in_model_needs_no_option():
    text = ok("explain", "I really love this book").text
    assert "love" in text and "5 stars" in text
    assert pathlib.Path(ROOT / "models/stars-en/config.json").exists()


ENTITIES = ROOT / "tests" / "data" / "families" / "bert" / "token-v4"  # of random weights: every token but a few is an entity of some label


def test_entities_of_a_token_classifier():
    text = "one of the best rooms"
    rows = ok("explain", "--model", ENTITIES, "--method", "occlusion,integrated_gradients", "--format", "json", text).rows
    assert rows
    for row in rows:
        entity = row["entity"]
        assert (row["text"], row["label"]) == (text, entity["entity_group"])
        units = row["methods"]["occlusion"]["units"]
        assert [text[unit["start"]:unit["end"]] for unit in units] == text.split()
        own = [index for index, unit in enumerate(units) if unit["start"] < entity["end"] and unit["end"] > entity["start"]]
        assert row["entity_units"] == own
        assert len(row["methods"]["integrated_gradients"]["token_values"]) == row["tokens_used"]
        assert dict((entry["label"], entry["score"]) for entry in row["scores"])[row["label"]] == pytest.approx(row["score"], abs=1e-6)
    (last,) = ok("explain", "--model", ENTITIES, "--entity", str(len(rows) - 1), "--format", "json", text).rows
    assert last["entity"] == rows[-1]["entity"]
    place = text[last["entity"]["start"]:last["entity"]["end"]]
    assert last["entity"] in [row["entity"] for row in ok("explain", "--model", ENTITIES, "--entity", place, "--format", "json", text).rows]
    shown = ok("explain", "--model", ENTITIES, "--entity", "0", text).text
    assert shown.startswith("entity: ") and "occlusion" in shown


def test_entities_that_cannot_be_explained(checkpoint):
    assert "--entity: expected a number below" in run("explain", "--model", ENTITIES, "--entity", "nowhere", "one of the best rooms").err
    assert "expected occlusion" in run("explain", "--model", ENTITIES, "--method", "shap", "one of the best rooms").err
    assert run("explain", "--model", ENTITIES, "--with-attention", "--entity", "0", "--output", "a.html", "one of the best rooms").code == 4
    assert "--stride: expected a token classifier" in run("explain", "--model", checkpoint, "--stride", "2", "good").err
    result = run("explain", "--model", checkpoint, "--entity", "0", "good")
    assert (result.code, "expected a token classifier" in result.err) == (2, True)


def test_a_page_of_an_entity(tmp_path):
    page = tmp_path / "why.html"
    ok("explain", "--model", ENTITIES, "--entity", "0", "--method", "occlusion,integrated_gradients", "--output", page, "one of the best rooms")
    html = page.read_text()
    assert "Why this entity?" in html and "data-entity" in html and 'id="ledger"' in html
    (row,) = ok("explain", "--model", ENTITIES, "--entity", "0", "--format", "json", "one of the best rooms").rows
    assert f"{row['score']:.3f}" in html
    more = run("explain", "--model", ENTITIES, "--output", page, "one of the best rooms")
    assert (more.code, "expected one entity" in more.err) == (2, True)
    assert page.read_text() == html


def test_verify_explains_entities_again(tmp_path):
    file = tmp_path / "why.jsonl"
    words = ["--model", ENTITIES, "--method", "occlusion,integrated_gradients", "--target", "logit", "--max-length", "5", "--stride", "1", "--offset-unit", "bytes"]
    ok("explain", *words, "--output", file, "one of the best rooms", "É, the bést rooms of one")
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    assert len(rows) > 3 and any(row["windows"] > 1 and row["window"] > 0 for row in rows)
    assert ok("explain", "--verify", file).text.splitlines() == [f"explanation {number}: the same" for number in range(1, len(rows) + 1)]
    rows[1]["methods"]["occlusion"]["units"][0]["value"] += 0.1
    rows[2]["score"] += 1
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    other = run("explain", "--verify", file)
    assert other.code == 5
    assert "explanation 2: occlusion of" in other.text and "explanation 3: score: expected" in other.text
    assert f"2 of {len(rows)} explanations are not the same" in other.err


def test_verify_knows_the_built_in_token_classifier(tmp_path):
    file = tmp_path / "why.json"
    ok("explain", "--entity", "Berlin", "--output", file, "Anna Fischer moved from Berlin to New York.")
    assert json.loads(file.read_text())["model"] == "built-in"
    assert ok("explain", "--verify", file).text == "explanation 1: the same\n"


def test_an_entity_of_a_long_text_is_explained_in_a_window():
    text = " ".join(["one of the best rooms"] * 4)
    rows = ok("explain", "--model", ENTITIES, "--max-length", "8", "--stride", "2", "--format", "json", text).rows
    found = ok("entities", "--model", ENTITIES, "--max-length", "8", "--stride", "2", "--format", "json", text).rows[0]["entities"]
    assert [row["entity"] for row in rows] == found and len(found) > 3
    for row in rows:
        entity = row["entity"]
        assert row["windows"] > 2 and not row["truncated"] and row["tokens_used"] <= 8 < row["tokens_total"]
        assert row["score"] == pytest.approx(entity["score"], abs=1e-6)  # each label is a type: it is the window that the answer is from
        hidden = [range(each["start"], each["end"]) for each in row["not_seen"]]
        assert hidden and not any(entity["start"] in each or entity["end"] - 1 in each for each in hidden)
        assert not any(unit["start"] in each for unit in row["methods"]["occlusion"]["units"] for each in hidden)
    shown = ok("explain", "--model", ENTITIES, "--max-length", "8", "--stride", "2", "--entity", "0", text).text
    assert f"window: 1 of {rows[0]['windows']}" in shown
    cut = run("explain", "--model", ENTITIES, "--max-length", "8", "--format", "json", text).rows
    assert cut and all(row["truncated"] and "windows" not in row for row in cut)
