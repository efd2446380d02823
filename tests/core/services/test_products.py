"""The catalogue on the memory store: what its writes change, leave alone and refuse."""

import json
from collections.abc import Callable
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given

from eggypro_adapters.contracts import strategies
from eggypro_adapters.contracts.clock import NOON, FakeClock
from eggypro_adapters.files.html import NhHtmlCleaner
from eggypro_adapters.memory import MemoryProductStore
from eggypro_core.domain.image import nowhere
from eggypro_core.domain.product import REQUIRED, SHOWN, Image, Product
from eggypro_core.domain.product_query import ProductQuery
from eggypro_core.errors import (
    ConflictError,
    Fault,
    InvalidError,
    MovedError,
    NotFoundError,
    StaleError,
)
from eggypro_core.serializers import product_body
from eggypro_core.services.products import Catalog
from eggypro_core.validation.parameters import Status
from tests.support.builders import a_product, a_shop

SLUG = "egg-white-protein"
FULL: dict[str, object] = {
    "sku": "EW-1",
    "compare_at_price": "30",
    "attributes": {"protein": "80 g", "fat": "1 g"},
    "seo_title": "Title",
    "seo_description": "Words",
    "stock_quantity": 5,
    "track_stock": False,
    "images": [{"ref": "https://x.example/1.jpg", "alt": "A tin"}],
}
EDITS: dict[str, Callable[[Catalog, str, int | None], Product]] = {
    "change": lambda catalog, slug, at: catalog.change(slug, {"name": "New"}, version=at),
    "replace": lambda catalog, slug, at: catalog.replace(slug, a_product(name="N"), version=at),
    "archive": lambda catalog, slug, at: catalog.archive(slug, version=at),
}
each_edit = pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())


def put_back(product: Product) -> dict[str, object]:
    """What a PUT brings that sends what a GET showed."""
    body: dict[str, object] = json.loads(json.dumps(product_body(product, "EUR", nowhere)))
    return body


def slugs(catalog: Catalog, **query: Any) -> list[str]:
    return [product.slug for product in catalog.page(ProductQuery(**query)).items]


def faults(call: Callable[[], object]) -> list[Fault]:
    with pytest.raises(InvalidError) as invalid:
        call()
    return list(invalid.value.faults)


def test_what_is_added_is_found_as_it_was_written(catalog: Catalog) -> None:
    added = catalog.add(a_product(**FULL))
    assert catalog.find(SLUG) == added
    assert (added.slug, added.version, added.is_active) == (SLUG, 1, True)
    assert (added.created_at, added.updated_at) == (NOON, NOON)
    assert (str(added.price), str(added.compare_at_price)) == ("24.99", "30.00")
    assert added.images == (Image("https://x.example/1.jpg", "A tin"),)
    assert added.attributes == {"protein": "80 g", "fat": "1 g"}
    assert (added.stock_quantity, added.track_stock) == (5, False)


def test_a_new_product_is_on_sale_and_empty_where_nothing_is_said(catalog: Catalog) -> None:
    added = catalog.add(a_product())
    assert (added.sku, added.compare_at_price, added.seo_title) == (None, None, None)
    assert (added.images, added.attributes, added.stock_quantity) == ((), {}, 0)
    assert (added.track_stock, added.is_active) == (True, True)


@pytest.mark.parametrize("name", REQUIRED)
def test_a_new_product_says_all_that_is_required(catalog: Catalog, name: str) -> None:
    values = a_product()
    del values[name]
    [fault] = faults(lambda: catalog.add(values))
    sentence = {"ingredients": "At least one ingredient is required"}
    assert fault == Fault(name, sentence.get(name, f"{name.capitalize()} is required"))
    assert catalog.page(ProductQuery()).total == 0


@pytest.mark.parametrize("name", sorted(SHOWN - {"images", "categories"}))
def test_a_new_product_cannot_set_what_is_only_shown(catalog: Catalog, name: str) -> None:
    assert faults(lambda: catalog.add(a_product(**{name: 1}))) == [
        Fault(name, "Cannot be set here")
    ]


def test_products_of_one_name_get_slugs_of_their_own(catalog: Catalog) -> None:
    assert [catalog.add(a_product()).slug for _ in range(3)] == [SLUG, f"{SLUG}-2", f"{SLUG}-3"]
    assert catalog.add(a_product(name="Search")).slug == "search-2"


