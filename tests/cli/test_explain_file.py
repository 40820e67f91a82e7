"""filbert explain --input: tables and objects, what is refused, a run that goes on, and the page."""

import json
import os
import pathlib
import re
import signal
import subprocess
import time

import pytest

from filbert_command import FILBERT, environment, ok, open_terminal, run
from tiny_checkpoint import LABELS, write_checkpoint

TEXTS = ["I really love this book", "not good, not bad", "the film was bad", "", "love, love\nlove \"it\"", "a very good film"]


def write_csv(path, texts=TEXTS, label=None, end="\r\n", begin=""):
    quoted = lambda field: '"' + field.replace('"', '""') + '"'  # noqa: E731
    lines = ["id,text,label"] + [f"{number},{quoted(text)},{label or LABELS[number % 5]}" for number, text in enumerate(texts)]
    path.write_bytes((begin + "".join(line + end for line in lines)).encode())
    return path


def report_of(checkpoint, file, *words):
    (report,) = ok("explain", "--model", checkpoint, "--input", file, "--format", "json", *words).rows
    return report


def without_names(report):
    return {key: value for key, value in report.items() if key not in ("input", "input_sha256", "command")}


def test_the_same_texts_in_any_form_give_the_same_report(checkpoint, tmp_path):
    expected = without_names(report_of(checkpoint, write_csv(tmp_path / "a.csv"), "--label-column", "label"))
    assert expected["texts"] == len(TEXTS)
    assert expected["empty"] == 1
    assert sum(label["texts"] for label in expected["labels"]) == len(TEXTS)
    marked = write_csv(tmp_path / "b.CSV", end="\n", begin="\ufeff")
    assert without_names(report_of(checkpoint, marked, "--label-column", "label")) == expected
    semicolons = tmp_path / "c.csv"
    rows = [f'{LABELS[number % 5]};"{text}"'.replace('"it"', '""it""') for number, text in enumerate(TEXTS)]
    semicolons.write_text("stars;body\n" + "\n\n".join(rows))
    words = ["--delimiter", ";", "--text-column", "body", "--label-column", "stars"]
    assert without_names(report_of(checkpoint, semicolons, *words)) == expected
    objects = tmp_path / "d.jsonl"
    objects.write_text("".join(json.dumps({"text": text, "label": LABELS[number % 5]}) + "\n" for number, text in enumerate(TEXTS)))
    assert without_names(report_of(checkpoint, objects, "--label-column", "label")) == expected


def test_pairs_come_from_tables_and_objects(checkpoint, tmp_path):
    pairs = [("good book", "a good film"), ("I love it", ""), ("not bad", "the film was bad")]
    table, objects, single = tmp_path / "a.csv", tmp_path / "a.jsonl", tmp_path / "b.csv"
    table.write_text("text,other\n" + "".join(f"{text},{pair}\n" for text, pair in pairs))
    objects.write_text("".join(json.dumps({"text": text, "other": pair}) + "\n" for text, pair in pairs))
    report = report_of(checkpoint, table, "--text-pair-column", "other")
    assert without_names(report_of(checkpoint, objects, "--text-pair-column", "other")) == without_names(report)
    assert {(text["text"], text["text_pair"]) for text in report["representatives"]} == set(pairs)
    shown = next(text for text in report["representatives"] if text["text"] == "good book")
    assert (shown["words"][0]["places"], shown["words"][0]["pair_places"]) == ([[0, 4]], [[2, 6]])
    (answer,) = ok("classify", "--model", checkpoint, "--format", "json", "--text-pair", "a good film", "good book").rows
    assert (shown["label"], shown["score"]) == (answer["label"], answer["score"])
    single.write_text("text\n" + "".join(f"{text}\n" for text, _ in pairs))
    assert "text_pair" not in report_of(checkpoint, single)["representatives"][0]


def test_a_run_over_pairs_goes_on_with_the_same_column_alone(checkpoint, tmp_path):
    file, report = tmp_path / "a.csv", tmp_path / "report.json"
    file.write_text("text,other\n" + "good,bad film\n" * 40 + "1\n")
    words = ["--text-pair-column", "other", "--threads", "1"]
    assert run(*command(checkpoint, file, report)[:-2], *words).code == 2
    assert "text_pair_column: expected" in run(*command(checkpoint, file, report, "--resume")).err
    assert "line 42: expected 2 fields" in run(*command(checkpoint, file, report, "--resume")[:-3], *words, "--resume").err


def test_a_tsv_has_no_quotes(checkpoint, tmp_path):
    file = tmp_path / "a.tsv"
    file.write_text('text\tstars\n"good" film\t1\n"not\t2\n')
    report = report_of(checkpoint, file)
    assert sorted(text["text"] for text in report["representatives"]) == ['"good" film', '"not']


