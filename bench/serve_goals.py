"""The goals of the server as a table, as goals.py has the others. Pure: records in, rows out; tested by tests/bench/test_serve_goals.py.

A record is a dict that serve.py wrote; "load" is the JSON of a run of serve_load.
"""

import statistics

from goals import NOT_MEASURED, duration, find, number, reason_of, row

MODELS = [("stars-en", "the built-in model"), ("bert-base", "BERT-base shape")]
CLIENTS = 64
FASTER_THAN_RIVAL, P99_OF_RIVAL, SHARE_OF_BENCH = 4.0, 1.0, 0.85
BEYOND_LIBRARY_MS = 0.3
IDLE_CONNECTIONS, IDLE_MB = 10_000, 200
BESIDE_EXPLAIN = 1.1
SHARE_OF_PEAK, REFUSED_MS, MEMORY_GROWTH = 0.95, 100, 1.05
GENERATOR_SHARE = 0.1  # of a CPU: what the clients may take of the server's machine


def median_of(records, value):
    return statistics.median(map(value, records)) if records else None


def tokens_per_s(record):
    return record["load"]["tokens_per_s"]


def texts_per_s(record):
    return record["load"]["texts_per_s"]


def latency(record, quantile, status="200"):
    return record["load"]["latency_ms"].get(status, {}).get(quantile, 0.0)


def throughput_rows(records, model, name):
    """Tokens a second decide, since the texts of two runs of some seconds are not of the same lengths; texts are said beside."""
    runs = {engine: find(records, group="throughput", model=model, engine=engine) for engine in ["filbert", "onnxruntime", "bench"]}
    tokens = {engine: median_of(found, lambda record: record["tokens_per_s"] if "tokens_per_s" in record else tokens_per_s(record))
              for engine, found in runs.items()}
    ours, theirs = runs["filbert"], runs["onnxruntime"]
    reason = reason_of(records, group="throughput", model=model) or NOT_MEASURED
    what = f"{CLIENTS} clients, mixed lengths, {name}"
    both = ", ".join(f"{engine} {number(median_of(runs[engine], texts_per_s))} texts/s, {number(tokens[engine])} tokens/s"
                     for engine in ["filbert", "onnxruntime"] if runs[engine])
    rounds = f"; {min(len(ours), len(theirs))} rounds"
    ratio = tokens["filbert"] / tokens["onnxruntime"] if ours and theirs else None
    p99s = [median_of(found, lambda record: latency(record, "p99")) for found in [ours, theirs]]
    p99_ratio = p99s[0] / p99s[1] if ours and theirs else None
    of_p99s = f"filbert {duration(p99s[0] / 1e3)}, onnxruntime {duration(p99s[1] / 1e3)}" if ours and theirs else ""
    share = tokens["filbert"] / tokens["bench"] if ours and runs["bench"] else None
    of_bench = f"filbert serve {number(tokens['filbert'])}, filbert bench {number(tokens['bench'])} tokens/s" if share else ""
    return [row(f"{what}: throughput beside the onnxruntime server", "f32", FASTER_THAN_RIVAL, ratio, figures=both + rounds if ratio else both,
                unit="×", reason=reason),
            row(f"{what}: p99 beside the onnxruntime server", "f32", P99_OF_RIVAL, p99_ratio, False, of_p99s, "×", reason),
            row(f"{what}: throughput beside filbert bench", "f32", SHARE_OF_BENCH, share, figures=of_bench, unit="×", reason=reason)]


def one_in_flight_rows(records):
    """The worst of the texts counts; of each the median of the rounds' differences."""
    reason = reason_of(records, group="one") or NOT_MEASURED
    beyond, figures = {}, []
    for tokens in sorted({record["tokens"] for record in find(records, group="one") if "tokens" in record}):
        of_text = find(records, group="one", tokens=tokens)
        beyond[tokens] = median_of(of_text, lambda record: latency(record, "p50") - record["library_ms"])
        figures.append(f"{tokens} tokens: {median_of(of_text, lambda record: latency(record, 'p50')):.2f} ms, "
                       f"library {median_of(of_text, lambda record: record['library_ms']):.2f} ms")
    return [row("one request in flight, the built-in model: p50 beyond the library's call", "f32", BEYOND_LIBRARY_MS,
                max(beyond.values()) if beyond else None, False, "; ".join(figures), "ms", reason)]


