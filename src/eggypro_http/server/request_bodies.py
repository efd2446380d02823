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
"""The most bytes of the bodies that a worker is receiving in temporary files."""
_RETRY_SECONDS = 30
_REQUEST_TIMEOUT = 408

RsgiProtocol: TypeAlias = Any
"""Granian's RSGIHTTPProtocol: the body of a request, and methods that send its response."""


class BodyNotReceivedError(BaseException):
    """The application reads a body that has not been received: run it again afterwards.

    Not an Exception, so that no error handler of the application turns it into a response.
    """


class UnreceivedBody:
    """Body of a request that is only run up to its first read."""

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
        """Release the request, to which the traceback refers: its connection can then close."""
        self._error.__traceback__ = None


ReceivedBody: TypeAlias = IO[bytes] | FailedBody


def has_body(environ: WSGIEnvironment) -> bool:
    """Return whether a request has a body."""
    return environ.get("CONTENT_LENGTH", "0") != "0" or "HTTP_TRANSFER_ENCODING" in environ


def is_received_first(environ: WSGIEnvironment) -> bool:
    """Return whether the body is received before the application sees the request.

    The application may refuse longer ones, and those whose client waits for `100 Continue`, before
    they are received.
    """
    return "HTTP_EXPECT" not in environ and 0 <= _length(environ) <= _MAX_BYTES_IN_MEMORY


def is_drained(environ: WSGIEnvironment) -> bool:
    """Return whether the body is received although the request was refused.

    The client would get a broken pipe instead of the response while it is still sending.
    """
    return "HTTP_EXPECT" not in environ and 0 <= _length(environ) <= MAX_DRAINED_BYTES


class BodyReceiver:
    """Receives the bodies of a worker's requests in its event loop."""

    def __init__(self, limits: TransferLimits) -> None:
        self._limits = limits
        self._bytes_on_disk = 0
        self._end = inf
        self._timeouts: set[asyncio.Timeout] = set()

    async def receive(self, protocol: RsgiProtocol, environ: WSGIEnvironment) -> ReceivedBody:
        """Return the body of a request, or the part of it that came before the client closed.

        The caller closes it. A body that comes too slowly, or for which there is no room, is
        returned as one that cannot be read.
        """
        file: SpooledTemporaryFile[bytes] = SpooledTemporaryFile(_MAX_BYTES_IN_MEMORY)  # noqa: SIM115  (closed by the caller)
        error: Exception
        reserved = 0
        try:
            async for chunk in self._chunks(protocol, environ):
                file.write(chunk)
                if file.tell() > _MAX_BYTES_IN_MEMORY:
                    reserved += len(chunk)
                    self._reserve(len(chunk))
            file.seek(0)
        except TimeoutError:
            error = self._timeout_error()
        except (OSError, UnavailableError) as reason:
            error = reason
        else:
            return file
        finally:
            self._bytes_on_disk -= reserved
        with suppress(OSError):  # closing writes to a full disk again
            file.close()
        return FailedBody(error)

    def give_up(self) -> None:
        """Treat all bodies that have not been received by now as too slow."""
        self._end = asyncio.get_running_loop().time()
        for timeout in self._timeouts:
            timeout.reschedule(self._end)

    async def drain(self, protocol: RsgiProtocol, environ: WSGIEnvironment) -> None:
        """Receive a body and discard it; give up if it comes too slowly."""
        with suppress(TimeoutError):
            async for _ in self._chunks(protocol, environ):
                pass

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


def _length(environ: WSGIEnvironment) -> int:
    """Return the length of the body, -1 if it is not known before its end."""
    return -1 if "HTTP_TRANSFER_ENCODING" in environ else int(environ["CONTENT_LENGTH"])


def _is_json(environ: WSGIEnvironment) -> bool:
    media_type = environ.get("CONTENT_TYPE", JSON_MEDIA_TYPE).lower()
    return "json" in media_type and 0 <= _length(environ) <= MAX_JSON_BYTES
