"""filbert classify --input: files of every form in and out, rows at fault, runs that are killed and go on, and what is refused.

FILBERT_KILLS and FILBERT_RANDOM_FILES say how often the tests that depend on chance try it: 200 and 10000 take a quarter of an hour."""

import contextlib
import csv
import fcntl
import gzip
import io
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import time

import pytest

from filbert_command import FILBERT, environment, ok, open_terminal, run
from tiny_checkpoint import LABELS, write_checkpoint

TEXTS = ["I really love this book", "not good, not bad", "the film was bad", "", "love, love\nlove \"it\"", "a very good film"]
ADDED = ["label", "score", "tokens_total", "truncated", "error"]
WORDS = "good bad film book love it not very really the a was I this".split()
KILLS = int(os.environ.get("FILBERT_KILLS", "12"))
RANDOM_FILES = int(os.environ.get("FILBERT_RANDOM_FILES", "150"))


def classify(checkpoint, file, *words, **streams):
    return ok("classify", "--model", checkpoint, "--input", file, *words, **streams)


def rows_of(text, **dialect):
    return list(csv.reader(io.StringIO(text, newline=""), **dialect))


def answers_of(checkpoint, texts):
    return ok("classify", "--model", checkpoint, "--input-format", "jsonl", "--format", "json",
              stdin="".join(json.dumps({"text": text}) + "\n" for text in texts)).rows


def write_csv(path, rows, **dialect):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, **dialect).writerows(rows)
    return path


def added_of(answer):
    return [answer["label"], answer["score"], answer["tokens_total"], answer["truncated"], None]


def zstd(*words, **streams):
    if shutil.which("zstd") is None:
        pytest.skip("zstd is not on the PATH")
    return subprocess.run(["zstd", "--quiet", *words], check=True, capture_output=True, **streams).stdout


def test_columns_stay_and_the_answers_stand_behind_them(checkpoint, tmp_path):
    file = write_csv(tmp_path / "a.csv", [["id", "text", "né"]] + [[number, text, f"x;{number}"] for number, text in enumerate(TEXTS)])
    header, *rows = rows_of(classify(checkpoint, file).text)
    assert header == ["id", "text", "né", *ADDED]
    for number, (row, answer) in enumerate(zip(rows, answers_of(checkpoint, TEXTS), strict=True)):
        assert row[:3] == [str(number), TEXTS[number], f"x;{number}"]
        assert row[3:] == [answer["label"], json.dumps(answer["score"]), str(answer["tokens_total"]), "false", ""]


@pytest.mark.parametrize("form", ["csv", "tsv", "jsonl"])
@pytest.mark.parametrize("compression", ["", ".gz", ".zst"])
def test_every_form_gives_the_same_answers(checkpoint, tmp_path, form, compression):
    file, output = tmp_path / f"in.{form}{compression}", tmp_path / f"out.{form}{compression}"
    texts = [text.replace("\n", " ") for text in TEXTS]
    if form == "jsonl":
        content = "".join(json.dumps({"id": number, "text": text, "more": [1, {"a": "}"}]}) + " \n" for number, text in enumerate(texts))
    else:
        out = io.StringIO()
        csv.writer(out, delimiter="\t" if form == "tsv" else ",").writerows([["id", "text"]] + list(enumerate(texts)))
        content = out.getvalue()
    data = content.encode()
    file.write_bytes(gzip.compress(data[:40]) + gzip.compress(data[40:]) if compression == ".gz" else zstd(input=data) if compression else data)
    result = run("classify", "--model", checkpoint, "--input", file, "--output", output)
    assert (result.code, result.out) == (0, b"")
    raw = output.read_bytes()
    text = (gzip.decompress(raw) if compression == ".gz" else zstd("--decompress", input=raw) if compression else raw).decode()
    expected = [added_of(answer) for answer in answers_of(checkpoint, texts)]
    if form == "jsonl":
        objects = [json.loads(line) for line in text.splitlines()]
        assert [[each[name] for name in ADDED] for each in objects] == expected
        assert [list(each)[:3] for each in objects] == [["id", "text", "more"]] * len(texts)
        assert all(line.startswith(before.strip()[:-1]) for line, before in zip(text.splitlines(), content.splitlines(), strict=True))
    else:
        header, *rows = rows_of(text, delimiter="\t" if form == "tsv" else ",")
        assert [row[1] for row in rows] == texts
        assert [row[2] for row in rows] == [answer[0] for answer in expected]
    assert sorted(tmp_path.iterdir()) == sorted([file, output])