def idle_rows(records):
    reason = reason_of(records, group="idle") or NOT_MEASURED
    found = [record for record in find(records, group="idle") if "held" in record]
    what = f"{IDLE_CONNECTIONS:,} idle connections"
    if not found:
        return [row(f"{what}: memory", "", IDLE_MB, at_least=False, unit="MB", reason=reason),
                row(f"{what}: threads", "", 1, at_least=False, unit="×", reason=reason),
                row(f"{what}: answered when asked again", "", 1, reason=reason)]
    record = found[-1]
    grown = (record["rss_after"] - record["rss_before"]) / 1e6
    of_memory = f"{record['rss_before'] / 1e6:.0f} MB before, {record['rss_after'] / 1e6:.0f} MB with them"
    return [row(f"{what}: memory", "", IDLE_MB, grown, False, of_memory, "MB"),
            row(f"{what}: threads", "", 1, record["threads_after"] / record["threads_before"], False,
                f"{record['threads_before']} before, {record['threads_after']} with them", "×"),
            row(f"{what}: answered when asked again", "", 1, record["answered"] / IDLE_CONNECTIONS, figures=f"{record['held']} held")]


def explain_rows(records):
    reason = reason_of(records, group="explain") or NOT_MEASURED
    alone, beside = ([record for record in find(records, group="explain", beside=beside) if "load" in record] for beside in [False, True])
    measured, figures = None, ""
    if alone and beside:
        p99s, p50s = ([median_of(found, lambda record: latency(record, quantile)) for found in [beside, alone]] for quantile in ["p99", "p50"])
        measured = p99s[0] / p99s[1]
        figures = (f"p99 {duration(p99s[0] / 1e3)} beside, {duration(p99s[1] / 1e3)} alone; "
                   f"p50 {duration(p50s[0] / 1e3)}, {duration(p50s[1] / 1e3)}; {number(beside[-1]['load']['rate'])} texts/s, {sum(record['explained'] for record in beside)} explanations meanwhile")
    return [row("predictions with explanations beside them: p99", "f32", BESIDE_EXPLAIN, measured, False, figures, "×", reason)]


def overload_rows(records):
    reason = reason_of(records, group="overload") or NOT_MEASURED
    found = [record for record in find(records, group="overload") if "load" in record]
    what = "twice the load it can carry"
    if not found:
        return [row(f"{what}: throughput of its peak", "f32", SHARE_OF_PEAK, unit="×", reason=reason),
                row(f"{what}: p99 of the accepted", "f32", 30, at_least=False, unit="s", reason=reason),
                row(f"{what}: p99 of the refusals", "f32", REFUSED_MS, at_least=False, unit="ms", reason=reason),
                row(f"{what}: memory at the end beside that at a quarter", "f32", MEMORY_GROWTH, at_least=False, unit="×", reason=reason),
                row(f"{what}: the generator's share of a CPU", "", GENERATOR_SHARE, at_least=False, reason=reason)]
    record = found[-1]
    load, memory = record["load"], record["rss"]
    share = load["tokens_per_s"] / record["peak_tokens_per_s"]
    statuses = ", ".join(f"{each['count']} × {status}" for status, each in sorted(load["latency_ms"].items()))
    of_throughput = (f"{number(load['texts_per_s'])} texts/s accepted of {number(load['rate'])} a second for {load['seconds']:.0f} s; {statuses}")
    quarter = memory[len(memory) // 4]
    return [row(f"{what}: throughput of its peak", "f32", SHARE_OF_PEAK, share, figures=of_throughput, unit="×"),
            row(f"{what}: p99 of the accepted", "f32", record["deadline_s"], latency(record, "p99") / 1e3, False,
                f"p50 {latency(record, 'p50') / 1e3:.2f} s", "s"),
            row(f"{what}: p99 of the refusals", "f32", REFUSED_MS, latency(record, "p99", "429"), False,
                f"p50 {latency(record, 'p50', '429'):.2f} ms; {load['without_retry_after']} without Retry-After", "ms"),
            row(f"{what}: memory at the end beside that at a quarter", "f32", MEMORY_GROWTH, memory[-1] / quarter, False,
                f"{quarter / 1e6:.0f} MB, then {memory[-1] / 1e6:.0f} MB", "×"),
            row(f"{what}: the generator's share of a CPU", "", GENERATOR_SHARE, load["cpu_s"] / load["seconds"], False,
                f"{1e6 * load['cpu_s'] / load['sent']:.0f} µs a request")]


def right_rows(records):
    """Over all that was sent to Filbert: every answer is the library's, bit for bit, and none is lost."""
    loads = [record["load"] for record in records if "load" in record and record.get("engine") == "filbert"]
    sent = sum(load["sent"] for load in loads)
    wrong, lost = (sum(load[key] for load in loads) for key in ["wrong", "lost"])
    measured = (sent - wrong - lost) / sent if sent else None
    figures = f"{sent} requests, {wrong} wrong, {lost} lost" if sent else ""
    return [row("answers that are the library's, bit for bit", "f32", 1, measured, figures=figures)]


def rows(records):
    """Every goal, in order."""
    result = []
    for model, name in MODELS:
        result += throughput_rows(records, model, name)
    for part in [one_in_flight_rows, idle_rows, explain_rows, overload_rows, right_rows]:
        result += part(records)
    return result
