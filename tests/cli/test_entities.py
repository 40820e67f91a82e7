"""filbert entities: what it prints for texts, words and files, and what its options change."""

import csv
import io
import json
import os
import re

import pytest

from filbert_command import ROOT, environment, ok, open_terminal, run
from tiny_checkpoint import ENTITY_LABELS, ENTITY_WORDS, write_checkpoint, write_entities_checkpoint

TEXT = "Anna Fischer moved from Berlin to New Yorker."
FOUND = [("PER", "Anna Fischer", "anna fischer"), ("LOC", "Berlin", "berlin"), ("LOC", "New Yorker", "new yorker")]


@pytest.fixture(scope="module")
def finder(tmp_path_factory):
    return write_entities_checkpoint(tmp_path_factory.mktemp("finder"))


def entities(checkpoint, *words, **streams):
    return ok("entities", "--model", checkpoint, *words, **streams)


def rows(checkpoint, *words, **streams):
    return entities(checkpoint, "--format", "json", *words, **streams).rows


def test_text_marks_the_entities_and_lists_them(finder):
    assert entities(finder, TEXT, "a, b").text == (
        "text: [Anna Fischer](PER) moved from [Berlin](LOC) to [New Yorker](LOC).\n"
        "  PER  0.999  Anna Fischer\n  LOC  0.999  Berlin\n  LOC  0.999  New Yorker\n\n"
        "text: a, b\n  no entities\n")


def test_json_has_the_keys_of_transformers_in_its_order(finder):
    (row,) = rows(finder, TEXT)
    assert list(row) == ["text", "entities", "tokens_total", "tokens_used", "truncated"]
    assert all(list(entity) == ["entity_group", "score", "word", "start", "end"] for entity in row["entities"])
    assert [(e["entity_group"], TEXT[e["start"]:e["end"]], e["word"]) for e in row["entities"]] == FOUND
    assert (row["text"], row["tokens_total"], row["tokens_used"], row["truncated"]) == (TEXT, 12, 12, False)


def test_none_gives_tokens_with_their_index(finder):
    (row,) = rows(finder, "to New Yorker", "--aggregation-strategy", "none")
    assert [list(entity) for entity in row["entities"]] == [["entity", "score", "index", "word", "start", "end"]] * 3
    assert [(e["entity"], e["index"], e["word"], e["start"], e["end"]) for e in row["entities"]] == [
        ("B-LOC", 2, "new", 3, 6), ("I-LOC", 3, "york", 7, 11), ("I-LOC", 4, "##er", 11, 13)]


def test_strategies_differ_where_a_word_is_cut(tmp_path):
    """acme is ORG, its ending O: simple cuts the word, first takes all of it, average and max what the scores say."""
    checkpoint = write_entities_checkpoint(tmp_path, ENTITY_WORDS | {"##s": "O"})
    found = {}
    for strategy in ["none", "simple", "first", "average", "max"]:
        (row,) = rows(checkpoint, "Acmes", "--aggregation-strategy", strategy)
        found[strategy] = [(e["start"], e["end"]) for e in row["entities"]]
    assert found["none"] == found["simple"] == [(0, 4)]
    assert found["first"] == found["max"] == [(0, 5)]
    assert found["average"] in ([(0, 5)], [])


def test_ignored_labels_take_the_place_of_the_default(finder):
    types = lambda *words: [e.get("entity_group") or e["entity"] for e in rows(finder, "Anna moved to Berlin", *words)[0]["entities"]]  # noqa: E731
    assert types() == ["PER", "LOC"]
    assert types("--ignore-labels", "O,PER") == types("--ignore-labels", "O", "--ignore-labels", "PER") == ["LOC"]
    assert types("--ignore-labels", "") == ["PER", "O", "LOC"]
    assert types("--ignore-labels", "B-PER,O", "--aggregation-strategy", "none") == ["B-LOC"]