def test_a_given_slug_or_sku_that_is_taken_is_a_conflict(catalog: Catalog) -> None:
    catalog.add(a_product(sku="EW"))
    for values, field in (({"slug": SLUG}, "slug"), ({"sku": "EW"}, "sku")):
        with pytest.raises(ConflictError) as refused:
            catalog.add(a_product(**values))
        assert refused.value.field == field


def test_a_change_leaves_alone_what_it_does_not_name(catalog: Catalog, clock: FakeClock) -> None:
    before = catalog.add(a_product(**FULL))
    clock.tick()
    changed = catalog.change(SLUG, {"price": "29.99", "seo_title": "", "is_active": False})
    assert changed == evolve(
        before,
        price=Decimal("29.99"),
        seo_title=None,
        is_active=False,
        version=2,
        updated_at=clock.now,
    )
    assert catalog.find(SLUG, Status.ALL) == changed


@pytest.mark.parametrize("values", [{}, {"name": "Egg  White Protein"}, {"price": "24.990"}])
def test_a_change_of_nothing_leaves_the_version(
    catalog: Catalog, clock: FakeClock, values: dict[str, object]
) -> None:
    before = catalog.add(a_product())
    clock.tick()
    assert catalog.change(SLUG, values) == before
    assert catalog.find(SLUG) == before


@pytest.mark.parametrize("name", sorted(SHOWN))
def test_a_change_cannot_name_what_it_cannot_set(catalog: Catalog, name: str) -> None:
    before = catalog.add(a_product())
    wrong = {"name": "New", name: 1, "colour": 1}
    assert faults(lambda: catalog.change(SLUG, wrong)) == [
        Fault(name, "Cannot be set here"),
        Fault("colour", "Unknown field"),
    ]
    assert catalog.find(SLUG) == before


MERGES: list[tuple[object, dict[str, str]]] = [
    ({"b": "new"}, {"a": "1", "b": "new"}),
    ({"c": "3"}, {"a": "1", "b": "2", "c": "3"}),
    ({"a": None, "none-such": None}, {"b": "2"}),
    ({" a ": "x"}, {"a": "x", "b": "2"}),
    ({}, {"a": "1", "b": "2"}),
    (None, {}),
]


@pytest.mark.parametrize(("edits", "left"), MERGES)
def test_a_change_merges_attributes(catalog: Catalog, edits: object, left: dict[str, str]) -> None:
    catalog.add(a_product(attributes={"a": "1", "b": "2"}))
    changed = catalog.change(SLUG, {"attributes": edits})
    assert list(changed.attributes.items()) == list(left.items())
    assert catalog.find(SLUG) == changed


@pytest.mark.parametrize("edits", [{"a": ""}, {"a": 1}, {"": "x"}, [], "x", {"a": {"b": None}}])
def test_attributes_are_merged_with_texts_only(catalog: Catalog, edits: object) -> None:
    before = catalog.add(a_product(attributes={"a": "1"}))
    assert [f.field for f in faults(lambda: catalog.change(SLUG, {"attributes": edits}))] == [
        "attributes"
    ]
    assert catalog.find(SLUG) == before


def test_merged_attributes_are_no_more_than_a_product_may_have(catalog: Catalog) -> None:
    many = {str(number): "x" for number in range(50)}
    before = catalog.add(a_product(attributes=many))
    too_many = [Fault("attributes", "Too many attributes")]
    assert faults(lambda: catalog.change(SLUG, {"attributes": {"one": "more"}})) == too_many
    assert catalog.find(SLUG) == before
    swapped = dict.fromkeys(many) | {f"new {name}": "y" for name in many}
    assert len(catalog.change(SLUG, {"attributes": swapped}).attributes) == 50


@pytest.mark.parametrize(
    ("values", "stock"),
    [({"delta": -5}, 0), ({"delta": 0}, 5), ({"set": 40}, 40), ({"set": 0}, 0)],
)
def test_stock_is_changed_as_the_values_say(
    catalog: Catalog, values: dict[str, object], stock: int
) -> None:
    catalog.add(a_product(stock_quantity=5))
    assert catalog.change_stock(SLUG, values) == stock
    assert (catalog.find(SLUG).stock_quantity, catalog.find(SLUG).version) == (stock, 1)


