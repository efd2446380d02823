"""The fields of products and variants as options and as a file of JSON: both make one object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, BinaryIO

import typer

from eggypro_cli.options import WHOLE
from eggypro_cli.output import WrongUsageError

LARGEST = 1024 * 1024
"""How many bytes a file may have: as many as a request over HTTP."""


class Clearable(StrEnum):
    """The fields that a product can do without."""

    SKU = "sku"
    COMPARE_AT_PRICE = "compare_at_price"
    SEO_TITLE = "seo_title"
    SEO_DESCRIPTION = "seo_description"
    ATTRIBUTES = "attributes"


class ClearableOfVariant(StrEnum):
    """The fields that a variant can do without."""

    SKU = "sku"
    COMPARE_AT_PRICE = "compare_at_price"
    IMAGE = "image"


NameOption = Annotated[str | None, typer.Option("--name", metavar="TEXT", help="The name.")]
SlugOption = Annotated[
    str | None,
    typer.Option("--slug", metavar="SLUG", help="The slug; without it, it is made of the name."),
]
NewSlugOption = Annotated[
    str | None,
    typer.Option("--slug", metavar="SLUG", help="A new slug; the old one leads to it from then."),
]
SkuOption = Annotated[str | None, typer.Option("--sku", metavar="TEXT", help="The SKU.")]
DescriptionOption = Annotated[
    str | None, typer.Option("--description", metavar="TEXT", help="The description, plain text.")
]
DetailsOption = Annotated[
    str | None, typer.Option("--details", metavar="HTML", help="The details, as HTML.")
]
PriceOption = Annotated[
    str | None, typer.Option("--price", metavar="AMOUNT", help="The price, such as 24.99.")
]
CompareAtOption = Annotated[
    str | None,
    typer.Option("--compare-at-price", metavar="AMOUNT", help="A former price, above the price."),
]
IngredientsOption = Annotated[
    list[str] | None,
    typer.Option("--ingredient", metavar="TEXT", help="An ingredient; repeat it to name them all."),
]
AttributesOption = Annotated[
    list[str] | None,
    typer.Option("--attribute", metavar="NAME=VALUE", help="An attribute; repeat it for each."),
]
NoAttributesOption = Annotated[
    list[str] | None,
    typer.Option("--no-attribute", metavar="NAME", help="Take an attribute away; repeatable."),
]
ImagesOption = Annotated[
    list[str] | None,
    typer.Option("--image", metavar="ADDRESS", help="The https address of an image; repeatable."),
]
CategoriesOption = Annotated[
    list[str] | None,
    typer.Option("--category", metavar="SLUG", help="A category that it is in; repeatable."),
]
SeoTitleOption = Annotated[
    str | None, typer.Option("--seo-title", metavar="TEXT", help="The title for search engines.")
]
SeoDescriptionOption = Annotated[
    str | None,
    typer.Option("--seo-description", metavar="TEXT", help="The description for search engines."),
]
QuantityOption = Annotated[
    str | None,
    typer.Option("--stock-quantity", "--stock", metavar="N", help="How many are in stock."),
]
TrackOption = Annotated[
    bool | None,
    typer.Option("--track-stock/--no-track-stock", help="Count the stock, or always be in stock."),
]
ActiveOption = Annotated[
    bool | None, typer.Option("--active/--archived", help="On sale, or kept but not shown.")
]
ClearOption = Annotated[
    list[Clearable] | None, typer.Option("--clear", help="Empty a field; repeatable.")
]
OptionsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        metavar="NAME=VALUE",
        help="What tells it from others, such as 'Size=1 kg'; repeat it for each.",
    ),
]
NoOptionsOption = Annotated[
    list[str] | None,
    typer.Option("--no-option", metavar="NAME", help="Take an option away; repeatable."),
]
ImageOption = Annotated[
    str | None,
    typer.Option("--image", metavar="ADDRESS", help="The https address of its image."),
]
PositionOption = Annotated[
    str | None,
    typer.Option("--position", metavar="N", help="Its place among its siblings, from 0."),
]
ClearOfVariantOption = Annotated[
    list[ClearableOfVariant] | None, typer.Option("--clear", help="Empty a field; repeatable.")
]
FromOption = Annotated[
    typer.FileBinaryRead | None,
    typer.Option(
        "--from", metavar="FILE|-", help="Take a JSON object from a file; options go before it."
    ),
]


def given(options: Mapping[str, object]) -> dict[str, object]:
    """Return the fields that options name, by the names of the wire; the others are left out."""
    return {name: value for name, value in options.items() if value not in (None, [])}


def number(text: str | None) -> int | str | None:
    """Return the number that a text is; one that is none is left for the domain to refuse."""
    return int(text) if text is not None and WHOLE.fullmatch(text) else text


def entries(
    word: str, pairs: Sequence[str] | None, gone: Sequence[str] | None = None
) -> dict[str, object]:
    """Return the entries of a map that `--word NAME=VALUE` gives, as None those to be gone."""
    edits = [*(_pair(word, text) for text in pairs or ()), *((name, None) for name in gone or ())]
    names = [name for name, _ in edits]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise WrongUsageError(f"The {word} '{twice}' is given twice")
    return dict(edits)


def with_entries(
    values: dict[str, object], field: str, edits: Mapping[str, object]
) -> dict[str, object]:
    """Return the values with single entries of a map set, or gone, on top of those it has."""
    if not edits:
        return values
    former = values.get(field, {})
    if former is None:
        raise WrongUsageError(f"The {field} are cleared and set at once: do one after the other")
    return {**values, field: {**(former if isinstance(former, dict) else {}), **edits}}


def cleared(fields: Sequence[StrEnum] | None, options: Mapping[str, object]) -> dict[str, object]:
    """Return the fields that are to be emptied, none of which an option may set."""
    names = [field.value for field in fields or ()]
    both = [name for name in names if name in options]
    if both:
        raise WrongUsageError(f"--clear {both[0]} contradicts the option that sets it")
    return dict.fromkeys(names)


def json_object(file: BinaryIO | None) -> dict[str, object]:
    """Return the JSON object of a file; without one, an empty object. Raises MalformedError."""
    if file is None:
        return {}
    from eggypro_core import MalformedError
    from eggypro_core.validation import strict_json
    from eggypro_core.validation.fields import RefusedError

    try:
        value = strict_json.parse(_text(file))
    except RefusedError as refused:
        raise MalformedError(f"The file cannot be read. {refused}") from None
    if not isinstance(value, dict):
        raise MalformedError("The file must hold one JSON object")
    return value


def _text(file: BinaryIO) -> str:
    from eggypro_core import MalformedError

    data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise MalformedError(f"The file is too long: {LARGEST} bytes are the most")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MalformedError(f"The file is not UTF-8 (byte {error.start + 1})") from None


def _pair(word: str, text: str) -> tuple[str, str | None]:
    name, equals, value = text.partition("=")
    if not equals:
        raise WrongUsageError(f"--{word} takes NAME=VALUE, which '{text}' is not")
    return name, value
