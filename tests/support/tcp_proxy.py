"""TCP proxy to a server that can disconnect, freeze, and delay or truncate replies."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from threading import Event, Lock, Thread

Address = str | tuple[str, int]
THREAD_NAME = "tcp-proxy"
"""The name of the threads, so that tests that count threads can exclude them."""


class TcpProxy:
    """Listens on a port and forwards bytes to a server and back."""

    def __init__(self, server: Address) -> None:
        self._server = server
        self._lock = Lock()
        self._sockets: list[socket.socket] = []
        self._forgotten: list[socket.socket] = []
        self._is_forwarding = Event()
        self._is_forwarding.set()
        self._max_reply_bytes: int | None = None
        self._reply_delay = 0.0
        self.connection_count = 0
        """Number of connections accepted so far."""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._accept()

    def disconnect(self) -> None:
        """Close all connections and stop listening."""
        with self._lock:
            _close(self._listener)
            for connection in self._sockets:
                _close(connection)
            self._sockets.clear()

    def set_server(self, server: Address) -> None:
        """Forward new connections to another server."""
        self._server = server

    def reconnect(self) -> None:
        """Listen again on the same port."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._accept()

    def freeze(self) -> None:
        """Accept connections but forward nothing."""
        self._is_forwarding.clear()

    def unfreeze(self) -> None:
        """Forward everything again."""
        self._is_forwarding.set()

    def forget_connections(self) -> None:
        """Close each open connection as soon as its client sends something, as firewalls do."""
        with self._lock:
            self._forgotten = [*self._sockets]

    def truncate_replies(self, max_bytes: int | None) -> None:
        """Close connections in the middle of replies longer than `max_bytes`; None forwards all."""
        self._max_reply_bytes = max_bytes

    def delay_replies(self, seconds: float) -> None:
        """Wait before forwarding each part of a reply."""
        self._reply_delay = seconds

    def _accept(self) -> None:
        self._start(self._run, self._listener)

    def _start(self, target: Callable[..., None], *sockets: socket.socket) -> None:
        Thread(target=target, args=sockets, name=THREAD_NAME, daemon=True).start()

    def _run(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                self.connection_count += 1
                kind = socket.AF_UNIX if isinstance(self._server, str) else socket.AF_INET
                upstream = socket.socket(kind)
                try:
                    upstream.connect(self._server)
                except OSError:
                    _close(client)
                    _close(upstream)
                    continue
                with self._lock:
                    self._sockets += [client, upstream]
                self._start(self._forward, client, upstream)
                self._start(partial(self._forward, is_reply=True), upstream, client)

    def _forward(
        self, source: socket.socket, target: socket.socket, *, is_reply: bool = False
    ) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                self._is_forwarding.wait()
                if source in self._forgotten:
                    break
                limit = self._max_reply_bytes if is_reply else None
                if is_reply and self._reply_delay:
                    Event().wait(self._reply_delay)
                target.sendall(data[:limit])
                if limit is not None and len(data) > limit:
                    break
        for connection in (source, target):
            _close(connection)


@contextmanager
def run_proxy(server: Address) -> Iterator[TcpProxy]:
    proxy = TcpProxy(server)
    yield proxy
    proxy.unfreeze()
    proxy.disconnect()


def _close(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
