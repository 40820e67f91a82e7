"""A server in the hands of its operator: ended, paused, reloaded, watched; its log full, closed, rotated, stalled. No request is lost by any of it."""

import contextlib
import ctypes
import errno
import os
import pathlib
import signal
import socket
import ssl
import struct
import subprocess
import time

import pytest

import tiny_checkpoint
from serve_command import Load, Server, classify_bytes, free_port, read_response, self_made_certificate, wait_until


def test_sigterm_under_load_answers_what_was_accepted(checkpoint):
    with Server(checkpoint=checkpoint) as server, Load(server, clients=8) as load:
        load.wait_for_answers(200)
        assert server.end() == 0
        load.stop()
        assert load.lost == [] and load.wrong == []
        assert set(load.statuses) <= {200, 503}
        assert server.lines("draining") and server.lines("ended")
        requests = [line for line in server.lines("request") if line["path"] == "/v1/classify"]
        assert len(requests) == load.answered + 1   # and that of Load itself: what the log says was answered is what clients have


def test_sigterm_waits_for_a_long_request_and_takes_nothing_new():
    with Server("--threads", "1") as server, server.connect() as busy, server.connect() as idle:
        busy.sendall(classify_bytes([f"book {number}" + " is good" * (number % 20) for number in range(1000)]))
        wait_until(lambda: server.metric("filbert_queue_texts") >= 500, "texts wait")
        server.process.send_signal(signal.SIGTERM)
        server.wait_for_line("draining")
        assert idle.recv(1) == b""   # who asks for nothing is sent away
        response = read_response(busy.makefile("rb"))
        assert (response.status, len(response.json["data"]), response.headers["connection"]) == (200, 1000, "close")
        assert server.process.wait(20) == 0


@contextlib.contextmanager
def busy_server(texts):
    """One that has seconds of work, so that who comes now has to wait, for all of many texts the longer."""
    with Server("--threads", "1") as server, contextlib.ExitStack() as clients:
        for _ in range(4):
            clients.enter_context(server.connect()).sendall(classify_bytes(texts))
        wait_until(lambda: server.metric("filbert_queue_texts") >= 2 * len(texts), "texts wait")
        yield server


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_work_that_nobody_waits_for_is_dropped(reset):
    texts = [f"book {number}" + " is good" * (number % 20) for number in range(500)]

    def a_client_that_left_was_noticed():
        with server.connect() as hasty:
            hasty.sendall(classify_bytes(texts))
            time.sleep(0.1)   # whoever waits for less has not waited in vain
            if reset:
                hasty.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return server.metric("filbert_client_gone_total") >= 1

    with busy_server(texts) as server:
        wait_until(a_client_that_left_was_noticed, "clients that are gone")


def test_who_ends_its_side_with_the_request_is_answered_though_it_has_to_wait():
    texts = [f"book {number}" + " is good" * (number % 20) for number in range(500)]
    with busy_server(texts) as server:
        wanted = {"half": classify_bytes(texts[:30], x_request_id="half"), "old": classify_bytes(texts[:30], version="1.0", x_request_id="old"),
                  "last": classify_bytes(texts[:30], x_request_id="first") + classify_bytes(texts[:30], x_request_id="last")}
        with contextlib.ExitStack() as clients:
            connections = {name: clients.enter_context(server.connect(timeout=60)) for name in wanted}
            for name, connection in connections.items():
                connection.sendall(wanted[name], socket.MSG_MORE)   # the last of it goes with the end
                connection.shutdown(socket.SHUT_WR)
            for name, connection in connections.items():
                stream = connection.makefile("rb")
                responses = [read_response(stream) for _ in range(2 if name == "last" else 1)]
                assert [(response.status, len(response.json["data"])) for response in responses] == [(200, 30)] * len(responses)
                assert stream.read() == b""
        for name in wanted:
            line = wait_until(lambda: [line for line in server.lines("request") if line["request_id"] == name], "its line")[0]
            assert line["queue_ms"] > 50, line
        assert server.metric("filbert_client_gone_total") == 0


