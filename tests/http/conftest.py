"""What the tests of the API share: a shop, and a client of it."""

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
from tests.conftest import EMPTY, new_database
from tests.support import builders
from tests.support.builders import ADMIN_KEY, ShopStores, make_full_shop, make_shop, product_values
from tests.support.wsgi import IMAGE

SERVERS = 4
NUMBERED = "; ".join(
    f"SELECT setval('{table}_id_seq', {first}, false)"
    for first, table in enumerate(["products", "variants", "reviews", "categories"], 1)
)
"""The first of each kind has the number that it has in memory, where all are counted as one."""


@pytest.fixture(scope="session")
def behind_pooler(postgres: sa.URL, database_entry: sa.URL) -> Iterator[Callable[[], ShopStores]]:
    """Makes the stores of a shop with nothing in it, in the place of the one before.

    Each transaction has another connection than the one before, which others had in between.
    """
    with new_database(postgres) as direct, ExitStack() as opened:
        url = database_entry.set(database=direct.database)
        shared, held = Database.connect(url, size=8), Database.connect(url, size=2)
        opened.callback(shared.close)
        opened.callback(held.close)
        with ExitStack() as at_once:  # the pooler has so many from now on, and goes round them
            for _ in range(SERVERS):
                at_once.enter_context(shared.long_transaction()).execute(sa.text("SELECT 1"))

        def emptied() -> ShopStores:
            with shared.long_transaction() as connection:
                connection.execute(sa.text(f"{EMPTY}; {NUMBERED}"))
            return ShopStores.in_postgres(shared, held)

        yield emptied


@pytest.fixture(autouse=True)
def stores(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shops are in memory; with `--pgbouncer` they are in Postgres, behind it."""
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
    """A client of a shop that has one of everything: what SAMPLES name."""
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
