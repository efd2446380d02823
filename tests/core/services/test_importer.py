"""Imports: what becomes of each line, and what is kept when something is refused."""

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
from eggypro_core.domain.product_files import ImportEntry, ImportReport, Notice, OnConflict
from eggypro_core.domain.product_query import ProductQuery
from eggypro_core.domain.variant import Variant, VariantQuery
from eggypro_core.errors import FieldError, NotFoundError
from eggypro_core.services.importer import IMPORT_BATCH_SIZE, MAX_REPORTED_NOTICES
from eggypro_core.services.products import ProductService
from eggypro_core.shop import Shop
from eggypro_core.validation.parameters import Status
from tests.support.builders import make_shop, variant_values

GOOD: dict[str, object] = {"slug": "good", "name": "Good", "price": "5"}
OTHER: dict[str, object] = {"slug": "other", "name": "Other", "price": "6"}
BAD: dict[str, object] = {"slug": "bad", "name": "Bad", "price": "0"}


def entries(*values: Mapping[str, object], first: int = 2) -> list[ImportEntry]:
    """A file with an entry on each line from `first` on."""
    return [ImportEntry(line, one) for line, one in enumerate(values, first)]


def counts(report: ImportReport) -> tuple[int, int, int]:
    return report.created, report.changed, report.unchanged


def kept(catalog: ProductService) -> dict[str, Product]:
    """Every product that is there, by slug."""
    listed = catalog.list(ProductQuery(status=Status.ALL, limit=100)).items
    return {one.slug: catalog.get(one.slug, Status.ALL) for one in listed}


def refusal(catalog: ProductService, *values: Mapping[str, object]) -> tuple[Notice, ...]:
    report = catalog.import_products(entries(*values), keep_going=True)
    return report.refused


def test_new_products_are_created_whole(products: ProductService, clock: FakeClock) -> None:
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


def test_a_name_and_a_price_are_enough(products: ProductService) -> None:
    assert counts(products.import_products(entries({"name": "Egg", "price": 5}))) == (1, 0, 0)
    product = products.get("egg")
    assert (product.ingredients, product.description, product.is_active) == ((), "", True)


def test_known_products_are_changed_or_left_as_they_are(
    products: ProductService, clock: FakeClock
) -> None:
    products.import_products(entries(GOOD, OTHER))
    before = kept(products)
    clock.advance()
    report = products.import_products(
        entries(GOOD | {"price": "7"}, OTHER, {"name": "New", "price": "1"})
    )
    assert counts(report) == (1, 1, 1)
    after = kept(products)
    assert after["other"] == before["other"]
    assert after["good"] == evolve(
        before["good"], price=Decimal(7), version=2, updated_at=clock.now
    )


def test_what_a_file_does_not_give_is_left_alone(products: ProductService) -> None:
    full = GOOD | {"sku": "G", "stock_quantity": 3, "attributes": {"a": "b"}, "seo_title": "T"}
    products.import_products(entries(full))
    before = products.get("good")
    report = products.import_products(entries({"slug": "good", "price": "7"}))
    assert counts(report) == (0, 1, 0)
    assert products.get("good") == evolve(before, price=Decimal(7), version=2)


def test_an_archived_product_is_updated_and_stays_so_unless_the_file_says_otherwise(
    products: ProductService,
) -> None:
    products.import_products(entries(GOOD))
    products.archive("good")
    products.import_products(entries(GOOD | {"price": "7"}))
    assert products.get("good", Status.ARCHIVED).price == 7
    products.import_products(entries({"slug": "good", "is_active": True}))
    assert products.get("good").price == 7


def test_the_same_file_twice_changes_nothing_the_second_time(
    products: ProductService, clock: FakeClock
) -> None:
    file = entries(GOOD, OTHER | {"sku": "O"}, {"name": "No Slug", "price": "1"})
    assert counts(products.import_products(file)) == (3, 0, 0)
    before = kept(products)
    clock.advance()
    assert counts(products.import_products(file)) == (0, 0, 3)
    assert kept(products) == before


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
def test_any_file_twice_changes_nothing_the_second_time(
    file: list[dict[str, object]],
    keep_going: bool,  # noqa: FBT001  (drawn)
) -> None:
    clock = FakeClock()
    catalog = ProductService(MemoryProductStore(), NhHtmlCleaner(), clock)
    first = catalog.import_products(entries(*file), keep_going=keep_going)
    before = kept(catalog)
    assert len(before) == first.created
    clock.advance()
    second = catalog.import_products(entries(*file), keep_going=keep_going)
    assert second.refused == first.refused
    assert counts(second) == (0, 0, first.created)
    assert kept(catalog) == before


