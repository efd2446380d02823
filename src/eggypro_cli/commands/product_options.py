"""The fields of products and variants as options and as a file of JSON: both make one object."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import wraps
from typing import Annotated, Any, BinaryIO, TypeAlias

import typer

from eggypro_cli.options import WHOLE
from eggypro_cli.output import UsageError

_Command: TypeAlias = Callable[..., None]
MAX_JSON_BYTES = 1024 * 1024
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
    """Return the number that a text is; one that is none is left for the domain to refuse."""
    return int(text) if WHOLE.fullmatch(text) else text


NameOption = Annotated[str | None, typer.Option("--name", metavar="TEXT", help="The name.")]
SlugOption = Annotated[
    str | None,
    typer.Option("--slug", metavar="SLUG", help="The slug; without it, it is made of the name."),
]
NewSlugOption = Annotated[
    str | None,
    typer.Option("--slug", metavar="SLUG", help="A new slug; the old one leads to it from then."),
]
DescriptionOption = Annotated[
    str | None, typer.Option("--description", metavar="TEXT", help="The description, plain text.")
]
_OFFER = {
    "price": _text_option("--price", "The price, such as 24.99.", "AMOUNT"),
    "compare_at_price": _text_option(
        "--compare-at-price", "A former price, above the price.", "AMOUNT"
    ),
}
_SKU = {"sku": _text_option("--sku", "The SKU.")}
_STOCK = {
    "stock_quantity": _integer_option("How many are in stock.", "--stock-quantity", "--stock"),
    "track_stock": _flag_option(
        "--track-stock/--no-track-stock", "Count the stock, or always be in stock."
    ),
}
_STATE = {"is_active": _flag_option("--active/--archived", "On sale, or kept but not shown.")}
_PRODUCT = {
    "name": NameOption,
    "slug": SlugOption,
    **_SKU,
    "description": DescriptionOption,
    "details": _text_option("--details", "The details, as HTML.", "HTML"),
    **_OFFER,
    "ingredients": _list_option("--ingredient", "An ingredient; repeat it to name them all."),
    "attributes": _list_option("--attribute", "An attribute; repeat it for each.", "NAME=VALUE"),
    "no_attributes": _list_option("--no-attribute", "Take an attribute away; repeatable.", "NAME"),
    "images": _list_option("--image", "The https address of an image; repeatable.", "ADDRESS"),
    "categories": _list_option("--category", "A category that it is in; repeatable.", "SLUG"),
    "seo_title": _text_option("--seo-title", "The title for search engines."),
    "seo_description": _text_option("--seo-description", "The description for search engines."),
    **_STOCK,
    **_STATE,
}
VARIANT_EDIT = {
    "options": _list_option(
        "--option",
        "What tells it from others, such as 'Size=1 kg'; repeat it for each.",
        "NAME=VALUE",
    ),
    "no_options": _list_option("--no-option", "Take an option away; repeatable.", "NAME"),
    **_OFFER,
    **_SKU,
    **_STOCK,
    "image": _text_option("--image", "The https address of its image.", "ADDRESS"),
    "position": _integer_option("Its place among its siblings, from 0.", "--position"),
    **_STATE,
}
NEW_PRODUCT = _without(_PRODUCT, "no_attributes")
PRODUCT_EDIT = {**_without(_PRODUCT, "images", "categories"), "slug": NewSlugOption}
NEW_VARIANT = _without(VARIANT_EDIT, "no_options")
ClearOption = Annotated[
    list[Clearable] | None, typer.Option("--clear", help="Empty a field; repeatable.")
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


def given_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that options name, by the names of the wire; the others are left out."""
    return {name: value for name, value in options.items() if value not in (None, [])}


def with_options(options: Mapping[str, object]) -> Callable[[_Command], _Command]:
    """Return a decorator that gives a command these options in the place of `options`.

    Typer reads options from a signature: so many, twice, are better made of one table.
    """

    def decorate(command: _Command) -> _Command:
        @wraps(command)
        def run(**arguments: Any) -> None:
            command(options={name: arguments.pop(name) for name in options}, **arguments)

        signature = inspect.signature(command, eval_str=True)
        parameters: list[inspect.Parameter] = []
        for parameter in signature.parameters.values():
            made = [
                parameter.replace(name=name, default=None, annotation=option)
                for name, option in options.items()
            ]
            parameters += made if parameter.name == "options" else [parameter]
        run.__dict__["__signature__"] = signature.replace(parameters=parameters)
        return run

    return decorate


def body(
    options: Mapping[str, Any],
    file: BinaryIO | None,
    entry: str,
    clear: Sequence[StrEnum] | None = None,
) -> dict[str, object]:
    """Return the object that a file of JSON and options make together: options win.

    `entry` is the word for an entry of the field of which options set single entries.
    """
    fields = given_options(options)
    pairs, gone = fields.pop(f"{entry}s", None), fields.pop(f"no_{entry}s", None)
    fields |= with_cleared(clear, fields)
    edits = entries(entry, pairs, gone)
    return with_entries(json_object(file) | fields, f"{entry}s", edits)


def entries(
    word: str, pairs: Sequence[str] | None, gone: Sequence[str] | None = None
) -> dict[str, object]:
    """Return the entries of a map that `--word NAME=VALUE` gives, as None those to be gone."""
    edits = [*(_pair(word, text) for text in pairs or ()), *((name, None) for name in gone or ())]
    names = [name for name, _ in edits]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UsageError(f"The {word} '{twice}' is given twice")
    return dict(edits)


def with_entries(
    values: dict[str, object], field: str, edits: Mapping[str, object]
) -> dict[str, object]:
    """Return the values with single entries of a map set, or gone, on top of those it has."""
    if not edits:
        return values
    former = values.get(field, {})
    if former is None:
        raise UsageError(f"The {field} are cleared and set at once: do one after the other")
    return {**values, field: {**(former if isinstance(former, dict) else {}), **edits}}


def with_cleared(
    fields: Sequence[StrEnum] | None, options: Mapping[str, object]
) -> dict[str, object]:
    """Return the fields that are to be emptied, none of which an option may set."""
    names = [field.value for field in fields or ()]
    both = [name for name in names if name in options]
    if both:
        raise UsageError(f"--clear {both[0]} contradicts the option that sets it")
    return dict.fromkeys(names)


def json_object(file: BinaryIO | None) -> dict[str, object]:
    """Return the JSON object of a file; without one, an empty object. Raises ParseError."""
    if file is None:
        return {}
    from eggypro_core import ParseError
    from eggypro_core.validation import strict_json
    from eggypro_core.validation.fields import InvalidValueError

    try:
        value = strict_json.parse(_text(file))
    except InvalidValueError as refused:
        raise ParseError(f"The file cannot be read. {refused}") from None
    if not isinstance(value, dict):
        raise ParseError("The file must hold one JSON object")
    return value


def _text(file: BinaryIO) -> str:
    from eggypro_core import ParseError

    data = file.read(MAX_JSON_BYTES + 1)
    if len(data) > MAX_JSON_BYTES:
        raise ParseError(f"The file is too long: {MAX_JSON_BYTES} bytes are the most")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ParseError(f"The file is not UTF-8 (byte {error.start + 1})") from None


def _pair(word: str, text: str) -> tuple[str, str | None]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--{word} takes NAME=VALUE, which '{text}' is not")
    return name, value
