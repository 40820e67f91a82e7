"""The benchmark's table: recorded measurements in, goals met, missed or not run out. No speed is asked for here."""

import json
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "bench"))
import goals  # noqa: E402

RECORDS = [json.loads(line) for line in (HERE / "records.jsonl").read_text().splitlines()]


def find(rows, what, dtype):
    (row,) = [row for row in rows if row["what"].startswith(what) and row["dtype"] == dtype]
    return row


@pytest.fixture(scope="module")
def rows():
    return goals.rows(RECORDS)


def test_the_best_peer_counts_and_the_median_of_the_rounds(rows):
    row = find(rows, "8 texts of 128 tokens", "f32")
    assert row["measured"] == pytest.approx(0.334 / 0.25)
    assert (row["status"], row["by"]) == ("met", pytest.approx(0.334 / 0.25 / 1.1 - 1))
    assert row["figures"] == "filbert 250 ms, onnxruntime (fused graph) 334 ms, openvino (latency) 389 ms; only 3 rounds"


def test_one_text_is_a_share_of_the_best_peers_time(rows):
    row = find(rows, "one text of 8 tokens", "f32")
    assert (row["measured"], row["status"]) == (pytest.approx(0.95), "not met")
    assert row["by"] == pytest.approx(1 - 0.95 / 0.9)


def test_filbert_is_compared_with_peers_in_order_and_sorted(rows):
    in_order, length_sorted = find(rows, "768 texts", "f32"), find(rows, "the same, length-sorted", "f32")
    assert (in_order["measured"], in_order["status"]) == (pytest.approx(5.0), "met")
    assert (length_sorted["measured"], length_sorted["status"]) == (pytest.approx(1.4), "not met")
    assert "throughput" in in_order["figures"] and "latency" in length_sorted["figures"]


def test_what_could_not_run_says_why(rows):
    assert find(rows, "768 texts", "int8")["reason"] == "this version of Filbert has no int8"
    bf16 = find(rows, "8 texts of 128 tokens", "bf16")
    assert bf16["reason"] == "no peer to compare with: OpenVINO has bf16 only where the CPU has it"
    assert bf16["figures"] == "filbert 200 ms"
    assert find(rows, "GEMM with avx512, 8 rows", "f32")["reason"] == "this CPU has no avx512"
    assert find(rows, "GEMM with avx512bf16", "bf16")["reason"] == "this CPU has no avx512bf16"
    assert find(rows, "tokenizer, one thread, many", "")["reason"] == "not part of this run"


def test_no_goal_is_ever_dropped(rows):
    assert [(row["what"], row["dtype"]) for row in goals.rows([])] == [(row["what"], row["dtype"]) for row in rows]
    assert all(row["status"] == "not run" for row in goals.rows([]))


def test_gemm_is_held_to_its_worst_shape(rows):
    row = find(rows, "GEMM with avx2, from 32", "f32")
    assert (row["measured"], row["status"]) == (pytest.approx(0.6), "not met")
    assert row["figures"].startswith("3072→768, 64 rows")
    assert find(rows, "GEMM with avx2, 8 rows", "f32")["measured"] == pytest.approx(0.89)


def test_the_other_goals(rows):
    assert find(rows, "two threads against one, 8x128", "f32")["measured"] == pytest.approx(2.0)
    assert find(rows, "start to answer, built-in", "f32")["status"] == "met"
    assert find(rows, "start to answer, this checkpoint", "f32")["status"] == "not met"
    assert find(rows, "tokenizer, one thread, English", "")["by"] == pytest.approx(0.25)
    memory = find(rows, "resident memory", "f32")
    assert (memory["measured"], memory["goal"]) == (pytest.approx(164), pytest.approx(90872572 / 2**20 + 64))


def test_markdown_has_a_line_a_goal_and_counts(rows):
    lines = goals.markdown(rows).split("\n")
    assert len(lines) == 2 + len(rows) + 3
    assert "| 8 texts of 128 tokens | f32 | ≥ 1.1 × | 1.34 × | met, by 21 % |" in lines[8]
    met, missed, not_run = (int(word) for word in lines[-2].split() if word.isdigit())
    assert met + missed + not_run == len(rows)
    assert all(line.count("|") == 7 for line in lines[:-3])