@given(_files, _files, st.booleans())
def test_a_dry_run_says_what_a_run_then_does_and_keeps_nothing(
    there: list[dict[str, object]],
    file: list[dict[str, object]],
    keep_going: bool,  # noqa: FBT001  (drawn)
) -> None:
    catalog = ProductService(MemoryProductStore(), NhHtmlCleaner(), FakeClock())
    catalog.import_products(entries(*there), keep_going=True)
    before = kept(catalog)
    said = catalog.import_products(entries(*file), dry_run=True, keep_going=keep_going)
    assert kept(catalog) == before
    done = catalog.import_products(entries(*file), keep_going=keep_going)
    assert said.dry_run
    assert done == evolve(said, dry_run=False)
    assert len(kept(catalog)) == len(before) + said.created
    if said.refused and not keep_going:
        assert kept(catalog) == before


def test_nothing_is_kept_or_counted_as_such_if_anything_is_refused(
    products: ProductService,
) -> None:
    products.import_products(entries(GOOD, OTHER))
    before = kept(products)
    report = products.import_products(
        entries(GOOD | {"price": "7"}, OTHER, BAD, {"name": "New", "price": 1})
    )
    assert counts(report) == (0, 0, 1)
    assert report.refused == (Notice(4, "price", "Price must be positive"),)
    assert kept(products) == before


def test_told_to_keep_going_an_import_keeps_what_is_not_refused(products: ProductService) -> None:
    report = products.import_products(entries(GOOD, BAD, OTHER), keep_going=True)
    assert counts(report) == (2, 0, 0)
    assert [notice.line for notice in report.refused] == [3]
    assert kept(products).keys() == {"good", "other"}


@pytest.mark.parametrize(("keep_going", "created"), [(False, 0), (True, 1)])
def test_a_dry_run_counts_what_a_run_would_keep_though_something_is_refused(
    products: ProductService, *, keep_going: bool, created: int
) -> None:
    report = products.import_products(entries(GOOD, BAD), dry_run=True, keep_going=keep_going)
    assert counts(report) == (created, 0, 0)
    assert report.dry_run
    assert kept(products) == {}


@pytest.mark.parametrize("keep_going", [True, False])
def test_a_known_product_is_skipped_if_so_told(
    products: ProductService, *, keep_going: bool
) -> None:
    products.import_products(entries(GOOD))
    report = products.import_products(
        entries(GOOD | {"price": "7"}, OTHER), on_conflict=OnConflict.SKIP, keep_going=keep_going
    )
    assert counts(report) == (1, 0, 1)
    assert products.get("good").price == 5


def test_a_known_product_is_refused_if_so_told(products: ProductService) -> None:
    products.import_products(entries(GOOD))
    report = products.import_products(entries(GOOD, OTHER), on_conflict=OnConflict.FAIL)
    assert report.refused == (Notice(2, "slug", "There is a product 'good' already"),)
    assert kept(products).keys() == {"good"}


def test_all_faults_of_an_entry_are_told_at_once(products: ProductService) -> None:
    notices = refusal(products, {"slug": "A", "name": "<", "stock_quantity": "1", "colour": 1})
    assert [(notice.line, notice.field) for notice in notices] == [
        (2, "slug"),
        (2, "name"),
        (2, "stock_quantity"),
        (2, "colour"),
    ]


def test_all_faults_of_an_entry_without_slug_and_name_are_told_at_once(
    products: ProductService,
) -> None:
    assert refusal(products, {"stock_quantity": "1"}) == (
        Notice(2, "stock_quantity", "Stock quantity must be an integer"),
        Notice(2, "name", "Name is required"),
        Notice(2, "price", "Price is required"),
    )


def test_a_new_product_needs_a_name_and_a_price(products: ProductService) -> None:
    assert refusal(products, {"slug": "new"}) == (
        Notice(2, "name", "Name is required"),
        Notice(2, "price", "Price is required"),
    )


