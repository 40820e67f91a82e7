"""The engines that take turns: Filbert, a process a turn, and the peers, each a process that lives through all of them."""

import json
import os
import pathlib
import subprocess

RIVAL = pathlib.Path(__file__).resolve().parent / "rivals" / "rival.py"
TICKS = os.sysconf("SC_CLK_TCK")


def run_measured(command, environment):
    """(output, its rusage), or a RuntimeError with what the program said."""
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    output, errors = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(errors.strip().split("\n")[0].removeprefix("filbert: ") or f"exit code {process.returncode}")
    return output, usage


def machine_cpu_seconds():
    """What all CPUs have worked since the start, and what a host has taken from them."""
    user, nice, system, _, _, *rest = map(int, pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:9])
    return (user + nice + system + sum(rest)) / TICKS


class Filbert:
    """`bench` names the program, the checkpoint, the workloads and the environment."""

    def __init__(self, bench, dtype, threads, checkpoint=None):
        self.bench, self.threads = bench, threads
        self.cpu_seconds_ = 0.0
        self.options = ["--model", str(checkpoint or bench.checkpoint), "--threads", str(threads)] + (["--dtype", dtype] if dtype != "f32" else [])

    def ask(self, workload, length_sorted, repeat, setting):
        command = [self.bench.filbert, "bench", *self.options, "--ids", str(self.bench.ids(workload)), "--repeat", str(repeat)]
        output, usage = run_measured(command, self.bench.environment)
        self.cpu_seconds_ += usage.ru_utime + usage.ru_stime
        return json.loads(output) | dict(peak_bytes=usage.ru_maxrss * 1024)

    def cpu_seconds(self):
        return self.cpu_seconds_

    def first_logits(self, workload):
        line = self.bench.ids(workload).read_text().split("\n")[0]
        command = [self.bench.filbert, "classify", *self.options, "--input-format", "jsonl", "--format", "json"]
        done = subprocess.run(command, input=line, env=self.bench.environment, check=True, capture_output=True, text=True)
        return json.loads(done.stdout)["logits"]

    def close(self):
        pass


class Peer:
    """A process of rival.py. `not_run` is the reason if it cannot run this checkpoint in this dtype on this machine."""

    def __init__(self, bench, engine, dtype, threads):
        self.bench, self.log = bench, open(bench.work / f"{engine}-{dtype}.log", "w")
        command = [bench.venv, RIVAL, engine, bench.checkpoint, str(threads), dtype]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, text=True)
        greeting = self.answer()
        self.not_run = greeting.get("not_run")
        if not self.not_run:
            bench.store.drop(group="versions", engine=engine)
            bench.store.add(group="versions", engine=engine, versions=greeting["versions"])

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.log.name}: the peer ended; its last words are there")
        return json.loads(line)

    def ask(self, workload, length_sorted, repeat, setting):
        request = dict(ids=str(self.bench.ids(workload)), length_sorted=length_sorted, every=self.bench.args.sample, repeat=repeat,
                       setting=setting)
        print(json.dumps(request), file=self.process.stdin, flush=True)
        return self.answer()

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def close(self):
        self.process.stdin.close()
        self.process.wait()
