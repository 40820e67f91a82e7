"""Clients that are slow, rude or wrong: each gets what it deserves, and none stops others being served."""

import contextlib
import json
import resource
import ssl
import threading
import time

import pytest

import serve_command
from serve_command import CLASSIFY, Server, classify_bytes, read_response, request_bytes, self_made_certificate, wait_until


@pytest.fixture(scope="module")
def hasty(checkpoint):
    """A server that waits a second for what a client has to say."""
    with Server("--read-timeout-ms", "1000", "--max-body-bytes", "100000", checkpoint=checkpoint) as server:
        yield server


def others_are_served(server):
    return server.classify().status == 200


def send_until_refused(connection, piece, pause=0.0, most=100_000):
    """Sends until the other side has something to say, or ends. Returns how many pieces went."""
    connection.settimeout(20)
    for sent in range(most):
        try:
            connection.sendall(piece)
        except OSError:
            return sent
        if pause:
            time.sleep(pause)
            connection.settimeout(0.001)
            try:
                if connection.recv(1, serve_command.socket.MSG_PEEK) is not None:
                    return sent
            except (TimeoutError, BlockingIOError):
                pass
            except OSError:
                return sent
            finally:
                connection.settimeout(20)
    return most


def answer_or_end(connection):
    """What the server says at last; None if it just ended."""
    connection.settimeout(20)
    try:
        return read_response(connection.makefile("rb"))
    except ConnectionError:
        return None


@pytest.mark.parametrize("begin", [b"POST /v1/classify HTTP/1.1\r\nx: ", request_bytes("POST", CLASSIFY, content_length=5000)], ids=["header", "body"])
def test_a_byte_at_a_time_is_cut_off_and_others_are_served(hasty, begin):
    with hasty.connect() as slow:
        slow.sendall(begin)
        done = []
        sender = threading.Thread(target=lambda: done.append(send_until_refused(slow, b"a", pause=0.05)), daemon=True)
        sender.start()
        assert others_are_served(hasty)
        sender.join(20)
        assert done, "a client that sends a byte at a time was never cut off"
        response = answer_or_end(slow)
        assert response is None or (response.status == 408 and response.headers["connection"] == "close")
    assert others_are_served(hasty)


def test_who_says_nothing_is_cut_off(checkpoint):
    with Server("--idle-timeout-ms", "300", checkpoint=checkpoint) as server, server.connect() as idle:
        assert idle.recv(1) == b""


def test_who_does_not_read_stops_nobody(served):
    with served.connect() as deaf:
        deaf.setsockopt(serve_command.socket.SOL_SOCKET, serve_command.socket.SO_RCVBUF, 4096)
        deaf.settimeout(0.2)
        try:
            for _ in range(2000):   # until the server's answers find no room, and it reads no more
                deaf.sendall(request_bytes("GET", "/openapi.json"))
        except TimeoutError:
            pass
        assert others_are_served(served)


def test_half_closed_after_the_request_is_answered(served):
    with served.connect() as connection:
        connection.sendall(classify_bytes(connection="close"))
        connection.shutdown(serve_command.socket.SHUT_WR)
        assert read_response(connection.makefile("rb")).status == 200


@pytest.mark.parametrize("begin", [b"", b"POST /v1", request_bytes("POST", CLASSIFY, content_length=50)], ids=["nothing", "line", "header"])
def test_half_closed_before_the_end_of_a_request_ends_the_connection(served, begin):
    with served.connect() as connection:
        connection.sendall(begin)
        connection.shutdown(serve_command.socket.SHUT_WR)
        response = answer_or_end(connection)
        assert response is None or response.status == 400


