#!/usr/bin/env python3
"""Times `filbert serve` beside a server of onnxruntime on the loopback, and holds the figures against the project's goals; tools/bench --serve
calls it.

Both servers live through all rounds and take turns; a turn's warm-up is not counted. Every answer is compared with the library's: Filbert's
bit for bit, onnxruntime's to 1e-3. Clients are one thread of serve_load, which shares the machine's CPUs with the server.
"""

import argparse
import contextlib
import datetime
import http.client
import json
import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import goals
import run
import serve_goals
from serve_texts import Workload

ROOT = run.ROOT
REVIEWS = run.DATA / "womens_clothing_stars" / "all.tsv.gz"
PARTS = ["throughput", "one", "idle", "explain", "overload"]
# texts of the workload; seconds of a turn that are not counted, and that are. A request to the slower server waits for 20 s.
TURNS = {"stars-en": (768, 4, 12), "bert-base": (256, 16, 40)}
ONE_TEXT_TOKENS = [8, 38, 128]
TOLERANCE = 1e-3  # of the other server's scores: a check that it runs the same model
EXPLAIN_LOAD, OVERLOAD = 0.3, 2.0  # of what the server carries
DEADLINE_S = 30
MOST_CONNECTIONS = 4096  # of an open loop
START_SECONDS = 120
EXPLAINED = "The film was not as good as the book but the acting of two young women made it worth seeing"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A process that listens. `command` has {port} where its port belongs."""

    def __init__(self, name, command, bench):
        self.name, self.port = name, free_port()
        self.log = open(bench.work / f"server-{name}.log", "w")
        words = [str(word).replace("{port}", str(self.port)) for word in command]
        self.process = subprocess.Popen(words, env=bench.environment, stdout=subprocess.PIPE, stderr=self.log, text=True)
        deadline = time.monotonic() + START_SECONDS
        while not self.listens():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.log.name}: the server does not listen; its last words are there")
            time.sleep(0.05)

    def listens(self):
        with contextlib.suppress(OSError), contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)) as connection:
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        return False

    def status(self, key):
        """Of /proc: "VmRSS" in bytes, "Threads"."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(key + ":"):
                return int(line.split()[1]) * (1024 if line.endswith("kB") else 1)
        raise KeyError(key)

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.log.close()