@pytest.mark.parametrize("delta", [-6, -(10**30), 2**31, 10**4000])
def test_stock_that_would_leave_what_can_be_counted_stays(catalog: Catalog, delta: int) -> None:
    catalog.add(a_product(stock_quantity=5))
    with pytest.raises(ConflictError, match="The stock is 5") as refused:
        catalog.change_stock(SLUG, {"delta": delta})
    assert len(str(refused.value)) < 200
    assert catalog.find(SLUG).stock_quantity == 5


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        ({}, ["delta"]),
        ({"delta": 1, "set": 1}, ["delta"]),
        ({"delta": True}, ["delta"]),
        ({"delta": "1"}, ["delta"]),
        ({"delta": Decimal("1.0")}, ["delta"]),
        ({"set": -1}, ["set"]),
        ({"set": 2**31}, ["set"]),
        ({"set": None}, ["set"]),
        ({"by": 1}, ["by", "delta"]),
    ],
)
def test_a_change_of_stock_is_a_delta_or_a_count(
    catalog: Catalog, values: dict[str, object], fields: list[str]
) -> None:
    catalog.add(a_product(stock_quantity=5))
    assert [fault.field for fault in faults(lambda: catalog.change_stock(SLUG, values))] == fields
    assert catalog.find(SLUG).stock_quantity == 5


def test_a_product_is_removed_only_at_the_version_that_is_named(catalog: Catalog) -> None:
    product = catalog.add(a_product())
    with pytest.raises(StaleError):
        catalog.remove(SLUG, version=2)
    assert catalog.find(SLUG) == product
    catalog.remove(SLUG, version=1)
    with pytest.raises(NotFoundError):
        catalog.find(SLUG)


def test_a_change_may_empty_ingredients_and_a_replacement_may_not(catalog: Catalog) -> None:
    catalog.add(a_product())
    assert catalog.change(SLUG, {"ingredients": []}).ingredients == ()
    assert faults(lambda: catalog.replace(SLUG, a_product(ingredients=[]))) == [
        Fault("ingredients", "At least one ingredient is required")
    ]


@pytest.mark.parametrize("values", [{"price": "30"}, {"compare_at_price": "24.99"}])
def test_the_compared_price_stays_above_the_price_whichever_changes(
    catalog: Catalog, values: dict[str, object]
) -> None:
    before = catalog.add(a_product(compare_at_price="30"))
    assert faults(lambda: catalog.change(SLUG, values)) == [
        Fault("compare_at_price", "Compare-at price must be above the price")
    ]
    assert catalog.find(SLUG) == before


def test_a_replacement_empties_what_is_optional_and_keeps_what_is_the_shops(
    catalog: Catalog, clock: FakeClock
) -> None:
    before = catalog.add(a_product(**FULL, slug="own"))
    catalog.archive("own")
    clock.tick()
    assert catalog.replace("own", a_product(price="5")) == evolve(
        before,
        price=Decimal(5),
        sku=None,
        compare_at_price=None,
        attributes={},
        seo_title=None,
        seo_description=None,
        is_active=False,
        version=3,
        updated_at=clock.now,
    )


def test_a_replacement_sets_what_it_names(catalog: Catalog) -> None:
    catalog.add(a_product())
    optional = {name: value for name, value in FULL.items() if name != "images"}
    replaced = catalog.replace(SLUG, a_product(**optional, slug="new", is_active=False))
    assert (replaced.slug, replaced.is_active, replaced.sku) == ("new", False, "EW-1")
    assert (replaced.stock_quantity, replaced.track_stock) == (5, False)


@pytest.mark.parametrize("name", sorted(SHOWN))
def test_a_replacement_passes_over_what_is_only_shown(catalog: Catalog, name: str) -> None:
    before = catalog.add(a_product(images=["https://x.example/1.jpg"]))
    assert catalog.replace(SLUG, a_product(**{name: "anything"})) == before


@pytest.mark.parametrize("name", REQUIRED)
def test_a_replacement_says_all_that_is_required(catalog: Catalog, name: str) -> None:
    catalog.add(a_product())
    values = a_product()
    del values[name]
    [fault] = faults(lambda: catalog.replace(SLUG, values))
    assert fault.field == name


def test_a_replacement_refuses_what_nobody_knows(catalog: Catalog) -> None:
    catalog.add(a_product())
    assert faults(lambda: catalog.replace(SLUG, a_product(colour="red", version=1))) == [
        Fault("colour", "Unknown field"),
        Fault("version", "Unknown field"),
    ]