def test_offsets_count_what_was_asked_for(finder):
    text = "🎉 é דנה to 东京"
    as_utf16 = text.encode("utf-16-le")
    for unit, cut in [("code_points", lambda b, e: text[b:e]), ("bytes", lambda b, e: text.encode()[b:e].decode()),
                      ("utf16", lambda b, e: as_utf16[2 * b:2 * e].decode("utf-16-le"))]:
        (row,) = rows(finder, text, "--offset-unit", unit)
        assert [cut(e["start"], e["end"]) for e in row["entities"]] == ["דנה", "东京"]
    assert "[דנה](PER) to [东京](LOC)\n  PER  0.999  דנה\n  LOC  0.999  东京\n" in entities(finder, text).text


def test_a_long_text_is_truncated_with_a_warning_or_cut_into_windows(finder):
    text = "moved " * 70 + "to Berlin"
    result = run("entities", "--model", finder, "--format", "json", text)
    assert (result.code, result.rows[0]["entities"], result.rows[0]["truncated"]) == (0, [], True)
    assert "text 1: truncated: tokens_total 74, tokens_used 64" in result.err
    (row,) = rows(finder, text, "--stride", "8")
    assert [text[e["start"]:e["end"]] for e in row["entities"]] == ["Berlin"]
    assert (row["truncated"], row["windows"], row["tokens_used"]) == (False, 2, row["tokens_total"])
    refused = run("entities", "--model", finder, text, "--stride", "8", "--aggregation-strategy", "none")
    assert (refused.code, "aggregation_strategy: expected simple, first, average or max" in refused.err) == (2, True)


def test_viterbi_takes_no_path_that_the_scheme_forbids(tmp_path):
    """An I-PER that follows nothing: iob2 wants a B- first."""
    checkpoint = write_entities_checkpoint(tmp_path, {"anna": "I-PER", "bob": "B-PER"}, ["O", "B-PER", "I-PER"], sharpness=1.0)
    labels = lambda *words: [e["entity"] for e in rows(checkpoint, "moved Anna", "--aggregation-strategy", "none", *words)[0]["entities"]]  # noqa: E731
    assert labels() == ["I-PER"]
    assert labels("--decoding", "viterbi") != ["I-PER"]
    assert labels("--decoding", "viterbi", "--tagging-scheme", "iob1") == ["I-PER"]


def test_bioes_is_read_as_what_it_is(tmp_path):
    words = {"anna": "S-PER", "new": "B-LOC", "york": "E-LOC", "berlin": "S-LOC"}
    checkpoint = write_entities_checkpoint(tmp_path, words, ["O", "S-PER", "B-LOC", "I-LOC", "E-LOC", "S-LOC"])
    (row,) = rows(checkpoint, "Anna Berlin New York Berlin")
    assert [e["word"] for e in row["entities"]] == ["anna", "berlin", "new york", "berlin"]


def test_standard_input_of_lines_and_of_objects(finder):
    lines = rows(finder, stdin="Anna moved\nto Berlin\n")
    objects = rows(finder, "--input-format", "jsonl", stdin='{"id": [7], "text": "Anna moved"}\n\n{"text": "to Berlin"}\n')
    assert [row["entities"] for row in lines] == [row["entities"] for row in objects]
    assert (objects[0]["id"], [e["word"] for row in lines for e in row["entities"]]) == ([7], ["anna", "berlin"])


@pytest.mark.parametrize("line, said", [
    ('{"text": "a", "text_pair": "b"}', "text_pair: expected one text, found a pair"),
    ('{"input_ids": [2, 3]}', "input_ids: expected a text, whose entities have places in it, found ids"),
])
def test_what_has_no_places_is_refused(finder, line, said):
    result = run("entities", "--model", finder, "--input-format", "jsonl", "--format", "json", stdin='{"text": "a"}\n' + line + "\n")
    assert (result.code, len(result.rows)) == (2, 1)
    assert f"line 2: {said}" in result.err


