"""Tests of ProductService on the memory store."""

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
from eggypro_core.domain.image import no_image_url
from eggypro_core.domain.product import (
    MAX_STOCK,
    READ_ONLY_FIELDS,
    REQUIRED_FIELDS,
    Image,
    Product,
)
from eggypro_core.domain.product_files import ExportReport, ImportEntry
from eggypro_core.domain.product_query import ProductQuery
from eggypro_core.errors import (
    ConflictError,
    FieldError,
    NotFoundError,
    SlugMovedError,
    ValidationError,
    VersionConflictError,
)
from eggypro_core.serializers import ProductSerializer
from eggypro_core.services.importing.importer import IMPORT_BATCH_SIZE
from eggypro_core.services.products import ProductService
from eggypro_core.validation.parameters import Status
from tests.support.builders import make_shop, product_values

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
EDITS: dict[str, Callable[[ProductService, str, int | None], Product]] = {
    "change": lambda catalog, slug, at: catalog.update(slug, {"name": "New"}, version=at),
    "replace": lambda catalog, slug, at: catalog.replace(
        slug, product_values(name="N"), version=at
    ),
    "archive": lambda catalog, slug, at: catalog.archive(slug, version=at),
}
all_edits = pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())


def replacement_values(product: Product) -> dict[str, object]:
    """Return the body of a GET, to send back in a PUT."""
    body: dict[str, object] = json.loads(
        json.dumps(ProductSerializer("EUR", no_image_url).product(product))
    )
    return body


def slugs(catalog: ProductService, **query: Any) -> list[str]:
    return [product.slug for product in catalog.list(ProductQuery(**query)).items]


def errors_of(call: Callable[[], object]) -> list[FieldError]:
    with pytest.raises(ValidationError) as invalid:
        call()
    return list(invalid.value.errors)


def test_a_created_product_has_the_given_values(products: ProductService) -> None:
    created = products.create(product_values(**FULL))
    assert products.get(SLUG) == created
    assert (created.slug, created.version, created.is_active) == (SLUG, 1, True)
    assert (created.created_at, created.updated_at) == (NOON, NOON)
    assert (str(created.price), str(created.compare_at_price)) == ("24.99", "30.00")
    assert created.images == (Image("https://x.example/1.jpg", "A tin"),)
    assert created.attributes == {"protein": "80 g", "fat": "1 g"}
    assert (created.stock_quantity, created.track_stock) == (5, False)


def test_a_new_product_has_defaults(products: ProductService) -> None:
    created = products.create(product_values())
    assert (created.sku, created.compare_at_price, created.seo_title) == (None, None, None)
    assert (created.images, created.attributes, created.stock_quantity) == ((), {}, 0)
    assert (created.track_stock, created.is_active) == (True, True)


@pytest.mark.parametrize("name", REQUIRED_FIELDS)
def test_a_new_product_needs_all_required_fields(products: ProductService, name: str) -> None:
    values = product_values()
    del values[name]
    [error] = errors_of(lambda: products.create(values))
    messages = {"ingredients": "At least one ingredient is required"}
    assert error == FieldError(name, messages.get(name, f"{name.capitalize()} is required"))
    assert products.list(ProductQuery()).total == 0


@pytest.mark.parametrize("name", sorted(READ_ONLY_FIELDS - {"images", "categories"}))
def test_a_new_product_rejects_read_only_fields(products: ProductService, name: str) -> None:
    assert errors_of(lambda: products.create(product_values(**{name: 1}))) == [
        FieldError(name, "Cannot be set here")
    ]


def test_products_with_equal_names_get_unique_slugs(products: ProductService) -> None:
    assert [products.create(product_values()).slug for _ in range(3)] == [
        SLUG,
        f"{SLUG}-2",
        f"{SLUG}-3",
    ]
    assert products.create(product_values(name="Search")).slug == "search-2"


def test_a_taken_slug_or_sku_is_a_conflict(products: ProductService) -> None:
    products.create(product_values(sku="EW"))
    for values, field in (({"slug": SLUG}, "slug"), ({"sku": "EW"}, "sku")):
        with pytest.raises(ConflictError) as raised:
            products.create(product_values(**values))
        assert raised.value.field == field


