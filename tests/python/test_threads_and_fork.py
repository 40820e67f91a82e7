"""Many threads at once, and children of fork(): multiprocessing, and a server of gunicorn that loads the model first."""

import concurrent.futures
import importlib.util
import multiprocessing
import os
import pathlib
import subprocess
import sys
import textwrap
import threading
import time
import urllib.request

import pytest

import filbert
from filbert import AutoModelForSequenceClassification, AutoTokenizer, pipeline
from conftest import TEXTS

PACKAGE = str(pathlib.Path(filbert.__file__).parents[1])
MANY = [f"{text} {number}" for number in range(40) for text in TEXTS]


def test_many_threads_get_what_one_gets(tiny):
    classifier = pipeline("text-classification", tiny, num_threads=4)
    expected = classifier(MANY)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for answers in pool.map(lambda _: classifier(MANY), range(24)):
            assert answers == expected
        encodings = list(pool.map(lambda text: classifier.tokenizer(text)["input_ids"], MANY))
    assert encodings == classifier.tokenizer(MANY)["input_ids"]


def test_threads_may_load_and_drop_models(tiny):
    def logits(_):
        inputs = AutoTokenizer.from_pretrained(tiny)(TEXTS, padding=True, return_tensors="np")
        return AutoModelForSequenceClassification.from_pretrained(tiny)(**inputs).logits.tolist()

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(logits, range(32)))
    assert all(answer == answers[0] for answer in answers)


def test_the_gil_is_released(stars):
    """Python goes on while a batch is computed: what another thread counts meanwhile is not a handful."""
    classifier = pipeline("text-classification", stars, num_threads=1)
    done, counted = threading.Event(), 0
    worker = threading.Thread(target=lambda: (classifier([f"I really love this book, number {place}. " * 8 for place in range(100)]), done.set()))
    worker.start()
    while not done.is_set():
        counted += 1
        time.sleep(0.001)
    worker.join()
    assert counted > 20


def _in_child(queue, classifier, texts):
    queue.put(classifier(texts))


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_computes_with_threads_of_its_own(tiny):
    classifier = pipeline("text-classification", tiny, num_threads=3)
    expected = classifier(MANY)  # its threads run
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    children = [context.Process(target=_in_child, args=(queue, classifier, MANY)) for _ in range(3)]
    for child in children:
        child.start()
    try:
        for _ in children:
            assert queue.get(timeout=60) == expected
    finally:
        for child in children:
            child.join(10)
            child.kill()
    assert classifier(MANY) == expected


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_in_the_middle_of_other_threads_work(tiny):
    classifier = pipeline("text-classification", tiny, num_threads=2)
    expected = classifier(MANY)
    stop = threading.Event()

    def busy():
        while not stop.is_set():
            classifier(MANY)

    workers = [threading.Thread(target=busy) for _ in range(3)]
    for worker in workers:
        worker.start()
    try:
        for _ in range(10):
            child = os.fork()
            if child == 0:  # neither pytest nor the threads are to go on here
                os._exit(0 if classifier(MANY) == expected else 1)
            deadline = time.monotonic() + 60
            while (status := os.waitpid(child, os.WNOHANG)) == (0, 0) and time.monotonic() < deadline:
                time.sleep(0.01)
            if status == (0, 0):
                os.kill(child, 9)
                os.waitpid(child, 0)
                pytest.fail("a child hangs")
            assert status[1] == 0
    finally:
        stop.set()
        for worker in workers:
            worker.join()


def test_children_that_are_spawned_get_the_pipeline_pickled(tiny):
    code = textwrap.dedent(f"""
        import multiprocessing
        from filbert import pipeline
        if __name__ == "__main__":
            classifier = pipeline("text-classification", {tiny!r}, num_threads=1)
            with multiprocessing.get_context("spawn").Pool(2) as pool:
                print(pool.map(classifier, ["good", "bad"]) == [classifier("good"), classifier("bad")])
    """)
    script = os.path.join(tiny, "spawn.py")
    with open(script, "w") as file:
        file.write(code)
    assert subprocess.run([sys.executable, script], capture_output=True, text=True, check=True, timeout=120).stdout.strip() == "True"


@pytest.mark.skipif(importlib.util.find_spec("gunicorn") is None, reason="gunicorn is not installed")
def test_gunicorn_with_a_model_loaded_before_it_forks(tiny, tmp_path):
    (tmp_path / "served.py").write_text(textwrap.dedent(f"""
        import json, os
        from filbert import pipeline
        classifier = pipeline("text-classification", {tiny!r}, num_threads=2)
        classifier(["good"] * 100)

        def app(environ, start_response):
            start_response("200 OK", [("Content-Type", "application/json")])
            return [json.dumps([os.getpid(), classifier(["good film", "bad"] * 40)]).encode()]
    """))
    command = [sys.executable, "-m", "gunicorn", "--preload", "--workers", "2", "--bind", "127.0.0.1:0", "served:app"]
    server = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": PACKAGE, "HOME": str(tmp_path)})
    try:
        url = next(line.split("Listening at: ")[1].split()[0] for line in server.stderr if "Listening at" in line)
        threading.Thread(target=server.stderr.read, daemon=True).start()
        import json

        expected = pipeline("text-classification", tiny)(["good film", "bad"] * 40)
        answers = [json.load(urllib.request.urlopen(url, timeout=60)) for _ in range(20)]
        assert all(answer == expected for _, answer in answers) and server.pid not in {pid for pid, _ in answers}
    finally:
        server.terminate()
        server.wait(30)
