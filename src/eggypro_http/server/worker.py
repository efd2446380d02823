"""Worker process of the server: startup, graceful shutdown and exit with the main process."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.util import Finalize
from threading import Event, Thread
from time import sleep
from typing import NoReturn

from attrs import evolve, frozen

from eggypro_core.errors import EggyProError
from eggypro_core.shop import Shop
from eggypro_http.app import create_app
from eggypro_http.config import HttpConfig
from eggypro_http.server.rsgi_worker import ServeRequests, serve_app
from eggypro_http.server.transfer_limits import TransferLimits

SHUTDOWN_SECONDS = 9
"""The maximum duration of a shutdown, including the drain and the requests in flight."""
_SLOW_CLIENT_SECONDS = 2
"""The time that is left for the shutdown after slow clients have been disconnected."""
_PR_SET_PDEATHSIG = 1
_KEPT_VARIABLES = frozenset(
    """
    PATH HOME LANG LC_ALL TZ TMPDIR PYTHONPATH LD_LIBRARY_PATH
    SSL_CERT_FILE SSL_CERT_DIR HTTPS_PROXY NO_PROXY https_proxy no_proxy
    PGPASSFILE PGSERVICEFILE PGSSLROOTCERT PGSSLCERT PGSSLKEY
    """.split()
)
"""Environment variables that libraries need at runtime. None is a secret."""


@frozen
class WorkerApp:
    """Factory of a worker's application. It is sent to the process, so its parts are picklable."""

    _factory: Callable[[], tuple[Shop, HttpConfig]]
    _parent: int
    _failures: "Connection[str, str]"
    _port: int
    _drain: float
    _limits: TransferLimits

    def __call__(self) -> ServeRequests:
        """Return the function that serves the application.

        Its shop is closed when the process exits.
        """
        shutting_down = Event()
        _wait_for_signals(shutting_down, self._drain)
        _exit_with_parent(self._parent)
        _clear_environment()
        try:
            shop, config = self._factory()
        except EggyProError as error:
            self._give_up(str(error))
        Finalize(None, shop.close, exitpriority=10)  # atexit does not run in forked workers
        config = evolve(config, is_shutting_down=shutting_down.is_set)
        return partial(serve_app, create_app(shop, config), self._port, self._limits)

    def _give_up(self, reason: str) -> NoReturn:
        """Report the failure, then stop the main process, which stops this one."""
        self._failures.send(reason)
        os.kill(self._parent, signal.SIGTERM)
        while True:
            signal.pause()


def _wait_for_signals(shutting_down: Event, drain: float) -> None:
    """Handle SIGTERM in a thread of its own; SIGINT is left to the main process.

    Otherwise the kernel may deliver SIGTERM to a Granian thread, and Python would defer its handler
    until the main thread wakes up, which it never does.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # until Granian installs its own
    Thread(target=_shut_down_on_sigterm, args=[shutting_down, drain], daemon=True).start()


def _shut_down_on_sigterm(shutting_down: Event, drain: float) -> None:
    """Wait for SIGTERM, then shut down: gracefully, if Granian has started.

    Sets `shutting_down`, so that the worker reports not-ready, and serves requests for `drain`
    more seconds before Granian stops listening. Clients that are still slow near the end are
    disconnected, so that the shop can be closed.
    """
    signal.sigwait({signal.SIGTERM})
    stop = signal.getsignal(signal.SIGTERM)
    if not callable(stop):  # Granian has not started
        os._exit(0)
    shutting_down.set()
    sleep(drain)
    stop(signal.SIGTERM, None)
    sleep(SHUTDOWN_SECONDS - drain - _SLOW_CLIENT_SECONDS)
    stop(signal.SIGTERM, None)
    sleep(_SLOW_CLIENT_SECONDS)
    os._exit(1)


def _exit_with_parent(parent: int) -> None:
    """Make this process shut down if the main process is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit(1)


def _clear_environment() -> None:
    """Delete all other environment variables: no library needs to see the secrets in them."""
    for name in set(os.environ) - _KEPT_VARIABLES:
        del os.environ[name]
