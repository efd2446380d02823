"""Cache coherence of servers on one database: no response is older than a known write."""

import json
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from threading import Event
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import sqlalchemy as sa
from attrs import frozen

from eggypro_adapters.contracts.waiting import wait_until
from eggypro_adapters.settings import Settings
from eggypro_adapters.wiring import open_shop
from tests.adapters.postgres.test_interrupted import kill_one_by_one
from tests.support.builders import product_values
from tests.support.redis_server import run_redis
from tests.support.served_shop import served
from tests.support.tcp_proxy import TcpProxy, run_proxy

KEY = "k" * 40
SLUGS = [f"egg-{number}" for number in range(4)]
ROUNDS = 150


@pytest.fixture
def environment(database_url: sa.URL, tmp_path: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "POSTGRES_URL": database_url.set(drivername="postgresql").render_as_string(
            hide_password=False
        ),
        "EGGYPRO_DATA_DIR": str(tmp_path / "one"),
        "ADMIN_SECRET_KEY": KEY,
        "RATE_LIMIT_MAX_REQUESTS": "0",
    }


@frozen
class Response:
    status: int
    stock: int | None
    cache: str | None
    retry_after: str | None


class Client:
    """An HTTP client with its own connection."""

    def __init__(self, address: str) -> None:
        self._connection = HTTPConnection(urlsplit(address).netloc, timeout=60)

    def get(self, slug: str) -> Response:
        self._connection.request("GET", f"/api/products/{slug}")
        response = self._connection.getresponse()
        body = json.loads(response.read())
        header = response.headers.get
        return Response(
            response.status, body.get("stock_quantity"), header("x-cache"), header("retry-after")
        )

    def set_stock(self, slug: str, number: int) -> None:
        assert self.post_stock(slug, {"set": number}) == 200

    def post_stock(self, slug: str, body: dict[str, int], key: str | None = None) -> int:
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        headers |= {"Idempotency-Key": key} if key else {}
        self._connection.request("POST", f"/api/products/{slug}/stock", json.dumps(body), headers)
        response = self._connection.getresponse()
        response.read()
        return response.status

    def close(self) -> None:
        self._connection.close()


def connect(address: str) -> "closing[Client]":
    return closing(Client(address))


@pytest.fixture
def restarting_redis() -> Iterator[str]:
    """The URL of a Redis that is killed and restarted repeatedly."""
    stop = Event()
    with run_redis("valkey") as redis:

        def restart() -> None:
            while not stop.wait(2):
                redis.kill()
                redis.start()

        with ThreadPoolExecutor(1) as thread:
            restarts = thread.submit(restart)
            yield redis.url
            stop.set()
            restarts.result()


@pytest.mark.parametrize("mode", ["local cache", "shared cache"])
def test_no_response_is_older_than_an_acknowledged_write(
    environment: dict[str, str], tmp_path: Path, restarting_redis: str, mode: str
) -> None:
    """Within one host, whether another worker or a process with the library wrote.

    Another host sees the writes eventually.
    """
    if mode == "shared cache":
        environment["REDIS_URL"] = restarting_redis
    other_host = {**environment, "EGGYPRO_DATA_DIR": str(tmp_path / "two")}
    library = open_shop(_settings(environment))
    for slug in SLUGS:
        library.products.create(product_values(name=slug, stock_quantity=0))
    acknowledged = dict.fromkeys(SLUGS, 0)
    stop = Event()
    with (
        library,
        served(environment, workers=2) as (address, _),
        served(other_host) as (other_address, _),
    ):

        def write(slug: str) -> None:
            dice = random.Random(slug)  # noqa: S311
            with connect(address) as client:
                for number in range(1, ROUNDS + 1):
                    writer = dice.choice([client.set_stock, library.products.set_stock])
                    writer(slug, number)
                    acknowledged[slug] = number
                    for _ in range(dice.randrange(6)):
                        client.get(slug)

        def read(address: str, _: int) -> "Counter[str]":
            dice, counts = random.Random(address), Counter[str]()  # noqa: S311
            with connect(address) as client:
                while not stop.is_set() or counts["hit"] <= ROUNDS:
                    slug = dice.choice(SLUGS)
                    expected = acknowledged[slug]
                    response = client.get(slug)
                    counts[response.cache or ""] += 1
                    counts["old"] += (response.stock or 0) < expected
            return counts

        with ThreadPoolExecutor(12) as threads:
            readers = [threads.submit(read, address, number) for number in range(6)]
            other_reader = threads.submit(read, other_address, 0)
            list(threads.map(write, SLUGS))
            stop.set()
        counts = sum((reader.result() for reader in readers), Counter[str]())
        other_counts = other_reader.result()
        assert counts["old"] == 0, counts
        assert min(counts["hit"], other_counts["hit"]) > ROUNDS, (counts, other_counts)
        with connect(other_address) as client:
            for slug in SLUGS:
                wait_for_response(client, slug, lambda response: response.stock == ROUNDS)


