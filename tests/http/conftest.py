"""Fixtures of the API tests: shops and clients."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa
from falcon.testing import TestClient

from eggypro_adapters.contracts.sample_images import make_image
from eggypro_adapters.local_images import LocalImageStore
from eggypro_adapters.memory import MemoryMetricsExporter
from eggypro_adapters.pillow import PillowImageCleaner
from eggypro_adapters.postgres.database import Database
from eggypro_core.shop import Shop
from eggypro_http.app import create_app
from eggypro_http.config import HttpConfig
from tests.conftest import DELETE_ALL_SQL, new_database
from tests.support import builders
from tests.support.builders import ADMIN_KEY, ShopStores, make_full_shop, make_shop, product_values
from tests.support.wsgi import IMAGE

SERVERS = 4
SET_FIRST_IDS = "; ".join(
    f"SELECT setval('{table}_id_seq', {first}, false)"
    for first, table in enumerate(["products", "variants", "reviews", "categories"], 1)
)
"""First ids as in the memory adapter, which has one sequence for all tables."""


@pytest.fixture(scope="session")
def behind_pooler(postgres: sa.URL, database_entry: sa.URL) -> Iterator[Callable[[], ShopStores]]:
    """Return a factory of empty stores in Postgres behind a pooler; it clears the previous ones.

    Successive transactions use different connections, which other sessions used in between.
    """
    with new_database(postgres) as direct, ExitStack() as stack:
        url = database_entry.set(database=direct.database)
        shared, locks = Database.connect(url, size=8), Database.connect(url, size=2)
        stack.callback(shared.close)
        stack.callback(locks.close)
        with ExitStack() as connections:  # opens all server connections; the pooler rotates them
            for _ in range(SERVERS):
                connections.enter_context(shared.long_transaction()).execute(sa.text("SELECT 1"))

        def new_stores() -> ShopStores:
            with shared.long_transaction() as connection:
                connection.execute(sa.text(f"{DELETE_ALL_SQL}; {SET_FIRST_IDS}"))
            return ShopStores.in_postgres(shared, locks)

        yield new_stores


@pytest.fixture(autouse=True)
def stores(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep shops in memory, or with `--pgbouncer` in Postgres behind PgBouncer."""
    if request.config.getoption("pgbouncer"):
        monkeypatch.setattr(builders, "new_stores", request.getfixturevalue("behind_pooler"))


@pytest.fixture
def shop() -> Shop:
    """A shop with one product, `egg-white-protein`."""
    shop = make_shop()
    shop.products.create(product_values())
    return shop


@pytest.fixture
def full(images: LocalImageStore) -> TestClient:
    """A client of a shop that has one of everything that PATH_VALUES name."""
    images.upload(make_image(), public_id=IMAGE.rpartition("/")[2])
    return TestClient(
        create_app(make_full_shop(images), HttpConfig(exporter=MemoryMetricsExporter()))
    )


@pytest.fixture
def images(tmp_path: Path) -> LocalImageStore:
    return LocalImageStore(tmp_path, PillowImageCleaner(), ADMIN_KEY)


@pytest.fixture
def client(shop: Shop) -> TestClient:
    return TestClient(create_app(shop))
