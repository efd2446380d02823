"""The variants of products on the memory store, and what they do to their product."""

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
from eggypro_core.serializers import product_body, variant_body
from eggypro_core.shop import Shop
from eggypro_core.validation.parameters import Status
from tests.support.builders import make_shop, product_values, variant_values

SLUG = "egg-white-protein"
HIGHEST = 2_147_483_647
PRICED = {"price": "20.00", "compare_at_price": "25.00", "stock_quantity": 4}
NO_PRICE = {name: value for name, value in product_values().items() if name != "price"}


@pytest.fixture
def shop() -> Shop:
    """A shop with one product."""
    shop = make_shop()
    shop.products.create(product_values(stock_quantity=9))
    return shop


@pytest.fixture
def variant(shop: Shop) -> Variant:
    """The one variant of its product, which is at version 2."""
    return shop.variants.create(SLUG, variant_values(**PRICED, sku="EW-1"))


def found(shop: Shop) -> tuple[Product, tuple[Variant, ...]]:
    """The product and all its variants, as they are now."""
    query = VariantQuery(product=SLUG, status=Status.ALL)
    return shop.products.get(SLUG, Status.ALL), shop.variants.list(query).items


def faults(call: Callable[[], object]) -> list[FieldError]:
    with pytest.raises(ValidationError) as invalid:
        call()
    return list(invalid.value.errors)


Edit = Callable[[Shop, int, int | None], object]
EDITS: dict[str, Edit] = {
    "change": lambda shop, one, at: shop.variants.update(SLUG, one, {"price": "1"}, version=at),
    "replace": lambda shop, one, at: shop.variants.replace(SLUG, one, variant_values(), version=at),
    "remove": lambda shop, one, at: shop.variants.delete(SLUG, one, version=at),
}
each_edit = pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())


def test_what_is_added_is_found_and_the_product_shows_it(shop: Shop, variant: Variant) -> None:
    assert shop.variants.get(SLUG, variant.id) == variant
    assert (variant.version, variant.position, variant.sku) == (2, 0, "EW-1")
    product = shop.products.get(SLUG)
    assert (str(product.price), str(product.compare_at_price)) == ("20.00", "25.00")
    assert (product.stock_quantity, product.variant_count, product.version) == (4, 1, 2)
    assert product.variants == (variant,)


@pytest.mark.parametrize("name", REQUIRED_FIELDS)
def test_a_new_variant_says_all_that_is_required(shop: Shop, name: str) -> None:
    values = variant_values()
    del values[name]
    for write in (
        lambda: shop.variants.create(SLUG, values),
        lambda: shop.variants.replace(SLUG, 1, values),
    ):
        assert faults(write) == [FieldError(name, f"{name.capitalize()} is required")]


def test_only_a_replacement_passes_over_the_id_that_is_shown(shop: Shop, variant: Variant) -> None:
    refused = [FieldError("id", "Cannot be set here")]
    assert faults(lambda: shop.variants.create(SLUG, variant_values(id=1))) == refused
    assert faults(lambda: shop.variants.update(SLUG, variant.id, {"id": variant.id})) == refused
    assert shop.variants.replace(SLUG, variant.id, variant_values(id=99)).id == variant.id


def test_a_change_leaves_alone_what_it_does_not_name(shop: Shop, variant: Variant) -> None:
    changed = shop.variants.update(SLUG, variant.id, {"options": {"Flavour": "Salt"}})
    options = {**variant.options, "Flavour": "Salt"}
    assert changed == evolve(variant, options=options)
    assert changed.version == 3
    assert shop.variants.get(SLUG, variant.id) == changed


