"""filbert evaluate of a token classifier: what is read of files, figures against what the report itself shows, two models, what is refused, and the forms."""

import gzip
import json
import pathlib
import re
import shutil

import pytest

from filbert_command import ok, run
from tiny_checkpoint import write_checkpoint

FAMILIES = pathlib.Path(__file__).parents[1] / "data" / "families"
LABELS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
WORDS = ["i", "really", "love", "the", "book", "bad", "film", "x", "9", ".", "not", "very", "good", "hate", "was"]
FAST = ["--bootstrap", "50"]


def sentences(count=40):
    """Words and their labels in IOB2, made up."""
    out = []
    for number in range(count):
        words = [WORDS[(number * step + step * step) % len(WORDS)] for step in range(1, 3 + number % 6)]
        labels, kinds = [], ["PER", "LOC"]
        for place in range(len(words)):
            roll = (number * 5 + place * 3) % 7
            before = labels[-1] if labels else "O"
            labels.append("O" if roll < 3 else f"B-{kinds[roll % 2]}" if roll < 6 or before == "O" else "I" + before[1:])
        out.append((words, labels))
    return out


def iob1(labels):
    out = []
    for place, label in enumerate(labels):
        before = labels[place - 1] if place else "O"
        out.append(label if label == "O" or (label[0] == "B" and before[1:] == label[1:]) else "I" + label[1:])
    return out


def bilou(labels):
    out = []
    for place, label in enumerate(labels):
        goes_on = place + 1 < len(labels) and labels[place + 1] == "I" + label[1:]
        out.append(label if label == "O" or goes_on else ("L" if label[0] == "I" else "U") + label[1:])
    return out


def write_conll(path, texts, separator="\t", head=""):
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wt", encoding="utf-8") as file:
        file.write(head)
        for words, labels in texts:
            file.write("".join(f"{word}{separator}{label}\n" for word, label in zip(words, labels)) + "\n")
    return path


def write_objects(path, objects):
    path.write_text("".join(json.dumps(each) + "\n" for each in objects))
    return path


@pytest.fixture(scope="module")
def ner(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("ner"), seed=13, scale=0.6, labels=LABELS, architectures=["BertForTokenClassification"])  # says every label often


def report_of(model, file, *words):
    (report,) = ok("evaluate", file, "--model", model, "--format", "json", *FAST, *words).rows
    return report


def figures_of(report):
    """What does not depend on how the file was written."""
    return {key: report[key] for key in ("texts", "gold", "predicted", "right", "measures", "types", "outcomes", "confusion")}


def spans(entities):
    return {(each["label"], each["start"], each["end"]) for each in entities}


def test_the_figures_are_those_of_the_texts(ner, tmp_path):
    texts = sentences()
    report = report_of(ner, write_conll(tmp_path / "a.conll", texts), "--worst", "1000")
    assert (report["kind"], report["texts"], report["words"]) == ("entities", len(texts), sum(len(words) for words, _ in texts))
    assert report["gold"] == sum(label.startswith("B-") for _, labels in texts for label in labels)
    assert len(report["worst"]) > 10 and [each["loss"] for each in report["worst"]] == sorted((each["loss"] for each in report["worst"]), reverse=True)
    right = [spans(each["gold"]) & spans(each["predicted"]) for each in report["worst"]]
    wrong_gold = sum(len(spans(each["gold"])) for each in report["worst"]) - sum(map(len, right))
    wrong_predicted = sum(len(spans(each["predicted"])) for each in report["worst"]) - sum(map(len, right))
    assert (report["gold"] - report["right"], report["predicted"] - report["right"]) == (wrong_gold, wrong_predicted)
    value = {name: measure["value"] for name, measure in report["measures"].items()}
    precision, recall = report["right"] / report["predicted"], report["right"] / report["gold"]
    assert value["micro_precision"] == pytest.approx(precision) and value["micro_recall"] == pytest.approx(recall)
    assert value["micro_f1"] == pytest.approx(2 * precision * recall / (precision + recall))
    assert value["overlap_f1"] >= value["micro_f1"] and value["boundary_f1"] >= value["micro_f1"]
    assert value["exact_match"] == pytest.approx(1 - len(report["worst"]) / len(texts))
    assert 0 < value["accuracy"] < 1
    assert sum(report["outcomes"].values()) == sum(map(sum, report["confusion"]))
    assert report["outcomes"]["right"] == report["right"]
    for each in report["worst"]:
        assert " ".join(texts[each["row"] - 1][0]) == each["text"]


