"""filbert evaluate: figures against the answers of classify, labels of the file, slices, two models, what is refused, and the forms it comes in."""

import json
import math
import pathlib
import re
import shutil
import subprocess

import pytest

from filbert_command import FILBERT, environment, ok, run
from tiny_checkpoint import LABELS, write_checkpoint

WORDS = ["good", "bad", "film", "book", "love", "hate", "not", "very", "really", "the"]
TEXTS = [" ".join(WORDS[number * step % 10] for step in (1, 3, 7, 9)[: 1 + number % 4]) for number in range(60)] + ["", "love, \"love\"\nit"]
GOLD = [LABELS[number * 7 % 11 % 5] for number in range(len(TEXTS))]
FAST = ["--bootstrap", "50"]


def write_csv(path, gold=GOLD, texts=TEXTS, **columns):
    quoted = lambda field: '"' + field.replace('"', '""') + '"'  # noqa: E731
    rows = [["text", "label", *columns]] + [list(row) for row in zip(texts, gold, *columns.values())]
    path.write_text("".join(",".join(map(quoted, row)) + "\n" for row in rows))
    return path


def report_of(checkpoint, file, *words):
    (report,) = ok("evaluate", "--model", checkpoint, file, "--format", "json", *FAST, *words).rows
    return report


def answers_of(checkpoint, *words, texts=TEXTS):
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    return ok("classify", "--model", checkpoint, "--input-format", "jsonl", "--format", "json", *words, stdin=lines).rows


def test_the_figures_are_those_of_the_answers(checkpoint, tmp_path):
    report = report_of(checkpoint, write_csv(tmp_path / "a.csv"), "--ordered")
    answers = answers_of(checkpoint)
    right = [answer["label"] == gold for answer, gold in zip(answers, GOLD)]
    near = [abs(LABELS.index(answer["label"]) - LABELS.index(gold)) <= 1 for answer, gold in zip(answers, GOLD)]
    loss = [-math.log(answer["scores"][LABELS.index(gold)]["score"]) for answer, gold in zip(answers, GOLD)]
    value = {name: measure["value"] for name, measure in report["measures"].items()}
    assert value["accuracy"] == pytest.approx(sum(right) / len(TEXTS), abs=1e-12)
    assert value["within_one"] == pytest.approx(sum(near) / len(TEXTS), abs=1e-12)
    assert value["log_loss"] == pytest.approx(sum(loss) / len(TEXTS), abs=1e-6)  # classify prints f32
    assert report["texts"] == report["rows"] == len(TEXTS)
    assert [label["label"] for label in report["labels"]] == LABELS
    assert [label["texts"] for label in report["labels"]] == [GOLD.count(label) for label in LABELS]
    assert sum(map(sum, report["confusion"])) == len(TEXTS)
    assert sum(entry["count"] for entry in report["reliability"]) == len(TEXTS)
    assert all(measure["low"] <= measure["value"] <= measure["high"] for name, measure in report["measures"].items() if name == "accuracy")
    worst = [entry["loss"] for entry in report["worst"]]
    assert worst == sorted(worst, reverse=True) and worst[0] == pytest.approx(max(one for one, is_right in zip(loss, right) if not is_right), abs=1e-5)
    assert report["worst"][0]["text"] == TEXTS[report["worst"][0]["row"] - 1]


def test_the_same_seed_gives_the_same_report_with_any_threads(checkpoint, tmp_path):
    file = write_csv(tmp_path / "a.csv")
    clean = lambda report: {key: value for key, value in report.items() if key not in ("command", "options")}  # noqa: E731
    one = clean(report_of(checkpoint, file, "--seed", "3", "--threads", "1"))
    assert clean(report_of(checkpoint, file, "--seed", "3", "--threads", "2")) == one
    assert clean(report_of(checkpoint, file, "--seed", "4"))["measures"] != one["measures"]


@pytest.mark.parametrize("written, words", [
    (lambda gold: gold.upper(), []),                                   # names in other letters
    (lambda gold: gold[0], []),                                        # the number that a name begins with
    (lambda gold: f"{gold[0]}.0", []),
    (lambda gold: {"1 star": "awful", "5 stars": "great"}.get(gold, gold), ["--label-map", "awful=1 star", "--label-map", "great=5 stars"]),
])
def test_labels_of_the_file_are_found(checkpoint, tmp_path, written, words):
    expected = report_of(checkpoint, write_csv(tmp_path / "a.csv"))
    report = report_of(checkpoint, write_csv(tmp_path / "b.csv", [written(gold) for gold in GOLD]), *words)
    assert report["measures"] == expected["measures"]
    assert report["gold_names"] == {written(label): label for label in LABELS if written(label) != label}


