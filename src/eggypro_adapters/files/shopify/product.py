"""One product of Shopify's, put together from its rows."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from eggypro_adapters.files.attributes import fitting
from eggypro_adapters.files.html import plain_text
from eggypro_adapters.files.product_record import optional_texts
from eggypro_adapters.files.row_messages import Notes
from eggypro_adapters.files.shopify.columns import TEXT_COLUMNS
from eggypro_adapters.files.shopify.images import images
from eggypro_adapters.files.shopify.rows import ProductRow
from eggypro_adapters.files.shopify.variants import are_real, several, single, weight
from eggypro_core.domain.product_files import ImportEntry
from eggypro_core.validation.fields import printable

_DESCRIPTION = 5000
_HTML = 200_000
"""Characters of HTML that are looked at for the description: details may not be longer anyway."""
_MOST_PARTS = 5
_YES = frozenset({"true", "yes", "1"})
_NO = frozenset({"false", "no", "0"})
_STATUSES = frozenset({"active", "draft", "archived"})


def product(rows: Sequence[ProductRow], attributes: Sequence[str]) -> ImportEntry:
    """Return the product that the rows of one handle make; `attributes` names those columns."""
    notes = Notes(rows[0].line)
    _warn_of_gaps(rows, notes)
    if "price" in rows[0].cells and not any(row.cells["price"] for row in rows):
        notes.warn("price", "Skipped: no price")
        return ImportEntry(notes.line, None, warnings=tuple(notes.warnings))
    values = _values(rows, attributes, notes)
    return ImportEntry(
        notes.line, None if notes.faults else values, tuple(notes.faults), tuple(notes.warnings)
    )


def _values(
    rows: Sequence[ProductRow], attributes: Sequence[str], notes: Notes
) -> dict[str, object]:
    main = next((row for row in rows if row.cells.get("title")), rows[0]).cells
    variants = [row for row in rows if row.is_variant]
    values: dict[str, object] = {"slug": main["handle"].lower()}
    values |= _texts(main, notes) | _state(main, notes)
    if are_real(variants):
        values |= several(variants, rows, notes)
    else:
        values |= single(variants, notes)
        if "sku" in main:
            values["sku"] = (variants[0].cells if variants else main)["sku"] or None
    if "image" in main or "variant_image" in main:
        values["images"] = images([row.cells for row in rows], notes)
    if attributes or "barcode" in main or "grams" in main:
        values["attributes"] = _attributes(main, variants, attributes, notes)
    return values


def _warn_of_gaps(rows: Sequence[ProductRow], notes: Notes) -> None:
    if rows[-1].number - rows[0].number == len(rows) - 1:
        return
    parts = [rows[0], *(b for a, b in pairwise(rows) if b.number != a.number + 1)]
    lines = [str(row.line) for row in parts[:_MOST_PARTS]]
    named = ", ".join([*lines, "..."] if len(parts) > _MOST_PARTS else lines)
    notes.warn("slug", f"The rows of this product are not together (lines {named}): taken as one")


def _texts(main: Mapping[str, str], notes: Notes) -> dict[str, object]:
    values: dict[str, object] = {"name": main["title"]} if main.get("title") else {}
    if "body" in main:
        text = plain_text(main["body"][:_HTML])
        values["details"] = main["body"]
        values["description"] = notes.shortened(text, "description", "Description", _DESCRIPTION)
    return values | optional_texts(TEXT_COLUMNS, main, notes)


def _state(main: Mapping[str, str], notes: Notes) -> dict[str, object]:
    """Return whether it is active, if the file says so: a blank cell says nothing."""
    published = _word(main, "published", "Published", _YES | _NO, notes)
    status = _word(main, "status", "Status", _STATUSES, notes)
    if not published and not status:
        return {}
    return {"is_active": published not in _NO and status in ("", "active")}


def _word(
    main: Mapping[str, str], name: str, label: str, known: frozenset[str], notes: Notes
) -> str:
    word = main.get(name, "").lower()
    if not word or word in known:
        return word
    notes.warn("is_active", f"{label} is '{printable(word)}', which says nothing here: passed over")
    return ""


def _attributes(
    main: Mapping[str, str],
    variants: Sequence[ProductRow],
    names: Sequence[str],
    notes: Notes,
) -> dict[str, str]:
    found = {name: main[name] for name in names if main[name]}
    if len(variants) == 1 and (barcode := variants[0].cells.get("barcode")):
        found["Barcode"] = barcode
    return fitting(found | weight(variants, notes), notes)
