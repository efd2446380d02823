"""The address of the database suddenly leads to another server: a replica that took over."""

from pathlib import Path
from time import monotonic

import pytest
import sqlalchemy as sa
from falcon.testing import Result, TestClient

from eggypro_adapters.embedded_postgres import attach
from eggypro_adapters.postgres.engine import Database
from eggypro_adapters.postgres.migrations import PostgresMigrations
from eggypro_adapters.settings import Settings
from eggypro_adapters.wiring import open_eggypro
from eggypro_http.app import create_app
from tests.adapters.test_postgres_replica import copy_of
from tests.builders import ADMIN_KEY, a_product
from tests.conftest import FAST, _binaries
from tests.http.wire import ADMIN, PRODUCTS
from tests.wires import wire_to

EGG = f"{PRODUCTS}/egg"


def until(client: TestClient, outcome: set[str]) -> Result:
    """Look at the egg until the answer comes from there."""
    end = monotonic() + 30
    while True:
        shown = client.simulate_get(EGG)
        if shown.headers.get("x-cache") in outcome:
            return shown
        assert monotonic() < end, shown.headers


def test_a_shop_goes_on_with_the_server_that_took_over(
    tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config, tmp_path: Path
) -> None:
    folder, binaries = tmp_path_factory.mktemp("over"), _binaries(pytestconfig)
    with attach(folder / "one", linger=0, binaries=binaries, settings=FAST) as former:
        database = Database.connect(former.url)
        PostgresMigrations(database).upgrade()
        with wire_to(f"{former.socket_dir}/.s.PGSQL.5432") as wire:
            copy_of(binaries, wire.port, folder / "two")
            with attach(folder / "two", linger=0, binaries=binaries) as other:
                url = sa.make_url(former.url).set(host="127.0.0.1", port=wire.port, query={})
                settings = Settings(
                    postgres_url=url.render_as_string(hide_password=False),
                    eggypro_data_dir=tmp_path,
                    admin_secret_key=ADMIN_KEY,
                    rate_limit_max_requests=0,
                )
                with open_eggypro(settings) as shop:
                    client = TestClient(create_app(shop))
                    added = client.simulate_post(
                        PRODUCTS, headers=ADMIN, json=a_product(name="Egg", price="1.00")
                    )
                    assert added.status_code == 201
                    until(client, {"hit"})
                    taking_over = Database.connect(other.url)
                    wait_for(taking_over, database)

                    wire.cut()
                    assert until(client, {"stale"}).json["price"] == "1.00"
                    with taking_over.engine.connect() as connection:
                        assert connection.scalar(sa.text("SELECT pg_promote()"))
                    with taking_over.begin() as connection:
                        connection.execute(sa.text("UPDATE products SET price = 2"))
                    wire.lead_to(f"{other.socket_dir}/.s.PGSQL.5432")
                    wire.mend()

                    assert until(client, {"miss"}).json["price"] == "2.00"
                    assert until(client, {"hit"}).json["price"] == "2.00"
                    edited = client.simulate_patch(EGG, headers=ADMIN, json={"price": "3.00"})
                    assert (edited.status_code, edited.json["price"]) == (200, "3.00")
                    assert client.simulate_get(EGG).json["price"] == "3.00"
                    taking_over.close()
        database.close()


def wait_for(replica: Database, primary: Database) -> None:
    """Wait until a replica has all that is written."""
    with primary.begin() as connection:
        last = connection.scalar(sa.text("SELECT pg_current_wal_insert_lsn()"))
    reached = sa.text("SELECT pg_last_wal_replay_lsn() >= CAST(:last AS pg_lsn)")
    end = monotonic() + 30
    with replica.engine.connect() as connection:
        while not connection.scalar(reached, {"last": last}):
            assert monotonic() < end