def test_a_map_may_be_a_file_and_objects_may_have_numbers(checkpoint, tmp_path):
    expected = report_of(checkpoint, write_csv(tmp_path / "a.csv"))
    (tmp_path / "map.json").write_text(json.dumps({"awful": "1 star"}))
    file = tmp_path / "a.jsonl"
    file.write_text("".join(json.dumps({"body": text, "stars": "awful" if gold == "1 star" else int(gold[0])}) + "\n" for text, gold in zip(TEXTS, GOLD)))
    report = report_of(checkpoint, file, "--text-column", "body", "--label-column", "stars", "--label-map", tmp_path / "map.json")
    assert report["measures"] == expected["measures"]


def test_unknown_labels_are_counted_and_may_be_skipped(checkpoint, tmp_path):
    gold = ["5 starz"] * 3 + ["n/a"] + [""] * 2 + GOLD[6:]
    file = write_csv(tmp_path / "a.csv", gold)
    result = run("evaluate", "--model", checkpoint, file)
    assert (result.code, result.text) == (2, "")
    assert '"5 starz" 3 times (did you mean "5 stars"?), "n/a" 1 time, none at all 2 times; --label-map' in result.err
    report = report_of(checkpoint, file, "--on-unknown-label", "skip")
    assert (report["texts"], report["unknown_texts"], report["unlabelled"]) == (len(TEXTS) - 6, 4, 2)
    assert report["unknown"][0] == {"value": "5 starz", "texts": 3, "nearest": "5 stars"}
    assert report["measures"] == report_of(checkpoint, write_csv(tmp_path / "b.csv", GOLD[6:], TEXTS[6:]))["measures"]


def test_slices_by_columns_and_length(checkpoint, tmp_path):
    language = ["en" if number < 40 else "de" for number in range(len(TEXTS))]
    file = write_csv(tmp_path / "a.csv", language=language, place=[str(number) for number in range(len(TEXTS))])
    report = report_of(checkpoint, file, "--by", "language", "--by", "place")
    of_language = {entry["value"]: entry for entry in report["slices"] if entry["by"] == "language"}
    assert {value: entry["texts"] for value, entry in of_language.items()} == {"en": 40, "de": len(TEXTS) - 40}
    assert of_language["en"]["measures"] == report_of(checkpoint, write_csv(tmp_path / "b.csv", GOLD[:40], TEXTS[:40]))["measures"]
    places = [entry for entry in report["slices"] if entry["by"] == "place"]
    assert len(places) == 51 and places[-1]["value"] == f"{len(TEXTS) - 50} other values"
    assert sum(entry["texts"] for entry in report["slices"] if entry["by"] == "tokens") == len(TEXTS)


def test_two_models_side_by_side(checkpoint, tmp_path):
    file = write_csv(tmp_path / "a.csv")
    other = write_checkpoint(tmp_path / "other", seed=8)
    report = report_of(checkpoint, file, "--against", other)
    assert report["against"]["measures"] == report_of(other, file)["measures"]
    both = report["comparison"]
    assert both["both_right"] + both["only_first"] + both["only_second"] + both["both_wrong"] == len(TEXTS)
    change = report["against"]["measures"]["accuracy"]["value"] - report["measures"]["accuracy"]["value"]
    assert both["differences"]["accuracy"]["value"] == pytest.approx(change, abs=1e-12)
    assert (both["only_second"] - both["only_first"]) / len(TEXTS) == pytest.approx(change, abs=1e-12)
    assert 0 < both["mcnemar_mid_p"] <= both["mcnemar_exact"] <= 1


