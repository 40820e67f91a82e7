#!/usr/bin/env python3
"""Times Filbert beside its peers, in turns, and holds the figures against the project's goals; tools/bench calls it.

Every figure is the median of --rounds rounds; in a round each engine has its turn, with the same number of runs, of which
the median counts. Filbert's turn is a process, `filbert bench`, with a warm-up of its own; the peers' processes live on.
Measurements are kept in BUILD/work and are not repeated: a run that was cut short goes on where it stopped. They begin anew
when the program, the machine or an option that matters is another.
"""

import argparse
import datetime
import hashlib
import json
import os
import pathlib
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import goals
from engines import Filbert, Peer, machine_cpu_seconds, run_measured

ROOT = pathlib.Path(__file__).resolve().parents[1]
RIVALS = ROOT / "bench" / "rivals"
DATA = ROOT.parent / "shared" / "data"  # real texts, where they are to be had
PEERS = ["onnxruntime", "openvino", "torch"]
PARTS = ["shapes", "mixed", "matmul", "threads", "start", "memory", "accuracy", "tokenizer"]
SHAPES = {"1x8": 20, "1x32": 10, "1x128": 5, "8x128": 3}  # workload: runs of a turn
SENTENCE = "I really love this book"
STARTS = 11
PAUSE_SECONDS = 0.3  # between turns: threads of the engine before stop spinning
OUT_OF_TIME = 75     # exit code, EX_TEMPFAIL
LARGEST_DIFFERENCE = 1e-3  # of two engines' logits in f32: a check that they run the same model, no measure of accuracy


class OutOfTime(Exception):
    pass


class Store:
    """The measurements so far, a JSON line each; the first line is the context in which they were made."""

    def __init__(self, path, context, fresh):
        self.path, self.records = path, []
        if path.exists() and not fresh:
            head, *lines = [json.loads(line) for line in path.read_text().splitlines()]
            if head == context:
                self.records = lines
        self.context = context
        self.rewrite()

    def rewrite(self):
        self.path.write_text("".join(json.dumps(line) + "\n" for line in [self.context, *self.records]))

    def add(self, **record):
        self.records.append(record)
        with open(self.path, "a") as file:
            file.write(json.dumps(record) + "\n")

    def drop(self, **keys):
        """Those that will be measured again."""
        gone = goals.find(self.records, **keys)
        self.records = [record for record in self.records if record not in gone]
        self.rewrite()

    def find(self, **keys):
        return goals.find(self.records, **keys)


