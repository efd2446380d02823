"""HTTP transport to Cloudinary: one connection per request, with a deadline."""

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
from eggypro_adapters.cloudinary_images.errors import require_success, translate_errors

MAX_RESPONSE_BYTES = 1_000_000
"""Maximum size of a response: it describes an image and never contains one."""
_CHUNK_BYTES = 16_384  # sent between checks of the deadline: one TLS record


@frozen
class TransportResponse:
    """A response with the attributes that the SDK reads."""

    status: int
    headers: Message
    data: bytes


@frozen
class Transport:
    """HTTP connector for the SDK; `clock` returns seconds.

    The SDK's own has no deadline, retries without being asked, and sends the file to redirects.
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
        """Send a request once and return its response.

        Raises UnavailableError on a timeout or if the service is busy, UpstreamError for a failure
        or a redirect.
        """
        deadline = self.clock() + timeout.total
        body, form_headers = _encode_form(fields)
        with translate_errors():
            parts = urlsplit(url)
            connection = _connect(parts, timeout.connect)
            with closing(connection.sock) as sock:
                connection.sock = _DeadlineSocket(
                    sock, lambda: deadline - self.clock(), timeout.read
                )
                connection.request(method, parts.path, body, {**headers, **form_headers})
                response = connection.getresponse()
                data = response.read(MAX_RESPONSE_BYTES)
                if response.length and len(data) < MAX_RESPONSE_BYTES:
                    raise IncompleteRead(data, response.length)
        require_success(response.status, response.headers.get("Retry-After", ""))
        return TransportResponse(response.status, response.headers, data)


class _DeadlineSocket(io.RawIOBase):
    """A socket for HTTPConnection whose operations time out at the deadline."""

    def __init__(
        self, sock: socket.socket, time_left: Callable[[], float], read_timeout: float
    ) -> None:
        self._sock = sock
        self._time_left = time_left
        self._read_timeout = read_timeout

    def sendall(self, data: bytes) -> None:
        for start in range(0, len(data), _CHUNK_BYTES):
            self._sock.settimeout(self._require_time_left())
            self._sock.sendall(data[start : start + _CHUNK_BYTES])

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._sock.settimeout(min(self._require_time_left(), self._read_timeout))
        return self._sock.recv_into(buffer)

    def close(self) -> None:
        """Do nothing: HTTPConnection closes its socket before the response is read."""

    def _require_time_left(self) -> float:
        seconds = self._time_left()
        if seconds <= 0:
            raise TimeoutError
        return seconds


def _connect(url: SplitResult, timeout: float) -> HTTPConnection:
    host = url.hostname or ""
    connection = (
        HTTPSConnection(host, url.port, timeout=timeout, context=tls_context())
        if url.scheme == "https"
        else HTTPConnection(host, url.port, timeout=timeout)
    )
    connection.connect()
    return connection


@cache
def tls_context() -> ssl.SSLContext:
    """Return a TLS context that trusts the certificate authorities of the system and certifi."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())  # a slim container has none of its own
    return context


def _encode_form(fields: Mapping[str, Any] | None) -> tuple[bytes | None, dict[str, str]]:
    if not fields:
        return None, {}
    body, content_type = encode_multipart_formdata(fields)
    return body, {"Content-Type": content_type}
