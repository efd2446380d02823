import signal
import subprocess
import sys
from contextlib import suppress

import pytest
import sqlalchemy as sa

from eggypro_adapters.contracts.clock import NOON
from eggypro_adapters.contracts.idempotency import (
    RESPONSE,
    IdempotencyStoreContract,
    IdempotentShop,
    sell_egg,
)
from eggypro_adapters.contracts.waiting import wait_until
from eggypro_adapters.memory import MemoryIdempotencyStore
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.idempotency import PostgresIdempotencyStore
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_core.errors import ConflictError, NotFoundError
from eggypro_core.operations.idempotency import IDEMPOTENCY_RETENTION, StoredResponse
from eggypro_core.shop import Shop
from tests.support.builders import make_shop, product_values

KILLED_SCRIPT = """
import os, signal, sys
from eggypro_adapters.postgres.database import Database
from tests.adapters.test_idempotency import make_idempotent_shop
from eggypro_adapters.contracts.idempotency import NOON, sell_egg

idempotent_shop = make_idempotent_shop(Database.connect(sys.argv[1]))

def die(shop):
    sell_egg(shop)
    os.kill(os.getpid(), signal.SIGKILL)

idempotent_shop.store.run(idempotent_shop.shop, "a", NOON, die)
"""
"""A process that is killed just before it commits."""


def make_idempotent_shop(database: Database) -> IdempotentShop:
    def services(database: Database) -> dict[str, object]:
        return {"products": make_shop(PostgresProductStore(database)).products}

    shop = make_shop(PostgresProductStore(database))
    return IdempotentShop(shop, PostgresIdempotencyStore(database, services))


class TestMemoryIdempotencyStore(IdempotencyStoreContract):
    @pytest.fixture
    def idempotent_shop(self) -> IdempotentShop:
        shop = make_shop()
        shop.products.create(product_values(stock_quantity=42))
        return IdempotentShop(shop, MemoryIdempotencyStore())


@pytest.fixture
def in_postgres(database: Database) -> IdempotentShop:
    idempotent_shop = make_idempotent_shop(database)
    idempotent_shop.shop.products.create(product_values(stock_quantity=42))
    return idempotent_shop


class TestPostgresIdempotencyStore(IdempotencyStoreContract):
    @pytest.fixture
    def idempotent_shop(self, in_postgres: IdempotentShop) -> IdempotentShop:
        return in_postgres

    def test_failed_work_is_rolled_back(self, idempotent_shop: IdempotentShop) -> None:
        def fail(within: Shop) -> StoredResponse:
            within.products.create(product_values(name="Another"))
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            idempotent_shop.store.run(idempotent_shop.shop, "a", NOON, fail)
        with pytest.raises(NotFoundError):
            idempotent_shop.shop.products.get("another")

    def test_work_of_a_killed_process_is_rolled_back(
        self, idempotent_shop: IdempotentShop, database_url: sa.URL
    ) -> None:
        url = database_url.render_as_string(hide_password=False)
        process = subprocess.run([sys.executable, "-c", KILLED_SCRIPT, url], check=False)
        assert process.returncode == -signal.SIGKILL

        def outcome() -> tuple[StoredResponse, bool] | None:
            with suppress(ConflictError):  # the dead keep their lock until the server knows
                return idempotent_shop.store.run(idempotent_shop.shop, "a", NOON, sell_egg)
            return None

        assert wait_until(outcome) == (RESPONSE, False)
        assert idempotent_shop.shop.products.get("egg-white-protein").stock_quantity == 41

    def test_a_prune_in_progress_delays_nobody(
        self, idempotent_shop: IdempotentShop, database: Database
    ) -> None:
        shop, store = idempotent_shop.shop, idempotent_shop.store
        store.run(shop, "a", NOON, sell_egg)
        later = NOON + IDEMPOTENCY_RETENTION
        with database.long_transaction() as connection:
            connection.execute(sa.text("SELECT FROM idempotency_keys FOR UPDATE"))
            assert store.prune(later, 10) == 0
            assert store.run(shop, "b", later, sell_egg) == (RESPONSE, False)
        assert store.prune(later, 10) == 1

    def test_new_keys_prune_some_expired_ones(
        self, idempotent_shop: IdempotentShop, database: Database
    ) -> None:
        with database.long_transaction() as connection:
            connection.execute(
                sa.text(
                    "INSERT INTO idempotency_keys (name, fingerprint, body, headers, expires_at)"
                    " SELECT 'old' || n, '', '', '{}', :at FROM generate_series(1, 25) AS n"
                ),
                {"at": NOON},
            )
        for name in "abc":
            idempotent_shop.store.run(idempotent_shop.shop, name, NOON, sell_egg)
        assert idempotent_shop.store.prune(NOON, 10) == 0