def test_labels_of_the_second_model_may_stand_in_another_order(checkpoint, tmp_path):
    file = write_csv(tmp_path / "a.csv")
    mixed = write_checkpoint(tmp_path / "mixed")
    config = json.loads((mixed / "config.json").read_text())
    config["id2label"] = {str(index): label for index, label in enumerate(reversed(LABELS))}
    (mixed / "config.json").write_text(json.dumps(config))
    report = report_of(checkpoint, file, "--against", mixed)
    assert report["against"]["labels"][0]["label"] == LABELS[0]
    assert report["against"]["measures"]["accuracy"] == report_of(mixed, file)["measures"]["accuracy"]
    result = run("evaluate", "--model", checkpoint, file, "--against", write_checkpoint(tmp_path / "few", labels=LABELS[:4]))
    assert result.code == 2 and "--against: expected the labels of the other model" in result.err


def test_int8_against_f32(checkpoint, tmp_path):
    report = report_of(checkpoint, write_csv(tmp_path / "a.csv"), "--against-dtype", "int8")
    assert (report["dtype"], report["against"]["dtype"]) == ("f32", "int8")
    assert 0 < report["comparison"]["max_score_difference"] < 0.2
    assert report["comparison"]["same_prediction"] > 0.8 * len(TEXTS)


def test_several_labels_a_text(tmp_path):
    labels = ["toxic", "insult", "threat"]
    model = write_checkpoint(tmp_path / "model", labels=labels, problem_type="multi_label_classification")
    gold = [",".join(label for bit, label in enumerate(labels) if number >> bit & 1) for number in range(len(TEXTS))]
    report = report_of(model, write_csv(tmp_path / "a.csv", gold), "--threshold", "0.4")
    assert report["kind"] == "multi_label"
    answers = answers_of(model, "--threshold", "0.4")
    exact = [sorted(answer["labels"]) == sorted(filter(None, wanted.split(","))) for answer, wanted in zip(answers, gold)]
    assert report["measures"]["exact_match"]["value"] == pytest.approx(sum(exact) / len(TEXTS), abs=1e-12)
    assert "confusion" not in report and "baseline" not in report
    spaced = write_csv(tmp_path / "b.csv", [" | ".join(wanted.split(",")) for wanted in gold])
    assert report_of(model, spaced, "--label-separator", "|", "--threshold", "0.4")["measures"] == report["measures"]
    assert "exact match" not in ok("evaluate", "--model", model, tmp_path / "a.csv", *FAST).text


def test_a_regression(tmp_path):
    model = write_checkpoint(tmp_path / "model", labels=["stars"], problem_type="regression")
    targets = [f"{number % 7 / 2}" for number in range(len(TEXTS))]
    report = report_of(model, write_csv(tmp_path / "a.csv", targets), "--ordered")
    values = [answer["score"] for answer in answers_of(model)]
    error = sum(abs(value - float(target)) for value, target in zip(values, targets)) / len(TEXTS)
    assert report["kind"] == "regression"
    assert report["measures"]["mean_absolute_error"]["value"] == pytest.approx(error, abs=1e-6)
    assert "labels" not in report
    result = run("evaluate", "--model", model, write_csv(tmp_path / "b.csv", ["much"] * len(TEXTS)))
    assert result.code == 2 and f'labels: expected numbers, found "much" {len(TEXTS)} times' in result.err


def test_pairs(checkpoint, tmp_path):
    file = write_csv(tmp_path / "a.csv", other=TEXTS[::-1])
    report = report_of(checkpoint, file, "--text-pair-column", "other")
    assert report["worst"][0]["text_pair"] == TEXTS[::-1][report["worst"][0]["row"] - 1]


def test_the_text_fits_a_terminal_and_the_page_is_whole(checkpoint, tmp_path):
    labels = [f"a rather long name of a label, number {number}" for number in range(12)]
    many = write_checkpoint(tmp_path / "many", labels=labels)
    few, lots = write_csv(tmp_path / "a.csv", source=["a very long value of a column, " * 3] * len(TEXTS)), write_csv(tmp_path / "b.csv", [labels[number % 12] for number in range(len(TEXTS))])
    for model, file, words in [(checkpoint, few, ["--by", "source", "--ordered"]), (many, lots, []), (checkpoint, few, ["--against-dtype", "int8"])]:
        text = ok("evaluate", "--model", model, file, *FAST, *words).text
        assert [line for line in text.split("\n") if len(line) > 80 and str(tmp_path) not in line] == []
        assert "accuracy" in text and "Worst mistakes" in text
    page = tmp_path / "report.html"
    assert ok("evaluate", "--model", checkpoint, few, "--output", page, *FAST).text == ""
    html = page.read_text()
    assert html.startswith("<!DOCTYPE html>") and html.endswith("</html>\n") and "http" not in re.sub(r"http-equiv", "", html)
    ok("evaluate", "--model", checkpoint, few, "--output", tmp_path / "report.json", *FAST)
    assert json.loads((tmp_path / "report.json").read_text())["texts"] == len(TEXTS)


