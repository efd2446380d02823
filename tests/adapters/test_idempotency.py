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
    Setup,
    sell_egg,
)
from eggypro_adapters.contracts.waiting import wait_until
from eggypro_adapters.memory import MemoryIdempotencyStore
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.idempotency import PostgresIdempotencyStore
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_core.errors import ConflictError, NotFoundError
from eggypro_core.operations.idempotency import StoredResponse
from eggypro_core.shop import Shop
from tests.support.builders import make_shop, product_values

DYING = """
import os, signal, sys
from eggypro_adapters.postgres.database import Database
from tests.adapters.test_idempotency import over
from eggypro_adapters.contracts.idempotency import NOON, sell

opened = over(Database.connect(sys.argv[1]))

def die(within):
    sell(within)
    os.kill(os.getpid(), signal.SIGKILL)

opened.once.run(opened.shop, "a", NOON, die)
"""
"""A process that is killed when all is done but the end of the transaction."""


def over(database: Database) -> Setup:
    def services(database: Database) -> dict[str, object]:
        return {"products": make_shop(PostgresProductStore(database)).products}

    shop = make_shop(PostgresProductStore(database))
    return Setup(shop, PostgresIdempotencyStore(database, services))


class TestMemoryOnce(IdempotencyStoreContract):
    @pytest.fixture
    def opened(self) -> Setup:
        shop = make_shop()
        shop.products.create(product_values(stock_quantity=42))
        return Setup(shop, MemoryIdempotencyStore())


@pytest.fixture
def in_postgres(database: Database) -> Setup:
    opened = over(database)
    opened.shop.products.create(product_values(stock_quantity=42))
    return opened


class TestPostgresOnce(IdempotencyStoreContract):
    @pytest.fixture
    def opened(self, in_postgres: Setup) -> Setup:
        return in_postgres

    def test_of_what_fails_nothing_is_kept(self, opened: Setup) -> None:
        def fail(within: Shop) -> StoredResponse:
            within.products.create(product_values(name="Another"))
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            opened.once.run(opened.shop, "a", NOON, fail)
        with pytest.raises(NotFoundError):
            opened.shop.products.get("another")

    def test_who_is_killed_before_the_end_has_done_nothing(
        self, opened: Setup, database_url: sa.URL
    ) -> None:
        url = database_url.render_as_string(hide_password=False)
        died = subprocess.run([sys.executable, "-c", DYING, url], check=False)
        assert died.returncode == -signal.SIGKILL

        def outcome() -> tuple[StoredResponse, bool] | None:
            with suppress(ConflictError):  # the dead keep their lock until the server knows
                return opened.once.run(opened.shop, "a", NOON, sell_egg)
            return None

        assert wait_until(outcome) == (RESPONSE, False)
        assert opened.shop.products.get("egg-white-protein").stock_quantity == 41

    def test_each_new_one_forgets_some_that_are_over(
        self, opened: Setup, database: Database
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
            opened.once.run(opened.shop, name, NOON, sell_egg)
        assert opened.once.prune(NOON, 10) == 0
