"""Property tests: an export imported again changes nothing, and restores an empty shop."""

import io
from collections.abc import Callable, Iterable, Mapping
from functools import partial

import pytest
from hypothesis import given

from eggypro_adapters.files.category_paths import paths_by_slug
from eggypro_core.domain.category import CategoryDraft
from eggypro_core.domain.product import Product
from eggypro_core.domain.product_files import ImportOptions, ImportReport
from eggypro_core.shop import Shop
from tests.support.builders import ShopStores
from tests.support.product_files import without_ids
from tests.support.random_shops import make_empty_shop, shops
from tests.support.rss_feeds import rss_feed

OWN_FORMATS = ("eggypro-csv", "jsonl")
"""Formats that restore an equal catalogue in an empty shop."""


def export_file(shop: Shop, form: str) -> bytes:
    stream = io.BytesIO()
    shop.products.export_file(stream, file_format=form)
    return stream.getvalue()


def export_rss(shop: Shop) -> bytes:
    with shop.products.export_products() as export:
        paths = paths_by_slug(export.categories)
        return rss_feed(export.products, paths)


EXPORTS: Mapping[str, Callable[[Shop], bytes]] = {
    **{
        form: partial(export_file, form=form)
        for form in (*OWN_FORMATS, "shopify", "woocommerce", "google")
    },
    "google (RSS)": export_rss,
}


def import_file(shop: Shop, file: bytes, form: str, *, dry_run: bool = False) -> ImportReport:
    form = form.partition(" ")[0]
    return shop.products.import_file(
        io.BytesIO(file), file_format=form, options=ImportOptions(dry_run=dry_run)
    )


def contents(shop: Shop) -> tuple[list[Product], list[CategoryDraft]]:
    with shop.products.export_products() as export:
        return list(export.products), list(export.categories)


def by_slug(products: Iterable[Product]) -> dict[str, Product]:
    return {product.slug: without_ids(product) for product in products}


def has_products(file: bytes) -> bool:
    """Return whether an export has products: an empty one may be refused."""
    is_table = not file.startswith((b"<?xml", b"{"))
    return file.count(b"\n") > 1 if is_table else b"<item>" in file or file.startswith(b"{")


def assert_changes_nothing(shop: Shop, form: str) -> None:
    """Check that an import of an export changes nothing."""
    before = contents(shop)
    file = EXPORTS[form](shop)
    if not has_products(file):
        return
    for dry_run in (True, False):
        report = import_file(shop, file, form, dry_run=dry_run)
        assert report.differences == ()
        assert (report.created, report.changed, report.refused) == (0, 0, ())
        assert contents(shop) == before


@pytest.mark.parametrize("form", EXPORTS)
@given(shop=shops())
def test_an_import_of_an_export_changes_nothing(form: str, shop: Shop) -> None:
    assert_changes_nothing(shop, form)


@pytest.mark.parametrize("form", OWN_FORMATS)
@given(shop=shops())
def test_an_import_of_an_export_restores_an_empty_shop(form: str, shop: Shop) -> None:
    products, categories = contents(shop)
    file = export_file(shop, form)
    if products:
        other = make_empty_shop(ShopStores.in_memory())
        report = import_file(other, file, form)
        assert (report.created, report.refused) == (len(products), ())
        restored, restored_categories = contents(other)
        assert by_slug(restored) == by_slug(products)
        assert restored_categories == categories