def test_a_replacement_empties_what_is_optional_and_keeps_stock_place_and_state(
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


@each_edit
def test_a_write_at_the_version_that_was_read_is_made(
    shop: Shop, variant: Variant, edit: Edit
) -> None:
    edit(shop, variant.id, 2)
    assert shop.products.get(SLUG).version == 3


@each_edit
@pytest.mark.parametrize("version", [0, 1, 3])
def test_a_write_at_another_version_is_stale_and_changes_nothing(
    shop: Shop, variant: Variant, edit: Edit, version: int
) -> None:
    before = found(shop)
    with pytest.raises(VersionConflictError, match="version 2"):
        edit(shop, variant.id, version)
    assert found(shop) == before


def test_a_write_to_the_product_or_a_sibling_makes_a_version_stale_and_stock_does_not(
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
def test_a_change_of_nothing_makes_no_version(
    shop: Shop, variant: Variant, values: dict[str, object]
) -> None:
    assert shop.variants.update(SLUG, variant.id, values).version == 2
    assert shop.products.get(SLUG).version == 2
    with pytest.raises(VersionConflictError):
        shop.variants.update(SLUG, variant.id, values, version=1)


def of_one(shop: Shop, slug: str, one: int) -> list[Callable[[], object]]:
    """Whatever can be done with one variant, but for removing it."""
    return [
        lambda: shop.variants.get(slug, one, Status.ALL),
        lambda: shop.variants.update(slug, one, {"price": "1"}),
        lambda: shop.variants.replace(slug, one, variant_values()),
        lambda: shop.variants.adjust_stock(slug, one, 1),
        lambda: shop.variants.adjust_stock(slug, one, 2**31),
        lambda: shop.variants.set_stock(slug, one, 1),
        lambda: shop.variants.update_stock(slug, one, {"delta": 1}),
    ]


def of_many(shop: Shop, slug: str, one: int) -> list[Callable[[], object]]:
    return [
        lambda: shop.variants.list(VariantQuery(product=slug, status=Status.ALL)),
        lambda: shop.variants.create(slug, variant_values(options={"Size": "9"})),
        lambda: shop.variants.delete(slug, one),
    ]


@pytest.mark.parametrize("number", [0, -1, 99, 2**31, -(2**31), 2**63, 10**100])
def test_an_id_that_is_no_variant_s_is_not_found_and_removing_it_needs_nothing(
    shop: Shop, variant: Variant, number: int
) -> None:
    for call in of_one(shop, SLUG, number):
        with pytest.raises(NotFoundError, match=f"no variant {number}") as missing:
            call()
        assert missing.value.kind == "variant"
    shop.variants.delete(SLUG, number)
    shop.variants.delete(SLUG, number, version=99)
    assert shop.products.get(SLUG).variants == (variant,)


@pytest.mark.parametrize("slug", ["no-such", "", "A", "a/b", "\0", "\ud800", "a" * 256])
def test_what_no_product_is_called_has_no_variants(shop: Shop, variant: Variant, slug: str) -> None:
    for call in (*of_one(shop, slug, variant.id), *of_many(shop, slug, variant.id)):
        with pytest.raises(NotFoundError) as missing:
            call()
        assert missing.value.kind == "product"


def test_the_variant_of_another_product_is_not_found(shop: Shop, variant: Variant) -> None:
    shop.products.create(product_values(name="Other"))
    for call in of_one(shop, "other", variant.id):
        with pytest.raises(NotFoundError, match="'other' has no variant"):
            call()
    shop.variants.delete("other", variant.id)
    assert shop.products.get(SLUG).variants == (variant,)


def test_a_former_slug_leads_on_whatever_is_done(shop: Shop, variant: Variant) -> None:
    shop.products.update(SLUG, {"slug": "second"})
    for call in (*of_one(shop, SLUG, variant.id), *of_many(shop, SLUG, variant.id)):
        with pytest.raises(SlugMovedError) as moved:
            call()
        assert moved.value.slug == "second"


def test_values_are_refused_before_the_variant_is_looked_for(shop: Shop) -> None:
    for write in (
        lambda: shop.variants.create("none", {"price": "0"}),
        lambda: shop.variants.replace("none", 1, {"price": "0"}),
    ):
        assert [fault.field for fault in faults(write)] == ["price", "options"]
    assert faults(lambda: shop.variants.update("none", 0, {"price": "0"})) == [
        FieldError("price", "Price must be positive")
    ]
    assert faults(lambda: shop.variants.update_stock("none", 0, {})) == [
        FieldError("delta", "Either delta or set must be given")
    ]


def test_an_inactive_variant_is_found_by_who_asks_for_it(shop: Shop, variant: Variant) -> None:
    shop.variants.update(SLUG, variant.id, {"is_active": False})
    with pytest.raises(NotFoundError):
        shop.variants.get(SLUG, variant.id)
    assert shop.variants.get(SLUG, variant.id, Status.ARCHIVED).sku == "EW-1"
    assert shop.variants.list(VariantQuery(product=SLUG)).items == ()
    assert shop.products.get(SLUG).variants == ()
    assert len(shop.products.get(SLUG, Status.ALL).variants) == 1


@pytest.mark.parametrize(
    ("values", "left"),
    [({"delta": -4}, 0), ({"delta": 0}, 4), ({"set": 40}, 40), ({"set": 0}, 0)],
)
def test_stock_is_changed_as_the_values_say(
    shop: Shop, variant: Variant, values: dict[str, object], left: int
) -> None:
    assert shop.variants.update_stock(SLUG, variant.id, values) == left
    assert shop.variants.get(SLUG, variant.id).stock_quantity == left
    product = shop.products.get(SLUG)
    assert (product.stock_quantity, product.version) == (left, 2)


@pytest.mark.parametrize("delta", [-5, HIGHEST, 2**31, -(2**31), -(10**30)])
def test_stock_that_would_leave_what_can_be_counted_stays(
    shop: Shop, variant: Variant, delta: int
) -> None:
    with pytest.raises(ConflictError, match="The stock is 4") as refused:
        shop.variants.update_stock(SLUG, variant.id, {"delta": delta})
    assert refused.value.field == "stock_quantity"
    assert shop.variants.get(SLUG, variant.id) == variant


@pytest.mark.parametrize("values", [{}, {"delta": 1, "set": 1}, {"set": -1}, {"delta": "1"}])
def test_a_change_of_stock_is_a_delta_or_a_count(
    shop: Shop, variant: Variant, values: dict[str, object]
) -> None:
    assert faults(lambda: shop.variants.update_stock(SLUG, variant.id, values))
    assert shop.variants.get(SLUG, variant.id) == variant


OTHERS = [
    {"price": "19.99"},
    {"compare_at_price": "24.00"},
    {"compare_at_price": None},
    {"stock_quantity": 5},
    {"track_stock": False},
]


@pytest.mark.parametrize("values", OTHERS)
def test_what_follows_from_variants_cannot_be_set_to_anything_else(
    shop: Shop, variant: Variant, values: dict[str, object]
) -> None:
    shop.variants.create(SLUG, variant_values(options={"Size": "2 kg"}, price="21"))
    before = found(shop)
    writes: list[Callable[[], object]] = [
        lambda: shop.products.update(SLUG, {"name": "New", **values}),
        lambda: shop.products.replace(SLUG, {**NO_PRICE, **values}),
    ]
    for write in writes:
        with pytest.raises(ConflictError, match="follows from the product's variants") as refused:
            write()
        assert refused.value.field == next(iter(values))
    assert found(shop) == before
    assert variant in before[1]


@pytest.mark.parametrize(
    "values",
    [
        {"price": "20.000"},
        {"price": Decimal(20), "compare_at_price": "25.00"},
        {"stock_quantity": 4, "track_stock": True},
    ],
)
def test_what_follows_from_variants_may_be_said_as_it_is(
    shop: Shop, variant: Variant, values: dict[str, object]
) -> None:
    changed = shop.products.update(SLUG, {"name": "New", **values})
    assert (changed.name, changed.variants) == ("New", (variant,))
    replaced = shop.products.replace(SLUG, {**NO_PRICE, **values})
    assert (replaced.price, replaced.version) == (Decimal("20.00"), 4)
    assert replaced.compare_at_price == Decimal("25.00")


def test_with_inactive_variants_only_price_and_stock_still_follow(
    shop: Shop, variant: Variant
) -> None:
    shop.variants.update(SLUG, variant.id, {"is_active": False})
    for values in ({"price": "1"}, {"stock_quantity": 1}, {"compare_at_price": None}):
        with pytest.raises(ConflictError):
            shop.products.update(SLUG, values)
    assert shop.products.update(SLUG, {"price": "20.00", "stock_quantity": 0}).version == 3


def test_without_variants_a_product_has_price_and_stock_of_its_own_again(
    shop: Shop, variant: Variant
) -> None:
    shop.variants.delete(SLUG, variant.id)
    product = shop.products.get(SLUG)
    assert (str(product.price), product.stock_quantity) == ("20.00", 0)
    assert shop.products.update(SLUG, {"price": "1", "compare_at_price": None}).price == 1
    assert shop.products.set_stock(SLUG, 3) == 3


def test_a_replacement_needs_a_price_only_where_variants_do_not_set_it(
    shop: Shop,
) -> None:
    required = [FieldError("price", "Price is required")]
    assert faults(lambda: shop.products.replace(SLUG, NO_PRICE)) == required
    only = shop.variants.create(SLUG, variant_values(**PRICED))
    assert shop.products.replace(SLUG, NO_PRICE).price == Decimal("20.00")
    shop.variants.delete(SLUG, only.id)
    assert faults(lambda: shop.products.replace(SLUG, NO_PRICE)) == required


def test_a_replacement_that_is_wrong_by_itself_says_so_whatever_the_price(
    shop: Shop,
) -> None:
    refused = faults(lambda: shop.products.replace(SLUG, {**NO_PRICE, "name": "<"}))
    assert [fault.field for fault in refused] == ["name"]


_texts = st.sampled_from(["1", "2", "Ä b"])
_fields: dict[str, st.SearchStrategy[object]] = {
    "options": st.dictionaries(st.sampled_from(["Size", "Flavour"]), _texts, min_size=1),
    "price": st.sampled_from(["1", "2.50"]),
}
_optional: dict[str, st.SearchStrategy[object]] = {
    "compare_at_price": st.sampled_from([None, "3.00"]),
    "stock_quantity": st.integers(0, 2) | st.just(HIGHEST),
    "track_stock": st.booleans(),
    "image": st.sampled_from([None, "https://x.example/1.jpg"]),
    "position": st.integers(0, 3),
    "is_active": st.booleans(),
}


@given(
    st.lists(
        st.fixed_dictionaries(_fields, optional=_optional),
        max_size=4,
        unique_by=lambda one: json.dumps(one["options"], sort_keys=True),
    )
)
def test_what_get_shows_of_product_and_variants_can_be_put_back(
    values: list[dict[str, object]],
) -> None:
    shop = make_shop()
    shop.products.create(product_values())
    for each in values:
        shop.variants.create(SLUG, each)
    before = found(shop)
    product, variants = before
    put = json.loads(json.dumps(product_body(product, "EUR", no_image_url)))
    assert shop.products.replace(SLUG, put, version=product.version) == shop.products.get(SLUG)
    for one in variants:
        again = json.loads(json.dumps(variant_body(one)))
        assert shop.variants.replace(SLUG, one.id, again, version=product.version) == one
    assert found(shop) == before