def test_stock_below_zero_and_a_compared_price_that_is_none_are_put_right(
    shop: Shop,
) -> None:
    amounts: dict[str, object] = {"stock_quantity": -3, "compare_at_price": Decimal("4.99")}
    variant = variant_values(
        options={"Size": "1"}, price="5", stock_quantity=-1, compare_at_price="5"
    )
    report = shop.products.import_products(entries(GOOD | amounts, OTHER | {"variants": [variant]}))
    assert counts(report) == (2, 0, 0)
    assert report.warnings == (
        Notice(2, "stock_quantity", "Negative stock (-3) taken as 0"),
        Notice(2, "compare_at_price", "Compare-at price 4.99 is not above the price 5: left out"),
        Notice(3, "variants", "variant 1: Negative stock (-1) taken as 0"),
        Notice(3, "variants", "variant 1: Compare-at price 5 is not above the price 5: left out"),
    )
    for slug in ("good", "other"):
        product = shop.products.get(slug)
        assert (product.stock_quantity, product.compare_at_price) == (0, None)
    again = shop.products.import_products(entries(GOOD | amounts, OTHER | {"variants": [variant]}))
    assert counts(again) == (0, 0, 2)


@pytest.mark.parametrize("price", [{"price": None}, {}])
def test_what_has_no_price_is_skipped(products: ProductService, price: dict[str, object]) -> None:
    report = products.import_products(entries({"name": "Free"} | price, OTHER))
    assert (counts(report), report.refused) == ((1, 0, 0), ())
    assert report.warnings == (Notice(2, "price", "Skipped: no price"),)
    assert kept(products).keys() == {"other"}


def test_a_price_is_held_against_the_compared_one_that_is_there(products: ProductService) -> None:
    products.import_products(entries(GOOD | {"compare_at_price": "6"}))
    assert refusal(products, GOOD | {"price": "6"}) == (
        Notice(2, "compare_at_price", "Compare-at price must be above the price"),
    )


def test_a_slug_or_sku_that_stands_in_the_file_twice_is_refused_the_second_time(
    products: ProductService,
) -> None:
    sku: dict[str, object] = {"sku": "S"}
    notices = refusal(products, GOOD | sku, GOOD, OTHER | sku, GOOD | sku)
    assert notices == (
        Notice(3, "slug", "Slug 'good' stands in the file twice"),
        Notice(4, "sku", "SKU 'S' stands in the file twice"),
        Notice(5, "slug", "Slug 'good' stands in the file twice"),
        Notice(5, "sku", "SKU 'S' stands in the file twice"),
    )
    assert kept(products).keys() == {"good"}