WORDS = ["Anna", "Fischer", "moved", "to", "New", "Yorker", ",", "Berlin"]


def test_words_are_split_by_white_space_or_come_as_a_list(finder):
    split = rows(finder, "--words", stdin="  ".join(WORDS) + "\n")
    listed = rows(finder, "--words", stdin=json.dumps(WORDS) + "\n")
    objects = rows(finder, "--words", "--input-format", "jsonl", stdin=json.dumps({"id": 1, "words": WORDS}) + "\n" + json.dumps({"text": WORDS}) + "\n")
    text = " ".join(WORDS)
    assert split[0]["text"] == listed[0]["text"] == objects[0]["text"] == text
    assert split[0]["entities"] == listed[0]["entities"] == objects[0]["entities"] == objects[1]["entities"]
    assert [text[e["start"]:e["end"]] for e in split[0]["entities"]] == ["Anna Fischer", "New Yorker", "Berlin"]
    assert rows(finder, "--words", "[]", "")[0]["entities"] == []


def test_words_of_a_list_that_is_none_are_refused(finder):
    for line, said in [('["a", 1]', "words[1]: expected a string, found a number"), ('["a"', "line 1: words: ")]:
        result = run("entities", "--model", finder, "--words", stdin=line + "\n")
        assert result.code == 2 and said in result.err, result.err


def test_conll_has_a_word_a_line_and_an_empty_line_behind_each_text(finder):
    out = entities(finder, "--words", "--format", "conll", stdin=" ".join(WORDS) + "\n" + json.dumps(["a b", "东京"]) + "\n").text
    labels = ["B-PER", "I-PER", "O", "O", "B-LOC", "I-LOC", "O", "B-LOC"]
    assert out == "".join(f"{word}\t{label}\n" for word, label in zip(WORDS, labels)) + "\na b\tO\n东京\tB-LOC\n\n"
    raw = entities(finder, "--words", "--format", "conll", "--aggregation-strategy", "none", "--ignore-labels", "", stdin="Yorker Anna\n").text
    assert raw == "Yorker\tI-LOC\nAnna\tB-PER\n\n"