def test_an_update_leaves_omitted_fields_unchanged(
    products: ProductService, clock: FakeClock
) -> None:
    before = products.create(product_values(**FULL))
    clock.advance()
    changed = products.update(SLUG, {"price": "29.99", "seo_title": "", "is_active": False})
    assert changed == evolve(
        before,
        price=Decimal("29.99"),
        seo_title=None,
        is_active=False,
        version=2,
        updated_at=clock.now,
    )
    assert products.get(SLUG, Status.ALL) == changed


@pytest.mark.parametrize("values", [{}, {"name": "Egg  White Protein"}, {"price": "24.990"}])
def test_an_update_without_a_change_keeps_the_version(
    products: ProductService, clock: FakeClock, values: dict[str, object]
) -> None:
    before = products.create(product_values())
    clock.advance()
    assert products.update(SLUG, values) == before
    assert products.get(SLUG) == before


@pytest.mark.parametrize("name", sorted(READ_ONLY_FIELDS))
def test_an_update_rejects_read_only_and_unknown_fields(
    products: ProductService, name: str
) -> None:
    before = products.create(product_values())
    values = {"name": "New", name: 1, "colour": 1}
    assert errors_of(lambda: products.update(SLUG, values)) == [
        FieldError(name, "Cannot be set here"),
        FieldError("colour", "Unknown field"),
    ]
    assert products.get(SLUG) == before


MERGES: list[tuple[object, dict[str, str]]] = [
    ({"b": "new"}, {"a": "1", "b": "new"}),
    ({"c": "3"}, {"a": "1", "b": "2", "c": "3"}),
    ({"a": None, "none-such": None}, {"b": "2"}),
    ({" a ": "x"}, {"a": "x", "b": "2"}),
    ({}, {"a": "1", "b": "2"}),
    (None, {}),
]


@pytest.mark.parametrize(("edits", "left"), MERGES)
def test_an_update_merges_attributes(
    products: ProductService, edits: object, left: dict[str, str]
) -> None:
    products.create(product_values(attributes={"a": "1", "b": "2"}))
    changed = products.update(SLUG, {"attributes": edits})
    assert list(changed.attributes.items()) == list(left.items())
    assert products.get(SLUG) == changed


@pytest.mark.parametrize("edits", [{"a": ""}, {"a": 1}, {"": "x"}, [], "x", {"a": {"b": None}}])
def test_merged_attributes_must_be_texts(products: ProductService, edits: object) -> None:
    before = products.create(product_values(attributes={"a": "1"}))
    assert [
        error.field for error in errors_of(lambda: products.update(SLUG, {"attributes": edits}))
    ] == ["attributes"]
    assert products.get(SLUG) == before


def test_the_number_of_merged_attributes_is_limited(products: ProductService) -> None:
    many = {str(number): "x" for number in range(50)}
    before = products.create(product_values(attributes=many))
    too_many = [FieldError("attributes", "Too many attributes")]
    assert errors_of(lambda: products.update(SLUG, {"attributes": {"one": "more"}})) == too_many
    assert products.get(SLUG) == before
    swapped = dict.fromkeys(many) | {f"new {name}": "y" for name in many}
    assert len(products.update(SLUG, {"attributes": swapped}).attributes) == 50


@pytest.mark.parametrize(
    ("values", "stock"),
    [({"delta": -5}, 0), ({"delta": 0}, 5), ({"set": 40}, 40), ({"set": 0}, 0)],
)
def test_stock_is_adjusted_by_delta_or_set(
    products: ProductService, values: dict[str, object], stock: int
) -> None:
    products.create(product_values(stock_quantity=5))
    assert products.update_stock(SLUG, values) == stock
    assert (products.get(SLUG).stock_quantity, products.get(SLUG).version) == (stock, 1)


@pytest.mark.parametrize("delta", [-6, -(10**30), 2**31, 10**4000])
def test_stock_out_of_range_is_a_conflict(products: ProductService, delta: int) -> None:
    products.create(product_values(stock_quantity=5))
    with pytest.raises(ConflictError, match=r"stock: 5 available|high: 5 plus") as raised:
        products.update_stock(SLUG, {"delta": delta})
    assert len(str(raised.value)) < 200
    assert products.get(SLUG).stock_quantity == 5


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
def test_a_stock_change_is_either_delta_or_set(
    products: ProductService, values: dict[str, object], fields: list[str]
) -> None:
    products.create(product_values(stock_quantity=5))
    assert [
        error.field for error in errors_of(lambda: products.update_stock(SLUG, values))
    ] == fields
    assert products.get(SLUG).stock_quantity == 5


