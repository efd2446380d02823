"""Tests of VariantService on the memory store, and of the variant summary of products."""

import json
from collections.abc import Callable
from decimal import Decimal

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from eggypro_core.domain.image import no_image_url
from eggypro_core.domain.product import Product
from eggypro_core.domain.variant import REQUIRED_FIELDS, Variant, VariantQuery
from eggypro_core.errors import (
    ConflictError,
    FieldError,
    NotFoundError,
    SlugMovedError,
    ValidationError,
    VersionConflictError,
)
from eggypro_core.serializers import ProductSerializer, variant_body
from eggypro_core.shop import Shop
from eggypro_core.validation.parameters import Status
from tests.support.builders import make_shop, product_values, variant_values

SLUG = "egg-white-protein"
MAX_STOCK = 2_147_483_647
PRICED = {"price": "20.00", "compare_at_price": "25.00", "stock_quantity": 4}
NO_PRICE = {name: value for name, value in product_values().items() if name != "price"}


@pytest.fixture
def shop() -> Shop:
    """Return a shop with one product."""
    shop = make_shop()
    shop.products.create(product_values(stock_quantity=9))
    return shop


@pytest.fixture
def variant(shop: Shop) -> Variant:
    """Return the only variant of the product, which is at version 2."""
    return shop.variants.create(SLUG, variant_values(**PRICED, sku="EW-1"))


def product_and_variants(shop: Shop) -> tuple[Product, tuple[Variant, ...]]:
    """Return the current product and all its variants."""
    query = VariantQuery(product=SLUG, status=Status.ALL)
    return shop.products.get(SLUG, Status.ALL), shop.variants.list(query).items


def errors_of(call: Callable[[], object]) -> list[FieldError]:
    with pytest.raises(ValidationError) as invalid:
        call()
    return list(invalid.value.errors)


Edit = Callable[[Shop, int, int | None], object]
EDITS: dict[str, Edit] = {
    "update": lambda shop, id_, at: shop.variants.update(SLUG, id_, {"price": "1"}, version=at),
    "replace": lambda shop, id_, at: shop.variants.replace(SLUG, id_, variant_values(), version=at),
    "delete": lambda shop, id_, at: shop.variants.delete(SLUG, id_, version=at),
}
all_edits = pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())


def test_a_created_variant_is_stored_and_updates_the_product(shop: Shop, variant: Variant) -> None:
    assert shop.variants.get(SLUG, variant.id) == variant
    assert (variant.version, variant.position, variant.sku) == (2, 0, "EW-1")
    product = shop.products.get(SLUG)
    assert (str(product.price), str(product.compare_at_price)) == ("20.00", "25.00")
    assert (product.stock_quantity, product.variant_count, product.version) == (4, 1, 2)
    assert product.variants == (variant,)


@pytest.mark.parametrize("name", REQUIRED_FIELDS)
def test_a_new_variant_needs_all_required_fields(shop: Shop, name: str) -> None:
    values = variant_values()
    del values[name]
    for write in (
        lambda: shop.variants.create(SLUG, values),
        lambda: shop.variants.replace(SLUG, 1, values),
    ):
        assert errors_of(write) == [FieldError(name, f"{name.capitalize()} is required")]


def test_only_a_replacement_ignores_the_read_only_id(shop: Shop, variant: Variant) -> None:
    errors = [FieldError("id", "Cannot be set here")]
    assert errors_of(lambda: shop.variants.create(SLUG, variant_values(id=1))) == errors
    assert errors_of(lambda: shop.variants.update(SLUG, variant.id, {"id": variant.id})) == errors
    assert shop.variants.replace(SLUG, variant.id, variant_values(id=99)).id == variant.id


def test_an_update_leaves_omitted_fields_unchanged(shop: Shop, variant: Variant) -> None:
    changed = shop.variants.update(SLUG, variant.id, {"options": {"Flavour": "Salt"}})
    options = {**variant.options, "Flavour": "Salt"}
    assert changed == evolve(variant, options=options)
    assert changed.version == 3
    assert shop.variants.get(SLUG, variant.id) == changed


def test_a_replacement_clears_optional_fields_and_keeps_stock_position_and_status(
    shop: Shop, variant: Variant
) -> None:
    shop.variants.update(
        SLUG,
        variant.id,
        {"image": "https://x.example/1.jpg", "position": 5, "is_active": False},
    )
    replaced = shop.variants.replace(SLUG, variant.id, variant_values(price="7"))
    assert replaced == evolve(
        variant,
        price=Decimal(7),
        sku=None,
        compare_at_price=None,
        position=5,
        is_active=False,
    )


