"""filbert drift: two files of texts, what has changed between them, a reference without texts, and exit codes for scripts."""

import collections
import csv
import json
import pathlib
import random
import shutil
import unicodedata

import pytest

from filbert_command import ok, run
from tiny_checkpoint import LABELS, WORDS, write_checkpoint


def write_texts(path, seed, count=300, words=WORDS, longest=12, labels=None):
    source = random.Random(seed)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text"] + ["stars"] * bool(labels))
        for number in range(count):
            text = " ".join(source.choice(words) for _ in range(source.randint(1, longest)))
            writer.writerow([number, text] + ([source.choice(labels)] if labels else []))
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    directory = tmp_path_factory.mktemp("drift")
    return {"old": write_texts(directory / "old.csv", 1), "same": write_texts(directory / "same.csv", 2),
            "long": write_texts(directory / "long.csv", 3, longest=40),
            "russian": write_texts(directory / "russian.csv", 4, words=["очень", "good", "хорошо"]), "few": write_texts(directory / "few.csv", 5, count=8)}


def drift(checkpoint, *words):
    (report,) = ok("drift", "--model", checkpoint, "--format", "json", *words).rows
    return report


def measures(report):
    return {measure["measure"]: measure for measure in report["measures"]}


def test_texts_of_one_kind_do_not_drift_nor_do_few(checkpoint, files):
    for name in ["same", "few"]:
        report = drift(checkpoint, files[name], "--reference", files["old"])
        assert report["drift"] == "none"
        assert set(measures(report)) == {"characters", "tokens", "characters_per_token", "truncated", "unk_share", "script", "mixed_scripts", "invalid_utf8", "label", "score"}
        assert all(measure["drift"] == "none" and "reason" not in measure and measure["examples"] == [] for measure in report["measures"])
    assert "Too few texts" in report["notes"][0]


def test_longer_texts_drift_in_length(checkpoint, files):
    of = measures(drift(checkpoint, files["long"], "--reference", files["old"]))
    assert of["tokens"]["drift"] == "much" and of["tokens"]["psi"] > of["tokens"]["psi_by_chance"]
    assert of["tokens"]["median"] > of["tokens"]["reference_median"]
    assert of["script"]["drift"] == "none"
    assert sum(bin["texts"] for bin in of["tokens"]["bins"]) == 300
    assert of["tokens"]["psi"] == pytest.approx(sum(bin["psi"] for bin in of["tokens"]["bins"]))
    longest = [row["text"] for row in csv.DictReader(open(files["long"], encoding="utf-8"))]
    assert of["tokens"]["examples"] and all(example["text"].rstrip("…") in " ".join(longest) for example in of["tokens"]["examples"])


def test_another_script_and_unknown_words_are_named_with_texts(checkpoint, files):
    report = drift(checkpoint, files["russian"], "--reference", files["old"])
    of = measures(report)
    assert report["drift"] == of["script"]["drift"] == of["unk_share"]["drift"] == of["mixed_scripts"]["drift"] == "much"
    assert of["script"]["reason"].startswith("script: Cyrillic 0.0 % → ")
    assert len(of["script"]["examples"]) == 3 and all(set(example["text"]) & set("оченьхш") for example in of["script"]["examples"])


def test_a_stored_reference_gives_the_same_and_holds_no_text(checkpoint, files, tmp_path):
    stored = tmp_path / "old.json"
    note = run("drift", files["old"], "--model", checkpoint, "--save-reference", stored)
    assert note.code == 0 and note.out == b"" and "300 texts, without a text" in note.err
    assert "love" not in stored.read_text() and len(stored.read_text()) < 20_000
    expected, found = (drift(checkpoint, files["long"], "--reference", reference) for reference in (files["old"], stored))
    for report in (expected, found):
        report.pop("command"), report["reference"].pop("input")
    assert found == expected
    both = run("drift", files["long"], "--model", checkpoint, "--reference", stored, "--save-reference", tmp_path / "long.json")
    assert both.code == 0 and (tmp_path / "long.json").exists() and b"Much drift" in both.out


def test_the_same_seed_gives_the_same_and_threads_change_nothing(checkpoint, files):
    words = [files["long"], "--reference", files["old"], "--seed", "3"]
    one, other = drift(checkpoint, *words, "--threads", "1"), drift(checkpoint, *words, "--threads", "2")
    one.pop("command"), other.pop("command")
    assert one == other
    assert measures(one)["tokens"]["psi_by_chance"] != measures(drift(checkpoint, *words[:-1], "4"))["tokens"]["psi_by_chance"]


def test_gold_labels_are_compared_where_both_have_them(checkpoint, tmp_path, files):
    old = write_texts(tmp_path / "a.csv", 1, labels=["good", "bad"])
    new = write_texts(tmp_path / "b.csv", 2, labels=["bad", "bad", "bad", "good"])
    gold = measures(drift(checkpoint, new, "--reference", old, "--label-column", "stars"))["gold"]
    assert {bin["bin"]: bin["reference_texts"] > 120 for bin in gold["bins"]} == {"good": True, "bad": True}
    assert gold["test"] == "chi_square" and gold["p_value"] < 1e-6 and gold["drift"] == "much"
    report = run("drift", files["same"], "--reference", old, "--model", checkpoint, "--label-column", "stars")
    assert report.code == 2 and "expected a column \"stars\"" in report.err