class ServeBench:
    def __init__(self, args):
        self.args, self.records, self.started = args, [], time.monotonic()
        self.work, self.filbert, self.serve_load = args.build / "work", args.build / "filbert", args.build / "serve_load"
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("FILBERT_")}
        self.workloads, self.peak = {}, {}
        (self.work / "serve").mkdir(exist_ok=True)

    def say(self, text):
        print(f"{time.monotonic() - self.started:5.0f} s  {text}", file=sys.stderr, flush=True)

    def checkpoint(self, model):
        return self.work / "checkpoints" / model

    def workload(self, model):
        if model not in self.workloads:
            from lengths import mixed_lengths  # needs numpy, which --help does without
            reviews = REVIEWS if model == "stars-en" and REVIEWS.exists() else None
            lengths = mixed_lengths(TURNS[model][0])
            self.workloads[model] = Workload(self.filbert, self.checkpoint(model), reviews, lengths, self.work / "serve", model, self.environment)
        return self.workloads[model]

    def model(self, model):
        return ["--model", str(self.checkpoint(model)), "--threads", str(self.args.threads)]

    def start_filbert(self, model):
        return contextlib.closing(Server("filbert", [self.filbert, "serve", *self.model(model), "--port", "{port}", *self.args.serve_option], self))

    def start_onnxruntime(self, model):
        command = [sys.executable, ROOT / "bench" / "rivals" / "onnxruntime_server.py", self.checkpoint(model), self.args.threads, "{port}"]
        return contextlib.closing(Server("onnxruntime", command, self))

    def load(self, server, requests, **options):
        """A run of serve_load against the server."""
        if server.name != "filbert":
            options["tolerance"] = TOLERANCE
        words = [word for name, value in options.items() for word in [f"--{name}", str(value)]]
        output, _ = run.run_measured([self.serve_load, "run", requests, "--port", str(server.port), *words], self.environment)
        load = json.loads(output)
        for problem in load["problems"]:
            self.say(f"{server.name}: {problem}")
        if load["wrong"] and server.name != "filbert":
            raise RuntimeError(f"{server.name} answers {load['problems'][0]}: not the same model")
        return load

    def measure(self, command):
        """The JSON of a program of ours."""
        return json.loads(run.run_measured(command, self.environment)[0])

    def throughput(self, model):
        workload, (_, warmup, seconds) = self.workload(model), TURNS[model]
        with self.start_onnxruntime(model) as rival, self.start_filbert(model) as filbert:
            versions = json.loads(rival.process.stdout.readline())["versions"]
            self.records.append(dict(group="versions", versions=versions))
            for round in range(self.args.rounds):
                for server in [filbert, rival]:
                    load = self.load(server, workload.requests, connections=serve_goals.CLIENTS, warmup=warmup, seconds=seconds, timeout=120)
                    self.records.append(dict(group="throughput", model=model, engine=server.name, round=round, load=load))
                    self.say(f"{model}, round {round}: {server.name} {load['texts_per_s']:.1f} texts/s, {load['tokens_per_s']:.0f} tokens/s, "
                             f"p99 {load['latency_ms']['200']['p99']:.0f} ms")
                bench = self.measure([self.filbert, "bench", *self.model(model), "--ids", workload.ids, "--repeat", "1"])
                tokens_per_s = bench["tokens"] / bench["seconds"][0]
                self.records.append(dict(group="throughput", model=model, engine="bench", round=round, tokens_per_s=tokens_per_s,
                                         kernels=bench["kernels"]))
                self.say(f"{model}, round {round}: filbert bench {tokens_per_s:.0f} tokens/s")

    def one(self):
        workload = self.workload("stars-en")
        with self.start_filbert("stars-en") as server:
            for round in range(self.args.rounds):
                for tokens in ONE_TEXT_TOKENS:
                    requests = workload.one_text(tokens)
                    load = self.load(server, requests, connections=1, warmup=0.5, seconds=3)
                    command = [self.serve_load, "library", requests, *self.model("stars-en"), "--warmup", "0.5", "--seconds", "3"]
                    library = self.measure(command)["p50"]
                    self.records.append(dict(group="one", engine="filbert", tokens=tokens, round=round, load=load, library_ms=library))
                    self.say(f"one in flight, {tokens} tokens, round {round}: {load['latency_ms']['200']['p50']:.3f} ms, library {library:.3f} ms")

    def idle(self):
        requests, clients = self.workload("stars-en").requests, serve_goals.CLIENTS
        with self.start_filbert("stars-en") as server:
            self.load(server, requests, connections=clients, warmup=0, seconds=3)  # scratch memory is there
            before = {key: server.status(key) for key in ["VmRSS", "Threads"]}
            command = [self.serve_load, "hold", "/health", "--port", str(server.port), "--connections", str(serve_goals.IDLE_CONNECTIONS)]
            holder = subprocess.Popen(command, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            held = json.loads(holder.stdout.readline())["held"]
            time.sleep(1)
            after = {key: server.status(key) for key in ["VmRSS", "Threads"]}
            load = self.load(server, requests, connections=clients, warmup=1, seconds=5)
            answered = json.loads(holder.communicate()[0])["answered"]
        self.records.append(dict(group="idle", engine="filbert", held=held, answered=answered, load=load, rss_before=before["VmRSS"],
                                 rss_after=after["VmRSS"], threads_before=before["Threads"], threads_after=after["Threads"]))
        self.say(f"idle: {held} held, {(after['VmRSS'] - before['VmRSS']) / 1e6:.1f} MB, {before['Threads']} then {after['Threads']} threads, "
                 f"{answered} answered when asked again")

    def carried(self, server):
        """What the server carries in a closed loop, measured where it is needed: the JSON of serve_load."""
        return self.load(server, self.workload("stars-en").requests, connections=serve_goals.CLIENTS, warmup=3, seconds=8)

    def explain(self):
        with self.start_filbert("stars-en") as server:
            rate = EXPLAIN_LOAD * self.carried(server)["texts_per_s"]
            for round in range(self.args.rounds):
                for beside in [False, True]:
                    load, statuses = self.load_beside_explanations(server, rate, round, beside)
                    if set(statuses) - {200, 408}:  # 408: predictions left it no time
                        return self.records.append(dict(group="explain", not_run=f"/explain answers {statuses[-1]}"))
                    self.records.append(dict(group="explain", engine="filbert", beside=beside, round=round, load=load, explained=statuses.count(200)))
                    of_answers = load["latency_ms"]["200"]
                    self.say(f"{'beside' if beside else 'without'} explanations, round {round}: p50 {of_answers['p50']:.1f} ms, "
                             f"p99 {of_answers['p99']:.1f} ms; {statuses.count(200)} of them")

    def load_beside_explanations(self, server, rate, seed, beside):
        statuses, ended = [], threading.Event()
        thread = threading.Thread(target=explain_until, args=(server.port, ended, statuses))
        if beside:
            thread.start()
        load = self.load(server, self.workload("stars-en").requests, connections=256, rate=rate, warmup=1, seconds=10, seed=seed)
        ended.set()
        if beside:
            thread.join()
        return load, statuses

    def overload(self):
        requests, seconds = self.workload("stars-en").requests, self.args.overload
        with self.start_filbert("stars-en") as server:
            peak = self.carried(server)
            memory, ended = [], threading.Event()

            def sample():
                while not ended.wait(min(1, seconds / 60)):
                    memory.append(server.status("VmRSS"))

            thread = threading.Thread(target=sample)
            thread.start()
            load = self.load(server, requests, connections=MOST_CONNECTIONS, rate=OVERLOAD * peak["texts_per_s"], warmup=5, seconds=seconds,
                             window=max(1, seconds / 30))
            ended.set()
            thread.join()
            after = self.carried(server)
        self.records.append(dict(group="overload", engine="filbert", load=load, peak_tokens_per_s=peak["tokens_per_s"],
                                 after_tokens_per_s=after["tokens_per_s"], rss=memory, deadline_s=DEADLINE_S))
        counts = ", ".join(f"{each['count']} of status {status}" for status, each in load["latency_ms"].items())
        self.say(f"overload: {load['texts_per_s']:.1f} texts/s of {peak['texts_per_s']:.1f}, afterwards {after['texts_per_s']:.1f}; {counts}")


def explain_until(port, ended, statuses):
    """One explanation after the other; their statuses."""
    while not ended.is_set():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            with contextlib.closing(connection):
                connection.request("POST", "/explain", json.dumps({"text": EXPLAINED}), {"Content-Type": "application/json"})
                answer = connection.getresponse()
                answer.read()
            statuses.append(answer.status)
        except OSError as error:  # no answer at all
            statuses.append(str(error))
        if statuses[-1] not in (200, 408):
            return


def heading(results):
    machine = results["machine"]
    return (f"{results['date']}, {results['commit']}: tools/bench --serve, {results['threads']} threads, kernels {results['kernels']}, "
            f"medians of {results['rounds']} rounds; {machine['cpu']}, {machine['threads']} CPUs ({' '.join(machine['has'])}), {machine['memory_gib']} GiB; "
            + ", ".join(f"{name} {version}" for name, version in sorted(results["versions"].items())))


def arguments():
    parser = argparse.ArgumentParser(prog="tools/bench --serve", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=PARTS, action="append", help="this part alone; may be given more than once")
    parser.add_argument("--models", choices=list(TURNS), nargs="+", default=list(TURNS), help="of the part throughput")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--overload", type=float, default=60, metavar="SECONDS", help="how long twice the load is kept up; the goal is for 300")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--serve-option", action="append", default=[], metavar="WORD", help="a word more for filbert serve")
    parser.add_argument("--log", action="store_true", help="append the figures to bench/LOG.md")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "bench", help=argparse.SUPPRESS)
    return parser.parse_args()


def main():
    args = arguments()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    bench = ServeBench(args)
    shutil.copytree(ROOT / "models" / "stars-en", bench.checkpoint("stars-en"), dirs_exist_ok=True)
    for part in args.only or PARTS:
        for model in args.models if part == "throughput" else [None]:
            getattr(bench, part)(*[model] * (model is not None))
    versions = {name: version for record in goals.find(bench.records, group="versions") for name, version in record["versions"].items()}
    kernels = sorted({record["kernels"] for record in bench.records if "kernels" in record})
    results = dict(date=datetime.date.today().isoformat(), commit=run.commit(), machine=run.machine(), threads=args.threads,
                   rounds=args.rounds, kernels=", ".join(kernels) or "not asked", versions=versions, records=bench.records,
                   table=serve_goals.rows(bench.records))
    (args.build / "results-serve.json").write_text(json.dumps(results, indent=1) + "\n")
    table = f"{heading(results)}\n\n{goals.markdown(results['table'])}"
    (args.build / "results-serve.md").write_text(table)
    print(table, end="")
    if args.log:
        run.append_to_log(heading(results), results["table"])


if __name__ == "__main__":
    main()
