"""A server for a test, and clients that behave as no library lets them."""

import contextlib
import dataclasses
import http.client
import json
import pathlib
import signal
import socket
import subprocess
import tempfile
import threading
import time

import filbert_command

CLASSIFY = "/v1/classify"


def wait_until(condition, what, seconds=20):
    """The first true value of `condition`, asked for again and again."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"did not happen within {seconds} s: {what}")


def free_port():
    """One that nobody has now. Where the log cannot be read it is the only way to know where a server listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


@dataclasses.dataclass
class Response:
    status: int
    headers: dict
    body: bytes

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)


def read_response(stream, method="POST"):
    """One answer of a buffered stream, interim ones included; None at its end."""
    line = stream.readline()
    if not line:
        return None
    status = int(line.split()[1])
    headers = {}
    while (line := stream.readline().strip()) != b"":
        name, _, value = line.decode().partition(":")
        headers[name.lower()] = value.strip()
    body = b""
    if method == "HEAD" or status in (204, 304) or status < 200:
        pass
    elif headers.get("transfer-encoding") == "chunked":
        while size := int(stream.readline(), 16):
            body += stream.read(size)
            stream.readline()
        stream.readline()
    elif "content-length" in headers:
        body = stream.read(int(headers["content-length"]))
        assert len(body) == int(headers["content-length"])
    return Response(status, headers, body)


def request_bytes(method, path, body=b"", version="1.1", **headers):
    fields = {"host": "test", "content-length": len(body)} | {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{method} {path} HTTP/{version}"] + [f"{name}: {value}" for name, value in fields.items() if value is not None]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def classify_bytes(text="I love this book", version="1.1", **headers):
    return request_bytes("POST", CLASSIFY, json.dumps({"input": text}).encode(), version, content_type="application/json", **headers)


class Server:
    """filbert serve, from the first answer to the end of the process. What it logs is in `log`, unless `options` or `streams` send it elsewhere."""

    def __init__(self, *options, checkpoint=None, port=0, env=None, **streams):
        self.folder = tempfile.TemporaryDirectory()
        self.log = pathlib.Path(self.folder.name) / "log"
        words = ["serve", "--port", str(port)]
        if checkpoint is not None:
            words += ["--model", f"tiny={checkpoint}"]
        if not streams and "--log-file" not in options:
            words += ["--log-file", str(self.log)]
        streams = {"stderr": subprocess.DEVNULL} | streams
        self.process = subprocess.Popen([filbert_command.FILBERT, *words, *map(str, options)], env=filbert_command.environment(**(env or {})),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **streams)
        self.port = port or int(self.wait_for_line("listening")["url"].rpartition(":")[2])
        self.tls = None   # how to speak to it, if not in the clear
        if port:
            wait_until(self.answers, "the server listens")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait()
        self.folder.cleanup()

    def answers(self):
        assert self.process.poll() is None, "the server has ended"
        with contextlib.suppress(OSError):
            return self.request("GET", "/health").status == 200

    def lines(self, message=None):
        """What it has logged, whole lines alone."""
        text = self.log.read_text() if self.log.exists() else ""
        lines = [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]
        return [line for line in lines if message in (None, line["message"])]

    def wait_for_line(self, message, count=1):
        def found():
            assert self.process.poll() is None, f"the server has ended: {self.log.read_text() if self.log.exists() else ''}"
            return (lines[count - 1:] or [None])[0] if (lines := self.lines(message)) else None
        return wait_until(found, f"a line that says {message}")

    def connect(self, timeout=20):
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=timeout)
        return self.tls.wrap_socket(plain, server_hostname="localhost") if self.tls else plain

    def say(self, data, method="POST"):
        """The answer to bytes on a connection of their own."""
        with self.connect() as connection:
            connection.sendall(data)
            return read_response(connection.makefile("rb"), method)

    def request(self, method, path, body=None, **headers):
        """`body` is JSON unless it is bytes."""
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            headers = {"content_type": "application/json"} | headers
        return self.say(request_bytes(method, path, body or b"", connection="close", **headers), method)

    def classify(self, text="I love this book", **headers):
        return self.request("POST", CLASSIFY, {"input": text}, **headers)

    def metric(self, name):
        """The sum over all labels of a sample."""
        lines = self.request("GET", "/metrics").text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith((name + " ", name + "{")))

    def memory(self):
        """Bytes that are resident."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) * 1024

    def end(self, number=signal.SIGTERM, timeout=20):
        self.process.send_signal(number)
        return self.process.wait(timeout)


class Load:
    """Clients that ask one after the other until told to stop. Every answer is compared; `lost` are requests that got none."""

    def __init__(self, server, clients=4, text="I love this book"):
        self.server, self.text = server, text
        self.expected = server.classify(text).json["data"]
        self.answered, self.lost, self.wrong, self.statuses = 0, [], [], {}
        self.ends = False
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.ask, daemon=True) for _ in range(clients)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.ends = True
        for thread in self.threads:
            thread.join(20)
            assert not thread.is_alive(), "a client waits for an answer"

    def wait_for_answers(self, more):
        until = self.answered + more
        wait_until(lambda: self.answered >= until, f"{more} more answers")

    def count(self, response):
        with self.lock:
            self.answered += 1
            self.statuses[response.status] = self.statuses.get(response.status, 0) + 1
            if response.status == 200 and response.json["data"] != self.expected:
                self.wrong.append(response.body)

    def ask(self):
        while not self.ends:
            try:
                connection = self.server.connect()
            except OSError:
                return   # nobody listens any more
            with connection:
                stream = connection.makefile("rb")
                if not self.converse(connection, stream):
                    return

    def converse(self, connection, stream):
        """Requests on a connection, until either side ends it. False: a request got no answer."""
        first = True
        while not self.ends:
            try:
                connection.sendall(classify_bytes(self.text))
                response = read_response(stream)
            except (OSError, http.client.HTTPException) as error:
                response = error
            if not isinstance(response, Response):
                # Who connects while the server closes its listening socket was never accepted.
                if not first:
                    with self.lock:
                        self.lost.append(response)
                return first
            self.count(response)
            first = False
            if response.headers.get("connection") == "close":
                return True
        return True