def test_lines_fit_80_columns(checkpoint, files):
    text = ok("drift", files["russian"], "--reference", files["old"], "--model", checkpoint).text
    assert text.startswith("Much drift: 300 texts in ")
    assert all(sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line) <= 80 or "/" in line for line in text.split("\n")), text
    for part in ["much: script: Cyrillic", "by chance", "Letters of the reference: Latin 100.0 %", "New in script, Cyrillic:"]:
        assert part in text, text


def test_a_script_is_told_by_the_exit_code(checkpoint, files):
    words = ["--reference", files["old"], "--model", checkpoint, "--fail-above", "0.2"]
    assert run("drift", files["same"], *words).code == 0
    assert run("drift", files["few"], *words).code == 0
    result = run("drift", files["long"], *words)
    assert result.code == 8 and result.out.startswith(b"Much drift") and "--fail-above: expected a PSI of at most 0.2, found" in result.err
    assert run("drift", files["long"], "--reference", files["old"], "--model", checkpoint, "--fail-above", "900").code == 0


def test_the_page_goes_where_it_should(checkpoint, files, tmp_path):
    page = tmp_path / "drift.html"
    assert ok("drift", files["russian"], "--reference", files["old"], "--model", checkpoint, "--output", page).out == b""
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>") and "<h1>Much drift</h1>" in text and "<script" not in text
    assert "хорошо" in text


def test_labels_and_scores_are_those_of_the_decision(checkpoint, files, tmp_path):
    model = pathlib.Path(shutil.copytree(checkpoint, tmp_path / "decided"))
    gold = write_texts(tmp_path / "gold.csv", 6, labels=LABELS)
    words = ["--merge", "bad=1 star,2 stars", "--rename", "5 stars=best"]
    assert run("calibrate", "--model", model, gold, "--label-column", "stars", *words).code == 0
    decided, bare = (drift(model, files["same"], "--reference", files["old"], *words) for words in ([], ["--no-decision"]))
    rows = [row["text"] for row in csv.DictReader(open(files["same"], encoding="utf-8"))]
    lines = "".join(json.dumps({"text": text}) + "\n" for text in rows)
    answers = ok("classify", "--model", model, "--input-format", "jsonl", "--format", "json", stdin=lines).rows
    said = {bin["bin"]: bin["texts"] for bin in measures(decided)["label"]["bins"] if bin["texts"]}
    assert said == collections.Counter(answer["label"] for answer in answers) and set(said) <= {"bad", "3 stars", "4 stars", "best"}
    assert measures(decided)["score"]["mean"] == pytest.approx(sum(answer["score"] for answer in answers) / len(answers), abs=1e-4)  # four decimals
    assert measures(bare) == measures(drift(checkpoint, files["same"], "--reference", files["old"]))
    assert len(decided["current"]["decision_sha256"]) == 64 and "decision_sha256" not in bare["current"]
    stored = tmp_path / "old.json"
    assert run("drift", files["old"], "--model", model, "--save-reference", stored).code == 0
    assert measures(drift(model, files["same"], "--reference", stored)) == measures(decided)
    for words in (["--no-decision"], ["--decision", tmp_path / "else.json"]):
        (tmp_path / "else.json").write_text((model / "filbert_decision.json").read_text().replace('"best"', '"finest"'))
        result = run("drift", files["same"], "--reference", stored, "--model", model, *words)
        assert result.code == 2 and "old.json: decision: expected" in result.err, result
    assert run("drift", files["same"], "--reference", stored, "--model", model, "--decision", tmp_path / "none.json").code == 3


def test_what_cannot_be_is_refused(checkpoint, files, tmp_path):
    other = write_checkpoint(tmp_path / "other", seed=8)
    stored, empty, no_summary = tmp_path / "old.json", tmp_path / "empty.csv", tmp_path / "wrong.json"
    assert run("drift", files["old"], "--model", checkpoint, "--save-reference", stored).code == 0
    empty.write_text("text\n")
    no_summary.write_text("{}")
    for code, words, says in [
            (2, [files["old"]], "--reference FILE"), (2, [files["same"], "--reference", no_summary], "filbert_drift"),
            (3, [files["same"], "--reference", tmp_path / "none.json"], "none.json"), (3, [files["same"], "--reference", tmp_path / "none.csv"], "none.csv"),
            (2, [empty, "--reference", stored], "expected texts, found none"), (2, [files["same"], "--reference", empty], "expected texts, found none"),
            (2, [files["same"], "--reference", stored, "--max-length", "9"], "max_length"), (2, [files["same"], "--reference", stored, "--text-column", "txt"], "txt"),
            (2, [files["same"], "--save-reference", tmp_path / "a.txt"], ".json"), (2, [files["same"], "--save-reference", stored, "--fail-above", "1"], "--fail-above"),
            (2, [files["same"], "--reference", stored, "--output", stored], "another file"),
            (2, [files["same"], "--reference", stored, "--save-reference", stored], "another file"),
            (2, [files["same"], "--reference", stored, "--output", files["same"]], "another file")]:
        result = run("drift", *words, "--model", checkpoint)
        assert result.code == code and says in result.err, (words, result)
    result = run("drift", files["same"], "--reference", stored, "--model", other)
    assert result.code == 2 and "weights" in result.err
    assert json.loads(stored.read_text())["texts"] == 300
