"""Rolling restart of two servers behind HAProxy, under load: a step of `.ci/run`.

The proxy retries nothing and uses `/api/health/ready` only.
"""

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from threading import Event, Thread
from urllib.request import urlopen
from uuid import uuid4

import pytest

from eggypro_adapters.contracts.waiting import wait_until
from tests.support.ports import free_ports
from tests.support.served_shop import EGGYPRO, wait_for
from tests.system.test_end_to_end import PRODUCT_FIELDS, eggypro, environment

__all__ = ["environment"]
EGGS = 100_000
_STATUS_COLUMN = 17
"""The column with the state of a server in the proxy's statistics."""
CONFIG = """
defaults
  mode http
  timeout connect 2s
  timeout client 30s
  timeout server 30s
  timeout check 10s
  retries 0
frontend shop
  bind 127.0.0.1:{port}
  stats enable
  stats uri /stats
  default_backend servers
backend servers
  balance roundrobin
  option httpchk GET /api/health/ready
  default-server check inter 100ms fall 1 rise 1
  server one 127.0.0.1:{first}
  server two 127.0.0.1:{second}
"""


@contextmanager
def running(
    command: list[str], port: int, env: dict[str, str]
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a process that serves the shop at a port, for the duration of the block."""
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{port}/api/health/ready", process)
        yield process
    finally:
        process.terminate()
        process.wait(60)


def serve_command(port: int, drain_options: list[str]) -> list[str]:
    return [EGGYPRO, "serve", "--port", str(port), *drain_options]


def wait_until_both_are_up(port: int) -> None:
    """Wait until the proxy uses both servers: only then may one be stopped."""

    def both_are_up() -> bool:
        with urlopen(f"http://127.0.0.1:{port}/stats;csv") as response:
            rows = [line.decode().split(",") for line in response]
        states = {row[1]: row[_STATUS_COLUMN] for row in rows if row[0] == "servers"}
        return {*states.values()} == {"UP"}

    wait_until(both_are_up)


class Customer:
    """Reads and buys a product repeatedly on one connection, and counts the statuses."""

    def __init__(self, port: int, key: str, stop: Event) -> None:
        self.statuses: Counter[tuple[str, int]] = Counter()
        self._port, self._stop = port, stop
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self.thread = Thread(target=self._run)

    def _run(self) -> None:
        with closing(HTTPConnection("127.0.0.1", self._port, timeout=60)) as connection:
            while not self._stop.is_set():
                self._send(connection, "GET", "", None)
                self._send(connection, "POST", "/stock", '{"delta": -1}')

    def _send(self, connection: HTTPConnection, method: str, path: str, body: str | None) -> None:
        headers = {**self._headers, "Idempotency-Key": str(uuid4())}
        connection.request(method, f"/api/products/egg{path}", body, headers)
        response = connection.getresponse()
        response.read()
        self.statuses[method, response.status] += 1


@pytest.mark.parametrize("drain", [[], ["--drain", "2"]])
def test_no_request_is_lost(environment: dict[str, str], tmp_path: Path, drain: list[str]) -> None:
    file = tmp_path / "egg.jsonl"
    file.write_text(json.dumps({**PRODUCT_FIELDS, "name": "Egg", "stock_quantity": EGGS}))
    first, second, port = free_ports(3)
    config = tmp_path / "haproxy.cfg"
    config.write_text(CONFIG.format(port=port, first=first, second=second))
    stop = Event()
    with ExitStack() as stack:
        eggypro(environment, "products", "import", str(file))
        key = (Path(environment["EGGYPRO_DATA_DIR"]) / "admin.key").read_text().strip()
        servers = {server_port: ExitStack() for server_port in (first, second)}
        for server_port, server in servers.items():
            stack.enter_context(server)
            server.enter_context(
                running(serve_command(server_port, drain), server_port, environment)
            )
        stack.enter_context(running(["haproxy", "-f", str(config)], port, environment))
        customers = [Customer(port, key, stop) for _ in range(4)]
        for customer in customers:
            customer.thread.start()
        for server_port, server in servers.items():
            wait_until_both_are_up(port)
            server.close()
            server.enter_context(
                running(serve_command(server_port, drain), server_port, environment)
            )
        stop.set()
        for customer in customers:
            customer.thread.join()
        stock = eggypro(environment, "products", "show", "egg")["stock_quantity"]
    statuses = sum((customer.statuses for customer in customers), Counter[tuple[str, int]]())
    assert statuses.keys() == {("GET", 200), ("POST", 200)}
    assert stock == EGGS - statuses["POST", 200]
    assert statuses["POST", 200] > 100