def test_a_column_of_lists_is_words(finder, tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_text("".join(json.dumps({"tokens": tokens}) + "\n" for tokens in (WORDS, ["Anna"])))
    found = entities(finder, "--input", file, "--words", "--text-column", "tokens").rows
    assert [len(row["entities"]) for row in found] == [3, 1] and found[0]["tokens"] == WORDS


def table(text, **dialect):
    return list(csv.DictReader(io.StringIO(text), **dialect))


def test_a_table_gets_a_column_of_json(finder, tmp_path):
    file = tmp_path / "a.csv"
    texts = ["Anna, moved", 'to "Berlin"', "nothing", "Anna, moved"]
    with file.open("w", newline="") as stream:
        csv.writer(stream).writerows([["id", "text"], *enumerate(texts)])
    out = entities(finder, "--input", file).text
    found = table(out)
    assert list(found[0]) == ["id", "text", "entities", "tokens_total", "truncated", "error"]
    assert [row["text"] for row in found] == texts
    assert [json.loads(row["entities"]) for row in found] == [row["entities"] for row in rows(finder, *texts)]
    output = tmp_path / "out.csv.gz"
    result = ok("entities", "--model", finder, "--input", file, "--output", output, "--verbose".replace("--verbose", "--resume"))
    assert result.out == b"" and output.exists() and not (tmp_path / "out.csv.gz.partial").exists()


def test_objects_get_the_list_itself_and_lines_become_objects(finder, tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_text('{"text": "Anna moved", "n": 1}\n{"text": 3}\n{"text": "to Berlin"}\n')
    result = run("entities", "--model", finder, "--input", file)
    assert [row["entities"] and row["entities"][0]["word"] for row in result.rows] == ["anna", None, "berlin"]
    assert "text: expected a string" in result.rows[1]["error"] and result.rows[0]["n"] == 1
    lines = tmp_path / "a.txt"
    lines.write_text("Anna moved\nto Berlin\n")
    assert [row["entities"] for row in entities(finder, "--input", lines).rows] == [row["entities"] for row in rows(finder, "Anna moved", "to Berlin")]


def test_what_was_left_of_a_run_is_gone_on_with_only_if_it_is_the_same(finder, tmp_path):
    file, output = tmp_path / "a.txt", tmp_path / "out.jsonl"
    file.write_text("Anna moved\n" * 3)
    command = ["entities", "--model", finder, "--input", file, "--output", output]
    ok(*command)
    whole = output.read_text()
    journal = tmp_path / "out.jsonl.partial.journal"
    output.rename(tmp_path / "out.jsonl.partial")
    refused = run(*command)
    assert refused.code == 2 and "no run is known that left it" in refused.err and not journal.exists()
    (tmp_path / "out.jsonl.partial").unlink()
    ok(*command, "--resume")
    assert output.read_text() == whole


def test_checkpoints_of_the_other_task_name_the_command_that_takes_them(finder, tmp_path):
    texts = write_checkpoint(tmp_path)
    result = run("entities", "--model", texts, "a")
    assert (result.code, "found BertForSequenceClassification, which filbert classify" in result.err) == (4, True)
    result = run("classify", "--model", finder, "a")
    assert (result.code, "found BertForTokenClassification, which filbert entities" in result.err) == (4, True)


def test_without_a_model_the_error_says_how_to_name_one(tmp_path):
    """Wherever the built-in one is: a directory that is not there is what the variable names."""
    result = run("entities", "a", env={"FILBERT_ENTITIES_MODEL": str(tmp_path / "none")})
    assert result.code == 3 and str(tmp_path / "none") in result.err


def test_the_model_of_the_environment_is_taken(finder):
    assert ok("entities", TEXT, env={"FILBERT_ENTITIES_MODEL": str(finder)}).text == entities(finder, TEXT).text


def test_options_that_go_with_others_say_so(finder, tmp_path):
    for words, said in [(["--format", "conll"], "--format conll: expected --words beside it"), (["--resume"], "--resume: expected --input beside it"),
                        (["--input", "a.txt", "--format", "json"], "--format: expected --output-format beside --input"),
                        (["--max-length", "65"], "max_length: expected at most 64"),
                        (["--aggregation-strategy", "last"], "--aggregation-strategy: expected none, simple, first, average or max, found \"last\"")]:
        result = run("entities", "--model", finder, *words, "a")
        assert result.code == 2 and said in result.err, (words, result.err)


def test_on_a_terminal_entities_have_colours_and_their_labels(finder):
    ours, theirs = open_terminal()
    result = run("entities", "--model", finder, TEXT, stdout=theirs, env={"TERM": "xterm-256color"})
    os.close(theirs)
    shown = os.read(ours, 1 << 16).decode()
    os.close(ours)
    assert result.code == 0
    assert re.search(r"\x1b\[48;5;\d+;38;5;16mAnna Fischer\x1b\[1m PER\x1b\[0m moved", shown)
    colours = re.findall(r"\x1b\[48;5;(\d+);38;5;16m(?:Anna Fischer|Berlin|New Yorker)", shown)
    assert len(colours) == 3 and colours[1] == colours[2] != colours[0]


@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta", "deberta-v2", "distilbert", "electra", "modernbert"])
def test_families_run_with_each_strategy(family):
    checkpoint = ROOT / "tests/data/families" / family / "token-v4"
    text = "the lazy dog, over  42"
    for strategy in ["none", "simple", "first", "average", "max"]:
        (row,) = rows(checkpoint, text, "--aggregation-strategy", strategy)
        # A byte-level token of a space alone stands for nothing of the text.
        assert all(0 <= e["start"] <= e["end"] <= len(text) and 0 < e["score"] <= 1 for e in row["entities"])
        assert strategy == "none" or row["entities"]