@given(strategies.products())
def test_what_was_read_can_be_put_back_and_changes_nothing(values: dict[str, object]) -> None:
    clock = FakeClock()
    catalog = Catalog(MemoryProductStore(), NhHtmlCleaner(), clock)
    added = catalog.add(values)
    clock.tick()
    assert catalog.replace(added.slug, put_back(added)) == added
    assert catalog.find(added.slug, Status.ALL) == added


@given(strategies.products(), strategies.products())
def test_a_replacement_leaves_nothing_of_what_was_there_but_what_it_may_leave_out(
    first: dict[str, object], second: dict[str, object]
) -> None:
    catalog = Catalog(MemoryProductStore(), NhHtmlCleaner(), FakeClock())
    before = catalog.add(first)
    after = catalog.replace(before.slug, second)
    kept = {
        name: getattr(before, name)
        for name in ("slug", "stock_quantity", "track_stock", "is_active")
        if name not in second
    }
    fresh = Catalog(MemoryProductStore(), NhHtmlCleaner(), FakeClock()).add(second)
    assert evolve(fresh, version=after.version, **kept) == after


@each_edit
def test_a_write_at_the_version_that_was_read_is_made(
    catalog: Catalog, edit: Callable[..., Product]
) -> None:
    catalog.add(a_product())
    assert edit(catalog, SLUG, 1).version == 2


@each_edit
@pytest.mark.parametrize("version", [0, 1, 3])
def test_a_write_at_another_version_is_stale_and_changes_nothing(
    catalog: Catalog, edit: Callable[..., Product], version: int
) -> None:
    catalog.add(a_product())
    second = catalog.change(SLUG, {"seo_title": "Second"})
    with pytest.raises(StaleError, match="version 2"):
        edit(catalog, SLUG, version)
    assert catalog.find(SLUG) == second


def test_a_write_that_would_change_nothing_is_stale_all_the_same(catalog: Catalog) -> None:
    catalog.add(a_product())
    with pytest.raises(StaleError):
        catalog.change(SLUG, {}, version=2)


def test_restoring_is_versioned_as_archiving_is(catalog: Catalog) -> None:
    catalog.add(a_product())
    catalog.archive(SLUG, version=1)
    with pytest.raises(StaleError):
        catalog.restore(SLUG, version=1)
    assert catalog.restore(SLUG, version=2).version == 3


def test_an_archived_product_is_out_of_sight_and_nothing_of_it_is_lost(
    catalog: Catalog, clock: FakeClock
) -> None:
    before = catalog.add(a_product(**FULL))
    clock.tick()
    archived = catalog.archive(SLUG)
    assert archived == evolve(before, is_active=False, version=2, updated_at=clock.now)
    with pytest.raises(NotFoundError):
        catalog.find(SLUG)
    assert catalog.find(SLUG, Status.ARCHIVED) == catalog.find(SLUG, Status.ALL) == archived
    assert (slugs(catalog), slugs(catalog, status=Status.ARCHIVED)) == ([], [SLUG])
    restored = catalog.restore(SLUG)
    assert catalog.find(SLUG) == restored == evolve(archived, is_active=True, version=3)


def test_a_product_on_sale_is_not_found_among_the_archived(catalog: Catalog) -> None:
    catalog.add(a_product())
    with pytest.raises(NotFoundError):
        catalog.find(SLUG, Status.ARCHIVED)


def test_archiving_twice_is_archiving_once(catalog: Catalog, clock: FakeClock) -> None:
    catalog.add(a_product())
    once = catalog.archive(SLUG)
    clock.tick()
    assert catalog.archive(SLUG) == once


def test_an_archived_product_keeps_its_slug_and_can_be_changed(catalog: Catalog) -> None:
    catalog.add(a_product(is_active=False))
    with pytest.raises(ConflictError, match="archived"):
        catalog.add(a_product(slug=SLUG))
    assert catalog.add(a_product()).slug == f"{SLUG}-2"
    assert catalog.change(SLUG, {"name": "New"}).name == "New"
    assert catalog.adjust_stock(SLUG, 3) == 3


