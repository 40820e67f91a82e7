"""Stands before a server and lets it fail on request: answers of its own, answers that come late, connections that end without one."""

import http.client
import http.server
import json
import threading
import time


class FaultyProxy:
    """Use as a context manager. `fault` says what becomes of the next requests that match."""

    def __init__(self, port):
        self.upstream = port
        self.faults = []
        self.asked = []  # (path, headers, body as JSON) of every POST
        self.lock = threading.Lock()
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_):
                pass

            def handle_one(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.command == "POST":
                    proxy.asked.append((self.path, dict(self.headers), json.loads(body)))
                fault = proxy.taken(self.path, body.decode())
                time.sleep(fault.get("delay_s", 0))
                if fault.get("drop"):
                    self.close_connection = True
                elif "answer" in fault:
                    answer = fault["answer"]
                    made = answer(json.loads(body)) if callable(answer) else answer
                    self.send(fault.get("status", 200), {"Content-Type": "application/json", **fault.get("headers", {})}, json.dumps(made).encode())
                else:
                    self.forward(body)

            do_GET = do_POST = handle_one

            def forward(self, body):
                try:
                    connection = http.client.HTTPConnection("127.0.0.1", proxy.upstream, timeout=60)
                    connection.request(self.command, self.path, body or None, {name: value for name, value in self.headers.items() if name.lower() != "connection"})
                    answer = connection.getresponse()
                    content = answer.read()
                except OSError:  # nobody there: as if nobody were here
                    self.close_connection = True
                    return
                skip = ("connection", "transfer-encoding", "content-length", "date", "server")
                self.send(answer.status, {name: value for name, value in answer.getheaders() if name.lower() not in skip}, content)
                connection.close()

            def send(self, status, headers, content):
                try:
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)
                except OSError:
                    pass  # the page has given up this request

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def fault(self, path, times=1, having="", **what):
        """what: delay_s; drop=True; or status, headers and answer, a value or a function of the request's JSON."""
        with self.lock:
            self.faults.append({"path": path, "times": times, "having": having, **what})

    def taken(self, path, body):
        with self.lock:
            for fault in self.faults:
                if fault["path"] == path and fault["times"] > 0 and fault["having"] in body:
                    fault["times"] -= 1
                    return fault
        return {}
