"""The way to Cloudinary and back: one connection a request, and no wait without an end."""

import io
import socket
import ssl
from collections.abc import Callable, Mapping
from contextlib import closing
from email.message import Message
from functools import cache
from http.client import HTTPConnection, HTTPSConnection, IncompleteRead
from time import monotonic
from typing import Any
from urllib.parse import SplitResult, urlsplit

import certifi
from attrs import frozen
from urllib3 import encode_multipart_formdata

from eggypro_adapters.cloudinary_images.account import Timeouts
from eggypro_adapters.cloudinary_images.errors import require_success, translated

MAX_RESPONSE_BYTES = 1_000_000
"""How many bytes of an answer are read: it tells of an image, and never holds one."""
_SENT = 16_384  # between two looks at the clock: what TLS sends at once


@frozen
class TransportResponse:
    """An answer, as the SDK reads it."""

    status: int
    headers: Message
    data: bytes


@frozen
class Transport:
    """What the SDK sends its requests by; `clock` tells seconds.

    Its own has no deadline, tries again unasked, and follows a redirect with the file in its hand.
    """

    clock: Callable[[], float] = monotonic

    def request(
        self,
        *,
        method: str,
        url: str,
        headers: Mapping[str, str],
        fields: Mapping[str, Any] | None,
        timeout: Timeouts,
    ) -> TransportResponse:
        """Send a request once, and return its answer.

        Raises UnavailableError where none comes in time, or only that this is no time to ask, and
        UpstreamError for a failure or a redirect.
        """
        until = self.clock() + timeout.total
        body, also = _form(fields)
        with translated():
            place = urlsplit(url)
            connection = _connected(place, timeout.connect)
            with closing(connection.sock) as wire:
                connection.sock = _Wire(wire, lambda: until - self.clock(), timeout.read)
                connection.request(method, place.path, body, {**headers, **also})
                answer = connection.getresponse()
                data = answer.read(MAX_RESPONSE_BYTES)
                if answer.length and len(data) < MAX_RESPONSE_BYTES:
                    raise IncompleteRead(data, answer.length)
        require_success(answer.status, answer.headers.get("Retry-After", ""))
        return TransportResponse(answer.status, answer.headers, data)


class _Wire(io.RawIOBase):
    """A socket, as HTTPConnection uses one, each of whose waits ends by the deadline."""

    def __init__(self, wire: socket.socket, left: Callable[[], float], silence: float) -> None:
        self._wire = wire
        self._left = left
        self._silence = silence

    def sendall(self, data: bytes) -> None:
        for start in range(0, len(data), _SENT):
            self._wire.settimeout(self._patience())
            self._wire.sendall(data[start : start + _SENT])

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._wire.settimeout(min(self._patience(), self._silence))
        return self._wire.recv_into(buffer)

    def close(self) -> None:
        """Leave it to who opened the socket: HTTPConnection closes it before the answer is read."""

    def _patience(self) -> float:
        left = self._left()
        if left <= 0:
            raise TimeoutError
        return left


def _connected(place: SplitResult, seconds: float) -> HTTPConnection:
    host = place.hostname or ""
    connection = (
        HTTPSConnection(host, place.port, timeout=seconds, context=tls())
        if place.scheme == "https"
        else HTTPConnection(host, place.port, timeout=seconds)
    )
    connection.connect()
    return connection


@cache
def tls() -> ssl.SSLContext:
    """Return how a server proves who it is: by the system's authorities, or those of certifi."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())  # a slim container has none of its own
    return context


def _form(fields: Mapping[str, Any] | None) -> tuple[bytes | None, dict[str, str]]:
    if not fields:
        return None, {}
    body, content_type = encode_multipart_formdata(fields)
    return body, {"Content-Type": content_type}