@all_edits
def test_a_write_at_the_current_version_succeeds(shop: Shop, variant: Variant, edit: Edit) -> None:
    edit(shop, variant.id, 2)
    assert shop.products.get(SLUG).version == 3


@all_edits
@pytest.mark.parametrize("version", [0, 1, 3])
def test_a_write_at_another_version_is_a_conflict_and_changes_nothing(
    shop: Shop, variant: Variant, edit: Edit, version: int
) -> None:
    before = product_and_variants(shop)
    with pytest.raises(VersionConflictError, match="version 2"):
        edit(shop, variant.id, version)
    assert product_and_variants(shop) == before


def test_writes_to_product_and_siblings_change_the_version_but_stock_does_not(
    shop: Shop, variant: Variant
) -> None:
    shop.variants.adjust_stock(SLUG, variant.id, 1)
    shop.variants.update(SLUG, variant.id, {"price": "9"}, version=2)
    shop.products.update(SLUG, {"name": "New"}, version=3)
    sibling = shop.variants.create(SLUG, variant_values(options={"Size": "2"}))
    assert sibling.version == 5
    with pytest.raises(VersionConflictError):
        shop.variants.update(SLUG, variant.id, {"price": "9"}, version=4)
    with pytest.raises(VersionConflictError):
        shop.products.update(SLUG, {"name": "Newer"}, version=4)


@pytest.mark.parametrize("values", [{}, {"price": "20.000"}, {"options": {"Size": " 1  kg"}}])
def test_an_update_without_a_change_creates_no_version(
    shop: Shop, variant: Variant, values: dict[str, object]
) -> None:
    assert shop.variants.update(SLUG, variant.id, values).version == 2
    assert shop.products.get(SLUG).version == 2
    with pytest.raises(VersionConflictError):
        shop.variants.update(SLUG, variant.id, values, version=1)


def single_variant_calls(shop: Shop, slug: str, variant_id: int) -> list[Callable[[], object]]:
    """Return all operations on one variant, except deletion."""
    return [
        lambda: shop.variants.get(slug, variant_id, Status.ALL),
        lambda: shop.variants.update(slug, variant_id, {"price": "1"}),
        lambda: shop.variants.replace(slug, variant_id, variant_values()),
        lambda: shop.variants.adjust_stock(slug, variant_id, 1),
        lambda: shop.variants.adjust_stock(slug, variant_id, 2**31),
        lambda: shop.variants.set_stock(slug, variant_id, 1),
        lambda: shop.variants.update_stock(slug, variant_id, {"delta": 1}),
    ]


def other_calls(shop: Shop, slug: str, variant_id: int) -> list[Callable[[], object]]:
    return [
        lambda: shop.variants.list(VariantQuery(product=slug, status=Status.ALL)),
        lambda: shop.variants.create(slug, variant_values(options={"Size": "9"})),
        lambda: shop.variants.delete(slug, variant_id),
    ]


@pytest.mark.parametrize("number", [0, -1, 99, 2**31, -(2**31), 2**63, 10**100])
def test_an_unknown_id_is_not_found_and_deleting_it_is_no_error(
    shop: Shop, variant: Variant, number: int
) -> None:
    for call in single_variant_calls(shop, SLUG, number):
        with pytest.raises(NotFoundError, match=f"no variant {number}") as missing:
            call()
        assert missing.value.kind == "variant"
    shop.variants.delete(SLUG, number)
    shop.variants.delete(SLUG, number, version=99)
    assert shop.products.get(SLUG).variants == (variant,)


@pytest.mark.parametrize("slug", ["no-such", "", "A", "a/b", "\0", "\ud800", "a" * 256])
def test_unknown_and_invalid_product_slugs_are_not_found(
    shop: Shop, variant: Variant, slug: str
) -> None:
    for call in (
        *single_variant_calls(shop, slug, variant.id),
        *other_calls(shop, slug, variant.id),
    ):
        with pytest.raises(NotFoundError) as missing:
            call()
        assert missing.value.kind == "product"


