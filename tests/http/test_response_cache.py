"""Cached and uncached responses."""

import pytest
from falcon.testing import TestClient

from eggypro_adapters.memory import MemoryCache, MemoryInvalidationFeed
from eggypro_core.caching.read_cache import ReadCache
from eggypro_core.shop import Shop
from eggypro_http.app import create_app
from eggypro_http.config import HttpConfig
from tests.support.wsgi import ADMIN, CATEGORIES, EGG, PRODUCTS


@pytest.fixture
def client(shop: Shop) -> TestClient:
    cache = ReadCache(
        MemoryCache(lambda: 0), None, MemoryInvalidationFeed(), ttl_seconds=300, clock=lambda: 0
    )
    return TestClient(create_app(shop, HttpConfig(cache=cache)))


@pytest.mark.parametrize("path", [PRODUCTS, EGG, CATEGORIES])
def test_public_reads_are_cached_and_admin_reads_are_not(client: TestClient, path: str) -> None:
    public = [client.simulate_get(path, headers=ADMIN).headers["x-cache"] for _ in range(2)]
    assert public == ["miss", "hit"]
    for _ in range(2):
        admin = client.simulate_get(path, params={"status": "all"}, headers=ADMIN)
        assert admin.status_code == 200
        assert "x-cache" not in admin.headers


def test_repeated_zero_result_searches_are_counted(client: TestClient, shop: Shop) -> None:
    for _ in range(2):
        response = client.simulate_get(PRODUCTS, params={"search": "duck"})
        assert response.headers["x-cache"] == "miss"
    [search] = shop.zero_results.list(10)
    assert (search.words, search.times) == ("duck", 2)
