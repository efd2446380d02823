"""Real servers in processes of their own, and connections to them."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import field, frozen

from eggypro_adapters.contracts.waiting import wait_until
from tests.support.ports import HOST, free_port

ROOT = Path(__file__).parents[2]
DEADLINE = 60.0
LIVENESS_REQUEST = "GET /api/health/live HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n"
READINESS_REQUEST = "GET /api/health/ready HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n"
IMAGE = "eggypro-products/large"
"""An image of IMAGE_BYTES, more than the buffers of a connection hold."""
IMAGE_BYTES = 12 * 1024 * 1024


@frozen
class EventGate:
    """Listener to which the workers of a server report events, and on which they wait."""

    listener: socket.socket
    connections: list[socket.socket] = field(factory=list)

    @property
    def port(self) -> int:
        return int(self.listener.getsockname()[1])

    def wait_for(self, event: str) -> tuple[int, socket.socket]:
        """Wait for an event; return the worker's process ID and a connection that releases it.

        Closing the connection lets the worker continue.
        """
        connection, _ = self.listener.accept()
        self.connections.append(connection)
        connection.settimeout(DEADLINE)
        with connection.makefile() as stream:
            name, _, process = stream.readline().rpartition(" ")
        assert name == event
        return int(process), connection


@frozen
class ServerProcess:
    """A server process, ready for requests or not."""

    process: "subprocess.Popen[str]"
    gate: EventGate
    port: int
    host: str = HOST
    connections: list[socket.socket] = field(factory=list)

    def connect(self) -> socket.socket:
        connection = socket.create_connection((self.host, self.port), timeout=DEADLINE)
        self.connections.append(connection)
        return connection

    def send(self, data: str | bytes) -> socket.socket:
        connection = self.connect()
        connection.sendall(data.encode() if isinstance(data, str) else data)
        return connection

    def request(self, data: str | bytes) -> str:
        """Send a raw request and return the whole response."""
        with self.send(data) as connection:
            return read_all(connection)

    def answers(self) -> bool:
        try:
            return " 200 " in self.request(LIVENESS_REQUEST)
        except OSError:
            return False

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str, str]:
        """Send a signal to the main process; return exit code, stdout and stderr."""
        self.process.send_signal(number)
        return self.wait()

    def wait(self) -> tuple[int, str, str]:
        stdout, stderr = self.process.communicate(timeout=DEADLINE)
        return self.process.returncode, stdout, stderr


def read_all(connection: socket.socket) -> str:
    with connection.makefile("rb") as stream:
        return stream.read().decode()


@contextmanager
def start_process(
    port: int, *, host: str = HOST, workers: int = 1, factory: str = "well", **environment: str
) -> Iterator[ServerProcess]:
    command = [sys.executable, "-m", "tests.support.server_process", host, str(port), str(workers)]
    with TemporaryDirectory() as folder, socket.create_server((HOST, 0)) as listener:
        listener.settimeout(DEADLINE)
        gate = EventGate(listener)
        image = Path(folder) / f"{IMAGE}.image" / "original.1x1.png"
        image.parent.mkdir(parents=True)
        image.touch()
        os.truncate(image, IMAGE_BYTES)  # its content does not matter
        process = subprocess.Popen(
            [*command, str(gate.port), factory, folder],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        server = ServerProcess(process, gate, port, host)
        try:
            yield server
        finally:
            for connection in (*server.connections, *gate.connections):
                connection.close()
            process.kill()
            process.communicate(timeout=DEADLINE)


@contextmanager
def running_server(
    *, workers: int = 1, host: str = HOST, factory: str = "well", **environment: str
) -> Iterator[ServerProcess]:
    """A server that is ready for requests."""
    with start_process(
        free_port(host), host=host, workers=workers, factory=factory, **environment
    ) as server:
        for _ in range(workers):
            server.gate.wait_for("opening")
        wait_until(server.answers)
        yield server