def test_lines_become_objects_or_a_table(checkpoint, tmp_path):
    file = tmp_path / "a.txt"
    file.write_text("\ufeffI love it\r\n\nbad, very bad\tfilm")
    texts = ["I love it", "", "bad, very bad\tfilm"]
    expected = [added_of(answer) for answer in answers_of(checkpoint, texts)]
    assert [[row["text"], *(row[name] for name in ADDED)] for row in classify(checkpoint, file).rows] == [[text, *row] for text, row in zip(texts, expected)]
    header, *rows = rows_of(classify(checkpoint, file, "--output-format", "tsv").text, delimiter="\t")
    assert (header, [row[0] for row in rows]) == (["text", *ADDED], texts)


def test_pipes_in_and_out(checkpoint):
    table = "text,n\nI love it,1\nbad,2\n"
    expected = classify(checkpoint, "-", "--input-format", "csv", stdin=table).text
    assert [row[0] for row in rows_of(expected)] == ["text", "I love it", "bad"]
    assert classify(checkpoint, "-", "--input-format", "csv", "--output", "-", stdin=gzip.compress(table.encode())).text == expected
    assert [row["text"] for row in classify(checkpoint, "-", stdin="one\ntwo\n").rows] == ["one", "two"]


def test_pairs_all_scores_and_thresholds(checkpoint, tmp_path):
    pairs = [("good book", "a good film"), ("I love it", ""), ("I love it", "bad")]
    file = write_csv(tmp_path / "a.csv", [["other", "text"]] + [[other, text] for text, other in pairs])
    words = ["--text-pair-column", "other", "--all-scores", "--function-to-apply", "sigmoid", "--threshold", "0.5", "--output-format", "jsonl"]
    rows = classify(checkpoint, file, *words).rows
    for row, (text, other) in zip(rows, pairs, strict=True):
        (answer,) = ok("classify", "--model", checkpoint, "--format", "json", "--function-to-apply", "sigmoid", "--threshold", "0.5", "--text-pair", other, text).rows
        assert (row["label"], row["score"], row["labels"]) == (answer["label"], answer["score"], answer["labels"])
        assert [row[f"score_{score['label']}"] for score in answer["scores"]] == [score["score"] for score in answer["scores"]]
    header = rows_of(classify(checkpoint, file, "--all-scores").text)[0]
    assert header == ["other", "text", "label", "score", *(f"score_{label}" for label in LABELS), "tokens_total", "truncated", "error"]


def test_windows_count_as_without_a_file(checkpoint, tmp_path):
    text = " ".join(WORDS * 4)
    file = write_csv(tmp_path / "a.csv", [["text"], [text], ["bad"]])
    rows = classify(checkpoint, file, "--long", "windows", "--max-length", "12", "--combine", "max", "--output-format", "jsonl").rows
    answers = ok("classify", "--model", checkpoint, "--long", "windows", "--max-length", "12", "--combine", "max", "--format", "json", text, "bad").rows
    assert [[row[name] for name in ADDED] for row in rows] == [added_of(answer) for answer in answers]


def test_a_text_that_is_cut_says_so(checkpoint, tmp_path):
    file = write_csv(tmp_path / "a.csv", [["text"], ["I really love this book"], ["bad"]])
    result = run("classify", "--model", checkpoint, "--input", file, "--max-length", "4")
    assert [row[-2] for row in rows_of(result.text)] == ["truncated", "true", "false"]
    assert result.err.startswith(f"filbert: warning: {file}: line 2: truncated: tokens_total ")


