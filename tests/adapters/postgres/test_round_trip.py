"""An export imported again into the same shop in Postgres changes nothing."""

import io
from contextlib import suppress
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eggypro_adapters.postgres.database import Database
from eggypro_adapters.postgres.schema import metadata
from eggypro_core.domain.category import CategoryDraft
from eggypro_core.domain.product import Product
from eggypro_core.domain.product_files import ImportOptions, ImportReport
from eggypro_core.errors import ConflictError
from eggypro_core.shop import Shop
from tests.support.builders import ShopStores
from tests.support.foreign_files import files
from tests.support.random_shops import make_empty_shop, make_shop_with, shop_contents

FEW = settings(max_examples=5, suppress_health_check=list(HealthCheck))
_EMPTY = sa.text(
    f"TRUNCATE {', '.join(table.name for table in metadata.sorted_tables)} RESTART IDENTITY CASCADE"
)


def empty_stores(database: Database) -> ShopStores:
    with database.long_transaction() as connection:
        connection.execute(_EMPTY)
    return ShopStores.in_postgres(database)


def import_file(shop: Shop, file: bytes, form: str) -> ImportReport:
    options = ImportOptions(keep_going=True)
    return shop.products.import_file(io.BytesIO(file), file_format=form, options=options)


def export_file(shop: Shop, form: str) -> bytes:
    stream = io.BytesIO()
    exported = shop.products.export_file(stream, file_format=form).exported
    return stream.getvalue() if exported else b""


def products_of(shop: Shop) -> list[Product]:
    with shop.products.export_products() as export:
        return list(export.products)


def assert_import_of_export_changes_nothing(shop: Shop, form: str) -> None:
    before = products_of(shop)
    if file := export_file(shop, form):
        report = import_file(shop, file, form)
        assert report.differences == ()
        assert (report.created, report.changed, report.refused) == (0, 0, ())
        assert products_of(shop) == before


@FEW
@given(contents=shop_contents())
def test_an_import_of_an_export_changes_nothing(
    emptied_database: Database, contents: tuple[list[CategoryDraft], list[dict[str, Any]]]
) -> None:
    shop = make_shop_with(empty_stores(emptied_database), *contents)
    assert_import_of_export_changes_nothing(shop, "woocommerce")


@FEW
@given(first=files("shopify"), second=files("shopify"), slug=st.sampled_from(["ham", "egg-1"]))
def test_an_export_after_imports_and_renames_changes_nothing(
    emptied_database: Database, first: bytes, second: bytes, slug: str
) -> None:
    shop = make_empty_shop(empty_stores(emptied_database))
    import_file(shop, first, "shopify")
    for product in products_of(shop)[:1]:
        with suppress(ConflictError):
            shop.products.update(product.slug, {"slug": slug})
    import_file(shop, second, "shopify")
    assert import_file(shop, second, "shopify").differences == ()
    assert_import_of_export_changes_nothing(shop, "shopify")
