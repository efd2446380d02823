"""Reception of request bodies: in memory or temporary files, within the limits of slow clients."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from math import inf
from tempfile import SpooledTemporaryFile
from typing import IO, Any, NoReturn, TypeAlias
from wsgiref.types import WSGIEnvironment

import falcon

from eggypro_core.errors import UnavailableError
from eggypro_http.requests.json_body import MAX_JSON_BYTES
from eggypro_http.responses import JSON_MEDIA_TYPE
from eggypro_http.server.transfer_limits import TransferDeadline, TransferLimits

MAX_DRAINED_BYTES = 8 * 1024 * 1024
"""A longer body of a refused request is not received: its client may see a closed connection."""
_MAX_BYTES_IN_MEMORY = 64 * 1024
MAX_BYTES_ON_DISK = 1024 * 1024 * 1024
"""The maximum size of all bodies that a worker is receiving in temporary files."""
_RETRY_SECONDS = 30
_REQUEST_TIMEOUT = 408

RsgiProtocol: TypeAlias = Any
"""Granian's RSGIHTTPProtocol: the body of a request, and methods that send its response."""


class BodyNotReceivedError(BaseException):
    """The application reads a body that has not been received: run it again once it has been.

    Not an Exception, so that no error handler of the application turns it into a response.
    """


class UnreceivedBody:
    """Body of a request that is run only up to its first read."""

    def read(self, _size: int = -1) -> NoReturn:
        """Raise BodyNotReceivedError."""
        raise BodyNotReceivedError


class FailedBody:
    """Body that could not be received. Reading raises the error."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def read(self, _size: int = -1) -> NoReturn:
        """Raise the error."""
        raise self._error

    def close(self) -> None:
        """Release the request, which the traceback refers to, so that its connection can close."""
        self._error.__traceback__ = None


ReceivedBody: TypeAlias = IO[bytes] | FailedBody


def has_body(environ: WSGIEnvironment) -> bool:
    """Return whether a request has a body."""
    return environ.get("CONTENT_LENGTH", "0") != "0" or "HTTP_TRANSFER_ENCODING" in environ


def is_received_first(environ: WSGIEnvironment) -> bool:
    """Return whether the body is received before the application sees the request.

    The application may refuse any other body before it is received.
    """
    return _is_sent_at_once(environ, _MAX_BYTES_IN_MEMORY)


def is_drained(environ: WSGIEnvironment) -> bool:
    """Return whether the body is received although the request was refused.

    The client would get a broken pipe instead of the response while it is still sending.
    """
    return _is_sent_at_once(environ, MAX_DRAINED_BYTES)


class BodyReceiver:
    """Receives the bodies of a worker's requests in its event loop."""

    def __init__(self, limits: TransferLimits) -> None:
        self._limits = limits
        self._bytes_on_disk = 0
        self._end = inf
        self._timeouts: set[asyncio.Timeout] = set()

    async def receive(self, protocol: RsgiProtocol, environ: WSGIEnvironment) -> ReceivedBody:
        """Return the body of a request, or the part that arrived before the client disconnected.

        The caller closes it. If the body is too slow or there is no room for it, returns a
        FailedBody.
        """
        file = _open_file()
        try:
            await self._receive_in(file, protocol, environ)
        except TimeoutError:
            return _failed_body(file, self._timeout_error())
        except (OSError, UnavailableError) as error:
            return _failed_body(file, error)
        return file

    def give_up(self) -> None:
        """Treat all bodies that have not been received yet as too slow."""
        self._end = asyncio.get_running_loop().time()
        for timeout in self._timeouts:
            timeout.reschedule(self._end)

    async def drain(self, protocol: RsgiProtocol, environ: WSGIEnvironment) -> None:
        """Receive a body and discard it; give up if it comes too slowly."""
        with suppress(TimeoutError):
            async for _ in self._chunks(protocol, environ):
                pass

    async def _receive_in(
        self, file: IO[bytes], protocol: RsgiProtocol, environ: WSGIEnvironment
    ) -> None:
        reserved = 0
        try:
            async for chunk in self._chunks(protocol, environ):
                file.write(chunk)
                if file.tell() > _MAX_BYTES_IN_MEMORY:
                    reserved += len(chunk)
                    self._reserve(len(chunk))
            file.seek(0)
        finally:
            self._bytes_on_disk -= reserved

    async def _chunks(
        self, protocol: RsgiProtocol, environ: WSGIEnvironment
    ) -> AsyncIterator[bytes]:
        """Yield the body in chunks. Raises TimeoutError if it comes too slowly."""
        now, length, total = asyncio.get_running_loop().time, _length(environ), 0
        deadline = TransferDeadline(self._limits, now())
        end = now() + self._limits.json_seconds if _is_json(environ) else inf
        chunks = aiter(protocol)
        while total != length:
            async with self._timeout_at(min(deadline.seconds(), end, self._end)):
                chunk = await anext(chunks)
            if not chunk:  # the end of a chunked body, or the client closed the connection
                return
            total += len(chunk)
            deadline.advance(now(), total)
            yield chunk

    @asynccontextmanager
    async def _timeout_at(self, end: float) -> AsyncIterator[None]:
        async with asyncio.timeout_at(end) as timeout:
            self._timeouts.add(timeout)
            try:
                yield
            finally:
                self._timeouts.remove(timeout)

    def _reserve(self, count: int) -> None:
        self._bytes_on_disk += count
        if self._bytes_on_disk > MAX_BYTES_ON_DISK:
            message = "Too many files are being uploaded at once. Try again later."
            raise UnavailableError(message, retry_after=_RETRY_SECONDS)

    def _timeout_error(self) -> Exception:
        limits = self._limits
        return falcon.HTTPError(
            _REQUEST_TIMEOUT,
            description="The request body came too slowly:"
            f" JSON must arrive within {limits.json_seconds:g} s, and files at"
            f" {limits.bytes_per_second // 1024} KiB/s or more,"
            f" within {limits.file_seconds / 60:g} min",
        )


def _open_file() -> IO[bytes]:
    """Return an empty temporary file, which is in memory while it is small."""
    return SpooledTemporaryFile(_MAX_BYTES_IN_MEMORY)


def _failed_body(file: IO[bytes], error: Exception) -> FailedBody:
    """Close the file of a body and return one that raises `error`."""
    with suppress(OSError):  # closing writes to a full disk again
        file.close()
    return FailedBody(error)


def _is_sent_at_once(environ: WSGIEnvironment, max_bytes: int) -> bool:
    """Return whether the client sends up to `max_bytes` without waiting for `100 Continue`."""
    return "HTTP_EXPECT" not in environ and 0 <= _length(environ) <= max_bytes


def _length(environ: WSGIEnvironment) -> int:
    """Return the length of the body, -1 if it is not known before its end."""
    return -1 if "HTTP_TRANSFER_ENCODING" in environ else int(environ["CONTENT_LENGTH"])


def _is_json(environ: WSGIEnvironment) -> bool:
    media_type = environ.get("CONTENT_TYPE", JSON_MEDIA_TYPE).lower()
    return "json" in media_type and 0 <= _length(environ) <= MAX_JSON_BYTES