# The cases of csv-spectrum (github.com/max-mathieu/csv-spectrum, after its descriptions), with text columns of ours.
SPECTRUM = {
    "comma in quotes": ('first,text,zip\nJohn,"120 any st., Anytown, WW",08123\n', [["John", "120 any st., Anytown, WW", "08123"]]),
    "empty": ('a,text,c\n1,"",""\n2,3,4\n', [["1", "", ""], ["2", "3", "4"]]),
    "empty with \\r\\n": ('a,text,c\r\n1,"",""\r\n2,3,4\r\n', [["1", "", ""], ["2", "3", "4"]]),
    "escaped quotes": ('a,text\n1,"ha ""ha"" ha"\n3,4\n', [["1", 'ha "ha" ha'], ["3", "4"]]),
    "json": ('key,text\n1,"{""type"": ""Point"", ""coordinates"": [102.0, 0.5]}"\n', [["1", '{"type": "Point", "coordinates": [102.0, 0.5]}']]),
    "newlines": ('a,text,c\n1,2,3\n"Once upon \na time",5,6\n7,"8\r\n\n",9\n', [["1", "2", "3"], ["Once upon \na time", "5", "6"], ["7", "8\r\n\n", "9"]]),
    "quotes and newlines": ('a,text\n1,"ha \n""ha"" \nha"\n3,4\n', [["1", 'ha \n"ha" \nha'], ["3", "4"]]),
    "simple": ("a,text,c\n1,2,3", [["1", "2", "3"]]),
    "utf8": ("a,text,c\n1,2,3\n4,5,ʤ\n", [["1", "2", "3"], ["4", "5", "ʤ"]]),
    "byte order mark": ("\ufefftext,b\n1,2\n", [["1", "2"]]),
    "location coordinates": ('text,n\n"-1.2, 3.4",\n,"a"\n', [["-1.2, 3.4", ""], ["", "a"]]),
}


@pytest.mark.parametrize("case", SPECTRUM)
def test_the_cases_of_csv_spectrum(checkpoint, tmp_path, case):
    content, expected = SPECTRUM[case]
    file = tmp_path / "a.csv"
    file.write_bytes(content.encode())
    header, *rows = rows_of(classify(checkpoint, file).text)
    width = len(expected[0])
    assert ([row[:width] for row in rows], header[width:]) == (expected, ADDED)
    assert all(row[width] in LABELS and row[-1] == "" for row in rows)


def test_random_tables_come_back_as_pythons_csv_reads_them(checkpoint, tmp_path):
    chance = random.Random(7)
    pieces = ["a", "b c", ",", ";", "\t", '"', '""', "\n", "\r\n", "\r", "é", "中", " ", "'", "|", "\\", "x", "love"]
    for number in range(RANDOM_FILES):
        delimiter = chance.choice(",;\t|")
        width = chance.randint(1, 5)
        header = [f"c{column}" for column in range(width)]
        header[chance.randrange(width)] = "text"
        rows = [["".join(chance.choices(pieces, k=chance.randint(0, 6))) for _ in range(width)] for _ in range(chance.randint(0, 12))]
        dialect = {"delimiter": delimiter, "lineterminator": chance.choice(["\n", "\r\n"]), "quoting": chance.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])}
        if dialect["quoting"] == csv.QUOTE_MINIMAL and dialect["lineterminator"] == "\n":  # Python leaves a lone \r bare then, and reads it as an end
            rows = [[field.replace("\r", "") for field in row] for row in rows]
        file = write_csv(tmp_path / "a.csv", [header, *rows], **dialect)
        found = rows_of(classify(checkpoint, file, "--delimiter", "tab" if delimiter == "\t" else delimiter).text, delimiter=delimiter)
        assert [row[:width] for row in found] == [header, *rows], (number, dialect)


