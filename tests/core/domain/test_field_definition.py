"""Tests of field definitions: their serializer, and that the record classes agree with them."""

from decimal import Decimal
from types import NoneType
from typing import get_args, get_type_hints

import pytest
from attrs import fields_dict, frozen

from eggypro_core.domain.field_definition import FieldDefinition, FieldType, serializer
from eggypro_core.domain.product import REQUIRED_FIELDS, ListedProduct, Product, ProductDraft
from eggypro_core.domain.product_changes import ProductChanges
from eggypro_core.domain.product_fields import PRODUCT_FIELDS
from eggypro_core.domain.variant import VARIANT_FIELDS, Variant, VariantChanges, VariantDraft
from eggypro_core.validation.fields import single_line
from eggypro_core.validation.unset import UNSET


@frozen
class Offer:
    """An object to serialize."""

    name: str = "Egg"
    price: Decimal = Decimal("1.50")
    list_price: Decimal | None = None


OFFER_FIELDS = (
    FieldDefinition("name", FieldType.TEXT, single_line("Name", 10)),
    FieldDefinition("price", FieldType.MONEY, single_line("Price", 10)),
    FieldDefinition("list_price", FieldType.MONEY, single_line("List price", 10), nullable=True),
)


@pytest.mark.parametrize("definition", PRODUCT_FIELDS, ids=lambda definition: definition.name)
def test_product_classes_have_every_field(definition: FieldDefinition) -> None:
    assert definition.name in fields_dict(ProductDraft)
    assert fields_dict(ProductChanges)[definition.name].default is UNSET
    assert (definition.name in fields_dict(ListedProduct)) == definition.in_lists
    assert definition.nullable == (NoneType in get_args(get_type_hints(Product)[definition.name]))


@pytest.mark.parametrize("definition", VARIANT_FIELDS, ids=lambda definition: definition.name)
def test_variant_classes_have_every_field(definition: FieldDefinition) -> None:
    assert definition.name in fields_dict(VariantDraft)
    assert fields_dict(VariantChanges)[definition.name].default is UNSET
    assert definition.nullable == (NoneType in get_args(get_type_hints(Variant)[definition.name]))


def test_omittable_fields_have_an_empty_value() -> None:
    for definition in PRODUCT_FIELDS:
        if (
            definition.name not in REQUIRED_FIELDS
            and not definition.keep_if_omitted
            and definition.type is not FieldType.IMAGES
        ):
            assert definition.empty in (None, (), {})


def test_serializer_returns_members_in_order() -> None:
    serialize = serializer(
        ["price", "id", "list_price", "name"], OFFER_FIELDS, {FieldType.MONEY: str}
    )
    expected = {"price": "1.50", "id": 7, "list_price": None, "name": "Egg"}
    assert list(serialize(Offer(), id=7).items()) == list(expected.items())
    assert serialize(Offer(list_price=Decimal(2)), id=8)["list_price"] == "2"


def test_serializer_requires_members_without_a_definition() -> None:
    with pytest.raises(TypeError, match="id"):
        serializer(["id", "name"], OFFER_FIELDS, {})(Offer())
