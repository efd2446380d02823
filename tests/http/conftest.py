"""What the tests of the API share: a shop in memory, and a client of it."""

import pytest
from falcon.testing import TestClient

from eggypro_core.app import EggyPro
from eggypro_http.app import create_app
from tests.builders import a_product, an_eggypro


@pytest.fixture
def shop() -> EggyPro:
    """A shop with one product, `egg-white-protein`, and one category, `protein`, without it."""
    shop = an_eggypro()
    shop.catalog.add(a_product())
    shop.taxonomy.add({"name": "Protein"})
    return shop


@pytest.fixture
def client(shop: EggyPro) -> TestClient:
    return TestClient(create_app(shop))