def test_a_body_of_100_mb_is_refused_at_once_and_costs_no_memory(hasty):
    others_are_served(hasty)
    before = hasty.memory()
    with hasty.connect() as connection:
        connection.sendall(request_bytes("POST", CLASSIFY, content_length=100_000_000))
        send_until_refused(connection, b"x" * 65536, most=100_000_000 // 65536)   # read and dropped for a while, so that the answer arrives
        response = answer_or_end(connection)
        assert response is None or (response.status == 413 and response.headers["connection"] == "close")
    # The answer is there before anything of the body is sent.
    with hasty.connect() as connection:
        connection.sendall(request_bytes("POST", CLASSIFY, content_length=100_000_000))
        response = read_response(connection.makefile("rb"))
        assert (response.status, response.headers["connection"]) == (413, "close")
    assert hasty.memory() - before < 16_000_000


def test_a_body_of_chunks_without_end_is_refused(hasty):
    before = hasty.memory()
    with hasty.connect() as connection:
        connection.sendall(request_bytes("POST", CLASSIFY, content_length=None, transfer_encoding="chunked"))
        sent = send_until_refused(connection, b"10000\r\n" + b"x" * 65536 + b"\r\n", most=1_000_000)
        assert sent < 1_000_000
        response = answer_or_end(connection)
        assert response is None or response.status == 413
    assert hasty.memory() - before < 16_000_000
    assert others_are_served(hasty)


def test_bodies_that_never_end_hold_no_more_than_all_may_hold_together(checkpoint):
    crowd, most = 30, 4_000_000
    with Server("--max-body-bytes", "1000000", "--max-total-body-bytes", most, checkpoint=checkpoint) as server, contextlib.ExitStack() as clients:
        others_are_served(server)
        before = server.memory()
        connections = [clients.enter_context(server.connect()) for _ in range(crowd)]
        for connection in connections:
            connection.sendall(request_bytes("POST", CLASSIFY, content_length=1_000_000))
            send_until_refused(connection, b"x" * 100_000, most=9)
            assert server.metric("filbert_body_bytes") <= most
            assert others_are_served(server)
        wait_until(lambda: server.metric("filbert_body_bytes") >= 3 * 900_000, "bodies are held")
        refused = connections[-1].makefile("rb")
        response = read_response(refused)
        assert (response.status, response.headers["connection"]) == (429, "close") and int(response.headers["retry-after"]) >= 1
        assert server.memory() - before < 16_000_000
        wait_until(lambda: server.metric("filbert_refused_total") >= crowd - most // 900_000, "the others are refused, once what they sent has been read")
        clients.close()
        wait_until(lambda: server.metric("filbert_body_bytes") == 0, "bodies of clients that are gone are forgotten")


@pytest.mark.parametrize("begin, piece", [(b"5;name=", b"v" * 1000), (b"5\r\nhello\r\n0\r\n", b"x-trailer: value\r\n"), (b"0" * 100, b"0" * 1000)],
                         ids=["extension", "trailers", "size"])
def test_a_flood_between_chunks_is_refused(hasty, begin, piece):
    before = hasty.memory()
    with hasty.connect() as connection:
        connection.sendall(request_bytes("POST", CLASSIFY, content_length=None, transfer_encoding="chunked") + begin)
        send_until_refused(connection, piece * 100, most=100)
        response = answer_or_end(connection)
        assert response is None or (response.status in (400, 408, 413) and response.headers["connection"] == "close")
    assert hasty.memory() - before < 16_000_000
    assert others_are_served(hasty)


def test_more_connections_than_descriptors_are_survived(checkpoint):
    few = 60
    with Server(checkpoint=checkpoint, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (few, few))) as server:
        crowd = [server.connect() for _ in range(2 * few)]   # connected as far as the kernel is concerned
        server.wait_for_line("no connection can be taken")
        for connection in crowd:
            connection.close()
        wait_until(lambda: server.classify().status == 200, "it answers again")
        assert len(server.lines("no connection can be taken")) < 50   # and does not fill the disk with it


@pytest.mark.parametrize("body", [b'{"input": "\xff\xfe"}', b'{"input": "\xed\xa0\x80"}', b"[" * 90_000, b'{"input":' * 9_000, b"", b"nonsense", b"\0" * 1000,
                                  b'{"input": "' + b"\\" * 90_001, b'{"input": "\\ud800"}'],
                         ids=["invalid UTF-8", "surrogate", "deep lists", "deep objects", "empty", "no JSON", "zeros", "backslashes", "half a pair"])
def test_what_is_no_text_is_the_clients_error(hasty, body):
    response = hasty.request("POST", CLASSIFY, body)
    assert response.status == 400 and response.json["error"]["message"]
    assert others_are_served(hasty)


@pytest.mark.parametrize("begin, field", [(b"GET /health HTTP/1.1\r\n", b"x-field: value\r\n"), (b"GET /health HTTP/1.1\r\nx: ", b"a" * 1000),
                                          (b"GET /", b"a" * 1000), (b"", b"A" * 1000), (b"GET /health HTTP/1.1\r\n", b"cookie: " + b"c" * 500 + b"\r\n")],
                         ids=["many fields", "a long field", "a long target", "a long method", "cookies"])
def test_a_flood_of_header_is_refused(hasty, begin, field):
    with hasty.connect() as connection:
        connection.sendall(begin)
        send_until_refused(connection, field * 100, most=100)
        response = answer_or_end(connection)
        assert response is None or (response.status in (400, 413) and response.headers["connection"] == "close")
    assert others_are_served(hasty)


@pytest.mark.parametrize("head", [
    "POST /v1/classify HTTP/1.1\r\ncontent-length: 5\r\ntransfer-encoding: chunked", "POST /v1/classify HTTP/1.1\r\ncontent-length: 5\r\ncontent-length: 6",
    "POST /v1/classify HTTP/1.1\r\ncontent-length: -1", "POST /v1/classify HTTP/1.1\r\ncontent-length: 99999999999999999999",
    "POST /v1/classify HTTP/1.1\r\ncontent-length: 0x10", "POST /v1/classify HTTP/1.1\r\nno colon", "POST /v1/classify HTTP/1.1\r\na b: c",
    "POST /v1/classify HTTP/9.9\r\nx: y", "GET\r\nx: y", "\0\0\0\0\r\nx: y", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc"])
def test_what_is_no_http_is_refused_and_the_connection_ends(hasty, head):
    with hasty.connect() as connection:
        connection.sendall(head.encode("latin-1") + b"\r\n\r\n")
        stream = connection.makefile("rb")
        response = read_response(stream)
        assert response is None or (400 <= response.status < 500 and response.headers["connection"] == "close")
        assert stream.read() == b""
    assert others_are_served(hasty)


def test_connections_that_say_nothing_cost_little(served):
    before = served.memory()
    idle = [served.connect() for _ in range(500)]
    try:
        wait_until(lambda: served.metric("filbert_connections") >= 500, "500 connections are counted")
        assert others_are_served(served)
        assert served.memory() - before < 500 * 20_000
    finally:
        for connection in idle:
            connection.close()
    wait_until(lambda: served.metric("filbert_connections") < 10, "closed connections are gone")


def test_requests_in_a_row_are_answered_in_their_order(served):
    texts = ["I love this book", "I hate this film"] * 15
    expected = {text: served.classify(text).json["data"] for text in texts}
    data = b"".join(classify_bytes(text, x_request_id=f"r{number}") for number, text in enumerate(texts))
    with served.connect() as connection:
        connection.sendall(data)
        stream = connection.makefile("rb")
        for number, text in enumerate(texts):
            response = read_response(stream)
            assert (response.status, response.headers["x-request-id"]) == (200, f"r{number}")
            assert response.json["data"] == expected[text]


def test_what_follows_a_bad_request_in_a_row_is_not_read(served):
    with served.connect() as connection:
        connection.sendall(classify_bytes() + b"nonsense\r\n\r\n" + classify_bytes())
        stream = connection.makefile("rb")
        assert [read_response(stream).status for _ in range(2)] == [200, 400]
        assert stream.read() == b""


def test_continue_is_said_before_the_body_is_sent(served):
    body = b'{"input": "I love this book"}'
    with served.connect() as connection:
        stream = connection.makefile("rb")
        connection.sendall(request_bytes("POST", CLASSIFY, expect="100-continue", content_length=len(body)))
        assert read_response(stream).status == 100
        connection.sendall(body)
        assert read_response(stream).status == 200
        connection.sendall(request_bytes("POST", CLASSIFY, expect="100-continue", content_length=100_000_000))
        assert read_response(stream).status == 413   # and nothing before it


def test_bodies_in_chunks(served):
    body = b'{"input": "I love this book"}'
    expected = served.classify().json["data"]
    for size in (1, 7, len(body)):
        pieces = [body[at:at + size] for at in range(0, len(body), size)]
        chunks = b"".join(b"%x;name=value\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\nx-trailer: t\r\n\r\n"
        response = served.say(request_bytes("POST", CLASSIFY, content_length=None, transfer_encoding="chunked", connection="close") + chunks)
        assert (response.status, response.json["data"]) == (200, expected)


def test_head_has_the_fields_of_get_and_no_body(served):
    with served.connect() as connection:
        stream = connection.makefile("rb")
        connection.sendall(request_bytes("HEAD", "/v1/models") + request_bytes("GET", "/v1/models"))
        head, whole = read_response(stream, "HEAD"), read_response(stream)
    assert head.status == whole.status == 200
    assert int(head.headers["content-length"]) == len(whole.body) > 0


def test_http_1_0(served):
    with served.connect() as connection:
        connection.sendall(classify_bytes(version="1.0"))
        stream = connection.makefile("rb")
        assert read_response(stream).status == 200
        assert stream.read() == b""   # it ends without being asked to
    with served.connect() as connection:
        stream = connection.makefile("rb")
        for _ in range(2):
            connection.sendall(classify_bytes(version="1.0", connection="keep-alive"))
            response = read_response(stream)
            assert (response.status, response.headers["connection"]) == (200, "keep-alive")


def test_pages_of_other_origins_may_ask_only_where_they_are_named(served, checkpoint):
    preflight = {"origin": "https://shop.example", "access_control_request_method": "POST"}
    assert served.request("OPTIONS", CLASSIFY, **preflight).status == 405
    assert "access-control-allow-origin" not in served.classify(origin="https://shop.example").headers
    with Server("--cors-origin", "https://shop.example", checkpoint=checkpoint) as server:
        response = server.request("OPTIONS", CLASSIFY, **preflight)
        assert response.status == 204 and "POST" in response.headers["access-control-allow-methods"]
        for response in (response, server.classify(origin="https://shop.example")):
            assert response.headers["access-control-allow-origin"] == "https://shop.example"
        for origin in ("https://evil.example", "null"):
            assert "access-control-allow-origin" not in server.classify(origin=origin).headers
        assert server.request("OPTIONS", CLASSIFY).status == 405


def test_a_key_opens_and_its_value_is_not_logged(checkpoint):
    with Server("--api-key", "sesame", checkpoint=checkpoint) as server:
        assert server.classify(authorization="Bearer sesame").status == 200
        assert server.classify(x_api_key="sesame").status == 200
        for headers in ({}, {"authorization": "Bearer nonsense"}, {"authorization": "Basic sesame"}, {"x_api_key": ""}):
            response = server.classify(**headers)
            assert (response.status, response.headers["www-authenticate"]) == (401, "Bearer")
        assert [server.request("GET", path).status for path in ("/health", "/v2/health/ready", "/metrics")] == [200, 200, 200]
        assert server.request("GET", "/v1/models").status == 401
        assert server.metric('filbert_refused_total{reason="unauthorized"}'[:21]) >= 4
        assert "sesame" not in server.log.read_text()


def test_too_many_at_once_are_told_to_come_again(checkpoint):
    with Server("--max-concurrent-requests", "1", checkpoint=checkpoint) as server:
        with serve_command.Load(server, clients=8) as load:
            wait_until(lambda: {200, 429} <= set(load.statuses), "some are answered, some refused")
        assert set(load.statuses) == {200, 429} and not load.lost and not load.wrong
        assert server.metric("filbert_refused_total") == load.statuses[429]


def test_tls(checkpoint, tmp_path):
    self_made_certificate(tmp_path, "first")
    with Server("--read-timeout-ms", "1000", "--tls-certificate", tmp_path / "certificate.pem", "--tls-key", tmp_path / "key.pem", checkpoint=checkpoint) as server:
        def trusted():
            return ssl.create_default_context(cafile=tmp_path / "certificate.pem")
        server.tls = trusted()
        assert server.classify().status == 200
        with server.connect() as connection:
            stream = connection.makefile("rb")
            connection.sendall(classify_bytes() + classify_bytes())
            assert [read_response(stream).status for _ in range(2)] == [200, 200]
        for rude in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff", b""):
            with serve_command.socket.create_connection(("127.0.0.1", server.port)) as plain:
                plain.sendall(rude)
        with serve_command.socket.create_connection(("127.0.0.1", server.port), timeout=20) as silent:
            assert server.classify().status == 200
            assert silent.recv(1) == b""   # a handshake that never comes
        self_made_certificate(tmp_path, "second")   # a renewed one, taken at a reload
        server.process.send_signal(serve_command.signal.SIGHUP)
        server.wait_for_line("reloaded")
        server.tls = trusted()

        def new_certificate():
            with contextlib.suppress(ssl.SSLError):
                return server.classify().status == 200
        wait_until(new_certificate, "the new certificate")
        assert json.dumps(server.lines()).count("a connection failed") == 0