def test_max_texts_and_worst(checkpoint, tmp_path):
    report = report_of(checkpoint, write_csv(tmp_path / "a.csv"), "--max-texts", "40", "--worst", "2")
    assert (report["rows"], report["texts"], len(report["worst"])) == (40, 40, 2)


@pytest.fixture
def decided(checkpoint, tmp_path):
    """A checkpoint of the test's own with a decision that calibrates, merges, renames and rejects; and a file."""
    own = pathlib.Path(shutil.copytree(checkpoint, tmp_path / "decided"))
    file = write_csv(tmp_path / "decided.csv")
    result = run("calibrate", "--model", own, file, "--reject-below", "0.5", "--merge", "bad=1 star,2 stars", "--rename", "5 stars=best")
    assert result.code == 0, result.err
    decision = json.loads((own / "filbert_decision.json").read_text())
    decision["calibration"]["temperature"] = 1.5  # that of labels drawn so would reject everything
    (own / "filbert_decision.json").write_text(json.dumps(decision))
    decision["reject_below"] = sorted(answer["score"] for answer in answers_of(own))[len(TEXTS) // 3]
    (own / "filbert_decision.json").write_text(json.dumps(decision))
    return own, file


def test_a_decision_is_applied_as_classify_applies_it(decided):
    model, file = decided
    names = ["bad", "3 stars", "4 stars", "best"]
    merged = {"1 star": "bad", "2 stars": "bad", "5 stars": "best"}
    report = report_of(model, file, "--ordered")
    answers, gold = answers_of(model), [merged.get(label, label) for label in GOLD]
    pairs = [(answer, label) for answer, label in zip(answers, gold) if not answer["rejected"]]
    assert 0 < len(pairs) < len(answers)
    value = {name: measure["value"] for name, measure in report["measures"].items()}
    assert report["texts"] == len(TEXTS) and report["rejected"] == len(TEXTS) - len(pairs)
    assert value["coverage"] == pytest.approx(len(pairs) / len(TEXTS), abs=1e-12)
    assert value["accuracy"] == pytest.approx(sum(answer["label"] == label for answer, label in pairs) / len(pairs), abs=1e-12)
    loss = [-math.log(answer["scores"][names.index(label)]["score"]) for answer, label in pairs]
    assert value["log_loss"] == pytest.approx(sum(loss) / len(loss), abs=1e-6)  # classify prints f32
    assert [label["label"] for label in report["labels"]] == names
    assert [label["texts"] + label["rejected"] for label in report["labels"]] == [gold.count(label) for label in names]
    assert report["gold_names"] == merged
    rows = {row for row, answer in enumerate(answers, 1) if answer["rejected"]}
    assert not rows & {entry["row"] for entry in report["worst"]}
    assert report["decision"] == "filbert_decision.json" and len(report["decision_sha256"]) == 64
    assert report["measures"] == report_of(model, write_csv(file.parent / "b.csv", gold), "--ordered")["measures"]


def test_no_decision_leaves_it_out(decided, checkpoint):
    model, file = decided
    bare, expected = report_of(model, file, "--no-decision"), report_of(checkpoint, file)
    assert bare["measures"] == expected["measures"] and bare["labels"] == expected["labels"]
    assert not {"decision", "rejected"} & bare.keys() and "coverage" not in bare["measures"]
    assert report_of(model, file, "--function-to-apply", "softmax")["measures"] == report_of(model, file)["measures"]


def test_a_decision_may_be_named_and_a_wrong_one_is_refused(decided, checkpoint, tmp_path):
    model, file = decided
    decision = model / "filbert_decision.json"
    moved = decision.rename(tmp_path / "else.json")
    assert "decision" not in report_of(model, file)
    named = report_of(model, file, "--decision", moved)
    assert named["decision"] == str(moved) and named["rejected"] > 0
    content = json.loads(moved.read_text())
    moved.write_text(json.dumps(content | {"weights_sha256": "0" * 64}))
    result = run("evaluate", "--model", model, file, "--decision", moved)
    assert result.code == 5 and "weights_sha256" in result.err and "--no-decision" in result.err
    assert run("evaluate", "--model", model, file, "--decision", tmp_path / "none.json").code == 3


def test_each_of_two_models_has_its_own_decision(decided, checkpoint):
    model, file = decided
    both = report_of(model, file, "--against-dtype", "int8")
    assert both["against"]["decision_sha256"] == both["decision_sha256"] and "coverage" in both["against"]["measures"]
    pairs = both["comparison"]
    assert pairs["both_right"] + pairs["only_first"] + pairs["only_second"] + pairs["both_wrong"] + pairs["either_rejected"] == len(TEXTS)
    assert pairs["either_rejected"] >= both["rejected"] > 0
    result = run("evaluate", "--model", model, file, "--against", checkpoint)
    assert result.code == 2 and "--against: expected the labels of the other model" in result.err and "--no-decision" in result.err
    content = json.loads((model / "filbert_decision.json").read_text())
    plain = [{"label": label, "of": [label]} for label in LABELS]
    (model / "filbert_decision.json").write_text(json.dumps(content | {"answers": plain}))
    half = report_of(checkpoint, file, "--against", model)
    assert half["measures"]["coverage"]["value"] == 1 and half["rejected"] == 0 and "decision" not in half
    assert half["against"]["rejected"] == half["comparison"]["either_rejected"] > 0
    change = half["comparison"]["differences"]["coverage"]["value"]
    assert change == pytest.approx(half["against"]["measures"]["coverage"]["value"] - 1, abs=1e-12)


def test_people_see_what_is_rejected(decided, tmp_path):
    model, file = decided
    text = ok("evaluate", "--model", model, file, *FAST).text
    assert re.search(r"^coverage +0\.\d+ \[", text, re.MULTILINE) and "labels and scores are those of filbert_decision.json" in text
    assert re.search(r"\d+ of 62 texts are rejected", text)
    assert [line for line in text.split("\n") if len(line) > 80 and str(tmp_path) not in line] == []
    ok("evaluate", "--model", model, file, *FAST, "--output", tmp_path / "report.html")
    assert "the others are rejected" in (tmp_path / "report.html").read_text()


def test_thresholds_of_a_decision(tmp_path):
    labels = ["toxic", "insult", "threat"]
    model = write_checkpoint(tmp_path / "model", labels=labels, problem_type="multi_label_classification")
    gold = [",".join(label for bit, label in enumerate(labels) if number >> bit & 1) for number in range(len(TEXTS))]
    file = write_csv(tmp_path / "a.csv", gold)
    assert run("calibrate", "--model", model, file, "--best-f1", "--label-separator", ",").code == 0
    answers = answers_of(model)
    exact = [sorted(answer["labels"]) == sorted(filter(None, wanted.split(","))) for answer, wanted in zip(answers, gold)]
    report = report_of(model, file)
    assert report["measures"]["exact_match"]["value"] == pytest.approx(sum(exact) / len(TEXTS), abs=1e-12)
    said = {label["label"]: label["predicted"] for label in report["labels"]}
    assert said == {label: sum(label in answer["labels"] for answer in answers) for label in labels}
    asked = answers_of(model, "--threshold", "0.4")
    said = {label["label"]: label["predicted"] for label in report_of(model, file, "--threshold", "0.4")["labels"]}
    assert said == {label: sum(label in answer["labels"] for answer in asked) for label in labels}


@pytest.mark.parametrize("name, content, words, code, message", [
    ("a.csv", "id,body\n1,a\n", [], 2, 'expected a column "text" (--text-column)'),
    ("a.csv", "text\na\n", [], 2, 'expected a column "label" (--label-column)'),
    ("a.csv", "text,label\na,1 star\n", ["--by", "colour"], 2, 'expected a column "colour" (--by)'),
    ("a.csv", "text,label\n", [], 2, "expected a text with a label, found no row"),
    ("a.csv", "text,label\na,x\n", ["--on-unknown-label", "skip"], 2, "expected a text with a label, found none in 1 rows"),
    ("a.csv", "text,label\na,1 star,b\n", [], 2, "line 2: expected 2 fields"),
    ("a.csv", "text,label\na,1 star\n", ["--label-map", "x"], 2, "--label-map: expected VALUE=LABEL or a .json file"),
    ("a.csv", "text,label\na,1 star\n", ["--label-map", "x=6 stars"], 2, "--label-map: x: expected a label of the model"),
    ("a.csv", "text,label\na,1 star\n", ["--label-map", "none.json"], 3, "none.json"),
    ("a.csv", "text,label\na,1 star\n", ["--stride", "3"], 2, "--stride: expected --long windows beside it"),
    ("a.csv", "text,label\na,1 star\n", ["--bins", "0"], 2, "--bins"),
    ("a.csv", "text,label\na,1 star\n", ["--label-separator", ""], 2, "--label-separator: expected a text"),
    ("a.csv", "text,label\na,1 star\n", ["--function-to-apply", "none"], 4, "expected a model of two labels or more"),
])
def test_what_cannot_be_is_named(checkpoint, tmp_path, name, content, words, code, message):
    (tmp_path / name).write_text(content)
    result = run("evaluate", "--model", checkpoint, tmp_path / name, *words)
    assert (result.code, result.text) == (code, "")
    assert message in result.err


def test_what_is_not_there(checkpoint, tokenizer_only, model_only, tmp_path):
    assert run("evaluate", "--model", checkpoint, tmp_path / "a.csv").code == 3
    file = write_csv(tmp_path / "b.csv")
    assert run("evaluate", "--model", model_only, file).code == 3
    assert run("evaluate", "--model", checkpoint, file, "--output", tmp_path / "no" / "a.json").code == 2
    assert run("evaluate", "--model", checkpoint).code == 2
    result = run("evaluate", "--model", checkpoint, "-", stdin="text,label\n")
    assert result.code == 2 and "since it is read twice" in result.err


def test_a_file_that_changes_meanwhile_is_no_input(checkpoint, tmp_path):
    file = write_csv(tmp_path / "a.csv", GOLD * 100, TEXTS * 100)
    content = file.read_bytes()
    command = [FILBERT, "evaluate", "--model", checkpoint, file, *FAST]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()) as process:
        while process.poll() is None:  # another file takes its name, again and again: who reads one of them to its end sees no change in it
            (tmp_path / "b.csv").write_bytes(content)
            (tmp_path / "b.csv").replace(file)
        out, err = process.communicate()
    assert (process.returncode, out) == (2, "") and "was written to meanwhile" in err


