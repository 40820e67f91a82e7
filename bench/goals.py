"""The goals of the project as a table: what was measured for each, whether it is met, and by how much. Pure: records in, rows
out; tested by tests/bench/test_goals.py.

A record is a dict that run.py wrote: "group" says which part of the benchmark it is of, the other keys what was measured.
A record with "not_run" gives the reason why something could not be measured.
"""

import statistics

DTYPES = ["f32", "bf16", "int8"]
# name, group, workload, is it sorted for the peers, goals as peers' time over Filbert's
FASTER = [
    ("768 texts of mixed lengths, in given order", "mixed", "mixed", False, {"f32": 4.0, "bf16": 4.0, "int8": 3.5}),
    ("the same, length-sorted for the peers", "mixed", "mixed", True, {"f32": 1.5, "bf16": 1.7, "int8": 1.3}),
    ("8 texts of 128 tokens", "shapes", "8x128", False, {"f32": 1.1, "bf16": 1.1, "int8": 1.0}),
]
ONE_TEXT = [("one text of 8 tokens", "1x8"), ("one text of 32 tokens", "1x32"), ("one text of 128 tokens", "1x128")]
ONE_TEXT_GOAL = 0.9  # Filbert's time over the best peer's
# kernels, dtype, share of the peak from 32 rows on, and at 8 rows
GEMM = [("avx2", "f32", 0.9, 0.8), ("avx512", "f32", 0.9, 0.8), ("avx512bf16", "bf16", 0.85, None),
        ("avxvnni", "int8", 0.75, None), ("avx512vnni", "int8", 0.75, None)]
TOKENIZER = [("tokenizer, one thread, English", "english", 10.0), ("tokenizer, one thread, many languages", "mixed", 5.0)]
START = [("start to answer, built-in model", "built-in", 0.060), ("start to answer, this checkpoint", "checkpoint", 0.300)]
SPARE_BYTES, INT8_BYTES = 64 << 20, 200 << 20
THREADS_GOAL = 1.9
INT8_ACCURACY = [("int8 and f32 give the same label", "same_label", 0.99, True),
                 ("accuracy that int8 costs, in points", "points_lost", 0.3, False),
                 ("logits of int8 away from f32's, share of their range", "logits_off", 0.02, False)]
FEW_ROUNDS = 5  # fewer are said beside the figures
NOT_MEASURED = "not part of this run"


def row(what, dtype, goal, measured=None, at_least=True, figures="", unit="", reason=NOT_MEASURED):
    """`at_least`: more is better. "by": how far on the good side of the goal, as a share of it; negative if it is missed."""
    result = dict(what=what, dtype=dtype, goal=goal, at_least=at_least, unit=unit, measured=measured, figures=figures)
    if measured is None:
        return result | dict(status="not run", reason=reason)
    by = measured / goal - 1 if at_least else 1 - measured / goal
    return result | dict(status="met" if by >= 0 else "not met", by=by)


def find(records, **keys):
    return [record for record in records if all(record.get(key) == value for key, value in keys.items())]


def reason_of(records, **keys):
    reasons = [record["not_run"] for record in find(records, **keys) if "not_run" in record]
    return reasons[-1] if reasons else None


def times(records, **keys):
    """{engine: median of its rounds' seconds}"""
    rounds = {}
    for record in find(records, **keys):
        if "seconds" in record:
            rounds.setdefault(record["engine"], []).append(record["seconds"])
    return {engine: statistics.median(seconds) for engine, seconds in rounds.items()}


def duration(seconds):
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def beside_peers(records, what, group, workload, length_sorted, dtype, goal, peers_over_filbert):
    """A row for Filbert's time and the best peer's, as their ratio one way or the other."""
    where = dict(group=group, workload=workload, dtype=dtype)
    filbert = times(records, engine="filbert", **where).get("filbert")
    peers = times(records, length_sorted=length_sorted, **where)
    peers.pop("filbert", None)
    settings = {record["engine"]: record.get("setting") for record in find(records, **where, length_sorted=length_sorted)}
    best = min(peers, key=peers.get, default=None)
    figures = [f"filbert {duration(filbert)}"] if filbert else []
    figures += [f"{engine} ({settings[engine]}) {duration(peers[engine])}" for engine in sorted(peers, key=peers.get)]
    figures = ", ".join(figures)
    if filbert is None or best is None:
        of_filbert = reason_of(records, dtype=dtype, engine="filbert")
        of_peers = reason_of(records, dtype=dtype, engine="openvino") if filbert else None
        reason = of_filbert or (of_peers and f"no peer to compare with: {of_peers}") or NOT_MEASURED
        return row(what, dtype, goal, at_least=peers_over_filbert, figures=figures, unit="×", reason=reason)
    rounds = min(len(find(records, **where, engine="filbert")), len(find(records, **where, length_sorted=length_sorted, engine=best)))
    if rounds < FEW_ROUNDS:
        figures += f"; only {rounds} round{'s' if rounds > 1 else ''}"
    measured = peers[best] / filbert if peers_over_filbert else filbert / peers[best]
    return row(what, dtype, goal, measured, peers_over_filbert, figures, "×")