class Bench:
    def __init__(self, args):
        self.args = args
        self.work = args.build / "work"
        self.filbert = str(args.build / "filbert")
        self.venv = self.work / "venv" / "bin" / "python"
        self.checkpoint = self.work / "checkpoints" / args.checkpoint
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("FILBERT_")}
        if args.kernels:
            self.environment["FILBERT_KERNELS"] = args.kernels
        self.context = dict(program=hashlib.sha256(pathlib.Path(self.filbert).read_bytes()).hexdigest(), machine=machine(),
                            checkpoint=args.checkpoint, threads=args.threads, kernels=args.kernels)
        self.store = Store(self.work / f"measurements-{args.checkpoint}.jsonl", self.context, args.fresh)
        self.engines = {}
        self.started = time.monotonic()

    def ids(self, workload):
        return self.work / "workloads" / f"{workload}.jsonl"

    def engine(self, name, dtype, threads):
        if (name, dtype, threads) not in self.engines:
            self.engines[name, dtype, threads] = Filbert(self, dtype, threads) if name == "filbert" else Peer(self, name, dtype, threads)
        return self.engines[name, dtype, threads]

    def close(self):
        while self.engines:
            self.engines.popitem()[1].close()

    def say(self, text):
        print(f"{time.monotonic() - self.started:5.0f} s  {text}", file=sys.stderr, flush=True)

    def runs(self, dtype):
        """Whether Filbert runs this checkpoint in `dtype` here; if not, the reason is a record."""
        self.store.drop(engine="filbert", dtype=dtype, group="dtype")
        try:
            self.engine("filbert", dtype, self.args.threads).ask("1x8", False, 1, None)
        except RuntimeError as reason:
            missing = 'unknown option "--dtype"' in str(reason)
            said = f"this version of Filbert has no {dtype}" if missing else str(reason).replace(f"{self.checkpoint}/", "")
            self.store.add(group="dtype", engine="filbert", dtype=dtype, not_run=said)
            return False
        return True

    def turn(self, group, engine, workload, dtype, length_sorted, repeat, threads, round):
        """One engine's turn, unless it has been taken before; taken again as long as others disturb it too much."""
        where = dict(group=group, engine=engine, workload=workload, dtype=dtype, length_sorted=length_sorted, threads=threads)
        if self.store.find(**where, round=round):
            return
        instance = self.engine(engine, dtype, threads)
        if getattr(instance, "not_run", None):
            self.store.drop(group="dtype", engine=engine, dtype=dtype)
            self.store.add(group="dtype", engine=engine, dtype=dtype, not_run=instance.not_run)
            return
        before = self.store.find(**where)
        while True:
            if self.args.seconds and time.monotonic() - self.started + (before[-1]["took"] if before else 0) > self.args.seconds:
                raise OutOfTime
            time.sleep(PAUSE_SECONDS)
            answer, took, others = self.observed(instance, workload, length_sorted, repeat, before[-1].get("setting") if before else None)
            seconds = statistics.median(answer["seconds"])
            self.say(f"{group} {workload}{' sorted' if length_sorted else ''} {dtype} {threads} threads, round {round}: {engine} "
                     f"{goals.duration(seconds)} {answer.get('setting', '')}; others had {100 * others:.0f} %")
            if others <= self.args.undisturbed:
                break
        if engine != "filbert" and dtype == "f32" and workload in SHAPES and round == 0:
            self.check(engine, workload, answer["logits"])
        kept = {key: answer[key] for key in ["setting", "kernels", "peak_bytes", "tokens"] if key in answer}
        self.store.add(**where, round=round, seconds=seconds, took=took, others=others, sample=self.args.sample, **kept)

    def observed(self, instance, *request):
        """(its answer, how long it took, the share of the CPUs that others had meanwhile)"""
        started, all_before, own_before = time.monotonic(), machine_cpu_seconds(), instance.cpu_seconds()
        answer = instance.ask(*request)
        took = time.monotonic() - started
        others = machine_cpu_seconds() - all_before - (instance.cpu_seconds() - own_before)
        return answer, took, max(0.0, others / took / os.cpu_count())

    def check(self, engine, workload, logits):
        ours = self.engine("filbert", "f32", self.args.threads).first_logits(workload)
        difference = max(abs(a - b) for a, b in zip(ours, logits, strict=True))
        if difference > LARGEST_DIFFERENCE:
            raise RuntimeError(f"{workload}: {engine}'s logits {logits} are not Filbert's {ours}: not the same model")

    def shapes(self, dtype):
        for workload, repeat in SHAPES.items():
            for round in range(self.args.rounds):
                for engine in ["filbert", *self.args.engines]:
                    self.turn("shapes", engine, workload, dtype, False, repeat, self.args.threads, round)

    def mixed(self, dtype):
        for other in {record["sample"] for record in self.store.find(group="mixed", dtype=dtype)} - {self.args.sample}:
            self.store.drop(group="mixed", dtype=dtype, sample=other)
        for round in range(self.args.rounds):
            self.turn("mixed", "filbert", "mixed", dtype, False, 1, self.args.threads, round)
            for length_sorted in [False, True]:
                for engine in self.args.engines:
                    self.turn("mixed", engine, "mixed", dtype, length_sorted, 1, self.args.threads, round)

    def threads(self, dtype):
        if len(os.sched_getaffinity(0)) < 2:
            self.store.drop(group="threads")
            return self.store.add(group="threads", not_run="this machine gives one thread")
        for workload in ["8x128", "mixed-4096"]:
            for round in range(self.args.rounds):
                for threads in [1, 2]:
                    self.turn("threads", "filbert", workload, dtype, False, 3, threads, round)

    def memory(self, dtype):
        self.store.drop(group="memory", dtype=dtype)
        engine = Filbert(self, dtype, self.args.threads, self.quantized() if dtype == "int8" else None)
        for _ in range(3):
            answer = engine.ask("mixed-4096", False, 1, None)
            self.store.add(group="memory", engine="filbert", dtype=dtype, peak_bytes=answer["peak_bytes"],
                           weight_bytes=(self.checkpoint / "model.safetensors").stat().st_size)

    def quantized(self):
        directory = self.checkpoint.with_name(self.checkpoint.name + "-int8")
        shutil.rmtree(directory, ignore_errors=True)  # an earlier program may have made it
        run_measured([self.filbert, "quantize", str(self.checkpoint), str(directory)], self.environment)
        return directory

    def start(self):
        self.store.drop(group="start")
        threads = ["--threads", str(self.args.threads)]
        for _ in range(STARTS):
            for model, options in [("built-in", []), ("checkpoint", ["--model", str(self.checkpoint)])]:
                started = time.perf_counter()
                run_measured([self.filbert, "classify", *threads, *options, SENTENCE], self.environment)
                self.store.add(group="start", model=model, seconds=time.perf_counter() - started)

    def matmul(self):
        """The program of that name for each set of kernels: it holds oneDNN to the same instructions, OpenBLAS is held here."""
        self.store.drop(group="matmul")
        version, _ = run_measured([self.filbert, "--version"], self.environment)
        available = version.split("kernels:")[1].split()
        for kernels in dict.fromkeys(kernels for kernels, *_ in goals.GEMM):
            if kernels not in available:
                self.store.add(group="matmul", kernels=kernels, not_run=f"this CPU has no {kernels}")
                continue
            environment = self.environment | dict(FILBERT_KERNELS=kernels, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1",
                                                  OPENBLAS_CORETYPE="SkylakeX" if kernels.startswith("avx512") else "Haswell")
            environment.pop("OPENBLAS_L2_SIZE", None)
            output, _ = run_measured([str(self.args.build / "matmul"), "--rounds", str(self.args.rounds)], environment)
            self.store.add(group="matmul", kernels=kernels, lines=[json.loads(line) for line in output.splitlines()])

    def tokenizer(self):
        self.store.drop(group="tokenizer")
        script, program = RIVALS / "tokenizers_rival.py", self.args.build / "tokenizer"
        for needed in [script, program, DATA]:
            if not needed.exists():
                return self.store.add(group="tokenizer", not_run=f"{os.path.relpath(needed, ROOT)} is not there")
        command = [self.venv, script, program, DATA, "--rounds", str(self.args.rounds), "--threads", "1"]
        output, _ = run_measured(command, self.environment)
        for corpus, figures, ratio in re.findall(r"^(\w+) .*?(filbert .*?) +ratio +([\d.]+)", output, re.M):
            self.store.add(group="tokenizer", corpus=corpus, ratio=float(ratio), figures=" ".join(figures.split()))

    def accuracy(self):
        self.store.drop(group="accuracy")
        if not DATA.exists():
            return self.store.add(group="accuracy", not_run=f"{os.path.relpath(DATA, ROOT)} is not there")
        if self.runs("int8"):
            with tempfile.TemporaryDirectory() as folder:
                run_measured([self.filbert, "quantize", ROOT / "models" / "stars-en", f"{folder}/int8"], self.environment)
                output, _ = run_measured([sys.executable, ROOT / "bench" / "dtype_accuracy.py", self.filbert, DATA, f"{folder}/int8"], self.environment)
            self.store.add(group="accuracy", **json.loads(output))


