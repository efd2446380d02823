"""The API on a port: Granian's processes, with the guards that it lacks."""

import os
import signal
import socket
from collections.abc import Callable
from multiprocessing import Pipe
from types import FrameType
from typing import cast

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer

from eggypro_core.errors import UnavailableError
from eggypro_core.shop import Shop
from eggypro_http.config import HttpConfig
from eggypro_http.server.worker import SHUTDOWN_SECONDS, WorkerApp


def serve(
    factory: Callable[[], tuple[Shop, HttpConfig]],
    *,
    host: str,
    port: int,
    workers: int = 1,
    drain: float = 0,
) -> None:
    """Serve the shop that `factory` opens, until SIGTERM, SIGINT or SIGHUP has been obeyed.

    Each worker process calls the factory, which must be picklable, and closes what it opens. The
    processes are forked: have no thread and no connection open here. At the end they say that they
    are not ready, and go on for the seconds of the `drain`. Raises UnavailableError where the port
    cannot be had, where the shop cannot be opened, and where workers keep dying.
    """
    server = _server(resolve_free_address(host, port), port, workers)
    server.ignores_hangup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    failures, failed = Pipe(duplex=False)
    try:
        server.serve(
            target_loader=WorkerApp(factory, os.getpid(), failed, drain), wrap_loader=False
        )
    except SystemExit as ended:
        if ended.code == 0:
            raise
        raise UnavailableError("The server ended, since its workers keep dying") from None
    if failures.poll():
        raise UnavailableError(failures.recv())


class _GranianServer(MPServer):
    """Granian, whose workers inherit a signal handler that knows where it is."""

    ignores_hangup = False
    """Whether it outlives its terminal, as nohup has it."""

    def signal_handler_interrupt(self, number: int, frame: FrameType | None) -> None:
        """Begin to end the server, or at once a worker that has not come to its own handler."""
        main = cast("int | None", self.pid)
        if os.getpid() != main:
            os._exit(0)
        super().signal_handler_interrupt(number, frame)  # type: ignore[no-untyped-call]

    def signal_handler_reload(self, number: int, frame: FrameType | None) -> None:
        """Begin to end the server, whose terminal was closed: there is nothing to reload."""
        if not self.ignores_hangup:
            self.signal_handler_interrupt(number, frame)


def _server(address: str, port: int, workers: int) -> _GranianServer:
    return _GranianServer(
        "eggypro",
        interface=Interfaces.WSGI,
        address=address,
        port=port,
        workers=workers,
        http=HTTPModes.http1,
        websockets=False,
        # A slow body holds a thread, an idle connection a place: there must be plenty of both.
        blocking_threads=64,
        backlog=2048,
        backpressure=2048,
        http1_settings=HTTP1Settings(header_read_timeout=10_000),
        workers_kill_timeout=SHUTDOWN_SECONDS,
        respawn_failed_workers=True,
        log_level=LogLevels.error,
        log_dictconfig={"incremental": True, "handlers": {}, "loggers": {}},  # ours stays as it is
    )


def resolve_free_address(host: str, port: int) -> str:
    """Return the address of a host, where the port is free. Raises UnavailableError.

    Granian would not notice: it lets any number of servers share a port.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = min(found)  # IPv4, if there is a choice
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "there is no such host"
        raise UnavailableError(f"Cannot listen on {host}, port {port}: {reason}") from None
    return str(address[0])
