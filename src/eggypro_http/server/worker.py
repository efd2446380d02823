"""A worker process of the server: how it starts, and how it ends with the main process."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.util import Finalize
from threading import Event, Thread
from time import sleep
from typing import NoReturn
from wsgiref.types import WSGIApplication

from attrs import evolve, frozen

from eggypro_core.errors import EggyProError
from eggypro_core.shop import Shop
from eggypro_http.app import create_app
from eggypro_http.config import HttpConfig
from eggypro_http.middleware.drain_body import DrainBodyMiddleware

SHUTDOWN_SECONDS = 9
"""How long the end may take: the drain, and the requests in flight."""
_PR_SET_PDEATHSIG = 1
_KEPT_VARIABLES = frozenset(
    """
    PATH HOME LANG LC_ALL TZ TMPDIR PYTHONPATH LD_LIBRARY_PATH
    SSL_CERT_FILE SSL_CERT_DIR HTTPS_PROXY NO_PROXY https_proxy no_proxy
    PGPASSFILE PGSERVICEFILE PGSSLROOTCERT PGSSLCERT PGSSLKEY
    """.split()
)
"""The variables that libraries need while they run. None is a secret."""


@frozen
class WorkerApp:
    """Makes the application of a worker process. It is sent there, so its parts are picklable."""

    _factory: Callable[[], tuple[Shop, HttpConfig]]
    _parent: int
    _failed: "Connection[str, str]"
    _drain: float

    def __call__(self) -> WSGIApplication:
        """Return the application. What it opens is closed when the process ends."""
        ending = Event()
        _wait_for_signals(ending, self._drain)
        _exit_with_parent(self._parent)
        _clear_environment()
        try:
            shop, config = self._factory()
        except EggyProError as error:
            self._give_up(str(error))
        Finalize(None, shop.close, exitpriority=10)  # atexit does not run in forked workers
        return DrainBodyMiddleware(create_app(shop, evolve(config, is_ending=ending.is_set)))

    def _give_up(self, reason: str) -> NoReturn:
        """Have the main process end, and this one with it."""
        self._failed.send(reason)
        os.kill(self._parent, signal.SIGTERM)
        while True:
            signal.pause()


def _wait_for_signals(ending: Event, drain: float) -> None:
    """Have one thread wait for SIGTERM, and no other see it; SIGINT is the main process's matter.

    Otherwise the kernel may give it to a thread of Granian that is just awake. Python then notes
    it, and calls the handler when its main thread wakes: never.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # until Granian has begun there is none to call
    Thread(target=_shut_down_on_sigterm, args=[ending, drain], daemon=True).start()


def _shut_down_on_sigterm(ending: Event, drain: float) -> None:
    """Wait for SIGTERM, and end: in good order if there is one to end in.

    Whoever asks is told that it is `ending`, and requests are still taken, for the seconds of the
    `drain`: after them Granian listens no more.
    """
    signal.sigwait({signal.SIGTERM})
    stop = signal.getsignal(signal.SIGTERM)
    if not callable(stop):  # Granian has not begun
        os._exit(0)
    ending.set()
    sleep(drain)
    stop(signal.SIGTERM, None)  # only once: Granian hangs if it is told twice
    sleep(SHUTDOWN_SECONDS - drain)
    os._exit(1)


def _exit_with_parent(parent: int) -> None:
    """Have this process finish and go if the main process is killed."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit(1)


def _clear_environment() -> None:
    """Drop the variables of the environment: Granian copies them into every request."""
    for name in set(os.environ) - _KEPT_VARIABLES:
        del os.environ[name]