def test_delimiters_are_guessed_and_said(checkpoint, tmp_path):
    for delimiter, shown in ((";", '";"'), ("\t", "a tab"), ("|", '"|"')):
        file = write_csv(tmp_path / "a.csv", [["id", "text"], ["1", "well, good; bad"], ["2", "a, b"]], delimiter=delimiter)
        result = run("classify", "--model", checkpoint, "--input", file)
        assert result.err == f"filbert: {file}: read with {shown} between columns, fields in double quotes\n"
        assert [row[1] for row in rows_of(result.text, delimiter=delimiter)] == ["text", "well, good; bad", "a, b"]
    single = tmp_path / "b.csv"
    single.write_text("text\na;b\nc;d\n")
    assert [row[0] for row in rows_of(classify(checkpoint, single).text)] == ["text", "a;b", "c;d"]


def test_quotes_of_a_tsv_are_bytes_unless_they_hold_something(checkpoint, tmp_path):
    plain, quoted = tmp_path / "a.tsv", tmp_path / "b.tsv"
    plain.write_text('id\ttext\n1\t"so" they say\n2\t"never closed\n')
    assert classify(checkpoint, plain).text.splitlines()[2].startswith('2\t"never closed\t')
    quoted.write_text('id\ttext\n1\t"say ""it""\tand\nmore"\n2\tbad\n')
    result = run("classify", "--model", checkpoint, "--input", quoted)
    assert "read with a tab between columns, fields in double quotes" in result.err
    assert [row[1] for row in rows_of(result.text, delimiter="\t")] == ["text", 'say "it"\tand\nmore', "bad"]
    assert rows_of(classify(checkpoint, plain, "--output-format", "csv").text)[2][1] == '"never closed'


def test_without_a_header_columns_have_numbers(checkpoint, tmp_path):
    file = write_csv(tmp_path / "a.csv", [["1", "I love it"], ["2", "bad"]])
    rows = rows_of(classify(checkpoint, file, "--no-header", "--text-column", "2").text)
    assert [row[:2] for row in rows] == [["1", "I love it"], ["2", "bad"]]
    assert [row[2] for row in rows] == [answer["label"] for answer in answers_of(checkpoint, ["I love it", "bad"])]
    refused = run("classify", "--model", checkpoint, "--input", file, "--no-header")
    assert (refused.code, "number of a column from 1 to 2 (--text-column), found \"text\"" in refused.err) == (2, True)


def test_names_that_are_taken_get_a_prefix(checkpoint, tmp_path):
    table = write_csv(tmp_path / "a.csv", [["text", "label", "filbert_label", "error"], ["I love it", "5", "x", "y"]])
    result = run("classify", "--model", checkpoint, "--input", table)
    assert rows_of(result.text)[0] == ["text", "label", "filbert_label", "error", "filbert_filbert_label", "score", "tokens_total", "truncated", "filbert_error"]
    assert f'{table}: has a column "label" already: the new one is "filbert_filbert_label"' in result.err
    objects = tmp_path / "a.jsonl"
    objects.write_text('{"text": "I love it", "score": 1}\n{"text": "bad", "score": 2}\n')
    result = run("classify", "--model", checkpoint, "--input", objects)
    assert [row["score"] for row in result.rows] == [1, 2]
    assert all(0 < row["filbert_score"] < 1 for row in result.rows)
    assert result.err.count("already") == 1


