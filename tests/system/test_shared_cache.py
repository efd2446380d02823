"""Servers that share nothing but a database and a Redis."""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from attrs import frozen

from eggypro_adapters.settings import Settings
from eggypro_adapters.wiring import open_shop
from tests.support.builders import a_product
from tests.support.redis_server import RedisServer, running, running_cluster
from tests.system.test_coherence import Caller, Shown, calling, until
from tests.system.test_coherence import environment as environment  # noqa: PLC0414  (a fixture)
from tests.system.test_end_to_end import EGGYPRO, eggypro, served

SLUGS = [f"egg-{number}" for number in range(6)]
Environment = dict[str, str]


@frozen
class Setting:
    environment: Environment
    here: Caller
    there: Caller


@pytest.fixture(autouse=True)
def _stocked(environment: Environment) -> None:
    with open_shop(Settings.read(environment)) as library:
        for slug in SLUGS:
            library.products.add(a_product(name=slug, stock_quantity=1))


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with running("valkey") as server:
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


def test_what_one_has_read_the_other_need_not(setting: Setting) -> None:
    assert [one.get(SLUGS[1]).cache for one in (setting.here, setting.there)] == ["miss", "hit"]
    assert [one.get(SLUGS[2]).cache for one in (setting.there, setting.here)] == ["miss", "hit"]


def test_a_write_at_one_ends_what_they_share(setting: Setting) -> None:
    for number in range(2, 20):
        setting.there.get(SLUGS[1])
        setting.here.set_stock(SLUGS[1], number)
        assert setting.here.get(SLUGS[1]).stock == number
        until(setting.there, SLUGS[1], has_stock(number))


def test_a_cluster_is_shared_as_well(environment: Environment, tmp_path: Path) -> None:
    with running_cluster("valkey") as cluster, ExitStack() as opened:
        shared = servers(opened, {**environment, "REDIS_URL": cluster.url}, tmp_path)
        assert [one.get(SLUGS[1]).cache for one in (shared.here, shared.there)] == ["miss", "hit"]


def test_a_redis_that_goes_costs_no_request_and_what_it_missed_is_not_shown(
    setting: Setting, redis: RedisServer
) -> None:
    for caller in (setting.here, setting.there):
        caller.get(SLUGS[1])
    redis.freeze()
    assert {setting.here.get(slug).status for slug in SLUGS * 5} == {200}
    setting.here.set_stock(SLUGS[1], 2)
    redis.thaw()
    until(setting.there, SLUGS[1], has_stock(2))
    redis.kill()
    setting.here.set_stock(SLUGS[1], 3)
    assert {
        caller.get(slug).status for caller in (setting.here, setting.there) for slug in SLUGS
    } == {200}
    redis.start()
    with redis.client as client:
        while not list(client.scan_iter("eggypro:*")):
            setting.here.set_stock(SLUGS[2], 7)
            setting.here.get(SLUGS[2])
    assert setting.here.get(SLUGS[1]).stock == 3
    until(setting.there, SLUGS[1], has_stock(3))


def test_it_can_be_told_what_is_kept_and_all_be_forgotten(
    setting: Setting, redis: RedisServer
) -> None:
    for caller in (setting.here, setting.there):
        for slug in SLUGS:
            caller.get(slug)
    stats = eggypro(setting.environment, "cache", "stats")
    while stats["kept"] < len(SLUGS):
        stats = eggypro(setting.environment, "cache", "stats")
    assert (stats["workers"], stats["stale"]) == (1, 0)
    assert min(stats["hits"], stats["misses"], stats["bytes"] - 6 * 600) > 0
    assert stats["shared"]["kept"] >= len(SLUGS)
    assert stats["shared"]["bytes"] > 6 * 600
    with redis.client as client:
        client.set("theirs", "x")
        assert eggypro(setting.environment, "cache", "clear")["removed"] >= len(SLUGS)
        assert list(client.scan_iter()) == [b"theirs"]
    assert setting.here.get(SLUGS[1]).cache == "miss"
    until(setting.there, SLUGS[2], lambda shown: shown.cache == "miss")


def test_who_clears_while_redis_is_away_is_told_and_all_is_forgotten_still(
    setting: Setting, redis: RedisServer
) -> None:
    setting.here.get(SLUGS[1])
    redis.kill()
    for command, kept in (("stats", "hit"), ("clear", "miss")):
        done = subprocess.run(
            [EGGYPRO, "cache", command, "--json"],
            env=setting.environment,
            capture_output=True,
            check=False,
        )
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