@pytest.mark.parametrize("strategy", ["simple", "first", "average", "max"])
def test_what_the_model_says_is_right_where_the_file_says_it_too(ner, tmp_path, strategy):
    texts = [" ".join(words) for words, _ in sentences()]
    file = write_objects(tmp_path / "a.jsonl", [{"text": text, "entities": [{"start": 0, "end": 1, "label": "PER"}]} for text in texts])
    said = {each["row"]: each["predicted"] for each in report_of(ner, file, "--worst", "1000", "--aggregation-strategy", strategy)["worst"]}
    assert sum(map(len, said.values())) > 20
    again = [{"text": text, "entities": [{key: each[key] for key in ("start", "end", "label")} for each in said.get(row, [{"start": 0, "end": 1, "label": "PER"}])]}
             for row, text in enumerate(texts, 1)]
    report = report_of(ner, write_objects(tmp_path / "b.jsonl", again), "--aggregation-strategy", strategy)
    assert report["right"] == report["gold"] == report["predicted"] > 0
    assert report["measures"]["micro_f1"]["value"] == report["measures"]["exact_match"]["value"] == 1
    assert "accuracy" not in report["measures"] and "words" not in report


def test_every_way_to_write_it_gives_the_same(ner, tmp_path):
    texts = sentences()
    expected = figures_of(report_of(ner, write_conll(tmp_path / "a.conll", texts)))
    head = "# global.columns = a b c\n\n-DOCSTART- -X- O\n\n# sent_id = 1\n"
    files = [write_conll(tmp_path / "spaces.bio", texts, " "), write_conll(tmp_path / "packed.conll.gz", texts), write_conll(tmp_path / "head.conll", texts, head=head),
             write_conll(tmp_path / "iob1.txt", [(words, iob1(labels)) for words, labels in texts]),
             write_conll(tmp_path / "bilou.iob", [(words, bilou(labels)) for words, labels in texts]),
             write_objects(tmp_path / "names.jsonl", [{"id": 1, "tokens": words, "tags": labels} for words, labels in texts]),
             write_objects(tmp_path / "ids.jsonl", [{"tokens": words, "ner_tags": [LABELS.index(label) for label in labels]} for words, labels in texts])]
    for file in files:
        assert figures_of(report_of(ner, file)) == expected, file
    columns = write_conll(tmp_path / "four.conll", [([f"1\t{word}" for word in words], [f"{label}\tX" for label in labels]) for words, labels in texts])
    assert figures_of(report_of(ner, columns, "--text-column", "2", "--label-column", "3")) == expected
    named = write_objects(tmp_path / "named.jsonl", [{"body": words, "gold": labels} for words, labels in texts])
    assert figures_of(report_of(ner, named, "--text-column", "body", "--label-column", "gold")) == expected


def test_a_hash_may_be_a_word(ner, tmp_path):
    report = report_of(ner, write_conll(tmp_path / "a.conll", [(["#", "love"], ["O", "B-PER"]), (["#9", "x"], ["B-LOC", "O"])], head="# one\n"))
    assert (report["texts"], report["words"], report["gold"]) == (2, 4, 2)


def test_types_with_other_names_and_types_left_out(ner, tmp_path):
    texts = sentences()
    expected = figures_of(report_of(ner, write_conll(tmp_path / "a.conll", texts)))
    named = [(words, [label.replace("PER", "person") for label in labels]) for words, labels in texts]
    file = write_conll(tmp_path / "b.conll", named)
    bare = report_of(ner, file)
    assert bare["never_said"] == {"person": sum(label == "B-person" for _, labels in named for label in labels)} and bare["never_gold"] == ["PER"]
    assert "note: the model never says person" in ok("evaluate", file, "--model", ner, *FAST).text
    mapped = report_of(ner, file, "--label-map", "person=PER")
    assert figures_of(mapped) == expected and mapped["gold_names"] == {"person": "PER"} and not mapped["never_said"]
    without = report_of(ner, tmp_path / "a.conll", "--ignore-labels", "PER")
    assert [each["type"] for each in without["types"]] == ["LOC"] and without["options"]["ignore_labels"] == ["PER"]
    dropped = report_of(ner, tmp_path / "a.conll", "--label-map", "PER=O")
    assert dropped["gold"] == without["gold"] and dropped["predicted"] == expected["predicted"]


