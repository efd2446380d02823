"""The fields of products and variants: one definition, and classes that agree with it."""

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
    """What is serialized here."""

    name: str = "Egg"
    price: Decimal = Decimal("1.50")
    former: Decimal | None = None


OFFER_FIELDS = (
    FieldDefinition("name", FieldType.TEXT, single_line("Name", 10)),
    FieldDefinition("price", FieldType.MONEY, single_line("Price", 10)),
    FieldDefinition("former", FieldType.MONEY, single_line("Former", 10), nullable=True),
)


@pytest.mark.parametrize("definition", PRODUCT_FIELDS, ids=lambda definition: definition.name)
def test_the_classes_of_a_product_have_every_field(definition: FieldDefinition) -> None:
    assert definition.name in fields_dict(ProductDraft)
    assert fields_dict(ProductChanges)[definition.name].default is UNSET
    assert (definition.name in fields_dict(ListedProduct)) == definition.in_lists
    assert definition.nullable == (NoneType in get_args(get_type_hints(Product)[definition.name]))


@pytest.mark.parametrize("definition", VARIANT_FIELDS, ids=lambda definition: definition.name)
def test_the_classes_of_a_variant_have_every_field(definition: FieldDefinition) -> None:
    assert definition.name in fields_dict(VariantDraft)
    assert fields_dict(VariantChanges)[definition.name].default is UNSET
    assert definition.nullable == (NoneType in get_args(get_type_hints(Variant)[definition.name]))


def test_every_field_is_required_or_keeps_its_value_or_has_an_empty_one() -> None:
    for definition in PRODUCT_FIELDS:
        if (
            definition.name not in REQUIRED_FIELDS
            and not definition.keep_if_omitted
            and definition.type is not FieldType.IMAGES
        ):
            assert definition.empty in (None, (), {})


def test_an_object_is_serialized_in_the_order_of_its_members() -> None:
    serialize = serializer(["price", "id", "former", "name"], OFFER_FIELDS, {FieldType.MONEY: str})
    expected = {"price": "1.50", "id": 7, "former": None, "name": "Egg"}
    assert list(serialize(Offer(), id=7).items()) == list(expected.items())
    assert serialize(Offer(former=Decimal(2)), id=8)["former"] == "2"


def test_a_member_without_a_definition_must_be_given() -> None:
    with pytest.raises(TypeError, match="id"):
        serializer(["id", "name"], OFFER_FIELDS, {})(Offer())