def gemm_rows(records, kernels, dtype, from_32, at_8):
    of_kernels = find(records, group="matmul", kernels=kernels)
    lines = [line for record in of_kernels for line in record.get("lines", []) if line["dtype"] == dtype]
    reason = reason_of(of_kernels) or NOT_MEASURED
    rows = []
    for what, goal, chosen in [("from 32 rows on", from_32, lambda rows: rows >= 32), ("8 rows", at_8, lambda rows: rows == 8)]:
        if goal is None:
            continue
        shares = [(line["filbert"] / line["peak"], line) for line in lines if chosen(line["rows"])]
        what = f"GEMM with {kernels}, {what}, share of the peak at the worst shape"
        if not shares:
            rows.append(row(what, dtype, goal, reason=reason))
            continue
        worst, line = min(shares, key=lambda share: share[0])
        mean = statistics.mean(share for share, _ in shares)
        figures = f"{line['in']}→{line['out']}, {line['rows']} rows; means: filbert {mean:.2f}"
        for other in ["onednn", "openblas"]:
            others = [line[other] / line["peak"] for _, line in shares if other in line]
            if others:
                figures += f", {other} {statistics.mean(others):.2f}"
        figures += f" of {statistics.median(line['peak'] for _, line in shares) / 1e9:.0f} GFLOP/s"
        rows.append(row(what, dtype, goal, worst, figures=figures))
    return rows


def tokenizer_rows(records):
    reason = reason_of(records, group="tokenizer") or NOT_MEASURED
    rows = []
    for what, corpus, goal in TOKENIZER:
        found = find(records, group="tokenizer", corpus=corpus)
        measured = found[-1]["ratio"] if found else None
        rows.append(row(what, "", goal, measured, figures=found[-1]["figures"] if found else "", unit="×", reason=reason))
    return rows


def start_rows(records):
    rows = []
    for what, model, goal in START:
        seconds = [record["seconds"] for record in find(records, group="start", model=model)]
        rows.append(row(what, "f32", goal, statistics.median(seconds) if seconds else None, False, unit="s"))
    return rows


def memory_rows(records):
    rows = []
    for dtype in ["f32", "int8"]:
        found = find(records, group="memory", dtype=dtype)
        peak = statistics.median(record["peak_bytes"] for record in found) / 2**20 if found else None
        weights = found[0]["weight_bytes"] if found else 0
        goal = INT8_BYTES if dtype == "int8" else weights + SPARE_BYTES
        figures = f"{weights / 2**20:.0f} MiB of weights in the file" if found else ""
        reason = reason_of(records, dtype=dtype, engine="filbert") or NOT_MEASURED
        rows.append(row("resident memory at its peak, 4,096 tokens", dtype, goal / 2**20, peak, False, figures, "MiB", reason))
    return rows


def thread_rows(records):
    rows = []
    for workload in ["8x128", "mixed-4096"]:
        one, two = (times(records, group="threads", workload=workload, threads=threads).get("filbert") for threads in [1, 2])
        measured = one / two if one and two else None
        figures = f"one {duration(one)}, two {duration(two)}" if measured else ""
        reason = reason_of(records, group="threads") or NOT_MEASURED
        what = f"two threads against one, {workload}"
        rows.append(row(what, "f32", THREADS_GOAL, measured, figures=figures, unit="×", reason=reason))
    return rows


def accuracy_rows(records):
    reason = reason_of(records, group="accuracy") or reason_of(records, dtype="int8", engine="filbert") or NOT_MEASURED
    found = [record for record in find(records, group="accuracy") if "not_run" not in record]
    return [row(what, "int8", goal, found[-1][key] if found else None, at_least, reason=reason)
            for what, key, goal, at_least in INT8_ACCURACY]


def rows(records):
    """Every goal, in order."""
    result = []
    for what, group, workload, length_sorted, goals in FASTER:
        result += [beside_peers(records, what, group, workload, length_sorted, dtype, goals[dtype], True) for dtype in DTYPES]
    for what, workload in ONE_TEXT:
        result += [beside_peers(records, what, "shapes", workload, False, dtype, ONE_TEXT_GOAL, False) for dtype in DTYPES]
    for each in GEMM:
        result += gemm_rows(records, *each)
    for part in [tokenizer_rows, start_rows, memory_rows, thread_rows, accuracy_rows]:
        result += part(records)
    return result


def number(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def status_text(row):
    if row["status"] == "not run":
        return f"not run: {row['reason']}"
    return f"{row['status']}, by {100 * abs(row['by']):.0f} %"


def markdown(rows):
    lines = ["| | dtype | goal | measured | | figures |", "|---|---|---|---|---|---|"]
    for row in rows:
        goal = f"{'≥' if row['at_least'] else '≤'} {number(row['goal'])} {row['unit']}".rstrip()
        measured = "" if row["measured"] is None else f"{number(row['measured'])} {row['unit']}".rstrip()
        lines.append(f"| {row['what']} | {row['dtype']} | {goal} | {measured} | {status_text(row)} | {row['figures']} |")
    counts = [sum(row["status"] == status for row in rows) for status in ["met", "not met", "not run"]]
    return "\n".join(lines) + "\n\n{} goals met, {} not met, {} not run.\n".format(*counts)