def test_the_variant_of_another_product_is_not_found(shop: Shop, variant: Variant) -> None:
    shop.products.create(product_values(name="Other"))
    for call in single_variant_calls(shop, "other", variant.id):
        with pytest.raises(NotFoundError, match="'other' has no variant"):
            call()
    shop.variants.delete("other", variant.id)
    assert shop.products.get(SLUG).variants == (variant,)


def test_former_slugs_redirect_for_every_operation(shop: Shop, variant: Variant) -> None:
    shop.products.update(SLUG, {"slug": "second"})
    for call in (
        *single_variant_calls(shop, SLUG, variant.id),
        *other_calls(shop, SLUG, variant.id),
    ):
        with pytest.raises(SlugMovedError) as moved:
            call()
        assert moved.value.slug == "second"


def test_values_are_validated_before_the_variant_is_looked_up(shop: Shop) -> None:
    for write in (
        lambda: shop.variants.create("none", {"price": "0"}),
        lambda: shop.variants.replace("none", 1, {"price": "0"}),
    ):
        assert [error.field for error in errors_of(write)] == ["price", "options"]
    assert errors_of(lambda: shop.variants.update("none", 0, {"price": "0"})) == [
        FieldError("price", "Price must be positive")
    ]
    assert errors_of(lambda: shop.variants.update_stock("none", 0, {})) == [
        FieldError("delta", "Either delta or set must be given")
    ]


def test_an_inactive_variant_is_found_only_by_its_status(shop: Shop, variant: Variant) -> None:
    shop.variants.update(SLUG, variant.id, {"is_active": False})
    with pytest.raises(NotFoundError):
        shop.variants.get(SLUG, variant.id)
    assert shop.variants.get(SLUG, variant.id, Status.ARCHIVED).sku == "EW-1"
    assert shop.variants.list(VariantQuery(product=SLUG)).items == ()
    assert shop.products.get(SLUG).variants == ()
    assert len(shop.products.get(SLUG, Status.ALL).variants) == 1


@pytest.mark.parametrize(
    ("values", "stock"),
    [({"delta": -4}, 0), ({"delta": 0}, 4), ({"set": 40}, 40), ({"set": 0}, 0)],
)
def test_stock_is_adjusted_by_delta_or_set(
    shop: Shop, variant: Variant, values: dict[str, object], stock: int
) -> None:
    assert shop.variants.update_stock(SLUG, variant.id, values) == stock
    assert shop.variants.get(SLUG, variant.id).stock_quantity == stock
    product = shop.products.get(SLUG)
    assert (product.stock_quantity, product.version) == (stock, 2)


@pytest.mark.parametrize("delta", [-5, MAX_STOCK, 2**31, -(2**31), -(10**30)])
def test_stock_out_of_range_is_a_conflict(shop: Shop, variant: Variant, delta: int) -> None:
    with pytest.raises(ConflictError, match=r"stock: 4 available|high: 4 plus") as raised:
        shop.variants.update_stock(SLUG, variant.id, {"delta": delta})
    assert raised.value.field == "stock_quantity"
    assert shop.variants.get(SLUG, variant.id) == variant


def test_stock_may_change_by_its_whole_range_at_once(shop: Shop, variant: Variant) -> None:
    shop.variants.set_stock(SLUG, variant.id, 0)
    assert shop.variants.adjust_stock(SLUG, variant.id, MAX_STOCK) == MAX_STOCK
    assert shop.variants.adjust_stock(SLUG, variant.id, -MAX_STOCK) == 0


@pytest.mark.parametrize("values", [{}, {"delta": 1, "set": 1}, {"set": -1}, {"delta": "1"}])
def test_a_stock_change_is_either_delta_or_set(
    shop: Shop, variant: Variant, values: dict[str, object]
) -> None:
    assert errors_of(lambda: shop.variants.update_stock(SLUG, variant.id, values))
    assert shop.variants.get(SLUG, variant.id) == variant


OTHER_VALUES = [
    {"price": "19.99"},
    {"compare_at_price": "24.00"},
    {"compare_at_price": None},
    {"stock_quantity": 5},
    {"track_stock": False},
]


@pytest.mark.parametrize("values", OTHER_VALUES)
def test_derived_fields_cannot_be_set_to_other_values(
    shop: Shop, variant: Variant, values: dict[str, object]
) -> None:
    shop.variants.create(SLUG, variant_values(options={"Size": "2 kg"}, price="21"))
    before = product_and_variants(shop)
    writes: list[Callable[[], object]] = [
        lambda: shop.products.update(SLUG, {"name": "New", **values}),
        lambda: shop.products.replace(SLUG, {**NO_PRICE, **values}),
    ]
    for write in writes:
        with pytest.raises(ConflictError, match="derived from the product's variants") as raised:
            write()
        assert raised.value.field == next(iter(values))
    assert product_and_variants(shop) == before
    assert variant in before[1]


