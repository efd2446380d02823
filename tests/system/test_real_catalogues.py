"""A real catalogue of products and reviews, imported through the library."""

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.products import PostgresProductStore
from eggypro_adapters.postgres.reviews import PostgresReviewStore
from eggypro_core.domain.product_files import ImportEntry
from eggypro_core.domain.product_query import ProductQuery, Sort
from eggypro_core.domain.review import summarise_ratings
from eggypro_core.shop import Shop
from tests.support.builders import make_shop

DUMMYJSON = Path(__file__).parents[3] / "shared" / "data" / "dummyjson" / "products.json"


@pytest.fixture(params=["memory", "postgres"])
def shop(request: pytest.FixtureRequest) -> Shop:
    if request.param == "memory":
        return make_shop()
    database: Database = request.getfixturevalue("database")
    return make_shop(PostgresProductStore(database), reviews=PostgresReviewStore(database))


@pytest.mark.skipif(not DUMMYJSON.exists(), reason="needs the real files beside the checkout")
def test_real_products_and_reviews_are_imported_and_rated(shop: Shop) -> None:
    rows = json.loads(DUMMYJSON.read_text(), parse_float=Decimal)
    report = shop.products.import_products(_entries(rows))
    assert (report.created, report.refused) == (194, ())
    ratings_by_slug = defaultdict(list)
    for slug, review in _reviews(rows):
        submitted = shop.reviews.create(slug, review)
        shop.reviews.verify(submitted.id, {"is_verified": True})
        ratings_by_slug[slug].append(review["rating"])
    assert sum(map(len, ratings_by_slug.values())) == 582
    for slug, ratings in ratings_by_slug.items():
        assert shop.products.get(slug).rating == summarise_ratings(ratings)
    best = shop.products.list(ProductQuery(sort=Sort.RATING, limit=100))
    averages = [product.rating.average or 0 for product in best.items]
    assert averages == sorted(averages, reverse=True)


def _slug(product: dict[str, Any]) -> str:
    return f"{product['id']}"


def _entries(rows: list[dict[str, Any]]) -> Iterator[ImportEntry]:
    for product in rows:
        yield ImportEntry(
            product["id"],
            {
                "slug": _slug(product),
                "name": product["title"],
                "sku": product["sku"],
                "description": product["description"],
                "price": product["price"],
                "stock_quantity": product["stock"],
                "images": product["images"],
                "attributes": {"Brand": product.get("brand", "none")},
            },
        )


def _reviews(rows: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for product in rows:
        for number, review in enumerate(product["reviews"]):
            date = datetime.fromisoformat(review["date"]).astimezone(UTC)
            yield (
                _slug(product),
                {
                    "reviewer_name": review["reviewerName"],
                    "rating": review["rating"],
                    "comment": f"{review['comment']} ({date:%Y-%m-%d}, {number})",
                },
            )
