"""Property tests: importing a file again changes nothing, and a dry run reports all changes."""

import io
from contextlib import suppress

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from eggypro_core.domain.product_files import ImportOptions, ImportReport
from eggypro_core.errors import ConflictError
from eggypro_core.shop import Shop
from tests.support.builders import ShopStores
from tests.support.foreign_files import TABLES, files
from tests.support.random_shops import make_empty_shop

SLUGS = st.sampled_from(["egg", "ham", "egg-1", "egg-2", "x"])


def import_file(shop: Shop, file: bytes, form: str, *, dry_run: bool = False) -> ImportReport:
    options = ImportOptions(dry_run=dry_run, keep_going=True)
    return shop.products.import_file(io.BytesIO(file), file_format=form, options=options)


def without_run(report: ImportReport) -> ImportReport:
    return evolve(report, dry_run=False, is_applied=False)


@pytest.mark.parametrize("form", TABLES)
@given(data=st.data())
def test_the_same_file_twice_changes_nothing_and_a_dry_run_reports_all_changes(
    form: str, data: st.DataObject
) -> None:
    check_repeated_imports(form, data.draw(files(form)), data.draw(files(form)))


def test_a_row_that_was_refused_is_refused_again() -> None:
    """The other row of the second file has its own product by then."""
    header = "id,title,price,gtin,item_group_id,color,size\r\n"
    row = "{},{},5 EUR,4006381333931,{},Red,S\r\n".format
    first = header + row("e1", "Egg", "e1") + row("e2", "Egg", "e1")
    for refused in (row("e2", "", ""), row("e2", "Egg", "").replace("5 EUR", "")):
        second = header + row("e1", "Egg", "g1") + refused
        check_repeated_imports("google", first.encode(), second.encode())


def test_a_new_variant_after_a_known_one_keeps_its_place() -> None:
    header = "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price\r\n"
    skipped = "egg,Egg,Size,S,,\r\negg,,,XS,,\r\n"  # without a price: L comes before M otherwise
    first = header + skipped + "egg,,,M,,5\r\n"
    second = header + "egg,Egg,Size,M,,5\r\negg,,,L,,6\r\n"
    check_repeated_imports("shopify", first.encode(), second.encode())


def test_a_product_that_becomes_simple_takes_the_values_of_the_file() -> None:
    """An export may write the weight of a variant where a simple product has its own."""
    header = "Handle,Title,Option1 Value,Variant Grams,Variant Price\r\n"
    first = header + "egg,Egg,,500,5\r\negg,,M,,\r\n"
    second = header + "egg,,Default Title,500,5\r\n"
    check_repeated_imports("shopify", first.encode(), second.encode())


def check_repeated_imports(form: str, *imported: bytes) -> None:
    shop = make_empty_shop(ShopStores.in_memory())
    for file in imported:
        dry_run = import_file(shop, file, form, dry_run=True)
        report = import_file(shop, file, form)
        assert without_run(dry_run) == without_run(report)
        again = import_file(shop, file, form)
        assert again.differences == ()
        assert (again.created, again.changed, again.refused) == (0, 0, report.refused)


@pytest.mark.parametrize("form", TABLES)
@given(data=st.data())
def test_an_export_after_imports_and_renames_changes_nothing(
    form: str, data: st.DataObject
) -> None:
    shop = make_empty_shop(ShopStores.in_memory())
    import_file(shop, data.draw(files(form)), form)
    for slug in slugs_of(shop):
        if data.draw(st.booleans()):
            with suppress(ConflictError):
                shop.products.update(slug, {"slug": data.draw(SLUGS)})
    import_file(shop, data.draw(files(form)), form)
    stream = io.BytesIO()
    if shop.products.export_file(stream, file_format=form).exported:
        report = import_file(shop, stream.getvalue(), form)
        assert report.differences == ()
        assert (report.created, report.changed, report.refused) == (0, 0, ())


def slugs_of(shop: Shop) -> list[str]:
    with shop.products.export_products() as export:
        return [product.slug for product in export.products]