@pytest.mark.parametrize(
    "values",
    [
        {"price": "20.000"},
        {"price": Decimal(20), "compare_at_price": "25.00"},
        {"stock_quantity": 4, "track_stock": True},
    ],
)
def test_derived_fields_can_be_set_to_their_current_values(
    shop: Shop, variant: Variant, values: dict[str, object]
) -> None:
    changed = shop.products.update(SLUG, {"name": "New", **values})
    assert (changed.name, changed.variants) == ("New", (variant,))
    replaced = shop.products.replace(SLUG, {**NO_PRICE, **values})
    assert (replaced.price, replaced.version) == (Decimal("20.00"), 4)
    assert replaced.compare_at_price == Decimal("25.00")


def test_price_and_stock_are_derived_with_only_inactive_variants(
    shop: Shop, variant: Variant
) -> None:
    shop.variants.update(SLUG, variant.id, {"is_active": False})
    for values in ({"price": "1"}, {"stock_quantity": 1}, {"compare_at_price": None}):
        with pytest.raises(ConflictError):
            shop.products.update(SLUG, values)
    assert shop.products.update(SLUG, {"price": "20.00", "stock_quantity": 0}).version == 3


def test_deleting_all_variants_restores_own_price_and_stock(shop: Shop, variant: Variant) -> None:
    shop.variants.delete(SLUG, variant.id)
    product = shop.products.get(SLUG)
    assert (str(product.price), product.stock_quantity) == ("20.00", 0)
    assert shop.products.update(SLUG, {"price": "1", "compare_at_price": None}).price == 1
    assert shop.products.set_stock(SLUG, 3) == 3


def test_a_replacement_needs_a_price_only_without_variants(
    shop: Shop,
) -> None:
    required = [FieldError("price", "Price is required")]
    assert errors_of(lambda: shop.products.replace(SLUG, NO_PRICE)) == required
    only = shop.variants.create(SLUG, variant_values(**PRICED))
    assert shop.products.replace(SLUG, NO_PRICE).price == Decimal("20.00")
    shop.variants.delete(SLUG, only.id)
    assert errors_of(lambda: shop.products.replace(SLUG, NO_PRICE)) == required


def test_an_invalid_replacement_is_rejected_without_a_price(
    shop: Shop,
) -> None:
    errors = errors_of(lambda: shop.products.replace(SLUG, {**NO_PRICE, "name": "<"}))
    assert [error.field for error in errors] == ["name"]


_texts = st.sampled_from(["1", "2", "Ä b"])
_fields: dict[str, st.SearchStrategy[object]] = {
    "options": st.dictionaries(st.sampled_from(["Size", "Flavour"]), _texts, min_size=1),
    "price": st.sampled_from(["1", "2.50"]),
}
_optional: dict[str, st.SearchStrategy[object]] = {
    "compare_at_price": st.sampled_from([None, "3.00"]),
    "stock_quantity": st.integers(0, 2) | st.just(MAX_STOCK),
    "track_stock": st.booleans(),
    "image": st.sampled_from([None, "https://x.example/1.jpg"]),
    "position": st.integers(0, 3),
    "is_active": st.booleans(),
}


@given(
    st.lists(
        st.fixed_dictionaries(_fields, optional=_optional),
        max_size=4,
        unique_by=lambda values: json.dumps(values["options"], sort_keys=True),
    )
)
def test_get_bodies_of_product_and_variants_can_be_put_back(
    values: list[dict[str, object]],
) -> None:
    shop = make_shop()
    shop.products.create(product_values())
    for variant_fields in values:
        shop.variants.create(SLUG, variant_fields)
    before = product_and_variants(shop)
    product, variants = before
    body = json.loads(json.dumps(ProductSerializer("EUR", no_image_url).product(product)))
    assert shop.products.replace(SLUG, body, version=product.version) == shop.products.get(SLUG)
    for variant in variants:
        body = json.loads(json.dumps(variant_body(variant)))
        assert shop.variants.replace(SLUG, variant.id, body, version=product.version) == variant
    assert product_and_variants(shop) == before
