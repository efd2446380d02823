"""What a real server of two workers writes and counts, however its workers end."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from attrs import frozen
from prometheus_client.parser import text_string_to_metric_families

from eggypro_adapters.contracts.waiting import wait_until
from tests.support.sentry_server import sentry_server

EGGYPRO = str(Path(sys.executable).with_name("eggypro"))
KEY = "an-admin-key-for-tests-of-the-log-alone"
PRODUCTS = "/api/products"
DEADLINE = 60.0


@frozen
class Server:
    """A server of two workers, whose lines go to a file."""

    process: "subprocess.Popen[bytes]"
    port: int
    log: Path

    def ask(self, path: str, **headers: str) -> tuple[int, str]:
        """Ask by a connection of its own; a worker that is gone is no answer."""
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)) as connection:
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            return response.status, response.read().decode()

    def answered(self, path: str = PRODUCTS) -> float:
        """Return how many requests of an address were answered, as any worker tells."""
        families = text_string_to_metric_families(self.ask("/metrics")[1])
        samples = (one for family in families for one in family.samples)
        wanted = ("eggypro_http_requests_total", path)
        return sum(one.value for one in samples if (one.name, one.labels.get("route")) == wanted)

    def workers(self) -> list[int]:
        task = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        return [int(pid) for pid in Path(task).read_text().split()]

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(DEADLINE) == 0

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@pytest.fixture
def environment(tmp_path: Path, database_url: sa.URL) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "TMPDIR": str(tmp_path),
        "EGGYPRO_DATA_DIR": str(tmp_path / "data"),
        "POSTGRES_URL": database_url.render_as_string(hide_password=False),
        "ADMIN_SECRET_KEY": KEY,
        "LOG_FORMAT": "json",
        "METRICS_NETWORKS": "127.0.0.1/32",
        "RATE_LIMIT_MAX_REQUESTS": "0",
    }


@contextmanager
def served(environment: dict[str, str], folder: Path) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    log = folder / "log"
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [EGGYPRO, "serve", "--port", str(port), "--workers", "2", "--json"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=stderr,
        )
    server = Server(process, port, log)
    try:
        assert process.stdout is not None
        assert PRODUCTS in json.loads(process.stdout.readline())["api"]
        wait_until(lambda: answers(server))
        yield server
    finally:
        process.terminate()
        process.communicate(timeout=DEADLINE)


def answers(server: Server) -> bool:
    try:
        return len(server.workers()) == 2 and server.ask("/api/health/live")[0] == 200
    except OSError:
        return False


def errors(server: Server) -> list[str]:
    return [one["event"] for one in server.events() if one["level"] == "error"]


def ask_often(server: Server, times: int) -> set[str]:
    """Ask from many sides at once; return the ids of the requests."""
    ids = [f"request-{number}" for number in range(times)]
    with ThreadPoolExecutor(8) as threads:
        asked = threads.map(lambda one: server.ask(PRODUCTS, **{"X-Request-ID": one}), ids)
        assert {status for status, _ in asked} == {200}
    return set(ids)


def test_each_request_is_one_whole_line_and_counted_once(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with served(environment, tmp_path) as server:
        ids = ask_often(server, 300)
        assert {server.answered() for _ in range(10)} == {300}
        server.end()
        requests = [one for one in server.events() if one["event"] == "request"]
    told = [one["request_id"] for one in requests if one["route"] == PRODUCTS]
    assert len(told) == 300
    assert set(told) == ids
    assert {(one["network"], one["method"]) for one in requests} == {("127.0.0.0/24", "GET")}
    assert [*tmp_path.glob("eggypro-metrics-*")] == []


def test_what_a_killed_worker_counted_is_neither_lost_nor_counted_twice(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with served(environment, tmp_path) as server:
        ask_often(server, 100)
        first, _ = server.workers()
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: first not in server.workers() and answers(server))
        assert {server.answered() for _ in range(10)} == {100}
        ask_often(server, 50)
        assert {server.answered() for _ in range(10)} == {150}


def test_the_start_of_an_outage_is_reported_once_by_a_worker(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with sentry_server() as sentry:
        away = {"REDIS_URL": "redis://127.0.0.1:1/0", "SENTRY_DSN": sentry.dsn}
        with served(environment | away, tmp_path) as server:
            wait_until(lambda: len(errors(server)) == 2)
            ask_often(server, 20)
            server.end()
            told = errors(server)
        messages = [sentry.next()["message"] for _ in range(2)]
        assert sentry.events.empty()
    assert messages == ["Outage of Redis started"] * 2
    assert len(told) == 2
    assert all(one.startswith(messages[0]) for one in told)


@pytest.mark.parametrize("enabled", ["true", "false"])
def test_nothing_is_sent_where_error_tracking_is_off(
    environment: dict[str, str], tmp_path: Path, enabled: str
) -> None:
    with sentry_server() as sentry:
        told = {"ENABLE_ERROR_TRACKING": enabled, "SENTRY_DSN": sentry.dsn}
        with served(environment | told | {"REDIS_URL": "redis://127.0.0.1:1/0"}, tmp_path) as it:
            it.end()
        assert bool(sentry.raw) == (enabled == "true")
