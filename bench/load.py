"""Load generator: one event loop, whose clients send requests on keep-alive connections."""

import re
import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack

from attrs import define, field, frozen

_CONTENT_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_IS_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
_LAST_CHUNK = b"0\r\n\r\n"
_TIMEOUT_SECONDS = 30


@frozen
class Result:
    """The duration of a load, and the latency of each request, both in seconds."""

    seconds: float
    latencies: list[float]

    @property
    def requests(self) -> int:
        return len(self.latencies)

    @property
    def requests_per_second(self) -> float:
        return self.requests / self.seconds

    def latency_ms(self, quantile: float) -> float:
        """Return the latency that this ratio of the requests did not exceed."""
        ordered = sorted(self.latencies)
        return ordered[min(int(len(ordered) * quantile), len(ordered) - 1)] * 1e3


def get_request(path: str) -> bytes:
    """Return a GET request."""
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()


def patch_request(path: str, body: bytes, key: str) -> bytes:
    """Return a PATCH request with a JSON body, authorised by a key."""
    head = (
        f"PATCH {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def load(
    port: int, requests: Iterator[bytes], *, seconds: float = float("inf"), clients: int = 8
) -> Result:
    """Send requests with concurrent clients, until the time is up or no requests are left.

    Raises SystemExit for any status but 200.
    """
    latencies: list[float] = []
    start = time.perf_counter()
    stop = start + seconds
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        for _ in range(clients):
            connection = stack.enter_context(_connect(port))
            client = _Client(connection, requests)
            if client.send_next():
                selector.register(connection, selectors.EVENT_READ, client)
        while selector.get_map():
            ready = selector.select(_TIMEOUT_SECONDS)
            if not ready:
                raise SystemExit(f"port {port}: no response within {_TIMEOUT_SECONDS} seconds")
            for key, _ in ready:
                client = key.data
                if client.receive():
                    now = time.perf_counter()
                    latencies.append(now - client.sent_at)
                    if now >= stop or not client.send_next():
                        selector.unregister(key.fileobj)
    return Result(time.perf_counter() - start, latencies)


def is_complete(response: bytes) -> bool:
    """Return whether a response is complete, given what has been received of it."""
    head_length = response.find(b"\r\n\r\n") + 4
    if head_length < 4:
        return False
    length = _CONTENT_LENGTH.search(response, 0, head_length)
    if length:
        return len(response) >= head_length + int(length[1])
    return not _IS_CHUNKED.search(response, 0, head_length) or response.endswith(_LAST_CHUNK)


def _connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), _TIMEOUT_SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


@define
class _Client:
    """A connection with at most one request under way."""

    _connection: socket.socket
    _requests: Iterator[bytes]
    _request: bytes = field(init=False, default=b"")
    _response: bytes = field(init=False, default=b"")
    sent_at: float = field(init=False, default=0)

    def send_next(self) -> bool:
        """Send the next request. Returns False if none is left."""
        self._request, self._response = next(self._requests, b""), b""
        if not self._request:
            return False
        self.sent_at = time.perf_counter()
        self._connection.sendall(self._request)
        return True

    def receive(self) -> bool:
        """Receive a part of the response. Returns whether it is complete."""
        part = self._connection.recv(262_144)
        self._response += part
        if not part or not self._response.startswith(b"HTTP/1.1 200"):
            line = self._request.split(b"\r\n", 1)[0].decode()
            raise SystemExit(f"{line}: the response was {self._response[:200]!r}")
        return is_complete(self._response)
