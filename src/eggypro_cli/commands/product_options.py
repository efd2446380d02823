"""Fields of products and variants as command-line options and as a JSON file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, BinaryIO

import typer

from eggypro_cli.options import INTEGER
from eggypro_cli.output import UsageError

MAX_JSON_BYTES = 1024 * 1024
"""Maximum size of a JSON file, the same as of an HTTP request body."""


class Clearable(StrEnum):
    """Product fields that can be cleared."""

    SKU = "sku"
    GTIN = "gtin"
    BRAND = "brand"
    TAGS = "tags"
    WEIGHT_GRAMS = "weight_grams"
    COMPARE_AT_PRICE = "compare_at_price"
    SEO_TITLE = "seo_title"
    SEO_DESCRIPTION = "seo_description"
    ATTRIBUTES = "attributes"


class ClearableOfVariant(StrEnum):
    """Variant fields that can be cleared."""

    SKU = "sku"
    GTIN = "gtin"
    WEIGHT_GRAMS = "weight_grams"
    COMPARE_AT_PRICE = "compare_at_price"
    IMAGE = "image"


def _text_option(option: str, text: str, metavar: str = "TEXT") -> object:
    return Annotated[str | None, typer.Option(option, metavar=metavar, help=text)]


def _list_option(option: str, text: str, metavar: str = "TEXT") -> object:
    return Annotated[list[str] | None, typer.Option(option, metavar=metavar, help=text)]


def _integer_option(text: str, *options: str) -> object:
    return Annotated[
        str | None, typer.Option(*options, metavar="N", help=text, parser=parse_number)
    ]


def _flag_option(options: str, text: str) -> object:
    return Annotated[bool | None, typer.Option(options, help=text)]


def _without(options: Mapping[str, object], *names: str) -> dict[str, object]:
    return {name: option for name, option in options.items() if name not in names}


def parse_number(text: str) -> int | str:
    """Parse an integer; return other text unchanged, for the core to reject with its field."""
    return int(text) if INTEGER.fullmatch(text) else text


NameOption = Annotated[str | None, typer.Option("--name", metavar="TEXT", help="Name.")]
SlugOption = Annotated[
    str | None,
    typer.Option("--slug", metavar="SLUG", help="Slug; generated from the name by default."),
]
NewSlugOption = Annotated[
    str | None,
    typer.Option("--slug", metavar="SLUG", help="New slug; the old one redirects to it."),
]
DescriptionOption = Annotated[
    str | None, typer.Option("--description", metavar="TEXT", help="Description as plain text.")
]
_OFFER = {
    "price": _text_option("--price", "Price, e.g. 24.99.", "AMOUNT"),
    "compare_at_price": _text_option(
        "--compare-at-price", "Compare-at price, above the price.", "AMOUNT"
    ),
}
_SKU = {"sku": _text_option("--sku", "SKU.")}
_GTIN = {
    "gtin": _text_option("--gtin", "GTIN, the number of the barcode (EAN, UPC).", "DIGITS"),
}
_WEIGHT = {"weight_grams": _integer_option("Weight in grams.", "--weight-grams", "--weight")}
_STOCK = {
    "stock_quantity": _integer_option("Stock quantity.", "--stock-quantity", "--stock"),
    "track_stock": _flag_option(
        "--track-stock/--no-track-stock", "Track the stock; untracked products are always in stock."
    ),
}
_STATE = {"is_active": _flag_option("--active/--archived", "Show to customers, or hide.")}
_PRODUCT = {
    "name": NameOption,
    "slug": SlugOption,
    **_SKU,
    **_GTIN,
    "brand": _text_option("--brand", "Brand."),
    "tags": _list_option("--tag", "Tag; repeat it to list all of them."),
    **_WEIGHT,
    "description": DescriptionOption,
    "details": _text_option("--details", "Details as HTML.", "HTML"),
    **_OFFER,
    "ingredients": _list_option("--ingredient", "Ingredient; repeat it to list all of them."),
    "attributes": _list_option("--attribute", "Attribute; repeatable.", "NAME=VALUE"),
    "no_attributes": _list_option("--no-attribute", "Remove an attribute; repeatable.", "NAME"),
    "images": _list_option("--image", "https URL of an image; repeatable.", "URL"),
    "categories": _list_option("--category", "Category of the product; repeatable.", "SLUG"),
    "seo_title": _text_option("--seo-title", "Title for search engines."),
    "seo_description": _text_option("--seo-description", "Description for search engines."),
    **_STOCK,
    **_STATE,
    "is_listed": _flag_option(
        "--listed/--unlisted", "Show in lists and searches, or only at its own address."
    ),
}
VARIANT_EDIT = {
    "options": _list_option(
        "--option",
        "Option of the variant, e.g. 'Size=1 kg'; repeatable.",
        "NAME=VALUE",
    ),
    "no_options": _list_option("--no-option", "Remove an option; repeatable.", "NAME"),
    **_OFFER,
    **_SKU,
    **_GTIN,
    **_WEIGHT,
    **_STOCK,
    "image": _text_option("--image", "https URL of the image.", "URL"),
    "position": _integer_option("Position among the variants, from 0.", "--position"),
    **_STATE,
}
NEW_PRODUCT = _without(_PRODUCT, "no_attributes")
PRODUCT_EDIT = {**_without(_PRODUCT, "images", "categories"), "slug": NewSlugOption}
NEW_VARIANT = _without(VARIANT_EDIT, "no_options")


def _clear_option(fields: type[StrEnum]) -> object:
    text = f"Clear a field; repeatable. Fields: {', '.join(fields)}."
    return typer.Option("--clear", metavar="FIELD", help=text)


ClearOption = Annotated[list[Clearable] | None, _clear_option(Clearable)]
ClearOfVariantOption = Annotated[list[ClearableOfVariant] | None, _clear_option(ClearableOfVariant)]
FromOption = Annotated[
    typer.FileBinaryRead | None,
    typer.Option(
        "--from", metavar="FILE|-", help="Read a JSON object from a file; options override it."
    ),
]


def non_empty_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that are set, by the field names of the HTTP API."""
    return {name: value for name, value in options.items() if value not in (None, [])}


