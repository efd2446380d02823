"""Statement counts: each read route needs one statement, a search two."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from attrs import define, field, fields
from falcon.testing import TestClient

from eggypro_adapters.contracts.sample_images import make_image
from eggypro_adapters.postgres.categories import PostgresCategoryStore
from eggypro_adapters.postgres.database import CompiledStatement, Database
from eggypro_adapters.postgres.image_registry import PostgresImageRegistry
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_adapters.postgres.request_log import PostgresRequestLog
from eggypro_adapters.postgres.reviews import PostgresReviewStore
from eggypro_adapters.postgres.variants import PostgresVariantStore
from eggypro_core.domain.product_query import SUGGEST_PARAMETERS
from eggypro_core.validation.fields import Validator
from eggypro_http.app import ROUTES, create_app
from tests.support.builders import make_shop, product_values, review_values, variant_values
from tests.support.wsgi import ADMIN, PATH_VALUES

_OTHER_PATHS = (
    *("/api/cron", "/api/health", "/images", "/metrics", "/openapi.json", "/problems"),
    *("/api/events", "/api/batches", "/api/keys"),
)
"""Routes that do not read from the stores, or not in one statement."""
READ_ROUTES = [
    route for route in ROUTES if route.method == "GET" and not route.path.startswith(_OTHER_PATHS)
]


@define(slots=False)
class CountingDatabase(Database):
    """A database that records the statements of its reads."""

    statements: list[str] = field(factory=list)

    def fetch(
        self, statement: CompiledStatement, values: Mapping[str, object]
    ) -> Sequence[tuple[Any, ...]]:
        self.statements.append(statement.sql)
        return super().fetch(statement, values)


@pytest.fixture
def counting_database(database: Database) -> CountingDatabase:
    return CountingDatabase(*(getattr(database, attribute.name) for attribute in fields(Database)))


@pytest.mark.parametrize("route", READ_ROUTES, ids=lambda route: route.path)
def test_read_needs_one_statement_and_search_two(
    counting_database: CountingDatabase, route: Any
) -> None:
    shop = make_shop(
        PostgresProductStore(counting_database),
        PostgresVariantStore(counting_database),
        PostgresReviewStore(counting_database),
        PostgresCategoryStore(counting_database),
        image_registry=PostgresImageRegistry(counting_database),
        request_log=PostgresRequestLog(counting_database),
    )
    slug = shop.products.create(product_values()).slug
    shop.images.upload(slug, [make_image(), make_image()])
    shop.products.create(product_values(name="Salt"))
    variants = [shop.variants.create(slug, variant_values(options={"Size": size})) for size in "12"]
    for comment in "ab":
        review = shop.reviews.create(slug, review_values(comment=comment))
        shop.reviews.verify(review.id, {"is_verified": True})
    for name, parent in (("Food", None), (slug, "food")):
        category = shop.categories.create({"name": name, "parent": parent})
        shop.categories.link(slug, category.slug)
    path = route.path.format(**PATH_VALUES | {"variant": variants[0].id})
    client = TestClient(create_app(shop))
    client.simulate_get("/api/products?search=egg")  # caches the term statistics for a minute
    counting_database.statements.clear()
    for query in _queries(route.parameters):
        response = client.simulate_get(path, query_string=query, headers=ADMIN)
        assert response.status_code == 200, response.text
        expected_count = 2 if "q=" in query else 1
        assert len(counting_database.statements) == expected_count, counting_database.statements
        counting_database.statements.clear()


def _queries(parameters: Mapping[str, Validator]) -> list[str]:
    """Return queries that use every feature of a list."""
    if parameters == SUGGEST_PARAMETERS:
        return ["q=e", "q=egg+wh", "q=egg+salt"]
    if "q" in parameters:
        return [
            "q=protein&category=food",
            "q=egg+white&limit=1&status=all",
            "q=egg+white&limit=1&status=all&sort=rating",
        ]
    if "limit" in parameters:
        return ["", "limit=1", "limit=1&offset=1"]
    return [""]