def test_who_becomes_idle_after_sigterm_is_not_waited_for(checkpoint, tmp_path):
    self_made_certificate(tmp_path, "one")
    with Server("--tls-certificate", tmp_path / "certificate.pem", "--tls-key", tmp_path / "key.pem", checkpoint=checkpoint) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as late:
            server.tls = ssl.create_default_context(cafile=tmp_path / "certificate.pem")
            wait_until(lambda: server.metric("filbert_connections") >= 2, "the connection is there")
            server.process.send_signal(signal.SIGTERM)
            server.wait_for_line("draining")
            with server.tls.wrap_socket(late, server_hostname="localhost"):   # whose handshake was to come still
                assert server.process.wait(60) == 0   # half of --idle-timeout-ms


def test_a_second_signal_ends_at_once(served_slowly):
    server, busy = served_slowly
    server.process.send_signal(signal.SIGTERM)
    server.wait_for_line("draining")
    server.process.send_signal(signal.SIGINT)
    assert server.process.wait(20) == -signal.SIGINT
    assert busy.recv(1) in (b"", b"H")


@pytest.fixture
def served_slowly(checkpoint):
    """A server that has a request of which the body never ends."""
    with Server("--read-timeout-ms", "60000", checkpoint=checkpoint) as server, server.connect() as busy:
        busy.sendall(classify_bytes()[:-5])
        wait_until(lambda: server.metric("filbert_connections") >= 2, "the connection is there")
        yield server, busy


def test_a_pause_of_five_seconds_is_survived(checkpoint):
    with Server("--timeout-ms", "2000", checkpoint=checkpoint) as server, Load(server) as load:
        load.wait_for_answers(50)
        server.process.send_signal(signal.SIGSTOP)
        time.sleep(5)   # what the test is about
        server.process.send_signal(signal.SIGCONT)
        load.wait_for_answers(200)
        load.stop()
        assert load.lost == [] and load.wrong == []
        assert set(load.statuses) <= {200, 408}
        assert server.end() == 0


def test_sighup_under_load_loses_nothing(checkpoint):
    with Server(checkpoint=checkpoint) as server, Load(server) as load:
        for reload in range(1, 4):
            load.wait_for_answers(50)
            server.process.send_signal(signal.SIGHUP)
            server.wait_for_line("reloaded", reload)
        load.wait_for_answers(50)
        load.stop()
        assert load.lost == [] and load.wrong == []
        assert set(load.statuses) == {200}
        assert server.metric('filbert_reloads_total{result="succeeded"}'[:21]) == 3


def test_a_reload_that_fails_changes_nothing(tmp_path):
    checkpoint = tiny_checkpoint.write_checkpoint(tmp_path / "checkpoint")
    with Server(checkpoint=checkpoint) as server:
        before = server.classify().json["data"]
        (checkpoint / "config.json").rename(checkpoint / "gone.json")
        server.process.send_signal(signal.SIGHUP)
        line = server.wait_for_line("the reload failed; what was loaded stays")
        assert line["level"] == "error" and "config.json" in line["error"]
        assert server.classify().json["data"] == before
        (checkpoint / "gone.json").rename(checkpoint / "config.json")
        server.process.send_signal(signal.SIGHUP)
        server.wait_for_line("reloaded")


def test_a_reload_brings_other_weights(tmp_path):
    checkpoint = tiny_checkpoint.write_checkpoint(tmp_path / "checkpoint", seed=1)
    with Server(checkpoint=checkpoint) as server:
        before = server.classify().json["data"]
        for part in tiny_checkpoint.write_checkpoint(tmp_path / "other", seed=2).iterdir():
            part.replace(checkpoint / part.name)
        server.process.send_signal(signal.SIGHUP)
        server.wait_for_line("reloaded")
        assert server.classify().json["data"] != before


def test_a_reload_asked_for_during_another_is_done_too(tmp_path):
    checkpoint = tiny_checkpoint.write_checkpoint(tmp_path / "checkpoint", seed=1)
    changed = tiny_checkpoint.write_checkpoint(tmp_path / "changed", seed=2)
    # The large one is loaded after the one that changes, and takes a while.
    with Server("--model", pathlib.Path(__file__).resolve().parents[2] / "models/stars-en", checkpoint=checkpoint) as server:
        before = server.classify().json["data"]
        server.process.send_signal(signal.SIGHUP)
        server.wait_for_line("signal")
        for part in changed.iterdir():
            part.replace(checkpoint / part.name)
        server.process.send_signal(signal.SIGHUP)
        server.wait_for_line("signal", 2)
        wait_until(lambda: server.classify().json["data"] != before, "the changed model answers")
        assert server.lines("the reload failed; what was loaded stays") == []


