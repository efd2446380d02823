"""A wire to a server, which can be cut, or go dead without a word."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Lock, Thread

Address = str | tuple[str, int]
THREAD_NAME = "wire"
"""The name of the threads, by which tests that look at threads know theirs apart."""


class TcpProxy:
    """Listens on a port, and passes on what comes to a server and back."""

    def __init__(self, server: Address) -> None:
        self._server = server
        self._lock = Lock()
        self._ends: list[socket.socket] = []
        self._is_passing = Event()
        self._is_passing.set()
        self._longest: int | None = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._accept()

    def disconnect(self) -> None:
        """Break all connections, and let nobody make another."""
        with self._lock:
            _close(self._listener)
            for end in self._ends:
                _close(end)
            self._ends.clear()

    def set_server(self, server: Address) -> None:
        """Have further connections be made with another server."""
        self._server = server

    def reconnect(self) -> None:
        """Listen again, where it did before."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._accept()

    def freeze(self) -> None:
        """Take connections, but pass on nothing."""
        self._is_passing.clear()

    def unfreeze(self) -> None:
        """Pass everything on again."""
        self._is_passing.set()

    def truncate_replies(self, max_bytes: int | None) -> None:
        """Close each connection in the midst of a reply that is longer, or let all pass."""
        self._longest = max_bytes

    def _accept(self) -> None:
        Thread(target=self._run, args=(self._listener,), name=THREAD_NAME, daemon=True).start()

    def _run(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                kind = socket.AF_UNIX if isinstance(self._server, str) else socket.AF_INET
                far = socket.socket(kind)
                far.connect(self._server)
                with self._lock:
                    self._ends += [near, far]
                for ends in ((near, far, False), (far, near, True)):
                    Thread(target=self._pass_on, args=ends, name=THREAD_NAME, daemon=True).start()

    def _pass_on(self, one: socket.socket, other: socket.socket, is_reply: bool) -> None:  # noqa: FBT001
        with suppress(OSError):
            while some := one.recv(65536):
                self._is_passing.wait()
                longest = self._longest if is_reply else None
                other.sendall(some[:longest])
                if longest is not None and len(some) > longest:
                    break
        for end in (one, other):
            _close(end)


@contextmanager
def run_proxy(server: Address) -> Iterator[TcpProxy]:
    wire = TcpProxy(server)
    yield wire
    wire.unfreeze()
    wire.disconnect()


def _close(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