def test_what_stands_in_the_file_twice_is_noticed_however_far_apart(
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


def test_an_entry_that_was_refused_does_not_take_a_slug(products: ProductService) -> None:
    assert len(refusal(products, GOOD | {"price": "0"}, GOOD)) == 1
    assert kept(products).keys() == {"good"}


def test_products_of_one_name_are_numbered_in_the_order_of_the_file(
    products: ProductService,
) -> None:
    names = ["Café", "Cafe 2", "CAFE!", "cafe", "卵", "鶏", "Search", "search"]
    file = entries(*({"name": name, "price": 1} for name in names))
    assert counts(products.import_products(file)) == (8, 0, 0)
    slugs = ["cafe", "cafe-2", "cafe-3", "cafe-4", "product", "product-2", "search-2", "search-2-2"]
    assert {slug: one.name for slug, one in kept(products).items()} == dict(
        zip(slugs, names, strict=True)
    )
    assert counts(products.import_products(file)) == (0, 0, 8)


def test_numbers_of_equal_names_go_on_however_far_apart(products: ProductService) -> None:
    egg = {"name": "Egg", "price": 1}
    many = [{"name": f"P{number}", "price": 1} for number in range(IMPORT_BATCH_SIZE)]
    file = entries(egg, *many, egg, egg)
    assert counts(products.import_products(file)) == (IMPORT_BATCH_SIZE + 3, 0, 0)
    assert {"egg", "egg-2", "egg-3"} < kept(products).keys()
    assert counts(products.import_products(file)) == (0, 0, IMPORT_BATCH_SIZE + 3)


def test_a_number_leaves_out_what_the_file_names(products: ProductService) -> None:
    egg = {"name": "Egg", "price": 1}
    report = products.import_products(
        entries({**egg, "slug": "egg-2"}, egg, egg, {**egg, "slug": "egg-3"})
    )
    assert (report.created, report.refused) == (4, ())
    assert kept(products).keys() == {"egg", "egg-2", "egg-3", "egg-4"}


def test_a_name_that_makes_a_reserved_slug_makes_another(products: ProductService) -> None:
    file = entries({"name": "Search", "price": 1})
    assert counts(products.import_products(file)) == (1, 0, 0)
    assert counts(products.import_products(file)) == (0, 0, 1)
    assert kept(products).keys() == {"search-2"}


def test_a_sku_of_another_product_is_refused_and_ones_own_is_not(products: ProductService) -> None:
    products.import_products(entries(GOOD | {"sku": "S"}))
    assert refusal(products, GOOD | {"sku": "S"}, OTHER | {"sku": "S"}) == (
        Notice(3, "sku", "SKU 'S' stands in the file twice"),
    )
    assert refusal(products, OTHER | {"sku": "S"}) == (
        Notice(2, "sku", "SKU 'S' belongs to the product 'good'"),
    )


def test_a_sku_that_a_line_gives_up_may_be_taken_by_one_behind_it(products: ProductService) -> None:
    products.import_products(entries(GOOD | {"sku": "A"}, OTHER | {"sku": "B"}))
    third: dict[str, object] = {"slug": "third", "name": "Third", "price": "1", "sku": "B"}
    file = entries(GOOD | {"sku": "C"}, OTHER | {"sku": "A"}, third)
    assert counts(products.import_products(file)) == (1, 2, 0)
    assert {slug: one.sku for slug, one in kept(products).items()} == {
        "good": "C",
        "other": "A",
        "third": "B",
    }
    assert counts(products.import_products(file)) == (0, 0, 3)


def test_a_sku_that_a_refused_line_would_have_given_up_stays(products: ProductService) -> None:
    products.import_products(entries(GOOD | {"sku": "A"}, OTHER))
    refused = {"slug": "good", "sku": "C", "compare_at_price": "1"}
    assert [notice.line for notice in refusal(products, refused, OTHER | {"sku": "A"})] == [2, 3]
    assert kept(products)["good"].sku == "A"


@pytest.mark.parametrize("sku", ["None", "UNSET"])
def test_no_sku_is_not_the_sku_of_any_product(products: ProductService, sku: str) -> None:
    products.import_products(entries(GOOD | {"sku": sku}))
    report = products.import_products(
        entries(GOOD | {"sku": sku}, OTHER, OTHER | {"slug": "o", "sku": None})
    )
    assert counts(report) == (2, 0, 1)


def test_a_former_slug_is_claimed_by_an_import(products: ProductService) -> None:
    products.import_products(entries(GOOD))
    products.update("good", {"slug": "better"})
    assert counts(products.import_products(entries(GOOD | {"name": "Fresh"}))) == (1, 0, 0)
    assert products.get("good").name == "Fresh"
    assert products.get("better").name == "Good"


def test_what_a_reader_refused_or_warned_of_is_reported_by_line(products: ProductService) -> None:
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
            Notice(1, "price", "Price must be positive"),
            Notice(3, "name", "Cut off"),
            Notice(7, "", "Unreadable"),
            Notice(7, "x", "Broken"),
        ),
        warnings=(Notice(5, "price", "Skipped"), Notice(9, "stock_quantity", "Became 0")),
        dry_run=False,
    )
    assert kept(products).keys() == {"good"}


def test_a_warning_refuses_nothing(products: ProductService) -> None:
    entry = ImportEntry(1, GOOD, warnings=(FieldError("price", "Careful"),))
    assert counts(products.import_products([entry])) == (1, 0, 0)


def test_an_empty_file_does_nothing(products: ProductService) -> None:
    assert products.import_products([]) == ImportReport(0, 0, 0, (), (), dry_run=False)


