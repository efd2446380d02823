"""Detection of clients that read their responses too slowly. Linux only."""

import fcntl
import os
import socket
import struct
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from time import monotonic, sleep
from typing import TypeAlias

from eggypro_http.server.transfer_limits import TransferDeadline, TransferLimits

Peer: TypeAlias = tuple[object, ...]
_CHECKS_PER_WINDOW = 15
_DESCRIPTORS = "/proc/self/fd"
_TCP_INFO_BYTES = 256
_BYTES_ACKED = struct.Struct("120xQ")
"""The bytes that the peer has received: `tcpi_bytes_acked` of `struct tcp_info`."""
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class SlowReaders:
    """Resets the connections to `port` of this process whose clients read too slowly.

    A client that stops reading occupies no thread, but its connection would stay open for ever, and
    hold a response in memory.
    """

    def __init__(self, limits: TransferLimits, port: int) -> None:
        self._limits = limits
        self._port = port
        self._deadlines: dict[Peer, TransferDeadline] = {}

    def watch(self) -> None:
        """Start a thread that checks the connections for ever."""
        if sys.platform == "linux":
            Thread(target=self._watch, name="slow-readers", daemon=True).start()

    def _watch(self) -> None:
        while True:
            self.check(monotonic())
            sleep(self._limits.window_seconds / _CHECKS_PER_WINDOW)

    def check(self, now: float) -> None:
        """Reset the connections that are too slow at `now`, in seconds of a monotonic clock."""
        deadlines = {}
        for descriptor in _open_descriptors():
            with suppress(OSError), _borrowed_socket(descriptor) as connection:
                if not self._is_client(connection) or not _unsent_bytes(connection):
                    continue
                peer, received = connection.getpeername(), _received_bytes(connection)
                deadline = self._deadlines.get(peer)
                if deadline is None:
                    deadline = TransferDeadline(self._limits, now, received)
                deadline.advance(now, received)
                deadlines[peer] = deadline
                if now > deadline.seconds():
                    _reset(descriptor, peer)
        self._deadlines = deadlines

    def _is_client(self, connection: socket.socket) -> bool:
        own_address = connection.getsockname()  # a text if it is a Unix socket
        return isinstance(own_address, tuple) and own_address[1] == self._port


def _open_descriptors() -> list[int]:
    with os.scandir(_DESCRIPTORS) as entries:
        return [int(entry.name) for entry in entries]


@contextmanager
def _borrowed_socket(descriptor: int) -> Iterator[socket.socket]:
    """Yield a socket object of a descriptor that stays open. It need not be a socket."""
    borrowed = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, descriptor)
    try:
        yield borrowed
    finally:
        borrowed.detach()


def _unsent_bytes(connection: socket.socket) -> int:
    """Return the bytes in the send queue of the kernel that the peer has not received."""
    buffer = fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4))
    return int.from_bytes(buffer, sys.byteorder)


def _received_bytes(connection: socket.socket) -> int:
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
    return int(_BYTES_ACKED.unpack_from(info)[0])


def _reset(descriptor: int, peer: Peer) -> None:
    """Reset a connection, unless the descriptor has been closed and reused since."""
    with socket.socket(fileno=os.dup(descriptor)) as connection:
        if connection.getpeername() == peer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            connection.shutdown(socket.SHUT_RDWR)
