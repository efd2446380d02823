"""A rolling restart of two servers behind HAProxy, under load: a step of `.ci/run`.

The proxy repeats nothing, and heeds `/api/health/ready` alone.
"""

import json
import socket
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
from tests.system.test_end_to_end import EGGYPRO, REST, eggypro, environment, wait_for

__all__ = ["environment"]
EGGS = 100_000
_STATUS = 17
"""The column of the proxy's statistics that tells whether a server is up."""
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
  server one 127.0.0.1:{one}
  server two 127.0.0.1:{two}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def started(
    command: list[str], port: int, env: dict[str, str]
) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that answers for the shop at a port, until it is asked to end."""
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{port}/api/health/ready", process)
        yield process
    finally:
        process.terminate()
        process.wait(60)


def serving(port: int, drain: list[str]) -> list[str]:
    return [EGGYPRO, "serve", "--port", str(port), *drain]


def wait_until_both_are_up(port: int) -> None:
    """Wait until the proxy has both servers at work: before that, none may be taken away."""

    def both_are_up() -> bool:
        with urlopen(f"http://127.0.0.1:{port}/stats;csv") as told:
            rows = [line.decode().split(",") for line in told]
        states = {row[1]: row[_STATUS] for row in rows if row[0] == "servers"}
        return {*states.values()} == {"UP"}

    wait_until(both_are_up)


class Customer:
    """Looks at an egg and buys it, again and again, on one connection; counts what came of it."""

    def __init__(self, port: int, key: str, over: Event) -> None:
        self.statuses: Counter[tuple[str, int]] = Counter()
        self._port, self._over = port, over
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self.thread = Thread(target=self._run)

    def _run(self) -> None:
        with closing(HTTPConnection("127.0.0.1", self._port, timeout=60)) as connection:
            while not self._over.is_set():
                self._ask(connection, "GET", "", None)
                self._ask(connection, "POST", "/stock", '{"delta": -1}')

    def _ask(self, connection: HTTPConnection, method: str, path: str, body: str | None) -> None:
        headers = {**self._headers, "Idempotency-Key": str(uuid4())}
        connection.request(method, f"/api/products/egg{path}", body, headers)
        answer = connection.getresponse()
        answer.read()
        self.statuses[method, answer.status] += 1


@pytest.mark.parametrize("drain", [[], ["--drain", "2"]])
def test_no_request_is_lost(environment: dict[str, str], tmp_path: Path, drain: list[str]) -> None:
    file = tmp_path / "egg.jsonl"
    file.write_text(json.dumps({**REST, "name": "Egg", "stock_quantity": EGGS}))
    one, two, port = free_port(), free_port(), free_port()
    config = tmp_path / "haproxy.cfg"
    config.write_text(CONFIG.format(port=port, one=one, two=two))
    over = Event()
    with ExitStack() as running:
        eggypro(environment, "products", "import", str(file))
        key = (Path(environment["EGGYPRO_DATA_DIR"]) / "admin.key").read_text().strip()
        servers = {each: ExitStack() for each in (one, two)}
        for each, server in servers.items():
            running.enter_context(server)
            server.enter_context(started(serving(each, drain), each, environment))
        running.enter_context(started(["haproxy", "-f", str(config)], port, environment))
        customers = [Customer(port, key, over) for _ in range(4)]
        for customer in customers:
            customer.thread.start()
        for each, server in servers.items():
            wait_until_both_are_up(port)
            server.close()
            server.enter_context(started(serving(each, drain), each, environment))
        over.set()
        for customer in customers:
            customer.thread.join()
        left = eggypro(environment, "products", "show", "egg")["stock_quantity"]
    statuses = sum((customer.statuses for customer in customers), Counter[tuple[str, int]]())
    assert statuses.keys() == {("GET", 200), ("POST", 200)}
    assert left == EGGS - statuses["POST", 200]
    assert statuses["POST", 200] > 100
