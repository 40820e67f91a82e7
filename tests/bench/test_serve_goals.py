"""The table of the server's goals, and the texts of its load. No speed is asked for here."""

import json
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "bench"))
import serve_goals  # noqa: E402
import serve_texts  # noqa: E402


def load(tokens_per_s=0.0, p50=1.0, p99=2.0, refused_p99=None, **more):
    latency = {"200": {"count": 90, "p50": p50, "p99": p99}}
    if refused_p99 is not None:
        latency["429"] = {"count": 10, "p50": refused_p99 / 2, "p99": refused_p99}
    return dict(dict(tokens_per_s=tokens_per_s, texts_per_s=tokens_per_s / 40, latency_ms=latency, sent=100, wrong=0, lost=0), **more)


def turn(engine, tokens_per_s, p99):
    return dict(group="throughput", model="stars-en", engine=engine, load=load(tokens_per_s, p99=p99))


THROUGHPUT = [turn("filbert", tokens, p99) for tokens, p99 in [(900, 200), (1000, 100), (1100, 300)]]
THROUGHPUT += [turn("onnxruntime", tokens, 1000) for tokens in [190, 200, 500]]
THROUGHPUT += [dict(group="throughput", model="stars-en", engine="bench", tokens_per_s=tokens) for tokens in [1200, 1250, 1300]]
ONE = [dict(group="one", engine="filbert", tokens=tokens, library_ms=library, load=load(p50=p50))
       for tokens, library, p50 in [(8, 0.5, 0.6), (8, 0.5, 0.9), (8, 0.5, 0.7), (38, 2.0, 2.1)]]
IDLE = [dict(group="idle", engine="filbert", held=10_000, answered=9_999, load=load(), rss_before=100e6, rss_after=150e6, threads_before=7,
             threads_after=7)]
EXPLAIN = [dict(group="explain", engine="filbert", beside=beside, explained=3, load=load(p99=p99, rate=50.0))
           for beside, p99 in [(False, 20), (True, 24)]]
OVERLOAD = [dict(group="overload", engine="filbert", peak_tokens_per_s=1000, deadline_s=30, rss=[90e6, 100e6, 101e6, 102e6],
                 load=load(970, p99=2500, refused_p99=8, rate=200.0, seconds=300.0, cpu_s=6.0, without_retry_after=0))]
RECORDS = THROUGHPUT + ONE + IDLE + EXPLAIN + OVERLOAD


def find(what, records=RECORDS):
    (row,) = [row for row in serve_goals.rows(records) if row["what"].startswith(what)]
    return row


def test_the_other_server_is_beaten_by_medians():
    row = find("64 clients, mixed lengths, the built-in model: throughput beside the onnxruntime")
    assert (row["measured"], row["status"]) == (pytest.approx(5.0), "met")
    assert row["figures"] == "filbert 25 texts/s, 1000 tokens/s, onnxruntime 5 texts/s, 200 tokens/s; 3 rounds"
    assert find("64 clients, mixed lengths, the built-in model: p99")["measured"] == pytest.approx(0.2)


def test_http_costs_what_bench_does_not_pay():
    row = find("64 clients, mixed lengths, the built-in model: throughput beside filbert bench")
    assert (row["measured"], row["status"]) == (pytest.approx(0.8), "not met")


def test_the_worst_text_counts_with_one_request_in_flight():
    row = find("one request in flight")
    assert (row["measured"], row["status"]) == (pytest.approx(0.2), "met")
    assert row["figures"] == "8 tokens: 0.70 ms, library 0.50 ms; 38 tokens: 2.10 ms, library 2.00 ms"


def test_idle_connections_cost_memory_and_must_all_answer():
    assert (find("10,000 idle connections: memory")["measured"], find("10,000 idle connections: threads")["status"]) == (pytest.approx(50), "met")
    assert find("10,000 idle connections: answered")["status"] == "not met"


def test_explanations_beside_predictions():
    row = find("predictions with explanations")
    assert (row["measured"], row["status"]) == (pytest.approx(1.2), "not met")
    assert "3 explanations meanwhile" in row["figures"]


def test_overload_is_held_against_the_peak():
    assert find("twice the load it can carry: throughput")["measured"] == pytest.approx(0.97)
    assert find("twice the load it can carry: p99 of the accepted")["measured"] == pytest.approx(2.5)
    assert find("twice the load it can carry: p99 of the refusals")["measured"] == 8
    assert find("twice the load it can carry: memory")["measured"] == pytest.approx(102 / 100)
    assert find("twice the load it can carry: the generator")["status"] == "met"


@pytest.mark.parametrize("key", ["wrong", "lost"])
def test_one_bad_answer_of_thousands_misses_the_goal(key):
    assert find("answers that are the library's")["status"] == "met"
    bad = RECORDS + [dict(group="one", engine="filbert", tokens=8, library_ms=1, load=load(**{"sent": 100_000, key: 1}))]
    row = find("answers that are the library's", bad)
    assert row["status"] == "not met" and f"1 {key}" in row["figures"]


def test_no_goal_is_ever_dropped():
    assert [row["what"] for row in serve_goals.rows([])] == [row["what"] for row in serve_goals.rows(RECORDS)]
    assert all(row["status"] == "not run" for row in serve_goals.rows([]))


def test_texts_have_at_least_their_length_and_every_word_in_its_order():
    tokens_of = {"a": 1, "long": 2, "word": 3}
    texts = serve_texts.cut_into_texts(["a", "long", "word"], tokens_of, [3, 5, 10])
    assert texts == ["a", "long word", "a long word a long"]


def test_words_of_a_vocabulary_are_whole_and_in_the_same_order_always(tmp_path):
    (tmp_path / "vocab.txt").write_text("\n".join(["[PAD]", "a", "book", "##s", "love", "Große", "filler7", "."]))
    words = serve_texts.words_of_vocabulary(tmp_path / "vocab.txt")
    assert sorted(words) == ["book", "filler7", "love"]
    assert words == serve_texts.words_of_vocabulary(tmp_path / "vocab.txt")


def test_a_request_expects_the_score_of_every_label():
    answer = dict(scores=[dict(label="good", score=0.75), dict(label="bad", score=0.25)])
    assert json.loads(json.dumps(serve_texts.request("a book", answer, 4))) == {
        "path": "/predict", "body": {"inputs": "a book"}, "expect": [[["good", 0.75], ["bad", 0.25]]], "tokens": 4}
