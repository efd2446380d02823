from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from attrs import frozen

from bench.comparison import Candidate
from bench.load import Result, get_request, is_complete, load, patch_request
from bench.processes import Server
from tests.support.local_http import QuietHandler, run_http_server


class RecordingHandler(QuietHandler):
    def __init__(self, received: list[str], *args: Any) -> None:
        self.received = received
        super().__init__(*args)

    def do_GET(self) -> None:  # noqa: N802 (http.server calls it so)
        self.received.append(f"GET {self.path}")
        if self.path == "/missing":
            self.respond(404, b"")
        else:
            self.respond(200, b"x" * 300_000)

    def do_PATCH(self) -> None:  # noqa: N802 (http.server calls it so)
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.received += [f"PATCH {self.path}", self.headers["Authorization"], body]
        self.respond(200, b"")


@frozen
class LoadedServer:
    port: int
    received: list[str]


@pytest.fixture
def server() -> Iterator[LoadedServer]:
    received: list[str] = []
    with run_http_server(partial(RecordingHandler, received)) as port:
        yield LoadedServer(port, received)


def test_every_request_is_sent_once_if_there_is_no_time_limit(server: LoadedServer) -> None:
    paths = [f"/{number}" for number in range(20)]
    result = load(server.port, map(get_request, paths), clients=3)
    assert result.requests == 20
    assert sorted(server.received) == sorted(f"GET {path}" for path in paths)


def test_a_load_ends_when_its_time_is_up(server: LoadedServer) -> None:
    endless = iter(lambda: get_request("/"), None)
    result = load(server.port, endless, seconds=0, clients=2)
    assert result.requests == 2  # what was under way


def test_a_run_of_a_candidate_continues_with_the_next_request(server: LoadedServer) -> None:
    requests = [get_request(path) for path in ("/a", "/b", "/c")]
    candidate = Candidate.of_server("own", Server(0, server.port), requests, clients=1)
    for _ in range(4):
        candidate.run(0)
    assert server.received == ["GET /a", "GET /b", "GET /c", "GET /a"]


def test_a_patch_carries_its_body_and_key(server: LoadedServer) -> None:
    load(server.port, iter([patch_request("/a", b'{"price":"1"}', "secret")]), clients=1)
    assert server.received == ["PATCH /a", "Bearer secret", '{"price":"1"}']


def test_a_load_stops_at_an_unsuccessful_response(server: LoadedServer) -> None:
    with pytest.raises(SystemExit, match=r"GET /missing .* 404"):
        load(server.port, iter([get_request("/missing")]), clients=1)


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