def test_a_product_is_deleted_only_at_the_given_version(products: ProductService) -> None:
    product = products.create(product_values())
    with pytest.raises(VersionConflictError):
        products.delete(SLUG, version=2)
    assert products.get(SLUG) == product
    products.delete(SLUG, version=1)
    with pytest.raises(NotFoundError):
        products.get(SLUG)


def test_an_update_can_clear_ingredients_but_a_replacement_cannot(products: ProductService) -> None:
    products.create(product_values())
    assert products.update(SLUG, {"ingredients": []}).ingredients == ()
    assert errors_of(lambda: products.replace(SLUG, product_values(ingredients=[]))) == [
        FieldError("ingredients", "At least one ingredient is required")
    ]


@pytest.mark.parametrize("values", [{"price": "30"}, {"compare_at_price": "24.99"}])
def test_the_compare_at_price_stays_above_the_price_in_updates(
    products: ProductService, values: dict[str, object]
) -> None:
    before = products.create(product_values(compare_at_price="30"))
    assert errors_of(lambda: products.update(SLUG, values)) == [
        FieldError("compare_at_price", "Compare-at price must be above the price")
    ]
    assert products.get(SLUG) == before


def test_a_replacement_clears_optional_fields_and_keeps_slug_stock_and_status(
    products: ProductService, clock: FakeClock
) -> None:
    before = products.create(product_values(**FULL, slug="own"))
    products.archive("own")
    clock.advance()
    assert products.replace("own", product_values(price="5")) == evolve(
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


def test_a_replacement_sets_the_given_fields(products: ProductService) -> None:
    products.create(product_values())
    optional = {name: value for name, value in FULL.items() if name != "images"}
    replaced = products.replace(SLUG, product_values(**optional, slug="new", is_active=False))
    assert (replaced.slug, replaced.is_active, replaced.sku) == ("new", False, "EW-1")
    assert (replaced.stock_quantity, replaced.track_stock) == (5, False)


@pytest.mark.parametrize("name", sorted(READ_ONLY_FIELDS))
def test_a_replacement_ignores_read_only_fields(products: ProductService, name: str) -> None:
    before = products.create(product_values(images=["https://x.example/1.jpg"]))
    assert products.replace(SLUG, product_values(**{name: "anything"})) == before


@pytest.mark.parametrize("name", REQUIRED_FIELDS)
def test_a_replacement_needs_all_required_fields(products: ProductService, name: str) -> None:
    products.create(product_values())
    values = product_values()
    del values[name]
    [error] = errors_of(lambda: products.replace(SLUG, values))
    assert error.field == name


def test_a_replacement_rejects_unknown_fields(products: ProductService) -> None:
    products.create(product_values())
    assert errors_of(lambda: products.replace(SLUG, product_values(colour="red", version=1))) == [
        FieldError("colour", "Unknown field"),
        FieldError("version", "Unknown field"),
    ]


@given(strategies.products())
def test_the_body_of_a_get_can_be_put_back_unchanged(values: dict[str, object]) -> None:
    clock = FakeClock()
    catalog = ProductService(MemoryProductStore(), NhHtmlCleaner(), clock)
    created = catalog.create(values)
    clock.advance()
    assert catalog.replace(created.slug, replacement_values(created)) == created
    assert catalog.get(created.slug, Status.ALL) == created


KEPT_FIELDS = (
    *("slug", "gtin", "brand", "tags", "weight_grams"),
    *("stock_quantity", "track_stock", "is_active", "is_listed"),
)


@given(strategies.products(), strategies.products())
def test_a_replacement_equals_a_new_product_except_for_kept_fields(
    first: dict[str, object], second: dict[str, object]
) -> None:
    catalog = ProductService(MemoryProductStore(), NhHtmlCleaner(), FakeClock())
    before = catalog.create(first)
    after = catalog.replace(before.slug, second)
    unchanged = {name: getattr(before, name) for name in KEPT_FIELDS if name not in second}
    expected = ProductService(MemoryProductStore(), NhHtmlCleaner(), FakeClock()).create(second)
    assert evolve(expected, version=after.version, **unchanged) == after


@all_edits
def test_a_write_at_the_current_version_succeeds(
    products: ProductService, edit: Callable[..., Product]
) -> None:
    products.create(product_values())
    assert edit(products, SLUG, 1).version == 2


@all_edits
@pytest.mark.parametrize("version", [0, 1, 3])
def test_a_write_at_another_version_is_a_conflict_and_changes_nothing(
    products: ProductService, edit: Callable[..., Product], version: int
) -> None:
    products.create(product_values())
    second = products.update(SLUG, {"seo_title": "Second"})
    with pytest.raises(VersionConflictError, match="version 2"):
        edit(products, SLUG, version)
    assert products.get(SLUG) == second


def test_an_update_without_a_change_checks_the_version(products: ProductService) -> None:
    products.create(product_values())
    with pytest.raises(VersionConflictError):
        products.update(SLUG, {}, version=2)


def test_archive_and_restore_check_the_version(products: ProductService) -> None:
    products.create(product_values())
    products.archive(SLUG, version=1)
    with pytest.raises(VersionConflictError):
        products.restore(SLUG, version=1)
    assert products.restore(SLUG, version=2).version == 3


def test_an_archived_product_is_hidden_but_keeps_its_data(
    products: ProductService, clock: FakeClock
) -> None:
    before = products.create(product_values(**FULL))
    clock.advance()
    archived = products.archive(SLUG)
    assert archived == evolve(before, is_active=False, version=2, updated_at=clock.now)
    with pytest.raises(NotFoundError):
        products.get(SLUG)
    assert products.get(SLUG, Status.ARCHIVED) == products.get(SLUG, Status.ALL) == archived
    assert (slugs(products), slugs(products, status=Status.ARCHIVED)) == ([], [SLUG])
    restored = products.restore(SLUG)
    assert products.get(SLUG) == restored == evolve(archived, is_active=True, version=3)


def test_an_active_product_is_not_found_as_archived(products: ProductService) -> None:
    products.create(product_values())
    with pytest.raises(NotFoundError):
        products.get(SLUG, Status.ARCHIVED)


def test_archive_is_idempotent(products: ProductService, clock: FakeClock) -> None:
    products.create(product_values())
    archived = products.archive(SLUG)
    clock.advance()
    assert products.archive(SLUG) == archived


def test_an_archived_product_keeps_its_slug_and_can_be_updated(products: ProductService) -> None:
    products.create(product_values(is_active=False))
    with pytest.raises(ConflictError, match="archived"):
        products.create(product_values(slug=SLUG))
    assert products.create(product_values()).slug == f"{SLUG}-2"
    assert products.update(SLUG, {"name": "New"}).name == "New"
    assert products.adjust_stock(SLUG, 3) == 3


def test_former_slugs_redirect_to_the_current_one(products: ProductService) -> None:
    products.create(product_values())
    products.update(SLUG, {"slug": "second"})
    products.update("second", {"slug": "third"})
    calls: tuple[Callable[[str], object], ...] = (
        products.get,
        products.delete,
        products.archive,
        products.restore,
        lambda slug: products.update(slug, {}),
        lambda slug: products.replace(slug, product_values()),
        lambda slug: products.adjust_stock(slug, 1),
    )
    for former in (SLUG, "second"):
        for call in calls:
            with pytest.raises(SlugMovedError) as moved:
                call(former)
            assert moved.value.slug == "third"


def test_a_new_name_keeps_the_slug(products: ProductService) -> None:
    products.create(product_values())
    assert products.update(SLUG, {"name": "Other"}).slug == SLUG


@pytest.mark.parametrize(
    "slug", ["no-such", "", "A", "a/b", "\0", "\ud800", "é", "a" * 256, "a\n", "%"]
)
def test_unknown_and_invalid_slugs_are_not_found(products: ProductService, slug: str) -> None:
    products.create(product_values())
    calls: tuple[Callable[[], object], ...] = (
        lambda: products.get(slug, Status.ALL),
        lambda: products.update(slug, {"name": "New"}),
        lambda: products.replace(slug, product_values()),
        lambda: products.archive(slug),
        lambda: products.restore(slug),
        lambda: products.delete(slug),
        lambda: products.adjust_stock(slug, 1),
    )
    for call in calls:
        with pytest.raises(NotFoundError):
            call()


def test_an_invalid_slug_is_reported_without_control_characters(
    products: ProductService,
) -> None:
    with pytest.raises(NotFoundError) as missing:
        products.get("a\x1b[2Jb\ud800")
    assert str(missing.value) == "There is no product 'a\ufffd[2Jb\ufffd'"


def test_values_are_validated_before_the_product_is_looked_up(products: ProductService) -> None:
    assert errors_of(lambda: products.update("no-such", {"price": "0"})) == [
        FieldError("price", "Price must be positive")
    ]


def test_stock_goes_up_and_down_but_never_below_zero(
    products: ProductService, clock: FakeClock
) -> None:
    before = products.create(product_values(stock_quantity=5))
    clock.advance()
    assert products.adjust_stock(SLUG, -2) == 3
    with pytest.raises(ConflictError) as raised:
        products.adjust_stock(SLUG, -4)
    assert raised.value.field == "stock_quantity"
    assert products.get(SLUG) == evolve(before, stock_quantity=3)


def test_stock_may_change_by_its_whole_range_at_once(products: ProductService) -> None:
    products.create(product_values(stock_quantity=0))
    assert products.adjust_stock(SLUG, MAX_STOCK) == MAX_STOCK
    assert products.adjust_stock(SLUG, -MAX_STOCK) == 0


@pytest.mark.parametrize("delta", [2**31, -(2**31), 2**70, -(2**70)])
def test_stock_changes_out_of_range_are_conflicts(products: ProductService, delta: int) -> None:
    before = products.create(product_values())
    with pytest.raises(ConflictError):
        products.adjust_stock(SLUG, delta)
    assert products.get(SLUG) == before


def test_a_deleted_product_is_gone_permanently(products: ProductService) -> None:
    products.create(product_values(sku="EW"))
    products.delete(SLUG)
    with pytest.raises(NotFoundError):
        products.get(SLUG, Status.ALL)
    assert products.create(product_values(sku="EW")).slug == SLUG


def test_next_queries_lead_through_all_pages(products: ProductService) -> None:
    for number in range(5):
        products.create(product_values(name=f"Egg {number}"))
    listed_slugs: list[str] = []
    query: ProductQuery | None = ProductQuery.parse({"limit": "2"})
    while query is not None:
        page = products.list(query)
        listed_slugs += [product.slug for product in page.items]
        query = page.next_query and ProductQuery.parse(page.next_query.params())
    assert listed_slugs == [f"egg-{number}" for number in range(5)]


def test_an_export_reports_progress_before_each_product() -> None:
    products = make_shop().products
    for name in ("Egg", "Ham", "Oil"):
        products.create(product_values(name=name))
    numbers: list[int] = []
    stream = BytesIO()
    assert products.export_file(stream, progress=numbers.append) == ExportReport(3)
    assert numbers == [0, 1, 2]
    assert len(stream.getvalue().splitlines()) == 3


def test_an_import_reports_how_many_products_are_read_and_compared() -> None:
    calls: list[tuple[str, int]] = []
    entries = [ImportEntry(line, {"name": f"Egg {line}", "price": "9.50"}) for line in range(1001)]
    make_shop().products.import_products(
        entries, progress=lambda work, count: calls.append((work, count))
    )
    counts = [IMPORT_BATCH_SIZE, IMPORT_BATCH_SIZE + 1]
    assert calls == [(work, count) for work in ("Reading", "Comparing") for count in counts]


def test_importing_and_exporting_files_needs_a_reader_and_a_writer() -> None:
    products = ProductService(MemoryProductStore(), NhHtmlCleaner(), lambda: NOON)
    with pytest.raises(RuntimeError, match="a reader"):
        products.import_file(BytesIO())
    with pytest.raises(RuntimeError, match="a writer"):
        products.export_file(BytesIO())