@pytest.mark.parametrize("words", [["evaluate"], ["calibrate"], ["drift", "--reference", "FILE"], ["explain", "--input"]])
def test_a_row_without_an_end_is_named(checkpoint, tmp_path, words):
    file = tmp_path / "a.csv"
    with file.open("wb") as lines:  # a hole: it takes no place on the disk
        lines.write(b"text,label\ngood,1 star\n")
        lines.truncate(70 << 20)
        lines.seek(0, 2)
        lines.write(b",1 star\n")
    result = run(words[0], "--model", checkpoint, *[file if word == "FILE" else word for word in words[1:]], file)
    assert (result.code, result.text) == (2, "") and "line 3: expected a row of at most 67108864 bytes, found 734003" in result.err


def test_a_report_never_takes_the_place_of_its_file(checkpoint, tmp_path):
    file = write_csv(tmp_path / "a.csv")
    before = file.read_bytes()
    (tmp_path / "link.csv").symlink_to(file)
    for output in (file, tmp_path / "link.csv", tmp_path / "." / "a.csv"):
        result = run("evaluate", "--model", checkpoint, file, "--output", output)
        assert result.code == 2 and "--output: expected another file than" in result.err and file.read_bytes() == before


def test_a_model_of_one_label_is_refused(tmp_path):
    model = write_checkpoint(tmp_path / "model", labels=["spam"])
    result = run("evaluate", "--model", model, write_csv(tmp_path / "a.csv", ["spam"] * len(TEXTS)))
    assert result.code == 4 and "found one of 1 label whose scores are made by sigmoid" in result.err


def test_scores_that_are_no_numbers_are_an_error(tmp_path):
    model = write_checkpoint(tmp_path / "model", scale=1e30)
    result = run("evaluate", "--model", model, write_csv(tmp_path / "a.csv"))
    assert result.code == 5 and "row 1: expected scores that are numbers" in result.err
