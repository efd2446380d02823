"""Tests of imports: results, errors and warnings by line."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from eggypro_adapters.contracts import strategies
from eggypro_adapters.contracts.clock import FakeClock
from eggypro_adapters.files.html import NhHtmlCleaner
from eggypro_adapters.memory import MemoryProductStore
from eggypro_core.domain.product import Product
from eggypro_core.domain.product_files import (
    ConflictPolicy,
    ImportEntry,
    ImportMessage,
    ImportReport,
)
from eggypro_core.domain.product_query import ProductQuery
from eggypro_core.domain.variant import Variant, VariantQuery
from eggypro_core.errors import FieldError, NotFoundError
from eggypro_core.services.importer import IMPORT_BATCH_SIZE, MAX_REPORTED_MESSAGES
from eggypro_core.services.products import ProductService
from eggypro_core.shop import Shop
from eggypro_core.validation.parameters import Status
from tests.support.builders import make_shop, variant_values

GOOD: dict[str, object] = {"slug": "good", "name": "Good", "price": "5"}
OTHER: dict[str, object] = {"slug": "other", "name": "Other", "price": "6"}
BAD: dict[str, object] = {"slug": "bad", "name": "Bad", "price": "0"}


def entries(*values: Mapping[str, object], first: int = 2) -> list[ImportEntry]:
    """Return a file with one entry per line, from line `first` on."""
    return [ImportEntry(line, item) for line, item in enumerate(values, first)]


def counts(report: ImportReport) -> tuple[int, int, int]:
    return report.created, report.changed, report.unchanged


def stored_products(catalog: ProductService) -> dict[str, Product]:
    """Return all products by slug."""
    items = catalog.list(ProductQuery(status=Status.ALL, limit=100)).items
    return {item.slug: catalog.get(item.slug, Status.ALL) for item in items}


def import_errors(
    catalog: ProductService, *values: Mapping[str, object]
) -> tuple[ImportMessage, ...]:
    report = catalog.import_products(entries(*values), keep_going=True)
    return report.refused


def test_new_products_are_created_with_all_fields(
    products: ProductService, clock: FakeClock
) -> None:
    values: dict[str, object] = {
        "name": "Egg White",
        "sku": "EW",
        "price": "24.990",
        "compare_at_price": Decimal(30),
        "details": "<p>x<script>y</script></p>",
        "ingredients": ["egg"],
        "attributes": {"fat": "1 g"},
        "images": ["https://x.example/1.jpg"],
        "stock_quantity": 4,
        "is_active": False,
    }
    report = products.import_products(entries(values))
    assert report == ImportReport(1, 0, 0, (), (), dry_run=False)
    product = products.get("egg-white", Status.ARCHIVED)
    assert (product.version, product.created_at, product.details) == (1, clock.now, "<p>x</p>")
    assert (product.sku, product.price, product.stock_quantity) == ("EW", Decimal("24.99"), 4)


def test_name_and_price_are_sufficient(products: ProductService) -> None:
    assert counts(products.import_products(entries({"name": "Egg", "price": 5}))) == (1, 0, 0)
    product = products.get("egg")
    assert (product.ingredients, product.description, product.is_active) == ((), "", True)


def test_existing_products_are_changed_or_unchanged(
    products: ProductService, clock: FakeClock
) -> None:
    products.import_products(entries(GOOD, OTHER))
    before = stored_products(products)
    clock.advance()
    report = products.import_products(
        entries(GOOD | {"price": "7"}, OTHER, {"name": "New", "price": "1"})
    )
    assert counts(report) == (1, 1, 1)
    after = stored_products(products)
    assert after["other"] == before["other"]
    assert after["good"] == evolve(
        before["good"], price=Decimal(7), version=2, updated_at=clock.now
    )


def test_omitted_fields_stay_unchanged(products: ProductService) -> None:
    full = GOOD | {"sku": "G", "stock_quantity": 3, "attributes": {"a": "b"}, "seo_title": "T"}
    products.import_products(entries(full))
    before = products.get("good")
    report = products.import_products(entries({"slug": "good", "price": "7"}))
    assert counts(report) == (0, 1, 0)
    assert products.get("good") == evolve(before, price=Decimal(7), version=2)


def test_an_archived_product_is_updated_and_stays_archived_unless_the_file_restores_it(
    products: ProductService,
) -> None:
    products.import_products(entries(GOOD))
    products.archive("good")
    products.import_products(entries(GOOD | {"price": "7"}))
    assert products.get("good", Status.ARCHIVED).price == 7
    products.import_products(entries({"slug": "good", "is_active": True}))
    assert products.get("good").price == 7


def test_importing_the_same_file_again_changes_nothing(
    products: ProductService, clock: FakeClock
) -> None:
    file = entries(GOOD, OTHER | {"sku": "O"}, {"name": "No Slug", "price": "1"})
    assert counts(products.import_products(file)) == (3, 0, 0)
    before = stored_products(products)
    clock.advance()
    assert counts(products.import_products(file)) == (0, 0, 3)
    assert stored_products(products) == before


_few = st.sampled_from(["a", "b", "c"])
_files = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "slug": _few,
            "name": _few | strategies.names,
            "sku": strategies.blank_or(_few),
            "price": strategies.amounts("0.00", "3.00").map(str),
            "compare_at_price": strategies.amounts("1.00", "9.00").map(str),
            "stock_quantity": st.integers(-1, 3),
            "details": strategies.html,
            "attributes": strategies.attributes,
            "is_active": st.booleans(),
        },
    ),
    max_size=6,
)


@given(_files, st.booleans())
def test_importing_any_file_again_changes_nothing(
    file: list[dict[str, object]],
    keep_going: bool,  # noqa: FBT001  (drawn)
) -> None:
    clock = FakeClock()
    catalog = ProductService(MemoryProductStore(), NhHtmlCleaner(), clock)
    first = catalog.import_products(entries(*file), keep_going=keep_going)
    before = stored_products(catalog)
    assert len(before) == first.created
    clock.advance()
    second = catalog.import_products(entries(*file), keep_going=keep_going)
    assert second.refused == first.refused
    assert counts(second) == (0, 0, first.created)
    assert stored_products(catalog) == before


@given(_files, _files, st.booleans())
def test_a_dry_run_reports_the_result_and_stores_nothing(
    existing: list[dict[str, object]],
    file: list[dict[str, object]],
    keep_going: bool,  # noqa: FBT001  (drawn)
) -> None:
    catalog = ProductService(MemoryProductStore(), NhHtmlCleaner(), FakeClock())
    catalog.import_products(entries(*existing), keep_going=True)
    before = stored_products(catalog)
    expected = catalog.import_products(entries(*file), dry_run=True, keep_going=keep_going)
    assert stored_products(catalog) == before
    report = catalog.import_products(entries(*file), keep_going=keep_going)
    assert expected.dry_run
    assert report == evolve(expected, dry_run=False)
    assert len(stored_products(catalog)) == len(before) + expected.created
    if expected.refused and not keep_going:
        assert stored_products(catalog) == before


def test_an_error_rolls_back_the_whole_import(
    products: ProductService,
) -> None:
    products.import_products(entries(GOOD, OTHER))
    before = stored_products(products)
    report = products.import_products(
        entries(GOOD | {"price": "7"}, OTHER, BAD, {"name": "New", "price": 1})
    )
    assert counts(report) == (0, 0, 1)
    assert report.refused == (ImportMessage(4, "price", "Price must be positive"),)
    assert stored_products(products) == before


def test_keep_going_stores_all_valid_lines(products: ProductService) -> None:
    report = products.import_products(entries(GOOD, BAD, OTHER), keep_going=True)
    assert counts(report) == (2, 0, 0)
    assert [notice.line for notice in report.refused] == [3]
    assert stored_products(products).keys() == {"good", "other"}


@pytest.mark.parametrize(("keep_going", "created"), [(False, 0), (True, 1)])
def test_a_dry_run_with_errors_counts_what_would_be_stored(
    products: ProductService, *, keep_going: bool, created: int
) -> None:
    report = products.import_products(entries(GOOD, BAD), dry_run=True, keep_going=keep_going)
    assert counts(report) == (created, 0, 0)
    assert report.dry_run
    assert stored_products(products) == {}


@pytest.mark.parametrize("keep_going", [True, False])
def test_on_conflict_skip_leaves_existing_products(
    products: ProductService, *, keep_going: bool
) -> None:
    products.import_products(entries(GOOD))
    report = products.import_products(
        entries(GOOD | {"price": "7"}, OTHER),
        on_conflict=ConflictPolicy.SKIP,
        keep_going=keep_going,
    )
    assert counts(report) == (1, 0, 1)
    assert products.get("good").price == 5


def test_on_conflict_fail_reports_existing_products(products: ProductService) -> None:
    products.import_products(entries(GOOD))
    report = products.import_products(entries(GOOD, OTHER), on_conflict=ConflictPolicy.FAIL)
    assert report.refused == (ImportMessage(2, "slug", "Product 'good' already exists"),)
    assert stored_products(products).keys() == {"good"}


def test_all_errors_of_an_entry_are_reported_together(products: ProductService) -> None:
    notices = import_errors(
        products, {"slug": "A", "name": "<", "stock_quantity": "1", "colour": 1}
    )
    assert [(notice.line, notice.field) for notice in notices] == [
        (2, "slug"),
        (2, "name"),
        (2, "stock_quantity"),
        (2, "colour"),
    ]


def test_all_errors_of_an_entry_without_slug_and_name_are_reported_together(
    products: ProductService,
) -> None:
    assert import_errors(products, {"stock_quantity": "1"}) == (
        ImportMessage(2, "stock_quantity", "Stock quantity must be an integer"),
        ImportMessage(2, "name", "Name is required"),
        ImportMessage(2, "price", "Price is required"),
    )


def test_a_new_product_needs_a_name_and_a_price(products: ProductService) -> None:
    assert import_errors(products, {"slug": "new"}) == (
        ImportMessage(2, "name", "Name is required"),
        ImportMessage(2, "price", "Price is required"),
    )


def test_negative_stock_and_low_compare_at_prices_are_corrected_with_warnings(
    shop: Shop,
) -> None:
    amounts: dict[str, object] = {"stock_quantity": -3, "compare_at_price": Decimal("4.99")}
    variant = variant_values(
        options={"Size": "1"}, price="5", stock_quantity=-1, compare_at_price="5"
    )
    report = shop.products.import_products(entries(GOOD | amounts, OTHER | {"variants": [variant]}))
    assert counts(report) == (2, 0, 0)
    assert report.warnings == (
        ImportMessage(2, "stock_quantity", "Negative stock (-3): imported as 0"),
        ImportMessage(
            2, "compare_at_price", "Compare-at price 4.99 is not above the price 5: ignored"
        ),
        ImportMessage(3, "variants", "variant 1: Negative stock (-1): imported as 0"),
        ImportMessage(
            3, "variants", "variant 1: Compare-at price 5 is not above the price 5: ignored"
        ),
    )
    for slug in ("good", "other"):
        product = shop.products.get(slug)
        assert (product.stock_quantity, product.compare_at_price) == (0, None)
    again = shop.products.import_products(entries(GOOD | amounts, OTHER | {"variants": [variant]}))
    assert counts(again) == (0, 0, 2)


@pytest.mark.parametrize("price", [{"price": None}, {}])
def test_a_product_without_a_price_is_skipped(
    products: ProductService, price: dict[str, object]
) -> None:
    report = products.import_products(entries({"name": "Free"} | price, OTHER))
    assert (counts(report), report.refused) == ((1, 0, 0), ())
    assert report.warnings == (ImportMessage(2, "price", "Skipped: no price"),)
    assert stored_products(products).keys() == {"other"}


def test_a_new_price_is_validated_against_the_stored_compare_at_price(
    products: ProductService,
) -> None:
    products.import_products(entries(GOOD | {"compare_at_price": "6"}))
    assert import_errors(products, GOOD | {"price": "6"}) == (
        ImportMessage(2, "compare_at_price", "Compare-at price must be above the price"),
    )


def test_a_repeated_slug_or_sku_is_an_error(
    products: ProductService,
) -> None:
    sku: dict[str, object] = {"sku": "S"}
    notices = import_errors(products, GOOD | sku, GOOD, OTHER | sku, GOOD | sku)
    assert notices == (
        ImportMessage(3, "slug", "Slug 'good' appears twice in the file"),
        ImportMessage(4, "sku", "SKU 'S' appears twice in the file"),
        ImportMessage(5, "slug", "Slug 'good' appears twice in the file"),
        ImportMessage(5, "sku", "SKU 'S' appears twice in the file"),
    )
    assert stored_products(products).keys() == {"good"}


def test_repeated_slugs_and_skus_are_detected_across_batches(
    products: ProductService,
) -> None:
    many = [
        {"slug": f"p{number}", "name": "P", "price": 1} for number in range(IMPORT_BATCH_SIZE + 1)
    ]
    report = products.import_products(
        entries(GOOD | {"sku": "S"}, *many, GOOD, OTHER | {"sku": "S"})
    )
    assert [(notice.line - IMPORT_BATCH_SIZE, notice.field) for notice in report.refused] == [
        (4, "slug"),
        (5, "sku"),
    ]


def test_an_invalid_entry_does_not_occupy_its_slug(products: ProductService) -> None:
    assert len(import_errors(products, GOOD | {"price": "0"}, GOOD)) == 1
    assert stored_products(products).keys() == {"good"}


def test_slugs_of_equal_names_are_numbered_in_file_order(
    products: ProductService,
) -> None:
    names = ["Café", "Cafe 2", "CAFE!", "cafe", "卵", "鶏", "Search", "search"]
    file = entries(*({"name": name, "price": 1} for name in names))
    assert counts(products.import_products(file)) == (8, 0, 0)
    slugs = ["cafe", "cafe-2", "cafe-3", "cafe-4", "product", "product-2", "search-2", "search-2-2"]
    assert {slug: product.name for slug, product in stored_products(products).items()} == dict(
        zip(slugs, names, strict=True)
    )
    assert counts(products.import_products(file)) == (0, 0, 8)


def test_slug_numbers_continue_across_batches(products: ProductService) -> None:
    egg = {"name": "Egg", "price": 1}
    many = [{"name": f"P{number}", "price": 1} for number in range(IMPORT_BATCH_SIZE)]
    file = entries(egg, *many, egg, egg)
    assert counts(products.import_products(file)) == (IMPORT_BATCH_SIZE + 3, 0, 0)
    assert {"egg", "egg-2", "egg-3"} < stored_products(products).keys()
    assert counts(products.import_products(file)) == (0, 0, IMPORT_BATCH_SIZE + 3)


def test_slug_numbers_skip_slugs_of_the_file(products: ProductService) -> None:
    egg = {"name": "Egg", "price": 1}
    report = products.import_products(
        entries({**egg, "slug": "egg-2"}, egg, egg, {**egg, "slug": "egg-3"})
    )
    assert (report.created, report.refused) == (4, ())
    assert stored_products(products).keys() == {"egg", "egg-2", "egg-3", "egg-4"}


def test_a_name_with_a_reserved_slug_gets_a_number(products: ProductService) -> None:
    file = entries({"name": "Search", "price": 1})
    assert counts(products.import_products(file)) == (1, 0, 0)
    assert counts(products.import_products(file)) == (0, 0, 1)
    assert stored_products(products).keys() == {"search-2"}


def test_the_sku_of_another_product_is_an_error_but_the_own_sku_is_not(
    products: ProductService,
) -> None:
    products.import_products(entries(GOOD | {"sku": "S"}))
    assert import_errors(products, GOOD | {"sku": "S"}, OTHER | {"sku": "S"}) == (
        ImportMessage(3, "sku", "SKU 'S' appears twice in the file"),
    )
    assert import_errors(products, OTHER | {"sku": "S"}) == (
        ImportMessage(2, "sku", "SKU 'S' belongs to the product 'good'"),
    )


def test_a_released_sku_can_be_taken_by_a_later_line(products: ProductService) -> None:
    products.import_products(entries(GOOD | {"sku": "A"}, OTHER | {"sku": "B"}))
    third: dict[str, object] = {"slug": "third", "name": "Third", "price": "1", "sku": "B"}
    file = entries(GOOD | {"sku": "C"}, OTHER | {"sku": "A"}, third)
    assert counts(products.import_products(file)) == (1, 2, 0)
    assert {slug: product.sku for slug, product in stored_products(products).items()} == {
        "good": "C",
        "other": "A",
        "third": "B",
    }
    assert counts(products.import_products(file)) == (0, 0, 3)


def test_an_invalid_line_does_not_release_its_sku(products: ProductService) -> None:
    products.import_products(entries(GOOD | {"sku": "A"}, OTHER))
    invalid = {"slug": "good", "sku": "C", "compare_at_price": "1"}
    assert [notice.line for notice in import_errors(products, invalid, OTHER | {"sku": "A"})] == [
        2,
        3,
    ]
    assert stored_products(products)["good"].sku == "A"


@pytest.mark.parametrize("sku", ["None", "UNSET"])
def test_a_missing_sku_matches_no_product(products: ProductService, sku: str) -> None:
    products.import_products(entries(GOOD | {"sku": sku}))
    report = products.import_products(
        entries(GOOD | {"sku": sku}, OTHER, OTHER | {"slug": "o", "sku": None})
    )
    assert counts(report) == (2, 0, 1)


def test_an_import_can_take_a_former_slug(products: ProductService) -> None:
    products.import_products(entries(GOOD))
    products.update("good", {"slug": "better"})
    assert counts(products.import_products(entries(GOOD | {"name": "Fresh"}))) == (1, 0, 0)
    assert products.get("good").name == "Fresh"
    assert products.get("better").name == "Good"


def test_errors_and_warnings_of_the_reader_are_reported_by_line(products: ProductService) -> None:
    file = [
        ImportEntry(9, GOOD, warnings=(FieldError("stock_quantity", "Became 0"),)),
        ImportEntry(7, None, errors=(FieldError("", "Unreadable"), FieldError("x", "Broken"))),
        ImportEntry(5, None, warnings=(FieldError("price", "Skipped"),)),
        ImportEntry(3, OTHER, errors=(FieldError("name", "Cut off"),)),
        ImportEntry(1, BAD),
    ]
    report = products.import_products(file, keep_going=True)
    assert report == ImportReport(
        created=1,
        changed=0,
        unchanged=0,
        refused=(
            ImportMessage(1, "price", "Price must be positive"),
            ImportMessage(3, "name", "Cut off"),
            ImportMessage(7, "", "Unreadable"),
            ImportMessage(7, "x", "Broken"),
        ),
        warnings=(
            ImportMessage(5, "price", "Skipped"),
            ImportMessage(9, "stock_quantity", "Became 0"),
        ),
        dry_run=False,
    )
    assert stored_products(products).keys() == {"good"}


def test_a_warning_is_no_error(products: ProductService) -> None:
    entry = ImportEntry(1, GOOD, warnings=(FieldError("price", "Careful"),))
    assert counts(products.import_products([entry])) == (1, 0, 0)


def test_an_empty_file_does_nothing(products: ProductService) -> None:
    assert products.import_products([]) == ImportReport(0, 0, 0, (), (), dry_run=False)


def test_an_import_stops_at_too_many_errors(
    products: ProductService,
) -> None:
    read: list[int] = []

    def file() -> Iterator[ImportEntry]:
        for line in range(1, 3 * MAX_REPORTED_MESSAGES):
            read.append(line)
            yield ImportEntry(line, BAD)

    report = products.import_products(file(), keep_going=True)
    assert len(read) == MAX_REPORTED_MESSAGES + IMPORT_BATCH_SIZE
    assert [notice.line for notice in report.refused] == list(range(1, MAX_REPORTED_MESSAGES + 2))
    assert "Import stopped" in report.refused[-1].message
    assert report.refused[-2].message == "Price must be positive"


def test_a_file_with_the_maximum_number_of_errors_is_read_to_its_end(
    products: ProductService,
) -> None:
    report = products.import_products(
        [ImportEntry(line, BAD) for line in range(MAX_REPORTED_MESSAGES)], keep_going=True
    )
    assert len(report.refused) == MAX_REPORTED_MESSAGES
    assert {notice.message for notice in report.refused} == {"Price must be positive"}


def test_the_number_of_reported_warnings_is_limited(products: ProductService) -> None:
    warnings = tuple(FieldError(name, "Careful") for name in ("price", "name", "sku"))
    report = products.import_products(
        [ImportEntry(line, None, warnings=warnings) for line in range(MAX_REPORTED_MESSAGES)]
    )
    assert len(report.warnings) == MAX_REPORTED_MESSAGES


def test_an_interrupted_import_stores_nothing(products: ProductService) -> None:
    def broken() -> Iterable[ImportEntry]:
        yield from entries(*({"name": f"P{n}", "price": 1} for n in range(IMPORT_BATCH_SIZE)))
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="disk"):
        products.import_products(broken(), keep_going=True)
    with pytest.raises(NotFoundError):
        products.get("p0")


def sized(size: str, price: str = "5.00", **values: object) -> dict[str, object]:
    return variant_values(options={"Size": size}, price=price, **values)


def good(*variants: Mapping[str, object], **values: object) -> list[ImportEntry]:
    """Return a file with one product and its variants."""
    return entries(GOOD | {"variants": variants} | values)


@pytest.fixture
def shop() -> Shop:
    return make_shop()


def variants_of(shop: Shop, slug: str = "good") -> tuple[Variant, ...]:
    """Return all variants of a product in order."""
    query = VariantQuery(product=slug, status=Status.ALL, limit=100)
    return shop.variants.list(query).items


def active_by_options(shop: Shop) -> list[tuple[str, bool]]:
    return [
        (" ".join(variant.options.values()), variant.is_active) for variant in variants_of(shop)
    ]


def variant_errors(shop: Shop, *file: Mapping[str, object]) -> list[tuple[int, str, str]]:
    report = shop.products.import_products(entries(*file), keep_going=True)
    return [(notice.line, notice.field, notice.message) for notice in report.refused]


def test_a_product_is_created_with_its_variants_and_their_summary(
    shop: Shop,
) -> None:
    report = shop.products.import_products(
        good(
            sized("1", "9", sku="G-1", stock_quantity=2, image="https://x.example/1.jpg"),
            sized("2", "7.50", compare_at_price="8", stock_quantity=3, track_stock=False),
            sized("3", "1", is_active=False, stock_quantity=4),
            stock_quantity=99,
        )
    )
    assert counts(report) == (1, 0, 0)
    product = shop.products.get("good")
    assert (str(product.price), str(product.compare_at_price)) == ("7.50", "8.00")
    assert (product.stock_quantity, product.track_stock, product.variant_count) == (5, False, 2)
    assert product.version == 1
    first, *_ = variants_of(shop)
    assert (first.sku, first.image, first.position) == ("G-1", "https://x.example/1.jpg", 0)
    assert [variant.position for variant in variants_of(shop)] == [0, 1, 2]


def test_a_product_with_variants_needs_no_price_of_its_own(shop: Shop) -> None:
    file = {"slug": "good", "name": "Good", "variants": [sized("1", "9")]}
    assert counts(shop.products.import_products(entries(file))) == (1, 0, 0)
    assert shop.products.get("good").price == 9


def test_a_product_whose_variants_are_all_inactive_has_a_price_and_no_stock(
    shop: Shop,
) -> None:
    shop.products.import_products(
        good(sized("1", "9", is_active=False, stock_quantity=4), stock_quantity=7)
    )
    product = shop.products.get("good")
    assert product.price == Decimal("5.00")  # the last price, from the file
    assert (product.stock_quantity, product.variant_count) == (0, 0)


def test_variants_are_created_changed_and_archived_in_one_version(shop: Shop) -> None:
    shop.products.import_products(
        good(sized("1"), sized("2", sku="G-2", stock_quantity=4), sized("3"))
    )
    before = {variant.options["Size"]: variant for variant in variants_of(shop)}
    report = shop.products.import_products(good(sized("2", "7.00"), sized("4", "3.00"), sized("1")))
    assert counts(report) == (0, 1, 0)
    after = {variant.options["Size"]: variant for variant in variants_of(shop)}
    assert after["1"] == before["1"]
    assert after["2"] == evolve(before["2"], price=Decimal("7.00"))
    assert after["3"] == evolve(before["3"], is_active=False)
    assert (after["4"].position, after["4"].is_active) == (1, True)
    product = shop.products.get("good")
    assert product.price == 3
    assert (product.version, product.variant_count) == (2, 3)


def test_first_variants_replace_the_stock_of_the_product(
    shop: Shop,
) -> None:
    shop.products.import_products(entries(GOOD | {"stock_quantity": 9}))
    report = shop.products.import_products(
        good(sized("1", "8", stock_quantity=2), stock_quantity=9)
    )
    assert counts(report) == (0, 1, 0)
    product = shop.products.get("good")
    assert product.price == 8
    assert (product.stock_quantity, product.version) == (2, 2)


@pytest.mark.parametrize("values", [{}, {"variants": []}])
def test_a_file_without_variants_leaves_existing_variants(
    shop: Shop, values: dict[str, object]
) -> None:
    shop.products.import_products(good(sized("1"), sized("2")))
    before = variants_of(shop)
    report = shop.products.import_products(entries({"slug": "good", "name": "New"} | values))
    assert counts(report) == (0, 1, 0)
    assert variants_of(shop) == before
    assert shop.products.get("good").name == "New"


def test_an_archived_variant_is_restored_only_by_is_active(
    shop: Shop,
) -> None:
    shop.products.import_products(good(sized("1"), sized("2")))
    shop.products.import_products(good(sized("1")))
    shop.products.import_products(good(sized("1"), sized("2")))
    assert active_by_options(shop) == [("1", True), ("2", False)]
    shop.products.import_products(good(sized("1"), sized("2", is_active=True)))
    assert active_by_options(shop) == [("1", True), ("2", True)]


def test_variants_are_matched_by_options_in_any_order(
    shop: Shop,
) -> None:
    both = {"Size": "1", "Flavour": "Egg"}
    shop.products.import_products(good(variant_values(options=both, sku="G-1", stock_quantity=3)))
    [before] = variants_of(shop)
    turned = dict(reversed(both.items()))
    assert counts(shop.products.import_products(good(variant_values(options=turned)))) == (0, 1, 0)
    assert [(variant.id, list(variant.options)) for variant in variants_of(shop)] == [
        (before.id, [*turned])
    ]
    shop.products.import_products(
        good(variant_values(options={"Size": "1", "Taste": "Egg"}, stock_quantity=1))
    )
    former, renamed = variants_of(shop)
    assert former == evolve(before, options=turned, is_active=False)
    assert (renamed.options["Taste"], renamed.sku) == ("Egg", None)
    assert shop.products.get("good").stock_quantity == 1


def test_a_variant_with_renamed_options_takes_the_sku_of_the_archived_one(shop: Shop) -> None:
    shop.products.import_products(
        good(sized("1", sku="A"), sized("2", sku="B"), sized("3", sku="C"))
    )
    renamed = variant_values(options={"Weight": "1"}, sku="A")
    for report in (shop.products.import_products(good(renamed, sized("3", sku="B"))) for _ in "12"):
        assert report.refused == ()
    assert [(variant.sku, variant.is_active) for variant in variants_of(shop)] == [
        *((None, False), ("A", True), (None, False), ("B", True)),
    ]
    assert report == ImportReport(0, 0, 1, (), (), dry_run=False)


def test_a_previously_archived_variant_releases_its_sku(shop: Shop) -> None:
    shop.products.import_products(good(sized("1", sku="A"), sized("2")))
    shop.products.import_products(good(sized("2")))
    assert [variant.sku for variant in variants_of(shop)] == ["A", None]
    assert counts(shop.products.import_products(good(sized("2", sku="A")))) == (0, 1, 0)
    assert [variant.sku for variant in variants_of(shop)] == [None, "A"]


def test_variants_can_swap_skus_and_take_that_of_the_product(
    shop: Shop,
) -> None:
    shop.products.import_products(good(sized("1", sku="A"), sized("2", sku="B"), sku="P"))
    swapped = good(sized("1", sku="B"), sized("2", sku="A"), sized("3", sku="P"), sku=None)
    assert counts(shop.products.import_products(swapped)) == (0, 1, 0)
    assert [variant.sku for variant in variants_of(shop)] == ["B", "A", "P"]
    assert counts(shop.products.import_products(swapped)) == (0, 0, 1)


@pytest.mark.parametrize(
    "values",
    [
        {"variants": [sized("1"), sized("2", sku="A")]},
        {"variants": [sized("1"), sized("2"), sized("3", sku="A")]},
        {"variants": [sized("1"), sized("2", sku="P")]},
        {"sku": "A"},
        {"sku": "A", "variants": [sized("1", sku=None), sized("2")]},
    ],
    ids=range(5),
)
def test_a_repeated_sku_within_a_product_is_an_error(shop: Shop, values: dict[str, object]) -> None:
    shop.products.import_products(good(sized("1", sku="A"), sized("2", sku="B"), sku="P"))
    before = variants_of(shop)
    [(line, field, message)] = variant_errors(shop, OTHER, {"slug": "good"} | values)
    assert (line, field) == (3, "sku")
    assert "The product already has the SKU" in message
    assert variants_of(shop) == before
    assert shop.products.get("other").name == "Other"


def test_variant_skus_are_unique_in_file_and_shop(shop: Shop) -> None:
    shop.products.import_products(entries({**OTHER, "variants": [sized("1", sku="O")]}))
    third: dict[str, object] = {"slug": "third", "name": "Third", "price": "1"}
    assert variant_errors(
        shop,
        GOOD | {"variants": [sized("1", sku="S"), sized("2", sku="O")]},
        GOOD | {"slug": "own", "sku": "O"},
        third | {"sku": "T", "variants": [sized("1", sku="T")]},
        third | {"slug": "fourth", "variants": [sized("1", sku="S")]},
    ) == [
        (2, "sku", "SKU 'O' belongs to the product 'other'"),
        (3, "sku", "SKU 'O' appears twice in the file"),
        (4, "sku", "SKU 'T' appears twice in the file"),
        (5, "sku", "SKU 'S' appears twice in the file"),
    ]
    assert variant_errors(shop, GOOD | {"sku": "O"}) == [
        (2, "sku", "SKU 'O' belongs to the product 'other'")
    ]
    assert stored_products(shop.products).keys() == {"other"}


@pytest.mark.parametrize(
    ("variants", "message"),
    [
        ([sized("1"), sized("2", "0")], "variant 2: price: Price must be positive"),
        (
            [{"options": {}, "stock_quantity": "1"}, sized("2"), 7],
            (
                "variant 1: options: At least one option is required;"
                " stock_quantity: Stock quantity must be an integer; price: Price is required;"
                " variant 3: A variant must be a map"
            ),
        ),
        ([sized("1", colour="red")], "variant 1: colour: Unknown field"),
        (
            [sized("1", "5.00", compare_at_price="1000000")],
            "variant 1: compare_at_price: Compare-at price too high",
        ),
        ([sized("1"), sized(" 1 ")], "Two variants have the same options"),
        ([sized("1", sku="S"), sized("2", sku="S")], "Two variants have the same SKU"),
        ("Size=1", "Variants must be a list"),
        ({"Size": "1"}, "Variants must be a list"),
    ],
    ids=range(8),
)
def test_an_invalid_variant_is_an_error_of_the_product(
    shop: Shop, variants: object, message: str
) -> None:
    file = GOOD | {"variants": variants}
    assert variant_errors(shop, OTHER, file) == [(3, "variants", message)]
    assert stored_products(shop.products).keys() == {"other"}


def test_the_message_for_very_many_invalid_variants_is_truncated(shop: Shop) -> None:
    file = GOOD | {"variants": [sized(str(number), "0") for number in range(500)]}
    [(_, _, message)] = variant_errors(shop, file)
    assert message.startswith("variant 1: ")
    assert len(message) == 1000


def test_variants_without_a_sku_or_with_read_only_ids_are_accepted(
    shop: Shop,
) -> None:
    file = good(sized("1", id=7, sku=""), sized("2", id=7, sku=None))
    assert counts(shop.products.import_products(file)) == (1, 0, 0)


def test_too_many_option_names_are_an_error(shop: Shop) -> None:
    prefix = "The variants of a product can have at most 10 option names, and these would have "
    pairs = (dict.fromkeys("abcde", "1"), dict.fromkeys("fghijk", "1"))
    names = "a, b, c, d, e, f, g, h, i, j, k"
    new = GOOD | {"variants": [variant_values(options=options) for options in pairs]}
    assert variant_errors(shop, new) == [(2, "options", f"{prefix}{names}")]
    shop.products.import_products(good(variant_values(options=pairs[0])))
    before = variants_of(shop)
    later = {"slug": "good", "variants": [variant_values(options=pairs[1])]}
    assert variant_errors(shop, later) == [(2, "options", f"{prefix}{names}")]
    assert variants_of(shop) == before


def test_the_compare_at_price_of_a_variant_is_validated_against_its_new_price(
    shop: Shop,
) -> None:
    shop.products.import_products(good(sized("1", "5", compare_at_price="6")))
    assert variant_errors(shop, GOOD | {"variants": [sized("1", "6")]}) == [
        (2, "compare_at_price", "Compare-at price must be above the price")
    ]
    assert counts(shop.products.import_products(good(sized("1", "6", compare_at_price=None)))) == (
        0,
        1,
        0,
    )


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"price": "6"}, "Price"),
        ({"compare_at_price": "9"}, "Compare at price"),
        ({"stock_quantity": 1}, "Stock quantity"),
        ({"track_stock": False}, "Track stock"),
    ],
)
def test_setting_a_derived_field_to_another_value_is_an_error(
    shop: Shop, values: dict[str, object], name: str
) -> None:
    shop.products.import_products(good(sized("1", "5", stock_quantity=3)))
    [(line, field, message)] = variant_errors(shop, {"slug": "good", **values})
    assert (line, field) == (2, next(iter(values)))
    assert message == f"{name} is derived from the product's variants: change the variants"
    same: dict[str, object] = {
        "slug": "good",
        "price": "5.00",
        "compare_at_price": "",
        "stock_quantity": 3,
        "track_stock": True,
    }
    assert counts(shop.products.import_products(entries(same))) == (0, 0, 1)


def test_a_skipped_product_keeps_its_variants(shop: Shop) -> None:
    shop.products.import_products(good(sized("1")))
    before = variants_of(shop)
    report = shop.products.import_products(good(sized("2")), on_conflict=ConflictPolicy.SKIP)
    assert counts(report) == (0, 0, 1)
    assert variants_of(shop) == before


def test_thousands_of_variants_are_imported_and_unchanged_the_second_time(
    shop: Shop,
) -> None:
    file = good(*(sized(str(number), f"{number + 1}", sku=f"S{number}") for number in range(2000)))
    assert counts(shop.products.import_products(file)) == (1, 0, 0)
    assert shop.products.get("good").variant_count == 2000
    assert counts(shop.products.import_products(file)) == (0, 0, 1)
    assert counts(shop.products.import_products(good(sized("7")))) == (0, 1, 0)
    assert shop.products.get("good").variant_count == 1


_options = st.fixed_dictionaries({"Size": _few}, optional={"A": _few, "B": _few, "C": _few})
_variants = st.lists(
    st.fixed_dictionaries(
        {"options": _options, "price": strategies.amounts("1.00", "3.00").map(str)},
        optional={
            "sku": strategies.blank_or(_few),
            "compare_at_price": strategies.amounts("1.00", "9.00").map(str),
            "stock_quantity": st.integers(-1, 3),
            "position": st.integers(0, 2),
            "is_active": st.booleans(),
        },
    ),
    max_size=4,
)
_families = st.lists(
    st.fixed_dictionaries(
        {"slug": _few, "name": _few, "price": st.sampled_from(["1.00", "2.00"])},
        optional={"sku": strategies.blank_or(_few), "variants": _variants},
    ),
    max_size=4,
)


@given(_families, _families)
def test_importing_any_variants_again_changes_nothing_and_a_dry_run_reports_the_result(
    existing: list[dict[str, object]], file: list[dict[str, object]]
) -> None:
    shop = make_shop()
    shop.products.import_products(entries(*existing), keep_going=True)
    before = snapshot(shop)
    expected = shop.products.import_products(entries(*file), dry_run=True, keep_going=True)
    assert snapshot(shop) == before
    report = shop.products.import_products(entries(*file), keep_going=True)
    assert report == evolve(expected, dry_run=False)
    after = snapshot(shop)
    again = shop.products.import_products(entries(*file), keep_going=True)
    if (
        not report.refused
    ):  # a line rejected for a SKU that the file itself releases may succeed now
        assert (again.created, again.changed) == (0, 0)
        assert again.unchanged == report.created + report.changed + report.unchanged
        assert snapshot(shop) == after


def snapshot(shop: Shop) -> list[tuple[Product, tuple[Variant, ...]]]:
    """Return all products with all their variants."""
    return [
        (product, variants_of(shop, slug))
        for slug, product in stored_products(shop.products).items()
    ]
