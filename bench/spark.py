#!/usr/bin/env python3
"""How many rows a second two executors of Spark classify, beside two processes without Spark, and beside a pandas UDF over transformers.

--rows short English reviews, each different from all others, lie in Parquet files, made in --work of the real ones in --data (never a part of this
project). Spark is local-cluster[2,1,…]: two executors, each a process with one task at a time, and what counts is a job that reads the files and writes
others with label and score. Without Spark two processes with one thread each do the same at the same time, half of the files each, and what counts is
from where the first begins to read to where the last has written; both have loaded their model before. The peer is Spark with an iterator pandas UDF
over transformers' pipeline, batches of 32 and one thread, its model loaded before, on the first --sample rows. Filbert's two
in turns, --rounds times, then the peer. The rows of the last turn are compared. The memory of both executors' Python workers is read from
/proc/PID/smaps without a model, with one that has seen a text, and at the end. Kept in WORK/spark.json.
"""
import argparse
import functools
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "tests" / "python")]
FILES, EXECUTOR_MB, BATCH = 16, 2048, 32
GOALS = {"of two processes": 0.8, "times the pandas UDF": 5}


def make_files(options):
    """Parquet files of equally many rows, made once."""
    import pyarrow
    import pyarrow.parquet

    directory = options.work / f"reviews-{options.rows}.parquet"
    if directory.exists():
        return directory
    from classify_file import reviews

    texts = reviews(options.data, options.rows)
    making = directory.with_suffix(".making")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(parents=True)
    for number in range(FILES):
        ids = range(number, len(texts), FILES)
        table = pyarrow.table({"id": pyarrow.array(ids, pyarrow.int64()), "text": [texts[id] for id in ids]})
        pyarrow.parquet.write_table(table, making / f"part-{number:02}.parquet")
    making.rename(directory)
    return directory


# ---- without Spark

_ALONE = """
import sys, time
import pyarrow, pyarrow.parquet
import filbert
model, dtype, output, *files = sys.argv[1:]
pipe = filbert.pipeline("text-classification", model, num_threads=1, dtype=dtype)
filbert.classify(["warm"], model=pipe)
print("ready", flush=True)
sys.stdin.readline()
begun = time.time()
for number, file in enumerate(files):
    table = pyarrow.parquet.read_table(file)
    found = filbert.classify(table["text"], model=pipe)
    table = table.append_column("label", [[each.label for each in found]]).append_column("score", [[each.score for each in found]])
    pyarrow.parquet.write_table(table, output + f"-{number}.parquet")
print(begun, time.time(), flush=True)
"""


def two_processes(options, files):
    """Rows a second of both together."""
    output = options.work / "alone"
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir()
    every = sorted(files.iterdir())
    processes = []
    for half in range(2):
        command = [sys.executable, "-c", _ALONE, options.model, options.dtype, output / f"half-{half}", *every[half::2]]
        processes.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    times = [list(map(float, process.communicate()[0].split())) for process in processes]
    return options.rows / (max(end for _, end in times) - min(begun for begun, _ in times))


# ---- with Spark


def by_filbert(df, options, metrics=None):
    from filbert.spark import classify

    ship = False if options.preload else None
    return classify(df, "text", model=options.model, dtype=options.dtype, output=["label", "score"], metrics=metrics, ship=ship)


def by_transformers(df, options):
    from pyspark.sql.functions import pandas_udf

    checkpoint = str(options.model)

    def answers(parts):
        import builtins

        import pandas
        if not hasattr(builtins, "kept_pipe"):  # for the life of the Python worker, as in filbert.spark
            import torch
            import transformers
            torch.set_num_threads(1)
            builtins.kept_pipe = transformers.pipeline("text-classification", model=checkpoint, device="cpu", batch_size=BATCH, truncation=True)
        for texts in parts:
            yield pandas.DataFrame(builtins.kept_pipe(texts.tolist()))

    udf = pandas_udf("label string, score double")(_as_iterator(answers))
    return df.withColumn("answer", udf("text")).select("id", "text", "answer.label", "answer.score")


def _as_iterator(function):
    """Which kind of pandas UDF it is Spark reads from annotations."""
    import typing

    import pandas
    function.__annotations__ = {"parts": typing.Iterator[pandas.Series], "return": typing.Iterator[pandas.DataFrame]}
    return function


def job(options, df, rows, by, name):
    """Rows a second of a job that reads and writes."""
    output = str(options.work / f"by-{name}.parquet")
    begun = time.monotonic()
    by(df, options).write.mode("overwrite").parquet(output)
    return rows / (time.monotonic() - begun)


def rows_only(batches):
    """A job of mapInArrow without a model, so that its workers are there."""
    for batch in batches:
        time.sleep(0.3)
        yield batch


def memory_of_workers(of_model: bool = True):
    """KiB of each Python process of the executors: all of it, and of the weights that it has mapped."""
    found, weights = [], "model.safetensors"
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if not _is_of_an_executor(int(process.name)):
                continue
            smaps = (process / "smaps").read_text()
            whole = _sums((process / "smaps_rollup").read_text().splitlines()[1:])
        except OSError:
            continue
        lines, inside, inodes = [], False, set()
        for line in smaps.splitlines():
            head = line.split()
            if "-" in head[0] and not head[0].endswith(":"):
                inside = line.endswith(weights)
                inodes |= {head[4]} if inside else set()
            elif inside:
                lines.append(line)
        if inodes or not of_model:
            file = _sums(lines)
            found.append({"pid": int(process.name), "inode": sorted(inodes), "rss": whole["Rss"], "pss": whole["Pss"], "private": whole["Private_Dirty"],
                          "file rss": file["Rss"], "file pss": file["Pss"]})
    return found