def test_strictly_by_a_scheme(ner, tmp_path):
    texts = [(["i", "love", "x"], ["I-PER", "O", "B-LOC"])]
    file = write_conll(tmp_path / "a.conll", texts)
    assert report_of(ner, file)["gold"] == 2
    strict = report_of(ner, file, "--scheme", "iob2")
    assert strict["gold"] == 1 and strict["options"]["scheme"] == "iob2" and strict["options"]["model_scheme"] == "iob2, strictly"
    loose = report_of(ner, write_conll(tmp_path / "b.conll", sentences()))
    assert report_of(ner, tmp_path / "b.conll", "--scheme", "iob2")["predicted"] <= loose["predicted"]
    result = run("evaluate", file, "--model", ner, "--scheme", "ioe2")
    assert result.code == 2 and 'line 1: labels: expected those of ioe2, found "B-LOC"' in result.err


def test_long_texts_are_read_in_windows_unless_they_are_to_be_cut(ner, tmp_path):
    long = (["love", "x", "9"] * 60, (["B-PER", "O", "O"]) * 60)
    file = write_conll(tmp_path / "a.conll", [long, *sentences(5)])
    report = report_of(ner, file)
    assert (report["truncated"], report["windowed"]) == (0, 1)
    cut = report_of(ner, file, "--long", "truncate")
    assert (cut["truncated"], cut["windowed"]) == (1, 0) and cut["predicted"] < report["predicted"]
    assert "1 text is too long for the model, which read it in windows" in " ".join(ok("evaluate", file, "--model", ner, *FAST).text.split())
    result = run("evaluate", file, "--model", ner, "--long", "truncate", "--stride", "4")
    assert result.code == 2 and "--stride: expected --long windows" in result.err


def test_slices(ner, tmp_path):
    texts = sentences()
    file, train = write_conll(tmp_path / "a.conll", texts), write_conll(tmp_path / "train.conll", texts[:3])
    report = report_of(ner, file, "--train", train)
    of = lambda by: [each for each in report["slices"] if each["by"] == by]  # noqa: E731
    assert sum(each["texts"] for each in of("tokens")) == len(texts)
    assert sum(each["gold"] for each in of("tokens")) == sum(each["gold"] for each in of("entity")) == sum(each["gold"] for each in of(str(train))) == report["gold"]
    assert [each["value"] for each in of(str(train))] == ["in it", "not in it"]
    known = {(label[2:], word) for words, labels in texts[:3] for word, label in zip(words, labels) if label[0] == "B"}
    assert 0 < of(str(train))[0]["gold"] < report["gold"] and known


def test_two_models_side_by_side(ner, tmp_path):
    file = write_conll(tmp_path / "a.conll", sentences())
    other = write_checkpoint(tmp_path / "other", seed=4, scale=0.6, labels=["O", "B-person", "I-person", "B-LOC", "I-LOC"], architectures=["BertForTokenClassification"])
    report = report_of(ner, file, "--against", other, "--label-map", "person=PER")
    both = report["comparison"]
    assert both["both_found"] + both["only_first"] + both["only_second"] + both["neither"] == report["gold"]
    assert both["both_found"] + both["only_first"] == report["right"] and both["both_found"] + both["only_second"] == report["against"]["right"]
    change = report["against"]["measures"]["micro_f1"]["value"] - report["measures"]["micro_f1"]["value"]
    assert both["differences"]["micro_f1"]["value"] == pytest.approx(change, abs=1e-12)
    assert 0 <= both["bootstrap_p"] <= 1
    same = report_of(ner, file, "--against-dtype", "f32")["comparison"]
    assert same["same_prediction"] == 40 and same["bootstrap_p"] == 1


def test_the_same_seed_gives_the_same_report_with_any_threads(ner, tmp_path):
    file = write_conll(tmp_path / "a.conll", sentences())
    clean = lambda report: {key: value for key, value in report.items() if key not in ("command", "options")}  # noqa: E731
    assert clean(report_of(ner, file, "--threads", "1")) == clean(report_of(ner, file, "--threads", "2"))


def test_the_text_fits_a_terminal_and_the_page_is_whole(ner, tmp_path):
    texts = [([*words, "<script>alert(1)</script>"], [*labels, "B-a_type_of_a_name_that_is_rather_long"]) for words, labels in sentences()]
    file = write_conll(tmp_path / "a.conll", texts)
    for words in [[], ["--against-dtype", "int8"], ["--decoding", "viterbi", "--aggregation-strategy", "max"]]:
        text = ok("evaluate", file, "--model", ner, *FAST, *words).text
        assert [line for line in text.split("\n") if len(line) > 80 and str(tmp_path) not in line] == []
        assert "micro F1" in text and "Worst mistakes" in text and "What becomes of them" in text
    page = tmp_path / "report.html"
    assert ok("evaluate", file, "--model", ner, "--output", page, *FAST).text == ""
    html = page.read_text()
    assert html.startswith("<!DOCTYPE html>") and html.endswith("</html>\n") and "http" not in re.sub("http-equiv", "", html)
    assert "<script" not in html and "&lt;script&gt;" in html and "<mark" in html


