"""Imports into Postgres have the same reports and results as imports into memory."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from attrs import evolve
from hypothesis import HealthCheck, given, settings

from eggypro_adapters.postgres.database import Database
from eggypro_core.domain.product_files import ImportEntry
from eggypro_core.shop import Shop
from tests.support.builders import ShopStores, make_shop
from tests.support.import_strategies import import_files, import_options
from tests.support.imports import run_entries, stored_products, variants_of


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(import_files, import_files, import_options)
def test_imports_into_postgres_and_memory_agree(
    database: Database,
    existing: list[ImportEntry],
    file: list[ImportEntry],
    options: dict[str, Any],
) -> None:
    with database.long_transaction() as connection:
        connection.execute(
            sa.text("TRUNCATE products, categories, slug_aliases RESTART IDENTITY CASCADE")
        )
    results = []
    for stores in (ShopStores.in_memory(), ShopStores.in_postgres(database)):
        shop = make_shop(stores=stores)
        first = run_entries(shop, *existing, keep_going=True)
        reports = [run_entries(shop, *file, **options) for _ in range(2)]
        undo = _undo(shop, [report.batch for report in reports if report.batch is not None])
        products = {
            slug: (
                evolve(product, id=0, categories=(), variants=()),
                [evolve(variant, id=0) for variant in variants_of(shop, slug)],
                [category.slug for category in product.categories],
            )
            for slug, product in stored_products(shop.products).items()
        }
        results.append([first, *reports, *undo, *products.items()])
    for in_memory, in_postgres in zip(*results, strict=True):
        assert in_memory == in_postgres


def _undo(shop: Shop, batches: Sequence[int]) -> Sequence[object]:
    """Undo the batches, newest first, and then the last undo; return the reports."""
    reports = [shop.events.undo(batch) for batch in reversed(batches)]
    if reports and reports[-1].batch is not None:
        reports.append(shop.events.undo(reports[-1].batch))
    return [evolve(report, batch=None) for report in reports]