def _parents(pid: int):
    while pid > 1:
        pid = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        yield pid


def _is_of_an_executor(pid: int) -> bool:
    """A Python process of an executor of this process: a worker, or the daemon that it comes from, which has no model unless with --preload."""
    command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
    is_daemon = b"pyspark.daemon" in command or b"filbert.spark_daemon" in command
    return is_daemon and b"python" in command.split(b"\0")[0] and os.getpid() in _parents(pid)


def _sums(lines):
    sums = {"Rss": 0, "Pss": 0, "Private_Dirty": 0}
    for line in lines:
        name, _, value = line.partition(":")
        if name in sums:
            sums[name] += int(value.split()[0])
    return sums


def compare(options):
    """How many rows of the last turn differ."""
    import pyarrow.parquet

    def rows_of(directory):
        table = pyarrow.concat_tables(pyarrow.parquet.read_table(file, columns=["id", "label", "score"]) for file in sorted(directory.glob("*.parquet")))
        return {id: (label, score) for id, label, score in zip(*(table[name].to_pylist() for name in ("id", "label", "score")))}

    alone, spark = rows_of(options.work / "alone"), rows_of(options.work / "by-filbert.parquet")
    return len(alone), sum(alone[id] != spark.get(id) for id in alone) + len(spark.keys() - alone.keys())


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=pathlib.Path, default=ROOT / "build" / "bench" / "work")
    parser.add_argument("--data", type=pathlib.Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--model", type=pathlib.Path, default=ROOT / "models" / "stars-en")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--sample", type=int, default=2_000, help="rows for the peer; 0 leaves it out")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--preload", action="store_true", help="one executor of two tasks, whose workers have the model from filbert.spark_daemon")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    return options


def main():
    import spark_sessions

    options = parse_options()
    if spark_sessions.why_not():
        sys.exit(f"bench/spark.py: {spark_sessions.why_not()}")
    from filbert.spark import Metrics

    files = make_files(options)
    settings = {"spark_executor_memory": "1g", "spark_sql_files_maxPartitionBytes": "1m", "spark_sql_files_openCostInBytes": "1m"}
    if options.preload:
        settings |= {"spark_python_daemon_module": "filbert.spark_daemon", "spark_executorEnv_FILBERT__SPARK__PRELOAD": options.model,
                     "spark_executorEnv_FILBERT__SPARK__DTYPE": options.dtype}
    executors = "1,2" if options.preload else "2,1"
    spark = spark_sessions.session(f"local-cluster[{executors},{EXECUTOR_MB}]", options.work / "spark", **settings)
    found = {"two processes": [], "filbert": [], "transformers": []}
    df = spark.read.parquet(str(files))
    few = df.where(f"id < {options.sample}").repartition(2).cache()
    rows = spark.createDataFrame([(id, "a good book") for id in range(8)], "id long, text string").repartition(8).cache()
    rows.mapInArrow(rows_only, rows.schema).collect()
    memory = {"no model": memory_of_workers(of_model=False)}
    by_filbert(rows, options).collect()  # both executors load their model
    memory["one text"] = memory_of_workers()
    for number in range(options.rounds):
        found["two processes"].append(two_processes(options, files))
        metrics = Metrics(spark)
        found["filbert"].append(job(options, df, options.rows, functools.partial(by_filbert, metrics=metrics), "filbert"))
        if metrics.rows != options.rows:
            sys.exit(f"bench/spark.py: expected {options.rows} rows in the metrics, found {metrics.rows}")
        memory["all texts"] = memory_of_workers()
        print(f"round {number + 1}: {', '.join(f'{name} {rates[-1]:.0f}' for name, rates in found.items() if rates)} rows/s", file=sys.stderr, flush=True)
    if options.sample:
        by_transformers(few.limit(64).repartition(8), options).collect()
        for _ in range(options.rounds):
            found["transformers"].append(job(options, few, options.sample, by_transformers, "transformers"))
    spark.stop()
    report(options, found, memory, metrics.tokens / options.rows, *compare(options))


def report(options, found, memory, tokens, rows, different):
    medians = {name: statistics.median(rates) for name, rates in found.items() if rates}
    ratios = {"of two processes": medians["filbert"] / medians["two processes"]}
    if "transformers" in medians:
        ratios["times the pandas UDF"] = medians["filbert"] / medians["transformers"]
    print(f"{options.model.name}, {options.dtype}, {options.rows} rows, medians of {options.rounds}: " +
          ", ".join(f"{name} {rate:.0f} rows/s" for name, rate in medians.items()))
    print(f"  {tokens:.1f} tokens a row: {medians['filbert'] * tokens:.0f} tokens/s")
    for name, ratio in ratios.items():
        print(f"  {ratio:.2f} {name}, {'met' if ratio >= GOALS[name] else 'not met'}, the goal is {GOALS[name]}")
    print(f"  {different} of {rows} rows differ from those without Spark")
    for when, workers in memory.items():
        for worker in workers:
            print(f"  {when}: " + ", ".join(f"{name} {worker[name] / 1024:.1f} MiB" for name in ("rss", "pss", "private", "file rss", "file pss")) +
                  f", inode {' '.join(worker['inode'])}")
    kept = {"rows": options.rows, "sample": options.sample, "rounds": options.rounds, "model": str(options.model), "dtype": options.dtype,
            "preload": options.preload, "rates": found, "tokens a row": tokens,
            "medians": medians, "ratios": ratios, "different": different, "memory": memory}
    (options.work / "spark.json").write_text(json.dumps(kept, indent=1) + "\n")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
