"""Failover: the address of the database leads to a promoted replica."""

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from falcon.testing import Result, TestClient

from eggypro_adapters.contracts.waiting import wait_until
from eggypro_adapters.postgres import replica as replica_module
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


def test_retry_intervals_are_at_most_one_second() -> None:
    """Reads, replicas, the invalidation feed and Redis therefore recover within two seconds."""
    assert (
        max(
            read_cache.RETRY_INTERVAL_SECONDS,
            replica_module.FAILURE_PAUSE_SECONDS,
            feed.RECONNECT_PAUSE_SECONDS,
            breaker.RETRY_INTERVAL_SECONDS,
        )
        <= 1
    )


def wait_for_cache_status(client: TestClient, status: str) -> Result:
    """Request the product until the response has the cache status."""

    def get() -> Result | None:
        response = client.simulate_get(EGG)
        return response if response.headers.get("x-cache") == status else None

    return wait_until(get)


def test_shop_continues_after_failover(
    tmp_path_factory: pytest.TempPathFactory,
    pytestconfig: pytest.Config,
    tmp_path: Path,
    connect_database: Callable[..., Database],
) -> None:
    folder = tmp_path_factory.mktemp("failover")
    with replicated_servers(folder, _binaries(pytestconfig)) as (primary, replica, proxy):
        former, promoted = connect_database(primary.url), connect_database(replica.url)
        url = sa.make_url(primary.url).set(host="127.0.0.1", port=proxy.port, query={})
        settings = Settings(
            postgres_url=url.render_as_string(hide_password=False),
            eggypro_data_dir=tmp_path,
            admin_secret_key=ADMIN_KEY,
        )
        with (
            connect_shop(settings, ()) as connected,
            open_cache(settings, connected.database, connected.write_versions) as (cache, _),
        ):
            client = TestClient(create_app(connected.shop, HttpConfig(cache=cache)))
            client.simulate_post(
                PRODUCTS, headers=ADMIN, json=product_values(name="Egg", price="1.00")
            )
            wait_for_cache_status(client, "hit")
            wait_for_replica(promoted, former)

            proxy.disconnect()
            assert wait_for_cache_status(client, "stale").json["price"] == "1.00"
            with promoted.engine.connect() as connection:
                connection.execute(sa.text("SELECT pg_promote(wait => false)"))
                wait_until(lambda: not connection.scalar(sa.text("SELECT pg_is_in_recovery()")))
            with promoted.long_transaction() as connection:
                connection.execute(sa.text("UPDATE products SET price = 2"))
            proxy.set_server(f"{replica.socket_dir}/.s.PGSQL.5432")
            proxy.reconnect()

            assert wait_for_cache_status(client, "miss").json["price"] == "2.00"
            assert wait_for_cache_status(client, "hit").json["price"] == "2.00"
            response = client.simulate_patch(EGG, headers=ADMIN, json={"price": "3.00"})
            assert (response.status_code, response.json["price"]) == (200, "3.00")
            assert client.simulate_get(EGG).json["price"] == "3.00"


def wait_for_replica(replica: Database, primary: Database) -> None:
    """Wait until a replica has replayed all writes."""
    with primary.long_transaction() as connection:
        position = connection.scalar(sa.text("SELECT pg_current_wal_insert_lsn()"))
    has_replayed = sa.text("SELECT pg_last_wal_replay_lsn() >= CAST(:position AS pg_lsn)")
    with replica.engine.connect() as connection:
        wait_until(lambda: connection.scalar(has_replayed, {"position": position}))
