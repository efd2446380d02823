"""Granian worker that calls a dispatcher in its threads, through the RSGI interface.

With the WSGI interface a thread waits for each body, without a time limit. With the RSGI interface
all requests pass through one event loop. Here, only requests with bodies do.
"""

import asyncio
import signal
from collections.abc import Callable
from math import inf
from threading import Event
from typing import Any, TypeAlias
from wsgiref.types import WSGIApplication

from granian._granian import CallbackScheduler, RSGIWorker, WorkerSignal
from granian.http import HTTP1Settings

from eggypro_http.server.dispatcher import RequestDispatcher
from eggypro_http.server.slow_readers import SlowReaders
from eggypro_http.server.transfer_limits import TransferLimits

MAX_CONNECTIONS = 4096
"""The maximum number of connections of a worker; others wait until one of them closes."""
_FILE_THREADS = 32
_HTTP1 = HTTP1Settings(
    header_read_timeout=10_000,  # also limits how long a connection may be idle
    max_buffer_size=80 * 1024,  # the memory of a connection whose header never ends
)
Listener: TypeAlias = tuple[Any, Any]
"""Granian's specification of a listening socket, or its holder."""
_new_worker: Callable[..., Any] = RSGIWorker  # its stub is out of date
ServeRequests: TypeAlias = Callable[[int, Listener], None]
"""Serves requests from a listener, given the number of the worker, until SIGTERM or SIGINT.

The handler of both signals shuts down gracefully; called again, it disconnects slow clients.
"""


def run_worker(
    number: int,
    _name: object,
    load: Callable[[], ServeRequests],
    sockets: tuple[Listener, object],
    *_settings: object,
) -> None:
    """Run a worker process: call the function that `load` returns."""
    load()(number, sockets[0])


def serve_app(
    app: WSGIApplication, port: int, limits: TransferLimits, number: int, listener: Listener
) -> None:
    """Serve an application like ServeRequests; `listener` has the port `port`."""
    loop = asyncio.new_event_loop()
    dispatcher, slow_readers = RequestDispatcher(app, loop, limits), SlowReaders(limits, port)
    shutdown, has_shut_down, is_shutting_down = WorkerSignal(), asyncio.Event(), Event()
    shutdown.add_cb(lambda: loop.call_soon_threadsafe(has_shut_down.set))

    def disconnect_slow_clients() -> None:
        dispatcher.bodies.give_up()
        slow_readers.check(inf)

    def shut_down(*_: object) -> None:
        if is_shutting_down.is_set():
            loop.call_soon_threadsafe(disconnect_slow_clients)
        else:
            is_shutting_down.set()
            shutdown.set()

    for interrupt in (signal.SIGINT, signal.SIGTERM):
        signal.signal(interrupt, shut_down)
    worker = _new_worker(
        number,
        listener,
        None,
        blocking_threads=_FILE_THREADS,
        py_threads=dispatcher.server_threads,
        backpressure=MAX_CONNECTIONS,
        http1_opts=_HTTP1,
    )
    worker.serve_mtr(_DirectScheduler(loop, dispatcher, None, None, None), loop, shutdown)
    slow_readers.watch()
    loop.run_until_complete(has_shut_down.wait())


class _DirectScheduler(CallbackScheduler):
    """Calls the dispatcher in the thread that would otherwise schedule a coroutine."""

    def __init__(
        self,
        _loop: asyncio.AbstractEventLoop,
        dispatcher: RequestDispatcher,
        *_unused: None,
    ) -> None:
        self._schedule_fn = dispatcher