def test_a_row_at_fault_has_its_error_and_the_others_their_answers(checkpoint, tmp_path):
    file = tmp_path / "a.csv"
    file.write_bytes(b'id,text\n1,good\n2\n3,bad,"so, so",x\n4,"a"b,c\n5,\xff film\n6,' + b"x" * 5000 + b"\n7,love\n")
    result = run("classify", "--model", checkpoint, "--input", file, "--max-row-bytes", "4096")
    header, *rows = rows_of(result.out.decode("latin-1"))  # the byte that is no UTF-8 stays
    assert (result.code, rows[4][1]) == (0, "\xff film")
    by_id = {row[0]: row for row in rows}
    assert [row[0] for row in rows if row[2] in LABELS] == ["1", "5", "7"]
    assert by_id["2"][-1] == f"{file}: line 3: expected 2 fields as in the header, found 1"
    assert by_id["3"][-1] == f'{file}: line 4: expected 2 fields as in the header, found 4; no column is left for "so, so",x'
    assert 'line 5: expected the end of a field behind its closing quote, found "b"' in by_id["4"][-1]
    assert "line 6: expected UTF-8, found 1 ill-formed sequence, replaced by U+FFFD" in by_id["5"][-1]
    assert "line 7: expected a row of at most 4096 bytes, found 50" in rows[5][-1]
    assert all(name in result.err for name in ("line 3:", "line 4:", "line 6: not valid UTF-8"))
    output = tmp_path / "b.csv"
    stopped = run("classify", "--model", checkpoint, "--input", file, "--on-error", "stop", "--output", output)
    assert (stopped.code, stopped.err) == (2, f"filbert: {file}: line 3: expected 2 fields as in the header, found 1\n")
    assert sorted(tmp_path.iterdir()) == [file]  # nothing was done that could be gone on with


def test_objects_at_fault(checkpoint, tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_text('{"text": "good"}\n\n{"txt": "bad"}\nno object\n{"text": 5}\n[1]\n{"text": "love"}\n')
    result = run("classify", "--model", checkpoint, "--input", file)
    assert [row["label"] in LABELS for row in result.rows] == [True, False, False, False, False, True]
    errors = [row["error"] for row in result.rows]
    assert "line 3: expected a field \"text\" (--text-column), found txt; did you mean" in errors[1]
    assert (result.rows[1]["txt"], result.rows[2]["input"], result.rows[3]["text"]) == ("bad", "no object", 5)
    assert all("line" in error for error in errors[1:-1])
    missing = run("classify", "--model", checkpoint, "--input", file, "--text-column", "txt")
    assert (missing.code, 'line 1: expected a field "txt"' in missing.err) == (2, True)


@pytest.mark.parametrize("words, code, message", [
    (["--text-column", "txet"], 2, 'line 1: expected a column "txet" (--text-column), found id, text; did you mean "text"?'),
    (["--text-pair-column", "other"], 2, 'expected a column "other" (--text-pair-column), found id, text'),
    (["--top-k", "2"], 2, "--top-k: expected none beside --input"),
    (["--text-pair", "x"], 2, "--text-pair: expected --text-pair-column beside --input"),
    (["--output-format", "jsonl", "--delimiter", "xy"], 2, "--delimiter: expected one byte"),
    (["--output", "a.csv"], 2, "--output: expected another file than the input"),
    (["--output", "link.csv"], 2, "--output: expected another file than the input"),
    (["--output", "no/such/a.csv"], 2, "No such file or directory"),
    (["--output", "b.txt"], 2, "--output: expected csv, tsv or jsonl"),
    (["--output", "."], 2, "--output: expected a file, found the directory"),
    (["--resume"], 2, "--resume: expected a file as --output"),
    (["--input", "none.csv"], 3, "none.csv: No such file or directory"),
    (["--input", "a.parquet"], 2, "expected a file that ends in .csv, .tsv, .jsonl or .txt"),
    (["--input", "a.csv.gz"], 2, "a.csv.gz: expected gzip, found incorrect header check"),
    (["--input", "cut.csv.gz"], 2, "cut.csv.gz: expected the end of a gzip member, found the end of the file"),
    (["--input", "utf16.csv"], 2, "expected UTF-8, found UTF-16"),
    (["--input", "open.csv"], 2, "open.csv: line 3: expected a second quote to close a field, found the end of the file"),
    (["--input", "empty.csv"], 2, "empty.csv: line 1: expected a header, found nothing"),
    (["--input", "lines.txt", "--text-pair-column", "x"], 2, "--text-pair-column: expected a file with columns, found lines"),
    (["--input", "o.jsonl", "--output", "o.csv"], 2, "--output: expected jsonl"),
])
def test_what_is_refused_leaves_all_as_it_was(checkpoint, tmp_path, words, code, message):
    files = {"a.csv": b"id,text\n1,good\n", "a.csv.gz": b"id,text\n", "cut.csv.gz": gzip.compress(b"id,text\n1,good\n" * 9)[:-9], "empty.csv": b"",
             "utf16.csv": "text\na\n".encode("utf-16"), "open.csv": b'text\na\n"b\nc\n', "lines.txt": b"a\n", "o.jsonl": b'{"text": "a"}\n'}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "link.csv").symlink_to("a.csv")
    before = sorted(tmp_path.iterdir())
    command = [FILBERT, "classify", "--model", checkpoint, "--input", "a.csv", *words]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment(), timeout=60)
    assert (done.returncode, message in done.stderr) == (code, True), done
    assert sorted(tmp_path.iterdir()) == before
    assert {name: (tmp_path / name).read_bytes() for name in files} == files


