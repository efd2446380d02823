"""Imports: what becomes of each line, and what is kept when something is refused."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from eggypro_adapters.files.html import NhHtmlCleaner
from eggypro_adapters.memory import MemoryProductStore
from eggypro_core.catalog import Catalog
from eggypro_core.errors import Fault, NotFoundError
from eggypro_core.imports import ImportEntry, ImportReport, Notice, OnConflict
from eggypro_core.loading import BATCH, LISTED
from eggypro_core.parameters import Status
from eggypro_core.products import Product
from eggypro_core.queries import ProductQuery
from tests import strategies
from tests.clock import FakeClock

GOOD: dict[str, object] = {"slug": "good", "name": "Good", "price": "5"}
OTHER: dict[str, object] = {"slug": "other", "name": "Other", "price": "6"}
BAD: dict[str, object] = {"slug": "bad", "name": "Bad", "price": "0"}


def entries(*values: Mapping[str, object], first: int = 2) -> list[ImportEntry]:
    """A file with an entry on each line from `first` on."""
    return [ImportEntry(line, one) for line, one in enumerate(values, first)]


def counts(report: ImportReport) -> tuple[int, int, int]:
    return report.created, report.changed, report.unchanged


def kept(catalog: Catalog) -> dict[str, Product]:
    """Every product that is there, by slug."""
    listed = catalog.page(ProductQuery(status=Status.ALL, limit=100)).items
    return {one.slug: catalog.find(one.slug, Status.ALL) for one in listed}


def refusal(catalog: Catalog, *values: Mapping[str, object]) -> tuple[Notice, ...]:
    report = catalog.load(entries(*values), keep_going=True)
    return report.refused


def test_new_products_are_created_whole(catalog: Catalog, clock: FakeClock) -> None:
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
    report = catalog.load(entries(values))
    assert report == ImportReport(1, 0, 0, (), (), dry_run=False)
    product = catalog.find("egg-white", Status.ARCHIVED)
    assert (product.version, product.created_at, product.details) == (1, clock.now, "<p>x</p>")
    assert (product.sku, product.price, product.stock_quantity) == ("EW", Decimal("24.99"), 4)


def test_a_name_and_a_price_are_enough(catalog: Catalog) -> None:
    assert counts(catalog.load(entries({"name": "Egg", "price": 5}))) == (1, 0, 0)
    product = catalog.find("egg")
    assert (product.ingredients, product.description, product.is_active) == ((), "", True)


def test_known_products_are_changed_or_left_as_they_are(catalog: Catalog, clock: FakeClock) -> None:
    catalog.load(entries(GOOD, OTHER))
    before = kept(catalog)
    clock.tick()
    report = catalog.load(entries(GOOD | {"price": "7"}, OTHER, {"name": "New", "price": "1"}))
    assert counts(report) == (1, 1, 1)
    after = kept(catalog)
    assert after["other"] == before["other"]
    assert after["good"] == evolve(
        before["good"], price=Decimal(7), version=2, updated_at=clock.now
    )


def test_what_a_file_does_not_give_is_left_alone(catalog: Catalog) -> None:
    full = GOOD | {"sku": "G", "stock_quantity": 3, "attributes": {"a": "b"}, "seo_title": "T"}
    catalog.load(entries(full))
    before = catalog.find("good")
    report = catalog.load(entries({"slug": "good", "price": "7"}))
    assert counts(report) == (0, 1, 0)
    assert catalog.find("good") == evolve(before, price=Decimal(7), version=2)


def test_an_archived_product_is_updated_and_stays_so_unless_the_file_says_otherwise(
    catalog: Catalog,
) -> None:
    catalog.load(entries(GOOD))
    catalog.archive("good")
    catalog.load(entries(GOOD | {"price": "7"}))
    assert catalog.find("good", Status.ARCHIVED).price == 7
    catalog.load(entries({"slug": "good", "is_active": True}))
    assert catalog.find("good").price == 7


def test_the_same_file_twice_changes_nothing_the_second_time(
    catalog: Catalog, clock: FakeClock
) -> None:
    file = entries(GOOD, OTHER | {"sku": "O"}, {"name": "No Slug", "price": "1"})
    assert counts(catalog.load(file)) == (3, 0, 0)
    before = kept(catalog)
    clock.tick()
    assert counts(catalog.load(file)) == (0, 0, 3)
    assert kept(catalog) == before


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
    catalog = Catalog(MemoryProductStore(), NhHtmlCleaner(), clock)
    first = catalog.load(entries(*file), keep_going=keep_going)
    before = kept(catalog)
    assert len(before) == first.created
    clock.tick()
    second = catalog.load(entries(*file), keep_going=keep_going)
    assert second.refused == first.refused
    assert counts(second) == (0, 0, first.created)
    assert kept(catalog) == before


@given(_files, _files, st.booleans())
def test_a_dry_run_says_what_a_run_then_does_and_keeps_nothing(
    there: list[dict[str, object]],
    file: list[dict[str, object]],
    keep_going: bool,  # noqa: FBT001  (drawn)
) -> None:
    catalog = Catalog(MemoryProductStore(), NhHtmlCleaner(), FakeClock())
    catalog.load(entries(*there), keep_going=True)
    before = kept(catalog)
    said = catalog.load(entries(*file), dry_run=True, keep_going=keep_going)
    assert kept(catalog) == before
    done = catalog.load(entries(*file), keep_going=keep_going)
    assert said.dry_run
    assert (done.refused, done.warnings) == (said.refused, said.warnings)
    if keep_going or not said.refused:
        assert done == evolve(said, dry_run=False)
        assert len(kept(catalog)) == len(before) + said.created
    else:
        assert (done.created, done.changed) == (0, 0)
        assert kept(catalog) == before


def test_nothing_is_kept_or_counted_as_such_if_anything_is_refused(catalog: Catalog) -> None:
    catalog.load(entries(GOOD, OTHER))
    before = kept(catalog)
    report = catalog.load(entries(GOOD | {"price": "7"}, OTHER, BAD, {"name": "New", "price": 1}))
    assert counts(report) == (0, 0, 1)
    assert report.refused == (Notice(4, "price", "Price must be positive"),)
    assert kept(catalog) == before


def test_told_to_keep_going_an_import_keeps_what_is_not_refused(catalog: Catalog) -> None:
    report = catalog.load(entries(GOOD, BAD, OTHER), keep_going=True)
    assert counts(report) == (2, 0, 0)
    assert [notice.line for notice in report.refused] == [3]
    assert kept(catalog).keys() == {"good", "other"}


def test_a_dry_run_counts_what_it_would_do_though_something_is_refused(catalog: Catalog) -> None:
    report = catalog.load(entries(GOOD, BAD), dry_run=True)
    assert counts(report) == (1, 0, 0)
    assert report.dry_run
    assert kept(catalog) == {}


@pytest.mark.parametrize("keep_going", [True, False])
def test_a_known_product_is_skipped_if_so_told(catalog: Catalog, *, keep_going: bool) -> None:
    catalog.load(entries(GOOD))
    report = catalog.load(
        entries(GOOD | {"price": "7"}, OTHER), on_conflict=OnConflict.SKIP, keep_going=keep_going
    )
    assert counts(report) == (1, 0, 1)
    assert catalog.find("good").price == 5


def test_a_known_product_is_refused_if_so_told(catalog: Catalog) -> None:
    catalog.load(entries(GOOD))
    report = catalog.load(entries(GOOD, OTHER), on_conflict=OnConflict.FAIL)
    assert report.refused == (Notice(2, "slug", "There is a product 'good' already"),)
    assert kept(catalog).keys() == {"good"}


def test_all_faults_of_an_entry_are_told_at_once(catalog: Catalog) -> None:
    notices = refusal(catalog, {"slug": "A", "name": "<", "stock_quantity": -1, "colour": 1})
    assert [(notice.line, notice.field) for notice in notices] == [
        (2, "slug"),
        (2, "name"),
        (2, "stock_quantity"),
        (2, "colour"),
    ]


def test_all_faults_of_an_entry_without_slug_and_name_are_told_at_once(catalog: Catalog) -> None:
    assert refusal(catalog, {"stock_quantity": -1}) == (
        Notice(2, "stock_quantity", "Stock quantity cannot be negative"),
        Notice(2, "name", "Name is required"),
        Notice(2, "price", "Price is required"),
    )


def test_a_new_product_needs_a_name_and_a_price(catalog: Catalog) -> None:
    assert refusal(catalog, {"slug": "new"}) == (
        Notice(2, "name", "Name is required"),
        Notice(2, "price", "Price is required"),
    )


def test_a_price_is_held_against_the_compared_one_that_is_there(catalog: Catalog) -> None:
    catalog.load(entries(GOOD | {"compare_at_price": "6"}))
    assert refusal(catalog, GOOD | {"price": "6"}) == (
        Notice(2, "compare_at_price", "Compare-at price must be above the price"),
    )


def test_a_slug_or_sku_that_stands_in_the_file_twice_is_refused_the_second_time(
    catalog: Catalog,
) -> None:
    sku: dict[str, object] = {"sku": "S"}
    notices = refusal(catalog, GOOD | sku, GOOD, OTHER | sku, GOOD | sku)
    assert notices == (
        Notice(3, "slug", "Slug 'good' stands in the file twice"),
        Notice(4, "sku", "SKU 'S' stands in the file twice"),
        Notice(5, "slug", "Slug 'good' stands in the file twice"),
        Notice(5, "sku", "SKU 'S' stands in the file twice"),
    )
    assert kept(catalog).keys() == {"good"}


def test_what_stands_in_the_file_twice_is_noticed_however_far_apart(catalog: Catalog) -> None:
    many = [{"slug": f"p{number}", "name": "P", "price": 1} for number in range(BATCH + 1)]
    report = catalog.load(entries(GOOD | {"sku": "S"}, *many, GOOD, OTHER | {"sku": "S"}))
    assert [(notice.line - BATCH, notice.field) for notice in report.refused] == [
        (4, "slug"),
        (5, "sku"),
    ]


def test_an_entry_that_was_refused_does_not_take_a_slug(catalog: Catalog) -> None:
    assert len(refusal(catalog, GOOD | {"price": "0"}, GOOD)) == 1
    assert kept(catalog).keys() == {"good"}


def test_two_names_that_make_one_slug_are_one_product_twice(catalog: Catalog) -> None:
    notices = refusal(catalog, {"name": "Café", "price": 1}, {"name": "CAFE!", "price": 2})
    assert notices == (Notice(3, "slug", "Slug 'cafe' stands in the file twice"),)


def test_a_name_that_makes_a_reserved_slug_makes_another(catalog: Catalog) -> None:
    file = entries({"name": "Search", "price": 1})
    assert counts(catalog.load(file)) == (1, 0, 0)
    assert counts(catalog.load(file)) == (0, 0, 1)
    assert kept(catalog).keys() == {"search-2"}


def test_a_sku_of_another_product_is_refused_and_ones_own_is_not(catalog: Catalog) -> None:
    catalog.load(entries(GOOD | {"sku": "S"}))
    assert refusal(catalog, GOOD | {"sku": "S"}, OTHER | {"sku": "S"}) == (
        Notice(3, "sku", "SKU 'S' stands in the file twice"),
    )
    assert refusal(catalog, OTHER | {"sku": "S"}) == (
        Notice(2, "sku", "SKU 'S' belongs to the product 'good'"),
    )


@pytest.mark.parametrize("sku", ["None", "UNSET"])
def test_no_sku_is_not_the_sku_of_any_product(catalog: Catalog, sku: str) -> None:
    catalog.load(entries(GOOD | {"sku": sku}))
    report = catalog.load(entries(GOOD | {"sku": sku}, OTHER, OTHER | {"slug": "o", "sku": None}))
    assert counts(report) == (2, 0, 1)


def test_a_former_slug_is_claimed_by_an_import(catalog: Catalog) -> None:
    catalog.load(entries(GOOD))
    catalog.change("good", {"slug": "better"})
    assert counts(catalog.load(entries(GOOD | {"name": "Fresh"}))) == (1, 0, 0)
    assert catalog.find("good").name == "Fresh"
    assert catalog.find("better").name == "Good"


def test_what_a_reader_refused_or_warned_of_is_reported_by_line(catalog: Catalog) -> None:
    file = [
        ImportEntry(9, GOOD, warnings=(Fault("stock_quantity", "Became 0"),)),
        ImportEntry(7, None, refused=(Fault("", "Unreadable"), Fault("x", "Broken"))),
        ImportEntry(5, None, warnings=(Fault("price", "Skipped"),)),
        ImportEntry(3, OTHER, refused=(Fault("name", "Cut off"),)),
        ImportEntry(1, BAD),
    ]
    report = catalog.load(file, keep_going=True)
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
    assert kept(catalog).keys() == {"good"}


def test_a_warning_refuses_nothing(catalog: Catalog) -> None:
    entry = ImportEntry(1, GOOD, warnings=(Fault("price", "Careful"),))
    assert counts(catalog.load([entry])) == (1, 0, 0)


def test_an_empty_file_does_nothing(catalog: Catalog) -> None:
    assert catalog.load([]) == ImportReport(0, 0, 0, (), (), dry_run=False)


def test_an_import_stops_at_the_line_where_too_much_is_refused_and_says_so(
    catalog: Catalog,
) -> None:
    read: list[int] = []

    def file() -> Iterator[ImportEntry]:
        for line in range(1, 3 * LISTED):
            read.append(line)
            yield ImportEntry(line, BAD)

    report = catalog.load(file(), keep_going=True)
    assert len(read) == LISTED + BATCH
    assert [notice.line for notice in report.refused] == list(range(1, LISTED + 2))
    assert "stopped here" in report.refused[-1].message
    assert report.refused[-2].message == "Price must be positive"


def test_a_file_whose_end_is_near_is_read_to_it_however_much_is_refused(catalog: Catalog) -> None:
    report = catalog.load([ImportEntry(line, BAD) for line in range(LISTED)], keep_going=True)
    assert len(report.refused) == LISTED
    assert {notice.message for notice in report.refused} == {"Price must be positive"}


def test_no_more_warnings_are_listed_than_can_be_read(catalog: Catalog) -> None:
    warned = tuple(Fault(name, "Careful") for name in ("price", "name", "sku"))
    report = catalog.load([ImportEntry(line, None, warnings=warned) for line in range(LISTED)])
    assert len(report.warnings) == LISTED


def test_an_import_that_breaks_off_keeps_nothing(catalog: Catalog) -> None:
    def broken() -> Iterable[ImportEntry]:
        yield from entries(*({"name": f"P{n}", "price": 1} for n in range(BATCH)))
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="disk"):
        catalog.load(broken(), keep_going=True)
    with pytest.raises(NotFoundError):
        catalog.find("p0")


def sized(*variants: tuple[str, str | None], **more: object) -> list[ImportEntry]:
    """A file with one product, whose variants are given by their size and SKU."""
    each = [{"options": {"Size": size}, "price": "1", "sku": sku} for size, sku in variants]
    return entries({"slug": "good", "name": "Good", "variants": each, **more})


def skus(catalog: Catalog) -> dict[str, str | None]:
    """The SKU of each size; those off sale have a minus."""
    every = catalog.find("good", Status.ALL).variants
    return {f"{'' if one.is_active else '-'}{one.options['Size']}": one.sku for one in every}


def test_variants_need_no_sku_at_all(catalog: Catalog) -> None:
    each = [{"options": {"Size": size}, "price": "1"} for size in "SM"]
    assert counts(catalog.load(entries(GOOD | {"variants": each}))) == (1, 0, 0)
    assert skus(catalog) == {"S": None, "M": None}


def test_variants_may_give_one_another_their_skus(catalog: Catalog) -> None:
    catalog.load(sized(("S", "1"), ("M", "2")))
    assert counts(catalog.load(sized(("S", "2"), ("M", "1")))) == (0, 1, 0)
    assert skus(catalog) == {"S": "2", "M": "1"}


def test_a_variant_that_is_gone_leaves_its_sku_to_one_that_claims_it(catalog: Catalog) -> None:
    catalog.load(sized(("S", "1"), ("M", "2")))
    assert counts(catalog.load(sized(("Small", "1")))) == (0, 1, 0)
    assert skus(catalog) == {"-S": None, "Small": "1", "-M": "2"}
    assert counts(catalog.load(sized(("Small", "2")))) == (0, 1, 0)
    assert skus(catalog) == {"-S": None, "Small": "2", "-M": None}


def test_a_product_and_its_variant_cannot_share_a_sku(catalog: Catalog) -> None:
    catalog.load(entries(GOOD | {"sku": "1"}))
    (refused,) = catalog.load(sized(("S", "1"))).refused
    assert refused == Notice(2, "sku", "The product and its variants cannot share the SKU '1'")
    assert counts(catalog.load(sized(("S", "1"), sku=None))) == (0, 1, 0)


def test_a_new_product_without_an_active_variant_shows_the_price_that_the_file_gives(
    catalog: Catalog,
) -> None:
    off = {"options": {"Size": "S"}, "price": "1", "stock_quantity": 4, "is_active": False}
    given = GOOD | {"variants": [off], "stock_quantity": 3}
    catalog.load(entries(given, {"slug": "other", "name": "Other", "variants": [off]}))
    good, other = catalog.find("good"), catalog.find("other")
    assert (good.price, good.stock_quantity, good.track_stock) == (Decimal(5), 0, True)
    assert (other.price, other.compare_at_price) == (Decimal(1), None)
    assert counts(catalog.load(entries(given))) == (0, 0, 1)


def test_what_follows_from_variants_is_not_read_of_the_product(catalog: Catalog) -> None:
    on = {"options": {"Size": "S"}, "price": "1", "stock_quantity": 4}
    assert counts(catalog.load(entries(GOOD))) == (1, 0, 0)
    assert counts(catalog.load(entries(GOOD | {"variants": [on], "price": "9"}))) == (0, 1, 0)
    assert counts(catalog.load(entries(GOOD | {"variants": [on], "price": "8"}))) == (0, 0, 1)
    assert (catalog.find("good").price, catalog.find("good").stock_quantity) == (Decimal(1), 4)