def test_an_import_stops_at_the_line_where_too_much_is_refused_and_says_so(
    products: ProductService,
) -> None:
    read: list[int] = []

    def file() -> Iterator[ImportEntry]:
        for line in range(1, 3 * MAX_REPORTED_NOTICES):
            read.append(line)
            yield ImportEntry(line, BAD)

    report = products.import_products(file(), keep_going=True)
    assert len(read) == MAX_REPORTED_NOTICES + IMPORT_BATCH_SIZE
    assert [notice.line for notice in report.refused] == list(range(1, MAX_REPORTED_NOTICES + 2))
    assert "stopped here" in report.refused[-1].message
    assert report.refused[-2].message == "Price must be positive"


def test_a_file_whose_end_is_near_is_read_to_it_however_much_is_refused(
    products: ProductService,
) -> None:
    report = products.import_products(
        [ImportEntry(line, BAD) for line in range(MAX_REPORTED_NOTICES)], keep_going=True
    )
    assert len(report.refused) == MAX_REPORTED_NOTICES
    assert {notice.message for notice in report.refused} == {"Price must be positive"}


def test_no_more_warnings_are_listed_than_can_be_read(products: ProductService) -> None:
    warned = tuple(FieldError(name, "Careful") for name in ("price", "name", "sku"))
    report = products.import_products(
        [ImportEntry(line, None, warnings=warned) for line in range(MAX_REPORTED_NOTICES)]
    )
    assert len(report.warnings) == MAX_REPORTED_NOTICES


def test_an_import_that_breaks_off_keeps_nothing(products: ProductService) -> None:
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
    """A file of one product that has these variants."""
    return entries(GOOD | {"variants": variants} | values)


@pytest.fixture
def shop() -> Shop:
    return make_shop()


def every(shop: Shop, slug: str = "good") -> tuple[Variant, ...]:
    """All variants of a product, in their order."""
    query = VariantQuery(product=slug, status=Status.ALL, limit=100)
    return shop.variants.list(query).items


def shown(shop: Shop) -> list[tuple[str, bool]]:
    return [(" ".join(one.options.values()), one.is_active) for one in every(shop)]


def variant_refusals(shop: Shop, *file: Mapping[str, object]) -> list[tuple[int, str, str]]:
    report = shop.products.import_products(entries(*file), keep_going=True)
    return [(notice.line, notice.field, notice.message) for notice in report.refused]


