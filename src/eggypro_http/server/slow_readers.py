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

from attrs import define

from eggypro_http.server.transfer_limits import TransferDeadline, TransferLimits

Peer: TypeAlias = tuple[object, ...]
_CHECKS_PER_WINDOW = 15
_DESCRIPTORS = "/proc/self/fd"
_TCP_INFO_BYTES = 256
_BYTE_COUNTERS = struct.Struct("120xQQ")
"""`tcpi_bytes_acked` and `tcpi_bytes_received` of `struct tcp_info`."""
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@define
class _Transfer:
    """The transfer of a response to a peer that has sent `sent` bytes.

    The peer has received the whole send queue once it has received `end` bytes.
    """

    deadline: TransferDeadline
    _sent: int
    _end: int = 0

    def is_complete(self, received: int, sent: int) -> bool:
        """Return whether the peer has received everything, and sent another request since."""
        return received >= self._end and sent > self._sent

    def advance(self, now: float, received: int, unsent: int) -> None:
        """Note the bytes that the peer has received, and those in the send queue."""
        self.deadline.advance(now, received)
        self._end = received + unsent


class SlowReaders:
    """Resets the connections to `port` of this process whose clients read too slowly.

    A client that stops reading occupies no thread, but its connection would stay open for ever, and
    hold a response in memory.
    """

    def __init__(self, limits: TransferLimits, port: int) -> None:
        self._limits = limits
        self._port = port
        self._transfers: dict[Peer, _Transfer] = {}

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
        transfers = {}
        for descriptor in _open_descriptors():
            with suppress(OSError), _borrowed_socket(descriptor) as connection:
                if not self._is_client(connection) or not (unsent := _unsent_bytes(connection)):
                    continue
                peer, (received, sent) = connection.getpeername(), _byte_counters(connection)
                transfer = self._transfers.get(peer)
                if transfer is None or transfer.is_complete(received, sent):
                    transfer = _Transfer(TransferDeadline(self._limits, now, received), sent)
                transfer.advance(now, received, unsent)
                transfers[peer] = transfer
                if now > transfer.deadline.seconds():
                    _reset(descriptor, peer)
        self._transfers = transfers

    def _is_client(self, connection: socket.socket) -> bool:
        own_address = connection.getsockname()  # a string for a Unix socket
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


def _byte_counters(connection: socket.socket) -> tuple[int, int]:
    """Return the number of bytes that the peer has received, and that it has sent."""
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
    received, sent = _BYTE_COUNTERS.unpack_from(info)
    return received, sent


def _reset(descriptor: int, peer: Peer) -> None:
    """Reset a connection, unless the descriptor has been closed and reused since."""
    with socket.socket(fileno=os.dup(descriptor)) as connection:
        if connection.getpeername() == peer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            connection.shutdown(socket.SHUT_RDWR)
