"""Detection of slow readers on real connections, with a clock that the tests set."""

import socket
import sys
from collections.abc import Iterator

import pytest
from attrs import frozen

from eggypro_http.server.slow_readers import SlowReaders
from eggypro_http.server.transfer_limits import TransferLimits

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="uses Linux's TCP_INFO")
KIB = 1024


@frozen
class Connection:
    """Both ends of a connection, whose buffers hold 64 KiB or less."""

    server: socket.socket
    client: socket.socket
    readers: SlowReaders

    def send(self, kib: int) -> None:
        """Send more than the buffers hold; what remains is in the send queue."""
        self.server.sendall(bytes(kib * KIB))

    def read(self, kib: int) -> None:
        with self.client.makefile("rb") as stream:
            stream.read(kib * KIB)

    def request(self) -> None:
        self.client.sendall(b"GET")
        self.server.recv(3)

    def is_reset_at(self, now: float) -> bool:
        self.readers.check(now)
        try:
            self.server.send(b"")
            self.server.getpeername()
        except OSError:
            return True
        return False


@pytest.fixture
def connection() -> Iterator[Connection]:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * KIB)
        client.connect(listener.getsockname())
        server, _ = listener.accept()
        with server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * KIB * KIB)
            port = listener.getsockname()[1]
            yield Connection(server, client, SlowReaders(TransferLimits(), port))


def test_client_that_reads_nothing_is_reset_after_the_window(connection: Connection) -> None:
    connection.send(300)
    assert not connection.is_reset_at(0)
    assert not connection.is_reset_at(30)
    assert connection.is_reset_at(30.1)
    connection.server.close()
    with pytest.raises(ConnectionResetError):
        connection.read(300)


def test_client_that_has_received_everything_is_not_slow(connection: Connection) -> None:
    connection.send(300)
    assert not connection.is_reset_at(0)
    connection.read(300)
    assert not connection.is_reset_at(60)


def test_each_response_has_a_window_of_its_own(connection: Connection) -> None:
    """On a distant connection, something is always in the send queue."""
    for now in range(0, 120, 20):
        connection.send(300)
        assert not connection.is_reset_at(now)
        connection.read(300)
        connection.request()


def test_more_requests_do_not_excuse_a_client_that_does_not_read(connection: Connection) -> None:
    connection.send(300)
    assert not connection.is_reset_at(0)
    connection.read(100)
    connection.request()
    assert not connection.is_reset_at(20)
    connection.request()
    assert connection.is_reset_at(31)


def test_slow_parts_of_one_response_are_one_transfer(connection: Connection) -> None:
    connection.send(300)
    assert not connection.is_reset_at(0)
    connection.read(300)
    connection.send(300)
    assert not connection.is_reset_at(20)
    assert connection.is_reset_at(31)
