"""Parse a product from its rows in Shopify's CSV."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from eggypro_adapters.files.attributes import fit_attributes
from eggypro_adapters.files.html import plain_text
from eggypro_adapters.files.product_record import optional_texts
from eggypro_adapters.files.row_messages import RowMessages
from eggypro_adapters.files.shopify.columns import TEXT_COLUMNS
from eggypro_adapters.files.shopify.images import images_of_rows
from eggypro_adapters.files.shopify.rows import ShopifyRow
from eggypro_adapters.files.shopify.variants import (
    has_real_variants,
    offer_fields,
    shared_weight,
    variant_fields,
)
from eggypro_core.domain.product_files import ImportEntry
from eggypro_core.validation.fields import escape_control

_MAX_DESCRIPTION_LENGTH = 5000
_MAX_HTML_LENGTH = 200_000
"""Characters of HTML read for the description; longer `details` are rejected anyway."""
_MAX_LISTED_LINES = 5
_YES = frozenset({"true", "yes", "1"})
_NO = frozenset({"false", "no", "0"})
_STATUSES = frozenset({"active", "draft", "archived"})


def parse_product(rows: Sequence[ShopifyRow], attributes: Sequence[str]) -> ImportEntry:
    """Return the product of one handle's rows; `attributes` are the names of attribute columns."""
    messages = RowMessages(rows[0].line)
    _warn_of_gaps(rows, messages)
    if "price" in rows[0].cells and not any(row.cells["price"] for row in rows):
        messages.add_warning("price", "Skipped: no price")
        return ImportEntry(messages.line, None, warnings=tuple(messages.warnings))
    values = _values(rows, attributes, messages)
    return ImportEntry(
        messages.line,
        None if messages.errors else values,
        tuple(messages.errors),
        tuple(messages.warnings),
    )


def _values(
    rows: Sequence[ShopifyRow], attributes: Sequence[str], messages: RowMessages
) -> dict[str, object]:
    main = next((row for row in rows if row.cells.get("title")), rows[0]).cells
    variants = [row for row in rows if row.is_variant]
    values: dict[str, object] = {"slug": main["handle"].lower()}
    values |= _texts(main, messages) | _state(main, messages)
    if has_real_variants(variants):
        values |= variant_fields(variants, rows, messages)
    else:
        values |= offer_fields(variants, messages)
        if "sku" in main:
            values["sku"] = (variants[0].cells if variants else main)["sku"] or None
    if "image" in main or "variant_image" in main:
        values["images"] = images_of_rows([row.cells for row in rows], messages)
    if attributes or "barcode" in main or "grams" in main:
        values["attributes"] = _attributes(main, variants, attributes, messages)
    return values


def _warn_of_gaps(rows: Sequence[ShopifyRow], messages: RowMessages) -> None:
    if rows[-1].number - rows[0].number == len(rows) - 1:
        return
    starts = [rows[0], *(row for before, row in pairwise(rows) if row.number != before.number + 1)]
    lines = [str(row.line) for row in starts[:_MAX_LISTED_LINES]]
    listed = ", ".join([*lines, "..."] if len(starts) > _MAX_LISTED_LINES else lines)
    messages.add_warning(
        "slug",
        f"The rows of handle '{escape_control(rows[0].cells['handle'])}' are not together "
        f"(lines {listed}): imported as one product",
    )


def _texts(main: Mapping[str, str], messages: RowMessages) -> dict[str, object]:
    values: dict[str, object] = {"name": main["title"]} if main.get("title") else {}
    if "body" in main:
        text = plain_text(main["body"][:_MAX_HTML_LENGTH])
        values["details"] = main["body"]
        values["description"] = messages.shorten(
            text, "description", "Description", _MAX_DESCRIPTION_LENGTH
        )
    return values | optional_texts(TEXT_COLUMNS, main, messages)


def _state(main: Mapping[str, str], messages: RowMessages) -> dict[str, object]:
    """Return `is_active`, or nothing if the cells are blank: then it is unchanged."""
    published = _parse_word(main, "published", "Published", _YES | _NO, messages)
    status = _parse_word(main, "status", "Status", _STATUSES, messages)
    if not published and not status:
        return {}
    return {"is_active": published not in _NO and status in ("", "active")}


def _parse_word(
    main: Mapping[str, str], name: str, label: str, values: frozenset[str], messages: RowMessages
) -> str:
    word = main.get(name, "").lower()
    if not word or word in values:
        return word
    messages.add_warning("is_active", f"Unknown {label} value '{escape_control(word)}': ignored")
    return ""


def _attributes(
    main: Mapping[str, str],
    variants: Sequence[ShopifyRow],
    names: Sequence[str],
    messages: RowMessages,
) -> dict[str, str]:
    attributes = {name: main[name] for name in names if main[name]}
    if len(variants) == 1 and (barcode := variants[0].cells.get("barcode")):
        attributes["Barcode"] = barcode
    return fit_attributes(attributes | shared_weight(variants, messages), messages)
