"""Clients that send their requests or read their responses slowly, at a real server."""

import json
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from select import select
from time import monotonic

import pytest

from eggypro_adapters.contracts.waiting import wait_until
from tests.support.builders import ADMIN_KEY
from tests.support.multipart import CONTENT_TYPE, encode_form, encode_part
from tests.support.running_server import (
    DEADLINE,
    IMAGE,
    READINESS_REQUEST,
    ServerProcess,
    read_all,
    running_server,
)
from tests.support.server_process import LIMITS
from tests.support.wsgi import PRODUCTS

CLIENTS = 70
IMPATIENT = LIMITS["impatient"]
ADMIN_HEADER = f"Authorization: Bearer {ADMIN_KEY}"
IMAGE_REQUEST = f"GET /images/{IMAGE}/original HTTP/1.1\r\nHost: shop\r\n\r\n"
STEADY_BYTES_PER_SECOND = 4 * IMPATIENT.bytes_per_second
TCP_ESTABLISHED = 1


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    """A server that closes connections of clients that are slow for a second."""
    with running_server(factory="impatient") as server:
        yield server


def post_head(path: str, length: int, *headers: str) -> str:
    lines = "".join(f"{header}\r\n" for header in headers)
    return f"POST {path} HTTP/1.1\r\nHost: shop\r\n{lines}Content-Length: {length}\r\n\r\n"


STALLED_REQUESTS = {
    "json": post_head(PRODUCTS, 100, ADMIN_HEADER) + "{",
    "anonymous json": post_head(f"{PRODUCTS}/slow/reviews", 100) + "{",
    "keyed json": post_head(PRODUCTS, 100, ADMIN_HEADER, "Idempotency-Key: a") + "{",
    "large json": post_head(PRODUCTS, 1_000_000, ADMIN_HEADER) + "{",
    "refused json": post_head(PRODUCTS, 1_000_000) + "{",
    "import": post_head("/api/imports", 9_000_000, ADMIN_HEADER) + "name,price\n",
    "form": post_head(
        "/images/uploads", 9_000_000, "Content-Type: multipart/form-data; boundary=b"
    ),
}


def is_closed(connection: socket.socket) -> bool:
    state: int = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
    return state != TCP_ESTABLISHED


def request_image(server: ServerProcess) -> socket.socket:
    """Request an image on a connection with a small receive buffer."""
    connection = socket.socket()
    server.connections.append(connection)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(DEADLINE)
    connection.connect((server.host, server.port))
    connection.sendall(IMAGE_REQUEST.encode())
    return connection


def answers_probes(server: ServerProcess) -> bool:
    return server.answers() and " 200 " in server.request(READINESS_REQUEST)


def test_stalled_clients_are_disconnected_and_delay_no_other_request(
    server: ServerProcess,
) -> None:
    readers = [request_image(server) for _ in range(CLIENTS)]
    senders = {
        kind: [server.send(request) for _ in range(CLIENTS // len(STALLED_REQUESTS))]
        for kind, request in STALLED_REQUESTS.items()
    }
    assert all(answers_probes(server) for _ in range(5))
    for kind, connections in senders.items():
        status = 401 if kind == "refused json" else 408
        for response in map(read_all, connections):
            assert response.startswith(f"HTTP/1.1 {status} "), kind
            head, _, body = response.partition("\r\n\r\n")
            assert "x-request-id: " in head
            assert json.loads(body)["status"] == status
    if sys.platform == "linux":
        wait_until(lambda: all(map(is_closed, readers)))


def test_slow_but_steady_clients_are_served(server: ServerProcess) -> None:
    """They are faster than the least rate, for longer than its window."""
    form = encode_form([encode_part(bytes(8 * 1024 * 1024))])
    head = post_head(
        f"{PRODUCTS}/slow/images", len(form), ADMIN_HEADER, f"Content-Type: {CONTENT_TYPE}"
    )
    sender, reader = server.send(head), request_image(server).makefile("rb")
    start, position = monotonic(), 0
    while (elapsed := monotonic() - start) < 2 * IMPATIENT.window_seconds:
        due = int(elapsed * STEADY_BYTES_PER_SECOND)
        sender.sendall(form[position:due])
        assert len(reader.read(due - position)) == due - position
        position = due
        assert server.answers()
    sender.sendall(form[position:])
    assert sender.recv(12) == b"HTTP/1.1 422"
    reader.close()


def test_json_must_arrive_in_time_however_steadily(server: ServerProcess) -> None:
    connection = server.send(post_head(PRODUCTS, 900_000, ADMIN_HEADER))
    start, reply = monotonic(), b""
    with suppress(ConnectionError):  # a client that is sending may miss the response
        while not select([connection], [], [], 0)[0]:
            connection.sendall(b" " * 100)
            assert server.answers()
        reply = connection.recv(12)
    assert reply in {b"HTTP/1.1 408", b""}
    assert monotonic() - start >= IMPATIENT.json_seconds