def test_options_of_files_need_one():
    assert "--resume: expected --input beside it" in run("classify", "--resume", "x").err
    assert "--input-format: expected lines or jsonl" in run("classify", "--input-format", "csv", stdin="a").err


def big_file(path, rows=12000, seed=1):
    chance = random.Random(seed)
    return write_csv(path, [["id", "text"]] + [[number, " ".join(chance.choices(WORDS, k=chance.randint(1, 30)))] for number in range(rows)])


@contextlib.contextmanager
def started(*words):
    process = subprocess.Popen([FILBERT, *map(os.fspath, words)], stderr=subprocess.PIPE, text=True, env=environment())
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_for(condition, process):
    end = time.monotonic() + 60
    while not condition() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.002)


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_a_killed_run_goes_on_byte_for_byte(checkpoint, tmp_path, suffix):
    file, whole, output = big_file(tmp_path / "in.csv"), tmp_path / f"whole.csv{suffix}", tmp_path / f"out.csv{suffix}"
    begun = time.monotonic()
    classify(checkpoint, file, "--output", whole)
    seconds = time.monotonic() - begun
    chance = random.Random(3)
    kills = 0
    while kills < KILLS:
        output.unlink(missing_ok=True)
        for _ in range(20):  # until it is through; each time another moment
            with started("classify", "--model", checkpoint, "--input", file, "--output", output, "--resume") as process:
                try:
                    process.wait(chance.uniform(0.002, 1.1 * seconds))
                    break
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGKILL)
                    kills += 1
            if output.exists():  # it ended before the signal came, or between its last steps
                break
        if sorted(tmp_path.iterdir()) != sorted([file, whole, output]):
            classify(checkpoint, file, "--output", output, "--resume")
        assert output.read_bytes() == whole.read_bytes()
        assert sorted(tmp_path.iterdir()) == sorted([file, whole, output])


