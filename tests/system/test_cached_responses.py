"""Random writes to one shop: responses with and without a cache must be equal."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from attrs import define
from falcon.testing import Result, TestClient
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from eggypro_adapters.contracts.waiting import wait_until
from eggypro_adapters.memory import MemoryCache
from eggypro_adapters.postgres.backup import PostgresBackups
from eggypro_adapters.postgres.categories import PostgresCategoryStore
from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.invalidation.feed import PostgresInvalidationFeed, WriteVersions
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_adapters.postgres.reviews import PostgresReviewStore
from eggypro_adapters.postgres.variants import PostgresVariantStore
from eggypro_core.caching.read_cache import ReadCache
from eggypro_core.domain.product_files import ImportEntry
from eggypro_core.domain.product_query import Sort
from eggypro_core.operations.backups import no_progress
from eggypro_http.app import create_app
from eggypro_http.config import HttpConfig
from tests.stories.product_story import STORY
from tests.support.builders import ADMIN_KEY, make_shop, product_values, review_values

ADMIN = {"Authorization": f"Bearer {ADMIN_KEY}"}
P, C = "/api/products", "/api/categories"
SLUGS = ("egg", "salt", "new")
GTIN = "4006381333931"
LISTS = [
    P,
    f"{P}?limit=1",
    f"{P}?limit=1&offset=1",
    *(f"{P}?sort={sort}&limit=1" for sort in Sort if sort is not Sort.RELEVANCE),
    f"{P}?sort=newest&in_stock=true&limit=1",
    f"{P}?sort=newest&in_stock=false&limit=1",
    f"{P}?sort=newest&min_price=2&limit=1",
    f"{P}?sort=newest&max_price=1&limit=1",
    f"{P}?in_stock=true&sort=price-asc",
    f"{P}?category=top&facets=true",
    f"{P}?category=low&sort=newest&limit=1",
    f"{P}?facets=true&sort=newest&limit=1",
]
SEARCHES = [
    f"{P}/search?q=egg",
    f"{P}/search?q=salt&limit=1",
    f"{P}/search?q=eggs&sort=newest&limit=1",
    f"{P}?search=sa&facets=true&limit=1",
    f"{P}?search=egg&in_stock=true&max_price=1",
    f"{P}?search=egg&category=top&sort=price-desc",
    f"{P}?search=C1",
    f"{P}?search={GTIN}",
    f"{P}/suggest?q=e",
    f"{P}/suggest?q=salz",
]
CATEGORY_READS = [C, f"{C}?parent=none", f"{C}?parent=top&limit=1", f"{C}/top", f"{C}/low"]
PRODUCT_READS = [
    *(f"{P}/{slug}" for slug in SLUGS),
    *(f"{P}/{slug}/variants" for slug in SLUGS),
    f"{P}/egg/variants/1",
    *(f"{P}/{slug}/reviews" for slug in SLUGS),
]
READS = [*LISTS, *SEARCHES, *CATEGORY_READS, *PRODUCT_READS]
INITIAL_REQUESTS: list[tuple[str, str, object]] = [
    ("POST", P, product_values(name="Egg")),
    ("POST", P, product_values(name="Salt")),
    ("POST", C, {"name": "Eggs", "slug": "top"}),
    ("POST", C, {"name": "Salts", "slug": "low", "parent": "top"}),
    ("PUT", f"{P}/egg/categories/low", None),
]
slugs = st.sampled_from(["egg", *SLUGS])
nth = st.integers(0, 2)
permanent_queries = st.sampled_from(["", "?permanent=true"])
prices = st.sampled_from(["1.00", "2.00"])
categories = st.sampled_from(["top", "low"])
edits = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["Egg", "Salt"]),
        "slug": slugs,
        "price": prices,
        "is_active": st.booleans(),
        "is_listed": st.booleans(),
        "stock_quantity": st.integers(0, 2),
        "track_stock": st.booleans(),
        "attributes": st.just({"a": "b"}),
        "brand": st.sampled_from([None, "Salz"]),
        "tags": st.sampled_from([[], ["egg"]]),
        "sku": st.sampled_from([None, "C1"]),
        "gtin": st.sampled_from([None, GTIN]),
        "seo_title": st.sampled_from([None, "Egg"]),
        "compare_at_price": st.sampled_from([None, "3.00"]),
    },
)
codes = st.fixed_dictionaries(
    {},
    optional={
        "sku": st.sampled_from([None, "C1"]),
        "gtin": st.sampled_from([None, GTIN]),
        "price": prices,
        "is_active": st.booleans(),
        "position": st.integers(0, 2),
        "track_stock": st.booleans(),
    },
)
variants = st.fixed_dictionaries(
    {"options": st.fixed_dictionaries({"Size": st.sampled_from("123")}), "price": prices},
    optional={"is_active": st.booleans(), "stock_quantity": st.integers(0, 2)},
)
branches = st.fixed_dictionaries(
    {"name": st.sampled_from(["Eggs", "Salts"])},
    optional={"is_active": st.booleans(), "parent": st.sampled_from(["top", None])},
)
stocks = st.one_of(
    st.builds(lambda number: {"set": number}, st.integers(0, 3)),
    st.sampled_from([{"delta": -1}, {"delta": 1}]),
)
requests: st.SearchStrategy[tuple[str, str, object]] = st.one_of(
    st.tuples(st.just("PATCH"), st.builds("{}/{}".format, st.just(P), slugs), edits),
    st.tuples(st.just("POST"), st.builds(f"{P}/{{}}/variants".format, slugs), variants),
    st.tuples(
        st.just("PATCH"),
        st.builds(f"{P}/{{}}/variants/{{}}".format, slugs, nth),
        codes,
    ),
    st.tuples(
        st.just("POST"),
        st.builds(f"{P}/{{}}/variants/{{}}/stock".format, slugs, nth),
        stocks,
    ),
    st.tuples(
        st.just("DELETE"), st.builds(f"{P}/{{}}/variants/{{}}".format, slugs, nth), st.none()
    ),
    st.tuples(
        st.just("POST"),
        st.builds(f"{P}/{{}}/stock".format, slugs),
        stocks,
    ),
    st.tuples(
        st.just("POST"),
        st.just(P),
        st.builds(lambda slug: product_values(slug=slug, name="Egg"), slugs),
    ),
    st.tuples(
        st.just("DELETE"), st.builds(f"{P}/{{}}{{}}".format, slugs, permanent_queries), st.none()
    ),
    st.tuples(
        st.just("POST"),
        st.builds(f"{P}/{{}}/reviews".format, slugs),
        st.builds(lambda number: review_values(rating=number), st.integers(1, 5)),
    ),
    st.tuples(
        st.just("PATCH"),
        st.builds("/api/reviews/{}".format, nth),
        st.builds(lambda is_verified: {"is_verified": is_verified}, st.booleans()),
    ),
    st.tuples(st.just("DELETE"), st.builds("/api/reviews/{}".format, nth), st.none()),
    st.tuples(
        st.just("POST"),
        st.just(C),
        st.builds(lambda fields, slug: {**fields, "slug": slug}, branches, categories),
    ),
    st.tuples(st.just("PUT"), st.builds(f"{C}/{{}}".format, categories), branches),
    st.tuples(
        st.just("DELETE"), st.builds(f"{C}/{{}}?permanent=true".format, categories), st.none()
    ),
    st.tuples(
        st.sampled_from(["PUT", "DELETE"]),
        st.builds(f"{P}/{{}}/categories/{{}}".format, slugs, categories),
        st.none(),
    ),
)


@define
class CachedAndPlain:
    """Clients of one shop, with a cache and without."""

    cached: TestClient
    plain: TestClient
    import_products: Callable[[list[ImportEntry]], object]


@pytest.fixture
def clients(
    database_url: sa.URL, connect_database: Callable[..., Database], tmp_path: Path
) -> Iterator[CachedAndPlain]:
    write_versions = WriteVersions(tmp_path)
    database = connect_database(database_url, record_write=write_versions.record)
    shop = make_shop(
        PostgresProductStore(database),
        PostgresVariantStore(database),
        PostgresReviewStore(database),
        PostgresCategoryStore(database),
    )
    with PostgresInvalidationFeed(database, write_versions).running() as feed:
        cache = ReadCache(MemoryCache(lambda: 0), None, feed, ttl_seconds=300, clock=lambda: 0)
        cached = TestClient(create_app(shop, HttpConfig(cache=cache)))
        yield CachedAndPlain(cached, TestClient(create_app(shop)), shop.products.import_products)
    write_versions.close()


def send(client: TestClient, method: str, path: str, body: object = None) -> Result:
    text = None if body is None else json.dumps(body)
    return client.simulate_request(method, path, body=text, headers=ADMIN)


def read(client: TestClient, path: str) -> tuple[int, Any, str | None]:
    response = client.simulate_get(path)
    body = response.json
    body.pop("request_id", None)
    return response.status_code, body, response.headers.get("etag")


def warm(clients: CachedAndPlain, path: str) -> None:
    """Request until the response comes from the cache; errors and redirects do not count."""

    def is_warm() -> bool:
        response = clients.cached.simulate_get(path)
        return response.status_code != 200 or response.headers["x-cache"] == "hit"

    wait_until(is_warm)


def with_id(client: TestClient, path: str) -> str:
    """Return the path with the index of a variant or review replaced by its id."""
    match = re.fullmatch(r"(.*/variants|/api/reviews)/(\d+)(.*)", path)
    if match is None:
        return path
    items = send(client, "GET", f"{match[1]}?status=all").json.get("items", [])
    index = int(match[2])
    return f"{match[1]}/{items[index]['id'] if index < len(items) else 1}{match[3]}"


def is_cached(path: str, response: tuple[int, Any, str | None]) -> bool:
    return "search" not in path or bool(response[1].get("items"))


class RandomWrites(RuleBasedStateMachine):
    clients: CachedAndPlain

    def __init__(self) -> None:
        super().__init__()
        for slug in SLUGS:
            send(self.clients.plain, "DELETE", f"{P}/{slug}?permanent=true")
        for slug in ("low", "top"):
            send(self.clients.plain, "DELETE", f"{C}/{slug}?permanent=true")
        for method, path, body in INITIAL_REQUESTS:
            assert send(self.clients.plain, method, path, body).status_code < 300

    @rule(request=requests)
    def write(self, request: tuple[str, str, object]) -> None:
        method, path, body = request
        send(self.clients.cached, method, with_id(self.clients.plain, path), body)

    @rule(request=requests)
    def write_elsewhere(self, request: tuple[str, str, object]) -> None:
        method, path, body = request
        send(self.clients.plain, method, with_id(self.clients.plain, path), body)

    @rule(slug=slugs, price=prices)
    def import_product(self, slug: str, price: str) -> None:
        self.clients.import_products([ImportEntry(1, product_values(slug=slug, price=price))])

    @rule(path=st.sampled_from(READS))
    def wait(self, path: str) -> None:
        if is_cached(path, read(self.clients.plain, path)):
            warm(self.clients, path)

    @invariant()
    def both_return_the_same(self) -> None:
        for path in READS:
            assert read(self.clients.cached, path) == read(self.clients.plain, path), path


def test_cached_and_uncached_responses_are_equal(clients: CachedAndPlain) -> None:
    RandomWrites.clients = clients
    run_state_machine_as_test(RandomWrites, settings=settings(STORY, max_examples=5))


WRITES: list[tuple[str, str, object]] = [
    *INITIAL_REQUESTS,
    ("POST", P, product_values(name="New", slug="new", price="5.00", stock_quantity=1)),
    ("PATCH", f"{P}/new", {"seo_title": "Egg"}),
    ("PATCH", f"{P}/new", {"price": "1.00"}),
    ("PATCH", f"{P}/new", {"price": "30.00", "compare_at_price": "31.00"}),
    ("PATCH", f"{P}/new", {"name": "Zabaglione"}),
    ("PATCH", f"{P}/new", {"name": "An egg"}),
    ("PATCH", f"{P}/new", {"brand": "Salz"}),
    ("PATCH", f"{P}/new", {"tags": ["salt"], "brand": None}),
    ("PATCH", f"{P}/new", {"description": "Salted eggs", "details": "", "tags": []}),
    ("PATCH", f"{P}/new", {"ingredients": ["salt"]}),
    ("PATCH", f"{P}/new", {"attributes": {"Kind": "salt"}}),
    ("PATCH", f"{P}/salt", {"gtin": GTIN, "tags": ["C1"]}),  # found before `new` has the codes
    ("PATCH", f"{P}/new", {"sku": "C1"}),
    ("PATCH", f"{P}/new", {"sku": None, "gtin": GTIN}),
    ("PATCH", f"{P}/new", {"gtin": None}),
    ("POST", f"{P}/new/stock", {"set": 0}),
    ("POST", f"{P}/new/stock", {"delta": 1}),
    ("POST", f"{P}/new/stock", {"set": 0}),
    ("PATCH", f"{P}/new", {"track_stock": False}),
    ("PATCH", f"{P}/new", {"track_stock": True}),
    ("PATCH", f"{P}/new", {"is_listed": False}),
    ("PATCH", f"{P}/new", {"price": "25.00"}),
    ("PATCH", f"{P}/new", {"is_listed": True}),
    ("PATCH", f"{P}/new", {"is_active": False}),
    ("PATCH", f"{P}/new", {"is_active": True}),
    ("PATCH", f"{P}/egg", {"slug": "egg-2"}),
    ("PATCH", f"{P}/egg-2", {"slug": "egg"}),
    ("PUT", f"{P}/egg", product_values(name="Egg", slug="egg", price="2.00")),
    ("POST", f"{P}/egg/variants", {"options": {"Size": "salt"}, "price": "1.00"}),
    ("POST", f"{P}/egg/variants", {"options": {"Size": "1"}, "price": "2.00"}),
    ("PATCH", f"{P}/egg/variants/0", {"price": "50.00"}),
    ("PATCH", f"{P}/egg/variants/0", {"is_active": False}),
    ("PATCH", f"{P}/egg/variants/0", {"is_active": True, "position": 2}),
    ("PATCH", f"{P}/egg/variants/1", {"sku": "C1"}),
    ("PATCH", f"{P}/egg/variants/1", {"sku": None, "gtin": GTIN}),
    ("POST", f"{P}/egg/variants/0/stock", {"set": 1}),
    ("POST", f"{P}/egg/variants/0/stock", {"delta": -1}),
    ("DELETE", f"{P}/egg/variants/0", None),
    ("DELETE", f"{P}/egg/variants/0", None),
    ("POST", f"{P}/salt/reviews", review_values(rating=2)),
    ("PATCH", "/api/reviews/0", {"is_verified": True}),
    ("POST", f"{P}/new/reviews", review_values(rating=3)),
    ("PATCH", "/api/reviews/1", {"is_verified": True}),
    ("POST", f"{P}/egg/reviews", review_values(rating=5)),
    ("PATCH", "/api/reviews/2", {"is_verified": True}),
    ("DELETE", "/api/reviews/2", None),
    ("PATCH", "/api/reviews/0", {"is_verified": False}),
    ("DELETE", "/api/reviews/1", None),
    ("PUT", f"{P}/new/categories/top", None),
    ("PUT", f"{P}/new/categories/low", None),
    ("DELETE", f"{P}/new/categories/top", None),
    ("DELETE", f"{P}/new/categories/low", None),
    ("PUT", f"{C}/low", {"name": "Eggs below", "parent": "top"}),
    ("PUT", f"{C}/low", {"name": "Salz", "description": "All salts", "parent": "top"}),
    ("PUT", f"{C}/low", {"name": "Salz"}),
    ("PUT", f"{C}/low", {"name": "Salz", "is_active": False}),
    ("PUT", f"{C}/low", {"name": "Salz", "parent": "top"}),
    ("PUT", f"{C}/top", {"name": "Eggs", "is_active": False}),
    ("PUT", f"{C}/top", {"name": "Eggs"}),
    ("POST", C, {"name": "Egg yolks", "slug": "deep", "parent": "low"}),
    ("PUT", f"{P}/salt/categories/deep", None),
    ("DELETE", f"{C}/deep?permanent=true", None),
    ("DELETE", f"{C}/low?permanent=true", None),
    ("DELETE", f"{P}/new", None),
    ("DELETE", f"{P}/new?permanent=true", None),
    ("DELETE", f"{P}/egg?permanent=true", None),
]
"""Writes of every kind, one after another. Each changes what some of the READS return."""


def test_a_write_of_any_kind_ends_the_responses_that_it_changes(clients: CachedAndPlain) -> None:
    for method, path, body in WRITES:
        for read_path in READS:
            if is_cached(read_path, read(clients.plain, read_path)):
                warm(clients, read_path)
        response = send(clients.cached, method, with_id(clients.plain, path), body)
        assert response.status_code < 300, (path, body, response.text)
        for read_path in READS:
            fresh = read(clients.plain, read_path)
            assert read(clients.cached, read_path) == fresh, (method, path, body, read_path)


SALES: list[tuple[str, str, object]] = [
    ("POST", f"{P}/salt/stock", {"delta": -1}),
    ("POST", f"{P}/salt/stock", {"set": 7}),
    ("POST", f"{P}/new/variants/0/stock", {"delta": -1}),
    ("PATCH", f"{P}/salt", {"stock_quantity": 5, "seo_title": "Salt"}),
    ("POST", f"{P}/salt/reviews", review_values()),
]
"""Writes that change only the responses that show the product."""


def test_a_sale_keeps_all_responses_that_do_not_show_the_product(clients: CachedAndPlain) -> None:
    for method, path, body in INITIAL_REQUESTS:
        send(clients.plain, method, path, body)
    send(clients.plain, "POST", f"{P}/salt/stock", {"set": 9})
    send(clients.plain, "POST", P, product_values(name="New", slug="new"))
    variant = {"options": {"Size": "1"}, "price": "7.00", "stock_quantity": 9}
    send(clients.plain, "POST", f"{P}/new/variants", variant)
    for method, path, body in SALES:
        sold = path.split("/")[3]
        others = [
            read_path
            for read_path in READS
            if f'"slug":"{sold}"' not in (text := clients.plain.simulate_get(read_path).text)
            and f"/{sold}/" not in f"{read_path}/"
            and '"items":[]' not in text
            and clients.plain.simulate_get(read_path).status_code == 200
        ]
        assert len(others) > 15
        for read_path in others:
            warm(clients, read_path)
        assert send(clients.plain, method, with_id(clients.plain, path), body).status_code < 300
        for read_path in others:
            status = clients.cached.simulate_get(read_path).headers["x-cache"]
            assert status == "hit", (path, read_path)


def test_a_restored_shop_is_served_at_once(
    clients: CachedAndPlain,
    database_url: sa.URL,
    connect_database: Callable[..., Database],
    tmp_path: Path,
) -> None:
    for method, path, body in INITIAL_REQUESTS:
        send(clients.cached, method, path, body)
    with closing(WriteVersions(tmp_path)) as write_versions:  # of another process
        database = connect_database(database_url, record_write=write_versions.record)
        backups, file = PostgresBackups(database, None, "1"), BytesIO()
        backups.dump(file, no_progress)
        dumped = [read(clients.plain, path) for path in READS]
        send(clients.plain, "PATCH", f"{P}/egg", {"name": "Changed"})
        send(clients.plain, "DELETE", f"{P}/salt?permanent=true")
        for path in (P, f"{P}/egg", C):
            warm(clients, path)
        backups.restore(file, no_progress, replace=True)
        assert [read(clients.cached, path) for path in READS] == dumped
        assert [read(clients.plain, path) for path in READS] == dumped
