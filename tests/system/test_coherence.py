"""Servers with caches on one database: nobody is shown what was before a write."""

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
from tests.support.tcp_proxy import TcpProxy, run_proxy
from tests.system.test_end_to_end import served

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
class Shown:
    status: int
    stock: int | None
    cache: str | None
    retry_after: str | None


class Caller:
    """A client with a connection of its own."""

    def __init__(self, address: str) -> None:
        self._connection = HTTPConnection(urlsplit(address).netloc, timeout=60)

    def get(self, slug: str) -> Shown:
        self._connection.request("GET", f"/api/products/{slug}")
        answer = self._connection.getresponse()
        body = json.loads(answer.read())
        named = answer.headers.get
        return Shown(
            answer.status, body.get("stock_quantity"), named("x-cache"), named("retry-after")
        )

    def set_stock(self, slug: str, number: int) -> None:
        assert self.stock(slug, {"set": number}) == 200

    def stock(self, slug: str, body: dict[str, int], key: str | None = None) -> int:
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        headers |= {"Idempotency-Key": key} if key else {}
        self._connection.request("POST", f"/api/products/{slug}/stock", json.dumps(body), headers)
        answer = self._connection.getresponse()
        answer.read()
        return answer.status

    def close(self) -> None:
        self._connection.close()


def calling(address: str) -> "closing[Caller]":
    return closing(Caller(address))


@pytest.fixture
def restarted() -> Iterator[str]:
    """The address of a Redis that is killed again and again."""
    is_over = Event()
    with run_redis("valkey") as redis:

        def restart() -> None:
            while not is_over.wait(2):
                redis.kill()
                redis.start()

        with ThreadPoolExecutor(1) as thread:
            restarting = thread.submit(restart)
            yield redis.url
            is_over.set()
            restarting.result()


@pytest.mark.parametrize("by", ["alone", "sharing"])
def test_nobody_is_shown_what_was_before_a_write_that_was_answered(
    environment: dict[str, str], tmp_path: Path, restarted: str, by: str
) -> None:
    """By workers of one host: whoever wrote, another worker or another process with the library.

    Another host comes to know as well.
    """
    if by == "sharing":
        environment["REDIS_URL"] = restarted
    elsewhere = {**environment, "EGGYPRO_DATA_DIR": str(tmp_path / "two")}
    library = open_shop(_settings(environment))
    for slug in SLUGS:
        library.products.create(product_values(name=slug, stock_quantity=0))
    answered = dict.fromkeys(SLUGS, 0)
    is_over = Event()
    with library, served(environment, workers=2) as (here, _), served(elsewhere) as (there, _):

        def write(slug: str) -> None:
            dice = random.Random(slug)  # noqa: S311
            with calling(here) as caller:
                for number in range(1, ROUNDS + 1):
                    writer = dice.choice([caller.set_stock, library.products.set_stock])
                    writer(slug, number)
                    answered[slug] = number
                    for _ in range(dice.randrange(6)):
                        caller.get(slug)

        def read(address: str, _: int) -> "Counter[str]":
            dice, seen = random.Random(address), Counter[str]()  # noqa: S311
            with calling(address) as caller:
                while not is_over.is_set() or seen["hit"] <= ROUNDS:
                    slug = dice.choice(SLUGS)
                    known = answered[slug]
                    shown = caller.get(slug)
                    seen[shown.cache or ""] += 1
                    seen["old"] += (shown.stock or 0) < known
            return seen

        with ThreadPoolExecutor(12) as threads:
            readers = [threads.submit(read, here, number) for number in range(6)]
            others = threads.submit(read, there, 0)
            list(threads.map(write, SLUGS))
            is_over.set()
        seen = sum((reader.result() for reader in readers), Counter[str]())
        assert seen["old"] == 0, seen
        assert min(seen["hit"], others.result()["hit"]) > ROUNDS, (seen, others.result())
        with calling(there) as caller:
            for slug in SLUGS:
                until(caller, slug, lambda shown: shown.stock == ROUNDS)