def test_a_renamed_product_leads_from_its_former_slug(catalog: Catalog) -> None:
    catalog.add(a_product())
    catalog.change(SLUG, {"slug": "second"})
    catalog.change("second", {"slug": "third"})
    calls: tuple[Callable[[str], object], ...] = (
        catalog.find,
        catalog.remove,
        catalog.archive,
        catalog.restore,
        lambda slug: catalog.change(slug, {}),
        lambda slug: catalog.replace(slug, a_product()),
        lambda slug: catalog.adjust_stock(slug, 1),
    )
    for former in (SLUG, "second"):
        for call in calls:
            with pytest.raises(MovedError) as moved:
                call(former)
            assert moved.value.slug == "third"


def test_a_new_name_leaves_the_slug(catalog: Catalog) -> None:
    catalog.add(a_product())
    assert catalog.change(SLUG, {"name": "Other"}).slug == SLUG


@pytest.mark.parametrize(
    "slug", ["no-such", "", "A", "a/b", "\0", "\ud800", "é", "a" * 256, "a\n", "%"]
)
def test_what_no_product_is_called_is_not_found(catalog: Catalog, slug: str) -> None:
    catalog.add(a_product())
    calls: tuple[Callable[[], object], ...] = (
        lambda: catalog.find(slug, Status.ALL),
        lambda: catalog.change(slug, {"name": "New"}),
        lambda: catalog.replace(slug, a_product()),
        lambda: catalog.archive(slug),
        lambda: catalog.restore(slug),
        lambda: catalog.remove(slug),
        lambda: catalog.adjust_stock(slug, 1),
    )
    for call in calls:
        with pytest.raises(NotFoundError):
            call()


def test_a_slug_that_cannot_be_is_shown_without_control_characters(catalog: Catalog) -> None:
    with pytest.raises(NotFoundError) as missing:
        catalog.find("a\x1b[2Jb\ud800")
    assert str(missing.value) == "There is no product 'a\ufffd[2Jb\ufffd'"


def test_values_are_refused_before_the_product_is_looked_for(catalog: Catalog) -> None:
    assert faults(lambda: catalog.change("no-such", {"price": "0"})) == [
        Fault("price", "Price must be positive")
    ]


def test_stock_goes_up_and_down_but_never_below_zero(catalog: Catalog, clock: FakeClock) -> None:
    before = catalog.add(a_product(stock_quantity=5))
    clock.tick()
    assert catalog.adjust_stock(SLUG, -2) == 3
    with pytest.raises(ConflictError) as refused:
        catalog.adjust_stock(SLUG, -4)
    assert refused.value.field == "stock_quantity"
    assert catalog.find(SLUG) == evolve(before, stock_quantity=3)


@pytest.mark.parametrize("by", [2**31, -(2**31), 2**70, -(2**70)])
def test_stock_cannot_change_by_more_than_can_be_counted(catalog: Catalog, by: int) -> None:
    before = catalog.add(a_product())
    with pytest.raises(ConflictError):
        catalog.adjust_stock(SLUG, by)
    assert catalog.find(SLUG) == before


def test_a_removed_product_is_gone_for_good(catalog: Catalog) -> None:
    catalog.add(a_product(sku="EW"))
    catalog.remove(SLUG)
    with pytest.raises(NotFoundError):
        catalog.find(SLUG, Status.ALL)
    assert catalog.add(a_product(sku="EW")).slug == SLUG


def test_pages_lead_to_one_another_by_what_they_say_of_themselves(catalog: Catalog) -> None:
    for number in range(5):
        catalog.add(a_product(name=f"Egg {number}"))
    found: list[str] = []
    query: ProductQuery | None = ProductQuery.parse({"limit": "2"})
    while query is not None:
        page = catalog.page(query)
        found += [product.slug for product in page.items]
        query = page.next_query and ProductQuery.parse(page.next_query.params())
    assert found == [f"egg-{number}" for number in range(5)]


def test_an_export_tells_its_progress_before_each_product() -> None:
    products = a_shop().products
    for name in ("Egg", "Ham", "Oil"):
        products.add(a_product(name=name))
    numbers: list[int] = []
    stream = BytesIO()
    assert products.export_file(stream, progress=numbers.append) == 3
    assert numbers == [0, 1, 2]
    assert len(stream.getvalue().splitlines()) == 3


def test_files_need_a_reader_and_a_writer() -> None:
    products = Catalog(MemoryProductStore(), NhHtmlCleaner(), lambda: NOON)
    with pytest.raises(RuntimeError, match="a reader"):
        products.import_file(BytesIO())
    with pytest.raises(RuntimeError, match="a writer"):
        products.export_file(BytesIO())
