"""What the tests of the API share: a shop, and a client of it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa
from falcon.testing import TestClient

from eggypro_adapters.contracts.sample_images import a_picture
from eggypro_adapters.local_images import LocalImageStore
from eggypro_adapters.memory import MemoryFigures
from eggypro_adapters.pillow import PillowImageCleaner
from eggypro_adapters.postgres.database import Database
from eggypro_core.shop import Shop
from eggypro_http.app import create_app
from eggypro_http.config import HttpConfig
from tests.conftest import EMPTY, new_database
from tests.support import builders
from tests.support.builders import ADMIN_KEY, Stores, a_full_shop, a_product, a_shop
from tests.support.wsgi import IMAGE

SERVERS = 4
NUMBERED = "; ".join(
    f"SELECT setval('{table}_id_seq', {first}, false)"
    for first, table in enumerate(["products", "variants", "reviews", "categories"], 1)
)
"""The first of each kind has the number that it has in memory, where all are counted as one."""


@pytest.fixture(scope="session")
def behind_pooler(postgres: sa.URL, entrance: sa.URL) -> Iterator[Callable[[], Stores]]:
    """Makes the stores of a shop with nothing in it, in the place of the one before.

    Each transaction has another connection than the one before, which others had in between.
    """
    with new_database(postgres) as direct, ExitStack() as opened:
        url = entrance.set(database=direct.database)
        shared, held = Database.connect(url, size=8), Database.connect(url, size=2)
        opened.callback(shared.close)
        opened.callback(held.close)
        with ExitStack() as at_once:  # the pooler has so many from now on, and goes round them
            for _ in range(SERVERS):
                at_once.enter_context(shared.begin()).execute(sa.text("SELECT 1"))

        def emptied() -> Stores:
            with shared.begin() as connection:
                connection.execute(sa.text(f"{EMPTY}; {NUMBERED}"))
            return Stores.in_postgres(shared, held)

        yield emptied


@pytest.fixture(autouse=True)
def stores(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shops are in memory; with `--pgbouncer` they are in Postgres, behind it."""
    if request.config.getoption("pgbouncer"):
        monkeypatch.setattr(builders, "new_stores", request.getfixturevalue("behind_pooler"))


@pytest.fixture
def shop() -> Shop:
    """A shop with one product, `egg-white-protein`."""
    shop = a_shop()
    shop.products.add(a_product())
    return shop


@pytest.fixture
def full(images: LocalImageStore) -> TestClient:
    """A client of a shop that has one of everything: what SAMPLES name."""
    images.upload(a_picture(), public_id=IMAGE.rpartition("/")[2])
    return TestClient(create_app(a_full_shop(images), HttpConfig(exporter=MemoryFigures())))


@pytest.fixture
def images(tmp_path: Path) -> LocalImageStore:
    return LocalImageStore(tmp_path, PillowImageCleaner(), ADMIN_KEY)


@pytest.fixture
def client(shop: Shop) -> TestClient:
    return TestClient(create_app(shop))