def test_a_reload_that_fails_in_part_changes_nothing(tmp_path):
    checkpoint = tiny_checkpoint.write_checkpoint(tmp_path / "checkpoint", seed=1)
    self_made_certificate(tmp_path, "first")
    with Server("--tls-certificate", tmp_path / "certificate.pem", "--tls-key", tmp_path / "key.pem", checkpoint=checkpoint) as server:
        server.tls = ssl.create_default_context(cafile=tmp_path / "certificate.pem")
        before = server.classify().json["data"]
        for part in tiny_checkpoint.write_checkpoint(tmp_path / "changed", seed=2).iterdir():
            part.replace(checkpoint / part.name)
        (tmp_path / "key.pem").write_text("nonsense")
        server.process.send_signal(signal.SIGHUP)
        assert "key.pem" in server.wait_for_line("the reload failed; what was loaded stays")["error"]
        assert server.classify().json["data"] == before


def test_a_full_disk_stops_no_answer(checkpoint):
    with Server("--log-file", "/dev/full", checkpoint=checkpoint, port=free_port()) as server:
        with Load(server) as load:
            load.wait_for_answers(200)
        assert set(load.statuses) == {200} and load.lost == []
        wait_until(lambda: server.metric("filbert_log_lines_lost_total") >= 200, "lost lines are counted")
        assert server.end() == 0


def test_a_log_pipe_that_is_closed_stops_no_answer(checkpoint):
    with Server(checkpoint=checkpoint, port=free_port(), stderr=subprocess.PIPE) as server:
        assert server.classify().status == 200
        server.process.stderr.close()
        with Load(server) as load:
            load.wait_for_answers(200)
        assert set(load.statuses) == {200} and load.lost == []
        wait_until(lambda: server.metric("filbert_log_lines_lost_total") >= 200, "lost lines are counted")
        assert server.end() == 0


def test_a_log_pipe_that_nobody_reads_stops_no_answer(checkpoint):
    with Server(checkpoint=checkpoint, port=free_port(), stderr=subprocess.PIPE) as server:
        with Load(server) as load:
            load.wait_for_answers(400)   # more than a pipe takes
        assert set(load.statuses) == {200} and load.lost == []
        assert server.end() == 0
        assert b'"listening"' in server.process.stderr.read()


def test_a_rotated_log_is_opened_anew(checkpoint):
    with Server(checkpoint=checkpoint) as server:
        server.classify(x_request_id="before")
        wait_until(lambda: server.lines("request"), "the line of the request")
        moved = server.log.with_name("log.1")
        server.log.rename(moved)
        server.process.send_signal(signal.SIGHUP)
        server.wait_for_line("reloaded")
        server.classify(x_request_id="after")
        wait_until(lambda: any(line["request_id"] == "after" for line in server.lines("request")), "the line in the new file")
        assert '"before"' in moved.read_text() and '"after"' not in moved.read_text()


def test_ids_are_echoed_and_logged(served):
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    response = served.classify(x_request_id="order-66", traceparent=parent)
    assert response.headers["x-request-id"] == "order-66"
    version, trace, span, flags = response.headers["traceparent"].split("-")
    assert (version, trace, flags) == ("00", "4bf92f3577b34da6a3ce929d0e0e4736", "01") and span != "00f067aa0ba902b7"
    line = wait_until(lambda: [line for line in served.lines("request") if line["request_id"] == "order-66"], "its line")[0]
    assert (line["trace_id"], line["parent_id"], line["span_id"]) == (trace, "00f067aa0ba902b7", span)
    assert (line["status"], line["route"], line["texts"], line["model"]) == (200, "/v1/classify", 1, "tiny")
    assert line["tokens"] > 4 and line["total_ms"] >= line["infer_ms"] > 0
    # What is no id is not echoed: it could carry anything.
    for wrong in ("a b", "x" * 200, '"', "a;b"):
        assert served.classify(x_request_id=wrong).headers["x-request-id"] not in (wrong, "")


