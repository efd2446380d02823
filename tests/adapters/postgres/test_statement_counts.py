"""Every list, and every single thing, is read from Postgres in one statement."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from attrs import define, field, fields
from falcon.testing import TestClient

from eggypro_adapters.contracts.sample_images import a_picture
from eggypro_adapters.postgres.categories import PostgresCategoryStore
from eggypro_adapters.postgres.database import Database, Statement
from eggypro_adapters.postgres.image_registry import PostgresImageLedger
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_adapters.postgres.request_log import PostgresCallStore
from eggypro_adapters.postgres.reviews import PostgresReviewStore
from eggypro_adapters.postgres.variants import PostgresVariantStore
from eggypro_core.domain.product_query import SUGGEST_PARAMETERS
from eggypro_core.validation.fields import Rule
from eggypro_http.app import ROUTES, create_app
from tests.support.builders import a_product, a_review, a_shop, a_variant
from tests.support.wsgi import ADMIN, SAMPLES

_OTHERS = ("/api/cron", "/api/health", "/images", "/metrics", "/openapi.json")
"""What is not asked of the stores, or not in one statement."""
READS = [route for route in ROUTES if route.method == "GET" and not route.path.startswith(_OTHERS)]


@define(slots=False)
class Counting(Database):
    """A database that notes each statement that is read."""

    statements: list[str] = field(factory=list)

    def read(self, statement: Statement, values: Mapping[str, object]) -> Sequence[tuple[Any, ...]]:
        self.statements.append(statement.sql)
        return super().read(statement, values)


@pytest.fixture
def counted(database: Database) -> Counting:
    return Counting(*(getattr(database, each.name) for each in fields(Database)))


@pytest.mark.parametrize("route", READS, ids=lambda route: route.path)
def test_a_read_is_one_statement_or_two_for_a_search(counted: Counting, route: Any) -> None:
    shop = a_shop(
        PostgresProductStore(counted),
        PostgresVariantStore(counted),
        PostgresReviewStore(counted),
        PostgresCategoryStore(counted),
        ledger=PostgresImageLedger(counted),
        calls=PostgresCallStore(counted),
    )
    slug = shop.products.add(a_product()).slug
    shop.images.add(slug, [a_picture(), a_picture()])
    shop.products.add(a_product(name="Salt"))
    variants = [shop.variants.add(slug, a_variant(options={"Size": size})) for size in "12"]
    for comment in "ab":
        review = shop.reviews.submit(slug, a_review(comment=comment))
        shop.reviews.moderate(review.id, {"is_verified": True})
    for name, parent in (("Food", None), (slug, "food")):
        category = shop.categories.add({"name": name, "parent": parent})
        shop.categories.link(slug, category.slug)
    path = route.path.format(**SAMPLES | {"variant": variants[0].id})
    client = TestClient(create_app(shop))
    client.simulate_get("/api/products?search=egg")  # reads how common words are, once a minute
    counted.statements.clear()
    for query in _queries(route.parameters):
        answer = client.simulate_get(path, query_string=query, headers=ADMIN)
        assert answer.status_code == 200, answer.text
        words_come_first = "q=" in query
        assert len(counted.statements) == 1 + words_come_first, counted.statements
        counted.statements.clear()


def _queries(parameters: Mapping[str, Rule]) -> list[str]:
    """Return queries that ask for all that a list can do."""
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