def test_while_connections_are_killed_no_read_fails_and_what_is_sent_again_is_done_once(
    environment: dict[str, str], database_url: sa.URL
) -> None:
    slug, over = SLUGS[0], Event()
    with open_shop(_settings(environment)) as library:
        library.products.create(product_values(name=slug, stock_quantity=0))
    with served(environment, workers=2) as (address, _), ThreadPoolExecutor(6) as threads:

        def read() -> Counter[int]:
            statuses = Counter[int]()
            with calling(address) as caller:
                while not over.is_set():
                    statuses[caller.get(slug).status] += 1
            return statuses

        def write() -> Counter[int]:
            statuses = Counter[int]()
            with calling(address) as caller:
                while not over.is_set():
                    key = str(uuid4())
                    while (status := caller.stock(slug, {"delta": 1}, key)) != 200:
                        statuses[status] += 1
                    statuses[200] += 1
            return statuses

        reading = [threads.submit(read) for _ in range(3)]
        writing = [threads.submit(write) for _ in range(2)]
        threads.submit(kill_one_by_one, database_url, over).result()
        read_all = sum((one.result() for one in reading), Counter[int]())
        written = sum((one.result() for one in writing), Counter[int]())
        with calling(address) as caller:
            assert caller.get(slug).stock == written[200]
    assert read_all.keys() == {200}
    assert written.keys() <= {200, 409, 503}


@pytest.fixture
def wire(database_url: sa.URL) -> Iterator[TcpProxy]:
    folder, port = database_url.query["host"], database_url.query.get("port", "5432")
    with run_proxy(f"{folder}/.s.PGSQL.{port}") as wire:
        yield wire


def until(caller: Caller, slug: str, is_so: Callable[[Shown], bool]) -> Shown:
    def shown() -> Shown | None:
        return found if is_so(found := caller.get(slug)) else None

    return wait_until(shown)


def test_while_the_database_is_away_what_is_kept_is_shown(
    environment: dict[str, str], database_url: sa.URL, wire: TcpProxy
) -> None:
    with open_shop(_settings(environment)) as library:
        for slug in SLUGS:
            library.products.create(product_values(name=slug, stock_quantity=1))
        by_wire = {**environment, "POSTGRES_URL": _over(database_url, wire)}
        with served(by_wire) as (address, _), calling(address) as caller:
            until(caller, SLUGS[0], lambda shown: shown.cache == "hit")
            wire.disconnect()
            stale = until(caller, SLUGS[0], lambda shown: shown.cache != "hit")
            assert (stale.status, stale.stock, stale.cache) == (200, 1, "stale")
            absent = caller.get(SLUGS[1])
            assert (absent.status, absent.retry_after) == (503, "5")
            library.products.set_stock(SLUGS[0], 2)
            wire.reconnect()
            until(caller, SLUGS[1], lambda shown: shown.status == 200)
            assert caller.get(SLUGS[0]).stock == 2
            until(caller, SLUGS[0], lambda shown: shown.cache == "hit")


def test_a_database_that_stops_dead_holds_nobody_up_for_long(
    environment: dict[str, str], database_url: sa.URL, wire: TcpProxy
) -> None:
    with open_shop(_settings(environment)) as library:
        for slug in SLUGS:
            library.products.create(product_values(name=slug, stock_quantity=1))
    by_wire = {**environment, "POSTGRES_URL": _over(database_url, wire)}
    with served(by_wire) as (address, _), calling(address) as caller:
        until(caller, SLUGS[0], lambda shown: shown.cache == "hit")
        wire.freeze()
        stale = until(caller, SLUGS[0], lambda shown: shown.cache != "hit")
        assert (stale.stock, stale.cache) == (1, "stale")
        assert caller.get(SLUGS[1]).status == 503
        wire.unfreeze()
        until(caller, SLUGS[1], lambda shown: shown.status == 200)
        until(caller, SLUGS[0], lambda shown: shown.cache == "hit")


def _settings(environment: dict[str, str]) -> Settings:
    return Settings.read(environment)


def _over(url: sa.URL, wire: TcpProxy) -> str:
    query = {name: one for name, one in url.query.items() if name not in {"host", "port"}}
    there = url.set(drivername="postgresql", host="127.0.0.1", port=wire.port, query=query)
    return there.render_as_string(hide_password=False)
