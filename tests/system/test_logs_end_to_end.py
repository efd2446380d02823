"""Logs and metrics of a real server with two workers, however its workers end."""

import json
import os
import signal
import subprocess
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
from tests.support.ports import free_port
from tests.support.sentry_server import sentry_server
from tests.support.served_shop import EGGYPRO, worker_processes

KEY = "an-admin-key-for-tests-of-the-log-alone"
PRODUCTS = "/api/products"
TIMEOUT_SECONDS = 60.0


@frozen
class Server:
    """A server with two workers that logs to a file."""

    process: "subprocess.Popen[bytes]"
    port: int
    log: Path

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        """Send a GET request on a new connection; return status and body."""
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_SECONDS)) as connection:
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            return response.status, response.read().decode()

    def request_count(self, path: str = PRODUCTS) -> float:
        """Return the request counter of a route, as reported by any worker."""
        families = text_string_to_metric_families(self.get("/metrics")[1])
        samples = (sample for family in families for sample in family.samples)
        return sum(
            sample.value
            for sample in samples
            if sample.name == "eggypro_http_requests_total" and sample.labels.get("route") == path
        )

    def workers(self) -> list[int]:
        return worker_processes(self.process.pid)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(TIMEOUT_SECONDS) == 0

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
    port = free_port()
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
        wait_until(lambda: is_ready(server))
        yield server
    finally:
        process.terminate()
        process.communicate(timeout=TIMEOUT_SECONDS)


def is_ready(server: Server) -> bool:
    try:
        return len(server.workers()) == 2 and server.get("/api/health/live")[0] == 200
    except OSError:
        return False


def errors(server: Server) -> list[str]:
    return [event["event"] for event in server.events() if event["level"] == "error"]


def send_requests(server: Server, count: int) -> set[str]:
    """Send concurrent requests and return their ids."""
    ids = [f"request-{number}" for number in range(count)]
    with ThreadPoolExecutor(8) as threads:
        responses = threads.map(lambda id_: server.get(PRODUCTS, **{"X-Request-ID": id_}), ids)
        assert {status for status, _ in responses} == {200}
    return set(ids)


def test_each_request_is_one_log_line_and_counted_once(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with served(environment, tmp_path) as server:
        ids = send_requests(server, 300)
        assert {server.request_count() for _ in range(10)} == {300}
        server.stop()
        requests = [event for event in server.events() if event["event"] == "request"]
    logged_ids = [event["request_id"] for event in requests if event["route"] == PRODUCTS]
    assert len(logged_ids) == 300
    assert set(logged_ids) == ids
    assert {(event["network"], event["method"]) for event in requests} == {("127.0.0.0/24", "GET")}
    assert [*tmp_path.glob("eggypro-metrics-*")] == []


def test_counts_of_a_killed_worker_are_kept_once(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with served(environment, tmp_path) as server:
        send_requests(server, 100)
        first, _ = server.workers()
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: first not in server.workers() and is_ready(server))
        assert {server.request_count() for _ in range(10)} == {100}
        send_requests(server, 50)
        assert {server.request_count() for _ in range(10)} == {150}


def test_each_worker_reports_an_outage_once(environment: dict[str, str], tmp_path: Path) -> None:
    with sentry_server() as sentry:
        variables = {"REDIS_URL": "redis://127.0.0.1:1/0", "SENTRY_DSN": sentry.dsn}
        with served(environment | variables, tmp_path) as server:
            wait_until(lambda: len(errors(server)) == 2)
            send_requests(server, 20)
            server.stop()
            logged = errors(server)
        messages = [sentry.next()["message"] for _ in range(2)]
        assert sentry.events.empty()
    assert messages == ["Outage of Redis started"] * 2
    assert len(logged) == 2
    assert all(event.startswith(messages[0]) for event in logged)


@pytest.mark.parametrize("enabled", ["true", "false"])
def test_nothing_is_sent_when_error_tracking_is_disabled(
    environment: dict[str, str], tmp_path: Path, enabled: str
) -> None:
    with sentry_server() as sentry:
        variables = {
            "ENABLE_ERROR_TRACKING": enabled,
            "SENTRY_DSN": sentry.dsn,
            "REDIS_URL": "redis://127.0.0.1:1/0",
        }
        with served(environment | variables, tmp_path) as server:
            server.stop()
        assert bool(sentry.raw) == (enabled == "true")