def test_what_is_left_of_a_run_is_gone_on_with_only_if_it_fits(checkpoint, tmp_path):
    file, output, whole = big_file(tmp_path / "in.csv", 40000), tmp_path / "out.csv", tmp_path / "whole.csv"
    partial, journal = pathlib.Path(f"{output}.partial"), pathlib.Path(f"{output}.partial.journal")
    command = ["classify", "--model", checkpoint, "--input", file, "--output", output]
    output.write_text("of before")
    with started(*command) as process:
        wait_for(lambda: journal.exists() and journal.read_bytes().count(b"\n") > 4, process)
        assert process.poll() is None
        locked = run(*command, "--resume")
        assert (locked.code, "another run is writing it" in locked.err) == (2, True)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert output.read_text() == "of before"
    whole_lines = journal.read_bytes().rpartition(b"\n")[0]
    whole_bytes = json.loads(whole_lines.splitlines()[-1])["bytes"]
    partial.write_bytes(partial.read_bytes()[:whole_bytes] + b"half a block")  # as a run that is killed may leave it
    journal.write_bytes(whole_lines + b'\n{"rows": 99')
    kept = partial.read_bytes(), journal.read_bytes()
    refused = run(*command)
    assert (refused.code, "--resume goes on with it" in refused.err) == (2, True)
    assert "all_scores: expected" in run(*command, "--resume", "--all-scores").err
    assert "output_format: expected" in run(*command, "--resume", "--output-format", "jsonl").err
    content = file.read_bytes()
    file.write_bytes(content.replace(b"good", b"evil", 1))
    changed = run(*command, "--resume")
    assert (changed.code, "rows that" in changed.err, "have changed since" in changed.err) == (2, True, True)
    file.write_bytes(content[:60])
    assert "expected at least" in run(*command, "--resume").err
    assert (partial.read_bytes(), journal.read_bytes()) == kept
    file.write_bytes(content)
    partial.write_bytes(kept[0][:whole_bytes - 7])  # as a machine that failed may leave it
    ok(*command, "--resume")
    classify(checkpoint, file, "--output", whole)
    assert output.read_bytes() == whole.read_bytes()


def test_a_run_that_was_finished_but_for_its_name_is_named(checkpoint, tmp_path):
    file, output = big_file(tmp_path / "in.csv", 40000), tmp_path / "out.csv"
    partial, journal = pathlib.Path(f"{output}.partial"), pathlib.Path(f"{output}.partial.journal")
    command = ["classify", "--model", checkpoint, "--input", file, "--output", output]
    with started(*command) as process:
        wait_for(lambda: journal.exists() and journal.read_bytes().count(b"\n") > 1, process)
        process.send_signal(signal.SIGKILL)
        process.wait()
    content = partial.read_bytes()
    journal.write_bytes(journal.read_bytes().rpartition(b"\n")[0] + b'\n{"finished": true}\n')
    ok(*command, "--resume")
    assert output.read_bytes() == content
    assert sorted(tmp_path.iterdir()) == sorted([file, output])


def test_ctrl_c_keeps_what_is_done(checkpoint, tmp_path):
    file, output, whole = big_file(tmp_path / "in.csv", 40000), tmp_path / "out.csv", tmp_path / "whole.csv"
    journal = pathlib.Path(f"{output}.partial.journal")
    command = ["classify", "--model", checkpoint, "--input", file, "--output", output]
    with started(*command) as process:
        wait_for(lambda: journal.exists() and journal.read_bytes().count(b"\n") > 2, process)
        process.send_signal(signal.SIGINT)
        message = process.communicate(timeout=60)[1]
    assert (process.returncode, "--resume goes on" in message) == (-signal.SIGINT, True)
    ok(*command, "--resume")
    classify(checkpoint, file, "--output", whole)
    assert output.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("change", ["grows", "shrinks", "is written to"])
