"""Granian server for the API, with checks and signal handling that Granian lacks."""

import gc
import os
import signal
import socket
from collections import Counter
from collections.abc import Callable
from multiprocessing import Pipe
from time import monotonic, sleep
from types import FrameType
from typing import cast

from granian.log import LogLevels
from granian.server.mp import MPServer

from eggypro_core.errors import UnavailableError
from eggypro_core.shop import Shop
from eggypro_http.config import HttpConfig
from eggypro_http.server.rsgi_worker import MAX_CONNECTIONS, run_worker
from eggypro_http.server.transfer_limits import TransferLimits
from eggypro_http.server.worker import SHUTDOWN_SECONDS, WorkerApp

DEFAULT_LIMITS = TransferLimits()
_EARLY_DEATH_SECONDS = 60
_MAX_FAILURES = 2
"""The maximum number of consecutive failures of a worker, not counting kills.

Only those within _EARLY_DEATH_SECONDS of its start are counted.
"""
_MAX_REPLACEMENT_DELAY_SECONDS = 5.0
_SIGNAL_CHECK_SECONDS = 0.05


def serve(
    factory: Callable[[], tuple[Shop, HttpConfig]],
    *,
    host: str,
    port: int,
    workers: int = 1,
    drain: float = 0,
    limits: TransferLimits = DEFAULT_LIMITS,
) -> None:
    """Serve the shop that `factory` opens, until SIGTERM, SIGINT or SIGHUP.

    Each worker process calls the factory, which must be picklable, and closes the shop on exit.
    Workers are forked: the calling process must have no open threads or connections. On shutdown
    they report not-ready and keep serving for `drain` seconds. Connections of clients that do not
    keep to `limits` are closed. Raises UnavailableError if the port is not available, if the shop
    cannot be opened, or if workers keep dying.
    """
    server = _server(resolve_free_address(host, port), port, workers)
    server.ignores_hangup = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    failures, failure_sender = Pipe(duplex=False)
    gc.collect()
    gc.freeze()  # so that collections in workers do not copy the memory that they share
    try:
        server.serve(
            spawn_target=run_worker,
            target_loader=WorkerApp(factory, os.getpid(), failure_sender, port, drain, limits),
            wrap_loader=False,
        )
    except SystemExit as error:
        if error.code == 0:
            raise
        raise UnavailableError("The server stopped because its workers keep dying") from None
    if failures.poll():
        raise UnavailableError(failures.recv())


class _GranianServer(MPServer):
    """Granian server that replaces killed workers, no matter how often they are killed.

    Its signal handlers are safe to inherit in forked workers.
    """

    ignores_hangup = False
    """Whether to ignore SIGHUP, as under nohup."""

    def _serve_loop(self, spawn_target: object, target_loader: object) -> None:
        """Replace dead workers until a signal arrives, or until one fails again and again.

        Granian's own loop ends when a worker dies twice within seconds, and may miss a death.
        """
        early_deaths: Counter[int] = Counter()
        replace: Callable[..., None] = self._respawn_workers
        while not self.interrupt_signal:
            self.main_loop_interrupt.wait()
            self.main_loop_interrupt.clear()
            while self.interrupt_children and not self.interrupt_signal:
                worker = self.wrks[self.interrupt_children[0]]
                if monotonic() - worker.birth > _EARLY_DEATH_SECONDS:
                    early_deaths[worker.idx] = 0
                if worker.inner.exitcode > 0 and early_deaths[worker.idx] == _MAX_FAILURES:
                    return  # as if the signal had come, but with exit code 1
                self._wait(_replacement_delay(early_deaths[worker.idx]))
                early_deaths[worker.idx] += 1
                del self.interrupt_children[0]
                replace([worker.idx], spawn_target, target_loader)
        self.interrupt_children.clear()  # they would be an error

    def _wait(self, seconds: float) -> None:
        """Wait, but not beyond a signal. Deaths of other workers do not shorten it."""
        end = monotonic() + seconds
        while monotonic() < end and not self.interrupt_signal:
            sleep(_SIGNAL_CHECK_SECONDS)

    def signal_handler_interrupt(self, number: int, frame: FrameType | None) -> None:
        """Shut the server down, or exit at once in a worker without a handler of its own."""
        main_pid = cast("int | None", self.pid)
        if os.getpid() != main_pid:
            os._exit(0)
        super().signal_handler_interrupt(number, frame)  # type: ignore[no-untyped-call]

    def signal_handler_reload(self, number: int, frame: FrameType | None) -> None:
        """Shut the server down when its terminal is closed: there is nothing to reload."""
        if not self.ignores_hangup:
            self.signal_handler_interrupt(number, frame)


def _replacement_delay(early_deaths: int) -> float:
    """Return the seconds to wait before a worker is replaced: 0, 0.1, 0.3, … up to 5."""
    return min(0.1 * 2.0**early_deaths - 0.1, _MAX_REPLACEMENT_DELAY_SECONDS)


def _server(address: str, port: int, workers: int) -> _GranianServer:
    return _GranianServer(
        "eggypro",
        address=address,
        port=port,
        workers=workers,
        websockets=False,
        backlog=MAX_CONNECTIONS,
        workers_kill_timeout=SHUTDOWN_SECONDS,
        log_level=LogLevels.error,
        log_dictconfig={
            "incremental": True,
            "handlers": {},
            "loggers": {},
        },  # keeps our logging configuration
    )


def resolve_free_address(host: str, port: int) -> str:
    """Return the IP address of a host if the port is free there. Raises UnavailableError.

    Granian does not check this: it lets any number of servers share a port.
    """
    try:
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, _, _, _, address = min(infos)  # IPv4 if both are available
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or "unknown host"
        raise UnavailableError(f"Cannot listen on {host}, port {port}: {reason}") from None
    return str(address[0])