def machine():
    """What decides the figures, and what of it this benchmark asks for."""
    cpuinfo = pathlib.Path("/proc/cpuinfo").read_text() if pathlib.Path("/proc/cpuinfo").exists() else ""
    model = re.search(r"^model name\s*: (.+)$", cpuinfo, re.M)
    flags = re.search(r"^(?:flags|Features)\s*: (.+)$", cpuinfo, re.M)
    has = [flag for flag in ["avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_tile", "asimddp", "bf16"]
           if flags and flag in flags[1].split()]
    return dict(cpu=model[1] if model else platform.machine(), threads=len(os.sched_getaffinity(0)), has=has,
                memory_gib=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1))


def commit():
    def git(*words):
        return subprocess.run(["git", "-C", ROOT, *words], capture_output=True, text=True).stdout.strip()
    changed = bool(git("status", "--porcelain", "--untracked-files=no"))
    return git("rev-parse", "--short", "HEAD") + (" with changes" if changed else "")


def measure(bench, parts):
    """Every part asked for; the dtypes in turn, so that the peers of only one are in memory."""
    for dtype in bench.args.dtypes:
        if {"shapes", "mixed", "threads", "memory"} & set(parts) and bench.runs(dtype):
            for part in ["shapes", "mixed"]:
                if part in parts:
                    getattr(bench, part)(dtype)
            bench.close()
            if "threads" in parts and dtype == "f32":
                bench.threads(dtype)
            if "memory" in parts and dtype != "bf16":
                bench.memory(dtype)
    for part in ["start", "matmul", "tokenizer", "accuracy"]:
        if part in parts:
            bench.say(part)
            getattr(bench, part)()