def test_an_input_that_changes_meanwhile_is_no_input(checkpoint, tmp_path, change):
    file, output = big_file(tmp_path / "in.csv", 40000), tmp_path / "out.csv"
    journal = pathlib.Path(f"{output}.partial.journal")
    with started("classify", "--model", checkpoint, "--input", file, "--output", output) as process:
        wait_for(lambda: journal.exists() and journal.read_bytes().count(b"\n") > 2, process)
        if change == "grows":
            with file.open("ab") as more:
                more.write(b"1,half of a li")
        elif change == "shrinks":
            os.truncate(file, file.stat().st_size // 2)
        else:
            os.utime(file, ns=(1, 1))
        message = process.communicate(timeout=60)[1]
    assert process.returncode == 2
    assert {"grows": "it grew meanwhile", "shrinks": "it shrank meanwhile", "is written to": "was written to meanwhile"}[change] in message
    assert not output.exists()
    if change == "grows":  # what was read is still there: the rest of the line comes, and the run goes on
        with file.open("ab") as more:
            more.write(b"ne\n")
        ok("classify", "--model", checkpoint, "--input", file, "--output", output, "--resume")
        assert rows_of(output.read_text())[-1][:2] == ["1", "half of a line"]


def test_a_full_disk_is_said_and_costs_nothing(checkpoint, tmp_path):
    file = big_file(tmp_path / "in.csv", 2000)
    full = run("classify", "--model", checkpoint, "--input", file, "--output", "/dev/full")
    assert (full.code, "/dev/full: cannot write to it: No space left on device" in full.err) == (1, True)
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", disk], capture_output=True).returncode != 0:
        pytest.skip("no file system can be mounted here: only /dev/full was tried")
    try:
        full = run("classify", "--model", checkpoint, "--input", file, "--output", disk / "out.csv")
        assert (full.code, "No space left on device" in full.err, "--resume goes on" in full.err) == (1, True, True)
        subprocess.run(["mount", "-o", "remount,size=16m", disk], check=True)
        ok("classify", "--model", checkpoint, "--input", file, "--output", disk / "out.csv", "--resume")
        classify(checkpoint, file, "--output", tmp_path / "whole.csv")
        assert (disk / "out.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    finally:
        subprocess.run(["umount", disk])


def test_a_line_of_a_gigabyte_is_a_row_at_fault(checkpoint, tmp_path):
    file = tmp_path / "a.txt"
    with file.open("wb") as lines:  # a hole: it takes no place on the disk
        lines.write(b"good\n")
        lines.truncate(1 << 30)
        lines.seek(0, os.SEEK_END)
        lines.write(b"\nbad\n")
    command = [FILBERT, "classify", "--model", checkpoint, "--input", file]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()) as process:
        out, err = process.communicate(timeout=300)
    rows = [json.loads(line) for line in out.splitlines()]
    assert [row["label"] in LABELS for row in rows] == [True, False, True]
    assert "line 2: expected a row of at most 4194304 bytes, found 10737418" in rows[1]["error"]


def test_equal_texts_are_computed_once(checkpoint, tmp_path):
    file = write_csv(tmp_path / "a.csv", [["text"]] + [[f"good {number % 700}"] for number in range(5000)])
    result = run("classify", "--model", checkpoint, "--input", file, "--verbose")
    assert "5000 rows, 700 different texts" in result.err
    rows = rows_of(result.text)[1:]
    assert [row[1:] for row in rows[:700]] == [row[1:] for row in rows[700:1400]]


def test_a_terminal_sees_how_far_it_is(checkpoint, tmp_path):
    file = big_file(tmp_path / "in.csv", 60000)
    person, program = open_terminal()
    shown = b""
    with subprocess.Popen([FILBERT, "classify", "--model", checkpoint, "--input", file, "--output", tmp_path / "out.csv"], stderr=program,
                          env=environment()) as process:
        os.close(program)
        with contextlib.suppress(OSError):  # the terminal is gone with the program
            while piece := os.read(person, 4096):
                shown += piece
    os.close(person)
    assert process.returncode == 0
    assert b"classifying: " in shown and b"texts/s, " in shown and b" left; " in shown and b" %, " in shown


def test_an_empty_table_has_a_header(checkpoint, tmp_path):
    file, output = write_csv(tmp_path / "a.csv", [["text"]]), tmp_path / "b.csv.gz"
    classify(checkpoint, file, "--output", output)
    assert rows_of(gzip.decompress(output.read_bytes()).decode()) == [["text", *ADDED]]


def test_explain_and_index_read_what_is_compressed(checkpoint, tmp_path):
    file = tmp_path / "a.csv.gz"
    file.write_bytes(gzip.compress(b"text\ngood book\nbad film\n"))
    (report,) = ok("explain", "--model", checkpoint, "--input", file, "--format", "json").rows
    assert report["texts"] == 2
    lines = tmp_path / "a.txt"
    lines.write_text("good book\nbad film\n")
    assert "2 texts" in ok("index", lines, "--model", checkpoint, "--output", tmp_path / "index").text
