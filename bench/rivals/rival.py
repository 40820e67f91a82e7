"""A peer in a process of its own: rival.py ENGINE CHECKPOINT THREADS DTYPE; ENGINE_rival.py beside it is the peer.

Says {"ready": true, "versions"} or {"not_run": reason}. Then answers each line of standard input,
{"ids": FILE, "length_sorted": false, "every": K, "repeat": R, "setting": NAME or none}, by {"seconds": [R numbers], "setting", "logits"}:
each Kth batch is run, and its seconds stand for all batches by the tokens in them, padding included; "logits" are those of
the first row that ran.
"""

import importlib
import importlib.metadata
import json
import os
import statistics
import sys
import time

from batches import in_batches, read_rows

TRIAL_BATCHES = 2


def seconds_of(run, batches):
    start = time.perf_counter()
    run(batches)
    return time.perf_counter() - start


def fastest(settings, batches):
    """The name of the setting that is fastest on the first batches, after a run to warm up."""
    if len(settings) == 1:
        return next(iter(settings))
    trial = batches[:TRIAL_BATCHES]
    times = {}
    for name, run in settings.items():
        run(trial)
        times[name] = statistics.median(seconds_of(run, trial) for _ in range(3 if len(batches) == 1 else 1))
    return min(times, key=times.get)


def answer(settings, seen, ids, length_sorted, every, repeat, setting=None):
    """Without a `setting` the fastest is looked for. `seen` keeps the workloads that have been run before, and with which."""
    batches = in_batches(read_rows(ids), length_sorted)
    sample = batches[every // 2::every] if len(batches) > 1 else batches
    stands_for = sum(batch["input_ids"].size for batch in batches) / sum(batch["input_ids"].size for batch in sample)
    workload = (ids, length_sorted)
    if workload not in seen:
        seen[workload] = setting or fastest(settings, sample)
        settings[seen[workload]](sample)  # every shape has been seen now
    run = settings[seen[workload]]
    logits = run(sample[:1])[0][0].tolist()  # also warms up after the others' turns
    seconds = [stands_for * seconds_of(run, sample) for _ in range(repeat)]
    return dict(seconds=seconds, setting=seen[workload], logits=logits)


def main(engine, checkpoint, threads, dtype):
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what packages print is no answer

    def say(**line):
        print(json.dumps(line), file=answers, flush=True)

    module = importlib.import_module(engine + "_rival")
    try:
        settings = module.load(checkpoint, int(threads), dtype)
    except NotImplementedError as reason:
        return say(not_run=str(reason))
    say(ready=True, versions={name: importlib.metadata.version(name) for name in module.PACKAGES})
    seen = {}
    for line in sys.stdin:
        say(**answer(settings, seen, **json.loads(line)))


if __name__ == "__main__":
    main(*sys.argv[1:])