@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta", "deberta-v2", "distilbert"])
def test_families_and_labels_without_letters(tmp_path, family):
    model = tmp_path / "model"
    shutil.copytree(FAMILIES / family / "token-v4", model)
    texts = [(words, ["LABEL_1" if label.endswith("PER") else "O" for label in labels]) for words, labels in sentences(10)]
    report = report_of(model, write_conll(tmp_path / "a.conll", texts), "--worst", "100")
    assert report["options"]["scheme"] == "io"
    assert report["gold"] == sum(label != "O" and (place == 0 or labels[place - 1] == "O") for _, labels in texts for place, label in enumerate(labels))
    for each in report["worst"]:
        starts = {at for at, letter in enumerate(" " + each["text"]) if letter == " "}
        assert all(entity["start"] in starts for entity in each["predicted"])  # words are whole


@pytest.mark.parametrize("name, content, words, code, message", [
    ("a.conll", "", [], 2, "expected a text with labels, found none"),
    ("a.conll", "word\n", [], 2, "line 1: expected a word and its label, 2 columns, found 1"),
    ("a.conll", "a\tO\nb\n", [], 2, "line 2: expected 2 columns as in line 1, found 1"),
    ("a.conll", "a\tO\n", ["--label-column", "tag"], 2, '--label-column: expected the number of a column, from 1, found "tag"'),
    ("a.conll", "a\tO\n", ["--label-column", "3"], 2, "expected a word and its label, 3 columns, found 2"),
    ("a.csv", "text,label\na,b\n", [], 2, "since the model is a token classifier"),
    ("a.jsonl", '{"tokens": ["a"], "tags": ["O", "O"]}\n', [], 2, "expected 1 labels, as there are words, found 2"),
    ("a.jsonl", '{"tokens": ["a"], "tags": [9]}\n', [], 2, "expected a label, or an id of the model's, below 5, found 9"),
    ("a.jsonl", '{"tokens": ["a"]}\n', [], 2, 'expected a field "tags" (--label-column), found tokens'),
    ("a.jsonl", '{"text": "ab", "entities": [{"start": 1, "end": 3, "label": "PER"}]}\n', [], 2, "expected 0 <= start < end <= 2"),
    ("a.jsonl", '{"text": "ab", "entities": [{"start": 0, "end": 1}]}\n', [], 2, 'an object with a field "label"'),
    ("a.jsonl", '{"text": "ab", "entities": []}\n{"tokens": ["a"], "tags": ["O"]}\n', [], 2, "line 2: expected a text as in the lines before, found words"),
    ("a.jsonl", '{"text": "ab", "entities": []}\n', ["--scheme", "iob2"], 2, "--scheme: expected words with labels"),
    ("a.conll", "a\tO\n", ["--by", "x"], 2, "--by: expected one of texts as the model, found a token classifier"),
    ("a.conll", "a\tO\n", ["--max-length", "999"], 2, "--max-length: expected at most 64"),
    ("a.conll", "a\tO\n", ["--train", "none.conll"], 3, "none.conll"),
])
def test_what_cannot_be_is_named(ner, tmp_path, name, content, words, code, message):
    (tmp_path / name).write_text(content)
    result = run("evaluate", tmp_path / name, "--model", ner, *words)
    assert (result.code, result.text) == (code, "")
    assert message in result.err


def test_a_decision_is_of_texts(ner, tmp_path):
    (tmp_path / "a.conll").write_text("anna B-PER\n")
    result = run("evaluate", tmp_path / "a.conll", "--model", ner, "--decision", tmp_path / "d.json")
    assert result.code == 2 and "--decision: expected one of texts as the model, found a token classifier" in result.err
    ok("evaluate", tmp_path / "a.conll", "--model", ner, "--no-decision")
    result = run("evaluate", tmp_path / "a.conll", "--model", ner, "--output", tmp_path / "a.conll")
    assert result.code == 2 and "--output: expected another file than" in result.err


def test_options_of_entities_are_refused_for_texts(checkpoint, tmp_path):
    (tmp_path / "a.csv").write_text("text,label\na,1 star\n")
    result = run("evaluate", tmp_path / "a.csv", "--model", checkpoint, "--scheme", "iob2")
    assert result.code == 2 and "--scheme: expected a token classifier as the model, found one of texts" in result.err