def test_killed_connections_fail_no_read_and_repeat_no_write(
    environment: dict[str, str], database_url: sa.URL
) -> None:
    slug, stop = SLUGS[0], Event()
    with open_shop(_settings(environment)) as library:
        library.products.create(product_values(name=slug, stock_quantity=0))
    with served(environment, workers=2) as (address, _), ThreadPoolExecutor(6) as threads:

        def read() -> Counter[int]:
            statuses = Counter[int]()
            with connect(address) as client:
                while not stop.is_set():
                    statuses[client.get(slug).status] += 1
            return statuses

        def write() -> Counter[int]:
            statuses = Counter[int]()
            with connect(address) as client:
                while not stop.is_set():
                    key = str(uuid4())
                    while (status := client.post_stock(slug, {"delta": 1}, key)) != 200:
                        statuses[status] += 1
                    statuses[200] += 1
            return statuses

        readers = [threads.submit(read) for _ in range(3)]
        writers = [threads.submit(write) for _ in range(2)]
        threads.submit(kill_one_by_one, database_url, stop).result()
        reads = sum((reader.result() for reader in readers), Counter[int]())
        writes = sum((writer.result() for writer in writers), Counter[int]())
        with connect(address) as client:
            assert client.get(slug).stock == writes[200]
    assert reads.keys() == {200}
    assert writes.keys() <= {200, 409, 503}


@pytest.fixture
def proxy(database_url: sa.URL) -> Iterator[TcpProxy]:
    folder, port = database_url.query["host"], database_url.query.get("port", "5432")
    with run_proxy(f"{folder}/.s.PGSQL.{port}") as proxy:
        yield proxy


def wait_for_response(client: Client, slug: str, matches: Callable[[Response], bool]) -> Response:
    def matching() -> Response | None:
        return response if matches(response := client.get(slug)) else None

    return wait_until(matching)


def test_cached_responses_are_served_stale_while_the_database_is_down(
    environment: dict[str, str], database_url: sa.URL, proxy: TcpProxy
) -> None:
    with open_shop(_settings(environment)) as library:
        for slug in SLUGS:
            library.products.create(product_values(name=slug, stock_quantity=1))
        proxied = {**environment, "POSTGRES_URL": _through(database_url, proxy)}
        with served(proxied) as (address, _), connect(address) as client:
            wait_for_response(client, SLUGS[0], lambda response: response.cache == "hit")
            proxy.disconnect()
            stale = wait_for_response(client, SLUGS[0], lambda response: response.cache != "hit")
            assert (stale.status, stale.stock, stale.cache) == (200, 1, "stale")
            uncached = client.get(SLUGS[1])
            assert (uncached.status, uncached.retry_after) == (503, "5")
            library.products.set_stock(SLUGS[0], 2)
            proxy.reconnect()
            wait_for_response(client, SLUGS[1], lambda response: response.status == 200)
            assert client.get(SLUGS[0]).stock == 2
            wait_for_response(client, SLUGS[0], lambda response: response.cache == "hit")


def _settings(environment: dict[str, str]) -> Settings:
    return Settings.read(environment)


def _through(url: sa.URL, proxy: TcpProxy) -> str:
    query = {name: text for name, text in url.query.items() if name not in {"host", "port"}}
    proxied = url.set(drivername="postgresql", host="127.0.0.1", port=proxy.port, query=query)
    return proxied.render_as_string(hide_password=False)