def merge_options(
    options: Mapping[str, Any],
    file: BinaryIO | None,
    entry: str,
    clear: Sequence[StrEnum] | None = None,
) -> dict[str, object]:
    """Merge a JSON file and options into one object; options override the file.

    `entry` is the singular name of the map field whose entries have options of their own.
    """
    fields = non_empty_options(options)
    pairs, removed = fields.pop(f"{entry}s", None), fields.pop(f"no_{entry}s", None)
    fields |= cleared_as_null(clear, fields)
    edits = parse_entries(entry, pairs, removed)
    return merge_entries(json_object(file) | fields, f"{entry}s", edits)


def parse_entries(
    word: str, pairs: Sequence[str] | None, removed: Sequence[str] | None = None
) -> dict[str, object]:
    """Return the entries of `--word NAME=VALUE` options; None for entries to remove."""
    edits = [
        *(_pair(word, text) for text in pairs or ()),
        *((name, None) for name in removed or ()),
    ]
    names = [name for name, _ in edits]
    if len(set(names)) < len(names):
        duplicate = next(name for name in names if names.count(name) > 1)
        raise UsageError(f"The {word} '{duplicate}' appears twice")
    return dict(edits)


def merge_entries(
    values: dict[str, object], field: str, edits: Mapping[str, object]
) -> dict[str, object]:
    """Return the values with entries of a map field set (or removed, if None)."""
    if not edits:
        return values
    current = values.get(field, {})
    if current is None:
        raise UsageError(f"Cannot clear and set {field} in one command")
    return {**values, field: {**(current if isinstance(current, dict) else {}), **edits}}


def cleared_as_null(
    fields: Sequence[StrEnum] | None, options: Mapping[str, object]
) -> dict[str, object]:
    """Return the fields to clear as None. Raises UsageError if an option sets one of them."""
    names = [field.value for field in fields or ()]
    conflicts = [name for name in names if name in options]
    if conflicts:
        raise UsageError(f"--clear {conflicts[0]} cannot be combined with the option that sets it")
    return dict.fromkeys(names)


def json_object(file: BinaryIO | None) -> dict[str, object]:
    """Read the JSON object of a file; empty without a file. Raises ParseError."""
    if file is None:
        return {}
    from eggypro_core import ParseError
    from eggypro_core.validation import strict_json
    from eggypro_core.validation.fields import InvalidValueError

    try:
        value = strict_json.parse(_text(file))
    except InvalidValueError as invalid:
        raise ParseError(f"The file cannot be read. {invalid}") from None
    if not isinstance(value, dict):
        raise ParseError("The file must contain one JSON object")
    return value


def _text(file: BinaryIO) -> str:
    from eggypro_core import ParseError

    data = file.read(MAX_JSON_BYTES + 1)
    if len(data) > MAX_JSON_BYTES:
        raise ParseError(f"The file is too large (at most {MAX_JSON_BYTES} bytes)")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ParseError(f"The file is not UTF-8 (byte {error.start + 1})") from None


def _pair(word: str, text: str) -> tuple[str, str | None]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--{word} must be NAME=VALUE, not '{text}'")
    return name, value
