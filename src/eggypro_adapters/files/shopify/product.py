"""One product of Shopify's, put together from its rows."""

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
"""Characters of HTML that are looked at for the description: details may not be longer anyway."""
_MAX_LISTED_LINES = 5
_YES = frozenset({"true", "yes", "1"})
_NO = frozenset({"false", "no", "0"})
_STATUSES = frozenset({"active", "draft", "archived"})


def parse_product(rows: Sequence[ShopifyRow], attributes: Sequence[str]) -> ImportEntry:
    """Return the product that the rows of one handle make; `attributes` names those columns."""
    notes = RowMessages(rows[0].line)
    _warn_of_gaps(rows, notes)
    if "price" in rows[0].cells and not any(row.cells["price"] for row in rows):
        notes.add_warning("price", "Skipped: no price")
        return ImportEntry(notes.line, None, warnings=tuple(notes.warnings))
    values = _values(rows, attributes, notes)
    return ImportEntry(
        notes.line, None if notes.errors else values, tuple(notes.errors), tuple(notes.warnings)
    )


def _values(
    rows: Sequence[ShopifyRow], attributes: Sequence[str], notes: RowMessages
) -> dict[str, object]:
    main = next((row for row in rows if row.cells.get("title")), rows[0]).cells
    variants = [row for row in rows if row.is_variant]
    values: dict[str, object] = {"slug": main["handle"].lower()}
    values |= _texts(main, notes) | _state(main, notes)
    if has_real_variants(variants):
        values |= variant_fields(variants, rows, notes)
    else:
        values |= offer_fields(variants, notes)
        if "sku" in main:
            values["sku"] = (variants[0].cells if variants else main)["sku"] or None
    if "image" in main or "variant_image" in main:
        values["images"] = images_of_rows([row.cells for row in rows], notes)
    if attributes or "barcode" in main or "grams" in main:
        values["attributes"] = _attributes(main, variants, attributes, notes)
    return values


def _warn_of_gaps(rows: Sequence[ShopifyRow], notes: RowMessages) -> None:
    if rows[-1].number - rows[0].number == len(rows) - 1:
        return
    parts = [rows[0], *(b for a, b in pairwise(rows) if b.number != a.number + 1)]
    lines = [str(row.line) for row in parts[:_MAX_LISTED_LINES]]
    named = ", ".join([*lines, "..."] if len(parts) > _MAX_LISTED_LINES else lines)
    notes.add_warning(
        "slug", f"The rows of this product are not together (lines {named}): taken as one"
    )


def _texts(main: Mapping[str, str], notes: RowMessages) -> dict[str, object]:
    values: dict[str, object] = {"name": main["title"]} if main.get("title") else {}
    if "body" in main:
        text = plain_text(main["body"][:_MAX_HTML_LENGTH])
        values["details"] = main["body"]
        values["description"] = notes.shorten(
            text, "description", "Description", _MAX_DESCRIPTION_LENGTH
        )
    return values | optional_texts(TEXT_COLUMNS, main, notes)


def _state(main: Mapping[str, str], notes: RowMessages) -> dict[str, object]:
    """Return whether it is active, if the file says so: a blank cell says nothing."""
    published = _known_word(main, "published", "Published", _YES | _NO, notes)
    status = _known_word(main, "status", "Status", _STATUSES, notes)
    if not published and not status:
        return {}
    return {"is_active": published not in _NO and status in ("", "active")}


def _known_word(
    main: Mapping[str, str], name: str, label: str, known: frozenset[str], notes: RowMessages
) -> str:
    word = main.get(name, "").lower()
    if not word or word in known:
        return word
    notes.add_warning(
        "is_active", f"{label} is '{escape_control(word)}', which says nothing here: passed over"
    )
    return ""


def _attributes(
    main: Mapping[str, str],
    variants: Sequence[ShopifyRow],
    names: Sequence[str],
    notes: RowMessages,
) -> dict[str, str]:
    found = {name: main[name] for name in names if main[name]}
    if len(variants) == 1 and (barcode := variants[0].cells.get("barcode")):
        found["Barcode"] = barcode
    return fit_attributes(found | shared_weight(variants, notes), notes)
