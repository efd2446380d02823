import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from bench.load import Result, get_request, is_complete, load, patch_request


class RecordingHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    received: list[str]

    def do_GET(self) -> None:
        self._respond()

    def do_PATCH(self) -> None:
        self.received.append(self.headers["Authorization"])
        self.received.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self._respond()

    def _respond(self) -> None:
        self.received.append(f"{self.command} {self.path}")
        body = b"x" * 300_000
        self.send_response(404 if self.path == "/missing" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    handler = type("Handler", (RecordingHandler,), {"received": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def received(server: ThreadingHTTPServer) -> list[str]:
    handler: Any = server.RequestHandlerClass
    return list(handler.received)


def test_every_request_is_sent_once_if_there_is_no_time_limit(server: ThreadingHTTPServer) -> None:
    paths = [f"/{number}" for number in range(20)]
    result = load(server.server_port, map(get_request, paths), clients=3)
    assert result.requests == 20
    assert sorted(received(server)) == sorted(f"GET {path}" for path in paths)


def test_a_load_ends_when_its_time_is_over(server: ThreadingHTTPServer) -> None:
    endless = iter(lambda: get_request("/"), None)
    result = load(server.server_port, endless, seconds=0, clients=2)
    assert result.requests == 2  # what was under way


def test_a_patch_carries_its_body_and_key(server: ThreadingHTTPServer) -> None:
    load(server.server_port, iter([patch_request("/a", b'{"price":"1"}', "secret")]), clients=1)
    assert received(server) == ["Bearer secret", '{"price":"1"}', "PATCH /a"]


def test_a_load_stops_at_an_unsuccessful_response(server: ThreadingHTTPServer) -> None:
    with pytest.raises(SystemExit, match=r"GET /missing .* 404"):
        load(server.server_port, iter([get_request("/missing")]), clients=1)


LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"


@pytest.mark.parametrize(
    ("response", "complete"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n", False),
        (LENGTH, False),
        (LENGTH + b"ab", False),
        (LENGTH + b"abc", True),
        (CHUNKED, False),
        (CHUNKED + b"0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nX-Content-Length: 3\r\n\r\n", True),
    ],
)
def test_the_end_of_a_response_is_recognised(response: bytes, complete: bool) -> None:  # noqa: FBT001
    assert is_complete(response) is complete


def test_quantiles_of_latencies() -> None:
    result = Result(2.0, [number / 1000 for number in range(100, 0, -1)])
    assert result.requests_per_second == 50
    assert [result.latency_ms(quantile) for quantile in (0, 0.5, 0.99, 1)] == [1, 51, 100, 100]