def test_what_the_label_should_be_is_counted(checkpoint, tmp_path):
    gold = report_of(checkpoint, write_csv(tmp_path / "a.csv"), "--label-column", "label")["gold"]
    assert gold["texts"] == len(TEXTS)
    assert gold["correct"] == sum(entry["texts"] for entry in gold["confusions"] if entry["gold"] == entry["predicted"])
    assert sum(entry["texts"] for entry in gold["confusions"]) == len(TEXTS)
    gold = report_of(checkpoint, write_csv(tmp_path / "b.csv", label="5"), "--label-column", "label")["gold"]
    assert (gold["texts"], gold["accuracy"], gold["unknown"], gold["unknown_labels"]) == (0, None, len(TEXTS), ["5"])


def test_ill_formed_utf8_is_replaced_and_counted(checkpoint, tmp_path):
    (tmp_path / "a.csv").write_bytes(b"text\ngood \xff\nbad\n")
    assert report_of(checkpoint, tmp_path / "a.csv")["invalid_utf8"] == 1
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "good \xff"}\n')
    assert report_of(checkpoint, tmp_path / "a.jsonl")["invalid_utf8"] == 1


@pytest.mark.parametrize("name, content, words, code, message", [
    ("a.csv", "id,body\n1,a\n", [], 2, 'a.csv: line 1: expected a column "text" (--text-column), found id, body'),
    ("a.csv", "text\na\n", ["--label-column", "stars"], 2, 'expected a column "stars" (--label-column), found text'),
    ("a.csv", "text,text\na,b\n", [], 2, 'line 1: expected one column "text", found two'),
    ("a.csv", "id,text\n1,a\n2,b,c\n", [], 2, "line 3: expected 2 fields as in the header, found 3"),
    ("a.csv", 'id,text\n1,"two\nlines"\n2\n', [], 2, "line 4: expected 2 fields as in the header, found 1"),
    ("a.csv", 'text\n"a\n', [], 2, "line 2: expected a second quote"),
    ("a.csv", "", [], 2, "line 1: expected a header, found nothing"),
    ("a.jsonl", '{"body": "a"}\n', [], 2, 'line 1: expected a field "text" (--text-column), found body'),
    ("a.jsonl", '{"text": 1}\n', [], 2, "line 1"),
    ("a.csv", "text\na\n", ["--text-pair-column", "b"], 2, 'expected a column "b" (--text-pair-column), found text'),
    ("a.jsonl", '{"text": "a"}\n', ["--text-pair-column", "b"], 2, 'line 1: expected a field "b" (--text-pair-column), found text'),
    ("a.jsonl", '{"text": "a \\ud83d"}\n', [], 2, "line 1: expected JSON, found the lone surrogate \\ud83d in a string"),
    ("a.jsonl", '{"text": "a"}\n{"text": "\\ude00 b"}\n', [], 2, "line 2: expected JSON, found the lone surrogate \\ude00 in a string"),
    ("a.jsonl", "{\n", [], 2, "line 1"),
    ("a.parquet", "a\n", [], 2, "expected a file that ends in .csv, .tsv, .jsonl or .txt"),
    ("a.csv", "text\na\n", ["--delimiter", "ab"], 2, "--delimiter: expected one byte"),
    ("a.csv", "text\na\n", ["--resume"], 2, "--resume: expected --report"),
    ("a.csv", "text\na\n", ["--budget-ms", "10"], 2, "--budget-ms: expected none beside --input"),
    ("a.csv", "text\na\n", ["--method", "shap,lime"], 2, "--method: expected one beside --input"),
    ("a.csv", "text\na\n", ["--label", LABELS[0]], 2, "label: expected none"),
    ("a.csv", "text\na\n", ["--compat", "lime"], 2, "compat"),
    ("a.csv", "text\na\n", ["--target", "1 star-2 stars"], 2, "--target"),
    ("a.csv", "text\na\n", ["--threshold", "0.5"], 2, "threshold: expected none"),
    ("a.csv", "text\na\n", ["a text"], 2, "--input: expected no TEXT"),
])
def test_what_cannot_be_is_named(checkpoint, tmp_path, name, content, words, code, message):
    (tmp_path / name).write_text(content)
    result = run("explain", "--model", checkpoint, "--input", tmp_path / name, *words)
    assert (result.code, result.text) == (code, "")
    assert message in result.err


@pytest.mark.parametrize("flag", ["--report", "--output"])
def test_a_report_never_takes_the_place_of_its_file(checkpoint, tmp_path, flag):
    file = tmp_path / "a.csv"
    file.write_text("text\ngood book\n")
    result = run("explain", "--model", checkpoint, "--input", file, flag, file)
    assert result.code == 2 and "expected another file than" in result.err
    assert file.read_text() == "text\ngood book\n" and list(tmp_path.iterdir()) == [file]


def test_a_file_that_is_not_there(checkpoint, tmp_path):
    assert run("explain", "--model", checkpoint, "--input", tmp_path / "a.csv").code == 3
    (tmp_path / "d.csv").mkdir()
    assert run("explain", "--model", checkpoint, "--input", tmp_path / "d.csv").code == 2
    result = run("explain", "--model", checkpoint, "--report", "a.html", "good")
    assert result.code == 2
    assert "--report: expected --input beside it" in result.err


