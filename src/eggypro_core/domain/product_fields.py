"""The fields of a product: a table of names, types and validators."""

from collections.abc import Callable, Mapping

from eggypro_core.domain.field_definition import FieldDefinition, FieldType
from eggypro_core.domain.gtin import GTIN
from eggypro_core.domain.image import ImageUrlBuilder, image_id_from, no_image_url
from eggypro_core.domain.pricing import MAX_PRICE
from eggypro_core.domain.product import MAX_ATTRIBUTES, MAX_IMAGES, MAX_STOCK, MAX_TAGS, Image
from eggypro_core.domain.slug import RESERVED_SLUGS, fold
from eggypro_core.domain.variant import SKU, WEIGHT_GRAMS
from eggypro_core.validation import fields


def images_validator(image_url: ImageUrlBuilder) -> Callable[[object], tuple[Image, ...]]:
    """Return the validator of a product's images, own or external (https).

    Each image is a reference, or a map of `ref` and `alt`. References to own images may be their
    public ID or one of their URLs.
    """

    def parse_ref(value: object) -> str:
        public_id = image_id_from(value, image_url) if isinstance(value, str) else None
        return public_id or _EXTERNAL_URL(value)

    def parse_image(value: object) -> Image:
        if isinstance(value, str):
            return Image(parse_ref(value))
        if isinstance(value, Mapping) and "ref" in value and set(value) <= {"ref", "alt"}:
            return Image(parse_ref(value["ref"]), ALT_TEXT(value.get("alt")))
        raise fields.InvalidValueError("Each image must be a URL, or a map of ref and alt")

    return fields.list_of("Images", fields.with_schema(parse_image, _IMAGE_SCHEMA), MAX_IMAGES)


ALT_TEXT = fields.optional(fields.single_line("Alt text", 255))
_REF_SCHEMA: fields.Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": fields.MAX_URL_LENGTH,
}
_IMAGE_SCHEMA: fields.Schema = {
    "anyOf": [
        _REF_SCHEMA,
        {
            "type": "object",
            "properties": {"ref": _REF_SCHEMA, "alt": fields.schema_of(ALT_TEXT)},
            "required": ["ref"],
            "additionalProperties": False,
        },
    ]
}
_EXTERNAL_URL = fields.https_url("Image URL", item_label="Each image")
STOCK_QUANTITY = fields.integer_between("Stock quantity", 0, MAX_STOCK)
ATTRIBUTE_TEXT = fields.single_line("Attribute", 1000)
ATTRIBUTE_NAME = fields.single_line("Attribute name", 100)
ATTRIBUTES_MAP = fields.string_map(
    "Attributes", maximum=MAX_ATTRIBUTES, key=ATTRIBUTE_NAME, text=ATTRIBUTE_TEXT
)

FORBIDDEN_NAME_CHARACTERS = "<>"


def details_validator(clean_html: Callable[[str], str]) -> fields.Validator:
    """Return the validator of `details`, which sanitises HTML."""
    return fields.multiline("Details", 50_000, clean_html)


def ingredients_validator(minimum: int) -> fields.Validator:
    """Return the validator of `ingredients`, which requires at least `minimum` of them."""
    return fields.list_of("Ingredients", fields.single_line("Ingredient", 255), 50, minimum=minimum)


def _parse_tags(value: object) -> tuple[str, ...]:
    """Return the tags without blank ones; of equal ones (folded), only the first."""
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise fields.InvalidValueError("Tags must be a list")
    tags: dict[str, str] = {}
    for item in value:
        if tag := _TAG(item):
            tags.setdefault(fold(tag), tag)
    if len(tags) > MAX_TAGS:
        raise fields.InvalidValueError(f"Too many tags: {len(tags)}, at most {MAX_TAGS}")
    return tuple(tags.values())


_TAG = fields.optional(fields.single_line("Tag", 255))
TAGS = fields.with_schema(
    _parse_tags,
    {"type": ["array", "null"], "items": fields.schema_of(_TAG), "maxItems": MAX_TAGS},
)
_PRICE = fields.money("Price", MAX_PRICE)
_COMPARE_AT_PRICE = fields.money("Compare-at price", MAX_PRICE)
_TRACK_STOCK = fields.boolean("Track stock")
_IS_ACTIVE = fields.boolean("Is active")
_IS_LISTED = fields.boolean("Is listed")
_BRAND = fields.single_line("Brand", 255)
PRODUCT_FIELDS = (
    FieldDefinition(
        "name", FieldType.TEXT, fields.single_line("Name", 255, excluded=FORBIDDEN_NAME_CHARACTERS)
    ),
    FieldDefinition(
        "slug", FieldType.TEXT, fields.slug("Slug", 255, RESERVED_SLUGS), keep_if_omitted=True
    ),
    FieldDefinition("sku", FieldType.TEXT, SKU, nullable=True),
    FieldDefinition("gtin", FieldType.TEXT, GTIN, nullable=True, keep_if_omitted=True),
    FieldDefinition("brand", FieldType.TEXT, _BRAND, nullable=True, keep_if_omitted=True),
    FieldDefinition("tags", FieldType.TEXT_LIST, TAGS, keep_if_omitted=True),
    FieldDefinition(
        "weight_grams", FieldType.INTEGER, WEIGHT_GRAMS, nullable=True, keep_if_omitted=True
    ),
    FieldDefinition("description", FieldType.TEXT, fields.multiline("Description", 5000)),
    FieldDefinition("details", FieldType.TEXT, details_validator(str), in_lists=False),
    FieldDefinition("price", FieldType.MONEY, _PRICE),
    FieldDefinition("compare_at_price", FieldType.MONEY, _COMPARE_AT_PRICE, nullable=True),
    FieldDefinition("images", FieldType.IMAGES, images_validator(no_image_url)),
    FieldDefinition("ingredients", FieldType.TEXT_LIST, ingredients_validator(1)),
    FieldDefinition("attributes", FieldType.TEXT_MAP, ATTRIBUTES_MAP, in_lists=False),
    FieldDefinition(
        "seo_title", FieldType.TEXT, fields.single_line("SEO title", 255), nullable=True
    ),
    FieldDefinition(
        "seo_description", FieldType.TEXT, fields.single_line("SEO description", 500), nullable=True
    ),
    FieldDefinition("stock_quantity", FieldType.INTEGER, STOCK_QUANTITY, keep_if_omitted=True),
    FieldDefinition("track_stock", FieldType.BOOLEAN, _TRACK_STOCK, keep_if_omitted=True),
    FieldDefinition("is_active", FieldType.BOOLEAN, _IS_ACTIVE, keep_if_omitted=True),
    FieldDefinition("is_listed", FieldType.BOOLEAN, _IS_LISTED, keep_if_omitted=True),
)
"""The fields of a product that writes can set, except `variants` and `categories`.

Validation, rows, files, responses and the OpenAPI document are derived from them. A new field is
added here and to three record classes; docs/adding-a-field.md lists the other steps.
"""
