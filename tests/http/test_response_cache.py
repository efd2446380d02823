"""Cached and uncached responses."""

import pytest
from attrs import fields_dict
from falcon.testing import TestClient

from eggypro_adapters.memory import MemoryCache, MemoryInvalidationFeed
from eggypro_core.caching.entries import ListTag, product_tag
from eggypro_core.caching.read_cache import ReadCache
from eggypro_core.domain.product_query import TAG_BY_FILTER, ProductQuery
from eggypro_core.shop import Shop
from eggypro_http.app import ROUTES, create_app
from eggypro_http.config import HttpConfig
from tests.support.wsgi import ADMIN, CATEGORIES, EGG, PRODUCTS

TAGS = {
    "/api/products": {"products:membership", "categories"},
    "/api/products/search": {"products:membership", "categories"},
    "/api/products/suggest": {"products:membership", "categories"},
    "/api/products/{slug}": {"product:{slug}", "categories"},
    "/api/products/{slug}/variants": {"product:{slug}"},
    "/api/products/{slug}/variants/{variant}": {"product:{slug}"},
    "/api/products/{slug}/reviews": {"product:{slug}"},
    # They count their products.
    "/api/categories": {"products:membership", "products:categories", "categories"},
    "/api/categories/{category}": {"products:membership", "products:categories", "categories"},
}
"""The tags of all cached routes, written by hand: a removed tag fails here."""
LIST_TAGS = {
    "?sort=newest": set[str](),
    "": {"name"},
    "?sort=name-desc": {"name"},
    "?sort=price-asc": {"price"},
    "?sort=price-desc": {"price"},
    "?sort=rating": {"rating"},
    "?sort=newest&min_price=1": {"price"},
    "?sort=newest&max_price=999": {"price"},
    "?sort=newest&in_stock=true": {"stock"},
    "?sort=newest&in_stock=false": {"stock"},
    "?sort=newest&category=none": {"categories"},
    "?sort=newest&facets=true": {"categories", "price", "stock"},
    "?sort=newest&search=egg": {"search"},
    "?search=egg": {"search", "name", "rating", "stock"},
    "/search?q=egg": {"search", "name", "rating", "stock"},
    "/suggest?q=egg": {"search", "name", "rating", "stock"},
}
"""The properties of products that end a list that shows none of them."""


@pytest.fixture
def feed() -> MemoryInvalidationFeed:
    return MemoryInvalidationFeed()


@pytest.fixture
def client(shop: Shop, feed: MemoryInvalidationFeed) -> TestClient:
    cache = ReadCache(MemoryCache(lambda: 0), None, feed, ttl_seconds=300, clock=lambda: 0)
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


def test_routes_have_the_tags_of_what_they_show() -> None:
    assert {route.path: {*route.tags} for route in ROUTES if route.tags} == TAGS
    assert {route.method for route in ROUTES if route.tags} == {"GET"}


def test_a_write_to_a_product_ends_only_its_own_responses(
    client: TestClient, feed: MemoryInvalidationFeed
) -> None:
    paths = [EGG, f"{EGG}/variants", f"{EGG}/reviews", PRODUCTS]

    def read() -> list[str]:
        return [client.simulate_get(path).headers["x-cache"] for path in paths]

    assert read() == ["miss"] * 4
    feed.invalidate(product_tag("another"))
    assert read() == ["hit"] * 4
    feed.invalidate(product_tag(EGG.rpartition("/")[2]))
    assert read() == ["miss"] * 4  # the list shows it


@pytest.mark.parametrize(("list_path", "properties"), LIST_TAGS.items())
def test_a_list_ends_with_its_products_and_the_properties_that_it_depends_on(
    client: TestClient, feed: MemoryInvalidationFeed, list_path: str, properties: set[str]
) -> None:
    path = f"{PRODUCTS}{list_path}"

    def is_ended_by(tag: str) -> bool:
        assert client.simulate_get(path).status_code == 200
        feed.invalidate(tag)
        return client.simulate_get(path).headers["x-cache"] == "miss"

    items = client.simulate_get(path).json["items"]
    assert all(is_ended_by(product_tag(item["slug"])) for item in items)
    assert not is_ended_by(product_tag("another"))
    ending = {tag.value.removeprefix("products:") for tag in ListTag if is_ended_by(tag)}
    assert ending == {"membership", *properties}


def test_every_filter_of_public_lists_has_a_tag() -> None:
    admin_parameters = {"status", "listed"}
    filters = set(fields_dict(ProductQuery)) - ProductQuery.page_fields - {"sort"}
    assert filters - admin_parameters == TAG_BY_FILTER.keys()