def many(tmp_path, count=3000):
    words = ["good", "bad", "film", "book", "love", "hate", "not", "very", "really", "the"]
    return write_csv(tmp_path / "many.csv", [" ".join(words[(number * step) % 10] for step in (1, 3, 7, 9)) + f" {number}" for number in range(count)])


def command(checkpoint, file, report, *words):
    return ["explain", "--model", checkpoint, "--input", file, "--report", report, "--threads", "2", *words]


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_was_ended_goes_on(checkpoint, tmp_path, end):
    file, whole, report = many(tmp_path), tmp_path / "whole.json", tmp_path / "report.json"
    partial = pathlib.Path(f"{report}.partial.jsonl")
    ok(*command(checkpoint, file, whole))
    process = subprocess.Popen([FILBERT, *map(os.fspath, command(checkpoint, file, report))], env=environment(), stderr=subprocess.PIPE)
    while not partial.exists() or partial.read_bytes().count(b"\n") < 60:
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(end)
    message = process.communicate()[1].decode()
    assert process.returncode == -end
    assert ("--resume goes on" in message) == (end == signal.SIGINT)
    assert not report.exists()
    before = partial.read_bytes()
    refused = run(*command(checkpoint, file, report))
    assert refused.code == 2
    assert "--resume" in refused.err
    assert partial.read_bytes() == before
    partial.write_bytes(before + b'{"row": 99, "label": "1 s')  # as a crash of the machine leaves it
    ok(*command(checkpoint, file, report, "--resume"))
    assert not partial.exists()
    results = [json.loads(path.read_text()) for path in (whole, report)]
    assert [result.pop("command") != "" for result in results] == [True, True]
    assert results[0] == results[1]


def test_another_run_is_not_gone_on_with(checkpoint, tmp_path):
    file, report = write_csv(tmp_path / "a.csv"), tmp_path / "report.json"
    partial = pathlib.Path(f"{report}.partial.jsonl")
    bad = write_csv(tmp_path / "bad.csv", TEXTS * 20)
    bad.write_bytes(bad.read_bytes() + b"1\r\n")  # a row that ends the run when all others are explained
    assert run(*command(checkpoint, bad, report)).code == 2
    assert partial.exists()
    for words, model, name in [(["--seed", "1"], checkpoint, "seed"), (["--method", "shap"], checkpoint, "method"),
                               ([], write_checkpoint(tmp_path / "other", seed=8), "model_sha256")]:
        result = run(*command(model, bad, report, "--resume", *words))
        assert result.code == 2
        assert f"{name}: expected" in result.err
    assert "input_sha256: expected" in run(*command(checkpoint, file, report, "--resume")).err
    lines = partial.read_text().splitlines(keepends=True)
    partial.write_text(lines[0] + lines[1].replace('"row": 1', '"row": 2') + "".join(lines[2:]))
    assert run(*command(checkpoint, bad, report, "--resume")).code == 5
    partial.write_text("something else\n")
    assert run(*command(checkpoint, bad, report, "--resume")).code == 5
    assert partial.read_text() == "something else\n"


def test_to_go_on_with_nothing_is_to_begin(checkpoint, tmp_path):
    report = tmp_path / "report.json"
    ok(*command(checkpoint, write_csv(tmp_path / "a.csv"), report, "--resume"))
    assert json.loads(report.read_text())["texts"] == len(TEXTS)


def test_only_the_first_texts(checkpoint, tmp_path):
    assert report_of(checkpoint, write_csv(tmp_path / "a.csv"), "--max-texts", "2")["texts"] == 2


def test_progress_is_for_a_terminal(checkpoint, tmp_path):
    file = many(tmp_path, 200)
    assert ok(*command(checkpoint, file, tmp_path / "a.json")).text == ""
    ours, theirs = open_terminal()
    process = subprocess.Popen([FILBERT, *map(os.fspath, command(checkpoint, file, tmp_path / "b.json"))], env=environment(), stderr=theirs)
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    assert process.wait() == 0
    assert re.search(rb"explaining: +\d+ %, \d+ texts", shown)
    assert shown.endswith(b"\r\x1b[K")


def test_in_a_terminal_labels_have_their_words(checkpoint, tmp_path):
    text = ok("explain", "--model", checkpoint, "--input", many(tmp_path, 60)).text
    assert "many.csv: 60 texts" in text
    assert any(label + ":" in text for label in LABELS)


def test_the_page_is_only_text(tmp_path):
    hostile = "</script><img src=x onerror=alert(1)>\u202e"
    checkpoint = write_checkpoint(tmp_path / "model", labels=[hostile, "<b>"])
    file = tmp_path / "a.csv"
    file.write_text("text," + '"' + hostile + '"' + "\n" + "".join(f'"{hostile} good {number}",{hostile}\n' for number in range(20)))
    report = tmp_path / "report.html"
    ok(*command(checkpoint, file, report, "--label-column", hostile))
    page = report.read_text()
    assert page.startswith("<!DOCTYPE html>")
    for never in ["<img", "<script", "</script", "<b>", "\u202e", " style="]:
        assert never not in page
    assert "default-src 'none'" in page
