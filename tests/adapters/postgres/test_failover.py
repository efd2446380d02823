"""The address of the database suddenly leads to another server: a replica that took over."""

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from falcon.testing import Result, TestClient

from eggypro_adapters.contracts.waiting import wait_until
from eggypro_adapters.postgres import replica
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.invalidation import feed
from eggypro_adapters.redis import breaker
from eggypro_adapters.settings import Settings
from eggypro_adapters.wiring.cache import open_cache
from eggypro_adapters.wiring.shop import connect_shop
from eggypro_core.caching import read_cache
from eggypro_http.app import create_app
from eggypro_http.config import HttpConfig
from tests.adapters.postgres.test_replica import replicated_servers
from tests.conftest import _binaries
from tests.support.builders import ADMIN_KEY, product_values
from tests.support.wsgi import ADMIN, PRODUCTS

EGG = f"{PRODUCTS}/egg"


def test_nobody_waits_longer_than_a_second_before_the_next_attempt() -> None:
    """So all is well within two of the return: reads, replicas, the hearing of writes, Redis."""
    assert (
        max(
            read_cache.RETRY_INTERVAL_SECONDS,
            replica.FAILURE_PAUSE_SECONDS,
            feed.RECONNECT_PAUSE_SECONDS,
            breaker.RETRY,
        )
        <= 1
    )


def wait_for_cache_status(client: TestClient, outcome: str) -> Result:
    """Look at the egg until the answer comes from there."""

    def shown() -> Result | None:
        found = client.simulate_get(EGG)
        return found if found.headers.get("x-cache") == outcome else None

    return wait_until(shown)


def test_a_shop_goes_on_with_the_server_that_took_over(
    tmp_path_factory: pytest.TempPathFactory,
    pytestconfig: pytest.Config,
    tmp_path: Path,
    connect_database: Callable[..., Database],
) -> None:
    folder = tmp_path_factory.mktemp("over")
    with replicated_servers(folder, _binaries(pytestconfig)) as (one, two, wire):
        former, taking_over = connect_database(one.url), connect_database(two.url)
        url = sa.make_url(one.url).set(host="127.0.0.1", port=wire.port, query={})
        settings = Settings(
            postgres_url=url.render_as_string(hide_password=False),
            eggypro_data_dir=tmp_path,
            admin_secret_key=ADMIN_KEY,
        )
        with (
            connect_shop(settings, ()) as connected,
            open_cache(settings, connected.database, connected.written) as (cache, _),
        ):
            client = TestClient(create_app(connected.shop, HttpConfig(cache=cache)))
            client.simulate_post(
                PRODUCTS, headers=ADMIN, json=product_values(name="Egg", price="1.00")
            )
            wait_for_cache_status(client, "hit")
            wait_for_replica(taking_over, former)

            wire.disconnect()
            assert wait_for_cache_status(client, "stale").json["price"] == "1.00"
            with taking_over.engine.connect() as connection:
                assert connection.scalar(sa.text("SELECT pg_promote()"))
            with taking_over.long_transaction() as connection:
                connection.execute(sa.text("UPDATE products SET price = 2"))
            wire.set_server(f"{two.socket_dir}/.s.PGSQL.5432")
            wire.reconnect()

            assert wait_for_cache_status(client, "miss").json["price"] == "2.00"
            assert wait_for_cache_status(client, "hit").json["price"] == "2.00"
            edited = client.simulate_patch(EGG, headers=ADMIN, json={"price": "3.00"})
            assert (edited.status_code, edited.json["price"]) == (200, "3.00")
            assert client.simulate_get(EGG).json["price"] == "3.00"


def wait_for_replica(replica: Database, primary: Database) -> None:
    """Wait until a replica has all that is written."""
    with primary.long_transaction() as connection:
        last = connection.scalar(sa.text("SELECT pg_current_wal_insert_lsn()"))
    reached = sa.text("SELECT pg_last_wal_replay_lsn() >= CAST(:last AS pg_lsn)")
    with replica.engine.connect() as connection:
        wait_until(lambda: connection.scalar(reached, {"last": last}))