@pytest.mark.parametrize("options, logged", [([], False), (["--log-texts"], True)])
def test_texts_are_logged_only_when_asked_for(checkpoint, options, logged):
    with Server(*options, checkpoint=checkpoint) as server:
        server.classify("xylophone")
        server.request("POST", "/v1/classify", b'{"input": "xylophone"')
        server.request("POST", "/predict", {"inputs": "xylophone"})
        assert server.end() == 0
        assert ("xylophone" in server.log.read_text()) == logged


class Manager:
    """The end of a service manager."""

    def __init__(self, name):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(name.replace("@", "\0", 1) if name.startswith("@") else name)
        self.socket.settimeout(20)

    def heard(self):
        return dict(line.split("=", 1) for line in self.socket.recv(4096).decode().split("\n"))

    def heard_but(self, ignored):
        while ignored in (said := self.heard()):
            pass
        return said


class StoppedThreads:
    """All threads of a process but the first stand still, as they would in a deadlock, until the end."""

    SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17   # of ptrace(2)
    WALL = 0x40000000                              # __WALL of waitpid(2)

    def __init__(self, process):
        self.threads = [int(task.name) for task in pathlib.Path(f"/proc/{process.pid}/task").iterdir() if int(task.name) != process.pid]

    def ptrace(self, request, thread):
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.ptrace(ctypes.c_long(request), ctypes.c_long(thread), None, None) != 0:
            if ctypes.get_errno() == errno.EPERM:
                pytest.skip("ptrace is not permitted here")
            raise OSError(ctypes.get_errno(), f"ptrace: {os.strerror(ctypes.get_errno())}")

    def __enter__(self):
        for thread in self.threads:
            self.ptrace(self.SEIZE, thread)
            self.ptrace(self.INTERRUPT, thread)
            assert os.WIFSTOPPED(os.waitpid(thread, self.WALL)[1])
        return self

    def __exit__(self, *_):
        for thread in self.threads:
            self.ptrace(self.DETACH, thread)


def test_a_server_whose_model_hangs_is_not_alive(checkpoint, tmp_path):
    manager = Manager(str(tmp_path / "notify"))
    with Server(checkpoint=checkpoint, env={"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "1000000"}) as server:
        assert manager.heard_but("WATCHDOG")["READY"] == "1"
        assert server.classify().status == 200
        with server.connect() as connection:
            with StoppedThreads(server.process):
                connection.sendall(classify_bytes())
                manager.socket.settimeout(2.5)   # half of the time of a watchdog is what lies between two
                with pytest.raises(TimeoutError):
                    while True:
                        assert manager.heard() == {"WATCHDOG": "1"}
                assert server.request("GET", "/health").status == 200   # a server that answers still
            wait_until(lambda: "what runs the model" in {line["what"] for line in server.lines("hangs; the service manager is not told that this server is alive")},
                       "the log says what hangs")
            manager.socket.settimeout(20)
            assert read_response(connection.makefile("rb")).status == 200
            assert manager.heard() == {"WATCHDOG": "1"}
    manager.socket.close()


def test_systemd_is_told(checkpoint, tmp_path):
    for name in (str(tmp_path / "notify"), f"@filbert-test-{os.getpid()}"):
        manager = Manager(name)
        with Server(checkpoint=checkpoint, env={"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "400000"}) as server:
            assert manager.heard_but("WATCHDOG")["READY"] == "1"
            assert server.classify().status == 200
            assert [manager.heard() for _ in range(2)] == [{"WATCHDOG": "1"}] * 2
            server.process.send_signal(signal.SIGHUP)
            said = manager.heard_but("WATCHDOG")
            assert said["RELOADING"] == "1" and 0 < int(said["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
            assert manager.heard_but("WATCHDOG")["READY"] == "1"
            server.process.send_signal(signal.SIGTERM)
            assert manager.heard_but("WATCHDOG")["STOPPING"] == "1"
            assert server.process.wait(20) == 0
        manager.socket.close()