def heading(results):
    context, machine = results["context"], results["context"]["machine"]
    sample = max((record["sample"] for record in goals.find(results["records"], group="mixed")), default=1)
    sampled = f"; of mixed lengths the peers ran 1 in {sample} batches" if sample > 1 else ""
    others = [record["others"] for record in results["records"] if "others" in record]
    others = f"; others had {100 * statistics.mean(others):.0f} % of the CPUs in the mean of its turns" if others else ""
    return (f"{results['date']}, {results['commit']}: {context['checkpoint']}, {context['threads']} threads, kernels {results['kernels']}, "
            f"medians of {results['rounds']} rounds{sampled}{others}; {machine['cpu']}, {machine['threads']} CPUs ({' '.join(machine['has'])}), "
            f"{machine['memory_gib']} GiB; " + ", ".join(f"{name} {version}" for name, version in sorted(results["versions"].items())))


def append_to_log(title, table):
    """What was measured, a line a goal, to bench/LOG.md."""
    lines = [f"\n## {title}\n\n"]
    for row in table:
        if row["status"] != "not run":
            measured = f"{goals.number(row['measured'])} {row['unit']}".rstrip()
            lines.append(f"- {row['what']}{', ' + row['dtype'] if row['dtype'] else ''}: {measured}, {goals.status_text(row)}"
                         f"{': ' + row['figures'] if row['figures'] else ''}\n")
    with open(ROOT / "bench" / "LOG.md", "a") as file:
        file.writelines(lines)


def arguments():
    parser = argparse.ArgumentParser(prog="tools/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=PARTS, action="append", help="this part alone; may be given more than once")
    parser.add_argument("--dtypes", choices=goals.DTYPES, nargs="+", default=goals.DTYPES)
    parser.add_argument("--engines", choices=PEERS, nargs="*", default=PEERS, help="the peers to compare with")
    parser.add_argument("--checkpoint", default="bert-base", help="or bert-large, minilm-l6, distilbert; the goals are those of bert-base")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kernels", help="sets FILBERT_KERNELS")
    parser.add_argument("--sample", type=int, default=1, metavar="K",
                        help="of mixed lengths the peers run each Kth batch, and their time is scaled by the tokens in them")
    parser.add_argument("--seconds", type=float, help=f"stop after about so long with exit code {OUT_OF_TIME}; the same command goes on")
    parser.add_argument("--undisturbed", type=float, default=1.0, metavar="SHARE",
                        help="repeat a turn during which others had more than this share of the CPUs; default: 1, never")
    parser.add_argument("--fresh", action="store_true", help="forget what has been measured")
    parser.add_argument("--log", action="store_true", help="append the figures to bench/LOG.md")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "bench", help=argparse.SUPPRESS)
    return parser.parse_args()


def main():
    args = arguments()
    bench = Bench(args)
    code = 0
    try:
        measure(bench, args.only or PARTS)
    except OutOfTime:
        bench.say("out of time; the same command goes on from here")
        code = OUT_OF_TIME
    finally:
        bench.close()
    records = bench.store.records
    kernels = sorted({record["kernels"] for record in records if record.get("engine") == "filbert" and "kernels" in record})
    versions = {name: version for record in bench.store.find(group="versions") for name, version in record["versions"].items()}
    results = dict(date=datetime.date.today().isoformat(), commit=commit(), rounds=args.rounds, kernels=", ".join(kernels) or "none",
                   context=bench.context, versions=versions, records=records, table=goals.rows(records))
    name = "results" if args.checkpoint == "bert-base" else f"results-{args.checkpoint}"
    (args.build / f"{name}.json").write_text(json.dumps(results, indent=1) + "\n")
    table = f"{heading(results)}\n\n{goals.markdown(results['table'])}"
    (args.build / f"{name}.md").write_text(table)
    print(table, end="")
    if args.log and code == 0:
        append_to_log(heading(results), results["table"])
    return code


if __name__ == "__main__":
    sys.exit(main())
