"""Servers that share nothing but a database and a Redis."""

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
from tests.system.test_coherence import Caller, Shown, calling, until
from tests.system.test_coherence import environment as environment  # noqa: PLC0414  (a fixture)
from tests.system.test_end_to_end import EGGYPRO, served

SLUGS = [f"egg-{number}" for number in range(6)]
Environment = dict[str, str]


@frozen
class Setting:
    environment: Environment
    here: Caller
    there: Caller

    def run(self, *words: str) -> "subprocess.CompletedProcess[bytes]":
        """Run a command. A server may close idle connections meanwhile."""
        for caller in (self.here, self.there):
            caller.close()
        return subprocess.run(
            [EGGYPRO, *words, "--json"], env=self.environment, capture_output=True, check=False
        )


@pytest.fixture(autouse=True)
def _stocked(environment: Environment) -> None:
    with open_shop(Settings.read(environment)) as library:
        for slug in SLUGS:
            library.products.create(product_values(name=slug, stock_quantity=1))


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with run_redis("valkey") as server:
        yield server


@pytest.fixture
def setting(environment: Environment, tmp_path: Path, redis: RedisServer) -> Iterator[Setting]:
    with ExitStack() as opened:
        yield servers(opened, {**environment, "REDIS_URL": redis.url}, tmp_path)


def servers(opened: ExitStack, environment: Environment, folder: Path) -> Setting:
    """Two servers that keep answers, and have both seen all that was written."""
    elsewhere = {**environment, "EGGYPRO_DATA_DIR": str(folder / "two")}
    addresses = [opened.enter_context(served(one))[0] for one in (environment, elsewhere)]
    here, there = (opened.enter_context(calling(address)) for address in addresses)
    for number in (2, 3):  # the second time both have heard of the first
        here.set_stock(SLUGS[0], number)
        for caller in (here, there):
            until(caller, SLUGS[0], is_hit)
    return Setting(environment, here, there)


def is_hit(shown: Shown) -> bool:
    return shown.cache == "hit"


def has_stock(number: int) -> Callable[[Shown], bool]:
    return lambda shown: shown.stock == number


def wait_until_shared(reader: Caller, other: Caller, slug: str) -> None:
    """Wait until what one has read is a hit for the other, who never read it.

    A server that finds Redis slow for a moment does without it for another.
    """
    stocks = count(10)

    def is_shared() -> bool:
        reader.set_stock(slug, number := next(stocks))
        return reader.get(slug).stock == number and other.get(slug) == Shown(
            200, number, "hit", None
        )

    wait_until(is_shared)


def test_what_one_has_read_the_other_need_not(setting: Setting) -> None:
    wait_until_shared(setting.here, setting.there, SLUGS[1])
    wait_until_shared(setting.there, setting.here, SLUGS[2])


def test_a_write_at_one_ends_what_they_share(setting: Setting) -> None:
    for number in range(2, 20):
        setting.there.get(SLUGS[1])
        setting.here.set_stock(SLUGS[1], number)
        assert setting.here.get(SLUGS[1]).stock == number
        until(setting.there, SLUGS[1], has_stock(number))


def test_a_cluster_is_shared_as_well(environment: Environment, tmp_path: Path) -> None:
    with run_redis_cluster("valkey") as cluster, ExitStack() as opened:
        shared = servers(opened, {**environment, "REDIS_URL": cluster.url}, tmp_path)
        wait_until_shared(shared.here, shared.there, SLUGS[1])


def test_a_redis_that_goes_costs_no_request_and_what_it_missed_is_not_shown(
    setting: Setting, redis: RedisServer
) -> None:
    for caller in (setting.here, setting.there):
        caller.get(SLUGS[1])
    redis.freeze()
    assert {setting.here.get(slug).status for slug in SLUGS * 5} == {200}
    setting.here.set_stock(SLUGS[1], 2)
    redis.unfreeze()
    until(setting.there, SLUGS[1], has_stock(2))
    redis.kill()
    setting.here.set_stock(SLUGS[1], 3)
    assert {
        caller.get(slug).status for caller in (setting.here, setting.there) for slug in SLUGS
    } == {200}
    redis.start()
    with redis.client as client:

        def is_back() -> bool:
            setting.here.set_stock(SLUGS[2], 7)
            setting.here.get(SLUGS[2])
            return bool(client.keys("eggypro:*"))

        wait_until(is_back)
    assert setting.here.get(SLUGS[1]).stock == 3
    until(setting.there, SLUGS[1], has_stock(3))


def test_it_can_be_told_what_is_kept_and_all_be_forgotten(
    setting: Setting, redis: RedisServer
) -> None:
    def full_stats() -> Any:
        for caller in (setting.here, setting.there):
            for slug in SLUGS:
                caller.get(slug)
        found = json.loads(setting.run("cache", "stats").stdout)
        is_full = min(found["kept"], found["shared"]["kept"]) >= len(SLUGS)
        return found if is_full else None

    stats = wait_until(full_stats)
    assert (stats["workers"], stats["stale"]) == (1, 0)
    assert min(stats["hits"], stats["misses"], stats["bytes"] - 6 * 600) > 0
    assert stats["shared"]["bytes"] > 6 * 600
    with redis.client as client:
        client.set("theirs", "x")
        assert json.loads(setting.run("cache", "clear").stdout)["removed"] >= len(SLUGS)
        assert list(client.scan_iter()) == [b"theirs"]
    assert setting.here.get(SLUGS[1]).cache == "miss"
    until(setting.there, SLUGS[2], lambda shown: shown.cache == "miss")


def test_who_clears_while_redis_is_away_is_told_and_all_is_forgotten_still(
    setting: Setting, redis: RedisServer
) -> None:
    until(setting.here, SLUGS[1], is_hit)
    redis.kill()
    for command, kept in (("stats", "hit"), ("clear", "miss")):
        done = setting.run("cache", command)
        assert done.returncode == 3
        assert json.loads(done.stderr)["status"] == 503
        assert setting.here.get(SLUGS[1]).cache == kept


def test_answers_in_another_currency_are_not_shared(
    environment: Environment,
    tmp_path: Path,
    redis: RedisServer,
) -> None:
    shared = {**environment, "REDIS_URL": redis.url}
    other = {**shared, "CURRENCY": "USD", "EGGYPRO_DATA_DIR": str(tmp_path / "usd")}
    with (
        served(shared) as (one, _),
        served(other) as (two, _),
        calling(one) as here,
        calling(two) as there,
    ):
        for caller in (here, there):
            until(caller, SLUGS[0], is_hit)
        assert [caller.get(SLUGS[1]).cache for caller in (here, there)] == ["miss", "miss"]
