"""What the tests of the API share: a shop in memory, and a client of it."""

from pathlib import Path

import pytest
from falcon.testing import TestClient

from eggypro_adapters.local_images import LocalImageStore
from eggypro_adapters.pillow import PillowImageCleaner
from eggypro_core.app import EggyPro
from eggypro_http.app import create_app
from tests.builders import ADMIN_KEY, a_full_eggypro, a_product, an_eggypro
from tests.http.wire import IMAGE
from tests.pictures import a_picture


@pytest.fixture
def shop() -> EggyPro:
    """A shop with one product, `egg-white-protein`."""
    shop = an_eggypro()
    shop.catalog.add(a_product())
    return shop


@pytest.fixture
def full(images: LocalImageStore) -> TestClient:
    """A client of a shop that has one of everything: what SAMPLES name."""
    images.upload(a_picture(), public_id=IMAGE.rpartition("/")[2])
    return TestClient(create_app(a_full_eggypro(images)))


@pytest.fixture
def images(tmp_path: Path) -> LocalImageStore:
    return LocalImageStore(tmp_path, PillowImageCleaner(), ADMIN_KEY)


@pytest.fixture
def client(shop: EggyPro) -> TestClient:
    return TestClient(create_app(shop))
