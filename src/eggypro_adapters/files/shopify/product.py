"""Parse a product from its rows in Shopify's CSV."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from eggypro_adapters.files.html import plain_text
from eggypro_adapters.files.row_messages import RowMessages
from eggypro_adapters.files.shopify.columns import TEXT_COLUMNS, ShopifyColumns
from eggypro_adapters.files.shopify.images import images_of_rows
from eggypro_adapters.files.shopify.rows import ShopifyRow
from eggypro_adapters.files.shopify.variants import (
    NO,
    YES,
    has_real_variants,
    offer_fields,
    variant_fields,
)
from eggypro_adapters.files.unused_columns import UnusedColumns
from eggypro_core.domain.product_files import ImportEntry
from eggypro_core.validation.fields import escape_control

_MAX_LISTED_LINES = 5
_STATUSES = frozenset({"active", "unlisted", "draft", "archived"})
_ON_SALE_STATUSES = frozenset({"", "active", "unlisted"})
_PRODUCT_CELLS = frozenset(
    {"handle", "title", "body", "vendor", "tags", "published", "status", *TEXT_COLUMNS}
)


def parse_product(
    rows: Sequence[ShopifyRow], columns: ShopifyColumns, unused: UnusedColumns
) -> ImportEntry:
    """Return the product of one handle's rows.

    Columns of variants that the product cannot have are counted in `unused`.
    """
    messages = RowMessages(rows[0].line)
    _warn_of_gaps(rows, messages)
    variant_rows = [row for row in rows if row.is_variant]
    main = _product_cells(rows, columns)
    values = _texts(main) | _state(main, columns, messages)
    has_variants = has_real_variants(variant_rows)
    if has_variants:
        values |= variant_fields(variant_rows, rows, messages)
    else:
        values |= offer_fields(variant_rows or rows[:1], messages)
    if "image" in main:
        values["images"] = images_of_rows([row.cells for row in rows])
    edits = {
        name: main[column] or None for column, name in columns.attributes.items()
    } | _variant_attributes(variant_rows or rows[:1], columns, unused)
    if edits:
        values["attribute_edits"] = edits
    return ImportEntry(
        messages.line,
        None if messages.errors else values,
        tuple(messages.errors),
        tuple(messages.warnings),
        variant_lines=tuple(row.line for row in variant_rows) if has_variants else (),
        has_no_variants=not has_variants and any(row.has_default_title for row in variant_rows),
    )


def _warn_of_gaps(rows: Sequence[ShopifyRow], messages: RowMessages) -> None:
    if rows[-1].number - rows[0].number == len(rows) - 1:
        return
    starts = [rows[0], *(row for before, row in pairwise(rows) if row.number != before.number + 1)]
    lines = [str(row.line) for row in starts[:_MAX_LISTED_LINES]]
    listed = ", ".join([*lines, "..."] if len(starts) > _MAX_LISTED_LINES else lines)
    handle = escape_control(rows[0].cells["handle"])
    message = (
        f"The rows of handle '{handle}' are not together (lines {listed}): imported as one product"
    )
    messages.add_warning("slug", message, value=handle)


def _product_cells(rows: Sequence[ShopifyRow], columns: ShopifyColumns) -> Mapping[str, str]:
    """Return the cells of the first row with a title; other rows fill its blank product cells."""
    main = next((row for row in rows if row.cells.get("title")), rows[0])
    others = [row for row in rows if row is not main]
    if not others:
        return main.cells
    return dict(main.cells) | {
        name: next(filter(None, (row.cells[name] for row in others)), "")
        for name, cell in main.cells.items()
        if not cell and (name in _PRODUCT_CELLS or name in columns.attributes)
    }


def _texts(main: Mapping[str, str]) -> dict[str, object]:
    values: dict[str, object] = {"slug": main["handle"]} if main["handle"] else {}
    if main.get("title"):
        values["name"] = main["title"]
    if "body" in main:
        values["details"] = main["body"]
        values["description"] = plain_text(main["body"])
    if "vendor" in main:
        values["brand"] = main["vendor"] or None
    if "tags" in main:
        values["tags"] = [tag for text in main["tags"].split(",") if (tag := text.strip())]
    return values | {name: main[name] or None for name in TEXT_COLUMNS if name in main}


def _state(
    main: Mapping[str, str], columns: ShopifyColumns, messages: RowMessages
) -> dict[str, object]:
    """Return `is_active` and `is_listed`; blank cells leave them unchanged."""
    words = {"published": YES | NO, "status": _STATUSES}
    for name, known in words.items():
        if (text := main.get(name, "")) and text.lower() not in known:
            column = columns.texts[name]
            message = f"Unknown {column} value '{escape_control(text)}': ignored"
            messages.add_warning("is_active", message, column=column, value=text)
    published, status = (
        word if (word := main.get(name, "").lower()) in known else ""
        for name, known in words.items()
    )
    values: dict[str, object] = {}
    if published or status:
        values["is_active"] = published not in NO and status in _ON_SALE_STATUSES
    if status in ("active", "unlisted"):
        values["is_listed"] = status == "active"
    return values


def _variant_attributes(
    rows: Sequence[ShopifyRow], columns: ShopifyColumns, unused: UnusedColumns
) -> dict[str, str | None]:
    """Return the metafields of variants that are the same for all of them."""
    edits: dict[str, str | None] = {}
    for column, name in columns.variant_attributes.items():
        cells = {row.cells[column] for row in rows}
        if len(cells) == 1:
            edits[name] = cells.pop() or None
        else:
            for row in rows:
                unused.add(column, row.cells[column], row.line)
    return edits
