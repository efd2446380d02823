"""Servers that share only a database and a Redis."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from eggypro_adapters.contracts.waiting import wait_until
from eggypro_adapters.settings import Settings
from eggypro_adapters.wiring import open_shop
from tests.support.builders import product_values
from tests.support.redis_server import RedisServer, run_redis, run_redis_cluster
from tests.support.served_shop import EGGYPRO, served
from tests.system.test_coherence import Client, Response, connect, wait_for_response
from tests.system.test_coherence import environment as environment  # noqa: PLC0414  (a fixture)

SLUGS = [f"egg-{number}" for number in range(6)]
Environment = dict[str, str]


@frozen
class TwoServers:
    environment: Environment
    first: Client
    second: Client

    def run(self, *words: str) -> "subprocess.CompletedProcess[bytes]":
        """Run a command. Closes the clients, whose idle connections the servers may close."""
        for client in (self.first, self.second):
            client.close()
        return subprocess.run(
            [EGGYPRO, *words, "--json"], env=self.environment, capture_output=True, check=False
        )


@pytest.fixture(autouse=True)
def _create_products(environment: Environment) -> None:
    with open_shop(Settings.read(environment)) as library:
        for slug in SLUGS:
            library.products.create(product_values(name=slug, stock_quantity=1))


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with run_redis("valkey") as server:
        yield server


@pytest.fixture
def two_servers(
    environment: Environment, tmp_path: Path, redis: RedisServer
) -> Iterator[TwoServers]:
    with ExitStack() as stack:
        yield start_servers(stack, {**environment, "REDIS_URL": redis.url}, tmp_path)


def start_servers(stack: ExitStack, environment: Environment, folder: Path) -> TwoServers:
    """Start two servers with caches that have both received all writes."""
    other_host = {**environment, "EGGYPRO_DATA_DIR": str(folder / "two")}
    addresses = [
        stack.enter_context(served(variables))[0] for variables in (environment, other_host)
    ]
    first, second = (stack.enter_context(connect(address)) for address in addresses)
    for number in (2, 3):  # by the second write, both have received the first
        first.set_stock(SLUGS[0], number)
        for client in (first, second):
            wait_for_response(client, SLUGS[0], is_hit)
    return TwoServers(environment, first, second)


def is_hit(response: Response) -> bool:
    return response.cache == "hit"


def has_stock(number: int) -> Callable[[Response], bool]:
    return lambda response: response.stock == number


def wait_until_shared(reader: Client, other: Client, slug: str) -> None:
    """Wait until a response read by `reader` is a cache hit for `other`.

    A server that found Redis slow does not use it for a moment.
    """
    stocks = count(10)

    def is_shared() -> bool:
        reader.set_stock(slug, number := next(stocks))
        return reader.get(slug).stock == number and other.get(slug) == Response(
            200, number, "hit", None
        )

    wait_until(is_shared)


def test_servers_share_cached_responses(two_servers: TwoServers) -> None:
    wait_until_shared(two_servers.first, two_servers.second, SLUGS[1])
    wait_until_shared(two_servers.second, two_servers.first, SLUGS[2])


def test_a_write_invalidates_shared_responses(two_servers: TwoServers) -> None:
    for number in range(2, 20):
        two_servers.second.get(SLUGS[1])
        two_servers.first.set_stock(SLUGS[1], number)
        assert two_servers.first.get(SLUGS[1]).stock == number
        wait_for_response(two_servers.second, SLUGS[1], has_stock(number))


def test_servers_share_a_redis_cluster(environment: Environment, tmp_path: Path) -> None:
    with run_redis_cluster("valkey") as cluster, ExitStack() as stack:
        shared = start_servers(stack, {**environment, "REDIS_URL": cluster.url}, tmp_path)
        wait_until_shared(shared.first, shared.second, SLUGS[1])


def test_a_redis_outage_fails_no_request_and_serves_nothing_outdated(
    two_servers: TwoServers, redis: RedisServer
) -> None:
    for client in (two_servers.first, two_servers.second):
        client.get(SLUGS[1])
    redis.freeze()
    assert {two_servers.first.get(slug).status for slug in SLUGS * 5} == {200}
    two_servers.first.set_stock(SLUGS[1], 2)
    redis.unfreeze()
    wait_for_response(two_servers.second, SLUGS[1], has_stock(2))
    redis.kill()
    two_servers.first.set_stock(SLUGS[1], 3)
    assert {
        client.get(slug).status
        for client in (two_servers.first, two_servers.second)
        for slug in SLUGS
    } == {200}
    redis.start()
    with redis.client as connection:

        def is_back() -> bool:
            two_servers.first.set_stock(SLUGS[2], 7)
            two_servers.first.get(SLUGS[2])
            return bool(connection.keys("eggypro:*"))

        wait_until(is_back)
    assert two_servers.first.get(SLUGS[1]).stock == 3
    wait_for_response(two_servers.second, SLUGS[1], has_stock(3))


def test_cache_statistics_and_clear(two_servers: TwoServers, redis: RedisServer) -> None:
    def full_stats() -> Any:
        for client in (two_servers.first, two_servers.second):
            for slug in SLUGS:
                client.get(slug)
        stats = json.loads(two_servers.run("cache", "stats").stdout)
        is_full = min(stats["kept"], stats["shared"]["kept"]) >= len(SLUGS)
        return stats if is_full else None

    stats = wait_until(full_stats)
    assert (stats["workers"], stats["stale"]) == (1, 0)
    assert min(stats["hits"], stats["misses"], stats["bytes"] - 6 * 600) > 0
    assert stats["shared"]["bytes"] > 6 * 600
    with redis.client as connection:
        connection.set("other", "x")
        assert json.loads(two_servers.run("cache", "clear").stdout)["removed"] >= len(SLUGS)
        assert list(connection.scan_iter()) == [b"other"]
    assert two_servers.first.get(SLUGS[1]).cache == "miss"
    wait_for_response(two_servers.second, SLUGS[2], lambda response: response.cache == "miss")


def test_clear_reports_a_redis_outage_and_clears_local_caches(
    two_servers: TwoServers, redis: RedisServer
) -> None:
    wait_for_response(two_servers.first, SLUGS[1], is_hit)
    redis.kill()
    for command, expected in (("stats", "hit"), ("clear", "miss")):
        result = two_servers.run("cache", command)
        assert result.returncode == 3
        assert json.loads(result.stderr)["status"] == 503
        assert two_servers.first.get(SLUGS[1]).cache == expected


def test_responses_in_another_currency_are_not_shared(
    environment: Environment,
    tmp_path: Path,
    redis: RedisServer,
) -> None:
    shared = {**environment, "REDIS_URL": redis.url}
    other = {**shared, "CURRENCY": "USD", "EGGYPRO_DATA_DIR": str(tmp_path / "usd")}
    with (
        served(shared) as (address, _),
        served(other) as (other_address, _),
        connect(address) as first,
        connect(other_address) as second,
    ):
        for client in (first, second):
            wait_for_response(client, SLUGS[0], is_hit)
        assert [client.get(SLUGS[1]).cache for client in (first, second)] == ["miss", "miss"]
