"""The fields of a product: one table of names, types and validators."""

from collections.abc import Callable, Mapping

from eggypro_core.domain.field_definition import FieldDefinition, FieldType
from eggypro_core.domain.image import AddressOf, nowhere, own_id
from eggypro_core.domain.pricing import HIGHEST_PRICE
from eggypro_core.domain.product import ATTRIBUTES, HIGHEST_STOCK, IMAGES, Image
from eggypro_core.domain.slug import RESERVED
from eggypro_core.validation import fields


def image_list(address: AddressOf) -> Callable[[object], tuple[Image, ...]]:
    """Return the rule of a product's images: each our own or at an https address, maybe with alt.

    Each is given as its reference, or as a map of `ref` and `alt`.
    """

    def ref(value: object) -> str:
        own = own_id(value, address) if isinstance(value, str) else None
        return own or image_url(value)

    def image(value: object) -> Image:
        if isinstance(value, str):
            return Image(ref(value))
        if isinstance(value, Mapping) and "ref" in value and set(value) <= {"ref", "alt"}:
            return Image(ref(value["ref"]), alt_text(value.get("alt")))
        raise fields.RefusedError("Each image must be an address, or a map of ref and alt")

    return fields.listed("Images", fields.shaped(image, _IMAGE_SHAPE), IMAGES)


alt_text = fields.optional(fields.line("Alt text", 255))
_REF: fields.Shape = {"type": "string", "minLength": 1, "maxLength": 2048}
_IMAGE_SHAPE: fields.Shape = {
    "anyOf": [
        _REF,
        {
            "type": "object",
            "properties": {"ref": _REF, "alt": fields.shape_of(alt_text)},
            "required": ["ref"],
            "additionalProperties": False,
        },
    ]
}
image_url = fields.address("Image address", each="Each image")
STOCK_QUANTITY = fields.whole("Stock quantity", 0, HIGHEST_STOCK)
ATTRIBUTE_TEXT = fields.line("Attribute", 1000)
ATTRIBUTE_NAME = fields.line("Attribute name", 100)
ATTRIBUTES_MAP = fields.text_map(
    "Attributes", maximum=ATTRIBUTES, key=ATTRIBUTE_NAME, text=ATTRIBUTE_TEXT
)

NOT_IN_NAMES = "<>{}[]\\^~|`"


def details_validator(clean_html: Callable[[str], str]) -> fields.Rule:
    """Return the validator of `details`, which cleans its HTML."""
    return fields.long_text("Details", 50_000, clean_html)


def ingredients_validator(least: int) -> fields.Rule:
    """Return the validator of `ingredients`, of which there must be at least so many."""
    return fields.listed("Ingredients", fields.line("Ingredient", 255), 50, least=least)


_PRICE = fields.money("Price", HIGHEST_PRICE)
_COMPARE_AT_PRICE = fields.money("Compare-at price", HIGHEST_PRICE)
_TRACK_STOCK = fields.yes_or_no("Track stock")
_IS_ACTIVE = fields.yes_or_no("Is active")
PRODUCT_FIELDS = (
    FieldDefinition("name", FieldType.TEXT, fields.line("Name", 255, never=NOT_IN_NAMES)),
    FieldDefinition(
        "slug", FieldType.TEXT, fields.slug("Slug", 255, RESERVED), keep_if_omitted=True
    ),
    FieldDefinition("sku", FieldType.TEXT, fields.line("SKU", 100), nullable=True),
    FieldDefinition("description", FieldType.TEXT, fields.long_text("Description", 5000)),
    FieldDefinition("details", FieldType.TEXT, details_validator(str), in_lists=False),
    FieldDefinition("price", FieldType.MONEY, _PRICE),
    FieldDefinition("compare_at_price", FieldType.MONEY, _COMPARE_AT_PRICE, nullable=True),
    FieldDefinition("images", FieldType.IMAGES, image_list(nowhere)),
    FieldDefinition("ingredients", FieldType.TEXT_LIST, ingredients_validator(1)),
    FieldDefinition("attributes", FieldType.TEXT_MAP, ATTRIBUTES_MAP, in_lists=False),
    FieldDefinition("seo_title", FieldType.TEXT, fields.line("SEO title", 255), nullable=True),
    FieldDefinition(
        "seo_description", FieldType.TEXT, fields.line("SEO description", 500), nullable=True
    ),
    FieldDefinition("stock_quantity", FieldType.INTEGER, STOCK_QUANTITY, keep_if_omitted=True),
    FieldDefinition("track_stock", FieldType.BOOLEAN, _TRACK_STOCK, keep_if_omitted=True),
    FieldDefinition("is_active", FieldType.BOOLEAN, _IS_ACTIVE, keep_if_omitted=True),
)
"""The fields of a product that writes can set, but for `variants` and `categories`.

Validation, rows, files, responses and their description derive from these. A new field stands here
and in the three classes of `product.py`; docs/adding-a-field.md has the rest.
"""