def test_a_product_is_created_with_its_variants_and_shows_what_follows(
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
    first, *_ = every(shop)
    assert (first.sku, first.image, first.position) == ("G-1", "https://x.example/1.jpg", 0)
    assert [one.position for one in every(shop)] == [0, 1, 2]


def test_a_product_needs_no_price_beside_those_of_its_variants(shop: Shop) -> None:
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
    assert product.price == Decimal("5.00")  # the last one, as the file tells it
    assert (product.stock_quantity, product.variant_count) == (0, 0)


def test_variants_are_added_changed_and_put_away_in_one_version(shop: Shop) -> None:
    shop.products.import_products(
        good(sized("1"), sized("2", sku="G-2", stock_quantity=4), sized("3"))
    )
    before = {one.options["Size"]: one for one in every(shop)}
    report = shop.products.import_products(good(sized("2", "7.00"), sized("4", "3.00"), sized("1")))
    assert counts(report) == (0, 1, 0)
    after = {one.options["Size"]: one for one in every(shop)}
    assert after["1"] == before["1"]
    assert after["2"] == evolve(before["2"], price=Decimal("7.00"))
    assert after["3"] == evolve(before["3"], is_active=False)
    assert (after["4"].position, after["4"].is_active) == (1, True)
    product = shop.products.get("good")
    assert product.price == 3
    assert (product.version, product.variant_count) == (2, 3)


def test_a_product_without_variants_gets_them_and_its_own_stock_is_replaced(
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
def test_a_file_without_variants_leaves_those_that_are_there(
    shop: Shop, values: dict[str, object]
) -> None:
    shop.products.import_products(good(sized("1"), sized("2")))
    before = every(shop)
    report = shop.products.import_products(entries({"slug": "good", "name": "New"} | values))
    assert counts(report) == (0, 1, 0)
    assert every(shop) == before
    assert shop.products.get("good").name == "New"


def test_a_variant_that_was_put_away_comes_back_if_the_file_says_that_it_is_active(
    shop: Shop,
) -> None:
    shop.products.import_products(good(sized("1"), sized("2")))
    shop.products.import_products(good(sized("1")))
    shop.products.import_products(good(sized("1"), sized("2")))
    assert shown(shop) == [("1", True), ("2", False)]
    shop.products.import_products(good(sized("1"), sized("2", is_active=True)))
    assert shown(shop) == [("1", True), ("2", True)]


def test_options_in_another_order_are_the_same_variant_and_other_names_another(
    shop: Shop,
) -> None:
    both = {"Size": "1", "Flavour": "Egg"}
    shop.products.import_products(good(variant_values(options=both, sku="G-1", stock_quantity=3)))
    [before] = every(shop)
    turned = dict(reversed(both.items()))
    assert counts(shop.products.import_products(good(variant_values(options=turned)))) == (0, 1, 0)
    assert [(one.id, list(one.options)) for one in every(shop)] == [(before.id, [*turned])]
    shop.products.import_products(
        good(variant_values(options={"Size": "1", "Taste": "Egg"}, stock_quantity=1))
    )
    former, renamed = every(shop)
    assert former == evolve(before, options=turned, is_active=False)
    assert (renamed.options["Taste"], renamed.sku) == ("Egg", None)
    assert shop.products.get("good").stock_quantity == 1


def test_renamed_options_take_their_sku_along_from_what_is_put_away(shop: Shop) -> None:
    shop.products.import_products(
        good(sized("1", sku="A"), sized("2", sku="B"), sized("3", sku="C"))
    )
    renamed = variant_values(options={"Weight": "1"}, sku="A")
    for report in (shop.products.import_products(good(renamed, sized("3", sku="B"))) for _ in "12"):
        assert report.refused == ()
    assert [(one.sku, one.is_active) for one in every(shop)] == [
        *((None, False), ("A", True), (None, False), ("B", True)),
    ]
    assert report == ImportReport(0, 0, 1, (), (), dry_run=False)


def test_a_variant_that_was_put_away_before_lets_its_sku_go_too(shop: Shop) -> None:
    shop.products.import_products(good(sized("1", sku="A"), sized("2")))
    shop.products.import_products(good(sized("2")))
    assert [one.sku for one in every(shop)] == ["A", None]
    assert counts(shop.products.import_products(good(sized("2", sku="A")))) == (0, 1, 0)
    assert [one.sku for one in every(shop)] == [None, "A"]


def test_variants_may_give_one_another_their_skus_and_take_the_product_s(
    shop: Shop,
) -> None:
    shop.products.import_products(good(sized("1", sku="A"), sized("2", sku="B"), sku="P"))
    swapped = good(sized("1", sku="B"), sized("2", sku="A"), sized("3", sku="P"), sku=None)
    assert counts(shop.products.import_products(swapped)) == (0, 1, 0)
    assert [one.sku for one in every(shop)] == ["B", "A", "P"]
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
def test_a_sku_that_would_be_twice_in_a_product_is_refused_by_its_line(
    shop: Shop, values: dict[str, object]
) -> None:
    shop.products.import_products(good(sized("1", sku="A"), sized("2", sku="B"), sku="P"))
    before = every(shop)
    [(line, field, sentence)] = variant_refusals(shop, OTHER, {"slug": "good"} | values)
    assert (line, field) == (3, "sku")
    assert "The product has the SKU" in sentence
    assert every(shop) == before
    assert shop.products.get("other").name == "Other"


def test_a_sku_of_a_variant_is_one_thing_s_in_file_and_shop(shop: Shop) -> None:
    shop.products.import_products(entries({**OTHER, "variants": [sized("1", sku="O")]}))
    third: dict[str, object] = {"slug": "third", "name": "Third", "price": "1"}
    assert variant_refusals(
        shop,
        GOOD | {"variants": [sized("1", sku="S"), sized("2", sku="O")]},
        GOOD | {"slug": "own", "sku": "O"},
        third | {"sku": "T", "variants": [sized("1", sku="T")]},
        third | {"slug": "fourth", "variants": [sized("1", sku="S")]},
    ) == [
        (2, "sku", "SKU 'O' belongs to the product 'other'"),
        (3, "sku", "SKU 'O' stands in the file twice"),
        (4, "sku", "SKU 'T' stands in the file twice"),
        (5, "sku", "SKU 'S' stands in the file twice"),
    ]
    assert variant_refusals(shop, GOOD | {"sku": "O"}) == [
        (2, "sku", "SKU 'O' belongs to the product 'other'")
    ]
    assert kept(shop.products).keys() == {"other"}


@pytest.mark.parametrize(
    ("variants", "sentence"),
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
def test_a_fault_in_one_variant_refuses_the_product_and_names_it(
    shop: Shop, variants: object, sentence: str
) -> None:
    file = GOOD | {"variants": variants}
    assert variant_refusals(shop, OTHER, file) == [(3, "variants", sentence)]
    assert kept(shop.products).keys() == {"other"}


def test_faults_of_very_many_variants_are_told_as_far_as_can_be_read(shop: Shop) -> None:
    file = GOOD | {"variants": [sized(str(number), "0") for number in range(500)]}
    [(_, _, sentence)] = variant_refusals(shop, file)
    assert sentence.startswith("variant 1: ")
    assert len(sentence) == 1000


def test_variants_without_a_sku_or_whose_ids_the_file_shows_are_as_good(
    shop: Shop,
) -> None:
    file = good(sized("1", id=7, sku=""), sized("2", id=7, sku=None))
    assert counts(shop.products.import_products(file)) == (1, 0, 0)


def test_too_many_names_of_options_refuse_the_product(shop: Shop) -> None:
    most = "The variants of a product share 3 names of options at most, and these would have "
    pairs = ({"a": "1", "b": "1"}, {"c": "1", "d": "1"})
    new = GOOD | {"variants": [variant_values(options=options) for options in pairs]}
    assert variant_refusals(shop, new) == [(2, "options", f"{most}a, b, c, d")]
    shop.products.import_products(good(variant_values(options=pairs[0])))
    before = every(shop)
    later = {"slug": "good", "variants": [variant_values(options=pairs[1])]}
    assert variant_refusals(shop, later) == [(2, "options", f"{most}a, b, c, d")]
    assert every(shop) == before


def test_the_compared_price_of_a_variant_is_held_against_the_price_that_comes_with_it(
    shop: Shop,
) -> None:
    shop.products.import_products(good(sized("1", "5", compare_at_price="6")))
    assert variant_refusals(shop, GOOD | {"variants": [sized("1", "6")]}) == [
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
def test_a_row_that_sets_what_follows_from_variants_is_refused_unless_it_is_so(
    shop: Shop, values: dict[str, object], name: str
) -> None:
    shop.products.import_products(good(sized("1", "5", stock_quantity=3)))
    [(line, field, sentence)] = variant_refusals(shop, {"slug": "good", **values})
    assert (line, field) == (2, next(iter(values)))
    assert sentence == f"{name} follows from the product's variants: change theirs"
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
    before = every(shop)
    report = shop.products.import_products(good(sized("2")), on_conflict=OnConflict.SKIP)
    assert counts(report) == (0, 0, 1)
    assert every(shop) == before


def test_thousands_of_variants_are_one_product_and_the_second_time_no_change(
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
def test_any_file_of_variants_twice_changes_nothing_and_a_dry_run_says_what_it_does(
    there: list[dict[str, object]], file: list[dict[str, object]]
) -> None:
    shop = make_shop()
    shop.products.import_products(entries(*there), keep_going=True)
    before = whole(shop)
    said = shop.products.import_products(entries(*file), dry_run=True, keep_going=True)
    assert whole(shop) == before
    done = shop.products.import_products(entries(*file), keep_going=True)
    assert done == evolve(said, dry_run=False)
    after = whole(shop)
    again = shop.products.import_products(entries(*file), keep_going=True)
    if not done.refused:  # what was refused for a SKU that the file itself sets free may go in now
        assert (again.created, again.changed) == (0, 0)
        assert again.unchanged == done.created + done.changed + done.unchanged
        assert whole(shop) == after


def whole(shop: Shop) -> list[tuple[Product, tuple[Variant, ...]]]:
    """Every product that is there, with all its variants."""
    return [(one, every(shop, slug)) for slug, one in kept(shop.products).items()]
