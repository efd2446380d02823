"""One product of WooCommerce's, put together from its row and those of its variations."""

import html as entities
from collections.abc import Sequence

from eggypro_adapters.files.attributes import fit_attributes
from eggypro_adapters.files.html import plain_text
from eggypro_adapters.files.images import product_images
from eggypro_adapters.files.product_record import optional_texts
from eggypro_adapters.files.row_messages import RowMessages
from eggypro_adapters.files.woocommerce.columns import SIZES, TEXT_COLUMNS, WooCommerceColumns
from eggypro_adapters.files.woocommerce.rows import WooCommerceRow
from eggypro_adapters.files.woocommerce.texts import description_html, split_list
from eggypro_adapters.files.woocommerce.variants import (
    is_published,
    parse_options,
    parse_price,
    price_fields,
    row_attributes,
    stock_fields,
    variant_fields,
)
from eggypro_core.domain.product_fields import FORBIDDEN_NAME_CHARACTERS
from eggypro_core.domain.product_files import ImportEntry
from eggypro_core.errors import FieldError
from eggypro_core.validation.fields import escape_control

_SKIPPED_KINDS = frozenset({"grouped", "external"})
_MAX_DESCRIPTION_LENGTH = 5000
_MAX_CATEGORY_NAME_LENGTH = 100
_WITHOUT_SIGNS = str.maketrans(dict.fromkeys(FORBIDDEN_NAME_CHARACTERS, " "))
_MAX_HTML_LENGTH = 200_000
"""Characters of HTML that are looked at for the description: details may not be longer anyway."""


def parse_product(rows: Sequence[WooCommerceRow], columns: WooCommerceColumns) -> ImportEntry:
    """Return the product that some rows make. Its slug is made of its name."""
    mains = [row for row in rows if row.kind != "variation"]
    if len(mains) != 1:
        return _rejected_entry(rows, mains)
    notes = RowMessages(mains[0].line)
    variations = [row for row in rows if row is not mains[0]]
    values = _values(mains[0], variations, columns, notes)
    return ImportEntry(
        notes.line, None if notes.errors else values, tuple(notes.errors), tuple(notes.warnings)
    )


def _rejected_entry(rows: Sequence[WooCommerceRow], mains: Sequence[WooCommerceRow]) -> ImportEntry:
    line = rows[0].line
    if mains:
        lines = " and ".join(str(row.line) for row in mains[:2])
        fault = FieldError("id", f"Lines {lines} are one and the same product")
    else:
        parent = escape_control(rows[0].cells.get("parent", ""))
        fault = FieldError("parent", f"The parent '{parent}' is not in the file")
    return ImportEntry(line, None, (fault,))


def _values(
    main: WooCommerceRow,
    variations: Sequence[WooCommerceRow],
    columns: WooCommerceColumns,
    notes: RowMessages,
) -> dict[str, object] | None:
    """Return what is imported of a product, None for one that is skipped."""
    if main.kind in _SKIPPED_KINDS:
        article = "an" if main.kind == "external" else "a"
        notes.add_warning("type", f"Skipped: {article} {main.kind} product")
        return None
    offer = _offer(main, variations, columns, notes)
    if offer is None:
        if not notes.errors:
            notes.add_warning("price", "Skipped: no price")
        return None
    if main.kind not in {"simple", "variable"} and not variations:
        notes.add_warning(
            "type", f"Type '{escape_control(main.kind)}' is taken as a simple product"
        )
    return {
        **_texts(main, notes),
        **offer,
        **_state(main, notes),
        **_categories(main, notes),
        **_images(main, variations, notes),
        **_attributes(main, variations, columns, notes),
    }


def _offer(
    main: WooCommerceRow,
    variations: Sequence[WooCommerceRow],
    columns: WooCommerceColumns,
    notes: RowMessages,
) -> dict[str, object] | None:
    """Return SKU, prices and stock, or the variants that have them; None without any price."""
    values: dict[str, object] = {}
    if "sku" in main.cells:
        values["sku"] = main.cells["sku"] or None
    if not {"price", "sale_price"} & main.cells.keys():
        if variations:
            notes.add_warning("variants", "No column of prices: the variants are left alone")
            return values
        return values | stock_fields(main, notes)
    if len(variations) > 1 or any(parse_options(row, columns) for row in variations):
        variants = variant_fields(main, variations, columns, notes)
        return {**values, "variants": variants} if variants else None
    row = variations[0] if variations else main
    cost = parse_price(row, notes)
    return values | price_fields(row, cost) | stock_fields(row, notes) if cost else None


def _texts(main: WooCommerceRow, notes: RowMessages) -> dict[str, object]:
    cells = main.cells
    values: dict[str, object] = {}
    if cells["name"]:
        values["name"] = plain_text(cells["name"])
    if "description" in cells:
        values["details"] = description_html(cells["description"])
    if "description" in cells or "short" in cells:
        source = cells.get("short") or cells.get("description", "")
        text = plain_text(description_html(source[:_MAX_HTML_LENGTH]))
        values["description"] = notes.shorten(
            text, "description", "Description", _MAX_DESCRIPTION_LENGTH
        )
    return values | optional_texts(TEXT_COLUMNS, cells, notes)


def _state(main: WooCommerceRow, notes: RowMessages) -> dict[str, object]:
    word = main.cells.get("published", "")
    published = is_published(main)
    if word and published is None:
        why = f"Published is '{escape_control(word)}', which says nothing here: passed over"
        notes.add_warning("is_active", why)
    return {} if published is None else {"is_active": published}


def _categories(main: WooCommerceRow, notes: RowMessages) -> dict[str, object]:
    """Return the categories of a product, each by the names from the root."""
    if "categories" not in main.cells:
        return {}
    named = (entities.unescape(path).split(">") for path in split_list(main.cells["categories"]))
    found = ([name for part in path if (name := _category_name(part, notes))] for path in named)
    return {"categories": [path for path in found if path]}


def _category_name(text: str, notes: RowMessages) -> str:
    """Return the name of a category, with spaces for the signs that none may have."""
    name = " ".join(text.translate(_WITHOUT_SIGNS).split())
    return notes.shorten(
        name, "categories", "The name of a category", _MAX_CATEGORY_NAME_LENGTH
    ).strip()


def _images(
    main: WooCommerceRow, variations: Sequence[WooCommerceRow], notes: RowMessages
) -> dict[str, object]:
    if "images" not in main.cells:
        return {}
    named = [image for row in (main, *variations) for image in split_list(row.cells["images"])]
    return {"images": product_images(((image, "") for image in named), notes)}


def _attributes(
    main: WooCommerceRow,
    variations: Sequence[WooCommerceRow],
    columns: WooCommerceColumns,
    notes: RowMessages,
) -> dict[str, object]:
    """Return the attributes of a product, but for those that are options of its variations."""
    if not (columns.attributes or columns.units or columns.attribute_pairs):
        return {}
    cells = main.cells
    found = {name.removeprefix("meta:"): cells[name] for name in columns.attributes}
    for name in SIZES:
        found[name] = f"{cells[name]} {columns.units[name]}" if cells.get(name) else ""
    varied = {name for row in variations for name in parse_options(row, columns)}
    found = {name: entities.unescape(text) for name, text in found.items()}
    found |= {name: text for name, text in row_attributes(main, columns) if name not in varied}
    kept = fit_attributes({name: text for name, text in found.items() if name and text}, notes)
    return {"attributes": kept}
