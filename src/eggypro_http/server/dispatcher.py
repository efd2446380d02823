"""Dispatch of requests to threads that run the WSGI application, without waiting for clients."""

import asyncio
from collections import deque
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import Any, TypeAlias
from wsgiref.types import WSGIApplication, WSGIEnvironment

from attrs import frozen

from eggypro_http.server.environ import environ_of
from eggypro_http.server.request_bodies import (
    BodyNotReceivedError,
    BodyReceiver,
    FailedBody,
    RsgiProtocol,
    UnreceivedBody,
    has_body,
    is_drained,
    is_received_first,
)
from eggypro_http.server.transfer_limits import TransferLimits

MAX_THREADS = 64
"""The maximum number of requests in threads of the server, and of requests in the pool."""
_PROBE_THREADS = 8
"""Threads of the server that are reserved for probes."""
_DISPATCH_THREADS = 4
"""Threads of the server that run no request, so that each request is dispatched at once."""
_PROBES = frozenset({"/api/health/live", "/api/health/ready"})
_CLOSE = ("connection", "close")

RequestWatcher: TypeAlias = Any
"""Granian's CallbackWatcherHTTP: the scope of a request, and its protocol."""


@frozen
class FileBody:
    """Body of a response that is a file or, without a disk to store it on, a stream in memory.

    The server reads files itself (`wsgi.file_wrapper`).
    """

    file: Any
    _block_size: int = 0


class _Response:
    """A response of the application, which calls it as its `start_response`."""

    __slots__ = ("body", "headers", "status")
    body: Iterable[bytes] | FileBody
    headers: list[tuple[str, str]]
    status: int

    def __call__(self, status: str, headers: list[tuple[str, str]], _error: Any = None) -> Any:
        self.status, self.headers = int(status[:3]), headers


class RequestDispatcher:
    """Runs a WSGI application for the requests of a worker.

    Granian calls the dispatcher in one of its threads. A request without a body runs there, or in
    a thread of the pool if MAX_THREADS requests already run there. A body is received in the event
    loop first, so that a slow client occupies no thread, and then the request runs in the pool.
    """

    server_threads = MAX_THREADS + _PROBE_THREADS + _DISPATCH_THREADS
    """The number of threads that Granian needs."""

    def __init__(
        self, app: WSGIApplication, loop: asyncio.AbstractEventLoop, limits: TransferLimits
    ) -> None:
        self._app = app
        self._loop = loop
        self.bodies = BodyReceiver(limits)
        self._pool = ThreadPoolExecutor(MAX_THREADS, "request")
        self._slots = deque(range(MAX_THREADS))
        self._probe_slots = deque(range(_PROBE_THREADS))
        self._receptions: set[asyncio.Task[None]] = set()

    def __call__(self, watcher: RequestWatcher) -> None:
        """Serve a request, or hand it over to the pool or to the event loop."""
        environ = environ_of(watcher.scope)
        environ["wsgi.file_wrapper"] = FileBody
        if has_body(environ):
            self._loop.call_soon_threadsafe(self._start_reception, watcher, environ)
            return
        environ["wsgi.input"] = BytesIO()
        slots = self._probe_slots if environ["PATH_INFO"] in _PROBES else self._slots
        try:
            slot = slots.pop()
        except IndexError:
            self._pool.submit(self._serve, watcher, environ)
            return
        self._serve(watcher, environ)
        slots.append(slot)

    def _start_reception(self, watcher: RequestWatcher, environ: WSGIEnvironment) -> None:
        task = self._loop.create_task(self._receive_and_serve(watcher, environ))
        self._receptions.add(task)
        task.add_done_callback(self._receptions.discard)

    async def _receive_and_serve(self, watcher: RequestWatcher, environ: WSGIEnvironment) -> None:
        protocol = watcher.proto
        if is_received_first(environ) or not await self._serve_unreceived(protocol, environ):
            environ["wsgi.input"] = await self.bodies.receive(protocol, environ)
            self._pool.submit(self._serve, watcher, environ)

    async def _serve_unreceived(self, protocol: RsgiProtocol, environ: WSGIEnvironment) -> bool:
        """Serve a request unless the application reads its body; return whether it was served."""
        environ["wsgi.input"] = UnreceivedBody()
        response = await self._loop.run_in_executor(self._pool, self._run_to_first_read, environ)
        if response is None:
            return False
        if is_drained(environ):
            await self.bodies.drain(protocol, environ)
        _send(protocol, response)
        return True

    def _serve(self, watcher: RequestWatcher, environ: WSGIEnvironment) -> None:
        """Run the application and send its response. Never raises: Granian handles no errors."""
        try:
            _send(watcher.proto, self._run(environ))
        except BaseException as error:  # noqa: BLE001  (the last resort of a thread)
            watcher.err(error)
        finally:
            environ["wsgi.input"].close()

    def _run_to_first_read(self, environ: WSGIEnvironment) -> _Response | None:
        """Return the response to a request, or None if the application reads the body."""
        try:
            return self._run(environ)
        except BodyNotReceivedError:
            return None

    def _run(self, environ: WSGIEnvironment) -> _Response:
        response = _Response()
        response.body = self._app(environ, response)
        if isinstance(environ["wsgi.input"], FailedBody):
            response.headers = [*response.headers, _CLOSE]
        return response


def _send(protocol: RsgiProtocol, response: _Response) -> None:
    """Hand a response over to the server, which sends it without occupying one of its threads."""
    status, headers, body = response.status, response.headers, response.body
    if not isinstance(body, FileBody):
        protocol.response_bytes(status, headers, b"".join(body))
        return
    with body.file as file:
        if isinstance(file, BytesIO):
            protocol.response_bytes(status, headers, file.getvalue())
        else:
            protocol.response_file(status, headers, str(file.name))
